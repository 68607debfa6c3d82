// wa-accountsctl migrate where it is not alone: duplicates that are resolved, what is written between up and down,
// faults that verify finds, and finalize.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isOk } from './lib/browser-expect.mjs';
import { literal, query } from './lib/database.mjs';
import { BASE, isBroadcasted } from './lib/expect.mjs';
import { phone, utc } from './lib/fixtures.mjs';
import { addNumberTwice, addSession, addTwoPrimaries, dump, ends, isSameDump, legacyStack, succeeds }
  from './lib/legacy.mjs';
import { logIn } from './lib/login.mjs';
import { broughtTo, stepsOf } from './lib/migrate.mjs';

async function make(t, variant = 'field', options = {}) {
  const stack = await legacyStack(variant, { rows: 40, large: false, env: { WA_MAX_ACCOUNTS: 1000 }, ...options });
  t.after(() => stack.stop());
  return stack;
}

const accountOf = async (stack, id) => (await stack.sql(`SELECT *, wa_old_status FROM whatsapp_accounts
  WHERE id = ${id}`))[0];
const sessionOf = async (stack, id) => (await stack.sql(`SELECT * FROM whatsapp_sessions WHERE id = ${id}`))[0];

describe('--resolve=newest-wins', () => {
  /* The winner first. */
  const RULES = {
    'the connected one': [{ status: 'connected', last_activity_at: '2025-01-01 00:00:00' },
      { status: 'disconnected', last_activity_at: '2025-11-01 00:00:00' }],
    'one that counts as connected': [{ status: 'authenticated', last_activity_at: null },
      { status: 'failed', last_activity_at: '2025-11-01 00:00:00' }],
    'the latest activity': [{ status: 'connected', last_activity_at: '2025-11-02 00:00:00' },
      { status: 'connected', last_activity_at: '2025-11-01 00:00:00' }],
    'any activity rather than none': [{ last_activity_at: '2024-11-02 00:00:00' }, { last_activity_at: null }],
  };

  test(`keeps ${Object.keys(RULES).join(', ')}; the others are named, and come back with down`, async (t) => {
    const stack = await make(t);
    const pairs = [];
    let workspace_id = 10;
    /* In both orders, so that the ids do not decide. */
    for (const [rule, [winner, loser]] of Object.entries(RULES)) {
      workspace_id++;
      const [kept, dropped] = await addNumberTwice(stack, 'field', { ...winner, workspace_id }, loser);
      const [usual, primary] = await addTwoPrimaries(stack, 'field', { ...loser, workspace_id }, winner);
      pairs.push({ rule, kept, dropped, usual, primary });
    }
    const before = await dump(stack);

    const out = await succeeds(stack, 'up', '--yes', '--resolve=newest-wins');
    for (const { rule, kept, dropped, usual, primary } of pairs) {
      for (const id of [dropped, usual]) assert.match(out, new RegExp(`\\b${id}\\b`), `it is said who lost: ${rule}`);
      assert.equal((await accountOf(stack, kept)).deleted_at, null, rule);
      assert.notEqual((await accountOf(stack, dropped)).deleted_at, null, rule);
      assert.equal((await accountOf(stack, primary)).is_primary, '1', rule);
      const { is_primary, deleted_at } = await accountOf(stack, usual);
      assert.deepEqual({ is_primary, deleted_at }, { is_primary: '0', deleted_at: null }, rule);
    }
    await succeeds(stack, 'verify');

    await succeeds(stack, 'down', '--yes');
    isSameDump(await dump(stack), before);
  });

  test('keeps the higher id where all else is equal, one of however many', async (t) => {
    const stack = await make(t);
    const number = { phone_number: '+62 777-0000 111', workspace_id: 4 };
    const same = { last_activity_at: '2025-11-01 00:00:00', status: 'connected' };
    const ids = [...await addNumberTwice(stack, 'field', same), await addSession(stack, 'field',
      { ...number, ...same })];
    const primaries = [...await addTwoPrimaries(stack, 'field', same), await addSession(stack, 'field',
      { ...same, workspace_id: 3, is_primary: 1 })];
    const before = await dump(stack);
    await succeeds(stack, 'up', '--yes', '--resolve=newest-wins');
    assert.deepEqual(await stack.column(`SELECT id FROM whatsapp_accounts WHERE id IN (${ids}) AND deleted_at IS NULL`),
      [String(ids[2])]);
    assert.deepEqual(await stack.column(`SELECT id FROM whatsapp_accounts WHERE id IN (${primaries}) AND is_primary`),
      [String(primaries[2])]);
    await succeeds(stack, 'down', '--yes');
    isSameDump(await dump(stack), before);
  });

  test('looks at numbers first: who lost that way is no primary to choose from', async (t) => {
    const stack = await make(t);
    await stack.sql('UPDATE whatsapp_sessions SET is_primary = 0, updated_at = updated_at WHERE workspace_id = 4');
    const [kept, lost] = await addNumberTwice(stack, 'field',
      { is_primary: 0, status: 'connected', last_activity_at: '2025-11-01 00:00:00' },
      { is_primary: 1, status: 'disconnected', last_activity_at: '2025-11-03 00:00:00' });
    const other = await addSession(stack, 'field', { workspace_id: 4, is_primary: 1, status: 'disconnected',
      last_activity_at: '2025-11-02 00:00:00' });
    const before = await dump(stack);
    await succeeds(stack, 'up', '--yes', '--resolve=newest-wins');
    assert.equal((await accountOf(stack, kept)).deleted_at, null);
    assert.notEqual((await accountOf(stack, lost)).deleted_at, null);
    assert.equal((await accountOf(stack, other)).is_primary, '1');
    await succeeds(stack, 'down', '--yes');
    isSameDump(await dump(stack), before);
  });

  test('does not take away other obstacles', async (t) => {
    const stack = await make(t);
    await addTwoPrimaries(stack, 'field');
    await addSession(stack, 'field', { workspace_id: 4242 });
    const before = await dump(stack);
    assert.match(await ends(1, stack, 'up', '--yes', '--resolve=newest-wins'), /^obstacle orphans/m);
    isSameDump(await dump(stack), before);
  });
});

