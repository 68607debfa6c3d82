// POST /api/whatsapp/accounts/broadcast, event qr-code-generated.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { BASE, isAboutNow, isBroadcasted, isError, isInvalid, isNotFound, isQrEvent,
  secondsBetween } from './lib/expect.mjs';
import { connected, phone, utc } from './lib/fixtures.mjs';
import { startStack } from './lib/stack.mjs';

let stack;
before(async () => (stack = await startStack()));
after(() => stack?.stop());

const QR = 'data:image/png;base64,iVBORw0KGgo=';
const broadcast = (data) => stack.signed('POST', `${BASE}/broadcast`, { event: 'qr-code-generated', data });

async function report(account, more = {}) {
  isBroadcasted(await broadcast({ account_id: account.uuid, workspace_id: account.workspace_id, qr_code: QR,
    ...more }));
  return stack.state(account.id);
}

test('the row is connecting, with the code, its end and a deadline; everything else stays', async () => {
  const workspace_id = await stack.workspace();
  const account = await stack.account({ workspace_id, phone_number: phone(), is_primary: 1, session_data: 'ENCRYPTED',
    metadata: '{"battery":3}', state_version: 2 });
  const { account: now, events, commands } = await report(account, { expires_in: 120 });
  const free = { updated_at: null, qr_expires_at: null, connect_deadline_at: null };
  assert.deepEqual({ ...now, ...free }, { ...account, ...free, connection_status: 'connecting', qr_code: QR,
    state_version: 3 });
  assert.ok(Math.abs(secondsBetween(utc(120), now.qr_expires_at)) < 60);
  assert.equal(Math.round(secondsBetween(now.qr_expires_at, now.connect_deadline_at)), 60);
  assert.equal(events.length, 1);
  assert.equal(commands.length, 0);
  isQrEvent(events[0], now, 120);
});

test('without expires_in it is 300 seconds', async () => {
  const { account: now, events } = await report(await stack.account({ workspace_id: await stack.workspace() }));
  assert.ok(Math.abs(secondsBetween(utc(300), now.qr_expires_at)) < 60);
  isQrEvent(events[0], now, 300);
});

test('the least and the most of expires_in and qr_code are accepted', async () => {
  const workspace_id = await stack.workspace();
  for (const [expires_in, qr_code] of [[1, 'q'], [3600, 'Q'.repeat(65535)], [60, `${'é'.repeat(32767)}x`]]) {
    const { account: now } = await report(await stack.account({ workspace_id }), { expires_in, qr_code });
    assert.ok(now.qr_code === qr_code);
  }
});

test('a pairing lasts at most fifteen minutes after its first code', async () => {
  const account = await stack.account({ workspace_id: await stack.workspace() });
  const first = await report(account, { expires_in: 3600 });
  assert.ok(Math.abs(secondsBetween(utc(900), first.account.connect_deadline_at)) < 60);
  const second = await report(account, { expires_in: 3600, qr_code: 'next' });
  assert.ok(Math.abs(secondsBetween(first.account.connect_deadline_at, second.account.connect_deadline_at)) < 1,
    'a further code does not move the end');
});

test('each new code is a change; the same one again is none', async () => {
  const account = await stack.account({ workspace_id: await stack.workspace() });
  await report(account, { qr_code: 'one' });
  await report(account, { qr_code: 'one' });
  const { account: now, events } = await report(account, { qr_code: 'two' });
  assert.equal(now.qr_code, 'two');
  assert.equal(now.state_version, 2);
  assert.deepEqual(events.map((event) => event.state_version), [1, 2]);
});

test('the account may be named by session_id', async () => {
  const account = await stack.account({ workspace_id: await stack.workspace() });
  isBroadcasted(await broadcast({ session_id: account.session_id, workspace_id: account.workspace_id, qr_code: QR }));
  const { account: now, events } = await stack.state(account.id);
  assert.equal(now.connection_status, 'connecting');
  isQrEvent(events[0], now, 300);
});

test('the event of an account without a session_id carries its uuid', async () => {
  const { account: now, events } = await report(await stack.account({ workspace_id: await stack.workspace(),
    session_id: null }));
  isQrEvent(events[0], now, 300);
});

describe('a late code', () => {
  test('about an account that is connected since less than a minute is a 409, and nothing is stored', async () => {
    const workspace_id = await stack.workspace();
    const account = await stack.account(connected({ workspace_id, last_connected_at: utc(-5) }));
    const earlier = await stack.checksum();
    isError(await broadcast({ account_id: account.uuid, workspace_id, qr_code: QR }), 409);
    assert.equal(await stack.checksum(), earlier);
  });

  test('after that minute means that the session has been lost, and is stored', async () => {
    const account = await stack.account(connected({ workspace_id: await stack.workspace(),
      last_connected_at: utc(-90) }));
    const { account: now } = await report(account);
    assert.equal(now.connection_status, 'connecting');
    assert.equal(now.qr_code, QR);
    assert.equal(now.phone_number, account.phone_number);
    isAboutNow(now.last_connected_at, 86400);
  });
});

test('an account of provider meta has no codes: 422, nothing stored', async () => {
  const account = await stack.account({ workspace_id: await stack.workspace(), provider_type: 'meta' });
  const earlier = await stack.checksum();
  isError(await broadcast({ account_id: account.uuid, workspace_id: account.workspace_id, qr_code: QR }), 422);
  assert.equal(await stack.checksum(), earlier);
});

test('another workspace\'s account, an unknown one and a deleted one are a 404, and nothing is stored', async () => {
  const workspace_id = await stack.workspace();
  const other = await stack.workspace();
  const account = await stack.account({ workspace_id });
  const deleted = await stack.account({ workspace_id, deleted_at: utc(-5) });
  const earlier = await stack.checksum();
  isNotFound(await broadcast({ account_id: account.uuid, workspace_id: other, qr_code: QR }));
  isNotFound(await broadcast({ session_id: account.session_id, workspace_id: other, qr_code: QR }));
  isNotFound(await broadcast({ account_id: 'webjs_1_1763000000_Unknown1', workspace_id, qr_code: QR }));
  isNotFound(await broadcast({ account_id: deleted.uuid, workspace_id, qr_code: QR }));
  assert.equal(await stack.checksum(), earlier);
});

test('a member of the wrong type or size is refused, by name', async () => {
  const workspace_id = await stack.workspace();
  const { uuid: account_id } = await stack.account({ workspace_id });
  const earlier = await stack.checksum();
  const good = { account_id, workspace_id, qr_code: QR };
  const wrong = {
    qr_code: [undefined, null, '', 5, true, [], {}, 'Q'.repeat(65536), 'é'.repeat(32768)],
    expires_in: [0, -1, 3601, 1.5, 'soon', true, [], {}, 1e30],
    workspace_id: [undefined, null, 'abc', '', -1, 1.5, true, [], {}, 1e30],
    account_id: [undefined, null, '', true, 1.5, [], {}],
  };
  for (const [name, values] of Object.entries(wrong)) {
    for (const value of values) isInvalid(await broadcast({ ...good, [name]: value }), name);
  }
  assert.equal(await stack.checksum(), earlier);
});
