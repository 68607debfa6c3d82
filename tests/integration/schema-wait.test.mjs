// A pool whose tables are not there: it was started before `whatsapp_sessions` became `whatsapp_accounts`
// (WA_WAIT_FOR_SCHEMA), or that was taken back while it served. It says "later", /readyz says why, nothing is stored
// by half and nothing is lost, and when the tables are there it serves, without a restart.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { isRefused } from './lib/browser-expect.mjs';
import { BASE, isBroadcasted, isError } from './lib/expect.mjs';
import { connected } from './lib/fixtures.mjs';
import { logIn } from './lib/login.mjs';
import { events, metrics } from './lib/observe.mjs';
import { allSettled, rowOf } from './lib/outbox.mjs';
import { pause, run, until } from './lib/processes.mjs';
import { startPusher } from './lib/pusher-server.mjs';
import { SOME_LOOKS_MS, makePool, nextRelay, relayOf, report as reportStraight, someAccount } from './lib/relay.mjs';
import { whileLocked, whileTablesLocked } from './lib/session.mjs';
import { build, startStack } from './lib/stack.mjs';

const WORKERS = 4;
const NOT_MIGRATED = 'the database still has the table whatsapp_sessions: its sessions have not become accounts yet; '
  + 'run: wa-accountsctl migrate plan';

/** As far as anybody looks at it. */
const OLD = 'CREATE TABLE whatsapp_sessions (id bigint unsigned NOT NULL PRIMARY KEY, status varchar(20) NOT NULL)';
/* In the order of the way back: first nobody new is let in, then the accounts get their old name. */
const DOWN = `RENAME TABLE wa_schema TO wa_schema_kept;
  RENAME TABLE whatsapp_accounts TO whatsapp_sessions`;
const UP = `RENAME TABLE whatsapp_sessions TO whatsapp_accounts;
  RENAME TABLE wa_schema_kept TO wa_schema`;

const local = { params: { WA_LOCAL: '1' } };
const ready = (stack) => stack.fcgi('GET', '/readyz', local);

function isLater(answer) {
  isError(answer, 429, 'Service temporarily unavailable');
  assert.equal(answer.headers['retry-after'], '1');
}

function isLaterForBrowsers(answer) {
  isRefused(answer, 503, 'unavailable', 'Service temporarily unavailable');
  assert.equal(answer.headers['retry-after'], '1');
}

/** Whichever worker is asked, and whoever looked last. */
async function isNotReady(stack, message = NOT_MIGRATED) {
  for (let i = 0; i < 3 * WORKERS; i++) {
    const answer = await ready(stack);
    assert.equal(answer.status, 503, answer.text);
    assert.equal(answer.json.code, 'not_ready');
    assert.equal(answer.json.message, message);
    await pause(40);
  }
}

/** Milliseconds until this answers 200; before that it answers nothing but "later". */
async function servesAfter(ask) {
  const began = performance.now();
  await until('it serves', async () => {
    const answer = await ask();
    if (answer.status !== 200) isLater(answer);
    return answer.status === 200;
  }, { tries: 750, every: 20 });
  return Math.round(performance.now() - began);
}

const reasons = (stack, from = 0) => events(stack.log().slice(from), 'db').filter((line) => line.what === 'check');

