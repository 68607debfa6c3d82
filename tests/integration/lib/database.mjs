// database: a private MariaDB server without network, and the way to ask it.
//
// Questions go through the `mariadb` program, as an operator's would: what a
// test reads back has not passed through the code that it tests.

import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { makeDirectory, removeDirectory, run, start, stop, until } from './processes.mjs';

const asRoot = process.getuid() === 0 ? ['--user=root'] : [];
/* Debian keeps the server outside of an ordinary user's search path. */
const path = { PATH: `${process.env.PATH}:/usr/sbin:/sbin` };

/**
 * Start a server in a directory of its own. `args` are further options of
 * mariadbd, as `--default-time-zone=+07:00`.
 *
 * The server can be hurt: kill(signal) sends it one (SIGSTOP, SIGCONT,
 * SIGKILL), restart() brings it back on the same data, socket and options.
 */
export async function startServer(args = []) {
  const dir = makeDirectory('wa-db-');
  const socket = `${dir}/db.sock`;
  const log = `${dir}/server.log`;
  let child;

  /* Of its own: a server that starts removes what looks like a temporary table there, whoever made it. */
  mkdirSync(`${dir}/tmp`);
  const made = await run('mariadb-install-db', ['--no-defaults', ...asRoot, `--datadir=${dir}/data`,
    '--auth-root-authentication-method=normal', '--skip-test-db', `--tmpdir=${dir}/tmp`,
    '--innodb-log-file-size=32M'], { env: path });
  if (made.code !== 0) throw new Error(`mariadb-install-db failed:\n${made.out}`);

  async function begin() {
    child = start('mariadbd', ['--no-defaults', ...asRoot, `--datadir=${dir}/data`, `--socket=${socket}`,
      `--pid-file=${dir}/server.pid`, `--tmpdir=${dir}/tmp`, '--skip-networking', '--innodb-buffer-pool-size=64M',
      '--innodb-log-file-size=32M', '--innodb-flush-log-at-trx-commit=2', '--max-connections=300', ...args],
    { log, env: path });
    await until('the database server answers', async () => {
      if (child.ended) return true;
      return (await query(socket, 'SELECT 1 AS one')).length === 1;
    });
    if (child.ended) throw new Error(`mariadbd did not start:\n${readFileSync(log, 'utf8')}`);
  }

  await begin();
  return {
    socket,
    dir,
    get pid() {
      return child.pid;
    },
    get running() {
      return !child.ended;
    },
    log: () => (existsSync(log) ? readFileSync(log, 'utf8') : ''),
    kill: (signal) => child.kill(signal),
    async restart() {
      if (!child.ended) await stop(child);
      await begin();
    },
    /** End the process, keep the data. */
    async halt() {
      child.kill('SIGCONT');
      await stop(child);
    },
    async stop() {
      if (!child.ended) {
        child.kill('SIGCONT');
        await stop(child);
      }
      removeDirectory(dir);
    },
  };
}

/** The server that all test files share, or null when a file is run by itself. */
export const sharedSocket = () => process.env.WA_TEST_DB_SOCKET || null;

function client(socket, database, options, sql) {
  const args = ['--no-defaults', '--user=root', `--socket=${socket}`, '--default-character-set=utf8mb4',
    '--connect-timeout=5', '--binary-mode', '--batch', ...options, ...(database ? [database] : [])];
  return run('mariadb', args, { stdin: sql });
}

async function ask(socket, database, options, sql) {
  const answer = await client(socket, database, options, sql);
  if (answer.code !== 0) throw new Error(`${answer.stderr.trim()}\nin: ${sql.slice(0, 500)}`);
  return answer.stdout;
}

const entities = { amp: '&', lt: '<', gt: '>', quot: '"' };
const plain = (text) => text.replace(/&(amp|lt|gt|quot);/g, (_, name) => entities[name]);

function parseResults(xml) {
  return xml.split('<resultset ').slice(1).map((set) =>
    [...set.matchAll(/<row>([^]*?)<\/row>/g)].map(([, row]) =>
      Object.fromEntries([...row.matchAll(/<field name="([^"]*)"(?: xsi:nil="true" \/>|>([^]*?)<\/field>)/g)]
        .map(([, name, value]) => [plain(name), value === undefined ? null : plain(value)]))));
}

/** Every result of one or more statements: arrays of rows, whose values are strings or null. */
export async function queries(socket, sql, database) {
  return parseResults(await ask(socket, database, ['--xml'], sql));
}

/** The rows of the last result. */
export async function query(socket, sql, database) {
  return (await queries(socket, sql, database)).at(-1) ?? [];
}

/** One column of very many rows, as strings. */
export async function column(socket, sql, database) {
  const text = await ask(socket, database, ['--skip-column-names'], sql);
  return text === '' ? [] : text.replace(/\n$/, '').split('\n');
}

/** SQL that stands for itself among the values of an INSERT. */
export const raw = (sql) => ({ sql });

/** A JavaScript value as an SQL literal. */
export function literal(value) {
  if (value === null || value === undefined) return 'NULL';
  if (typeof value === 'number') return String(value);
  if (typeof value === 'boolean') return value ? '1' : '0';
  if (typeof value === 'string') return `'${value.replace(/[\\']/g, '\\$&')}'`;
  if (typeof value.sql === 'string') return value.sql;
  return literal(JSON.stringify(value));
}
