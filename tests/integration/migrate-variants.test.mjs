// wa-accountsctl migrate, on each schema of the field: nothing is lost on the way there, and nothing is different
// after the way back.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { isOk } from './lib/browser-expect.mjs';
import { literal } from './lib/database.mjs';
import { BASE } from './lib/expect.mjs';
import { phone } from './lib/fixtures.mjs';
import { FOLD, OLD_WORD, dump, isSameDump, legacyStack, migrate, namesOf, succeeds, variants } from './lib/legacy.mjs';
import { logIn } from './lib/login.mjs';
import { startStack } from './lib/stack.mjs';

const LARAVELS = ['id', 'uuid', 'workspace_id', 'account_name', 'phone_number', 'provider_type', 'connection_status',
  'qr_code', 'session_data', 'is_primary', 'is_active', 'last_activity_at', 'last_connected_at', 'metadata',
  'created_by', 'created_at', 'updated_at', 'deleted_at'];
const OURS = ['connection_status', 'account_name', 'session_id', 'assigned_instance_url', 'qr_expires_at',
  'connect_deadline_at', 'state_version', 'qr_first_at', 'live_primary', 'live_phone', 'status'];
const UTC = "SET time_zone = '+00:00'";

/** How the accounts of an empty database are made: what those of every other one must have. */
let model;
before(async () => {
  const stack = await startStack({ pool: false, nginx: false });
  try {
    model = { columns: await columnsOf(stack), keys: await keysOf(stack, 'whatsapp_accounts'),
      tables: (await stack.column('SHOW TABLES')).filter((name) => name.startsWith('wa_')) };
  } finally {
    await stack.stop();
  }
});

// --- what is looked at

const columnsOf = async (stack, table = 'whatsapp_accounts') => Object.fromEntries((await stack.sql(`
  SELECT column_name, column_type, is_nullable, column_default, extra, generation_expression, character_set_name
  FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = ${literal(table)}`))
  .map(({ column_name: name, ...column }) => [name, column]));

/** The keys of a table, as "unique a, b"; their names tell nothing. */
const keysOf = async (stack, table) => (await stack.column(`SELECT CONCAT(IF(non_unique, '', 'unique '),
    GROUP_CONCAT(column_name ORDER BY seq_in_index SEPARATOR ', ')) FROM information_schema.statistics
  WHERE table_schema = DATABASE() AND table_name = ${literal(table)} GROUP BY index_name, non_unique`)).sort();

/** The foreign keys that point at a table, as "table.column on delete … on update …". */
const childrenOf = async (stack, table) => (await stack.column(`SELECT CONCAT(k.table_name, '.', k.column_name,
    ' on delete ', r.delete_rule, ' on update ', r.update_rule) FROM information_schema.key_column_usage AS k
  JOIN information_schema.referential_constraints AS r USING (constraint_schema, constraint_name)
  WHERE k.table_schema = DATABASE() AND k.referenced_table_name = ${literal(table)}
  AND r.table_name = k.table_name`)).sort();

/** Foreign keys of this database whose column is not the first of any key. */
const withoutKey = (stack) => stack.column(`SELECT CONCAT(k.table_name, '.', k.column_name)
  FROM information_schema.key_column_usage AS k WHERE k.table_schema = DATABASE()
  AND k.referenced_table_name IS NOT NULL AND NOT EXISTS (SELECT 1
    FROM information_schema.statistics AS s WHERE s.table_schema = k.table_schema
    AND s.table_name = k.table_name AND s.column_name = k.column_name AND s.seq_in_index = 1)`);

const nextId = async (stack, table) =>
  BigInt(/ AUTO_INCREMENT=(\d+)/.exec((await stack.sql(`SHOW CREATE TABLE ${table}`))[0]['Create Table'])[1]);

