// A cookie in which one bit differs is no cookie, wherever the bit stands; and nor is the
// X-XSRF-TOKEN made of one. Straight to the pool: nginx itself refuses half of these.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { isMismatch, isMissing, isUnauthenticated, refusedCounts, whysOf } from './lib/browser-expect.mjs';
import { isError } from './lib/expect.mjs';
import { COOKIE, PAGE, cookieOf, logIn, xsrf } from './lib/login.mjs';
import { inParallel } from './lib/parallel.mjs';
import { example, routes } from './lib/routes.mjs';
import { startStack } from './lib/stack.mjs';

const UNKNOWN = '00000000-0000-4000-8000-000000000000';

let stack, ana, earlier;
before(async () => {
  stack = await startStack();
  ana = await logIn(stack);
  await ana.account();
  earlier = await stack.checksum();
});
after(async () => {
  if (stack) assert.equal(await stack.checksum(), earlier, 'nothing is stored');
  await stack?.stop();
});

/** The text with this bit of its bytes turned; a Buffer, for it may be no text any more. */
function turn(text, bit) {
  const bytes = Buffer.from(text);
  bytes[bit >> 3] ^= 1 << (bit & 7);
  return bytes;
}
const everyBit = (text) => Array.from({ length: Buffer.byteLength(text) * 8 }, (_, bit) => turn(text, bit));

const latin = (bytes) => bytes.toString('latin1');
async function straight(method, path, headers) {
  const raw = Object.fromEntries(Object.entries(headers).map(([name, value]) => [`HTTP_${name}`, value]));
  return stack.fcgi(method, path, { params: { HTTP_ACCEPT: 'application/json', ...raw } });
}

describe('of the session cookie every bit counts', () => {
  for (const cipher of ['cbc', 'gcm']) {
    test(`encrypted in ${cipher.toUpperCase()}`, async () => {
      const value = cookieOf(stack, ana.session, { cipher }).slice(COOKIE.length + 1);
      const whole = await straight('GET', PAGE, { COOKIE: `${COOKIE}=${value}` });
      assert.equal(whole.status, 200, whole.text);
      const turned = everyBit(value);
      const answers = await inParallel(turned, (bytes) => straight('GET', PAGE,
        { COOKIE: Buffer.concat([Buffer.from(`${COOKIE}=`), bytes]) }));
      answers.forEach((answer, i) => assert.equal(answer.status, 401, `${latin(turned[i])}: ${answer.text}`));
      assert.equal(new Set(answers.map(({ text }) => text)).size, 1, 'the client learns nothing of where it stood');
      isUnauthenticated(answers[0]);
      const whys = new Set(await whysOf(stack, answers));
      for (const why of whys) assert.ok(['malformed', 'mac'].includes(why), why);
      assert.ok(whys.has('mac') && whys.has('malformed'));
    });
  }

  test('and of its name', async () => {
    const turned = everyBit(COOKIE);
    const answers = await inParallel(turned, (bytes) => straight('GET', PAGE,
      { COOKIE: Buffer.concat([bytes, Buffer.from(ana.cookie.slice(COOKIE.length))]) }));
    answers.forEach((answer, i) => assert.equal(answer.status, 401, latin(turned[i])));
  });

  test('in every row of the routing table', async () => {
    const value = ana.cookie.slice(COOKIE.length + 1);
    for (const row of (await routes(stack)).filter(({ ways }) => ways.includes('login'))) {
      for (let bit = 3; bit < value.length * 8; bit += 97) {
        const answer = await straight(row.method, example(row, UNKNOWN), { X_CSRF_TOKEN: ana.session.token,
          COOKIE: Buffer.concat([Buffer.from(`${COOKIE}=`), turn(value, bit)]) });
        if (row.path.startsWith('/api/')) isError(answer, 401);
        else isUnauthenticated(answer);
      }
    }
  });
});

describe('of X-XSRF-TOKEN every bit counts', () => {
  const path = `${PAGE}/${UNKNOWN}/set-primary`;
  for (const cipher of ['cbc', 'gcm']) {
    test(`encrypted in ${cipher.toUpperCase()}`, async () => {
      const value = xsrf(stack, ana.session.token, { cipher });
      isMissing(await straight('POST', path, { COOKIE: ana.cookie, X_XSRF_TOKEN: value }));
      const turned = everyBit(value);
      const before = (await refusedCounts(stack)).csrf_mismatch ?? 0;
      const answers = await inParallel(turned, (bytes) => straight('POST', path,
        { COOKIE: ana.cookie, X_XSRF_TOKEN: bytes }));
      answers.forEach((answer, i) => assert.equal(answer.status, 419, `${latin(turned[i])}: ${answer.text}`));
      isMismatch(answers[0]);
      assert.equal(new Set(answers.map(({ text }) => text)).size, 1);
      assert.deepEqual([...new Set(await whysOf(stack, answers))], ['csrf_mismatch']);
      assert.equal((await refusedCounts(stack)).csrf_mismatch - before, turned.length);
    });
  }
});

test('of X-CSRF-TOKEN every bit counts', async () => {
  const answers = await inParallel(everyBit(ana.session.token), (bytes) => straight('POST',
    `${PAGE}/${UNKNOWN}/set-primary`, { COOKIE: ana.cookie, X_CSRF_TOKEN: bytes }));
  for (const answer of answers) isMismatch(answer);
});

test('nothing of what was sent is in the log', () => {
  const log = stack.log();
  for (const secret of [ana.session.id, ana.session.token, ana.cookie.slice(-60), ana.cookie.slice(20, 80)]) {
    assert.ok(!log.includes(secret));
  }
});
