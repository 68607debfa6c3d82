// The pool: its children, its signals, and the socket on which it is found.

import assert from 'node:assert/strict';
import { existsSync, readFileSync, renameSync, statSync } from 'node:fs';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { BASE } from './lib/expect.mjs';
import { dial, encode, parameters, parse, signedParameters } from './lib/fcgi-client.mjs';
import { connected } from './lib/fixtures.mjs';
import { events, freeze, lives, metrics } from './lib/observe.mjs';
import { accepts, pause, run, start, until } from './lib/processes.mjs';
import { whileLocked } from './lib/session.mjs';
import { build, startStack } from './lib/stack.mjs';

const local = { params: { WA_LOCAL: '1' } };
const health = (stack) => stack.fcgi('GET', '/healthz', local);

/** A stack without nginx, for the time of one test. */
async function makeStack(t, env = {}, options = {}) {
  const stack = await startStack({ nginx: false, ...options, env: { WA_WORKERS: 2, ...env } });
  t.after(() => stack.stop());
  return stack;
}

const workers = (stack, count) => until(`${count} workers`, () => {
  const pids = stack.children();
  return pids.length === count && pids;
});

async function serves(stack) {
  const answer = await health(stack);
  assert.equal(answer.status, 200, answer.text);
}

const gone = (pids) => until(`${pids} are gone`, () => ![pids].flat().some(lives));
const ends = (stack, pid) => until(`the master tells that ${pid} ended`, () =>
  events(stack.log(), 'child_ended').find((line) => Number(line.child) === pid));
const told = (stack, pattern) => until(`the log says ${pattern}`, () =>
  events(stack.log(), 'note').find((line) => pattern.test(line.msg)));

/** How many masters have said that they are ready. */
const readyCount = (stack) => events(stack.log(), 'note').filter((line) => /^ready/.test(line.msg)).length;

async function someAccount(stack) {
  return stack.account(connected({ workspace_id: await stack.workspace() }));
}
const mark = (stack, account) => stack.fcgiSigned('POST', `${BASE}/${account.uuid}/mark-disconnected`,
  { workspace_id: account.workspace_id });

/** The metrics, as soon as this one counts so many: of a child, when the master goes on after its start. */
const withSeries = (stack, series, least) => until(`${series} is ${least}`, async () => {
  const now = await metrics(stack);
  return now[series] >= least && now;
});

async function isMarked(stack, account) {
  const { account: now, events: sent } = await stack.state(account.id);
  assert.equal(now.connection_status, 'disconnected');
  assert.equal(sent.length, 1);
}

