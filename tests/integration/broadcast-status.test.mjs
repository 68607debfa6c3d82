// POST /api/whatsapp/accounts/broadcast, event account-status-changed: the
// state is stored, and its event is in the outbox with it.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { BASE, isAboutNow, isBroadcasted, isError, isNotFound, isStatusEvent, secondsBetween } from './lib/expect.mjs';
import { connected, phone, utc } from './lib/fixtures.mjs';
import { startStack } from './lib/stack.mjs';

let stack;
before(async () => (stack = await startStack()));
after(() => stack?.stop());

const broadcast = (data) => stack.signed('POST', `${BASE}/broadcast`, { event: 'account-status-changed', data });

/** Report a state of an account, and return what has become of it. */
async function report(account, status, more = {}) {
  isBroadcasted(await broadcast({ account_id: account.uuid, workspace_id: account.workspace_id, status, ...more }));
  return stack.state(account.id);
}

/** What may differ between two states of one account. */
function differences(earlier, now) {
  return Object.keys(now).filter((name) => now[name] !== earlier[name]).sort();
}

describe('every word is stored as one of the four states', () => {
  const words = {
    connecting: 'connecting', qr_scanning: 'connecting', qr_generated: 'connecting', initializing: 'connecting',
    connected: 'connected', authenticated: 'connected', ready: 'connected',
    disconnected: 'disconnected',
    error: 'error', failed: 'error',
  };
  for (const [word, connection_status] of Object.entries(words)) {
    test(`${word} is ${connection_status}`, async () => {
      const workspace_id = await stack.workspace();
      const from = connection_status === 'disconnected' ? 'connecting' : 'disconnected';
      const account = await stack.account({ workspace_id, connection_status: from, phone_number: phone(),
        session_data: 'ENCRYPTED', state_version: 11 });
      const { account: now, events, commands } = await report(account, word);
      assert.equal(now.connection_status, connection_status);
      assert.equal(now.state_version, 12);
      assert.equal(events.length, 1);
      assert.equal(commands.length, 0);
      isStatusEvent(events[0], now);
    });
  }

  test('no other word is understood', async () => {
    const account = await stack.account({ workspace_id: await stack.workspace() });
    const earlier = await stack.checksum();
    for (const status of ['online', 'deleted', 'primary_changed', 'CONNECTED', 'connected ', ' connected',
      'connecte', 'connectedx']) {
      isError(await broadcast({ account_id: account.uuid, workspace_id: account.workspace_id, status }), 422);
    }
    assert.equal(await stack.checksum(), earlier);
  });
});

describe('connected', () => {
  test('makes the row active and connected now, without QR code, deadline and failures', async () => {
    const workspace_id = await stack.workspace();
    const account = await stack.account({ workspace_id, connection_status: 'connecting', qr_code: 'QR',
      qr_expires_at: utc(200), connect_deadline_at: utc(260), session_data: 'ENCRYPTED',
      metadata: '{"recent_failures":2,"battery":3}' });
    const number = phone();
    const { account: now, metadata, events } = await report(account, 'connected', { phone_number: number });
    assert.deepEqual({ ...now, last_connected_at: null, last_activity_at: null, updated_at: null, metadata: null }, {
      ...account, last_connected_at: null, last_activity_at: null, updated_at: null, metadata: null,
      connection_status: 'connected', is_active: true, is_primary: true, phone_number: number,
      qr_code: null, qr_expires_at: null, connect_deadline_at: null, state_version: 1,
    });
    isAboutNow(now.last_connected_at);
    isAboutNow(now.last_activity_at);
    assert.equal(metadata.recent_failures, 0);
    assert.equal(metadata.battery, 3);
    isStatusEvent(events[0], now);
  });

  test('reported twice is told once', async () => {
    const account = await stack.account({ workspace_id: await stack.workspace() });
    const more = { phone_number: phone() };
    await report(account, 'connected', more);
    const { account: now, events } = await report(account, 'ready', more);
    assert.equal(now.state_version, 1);
    assert.equal(events.length, 1);
  });

  test('reported again with another number is a change', async () => {
    const account = await stack.account({ workspace_id: await stack.workspace() });
    await report(account, 'connected', { phone_number: phone() });
    const number = phone();
    const { account: now, events } = await report(account, 'connected', { phone_number: number });
    assert.equal(now.phone_number, number);
    assert.equal(now.state_version, 2);
    isStatusEvent(events[1], now);
  });

  test('for an account of provider meta is stored alike', async () => {
    const account = await stack.account({ workspace_id: await stack.workspace(), provider_type: 'meta',
      phone_number: phone() });
    const { account: now, events } = await report(account, 'connected');
    assert.equal(now.connection_status, 'connected');
    isStatusEvent(events[0], now);
  });

  test('beyond WA_MAX_ACCOUNTS is stored all the same: the phone is paired', async () => {
    const workspace_id = await stack.workspace();
    for (let i = 0; i < 10; i++) await stack.account(connected({ workspace_id }));
    const { account: now } = await report(await stack.account({ workspace_id }), 'connected',
      { phone_number: phone() });
    assert.equal(now.connection_status, 'connected');
  });
});

