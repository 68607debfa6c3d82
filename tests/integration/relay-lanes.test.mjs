// The relay's lanes: a backlog is delivered side by side and in order, by one relay or by two, and what happens to a
// lease does not make anything go out twice.

import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { startNodeService } from './lib/node-service.mjs';
import { pause, until } from './lib/processes.mjs';
import { startPusher } from './lib/pusher-server.mjs';
import { makePool, mend, report, several, someAccount, whileHeld } from './lib/relay.mjs';
import { putRows } from './lib/outbox.mjs';
import { openSession, whileTablesLocked } from './lib/session.mjs';

let pusher, node;
before(async () => {
  [pusher, node] = [await startPusher(), await startNodeService()];
});
after(async () => {
  await pusher?.end();
  await node?.stop();
});
beforeEach(async () => {
  await Promise.all([mend(pusher), mend(node)]);
  node.sessions.clear();
});

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
  const isSideBySide = () => until('24 requests are under way at one time', () => pusher.open >= 24);
  let starting;
  await whileHeld(pusher, () => {
    starting = stack.startPool();
    return isSideBySide();
  });
  await starting;
  /* Also when the first rows of each have gone out. */
  await pusher.received(600);
  await whileHeld(pusher, isSideBySide);
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
  const account = await someAccount(stack, { connection_status: 'disconnected' });
  node.behave(() => 'hang');
  await putRows(stack, [[account, { kind: 'command', name: 'connect' }]]);
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

/** The instance knows the account's session. */
const known = ({ id, workspace_id, session_id }, status = 'connected') =>
  node.sessions.set(session_id, { workspace_id, account_id: id, status });
const commands = () => node.requests.map(({ command }) => command);

test('a failure that could not be written down at once is not taken for a doubt', async (t) => {
  const stack = await makePool(t, { pusher, node });
  const [account, other] = await several(stack, 2);
  known(account);
  let tries = 0;
  node.behave(() => (++tries === 1 ? { status: 500 } : undefined));
  const session = await openSession(stack);
  t.after(() => session.close());
  await whileHeld(pusher, async (release) => {
    await report(stack, other, 'error');
    await until('the event is under way', () => pusher.open === 1);
    const id = await stack.value('SELECT id FROM wa_outbox');
    await session.ask(`START TRANSACTION; SELECT id FROM wa_outbox WHERE id = ${id} FOR UPDATE`);
    release();
    await putRows(stack, [[account, { kind: 'command', name: 'regenerate-qr' }]]);
    await node.received(1);
    /* Until the settlement has waited for the lock, and lost. */
    await pause(4000);
    await session.ask('ROLLBACK');
  });
  await allSettled(stack);
  assert.deepEqual(commands(), ['regenerate-qr', 'regenerate-qr']);
});

test('a disconnect that nobody answered says nothing about the reconnect behind it', async (t) => {
  const stack = await makePool(t, { pusher, node }, {}, { pool: false });
  const account = await someAccount(stack, { connection_status: 'connecting' });
  known(account);
  await putRows(stack, [[account, { kind: 'command', name: 'disconnect', state: 'sending', attempts: 1 }],
    [account, { kind: 'command', name: 'reconnect' }]]);
  await stack.startPool();
  await allSettled(stack);
  assert.deepEqual(commands(), ['reconnect']);
});

test('a place that comes free is used at once, also while something else is under way', async (t) => {
  const stack = await makePool(t, { pusher, node }, { WA_NODE_CONCURRENCY: 1 });
  const [first, second, other] = await several(stack, 3);
  pusher.behave(() => ({ after: 6000 }));
  await report(stack, other, 'error');
  await pusher.received(1);
  await putRows(stack, [first, second].map((account) => [account, { kind: 'command', name: 'connect' }]));
  await until('both have begun', () => node.requests.length === 2, { tries: 200 });
  assert.deepEqual(commands(), ['connect', 'connect']);
});

test('while every place at an instance is taken, the database is hardly asked', async (t) => {
  const stack = await makePool(t, { pusher, node }, { WHATSAPP_INSTANCE_COUNT: 2, WHATSAPP_INSTANCE_2: 'http://127.0.0.1:1' },
    { server: 'own' });
  /* All with instance 1; the other one would take some, and is never asked. */
  const accounts = (await several(stack, 200)).filter(({ workspace_id }) => workspace_id % 2 === 0);
  node.behave(() => 'hang');
  await putRows(stack, accounts.map((account) => [account, { kind: 'command', name: 'connect' }]));
  await until('its places are taken', () => node.open === 4);
  const asked = async () => Number((await stack.sql("SHOW GLOBAL STATUS LIKE 'Com_stmt_execute'"))[0].Value);
  await pause(1000);
  const before = await asked();
  await pause(2000);
  const count = await asked() - before;
  assert.ok(count < 400, `${count} statements in two seconds of waiting`);
});
