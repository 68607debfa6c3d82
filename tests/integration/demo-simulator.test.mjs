// The simulator of the demo: with the pool and its relay it must do what the real Node.js service does, because people
// and the page's tests take it for that.

import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { after, afterEach, before, describe, test } from 'node:test';
import { startSimulator } from '../demo/simulator.mjs';
import { isOk } from './lib/browser-expect.mjs';
import { connected, phone, utc } from './lib/fixtures.mjs';
import { call } from './lib/http.mjs';
import { logIn } from './lib/login.mjs';
import { startPeer } from './lib/peer.mjs';
import { until } from './lib/processes.mjs';
import { heardBy, startPusher } from './lib/pusher-server.mjs';
import { signature } from './lib/sign.mjs';
import { startStack } from './lib/stack.mjs';

const PNG = /^data:image\/png;base64,iVBORw0KGgo[A-Za-z0-9+/]+=*$/;

describe('behind a pool', () => {
  let stack, pusher, service, ana;
  const said = [];
  before(async () => {
    pusher = await startPusher();
    service = await startSimulator({ qrAfterMs: 50, expiresIn: 30, log: (line) => said.push(line) });
    stack = await startStack({ env: { WA_RELAY: 'on', WA_RELAY_POLL: 100, WA_MAX_ACCOUNTS: 1000, ...pusher.env(),
      ...service.env() } });
    service.reportTo(stack);
    ana = await logIn(stack);
  });
  after(async () => {
    await stack?.stop();
    await service?.stop();
    await pusher?.end();
  });

  const show = async ({ uuid }) => isOk(await ana.call('GET', `/${uuid}`)).data;
  const press = (account, what) => ana.call('POST', `/${account.uuid}/${what}`);
  const becomes = (account, status) => until(`the account is ${status}`, async () => {
    const now = await show(account);
    return now.connection_status === status && now;
  });
  const showsCode = (account) => until('the QR code is there', async () => {
    const now = await show(account);
    return now.qr_code && now;
  });
  const create = async () => (await ana.call('POST', '', { json: { phone_number: phone(), provider_type: 'webjs' } }))
    .json.data;
  async function pair() {
    const account = await create();
    await showsCode(account);
    await service.scan(account.session_id);
    return show(account);
  }

  test('a new account gets a QR code as a picture, and is connected when a phone has scanned it', async () => {
    const page = await heardBy(pusher.echo(), `workspace.${ana.workspace}`);
    const account = await create();
    const { qr_code: image, connection_status: status, expires_in_seconds: left } = await showsCode(account);
    assert.match(image, PNG);
    assert.equal(status, 'connecting');
    assert.ok(left > 20 && left <= 30, `${left} s`);
    assert.match(service.sessions.get(account.session_id).code, /^2@[A-Za-z0-9+/=,]{200,}$/);
    await until('the page has heard of the code', () => page.some(({ data }) => data.qr_code_base64 === image));
    const number = phone();
    const told = await service.scan(account.session_id, number);
    assert.equal(told.status, 200);
    const now = await show(account);
    assert.deepEqual([now.connection_status, now.phone_number, now.qr_code], ['connected', number, null]);
    await until('the page has heard of the number', () =>
      page.some(({ data }) => data.connection_status === 'connected' && data.phone_number === number));
  });

  test('a phone that is not named has the number that the account was made with', async () => {
    const account = await create();
    await showsCode(account);
    await service.scan(account.session_id);
    assert.equal((await show(account)).phone_number, account.phone_number);
  });

  test('a number is reported by its digits, as WhatsApp knows it', async () => {
    const account = await create();
    await showsCode(account);
    const number = phone();
    await service.scan(account.session_id, `+${number.slice(0, 2)} (${number.slice(2, 5)}) ${number.slice(5)}`);
    assert.equal((await show(account)).phone_number, number);
  });

  test('a session that was paired reconnects without a QR code, also after it was disconnected', async () => {
    const account = await pair();
    isOk(await press(account, 'disconnect'));
    await until('the session has ended', () => !service.sessions.has(account.session_id));
    isOk(await press(account, 'reconnect'));
    await becomes(account, 'connected');
    assert.equal(service.sessions.get(account.session_id).codes, 0);
  });

  test('without its linked device it is disconnected, and needs another QR code', async () => {
    const account = await pair();
    await service.unlink(account.session_id);
    const { metadata } = await becomes(account, 'disconnected');
    assert.equal(metadata.reason, 'LOGOUT');
    isOk(await press(account, 'reconnect'));
    await showsCode(account);
    await service.scan(account.session_id);
    assert.equal((await show(account)).connection_status, 'connected');
  });

  test('another QR code that is asked for replaces the one before', async () => {
    const account = await create();
    const { qr_code: first } = await showsCode(account);
    isOk(await press(account, 'regenerate-qr'));
    const { qr_code: second } = await showsCode(account);
    assert.match(second, PNG);
    assert.notEqual(second, first);
  });

  test('what breaks in the service is told as the account\'s last error', async () => {
    const account = await pair();
    await service.fail(account.session_id, 'The disk is full.');
    const { metadata } = await becomes(account, 'error');
    assert.equal(metadata.last_error, 'The disk is full.');
    isOk(await press(account, 'reconnect'));
    await becomes(account, 'connected');
  });

  test('a phone that another account has is refused, and its session ends', async () => {
    const [first, account] = [await pair(), await create()];
    await showsCode(account);
    const { status, json } = await service.scan(account.session_id, first.phone_number);
    assert.deepEqual([status, json.code], [409, 'phone_taken']);
    await until('the session has ended', () => !service.sessions.has(account.session_id));
  });

  test('a deleted account\'s session ends', async () => {
    const account = await pair();
    isOk(await ana.call('DELETE', `/${account.uuid}`));
    await until('the session has ended', () => !service.sessions.has(account.session_id));
  });

  test('while nginx answers in place of the pool, reports are tried again', async (t) => {
    const account = await create();
    await showsCode(account);
    const switched = `${stack.dir}/maintenance.on`;
    t.after(() => rmSync(switched, { force: true }));
    writeFileSync(switched, '');
    said.length = 0;
    const told = service.scan(account.session_id, phone());
    await until('nginx has refused', () => said.some((line) => line.startsWith('report 429 ')));
    rmSync(switched);
    assert.equal((await told).status, 200);
    await becomes(account, 'connected');
  });

  test('what it is told with another API key it does not do', async () => {
    const body = JSON.stringify({ workspace_id: 1, account_id: 1, session_id: 'webjs_1_1763000000_stranger', api_key: 'x' });
    const { status } = await call(`${service.url}/api/sessions`, { method: 'POST', body,
      headers: { 'Content-Type': 'application/json', 'X-API-Key': 'x' } });
    assert.equal(status, 401);
    assert.ok(!service.sessions.has('webjs_1_1763000000_stranger'));
  });

  test('after a restart it has the sessions that were connected, and no others', async (t) => {
    const account = await ana.account(connected());
    const other = await ana.account({ connection_status: 'disconnected', last_connected_at: utc(-60) });
    const second = await startSimulator({ key: service.key, pool: stack.url, secret: stack.secret });
    t.after(() => second.stop());
    assert.equal(await second.restore(), true);
    assert.equal(second.sessions.get(account.session_id).phone_number, account.phone_number);
    assert.ok(!second.sessions.has(other.session_id));
    await second.unlink(account.session_id);
    assert.equal((await show(account)).connection_status, 'disconnected');
  });

  describe('the phone\'s page', () => {
    const browse = (method, path, options = {}) => call(`${service.url}${path}`, { method, ...options,
      headers: { Accept: 'text/html,*/*;q=0.8', ...options.headers } });
    const form = { 'Content-Type': 'application/x-www-form-urlencoded' };

    test('lists the sessions with buttons, and needs no script in itself', async () => {
      const account = await create();
      await showsCode(account);
      const { status, headers, text } = await browse('GET', '/phone');
      assert.equal(status, 200);
      assert.match(headers['content-type'], /^text\/html; charset=utf-8$/);
      assert.ok(text.includes(`action="/phone/${account.session_id}/scan"`));
      assert.ok(text.includes(account.phone_number), 'a person finds it by its number');
      assert.doesNotMatch(text, /<script>|<style|style=|onclick/);
      for (const path of ['/phone/style.css', '/phone/script.js']) assert.equal((await browse('GET', path)).status, 200);
    });

    test('scans, and leads back to the list', async () => {
      const account = await create();
      await showsCode(account);
      const { status, headers } = await browse('POST', `/phone/${account.session_id}/scan`, { headers: form,
        body: 'phone_number=' });
      assert.deepEqual([status, headers.location], [303, '/phone']);
      assert.equal((await show(account)).connection_status, 'connected');
    });

    test('says the same to programs, in JSON', async () => {
      const account = await create();
      await showsCode(account);
      const { json } = await call(`${service.url}/phone`);
      const shown = json.sessions.find(({ session_id: id }) => id === account.session_id);
      assert.deepEqual([shown.status, shown.linked, shown.account_id], ['qr_scanning', false, account.id]);
      const post = (path, body) => call(`${service.url}/phone/${path}`, { method: 'POST', body: JSON.stringify(body),
        headers: { 'Content-Type': 'application/json' } });
      const number = phone();
      const scanned = await post(`${account.session_id}/scan`, { phone_number: number });
      assert.deepEqual([scanned.status, scanned.json.pool.status], [200, 200]);
      assert.equal((await show(account)).phone_number, number);
      assert.equal((await post(`${account.session_id}/scan`, {})).status, 409, 'there is no code any more');
      assert.equal((await post('webjs_1_1763000000_nobody/scan', {})).status, 404);
      assert.equal((await post(`${account.session_id}/fail`, { error: 'Told to.' })).status, 200);
      assert.equal((await show(account)).metadata.last_error, 'Told to.');
      assert.equal((await post(`${account.session_id}/dance`, {})).status, 404);
    });
  });
});

