// POST /api/whatsapp/webhooks/webjs, where the Node.js service of today reports everything: what is about an account is
// the same report as on the broadcast route.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { BASE, isAboutNow, isError, isInvalid, isNotFound, isQrEvent, isStatusEvent,
  secondsBetween } from './lib/expect.mjs';
import { connected, phone, utc } from './lib/fixtures.mjs';
import { WEBHOOK } from './lib/node-request.mjs';
import { freeze, metrics, thaw } from './lib/observe.mjs';
import { until } from './lib/processes.mjs';
import { unixSeconds } from './lib/sign.mjs';
import { startStack } from './lib/stack.mjs';

/* As long as the service's own: a picture of 6 to 7 kB. */
const QR = `data:image/png;base64,${'iVBORw0KGgo'.padEnd(6600, 'A')}`;

let stack;
before(async () => (stack = await startStack()));
after(() => stack?.stop());

const post = (body, options) => stack.signed('POST', WEBHOOK, body, options);
const tell = (event, data) => post({ event, data });
const someAccount = async (columns = {}) => stack.account({ workspace_id: await stack.workspace(), ...columns });
const about = (account, more = {}) => ({ workspace_id: account.workspace_id, session_id: account.session_id, ...more });

function isProcessed(answer) {
  assert.equal(answer.status, 200, answer.text);
  assert.match(answer.headers['content-type'], /^application\/json\b/);
  assert.deepEqual(answer.json, { status: 'processed' });
}

/** Report something about an account, and return what has become of it. */
async function report(account, event, more) {
  isProcessed(await tell(event, about(account, more)));
  return stack.state(account.id);
}