/** Every row, with the columns of these names; texts by their digest, times as UTC. */
async function rowsOf(stack, table, names) {
  const columns = await columnsOf(stack, table);
  const value = (name) => (columns[name].character_set_name ? `MD5(CONVERT(\`${name}\` USING utf8mb4))`
    : /binary|blob/.test(columns[name].column_type) ? `HEX(\`${name}\`)` : `\`${name}\``);
  return stack.column(`${UTC}; SELECT ${names.map((name) => `COALESCE(${value(name)}, 'NULL')`).join(', ')}
    FROM ${table} ORDER BY id`);
}

/** Columns and tables that have another name afterwards. */
function renamed(variant) {
  const { junction, source } = namesOf(variant);
  const tables = { whatsapp_sessions: 'whatsapp_accounts', [junction]: 'contact_accounts' };
  const columns = { [`contacts.${source}`]: 'source_account_id' };
  for (const table of ['chats', 'campaign_logs', junction, 'whatsapp_groups']) {
    columns[`${table}.whatsapp_session_id`] = 'whatsapp_account_id';
  }
  return {
    table: (table) => tables[table] ?? table,
    column: (table, column) => columns[`${table}.${column}`] ?? column,
    child: (text) => text.replace(/^(\w+)\.(\w+)/, (_, table, column) =>
      `${tables[table] ?? table}.${columns[`${table}.${column}`] ?? column}`),
  };
}

async function look(stack) {
  const columns = Object.keys(await columnsOf(stack, 'whatsapp_sessions'));
  const tables = (await stack.column('SHOW TABLES')).filter((name) => name !== 'whatsapp_sessions');
  return {
    columns,
    rows: await rowsOf(stack, 'whatsapp_sessions', columns.filter((name) => name !== 'status')),
    words: Object.fromEntries((await stack.sql('SELECT id, status FROM whatsapp_sessions'))
      .map(({ id, status }) => [id, status])),
    nextId: await nextId(stack, 'whatsapp_sessions'),
    children: await childrenOf(stack, 'whatsapp_sessions'),
    keys: Object.fromEntries(await Promise.all(tables.map(async (name) => [name, await keysOf(stack, name)]))),
  };
}

// --- what must hold

/** After `up`: all that stood in `old` is there under its new name. */
async function hasAll(stack, variant, old) {
  const to = renamed(variant);
  const tables = await stack.column('SHOW TABLES');
  for (const gone of ['whatsapp_sessions', 'contact_sessions']) assert.ok(!tables.includes(gone), gone);

  const names = old.columns.filter((name) => name !== 'status')
    .map((name) => (name === 'session_name' ? 'account_name' : name));
  assert.deepEqual(await rowsOf(stack, 'whatsapp_accounts', names), old.rows, 'ids, uuids, times, all other columns');
  assert.ok(await nextId(stack, 'whatsapp_accounts') >= old.nextId, 'the next id');

  const states = await stack.sql('SELECT id, connection_status, wa_old_status, status FROM whatsapp_accounts');
  for (const { id, connection_status: now, wa_old_status: kept, status } of states) {
    assert.equal(kept, old.words[id], `the old word of ${id}`);
    assert.equal(now, FOLD[old.words[id]], `the state of ${id}`);
    assert.equal(status, OLD_WORD[now], `the word that is shown of ${id}`);
  }

  assert.deepEqual(await childrenOf(stack, 'whatsapp_accounts'), old.children.map(to.child).sort());
  assert.deepEqual(await childrenOf(stack, 'whatsapp_sessions'), []);
  assert.deepEqual(await withoutKey(stack), []);
  for (const [table, keys] of Object.entries(old.keys)) {
    const expected = keys.map((key) => key.replace(/\w+(?=,|$)/g, (column) => to.column(table, column)));
    assert.deepEqual(await keysOf(stack, to.table(table)), expected.sort(), `the keys of ${table}`);
  }
}