describe('on its own', () => {
  const SECRET = 'a secret of this test';
  let pool, service, said;
  before(async () => {
    pool = await startPeer({ answer: () => ({ body: { status: 'broadcasted' } }) });
  });
  after(async () => {
    await service?.stop();
    await pool?.stop();
  });
  afterEach(async () => {
    await service.stop();
    pool.behave(undefined);
    pool.forget();
  });

  /** A service that has been told to connect a session. */
  async function begin(options) {
    said = [];
    service = await startSimulator({ secret: SECRET, pool: `http://127.0.0.1:${pool.port}`, qrAfterMs: 10,
      log: (line) => said.push(line), ...options });
    const answer = await call(`${service.url}/api/sessions`, { method: 'POST',
      body: JSON.stringify({ workspace_id: 1, account_id: 7, session_id: 'webjs_1_1763000000_anything',
        api_key: service.key }),
      headers: { 'Content-Type': 'application/json', 'X-API-Key': service.key } });
    assert.equal(answer.status, 200);
  }

  test('a QR code that nobody scans is replaced before it expires, six times, and then the session ends', async () => {
    await begin({ expiresIn: 1 });
    const session = service.sessions.get('webjs_1_1763000000_anything');
    await until('it has given up', () => pool.requests.at(-1)?.json.event === 'account-status-changed');
    /* One whose turn has come before it was sent is not sent: a slow machine may show fewer. */
    assert.equal(session.codes, 6);
    const reports = pool.requests.map(({ json }) => json);
    assert.deepEqual(reports.pop(), { event: 'account-status-changed', data: { account_id: 7, workspace_id: 1,
      status: 'disconnected', metadata: { reason: 'Max qrcode retries reached' } } });
    for (const { event, data } of reports) {
      assert.deepEqual([event, data.account_id, data.workspace_id, data.expires_in], ['qr-code-generated', 7, 1, 1]);
      assert.match(data.qr_code, PNG);
    }
    assert.ok(reports.length > 1 && new Set(reports.map(({ data }) => data.qr_code)).size === reports.length);
    assert.equal(service.sessions.size, 0);
  });

  test('what is answered with 429 is tried again, signed anew', async () => {
    let count = 0;
    pool.behave(() => (++count <= 2 ? { status: 429, body: { error: 'later' } } : undefined));
    await begin();
    const reports = await pool.received(3);
    await until('the third is answered', () => reports[2].status === 200);
    assert.equal(new Set(reports.map(({ text }) => text)).size, 1);
    for (const { headers, text } of reports) {
      assert.equal(headers['x-hmac-signature'], signature(SECRET, headers['x-timestamp'], text));
    }
    assert.notEqual(reports[0].headers['x-timestamp'], reports[2].headers['x-timestamp']);
  });

  test('so is what found nobody, but nothing that was answered with a 5xx or broken off', async () => {
    await pool.stop();
    await begin();
    await until('a try was refused', () => said.some((line) => line.includes('ECONNREFUSED')));
    await pool.start();
    await pool.received(1);
    await service.stop();
    for (const [fault, what] of [[{ status: 500, body: 'no' }, 'report 500'], ['drop', 'ECONNRESET']]) {
      pool.forget();
      pool.behave(() => fault);
      await begin();
      await until('it has gone wrong', () => said.some((line) => line.includes(what)));
      pool.behave(undefined);
      await service.scan('webjs_1_1763000000_anything', '6281234567890');
      const events = pool.requests.map(({ json }) => json.event);
      assert.deepEqual(events, ['qr-code-generated', 'account-status-changed']);
      await service.stop();
    }
  });

  test('a QR code that could not be reported is not tried again once a phone has scanned it', async () => {
    pool.behave(({ json }) => (json.event === 'qr-code-generated' ? { status: 429, body: {} } : undefined));
    await begin();
    await pool.received(1);
    await service.scan('webjs_1_1763000000_anything', '6281234567890');
    const events = pool.requests.map(({ json }) => json.event);
    assert.equal(events.at(-1), 'account-status-changed');
    assert.equal(pool.requests.at(-1).json.data.phone_number, '6281234567890');
  });
});
