// GET /api/whatsapp/accounts/{account}/status with a login: today's page polls it with its cookie while it waits for a
// phone. It is the Node.js service's route, and remains that for whoever signs.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { whysOf } from './lib/browser-expect.mjs';
import { BASE, isError, isNotFound } from './lib/expect.mjs';
import { connected, phone, utc } from './lib/fixtures.mjs';
import { join, logIn, newUser, newWorkspace } from './lib/login.mjs';
import { ask } from './lib/nginx.mjs';
import { WEBHOOK } from './lib/node-request.mjs';
import { isDeprecated, oldPath } from './lib/old-paths.mjs';
import { startStack } from './lib/stack.mjs';
import { makeTokenTable, newToken } from './lib/tokens.mjs';

const SCRIPT = 'application/json, text/plain, */*';
const MISSING = 'Missing required security headers';

let stack, ana, account;
before(async () => {
  stack = await startStack();
  await makeTokenTable(stack);
  ana = await logIn(stack);
  account = await ana.account(connected({ is_primary: 1 }));
});
after(() => stack?.stop());

const pathOf = ({ session_id }, query = '') => `${BASE}/${session_id}/status${query}`;
const poll = (who, path = pathOf(account), { from, headers } = {}) => ask(stack.port, 'GET', path, { from,
  headers: { Accept: SCRIPT, ...(who.cookie ? { Cookie: who.cookie } : {}), ...headers } });
const json = (answer) => answer.json();
/** As isError wants it. */
const asAnswer = (answer) => ({ ...answer, json: answer.json() });

describe('a login is shown', () => {
  test('what a signature is shown, by each name of the account', async () => {
    const signed = await stack.signed('GET', pathOf(account));
    for (const name of ['session_id', 'uuid', 'id']) {
      const answer = await poll(ana, `${BASE}/${account[name]}/status`);
      assert.equal(answer.status, 200, answer.text);
      assert.deepEqual(json(answer), signed.json);
    }
    assert.equal(json(await poll(ana)).phone_number, account.phone_number);
  });

  test('the same by the old path, which says so', async () => {
    const answer = await poll(ana, oldPath(pathOf(account)));
    assert.equal(isDeprecated(answer, pathOf(account)).status, 200, answer.text);
    assert.equal(json(answer).status, 'connected');
  });

  test('a pairing on its way, until it is connected and has a number', async () => {
    const pending = await ana.account();
    const seen = [];
    const look = async () => {
      const { status, phone_number, connection_status } = json(await poll(ana, oldPath(pathOf(pending))));
      seen.push([status, connection_status, phone_number]);
    };
    const tell = (event, more) => stack.signed('POST', WEBHOOK, { event, data: { workspace_id: ana.workspace,
      session_id: pending.session_id, ...more } });
    const number = phone();
    await look();
    for (const [event, more] of [['qr_code_generated', { qr_code: 'QR', expires_in: 60 }], ['session_authenticated',
      {}],
      ['session_ready', { phone_number: number }]]) {
      assert.equal((await tell(event, more)).status, 200);
      await look();
    }
    assert.deepEqual(seen, [['disconnected', 'disconnected', null], ['qr_scanning', 'connecting', null],
      ['connected', 'connected', null], ['connected', 'connected', number]]);
  });

  test('a number that was connected before as disconnected while it waits for a phone', async () => {
    const again = await ana.account({ connection_status: 'connecting', last_connected_at: utc(-7200),
      phone_number: phone() });
    const answer = json(await poll(ana, pathOf(again)));
    assert.deepEqual([answer.status, answer.connection_status], ['disconnected', 'connecting']);
    const signed = await stack.signed('GET', pathOf(again));
    assert.equal(signed.json.status, 'qr_scanning', 'the Node.js service knows better');
  });

  test('no new cookies: a late answer would put back what a login has just replaced', async () => {
    assert.equal((await poll(ana)).headers['set-cookie'], undefined);
  });

  test('nothing that it did not ask for', async () => {
    const secret = await ana.account(connected({ session_data: 'SESSIONSECRET', qr_code: 'QRSECRET',
      qr_expires_at: utc(60) }));
    assert.doesNotMatch((await poll(ana, pathOf(secret))).text, /SECRET|session_data|qr_code/);
  });
});

