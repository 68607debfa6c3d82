// DELETE /settings/whatsapp-accounts/{uuid}: the row stays, marked; and somebody else becomes the primary.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { isDone, isMissing, isOk } from './lib/browser-expect.mjs';
import { isAboutNow, isStatusEvent, sameKeys } from './lib/expect.mjs';
import { connected, phone, utc } from './lib/fixtures.mjs';
import { logIn } from './lib/login.mjs';
import { whileLocked } from './lib/session.mjs';
import { startStack } from './lib/stack.mjs';

let stack, ana;
before(async () => {
  stack = await startStack();
  ana = await logIn(stack);
});
after(() => stack?.stop());

/** Delete it, and return what has become of it. */
async function deleted(account, who = ana) {
  const body = isDone(await who.call('DELETE', `/${account.uuid}`), 'Account deleted successfully');
  sameKeys(body, ['success', 'message']);
  return stack.state(account.id);
}

describe('a deleted account', () => {
  for (const connection_status of ['connecting', 'connected', 'disconnected', 'error']) {
    test(`that was ${connection_status} is marked, told of, and its session is ended`, async () => {
      const account = await ana.account({ connection_status, phone_number: phone(), state_version: 2,
        session_data: 'kept' });
      const { account: now, events, commands } = await deleted(account);
      isAboutNow(now.deleted_at, 30);
      assert.equal(now.state_version, 3);
      assert.equal(now.session_data, 'kept');
      assert.equal(now.phone_number, account.phone_number);
      assert.equal(events.length, 1);
      isStatusEvent(events[0], now, { action: 'delete' }, 'deleted');
      assert.equal(commands.length, 1);
      assert.equal(commands[0].name, 'disconnect');
      assert.equal(commands[0].state, 'waiting');
      assert.deepEqual(commands[0].payload, { workspace_id: ana.workspace, account_id: account.id,
        session_id: account.session_id });
    });
  }

  test('of meta sends no command', async () => {
    const { events, commands } = await deleted(await ana.account(connected({ provider_type: 'meta' })));
    assert.equal(events.length, 1);
    assert.deepEqual(commands, []);
  });

  test('shows no QR code any more', async () => {
    const { account } = await deleted(await ana.account({ connection_status: 'connecting', qr_code: 'QR',
      qr_expires_at: utc(200), connect_deadline_at: utc(260) }));
    assert.equal(account.qr_code, null);
    assert.equal(account.connect_deadline_at, null);
  });

  test('is nowhere any more, also for a second DELETE', async () => {
    const account = await ana.account(connected());
    await deleted(account);
    const earlier = await stack.checksum();
    isMissing(await ana.call('DELETE', `/${account.uuid}`));
    isMissing(await ana.call('GET', `/${account.uuid}`));
    isMissing(await ana.call('GET', `/${account.uuid}/statistics`));
    for (const what of ['set-primary', 'disconnect', 'reconnect', 'regenerate-qr']) {
      isMissing(await ana.call('POST', `/${account.uuid}/${what}`));
    }
    assert.ok(isOk(await ana.call('GET')).accounts.every(({ id }) => id !== account.id));
    assert.equal(await stack.checksum(), earlier);
  });

  test('takes the place of a command that waits', async () => {
    const account = await ana.account({ last_connected_at: utc(-9000) });
    isOk(await ana.call('POST', `/${account.uuid}/reconnect`));
    const { commands } = await deleted(account);
    assert.deepEqual(commands.map(({ name, state }) => `${name} ${state}`),
      ['reconnect replaced', 'disconnect waiting']);
  });

  test('frees its number and its place', async () => {
    const who = await logIn(stack);
    for (let i = 0; i < 9; i++) await who.account(connected());
    const account = await who.account(connected());
    assert.equal(isOk(await who.call('GET')).canAddAccount, false);
    await deleted(account, who);
    assert.equal(isOk(await who.call('GET')).canAddAccount, true);
    const { phone_number } = account;
    isOk(await who.call('POST', '', { json: { phone_number, provider_type: 'webjs' } }), 201);
  });
});

