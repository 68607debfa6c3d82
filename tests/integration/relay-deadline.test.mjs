// A pairing that is not completed in time: the account is told off once, and its session is ended.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { BASE, isBroadcasted } from './lib/expect.mjs';
import { connected, phone, utc } from './lib/fixtures.mjs';
import { logIn } from './lib/login.mjs';
import { startNodeService } from './lib/node-service.mjs';
import { metrics } from './lib/observe.mjs';
import { inParallel } from './lib/parallel.mjs';
import { pause, until } from './lib/processes.mjs';
import { startPusher } from './lib/pusher-server.mjs';
import { startStack } from './lib/stack.mjs';

const REASON = 'The pairing was not completed in time';

let stacks, stack, pusher, node, workspace_id;
before(async () => {
  [pusher, node] = [await startPusher(), await startNodeService()];
  const env = { WA_RELAY: 'on', WA_RELAY_POLL: 50, WA_MAX_ACCOUNTS: 1000, ...pusher.env(), ...node.env() };
  stack = await startStack({ env });
  /* A second host: what is to happen once must not happen once on each. */
  stacks = [stack, await startStack({ env, database: stack.database })];
  workspace_id = await stack.workspace();
});
after(async () => {
  for (const each of [...stacks ?? []].reverse()) await each.stop();
  await pusher?.end();
  await node?.stop();
});
afterEach(async () => {
  await settled();
  pusher.forget();
  node.forget();
  node.sessions.clear();
});

const settled = () => until('everything is settled', async () => await stack.value(`SELECT COUNT(*) FROM wa_outbox
  WHERE state IN ('waiting', 'sending')`) === '0');
const told = (account) => pusher.requests.filter(({ data }) => data.uuid === account.uuid).map(({ data }) => data);

/** An account whose pairing is under way, until so many seconds from now; the instance has its session. */
async function pairing(seconds, columns = {}) {
  const account = await stack.account({ workspace_id, connection_status: 'connecting', is_active: 1,
    qr_code: 'a code', qr_expires_at: utc(200), phone_number: phone(), ...columns });
  node.sessions.set(account.session_id, { workspace_id, account_id: account.id, status: 'qr_scanning' });
  if (seconds !== null) await endsIn(account, seconds);
  return account;
}
const endsIn = (accounts, seconds) => stack.sql(`UPDATE whatsapp_accounts
  SET connect_deadline_at = UTC_TIMESTAMP(6) + INTERVAL ${seconds} SECOND
  WHERE id IN (${[accounts].flat().map(({ id }) => id).join(', ')})`);
const expiredCount = async () => {
  const counts = await Promise.all(stacks.map(async (each) => (await metrics(each)).wa_pairings_overdue_total));
  return counts[0] + counts[1];
};
/** So many have ended: counted when the last of those that a relay has found is stored, whoever tells of them then. */
const areCounted = async (count) => {
  await until('they are counted', async () => await expiredCount() >= count);
  assert.equal(await expiredCount(), count);
};
/** What has become of it, once it is not connecting any more and all is told. */
async function ended(account) {
  await until('the pairing ends', async () =>
    (await stack.state(account.id)).account.connection_status !== 'connecting');
  await settled();
  return stack.state(account.id);
}

test('an account that never connected is in error, its session is ended, and pages are told', async () => {
  const earlier = await expiredCount();
  const account = await pairing(-1, { metadata: '{"battery":3}' });
  const { account: now, metadata, events, commands } = await ended(account);
  assert.equal(now.connection_status, 'error');
  assert.equal(metadata.last_error, REASON);
  assert.equal(metadata.battery, 3);
  for (const name of ['qr_code', 'qr_expires_at', 'connect_deadline_at']) assert.equal(now[name], null, name);
  assert.equal(now.state_version, 1);
  assert.equal(now.phone_number, account.phone_number);
  assert.deepEqual(events.map(({ name, state }) => [name, state]), [['account-status-changed', 'delivered']]);
  assert.deepEqual(commands.map(({ name, state }) => [name, state]), [['disconnect', 'delivered']]);
  assert.deepEqual(told(account).map(({ status, connection_status, state_version }) =>
    ({ status, connection_status, state_version })),
  [{ status: 'failed', connection_status: 'error', state_version: 1 }]);
  assert.deepEqual(node.about(account).map(({ command }) => command), ['disconnect']);
  assert.equal(node.sessions.has(account.session_id), false);
  await areCounted(earlier + 1);
});

