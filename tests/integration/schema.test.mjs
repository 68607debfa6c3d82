// wa-accountsctl schema apply and check: from an empty database, from one
// whose table Laravel made, and from one that somebody has changed meanwhile.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { literal } from './lib/database.mjs';
import { BASE } from './lib/expect.mjs';
import { connected, phone, utc } from './lib/fixtures.mjs';
import { OLD_WORD } from './lib/legacy.mjs';
import { source, startStack } from './lib/stack.mjs';

const OURS = ['session_id', 'assigned_instance_url', 'qr_expires_at', 'connect_deadline_at', 'state_version',
  'qr_first_at', 'live_primary', 'live_phone', 'status'];
const TABLES = ['wa_lanes', 'wa_outbox', 'wa_schema', 'wa_workspaces', 'whatsapp_accounts'];

/** What this build makes. */
const VERSION = '3';

/* Statement by statement what the application's own migration sends. */
const laravels = `
  CREATE TABLE whatsapp_accounts (id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, uuid char(36) NOT NULL,
    workspace_id bigint unsigned NOT NULL, account_name varchar(255) NULL, phone_number varchar(50) NULL,
    provider_type enum('meta', 'webjs') NOT NULL DEFAULT 'webjs',
    connection_status enum('connecting', 'connected', 'disconnected', 'error') NOT NULL DEFAULT 'disconnected',
    qr_code text NULL, session_data longtext NULL, is_primary tinyint(1) NOT NULL DEFAULT '0',
    is_active tinyint(1) NOT NULL DEFAULT '1', last_activity_at timestamp NULL, last_connected_at timestamp NULL,
    metadata json NULL, created_by bigint unsigned NOT NULL, created_at timestamp NULL, updated_at timestamp NULL,
    deleted_at timestamp NULL) DEFAULT CHARACTER SET utf8mb4 COLLATE 'utf8mb4_unicode_ci';
  ALTER TABLE whatsapp_accounts ADD CONSTRAINT whatsapp_accounts_workspace_id_foreign
    FOREIGN KEY (workspace_id) REFERENCES workspaces (id) ON DELETE CASCADE;
  ALTER TABLE whatsapp_accounts ADD CONSTRAINT whatsapp_accounts_created_by_foreign
    FOREIGN KEY (created_by) REFERENCES users (id) ON DELETE CASCADE;
  ALTER TABLE whatsapp_accounts ADD INDEX whatsapp_accounts_workspace_id_connection_status_index
    (workspace_id, connection_status);
  ALTER TABLE whatsapp_accounts ADD INDEX whatsapp_accounts_provider_type_is_active_index (provider_type, is_active);
  ALTER TABLE whatsapp_accounts ADD INDEX whatsapp_accounts_workspace_id_is_primary_index (workspace_id, is_primary);
  ALTER TABLE whatsapp_accounts ADD UNIQUE whatsapp_accounts_uuid_unique (uuid);`;

/* As far as the accounts hang on them. */
const parents = `
  CREATE TABLE users (id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, email varchar(191) NOT NULL UNIQUE);
  CREATE TABLE workspaces (id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, name varchar(191) NOT NULL,
    created_by bigint unsigned NOT NULL);`;

const LARAVELS = ['id', 'uuid', 'workspace_id', 'account_name', 'phone_number', 'provider_type', 'connection_status',
  'qr_code', 'session_data', 'is_primary', 'is_active', 'last_activity_at', 'last_connected_at', 'metadata',
  'created_by', 'created_at', 'updated_at', 'deleted_at'];

/** A stack whose database these statements have filled, for the time of one test; nothing serves it. */
async function makeStack(t, sql) {
  const stack = await startStack({ schema: false, pool: false, nginx: false });
  t.after(() => stack.stop());
  if (sql) await stack.sql(sql);
  return stack;
}

const apply = (stack, ...options) => stack.ctl('schema', 'apply', ...options);

async function applies(stack, ...options) {
  const { code, out } = await apply(stack, ...options);
  assert.equal(code, 0, out);
  return out;
}

