// A number that is paired once more by way of a new account, while the account that has it is not connected: the
// older account goes on with the new one's session, and the new one, which was nothing but that session, is deleted.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { isMissing, isOk } from './lib/browser-expect.mjs';
import { BASE, isAboutNow, isError, isNotFound, isStatusEvent } from './lib/expect.mjs';
import { connected, phone, utc } from './lib/fixtures.mjs';
import { logIn } from './lib/login.mjs';
import { WEBHOOK } from './lib/node-request.mjs';
import { startStack } from './lib/stack.mjs';

let stack;
before(async () => (stack = await startStack()));
after(() => stack?.stop());

const FORMER = 'http://127.0.0.1:3901';
const PRESENT = 'http://127.0.0.1:3902';

/** An account that has been here for long, and one that somebody has just added; both of one workspace. */
async function both({ holder = {}, pending = {}, workspace } = {}) {
  const workspace_id = workspace ?? await stack.workspace();
  return [
    await stack.account({ workspace_id, phone_number: phone(), account_name: 'The shop', last_connected_at: utc(-7200),
      last_activity_at: utc(-7200), assigned_instance_url: FORMER, state_version: 8, session_data: 'ENCRYPTED',
      metadata: '{"battery":3,"recent_failures":2}', ...holder }),
    await stack.account({ workspace_id, connection_status: 'connecting', is_active: 1, qr_code: 'QR',
      qr_expires_at: utc(60), connect_deadline_at: utc(120), account_name: null, assigned_instance_url: PRESENT,
      created_at: utc(-30), ...pending }),
  ];
}

const tell = (event, account, more) => stack.signed('POST', WEBHOOK, { event, data: {
  workspace_id: account.workspace_id, session_id: account.session_id, ...more } });
const ready = (account, phone_number, more) => tell('session_ready', account, { phone_number, ...more });
const authenticated = (account) => tell('session_authenticated', account, { status: 'authenticated' });
const broadcast = (account, account_id, more) => stack.signed('POST', `${BASE}/broadcast`, {
  event: 'account-status-changed', data: { account_id, workspace_id: account.workspace_id, status: 'connected',
    ...more } });
const isProcessed = (answer) => assert.equal(answer.status, 200, answer.text);
const now = (account) => stack.state(account.id);

/** All rows of the outbox that a workspace has. */
const outboxOf = ({ workspace_id }) => stack.sql(`SELECT kind, name, account_id, JSON_VALUE(payload, '$.session_id')
  AS session FROM wa_outbox WHERE workspace_id = ${workspace_id} ORDER BY id`);
const livesOf = async ({ workspace_id }) => (await stack.sql(`SELECT id FROM whatsapp_accounts
  WHERE workspace_id = ${workspace_id} AND deleted_at IS NULL ORDER BY id`)).map(({ id }) => Number(id));

/** `holder` goes on in the place of `pending`, both as they were before; what they are now. */
async function tookOver(holder, pending) {
  const [older, newer] = [await now(holder), await now(pending)];
  assert.equal(older.account.connection_status, 'connected');
  assert.equal(older.account.session_id, pending.session_id ?? holder.session_id);
  assert.equal(older.account.assigned_instance_url, pending.assigned_instance_url);
  for (const name of ['id', 'uuid', 'account_name', 'phone_number', 'created_at', 'created_by', 'session_data']) {
    assert.equal(older.account[name], holder[name], name);
  }
  assert.equal(older.account.is_active, true);
  assert.deepEqual([older.account.qr_code, older.account.qr_expires_at, older.account.connect_deadline_at],
    [null, null, null]);
  isAboutNow(older.account.last_connected_at);
  isAboutNow(newer.account.deleted_at);
  assert.equal(newer.account.qr_code, null);
  assert.equal(newer.metadata.superseded_by, holder.uuid);
  assert.equal(newer.account.session_id, pending.session_id === null ? null : holder.session_id);
  return { older, newer };
}

/** Nothing has been taken over: the number's account is as it was, and the other session is ended. */
async function wasRefused(answer, holder, pending, { command = true } = {}) {
  assert.equal(isError(answer, 409).code, 'phone_taken');
  assert.deepEqual((await now(holder)).account, holder);
  const { account, commands } = await now(pending);
  assert.deepEqual([account.connection_status, account.deleted_at], ['error', null]);
  assert.deepEqual(commands.map(({ name }) => name), command ? ['disconnect'] : []);
}

