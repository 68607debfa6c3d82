// Two pools on one database, each with its relay: an account's events are delivered by one of them at a time.

import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { BASE, isBroadcasted } from './lib/expect.mjs';
import { events, freeze, lives, metrics, thaw } from './lib/observe.mjs';
import { inParallel } from './lib/parallel.mjs';
import { until } from './lib/processes.mjs';
import { startPusher } from './lib/pusher-server.mjs';
import { startStack } from './lib/stack.mjs';

const WORDS = ['connecting', 'error', 'disconnected'];
/* A lease lasts 30 s by the database's clock. */
const LEASE = { tries: 3000 };

let stacks, pusher, workspace_id;
before(async () => {
  pusher = await startPusher();
  const env = { WA_RELAY: 'on', WA_RELAY_POLL: 50, ...pusher.env() };
  const first = await startStack({ env });
  stacks = [first];
  stacks.push(await startStack({ env, database: first.database }));
  workspace_id = await first.workspace();
});
after(async () => {
  /* The database is the first one's. */
  for (const stack of [...stacks ?? []].reverse()) await stack.stop();
  await pusher?.end();
});
afterEach(() => {
  assert.deepEqual(pusher.requests.filter(({ wrong }) => wrong).map(({ wrong }) => wrong), []);
  pusher.behave(undefined);
  pusher.forget();
});

const several = (count) => Promise.all(Array.from({ length: count }, () => stacks[0].account({ workspace_id })));
const settled = (options) => until('everything is settled', async () => await stacks[0].value(`SELECT COUNT(*)
  FROM wa_outbox WHERE state IN ('waiting', 'sending')`) === '0', options);
const report = async (stack, account, i) => isBroadcasted(await stack.signed('POST', `${BASE}/broadcast`,
  { event: 'account-status-changed', data: { account_id: account.uuid, workspace_id, status: WORDS[i % 3] } }));
const versions = (account) => pusher.requests.filter(({ data, status }) => data.uuid === account.uuid && status === 200)
  .map(({ data }) => data.state_version);
const upTo = (count) => Array.from({ length: count }, (_, i) => i + 1);
const relay = (stack) => Number(events(stack.log(), 'relay_started').at(-1).child);
const deliveredBy = async (stack) =>
  (await metrics(stack))['wa_outbox_settled_total{kind="event",result="delivered"}'] ?? 0;
/** How many each of them has delivered since, which it counts when it is stored already. */
async function deliveredSince(earlier, count) {
  const grown = async () => (await Promise.all(stacks.map(deliveredBy))).map((now, i) => now - earlier[i]);
  return until(`${count} are counted`, async () => {
    const counts = await grown();
    return counts[0] + counts[1] >= count && counts;
  });
}

test('2000 events are delivered once each, in order, by both relays together', async () => {
  const accounts = await several(20);
  const earlier = await Promise.all(stacks.map(deliveredBy));
  await inParallel(accounts, async (account) => {
    for (let i = 0; i < 100; i++) await report(stacks[i % 2], account, i);
  }, 20);
  await settled();
  for (const account of accounts) assert.deepEqual(versions(account), upTo(100));
  assert.equal(pusher.requests.length, 2000);
  const counts = await deliveredSince(earlier, 2000);
  assert.equal(counts[0] + counts[1], 2000, 'each row is settled by one of them');
  assert.ok(counts.every((count) => count > 0), `${counts}: both work`);
});

test('events that wait for both are delivered once each when the server is back', async () => {
  const accounts = await several(20);
  await pusher.stop();
  await inParallel(accounts, async (account) => {
    for (let i = 0; i < 10; i++) await report(stacks[i % 2], account, i);
  }, 20);
  await pusher.start();
  await settled();
  for (const account of accounts) assert.deepEqual(versions(account), upTo(10));
});

test('a backlog of a thousand accounts, and of one with many events, is delivered in order', async () => {
  const [one] = await several(1);
  await pusher.stop();
  for (let i = 0; i < 400; i++) await report(stacks[i % 2], one, i);
  /* Of a thousand other accounts three events each, as that one's. */
  await stacks[0].sql(`INSERT INTO whatsapp_accounts (uuid, workspace_id, session_id, created_by)
      SELECT UUID(), ${workspace_id}, CONCAT('backlog-', seq), ${one.created_by} FROM seq_1_to_1000;
    INSERT INTO wa_outbox (account_id, workspace_id, state_version, kind, name, payload, created_at, available_at,
      expires_at) SELECT a.id, a.workspace_id, s.seq, 'event', o.name, JSON_SET(o.payload, '$.uuid', a.uuid,
      '$.state_version', s.seq), UTC_TIMESTAMP(6), UTC_TIMESTAMP(6), UTC_TIMESTAMP(6) + INTERVAL 1 DAY
      FROM whatsapp_accounts AS a JOIN seq_1_to_3 AS s JOIN (SELECT name, payload FROM wa_outbox
      WHERE account_id = ${one.id} LIMIT 1) AS o WHERE a.session_id LIKE 'backlog-%' ORDER BY s.seq, a.id`);
  await pusher.start();
  await settled({ tries: 3000 });
  assert.deepEqual(versions(one), upTo(400));
  const byAccount = new Map();
  for (const { data } of pusher.requests.filter(({ status }) => status === 200)) {
    if (data.uuid !== one.uuid) byAccount.set(data.uuid, [...byAccount.get(data.uuid) ?? [], data.state_version]);
  }
  assert.equal(byAccount.size, 1000);
  for (const [uuid, each] of byAccount) assert.deepEqual(each, [1, 2, 3], uuid);
});

test('a relay that stands still loses its lease; what it does when it wakes up changes nothing', async () => {
  const [account] = await several(1);
  const [first, second] = stacks.map(relay);
  let release;
  const gate = new Promise((resolve) => (release = resolve));
  pusher.behave(() => (pusher.requests.length === 1 ? gate : undefined));
  await freeze(second);
  try {
    /* All three are in its hands when it sends the first. */
    await pusher.stop();
    for (let i = 0; i < 3; i++) await report(stacks[0], account, i);
    await pusher.start();
    await pusher.received(1);
    await freeze(first);
    thaw(second);
    await until('the other relay delivers all', () => versions(account).length === 3, LEASE);
    await settled();
    const rows = async () => (await stacks[0].state(account.id)).events.map(({ id, state, settled_at }) =>
      ({ id, state, settled_at }));
    const settledBefore = await rows();
    release();
    if (lives(first)) thaw(first);
    for (let i = 3; i < 6; i++) await report(stacks[i % 2], account, i);
    await settled(LEASE);
    assert.deepEqual((await rows()).slice(0, 3), settledBefore, 'a row is settled once');
    const [, ...rest] = pusher.requests.map(({ data }) => data.state_version);
    assert.deepEqual(rest, upTo(6), 'nothing that was delivered is sent again, and nothing out of order');
  } finally {
    for (const pid of [first, second].filter(lives)) thaw(pid);
    release();
  }
});