async function isWell(stack) {
  const { code, out } = await stack.ctl('schema', 'check');
  assert.equal(code, 0, out);
  assert.match(out, /it can start/);
}

async function isRefused(stack) {
  const { code, out } = await stack.ctl('schema', 'check');
  assert.equal(code, 78, out);
  assert.match(out, /wa-accountsctl schema apply/);
}

const version = (stack) => stack.value('SELECT version FROM wa_schema');
const tables = (stack) => stack.column('SHOW TABLES');
/** How each table is made, whatever its next id is. */
async function definitions(stack) {
  const made = {};
  for (const table of await tables(stack)) {
    const [row] = await stack.sql(`SHOW CREATE TABLE ${table}`);
    made[table] = row['Create Table'].replace(/ AUTO_INCREMENT=\d+/, '');
  }
  return made;
}
/** The columns of ours that the accounts have. */
const columns = async (stack) => (await stack.column(`SELECT column_name FROM information_schema.columns
  WHERE table_schema = DATABASE() AND table_name = 'whatsapp_accounts'`)).filter((name) => OURS.includes(name));
const rows = (stack) => stack.sql(`SELECT ${LARAVELS.join(', ')} FROM whatsapp_accounts ORDER BY id`);

async function hasAllOfOurs(stack) {
  assert.deepEqual((await columns(stack)).sort(), [...OURS].sort());
  for (const table of TABLES) assert.ok((await tables(stack)).includes(table), table);
  await isWell(stack);
}

/** One row with Laravel's columns only; its id. */
async function put(stack, columns) {
  const row = { uuid: randomUUID(), created_by: 1, created_at: utc(-86400), updated_at: utc(-86400), ...columns };
  const [{ id }] = await stack.sql(`INSERT INTO whatsapp_accounts (${Object.keys(row).join(', ')})
    VALUES (${Object.values(row).map(literal).join(', ')}) RETURNING id`);
  return Number(id);
}

/** Some accounts, live and deleted, with and without a number, with all that a row can hold; their workspace. */
async function fill(stack) {
  const workspace_id = await stack.workspace();   /* and, with the first, user 1 */
  for (const columns of [
    connected({ is_primary: 1, phone_number: '+62 812-3456 7890', session_data: 'ENCRYPTED "é"' }),
    connected({ phone_number: null, metadata: '{"recent_failures":2,"n":1.50}' }),
    { connection_status: 'connecting', qr_code: '2@code' },
    { is_primary: 1, phone_number: '6281234567890', deleted_at: utc(-5) },
    { provider_type: 'meta', connection_status: 'error', account_name: 'With a name' },
  ]) await put(stack, { workspace_id, ...columns });
  assert.equal((await rows(stack)).length, 5);
  return workspace_id;
}

describe('schema apply on an empty database', () => {
  test('makes our tables, and check says that the pool can start', async (t) => {
    const stack = await makeStack(t);
    await isRefused(stack);
    const out = await applies(stack);
    assert.match(out, /no tables workspaces and users/, 'it says what the foreign keys wait for');
    assert.deepEqual((await tables(stack)).sort(), TABLES);
    await hasAllOfOurs(stack);
    assert.equal(await stack.value('SELECT COUNT(*) FROM whatsapp_accounts'), '0');
    await stack.startPool();
    assert.equal((await stack.fcgi('GET', '/readyz', { params: { WA_LOCAL: '1' } })).status, 200);
  });

  test('twice does no harm', async (t) => {
    const stack = await makeStack(t);
    await applies(stack);
    const [made, sum] = [await definitions(stack), await stack.checksum()];
    await applies(stack);
    assert.deepEqual(await definitions(stack), made);
    assert.equal(await stack.checksum(), sum);
    await isWell(stack);
  });

  test('lets the application\'s own tables come later', async (t) => {
    const stack = await makeStack(t);
    await applies(stack);
    await stack.sql(parents);
    const workspace_id = await fill(stack);
    await stack.sql(`DELETE FROM workspaces WHERE id = ${workspace_id}`);
    assert.equal((await rows(stack)).length, 0, 'the foreign key is in force');
  });
});