test('an account that was connected once is disconnected', async () => {
  const account = await pairing(-1, { last_connected_at: utc(-7200) });
  const { account: now, metadata, events, commands } = await ended(account);
  assert.equal(now.connection_status, 'disconnected');
  assert.equal(metadata?.last_error, undefined);
  assert.equal(now.last_connected_at, account.last_connected_at);
  assert.equal(now.qr_code, null);
  assert.equal(now.connect_deadline_at, null);
  assert.equal(events.length, 1);
  assert.deepEqual(commands.map(({ name, state }) => [name, state]), [['disconnect', 'delivered']]);
  assert.deepEqual(told(account).map(({ status }) => status), ['disconnected']);
});

test('a time that comes while the relays look away is found too', async () => {
  const account = await pairing(5);
  assert.equal((await stack.state(account.id)).account.connection_status, 'connecting');
  const { account: now } = await ended(account);
  assert.equal(now.connection_status, 'error');
});

describe('nothing happens to an account', () => {
  const cases = {
    'whose time has not come': [600],
    'without a deadline, as migrated ones are': [null],
    'that has connected': [-60, connected()],
    'that is disconnected': [-60, { connection_status: 'disconnected' }],
    'that is in error': [-60, { connection_status: 'error' }],
    'that is deleted': [-60, { deleted_at: utc(-100) }],
  };
  for (const [what, [seconds, columns]] of Object.entries(cases)) {
    test(what, async () => {
      const account = await pairing(seconds, columns);
      const { account: earlier } = await stack.state(account.id);
      /* When this one has ended, the relays have looked. */
      await ended(await pairing(-1));
      await ended(await pairing(-1));
      const { account: now, events, commands } = await stack.state(account.id);
      assert.deepEqual(now, earlier);
      assert.deepEqual([events, commands], [[], []]);
    });
  }
});

test('thirty of them end once each, whichever of two relays is first', async () => {
  const earlier = await expiredCount();
  const accounts = await Promise.all(Array.from({ length: 30 }, (_, i) =>
    pairing(null, i % 2 ? { last_connected_at: utc(-7200) } : {})));
  await endsIn(accounts, -1);
  await inParallel(accounts, ended, 4);
  for (const account of accounts) {
    const { account: now, events, commands } = await stack.state(account.id);
    assert.equal(now.state_version, 1);
    assert.equal(events.length, 1);
    assert.equal(commands.length, 1);
    assert.equal(told(account).length, 1);
    assert.deepEqual(node.about(account).map(({ command }) => command), ['disconnect']);
  }
  await areCounted(earlier + 30);
});

test('a pairing that begins anew has its own time', async () => {
  const ana = await logIn(stack);
  const account = await ana.account();
  for (let i = 0; i < 2; i++) {
    isBroadcasted(await stack.signed('POST', `${BASE}/broadcast`, { event: 'qr-code-generated',
      data: { account_id: account.uuid, workspace_id: ana.workspace, qr_code: `code ${i}` } }));
    assert.equal((await stack.state(account.id)).account.connection_status, 'connecting');
    await endsIn(account, -1);
    const { account: now, metadata } = await ended(account);
    assert.equal(now.connection_status, 'error');
    assert.equal(metadata.last_error, REASON);
  }
  assert.equal((await ana.call('POST', `/${account.uuid}/reconnect`)).status, 200);
  await settled();
  const { account: now } = await stack.state(account.id);
  assert.equal(now.connection_status, 'connecting');
  assert.ok(Date.parse(`${now.connect_deadline_at.replace(' ', 'T')}Z`) > Date.now());
});

test('a connected report that comes in the same moment wins or loses, but never by half', async () => {
  const accounts = await Promise.all(Array.from({ length: 20 }, () => pairing(null)));
  await endsIn(accounts, 1);
  await pause(900);
  await inParallel(accounts, async (account) => {
    isBroadcasted(await stack.signed('POST', `${BASE}/broadcast`, { event: 'account-status-changed',
      data: { account_id: account.uuid, workspace_id, status: 'connected' } }));
  }, 4);
  await settled();
  for (const account of accounts) {
    const { account: now, events, commands } = await stack.state(account.id);
    assert.equal(now.connection_status, 'connected', 'the report came last, or the pairing was completed');
    assert.equal(now.connect_deadline_at, null);
    assert.equal(events.length, now.state_version);
    assert.equal(commands.length, now.state_version - 1, 'a disconnect if the deadline was first');
  }
});