describe('disconnected', () => {
  test('clears the QR code and keeps phone, place, activity and session', async () => {
    const workspace_id = await stack.workspace();
    const account = await stack.account(connected({ workspace_id, is_primary: 1, qr_code: 'stale',
      qr_expires_at: utc(200),
      session_data: 'ENCRYPTED', last_activity_at: utc(-7200) }));
    const { account: now, events } = await report(account, 'disconnected');
    assert.deepEqual({ ...now, last_activity_at: null, updated_at: null, connect_deadline_at: null, metadata: null },
      {
      ...account, last_activity_at: null, updated_at: null, connect_deadline_at: null, metadata: null,
      connection_status: 'disconnected', qr_code: null, qr_expires_at: null, state_version: 1,
    });
    isAboutNow(now.last_activity_at);
    isStatusEvent(events[0], now);
  });

  test('reported twice is told once', async () => {
    const account = await stack.account(connected({ workspace_id: await stack.workspace() }));
    await report(account, 'disconnected');
    const { account: now, events } = await report(account, 'disconnected');
    assert.equal(now.state_version, 1);
    assert.equal(events.length, 1);
  });
});

describe('error', () => {
  test('is stored with a last_error and one more failure', async () => {
    const account = await stack.account({ workspace_id: await stack.workspace(), connection_status: 'connecting',
      phone_number: phone(), session_data: 'ENCRYPTED', metadata: '{"recent_failures":1,"battery":3}' });
    const { account: now, metadata, events, commands } = await report(account, 'failed');
    assert.deepEqual(differences(account, now).filter((name) => !['updated_at', 'qr_code',
      'last_activity_at'].includes(name)),
      ['connection_status', 'metadata', 'state_version']);
    assert.equal(typeof metadata.last_error, 'string');
    assert.notEqual(metadata.last_error, '');
    assert.equal(metadata.recent_failures, 2);
    assert.equal(metadata.battery, 3);
    assert.equal(commands.length, 0);
    isStatusEvent(events[0], now);
  });

  test('counts its failures until the account is connected', async () => {
    const account = await stack.account({ workspace_id: await stack.workspace() });
    await report(account, 'error');
    await report(account, 'connecting');
    assert.equal((await report(account, 'error')).metadata.recent_failures, 2);
    assert.equal((await report(account, 'connected')).metadata.recent_failures, 0);
    assert.equal((await report(account, 'error')).metadata.recent_failures, 1);
  });

  test('a failure count that is no number begins anew', async () => {
    const account = await stack.account({ workspace_id: await stack.workspace(),
      metadata: '{"recent_failures":"many"}' });
    assert.equal((await report(account, 'error')).metadata.recent_failures, 1);
  });
});