describe('schema apply on a table that Laravel made', () => {
  test('adds all our columns and keys, and leaves the rows as they are', async (t) => {
    const stack = await makeStack(t, parents + laravels);
    await fill(stack);
    const before = await rows(stack);
    await isRefused(stack);
    await applies(stack);
    assert.deepEqual(await rows(stack), before);
    await hasAllOfOurs(stack);

    await stack.startPool();
    for (const { id, uuid, deleted_at } of before) {
      const { status, json } = await stack.fcgiSigned('GET', `${BASE}/${uuid}/status`);
      assert.equal(status, deleted_at === null ? 200 : 404);
      if (status === 200) assert.equal(String(json.id), id);
    }
  });

  test('ends in the table that an empty database gets', async (t) => {
    const [laravel, empty] = [await makeStack(t, parents + laravels), await makeStack(t, parents)];
    await applies(laravel);
    await applies(empty);
    /* Whichever way a key came, it is there; their order tells nothing. */
    const lines = async (stack) => (await definitions(stack)).whatsapp_accounts.split('\n')
      .map((line) => line.replace(/,$/, '')).sort();
    assert.deepEqual(await lines(laravel), await lines(empty));
  });

  test('with two live primaries in one workspace fails, names the key, and changes nothing else', async (t) => {
    const stack = await makeStack(t, parents + laravels);
    const workspace_id = await fill(stack);
    const second = await put(stack, connected({ workspace_id, is_primary: 1 }));
    const [made, before] = [await definitions(stack), await rows(stack)];
    const { code, out } = await apply(stack);
    assert.notEqual(code, 0, out);
    assert.ok(out.split('\n').some((line) => line.includes('level=error') &&
      line.includes('whatsapp_accounts_live_primary_unique')), out);
    const { wa_schema, ...others } = await definitions(stack);
    assert.deepEqual(others, made);
    assert.deepEqual(await rows(stack), before);
    assert.equal(await stack.value('SELECT COUNT(*) FROM wa_schema'), '0');
    await isRefused(stack);

    await stack.sql(`UPDATE whatsapp_accounts SET is_primary = 0, updated_at = updated_at WHERE id = ${second}`);
    await applies(stack);
    await hasAllOfOurs(stack);
  });

  test('in the place of ours, which wa_schema knows as this version: check refuses, and apply mends', async (t) => {
    const stack = await makeStack(t, parents);
    await applies(stack);
    await stack.sql(`DROP TABLE whatsapp_accounts; ${laravels}`);
    await fill(stack);
    const before = await rows(stack);
    assert.equal(await version(stack), VERSION);
    await isRefused(stack);
    await applies(stack);
    assert.deepEqual(await rows(stack), before);
    await hasAllOfOurs(stack);
  });
});

