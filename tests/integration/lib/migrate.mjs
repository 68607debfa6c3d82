// migrate: a migration that is stopped on its way, and many databases that begin the same.

import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { startServer } from './database.mjs';
import { differences, dump, succeeds } from './legacy.mjs';
import { converse, makeDirectory, removeDirectory, run, start, until } from './processes.mjs';
import { build, startStack } from './stack.mjs';

/**
 * A server for the databases of this file, which may be killed: from here on startStack makes them there.
 * Its temporary files are its own too: a server that begins removes those of every other one from /tmp.
 */
export async function serverOfFile() {
  const tmp = makeDirectory('wa-tmp-');
  /* Killed, a server has lost nothing that it has written: it need not wait for the disk. */
  const server = await startServer([`--tmpdir=${tmp}`, '--innodb-flush-log-at-trx-commit=1', '--debug-no-sync',
    '--skip-name-resolve', '--performance-schema=off']);
  process.env.WA_TEST_DB_SOCKET = server.socket;
  return {
    ...server,
    get running() {
      return server.running;
    },
    async crash() {
      server.kill('SIGKILL');
      await until('the server is gone', () => !server.running);
    },
    /** Also the runs that a test has left behind when it failed. */
    async stop() {
      await Promise.all([...running].map((child) => {
        child.kill('SIGKILL');
        return child.exit;
      }));
      await server.stop();
      removeDirectory(tmp);
    },
  };
}

/** The names of the steps, as the tool itself tells them. */
export async function stepsOf(stack, direction) {
  const out = await succeeds(stack, direction, '--dry-run', '--yes', ...(direction === 'up' ? NEWEST : []));
  return [...out.matchAll(/^step +\d+\/\d+ (\S+) +begins$/mg)].map(([, name]) => name);
}

const NEWEST = ['--resolve=newest-wins'];
/** The words of a command that asks nothing. */
export const words = (direction) => [direction, '--yes', ...(direction === 'up' ? NEWEST : [])];

/** Every moment at which a run can be stopped, in their order. */
export const momentsOf = (steps) => steps.flatMap((step) => [{ step, when: 'before' }, { step, when: 'after' }]);

let started = 0;
const running = new Set();

function startRun(stack, direction, more, stdin) {
  const log = `${stack.dir}/migrate-${++started}.out`;
  const child = start(`${build}/wa-accountsctl`, ['--env', stack.envFile, 'migrate', ...words(direction), ...more],
    { log, stdin });
  running.add(child);
  child.exit.then(() => running.delete(child));
  return { child, out: () => readFileSync(log, 'utf8') };
}

/** A run in the background: {out, ended, code}. */
export function inBackground(stack, direction, ...more) {
  const { child, out } = startRun(stack, direction, more);
  return {
    out,
    get ended() {
      return child.ended;
    },
    get code() {
      return child.code;
    },
  };
}

/** A run that waits for a line before each step and after it. */
export async function stepByStep(stack, direction, ...more) {
  const pipe = `${stack.dir}/answers-${++started}`;
  await run('mkfifo', [pipe]);
  /* Both ends, so that opening does not wait for the other one. */
  const input = openSync(pipe, 'r+');
  const { child, out } = startRun(stack, direction, ['--step-by-step', ...more], input);
  child.exit.then(() => closeSync(input));
  const prompts = () => [...out().matchAll(/^step +\d+ (\S+) +(before|after): press Enter to go on$/mg)]
    .map(([, step, when]) => ({ step, when }));
  return {
    out,
    pid: child.pid,
    /** Answer so many times. */
    go: (times = 1) => !child.ended && writeSync(input, '\n'.repeat(times)),
    /** It waits, after so many answers. */
    waits: (answers) => until(`the run waits after ${answers} answers`, () => {
      if (child.ended) throw new Error(`it has ended: ${out()}`);
      return prompts().length === answers + 1 && prompts().at(-1);
    }, { every: 5, tries: 12_000 }),
    async kill() {
      child.kill('SIGKILL');
      await child.exit;
    },
    /** It ends by itself: its exit status. */
    async ends() {
      await until(`the run ends by itself: ${out()}`, () => child.ended);
      return child.code;
    },
  };
}

