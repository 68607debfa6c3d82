// wa-accountsctl migrate, interrupted at every moment: run again it ends as if nothing had happened, or goes back to
// where everything began.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { addNumberTwice, addTwoPrimaries, dump, ends, isSameDump, legacyStack, migrate,
  succeeds } from './lib/legacy.mjs';
import { broughtTo, differsTimeless, modelOf, momentsOf, serverOfFile, stepByStep, stepsOf, timeless,
  words } from './lib/migrate.mjs';
import { inParallel } from './lib/parallel.mjs';
import { pause, run, start, until } from './lib/processes.mjs';
import { openSession } from './lib/session.mjs';
import { build, sanitized } from './lib/stack.mjs';

const AT_ONCE = 3;

let server;
let model;       /* what every case begins with */
let migrated;    /* the dump after an `up` that nobody has interrupted, but for its times */
let steps;
let moments;

before(async () => {
  server = await serverOfFile();
  const first = await legacyStack('field', { rows: 30, large: false });
  const copy = await fillModel(first);
  migrated = timeless(await dump(copy), copy);
  steps = { up: await stepsOf(first, 'up'), down: await stepsOf(copy, 'down') };
  moments = { up: thinned(momentsOf(steps.up)), down: thinned(momentsOf(steps.down)) };
  await Promise.all([first.stop(), copy.stop()]);
});
after(async () => {
  await Promise.all(idle.map((stack) => stack.stop()));
  await server.stop();
});

/** Every step has something to do: duplicates, and what an earlier round trip has kept. */
async function fillModel(stack) {
  await addTwoPrimaries(stack, 'field');
  await addNumberTwice(stack, 'field');
  await succeeds(stack, ...words('up'));
  await stack.sql(`UPDATE whatsapp_accounts SET account_name = CONCAT('Account ', id), state_version = 3,
      updated_at = updated_at WHERE id MOD 3 = 0;
    UPDATE whatsapp_accounts SET connection_status = 'error', state_version = state_version + 1 WHERE id MOD 5 = 0`);
  assert.match(await succeeds(stack, 'down', '--yes'), /wa_migration_kept keeps \d+ rows/);
  model = await modelOf(stack);
  const copy = await model.database();
  isSameDump(await dump(copy), model.dump, 'a copy of the model');
  await succeeds(copy, ...words('up'));
  assert.match(await succeeds(copy, 'verify'), /^no faults$/m);
  return copy;
}

/* With sanitizers everything takes longer. */
const thinned = (all) => (sanitized() ? all.filter((_, i) => i % 3 === 0) : all);
const nameOf = ({ step, when }) => `${when} ${step}`;

// --- databases for the cases

/** `body` with a database of its own, that is about to go this way. */
async function withDatabase(direction, body) {
  const stack = await model.database();
  try {
    if (direction === 'down') await succeeds(stack, ...words('up'));
    return await body(stack);
  } finally {
    await stack.stop();
  }
}

/* Those that are as the model again. */
const idle = [];

/** A database of which a case makes what it was before: then it serves another one. */
async function inRound(name, faults, body) {
  const stack = idle.pop() ?? await model.database();
  try {
    await body(stack);
    idle.push(stack);
  } catch (error) {
    faults.push(`${name}: ${error.message}`);
    await stack.stop();
  }
}

/** Every moment of the way there, each with one of the way back. */
const rounds = () => Array.from({ length: Math.max(moments.up.length, moments.down.length) }, (_, i) => ({
  up: moments.up[i % moments.up.length], down: moments.down[i % moments.down.length] }));

// --- how it has to end

/* So verify says the same too; it is asked once. */
const isMigrated = async (stack) =>
  assert.equal((await differsTimeless(stack, migrated)).join('\n'), '', 'as after an up without interruption');

const isTakenBack = async (stack) => isSameDump(await dump(stack), model.dump);
const isAtEnd = { up: isMigrated, down: isTakenBack };

/** Resumed it reaches its end. */
async function goesOn(stack, direction) {
  const out = await succeeds(stack, ...words(direction));
  await isAtEnd[direction](stack);
  return out;
}

// --- the tool

