// What goes wrong around the pool: a worker that dies, a database that hangs,
// dies, refuses, or is changed meanwhile. The Node service is told "later"
// (429) as long as it lasts, nothing is stored by half, and nobody has to
// restart anything.

import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, afterEach, before, describe, test } from 'node:test';
import { BASE, isError } from './lib/expect.mjs';
import { connected } from './lib/fixtures.mjs';
import { events, freeze, lives, metrics, thaw } from './lib/observe.mjs';
import { pause, until } from './lib/processes.mjs';
import { openSession, whileLocked } from './lib/session.mjs';
import { startStack } from './lib/stack.mjs';

const WORKERS = 4;
/* An answer is due within 4 s; slow hosts are given time. What takes longer hangs; nginx would give up after 5 s. */
const HANGS_MS = 9000;

let stack, workspace_id;
before(async () => {
  stack = await startStack({ server: 'own', env: { WA_WORKERS: WORKERS } });
  workspace_id = await stack.workspace();
});
after(() => stack?.stop());
afterEach(async () => {
  await isWell();
  await stack.clear();
});

const some = (columns = {}) => stack.account(connected({ workspace_id, ...columns }));
const local = { params: { WA_LOCAL: '1' } };

const status = (account, ask = stack.signed) => ask('GET', `${BASE}/${account.uuid}/status`);
const mark = (account, ask = stack.signed) => ask('POST', `${BASE}/${account.uuid}/mark-disconnected`,
  { workspace_id });
const report = (account, word, ask = stack.signed) => ask('POST', `${BASE}/broadcast`,
  { event: 'account-status-changed', data: { account_id: account.uuid, workspace_id, status: word } });

/** Every route of the Node service once, in ways that a well pool answers with 200. */
const everyRoute = (account, ask) => [
  () => status(account, ask),
  () => ask('GET', `${BASE}/${account.session_id}/status?workspace_id=${workspace_id}`),
  () => ask('GET', `${BASE}/${account.id}/status`),
  () => ask('GET', `${BASE}/active`),
  () => ask('GET', `${BASE}/active?workspace_id=${workspace_id}&provider_type=webjs&limit=5`),
  () => report(account, 'connected', ask),
  () => mark(account, ask),
  () => report(account, 'error', ask),
  () => ask('POST', `${BASE}/broadcast`, { event: 'qr-code-generated',
    data: { account_id: account.session_id, workspace_id, qr_code: 'a code' } }),
];

const isOk = (answer) => assert.equal(answer.status, 200, answer.text);
function isLater(answer) {
  isError(answer, 429);
  assert.equal(answer.headers['retry-after'], '1');
}

/** The pool answers all routes again, with whatever worker it has. */
async function isWell() {
  const account = await some();
  await until('the pool is well', async () => {
    const answers = await Promise.all(Array.from({ length: WORKERS * 2 }, () => status(account)));
    return answers.every((answer) => answer.status === 200);
  });
  assert.equal((await stack.call('GET', '/readyz')).status, 200);
  for (const ask of everyRoute(account, stack.signed)) isOk(await ask());
}

async function isUntouched(account) {
  const { account: now, events: sent } = await stack.state(account.id);
  assert.deepEqual(now, account);
  assert.deepEqual(sent, []);
}

/** The pool's connections, as the server numbers them. */
const connections = () => stack.column(`SELECT id FROM information_schema.PROCESSLIST
  WHERE user = '${stack.database.user}'`);

/** End them all, as the server's operator can; how many there were. */
async function killAll() {
  const ids = await connections();
  for (const id of ids) await stack.sql(`KILL CONNECTION ${id}`);
  await until('they are gone', async () => (await connections()).length === 0);
  return ids.length;
}

/** By how much these counters grow while `body` runs; a reload would begin them anew. */
async function growth(body) {
  const earlier = await metrics(stack);
  await body();
  const now = await metrics(stack);
  return (name) => now[name] - earlier[name];
}