describe('when the primary one is deleted', () => {
  test('the connected one with the newest last_connected_at becomes primary, and that is told', async () => {
    const who = await logIn(stack);
    const primary = await who.account(connected({ is_primary: 1 }));
    const others = [connected({ last_connected_at: utc(-500) }), connected({ last_connected_at: null }),
      connected({ last_connected_at: utc(-50), state_version: 4, provider_type: 'meta' }),
      connected({ last_connected_at: utc(-5), connection_status: 'disconnected' }),
      connected({ last_connected_at: utc(-4), deleted_at: utc(-3) })];
    const made = [];
    for (const columns of others) made.push(await who.account(columns));
    const elsewhere = await (await logIn(stack)).account(connected({ last_connected_at: utc(-1) }));

    const { account, events } = await deleted(primary, who);
    isStatusEvent(events[0], account, { action: 'delete' }, 'deleted');
    const heir = await stack.state(made[2].id);
    assert.equal(heir.account.is_primary, true);
    assert.equal(heir.account.state_version, 5);
    assert.equal(heir.events.length, 1);
    isStatusEvent(heir.events[0], heir.account, { action: 'set_primary' }, 'primary_changed');
    assert.deepEqual(heir.commands, []);
    for (const other of [...made.filter(({ id }) => id !== heir.account.id), elsewhere]) {
      const now = await stack.state(other.id);
      assert.deepEqual(now.account, other);
      assert.deepEqual(now.events, []);
    }

    await deleted(heir.account, who);
    assert.equal((await stack.state(made[0].id)).account.is_primary, true);
    await deleted(made[0], who);
    assert.equal((await stack.state(made[1].id)).account.is_primary, true, 'connected, and nobody knows since when');
    await deleted(made[1], who);
    assert.equal((await stack.state(made[3].id)).account.is_primary, false, 'one that is not connected does not');
  });

  test('and no other is connected, there is none', async () => {
    const who = await logIn(stack);
    const primary = await who.account(connected({ is_primary: 1 }));
    await who.account({ last_connected_at: utc(-50) });
    await deleted(primary, who);
    const primaries = isOk(await who.call('GET')).accounts.filter((account) => account.is_primary);
    assert.deepEqual(primaries, []);
  });

  test('and when another one is, nobody becomes it', async () => {
    const who = await logIn(stack);
    const primary = await who.account(connected({ is_primary: 1 }));
    const account = await who.account(connected());
    const other = await who.account(connected({ last_connected_at: utc(-1) }));
    await deleted(account, who);
    assert.deepEqual((await stack.state(primary.id)).account, primary);
    assert.deepEqual((await stack.state(other.id)).account, other);
  });

  const losses = { 'is disconnected': "connection_status = 'disconnected', is_active = 0",
    'is deleted': 'deleted_at = UTC_TIMESTAMP()' };
  for (const [name, loss] of Object.entries(losses)) {
    test(`and the one that would become it ${name} meanwhile, it is the one that stays connected`, async () => {
      const who = await logIn(stack);
      const primary = await who.account(connected({ is_primary: 1 }));
      const first = await who.account(connected({ last_connected_at: utc(-10) }));
      const second = await who.account(connected({ last_connected_at: utc(-1000) }));
      await whileLocked(stack, first, async ({ ask, waiting }) => {
        const asked = who.call('DELETE', `/${primary.uuid}`);
        await waiting(1);
        await ask(`UPDATE whatsapp_accounts SET ${loss} WHERE id = ${first.id}; COMMIT`);
        isOk(await asked);
      });
      const heir = await stack.state(second.id);
      assert.equal(heir.account.is_primary, true);
      isStatusEvent(heir.events[0], heir.account, { action: 'set_primary' }, 'primary_changed');
      const lost = await stack.state(first.id);
      assert.equal(lost.account.is_primary, false);
      assert.deepEqual(lost.events, []);
    });
  }
});