describe('workers', () => {
  test('there are WA_WORKERS of them, and they take turns', async (t) => {
    const stack = await makeStack(t, { WA_WORKERS: 3 });
    const pids = await workers(stack, 3);
    const seen = new Set();
    for (let i = 0; i < 200 && seen.size < 3; i++) {
      await serves(stack);
      for (const line of events(stack.log(), 'request')) seen.add(Number(line.pid));
    }
    assert.deepEqual([...seen].sort(), [...pids].sort());
    const series = 'wa_child_starts_total{reason="first"}';
    assert.equal((await withSeries(stack, series, 3))[series], 3);
  });

  test('one that is killed is replaced, the others stay', async (t) => {
    const stack = await makeStack(t);
    const [victim, other] = await workers(stack, 2);
    process.kill(victim, 'SIGKILL');
    assert.equal((await ends(stack, victim)).signal, '9');
    const after = await workers(stack, 2);
    assert.ok(after.includes(other) && !after.includes(victim));
    await serves(stack);
    const series = 'wa_child_starts_total{reason="replaced"}';
    assert.equal((await withSeries(stack, series, 1))[series], 1);
  });

  test('one that dies at once again and again is replaced after a pause that grows', async (t) => {
    const stack = await makeStack(t, { WA_WORKERS: 1 });
    const pauses = [];
    let last = null;
    for (let i = 0; i < 4; i++) {
      const victim = await until('another worker', () => stack.children().find((pid) => pid !== last));
      process.kill(victim, 'SIGKILL');
      pauses.push(Number((await ends(stack, victim)).next_in_ms));
      last = victim;
    }
    for (let i = 1; i < pauses.length; i++) assert.ok(pauses[i] > pauses[i - 1], `pauses of ${pauses} ms`);
    await until('left alone, it serves', async () => (await health(stack)).status === 200);
  });

  test('one that is told to leave finishes its request, and is replaced without a pause', async (t) => {
    const stack = await makeStack(t, { WA_WORKERS: 1 });
    const account = await someAccount(stack);
    const [pid] = await workers(stack, 1);
    await whileLocked(stack, account, async (lock) => {
      const answer = mark(stack, account);
      await lock.waiting(1);
      process.kill(pid, 'SIGTERM');
      await lock.release();
      assert.equal((await answer).status, 200);
    });
    const end = await ends(stack, pid);
    assert.equal(end.exit, '0');
    assert.equal(end.next_in_ms, undefined);
    await until('another serves', async () => (await health(stack)).status === 200);
  });

  test('leave after WA_MAX_REQUESTS, give or take a tenth, and nobody notices', async (t) => {
    const stack = await makeStack(t, { WA_MAX_REQUESTS: 50 });
    for (let i = 0; i < 600; i++) await serves(stack);
    const served = new Map();
    for (const { pid } of events(stack.log(), 'request')) served.set(pid, (served.get(pid) ?? 0) + 1);
    const left = events(stack.log(), 'child_ended');
    assert.ok(left.length >= 8, `${left.length} of them left`);
    const counts = left.map((line) => served.get(line.child));
    for (const [i, line] of left.entries()) {
      assert.equal(line.exit, '0');
      assert.equal(line.next_in_ms, undefined);
      assert.ok(counts[i] >= 45 && counts[i] <= 55, `one served ${counts[i]} requests`);
    }
    assert.ok(new Set(counts).size > 1, 'they do not leave together');
    await withSeries(stack, 'wa_child_starts_total{reason="recycled"}', 8);
  });

  test('one whose request takes longer than WA_REQUEST_TIMEOUT is killed and replaced; the log names the route',
    async (t) => {
      const stack = await makeStack(t, { WA_WORKERS: 1, WA_REQUEST_TIMEOUT: 1, WA_DB_NODE_TIMEOUT: 3500 },
        { nginx: true });
      const account = await someAccount(stack);
      const [pid] = await workers(stack, 1);
      await whileLocked(stack, account, async (lock) => {
        const answer = stack.signed('POST', `${BASE}/${account.uuid}/mark-disconnected`,
          { workspace_id: account.workspace_id });
        await lock.waiting(1);
        const { msg } = await told(stack, /WA_REQUEST_TIMEOUT/);
        assert.match(msg, /node\.mark_disconnected/);
        assert.ok(msg.includes(pid), msg);
        const { status, headers } = await answer;
        assert.equal(status, 429);
        assert.equal(headers['retry-after'], '1');
      });
      const end = await ends(stack, pid);
      assert.equal(end.signal, '9');
      assert.equal(end.next_in_ms, undefined, 'it did not die by itself: no pause');
      await until('another serves', async () => (await health(stack)).status === 200);
      assert.equal((await metrics(stack)).wa_child_hung_total, 1);
      assert.equal((await stack.state(account.id)).account.connection_status, 'connected', 'nothing is stored');
    });

  test('a client that does not read its answer does not keep one for ever', async (t) => {
    const stack = await makeStack(t, { WA_WORKERS: 1, WA_REQUEST_TIMEOUT: 1 });
    await manyAccounts(stack, 5000);
    const line = dial(stack.where);
    t.after(() => line.drop());
    line.socket.pause();
    await line.send(encode(signedParameters(stack, 'GET', `${BASE}/active`)));
    assert.match((await told(stack, /WA_REQUEST_TIMEOUT/)).msg, /node\.active/);
    await until('another serves', async () => (await health(stack)).status === 200);
  });

  test('a client that drips its request does not keep one for ever', async (t) => {
    const stack = await makeStack(t, { WA_WORKERS: 1, WA_REQUEST_TIMEOUT: 1 });
    const bytes = encode(parameters('GET', '/healthz'));
    const line = dial(stack.where);
    t.after(() => line.drop());
    for (let i = 0; i < bytes.length && !line.isOver; i++) {
      await line.send(bytes.subarray(i, i + 1));
      await pause(50);
    }
    await line.closed;
    assert.equal(line.came().length, 0);
    await until('another serves', async () => (await health(stack)).status === 200);
    await told(stack, /WA_REQUEST_TIMEOUT/);
  });
});