describe('schema apply on version 1, which had no relay', () => {
  /** What `schema apply` of that version left, with rows that wait and rows that are settled. */
  async function makeFirst(t) {
    const stack = await makeStack(t, parents + readFileSync(`${source}/sql/001_accounts.sql`, 'utf8'));
    await stack.sql(`CREATE TABLE wa_schema (id tinyint unsigned NOT NULL PRIMARY KEY, version int unsigned NOT NULL,
        oldest_build int unsigned NOT NULL, applied_at datetime(6) NOT NULL);
      INSERT INTO wa_schema VALUES (1, 1, 1, UTC_TIMESTAMP(6));
      INSERT INTO wa_outbox (account_id, workspace_id, state_version, kind, name, payload, state, created_at,
        available_at, expires_at, settled_at)
      SELECT 1 + seq MOD 7, 1, seq, IF(seq MOD 3, 'event', 'command'), 'a_test', JSON_OBJECT('n', seq),
        IF(seq MOD 2, 'waiting', 'delivered'), UTC_TIMESTAMP(6), UTC_TIMESTAMP(6), UTC_TIMESTAMP(6) + INTERVAL 1 DAY,
        IF(seq MOD 2, NULL, UTC_TIMESTAMP(6)) FROM seq_1_to_500`);
    await fill(stack);
    return stack;
  }

  test('is asked for by check and by the pool', async (t) => {
    const stack = await makeFirst(t);
    await isRefused(stack);
    await assert.rejects(stack.startPool(), /older than this build needs; run: wa-accountsctl schema apply/);
  });

  test('adds the leases, leaves all rows as they are, and still serves a host with version 1', async (t) => {
    const stack = await makeFirst(t);
    const all = async () => [await rows(stack), await stack.sql('SELECT * FROM wa_outbox ORDER BY id')];
    const before = await all();
    await applies(stack);
    assert.deepEqual(await all(), before);
    assert.equal(await version(stack), VERSION);
    assert.equal(await stack.value('SELECT oldest_build FROM wa_schema'), '1');
    assert.equal(await stack.value('SELECT COUNT(*) FROM wa_lanes'), '0');
    await hasAllOfOurs(stack);
  });

  test('ends in the tables that an empty database gets, whatever was done before it was cut off', async (t) => {
    const [first, cut, empty] = [await makeFirst(t), await makeFirst(t), await makeStack(t, parents)];
    const relay = readFileSync(`${source}/sql/002_relay.sql`, 'utf8');
    await cut.sql(relay.slice(0, relay.indexOf('ALTER TABLE')));
    for (const stack of [first, cut, empty]) await applies(stack);
    const made = await definitions(empty);
    const lines = (text) => text.split('\n').map((line) => line.replace(/,$/, '')).sort();
    for (const stack of [first, cut]) {
      const now = await definitions(stack);
      for (const table of TABLES) assert.deepEqual(lines(now[table]), lines(made[table]), table);
    }
  });
});

describe('schema apply on version 2, which had no status', () => {
  /** What `schema apply` of that version left. */
  async function makeSecond(t) {
    const stack = await makeStack(t, parents);
    await applies(stack);
    await stack.sql(`ALTER TABLE whatsapp_accounts DROP COLUMN status;
      UPDATE wa_schema SET version = 2, oldest_build = 1`);
    await fill(stack);
    return stack;
  }

  test('adds it, leaves all rows as they are, and still serves the hosts with version 2', async (t) => {
    const stack = await makeSecond(t);
    await isRefused(stack);
    const [made, before] = [await definitions(stack), await rows(stack)];
    await applies(stack);
    assert.deepEqual(await rows(stack), before);
    const { wa_schema, whatsapp_accounts, ...others } = await definitions(stack);
    assert.deepEqual({ wa_schema, ...others, whatsapp_accounts: whatsapp_accounts.replace(/\n {2}`status`.+/, '') },
      made, 'nothing else is different');
    assert.equal(await version(stack), VERSION);
    assert.ok(await stack.value('SELECT oldest_build FROM wa_schema') <= 2);
    await hasAllOfOurs(stack);
  });

  test('leaves a column of that name that is somebody else\'s', async (t) => {
    const stack = await makeSecond(t);
    await stack.sql("ALTER TABLE whatsapp_accounts ADD status int NULL COMMENT 'theirs'");
    const made = (await definitions(stack)).whatsapp_accounts;
    await applies(stack);
    assert.equal((await definitions(stack)).whatsapp_accounts, made);
    await isWell(stack);
  });
});

