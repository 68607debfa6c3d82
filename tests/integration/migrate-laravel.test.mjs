// wa-accountsctl migrate, seen by a real Laravel: its models read the same on both sides, and its own migrator
// takes the migration for one that has been run.

import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { startLaravel } from './lib/laravel.mjs';
import { FOLD, OLD_WORD, dump, isSameDump, legacyStack, succeeds } from './lib/legacy.mjs';
import { source } from './lib/stack.mjs';

const MIGRATION = '2025_11_14_000000_rename_whatsapp_sessions_to_accounts';
/** What an account has that no session had, and its value then. */
const NEW = { account_name: null, assigned_instance_url: null, connect_deadline_at: null, qr_expires_at: null,
  state_version: 0 };

async function startBoth() {
  /* Logins in files: whoever reads changes no table. */
  const stack = await legacyStack('field', { rows: 200, large: false, nginx: true,
    env: { SESSION_DRIVER: 'file', APP_DEBUG: 'true' } });
  try {
    return { stack, laravel: await startLaravel(stack, { workers: 1 }) };
  } catch (error) {
    await stack.stop();
    throw error;
  }
}

describe('the application\'s models', () => {
  let stack, laravel, page, sessions, accounts, before_;
  before(async () => {
    ({ stack, laravel } = await startBoth());
    page = laravel.browser();
    await page.visit('/login');
  });
  after(() => stack?.stop());

  async function ask(method, path, json, status = 200) {
    const answer = await page.call(method, `/php/all/${path}`, { json });
    assert.equal(answer.status, status, `${method} ${path}: ${answer.text.slice(0, 400)}`);
    return answer.json;
  }

  const isObject = (value) => value !== null && typeof value === 'object';
  const NAMES = { whatsapp_session_id: 'whatsapp_account_id', whatsapp_session: 'whatsapp_account',
    source_session_id: 'source_account_id', source_session: 'source_account' };
  /** The same under the names of today, but for what a session holds. */
  function renamed(value, name) {
    if (!isObject(value) || ['metadata', 'session_data'].includes(name)) return value;
    if (Array.isArray(value)) return value.map((one) => renamed(one));
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [NAMES[key] ?? key, renamed(one, key)]));
  }
  const asAccount = ({ status, ...columns }, created) => ({ ...columns, ...NEW, ...created,
    connection_status: FOLD[status], status: OLD_WORD[FOLD[status]] });
  /** What the models of today must make of what those of before have made. */
  function asAccounts(old) {
    const words = new Map(old.rows.map(({ shown: { id, status } }) => [id, OLD_WORD[FOLD[status]]]));
    return renamed({ ...old,
      by_word: Object.fromEntries(Object.values(OLD_WORD).map((word) => [word,
        old.live.filter((id) => words.get(id) === word)])),
      chats_of_connected: old.around.chats.filter((chat) => words.get(chat.whatsapp_session?.id) === 'connected')
        .map(({ id }) => id),
      rows: old.rows.map((row) => ({ ...row, shown: asAccount(row.shown), stored: asAccount(row.stored) })) });
  }
  /* Of two large objects the difference is shown of the first part that differs. */
  function isSame(now, expected) {
    assert.equal(now.rows.length, expected.rows.length);
    for (const [i, row] of now.rows.entries()) assert.deepEqual(row, expected.rows[i]);
    for (const [name, rows] of Object.entries(now.around)) {
      for (const [i, row] of rows.entries()) assert.deepEqual(row, expected.around[name][i], name);
    }
    assert.deepEqual(now, expected);
  }

  test('read sessions, and write them', async () => {
    const session_data = { creds: { me: { name: 'Budi "B" \\ </script> ü 日本 😀' } }, keys: 'x'.repeat(300_000),
      numbers: [1.5, 0, -1e21, true, null], empty: [], path: 'a/b' };
    const { shown, session_data: read } = await ask('POST', 'sessions', { workspace_id: 1, created_by: 1,
      session_id: 'webjs_1_1763000000_laravel1', provider_type: 'webjs', status: 'authenticated', session_data,
      phone_number: '+62 812-0000 9999', metadata: { note: 'ü/"', recent_failures: 2 }, is_active: true,
      last_activity_at: '2025-11-14 03:04:05' }, 201);
    assert.equal(shown.status, 'authenticated');
    assert.deepEqual(read.value, session_data);

    before_ = await dump(stack);
    sessions = await ask('GET', 'sessions');
    assert.equal(sessions.rows.length, 201);
    const count = (passes) => sessions.rows.filter(passes).length;
    assert.ok(count(({ session_data: { value } }) => isObject(value)) > 50, 'many are decrypted');
    assert.ok(count(({ session_data: { error } }) => error === 'The MAC is invalid.') > 10, 'some have a lost key');
    assert.ok(count(({ shown: { deleted_at } }) => deleted_at !== null) > 10, 'some are deleted');
    assert.ok(count(({ shown: { contacts, chats_count: chats } }) => contacts.length > 0 && chats > 0) > 50);
    assert.ok(sessions.connected.includes(shown.id) && sessions.connected.length > 1);
    isSameDump(await dump(stack), before_);
  });

  test('read the same of accounts, under the names of today', async () => {
    await succeeds(stack, 'up', '--yes');
    accounts = await ask('GET', 'accounts');
    isSame(accounts, asAccounts(sessions));
    for (const [word, ids] of Object.entries(accounts.by_word)) assert.notEqual(ids.length, 0, word);
    assert.deepEqual(accounts.by_word.connected, accounts.connected, 'status = \'connected\' finds the connected ones');
    assert.notEqual(accounts.chats_of_connected.length, 0);
    await succeeds(stack, 'verify');
    const { status } = await page.get('/php/all/sessions');
    assert.equal(status, 500, 'nobody reads sessions any more');
  });

  test('read the same of sessions after the way back', async () => {
    await succeeds(stack, 'down', '--yes');
    isSameDump(await dump(stack), before_);
    isSame(await ask('GET', 'sessions'), sessions);
  });

  test('find what those of today have written meanwhile, and that again after another way up', async () => {
    await succeeds(stack, 'up', '--yes');
    const one = accounts.rows.find(({ shown: { connection_status: state, deleted_at, metadata }, session_data }) =>
      state === 'connected' && deleted_at === null && metadata !== null && isObject(session_data.value)).shown;
    const text = { session_data: { creds: ['new ü 😀'] }, metadata: { a: 2, b: { c: ['/'] } } };
    const changed = await ask('PATCH', `accounts/${one.id}`, { ...text, connection_status: 'error',
      account_name: 'Kasir "1"', last_activity_at: '2025-11-20 10:11:12' });
    const made = await ask('POST', 'accounts', { ...text, workspace_id: 2, created_by: 1, account_name: 'שלום 😀',
      phone_number: '+62 812-0000 8888', provider_type: 'webjs', connection_status: 'connecting' }, 201);
    await succeeds(stack, 'verify');

    await succeeds(stack, 'down', '--yes');
    const old = await ask('GET', 'sessions');
    const sessionOf = ({ shown: { id } }) => old.rows.find(({ shown }) => shown.id === id);
    for (const [account, word] of [[changed, 'failed'], [made, 'qr_scanning']]) {
      const session = sessionOf(account);
      assert.equal(account.shown.status, word, 'what the account has shown');
      assert.equal(session.shown.status, word);
      assert.deepEqual(session.session_data, account.session_data);
      assert.equal(session.stored.session_data, account.stored.session_data);
      for (const name of ['uuid', 'phone_number', 'metadata', 'is_primary', 'is_active', 'last_activity_at',
        'created_at', 'updated_at']) assert.deepEqual(session.shown[name], account.shown[name], name);
    }
    const others = ({ rows }) => rows.filter(({ shown: { id } }) => ![one.id, made.shown.id].includes(id));
    assert.deepEqual(others(old), others(sessions));

    await succeeds(stack, 'up', '--yes');
    const again = await ask('GET', 'accounts');
    for (const { shown: { id, account_name: name }, session_data } of [changed, made]) {
      const row = again.rows.find(({ shown }) => shown.id === id);
      assert.equal(row.shown.account_name, name);
      assert.deepEqual(row.session_data, session_data);
    }
  });
});

