// SESSION_DRIVER=file: Laravel's session files, which PHP writes while we read.

import assert from 'node:assert/strict';
import { chmodSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, truncateSync,
  unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { isOk, isRefused, isUnauthenticated, whyOf } from './lib/browser-expect.mjs';
import { encrypt } from './lib/envelope.mjs';
import { logIn, newUser, newWorkspace, random40, sessionData, sessionFile } from './lib/login.mjs';
import { events, metrics } from './lib/observe.mjs';
import { serialize } from './lib/php.mjs';
import { converse, run, until } from './lib/processes.mjs';
import { withSettings } from './lib/settings.mjs';
import { unixSeconds } from './lib/sign.mjs';
import { source, startStack } from './lib/stack.mjs';

let stack, user, workspace;
before(async () => {
  stack = await startStack({ env: { SESSION_DRIVER: 'file' } });
  user = await newUser(stack);
  workspace = await newWorkspace(stack, user);
});
after(() => stack?.stop());

const someone = (session) => logIn(stack, { user, workspace, ...session });
const fileOf = (ana) => sessionFile(stack, ana.session.id);
const seen = (file) => Math.floor(statSync(file).mtimeMs / 1000);

async function letsIn(ana) {
  assert.equal(isOk(await ana.call('GET')).workspaceId, workspace);
}

async function isKeptOut(ana, ...reasons) {
  const answer = await ana.call('GET');
  isUnauthenticated(answer);
  const why = await whyOf(stack, answer);
  assert.ok(reasons.includes(why), `why=${why}, not ${reasons}`);
}

describe('a session file', () => {
  test('is read as PHP serialised it, and as JSON', async () => {
    for (const form of ['php', 'json']) await letsIn(await someone({ form }));
  });

  test('is found in the folder of WA_SESSION_FILES', async () => {
    await withSettings(stack, { WA_SESSION_FILES: `${stack.dir}/elsewhere` }, async () => {
      const ana = await someone();
      assert.ok(fileOf(ana).startsWith(`${stack.dir}/elsewhere/`));
      await letsIn(ana);
    });
  });

  test('is decrypted with SESSION_ENCRYPT', async () => {
    await withSettings(stack, { SESSION_ENCRYPT: 'true' }, async () => {
      const ana = await someone();
      assert.doesNotMatch(readFileSync(fileOf(ana), 'utf8'), /_token/);
      await letsIn(ana);
      const text = serialize(serialize(sessionData({ user, workspace, token: random40() })));
      writeFileSync(fileOf(ana), encrypt(stack.settings.APP_KEY, text, { cipher: 'gcm' }));
      await letsIn(ana);
    });
  });

  test('lives by the time of its last change', async () => {
    await letsIn(await someone({ age: 120 * 60 - 5 }));
    await isKeptOut(await someone({ age: 120 * 60 + 1 }), 'expired');
    await letsIn(await someone({ age: -60 }));
  });

  test('is touched once a minute, and not changed', async () => {
    const ana = await someone({ age: 70 });
    const text = readFileSync(fileOf(ana), 'utf8');
    await letsIn(ana);
    const touched = seen(fileOf(ana));
    assert.ok(Math.abs(touched - unixSeconds()) < 30);
    utimesSync(fileOf(ana), touched - 40, touched - 40);
    await letsIn(ana);
    assert.equal(seen(fileOf(ana)), touched - 40);
    assert.equal(readFileSync(fileOf(ana), 'utf8'), text);
  });

  test('that has ended is neither touched nor taken away', async () => {
    const ana = await someone({ age: 120 * 60 + 30 });
    const earlier = seen(fileOf(ana));
    await isKeptOut(ana, 'expired');
    assert.equal(seen(fileOf(ana)), earlier);
  });

  test('that is gone is no login', async () => {
    const ana = await someone();
    unlinkSync(fileOf(ana));
    await isKeptOut(ana, 'no_session');
  });

  test('of a folder that is not there is no login', async () => {
    await withSettings(stack, { WA_SESSION_FILES: `${stack.dir}/nowhere` }, async () => {
      const ana = await someone();
      rmSync(`${stack.dir}/nowhere`, { recursive: true });
      isUnauthenticated(await ana.call('GET'));
    });
  });
});

describe('what is no session file is no login', () => {
  test('a symbolic link, also to one that is good', async () => {
    const ana = await someone();
    renameSync(fileOf(ana), `${stack.dir}/good`);
    symlinkSync(`${stack.dir}/good`, fileOf(ana));
    await isKeptOut(ana, 'no_session', 'payload');
    unlinkSync(fileOf(ana));
    for (const target of ['/dev/zero', '/etc/passwd', stack.dir, fileOf(ana)]) {
      symlinkSync(target, fileOf(ana));
      await isKeptOut(ana, 'no_session', 'payload');
      unlinkSync(fileOf(ana));
    }
    linkSync(`${stack.dir}/good`, fileOf(ana));
    await letsIn(ana);
  });

  test('a directory', async () => {
    const ana = await someone();
    unlinkSync(fileOf(ana));
    mkdirSync(fileOf(ana));
    await isKeptOut(ana, 'no_session', 'payload');
  });

  test('a pipe on which nobody ever writes', async () => {
    const ana = await someone();
    unlinkSync(fileOf(ana));
    assert.equal((await run('mkfifo', [fileOf(ana)])).code, 0);
    await isKeptOut(ana, 'no_session', 'payload');
  });

  test('a file that we may not read', { skip: process.getuid() === 0 && 'root reads all' }, async () => {
    const ana = await someone();
    chmodSync(fileOf(ana), 0);
    await isKeptOut(ana, 'no_access');
  });

  test('an empty file, or one that stops', async () => {
    const ana = await someone();
    const { size } = statSync(fileOf(ana));
    for (const left of [size - 1, Math.floor(size / 2), 1, 0]) {
      truncateSync(fileOf(ana), left);
      await isKeptOut(ana, 'payload');
    }
  });

  test('a file without end', async () => {
    const ana = await someone();
    truncateSync(fileOf(ana), 64 * 1024 * 1024 * 1024);
    await isKeptOut(ana, 'payload');
    writeFileSync(fileOf(ana), `a:1:{i:0;s:20000000:"${'x'.repeat(20_000_000)}";}`);
    await isKeptOut(ana, 'payload');
  });
});

describe('while PHP writes it', () => {
  /* A worker waits 200 ms for the file; whether the test lets go of it in that time, its host decides. */
  const QUICK_MS = 150;

  /** The file of a session is held and empty while `body` runs; what `write` is given is its new content. */
  async function whileHeld(ana, body) {
    const text = readFileSync(fileOf(ana), 'utf8');
    const holder = converse('perl', [`${source}/tests/integration/lib/hold-file.pl`, fileOf(ana)]);
    try {
      await until('the file is held', () => holder.out.includes('held') || holder.ended);
      return await body({ text, holder });
    } finally {
      holder.close();
      await holder.exit;
    }
  }
  /**
   * Ask for Ana's list while her file is held, and let go of it after `meanwhile`: her answer, or undefined where
   * letting go took so long that she may have been told to come back later, and was.
   */
  const askHeld = (ana, meanwhile) => whileHeld(ana, async ({ text, holder }) => {
    const began = performance.now();
    let answered = false;
    const asked = ana.call('GET').finally(() => (answered = true));
    await meanwhile({ text, holder, isAnswered: () => answered });
    holder.close();
    await holder.exit;
    const took = performance.now() - began;
    const answer = await asked;
    if (took > QUICK_MS && answer.status === 503) return undefined;
    return answer;
  });
  /** The answers to so many who were let go of in time. */
  async function askedInTime(count, ask) {
    const answers = [];
    for (let tries = 0; answers.length < count && tries < 200; tries++) {
      const answer = await ask();
      if (answer) answers.push(answer);
    }
    assert.equal(answers.length, count, 'this host is quick enough now and then');
    return answers;
  }

  test('a request waits for the rest of it', async () => {
    const ana = await someone();
    const answers = await askedInTime(5, () => askHeld(ana, async ({ text, holder, isAnswered }) => {
      /* A worker is at it, beside the one that tells so. */
      await until('a worker is busy', async () => isAnswered()
        || (await metrics(stack))['wa_workers{state="busy"}'] > 1, { every: 2 });
      holder.say(`${text.slice(0, 60)}\n`);
      await until('the first piece is there', () => holder.out.includes('wrote'), { every: 2 });
      holder.say(`${text.slice(60)}\n`);
    }));
    for (const answer of answers) assert.equal(isOk(answer).workspaceId, workspace);
  });

  test('and does not wait for ever: it is told to come back later, and is let in when the file is free', async () => {
    const ana = await someone();
    await whileHeld(ana, async ({ text, holder }) => {
      for (let i = 0; i < 2; i++) {
        const answer = await ana.call('GET');
        isRefused(answer, 503, 'unavailable', 'Service temporarily unavailable');
        assert.match(answer.headers['retry-after'], /^[1-9]\d*$/);
        assert.equal(await whyOf(stack, answer), 'session_busy');
      }
      holder.say(`${text}\n`);
    });
    await letsIn(ana);
    assert.equal((await stack.call('GET', '/healthz')).status, 200);
  });

  test('somebody else is answered meanwhile', async () => {
    const [ana, budi] = [await someone(), await someone()];
    const [answer] = await askedInTime(1, () => askHeld(ana, async ({ text, holder }) => {
      await letsIn(budi);
      holder.say(`${text}\n`);
    }));
    isOk(answer);
  });
});

test('a pool that has met all of this is still the one that was started', () => {
  assert.deepEqual(events(stack.log(), 'child_ended').filter((line) => line.level === 'error'), []);
});
