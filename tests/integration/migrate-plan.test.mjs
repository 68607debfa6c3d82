// wa-accountsctl migrate plan: what it finds, and that nothing is done when something stands in the way.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { literal, query } from './lib/database.mjs';
import { addNumberTwice, addSession, addTwoPrimaries, dump, ends, isSameDump, legacyStack, migrate, succeeds }
  from './lib/legacy.mjs';
import { startStack } from './lib/stack.mjs';

const UP = ['begin', 'record', 'resolve', 'rebuild', 'rename', 'accounts', 'status', 'chats',
  'campaign_logs', 'contact_accounts', 'whatsapp_groups', 'contacts', 'states', 'kept', 'laravel', 'verify', 'schema'];
const DOWN = ['close', 'rename', 'status', 'sessions', 'chats', 'campaign_logs', 'contact_sessions',
  'whatsapp_groups', 'contacts', 'words', 'keep', 'rebuild', 'restore', 'laravel', 'check', 'forget'];

/** A small database of this variant, for the time of one test. */
async function make(t, variant = 'field', options = {}) {
  const stack = await legacyStack(variant, { rows: 60, large: false, ...options });
  t.after(() => stack.stop());
  return stack;
}

/** The parts of a plan that tell of obstacles: {name, text, cures}. */
function obstaclesOf(out) {
  return out.split(/^(?=obstacle )/m).slice(1).map((part) => {
    const [first, ...others] = part.split('\n');
    const end = others.findIndex((line) => line !== '' && !/^\s/.test(line));
    const lines = end < 0 ? others : others.slice(0, end);
    const [, name, sentence] = /^obstacle (\w+): (.+)$/.exec(first) ?? assert.fail(`no obstacle: ${first}`);
    return { name, sentence, text: [first, ...lines].join('\n'),
      cures: lines.flatMap((line) => /^ {2}cure: (.+)$/.exec(line)?.[1] ?? []) };
  });
}

/** The names of the steps that a plan lists, in its order; they are numbered from one. */
function stepsOf(out) {
  const found = [...out.matchAll(/^step +(\d+) (\w+) +\S/gm)];
  assert.deepEqual(found.map((row) => Number(row[1])), found.map((_, i) => i + 1));
  return found.map((row) => row[2]);
}

/** Run `body`; afterwards nothing in the database is different. What it returns. */
async function leavesAll(stack, body) {
  const before = await dump(stack);
  const result = await body();
  isSameDump(await dump(stack), before);
  return result;
}

/** The plan names these obstacles and no others, and `up` refuses to begin. */
async function hasObstacles(stack, ...names) {
  return leavesAll(stack, async () => {
    const out = await ends(1, stack, 'plan');
    const found = obstaclesOf(out);
    assert.deepEqual(found.map(({ name }) => name).sort(), [...names].sort(), out);
    assert.match(out, new RegExp(`^${names.length} obstacles?$`, 'm'));
    for (const { name, cures } of found) assert.ok(cures.length > 0, `no cure for ${name}:\n${out}`);
    const refused = await ends(1, stack, 'up', '--yes');
    for (const name of names) assert.ok(refused.includes(`obstacle ${name}`), refused);
    return found;
  });
}

const isFree = async (stack) => assert.match(await succeeds(stack, 'plan'), /^no obstacles$/m);

const isSql = /^(UPDATE|DELETE|INSERT|DROP|ALTER|GRANT|CREATE) /;
/** Follow the advice; it is SQL. */
async function cure(stack, obstacle) {
  for (const sql of obstacle.cures) {
    assert.match(sql, isSql);
    await stack.sql(sql);
  }
}

