// migrate: how long a migration of a large database takes, and for how long others have to wait for it.
//
//   ./dev bench migrate [SESSIONS [CHATS]]
//
// On a server of its own, which needs some minutes and 10 GiB of disk for a million sessions and ten million chats (the
// standard). WA_BENCH_POOL is the size of its buffer pool (2G). What a statement took is the server's own word, its slow
// log's; how long others had to wait is measured by others, who write all the while.

import { readFileSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { literal } from '../integration/lib/database.mjs';
import { encrypt } from '../integration/lib/envelope.mjs';
import { makeLegacy } from '../integration/lib/legacy.mjs';
import { converse, run as runProgram } from '../integration/lib/processes.mjs';
import { build, startStack } from '../integration/lib/stack.mjs';
import { median, spread } from './measure.mjs';

const FEW_CHATS = 10_000, FEW_SESSIONS = 1000, REPEATED = 20;
const CHUNK = 100_000;          /* rows of one INSERT */
const PATIENCE = 10_000_000;    /* looks, ten milliseconds apart */

const GIB = 1024 ** 3;
const seconds = (ms) => (ms < 1000 ? `${ms.toFixed(1)} ms` : `${(ms / 1000).toFixed(1)} s`);
const gib = (bytes) => `${(bytes / GIB).toFixed(2)} GiB`;

// --- the database

/** In turns of CHUNK rows, `of(from, to)` is the statement. */
async function inChunks(stack, what, rows, of) {
  for (let from = 1; from <= rows; from += CHUNK) {
    const to = Math.min(rows, from + CHUNK - 1);
    await stack.sql(`SET sql_mode = '', foreign_key_checks = 0, unique_checks = 0; ${of(from, to)}`);
    process.stderr.write(`\r${what}: ${to} of ${rows}   `);
  }
  process.stderr.write('\r\x1b[K');
}

/** Sessions as they are found: five in a workspace, a tenth deleted, most with the data of a login. */
async function fill(stack, sessions, chats) {
  const workspaces = Math.max(1, Math.ceil(sessions / 5)), users = 100, contacts = Math.max(1000, Math.ceil(chats / 100));
  const data = Array.from({ length: 32 }, (_, i) => encrypt(stack.settings.APP_KEY,
    JSON.stringify({ creds: { me: { id: `${i}@s.whatsapp.net` }, noise: 'x'.repeat(200 + 10 * i) } })));
  const created = "'2025-01-01 00:00:00' + INTERVAL seq SECOND";
  await inChunks(stack, 'users', users, (from, to) =>
    `INSERT INTO users (id, email) SELECT seq, CONCAT(seq, '@example.test') FROM seq_${from}_to_${to}`);
  await inChunks(stack, 'workspaces', workspaces, (from, to) => `INSERT INTO workspaces (id, name, created_by)
    SELECT seq, CONCAT('Workspace ', seq), 1 + seq MOD ${users} FROM seq_${from}_to_${to}`);
  await inChunks(stack, 'sessions', sessions, (from, to) => `INSERT INTO whatsapp_sessions (id, uuid, workspace_id,
    session_id, phone_number, provider_type, status, session_data, is_primary, last_activity_at, last_connected_at,
    metadata, created_by, created_at, updated_at, deleted_at)
    SELECT seq, UUID(), 1 + seq DIV 5 MOD ${workspaces}, CONCAT('webjs_', seq, '_1763000000_abcdefgh'), CONCAT('+62 ', 800000000 + seq),
      1 + (seq MOD 10 > 0), ELT(1 + seq MOD 7, 'qr_scanning', 'authenticated', 'connected', 'disconnected', 'failed',
      'connected', 'disconnected'), IF(seq MOD 8, ELT(1 + seq MOD ${data.length}, ${data.map(literal).join(', ')}), NULL),
      seq MOD 5 = 0, ${created}, IF(seq MOD 3, ${created}, NULL), IF(seq MOD 4, '{"recent_failures":0}', NULL),
      1 + seq MOD ${users}, ${created}, ${created}, IF(seq MOD 10 = 7, ${created}, NULL) FROM seq_${from}_to_${to}`);
  await inChunks(stack, 'contacts', contacts, (from, to) => `INSERT INTO contacts (id, uuid, workspace_id, first_name, phone,
    source_session_id, created_at) SELECT seq, UUID(), 1 + seq MOD ${workspaces}, CONCAT('Contact ', seq), 628900000000 + seq,
    1 + seq MOD ${sessions}, ${created} FROM seq_${from}_to_${to}`);
  await inChunks(stack, 'chats', chats, (from, to) => `INSERT INTO chats (id, workspace_id, contact_id, whatsapp_session_id,
    type, metadata, status, created_at) SELECT seq, 1 + (seq * ${sessions} DIV ${chats}) DIV 5 MOD ${workspaces},
    1 + seq * ${contacts} DIV ${chats + 1}, IF(seq MOD 20, 1 + seq * ${sessions} DIV ${chats + 1}, NULL), 1 + seq MOD 2,
    CONCAT('{"id":"', seq, '","type":"text","text":{"body":"', REPEAT('hello ', seq MOD 20), '"}}'), 'delivered',
    '2025-01-01 00:00:00' + INTERVAL seq SECOND FROM seq_${from}_to_${to}`);
  await inChunks(stack, 'campaign logs', contacts, (from, to) => `INSERT INTO campaign_logs (campaign_id, contact_id,
    whatsapp_session_id, status) SELECT 1 + seq MOD 20, seq, 1 + seq MOD ${sessions}, 2 FROM seq_${from}_to_${to}`);
  await inChunks(stack, 'contact sessions', contacts, (from, to) => `INSERT INTO contact_sessions (contact_id,
    whatsapp_session_id, total_messages) SELECT seq, 1 + seq MOD ${sessions}, seq MOD 13 FROM seq_${from}_to_${to}`);
}

/** What tells whether a table was copied: InnoDB's number of it, and its file. */
async function identity(stack, table) {
  const [{ table_id: id }] = await stack.sql(`SELECT table_id FROM information_schema.innodb_sys_tables
    WHERE name = '${stack.database.name}/${table}'`);
  const { ino, size } = statSync(`${stack.server.dir}/data/${stack.database.name}/${table}.ibd`);
  return { id, ino, size };
}

// --- others, who write all the while

/** One statement again and again on a connection of its own: how long it had to wait at most, in milliseconds. */
function startProbe(stack, sql) {
  const { socket, name } = stack.database;
  const client = converse('mariadb', ['--no-defaults', '--user=root', `--socket=${socket}`, '--batch', '--skip-column-names',
    '--unbuffered', '--force', name]);
  const probe = { longest: 0, count: 0 };
  let open = 0, ending = false;
  const tick = () => {
    const end = client.out.lastIndexOf('\n') + 1;
    for (const [, us] of client.out.slice(0, end).matchAll(/^(\d+)$/gm)) {
      probe.longest = Math.max(probe.longest, Number(us) / 1000);
      probe.count++;
      open--;
    }
    client.out = client.out.slice(end);
    if (open > 0 || ending) return;
    client.say(`SET @began = SYSDATE(6); ${sql}; SELECT TIMESTAMPDIFF(MICROSECOND, @began, SYSDATE(6));\n`);
    open++;
  };
  const timer = setInterval(tick, 10);
  probe.end = async () => {
    ending = true;
    while (open > 0) await new Promise((resolve) => setTimeout(resolve, 10));
    clearInterval(timer);
    client.close();
    await client.exit;
    return probe;
  };
  return probe;
}

/* The old table's probe fails from the rename on: what it waits then is not counted for long. */
const probes = {
  'the sessions': 'UPDATE whatsapp_sessions SET is_active = is_active WHERE id = 2',
  chats: 'UPDATE chats SET status = status WHERE id = 2',
  workspaces: 'UPDATE workspaces SET name = name WHERE id = 2',
  users: 'UPDATE users SET email = email WHERE id = 2',
};

// --- the tool

/** A command, with what the server says of its DDL and of its longest statements; with others around it, if `probed`. */
async function migrate(stack, command, { probed = false } = {}) {
  const free = () => {
    const { bavail, bsize } = statfsSync(stack.server.dir);
    return bavail * bsize;
  };
  const before = free();
  let least = before;
  const watch = setInterval(() => (least = Math.min(least, free())), 100);
  writeFileSync(slowLog(stack), '');
  const others = probed ? Object.entries(probes).map(([name, sql]) => [name, startProbe(stack, sql)]) : [];
  const began = performance.now();
  const { code, out } = await runProgram(`${build}/wa-accountsctl`,
    ['--env', stack.envFile, 'migrate', ...command.split(' ')], { tries: PATIENCE });
  const took = performance.now() - began;
  for (const [, probe] of others) await probe.end();
  clearInterval(watch);
  if (code !== 0) throw new Error(`migrate ${command} ended with ${code}:\n${out.slice(-4000)}`);
  const statements = readSlowLog(stack);
  const steps = readSteps(out, statements);
  console.log(`\nmigrate ${command.replace(' --yes', '')}: ${seconds(took)}; free disk ${gib(before)} before, `
    + `${gib(least)} at least, ${gib(free())} after`);
  report(out, steps, statements);
  for (const [name, { longest, count }] of others) {
    console.log(`  a write to ${name} waited ${seconds(longest)} at most (${count} writes)`);
  }
  return { out, took, steps };
}

function report(out, steps, statements) {
  for (const { name, ms, ddl } of steps) {
    const pause = ddl.length > 0 ? `, its DDL ${ddl.map((one) => seconds(one.ms)).join(' + ')}` : '';
    console.log(`  ${name.padEnd(18)} ${seconds(ms).padStart(10)}${pause}`);
  }
  const told = /^(longest pause|time:| {2}disk:|no faults|.*FAULT)/;
  for (const line of out.split('\n').filter((text) => told.test(text))) console.log(`  ${line.trim()}`);
  const others = Object.values(probes);
  const own = statements.filter(({ sql }) => !/@began/.test(sql) && !others.includes(sql.replace(/;$/, '')));
  console.log('  its longest statements:');
  for (const { sql, ms, examined } of own.sort((a, b) => b.ms - a.ms).slice(0, 5)) {
    console.log(`    ${seconds(ms).padStart(9)}, ${examined} rows looked at: ${sql.replace(/\s+/g, ' ').slice(0, 110)}`);
  }
}

const slowLog = (stack) => `${stack.server.dir}/slow.log`;

/** [{ms, examined, sql}], in their order. */
function readSlowLog(stack) {
  return readFileSync(slowLog(stack), 'utf8').split(/^# User@Host:/m).slice(1).map((part) => {
    const sql = part.split('\n').filter((line) => !/^(#|SET timestamp|use )/.test(line)).slice(1).join('\n').trim();
    return { sql, ms: 1000 * Number(/Query_time: ([\d.]+)/.exec(part)?.[1] ?? 0),
      examined: Number(/Rows_examined: (\d+)/.exec(part)?.[1] ?? 0) };
  });
}

const DDL = /^(ALTER|RENAME|CREATE|DROP) /;

/** Each step, its time as the tool tells it, and the DDL between its beginning and its end. */
function readSteps(out, statements) {
  const steps = [...out.matchAll(/^step +\d+\/\d+ (\S+) +done in (\d+) ms$/gm)].map(([, name, ms]) => ({ name, ms: Number(ms), ddl: [] }));
  let step = null;
  for (const statement of statements) {
    const begins = /INSERT INTO wa_migration_steps .*VALUES \('\w+', ?'(\w+)'/s.exec(statement.sql);
    if (begins) step = steps.find(({ name }) => name === begins[1]);
    else if (step && DDL.test(statement.sql) && /wa-accountsctl migrate/.test(statement.sql)) step.ddl.push(statement);
  }
  return steps;
}

async function withDatabase(sessions, chats, work) {
  const stack = await startStack({ server: 'own', schema: false, pool: false, nginx: false,
    serverArgs: [`--innodb-buffer-pool-size=${process.env.WA_BENCH_POOL ?? '2G'}`, '--innodb-log-file-size=1G',
      '--long-query-time=0'] });
  try {
    await stack.sql(`SET GLOBAL slow_query_log_file = '${slowLog(stack)}'`);
    await makeLegacy(stack, 'field');
    const began = performance.now();
    await fill(stack, sessions, chats);
    await stack.sql('ANALYZE TABLE whatsapp_sessions, chats, contacts');
    await stack.sql('SET GLOBAL slow_query_log = 1');
    console.log(`${sessions} sessions and ${chats} chats, made in ${seconds(performance.now() - began)}`);
    return await work(stack);
  } finally {
    await stack.stop();
  }
}

/* What the tool sends, there and back, by itself: a single one says as much of the machine as of the statement. */
const instant = {
  'the rename': ['RENAME TABLE whatsapp_sessions TO whatsapp_accounts, contact_sessions TO contact_accounts',
    'RENAME TABLE whatsapp_accounts TO whatsapp_sessions, contact_accounts TO contact_sessions'],
  "that of chats' column": ['ALTER TABLE chats RENAME COLUMN whatsapp_session_id TO whatsapp_account_id, ALGORITHM=INSTANT',
    'ALTER TABLE chats RENAME COLUMN whatsapp_account_id TO whatsapp_session_id, ALGORITHM=INSTANT'],
};

/** In turns, a large database and a small one, so that what else the machine does falls on both alike. */
async function compareInstant(stacks) {
  for (const [name, statements] of Object.entries(instant)) {
    const times = stacks.map(() => []);
    for (let i = 0; i < REPEATED; i++) {
      for (const [k, stack] of stacks.entries()) {
        writeFileSync(slowLog(stack), '');
        await stack.sql(statements.join(';\n'));
        times[k].push(...readSlowLog(stack).filter(({ sql }) => DDL.test(sql)).map(({ ms }) => ms));
      }
    }
    const [large, small] = times.map(median);
    console.log(`${name}: ${seconds(large)} (${spread(times[0])}), with ${FEW_CHATS} chats ${seconds(small)} (${spread(times[1])}); `
      + `ratio ${(large / small).toFixed(2)}`);
  }
}

export async function run({ sessions = 1_000_000, chats = 10_000_000 } = {}) {
  await withDatabase(sessions, chats, async (stack) => {
    await withDatabase(FEW_SESSIONS, FEW_CHATS, (small) => compareInstant([stack, small]));
    const before = await identity(stack, 'chats');
    const { out: plan } = await migrate(stack, 'plan');
    const up = await migrate(stack, 'up --yes', { probed: true });
    const after = await identity(stack, 'chats');
    await migrate(stack, 'verify');
    const down = await migrate(stack, 'down --yes', { probed: true });
    const [, all, rebuild, gone] =
      /^time: about (\d+) s for \d+ sessions\. For about (\d+) s of them, the rebuild,.* then for about (\d+) s/m.exec(plan);
    const took = up.steps.find(({ name }) => name === 'rebuild');
    const closed = up.steps.slice(up.steps.findIndex(({ name }) => name === 'rename')).reduce((sum, { ms }) => sum + ms, 0);
    console.log(`\nthe estimate: ${all} s in all, ${rebuild} s for the rebuild, ${gone} s from the rename to the end; `
      + `it took ${seconds(up.took)}, ${seconds(took.ms)} and ${seconds(closed)}`);
    console.log(`chats: table ${before.id} before and ${after.id} after, inode ${before.ino} and ${after.ino}, `
      + `${gib(before.size)} and ${gib(after.size)}: ` + (before.id === after.id && before.ino === after.ino ? 'not copied' : 'COPIED'));
  });
}