async function manyAccounts(stack, count) {
  const workspace_id = await stack.workspace();
  const { created_by } = await stack.account({ workspace_id });
  await stack.sql(`INSERT INTO whatsapp_accounts (uuid, workspace_id, account_name, phone_number, connection_status,
      is_active, session_id, created_by)
    SELECT UUID(), ${workspace_id}, 'Many', 6291000000000 + seq, 'connected', 1, CONCAT('webjs_many_', seq),
      ${created_by} FROM seq_1_to_${count}`);
}

describe('starting', () => {
  test('by somebody who ignores SIGCHLD, and lets it be inherited, is no obstacle', async (t) => {
    const stack = await makeStack(t, {}, { pool: false });
    stack.pool = start('perl', ['-e', '$SIG{CHLD} = "IGNORE"; exec @ARGV or die', `${build}/wa-accountsd`, '--env',
      stack.envFile], { log: `${stack.dir}/pool.log` });
    await until('the pool serves', async () => stack.pool.ended || (await health(stack)).status === 200);
    assert.ok(!stack.pool.ended, stack.log());
    const [victim] = await workers(stack, 2);
    process.kill(victim, 'SIGKILL');
    await ends(stack, victim);
    await workers(stack, 2);
    await serves(stack);
  });
});

describe('stopping', () => {
  for (const signal of ['SIGTERM', 'SIGQUIT', 'SIGINT']) {
    test(`${signal}: the request in hand is finished, then all leave, and nothing is left behind`, async (t) => {
      const stack = await makeStack(t);
      const account = await someAccount(stack);
      const pids = await workers(stack, 2);
      await whileLocked(stack, account, async (lock) => {
        const answer = mark(stack, account);
        await lock.waiting(1);
        stack.pool.kill(signal);
        await until('nobody else is let in', async () => !(await accepts(stack.where)));
        assert.ok(!stack.pool.ended);
        await lock.release();
        assert.equal((await answer).status, 200);
      });
      await stack.pool.exit;
      assert.equal(stack.pool.code, 0);
      assert.ok(!pids.some(lives));
      assert.ok(!existsSync(stack.socket) && !existsSync(stack.settings.WA_PID_FILE));
      await isMarked(stack, account);
    });
  }

  test('an answer that is being written is finished, however slowly its client reads', async (t) => {
    const stack = await makeStack(t, { WA_WORKERS: 1 });
    await manyAccounts(stack, 5000);
    const line = dial(stack.where);
    t.after(() => line.drop());
    await line.send(encode(signedParameters(stack, 'GET', `${BASE}/active`)));
    await until('the answer begins', () => line.came().length > 0);
    line.socket.pause();
    stack.pool.kill('SIGTERM');
    await until('nobody else is let in', () => !existsSync(stack.socket));
    await pause(300);   /* TERM is repeated every 100 ms */
    line.socket.resume();
    const { status, json } = parse(await line.closed);
    assert.equal(status, 200);
    assert.equal(json.count, 5000);
    assert.equal(json.sessions.length, 5000);
    await stack.pool.exit;
    assert.equal(stack.pool.code, 0);
  });

  test('a body that is still arriving is waited for', async (t) => {
    const stack = await makeStack(t);
    const account = await someAccount(stack);
    const body = JSON.stringify({ workspace_id: account.workspace_id, reason: 'slow '.repeat(40) });
    const bytes = encode(signedParameters(stack, 'POST', `${BASE}/${account.uuid}/mark-disconnected`, body), body);
    const line = dial(stack.where);
    t.after(() => line.drop());
    await line.send(bytes.subarray(0, bytes.length - 100));
    await until('a worker reads it', async () => (await metrics(stack))['wa_workers{state="busy"}'] === 2);
    stack.pool.kill('SIGTERM');
    await until('nobody else is let in', () => !existsSync(stack.socket));
    await pause(300);
    await line.send(bytes.subarray(bytes.length - 100));
    assert.equal(parse(await line.closed).status, 200);
    await isMarked(stack, account);
    await stack.pool.exit;
    assert.equal(stack.pool.code, 0);
  });

  test('who has not left at the deadline is killed', async (t) => {
    const stack = await makeStack(t, { WA_STOP_TIMEOUT: 5 });   /* who leaves looks for leaks before */
    const [stuck, other] = await workers(stack, 2);
    await freeze(stuck);
    stack.pool.kill('SIGTERM');
    await stack.pool.exit;
    assert.equal(stack.pool.code, 0);
    assert.ok(!lives(stuck) && !lives(other));
    assert.equal((await ends(stack, stuck)).signal, '9');
    assert.equal((await ends(stack, other)).exit, '0');
  });

  test('a master that is killed takes its workers with it; one finishes its request before', async (t) => {
    const stack = await makeStack(t);
    const account = await someAccount(stack);
    const pids = await workers(stack, 2);
    await whileLocked(stack, account, async (lock) => {
      const answer = mark(stack, account);
      await lock.waiting(1);
      stack.pool.kill('SIGKILL');
      await until('the idle one is gone', () => pids.filter(lives).length === 1);
      await lock.release();
      assert.equal((await answer).status, 200);
    });
    await gone(pids);
    await isMarked(stack, account);
  });
});

