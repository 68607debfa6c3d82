// wa-accountsctl migrate while others work: whoever names nothing that is renamed never notices.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { dump, isSameDump, legacyStack, succeeds } from './lib/legacy.mjs';
import { broughtTo, inBackground, openClient, serverOfFile, stepsOf, words } from './lib/migrate.mjs';
import { until } from './lib/processes.mjs';
import { sanitized } from './lib/stack.mjs';

const ROWS = 3000;
const NOT_THERE = [1146, 1054];

let server;
before(async () => (server = await serverOfFile()));
after(() => server.stop());

async function withStack(rows, body) {
  const stack = await legacyStack('field', { rows, large: false });
  const clients = [];
  /* What a client holds would not let the database go. */
  const open = async (options) => {
    clients.push(await openClient(stack, options));
    return clients.at(-1);
  };
  try {
    await stack.sql(`CREATE TABLE invoices (id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, total int NOT NULL,
      note varchar(40) DEFAULT NULL)`);
    return await body(stack, open);
  } finally {
    await Promise.all(clients.map((client) => client.close()));
    await stack.stop();
  }
}

/** The run has told that it did not get a lock, and that this try follows. */
const hasTried = ({ out }, number) => new RegExp(`^ +the lock was not to be had .*try ${number} of`, 'm').test(out());

// --- what the application does

const one = (n) => 1 + n % ROWS;

/** Statements that name nothing renamed; [table, statement], `table` if it adds a row there. */
const plain = [
  (n) => [null, `SELECT COUNT(*) FROM users WHERE id = ${1 + n % 5}`],
  (n) => [null, `SELECT name FROM workspaces WHERE id = ${1 + n % 20}`],
  (n) => [null, `SELECT c.status, p.first_name FROM chats AS c JOIN contacts AS p ON p.id = c.contact_id
    WHERE c.id = ${one(n * 7)}`],
  (n) => ['chats', `INSERT INTO chats (workspace_id, contact_id, type, status)
    VALUES (1, ${one(n)}, 'inbound', 'load')`],
  (n) => [null, `UPDATE contacts SET first_name = 'Renamed ${n}' WHERE id = ${one(n * 3)}`],
  (n) => ['campaign_logs', `INSERT INTO campaign_logs (campaign_id, contact_id, status, created_at)
    VALUES (1, ${one(n)}, 'success', '2025-12-24 00:00:00')`],
  (n) => [null, `UPDATE whatsapp_groups SET name = 'Group, later ${n}' WHERE id = ${one(n * 11)}`],
  (n) => ['contacts', `INSERT INTO contacts (uuid, workspace_id, first_name, phone)
    VALUES (UUID(), 1, 'load', '${n}')`],
  (n) => [null, `UPDATE users SET first_name = 'User ${n}' WHERE id = ${1 + n % 5}`],
  (n) => [null, `UPDATE workspaces SET name = 'Workspace ${n}' WHERE id = ${1 + n % 20}`],
  (n) => ['invoices', `INSERT INTO invoices (total, note) VALUES (${n}, 'load')`],
  () => [null, 'SELECT COUNT(*) FROM campaign_logs WHERE id < 50'],
  (n) => [null, `UPDATE chats SET metadata = '${n}' WHERE id = ${one(n * 5)}`],
  (n) => ['session_cleanup_logs', `INSERT INTO session_cleanup_logs (session_id, reason) VALUES (NULL, 'load')`],
];

/** What the application asks as long as it knows sessions. */
const old = [
  (n) => [null, `SELECT status FROM whatsapp_sessions WHERE id = ${100 + n % 500}`],
  (n) => ['chats', `INSERT INTO chats (workspace_id, contact_id, whatsapp_session_id, status) VALUES (1, ${one(n)},
    NULL, 'load')`],
  (n) => [null, `SELECT COUNT(*) FROM contact_sessions WHERE contact_id = ${one(n)}`],
  (n) => [null, `UPDATE contacts SET source_session_id = NULL WHERE id = ${one(n * 13)}`],
  (n) => [null, `SELECT whatsapp_session_id FROM campaign_logs WHERE id = ${one(n)}`],
  /* As Eloquent does it: the time of the change is written with it. Each row once. */
  (n) => [null, `UPDATE whatsapp_sessions SET last_activity_at = UTC_TIMESTAMP(), updated_at = UTC_TIMESTAMP()
    WHERE id = ${101 + Math.floor(n / old.length)}`],
  (n) => [null, `SELECT name FROM whatsapp_groups WHERE whatsapp_session_id = ${100 + n % 500}`],
];

/** Asks these statements, one after the other, until it is told to stop: {done, failed: [{sql, error, mayFail}]}. */
function worker(client, statements, added, mayFail) {
  const self = { done: 0, failed: [], stopped: false };
  self.end = (async () => {
    for (let n = 0; !self.stopped; n++) {
      const [table, sql] = statements[n % statements.length](n);
      const { error, text } = await client.ask(sql);
      self.done++;
      if (error !== null) self.failed.push({ sql, error, text, mayFail: mayFail() });
      else if (table) added[table] = (added[table] ?? 0) + 1;
    }
  })();
  return self;
}

const tables = ['users', 'workspaces', 'contacts', 'chats', 'campaigns', 'campaign_logs', 'whatsapp_groups',
  'session_cleanup_logs', 'invoices'];
