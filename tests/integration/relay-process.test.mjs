// The relay as a process of the pool: it is replaced, told to leave, reloaded and looked after like a worker, and
// nothing that it was to deliver is lost or comes too late for that.

import assert from 'node:assert/strict';
import { existsSync, readFileSync, renameSync, statSync } from 'node:fs';
import { after, afterEach, before, test } from 'node:test';
import { startNodeService } from './lib/node-service.mjs';
import { events, freeze, lives, metrics, thaw } from './lib/observe.mjs';
import { allSettled, putRow, putRows, rowOf } from './lib/outbox.mjs';
import { inParallel } from './lib/parallel.mjs';
import { pause, until } from './lib/processes.mjs';
import { startPusher } from './lib/pusher-server.mjs';
import { SOME_LOOKS_MS, makePool, mend, nextRelay, relayOf, report, several, someAccount, whileHeld }
  from './lib/relay.mjs';
import { whileTablesLocked } from './lib/session.mjs';

/* The relay gives up what is under way after a half of it; a slow host needs some of the rest to look for leaks. */
const STOP_S = 6;
/* A worker of a slow host, too, has answered in that time. */
const HANGS_S = 3;
const WORDS = ['connecting', 'error', 'disconnected'];

let pusher, node;
before(async () => ([pusher, node] = [await startPusher(), await startNodeService()]));
after(async () => {
  await pusher?.end();
  await node?.stop();
});
afterEach(async () => {
  for (const peer of [pusher, node]) await mend(peer);
});

const makeStack = (t, changes, options) => makePool(t, { pusher, node }, changes, options);
const endOf = (stack, pid) => until(`the master tells that ${pid} ended`, () =>
  events(stack.log(), 'child_ended').find((line) => Number(line.child) === pid));
const leases = (stack) => stack.value('SELECT COUNT(*) FROM wa_lanes WHERE holder <> 0');
/** The state_versions of an account's events that the server took, in the order in which they came. */
const versions = (account) => pusher.requests.filter(({ data, status }) => data.uuid === account.uuid
  && status === 200).map(({ data }) => data.state_version);
const upTo = (count) => Array.from({ length: count }, (_, i) => i + 1);

test('one that is killed is replaced, and the next one takes up at once what it held', async (t) => {
  const stack = await makeStack(t, { WA_RELAY_POLL: 60_000 });
  const accounts = await several(stack, 3);
  const first = relayOf(stack);
  pusher.behave(() => (relayOf(stack) === first ? 'hang' : undefined));
  for (const account of accounts) {
    for (let i = 0; i < 3; i++) await report(stack, account, WORDS[i]);
  }
  await pusher.received(3);
  assert.equal(await leases(stack), '3');
  process.kill(first, 'SIGKILL');
  const { kind, signal } = await endOf(stack, first);
  assert.deepEqual([kind, signal], ['relay', '9']);
  const second = await nextRelay(stack, first);
  await allSettled(stack);
  for (const account of accounts) assert.deepEqual(versions(account), upTo(3));
  assert.ok(lives(second));
  const now = await metrics(stack);
  assert.equal(now.wa_relay_up, 1);
  assert.equal(now['wa_child_starts_total{reason="replaced"}'], 1);
  await until('its leases are given back', async () => await leases(stack) === '0');
});

test('one that is told to leave finishes what is under way, and is replaced without a pause', async (t) => {
  const stack = await makeStack(t, { WA_RELAY_POLL: 60_000 });
  const [account] = await several(stack, 1);
  const first = relayOf(stack);
  await whileHeld(pusher, async () => {
    for (let i = 0; i < 3; i++) await report(stack, account, WORDS[i]);
    await pusher.received(1);
    process.kill(first, 'SIGTERM');
    await pause(300);
    assert.ok(lives(first));
  });
  const end = await endOf(stack, first);
  assert.deepEqual([end.exit, end.next_in_ms], ['0', undefined]);
  await allSettled(stack);
  assert.deepEqual(versions(account), upTo(3), 'nothing is sent twice');
  await nextRelay(stack, first);
});