describe('the log', () => {
  test('USR1 opens it anew, in the master and in the workers', async (t) => {
    const stack = await makeStack(t, {}, { pool: false });
    const file = `${stack.dir}/own.log`;
    stack.configure({ WA_LOG_FILE: file });
    await stack.startPool();
    const pids = await workers(stack, 2);
    await serves(stack);
    renameSync(file, `${file}.1`);
    stack.pool.kill('SIGUSR1');
    const now = () => (existsSync(file) ? readFileSync(file, 'utf8') : '');
    const inNew = () => new Set(events(now(), 'request').map((line) => Number(line.pid)));
    await until('all workers write to the new one', async () => {
      await serves(stack);
      return pids.every((pid) => inNew().has(pid));
    });
    const { size } = statSync(`${file}.1`);
    for (let i = 0; i < 20; i++) await serves(stack);
    process.kill(pids[0], 'SIGKILL');
    await until('the master writes to the new one', () => events(now(), 'child_ended').length === 1);
    assert.equal(statSync(`${file}.1`).size, size, 'nobody writes to the old one');
  });
});

describe('HUP', () => {
  /** HUP, and wait until the new workers have taken over from the old ones. */
  async function reload(stack, count) {
    const old = stack.children();
    stack.pool.kill('SIGHUP');
    await until('new workers', () => {
      const now = stack.children();
      return now.length === count && !now.some((pid) => old.includes(pid));
    });
  }

  test('new settings are taken, by the same process, on the same socket', async (t) => {
    const stack = await makeStack(t, { WA_LEGACY_ALIASES: 'on' });
    const account = await someAccount(stack);
    const { ino } = statSync(stack.socket);
    const status = async () => (await stack.fcgiSigned('GET', `${BASE}/${account.uuid}/status`)).json;
    await workers(stack, 2);
    assert.equal((await status()).status, 'connected');
    stack.configure({ WA_WORKERS: 3, WA_LEGACY_ALIASES: 'off' });
    await reload(stack, 3);
    assert.equal((await status()).status, undefined);
    assert.ok(!stack.pool.ended);
    assert.equal(readFileSync(stack.settings.WA_PID_FILE, 'utf8').trim(), String(stack.master));
    assert.equal(statSync(stack.socket).ino, ino);
    stack.configure({ WA_WORKERS: 1 });
    await reload(stack, 1);
    await serves(stack);
  });

  test('a request in hand is finished by its old worker', async (t) => {
    const stack = await makeStack(t, { WA_WORKERS: 1 });
    const account = await someAccount(stack);
    const [old] = await workers(stack, 1);
    await whileLocked(stack, account, async (lock) => {
      const answer = mark(stack, account);
      await lock.waiting(1);
      stack.pool.kill('SIGHUP');
      await until('a new worker beside the old one', () => stack.children().some((pid) => pid !== old));
      await serves(stack);
      assert.ok(lives(old));
      await lock.release();
      assert.equal((await answer).status, 200);
    });
    await gone(old);
    await isMarked(stack, account);
  });

  test('twice, one after the other: no old worker stays behind, and a request in hand is finished', async (t) => {
    const stack = await makeStack(t);
    const account = await someAccount(stack);
    const old = await workers(stack, 2);
    await whileLocked(stack, account, async (lock) => {
      const answer = mark(stack, account);
      await lock.waiting(1);
      for (let i = 0; i < 2; i++) {
        const earlier = readyCount(stack);
        stack.pool.kill('SIGHUP');
        await until('the new master is ready', () => readyCount(stack) > earlier);
        old.push(...stack.children().filter((pid) => i === 0 && !old.includes(pid)));
      }
      await until('the idle ones are gone', () => old.filter(lives).length === 1);
      await lock.release();
      assert.equal((await answer).status, 200);
    });
    assert.equal(old.length, 4);
    await gone(old);
    const now = await workers(stack, 2);
    assert.ok(!now.some((pid) => old.includes(pid)));
    await isMarked(stack, account);
    await serves(stack);
  });

  test('two at once are at least one reload, and no old worker stays behind', async (t) => {
    const stack = await makeStack(t);
    const old = await workers(stack, 2);
    stack.pool.kill('SIGHUP');
    stack.pool.kill('SIGHUP');
    await until('the new master is ready', () => readyCount(stack) > 1);
    await gone(old);
    await workers(stack, 2);
    await serves(stack);
  });

  test('of settings that are right is not warned about', async (t) => {
    const stack = await makeStack(t);
    await workers(stack, 2);
    for (let i = 0; i < 2; i++) await reload(stack, 2);
    await serves(stack);
    assert.deepEqual(events(stack.log()).filter((line) => ['warn', 'error'].includes(line.level)), []);
  });

  for (const [what, changes] of Object.entries({
    'a mistake': { WA_WORKERS: 'many' },
    'a weak secret': { WHATSAPP_HMAC_SECRET: 'secret' },
    'a password that the database refuses': { DB_PASSWORD: 'another' },
    'an address that other hosts can reach, and nobody named': { WA_LISTEN: '0.0.0.0:19473' },
    'a log in a folder that is not there': { WA_LOG_FILE: '/no-such-folder/pool.log' },
  })) {
    test(`settings with ${what} are refused, and the old ones stay in force`, async (t) => {
      const stack = await makeStack(t);
      const account = await someAccount(stack);
      const kept = Object.fromEntries(Object.keys(changes).map((name) => [name, stack.settings[name]]));
      const pids = await workers(stack, 2);
      stack.configure(changes);
      stack.pool.kill('SIGHUP');
      await told(stack, /old settings stay in force/);
      assert.ok(stack.log().includes(Object.keys(changes)[0]), 'the log names the setting');
      assert.deepEqual(stack.children(), pids);
      assert.equal((await stack.fcgiSigned('GET', `${BASE}/${account.uuid}/status`)).status, 200);
      stack.configure(kept);
      await reload(stack, 2);
      assert.equal((await mark(stack, account)).status, 200);
    });
  }

  for (const [what, hups] of [['', 1], [', also when another HUP comes before it', 2]]) {
    test(`an old worker that does not leave is killed at the deadline${what}`, async (t) => {
      const stack = await makeStack(t, { WA_STOP_TIMEOUT: 1 });
      const [stuck] = await workers(stack, 2);
      await freeze(stuck);
      try {
        for (let i = 0; i < hups; i++) {
          const earlier = readyCount(stack);
          stack.pool.kill('SIGHUP');
          await until('the new master is ready', () => readyCount(stack) > earlier);
        }
        await until('the stuck worker is gone', () => !lives(stuck));
      } finally {
        if (stack.children().includes(stuck)) process.kill(stuck, 'SIGKILL');
      }
      await serves(stack);
    });
  }
});

