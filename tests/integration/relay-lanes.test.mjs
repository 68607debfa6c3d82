// The relay's lanes: a backlog is delivered side by side and in order, by one relay or by two, and what happens to a
// lease does not make anything go out twice.

import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { startNodeService } from './lib/node-service.mjs';
import { pause, until } from './lib/processes.mjs';
import { startPusher } from './lib/pusher-server.mjs';
import { makePool, mend, report, several, someAccount, whileHeld } from './lib/relay.mjs';
import { whileTablesLocked } from './lib/session.mjs';

let pusher, node;
before(async () => {
  [pusher, node] = [await startPusher(), await startNodeService()];
});
after(async () => {
  await pusher?.end();
  await node?.stop();
});
beforeEach(() => mend(pusher));

/** So many events of each account, as requests leave them. */
const backlog = (stack, accounts, count) => stack.sql(`INSERT INTO wa_outbox (account_id, workspace_id, state_version,
  kind, name, payload, created_at, available_at, expires_at) SELECT a.id, a.workspace_id, seq, 'event',
  'account-status-changed', JSON_OBJECT('uuid', a.uuid, 'state_version', seq), UTC_TIMESTAMP(6), UTC_TIMESTAMP(6),
  UTC_TIMESTAMP(6) + INTERVAL 1 DAY FROM whatsapp_accounts AS a JOIN seq_1_to_${count}
  WHERE a.id IN (${accounts.map(({ id }) => id).join(', ')}) ORDER BY seq, a.id`);
const waiting = (stack) => stack.value("SELECT COUNT(*) FROM wa_outbox WHERE state IN ('waiting', 'sending')");
const allSettled = (stack) => until('everything is settled', async () => await waiting(stack) === '0', { every: 50 });
const arrived = ({ uuid }) => pusher.requests.filter(({ data }) => data.uuid === uuid).map(({ data }) => data.state_version);
const upTo = (count) => Array.from({ length: count }, (_, i) => i + 1);

test('10000 events of 200 accounts are delivered once each, in order, by two relays', async (t) => {
  const first = await makePool(t, { pusher, node }, {}, { pool: false });
  const accounts = await several(first, 200);
  await backlog(first, accounts, 50);
  const second = await makePool(t, { pusher, node }, {}, { pool: false, database: first.database });
  await Promise.all([first.startPool(), second.startPool()]);
  await allSettled(first);
  await Promise.all([first.stopPool(), second.stopPool()]);
  assert.equal(pusher.requests.length, 10_000);
  for (const account of accounts) assert.deepEqual(arrived(account), upTo(50));
  assert.equal(await first.value("SELECT COUNT(*) FROM wa_outbox WHERE state = 'delivered'"), '10000');
  assert.equal(await first.value('SELECT COUNT(*) FROM wa_lanes'), '0', 'no lease is left behind');
});

test('long lanes are delivered side by side too', async (t) => {
  const stack = await makePool(t, { pusher, node }, {}, { pool: false });
  const accounts = await several(stack, 32);
  await backlog(stack, accounts, 100);
  pusher.behave(() => ({ after: 20 }));
  await stack.startPool();
  await pusher.received(600);
  assert.ok(pusher.mostOpen >= 24, `${pusher.mostOpen} requests at one time`);
  pusher.behave(undefined);
  await allSettled(stack);
  for (const account of accounts) assert.deepEqual(arrived(account), upTo(100));
});

test('while leases cannot be given back, nothing is sent twice', async (t) => {
  const stack = await makePool(t, { pusher, node });
  const accounts = await several(stack, 5);
  await whileHeld(pusher, async (release) => {
    for (const account of accounts) await report(stack, account, 'error');
    await until('they are under way', () => pusher.open === 5);
    await whileTablesLocked(stack, 'wa_lanes', async (lock) => {
      release();
      await lock.waiting(1);
      for (const account of accounts) await report(stack, account, 'connecting');
      /* Longer than the database is given for a piece of work. */
      await pause(4000);
    });
  });
  await allSettled(stack);
  for (const account of accounts) assert.deepEqual(arrived(account), upTo(2));
});

test('of a lease that somebody else has by now, nothing more is begun', async (t) => {
  const stack = await makePool(t, { pusher, node });
  const [account, other] = await several(stack, 2);
  pusher.behave(({ data }) => (data.uuid === account.uuid ? { after: 1500 } : undefined));
  await backlog(stack, [account], 16);
  await pusher.received(2, ({ data }) => data.uuid === account.uuid);
  await stack.sql(`UPDATE wa_lanes SET holder = 4242, due_at = UTC_TIMESTAMP(6) + INTERVAL 60 SECOND
    WHERE account_id = ${account.id}`);
  /* Renewed every ten seconds: then it is seen. */
  let seen;
  await until('nothing more is begun', async () => {
    const before = seen;
    seen = arrived(account).length;
    return seen === before && pusher.open === 0;
  }, { every: 2500 });
  assert.ok(seen < 16, `${seen} of 16 were begun`);
  await report(stack, other, 'error');
  await pusher.received(1, ({ data }) => data.uuid === other.uuid);
  pusher.behave(undefined);
  await stack.sql('DELETE FROM wa_lanes WHERE holder = 4242');
  await allSettled(stack);
  assert.deepEqual(arrived(account), upTo(16));
});

test('an instance that is making a session is left its time, whoever asks it next', async (t) => {
  const stack = await makePool(t, { pusher, node }, { WA_NODE_TIMEOUT: 8 });
  const { id, workspace_id, session_id } = await someAccount(stack, { connection_status: 'disconnected' });
  node.behave(() => 'hang');
  await stack.sql(`INSERT INTO wa_outbox (account_id, workspace_id, state_version, kind, name, payload, created_at,
    available_at, expires_at) VALUES (${id}, ${workspace_id}, 0, 'command', 'connect',
    '${JSON.stringify({ workspace_id, account_id: id, session_id })}', UTC_TIMESTAMP(6), UTC_TIMESTAMP(6),
    UTC_TIMESTAMP(6) + INTERVAL 900 SECOND)`);
  await node.received(1);
  assert.ok(await stack.stopPool());
  assert.equal(await stack.value('SELECT state FROM wa_outbox'), 'sending');
  node.behave(undefined);
  await stack.startPool();
  await allSettled(stack);
  assert.deepEqual(node.requests.map(({ command }) => command), ['connect', 'status', 'connect']);
  const [connect, status] = node.requests;
  assert.ok(status.at - connect.at > 7_500_000, `asked after ${(status.at - connect.at) / 1e6} s`);
});