describe('plan', () => {
  test('lists the tables with their sizes and the steps with their names, and changes nothing', async (t) => {
    const stack = await make(t, 'field', { rows: 300 });
    const out = await leavesAll(stack, () => succeeds(stack, 'plan'));
    assert.deepEqual(stepsOf(out), UP);
    assert.match(out, /^ +status +is computed from connection_status/m);
    for (const table of ['whatsapp_sessions', 'chats', 'campaign_logs', 'contact_sessions', 'whatsapp_groups',
      'contacts', 'session_cleanup_logs']) assert.ok(out.includes(table), `${table}:\n${out}`);
    assert.match(out, /^no obstacles$/m);
  });

  test('takes the standard order on each schema, whatever there is nothing to do for', async (t) => {
    const stack = await make(t, 'seed');
    assert.deepEqual(stepsOf(await succeeds(stack, 'plan')), UP);
  });

  test('warns of views and triggers that name what will have another name', async (t) => {
    const stack = await make(t);
    await stack.sql(`CREATE VIEW open_sessions AS SELECT id, status FROM whatsapp_sessions;
      CREATE TRIGGER teams_note AFTER INSERT ON teams FOR EACH ROW
        UPDATE whatsapp_sessions SET is_active = 1 WHERE id = 0;
      CREATE TRIGGER chats_note AFTER INSERT ON chats FOR EACH ROW
        UPDATE contacts SET source_session_id = NEW.contact_id WHERE id = 0`);
    const out = await leavesAll(stack, () => succeeds(stack, 'plan'));
    const notes = out.split('\n').filter((line) => line.startsWith('note: ')).join('\n');
    for (const name of ['open_sessions', 'teams_note', 'chats_note']) {
      assert.ok(notes.includes(name), `${name}:\n${out}`);
    }
  });

  test('says that a database is migrated already, or was never Laravel\'s', async (t) => {
    const stack = await make(t);
    await succeeds(stack, 'up', '--yes');
    await leavesAll(stack, () => succeeds(stack, 'plan'));

    const fresh = await startStack({ pool: false, nginx: false });
    t.after(() => fresh.stop());
    await leavesAll(fresh, () => succeeds(fresh, 'plan'));
  });

  test('of an empty database says that there is nothing to migrate', async (t) => {
    const stack = await startStack({ schema: false, pool: false, nginx: false });
    t.after(() => stack.stop());
    const out = await leavesAll(stack, () => ends(1, stack, 'plan'));
    assert.match(out, /whatsapp_sessions/);
    await leavesAll(stack, () => ends(1, stack, 'up', '--yes'));
  });
});