describe('a unix socket', () => {
  test('is 0660 unless WA_LISTEN_MODE says otherwise', async (t) => {
    const stack = await makeStack(t);
    assert.equal(statSync(stack.socket).mode & 0o7777, 0o660);
    await stack.stopPool();
    stack.configure({ WA_LISTEN_MODE: '0600' });
    await stack.startPool();
    assert.equal(statSync(stack.socket).mode & 0o7777, 0o600);
  });

  test('belongs to WA_LISTEN_GROUP; a group that is not there is refused by name', async (t) => {
    const stack = await makeStack(t, {}, { pool: false });
    /* root may give it to any group, others to one of their own. */
    const groups = readFileSync('/etc/group', 'utf8').trim().split('\n').map((line) => line.split(':'))
      .filter(([, , gid]) => Number(gid) !== process.getgid());
    const found = groups.find(([, , gid]) => process.getuid() === 0 || process.getgroups().includes(Number(gid)));
    if (found) {
      const [name, , gid] = found;
      stack.configure({ WA_LISTEN_GROUP: name });
      await stack.startPool();
      assert.equal(statSync(stack.socket).gid, Number(gid));
      await serves(stack);
      await stack.stopPool();
    }
    stack.configure({ WA_LISTEN_GROUP: 'no-such-group' });
    const { code, out } = await run(`${build}/wa-accountsd`, ['--env', stack.envFile]);
    assert.notEqual(code, 0);
    assert.match(out, /no-such-group/);
    assert.ok(!existsSync(stack.socket));
  });

  test('that a killed master left behind is no obstacle', async (t) => {
    const stack = await makeStack(t);
    const pids = await workers(stack, 2);
    stack.pool.kill('SIGKILL');
    await stack.pool.exit;
    await gone(pids);
    assert.ok(existsSync(stack.socket));
    await stack.startPool();
    await serves(stack);
  });

  test('of a master that was killed can be taken over while one of its workers is still busy', async (t) => {
    const stack = await makeStack(t);
    const account = await someAccount(stack);
    const pids = await workers(stack, 2);
    await whileLocked(stack, account, async (lock) => {
      const answer = mark(stack, account);
      await lock.waiting(1);
      stack.pool.kill('SIGKILL');
      await stack.pool.exit;
      /* Its socket still stands there and takes connections that nobody will serve: not asked before the new one is. */
      stack.pool = start(`${build}/wa-accountsd`, ['--env', stack.envFile], { log: `${stack.dir}/pool.log` });
      await until('the next is ready', () => stack.pool.ended || readyCount(stack) === 2);
      assert.ok(!stack.pool.ended, stack.log());
      await serves(stack);
      await lock.release();
      assert.equal((await answer).status, 200);
    });
    await gone(pids);
  });

  test('of a master that is finishing its last request is free for the next, whose pid file stays', async (t) => {
    const stack = await makeStack(t);
    const account = await someAccount(stack);
    const first = stack.pool;
    await workers(stack, 2);
    await whileLocked(stack, account, async (lock) => {
      const answer = mark(stack, account);
      await lock.waiting(1);
      first.kill('SIGTERM');
      await until('nobody else is let in', () => !existsSync(stack.socket));
      await stack.startPool();
      assert.ok(!first.ended);
      await lock.release();
      assert.equal((await answer).status, 200);
    });
    await first.exit;
    await serves(stack);
    assert.equal(readFileSync(stack.settings.WA_PID_FILE, 'utf8').trim(), String(stack.master));
  });

  test('that another master listens on is refused with a sentence, and stays its own', async (t) => {
    const stack = await makeStack(t);
    const { code, out } = await run(`${build}/wa-accountsd`, ['--env', stack.envFile]);
    assert.notEqual(code, 0);
    assert.match(out, /another wa-accountsd/);
    assert.ok(out.includes(stack.socket), out);
    assert.equal(readFileSync(stack.settings.WA_PID_FILE, 'utf8').trim(), String(stack.master));
    await serves(stack);
  });

  test('in a folder that is not there, or with a name that is too long, is refused with its name', async (t) => {
    const stack = await makeStack(t, {}, { pool: false });
    for (const path of [`${stack.dir}/no-such-folder/pool.sock`, `${stack.dir}/${'x'.repeat(100)}`]) {
      stack.configure({ WA_LISTEN: `unix:${path}` });
      const { code, out } = await run(`${build}/wa-accountsd`, ['--env', stack.envFile]);
      assert.notEqual(code, 0);
      assert.match(out, /level=error/);
      assert.match(out, /WA_LISTEN|no-such-folder/);
    }
  });
});