describe('WA_WAIT_FOR_SCHEMA', () => {
  /** A stack whose sessions have not become accounts yet; nothing serves it. */
  async function makeOld(t, env) {
    const stack = await startStack({ schema: false, pool: false, nginx: false, env: { WA_WORKERS: WORKERS, ...env } });
    t.after(() => stack.stop());
    await stack.sql(OLD);
    return stack;
  }
  const check = (stack) => run(`${build}/wa-accountsd`, ['--env', stack.envFile, '--check']);
  /** What the migration comes to. */
  async function migrate(stack) {
    await stack.sql('DROP TABLE whatsapp_sessions');
    const { code, out } = await stack.ctl('schema', 'apply', '--demo');
    assert.equal(code, 0, out);
  }

  test('off: the pool does not start before its tables are there', async (t) => {
    const stack = await makeOld(t, {});
    const { code, out } = await check(stack);
    assert.equal(code, 78, out);
    assert.ok(out.includes('level=error') && out.includes(NOT_MIGRATED), out);
    await assert.rejects(stack.startPool(), /its sessions have not become accounts yet/);
  });

  test('on: it starts, says "later" and why, and serves when they are there', async (t) => {
    const stack = await makeOld(t, { WA_WAIT_FOR_SCHEMA: 'on' });
    const { code, out } = await check(stack);
    assert.equal(code, 0, out);
    assert.ok(out.includes('level=warn') && out.includes(NOT_MIGRATED), out);

    await stack.startPool();
    const warnings = stack.log().split('\n').filter((line) => line.includes(NOT_MIGRATED));
    assert.equal(warnings.length, 1, stack.log());
    assert.match(warnings[0], /level=warn/);
    assert.equal((await stack.fcgi('GET', '/healthz', local)).status, 200);
    const active = () => stack.fcgiSigned('GET', `${BASE}/active`);
    for (let i = 0; i < 3 * WORKERS; i++) {
      isLater(await active());
      isLater(await stack.fcgiSigned('POST', `${BASE}/broadcast`, { event: 'account-status-changed',
        data: { account_id: 'x', workspace_id: 1, status: 'error' } }));
    }
    await isNotReady(stack);
    assert.equal(reasons(stack).length, 1, 'the pool says so once more, however often it is asked');

    const pids = stack.children();
    await migrate(stack);
    t.diagnostic(`served ${await servesAfter(active)} ms after the tables were there`);
    await until('all are ready', async () => (await ready(stack)).status === 200);
    for (let i = 0; i < 3 * WORKERS; i++) assert.equal((await active()).status, 200);
    assert.deepEqual(stack.children(), pids, 'nobody was restarted');
    assert.deepEqual(reasons(stack).map((line) => line.level), ['warn', 'info']);
  });

  test('on: each fault on the way has its sentence, until none is left', async (t) => {
    const stack = await makeOld(t, { WA_WAIT_FOR_SCHEMA: 'on' });
    await stack.startPool();
    const says = (message) => until(message.source, async () => message.test((await ready(stack)).json.message));
    await isNotReady(stack);
    await stack.sql('DROP TABLE whatsapp_sessions');
    await says(/does not have our tables yet; run: wa-accountsctl schema apply/);
    await stack.sql(`CREATE TABLE wa_schema (id tinyint unsigned NOT NULL PRIMARY KEY, version int unsigned NOT NULL,
      oldest_build int unsigned NOT NULL, applied_at datetime(6) NOT NULL);
      INSERT INTO wa_schema VALUES (1, 1, 1, UTC_TIMESTAMP(6))`);
    await says(/older than this build needs/);
    await stack.sql('DROP TABLE wa_schema');
    await stack.ctl('schema', 'apply', '--demo');
    await until('it is ready', async () => (await ready(stack)).status === 200);
  });

  test('on: a reload while it waits keeps the pool', async (t) => {
    const stack = await makeOld(t, { WA_WAIT_FOR_SCHEMA: 'on' });
    await stack.startPool();
    const [master, old] = [stack.master, stack.children()];
    stack.pool.kill('SIGHUP');
    await until('the workers are new', () => {
      const now = stack.children();
      return now.length === WORKERS && !now.some((pid) => old.includes(pid));
    });
    assert.equal(stack.master, master);
    await isNotReady(stack);
    await migrate(stack);
    await servesAfter(() => stack.fcgiSigned('GET', `${BASE}/active`));
  });

  test('on: a schema that is too new is refused all the same', async (t) => {
    const stack = await makeOld(t, { WA_WAIT_FOR_SCHEMA: 'on' });
    await migrate(stack);
    await stack.sql('UPDATE wa_schema SET version = 1000, oldest_build = 1000');
    for (const sql of [null, OLD]) {
      if (sql) await stack.sql(sql);
      const { code, out } = await check(stack);
      assert.equal(code, 78, out);
      assert.match(out, /too new/);
      await assert.rejects(stack.startPool(), /too new/);
    }
  });
});

