// The day of the cutover, as an operator goes through it, with nginx, the pool, its relay and its peers: from
// whatsapp_sessions to whatsapp_accounts, back, there again, and for good. The pool runs all day.

import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { isOk, isRefused } from './lib/browser-expect.mjs';
import { BASE, isBroadcasted, isError } from './lib/expect.mjs';
import { phone } from './lib/fixtures.mjs';
import { FOLD, dump, ends, isSameDump, legacyStack, succeeds } from './lib/legacy.mjs';
import { PAGE, browser, logIn } from './lib/login.mjs';
import { startNodeService } from './lib/node-service.mjs';
import { events } from './lib/observe.mjs';
import { asBefore, isDeprecated } from './lib/old-paths.mjs';
import { allSettled } from './lib/outbox.mjs';
import { pause, run, until } from './lib/processes.mjs';
import { startPusher } from './lib/pusher-server.mjs';
import { nextRelay, relayOf } from './lib/relay.mjs';
import { build, startStack } from './lib/stack.mjs';

const WORKERS = 3;
const SERVES_WITHIN_MS = 15_000;
const NOT_MIGRATED = 'the database still has the table whatsapp_sessions: its sessions have not become accounts yet; '
  + 'run: wa-accountsctl migrate plan';

let stack, old, pusher, node, ana, anaBefore, some, theirs, all, load, pids, relay, from;
before(async () => {
  [pusher, node] = [await startPusher(), await startNodeService()];
  stack = await legacyStack('field', { rows: 300, large: false, nginx: true, env: { WA_WAIT_FOR_SCHEMA: 'on',
    WA_WORKERS: WORKERS, WA_RELAY: 'on', WA_RELAY_POLL: 100, WA_MAX_ACCOUNTS: 1000, ...pusher.env(), ...node.env() } });
  stack.configure({ APP_URL: stack.url });
  old = asBefore(stack);
  /* The owner of a workspace logs in while the old application still serves. */
  [some] = await stack.sql(`SELECT s.id, s.uuid, s.session_id, s.workspace_id, w.created_by
    FROM whatsapp_sessions AS s JOIN workspaces AS w ON w.id = s.workspace_id
    WHERE s.status IN ('connected', 'authenticated') AND s.is_active AND s.deleted_at IS NULL ORDER BY s.id LIMIT 1`);
  ana = await logIn(stack, { user: Number(some.created_by), workspace: Number(some.workspace_id) });
  anaBefore = browser(old, ana);
  all = await stack.sql('SELECT id, uuid, status FROM whatsapp_sessions ORDER BY id');
  theirs = await tablesOf();
});
after(async () => {
  await load?.stop();
  await Promise.all([pusher?.end(), node?.stop()]);
  await stack?.stop();
});

const tablesOf = () => stack.column('SHOW TABLES');
const maintenance = (on) => (on ? writeFileSync(`${stack.dir}/maintenance.on`, '')
  : rmSync(`${stack.dir}/maintenance.on`));
const inMaintenance = () => existsSync(`${stack.dir}/maintenance.on`);

const status = () => stack.signed('GET', `${BASE}/${some.uuid}/status?workspace_id=${some.workspace_id}`);
/** The same past nginx, which may be in maintenance. */
const statusStraight = () => stack.fcgiSigned('GET', `${BASE}/${some.uuid}/status?workspace_id=${some.workspace_id}`);
const report = (account, word) => stack.signed('POST', `${BASE}/broadcast`, { event: 'account-status-changed',
  data: { account_id: account.uuid, workspace_id: Number(account.workspace_id), status: word } });
const told = ({ uuid }) => pusher.requests.filter(({ data }) => data?.uuid === uuid);

function isLater(answer) {
  isError(answer, 429);
  assert.match(answer.headers['retry-after'], /^\d+$/);
}

function isLaterForBrowsers(answer) {
  assert.equal(answer.status, 503, answer.text);
  assert.equal(answer.json.code, 'unavailable');
  assert.match(answer.headers['retry-after'], /^\d+$/);
}