describe('accounts of before the column status', () => {
  test('get it by schema apply, and are taken back to the byte', async (t) => {
    const stack = await make(t);
    const before = await dump(stack);
    await succeeds(stack, 'up', '--yes');
    const up = await dump(stack);
    await stack.sql(`ALTER TABLE whatsapp_accounts DROP COLUMN status; UPDATE wa_schema SET version = 2`);
    const { code, out } = await stack.ctl('schema', 'apply');
    assert.equal(code, 0, out);
    const table = 'whatsapp_accounts';
    assert.equal((await dump(stack)).get(table), up.get(table));
    await succeeds(stack, 'verify');
    await succeeds(stack, 'down', '--yes');
    isSameDump(await dump(stack), before);
  });

  test('whose migrate up was cut off get it when that goes on', async (t) => {
    const stack = await make(t);
    const steps = await stepsOf(stack, 'up');
    await (await broughtTo(stack, 'up', steps, { step: 'states', when: 'before' })).kill();
    await stack.sql(`ALTER TABLE whatsapp_accounts DROP COLUMN status;
      DELETE FROM wa_migration_steps WHERE step = 'status'`);
    assert.match(await succeeds(stack, 'up', '--yes'), /^step +\d+\/\d+ status +done in/m);
    assert.match(await succeeds(stack, 'verify'), /^ *ok +status: computed, 0 differ/m);
  });
});