describe('tables that go away under a pool that serves', () => {
  let stack, ana;
  before(async () => {
    stack = await startStack({ env: { WA_WORKERS: WORKERS } });
    ana = await logIn(stack);
  });
  after(() => stack?.stop());
  afterEach(async () => {
    const fresh = await ana.account(connected());
    await until('all serve', async () => {
      const answers = await Promise.all(Array.from({ length: 2 * WORKERS }, () => status(fresh)));
      return answers.every((answer) => answer.status === 200);
    });
    assert.equal((await ready(stack)).status, 200);
    await stack.clear();
    ana = await logIn(stack);
  });

  const status = (one) => stack.signed('GET', `${BASE}/${one.uuid}/status`);
  const report = (one, word) => stack.signed('POST', `${BASE}/broadcast`, { event: 'account-status-changed',
    data: { account_id: one.uuid, workspace_id: one.workspace_id, status: word } });
  const mark = (one) => stack.signed('POST', `${BASE}/${one.uuid}/mark-disconnected`,
    { workspace_id: one.workspace_id });
  const words = ['error', 'connecting', 'disconnected'];

  /** Ask in all these ways until told to stop; every answer. */
  function keepAsking(asks, atOnce = 8) {
    const answers = [];
    let going = true, count = 0;
    const all = Promise.all(Array.from({ length: atOnce }, async () => {
      while (going) {
        const answer = await asks[count++ % asks.length]().catch((error) => ({ status: 0, text: String(error) }));
        answers.push(answer);
        await pause(2);
      }
    }));
    return {
      answers,
      some: (more) => {
        const goal = answers.length + more;
        return until(`${more} more answers`, () => answers.length >= goal);
      },
      async stop() {
        going = false;
        await all;
        return answers;
      },
    };
  }

  /** What is told of an account is what happened to it: each change of its row has its event. */
  async function isConsistent(one) {
    const { account: now, events: sent } = await stack.state(one.id);
    assert.deepEqual(sent.map((event) => event.state_version),
      Array.from({ length: now.state_version - one.state_version }, (_, i) => one.state_version + 1 + i));
  }

  test('under load, three times there and back: nobody is told anything but "later"', async (t) => {
    const accounts = [];
    for (let i = 0; i < 4; i++) accounts.push(await ana.account(connected()));
    /* Whose primary changes has a version more that is told with the other account. */
    const ben = await logIn(stack);
    const others = [await ben.account(connected()), await ben.account(connected())];
    const pids = stack.children();
    let n = 0;
    const load = keepAsking([
      () => status(accounts[n++ % 4]),
      () => report(accounts[n++ % 4], words[n % 3]),
      () => mark(accounts[n++ % 4]),
      () => stack.signed('GET', `${BASE}/active`),
      () => stack.signed('GET', `${BASE}/active?workspace_id=${ana.workspace}&limit=2`),
      () => ana.call('GET'),
      () => ana.call('GET', `/${accounts[n++ % 4].uuid}`),
      () => ana.call('GET', `/${accounts[n++ % 4].uuid}/statistics`),
      () => ben.call('POST', `/${others[n++ % 2].uuid}/set-primary`),
    ]);
    const took = [];
    const from = stack.log().length;
    for (let i = 0; i < 3; i++) {
      await load.some(100);
      await stack.sql(DOWN);
      await load.some(200);
      await isNotReady(stack);
      await stack.sql(UP);
      took.push(await servesAfter(() => status(accounts[0])));
    }
    await load.some(200);
    const answers = await load.stop();
    t.diagnostic(`${answers.length} answers; served ${took.join(', ')} ms after the tables were back`);
    const other = answers.filter((answer) => ![200, 409, 429, 503].includes(answer.status));
    assert.deepEqual(other.map((answer) => `${answer.status} ${answer.text}`), []);
    for (const answer of answers.filter(({ status: code }) => code === 429)) isLater(answer);
    for (const answer of answers.filter(({ status: code }) => code === 503)) isLaterForBrowsers(answer);
    assert.ok(answers.some((answer) => answer.status === 429));
    assert.ok(answers.some((answer) => answer.status === 503));
    assert.deepEqual(stack.children(), pids, 'nobody was restarted');
    for (const account of accounts) await isConsistent(account);
    const log = stack.log().slice(from);
    const errors = events(log, 'db').filter((line) => line.level === 'error');
    t.diagnostic(`${errors.length} errors in the log`);
    assert.ok(errors.length <= 3 * WORKERS * 3, `${errors.length} errors are logged`);
    /* One look may fall between the two renames, or end after a later one's: that is told, too. */
    await until('the pool has told that it serves', async () => (await ready(stack)).status === 200
      && reasons(stack, from).at(-1).level === 'info');
    const told = reasons(stack, from).map((line) => line.level);
    const edges = told.filter((level, i) => level !== told[i - 1]);
    assert.equal(edges[0], 'warn');
    assert.ok(edges.length >= 6 && told.length <= 12, told.join(', '));
  });

  test('and come back at once, ten times: nobody takes that for a mistake of ours', async () => {
    const account = await ana.account(connected());
    const load = keepAsking([() => status(account), () => report(account, words[Math.floor(Math.random() * 3)]),
      () => ana.call('GET'), () => stack.signed('GET', `${BASE}/active`)]);
    for (let i = 0; i < 10; i++) {
      await load.some(20);
      await stack.sql(`${DOWN}; ${UP}`);
    }
    await servesAfter(() => status(account));
    const other = (await load.stop()).filter((answer) => ![200, 409, 429, 503].includes(answer.status));
    assert.deepEqual(other.map((answer) => `${answer.status} ${answer.text}`), []);
    await isConsistent(account);
  });

  test('in the middle of a change: nothing of it is stored', async () => {
    const account = await ana.account(connected());
    await whileLocked(stack, account, async (lock) => {
      const asked = mark(account);
      await lock.waiting(1);
      /* The accounts it holds already, and what it will need next is gone. */
      await stack.sql('RENAME TABLE wa_schema TO wa_schema_kept; RENAME TABLE wa_outbox TO moved');
      await lock.release();
      isLater(await asked);
    });
    await stack.sql('RENAME TABLE moved TO wa_outbox; RENAME TABLE wa_schema_kept TO wa_schema');
    await until('it serves', async () => (await status(account)).status === 200);
    const { account: now, events: sent } = await stack.state(account.id);
    assert.deepEqual(now, account);
    assert.deepEqual(sent, []);
    assert.equal((await mark(account)).status, 200);
    await isConsistent(account);
  });

  test('what is back before anybody has looked at the schema was no mistake of ours', async () => {
    const account = await ana.account(connected());
    for (let i = 0; i < 2 * WORKERS; i++) assert.equal((await status(account)).status, 200);
    await stack.sql('ALTER TABLE whatsapp_accounts RENAME COLUMN last_activity_at TO moved');
    /* The look waits for this table; the statement has failed already. */
    await whileTablesLocked(stack, 'wa_schema', async (lock) => {
      const asked = report(account, 'error');
      await lock.waiting(1);
      await stack.sql('ALTER TABLE whatsapp_accounts RENAME COLUMN moved TO last_activity_at');
      await lock.release();
      isLater(await asked);
    });
    isBroadcasted(await report(account, 'error'));
    await isConsistent(account);
  });

  test('a column that is missing from a schema that is ours otherwise stays a mistake: 500, and no connection ends',
    async () => {
      const account = await ana.account(connected());
      for (let i = 0; i < 2 * WORKERS; i++) assert.equal((await status(account)).status, 200);
      await stack.sql('ALTER TABLE whatsapp_accounts RENAME COLUMN last_activity_at TO moved');
      const before = (await metrics(stack))['wa_db_connects_total{result="ok"}'];
      try {
        for (let i = 0; i < 3 * WORKERS; i++) isError(await report(account, 'error'), 500);
        assert.equal((await ana.call('GET')).status, 500);
        assert.equal((await ready(stack)).status, 200);
      } finally {
        await stack.sql('ALTER TABLE whatsapp_accounts RENAME COLUMN moved TO last_activity_at');
      }
      isBroadcasted(await report(account, 'error'));
      assert.equal((await metrics(stack))['wa_db_connects_total{result="ok"}'], before);
    });
});