describe('tcp', () => {
  test('on loopback serves', async (t) => {
    const stack = await makeStack(t, {}, { listen: 'tcp' });
    await serves(stack);
    const account = await someAccount(stack);
    assert.equal((await mark(stack, account)).status, 200);
  });

  test('beyond loopback is refused without WA_LISTEN_ALLOW, and with it only its peers are let in', async (t) => {
    const stack = await makeStack(t, {}, { listen: 'tcp', pool: false });
    const { port } = stack.where;
    stack.configure({ WA_LISTEN: `0.0.0.0:${port}` });
    const { code, out } = await run(`${build}/wa-accountsd`, ['--env', stack.envFile]);
    assert.notEqual(code, 0);
    assert.match(out, /WA_LISTEN_ALLOW/);

    stack.configure({ WA_LISTEN_ALLOW: '127.0.0.3, 127.0.0.1' });
    await stack.startPool();
    await serves(stack);
    const request = encode({ ...parameters('GET', '/healthz'), WA_LOCAL: '1' });
    const from = async (localAddress) => {
      const line = dial({ ...stack.where, localAddress });
      await line.send(request);
      return line.closed;
    };
    assert.equal((await from('127.0.0.2')).length, 0, 'not a byte');
    assert.equal(parse(await from('127.0.0.3')).status, 200);
    await serves(stack);
    assert.equal((await metrics(stack)).wa_refused_peers_total, 1);
  });

  test('a port that somebody has already is refused with its name', async (t) => {
    const stack = await makeStack(t, {}, { listen: 'tcp' });
    const { code, out } = await run(`${build}/wa-accountsd`, ['--env', stack.envFile]);
    assert.notEqual(code, 0);
    assert.ok(out.includes(`127.0.0.1:${stack.where.port}`), out);
  });
});

