// The session that a cookie names: how it is read, whom it lets in, and what is left behind in it.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { isForbidden, isOk, isUnauthenticated, whyOf } from './lib/browser-expect.mjs';
import { encrypt, newKey } from './lib/envelope.mjs';
import { browser, logIn, loginKey, newSession, newUser, newWorkspace, random40, sessionData } from './lib/login.mjs';
import { events, metrics } from './lib/observe.mjs';
import { serialize } from './lib/php.mjs';
import { run } from './lib/processes.mjs';
import { openSession } from './lib/session.mjs';
import { withSettings } from './lib/settings.mjs';
import { unixSeconds } from './lib/sign.mjs';
import { build, startStack } from './lib/stack.mjs';

let stack, user, workspace;
before(async () => {
  stack = await startStack();
  user = await newUser(stack);
  workspace = await newWorkspace(stack, user);
});
after(() => stack?.stop());

/** The page, asked for with a session of our user with these changes. */
const ask = async (session) => (await logIn(stack, { user, workspace, ...session })).call('GET');
const letsIn = async (session) => assert.equal(isOk(await ask(session)).workspaceId, workspace);

async function isKeptOut(session, ...reasons) {
  const answer = await ask(session);
  isUnauthenticated(answer);
  const why = await whyOf(stack, answer);
  assert.ok(reasons.includes(why), `why=${why}, not ${reasons}`);
}

describe('what Laravel keeps', () => {
  test('is read as PHP serialised it, and as JSON', async () => {
    for (const form of ['php', 'json']) await letsIn({ form });
  });

  test('may hold anything else: nested, in any order, in any language', async () => {
    const data = { before: [], deep: { a: { b: { c: [1, 2.5, -3, true, false, null, { d: 'x' }] } } },
      'ключ 🔑': 'Žluťoučký "kůň"; }{', _old_input: { phone_number: '', 5: 'five' }, empty: '',
      long: 'y'.repeat(100_000) };
    for (const form of ['php', 'json']) await letsIn({ form, data });
    for (const form of ['php', 'json']) {
      const all = sessionData({ user, workspace, token: random40() });
      const turned = Object.fromEntries(Object.entries(all).reverse());
      await letsIn({ text: form === 'php' ? serialize(turned) : JSON.stringify(turned, null, 4) });
    }
  });

  test('may hold PHP\'s objects, with private and protected properties, and classes that nobody knows', async () => {
    const bag = 'O:31:"Illuminate\\Support\\ViewErrorBag":1:{s:7:"\0*\0bags";a:1:{s:7:"default";'
      + 'O:29:"Illuminate\\Support\\MessageBag":2:{s:11:"\0*\0messages";a:1:{s:12:"phone_number";a:1:{i:0;'
      + 's:35:"The phone number field is required.";}}s:9:"\0*\0format";s:8:":message";}}}';
    const others = ['O:4:"Nope":1:{s:1:"a";i:1;}', 'O:4:"Nope":1:{s:7:"\0Nope\0a";r:1;}', 'C:4:"Nope":6:{a:0:{}}',
      'E:11:"Suit:Hearts";', 'R:2;', 'r:2;', 'd:INF;', 'd:-1.5E-7;', 'i:-9;'];
    for (const value of [bag, ...others]) await letsIn({ data: { errors: { php: value } } });
  });

  test('counts the last of two members with one name, as PHP does', async () => {
    const session = { user, workspace };
    const token = random40();
    const members = ['_token', 'x', '_token', token, loginKey(), user + 1, loginKey(), user, 'current_workspace',
      workspace];
    const text = `a:5:{${members.map(serialize).join('')}}`;
    const ana = browser(stack, { ...session, session: await newSession(stack, { text, token }) });
    assert.equal((await ana.call('POST', '', { json: {} })).status, 422, 'its token is the last one');
  });

  test('may have something behind its end', () => letsIn({
    text: `${serialize(sessionData({ user, workspace, token: random40() }))}rest` }));

  test('is found in the table of WA_SESSION_TABLE, or SESSION_TABLE', async () => {
    await stack.sql('CREATE TABLE toko_sessions LIKE sessions');
    for (const name of ['WA_SESSION_TABLE', 'SESSION_TABLE']) {
      await withSettings(stack, { [name]: 'toko_sessions' }, () => letsIn({}));
    }
    assert.equal(await stack.value('SELECT COUNT(*) FROM toko_sessions'), '2');
  });
});

