// set-primary, disconnect, delete, reconnect, regenerate-qr: what a person does to an account, and who is told.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { isAccount, isDone, isMissing, isOk, isRefused } from './lib/browser-expect.mjs';
import { isAboutNow, isStatusEvent, secondsBetween } from './lib/expect.mjs';
import { connected, phone, utc } from './lib/fixtures.mjs';
import { insert, logIn } from './lib/login.mjs';
import { withSettings } from './lib/settings.mjs';
import { startStack } from './lib/stack.mjs';

const SENTENCES = {
  'set-primary': 'Account set as primary successfully',
  disconnect: 'Account disconnected successfully',
  reconnect: 'Account reconnection initiated',
  'regenerate-qr': 'QR code regeneration initiated',
};
const STATES = ['connecting', 'connected', 'disconnected', 'error'];

let stack, ana;
before(async () => {
  stack = await startStack({ env: { WA_MAX_ACCOUNTS: 1000 } });
  ana = await logIn(stack);
});
after(() => stack?.stop());

const act = (account, what, who = ana) => who.call('POST', `/${account.uuid}/${what}`);
const remove = (account, who = ana) => who.call('DELETE', `/${account.uuid}`);
const pairing = (changes) => ({ connection_status: 'connecting', is_active: 1, qr_code: 'QR', qr_expires_at: utc(200),
  connect_deadline_at: utc(260), phone_number: phone(), ...changes });
/** A pairing that has gone as far as this state. */
const inState = (connection_status, changes) => ({ ...pairing(), connection_status, ...changes });

/** Do it, and return what is answered and what has become of the account. */
async function done(account, what, who = ana) {
  const body = isDone(await act(account, what, who), SENTENCES[what]);
  const state = await stack.state(account.id);
  isAccount(body.data, state.account, state.metadata?.recent_failures ?? 0);
  return { body, ...state };
}

function isCommand(command, name, account) {
  assert.equal(command.name, name);
  assert.equal(command.state, 'waiting');
  assert.equal(command.workspace_id, account.workspace_id);
  assert.ok(Math.abs(secondsBetween(command.created_at, command.expires_at) - 900) < 5, 'for fifteen minutes');
  assert.deepEqual(command.payload, { workspace_id: account.workspace_id, account_id: account.id,
    session_id: account.session_id });
}
const waiting = (commands) => commands.filter((command) => command.state === 'waiting');

/** A command in the outbox, as another request would have left it. */
const command = (account, name, state) => insert(stack, 'wa_outbox', { account_id: account.id,
  workspace_id: account.workspace_id, state_version: account.state_version, kind: 'command', name, state,
  payload: { workspace_id: account.workspace_id, account_id: account.id, session_id: account.session_id },
  created_at: utc(-1), available_at: utc(-1), expires_at: utc(899) });

/** What differs between two states of a row, but for the time of the change. */
const changes = (before, now) => Object.keys(now).filter((name) => name !== 'updated_at' && now[name] !== before[name])
  .sort();
const hasNoPairing = (account) => {
  for (const name of ['qr_code', 'qr_expires_at', 'connect_deadline_at']) assert.equal(account[name], null, name);
};
/** The pairing may last so many seconds from now. */
function endsIn({ connect_deadline_at }, seconds) {
  const left = Date.parse(`${connect_deadline_at.replace(' ', 'T')}Z`) - Date.now();
  assert.ok(Math.abs(left / 1000 - seconds) < 30, connect_deadline_at);
}
/** A request that changes nothing and tells nobody. */
async function isQuiet(request) {
  const earlier = await stack.checksum();
  isOk(await request());
  assert.equal(await stack.checksum(), earlier);
}

describe('set-primary', () => {
  test('makes it the one, tells it once, and the one before is told by nothing but its version', async () => {
    const who = await logIn(stack);
    const first = await who.account(connected({ is_primary: 1, state_version: 3 }));
    for (const state of STATES) {
      for (const provider_type of ['webjs', 'meta']) {
        const account = await who.account({ connection_status: state, provider_type, state_version: 6 });
        const { account: now, events, commands } = await done(account, 'set-primary', who);
        assert.deepEqual(changes(account, now), ['is_primary', 'state_version']);
        assert.equal(now.is_primary, true);
        assert.equal(now.state_version, 7);
        assert.equal(events.length, 1);
        isStatusEvent(events[0], now, { action: 'set_primary' }, 'primary_changed');
        assert.deepEqual(commands, []);
        isAboutNow(now.updated_at, 30);
      }
    }
    const { account, events } = await stack.state(first.id);
    assert.deepEqual(changes(first, account), ['is_primary', 'state_version']);
    assert.equal(account.state_version, 4);
    assert.deepEqual(events, []);
    assert.equal(await stack.value(`SELECT SUM(is_primary) FROM whatsapp_accounts
      WHERE workspace_id = ${who.workspace}`), '1');
  });

  test('of the primary one changes nothing', async () => {
    const who = await logIn(stack);
    const account = await who.account(connected({ is_primary: 1 }));
    await isQuiet(() => act(account, 'set-primary', who));
  });

  test('is nothing to other workspaces', async () => {
    const [who, other] = [await logIn(stack), await logIn(stack)];
    const theirs = await other.account(connected({ is_primary: 1 }));
    await done(await who.account(), 'set-primary', who);
    assert.deepEqual((await stack.state(theirs.id)).account, theirs);
  });

  test('with a deleted account that was primary is no conflict', async () => {
    const who = await logIn(stack);
    await who.account({ is_primary: 1, deleted_at: utc(-5) });
    assert.equal((await done(await who.account(), 'set-primary', who)).account.is_primary, true);
  });
});