/** The accounts have whatever those of an empty database have, and SELECT * shows nothing that only we need. */
async function hasModel(stack) {
  const columns = await columnsOf(stack);
  for (const name of LARAVELS) assert.ok(columns[name], name);
  for (const name of OURS) {
    const { character_set_name: _, ...made } = columns[name];
    const { character_set_name: __, ...wanted } = model.columns[name];
    assert.deepEqual(made, wanted, name);
  }
  for (const name of ['account_name', 'metadata']) assert.equal(columns[name].character_set_name, 'utf8mb4', name);
  const keys = await keysOf(stack, 'whatsapp_accounts');
  for (const key of model.keys) assert.ok(keys.includes(key), `a key: ${key} among ${keys.join('; ')}`);
  const tables = await stack.column('SHOW TABLES');
  for (const table of model.tables) assert.ok(tables.includes(table), table);
  const [shown] = await stack.sql('SELECT * FROM whatsapp_accounts LIMIT 1');
  for (const name of ['wa_old_status', 'live_primary', 'live_phone']) assert.ok(!(name in shown), name);
  assert.equal(shown.status, OLD_WORD[shown.connection_status], 'Laravel sees the old word');
  const { code, out } = await stack.ctl('schema', 'check');
  assert.equal(code, 0, out);
}

/** A pool on it tells of what was there, and takes what is new. */
async function serves(stack, variant) {
  const [some] = await stack.sql(`SELECT a.id, a.uuid, a.session_id, a.workspace_id, w.created_by,
      a.connection_status FROM whatsapp_accounts AS a JOIN workspaces AS w ON w.id = a.workspace_id
    WHERE a.deleted_at IS NULL AND a.connection_status = 'connected' AND a.is_active ORDER BY a.id LIMIT 1`);
  for (const account of [some.id, some.uuid, some.session_id].filter(Boolean)) {
    const { status, json } = await stack.fcgiSigned('GET',
      `${BASE}/${account}/status?workspace_id=${some.workspace_id}`);
    assert.equal(status, 200);
    assert.equal(json.uuid, some.uuid);
    assert.equal(json.connection_status, 'connected');
  }
  const active = await stack.fcgiSigned('GET', `${BASE}/active`);
  assert.equal(active.status, 200);
  assert.equal(String(active.json.count), await stack.value(`SELECT COUNT(*) FROM whatsapp_accounts
    WHERE deleted_at IS NULL AND connection_status = 'connected' AND is_active`));

  const owner = await logIn(stack, { user: Number(some.created_by), workspace: Number(some.workspace_id) });
  const { accounts } = isOk(await owner.call('GET', '', { straight: true }));
  assert.equal(String(accounts.length), await stack.value(`SELECT COUNT(*) FROM whatsapp_accounts
    WHERE workspace_id = ${some.workspace_id} AND deleted_at IS NULL`));
  assert.equal(accounts[0].is_primary, true);
  const statistics = isOk(await owner.call('GET', `/${some.uuid}/statistics`, { straight: true })).data;
  const inTables = await stack.value(`SELECT COUNT(*) FROM chats WHERE whatsapp_account_id = ${some.id}
    AND type = 'outbound' AND deleted_at IS NULL`);
  assert.equal(String(statistics.messages_sent), inTables);

  /* The old schema may have refused a number that anybody else has; the new one does not. */
  const number = phone();
  const create = async (person) => isOk(await person.call('POST', '', { straight: true,
    json: { phone_number: number, provider_type: 'webjs', account_name: '😀 שלום' } }), 201).data;
  const [ana, budi] = [await logIn(stack), await logIn(stack)];
  const first = await create(ana);
  assert.equal(first.account_name, '😀 שלום');
  assert.ok(BigInt(first.id) > BigInt(some.id));
  await create(budi);
  isOk(await ana.call('DELETE', `/${first.uuid}`, { straight: true }));
  const second = await create(ana);
  assert.equal((await ana.call('POST', '', { straight: true,
    json: { phone_number: number, provider_type: 'webjs' } })).status, 409);
  assert.equal(await stack.value(`SELECT wa_old_status FROM whatsapp_accounts WHERE id = ${second.id}`), null, variant);
  isOk(await ana.call('POST', `/${second.uuid}/set-primary`, { straight: true }));
}