describe('an obstacle', () => {
  test('two_primaries is two live primaries of one workspace', async (t) => {
    const stack = await make(t);
    const ids = await addTwoPrimaries(stack, 'field');
    await addSession(stack, 'field', { workspace_id: 3, is_primary: 1, deleted_at: '2025-10-01 10:00:00' });
    const [obstacle] = await hasObstacles(stack, 'two_primaries');
    for (const id of ids) assert.match(obstacle.text, new RegExp(`\\b${id}\\b`));
    await cure(stack, obstacle);
    await isFree(stack);
    assert.equal(await stack.value(`SELECT SUM(is_primary) FROM whatsapp_sessions
      WHERE workspace_id = 3 AND deleted_at IS NULL`), '1', 'one of them is left');
  });

  test('phone_twice is one number of two live sessions, however it is written', async (t) => {
    const stack = await make(t);
    const ids = await addNumberTwice(stack, 'field');
    /* Neither a deleted one, nor one of another workspace. */
    await addSession(stack, 'field', { workspace_id: 4, phone_number: '627770000111',
      deleted_at: '2025-10-01 10:00:00' });
    await addSession(stack, 'field', { workspace_id: 5, phone_number: '627770000111' });
    const [obstacle] = await hasObstacles(stack, 'phone_twice');
    for (const id of ids) assert.match(obstacle.text, new RegExp(`\\b${id}\\b`));
    await cure(stack, obstacle);
    await isFree(stack);
    assert.equal(await stack.value(`SELECT COUNT(*) FROM whatsapp_sessions WHERE workspace_id = 4
      AND phone_number LIKE '%777%' AND deleted_at IS NULL`), '1', 'one of them is left');
  });

  for (const variant of ['field', 'bare']) {
    test(`orphans is a session whose workspace or maker is gone: "${variant}"`, async (t) => {
      const stack = await make(t, variant);
      const ids = [await addSession(stack, variant, { workspace_id: 4242 }),
        await addSession(stack, variant, { created_by: 4343 })];
      const found = await hasObstacles(stack, 'orphans', 'orphans');
      found.forEach(({ text }, i) => assert.match(text, new RegExp(`\\b${ids[i]}\\b`)));
      for (const obstacle of found) await cure(stack, obstacle);
      await isFree(stack);
    });
  }

  for (const [variant, status] of [['seed', 'paused'], ['seed', ''], ['seed', 'Connected 1'], ['field', '']]) {
    test(`unknown_state is a word that no state has: ${literal(status)} in "${variant}"`, async (t) => {
      const stack = await make(t, variant);
      const id = await addSession(stack, variant, { status });
      const [obstacle] = await hasObstacles(stack, 'unknown_state');
      assert.ok(obstacle.text.includes(status), obstacle.text);
      assert.match(obstacle.text, new RegExp(`\\b${id}\\b`));
      await cure(stack, obstacle);
      await isFree(stack);
    });
  }

  test('unknown_provider is a word that the new column does not have', async (t) => {
    const stack = await make(t, 'bare');
    const id = await addSession(stack, 'bare', { provider_type: 'twilio' });
    const [obstacle] = await hasObstacles(stack, 'unknown_provider');
    assert.ok(obstacle.text.includes('twilio'), obstacle.text);
    assert.match(obstacle.text, new RegExp(`\\b${id}\\b`));
    await cure(stack, obstacle);
    await isFree(stack);
  });

  test('session_id_twice is a name of two sessions, deleted ones too: the new column is unique', async (t) => {
    const stack = await make(t, 'bare');
    const session_id = 'webjs_1_1763000000_twice';
    const ids = [await addSession(stack, 'bare', { session_id }),
      await addSession(stack, 'bare', { session_id, deleted_at: '2025-10-01 10:00:00' })];
    const [obstacle] = await hasObstacles(stack, 'session_id_twice');
    assert.ok(obstacle.text.includes(session_id), obstacle.text);
    assert.match(obstacle.text, new RegExp(`\\b2 rows\\b.*\\b${Math.min(...ids)}\\b`));
    await cure(stack, obstacle);
    await isFree(stack);
    /* The one that was made last is the one that the Node.js service knows by it. */
    assert.equal(await stack.value(`SELECT session_id FROM whatsapp_sessions WHERE id = ${ids[1]}`), session_id);
  });

  test('accounts_exist is the table that a failed run of Laravel\'s own migration has left', async (t) => {
    const stack = await make(t);
    await stack.sql('CREATE TABLE whatsapp_accounts LIKE whatsapp_sessions');
    const [obstacle] = await hasObstacles(stack, 'accounts_exist');
    assert.match(obstacle.cures[0], /^DROP TABLE `?whatsapp_accounts`?;?$/);
    await cure(stack, obstacle);
    await isFree(stack);
  });

  test('accounts_exist says so when there are rows in it, which only a person can judge', async (t) => {
    const stack = await make(t);
    await stack.sql(`CREATE TABLE whatsapp_accounts LIKE whatsapp_sessions;
      INSERT INTO whatsapp_accounts SELECT * FROM whatsapp_sessions WHERE deleted_at IS NULL`);
    const rows = await stack.value('SELECT COUNT(*) FROM whatsapp_accounts');
    const [obstacle] = await hasObstacles(stack, 'accounts_exist');
    assert.match(obstacle.text, new RegExp(`\\b${rows}\\b`));
  });

  test('accounts_exist is a column that has the new name already, beside the old one', async (t) => {
    const stack = await make(t);
    await stack.sql(`ALTER TABLE chats ADD whatsapp_account_id bigint unsigned NULL;
      ALTER TABLE contacts ADD source_account_id bigint unsigned NULL`);
    const found = await hasObstacles(stack, 'accounts_exist', 'accounts_exist');
    assert.ok(found.some(({ text }) => text.includes('chats') && text.includes('whatsapp_account_id')));
    assert.ok(found.some(({ text }) => text.includes('contacts') && text.includes('source_account_id')));
    for (const obstacle of found) await cure(stack, obstacle);
    await isFree(stack);
  });

  for (const [what, trigger] of Object.entries({
    'runs when the state of a session is written': `BEFORE UPDATE ON whatsapp_sessions FOR EACH ROW
      SET NEW.updated_at = NOW()`,
    'reads the column that has another name then': `BEFORE UPDATE ON whatsapp_sessions FOR EACH ROW
      SET NEW.is_active = IF(NEW.status = 'failed', 0, NEW.is_active)`,
    'runs when the pool makes an account, and fails then': `BEFORE INSERT ON whatsapp_sessions FOR EACH ROW
      SET NEW.is_active = IF(NEW.status = 'failed', 0, NEW.is_active)`,
    'would break the writing of chats': `BEFORE INSERT ON chats FOR EACH ROW
      SET NEW.whatsapp_session_id = NULLIF(NEW.whatsapp_session_id, 0)`,
  })) {
    test(`is a trigger that ${what}`, async (t) => {
      const stack = await make(t);
      await stack.sql(`CREATE TRIGGER in_the_way ${trigger}`);
      const [obstacle] = await hasObstacles(stack, 'triggers');
      assert.ok(obstacle.text.includes('in_the_way'), obstacle.text);
      assert.equal((await leavesAll(stack, () => migrate(stack, 'up', '--yes'))).code, 1);
      await cure(stack, obstacle);
      await isFree(stack);
    });
  }

  test('does not hide another one', async (t) => {
    const stack = await make(t);
    await addTwoPrimaries(stack, 'field');
    await addNumberTwice(stack, 'field');
    await addSession(stack, 'field', { workspace_id: 4242 });
    await addSession(stack, 'field', { status: '' });
    await hasObstacles(stack, 'two_primaries', 'phone_twice', 'orphans', 'unknown_state');
  });

  test('of a thousand rows is told in a few lines', async (t) => {
    const stack = await make(t, 'bare', { rows: 1000 });
    await stack.sql("UPDATE whatsapp_sessions SET provider_type = 'twilio'");
    const [{ text }] = await hasObstacles(stack, 'unknown_provider');
    assert.ok(text.split('\n').length < 60, `${text.split('\n').length} lines`);
    assert.match(text, /\b1 ?000\b/, 'and how many there are');
  });
});