describe('the older account', () => {
  test('goes on with the new session, and stays who it was', async () => {
    const [holder, pending] = await both();
    isProcessed(await ready(pending, holder.phone_number, { platform: 'android' }));
    const { older, newer } = await tookOver(holder, pending);
    assert.equal(older.account.state_version, 9);
    assert.deepEqual(older.metadata, { battery: 3, recent_failures: 0, platform: 'android' });
    assert.equal(older.events.length, 1);
    isStatusEvent(older.events[0], older.account, { platform: 'android' });
    assert.deepEqual([newer.events, newer.commands, older.commands], [[], [], []], 'nothing else is told');
  });

  test('goes on too when the report came by the broadcast route, about the new account by any name', async () => {
    for (const name of ['id', 'uuid', 'session_id']) {
      const [holder, pending] = await both();
      const answer = await broadcast(pending, pending[name], { phone_number: holder.phone_number });
      assert.deepEqual([answer.status, answer.json], [200, { status: 'broadcasted' }], answer.text);
      await tookOver(holder, pending);
    }
  });

  test('goes on when the session was authenticated before its number was known', async () => {
    const [holder, pending] = await both();
    isProcessed(await authenticated(pending));
    isProcessed(await ready(pending, holder.phone_number));
    const { older } = await tookOver(holder, pending);
    assert.equal(older.events.length, 1);
  });

  test('goes on when its session is authenticated after that', async () => {
    const [holder, pending] = await both();
    isProcessed(await ready(pending, holder.phone_number));
    isProcessed(await authenticated(pending));
    const { older } = await tookOver(holder, pending);
    assert.equal(older.events.length, 1);
  });

  test('is found by the digits of its number, which stays as it was written', async () => {
    const number = phone();
    const written = `+${number.slice(0, 2)} (${number.slice(2, 5)}) ${number.slice(5)}`;
    const [holder, pending] = await both({ holder: { phone_number: written } });
    isProcessed(await ready(pending, number));
    const { older } = await tookOver(holder, pending);
    assert.equal(older.account.phone_number, written);
  });

  test('goes on from each of the states that are not connected', async () => {
    for (const connection_status of ['disconnected', 'error', 'connecting']) {
      const [holder, pending] = await both({ holder: { connection_status, is_active: 0, qr_code: 'old',
        qr_expires_at: utc(50), connect_deadline_at: utc(90) } });
      isProcessed(await ready(pending, holder.phone_number));
      await tookOver(holder, pending);
    }
  });

  test('goes on whatever the workspace has connected', async () => {
    const [holder, pending] = await both();
    for (let i = 0; i < 10; i++) await stack.account(connected({ workspace_id: holder.workspace_id }));
    isProcessed(await ready(pending, holder.phone_number));
    await tookOver(holder, pending);
  });

  test('has been made without ever being connected', async () => {
    const [holder, pending] = await both({ holder: { last_connected_at: null, metadata: null } });
    isProcessed(await ready(pending, holder.phone_number));
    await tookOver(holder, pending);
  });

  test('is in the browser\'s list with its new session, and the new account is not', async () => {
    const ana = await logIn(stack);
    const [holder, pending] = await both({ workspace: ana.workspace });
    isProcessed(await ready(pending, holder.phone_number));
    const { accounts } = isOk(await ana.call('GET'));
    assert.deepEqual(accounts.map(({ uuid, session_id, status }) => [uuid, session_id, status]),
      [[holder.uuid, pending.session_id, 'connected']]);
    isMissing(await ana.call('GET', `/${pending.uuid}`));
  });
});