for (const variant of variants) {
  describe(`the schema "${variant}"`, () => {
    let stack, before_, old;
    before(async () => {
      stack = await legacyStack(variant, { large: ['field', 'bare'].includes(variant) });
      before_ = await dump(stack);
      old = await look(stack);
    });
    after(() => stack?.stop());

    test('has no obstacle, and plan changes nothing', async () => {
      assert.match(await succeeds(stack, 'plan'), /^no obstacles$/m);
      isSameDump(await dump(stack), before_);
    });

    test('keeps all rows, foreign keys, indexes and the next id on the way up', async () => {
      await succeeds(stack, 'up', '--yes');
      await hasAll(stack, variant, old);
      await succeeds(stack, 'verify');
    });

    test('has the table that an empty database gets', () => hasModel(stack));

    test('is the same to the byte after the way down', async () => {
      await succeeds(stack, 'down', '--yes');
      isSameDump(await dump(stack), before_);
    });

    test('goes up and down a second time with the same end', async () => {
      await succeeds(stack, 'up', '--yes', '--batch=333');
      await hasAll(stack, variant, old);
      await succeeds(stack, 'verify');
      await succeeds(stack, 'down', '--yes', '--batch=250');
      isSameDump(await dump(stack), before_);
    });

    test('is served by a pool, and can be taken back after that too', async () => {
      await succeeds(stack, 'up', '--yes');
      await stack.startPool();
      await serves(stack, variant);
      assert.equal(await stack.stopPool(), true);
      await succeeds(stack, 'verify');
      await succeeds(stack, 'down', '--yes');
      const { length } = await stack.column('SELECT id FROM whatsapp_sessions');
      assert.equal(length, old.rows.length + 3, 'those that were made meanwhile are there');
    });
  });
}

describe('a server with its own ideas', () => {
  let stack, before_, old;
  before(async () => {
    stack = await legacyStack('bare', { rows: 120, large: false, server: 'own' });
    [before_, old] = [await dump(stack), await look(stack)];
  });
  after(() => stack?.stop());

  test('in another time zone, and then in a third, that takes no zero dates, changes no time', async () => {
    await stack.sql("SET GLOBAL sql_mode = 'TRADITIONAL', GLOBAL time_zone = '+07:00'");
    await succeeds(stack, 'up', '--yes');
    await stack.sql("SET GLOBAL time_zone = '-03:30'");
    await hasAll(stack, 'bare', old);
    await succeeds(stack, 'verify');
    await succeeds(stack, 'down', '--yes');
    isSameDump(await dump(stack), before_);
  });

  test('of names, texts, limits and what is safe does no harm', async () => {
    const settings = {
      sql_mode: "'ANSI,TRADITIONAL,NO_BACKSLASH_ESCAPES'", sql_quote_show_create: 0, sql_safe_updates: 1,
      sql_select_limit: 10, alter_algorithm: "'NOCOPY'", foreign_key_checks: 0, autocommit: 0,
      max_statement_time: 0.001,
    };
    const set = (value) => stack.sql(`SET SESSION max_statement_time = 0;
      ${Object.keys(settings).map((name) => `SET GLOBAL ${name} = ${value(name)}`).join(';\n')}`);
    await set((name) => settings[name]);
    const codes = [];
    for (const words of [['plan'], ['up', '--yes'], ['verify'], ['down', '--yes']]) {
      codes.push(await migrate(stack, ...words));
    }
    await set(() => 'DEFAULT');
    for (const { code, out } of codes) assert.equal(code, 0, out.slice(-2000));
    isSameDump(await dump(stack), before_);
  });
});