describe('what is written between up and down', () => {
  const report = async (stack, account, status, more = {}) => isBroadcasted(await stack.fcgiSigned('POST',
    `${BASE}/broadcast`, { event: 'account-status-changed', data: { account_id: account.uuid,
      workspace_id: Number(account.workspace_id), status, ...more } }));

  test('is told by verify, and stands in the old words and columns after down', async (t) => {
    const stack = await make(t);
    const ids = {};
    for (const [name, status] of Object.entries({ same: 'authenticated', scanning: 'qr_scanning', drops: 'connected',
      connects: 'disconnected', fails: 'authenticated', pairs: 'disconnected', goes: 'connected',
      erased: 'disconnected', named: 'failed', back: 'authenticated' })) {
      ids[name] = await addSession(stack, 'field', { status, workspace_id: 2, session_data: name,
        phone_number: phone(), metadata: '{"kept":true}' });
    }
    const old = Object.fromEntries(await Promise.all(Object.entries(ids).map(async ([name, id]) =>
      [name, await sessionOf(stack, id)])));
    await succeeds(stack, 'up', '--yes');

    await stack.startPool();
    await report(stack, old.drops, 'disconnected');
    await report(stack, old.connects, 'connected');
    await report(stack, old.fails, 'failed');
    await report(stack, old.back, 'disconnected');
    await report(stack, old.back, 'connected');
    isBroadcasted(await stack.fcgiSigned('POST', `${BASE}/broadcast`, { event: 'qr-code-generated',
      data: { account_id: old.pairs.uuid, workspace_id: 2, qr_code: '2@new' } }));
    const owner = await logIn(stack, { user: 3, workspace: 2 });
    isOk(await owner.call('DELETE', `/${old.goes.uuid}`, { straight: true }));
    const created = isOk(await owner.call('POST', '', { straight: true, json: { phone_number: phone(),
      provider_type: 'webjs', account_name: 'New 😀' } }), 201).data;
    isOk(await owner.call('POST', `/${old.connects.uuid}/set-primary`, { straight: true }));
    assert.equal(await stack.stopPool(), true);
    await stack.sql(`UPDATE whatsapp_accounts SET account_name = 'A name', updated_at = UTC_TIMESTAMP()
        WHERE id = ${ids.named};
      DELETE FROM wa_outbox`);
    const versions = Object.fromEntries((await stack.sql(`SELECT id, state_version FROM whatsapp_accounts
      WHERE state_version > 0`)).map((row) => [row.id, row.state_version]));

    const out = await succeeds(stack, 'verify');
    assert.match(out, /\bchanged\b/);
    assert.doesNotMatch(out, /FAULT/);
    await succeeds(stack, 'down', '--yes');

    const now = Object.fromEntries(await Promise.all(Object.entries(ids).map(async ([name, id]) =>
      [name, await sessionOf(stack, id)])));
    for (const name of ['same', 'scanning', 'erased']) assert.deepEqual(now[name], old[name], name);
    now.named.updated_at = old.named.updated_at;
    assert.deepEqual(now.named, old.named, 'no column holds its name');
    const words = { drops: 'disconnected', connects: 'connected', fails: 'failed', pairs: 'qr_scanning',
      back: 'connected' };
    for (const [name, status] of Object.entries(words)) assert.equal(now[name].status, status, name);
    for (const name of Object.keys(ids)) assert.equal(now[name].session_data, name);
    assert.notEqual(now.goes.deleted_at, null);
    assert.equal(now.connects.is_primary, '1');
    assert.equal(now.pairs.qr_code, '2@new');
    const made = await sessionOf(stack, created.id);
    assert.equal(made.uuid, created.uuid);
    assert.equal(made.session_id, created.session_id);
    assert.equal(made.phone_number, created.phone_number);
    assert.deepEqual((await stack.column('SHOW TABLES')).filter((name) => name.startsWith('wa_')),
      ['wa_migration_kept'], 'only what the old columns do not hold');

    await succeeds(stack, 'up', '--yes');
    await succeeds(stack, 'verify');
    assert.equal((await accountOf(stack, ids.named)).account_name, 'A name');
    assert.equal((await accountOf(stack, created.id)).account_name, 'New 😀');
    assert.deepEqual(Object.fromEntries((await stack.sql(`SELECT id, state_version FROM whatsapp_accounts
      WHERE state_version > 0`)).map((row) => [row.id, row.state_version])), versions);
    assert.equal((await accountOf(stack, ids.pairs)).connection_status, 'connecting');
  });

  test('takes the nearest word that the old column has', async (t) => {
    const stack = await make(t, 'field', { rows: 20 });
    const id = await addSession(stack, 'field', { status: 'disconnected' });
    await stack.sql(`UPDATE whatsapp_sessions SET status = 'disconnected', updated_at = updated_at
        WHERE status IN ('failed', 'qr_scanning');
      ALTER TABLE whatsapp_sessions MODIFY status enum('authenticated', 'connected', 'disconnected') NOT NULL
        DEFAULT 'disconnected'`);
    const before = await dump(stack);
    await succeeds(stack, 'up', '--yes');
    await stack.sql(`UPDATE whatsapp_accounts SET connection_status = 'error', updated_at = UTC_TIMESTAMP()
      WHERE id = ${id}`);
    await succeeds(stack, 'down', '--yes');
    const { status } = await sessionOf(stack, id);
    assert.equal(status, 'disconnected');
    assert.ok(before.size > 0);
  });

  test('survives in a table that was narrower: numbers that its unique key refuses, names, states', async (t) => {
    const stack = await make(t, 'bare', { rows: 40 });
    await succeeds(stack, 'up', '--yes');
    await stack.startPool();
    const number = phone();
    const people = [await logIn(stack), await logIn(stack)];
    const made = [];
    for (const person of people) {
      made.push(isOk(await person.call('POST', '', { straight: true, json: { phone_number: number,
        provider_type: 'webjs', account_name: 'Ünïcödé 😀' } }), 201).data);
    }
    await report(stack, { uuid: made[0].uuid, workspace_id: people[0].workspace }, 'connected',
      { metadata: { battery: 80 } });
    assert.equal(await stack.stopPool(), true);
    await stack.sql('DELETE FROM wa_outbox');
    const all = () => stack.sql(`SELECT id, uuid, account_name, phone_number, connection_status, session_id, metadata,
      is_active, is_primary, state_version, created_by, workspace_id, last_connected_at, created_at, deleted_at
      FROM whatsapp_accounts ORDER BY id`);
    const before = await all();
    await succeeds(stack, 'down', '--yes');
    for (const { id, uuid } of made) assert.equal((await sessionOf(stack, id)).uuid, uuid);
    await succeeds(stack, 'up', '--yes');
    await succeeds(stack, 'verify');
    assert.deepEqual(await all(), before);
  });

  test('keeps a long name and a session_id where the old table had names only', async (t) => {
    const stack = await make(t, 'seed', { rows: 40 });
    const id = await addSession(stack, 'seed', { session_name: 'Old' });
    await succeeds(stack, 'up', '--yes');
    assert.equal((await accountOf(stack, id)).account_name, 'Old');
    const name = 'é'.repeat(255);
    await stack.sql(`UPDATE whatsapp_accounts SET account_name = ${literal(name)},
      session_id = 'webjs_1_1763000000_new', updated_at = UTC_TIMESTAMP() WHERE id = ${id}`);
    await succeeds(stack, 'down', '--yes');
    const { session_name } = await sessionOf(stack, id);
    assert.ok(session_name.length > 0 && name.startsWith(session_name), session_name);
    await succeeds(stack, 'up', '--yes');
    const { account_name, session_id } = await accountOf(stack, id);
    assert.deepEqual({ account_name, session_id }, { account_name: name, session_id: 'webjs_1_1763000000_new' });
  });

  test('gives up a kept value where the old table has a newer one', async (t) => {
    const stack = await make(t, 'seed', { rows: 20 });
    const id = await addSession(stack, 'seed', { session_name: 'Old' });
    await succeeds(stack, 'up', '--yes');
    await stack.sql(`UPDATE whatsapp_accounts SET account_name = ${literal('x'.repeat(250))},
      updated_at = UTC_TIMESTAMP() WHERE id = ${id}`);
    await succeeds(stack, 'down', '--yes');
    await stack.sql(`UPDATE whatsapp_sessions SET session_name = 'Newer', updated_at = UTC_TIMESTAMP()
      WHERE id = ${id}`);
    await succeeds(stack, 'up', '--yes');
    assert.equal((await accountOf(stack, id)).account_name, 'Newer');
  });

  test('leaves a number to the session that had it, when the old key allows it to one of them only', async (t) => {
    const stack = await make(t, 'bare', { rows: 20 });
    const number = '555111222';
    const taker = await addSession(stack, 'bare', { phone_number: null });
    const old = await addSession(stack, 'bare', { workspace_id: 2, phone_number: number,
      deleted_at: '2025-01-01 00:00:00' });
    const before = await sessionOf(stack, old);
    await succeeds(stack, 'up', '--yes');
    await stack.sql(`UPDATE whatsapp_accounts SET phone_number = ${number}, state_version = state_version + 1,
      updated_at = UTC_TIMESTAMP() WHERE id = ${taker}`);
    await succeeds(stack, 'down', '--yes');
    assert.deepEqual(await sessionOf(stack, old), before, 'nobody has written it');
    assert.equal((await sessionOf(stack, taker)).phone_number, null);
    await succeeds(stack, 'up', '--yes');
    assert.equal((await accountOf(stack, taker)).phone_number, number);
  });

  test('gives a kept number up where another session has it by now', async (t) => {
    const stack = await make(t, 'bare', { rows: 20 });
    await succeeds(stack, 'up', '--yes');
    await stack.sql(`INSERT INTO whatsapp_accounts (uuid, workspace_id, created_by, phone_number)
      VALUES ('a', 1, 1, '555111222'), ('b', 2, 1, '555111222')`);
    await succeeds(stack, 'down', '--yes');
    await stack.sql("UPDATE whatsapp_sessions SET phone_number = NULL WHERE uuid = 'a'");
    const id = await addSession(stack, 'bare', { workspace_id: 2, phone_number: '555111222' });
    await succeeds(stack, 'up', '--yes');
    assert.deepEqual(await stack.column("SELECT id FROM whatsapp_accounts WHERE phone_number = '555111222'"),
      [String(id)]);
  });

  test('brings NULL back as NULL where the old column has none', async (t) => {
    const stack = await make(t, 'seed', { rows: 20 });
    const id = await addSession(stack, 'seed', { session_name: 'Old' });
    await succeeds(stack, 'up', '--yes');
    await stack.sql(`UPDATE whatsapp_accounts SET account_name = NULL, updated_at = UTC_TIMESTAMP() WHERE id = ${id}`);
    await succeeds(stack, 'down', '--yes');
    await succeeds(stack, 'up', '--yes');
    assert.equal((await accountOf(stack, id)).account_name, null);

    const field = await make(t, 'field', { rows: 20 });
    await succeeds(field, 'up', '--yes');
    await field.sql("INSERT INTO whatsapp_accounts (uuid, workspace_id, created_by) VALUES ('a', 1, 1), ('b', 1, 1)");
    await succeeds(field, 'down', '--yes');
    await succeeds(field, 'up', '--yes');
    assert.deepEqual(await field.sql("SELECT session_id FROM whatsapp_accounts WHERE uuid IN ('a', 'b')"),
      [{ session_id: null }, { session_id: null }]);
  });

  test('is kept through another way up and down, and forgotten with its row', async (t) => {
    const stack = await make(t, 'field', { rows: 20 });
    await succeeds(stack, 'up', '--yes');
    await stack.sql(`INSERT INTO whatsapp_accounts (uuid, workspace_id, created_by, account_name, state_version)
      VALUES ('a', 1, 1, 'A name', 7)`);
    for (let i = 0; i < 2; i++) {
      await succeeds(stack, 'down', '--yes');
      await succeeds(stack, 'up', '--yes');
      assert.deepEqual(await stack.sql("SELECT account_name, state_version FROM whatsapp_accounts WHERE uuid = 'a'"),
        [{ account_name: 'A name', state_version: '7' }]);
    }
    await succeeds(stack, 'down', '--yes');
    await stack.sql("DELETE FROM whatsapp_sessions WHERE uuid = 'a'");
    await succeeds(stack, 'up', '--yes');
    await succeeds(stack, 'down', '--yes');
    assert.deepEqual((await stack.column('SHOW TABLES')).filter((name) => name.startsWith('wa_')), []);
  });

  test('does not lose what waits in the outbox', async (t) => {
    const stack = await make(t, 'field', { rows: 20 });
    await succeeds(stack, 'up', '--yes');
    await stack.startPool();
    const [account] = await stack.sql(`SELECT uuid, workspace_id FROM whatsapp_accounts
      WHERE deleted_at IS NULL LIMIT 1`);
    await report(stack, account, 'connected');
    await report(stack, account, 'disconnected');
    assert.equal(await stack.stopPool(), true);
    const rows = () => stack.sql('SELECT * FROM wa_outbox ORDER BY id');
    const before = await rows();
    assert.ok(before.length > 0);
    await succeeds(stack, 'down', '--yes');
    assert.deepEqual(await rows(), before);
    await succeeds(stack, 'up', '--yes');
    assert.deepEqual(await rows(), before);
  });
});