/** Everybody is told "later" by the pool, whichever of its workers is asked, and whoever may look is told why. */
async function waits() {
  await until('/readyz says so', async () => (await stack.call('GET', '/readyz')).json.message === NOT_MIGRATED);
  for (let i = 0; i < 2 * WORKERS; i++) {
    const ready = await stack.call('GET', '/readyz');
    assert.deepEqual([ready.status, ready.json.message], [503, NOT_MIGRATED]);
    isLater(await status());
    isLater(await report(some, 'error'));
    isLater(isDeprecated(await old.signed('GET', `${BASE}/active`), `${BASE}/active`));
    for (const answer of [await ana.call('GET'), isDeprecated(await anaBefore.call('GET'), PAGE)]) {
      isRefused(answer, 503, 'unavailable');
      isLaterForBrowsers(answer);
    }
  }
}

/** nginx tells everybody "later", and the pool can still be looked at. */
async function isClosed(ready) {
  isLater(await status());
  isLaterForBrowsers(await ana.call('GET'));
  isLater(await old.signed('GET', `${BASE}/active`));
  assert.equal((await stack.call('GET', '/readyz')).status, ready);
}

/** migrate up, while somebody asks past nginx: milliseconds from its end until the pool served. */
async function up(t) {
  let going = true, served = null;
  const asking = (async () => {
    while (going && served === null) {
      const answer = await statusStraight();
      if (answer.status === 200) served = performance.now();
      else isLater(answer);
      await pause(10);
    }
  })();
  const out = await succeeds(stack, 'up', '--yes');
  const ended = performance.now();
  await until('the pool serves', () => served !== null, { tries: SERVES_WITHIN_MS / 20, every: 20 })
    .finally(() => (going = false));
  await asking;
  t.diagnostic(`served ${Math.round(served - ended)} ms after migrate up; ${/^longest pause.*$/m.exec(out)[0]}`);
  await until('all of it is ready', async () => (await stack.call('GET', '/readyz')).status === 200);
}

async function smokes() {
  const { code, out } = await stack.ctl('smoke');
  assert.equal(code, 0, out);
  assert.match(out, /, 0 failed\n$/);
}

/** All day long the Node.js service and a page ask through nginx. */
function keepAsking() {
  const answers = [];
  let going = true;
  const asks = [status, () => ana.call('GET'), () => stack.signed('GET', `${BASE}/active?limit=5`),
    () => anaBefore.call('GET', `/${some.uuid}`)];
  const done = (async () => {
    for (let i = 0; going; i++) {
      answers.push(await asks[i % asks.length]().catch((error) => ({ status: 0, text: String(error) })));
      await pause(20);
    }
  })();
  return {
    async stop() {
      going = false;
      await done;
      return answers;
    },
  };
}