describe('the phone number', () => {
  test('none is ignored, and the state is stored', async () => {
    const workspace_id = await stack.workspace();
    for (const phone_number of [null, 'undefined', 'null', '', 'unknown', '   ']) {
      const account = await stack.account({ workspace_id, phone_number: phone() });
      const { account: now } = await report(account, 'connected', { phone_number });
      assert.equal(now.connection_status, 'connected');
      assert.equal(now.phone_number, account.phone_number, String(phone_number));
    }
  });

  test('none leaves an account without a number as it is', async () => {
    const account = await stack.account({ workspace_id: await stack.workspace() });
    assert.equal((await report(account, 'connected', { phone_number: 'undefined' })).account.phone_number, null);
  });

  test('of another live account, however written, is a 409: error, and a disconnect for Node', async () => {
    const workspace_id = await stack.workspace();
    await stack.account(connected({ workspace_id, phone_number: '+62 899-0000 7890' }));
    const account = await stack.account({ workspace_id, connection_status: 'connecting', session_data: 'ENCRYPTED' });
    const same = { account_id: account.uuid, workspace_id, status: 'connected', phone_number: '6289900007890' };
    isError(await broadcast(same), 409);

    const { account: now, events, commands } = await stack.state(account.id);
    const free = { updated_at: null, metadata: null, connect_deadline_at: null };
    assert.deepEqual({ ...now, ...free }, { ...account, ...free, connection_status: 'error', state_version: 1 });
    assert.equal(events.length, 1);
    isStatusEvent(events[0], now);
    assert.equal(commands.length, 1);
    assert.equal(commands[0].name, 'disconnect');
    assert.equal(commands[0].state, 'waiting');
    assert.equal(commands[0].workspace_id, workspace_id);
    const lasts = secondsBetween(commands[0].created_at, commands[0].expires_at);
    assert.ok(Math.abs(lasts - 900) < 5, 'expires after 15 minutes');
    assert.doesNotMatch(commands[0].payloadText ?? '', /api_key/);

    isError(await broadcast(same), 409);
    const again = await stack.state(account.id);
    assert.equal(again.account.state_version, 1);
    assert.equal(again.events.length, 1);
    assert.equal(again.commands.filter((command) => command.state === 'waiting').length, 1);
  });

  test('of another live account, again and again, leaves the one command and the one event alone', async () => {
    const workspace_id = await stack.workspace();
    const other = await stack.account(connected({ workspace_id }));
    const account = await stack.account({ workspace_id, connection_status: 'connecting' });
    let first;
    for (let i = 0; i < 3; i++) {
      isError(await broadcast({ account_id: account.uuid, workspace_id, status: i === 1 ? 'ready' : 'connected',
        phone_number: other.phone_number }), 409);
      const now = await stack.state(account.id);
      first ??= now;
      const rows = ({ commands }) => commands.map(({ id, name, state, payload }) => ({ id, name, state, payload }));
      assert.deepEqual(rows(now), rows(first), 'neither a second one nor a replaced one');
      assert.deepEqual(now.events, first.events);
      assert.deepEqual({ ...now.account, updated_at: null }, { ...first.account, updated_at: null });
    }
    assert.equal(first.account.connection_status, 'error');
    assert.equal(first.events.length, 1);
    assert.deepEqual(first.commands.map(({ name, state }) => [name, state]), [['disconnect', 'waiting']]);
  });

  test('of another account is refused with the old words for connected too', async () => {
    const workspace_id = await stack.workspace();
    const other = await stack.account(connected({ workspace_id }));
    const account = await stack.account({ workspace_id, connection_status: 'connecting' });
    isError(await broadcast({ account_id: account.uuid, workspace_id, status: 'authenticated',
      phone_number: other.phone_number }), 409);
    assert.equal((await stack.state(account.id)).account.phone_number, null);
    assert.equal((await stack.state(other.id)).account.state_version, 0);
  });

  test('of an account of provider meta brings no command', async () => {
    const workspace_id = await stack.workspace();
    const other = await stack.account(connected({ workspace_id }));
    const account = await stack.account({ workspace_id, provider_type: 'meta' });
    isError(await broadcast({ account_id: account.uuid, workspace_id, status: 'connected',
      phone_number: other.phone_number }), 409);
    const { account: now, commands } = await stack.state(account.id);
    assert.equal(now.connection_status, 'error');
    assert.equal(commands.length, 0);
  });

  test('of a deleted account, or of another workspace, is free', async () => {
    const workspace_id = await stack.workspace();
    const deleted = await stack.account(connected({ workspace_id, deleted_at: utc(-5) }));
    const elsewhere = await stack.account(connected({ workspace_id: await stack.workspace() }));
    for (const other of [deleted, elsewhere]) {
      const { account: now } = await report(await stack.account({ workspace_id }), 'connected',
        { phone_number: other.phone_number });
      assert.equal(now.phone_number, other.phone_number);
    }
  });
});