describe('what is cut off', () => {
  test('before the rebuild gives the losers of newest-wins back with down', async (t) => {
    const stack = await make(t);
    await addTwoPrimaries(stack, 'field');
    await addNumberTwice(stack, 'field');
    const before = await dump(stack);
    const tool = await broughtTo(stack, 'up', await stepsOf(stack, 'up'), { step: 'resolve', when: 'after' }, '--yes',
      '--resolve=newest-wins');
    await tool.kill();
    await succeeds(stack, 'down', '--yes');
    isSameDump(await dump(stack), before);
  });

  test('keeps the pool and schema apply out until it is finished', async (t) => {
    const stack = await make(t);
    const tool = await broughtTo(stack, 'up', await stepsOf(stack, 'up'), { step: 'states', when: 'before' }, '--yes');
    await tool.kill();
    for (const command of ['apply', 'check']) {
      const { code, out } = await stack.ctl('schema', command);
      assert.equal(code, 78, out);
      assert.match(out, /a migration is not finished/);
    }
    await ends(1, stack, 'verify');
    await succeeds(stack, 'up', '--yes');
    assert.equal((await stack.ctl('schema', 'check')).code, 0);
  });

  test('in finalize can only be finished, and the pool serves meanwhile', async (t) => {
    const stack = await make(t);
    await succeeds(stack, 'up', '--yes');
    await stack.sql(`UPDATE wa_migration SET direction = 'finalize', finished_at = NULL;
      ALTER TABLE whatsapp_accounts DROP COLUMN wa_old_status;
      DROP TABLE wa_migration_rows, wa_migration_steps`);
    assert.equal((await stack.ctl('schema', 'check')).code, 0);
    for (const command of ['up', 'down']) assert.match(await ends(1, stack, command, '--yes'), /migrate\s+finalize/);
    await succeeds(stack, 'finalize', '--yes');
    assert.deepEqual((await stack.column('SHOW TABLES')).filter((name) => name.startsWith('wa_migration')), []);
  });
});

