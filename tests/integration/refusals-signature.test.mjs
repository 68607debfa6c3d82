// The signature: what is no proof is refused with 401, and nothing is stored.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { BASE, isBroadcasted, isError } from './lib/expect.mjs';
import { connected } from './lib/fixtures.mjs';
import { callRaw } from './lib/http.mjs';
import { signature, signedHeaders, unixSeconds } from './lib/sign.mjs';
import { startStack } from './lib/stack.mjs';

const retired = [randomBytes(32).toString('hex'), randomBytes(24).toString('base64')];
const path = `${BASE}/broadcast`;
let stack, account, body, earlier;

before(async () => {
  stack = await startStack({ env: { WHATSAPP_HMAC_PREVIOUS_SECRETS: `${retired[0]}, ,${retired[1]},` } });
  account = await stack.account(connected({ workspace_id: await stack.workspace() }));
  body = JSON.stringify({ event: 'account-status-changed',
    data: { account_id: account.uuid, workspace_id: account.workspace_id, status: 'disconnected' } });
});
after(() => stack?.stop());

/** The report with these headers, or without them where they are undefined. */
function send(timestamp, proof, bytes = body) {
  const headers = { 'Content-Type': 'application/json' };
  if (timestamp !== undefined) headers['X-Timestamp'] = timestamp;
  if (proof !== undefined) headers['X-HMAC-Signature'] = proof;
  return stack.call('POST', path, { headers, body: bytes });
}
const sign = (timestamp, bytes = body, secret = stack.secret) => signature(secret, timestamp, bytes);

test('the signer gives the contract\'s vectors', () => {
  assert.equal(signature('test-secret', 1760321709, '{"event":"x","data":{}}'),
    'e85e72bf61cb97b32e5f84d22ac95fd0afced0e0d337a976d58603b53440a41c');
  assert.equal(signature('test-secret', 1760321709, ''),
    '36f16b7b3f531cfda3704ee536c2e1db09768cbe385988a5d26bd8410952cdbd');
});

