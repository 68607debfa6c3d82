// session: another client of the database, which keeps a transaction open.

import assert from 'node:assert/strict';
import { query } from './database.mjs';
import { converse, until } from './processes.mjs';

/**
 * A connection of its own, as root, to a stack's database: {ask, id, close}.
 * `ask` resolves when its statements are done; an error of one ends nothing.
 */
export async function openSession(stack) {
  const { socket, name } = stack.database;
  const child = converse('mariadb', ['--no-defaults', '--user=root', `--socket=${socket}`, '--batch', '--force',
    '--unbuffered', '--skip-column-names', '--skip-reconnect', name]);
  let asked = 0;
  async function ask(sql) {
    const mark = `end of question ${++asked}`;
    const from = child.out.length;
    child.say(`${sql};\nSELECT '${mark}';\n`);
    await until(`the session has done: ${sql}`, () => child.ended || child.out.includes(mark, from));
    assert.ok(!child.ended, child.out);
    return child.out.slice(from, child.out.indexOf(mark, from));
  }
  const id = Number((await ask('SELECT CONNECTION_ID()')).trim());
  return {
    id,
    ask,
    /** Whoever waits for what this transaction has locked goes on. */
    async close() {
      child.close();
      await child.exit;
    },
  };
}

/** While `body` runs, another client holds the rows of these accounts. */
export async function whileLocked(stack, accounts, body) {
  const session = await openSession(stack);
  try {
    await session.ask(`START TRANSACTION; SELECT id FROM whatsapp_accounts
      WHERE id IN (${[accounts].flat().map((account) => account.id).join(', ')}) FOR UPDATE`);
    return await body({
      /**
       * So many transactions of the pool wait for a lock. Asked too often, the
       * server shows the same picture again: it takes a new one after 100 ms without a question.
       */
      waiting: (count) => until(`${count} transactions wait for a lock`, async () => await waiters(stack) === count,
        { tries: 30, every: 150 }),
      release: () => session.ask('ROLLBACK'),
      /** Something else in that transaction, or its end. */
      ask: session.ask,
    });
  } finally {
    await session.close();
  }
}

/** While `body` runs, another client has these tables for itself: whoever reads one waits. */
export async function whileTablesLocked(stack, tables, body) {
  const session = await openSession(stack);
  const { socket, user } = stack.database;
  const waiting = async () => (await query(socket, `SELECT ID FROM information_schema.PROCESSLIST
    WHERE USER = '${user}' AND STATE = 'Waiting for table metadata lock'`)).map((row) => Number(row.ID));
  try {
    await session.ask(`LOCK TABLES ${[tables].flat().map((table) => `${table} WRITE`).join(', ')}`);
    return await body({
      /** The connections of the pool that wait; there must be so many. */
      waiting: (count) => until(`${count} connections wait for a table`, async () => {
        const ids = await waiting();
        return ids.length === count && ids;
      }),
      release: () => session.ask('UNLOCK TABLES'),
    });
  } finally {
    await session.close();
  }
}

async function waiters(stack) {
  const { socket, user } = stack.database;
  const rows = await query(socket, `SELECT COUNT(*) AS n FROM information_schema.INNODB_TRX AS t
    JOIN information_schema.PROCESSLIST AS p ON p.ID = t.trx_mysql_thread_id
    WHERE t.trx_state = 'LOCK WAIT' AND p.USER = '${user}'`);
  return Number(rows[0].n);
}