test('a row of Laravel\'s that was there before up is there after down', async (t) => {
  const stack = await make(t);
  await stack.sql(`INSERT INTO migrations (migration, batch)
    VALUES ('2025_11_14_000000_rename_whatsapp_sessions_to_accounts', 3)`);
  const before = await dump(stack);
  await succeeds(stack, 'up', '--yes');
  await succeeds(stack, 'down', '--yes');
  isSameDump(await dump(stack), before);
});

describe('what is written until the rename', () => {
  for (const moment of [{ step: 'record', when: 'after' }, { step: 'rebuild', when: 'after' }]) {
    test(`is no fault, and stays: ${moment.when} ${moment.step}`, async (t) => {
      const stack = await make(t);
      const [first, second] = await stack.column('SELECT id FROM whatsapp_sessions ORDER BY id LIMIT 2');
      const tool = await broughtTo(stack, 'up', await stepsOf(stack, 'up'), moment, '--yes');
      await stack.sql(`UPDATE whatsapp_sessions SET last_activity_at = '2025-11-20 01:02:03' WHERE id = ${first};
        DELETE FROM whatsapp_sessions WHERE id = ${second}`);
      const third = await addSession(stack, 'field', { status: 'authenticated' });
      const rows = () => stack.sql('SELECT * FROM whatsapp_sessions ORDER BY id');
      const columns = (await stack.column(`SELECT name FROM wa_migration_columns ORDER BY position`));
      const before = await stack.sql(`SELECT ${columns.join(', ')} FROM whatsapp_sessions ORDER BY id`);
      tool.go(100);
      assert.equal(await tool.ends(), 0, tool.out());
      assert.match(tool.out(), /^ *changed +last_activity_at /m);
      assert.deepEqual(await stack.column(`SELECT trigger_name FROM information_schema.triggers
        WHERE trigger_schema = DATABASE()`), []);
      assert.equal((await accountOf(stack, third)).connection_status, 'connected');
      await succeeds(stack, 'verify');
      await succeeds(stack, 'down', '--yes');
      assert.deepEqual(await rows(), before);
    });
  }

  test('goes on where triggers may not be made, and it is said', async (t) => {
    const stack = await make(t);
    const { name } = stack.database;
    await query(stack.database.socket, `REVOKE TRIGGER ON ${name}.* FROM ${name}@localhost`);
    const out = await succeeds(stack, 'up', '--yes');
    assert.match(out, /triggers may not be made here/);
    await succeeds(stack, 'down', '--yes');
  });
});