describe('privileges', () => {
  /** A login that has only what `grants` says; how many of them a database can have is the server's. */
  async function actAs(t, stack, grants) {
    const { user, password, name } = stack.database;
    const other = `${user}_x`;
    await stack.sql(`CREATE USER ${other}@localhost IDENTIFIED BY ${literal(password)};
      ${grants.map((what) => `GRANT ${what.replace('DATABASE', name)} TO ${other}@localhost`).join(';\n')}`);
    t.after(() => query(stack.database.socket, `DROP USER ${other}@localhost`));
    stack.configure({ DB_USERNAME: other });
    return other;
  }

  test('that miss are named with the GRANT that gives them', async (t) => {
    const stack = await make(t);
    await actAs(t, stack, ['SELECT, INSERT, UPDATE, DELETE ON DATABASE.*']);
    const [obstacle] = await hasObstacles(stack, 'privileges');
    for (const word of ['ALTER', 'CREATE', 'DROP', 'INDEX', 'REFERENCES']) {
      assert.match(obstacle.text, new RegExp(`\\b${word}\\b`));
    }
    await cure(stack, obstacle);
    await isFree(stack);
    await succeeds(stack, 'up', '--yes');
    await succeeds(stack, 'down', '--yes');
  });

  test('are each looked for', async (t) => {
    const stack = await make(t);
    const other = await actAs(t, stack, ['ALL ON DATABASE.*']);
    const { name } = stack.database;
    for (const word of ['ALTER', 'CREATE', 'DROP', 'INDEX', 'REFERENCES', 'INSERT', 'UPDATE', 'DELETE']) {
      await stack.sql(`REVOKE ${word} ON ${name}.* FROM ${other}@localhost`);
      const found = obstaclesOf(await ends(1, stack, 'plan'));
      assert.deepEqual(found.map((row) => row.name), ['privileges'], word);
      assert.match(found[0].text, new RegExp(`\\b${word}\\b`));
      await cure(stack, found[0]);
    }
    await isFree(stack);
  });

  test('of one who may only read are enough for a plan', async (t) => {
    const stack = await make(t);
    await actAs(t, stack, ['SELECT ON DATABASE.*']);
    const found = await hasObstacles(stack, 'privileges');
    assert.match(found[0].text, /\bUPDATE\b/);
    assert.deepEqual(stepsOf((await migrate(stack, 'plan')).out), UP);
  });

  test('may have been given for all databases, or for names that are like this one', async (t) => {
    const stack = await make(t);
    const { name } = stack.database;
    const other = await actAs(t, stack, ['ALL ON *.*']);
    await isFree(stack);
    await stack.sql(`REVOKE ALL ON *.* FROM ${other}@localhost;
      GRANT ALL ON \`${name.replace(/_/g, '\\_')}\`.* TO ${other}@localhost`);
    await isFree(stack);
    await stack.sql(`REVOKE ALL ON \`${name.replace(/_/g, '\\_')}\`.* FROM ${other}@localhost;
      GRANT ALL ON \`wa\\_%\`.* TO ${other}@localhost`);
    await isFree(stack);
  });

  test('may have been given by a role', async (t) => {
    const stack = await make(t);
    const { name } = stack.database;
    const other = await actAs(t, stack, ['USAGE ON *.*']);
    await stack.sql(`CREATE ROLE ${name}_r; GRANT ALL ON ${name}.* TO ${name}_r; GRANT ${name}_r TO ${other}@localhost;
      SET DEFAULT ROLE ${name}_r FOR ${other}@localhost`);
    t.after(() => query(stack.database.socket, `DROP ROLE ${name}_r`));
    await isFree(stack);
  });
});