describe('a run that is killed', () => {
  test('before or after any step is finished by the next one', async () => {
    const faults = [];
    await inParallel(rounds(), (round) => inRound(`up ${nameOf(round.up)}, down ${nameOf(round.down)}`, faults,
      async (stack) => {
        for (const direction of ['up', 'down']) {
          await (await broughtTo(stack, direction, steps[direction], round[direction])).kill();
          await goesOn(stack, direction);
        }
      }), AT_ONCE);
    assert.equal(faults.join('\n\n'), '');
  });

  test('at any step of up can be taken back instead', async () => {
    const faults = [];
    /* At one of a step's two moments. */
    const some = moments.up.filter(({ step, when }) =>
      sanitized() || when === ['before', 'after'][steps.up.indexOf(step) % 2]);
    await inParallel(some, (moment) => inRound(nameOf(moment), faults, async (stack) => {
      await (await broughtTo(stack, 'up', steps.up, moment)).kill();
      assert.match(await succeeds(stack, 'down', '--yes'), /^step +\d+\/\d+ forget +done/m);
      await isTakenBack(stack);
      assert.match(await succeeds(stack, 'down', '--yes'), /nothing to take back/);
    }), AT_ONCE);
    assert.equal(faults.join('\n\n'), '');
  });

  test('at every moment, one after the other, in one database, reaches its end all the same', () =>
    inParallel(['up', 'down'], (direction) => withDatabase(direction, async (stack) => {
      const all = momentsOf(steps[direction]).map(nameOf);
      /* Most of them twice: what was done and not noted is done again. */
      for (const moment of all.slice(0, -1).flatMap((name) => (name.startsWith('after') ? [name, name] : [name]))) {
        const tool = await stepByStep(stack, direction);
        let now = nameOf(await tool.waits(0));
        for (let answers = 1; all.indexOf(now) < all.indexOf(moment); answers++) {
          tool.go();
          now = nameOf(await tool.waits(answers));
        }
        assert.equal(now, moment);
        await tool.kill();
      }
      await goesOn(stack, direction);
    })));

  test('at moments that nobody has chosen is finished in the end', () =>
    inParallel(['up', 'down', 'up', 'down'], (direction) => withDatabase(direction, async (stack) => {
      const delays = [];
      for (let code = null; code !== 0;) {
        const log = `${stack.dir}/killed-${delays.length}.log`;
        const child = start(`${build}/wa-accountsctl`, ['--env', stack.envFile, 'migrate', ...words(direction),
          '--batch=7'], { log });
        delays.push(Math.round(Math.random() * 60) + delays.length * 12);
        await Promise.race([child.exit, pause(delays.at(-1))]);
        child.kill('SIGKILL');
        await child.exit;
        ({ code } = child);
        assert.ok(child.signal === 'SIGKILL' || code === 0,
          `killed after ${delays} ms, then it ended with ${code}:\n${readFileSync(log, 'utf8')}`);
      }
      await isAtEnd[direction](stack).catch((error) => {
        throw new Error(`killed after ${delays} ms: ${error.message}`);
      });
    }), AT_ONCE));
});

// --- statements that are under way

/** Wait until a statement of the tool's hangs in this state. */
const isUnderWay = (stack, like, state = '%') => until(`a statement like ${like} is under way`, async () => (await stack
  .sql(`SELECT id FROM information_schema.processlist WHERE user = '${stack.database.user}'
    AND info LIKE '${like}' AND state LIKE '${state}'`)).length > 0);

/** The run, in the middle of the ALTER that copies: all is copied, and a reader does not let it take its place. */
async function inTheRebuild(stack, direction) {
  const table = 'whatsapp_sessions';
  const tool = await broughtTo(stack, direction, steps[direction], { step: 'rebuild', when: 'before' });
  const reader = await openSession(stack);
  await reader.ask(`START TRANSACTION; SELECT COUNT(*) FROM ${table}`);
  tool.go();
  await isUnderWay(stack, `ALTER TABLE ${table}%`, 'Waiting for table metadata lock').catch(async (error) => {
    await reader.close();
    throw error;
  });
  return { tool, reader };
}

/** The run, in the middle of a batch: another client holds one of its rows. */
async function inABatch(stack, direction) {
  const step = { up: 'states', down: 'words' }[direction];
  const table = { up: 'whatsapp_accounts', down: 'whatsapp_sessions' }[direction];
  if (direction === 'down') await stack.sql('UPDATE whatsapp_accounts SET wa_old_status = NULL');
  const tool = await broughtTo(stack, direction, steps[direction], { step, when: 'before' }, '--batch=7');
  /* Every row has something to be changed. */
  if (direction === 'up') {
    await stack.sql(`UPDATE ${table} SET connection_status = IF(connection_status = 'error', 'connected', 'error'),
      updated_at = updated_at`);
  }
  const holder = await openSession(stack);
  await holder.ask(`START TRANSACTION; SELECT id FROM ${table} ORDER BY id LIMIT 1 OFFSET 20 FOR UPDATE`);
  tool.go();
  await isUnderWay(stack, `UPDATE ${table}%`).catch(async (error) => {
    await holder.close();
    throw error;
  });
  return { tool, holder };
}