test('a table of sessions that is not there holds none: it is no login, and no error', async () => {
  const ana = await logIn(stack, { user, workspace });
  for (let i = 0; i < 8; i++) isOk(await ana.call('GET'));
  await stack.sql('RENAME TABLE sessions TO moved');
  try {
    for (let i = 0; i < 8; i++) {
      const answer = await ana.call('GET');
      isUnauthenticated(answer);
      assert.equal(await whyOf(stack, answer), 'no_session');
    }
    await withSettings(stack, {}, async () => isUnauthenticated(await ana.call('GET')));
  } finally {
    await stack.sql('RENAME TABLE moved TO sessions');
  }
  isOk(await ana.call('GET'));
});

describe('with SESSION_ENCRYPT', () => {
  const retired = newKey();
  const on = (body) => withSettings(stack, { SESSION_ENCRYPT: 'true', APP_PREVIOUS_KEYS: retired }, body);

  test('it is decrypted first, in both modes, with the current key and the retired ones', () => on(async () => {
    for (const form of ['php', 'json']) await letsIn({ form });
    const text = serialize(serialize(sessionData({ user, workspace, token: random40() })));
    for (const key of [stack.settings.APP_KEY, retired]) {
      for (const cipher of ['cbc', 'gcm']) {
        const session = await newSession(stack, { user, workspace });
        const payload = Buffer.from(encrypt(key, text, { cipher })).toString('base64');
        await stack.sql(`UPDATE sessions SET payload = '${payload}' WHERE id = '${session.id}'`);
        isOk(await browser(stack, { user, workspace, session }).call('GET'));
      }
    }
  }));

  test('what is not encrypted, or with another key, or serialised otherwise, cannot be read', () => on(async () => {
    const text = serialize(sessionData({ user, workspace, token: random40() }));
    for (const payload of [text, encrypt(newKey(), serialize(text)), encrypt(stack.settings.APP_KEY, 'hello'),
      encrypt(stack.settings.APP_KEY, `s:${text.length + 1}:"${text}";`), encrypt(stack.settings.APP_KEY, 'i:5;')]) {
      const session = await newSession(stack, { user, workspace });
      await stack.sql(`UPDATE sessions SET payload = TO_BASE64('${payload.replace(/[\\']/g, '\\$&')}')
        WHERE id = '${session.id}'`);
      const answer = await browser(stack, { user, workspace, session }).call('GET');
      isUnauthenticated(answer);
      assert.equal(await whyOf(stack, answer), 'payload');
    }
  }));

  test('and without, what is encrypted cannot be read', async () => {
    const text = encrypt(stack.settings.APP_KEY, serialize(serialize(sessionData({ user, workspace,
      token: random40() }))));
    await isKeptOut({ text }, 'payload');
  });
});

