// The relay as an operator sees it: what its metrics count and tell, and how long its rows are kept.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { utc } from './lib/fixtures.mjs';
import { startNodeService } from './lib/node-service.mjs';
import { events, freeze, metrics, thaw, total } from './lib/observe.mjs';
import { OPEN, SETTLED, allSettled, putRow, putRows, rowOf } from './lib/outbox.mjs';
import { pause, until } from './lib/processes.mjs';
import { startPusher } from './lib/pusher-server.mjs';
import { SOME_LOOKS_MS, broadcast, makePool, mend, nextRelay, relayOf, report, several, someAccount, whileHeld }
  from './lib/relay.mjs';
import { startStack } from './lib/stack.mjs';

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

describe('a series', () => {
  const peerOf = (peer) => (peer === node ? 'instance-1' : 'broadcast');
  const breakerOf = async (peer) => (await metrics(stack))[`wa_relay_breaker{peer="${peerOf(peer)}"}`];
  const underWay = async (peer) => (await metrics(stack))[`wa_relay_under_way{peer="${peerOf(peer)}"}`];
  const settledAs = (kind, result) => `wa_outbox_settled_total{kind="${kind}",result="${result}"}`;
  const retried = (kind) => `wa_outbox_retries_total{kind="${kind}"}`;
  const took = (kind) => `wa_outbox_delivery_seconds_count{kind="${kind}"}`;

  const COUNTERS = [
    ...['delivered', 'given_up', 'expired', 'cancelled'].map((result) => settledAs('event', result)),
    ...['delivered', 'given_up', 'replaced', 'cancelled'].map((result) => settledAs('command', result)),
    ...['event', 'command'].flatMap((kind) => [retried(kind), took(kind)]),
    'wa_broadcast_reduced_total', 'wa_breaker_opened_total', 'wa_pairings_overdue_total', 'wa_child_hung_total',
  ];

  let stack;
  before(async () => {
    stack = await startStack({ nginx: false, env: { WA_RELAY: 'on', WA_RELAY_POLL: 100, WA_OUTBOX_ATTEMPTS: 2,
      ...pusher.env(), ...node.env() } });
  });
  after(() => stack?.stop());

  /** Wait until nothing is open, and all that the relay has settled, which is all that ever was, is counted. */
  const settledAndCounted = () => until('all is settled, and counted', async () => {
    const [{ open, settled }] = await stack.sql(`SELECT COALESCE(SUM(settled_at IS NULL), 0) AS open,
      COUNT(settled_at) AS settled FROM wa_outbox`);
    return open === '0' && total(await metrics(stack), 'wa_outbox_settled_total') === Number(settled);
  });
  /** `work` adds this to the relay's counters, and to none besides. */
  async function adds(expected, work) {
    const earlier = await metrics(stack);
    for (const name of COUNTERS) assert.ok(name in earlier, `${name} is there from the start`);
    await work();
    await allSettled(stack);
    const added = async () => {
      const later = await metrics(stack);
      return Object.fromEntries(COUNTERS.map((name) => [name, later[name] - earlier[name]]).filter(([, n]) => n !== 0));
    };
    await until('the counters', async () => isDeepStrictEqual(await added(), expected), { tries: 300 }).catch(() => {});
    assert.deepEqual(await added(), expected);
  }
  const delivered = (kind, count = 1) => ({ [settledAs(kind, 'delivered')]: count, [took(kind)]: count });
  const put = async (columns, account) => putRow(stack, account ?? await someAccount(stack), columns);
  /** The first request is answered so, all others as usual. */
  const atFirst = (peer, what) => peer.behave(() => (peer.requests.length === 1 ? what : undefined));

  test('counts an event that is delivered, and how long that took', async () => {
    await adds(delivered('event', 2), async () => {
      const account = await someAccount(stack);
      await report(stack, account, 'error');
      await report(stack, account, 'connecting');
    });
    const earlier = await metrics(stack);
    await put({ age: 100 });
    await allSettled(stack);
    const name = 'wa_outbox_delivery_seconds';
    await until('it is counted', async () => (await metrics(stack))[took('event')] === earlier[took('event')] + 1);
    const now = await metrics(stack);
    const sum = now[`${name}_sum{kind="event"}`] - earlier[`${name}_sum{kind="event"}`];
    assert.ok(sum >= 100 && sum < 400, `${sum} s from the row to its delivery`);
    const buckets = Object.entries(now).filter(([key]) => key.startsWith(`${name}_bucket{kind="event"`));
    assert.ok(buckets.length > 5);
    assert.equal(buckets.at(-1)[0], `${name}_bucket{kind="event",le="+Inf"}`);
    assert.equal(buckets.at(-1)[1], now[took('event')]);
    for (const [i, [key, count]] of buckets.entries()) assert.ok(i === 0 || count >= buckets[i - 1][1], key);
  });

  test('counts an event that is given up at once', async () => {
    pusher.behave(() => ({ status: 422, body: 'no' }));
    await adds({ [settledAs('event', 'given_up')]: 1 }, () => put());
  });

  test('counts an event that is sent once more, and one that is given up after WA_OUTBOX_ATTEMPTS', async () => {
    atFirst(pusher, { status: 500, body: 'not now' });
    await adds({ [retried('event')]: 1, ...delivered('event') }, () => put());
    pusher.forget();
    pusher.behave(() => (pusher.requests.length <= 2 ? { status: 500, body: 'not now' } : undefined));
    await adds({ [retried('event')]: 1, [settledAs('event', 'given_up')]: 1 }, () => put());
    await adds(delivered('event'), () => put());
  });

  test('counts an event that comes too late', async () => {
    await adds({ [settledAs('event', 'expired')]: 3 }, async () => {
      const account = await someAccount(stack);
      await putRows(stack, Array.from({ length: 3 }, () => [account, { age: 86401 }]));
    });
    assert.equal(pusher.requests.length, 0);
  });

  test('counts an event whose QR code is another one by now', async () => {
    await adds({ [settledAs('event', 'cancelled')]: 1 }, () => put({ name: 'qr-code-generated', lifetime: 300 }));
    assert.equal(pusher.requests.length, 0);
  });

  test('counts an event that is reduced, once, however often it is sent', async () => {
    atFirst(pusher, { status: 500, body: 'not now' });
    await adds({ 'wa_broadcast_reduced_total': 1, [retried('event')]: 1, ...delivered('event') }, async () =>
      broadcast(stack, 'qr-code-generated', await someAccount(stack), { qr_code: 'x'.repeat(12_000) }));
  });

  test('counts a command that is delivered, and how long that took', async () => {
    await adds(delivered('command', 2), async () => {
      await put({ kind: 'command', name: 'connect' });
      await put({ kind: 'command' });
    });
  });

  test('counts a command that is given up, and one that came too late', async () => {
    node.behave(() => ({ status: 422, body: 'no' }));
    await adds({ [settledAs('command', 'given_up')]: 1 }, () => put({ kind: 'command' }));
    await adds({ [settledAs('command', 'given_up')]: 1 }, () => put({ kind: 'command', age: 901 }));
  });

  test('counts a command that is sent once more', async () => {
    atFirst(node, { status: 500, body: 'not now' });
    await adds({ [retried('command')]: 1, ...delivered('command') }, () => put({ kind: 'command' }));
  });

  test('counts a command that a newer one replaces, and one whose account is gone', async () => {
    await adds({ [settledAs('command', 'replaced')]: 1, ...delivered('command') }, async () => {
      const account = await someAccount(stack);
      await putRows(stack, [[account, { kind: 'command', name: 'connect', attempts: 1, last_error: 'HTTP 500' }],
        [account, { kind: 'command' }]]);
    });
    await adds({ [settledAs('command', 'cancelled')]: 1 }, async () =>
      put({ kind: 'command', name: 'connect' }, await someAccount(stack, { deleted_at: utc(-5) })));
  });

  test('counts a pairing that nobody finished, once', async () => {
    await adds({ wa_pairings_overdue_total: 2, ...delivered('event', 2), ...delivered('command', 2) }, async () => {
      for (let i = 0; i < 2; i++) {
        const { id } = await someAccount(stack, { connection_status: 'connecting', is_active: 1,
          connect_deadline_at: utc(-1) });
        await until('the pairing is ended', async () =>
          (await stack.state(id)).account.connection_status === 'error');
      }
      await pause(SOME_LOOKS_MS);
    });
  });

  test('tells what is under way at each peer', async () => {
    for (const [peer, columns, count] of [[pusher, {}, 5], [node, { kind: 'command' }, 3]]) {
      await whileHeld(peer, async () => {
        await putRows(stack, (await several(stack, count)).map((account) => [account, columns]));
        await until('all are under way', async () => await underWay(peer) === count);
        assert.equal(await underWay(peer === node ? pusher : node), 0);
      });
      await settledAndCounted();
      await until('nothing is', async () => await underWay(peer) === 0);
    }
  });

  test('tells that a peer is not asked, that one request tries, and that it is back', async () => {
    const opened = 'wa_breaker_opened_total';
    for (const [peer, columns] of [[pusher, {}], [node, { kind: 'command' }]]) {
      const earlier = await metrics(stack);
      assert.equal(await breakerOf(peer), 0);
      await peer.stop();
      const rows = (await several(stack, 4)).map((account) => [account, columns]);
      await putRows(stack, rows);
      await until('it is not asked', async () => await breakerOf(peer) === 2);
      assert.equal(await breakerOf(peer === node ? pusher : node), 0);
      await until('it is counted', async () => (await metrics(stack))[opened] > earlier[opened]);
      assert.equal((await metrics(stack))[opened], earlier[opened] + 1);

      await whileHeld(peer, async () => {
        await peer.start();
        await until('one request tries', async () => await breakerOf(peer) === 1);
        await peer.received(1);
        await pause(SOME_LOOKS_MS);
        assert.equal(await underWay(peer), 1, 'no more than one');
        assert.equal(peer.open, 1);
        assert.equal(await breakerOf(peer), 1);
      });
      await settledAndCounted();
      await until('it is back', async () => await breakerOf(peer) === 0);
      const kind = columns.kind ?? 'event';
      const now = await metrics(stack);
      assert.equal(now[opened], earlier[opened] + 1);
      assert.equal(now[settledAs(kind, 'delivered')], earlier[settledAs(kind, 'delivered')] + 4);
      assert.ok(now[retried(kind)] > earlier[retried(kind)]);
    }
  });

  test('tells what waits, and since when', async () => {
    await pusher.stop();
    await node.stop();
    const ages = [[{ age: 90 }, 90], [{}, 90], [{ kind: 'command', age: 300 }, 300]];
    for (const [i, [columns, oldest]] of ages.entries()) {
      await put(columns);
      const now = await metrics(stack);
      assert.equal(now['wa_outbox_depth{kind="event"}'], Math.min(i + 1, 2));
      assert.equal(now['wa_outbox_depth{kind="command"}'], i === 2 ? 1 : 0);
      assert.ok(now.wa_outbox_oldest_seconds >= oldest && now.wa_outbox_oldest_seconds < oldest + 60);
    }
    await pusher.start();
    await node.start();
    await allSettled(stack);
    const now = await metrics(stack);
    assert.equal(now['wa_outbox_depth{kind="event"}'], 0);
    assert.equal(now['wa_outbox_depth{kind="command"}'], 0);
    assert.equal(now.wa_outbox_oldest_seconds, 0);
  });

  test('does not count the relay among the workers, whatever it does', async () => {
    await whileHeld(pusher, async () => {
      await put();
      await pusher.received(1);
      for (let i = 0; i < 20; i++) {
        const now = await metrics(stack);
        assert.equal(total(now, 'wa_workers'), stack.settings.WA_WORKERS);
        assert.equal(now['wa_workers{state="absent"}'], 0);
        assert.equal(now.wa_relay_up, 1);
      }
    });
    await allSettled(stack);
  });

  test('tells of our own mistake at once, and in the log what to look at', async () => {
    const from = stack.log().length;
    node.behave(() => ({ status: 401, body: 'Invalid API key' }));
    const account = await someAccount(stack);
    const id = await put({ kind: 'command' }, account);
    await until('it is not asked', async () => await breakerOf(node) === 2);
    const row = await until('the row says why', async () => {
      const now = await rowOf(stack, id);
      return now.last_error && now;
    });
    assert.match(row.last_error, /401/);
    const [line] = events(stack.log().slice(from), 'peer_away');
    assert.equal(line.peer, 'instance-1');
    assert.match(line.todo, /WHATSAPP_NODE_API_KEY/);
    await stack.sql('DELETE FROM wa_outbox');   /* it would be tried again after seconds */
  });
});