describe('disconnect', () => {
  for (const state of ['connecting', 'connected', 'error']) {
    test(`of one that is ${state}: disconnected, inactive, without QR code, and its number stays`, async () => {
      const account = await ana.account(inState(state, { last_connected_at: utc(-90), last_activity_at: utc(-30) }));
      const { account: now, events, commands } = await done(account, 'disconnect');
      assert.equal(now.connection_status, 'disconnected');
      assert.equal(now.is_active, false);
      hasNoPairing(now);
      assert.equal(now.state_version, 1);
      for (const name of ['phone_number', 'is_primary', 'last_connected_at', 'session_id', 'assigned_instance_url']) {
        assert.equal(now[name], account[name], name);
      }
      assert.equal(events.length, 1);
      isStatusEvent(events[0], now, { action: 'disconnect' });
      assert.equal(commands.length, 1);
      isCommand(commands[0], 'disconnect', now);
    });
  }

  test('of the primary one leaves it primary', async () => {
    const who = await logIn(stack);
    const account = await who.account(connected({ is_primary: 1 }));
    assert.equal((await done(account, 'disconnect', who)).account.is_primary, true);
  });

  test('of one that is disconnected and inactive changes nothing', async () => {
    const account = await ana.account({ phone_number: phone() });
    await isQuiet(() => act(account, 'disconnect'));
    const other = await ana.account(connected());
    const first = await done(other, 'disconnect');
    const second = await done(other, 'disconnect');
    assert.deepEqual(changes(first.account, second.account), []);
    assert.deepEqual([second.events, second.commands], [first.events, first.commands], 'nor while its command waits');
  });

  test('of one that is disconnected and active ends its session, and is no news', async () => {
    const account = await ana.account({ is_active: 1, phone_number: phone() });
    const { account: now, events, commands } = await done(account, 'disconnect');
    assert.deepEqual(changes(account, now), ['is_active']);
    assert.deepEqual(events, []);
    assert.equal(commands.length, 1);
    isCommand(commands[0], 'disconnect', now);
  });

  test('takes the place of a command that waits', async () => {
    const account = await ana.account();
    for (const name of ['connect', 'reconnect', 'regenerate-qr']) {
      await stack.sql(`DELETE FROM wa_outbox WHERE account_id = ${account.id}`);
      await command(account, name, 'waiting');
      const { commands } = await done(account, 'disconnect');
      assert.equal(commands[0].state, 'replaced', name);
      assert.equal(waiting(commands).length, 1);
      isCommand(waiting(commands)[0], 'disconnect', account);
    }
  });

  test('follows a command that is under way', async () => {
    const account = await ana.account();
    await command(account, 'connect', 'sending');
    const { commands, events } = await done(account, 'disconnect');
    assert.deepEqual(commands.map(({ name, state }) => `${name} ${state}`), ['connect sending', 'disconnect waiting']);
    assert.deepEqual(events, []);
  });

  test('sends nothing for meta', async () => {
    const account = await ana.account(connected({ provider_type: 'meta' }));
    const { account: now, events, commands } = await done(account, 'disconnect');
    assert.equal(now.connection_status, 'disconnected');
    assert.equal(events.length, 1);
    assert.deepEqual(commands, []);
  });
});