describe('what cannot be read is no login', () => {
  const good = () => serialize(sessionData({ user, workspace, token: 't'.repeat(40) }));
  const login = () => [loginKey(), user, 'current_workspace', workspace].map(serialize).join('');
  const texts = {
    'nothing': () => '', 'a word': () => 'hello', 'false': () => 'b:0;', 'null': () => 'N;', 'a number': () => 'i:5;',
    'a text': () => 's:5:"hello";', 'an object': () => good().replace('a:5:', 'O:8:"stdClass":5:'),
    'more members than there are': () => `a:3:{${login()}}`,
    'fewer members than there are': () => `a:1:{${login()}}`,
    'a billion members': () => `a:999999999:{${login()}}`,
    'members without number': () => `a::{${login()}}`,
    'a negative number of members': () => `a:-2:{${login()}}`,
    'a number of members that no int holds': () => `a:4294967298:{${login()}}`,
    'a number of members that no long holds': () => `a:18446744073709551618:{${login()}}`,
    'a text beyond the end': () => `a:3:{${login()}s:1:"x";s:99999:"y";}`,
    'a text that is shorter': () => `a:3:{${login()}s:1:"x";s:1:"yz";}`,
    'a text of negative length': () => `a:3:{${login()}s:1:"x";s:-1:"";}`,
    'a text of a length that no long holds': () => `a:3:{${login()}s:1:"x";s:18446744073709551617:"y";}`,
    'a type that PHP does not have': () => `a:3:{${login()}s:1:"x";z:1;}`,
    'a key that is an array': () => `a:3:{${login()}a:0:{}i:1;}`,
    'a number that is none': () => `a:3:{${login()}s:1:"x";i:abc;}`,
    'no end': () => `a:2:{${login()}`,
    'JSON without end': () => JSON.stringify({ [loginKey()]: user, current_workspace: workspace }).slice(0, -1),
    'JSON that is a list': () => JSON.stringify([{ [loginKey()]: user }]),
    'JSON that is a text': () => JSON.stringify(good()),
    'arrays in arrays, 20 000 deep': () => `a:3:{${login()}i:0;${'a:1:{i:0;'.repeat(20_000)}N;${'}'.repeat(20_001)}`,
  };

  for (const [name, text] of Object.entries(texts)) {
    test(name, () => isKeptOut({ text: text() }, 'payload', 'guest'));
  }

  test('JSON, 20 000 deep, unless what matters can be read all the same', async () => {
    const text = JSON.stringify(sessionData({ user, workspace, token: random40() }))
      .replace('{', `{"x":${'['.repeat(20_000)}${']'.repeat(20_000)},`);
    const answer = await ask({ text });
    assert.ok([200, 401].includes(answer.status), answer.text);
  });

  test('twelve megabytes', async () => {
    const ana = await logIn(stack, { user, workspace });
    /* Made by the server: no client's packet is as long. */
    await stack.sql(`UPDATE sessions SET payload = TO_BASE64(CONCAT('a:1:{s:1:"x";s:9437184:"', REPEAT('y', 9437184),
      '";}')) WHERE id = '${ana.session.id}'`);
    const answer = await ana.call('GET');
    isUnauthenticated(answer);
    assert.ok(['payload', 'guest'].includes(await whyOf(stack, answer)));
  });

  test('the beginning of a session, wherever it ends', async () => {
    const text = good();
    for (let i = 1; i < text.length; i += 1 + Math.floor(text.length / 40)) {
      await isKeptOut({ text: text.slice(0, i) }, 'payload');
    }
    await isKeptOut({ text: text.slice(0, -1) }, 'payload');
  });

  test('a payload that is no base64', async () => {
    for (const payload of ['!', '====', 'YTow;', 'é', 'Y']) {
      const session = await newSession(stack, { user, workspace });
      await stack.sql(`UPDATE sessions SET payload = '${payload}' WHERE id = '${session.id}'`);
      isUnauthenticated(await browser(stack, { user, workspace, session }).call('GET'));
    }
  });
});

describe('who is logged in', () => {
  test('may be kept as a number or as a text, and so may the workspace', async () => {
    for (const form of ['php', 'json']) {
      await letsIn({ form, user: String(user), workspace });
      await letsIn({ form, user, workspace: String(workspace) });
      await letsIn({ form, user: String(user), workspace: String(workspace) });
    }
  });

  test('is nobody when the id is no id, whatever MariaDB would make of it', async () => {
    const wrong = [0, -user, '', `${user}abc`, ` ${user}`, `${user} `, `0x${user.toString(16)}`, `${user}.0`,
      user + 0.5, true, null, [user], { id: user }, '18446744073709551616', `${user}\0`, '1e0'];
    for (const form of ['php', 'json']) {
      for (const id of wrong) await isKeptOut({ form, data: { [loginKey()]: id } }, 'guest', 'user_gone', 'payload');
    }
  });

  test('is in no workspace when its id is no id', async () => {
    const wrong = [0, -workspace, '', `${workspace}abc`, ` ${workspace}`, `${workspace}.0`, workspace + 0.5, true,
      null, [workspace], { id: workspace }, '18446744073709551616'];
    for (const form of ['php', 'json']) {
      for (const id of wrong) isForbidden(await ask({ form, data: { current_workspace: id } }));
    }
  });

  test('is not decided by what somebody typed into a form', async () => {
    const forged = { [loginKey()]: user, current_workspace: workspace };
    const guest = { [loginKey()]: undefined, _old_input: forged, errors: [forged],
      _previous: { url: `http://localhost/?x=";${serialize(loginKey())}i:${user};` },
      note: serialize(forged), quoted: JSON.stringify(forged) };
    for (const form of ['php', 'json']) await isKeptOut({ form, data: guest }, 'guest');
    const member = `${serialize(loginKey())}i:${user};`;
    await isKeptOut({ text: `a:2:{i:0;O:8:"stdClass":1:{${member}}i:1;a:1:{${member}}}` }, 'guest');
  });

  test('is whom a guard of WA_GUARD knows: web and user, unless it says otherwise', async () => {
    for (const guard of ['web', 'user']) await letsIn({ guard });
    for (const guard of ['admin', 'api', 'Web', 'web2', '']) await isKeptOut({ guard }, 'guest');
    await withSettings(stack, { WA_GUARD: 'staff' }, async () => {
      await letsIn({ guard: 'staff' });
      for (const guard of ['web', 'user', 'admin']) await isKeptOut({ guard }, 'guest');
    });
  });

  test('is whom the first guard of the list knows', async () => {
    const other = await newUser(stack);
    await letsIn({ data: { [loginKey('user')]: other } });
    await withSettings(stack, { WA_GUARD: 'user,web' }, async () => {
      isForbidden(await ask({ data: { [loginKey('user')]: other } }));
    });
  });

  test('is never an administrator: the daemon does not start with that guard', async () => {
    for (const value of ['admin', 'web,admin', ' admin ']) {
      const { code, out } = await run(`${build}/wa-accountsd`, ['--env', stack.envFile, '--check'],
        { env: { WA_GUARD: value } });
      assert.notEqual(code, 0, value);
      assert.match(out, /WA_GUARD/);
    }
  });
});