describe('tables that go away under a relay', () => {
  let pusher;
  before(async () => {
    pusher = await startPusher();
  });
  after(() => pusher?.end());
  const none = { env: () => ({}) };
  const about = (account) => pusher.requests.filter(({ data }) => data?.uuid === account.uuid);
  const errorsSince = (stack, from) => stack.log().slice(from).split('\n')
    .filter((line) => /level=error/.test(line) && !/event=request/.test(line));

  test('it is quiet, and what waited is delivered when they are back', async (t) => {
    const stack = await makePool(t, { pusher, node: none });
    const account = await someAccount(stack);
    const relay = relayOf(stack);
    await reportStraight(stack, account, 'error');
    await allSettled(stack);
    const from = stack.log().length;
    /* Written when the accounts are gone already: nobody can have delivered it before. */
    await stack.sql(`${DOWN}; INSERT INTO wa_outbox (account_id, workspace_id, state_version, kind, name, payload,
      state, created_at, available_at, expires_at) SELECT account_id, workspace_id, state_version + 1, kind, name,
      JSON_SET(payload, '$.state_version', state_version + 1), 'waiting', UTC_TIMESTAMP(6), UTC_TIMESTAMP(6),
      expires_at FROM wa_outbox`);
    await until('the relay has seen it', () => reasons(stack, from).length > 0);
    await pause(SOME_LOOKS_MS);
    const errors = errorsSince(stack, from);
    t.diagnostic(`${errors.length} errors in the log`);
    assert.ok(errors.length <= 2, errors.join('\n'));
    assert.equal(about(account).length, 1);
    assert.equal(await stack.value('SELECT COUNT(*) FROM wa_outbox WHERE state = \'waiting\''), '1');
    await stack.sql(UP);
    const began = performance.now();
    await allSettled(stack);
    t.diagnostic(`settled ${Math.round(performance.now() - began)} ms after the tables were back`);
    assert.deepEqual(about(account).map(({ data }) => data.state_version), [1, 2]);
    assert.deepEqual(await stack.column('SELECT DISTINCT state FROM wa_outbox'), ['delivered']);
    assert.equal(relayOf(stack), relay, 'it is the same relay');
  });

  test('what was under way is settled once they are back, and not sent again', async (t) => {
    const stack = await makePool(t, { pusher, node: none });
    const account = await someAccount(stack);
    let release;
    const gate = new Promise((resolve) => (release = resolve));
    pusher.behave(({ data }) => (data?.uuid === account.uuid ? gate : undefined));
    await reportStraight(stack, account, 'error');
    await until('it is under way', () => about(account).length === 1);
    const from = stack.log().length;
    await stack.sql(`RENAME TABLE wa_outbox TO wa_outbox_kept, wa_lanes TO wa_lanes_kept; ${DOWN}`);
    release();
    pusher.behave(undefined);
    await until('the relay has seen it', () => reasons(stack, from).length > 0);
    await pause(SOME_LOOKS_MS);
    assert.ok(errorsSince(stack, from).length <= 2, errorsSince(stack, from).join('\n'));
    await stack.sql(`RENAME TABLE wa_outbox_kept TO wa_outbox, wa_lanes_kept TO wa_lanes; ${UP}`);
    await allSettled(stack);
    assert.equal(about(account).length, 1, 'it was sent once');
    const [{ id }] = await stack.sql('SELECT id FROM wa_outbox');
    assert.equal((await rowOf(stack, id)).state, 'delivered');
    assert.equal(await stack.value('SELECT COUNT(*) FROM wa_lanes'), '0', 'its lease is given back');
  });

  test('one that was started before they were there delivers when they are', async (t) => {
    const stack = await makePool(t, { pusher, node: none }, { WA_WAIT_FOR_SCHEMA: 'on' }, { pool: false });
    const account = await someAccount(stack);
    await stack.sql(DOWN);
    await stack.startPool();
    await nextRelay(stack);
    await pause(SOME_LOOKS_MS);
    assert.deepEqual(errorsSince(stack, 0), []);
    await stack.sql(UP);
    await until('a report is taken', async () => (await stack.fcgiSigned('POST', `${BASE}/broadcast`,
      { event: 'account-status-changed', data: { account_id: account.uuid, workspace_id: account.workspace_id,
        status: 'error' } })).status === 200);
    await allSettled(stack);
    assert.equal(about(account).length, 1);
  });
});