describe('the column status', () => {
  test('is the old word for connection_status at any time, found by it, and of no index', async (t) => {
    const stack = await makeStack(t, parents);
    await applies(stack);
    const workspace_id = await stack.workspace();
    const id = await put(stack, { workspace_id });
    const ids = (word) => stack.column(`SELECT id FROM whatsapp_accounts WHERE status = ${literal(word)}`);
    for (const [connection_status, word] of Object.entries(OLD_WORD)) {
      await stack.sql(`UPDATE whatsapp_accounts SET connection_status = '${connection_status}'`);
      const [shown] = await stack.sql('SELECT * FROM whatsapp_accounts');
      assert.equal(shown.status, word);
      assert.equal(await stack.value('SELECT status FROM whatsapp_accounts'), word);
      for (const other of Object.values(OLD_WORD)) {
        assert.deepEqual(await ids(other), other === word ? [String(id)] : [], other);
      }
    }
    assert.deepEqual(await stack.sql(`SELECT index_name FROM information_schema.statistics
      WHERE table_schema = DATABASE() AND column_name = 'status'`), []);
  });

  test('cannot be written', async (t) => {
    const stack = await makeStack(t, parents);
    await applies(stack);
    const workspace_id = await stack.workspace();
    await put(stack, { workspace_id });
    await assert.rejects(put(stack, { workspace_id, status: 'connected' }), /ERROR 1906 /);
    await assert.rejects(stack.sql("UPDATE whatsapp_accounts SET status = 'connected'"), /ERROR 1906 /);
    assert.deepEqual(await stack.column('SELECT status FROM whatsapp_accounts'), ['disconnected']);
  });

  test('may be dropped: a pool serves without it, and schema apply does not bring it back', async (t) => {
    const stack = await makeStack(t, parents);
    await applies(stack);
    await stack.sql('ALTER TABLE whatsapp_accounts DROP COLUMN status');
    await isWell(stack);
    await applies(stack);
    assert.ok(!(await columns(stack)).includes('status'));
    const { uuid } = await stack.account(connected({ workspace_id: await stack.workspace() }));
    await stack.startPool();
    const { status, json } = await stack.fcgiSigned('GET', `${BASE}/${uuid}/status`);
    assert.equal(status, 200);
    assert.equal(json.status, 'connected', 'answers have the old word all the same');
  });
});

describe('what the database itself does not let in', () => {
  const isDuplicate = (promise, key) => assert.rejects(promise, (error) => {
    assert.match(error.message, /ERROR 1062 /);
    assert.ok(error.message.includes(key), error.message);
    return true;
  });

  test('is a second live primary of a workspace; deleted ones and those elsewhere are free', async (t) => {
    const stack = await makeStack(t, parents);
    await applies(stack);
    const [workspace_id, elsewhere] = [await stack.workspace(), await stack.workspace()];
    const first = await put(stack, { workspace_id, is_primary: 1 });
    await put(stack, { workspace_id: elsewhere, is_primary: 1 });
    for (let i = 0; i < 2; i++) {
      await put(stack, { workspace_id, is_primary: 0 });
      await put(stack, { workspace_id, is_primary: 1, deleted_at: utc(-5) });
    }
    const key = 'whatsapp_accounts_live_primary_unique';
    await isDuplicate(put(stack, { workspace_id, is_primary: 1 }), key);
    await isDuplicate(stack.sql('UPDATE whatsapp_accounts SET is_primary = 1'), key);
    await isDuplicate(stack.sql('UPDATE whatsapp_accounts SET deleted_at = NULL'), key);
    await stack.sql(`UPDATE whatsapp_accounts SET deleted_at = UTC_TIMESTAMP() WHERE id = ${first}`);
    await put(stack, { workspace_id, is_primary: 1 });
  });

  test('is a number that a live account of the workspace has, however it is written', async (t) => {
    const stack = await makeStack(t, parents);
    await applies(stack);
    const [workspace_id, elsewhere] = [await stack.workspace(), await stack.workspace()];
    const first = await put(stack, { workspace_id, phone_number: '+62 812-3456 7890' });
    const key = 'whatsapp_accounts_live_phone_unique';
    for (const phone_number of ['+62 812-3456 7890', '6281234567890', '(62) 812.3456.7890', '+6281234567890 ']) {
      await isDuplicate(put(stack, { workspace_id, phone_number }), key);
      await put(stack, { workspace_id, phone_number, deleted_at: utc(-5) });
    }
    await put(stack, { workspace_id: elsewhere, phone_number: '6281234567890' });
    /* No number is no number, in whatever way it is none. */
    for (const phone_number of [null, null, '', '', '+', '-']) await put(stack, { workspace_id, phone_number });
    const other = await put(stack, { workspace_id, phone_number: phone() });
    await isDuplicate(stack.sql(`UPDATE whatsapp_accounts SET phone_number = '62-81234567890' WHERE id = ${other}`),
      key);
    await stack.sql(`UPDATE whatsapp_accounts SET deleted_at = UTC_TIMESTAMP() WHERE id = ${first}`);
    await put(stack, { workspace_id, phone_number: '6281234567890' });
  });
});