describe('the application\'s migrator', () => {
  let stack, laravel, folder, before_;
  before(async () => {
    ({ stack, laravel } = await startBoth());
    folder = `${stack.dir}/migrations`;
    mkdirSync(folder);
    copyFileSync(`${source}/sql/${MIGRATION}.php`, `${folder}/${MIGRATION}.php`);
    before_ = await dump(stack);
  });
  after(() => stack?.stop());

  /** artisan, over the folder with the file that we ship: {code, out}. */
  const artisan = (command, ...args) => laravel.artisan(command, ...args, `--path=${folder}`, '--realpath',
    ...(command === 'migrate:status' ? [] : ['--force']));
  const batches = () => stack.column(`SELECT batch FROM migrations WHERE migration = '${MIGRATION}'`);
  /** It throws this sentence, and nothing is different afterwards. */
  async function refuses(sentence, ...command) {
    const earlier = await dump(stack);
    const { code, out } = await artisan(...command);
    assert.notEqual(code, 0, out);
    /* Lines end wherever the terminal is thought to. */
    assert.ok(out.replace(/\s/g, '').includes(sentence.replace(/\s/g, '')), out);
    isSameDump(await dump(stack), earlier, command.join(' '));
  }
  const UP = 'whatsapp_sessions becomes whatsapp_accounts by: wa-accountsctl --env .env migrate plan, then migrate up. '
    + 'Nothing was changed.';
  const DOWN = 'whatsapp_accounts becomes whatsapp_sessions again by: wa-accountsctl --env .env migrate down. '
    + 'Nothing was changed.';

  test('is told by the shipped file who does it, as long as it is not done', async () => {
    await refuses(UP, 'migrate');
    await refuses(UP, 'migrate', '--pretend');
    assert.match((await artisan('migrate:status')).out, /\| No +\| 2025_11_14_000000_rename/);
  });

  test('has nothing to do after migrate up, and cannot roll it back', async () => {
    await succeeds(stack, 'up', '--yes');
    assert.deepEqual(await batches(), ['4'], 'a batch of its own');
    const earlier = await dump(stack);
    const { code, out } = await artisan('migrate');
    assert.equal(code, 0, out);
    assert.match(out, /Nothing to migrate/);
    assert.match((await artisan('migrate:status')).out, /\| Yes +\| 2025_11_14_000000_rename\w+ +\| 4 /);
    isSameDump(await dump(stack), earlier);
    await refuses(DOWN, 'migrate:rollback');
    await refuses(DOWN, 'migrate:reset');
    assert.deepEqual(await batches(), ['4']);
  });

  test('runs what comes after it, and rolls that back alone', async () => {
    writeFileSync(`${folder}/2025_12_01_000000_create_later_table.php`, `<?php
use Illuminate\\Database\\Migrations\\Migration;
use Illuminate\\Database\\Schema\\Blueprint;
use Illuminate\\Support\\Facades\\Schema;

return new class extends Migration
{
    public function up()
    {
        Schema::create('later', fn (Blueprint $table) =>
            $table->foreignId('account')->constrained('whatsapp_accounts'));
    }

    public function down()
    {
        Schema::drop('later');
    }
};
`);
    const earlier = await dump(stack);
    for (const [command, done] of [['migrate', /Migrated: +2025_12/], ['migrate:rollback', /Rolled back: +2025_12/]]) {
      const { code, out } = await artisan(command);
      assert.equal(code, 0, out);
      assert.match(out, done);
    }
    const now = await dump(stack);
    for (const tables of [now, earlier]) tables.set('migrations', tables.get('migrations').replace(/AUTO_\w+=\d+/, ''));
    isSameDump(now, earlier);
    await refuses(DOWN, 'migrate:rollback');
  });

  test('is told again after migrate down', async () => {
    await succeeds(stack, 'down', '--yes');
    assert.deepEqual(await batches(), []);
    isSameDump(await dump(stack), before_);
    await refuses(UP, 'migrate');
  });
});