describe('verify', () => {
  /** It is migrated; verify finds a fault after `harm`, and none after `mend`. */
  async function isFault(stack, harm, mend, what) {
    await stack.sql(harm);
    const out = await ends(1, stack, 'verify');
    assert.match(out, /\bFAULT\b/, harm);
    if (what) assert.ok(out.split('\n').some((line) => /\bFAULT\b/.test(line) && what.test(line)), out);
    if (mend) {
      await stack.sql(mend);
      await succeeds(stack, 'verify');
    }
  }

  test('finds each row that somebody has changed behind its back', async (t) => {
    const stack = await make(t);
    const id = await addSession(stack, 'field', { session_data: 'its bytes', phone_number: phone(),
      status: 'authenticated', last_activity_at: '2025-11-01 00:00:00' });
    await succeeds(stack, 'up', '--yes');
    assert.doesNotMatch(await succeeds(stack, 'verify'), /\bFAULT\b|\bchanged\b.*[1-9]/);
    const set = (sql) => `SET time_zone = '+00:00'; UPDATE whatsapp_accounts SET ${sql}, updated_at = updated_at
      WHERE id = ${id}`;
    const { phone_number } = await accountOf(stack, id);
    await isFault(stack, set("session_data = 'Its bytes'"), set("session_data = 'its bytes'"), /session_data/);
    await isFault(stack, set("session_data = 'its bytes '"), set("session_data = 'its bytes'"), /session_data/);
    await isFault(stack, set("session_data = NULL"), set("session_data = 'its bytes'"), /session_data/);
    await isFault(stack, set("phone_number = ''"), set(`phone_number = ${literal(phone_number)}`), /phone_number/);
    await isFault(stack, set("last_activity_at = '2025-11-01 07:00:00'"),
      set("last_activity_at = '2025-11-01 00:00:00'"), /last_activity_at/);
    await isFault(stack, set("connection_status = 'disconnected'"), set("connection_status = 'connected'"));
    await isFault(stack, set("wa_old_status = 'failed'"), set("wa_old_status = 'authenticated'"));
    await isFault(stack, set('workspace_id = 2'), set('workspace_id = 1'), /workspace_id/);
  });

  test('finds that status does not say the old word, and takes it for changed when it was dropped', async (t) => {
    const stack = await make(t, 'field', { rows: 20 });
    const before = await dump(stack);
    await succeeds(stack, 'up', '--yes');
    const made = /\n +(`status` [^\n]+ VIRTUAL)/.exec((await stack.sql('SHOW CREATE TABLE whatsapp_accounts'))[0][
      'Create Table'])[1];
    const become = (column) => `ALTER TABLE whatsapp_accounts DROP COLUMN status; ALTER TABLE whatsapp_accounts
      ADD COLUMN ${column}`;
    await isFault(stack, become("status varchar(20) AS ('connected') VIRTUAL"), become(made), /\bstatus: computed, [1-9]/);
    await isFault(stack, `${become('status varchar(20)')}; UPDATE whatsapp_accounts SET updated_at = updated_at, status =
      ELT(FIELD(connection_status, 'connecting', 'error'), 'qr_scanning', 'failed')`, become(made), /\bstatus: not computed/);
    await stack.sql('ALTER TABLE whatsapp_accounts DROP COLUMN status');
    assert.match(await succeeds(stack, 'verify'), /^ *changed +status: there is no such column/m);
    await succeeds(stack, 'down', '--yes');
    isSameDump(await dump(stack), before);
  });

  test('finds a row that is gone', async (t) => {
    const stack = await make(t);
    await succeeds(stack, 'up', '--yes');
    await isFault(stack, 'DELETE FROM whatsapp_accounts ORDER BY id DESC LIMIT 1');
  });

  test('takes a row whose updated_at tells of it for changed', async (t) => {
    const stack = await make(t);
    await succeeds(stack, 'up', '--yes');
    await stack.sql(`UPDATE whatsapp_accounts SET session_data = 'other bytes', connection_status = 'error',
      updated_at = UTC_TIMESTAMP() WHERE id = (SELECT MIN(id) FROM whatsapp_accounts)`);
    assert.match(await succeeds(stack, 'verify'), /\bchanged\b/);
  });

  test('finds foreign keys, keys and columns that are missing', async (t) => {
    const stack = await make(t);
    await succeeds(stack, 'up', '--yes');
    for (const [harm, mend] of [
      ['ALTER TABLE chats DROP FOREIGN KEY chats_whatsapp_session_id_foreign',
        `ALTER TABLE chats ADD CONSTRAINT chats_whatsapp_session_id_foreign FOREIGN KEY (whatsapp_account_id)
          REFERENCES whatsapp_accounts (id) ON DELETE SET NULL`],
      [`ALTER TABLE chats DROP FOREIGN KEY chats_whatsapp_session_id_foreign,
          ADD CONSTRAINT other FOREIGN KEY (whatsapp_account_id) REFERENCES whatsapp_accounts (id) ON DELETE CASCADE`,
        `ALTER TABLE chats DROP FOREIGN KEY other; ALTER TABLE chats ADD CONSTRAINT chats_whatsapp_session_id_foreign
          FOREIGN KEY (whatsapp_account_id) REFERENCES whatsapp_accounts (id) ON DELETE SET NULL`],
      ['ALTER TABLE whatsapp_accounts DROP KEY whatsapp_accounts_live_phone_unique',
        'ALTER TABLE whatsapp_accounts ADD UNIQUE whatsapp_accounts_live_phone_unique (workspace_id, live_phone)'],
      ['ALTER TABLE whatsapp_accounts DROP KEY whatsapp_accounts_live_primary_unique',
        'ALTER TABLE whatsapp_accounts ADD UNIQUE whatsapp_accounts_live_primary_unique (workspace_id, live_primary)'],
      ['ALTER TABLE session_cleanup_logs DROP FOREIGN KEY session_cleanup_logs_session_id_foreign', null],
    ]) await isFault(stack, harm, mend);
  });

  test('lists session_data that no key opens, which is no fault', async (t) => {
    const stack = await make(t, 'field', { rows: 20 });
    const lost = await addSession(stack, 'field', { session_data: 'eyJpdiI6Im5vbmUifQ==' });
    await succeeds(stack, 'up', '--yes');
    const out = await succeeds(stack, 'verify');
    const told = out.split('\n').filter((line) => /session_data|decrypt|sealed|opens?\b/.test(line)).join('\n');
    assert.match(told, /\b\d+\b/, out);
    assert.match(out, new RegExp(`\\b${lost}\\b`), 'it is named');
  });

  test('of a database that is not migrated says so', async (t) => {
    const stack = await make(t, 'field', { rows: 20 });
    const before = await dump(stack);
    assert.match(await ends(1, stack, 'verify'), /no whatsapp_accounts/);
    isSameDump(await dump(stack), before);
  });
});