describe('primary', () => {
  const other = (workspace_id) => stack.account(connected({ workspace_id, is_primary: 1 }));

  test('it stays, if the older account was it', async () => {
    const [holder, pending] = await both({ holder: { is_primary: 1 } });
    isProcessed(await ready(pending, holder.phone_number));
    assert.equal((await tookOver(holder, pending)).older.account.is_primary, true);
  });

  test('the older account becomes, if the workspace has none', async () => {
    const [holder, pending] = await both();
    isProcessed(await ready(pending, holder.phone_number));
    assert.equal((await tookOver(holder, pending)).older.account.is_primary, true);
  });

  test('it does not become beside another one', async () => {
    const [holder, pending] = await both();
    const first = await other(holder.workspace_id);
    isProcessed(await ready(pending, holder.phone_number));
    assert.equal((await tookOver(holder, pending)).older.account.is_primary, false);
    assert.deepEqual((await now(first)).account, first);
  });

  test('it takes over from the new account, if that was it already', async () => {
    for (const first of ['added so', 'authenticated']) {
      const [holder, pending] = await both({ pending: { is_primary: first === 'added so' ? 1 : 0 } });
      if (first === 'authenticated') {
        isProcessed(await authenticated(pending));
        assert.equal((await now(pending)).account.is_primary, true);
      }
      isProcessed(await ready(pending, holder.phone_number));
      const { older } = await tookOver(holder, pending);
      assert.equal(older.account.is_primary, true, first);
      assert.equal(older.events.at(-1).payload.metadata.is_primary, true);
    }
  });
});

describe('the sessions', () => {
  test('change places: the former one is the deleted account\'s', async () => {
    const [holder, pending] = await both();
    isProcessed(await ready(pending, holder.phone_number));
    const { newer } = await tookOver(holder, pending);
    assert.equal(newer.account.session_id, holder.session_id);
  });

  test('the former one is ended, if it may still run', async () => {
    for (const connection_status of ['error', 'connecting']) {
      const [holder, pending] = await both({ holder: { connection_status } });
      isProcessed(await ready(pending, holder.phone_number));
      const rows = await outboxOf(holder);
      assert.deepEqual(rows.filter(({ kind }) => kind === 'command').map(({ name, session }) => [name, session]),
        [['disconnect', holder.session_id]]);
      assert.equal(rows.filter(({ kind }) => kind === 'event').length, 1);
    }
  });

  test('one that is missing on either side is no hindrance', async () => {
    for (const [holderHas, pendingHas] of [[false, true], [true, false], [false, false]]) {
      const [holder, pending] = await both({ holder: { connection_status: 'error',
        ...(!holderHas && { session_id: null }) },
        pending: pendingHas ? {} : { session_id: null } });
      const answer = await broadcast(pending, pending.uuid, { phone_number: holder.phone_number });
      assert.equal(answer.status, 200, answer.text);
      const older = await now(holder);
      assert.equal(older.account.connection_status, 'connected');
      assert.equal(older.account.session_id, pending.session_id ?? holder.session_id);
      const { account } = await now(pending);
      assert.notEqual(account.deleted_at, null);
      assert.notEqual(account.session_id ?? 'none', older.account.session_id);
      const ended = (await outboxOf(holder)).filter(({ kind }) => kind === 'command').map(({ session }) => session);
      assert.deepEqual(ended, holderHas && pendingHas ? [holder.session_id] : []);
    }
  });

  test('reports by the new one are about the older account, by the former one about nobody', async () => {
    const [holder, pending] = await both();
    isProcessed(await ready(pending, holder.phone_number));
    const earlier = await now(holder);
    for (const [event, more] of [['session_disconnected', { reason: 'LOGOUT' }], ['session_authenticated', {}],
      ['session_error', {}], ['session_ready', { phone_number: holder.phone_number }]]) {
      isNotFound(await tell(event, holder, more));
    }
    assert.deepEqual(await now(holder), earlier);
    isProcessed(await tell('session_disconnected', pending, { reason: 'LOGOUT' }));
    const { account, metadata } = await now(holder);
    assert.deepEqual([account.connection_status, metadata.last_disconnect_reason], ['disconnected', 'LOGOUT']);
  });

  test('a late code about the new one is refused', async () => {
    const [holder, pending] = await both();
    isProcessed(await ready(pending, holder.phone_number));
    const earlier = await stack.checksum();
    const late = await tell('qr_code_generated', pending, { qr_code: 'QR', expires_in: 60 });
    assert.equal(isError(late, 409).code, 'already_connected');
    assert.equal(await stack.checksum(), earlier);
  });

  test('the status of the new one is the older account\'s', async () => {
    const [holder, pending] = await both();
    isProcessed(await ready(pending, holder.phone_number));
    const { json } = await stack.signed('GET', `${BASE}/${pending.session_id}/status`);
    assert.deepEqual([json.uuid, json.status, json.phone_number], [holder.uuid, 'connected', holder.phone_number]);
  });
});