describe('refused', () => {
  beforeEach(async () => (earlier = await stack.checksum()));
  afterEach(async () => assert.equal(await stack.checksum(), earlier, 'nothing is stored'));

  test('without one or both headers, or with an empty one', async () => {
    const now = String(unixSeconds());
    const incomplete = [[undefined, undefined], [now, undefined], [undefined, sign(now)], ['', sign(now)], [now, '']];
    for (const [timestamp, proof] of incomplete) {
      isError(await send(timestamp, proof), 401, 'Missing required security headers');
    }
  });

  test('an old and a future timestamp, signed as it is', async () => {
    for (const offset of [-86400, -3600, -330, 330, 3600, 86400 * 365]) {
      const timestamp = String(unixSeconds() + offset);
      isError(await send(timestamp, sign(timestamp)), 401, 'Request timestamp expired');
    }
    isError(await send('0000000000', sign('0000000000')), 401, 'Request timestamp expired');
    isError(await send('9999999999', sign('9999999999')), 401, 'Request timestamp expired');
  });

  test('a timestamp in milliseconds, with a sentence that says so', async () => {
    const timestamp = String(Date.now());
    isError(await send(timestamp, sign(timestamp)), 401, 'Request timestamp must be in seconds');
  });

  test('a timestamp that is no ten digits, signed as it is', async () => {
    const now = String(unixSeconds());
    const wrong = [
      'now', '1', '0', '1e9', '999999999', '18446744073709551616', '9'.repeat(500), '١٢٣٤٥٦٧٨٩٠',
      `-${now}`, `+${now}`, `0${now}`, `${now}.0`, `${now}x`, `x${now}`, `${now.slice(0, 4)} ${now.slice(4)}`,
      `0x${Number(now).toString(16)}`,
    ];
    for (const timestamp of wrong) {
      const latin = Buffer.from(timestamp).toString('latin1');
      isError(await send(latin, signature(stack.secret, Buffer.from(timestamp), body)), 401);
    }
  });

  test('a signature that is shorter, longer, in capitals, or no hex', async () => {
    const now = String(unixSeconds());
    const good = sign(now);
    const capitals = good.replace(/[a-f]/, (letter) => letter.toUpperCase());
    const wrong = [
      good.slice(0, 63), good.slice(1), good.slice(0, 32), `${good}0`, `${good}${good}`, good.toUpperCase(), capitals,
      `sha256=${good}`, `0x${good.slice(2)}`, Buffer.from(good, 'hex').toString('base64'),
      'x', 'g'.repeat(64), '0'.repeat(64), '0'.repeat(4000),
    ];
    for (const proof of wrong) {
      isError(await send(now, proof), 401, 'Invalid signature');
    }
  });

  test('a signature in which one digit differs, wherever it stands', async () => {
    const now = String(unixSeconds());
    const good = sign(now);
    for (let i = 0; i < good.length; i++) {
      const digit = good[i] === '0' ? '1' : '0';
      isError(await send(now, `${good.slice(0, i)}${digit}${good.slice(i + 1)}`), 401, 'Invalid signature');
    }
  });

  test('a signature of something else', async () => {
    const now = String(unixSeconds());
    const { secret } = stack;
    const others = {
      'with another secret': signature('x'.repeat(64), now, body),
      'with no secret': signature('', now, body),
      'of another time': signature(secret, now - 1, body),
      'of the body alone': signature(secret, '', body),
      'of the time alone': signature(secret, now, ''),
      'of both, the other way round': signature(secret, body, now),
      'of both, with a dot between': signature(secret, `${now}.`, body),
      'of both, with a line feed between': signature(secret, `${now}\n`, body),
      'of the same JSON, written otherwise': signature(secret, now, JSON.stringify(JSON.parse(body), null, 1)),
    };
    for (const proof of Object.values(others)) {
      isError(await send(now, proof), 401, 'Invalid signature');
    }
  });

  test('a body that was changed by one byte, wherever it stands, or cut, or made longer', async () => {
    const now = String(unixSeconds());
    const proof = sign(now);
    const bytes = Buffer.from(body);
    for (let i = 0; i < bytes.length; i += 5) {
      const changed = Buffer.from(bytes);
      changed[i] ^= 1;
      isError(await send(now, proof, changed), 401, 'Invalid signature');
    }
    for (const changed of [body.slice(0, -1), `${body} `, `${body}\0`, '', body + body]) {
      isError(await send(now, proof, changed), 401, 'Invalid signature');
    }
  });

  test('a GET whose signature is that of another time or secret', async () => {
    const now = unixSeconds();
    const ofAnotherTime = { ...signedHeaders(stack.secret, '', now), 'X-Timestamp': String(now - 1) };
    for (const headers of [signedHeaders('x'.repeat(64)), ofAnotherTime, signedHeaders(stack.secret, '{}')]) {
      isError(await stack.call('GET', `${BASE}/${account.uuid}/status`, { headers }), 401, 'Invalid signature');
    }
  });

  test('a login cookie or a bearer token in place of the signature', async () => {
    for (const headers of [{ Cookie: 'laravel_session=x' }, { Authorization: 'Bearer 1|x' }]) {
      isError(await stack.call('POST', path, { headers, body }), 401, 'Missing required security headers');
    }
  });

  test('a body that is shorter or longer than its Content-Length', async () => {
    const proof = signedHeaders(stack.secret, body);
    const fields = Object.entries(proof).map(([name, value]) => `${name}: ${value}`);
    const head = (length) => [`POST ${path} HTTP/1.1`, 'Host: localhost', 'Connection: close', ...fields,
      `Content-Length: ${length}`, '', ''].join('\r\n');
    const shorter = await callRaw(stack.port, head(body.length + 1) + body);
    assert.doesNotMatch(shorter, /^HTTP\/1\.1 2/);
    const longer = await callRaw(stack.port, head(body.length - 1) + body, { end: false });
    assert.match(longer, /^HTTP\/1\.1 401/);
    for (const length of ['-1', 'abc', '1e3', '99999999999999999999']) {
      assert.match(await callRaw(stack.port, head(length) + body, { end: false }), /^HTTP\/1\.1 4/, length);
    }
  });

  test('at the pool itself too, a body that is not as long as its CONTENT_LENGTH', async () => {
    const wrong = [body.length + 1, body.length - 1, 0, -1, 'abc', '', '99999999999999999999', `${body.length} `,
      `+${body.length}`];
    for (const length of wrong) {
      const answer = await stack.fcgiSigned('POST', path, body, { params: { CONTENT_LENGTH: length } });
      assert.ok([400, 401, 413].includes(answer.status), `${JSON.stringify(length)}: ${answer.status}`);
    }
  });
});

test('accepted: the retired secrets, within the time that a signature lasts', async () => {
  for (const secret of [...retired, stack.secret]) {
    isBroadcasted(await stack.signed('POST', path, body, { secret }));
    assert.equal((await stack.signed('GET', `${BASE}/${account.uuid}/status`, undefined, { secret })).status, 200);
  }
  for (const offset of [-270, 270]) isBroadcasted(await stack.signed('POST', path, body,
    { timestamp: unixSeconds() + offset }));
});

test('accepted: a body of any bytes, as it was received', async () => {
  const data = JSON.parse(body).data;
  for (const text of [JSON.stringify({ event: 'account-status-changed', data }, null, '\t'),
    `\r\n ${JSON.stringify({ data: { ...data, metadata: { 'é🎉': '\u2028' } }, event: 'account-status-changed' })} \n`,
    body.replace('disconnected', '\\u0064isconnected')]) {
    isBroadcasted(await stack.signed('POST', path, text));
  }
});