describe('a statement that is under way', () => {
  for (const direction of ['up', 'down']) {
    test(`when the run is killed: the copy of ${direction}`, () => withDatabase(direction, async (stack) => {
      const { tool, reader } = await inTheRebuild(stack, direction);
      await tool.kill();
      const next = goesOn(stack, direction);
      await pause(300);
      await reader.close();
      await next;
    }));

    test(`when the server is killed: the copy of ${direction}`, () => withDatabase(direction, async (stack) => {
      const { tool, reader } = await inTheRebuild(stack, direction);
      await server.crash();
      assert.equal(await tool.ends(), 69, tool.out());
      assert.match(tool.out(), /^step +\d+\/\d+ rebuild +failed: .+\nthe same command resumes here$/m);
      await reader.close();
      await server.restart();
      await goesOn(stack, direction);
    }));

    test(`when the run is killed: a batch of ${direction}`, () => withDatabase(direction, async (stack) => {
      const { tool, holder } = await inABatch(stack, direction);
      await tool.kill();
      const next = succeeds(stack, ...words(direction), '--batch=7');
      await pause(300);
      await holder.close();
      await next;
      await (direction === 'up' ? isMigrated(stack) : hasOldWords(stack));
    }));

    test(`when the server is killed: a batch of ${direction}`, () => withDatabase(direction, async (stack) => {
      const { tool, holder } = await inABatch(stack, direction);
      await server.crash();
      assert.equal(await tool.ends(), 69, tool.out());
      await holder.close();
      await server.restart();
      await succeeds(stack, ...words(direction));
      await (direction === 'up' ? isMigrated(stack) : hasOldWords(stack));
    }));
  }

  /* Whose statement it is, is written in it. */
  test('of a run that is gone is waited for', () => withDatabase('up', async (stack) => {
    await (await broughtTo(stack, 'up', steps.up, { step: 'record', when: 'after' })).kill();
    const { database: { socket, user, password, name } } = stack;
    const left = run('mariadb', ['--no-defaults', '--comments', `--user=${user}`, `--password=${password}`,
      `--socket=${socket}`, name], { stdin: 'SELECT SLEEP(60) /* wa-accountsctl migrate */;' });
    await isUnderWay(stack, '%SLEEP(60)%');
    const tool = await stepByStep(stack, 'up');
    await until('it waits', () => tool.out().includes('a statement of the run before is still under way'));
    assert.doesNotMatch(tool.out(), /press Enter/);
    const [{ id }] = await stack.sql(`SELECT id FROM information_schema.processlist WHERE user = '${user}'
      AND info LIKE '%SLEEP(60)%'`);
    await stack.sql(`KILL QUERY ${id}`);
    await left;
    await tool.waits(0);
    await tool.kill();
    await goesOn(stack, 'up');
  }));
});

/* The words are made of the states; more than one word may mean a state. */
const hasOldWords = async (stack) => assert.deepEqual(await stack.sql(`SELECT status, COUNT(*) AS n
  FROM whatsapp_sessions GROUP BY status IS NULL HAVING status IS NULL`), []);

// --- the server

/** A run for each round, each in a database of its own, all of them waiting at the round's moment. */
async function allBroughtTo(all, direction) {
  await inParallel(all, async (one) => {
    one.stack ??= idle.pop() ?? await model.database();
    one.name = `${direction}, ${nameOf(one[direction])}`;
    one.tool = await broughtTo(one.stack, direction, steps[direction], one[direction]);
  }, AT_ONCE);
}

/** Each of them is finished by a run of its own. */
async function allGoOn(all, direction) {
  const faults = [];
  await inParallel(all, ({ stack, name }) => goesOn(stack, direction)
    .catch((error) => faults.push(`${name}: ${error.message}`)), AT_ONCE);
  assert.equal(faults.join('\n\n'), '');
}

/** There and back, with `crash` where all of them wait. */
async function crashed(some, crash) {
  const all = some.map((round) => ({ ...round }));
  try {
    for (const direction of ['up', 'down']) {
      await allBroughtTo(all, direction);
      await crash(all, direction);
      await allGoOn(all, direction);
    }
  } finally {
    if (!server.running) await server.restart();
    await Promise.all(all.map(({ stack }) => stack?.stop()));
  }
}