describe('the time', () => {
  const state = async ({ id }) => (await stack.sql(`SELECT * FROM sessions WHERE id = '${id}'`))[0];

  test('a session lives as long as SESSION_LIFETIME after it was last used', async () => {
    await letsIn({ age: 120 * 60 - 20 });
    await isKeptOut({ age: 120 * 60 + 1 }, 'expired');
    await withSettings(stack, { SESSION_LIFETIME: 5 }, async () => {
      await letsIn({ age: 5 * 60 - 20 });
      await isKeptOut({ age: 5 * 60 + 1 }, 'expired');
    });
  });

  test('a session of the future lives: clocks differ', () => letsIn({ age: -90 }));

  test('using it is written down once a minute, and nothing else is', async () => {
    const ana = await logIn(stack, { user, workspace, age: 61 });
    const earlier = await state(ana.session);
    isOk(await ana.call('GET'));
    const touched = await state(ana.session);
    assert.ok(Math.abs(Number(touched.last_activity) - unixSeconds()) < 30, touched.last_activity);
    assert.deepEqual({ ...touched, last_activity: null }, { ...earlier, last_activity: null });

    await stack.sql(`UPDATE sessions SET last_activity = last_activity - 40 WHERE id = '${ana.session.id}'`);
    const resting = await state(ana.session);
    for (const path of ['', '', '/00000000-0000-4000-8000-000000000000']) await ana.call('GET', path);
    await ana.call('POST', '', { json: {} });
    assert.deepEqual(await state(ana.session), resting);
  });

  test('it does not shorten what is in the future', async () => {
    const ana = await logIn(stack, { user, workspace, age: -300 });
    const earlier = await state(ana.session);
    isOk(await ana.call('GET'));
    assert.deepEqual(await state(ana.session), earlier);
  });

  test('a session that has ended is not brought back by asking', async () => {
    const ana = await logIn(stack, { user, workspace, age: 120 * 60 + 30 });
    const earlier = await state(ana.session);
    for (let i = 0; i < 3; i++) isUnauthenticated(await ana.call('GET'));
    assert.deepEqual(await state(ana.session), earlier);
  });

  const touches = async () => Object.entries(await metrics(stack)).filter(([name]) => /touch/.test(name))
    .reduce((sum, [, n]) => sum + n, 0);

  test('not being able to write it down is counted, and no error', async () => {
    const ana = await logIn(stack, { user, workspace, age: 90 });
    await stack.sql("CREATE TRIGGER sessions_stay BEFORE UPDATE ON sessions FOR EACH ROW SIGNAL SQLSTATE '45000'");
    try {
      const earlier = await touches();
      isOk(await ana.call('GET'));
      isOk(await ana.call('GET'));
      assert.ok(await touches() > earlier);
    } finally {
      await stack.sql('DROP TRIGGER sessions_stay');
    }
  });

  test('a row that another client has locked is no error either', async () => {
    const ana = await logIn(stack, { user, workspace, age: 90 });
    const other = await openSession(stack);
    try {
      await other.ask(`START TRANSACTION; SELECT id FROM sessions WHERE id = '${ana.session.id}' FOR UPDATE`);
      isOk(await ana.call('GET'));
    } finally {
      await other.close();
    }
  });
});

test('a pool that has read all of this is still the one that was started', async () => {
  const ended = events(stack.log(), 'child_ended').filter((line) => line.level === 'error');
  assert.deepEqual(ended, []);
  assert.ok(!stack.log().includes('_token'), 'and nothing of a session is in its log');
});