describe('what is about an account', () => {
  test('qr_code_generated shows the code, for so long', async () => {
    const account = await someAccount();
    const { account: now, events, commands } = await report(account, 'qr_code_generated', { qr_code: QR,
      expires_in: 120 });
    assert.deepEqual([now.connection_status, now.qr_code, now.state_version], ['connecting', QR, 1]);
    assert.ok(Math.abs(secondsBetween(utc(120), now.qr_expires_at)) < 60);
    assert.deepEqual([events.length, commands.length], [1, 0]);
    isQrEvent(events[0], now, 120);
  });

  test('without expires_in a code is good for 300 seconds', async () => {
    const { account: now, events } = await report(await someAccount(), 'qr_code_generated', { qr_code: QR });
    isQrEvent(events[0], now, 300);
  });

  test('session_authenticated connects it, without a number', async () => {
    const account = await someAccount({ connection_status: 'connecting', qr_code: QR, qr_expires_at: utc(60) });
    const { account: now, events } = await report(account, 'session_authenticated', { status: 'authenticated' });
    assert.deepEqual([now.connection_status, now.is_active, now.phone_number, now.qr_code], ['connected', true, null,
      null]);
    assert.equal(events.length, 1);
    isStatusEvent(events[0], now);
  });

  test('session_ready connects it with its number, and keeps how it was found out', async () => {
    const account = await someAccount({ connection_status: 'connecting', metadata: '{"battery":3}' });
    const number = phone();
    const { account: now, metadata, events } = await report(account, 'session_ready', { phone_number: number,
      status: 'connected', platform: 'android', extraction_method: 'client.info' });
    assert.deepEqual([now.connection_status, now.phone_number, now.is_primary], ['connected', number, true]);
    isAboutNow(now.last_connected_at);
    assert.deepEqual([metadata.battery, metadata.platform, metadata.extraction_method], [3, 'android', 'client.info']);
    assert.equal(events.length, 1);
    isStatusEvent(events[0], now, { platform: 'android', extraction_method: 'client.info' });
  });

  test('session_authenticated and session_ready together make two events, of a state and of a number', async () => {
    const account = await someAccount();
    await report(account, 'session_authenticated', { status: 'authenticated' });
    const number = phone();
    const { account: now, events } = await report(account, 'session_ready', { phone_number: number });
    assert.deepEqual(events.map(({ payload }) => [payload.status, payload.phone_number]),
      [['connected', null], ['connected', number]]);
    assert.equal(now.state_version, 2);
  });

  test('session_ready in the other order, or once more, leaves the same account', async () => {
    const account = await someAccount();
    const number = phone();
    for (const [event, more] of [['session_ready', { phone_number: number }], ['session_authenticated', {}],
      ['session_ready', { phone_number: number }]]) await report(account, event, more);
    const { account: now, events } = await stack.state(account.id);
    assert.deepEqual([now.connection_status, now.phone_number, now.state_version], ['connected', number, 1]);
    assert.equal(events.length, 1);
  });

  test('session_disconnected keeps the number and the reason', async () => {
    const account = await someAccount(connected());
    const { account: now, metadata, events } = await report(account, 'session_disconnected', { reason: 'LOGOUT' });
    assert.deepEqual([now.connection_status, now.phone_number], ['disconnected', account.phone_number]);
    assert.equal(metadata.last_disconnect_reason, 'LOGOUT');
    isAboutNow(metadata.last_disconnect_at);
    assert.equal(events.length, 1);
    isStatusEvent(events[0], now);
  });

  test('without a reason, the reason is Unknown; one of any length is stored', async () => {
    const { metadata } = await report(await someAccount(connected()), 'session_disconnected', {});
    assert.equal(metadata.last_disconnect_reason, 'Unknown');
    const long = await report(await someAccount(connected()), 'session_disconnected', { reason: 'é'.repeat(5000) });
    assert.equal(long.account.connection_status, 'disconnected');
    assert.match(long.metadata.last_disconnect_reason, /^é{100,}/);
  });

  test('session_error keeps both words of it, and counts', async () => {
    const account = await someAccount({ metadata: '{"recent_failures":1}' });
    const { account: now, metadata, events } = await report(account, 'session_error', { error: 'AUTH_FAILURE',
      message: 'The device has been removed' });
    assert.equal(now.connection_status, 'error');
    assert.deepEqual([metadata.error, metadata.message, metadata.recent_failures],
      ['AUTH_FAILURE', 'The device has been removed', 2]);
    assert.equal(metadata.last_error, 'AUTH_FAILURE');
    assert.equal(events.length, 1);
  });

  test('session_error with a whole stack in it is stored all the same', async () => {
    const message = 'at Object.<anonymous> (/srv/node/index.js:1:1)\n'.repeat(2000);
    const { account: now } = await report(await someAccount(), 'session_error', { message });
    assert.equal(now.connection_status, 'error');
    const bare = await report(await someAccount(), 'session_error', {});
    assert.deepEqual([bare.account.connection_status, bare.metadata.last_error], ['error', 'Unknown']);
  });

  test('a number that is none leaves the number that is there', async () => {
    for (const phone_number of [null, 'undefined', '', 'null', {}]) {
      const account = await someAccount({ phone_number: phone() });
      const { account: now } = await report(account, 'session_ready', { phone_number });
      assert.deepEqual([now.connection_status, now.phone_number], ['connected', account.phone_number]);
    }
  });

  test('members that nobody knows change nothing', async () => {
    const number = phone();
    const account = await someAccount();
    const { account: now, metadata } = await report(account, 'session_ready', { phone_number: number, uuid: 'x',
      is_primary: false, metadata: { last_error: 'forged' }, last_error: 'forged', deleted_at: utc() });
    assert.deepEqual([now.uuid, now.is_primary, now.phone_number], [account.uuid, true, number]);
    assert.equal(metadata.last_error, undefined);
  });

  test('is the same as on the broadcast route: the same row, event and metadata', async () => {
    const workspace_id = await stack.workspace();
    const reports = [
      ['qr_code_generated', { qr_code: QR, expires_in: 60 }, 'qr-code-generated', { qr_code: QR, expires_in: 60 }],
      ['session_authenticated', { status: 'authenticated' }, 'account-status-changed', { status: 'authenticated' }],
      ['session_ready', { phone_number: '+62 811', platform: 'ios' }, 'account-status-changed',
        { status: 'connected', phone_number: '+62 811', metadata: { platform: 'ios' } }],
      ['session_error', { error: 'X', message: 'y' }, 'account-status-changed',
        { status: 'error', metadata: { error: 'X', message: 'y' } }],
    ];
    for (const [event, data, oldEvent, oldData] of reports) {
      const [one, other] = [await stack.account({ workspace_id, is_primary: 0 }),
        await stack.account({ workspace_id })];
      const first = await report(one, event, data);
      await stack.sql(`UPDATE whatsapp_accounts SET phone_number = NULL, is_primary = 0 WHERE id = ${one.id}`);
      const answer = await stack.signed('POST', `${BASE}/broadcast`, { event: oldEvent, data: about(other, oldData) });
      assert.equal(answer.status, 200, answer.text);
      const second = await stack.state(other.id);
      const own = { id: 0, uuid: '', session_id: '', created_at: '', updated_at: '', last_activity_at: '',
        last_connected_at: '',
        qr_code: '', qr_expires_at: '', qr_first_at: '', connect_deadline_at: '' };
      assert.ok(first.account.qr_code === second.account.qr_code);
      assert.deepEqual({ ...first.account, ...own }, { ...second.account, ...own }, event);
      assert.deepEqual(Object.keys(first.events[0].payload), Object.keys(second.events[0].payload));
      await stack.sql(`UPDATE whatsapp_accounts SET phone_number = NULL, is_primary = 0 WHERE id = ${other.id}`);
    }
  });
});