test('it leaves with the pool, also when a peer does not answer, and holds no lease any more', async (t) => {
  const stack = await makeStack(t, { WA_STOP_TIMEOUT: STOP_S, WA_NODE_TIMEOUT: STOP_S });
  const [one, other] = await several(stack, 2);
  for (const peer of [pusher, node]) peer.behave(() => 'hang');
  const ids = await putRows(stack, [[one, {}], [other, { kind: 'command', name: 'connect' }]]);
  await pusher.received(1);
  await node.received(1);
  const relay = relayOf(stack);
  assert.ok(await stack.stopPool());
  assert.equal(stack.pool.code, 0);
  assert.equal((await endOf(stack, relay)).exit, '0', 'it was not killed');
  assert.equal(await leases(stack), '0');
  assert.deepEqual([(await rowOf(stack, ids[0])).state, (await rowOf(stack, ids[1])).state], ['waiting', 'sending']);
  for (const peer of [pusher, node]) {
    peer.behave(undefined);
    peer.forget();
  }
  await stack.startPool();
  await allSettled(stack);
  assert.deepEqual(node.requests.map(({ command }) => command), ['status', 'connect'],
    'what was in doubt is asked for');
});

test('what was delivered before it left is not sent again, although a later one of its account is under way',
  async (t) => {
    const stack = await makeStack(t, { WA_STOP_TIMEOUT: STOP_S });
    const [account] = await several(stack, 1);
    pusher.behave(() => (pusher.requests.length === 3 ? 'hang' : undefined));
    await putRows(stack, [1, 2, 3, 4].map((state_version) => [{ ...account, state_version }]));
    await pusher.received(3);
    assert.ok(await stack.stopPool());
    pusher.behave(undefined);
    await stack.startPool();
    await allSettled(stack);
    assert.deepEqual(versions(account), upTo(4));
  });

test('it leaves when the master is killed', async (t) => {
  const stack = await makeStack(t);
  const relay = relayOf(stack);
  stack.pool.kill('SIGKILL');
  await until('it is gone', () => !lives(relay));
});

test('2000 events while the pool is reloaded five times: none is lost, and none comes before an earlier one',
  async (t) => {
    const stack = await makeStack(t, { WA_RELAY_POLL: 50 });
    const workspace_id = await stack.workspace();
    const accounts = await Promise.all(Array.from({ length: 20 }, () => stack.account({ workspace_id })));
    const readyCount = () => events(stack.log(), 'note').filter((line) => /^ready/.test(line.msg)).length;
    const relays = [relayOf(stack)];
    /* Often something is under way. */
    pusher.behave(() => ({ after: Math.random() * 10 }));
    let sent = 0;
    const reports = inParallel(accounts, async (account) => {
      for (let i = 0; i < 100; i++, sent++) await report(stack, account, WORDS[i % 3]);
    }, 20);
    for (let i = 1; i <= 5; i++) {
      await until('some more are sent', () => sent >= i * 300);
      const earlier = readyCount();
      stack.pool.kill('SIGHUP');
      await until('the next master is ready', () => readyCount() > earlier);
      relays.push(await nextRelay(stack, relays.at(-1)));
    }
    await reports;
    await allSettled(stack);
    for (const account of accounts) assert.deepEqual(versions(account), upTo(100));
    await until('the earlier ones have left', () => !relays.slice(0, -1).some(lives));
    assert.ok(lives(relays[5]));
    assert.equal(await stack.value('SELECT COUNT(*) FROM wa_outbox WHERE state <> \'delivered\''), '0');
    assert.deepEqual(events(stack.log()).filter((line) => ['warn', 'error'].includes(line.level)), []);
  });

test('new settings are taken with HUP: whom it tells, and whether there is one', async (t) => {
  const stack = await makeStack(t);
  const other = await startPusher();
  t.after(() => other.end());
  const [account] = await several(stack, 1);
  const first = relayOf(stack);
  stack.configure(other.env());
  stack.pool.kill('SIGHUP');
  await nextRelay(stack, first);
  await until('the first one has left', () => !lives(first));
  await report(stack, account, 'error');
  await other.received(1);
  assert.equal(pusher.requests.length, 0);

  const second = relayOf(stack);
  stack.configure({ WA_RELAY: 'off' });
  stack.pool.kill('SIGHUP');
  await until('there is none', () => !lives(second));
  await until('two workers are left', () => stack.children().length === 2);
  await report(stack, account, 'connecting');
  await pause(SOME_LOOKS_MS);
  assert.equal(other.requests.length, 1);

  stack.configure({ WA_RELAY: 'on' });
  stack.pool.kill('SIGHUP');
  await other.received(2);
  await allSettled(stack);
});