const countAll = async (stack, more) => (await stack.sql(`SELECT ${[...tables, more].map((table) =>
  `(SELECT COUNT(*) FROM ${table}) AS ${table}`).join(', ')}`))[0];

describe('while others read and write', () => {
  test('up and then down: only what has the old names fails, and only from the rename on', () =>
    withStack(sanitized() ? 1000 : ROWS, async (stack, open) => {
      const before = await countAll(stack, 'whatsapp_sessions');
      const clients = await Promise.all([1, 2, 3, 4].map(() => open()));
      const added = {};
      let run = null;
      let phase = 'before';
      /* Whether the old names may be gone. */
      const mayFail = () => !['before', 'after'].includes(phase)
        && (phase !== 'up' || /^step +\d+\/\d+ rename +begins$/m.test(run.out()));
      const plainly = clients.slice(0, 2).map((client, i) => worker(client,
        [...plain.slice(i * 5), ...plain.slice(0, i * 5)], added, mayFail));
      const oldly = clients.slice(2).map((client, i) => worker(client,
        [...old.slice(i), ...old.slice(0, i)], added, mayFail));
      const all = [...plainly, ...oldly];
      const progress = async () => {
        const from = all.map(({ done }) => done);
        await until('everybody has worked', () => all.every(({ done }, i) => done > from[i] + 20));
      };

      const outs = {};
      await progress();
      for (const direction of ['up', 'down']) {
        run = inBackground(stack, direction, '--batch=500');
        phase = direction;
        await until(`migrate ${direction} ends`, () => run.ended, { tries: 6000 });
        assert.equal(run.code, 0, run.out());
        outs[direction] = run.out();
        assert.match(outs[direction], /^longest pause: \d+\.\d{3} s \(step \w+\)$/m);
        if (direction === 'up') {
          phase = 'between';
          await progress();
          assert.match(await succeeds(stack, 'verify'), /^no faults$/m);
        }
      }
      /* What is under way now may have begun before. */
      await progress();
      phase = 'after';
      await progress();
      for (const one of all) one.stopped = true;
      await Promise.all(all.map(({ end }) => end));

      assert.deepEqual(plainly.flatMap(({ failed }) => failed.map(({ sql, text }) => ({ sql, text }))), []);
      assert.deepEqual(oldly.flatMap(({ failed }) => failed)
        .filter(({ error, mayFail }) => !NOT_THERE.includes(error) || !mayFail), []);
      assert.ok(oldly.every(({ failed }) => failed.length > 0), 'the old names were gone for a while');
      const counted = await countAll(stack, 'whatsapp_sessions');
      assert.deepEqual(counted, Object.fromEntries(Object.entries(before).map(([table, count]) =>
        [table, String(Number(count) + (added[table] ?? 0))])));
    }));
});

// --- a lock that is not to be had

describe('a transaction that holds a table', () => {
  for (const [direction, body] of Object.entries({
    up: 'SELECT COUNT(*) FROM chats',
    down: "INSERT INTO chats (workspace_id, contact_id, status) VALUES (1, 1, 'open')",
  })) {
    test(`makes ${direction} try again, lets others through meanwhile, and when it is over ${direction} goes on`, () =>
      withStack(30, async (stack, open) => {
        const first = await dump(stack);
        if (direction === 'down') await succeeds(stack, ...words('up'));
        const holder = await open();
        /* Longer than the tool's two seconds: if it held others up for longer, these would fail. */
        const other = await open({ patience: 4 });
        await holder.ask('START TRANSACTION');
        assert.equal((await holder.ask(body)).error, null);
        const run = inBackground(stack, direction);
        let asked = 0;
        while (!hasTried(run, 3)) {
          assert.equal(run.ended, false, run.out());
          for (const sql of ['SELECT COUNT(*) FROM chats', "UPDATE chats SET status = 'load' WHERE id = 9",
            'SELECT COUNT(*) FROM users']) {
            const { error, text } = await other.ask(sql);
            assert.equal(error, null, `${sql}: ${text}`);
            asked++;
          }
        }
        assert.ok(asked > 3);
        assert.match(run.out(), /^ +the lock was not to be had \(lock_wait\).*SHOW FULL PROCESSLIST/m);
        await holder.ask('ROLLBACK');
        await until(`migrate ${direction} ends`, () => run.ended);
        assert.equal(run.code, 0, run.out());
        if (direction === 'up') await succeeds(stack, 'down', '--yes');
        await stack.sql('UPDATE chats SET status = NULL WHERE id = 9');
        const last = await dump(stack);
        for (const tables of [first, last]) {
          tables.set('chats', tables.get('chats').replace(/ AUTO_INCREMENT=\d+/, ''));
        }
        isSameDump(last, first);
      }));
  }

  test('also when it has the accounts themselves: the copy and the rename are tried again', () =>
    withStack(30, async (stack, open) => {
      const steps = await stepsOf(stack, 'up');
      for (const step of ['rebuild', 'rename']) {
        const tool = await broughtTo(stack, 'up', steps, { step, when: 'before' });
        const holder = await open();
        await holder.ask('START TRANSACTION; SELECT COUNT(*) FROM whatsapp_sessions');
        tool.go();
        await until('it is told', () => hasTried(tool, 2));
        await holder.ask('ROLLBACK');
        await tool.waits(2 * steps.indexOf(step) + 1);
        await tool.kill();
        if (step === 'rebuild') await succeeds(stack, 'down', '--yes');
      }
      await succeeds(stack, ...words('up'));
    }));
});