describe('a login is not shown', () => {
  test('an account of another workspace, an unknown one, or a deleted one', async () => {
    const bob = await logIn(stack);
    const deleted = await ana.account({ deleted_at: utc(-5) });
    for (const path of [pathOf(await bob.account(connected())), `${BASE}/${deleted.uuid}/status`,
      `${BASE}/webjs_1_1763000000_Unknown1/status`]) {
      isNotFound(asAnswer(await poll(ana, path)));
      isNotFound(asAnswer(isDeprecated(await poll(ana, oldPath(path)), path)));
    }
  });

  test('its own account as another workspace\'s', async () => {
    assert.equal((await poll(ana, pathOf(account, `?workspace_id=${ana.workspace}`))).status, 200);
    const bob = await logIn(stack);
    isNotFound(asAnswer(await poll(ana, pathOf(account, `?workspace_id=${bob.workspace}`))));
    const his = await bob.account(connected());
    isNotFound(asAnswer(await poll(ana, pathOf(his, `?workspace_id=${bob.workspace}`))));
    isError(asAnswer(await poll(ana, pathOf(account, '?workspace_id=abc'))), 422);
  });

  test('anything, where it is none, or may not', async () => {
    const user = await newUser(stack);
    await join(stack, user, ana.workspace, { role: 'agent' });
    const cases = [
      [{ cookie: `${ana.cookie.slice(0, -12)}000000000000` }, 401],
      [{ cookie: 'laravel_session=x' }, 401],
      [{ cookie: 'unrelated=1' }, 401],
      [await logIn(stack, { age: 130 * 60 }), 401],
      [await logIn(stack, { user: 2147483000, workspace: ana.workspace }), 401],
      [await logIn(stack, { user, workspace: ana.workspace }), 403],
      [await logIn(stack, { user, workspace: await newWorkspace(stack, ana.user) }), 403],
    ];
    for (const [who, status] of cases) isError(asAnswer(await poll(who)), status);
  });

  test('anything by the way of a bearer token', async () => {
    const { text } = await newToken(stack, ana.user);
    const token = { Authorization: `Bearer ${text}` };
    isError(asAnswer(await poll({}, pathOf(account), { headers: token })), 401);
    isError(await stack.fcgi('GET', pathOf(account), { headers: token }), 401);
    isError(await stack.fcgi('GET', pathOf(account), { headers: { ...token, Cookie: ana.cookie } }), 401);
  });

  test('any other route of the Node.js service', async () => {
    for (const [method, path] of [['GET', `${BASE}/active`], ['POST', `${BASE}/${account.uuid}/mark-disconnected`],
      ['POST', `${BASE}/broadcast`], ['POST', WEBHOOK]]) {
      for (const some of [path, oldPath(path)]) {
        isError(await stack.fcgi(method, some, { body: method === 'POST' ? '{}' : '',
          headers: { Cookie: ana.cookie } }),
          401, MISSING);
      }
    }
  });
});

describe('a signature', () => {
  test('decides where it is shown, whatever else is', async () => {
    const bob = await logIn(stack);
    const headers = { Cookie: bob.cookie };
    for (const call of [stack.signed, stack.fcgiSigned]) {
      assert.equal((await call('GET', pathOf(account), undefined, { headers })).status, 200);
      isError(await call('GET', pathOf(account), undefined, { headers: { Cookie: ana.cookie },
        secret: 'another secret of theirs' }), 401, 'Invalid signature');
    }
  });

  test('is asked of whoever shows nothing', async () => {
    for (const answer of [await stack.call('GET', pathOf(account)), await stack.fcgi('GET', pathOf(account))]) {
      isError(answer, 401, MISSING);
    }
  });

  test('is why it was refused, or the login is: the log says which', async () => {
    const answers = [await poll({}), await poll({ cookie: 'laravel_session=x' }), await poll(await logIn(stack,
      { age: 130 * 60 }))];
    assert.deepEqual(await whysOf(stack, answers), ['missing', 'malformed', 'expired']);
  });
});

describe('nginx', () => {
  const elsewhere = { from: '127.0.0.2' };   /* loopback, but not in the list */

  test('lets a page in from everywhere, and a service from its address only', async () => {
    assert.equal((await poll(ana, pathOf(account), elsewhere)).status, 200);
    assert.equal((await poll(ana, oldPath(pathOf(account)), elsewhere)).status, 200);
    assert.equal((await poll({}, pathOf(account), elsewhere)).status, 403);
    for (const headers of [{ 'X-Timestamp': '1763000000' }, { 'X-HMAC-Signature': 'ff' }]) {
      assert.equal((await poll(ana, pathOf(account), { ...elsewhere, headers })).status, 403);
    }
    isError(asAnswer(await poll({ cookie: 'unrelated=1' }, pathOf(account), elsewhere)), 401);
  });

  test('a page that asks too often is told so, a service never', async () => {
    const headers = { 'X-Dev-Limit': '1' };
    const many = await Promise.all(Array.from({ length: 80 }, () => poll(ana, pathOf(account), { headers })));
    const statuses = new Set(many.map(({ status }) => status));
    assert.deepEqual([...statuses].sort(), [200, 429]);
    const refused = many.find(({ status }) => status === 429);
    assert.deepEqual([json(refused).code, refused.headers['retry-after']], ['too_many_requests', '1']);
    const signed = await Promise.all(Array.from({ length: 80 }, () => stack.signed('GET', pathOf(account), undefined,
      { headers })));
    assert.ok(signed.every(({ status }) => status === 200));
  });

  test('lets a page do nothing but read there', async () => {
    for (const method of ['POST', 'PUT', 'DELETE']) {
      const answer = await ask(stack.port, method, pathOf(account), { ...elsewhere, headers: { Cookie: ana.cookie } });
      assert.equal(answer.status, 403);
    }
    const { status } = await ask(stack.port, 'HEAD', pathOf(account), { ...elsewhere,
      headers: { Cookie: ana.cookie } });
    assert.equal(status, 200);
  });
});
