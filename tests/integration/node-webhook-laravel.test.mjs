// What the Node.js service reports by its webhook and is not about an account: the pool looks at the signature, and
// nginx hands the same request to Laravel.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { isError } from './lib/expect.mjs';
import { startLaravel } from './lib/laravel.mjs';
import { WEBHOOK } from './lib/node-request.mjs';
import { signedHeaders, unixSeconds } from './lib/sign.mjs';
import { startStack } from './lib/stack.mjs';

let stack, laravel;
before(async () => {
  stack = await startStack();
  laravel = await startLaravel(stack);
});
after(() => stack?.stop());

const UTF8 = 'Halo "Budi" \\ ü 日本 😀 </script>\u2028\t';
/** A body of exactly so many bytes: a message whose text is made of `unit`. */
function message(size, unit, event = 'message_received') {
  const filling = Buffer.isBuffer(unit) ? unit : Buffer.from(JSON.stringify(unit).slice(1, -1));
  const head = Buffer.from(`{"event":"${event}","data":{"workspace_id":1,"session_id":"webjs_1_1763000000_x","body":"`);
  const tail = Buffer.from('"}}');
  const space = size - head.length - tail.length;
  const times = Math.floor(space / filling.length);
  return Buffer.concat([head, ...Array(times).fill(filling), Buffer.alloc(space - times * filling.length, 'x'), tail]);
}
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
const post = (body, { path = WEBHOOK, headers } = {}) => stack.signed('POST', path, body, { headers });

/** Laravel has got this body, and nothing else. */
function arrived(answer, body, event) {
  assert.equal(answer.status, 200, `${answer.text}\n${laravel.log().slice(-2000)}`);
  const got = answer.json;
  assert.deepEqual([got.method, got.size, got.sha256], ['POST', body.length, sha256(body)]);
  if (event !== undefined) assert.equal(got.event, event);
  return got;
}

describe('a message arrives byte for byte', () => {
  for (const [size, what] of [[60_000, '60 kB'], [300_000, '300 kB'], [2_000_000, '2 MB'], [7_000_000, '7 MB']]) {
    test(`${what} of UTF-8`, async () => {
      const body = message(size, UTF8);
      assert.equal(body.length, size);
      arrived(await post(body), body, 'message_received');
    });
    test(`${what} of base64, as media comes`, async () => {
      const body = message(size, randomBytes(3000).toString('base64'));
      arrived(await post(body), body, 'message_received');
    });
  }

  test('with bytes in it that are no UTF-8', async () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i).filter((i) => i >= 32 && ![34, 92].includes(i)));
    for (const size of [60_000, 300_000, 2_000_000]) {
      const body = message(size, bytes);
      arrived(await post(body), body);
    }
  });

  test('in pieces', async () => {
    const body = message(300_000, UTF8);
    arrived(await post(body, { headers: { 'Transfer-Encoding': 'chunked' } }), body, 'message_received');
  });

  test('many at once, each its own', async () => {
    const bodies = Array.from({ length: 24 }, (_, i) => message(20_000 + 1000 * i, `${i} ${UTF8}`));
    const answers = await Promise.all(bodies.map((body) => post(body)));
    answers.forEach((answer, i) => arrived(answer, bodies[i], 'message_received'));
  });
});

test('its headers, its method and its query arrive with it', async () => {
  const body = message(60_000, UTF8);
  const proof = signedHeaders(stack.secret, body);
  const answer = await stack.call('POST', `${WEBHOOK}?a=b%20c`, { body, headers: { ...proof,
    'Content-Type': 'application/json; charset=utf-8', 'User-Agent': 'axios/1.7.2' } });
  const { uri, headers } = arrived(answer, body, 'message_received');
  assert.equal(uri, `${WEBHOOK}?a=b%20c`);
  assert.deepEqual([headers['content-type'], headers['content-length'], headers['user-agent'], headers['x-timestamp'],
    headers['x-hmac-signature']], ['application/json; charset=utf-8', String(body.length), 'axios/1.7.2',
    proof['X-Timestamp'], proof['X-HMAC-Signature']]);
});

test('every event that is none of ours is Laravel\'s, also without a name or of another type', async () => {
  for (const event of ['message_received', 'message_sent', 'chat_synced', 'SESSION_READY', 'session_ready ',
    'qr-code-generated', 'account-status-changed', '', 5, null, undefined, ['session_ready'], { a: 1 }]) {
    const body = Buffer.from(JSON.stringify({ event, data: { workspace_id: 'any', session_id: ['thing'] } }));
    arrived(await post(body), body);
  }
});

test('what is about an account never gets there', async () => {
  const account = await stack.account({ workspace_id: await stack.workspace() });
  const answer = await post({ event: 'session_authenticated', data: { workspace_id: account.workspace_id,
    session_id: account.session_id, status: 'authenticated' } });
  assert.deepEqual([answer.status, answer.json], [200, { status: 'processed' }]);
});

test('nor does what is not signed, or not rightly', async () => {
  const body = message(60_000, UTF8);
  isError(await stack.call('POST', WEBHOOK, { body }), 401, 'Missing required security headers');
  isError(await stack.signed('POST', WEBHOOK, body, { secret: 'another secret of theirs' }), 401, 'Invalid signature');
  isError(await stack.signed('POST', WEBHOOK, body, { timestamp: unixSeconds() - 301 }), 401);
  const proof = signedHeaders(stack.secret, body);
  isError(await stack.call('POST', WEBHOOK, { body: Buffer.concat([body, Buffer.from(' ')]), headers: proof }), 401,
    'Invalid signature');
});

test('a client cannot send itself to Laravel, or anywhere else', async () => {
  const answer = await stack.call('POST', WEBHOOK, { body: '{}', headers: { 'X-Accel-Redirect': '@laravel' } });
  isError(answer, 401);
  assert.equal(answer.headers['x-accel-redirect'], undefined);
});

test('what Laravel refuses is refused in its words', async () => {
  await laravel.stop();
  try {
    const { status } = await post(message(1000, UTF8));
    assert.ok([429, 502, 503].includes(status), `${status}`);
  } finally {
    await laravel.restart();
  }
});

test('the pool and its events are there whether Laravel is or not', async () => {
  await laravel.stop();
  try {
    const account = await stack.account({ workspace_id: await stack.workspace() });
    const answer = await post({ event: 'session_authenticated', data: { workspace_id: account.workspace_id,
      session_id: account.session_id } });
    assert.equal(answer.status, 200, answer.text);
  } finally {
    await laravel.restart();
  }
});
