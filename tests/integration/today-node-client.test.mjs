// The tests' stand-in for the Node.js service of today: what it sends, and what it sends once more. What the pool is
// shown with it is worth no more than this.

import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { call } from './lib/http.mjs';
import { WEBHOOK } from './lib/node-request.mjs';
import { startPeer } from './lib/peer.mjs';
import { until } from './lib/processes.mjs';
import { signature } from './lib/sign.mjs';
import { startTodayNode } from './lib/today-node.mjs';

const SECRET = 'a secret of this test';
const SESSION = 'webjs_3_1763000000_anything';
const NUMBER = '6281234567890';

let pool, service;
before(async () => {
  pool = await startPeer({ answer: () => ({ body: { status: 'processed' } }) });
});
after(() => pool?.stop());
beforeEach(() => begin());
afterEach(async () => {
  await service.stop();
  await pool.stop();
  pool.behave(undefined);
  pool.forget();
  await pool.start();
});

async function begin(options) {
  service = await startTodayNode({ scale: 0.02, secret: SECRET, pool: `http://127.0.0.1:${pool.port}`, qrAfterMs: 10,
    ...options });
}
async function connect() {
  const answer = await call(`${service.url}/api/sessions`, { method: 'POST',
    body: JSON.stringify({ workspace_id: 3, account_id: 7, session_id: SESSION, api_key: service.key }),
    headers: { 'Content-Type': 'application/json', 'X-API-Key': service.key } });
  assert.equal(answer.status, 200);
  await until('it tells of its code', () => service.told.length > 0);
}
const eventsOf = () => pool.requests.map(({ json }) => json.event);

test('a pairing is four kinds of reports to the webhook, each signed, about a session and a workspace', async () => {
  await connect();
  await pool.received(1);
  await service.scan(SESSION, NUMBER);
  await service.unlink(SESSION);
  await service.silent();
  assert.deepEqual(eventsOf(), ['qr_code_generated', 'session_authenticated', 'session_ready', 'session_disconnected']);
  for (const { method, url, headers, text, json } of pool.requests) {
    assert.deepEqual([method, url, headers['content-type']], ['POST', WEBHOOK, 'application/json']);
    assert.equal(headers['x-hmac-signature'], signature(SECRET, headers['x-timestamp'], text));
    assert.equal(headers['x-api-key'], undefined);
    assert.deepEqual(Object.keys(json), ['event', 'data']);
    assert.deepEqual([json.data.workspace_id, json.data.session_id, json.data.account_id], [3, SESSION, undefined]);
  }
  const [code, authenticated, ready, ended] = pool.requests.map(({ json }) => json.data);
  assert.match(code.qr_code, /^data:image\/png;base64,/);
  assert.equal(code.expires_in, 60);
  assert.equal(authenticated.status, 'authenticated');
  assert.equal(ready.phone_number, NUMBER);
  assert.equal(ended.reason, 'LOGOUT');
  assert.deepEqual(service.lost(), []);
});

test('a failure is a report too', async () => {
  await connect();
  await service.fail(SESSION, 'The page has crashed.');
  assert.deepEqual([pool.requests.at(-1).json.event, pool.requests.at(-1).json.data.message],
    ['session_error', 'The page has crashed.']);
});