describe('the primary account', () => {
  test('is the first that connects in a workspace without one, and its event says so', async () => {
    const workspace_id = await stack.workspace();
    const one = await report(await stack.account({ workspace_id }), 'connected', { phone_number: phone() });
    const two = await report(await stack.account({ workspace_id }), 'connected', { phone_number: phone() });
    assert.equal(one.account.is_primary, true);
    assert.equal(one.account.state_version, 1);
    assert.equal(one.events[0].payload.metadata.is_primary, true);
    assert.equal(two.account.is_primary, false);
    assert.equal(two.events[0].payload.metadata.is_primary, false);
  });

  test('stays the one it is, connected or not', async () => {
    const workspace_id = await stack.workspace();
    const primary = await stack.account({ workspace_id, is_primary: 1 });
    assert.equal((await report(await stack.account({ workspace_id }), 'connected')).account.is_primary, false);
    assert.equal((await stack.state(primary.id)).account.is_primary, true);
  });

  test('that is deleted is none, and that of another workspace is another\'s', async () => {
    const workspace_id = await stack.workspace();
    await stack.account({ workspace_id, is_primary: 1, deleted_at: utc(-5) });
    await stack.account({ workspace_id: await stack.workspace(), is_primary: 1 });
    assert.equal((await report(await stack.account({ workspace_id }), 'connected')).account.is_primary, true);
  });

  test('is not taken by any other state', async () => {
    const workspace_id = await stack.workspace();
    for (const word of ['connecting', 'error']) {
      assert.equal((await report(await stack.account({ workspace_id }), word)).account.is_primary, false);
    }
  });
});

describe('a word for connecting', () => {
  for (const word of ['connecting', 'qr_scanning', 'initializing']) {
    test(`${word} within a minute of connected is late: 409, nothing stored`, async () => {
      const workspace_id = await stack.workspace();
      const account = await stack.account(connected({ workspace_id, last_connected_at: utc(-5) }));
      const earlier = await stack.checksum();
      isError(await broadcast({ account_id: account.uuid, workspace_id, status: word, metadata: { a: 1 } }), 409);
      assert.equal(await stack.checksum(), earlier);
    });
  }

  test('after that minute is stored', async () => {
    const account = await stack.account(connected({ workspace_id: await stack.workspace(),
      last_connected_at: utc(-90) }));
    assert.equal((await report(account, 'connecting')).account.connection_status, 'connecting');
  });

  test('about an account that is no longer connected is stored, however short ago it was', async () => {
    const account = await stack.account(connected({ workspace_id: await stack.workspace(),
      connection_status: 'disconnected', last_connected_at: utc(-5) }));
    assert.equal((await report(account, 'connecting')).account.connection_status, 'connecting');
  });
});

test('the account is found by id, session_id and uuid in any case', async () => {
  const workspace_id = await stack.workspace();
  for (const name of [(a) => a.id, (a) => String(a.id), (a) => a.session_id, (a) => a.uuid.toUpperCase()]) {
    const account = await stack.account({ workspace_id });
    isBroadcasted(await broadcast({ account_id: name(account), workspace_id, status: 'connecting' }));
    assert.equal((await stack.state(account.id)).account.connection_status, 'connecting');
  }
});

test('the events of an account without a session_id carry its uuid', async () => {
  const workspace_id = await stack.workspace();
  const nameless = await stack.account({ workspace_id, session_id: null });
  const { account: now, events } = await report(nameless, 'connecting');
  assert.equal(events[0].payload.account_id, nameless.uuid);
  isStatusEvent(events[0], now);
});

test('another workspace\'s account, an unknown one and a deleted one are a 404, and nothing is stored', async () => {
  const workspace_id = await stack.workspace();
  const other = await stack.workspace();
  const account = await stack.account({ workspace_id });
  const deleted = await stack.account({ workspace_id, deleted_at: utc(-5) });
  const earlier = await stack.checksum();
  for (const [account_id, workspace] of [[account.uuid, other], [account.id, other], [account.session_id, other],
    [account.uuid, 2147483000], ['webjs_1_1763000000_Unknown1', workspace_id], [deleted.uuid, workspace_id]]) {
    isNotFound(await broadcast({ account_id, workspace_id: workspace, status: 'connected' }));
  }
  assert.equal(await stack.checksum(), earlier);
});

test('session_data is the same bytes after every report', async () => {
  const workspace_id = await stack.workspace();
  const account = await stack.account({ workspace_id, session_data: 'eyJpdiI6IlNFU1NJT04ifQ== \\ "é"' });
  for (const word of ['qr_scanning', 'authenticated', 'ready', 'disconnected', 'failed', 'connected']) {
    assert.equal((await report(account, word)).account.session_data, account.session_data);
  }
});