describe('an inherited socket', () => {
  const launcher = fileURLToPath(new URL('lib/listen-and-exec.pl', import.meta.url));

  /** Start the pool by a launcher that listens for it, in the manner of another program. */
  async function startBy(stack, manner, where) {
    stack.configure({ WA_LISTEN: 'inherit' });
    stack.pool = start(launcher, [manner, where, `${build}/wa-accountsd`, '--env', stack.envFile],
      { log: `${stack.dir}/pool.log` });
    await until('the pool serves', async () => stack.pool.ended || (await health(stack)).status === 200);
    assert.ok(!stack.pool.ended, stack.log());
  }

  test('as descriptor 0 is served, as spawn-fcgi hands it over, and left where it is', async (t) => {
    const stack = await makeStack(t, {}, { pool: false });
    await startBy(stack, 'spawn-fcgi', `unix:${stack.socket}`);
    assert.equal((await mark(stack, await someAccount(stack))).status, 200);
    await stack.stopPool();
    assert.ok(existsSync(stack.socket), 'whoever made it may give it to another');
  });

  test('of LISTEN_FDS is served, as systemd hands it over, also after a HUP', async (t) => {
    const stack = await makeStack(t, {}, { pool: false });
    await startBy(stack, 'systemd', `unix:${stack.socket}`);
    const old = await workers(stack, 2);
    stack.pool.kill('SIGHUP');
    await gone(old);
    await workers(stack, 2);
    for (let i = 0; i < 10; i++) await serves(stack);
    await stack.stopPool();
    assert.ok(existsSync(stack.socket));
  });

  test('that does not block is waited on all the same', async (t) => {
    const stack = await makeStack(t, {}, { pool: false });
    await startBy(stack, 'non-blocking', `unix:${stack.socket}`);
    await pause(200);
    await serves(stack);
    assert.equal(events(stack.log(), 'note').filter((line) => /accept/.test(line.msg)).length, 0, stack.log());
  });

  test('is a unix one: WA_LISTEN_ALLOW, which names addresses, shuts nobody out', async (t) => {
    const stack = await makeStack(t, { WA_LISTEN_ALLOW: '127.0.0.1' }, { pool: false });
    await startBy(stack, 'systemd', `unix:${stack.socket}`);
    await serves(stack);
  });

  test('beyond loopback is refused without WA_LISTEN_ALLOW, like one that we make', async (t) => {
    const stack = await makeStack(t, {}, { pool: false, listen: 'tcp' });
    await assert.rejects(startBy(stack, 'systemd', `0.0.0.0:${stack.where.port}`), /WA_LISTEN_ALLOW/);
  });

  test('beyond loopback lets in the peers of WA_LISTEN_ALLOW', async (t) => {
    const stack = await makeStack(t, { WA_LISTEN_ALLOW: '127.0.0.1' }, { pool: false, listen: 'tcp' });
    await startBy(stack, 'systemd', `0.0.0.0:${stack.where.port}`);
    await serves(stack);
    const line = dial({ ...stack.where, localAddress: '127.0.0.2' });
    await line.send(encode({ ...parameters('GET', '/healthz'), WA_LOCAL: '1' }));
    assert.equal((await line.closed).length, 0);
  });

  test('that is not there is missed with a sentence', async (t) => {
    const stack = await makeStack(t, { WA_LISTEN: 'inherit' }, { pool: false });
    const { code, out } = await run(`${build}/wa-accountsd`, ['--env', stack.envFile]);
    assert.notEqual(code, 0);
    assert.match(out, /LISTEN_FDS/);
  });
});