/** Ask again and again, so many at a time, until told to stop: every answer, or what came instead. */
function keepAsking(asks, atOnce = 6) {
  const answers = [];
  let going = true, count = 0;
  const all = Promise.all(Array.from({ length: atOnce }, async () => {
    while (going) {
      const ask = asks[count++ % asks.length];
      answers.push(await ask().catch((error) => ({ status: 0, text: String(error) })));
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

/** What each of them got within HANGS_MS, and how long the slowest took. */
async function timed(asks) {
  let slowest = 0;
  const answers = await Promise.all(asks.map(async (ask) => {
    const began = performance.now();
    const answer = await ask();
    slowest = Math.max(slowest, performance.now() - began);
    return answer;
  }));
  return { answers, slowest };
}

describe('a worker that is killed', () => {
  test('loses its own request only, and nginx answers that one in JSON', async () => {
    const accounts = [];
    for (let i = 0; i < WORKERS; i++) accounts.push(await some());
    const pids = await until('all workers are there', () => stack.children().length === WORKERS && stack.children());
    await whileLocked(stack, accounts, async (lock) => {
      const asked = accounts.map((account) => mark(account));
      await lock.waiting(WORKERS);   /* so each worker has one of them */
      process.kill(pids[1], 'SIGKILL');
      isLater(await Promise.race(asked));
      await lock.release();
      const answers = await Promise.all(asked);
      assert.deepEqual(answers.map((answer) => answer.status).sort(), [200, 200, 200, 429]);
      for (const [i, account] of accounts.entries()) {
        if (answers[i].status === 429) await isUntouched(account);
        else assert.equal((await stack.state(account.id)).account.connection_status, 'disconnected');
      }
    });
    for (const account of accounts) isOk(await mark(account));
    for (const { id } of accounts) assert.equal((await stack.state(id)).events.length, 1, 'each told once');
  });

  test('under load, again and again: no more requests fail than workers died, none with another answer', async () => {
    const account = await some();
    const load = keepAsking([() => status(account), () => mark(account)]);
    for (let i = 0; i < 3; i++) {
      await load.some(50);
      const pids = stack.children();
      process.kill(pids[i % pids.length], 'SIGKILL');
    }
    await load.some(50);
    const failed = (await load.stop()).filter((answer) => answer.status !== 200);
    assert.ok(failed.length <= 3, `${failed.length} failed`);
    failed.forEach(isLater);
    await until('all are replaced', () => stack.children().length === WORKERS);
  });
});

describe('the pool under load', () => {
  test('HUP, five times: not one request fails', async () => {
    const account = await some();
    const load = keepAsking([() => status(account), () => mark(account)]);
    const pid = stack.master;
    for (let i = 0; i < 5; i++) {
      const old = stack.children();
      await load.some(20);
      stack.pool.kill('SIGHUP');
      await until('the workers are new', () => {
        const now = stack.children();
        return now.length === WORKERS && !now.some((one) => old.includes(one));
      });
    }
    await load.some(20);
    const failed = (await load.stop()).filter((answer) => answer.status !== 200);
    assert.deepEqual(failed.map((answer) => `${answer.status} ${answer.text}`), []);
    assert.equal(stack.master, pid);
    assert.ok(lives(pid));
  });

  test('stopped and started: whoever is not served is told 429, nobody anything else', async () => {
    const account = await some();
    const load = keepAsking([() => status(account), () => mark(account)]);
    await load.some(50);
    assert.ok(await stack.stopPool());
    await load.some(20);
    await stack.startPool();
    await load.some(50);
    const failed = (await load.stop()).filter((answer) => answer.status !== 200);
    assert.ok(failed.length > 0);
    failed.forEach(isLater);
  });
});

describe('a database that hangs', () => {
  for (const [name, ask] of Object.entries({ 'through nginx': (...a) => stack.signed(...a),
    'without nginx': (...a) => stack.fcgiSigned(...a) })) {
    test(`every route says 429 and none hangs, ${name}; then it heals by itself`, async (t) => {
      const account = await some();
      const pids = stack.children();
      for (const one of everyRoute(account, ask)) isOk(await one());
      const before = (await stack.state(account.id)).account;
      let slowest = 0;
      const grown = await growth(async () => {
        await freeze(stack.server.pid);
        try {
          for (let round = 0; round < 2; round++) {
            const { answers, slowest: one } = await timed(everyRoute(account, ask));
            slowest = Math.max(slowest, one);
            answers.forEach(isLater);
          }
          assert.equal((await stack.call('GET', '/healthz')).status, 200);
          const ready = await stack.call('GET', '/readyz');
          assert.equal(ready.status, 503);
          assert.match(ready.json.message, /database/);
          assert.match((await stack.fcgi('GET', '/metrics', local)).text, /^wa_workers/m);
        } finally {
          thaw(stack.server.pid);
        }
        await isWell();
      });
      t.diagnostic(`the slowest answer took ${Math.round(slowest)} ms`);
      assert.ok(slowest < HANGS_MS, `one took ${slowest} ms`);
      assert.ok(grown('wa_db_errors_total{kind="timeout"}') > 0);
      assert.deepEqual(stack.children(), pids, 'nobody was restarted');
      assert.deepEqual((await stack.state(account.id)).account, before, 'nothing was stored');
    });
  }

  test('before it lets anybody in: no route waits for as long as WA_DB_CONNECT_TIMEOUT may be', async () => {
    const account = await some();
    const restart = async (seconds) => {
      assert.ok(await stack.stopPool());
      stack.configure({ WA_DB_CONNECT_TIMEOUT: seconds });
      await stack.startPool();
    };
    await restart(10);
    try {
      await freeze(stack.server.pid);
      try {
        /* Without nginx, which would answer in the place of a pool that does not. */
        const { answers, slowest } = await timed(everyRoute(account, stack.fcgiSigned));
        answers.forEach(isLater);
        assert.ok(slowest < HANGS_MS, `one took ${slowest} ms`);
      } finally {
        thaw(stack.server.pid);
      }
      await isWell();
    } finally {
      await restart(null);
    }
  });

  test('a statement that was never prepared is given up as soon as any other', async (t) => {
    const account = await some();
    const own = await startStack({ server: 'own', nginx: false, env: { WA_WORKERS: 1 } });
    t.after(() => own.stop());
    const ask = own.fcgiSigned;
    assert.equal((await status(account, ask)).status, 404);   /* another database: connected, one statement prepared */
    await freeze(own.server.pid);
    try {
      const { answers: [answer], slowest } = await timed([() => ask('GET', `${BASE}/a_session_name/status`)]);
      isLater(answer);
      assert.ok(slowest < HANGS_MS, `it took ${slowest} ms`);
    } finally {
      thaw(own.server.pid);
    }
    await until('it heals', async () => (await status(account, ask)).status === 404);
  });

  test('from the start: the pool starts all the same, and serves when the database does', async (t) => {
    const own = await startStack({ server: 'own', nginx: false, pool: false });
    t.after(() => own.stop());
    const account = await own.account(connected({ workspace_id: await own.workspace() }));
    await freeze(own.server.pid);
    try {
      await own.startPool();
      const { answers, slowest } = await timed([1, 2, 3].map(() => () => status(account, own.fcgiSigned)));
      answers.forEach(isLater);
      assert.ok(slowest < HANGS_MS, `one took ${slowest} ms`);
    } finally {
      thaw(own.server.pid);
    }
    await until('it serves', async () => (await status(account, own.fcgiSigned)).status === 200);
  });
});

describe('a database that fell silent and speaks again', () => {
  /* A pool in which only this is asked must find out as soon as any other. */
  for (const [name, ask] of Object.entries({
    'the list of active accounts': () => stack.signed('GET', `${BASE}/active`),
    'reports of a broadcast': (account) => report(account, 'error'),
  })) {
    test(`is found well by ${name} alone`, async () => {
      const account = await some();
      const grown = await growth(async () => {
        const session = await openSession(stack);
        try {
          await session.ask('LOCK TABLES whatsapp_accounts WRITE');
          const { answers: [answer], slowest } = await timed([() => status(account)]);
          isLater(answer);
          assert.ok(slowest < HANGS_MS, `it took ${slowest} ms`);
          await session.ask('UNLOCK TABLES');
        } finally {
          await session.close();
        }
        await until('it is 200 again', async () => (await ask(account)).status === 200, { tries: 300, every: 100 });
        for (let i = 0; i < WORKERS; i++) isOk(await ask(account));
      });
      assert.ok(grown('wa_db_errors_total{kind="timeout"}') > 0);
    });
  }

  test('after a restart, reports alone bring every worker back', async () => {
    const account = await some();
    const send = () => Promise.all(Array.from({ length: WORKERS * 2 }, () => report(account, 'error')));
    await send();
    stack.server.kill('SIGKILL');
    await until('it is dead', () => !stack.server.running);
    isLater(await report(account, 'error'));   /* one of them knows; the others' connections are dead unseen */
    await stack.server.restart();
    const earlier = stack.log().length;
    await until('each worker has served one', async () => {
      await send();
      const lines = events(stack.log().slice(earlier), 'request').filter((line) => line.status === '200');
      const pids = new Set(lines.map((line) => Number(line.pid)));
      return stack.children().every((pid) => pids.has(pid));
    }, { tries: 300, every: 100 });
    (await send()).forEach(isOk);
  });
});

describe('a database that dies', () => {
  test('before the pool starts: it starts all the same, says 429, and serves when the database does', async () => {
    const account = await some();
    assert.ok(await stack.stopPool());
    await stack.server.halt();
    try {
      await stack.startPool();
      const { answers, slowest } = await timed(everyRoute(account, stack.signed));
      answers.forEach(isLater);
      assert.ok(slowest < HANGS_MS, `one took ${slowest} ms`);
    } finally {
      await stack.server.restart();
    }
    await until('it serves', async () => (await status(account)).status === 200);
    await isUntouched(account);
  });

  test('every route says 429 until it is back; then it heals by itself', async () => {
    const account = await some();
    const pids = stack.children();
    const grown = await growth(async () => {
      for (const one of everyRoute(account, stack.signed)) isOk(await one());
      stack.server.kill('SIGKILL');
      await until('it is dead', () => !stack.server.running);
      try {
        for (let round = 0; round < 3; round++) {
          const { answers, slowest } = await timed(everyRoute(account, stack.signed));
          answers.forEach(isLater);
          assert.ok(slowest < HANGS_MS, `one took ${slowest} ms`);
        }
        assert.equal((await stack.call('GET', '/healthz')).status, 200);
        assert.equal((await stack.call('GET', '/readyz')).status, 503);
        const text = (await stack.fcgi('GET', '/metrics', local)).text;
        assert.match(text, /^wa_workers/m);
        assert.doesNotMatch(text, /^wa_outbox_depth/m, 'a number that nobody knows is not told');
      } finally {
        await stack.server.restart();
      }
      await isWell();
    });
    assert.deepEqual(stack.children(), pids, 'nobody was restarted');
    assert.ok(grown('wa_db_connects_total{result="failed"}') > 0);
    assert.ok(grown('wa_db_connects_total{result="ok"}') >= WORKERS);
  });

  test('in the middle of a write: 429, and it is stored once or not at all', async () => {
    const account = await some();
    await whileLocked(stack, account, async (lock) => {
      const asked = mark(account);
      await lock.waiting(1);
      stack.server.kill('SIGKILL');
      isLater(await asked);
    });
    await stack.server.restart();
    await isWell();
    await isUntouched(account);
    isOk(await mark(account));
    assert.equal((await stack.state(account.id)).events.length, 1);
  });
});

describe('a connection that the server ends', () => {
  test('is opened again within the request: no reader and no writer notices', async () => {
    const account = await some();
    const grown = await growth(async () => {
      for (const one of everyRoute(account, stack.signed)) {
        const count = await killAll();
        assert.ok(count > 0);
        for (let i = 0; i < WORKERS; i++) isOk(await one());
      }
    });
    assert.ok(grown('wa_db_errors_total{kind="lost"}') > 0);
    assert.ok(grown('wa_db_connects_total{result="ok"}') > 0);
  });

  test('is opened again for the list of active accounts, by all workers at once', async () => {
    const account = await some();
    const ask = () => stack.signed('GET', `${BASE}/active`);
    for (let round = 0; round < 3; round++) {
      await Promise.all(Array.from({ length: WORKERS * 2 }, ask));
      assert.ok(await killAll() > 0);
      const { answers, slowest } = await timed(Array.from({ length: WORKERS * 2 }, () => ask));
      for (const answer of answers) {
        isOk(answer);
        assert.deepEqual(answer.json.accounts.map(({ id }) => id), [account.id]);
      }
      assert.ok(slowest < HANGS_MS, `one took ${slowest} ms`);
    }
  });

  test('under load: readers get their answer, writers at worst a 429', async () => {
    const account = await some();
    const reads = keepAsking([() => status(account)], 4), writes = keepAsking([() => mark(account)], 2);
    for (let i = 0; i < 3; i++) {
      await reads.some(20);
      for (const id of await connections()) {
        await stack.sql(`KILL CONNECTION ${id}`).catch(() => {});   /* it may have gone by itself */
      }
    }
    await reads.some(20);
    for (const answer of await writes.stop()) if (answer.status !== 200) isLater(answer);
    (await reads.stop()).forEach(isOk);
    assert.ok(writes.answers.length > 0);
  });
});

describe('a lock that somebody else holds', () => {
  test('for a moment only delays', async () => {
    const account = await some();
    await whileLocked(stack, account, async (lock) => {
      const asked = mark(account);
      await lock.waiting(1);
      await pause(500);
      await lock.release();
      isOk(await asked);
    });
    assert.equal((await stack.state(account.id)).events.length, 1);
  });

  test('for long is a 429 in time, nothing is stored, and nobody else is harmed', async () => {
    const [account, other] = [await some(), await some()];
    const grown = await growth(async () => {
      await whileLocked(stack, account, async (lock) => {
        const asks = [() => mark(account), () => report(account, 'error')];
        const harmed = keepAsking([() => status(other), () => report(other, 'connected'),
          () => status(account)], 1);
        const { answers, slowest } = await timed(asks);
        answers.forEach(isLater);
        assert.ok(slowest < HANGS_MS, `one took ${slowest} ms`);
        await harmed.some(20);
        const bad = (await harmed.stop()).filter((answer) => answer.status !== 200);
        assert.equal(bad.length, 0, `${bad.length} of ${harmed.answers.length} requests for other rows failed`);
        await lock.release();
      });
    });
    await isUntouched(account);
    assert.ok(grown('wa_db_errors_total{kind="lock_wait"}') > 0);
  });

  test('in the other order: the deadlock is lost, and won at the second try', async () => {
    const [account, ...others] = [await some({ is_primary: 0 }), await some(), await some(), await some()];
    isOk(await report(others[0], 'connected'));   /* the workspace has its row to lock */
    const grown = await growth(async () => {
      const session = await openSession(stack);
      try {
        /* It changes much, so that it is not its transaction that the server ends. */
        await session.ask(`START TRANSACTION; UPDATE whatsapp_accounts SET account_name = 'changed'
          WHERE id IN (${[account, ...others].map(({ id }) => id).join(', ')})`);
        const asked = report(account, 'connected');
        await until('it waits', async () => await stack.value(`SELECT COUNT(*) FROM information_schema.INNODB_TRX
          WHERE trx_state = 'LOCK WAIT'`) === '1', { tries: 30, every: 150 });
        await session.ask(`SELECT * FROM wa_workspaces WHERE workspace_id = ${workspace_id} FOR UPDATE`);
        await session.ask('COMMIT');
        isOk(await asked);
      } finally {
        await session.close();
      }
    });
    assert.ok(grown('wa_db_errors_total{kind="deadlock"}') > 0);
    assert.equal((await stack.state(account.id)).account.account_name, 'changed');
  });
});

describe('a statement that an operator ends', () => {
  test('while it waits for a row: 429, nothing is stored, and the next try is', async () => {
    const account = await some();
    const grown = await growth(async () => {
      await whileLocked(stack, account, async (lock) => {
        const asked = report(account, 'error');
        await lock.waiting(1);
        const [id] = await stack.column(`SELECT trx_mysql_thread_id FROM information_schema.INNODB_TRX
          WHERE trx_state = 'LOCK WAIT'`);
        await stack.sql(`KILL QUERY ${id}`);
        isLater(await asked);
        assert.ok((await connections()).includes(id), 'the connection is as good as before');
      });
    });
    await isUntouched(account);
    assert.ok(grown('wa_db_errors_total{kind="timeout"}') > 0);
    isOk(await report(account, 'error'));
    assert.equal((await stack.state(account.id)).events.length, 1);
  });
});

describe('a table that is changed meanwhile', () => {
  test('is served before, while and after, with the same statements', async () => {
    const account = await some();
    const asks = everyRoute(account, stack.signed);
    for (const one of asks) isOk(await one());
    const load = keepAsking(asks, 4);
    for (const change of ['ADD COLUMN added_later varchar(20) NULL',
      'ADD COLUMN added_first int NOT NULL DEFAULT 7 FIRST', 'MODIFY account_name varchar(300) NULL',
      'DROP COLUMN added_later', 'DROP COLUMN added_first, FORCE', 'MODIFY account_name varchar(255) NULL']) {
      await stack.sql(`ALTER TABLE whatsapp_accounts ${change}`);
      await load.some(30);
    }
    /* Whoever met the change itself may have to come again; nobody is told that it is hopeless. */
    const failed = (await load.stop()).filter((answer) => answer.status !== 200 && answer.status !== 409);
    failed.forEach(isLater);
    for (const one of asks) isOk(await one());
    assert.equal((await status(account)).json.uuid, account.uuid);
  });
});

describe('a database that takes no', () => {
  test('writes (it was made a replica): 429, nothing is stored, reads go on, and it heals', async () => {
    const account = await some();
    isOk(await status(account));
    const grown = await growth(async () => {
      await stack.sql('SET GLOBAL read_only = 1');
      try {
        for (let i = 0; i < WORKERS; i++) isLater(await mark(account));
        await isUntouched(account);
        await until('reads go on', async () => (await status(account)).status === 200);
      } finally {
        await stack.sql('SET GLOBAL read_only = 0');
      }
      await until('it heals', async () => (await mark(account)).status === 200);
    });
    assert.ok(grown('wa_db_errors_total{kind="not_accepting"}') > 0);
  });

  for (const [what, lock, unlock] of [
    ['login of ours (it was locked)', 'ACCOUNT LOCK', () => 'ACCOUNT UNLOCK'],
    ['statement of ours (the password has expired)', 'PASSWORD EXPIRE',
      () => `IDENTIFIED BY '${stack.database.password}'`],
  ]) {
    test(`${what}: 429, nothing is stored, and it heals`, async () => {
      const account = await some();
      const alter = (how) => stack.sql(`ALTER USER ${stack.database.user}@localhost ${how}`);
      await alter(lock);
      try {
        await killAll();
        for (let round = 0; round < 2; round++) {
          const { answers, slowest } = await timed(everyRoute(account, stack.signed));
          answers.forEach(isLater);
          assert.ok(slowest < HANGS_MS, `one took ${slowest} ms`);
        }
        assert.equal((await stack.call('GET', '/readyz')).status, 503);
      } finally {
        await alter(unlock());
      }
      await isWell();
      await isUntouched(account);
    });
  }

  test('more connections: 429, and it heals', async () => {
    const account = await some();
    const grown = await growth(async () => {
      const held = [];
      try {
        await stack.sql('SET GLOBAL max_connections = 10');
        for (const id of await connections()) await stack.sql(`KILL CONNECTION ${id}`);
        /* Clients that say nothing: each has its place for some seconds. */
        for (let i = 0; i < 15; i++) held.push(connect(stack.database.socket).on('error', () => {}).resume());
        await pause(100);
        const { answers, slowest } = await timed(everyRoute(account, stack.signed));
        answers.forEach(isLater);
        assert.ok(slowest < HANGS_MS, `one took ${slowest} ms`);
        assert.equal((await stack.call('GET', '/readyz')).status, 503);
      } finally {
        for (const socket of held) socket.destroy();
        await until('there is room again', async () => (await stack.sql('SET GLOBAL max_connections = 300')) !== null);
      }
      await isWell();
    });
    assert.ok(grown('wa_db_errors_total{kind="not_accepting"}') > 0);
    assert.ok(grown('wa_db_connects_total{result="failed"}') > 0);
  });
});