describe('a server that is killed', () => {
  test('before or after any step ends the run with a word about it, and the next run finishes', () =>
    crashed(rounds(), async (all) => {
      await server.crash();
      for (const { tool } of all) tool.go(1000);
      for (const { tool, name } of all) {
        const code = await tool.ends();
        /* The last word of the last step back needs no server. */
        if (name === `down, after ${steps.down.at(-1)}`) continue;
        assert.equal(code, 69, `${name}:\n${tool.out()}`);
        assert.match(tool.out(), /^step +\d+\/\d+ \S+ +failed: .*\nthe same command resumes here$/m, name);
      }
      await server.restart();
    }));

  test('and is back when the run goes on is noticed by nobody, or the next run finishes', () =>
    crashed(rounds().filter((_, i) => i % 8 === 1 || i % 8 === 6), async (all) => {
      await server.crash();
      await server.restart();
      for (const { tool } of all) tool.go(1000);
      for (const { tool, name } of all) {
        const code = await tool.ends();
        assert.ok([0, 69].includes(code), `${name}: ${code}\n${tool.out()}`);
      }
    }));
});

// --- one at a time

describe('the lease', () => {
  const holderOf = async (stack) => (await stack.sql('SELECT holder FROM wa_migration'))[0].holder;

  test('keeps a second run out, which changes nothing; a killed one leaves it to the next at once', () =>
    withDatabase('up', async (stack) => {
      const first = await broughtTo(stack, 'up', steps.up, { step: steps.up.at(-2), when: 'before' });
      const now = timeless(await dump(stack), stack);
      const holder = await holderOf(stack);
      assert.ok(holder.includes(` ${first.pid} `), holder);
      for (const direction of ['up', 'down']) {
        const out = await ends(75, stack, ...words(direction));
        assert.match(out, /^another migration is under way: /m);
        assert.ok(out.includes(holder), out);
      }
      assert.equal((await differsTimeless(stack, now)).join('\n'), '');
      await first.kill();
      assert.match(await goesOn(stack, 'up'), /^the run that held the lease \(.*\) is no more$/m);
      assert.equal(await holderOf(stack), null);
    }));

  test('of another host ends by its time only', () => withDatabase('up', async (stack) => {
    const lease = (until) => stack.sql(`UPDATE wa_migration SET holder = 'elsewhere 1 1',
      lease_until = UTC_TIMESTAMP(6) + INTERVAL ${until} SECOND`);
    await (await broughtTo(stack, 'up', steps.up, { step: 'rename', when: 'before' })).kill();
    await lease(30);
    await ends(75, stack, ...words('up'));
    assert.equal(await holderOf(stack), 'elsewhere 1 1');
    await lease(-1);
    await goesOn(stack, 'up');
  }));

  test('that somebody else has taken ends the run before its next step', () => withDatabase('up', async (stack) => {
    const tool = await broughtTo(stack, 'up', steps.up, { step: 'rename', when: 'before' });
    await stack.sql(`UPDATE wa_migration SET holder = 'elsewhere 1 1', lease_until = UTC_TIMESTAMP(6)
      + INTERVAL 30 SECOND`);
    tool.go();
    assert.equal(await tool.ends(), 75);
    assert.match(tool.out(), /another run has taken the lease/);
    assert.equal(await holderOf(stack), 'elsewhere 1 1');
    assert.ok((await stack.column('SHOW TABLES')).includes('whatsapp_sessions'));
    await stack.sql('UPDATE wa_migration SET lease_until = UTC_TIMESTAMP(6)');
    await goesOn(stack, 'up');
  }));
});

describe('the end of input', () => {
  for (const direction of ['up', 'down']) {
    test(`stops ${direction} where it waits`, () => withDatabase(direction, async (stack) => {
      const args = ['--env', stack.envFile, 'migrate', ...words(direction), '--step-by-step'];
      for (const stdin of ['', '\n', '\n\n\n\n\n']) {
        const { code, out } = await run(`${build}/wa-accountsctl`, args, { stdin });
        assert.equal(code, 1, out);
      }
      await goesOn(stack, direction);
    }));
  }

  test('after the last step down leaves nothing to do', () => withDatabase('down', async (stack) => {
    const answers = '\n'.repeat(2 * steps.down.length - 1);
    const { code, out } = await run(`${build}/wa-accountsctl`,
      ['--env', stack.envFile, 'migrate', ...words('down'), '--step-by-step'], { stdin: answers });
    assert.equal(code, 1, out);
    await isTakenBack(stack);
    assert.match((await migrate(stack, 'down', '--yes')).out, /nothing to take back/);
  }));
});