/** A run that was brought to this moment and waits there. */
export async function broughtTo(stack, direction, steps, { step, when }, ...more) {
  const answers = 2 * steps.indexOf(step) + (when === 'after' ? 1 : 0);
  const tool = await stepByStep(stack, direction, ...more);
  tool.go(answers);
  const prompt = await tool.waits(answers);
  if (prompt.step !== step || prompt.when !== when) throw new Error(`it waits elsewhere:\n${tool.out()}`);
  return tool;
}

const day = () => new Date().toISOString().slice(0, 10);
const firstDay = day();

/** A dump without what tells when it happened, and in which database. */
export function timeless(tables, stack) {
  const clean = (text) => [firstDay, day()].reduce((rest, date) =>
    rest.replace(new RegExp(`'${date} [0-9:.]+'`, 'g'), "'now'"), text).replaceAll(stack.database.name, 'database');
  return new Map([...tables].map(([name, text]) => [name, clean(text)]));
}

/** The sentences in which the database differs from a dump; none if it is the same to the byte. */
export const differs = async (stack, before) => differences(await dump(stack), before);
/** The same, whatever the time is. */
export const differsTimeless = async (stack, before) => differences(timeless(await dump(stack), stack), before);

/** A dump as SQL that makes an empty database the same. */
const sqlOf = (tables) => `SET NAMES utf8mb4; SET time_zone = '+00:00', foreign_key_checks = 0, unique_checks = 0,
  sql_mode = 'NO_AUTO_VALUE_ON_ZERO';
${[...tables.values()].join('').replace(/^\/\*!\d+ SET .*@OLD_.*$/mg, '')}`;

/** A model, of which databases are made: {dump, database()}. */
export async function modelOf(stack) {
  const tables = await dump(stack);
  const sql = sqlOf(tables);
  return {
    dump: tables,
    /** A new one; the caller stops it. */
    async database() {
      const copy = await startStack({ schema: false, pool: false, nginx: false,
        env: { APP_KEY: stack.settings.APP_KEY } });
      await copy.sql(sql);
      return copy;
    },
  };
}

// --- others, who work meanwhile

/**
 * A client that works while a migration runs: {ask, close}. `ask` answers with {error, text}: the number of the
 * server's error, or null; and what it has said. None waits longer than so many seconds for a lock.
 */
export async function openClient(stack, { patience = 5 } = {}) {
  const { socket, name } = stack.database;
  /* One stream, so that an error comes before the mark that follows it. */
  const child = converse('sh', ['-c', `exec mariadb --no-defaults --user=root --socket=${socket} --batch --force \
    --unbuffered --skip-column-names --default-character-set=utf8mb4 ${name} 2>&1`]);
  let asked = 0;
  async function ask(sql) {
    const mark = `end of question ${++asked}`;
    const from = child.out.length;
    child.say(`${sql};\nSELECT '${mark}';\n`);
    await until(`the client has done: ${sql}`, () => child.ended || child.out.endsWith(`${mark}\n`),
      { every: 2, tries: 15_000 });
    if (child.ended) throw new Error(`the client has ended: ${child.out.slice(-1000)}`);
    const text = child.out.slice(from, -mark.length - 1);
    const error = /^ERROR (\d+) /m.exec(text);
    return { error: error ? Number(error[1]) : null, text: text.trim() };
  }
  await ask(`SET lock_wait_timeout = ${patience}, innodb_lock_wait_timeout = ${patience}, time_zone = '+00:00'`);
  return {
    ask,
    async close() {
      child.close();
      await child.exit;
    },
  };
}