describe('a report is tried', () => {
  /** What is sent while the pool behaves so; the service's own record of it. */
  async function told(behaviour, options) {
    if (options) {
      await service.stop();
      await begin(options);
    }
    pool.behave(behaviour);
    await connect();
    await service.silent();
    return service.told[0];
  }

  test('four times when it is answered with 429, after one, two and four seconds, signed anew', async () => {
    const { answers, pauses } = await told(() => ({ status: 429, body: { error: 'later' } }), { scale: 0.4 });
    assert.deepEqual([answers, pauses], [[429, 429, 429, 429], [1000, 2000, 4000]]);
    assert.deepEqual(service.lost().map(({ event }) => event), ['qr_code_generated']);
    assert.equal(new Set(pool.requests.map(({ text }) => text)).size, 1);
    for (const { headers, text } of pool.requests) {
      assert.equal(headers['x-hmac-signature'], signature(SECRET, headers['x-timestamp'], text));
    }
    assert.ok(new Set(pool.requests.map(({ headers }) => headers['x-timestamp'])).size > 1);
  });

  test('until it is answered otherwise', async () => {
    const { answers } = await told(() => (pool.requests.length < 3 ? { status: 429, body: {} } : undefined));
    assert.deepEqual(answers, [429, 429, 200]);
    assert.deepEqual(service.lost(), []);
  });

  test('four times when nobody answers, after two, four and eight seconds', async () => {
    const { answers, pauses } = await told(() => 'hang');
    assert.deepEqual([answers, pauses], [Array(4).fill('ETIMEDOUT'), [2000, 4000, 8000]]);
  });

  test('four times when the connection is refused, after two, four and eight seconds', async () => {
    await pool.stop();
    const { answers, pauses } = await told();
    assert.deepEqual([answers, pauses], [Array(4).fill('ECONNREFUSED'), [2000, 4000, 8000]]);
  });

  for (const [what, behaviour, answer] of [
    ['is answered with 500', () => ({ status: 500, body: 'no' }), 500],
    ['is answered with 503', () => ({ status: 503, headers: { 'Retry-After': '1' }, body: {} }), 503],
    ['is broken off', () => 'drop', 'ECONNRESET'],
    ['is refused', () => ({ status: 422, body: {} }), 422],
  ]) {
    test(`once when it ${what}`, async () => assert.deepEqual((await told(behaviour)).answers, [answer]));
  }
});

describe('after a start', () => {
  const session = (session_id) => ({ id: 7, session_id, workspace_id: 3, status: 'connected', provider_type: 'webjs' });
  const list = (...sessions) => ({ status: 200, body: { success: true, accounts: [],
    sessions: sessions.map(session) } });

  test('it asks with its key and its address, and does not sign', async () => {
    pool.behave(() => list());
    await service.restore();
    const [{ method, url, headers }] = pool.requests;
    assert.deepEqual([method, url], ['GET', '/api/whatsapp/accounts/active']);
    assert.deepEqual([headers['x-api-key'], headers['x-instance-url']], [service.key, service.url]);
    assert.equal(headers['x-timestamp'] ?? headers['x-hmac-signature'], undefined);
  });

  test('what it has a device for comes back by itself, what it has none for is marked as disconnected', async () => {
    service.linked.set(SESSION, NUMBER);
    pool.behave(({ method }) => (method === 'GET' ? list(SESSION, 'webjs_3_1763000000_gone') : undefined));
    await service.restore();
    await pool.received(4);
    await service.silent();
    const [, mark, ...reports] = pool.requests;
    assert.deepEqual([mark.method, mark.url], ['POST',
      '/api/whatsapp/sessions/webjs_3_1763000000_gone/mark-disconnected']);
    assert.deepEqual([mark.headers['x-api-key'], mark.headers['x-timestamp'], mark.json.workspace_id],
      [service.key, undefined, 3]);
    assert.deepEqual(reports.map(({ json }) => [json.event, json.data.session_id]),
      [['session_authenticated', SESSION], ['session_ready', SESSION]]);
    assert.equal(service.sessions.get(SESSION).status, 'connected');
  });

  test('a 401 is nothing to restore', async () => {
    pool.behave(() => ({ status: 401, body: { error: 'Invalid API key' } }));
    assert.equal((await service.restore()).status, 401);
    await service.silent();
    assert.deepEqual([service.sessions.size, pool.requests.length], [0, 1]);
  });

  test('with the disk of another service it is that one once more', async () => {
    await connect();
    await service.scan(SESSION, NUMBER);
    const { linked, key, port } = service;
    await service.stop();
    await begin({ linked, key, port });
    pool.forget();
    pool.behave(({ method }) => (method === 'GET' ? list(SESSION) : undefined));
    await service.restore();
    await pool.received(3);
    await until('it is connected', () => service.sessions.get(SESSION).phone_number === NUMBER);
  });
});