describe('the day of the cutover', () => {
  test('the pool starts on the old schema and says "later"', async () => {
    await stack.startPool();
    await nextRelay(stack);
    [pids, relay, from] = [stack.children(), relayOf(stack), stack.log().length];
    load = keepAsking();
    await waits();
  });

  test('a rehearsal on a copy leaves the application\'s own database alone', async () => {
    const earlier = await dump(stack);
    const { socket, name, user } = stack.database;
    const copy = `${name}_copy`;
    await stack.sql(`CREATE DATABASE ${copy}; GRANT ALL ON ${copy}.* TO ${user}@localhost`);
    try {
      const login = ['--no-defaults', '--user=root', `--socket=${socket}`];
      const file = `${stack.dir}/before.sql`;
      const saved = await run('mariadb-dump', [...login, '--single-transaction', '--routines', '--triggers',
        `--result-file=${file}`, name]);
      assert.equal(saved.code, 0, saved.out);
      const loaded = await run('mariadb', [...login, copy], { stdin: readFileSync(file) });
      assert.equal(loaded.code, 0, loaded.out);
      for (const command of [['plan'], ['up', '--yes'], ['verify'], ['down', '--yes']]) {
        const { code, out } = await run(`${build}/wa-accountsctl`, ['--env', stack.envFile, 'migrate', ...command],
          { env: { DB_DATABASE: copy } });
        assert.equal(code, 0, out);
      }
      isSameDump(await dump({ database: { socket, name: copy } }), earlier);
    } finally {
      await stack.sql(`DROP DATABASE ${copy}`);
    }
    isSameDump(await dump(stack), earlier);
    await waits();
  });

  test('in maintenance, after plan, up makes accounts of all sessions, and the pool serves', async (t) => {
    maintenance(true);
    await isClosed(503);
    assert.match(await succeeds(stack, 'plan'), /^no obstacles$/m);
    await up(t);
    await isClosed(200);
    assert.doesNotMatch(await succeeds(stack, 'verify'), /^ +(changed|FAULT) /m);
    const accounts = await stack.sql('SELECT id, uuid, connection_status FROM whatsapp_accounts ORDER BY id');
    assert.deepEqual(accounts, all.map(({ status: word, ...row }) => ({ ...row, connection_status: FOLD[word] })));
  });

  test('without maintenance everybody is served at once, and the smoke test holds', async () => {
    maintenance(false);
    const answer = await status();
    assert.equal(answer.status, 200, answer.text);
    assert.deepEqual([answer.json.uuid, answer.json.connection_status], [some.uuid, 'connected']);
    await smokes();
    for (const command of [['account', 'list', '--connected'], ['outbox', 'list']]) {
      const { code, out } = await stack.ctl(...command);
      assert.equal(code, 0, out);
      assert.equal(out.includes(some.uuid), command[0] === 'account', out);
    }
  });

  test('old paths are answered, as deprecated ones', async () => {
    for (const id of [some.id, some.uuid, some.session_id]) {
      const path = `${BASE}/${id}/status`;
      const answer = isDeprecated(await old.signed('GET', `${path}?workspace_id=${some.workspace_id}`), path);
      assert.equal(answer.status, 200, answer.text);
      assert.equal(answer.json.uuid, some.uuid);
    }
    const { accounts } = isOk(isDeprecated(await anaBefore.call('GET'), PAGE));
    assert.ok(accounts.some(({ uuid }) => uuid === some.uuid));
    assert.deepEqual(accounts, isOk(await ana.call('GET')).accounts);
  });

  let made;
  test('what is reported and done after up is told to pages, and to the Node.js service', async () => {
    isBroadcasted(await report(some, 'error'));
    const [request] = await pusher.received(1, ({ data }) => data?.uuid === some.uuid);
    assert.deepEqual([request.wrong ?? null, request.data.connection_status], [null, 'error']);
    isBroadcasted(isDeprecated(await old.signed('POST', `${BASE}/broadcast`, { event: 'account-status-changed',
      data: { account_id: some.session_id, workspace_id: Number(some.workspace_id), status: 'authenticated' } }),
    `${BASE}/broadcast`));

    made = isOk(await ana.call('POST', '', { json: { phone_number: phone(), provider_type: 'webjs',
      account_name: 'Kasir 😀' } }), 201).data;
    await until('its session is begun', () => node.sessions.has(made.session_id));
    await allSettled(stack);
    assert.deepEqual(told(some).map(({ data }) => data.connection_status), ['error', 'connected']);
    assert.match(await succeeds(stack, 'verify'), /^ +changed /m);
  });

  test('down, with an event that nobody has taken yet: the old application has its tables again', async () => {
    pusher.behave(() => ({ status: 503 }));
    isBroadcasted(await report(some, 'error'));
    await until('it was tried', () => told(some).length >= 3);
    maintenance(true);
    await succeeds(stack, 'down', '--yes');
    await isClosed(503);
    maintenance(false);
    await waits();

    const tables = await tablesOf();
    assert.deepEqual(tables.filter((name) => !theirs.includes(name)), ['wa_migration_kept', 'wa_outbox']);
    assert.deepEqual(theirs.filter((name) => !tables.includes(name)), []);
    const sessions = await stack.sql('SELECT id, uuid, status FROM whatsapp_sessions ORDER BY id');
    const expected = all.map((row) => (row.id === some.id ? { ...row, status: 'failed' } : row));
    assert.deepEqual(sessions.slice(0, -1), expected);
    assert.equal(sessions.at(-1).uuid, made.uuid);
    const joined = await stack.value(`SELECT COUNT(*) FROM whatsapp_sessions AS s
      JOIN chats ON chats.whatsapp_session_id = s.id JOIN campaign_logs AS l ON l.whatsapp_session_id = s.id
      JOIN contact_sessions AS c ON c.whatsapp_session_id = s.id`);
    assert.ok(Number(joined) > 0, 'and what hangs on them');
    const tried = told(some).length;
    await pause(300);
    assert.equal(told(some).length, tried, 'nobody is told of what is no account now');
  });

  test('up again: what was kept is back, and what waited is told', async (t) => {
    pusher.behave(undefined);
    /* The old application has written meanwhile. */
    await stack.sql(`UPDATE whatsapp_sessions SET qr_code = '2@old', updated_at = UTC_TIMESTAMP()
      WHERE id = ${some.id}`);
    maintenance(true);
    await succeeds(stack, 'plan');
    await up(t);
    await succeeds(stack, 'verify');
    maintenance(false);
    await smokes();
    const account = isOk(await ana.call('GET', `/${made.uuid}`)).data;
    assert.deepEqual([account.id, account.account_name, account.phone_number],
      [made.id, 'Kasir 😀', made.phone_number]);
    const again = isOk(await ana.call('GET', `/${some.uuid}`)).data;
    assert.deepEqual([again.connection_status, again.qr_code], ['error', '2@old']);
    await allSettled(stack);
    assert.equal(told(some).at(-1).data.connection_status, 'error');
    assert.equal(await stack.value('SELECT GROUP_CONCAT(DISTINCT state) FROM wa_outbox'), 'delivered');
    /* A version is told once, also to a page that has seen those of before. */
    const versions = told(some).filter((request) => request.status === 200).map(({ data }) => data.state_version);
    isBroadcasted(await report(some, 'connected'));
    await allSettled(stack);
    assert.ok(told(some).at(-1).data.state_version > Math.max(...versions), versions.join(', '));
  });

  test('finalize leaves nothing of the migration, and no way back; the pool goes on', async () => {
    await succeeds(stack, 'finalize', '--yes');
    const model = await startStack({ pool: false, nginx: false });
    const fresh = (await model.column('SHOW TABLES')).filter((name) => name.startsWith('wa_'));
    await model.stop();
    assert.deepEqual((await tablesOf()).filter((name) => name.startsWith('wa_')), fresh);
    assert.equal(await stack.value(`SELECT COUNT(*) FROM information_schema.columns WHERE table_schema = DATABASE()
      AND column_name = 'wa_old_status'`), '0');
    assert.match(await ends(1, stack, 'down', '--yes'), /cannot be taken back/);
    const { code, out } = await stack.ctl('schema', 'check');
    assert.equal(code, 0, out);
    assert.equal((await status()).status, 200);
    isBroadcasted(await report(some, 'disconnected'));
    await smokes();
    await allSettled(stack);
    assert.equal(told(some).at(-1).data.connection_status, 'disconnected');
  });

  test('all day nobody was told anything but "later", nobody was restarted, and the log is quiet', async (t) => {
    assert.ok(!inMaintenance());
    const answers = await load.stop();
    const counts = {};
    for (const { status: code } of answers) counts[code] = (counts[code] ?? 0) + 1;
    t.diagnostic(JSON.stringify(counts));
    assert.deepEqual(Object.keys(counts), ['200', '429', '503']);
    for (const answer of answers.filter(({ status: code }) => code === 429)) isLater(answer);
    for (const answer of answers.filter(({ status: code }) => code === 503)) isLaterForBrowsers(answer);
    assert.deepEqual(stack.children(), pids);
    assert.equal(relayOf(stack), relay);
    /* Each process may find out by a statement that the tables are gone. */
    const errors = events(stack.log().slice(from)).filter(({ level, event }) => level === 'error'
      && event !== 'request');
    t.diagnostic(errors.map(({ what }) => what).join(', '));
    assert.deepEqual(errors.filter(({ error }) => !['1146', '1054'].includes(error)), []);
    assert.ok(errors.length <= 2 * (WORKERS + 1), `${errors.length} errors are logged`);
  });
});