describe('what is refused', () => {
  test('fields, each by its name', async () => {
    const account = await someAccount();
    const earlier = await stack.checksum();
    for (const event of ['qr_code_generated', 'session_authenticated', 'session_ready', 'session_disconnected',
      'session_error']) {
      const data = about(account, { qr_code: QR });
      isInvalid(await tell(event, { ...data, workspace_id: undefined }), 'workspace_id');
      for (const workspace_id of ['abc', 0, -1, 1.5, true, [], {}]) {
        isInvalid(await tell(event, { ...data, workspace_id }), 'workspace_id');
      }
      const { errors } = isError(await tell(event, {}), 422);
      assert.ok(Object.keys(errors).every((name) => name.startsWith('data.')), JSON.stringify(errors));
      for (const wrong of [undefined, null, '', true, [], {}]) {
        const answer = await tell(event, { ...data, session_id: wrong });
        assert.equal(answer.status, 422, `${event} ${JSON.stringify(wrong)}: ${answer.text}`);
      }
      for (const wrong of ['x', 5, []]) isInvalid(await tell(event, wrong), 'data');
    }
    for (const qr_code of [undefined, null, '', 5, {}, 'x'.repeat(65_536)]) {
      isInvalid(await tell('qr_code_generated', about(account, { qr_code })), 'qr_code');
    }
    for (const expires_in of [0, -1, 3601, 1.5, 'soon']) {
      isInvalid(await tell('qr_code_generated', about(account, { qr_code: QR, expires_in })), 'expires_in');
    }
    assert.equal(await stack.checksum(), earlier);
  });

  test('an account of another workspace, an unknown one and a deleted one', async () => {
    const account = await someAccount();
    const deleted = await someAccount({ deleted_at: utc(-5) });
    const other = await stack.workspace();
    const earlier = await stack.checksum();
    for (const event of ['qr_code_generated', 'session_authenticated', 'session_ready', 'session_disconnected',
      'session_error']) {
      const more = { qr_code: QR, phone_number: phone() };
      isNotFound(await tell(event, { ...about(account, more), workspace_id: other }));
      isNotFound(await tell(event, about({ ...account, session_id: 'webjs_1_1763000000_Unknown1' }, more)));
      isNotFound(await tell(event, about(deleted, more)));
    }
    assert.equal(await stack.checksum(), earlier);
  });

  test('a code about an account that has connected a moment ago', async () => {
    const account = await someAccount(connected({ last_connected_at: utc(-5) }));
    const earlier = await stack.checksum();
    const { code } = isError(await tell('qr_code_generated', about(account, { qr_code: QR })), 409);
    assert.equal(code, 'already_connected');
    assert.equal(await stack.checksum(), earlier);
  });

  test('a number that a connected account of the workspace has: the session is ended', async () => {
    const holder = await someAccount(connected());
    const pending = await stack.account({ workspace_id: holder.workspace_id, connection_status: 'connecting' });
    const answer = await tell('session_ready', about(pending, { phone_number: holder.phone_number }));
    assert.equal(isError(answer, 409).code, 'phone_taken');
    const { account: now, commands } = await stack.state(pending.id);
    assert.deepEqual([now.connection_status, commands.map(({ name }) => name)], ['error', ['disconnect']]);
    assert.deepEqual((await stack.state(holder.id)).account, holder);
  });

  test('an account of provider meta has no QR code', async () => {
    const account = await someAccount({ provider_type: 'meta' });
    isError(await tell('qr_code_generated', about(account, { qr_code: QR })), 422);
  });

  test('what is no JSON', async () => {
    for (const body of ['{', 'session_ready', 'event=session_ready', '{"event":"session_ready",}',
      '{"event":"session_ready"']) {
      const { code } = isError(await post(body), 400);
      assert.equal(code, 'bad_request', body);
    }
  });

  test('whoever does not sign, whatever else they show', async () => {
    const account = await someAccount();
    const earlier = await stack.checksum();
    const body = JSON.stringify({ event: 'session_ready', data: about(account, { phone_number: phone() }) });
    const unknown = JSON.stringify({ event: 'message_received', data: {} });
    for (const text of [body, unknown]) {
      isError(await stack.call('POST', WEBHOOK, { body: text }), 401, 'Missing required security headers');
      isError(await post(text, { secret: 'another secret of theirs' }), 401, 'Invalid signature');
      isError(await post(text, { timestamp: unixSeconds() - 301 }), 401, 'Request timestamp expired');
      isError(await post(text, { timestamp: Date.now() }), 401, 'Request timestamp must be in seconds');
    }
    assert.equal(await stack.checksum(), earlier);
  });

  test('another method', async () => {
    for (const method of ['GET', 'PUT', 'PATCH', 'DELETE']) {
      const answer = await stack.call(method, WEBHOOK);
      isError(answer, 405);
      assert.equal(answer.headers.allow, 'POST');
    }
  });

  test('a body of more than 16 MiB, by nginx and by the pool, and not one of less', async () => {
    const text = (size) => {
      const [head, tail] = ['{"event":"message_received","data":{"media":"', '"}}'];
      return Buffer.from(head + 'A'.repeat(size - head.length - tail.length) + tail);
    };
    const largest = await stack.fcgiSigned('POST', WEBHOOK, text(16 * 1024 * 1024));
    assert.deepEqual([largest.status, largest.headers['x-accel-redirect']], [200, '@laravel']);
    const { error } = isError(await stack.fcgiSigned('POST', WEBHOOK, text(16 * 1024 * 1024 + 1)), 413);
    assert.ok(error);
    isError(await post(text(16 * 1024 * 1024 + 1)), 413);
    /* Another route's limit has not moved. */
    isError(await stack.fcgiSigned('POST', `${BASE}/broadcast`, text(257 * 1024)), 413);
  });
});

test('a report that comes while the database hangs is a 429, and is stored when it comes again', async (t) => {
  const own = await startStack({ server: 'own', env: { WA_WORKERS: 2 } });
  t.after(() => own.stop());
  const account = await own.account({ workspace_id: await own.workspace() });
  const number = phone();
  const again = () => own.signed('POST', WEBHOOK, { event: 'session_ready', data: about(account,
    { phone_number: number }) });
  await freeze(own.server.pid);
  const refused = await again().finally(() => thaw(own.server.pid));
  isError(refused, 429);
  assert.equal(refused.headers['retry-after'], '1');
  await until('it is stored', async () => (await again()).status === 200);
  assert.equal((await own.state(account.id)).account.phone_number, number);
});

test('its requests are counted under a name of their own', async () => {
  await report(await someAccount(), 'session_authenticated', {});
  await until('the route is counted', async () => Object.entries(await metrics(stack)).some(([name, value]) =>
    name.includes('route="node.webhook"') && value > 0));
});