test('USR1 opens its log anew, also while it waits for a peer', async (t) => {
  const stack = await makeStack(t, { BROADCAST_CONNECTION: 'log' }, { pool: false });
  const file = `${stack.dir}/own.log`;
  stack.configure({ WA_LOG_FILE: file });
  await stack.startPool();
  const relay = await nextRelay(stack);
  const now = () => (existsSync(file) ? readFileSync(file, 'utf8') : '');
  const lines = () => events(now(), 'broadcast').filter((line) => Number(line.pid) === relay);
  const [account, stuck] = await several(stack, 2);
  await report(stack, account, 'error');
  await until('it writes to the first', () => lines().length === 1);

  await whileHeld(node, async () => {
    await putRow(stack, stuck, { kind: 'command' });
    await node.received(1);
    renameSync(file, `${file}.1`);
    stack.pool.kill('SIGUSR1');
    let count = 0;
    await until('it writes to the new one', async () => {
      await report(stack, account, WORDS[count++ % 3]);
      return lines().length > 0;
    }, { every: 100 });
    const { size } = statSync(`${file}.1`);
    const told = lines().length;
    for (let i = 0; i < 6; i++) await report(stack, account, WORDS[count++ % 3]);
    await until('it tells of all', () => lines().length >= told + 6);
    assert.equal(statSync(`${file}.1`).size, size, 'it writes no more to the old one');
  });
  await allSettled(stack);
});

test('one that has nothing to do, or waits for its peers, is not taken for one that hangs', async (t) => {
  const stack = await makeStack(t, { WA_REQUEST_TIMEOUT: HANGS_S, WA_RELAY_POLL: 60_000 });
  const LONGER_THAN_IT_MS = 1000 * HANGS_S + 1500;
  const relay = relayOf(stack);
  await pause(LONGER_THAN_IT_MS);
  const [one, other] = await several(stack, 2);
  await whileHeld(pusher, () => whileHeld(node, async () => {
    await putRow(stack, other, { kind: 'command' });
    await report(stack, one, 'error');   /* rings: it looks for both */
    await pusher.received(1);
    await node.received(1);
    await pause(LONGER_THAN_IT_MS);
  }));
  await allSettled(stack);
  assert.equal(relayOf(stack), relay);
  assert.ok(lives(relay));
  assert.equal((await metrics(stack)).wa_child_hung_total, 0);
});

test('one that hangs is killed and replaced, and the log says with what it was busy', async (t) => {
  /* Less than the relay itself waits for the database. */
  const stack = await makeStack(t, { WA_REQUEST_TIMEOUT: 1 });
  const relay = relayOf(stack);
  await whileTablesLocked(stack, ['wa_outbox'], async (lock) => {
    await lock.waiting(1);
    const line = await until('the log tells', () => events(stack.log(), 'note')
      .find(({ msg }) => /WA_REQUEST_TIMEOUT/.test(msg)));
    assert.match(line.msg, new RegExp(`relay ${relay} .*its deliveries`));
    assert.equal((await endOf(stack, relay)).signal, '9');
  });
  await nextRelay(stack, relay);
  /* On a slow host a worker may be taken for one that hangs, too. */
  await until('it is counted', async () => (await metrics(stack)).wa_child_hung_total >= 1);
  const account = await someAccount(stack);
  await until('a report is taken', () => report(stack, account, 'error').then(() => true));
  await allSettled(stack);
});

test('one that stood still goes on, whether its master took it for one that hangs or not', async (t) => {
  const stack = await makeStack(t, { WA_REQUEST_TIMEOUT: HANGS_S, WA_RELAY_POLL: 60_000 });
  const relay = relayOf(stack);
  await freeze(relay);
  try {
    await pause(1000 * HANGS_S + 1500);
    assert.equal((await stack.fcgi('GET', '/healthz', { params: { WA_LOCAL: '1' } })).status, 200);
  } finally {
    if (lives(relay)) thaw(relay);
  }
  await report(stack, await someAccount(stack), 'error');
  await allSettled(stack);
});