test('Laravel\'s table of migrations has our row while it is up', async (t) => {
  const stack = await make(t, 'field', { rows: 20 });
  const rows = () => stack.sql('SELECT migration, batch FROM migrations ORDER BY id');
  const before = await rows();
  await succeeds(stack, 'up', '--yes');
  const batch = String(1 + Math.max(...before.map((row) => Number(row.batch))));
  assert.deepEqual(await rows(), [...before,
    { migration: '2025_11_14_000000_rename_whatsapp_sessions_to_accounts', batch }]);
  await succeeds(stack, 'down', '--yes');
  assert.deepEqual(await rows(), before);
});

describe('finalize', () => {
  const ours = (stack) => stack.column(`SELECT table_name FROM information_schema.tables
    WHERE table_schema = DATABASE() AND table_name LIKE 'wa\\_migration%'`);

  test('takes away what only the way back needs; from then on there is none', async (t) => {
    const stack = await make(t);
    await succeeds(stack, 'up', '--yes');
    assert.notEqual((await ours(stack)).length, 0);
    const rows = () => stack.sql('SELECT * FROM whatsapp_accounts ORDER BY id');
    const before = await rows();
    await succeeds(stack, 'finalize', '--yes');
    assert.deepEqual(await ours(stack), []);
    assert.equal(await stack.value(`SELECT COUNT(*) FROM information_schema.columns WHERE table_schema = DATABASE()
      AND column_name = 'wa_old_status'`), '0');
    assert.deepEqual(await rows(), before);

    const after = await dump(stack);
    await succeeds(stack, 'verify');
    await ends(1, stack, 'down', '--yes');
    await succeeds(stack, 'up', '--yes');
    isSameDump(await dump(stack), after);
    await stack.startPool();
    assert.equal((await stack.fcgiSigned('GET', `${BASE}/active`)).status, 200);
  });

  test('is refused before up, and does nothing the second time', async (t) => {
    const stack = await make(t, 'field', { rows: 20 });
    const before = await dump(stack);
    await ends(1, stack, 'finalize', '--yes');
    isSameDump(await dump(stack), before);
    await succeeds(stack, 'up', '--yes');
    await succeeds(stack, 'finalize', '--yes');
    const after = await dump(stack);
    await succeeds(stack, 'finalize', '--yes');
    isSameDump(await dump(stack), after);
  });

  test('keeps the losers where newest-wins has put them', async (t) => {
    const stack = await make(t, 'field', { rows: 20 });
    const [, loser] = await addNumberTwice(stack, 'field', { status: 'connected' }, { status: 'disconnected' });
    await succeeds(stack, 'up', '--yes', '--resolve=newest-wins');
    await succeeds(stack, 'finalize', '--yes');
    const [{ deleted_at }] = await stack.sql(`SELECT deleted_at FROM whatsapp_accounts WHERE id = ${loser}`);
    assert.ok(deleted_at <= utc(86400) && deleted_at > '2025');
  });
});