describe('nothing is changed', () => {
  test('by a dry run, which prints each step\'s statements', async (t) => {
    const stack = await make(t);
    const up = await leavesAll(stack, () => succeeds(stack, 'up', '--dry-run'));
    for (const sql of [/ALTER TABLE `?whatsapp_sessions`?/, /RENAME TABLE `?whatsapp_sessions`? TO/,
      /ALTER TABLE `?chats`?/, /wa_old_status/, /ADD COLUMN status /, /ALGORITHM ?= ?INSTANT/]) assert.match(up, sql);
    for (const step of UP) assert.match(up, new RegExp(`^step +\\d+(/\\d+)? ${step}\\b`, 'm'));

    await succeeds(stack, 'up', '--yes');
    const down = await leavesAll(stack, () => succeeds(stack, 'down', '--dry-run'));
    for (const sql of [/RENAME TABLE `?whatsapp_accounts`? TO/, /DROP COLUMN status\b/, /ALTER TABLE `?chats`?/]) {
      assert.match(down, sql);
    }
    for (const step of DOWN) assert.match(down, new RegExp(`^step +\\d+(/\\d+)? ${step}\\b`, 'm'));
    await succeeds(stack, 'down', '--yes');
  });

  test('by a dry run where something stands in the way', async (t) => {
    const stack = await make(t);
    await addTwoPrimaries(stack, 'field');
    await leavesAll(stack, () => ends(1, stack, 'up', '--dry-run'));
    await leavesAll(stack, () => succeeds(stack, 'up', '--dry-run', '--resolve=newest-wins'));
  });

  test('where nobody can be asked, and nobody has said yes', async (t) => {
    const stack = await make(t);
    await leavesAll(stack, () => ends(64, stack, 'up'));
    await succeeds(stack, 'up', '--yes');
    for (const word of ['down', 'finalize']) await leavesAll(stack, () => ends(64, stack, word));
  });

  test('by words that are not understood', async (t) => {
    const stack = await make(t);
    for (const words of [[], ['sideways'], ['up', '--yes', '--force'], ['up', '--yes', '--batch=0'],
      ['up', '--yes', '--batch=100001'], ['up', '--yes', '--batch=many'], ['up', '--yes', '--resolve=oldest-wins'],
      ['up', '--yes', 'now'], ['plan', 'it']]) {
      await leavesAll(stack, () => ends(64, stack, ...words));
    }
  });

  test('by up where it is up, and by down where it is down', async (t) => {
    const stack = await make(t);
    await leavesAll(stack, () => succeeds(stack, 'down', '--yes'));
    await succeeds(stack, 'up', '--yes');
    await leavesAll(stack, () => succeeds(stack, 'up', '--yes'));
  });

  test('on a fresh install, which has no way back', async (t) => {
    const stack = await startStack({ pool: false, nginx: false });
    t.after(() => stack.stop());
    await leavesAll(stack, () => succeeds(stack, 'up', '--yes'));
    await leavesAll(stack, () => ends(1, stack, 'down', '--yes'));
  });

  test('without a database, and the exit status says so', async (t) => {
    const stack = await startStack({ schema: false, pool: false, nginx: false });
    t.after(() => stack.stop());
    stack.configure({ DB_SOCKET: `${stack.dir}/nobody.sock` });
    for (const words of [['plan'], ['up', '--yes'], ['verify'], ['down', '--yes'], ['finalize', '--yes']]) {
      await ends(69, stack, ...words);
    }
  });
});

test('what is done tells each step when it begins and when it is done, and the longest pause', async (t) => {
  const stack = await make(t);
  for (const [word, steps] of [['up', UP], ['down', DOWN]]) {
    const out = await succeeds(stack, word, '--yes');
    steps.forEach((name, i) => {
      const head = `^step +${i + 1}/${steps.length} ${name} +`;
      assert.match(out, new RegExp(`${head}begins$`, 'm'));
      assert.match(out, new RegExp(`${head}done in \\d+ ms$`, 'm'));
    });
    assert.match(out, /^longest pause: \d+\.\d{3} s \(step \w+\)$/m);
    assert.doesNotMatch(out, /[\r\u001b]/, 'no terminal, no tricks');
  }
});

test('the help lists the commands', async (t) => {
  const stack = await startStack({ schema: false, pool: false, nginx: false });
  t.after(() => stack.stop());
  const { code, stdout } = await stack.ctl('--help');
  assert.equal(code, 0);
  for (const word of ['plan', 'up', 'verify', 'down', 'finalize']) {
    assert.match(stdout, new RegExp(`^ +migrate ${word}\\b`, 'm'));
  }
});