/** /metrics, line by line: {name: {help, type, samples}}; each name's lines stand together. */
function families(text) {
  const found = {};
  let current;
  for (const line of text.trimEnd().split('\n')) {
    const [, what, name, rest] = line.match(/^# (HELP|TYPE) (\S+) (.+)$/) ?? [];
    if (what === 'HELP') {
      assert.ok(!(name in found), `${name} is announced twice`);
      current = found[name] = { name, help: rest, type: null, samples: [] };
    } else if (what === 'TYPE') {
      assert.equal(name, current.name, 'the type follows its help');
      assert.equal(current.type, null, `${name} has two types`);
      current.type = rest;
    } else {
      assert.doesNotMatch(line, /^#/);
      const family = line.match(/^\w+/)[0];
      const announced = current.type === 'histogram' ? family.replace(/_(bucket|sum|count)$/, '') : family;
      assert.equal(announced, current.name, line);
      current.samples.push(line);
    }
  }
  return found;
}
const scrape = async (stack) => families((await stack.fcgi('GET', '/metrics', { params: { WA_LOCAL: '1' } })).text);

const RELAYS = { wa_relay_up: 'gauge', wa_relay_breaker: 'gauge', wa_relay_under_way: 'gauge',
  wa_outbox_delivery_seconds: 'histogram' };
const COMMON = { wa_outbox_settled_total: 'counter', wa_outbox_retries_total: 'counter',
  wa_broadcast_reduced_total: 'counter', wa_breaker_opened_total: 'counter',
  wa_pairings_overdue_total: 'counter', wa_outbox_depth: 'gauge', wa_outbox_oldest_seconds: 'gauge' };

describe('the page of metrics', () => {
  test('has each name once, with one help and one type, and all of its series from the start', async (t) => {
    const stack = await makeStack(t, { WHATSAPP_INSTANCE_COUNT: 3 });
    const found = await scrape(stack);
    for (const [name, type] of Object.entries({ ...RELAYS, ...COMMON })) {
      assert.equal(found[name]?.type, type, name);
      assert.notEqual(found[name].help, '');
      assert.ok(found[name].samples.length > 0, name);
    }
    const peers = ['broadcast', 'instance-1', 'instance-2', 'instance-3'];
    for (const name of ['wa_relay_breaker', 'wa_relay_under_way']) {
      assert.deepEqual(found[name].samples, peers.map((peer) => `${name}{peer="${peer}"} 0`));
    }
    assert.deepEqual(found.wa_relay_up.samples, ['wa_relay_up 1']);
    assert.equal(found.wa_outbox_settled_total.samples.length, 8);
  });

  test('has nothing of a relay where there is none', async (t) => {
    const stack = await makeStack(t, { WA_RELAY: 'off' });
    const names = Object.keys(await scrape(stack));
    assert.deepEqual(names.filter((name) => name.startsWith('wa_relay_')), []);
    assert.ok(names.includes('wa_outbox_depth') && names.includes('wa_outbox_oldest_seconds'));
  });

  test('names no secret, no account and no workspace', async (t) => {
    const stack = await makeStack(t);
    const account = await someAccount(stack);
    await report(stack, account, 'error');
    await allSettled(stack);
    const { text } = await stack.fcgi('GET', '/metrics', { params: { WA_LOCAL: '1' } });
    for (const secret of [pusher.app.secret, pusher.app.key, node.key, account.uuid, account.session_id,
      '127.0.0.1', String(pusher.port)]) {
      assert.ok(!text.includes(secret), secret);
    }
  });
});

describe('of a relay that was killed', () => {
  test('nothing is left in the metrics of the next one', async (t) => {
    const stack = await makeStack(t);
    const first = relayOf(stack);
    await node.stop();
    await whileHeld(pusher, async () => {
      await putRows(stack, (await several(stack, 3)).map((account) => [account]));
      await putRows(stack, (await several(stack, 4)).map((account) => [account, { kind: 'command' }]));
      const told = async () => {
        const now = await metrics(stack);
        return { underWay: now['wa_relay_under_way{peer="broadcast"}'],
          breaker: now['wa_relay_breaker{peer="instance-1"}'] };
      };
      await until('three are under way, and an instance is away', async () =>
        isDeepStrictEqual(await told(), { underWay: 3, breaker: 2 }));
      await stack.sql('DELETE FROM wa_outbox');
      process.kill(first, 'SIGKILL');
      await nextRelay(stack, first);
      const expected = { underWay: 0, breaker: 0 };
      await until('the next one tells its own', async () => isDeepStrictEqual(await told(), expected),
        { tries: 300 }).catch(() => {});
      assert.deepEqual(await told(), expected);
    });
  });

  test('it is told that there is none', async (t) => {
    const stack = await makeStack(t);
    let pid = null;
    /* Killed young again and again, it is started after a pause that grows. */
    for (let wait = 0; wait < 1000;) {
      pid = await nextRelay(stack, pid);
      process.kill(pid, 'SIGKILL');
      const end = await until('the master tells', () => events(stack.log(), 'child_ended')
        .find((line) => Number(line.child) === pid));
      wait = Number(end.next_in_ms ?? 0);
    }
    /* However long it takes to ask: nobody starts another one meanwhile. */
    await freeze(stack.master);
    try {
      const now = await metrics(stack);
      assert.equal(now.wa_relay_up, 0);
      assert.equal(total(now, 'wa_workers'), stack.settings.WA_WORKERS);
    } finally {
      thaw(stack.master);
    }
    await nextRelay(stack, pid);
    await until('it is up', async () => (await metrics(stack)).wa_relay_up === 1);
  });
});

describe('WA_OUTBOX_KEEP', () => {
  test('is how long settled rows are kept; what is open stays, however old it is', async (t) => {
    const stack = await makeStack(t, { WA_OUTBOX_KEEP: 60 });
    await pusher.stop();
    await node.stop();
    const account = await someAccount(stack);
    const kept = await putRows(stack, [...SETTLED.map((state) => [account, { state, age: 9000, settled: 1 }]),
      [account, { age: 9000, lifetime: 86400 }],
      [account, { kind: 'command', age: 9000, lifetime: 86400 }],
      [account, { kind: 'command', state: 'sending', attempts: 1, age: 9000, lifetime: 86400 }]]);
    const old = await putRows(stack, SETTLED.flatMap((state) => [[account, { state, age: 9000, settled: 61 }],
      [account, { kind: 'command', state, age: 9000, settled: 8000 }]]));
    const left = async () => (await stack.column('SELECT id FROM wa_outbox ORDER BY id')).map(Number);
    await until('the old ones are gone', async () => !(await left()).some((id) => old.includes(id)));
    await pause(SOME_LOOKS_MS);
    assert.deepEqual(await left(), kept);
  });

  test('of a second lets go of what is delivered, and of as many rows as there are', async (t) => {
    const stack = await makeStack(t, { WA_OUTBOX_KEEP: 1 });
    const account = await someAccount(stack);
    await stack.sql(`INSERT INTO wa_outbox (account_id, workspace_id, state_version, kind, name, payload, state,
        created_at, available_at, expires_at, settled_at)
      SELECT ${account.id}, ${account.workspace_id}, seq, 'event', 'account-status-changed', '{}', 'delivered',
        UTC_TIMESTAMP(6), UTC_TIMESTAMP(6), UTC_TIMESTAMP(6) + INTERVAL 1 DAY, UTC_TIMESTAMP(6) FROM seq_1_to_2500`);
    await report(stack, account, 'error');
    await pusher.received(1);
    await until('nothing is left', async () => await stack.value('SELECT COUNT(*) FROM wa_outbox') === '0');
    assert.equal((await metrics(stack))['wa_outbox_settled_total{kind="event",result="delivered"}'], 1);
  });
});

test('WA_RELAY=off leaves the rows alone, and the pairings: other hosts have a relay', async (t) => {
  const stack = await makeStack(t, { WA_RELAY: 'off', WA_OUTBOX_KEEP: 1 });
  const account = await someAccount(stack, { connection_status: 'connecting', connect_deadline_at: utc(-60) });
  const states = [...OPEN, ...SETTLED];
  await putRows(stack, states.flatMap((state) => ['event', 'command'].map((kind) => [account, { kind, state,
    age: 90_000, settled: 8000 }])));
  await report(stack, await someAccount(stack), 'error');
  const earlier = await stack.checksum();
  await until('there are the workers', () => stack.children().length >= stack.settings.WA_WORKERS);
  assert.equal(stack.children().length, stack.settings.WA_WORKERS);
  await pause(SOME_LOOKS_MS);
  assert.equal(await stack.checksum(), earlier);
  assert.deepEqual([pusher.requests.length, node.requests.length], [0, 0]);
  assert.deepEqual(events(stack.log(), 'relay_started'), []);
});