test('the same report once more changes nothing, by whatever name it is about the new account', async () => {
  const [holder, pending] = await both({ holder: { connection_status: 'error' } });
  isProcessed(await ready(pending, holder.phone_number));
  const earlier = [await now(holder), await now(pending)];
  const stable = (states) => states.map(({ account, ...rest }) => ({ ...rest, account: { ...account,
    last_activity_at: null, updated_at: null } }));
  isProcessed(await ready(pending, holder.phone_number));
  for (const name of ['id', 'uuid', 'session_id']) {
    const answer = await broadcast(pending, pending[name], { phone_number: holder.phone_number });
    assert.equal(answer.status, 200, `${name}: ${answer.text}`);
  }
  assert.deepEqual(stable([await now(holder), await now(pending)]), stable(earlier));
});

test('and so can the number be paired a third time, by way of a third account', async () => {
  const [holder, pending] = await both();
  isProcessed(await ready(pending, holder.phone_number));
  isProcessed(await tell('session_disconnected', pending, { reason: 'LOGOUT' }));
  const middle = (await now(holder)).account;
  const third = await stack.account({ workspace_id: holder.workspace_id, connection_status: 'connecting' });
  isProcessed(await ready(third, holder.phone_number));
  await tookOver(middle, third);
  assert.deepEqual(await livesOf(holder), [holder.id]);
});

test('what the new account\'s metadata held is kept, of whatever kind it was', async () => {
  /* A list as PHP takes it for an object; what is neither, beside ours. */
  const kinds = [['{"note":"x","superseded_by":"someone"}', { note: 'x' }], ['[1,2]', { 0: 1, 1: 2 }],
    ['"text"', { previous: 'text' }], ['5', { previous: 5 }], [null, {}]];
  for (const [metadata, kept] of kinds) {
    const [holder, pending] = await both({ pending: { metadata }, holder: { metadata } });
    isProcessed(await ready(pending, holder.phone_number));
    const { newer } = await tookOver(holder, pending);
    assert.deepEqual(newer.metadata, { ...kept, superseded_by: holder.uuid }, metadata);
  }
});

describe('nothing is taken over', () => {
  test('from an account that is connected', async () => {
    const [holder, pending] = await both({ holder: { connection_status: 'connected', is_active: 1 } });
    await wasRefused(await ready(pending, holder.phone_number), holder, pending);
  });

  test('from one of provider meta', async () => {
    const [holder, pending] = await both({ holder: { provider_type: 'meta' } });
    await wasRefused(await ready(pending, holder.phone_number), holder, pending);
  });

  test('by one of provider meta', async () => {
    const [holder, pending] = await both({ pending: { provider_type: 'meta' } });
    const answer = await broadcast(pending, pending.uuid, { phone_number: holder.phone_number });
    await wasRefused(answer, holder, pending, { command: false });
  });

  test('by an account that has been connected under another number', async () => {
    const [holder, pending] = await both({ pending: { phone_number: phone(), last_connected_at: utc(-7200),
      connection_status: 'connecting' } });
    await wasRefused(await ready(pending, holder.phone_number), holder, pending);
  });

  test('from a deleted account, or from another workspace\'s', async () => {
    for (const elsewhere of [false, true]) {
      const [holder, pending] = await both({ holder: elsewhere ? { workspace_id: await stack.workspace() }
        : { deleted_at: utc(-60) } });
      const earlier = await now(holder);
      isProcessed(await ready(pending, holder.phone_number));
      assert.deepEqual(await now(holder), earlier);
      const { account } = await now(pending);
      assert.deepEqual([account.deleted_at, account.connection_status, account.phone_number],
        [null, 'connected', holder.phone_number]);
    }
  });

  test('by reports of other states', async () => {
    const [holder, pending] = await both();
    for (const [event, more] of [['qr_code_generated', { qr_code: 'QR 2' }], ['session_error', {}],
      ['session_disconnected', {}]]) {
      isProcessed(await tell(event, pending, { phone_number: holder.phone_number, ...more }));
    }
    assert.deepEqual((await now(holder)).account, holder);
    assert.equal((await now(pending)).account.deleted_at, null);
  });
});