describe('reconnect', () => {
  for (const state of ['connecting', 'disconnected', 'error']) {
    for (const [was, name] of [[utc(-9000), 'reconnect'], [null, 'connect']]) {
      test(`of one that is ${state} and ${was ? 'was' : 'never was'} connected: the command ${name}`, async () => {
        const account = await ana.account(inState(state, { is_active: 0, last_connected_at: was }));
        const { body, account: now, events, commands } = await done(account, 'reconnect');
        assert.equal(body.qr_code, null);
        assert.equal(body.session_id, account.session_id);
        assert.equal(now.connection_status, 'connecting');
        assert.equal(now.is_active, true);
        assert.equal(now.qr_code, null);
        assert.equal(now.qr_expires_at, null);
        endsIn(now, 180);
        for (const kept of ['phone_number', 'session_id', 'last_connected_at', 'is_primary']) {
          assert.equal(now[kept], account[kept], kept);
        }
        assert.equal(now.state_version, 1);
        assert.equal(events.length, 1);
        isStatusEvent(events[0], now, { action: 'reconnect' });
        assert.equal(commands.length, 1);
        isCommand(commands[0], name, now);
      });
    }
  }

  test('gives it WA_CONNECT_DEADLINE seconds', async () => {
    await withSettings(stack, { WA_CONNECT_DEADLINE: 900 }, async () => {
      const { account } = await done(await ana.account(), 'reconnect');
      endsIn(account, 900);
    });
  });

  test('again is no news, and sends no second command', async () => {
    const account = await ana.account({ last_connected_at: utc(-9000) });
    await done(account, 'reconnect');
    const { account: now, events, commands } = await done(account, 'reconnect');
    assert.equal(now.state_version, 1);
    assert.equal(events.length, 1);
    assert.equal(commands.length, 1);
  });

  test('of one that is connected changes nothing, and says so in the same words', async () => {
    const account = await ana.account(connected());
    await isQuiet(() => act(account, 'reconnect'));
    assert.equal((await done(account, 'reconnect')).body.data.connection_status, 'connected');
  });

  test('is a 403 at the limit', async () => {
    const who = await logIn(stack);
    await withSettings(stack, { WA_MAX_ACCOUNTS: 2 }, async () => {
      await who.account(connected());
      const account = await who.account();
      await done(account, 'reconnect', who);
      await who.account(connected());
      const earlier = await stack.checksum();
      for (const state of ['connecting', 'disconnected', 'error']) {
        await stack.sql(`UPDATE whatsapp_accounts SET connection_status = '${state}' WHERE id = ${account.id}`);
        isRefused(await act(account, 'reconnect', who), 403, 'limit_reached');
      }
      await stack.sql(`UPDATE whatsapp_accounts SET connection_status = 'connecting' WHERE id = ${account.id}`);
      assert.equal(await stack.checksum(), earlier);
      isOk(await act(account, 'regenerate-qr', who));
    });
  });
});

describe('regenerate-qr', () => {
  for (const state of ['connecting', 'disconnected', 'error']) {
    test(`of one that is ${state}: connecting, without QR code, and with a deadline`, async () => {
      const account = await ana.account(inState(state));
      const { body, account: now, events, commands } = await done(account, 'regenerate-qr');
      assert.equal(body.qr_code, null);
      assert.equal(now.connection_status, 'connecting');
      assert.equal(now.qr_code, null);
      assert.equal(now.qr_expires_at, null);
      endsIn(now, 180);
      assert.equal(now.phone_number, account.phone_number);
      assert.equal(now.state_version, 1);
      assert.equal(events.length, 1);
      isStatusEvent(events[0], now, { action: 'regenerate_qr' });
      assert.equal(commands.length, 1);
      isCommand(commands[0], 'regenerate-qr', now);
    });
  }

  test('of one that is connected is a 409', async () => {
    const account = await ana.account(connected());
    const earlier = await stack.checksum();
    isRefused(await act(account, 'regenerate-qr'), 409, 'already_connected');
    assert.equal(await stack.checksum(), earlier);
  });

  test('of one that waits for its code is no news, for nothing changes that anybody sees', async () => {
    const account = await ana.account({ connection_status: 'connecting', is_active: 1 });
    const { events, account: now } = await done(account, 'regenerate-qr');
    assert.equal(now.state_version, 0);
    assert.deepEqual(events, []);
  });
});

describe('an account of meta', () => {
  for (const what of ['reconnect', 'regenerate-qr']) {
    test(`has no ${what}, in any state`, async () => {
      for (const connection_status of STATES) {
        const account = await ana.account({ provider_type: 'meta', connection_status });
        const earlier = await stack.checksum();
        isRefused(await act(account, what), 422, 'not_supported', 'Not supported for this provider type');
        assert.equal(await stack.checksum(), earlier);
      }
    });
  }
});

describe('an account without a session_id', () => {
  for (const what of ['set-primary', 'disconnect', 'reconnect', 'regenerate-qr']) {
    test(`takes ${what}, and is told of by its uuid unless it was given one`, async () => {
      const account = await ana.account(inState(what === 'disconnect' ? 'connected' : 'error', { session_id: null }));
      const { account: now, events, commands } = await done(account, what);
      assert.equal(events.length, 1);
      assert.equal(events[0].payload.account_id, now.session_id ?? now.uuid);
      for (const { payload } of commands) assert.equal(payload.session_id, now.session_id);
      if (what === 'reconnect') {
        assert.match(now.session_id ?? '', new RegExp(`^webjs_${ana.workspace}_\\d{10}_[A-Za-z0-9]{8}$`),
          'the Node service needs a name for it');
      }
    });
  }

  test('is deleted, and told of', async () => {
    const account = await ana.account(connected({ session_id: null }));
    isDone(await remove(account), 'Account deleted successfully');
    const { account: now, events } = await stack.state(account.id);
    assert.equal(events[0].payload.account_id, now.session_id ?? now.uuid);
    assert.equal(events[0].payload.uuid, account.uuid);
    isMissing(await remove(account));
  });
});
