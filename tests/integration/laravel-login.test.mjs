// A browser that has logged in at a real Laravel, on our routes: whom we let
// in, what we take for a CSRF token, and the cookies that we send.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { cookiesOf, parseExpires } from './lib/browser.mjs';
import { newKey, openCookie, sealCookie } from './lib/envelope.mjs';
import { connected } from './lib/fixtures.mjs';
import { startLaravel } from './lib/laravel.mjs';
import { PAGE } from './lib/login.mjs';
import { until } from './lib/processes.mjs';
import { startStack } from './lib/stack.mjs';

/** The pool takes new settings, as an operator gives them. */
async function reload(stack, changes) {
  stack.configure(changes);
  const before = stack.children();
  stack.pool.kill('SIGHUP');
  await until('the pool has reloaded', () => {
    const now = stack.children();
    return now.length >= before.length && !now.some((pid) => before.includes(pid));
  });
}

async function startBoth(env) {
  const stack = await startStack({ env });
  const laravel = await startLaravel(stack);
  const workspace = await stack.workspace();
  const user = await laravel.user({ workspace });
  return { stack, laravel, workspace, user };
}

describe('a day of a browser', () => {
  let stack, laravel, workspace, user;
  before(async () => ({ stack, laravel, workspace, user } = await startBoth()));
  after(() => stack?.stop());

  test('it creates, lists, shows, makes primary, disconnects, deletes, and logs out', async () => {
    const browser = await laravel.login(user.email, workspace);
    const done = async (method, path, status, options) => {
      const answer = await browser.call(method, path, options);
      assert.equal(answer.status, status, `${method} ${path}: ${answer.text}`);
      return answer.json;
    };
    const make = async (phone_number) => (await done('POST', PAGE, 201, {
      json: { phone_number, account_name: 'Front desk', provider_type: 'webjs' } })).data;
    const first = await make('+62 812-3456 7890');
    const second = await make('+62 812-3456 7891');
    const { accounts } = await done('GET', PAGE, 200);
    assert.deepEqual(accounts.map((account) => account.uuid), [second.uuid, first.uuid]);
    assert.equal((await done('GET', `${PAGE}/${first.uuid}`, 200)).data.account_name, 'Front desk');
    assert.equal((await done('POST', `${PAGE}/${first.uuid}/set-primary`, 200)).data.is_primary, true);
    await done('POST', `${PAGE}/${first.uuid}/reconnect`, 200);
    await done('POST', `${PAGE}/${first.uuid}/regenerate-qr`, 200);
    await done('POST', `${PAGE}/${first.uuid}/disconnect`, 200);
    await done('GET', `${PAGE}/${first.uuid}/statistics`, 200);
    await done('DELETE', `${PAGE}/${first.uuid}`, 200);
    assert.deepEqual((await done('GET', PAGE, 200)).accounts.map((account) => account.uuid), [second.uuid]);
    assert.equal(Number(await stack.value(`SELECT created_by FROM whatsapp_accounts WHERE uuid = '${second.uuid}'`)),
      user.id);
    await laravel.logout(browser);
    await done('GET', PAGE, 401);
  });

  test('the page itself is Laravel\'s, the data of the page are ours', async () => {
    const browser = await laravel.login(user.email, workspace);
    const page = await browser.visit(PAGE);
    assert.equal(page.status, 200);
    assert.match(page.text, /<div id="app" data-page="/);
    assert.equal((await browser.get(PAGE)).json.workspaceId, workspace);
    const guest = await laravel.browser().visit(PAGE);
    assert.equal(guest.status, 302);
    assert.match(guest.headers.location, /\/login$/);
  });

  test('Laravel compiled for production answers alike', async () => {
    const production = await startStack();
    try {
      const compiled = await startLaravel(production, { production: true });
      const place = await production.workspace();
      const owner = await compiled.user({ workspace: place });
      await production.account(connected({ workspace_id: place }));
      const browser = await compiled.login(owner.email, place);
      const [theirs, ours] = [await browser.get('/php/accounts'), await browser.get(PAGE)];
      assert.equal(theirs.json.accounts[0].uuid, ours.json.accounts[0].uuid);
      await compiled.restart();
      assert.equal((await browser.get('/whoami')).json.user, owner.id);
    } finally {
      await production.stop();
    }
  });

  test('many requests at once do not cost the browser its login', async () => {
    const browser = await laravel.login(user.email, workspace);
    const answers = await Promise.all(Array.from({ length: 40 }, (_, i) => browser.get(i % 2 ? PAGE : '/whoami')));
    for (const answer of answers) assert.equal(answer.status, 200, answer.text);
    assert.equal((await browser.get('/whoami')).json.user, user.id);
    assert.equal((await browser.get(PAGE)).status, 200);
  });
});

describe('whom Laravel lets in, we let in', () => {
  let stack, laravel, workspace, user;
  before(async () => ({ stack, laravel, workspace, user } = await startBoth()));
  after(() => stack?.stop());

  /** The same answer from both: Laravel's list and ours. */
  async function both(browser, status) {
    const theirs = await browser.get('/php/accounts');
    assert.equal(theirs.status, status, `Laravel: ${theirs.text}`);
    const ours = await browser.get(PAGE);
    assert.equal(ours.status, status, `we: ${ours.text}`);
  }

  test('the owner', async () => both(await laravel.login(user.email, workspace), 200));
  test('the owner, with a workspace that is a text in the session', async () =>
    both(await laravel.login(user.email, String(workspace)), 200));
  test('an owner of the team', async () => {
    const { email } = await laravel.user({ workspace, role: 'owner' });
    await both(await laravel.login(email, workspace), 200);
  });
  test('not an agent of the team', async () => {
    const { email } = await laravel.user({ workspace, role: 'agent' });
    await both(await laravel.login(email, workspace), 403);
  });
  test('not who has left the team', async () => {
    const { id, email } = await laravel.user({ workspace, role: 'owner' });
    const browser = await laravel.login(email, workspace);
    await both(browser, 200);
    await stack.sql(`UPDATE teams SET deleted_at = UTC_TIMESTAMP() WHERE user_id = ${id}`);
    await both(browser, 403);
  });
  test('not a stranger', async () => {
    const { email } = await laravel.user();
    await both(await laravel.login(email, workspace), 403);
  });
  test('not without a workspace', async () => both(await laravel.login(user.email), 403));
  test('not into a workspace that is deleted', async () => {
    const gone = await stack.workspace();
    const { email } = await laravel.user({ workspace: gone });
    const browser = await laravel.login(email, gone);
    await both(browser, 200);
    await stack.sql(`UPDATE workspaces SET deleted_at = UTC_TIMESTAMP() WHERE id = ${gone}`);
    await both(browser, 403);
  });
  test('not a user who is deleted', async () => {
    const { id, email } = await laravel.user({ workspace, role: 'owner' });
    const browser = await laravel.login(email, workspace);
    await stack.sql(`UPDATE users SET deleted_at = UTC_TIMESTAMP() WHERE id = ${id}`);
    await both(browser, 401);
  });
  test('not with cookies of another application', async () => {
    const browser = await laravel.login(user.email, workspace);
    const cookieName = laravel.cookieName(browser);
    const id = laravel.sessionId(browser);
    for (const value of [sealCookie(cookieName, id, newKey()), sealCookie('XSRF-TOKEN', id, stack.settings.APP_KEY), id,
      sealCookie(cookieName, `${id}x`, stack.settings.APP_KEY), '', 'eyJ9', '%ZZ']) {
      const other = browser.copy();
      other.jar.set(cookieName, { ...browser.jar.get(cookieName), value });
      await both(other, 401);
    }
    const value = sealCookie(cookieName, id, stack.settings.APP_KEY);
    browser.jar.set(cookieName, { ...browser.jar.get(cookieName), value });
    await both(browser, 200);
  });
});

describe('what Laravel takes for a CSRF token, we take', () => {
  let stack, laravel, browser, account, token, right;
  before(async () => {
    let workspace, user;
    ({ stack, laravel, workspace, user } = await startBoth());
    browser = await laravel.login(user.email, workspace);
    account = await stack.account(connected({ workspace_id: workspace, is_primary: 1 }));
    ({ token } = (await browser.get('/whoami')).json);
    right = browser.xsrf();
  });
  after(() => stack?.stop());

  const other = 'A'.repeat(40);
  const sealed = (text, appKey = stack.settings.APP_KEY) => decodeURIComponent(sealCookie('XSRF-TOKEN', text, appKey));
  const header = (value = token) => ({ 'X-CSRF-TOKEN': value });
  /* [what, whether it is good, what is sent, and whether we differ] */
  const cases = [
    ['nothing', false, () => ({})],
    ['X-XSRF-TOKEN, as axios sends it', true, () => ({ headers: { 'X-XSRF-TOKEN': right } })],
    ['X-XSRF-TOKEN that is not decoded', false, () => ({ headers: { 'X-XSRF-TOKEN': encodeURIComponent(right) } })],
    ['X-XSRF-TOKEN of another session', false, () => ({ headers: { 'X-XSRF-TOKEN': sealed(other) } })],
    ['X-XSRF-TOKEN in clear', false, () => ({ headers: { 'X-XSRF-TOKEN': token } })],
    ['X-XSRF-TOKEN that is nonsense', false, () => ({ headers: { 'X-XSRF-TOKEN': 'nonsense' } })],
    ['X-XSRF-TOKEN with the session cookie in it', false, () => ({
      headers: { 'X-XSRF-TOKEN': decodeURIComponent(browser.cookie(laravel.cookieName(browser))) } })],
    ['X-XSRF-TOKEN under another key', false, () => ({ headers: { 'X-XSRF-TOKEN': sealed(token, newKey()) } })],
    ['X-CSRF-TOKEN, as jQuery sends it', true, () => ({ headers: header() })],
    ['X-CSRF-TOKEN that is wrong', false, () => ({ headers: header(other) })],
    ['X-CSRF-TOKEN in lower case', false, () => ({ headers: header(token.toLowerCase()) })],
    ['X-CSRF-TOKEN that is cut', false, () => ({ headers: header(token.slice(0, 39)) })],
    ['a wrong X-CSRF-TOKEN before a right X-XSRF-TOKEN', false, () => ({
      headers: { 'X-CSRF-TOKEN': other, 'X-XSRF-TOKEN': right } })],
    ['a right X-CSRF-TOKEN before a wrong X-XSRF-TOKEN', true, () => ({
      headers: { 'X-CSRF-TOKEN': token, 'X-XSRF-TOKEN': 'nonsense' } })],
    ['an empty X-CSRF-TOKEN before a right X-XSRF-TOKEN', true, () => ({
      headers: { 'X-CSRF-TOKEN': '', 'X-XSRF-TOKEN': right } })],
    ['an X-CSRF-TOKEN of 0, which PHP takes for none', true, () => ({
      headers: { 'X-CSRF-TOKEN': '0', 'X-XSRF-TOKEN': right } }), 'we do not'],
    ['_token in JSON', true, () => ({ json: { _token: token } })],
    ['_token in JSON, with blanks around it', true, () => ({ json: { _token: `  ${token}\n` } })],
    ['_token in JSON that is wrong', false, () => ({ json: { _token: other } })],
    ['_token in a form', true, () => ({ form: { _token: token } })],
    ['_token in a form that is wrong', false, () => ({ form: { _token: other } })],
    ['a wrong _token before a right header', false, () => ({ json: { _token: other }, headers: header() })],
    ['a right _token before a wrong header', true, () => ({ form: { _token: token }, headers: header(other) })],
    ['an empty _token before a right header', true, () => ({ json: { _token: '' }, headers: header() })],
    ['a null _token before a right header', true, () => ({ json: { _token: null }, headers: header() })],
    ['a _token of "0" before a right header', true, () => ({ json: { _token: '0' }, headers: header() }), 'we do not'],
    ['a _token of false before a right header', true, () => ({ json: { _token: false }, headers: header() })],
    ['a _token that is a list before a right header', false, () => ({ json: { _token: [token] }, headers: header() })],
    ['a _token that is a number before a right header', false, () => ({ json: { _token: 5 }, headers: header() })],
    ['an empty list for _token before a right header', true, () => ({ json: { _token: [] }, headers: header() })],
    ['_token in the query', true, () => ({ query: `?_token=${token}` }), 'ours is the body alone'],
    ['_token in the query that is wrong, before a right header', false, () => ({
      query: `?_token=${other}`, headers: header() }), 'ours is the body alone'],
    ['_token in the body and a wrong one in the query', true, () => ({
      query: `?_token=${other}`, form: { _token: token } })],
  ];

  for (const [what, good, make, difference] of cases) {
    test(`${what}: ${good ? 'good' : 'refused'}${difference ? `, but ${difference}` : ''}`, async () => {
      const { query = '', ...options } = make();
      /* Cookies that come back would be new ones. */
      const send = (path) => browser.copy().call('POST', `${path}${query}`, { csrf: false, ...options });
      const theirs = await send('/php/validate');
      assert.equal(theirs.status, good ? 200 : 419, `Laravel: ${theirs.text}`);
      const ours = await send(`${PAGE}/${account.uuid}/set-primary`);
      assert.equal(ours.status, good === !difference ? 200 : 419, `we: ${ours.text}`);
      if (ours.status === 419) assert.equal(ours.json.code, 'csrf_mismatch');
    });
  }
});

describe('the cookies that we send', () => {
  const settings = {
    'as they are by default': {},
    'on HTTPS': { SESSION_SECURE_COOKIE: 'true' },
    'never marked secure': { SESSION_SECURE_COOKIE: 'false' },
    'of a folder and a domain': { SESSION_PATH: '/settings', SESSION_DOMAIN: '.example.test' },
    'never for links of other sites': { SESSION_SAME_SITE: 'strict' },
    'for scripts to read': { SESSION_HTTP_ONLY: 'false' },
    'for frames of other sites': { SESSION_SAME_SITE: 'none', SESSION_SECURE_COOKIE: 'true' },
    'with a word in capitals': { SESSION_SAME_SITE: 'Lax' },
    'without a word about other sites': { SESSION_SAME_SITE: 'null' },
    'until the browser is closed': { SESSION_EXPIRE_ON_CLOSE: 'true' },
    'for ten minutes': { SESSION_LIFETIME: '10' },
    'under a name of their own': { SESSION_COOKIE: 'toko' },
    'with null for what is not set, as a new application has it': { SESSION_DOMAIN: 'null',
      SESSION_SECURE_COOKIE: 'null', SESSION_PATH: '/', SESSION_ENCRYPT: 'false' },
    'with nothing for what is not set': { SESSION_DOMAIN: '', SESSION_SECURE_COOKIE: '', SESSION_PATH: '' },
  };

  for (const [what, env] of Object.entries(settings)) {
    test(`${what}: like Laravel's`, async () => {
      const { stack, laravel, workspace, user } = await startBoth(env);
      try {
        const browser = await laravel.login(user.email, workspace, laravel.browser({ everywhere: true }));
        const [ours, theirs] = [await browser.get(PAGE), await browser.get('/php/accounts')];
        assert.equal(ours.status, 200, ours.text);
        assert.equal(theirs.status, 200, theirs.text);
        const [our, their] = [ours, theirs].map((answer) =>
          cookiesOf(answer).sort((a, b) => a.name.localeCompare(b.name)));
        for (const cookie of [...our, ...their]) {
          assert.equal(openCookie(cookie.name, cookie.value, stack.settings.APP_KEY)?.length, 40);
          if (cookie.expires !== undefined) {
            const left = (parseExpires(cookie.expires) - Date.now()) / 1000;
            assert.ok(Math.abs(left - cookie['max-age']) < 30, cookie.expires);
            cookie.expires = 'then';
            /* Laravel takes the time twice, and a second may pass between the two. */
            cookie['max-age'] = 60 * Math.round(cookie['max-age'] / 60);
          }
          cookie.value = 'something';
        }
        assert.deepEqual(our, their);
      } finally {
        await stack.stop();
      }
    });
  }

  test('they are named after the application, as Laravel names them', async () => {
    const { stack, laravel, workspace, user } = await startBoth();
    try {
      /* Of letters beyond ASCII, Laravel makes ASCII with a table of its own: those need SESSION_COOKIE. */
      for (const name of ['Toko_Satu', '"Toko Satu & Co."', 'Toko.Satu', '"Kopi@Pagi"', '"Kopi @ Pagi"', 'WA-Blast-2.0',
        '"  Toko  "', '"a -- b __ c"', "'Toko (Satu)'", '2']) {
        await reload(stack, { APP_NAME: name });
        const browser = await laravel.login(user.email, workspace);
        const answer = await browser.get(PAGE);
        assert.equal(answer.status, 200, `${name}: ${laravel.cookieName(browser)}: ${answer.text}`);
        assert.deepEqual(cookiesOf(answer).map((cookie) => cookie.name).sort(), [...browser.jar.keys()].sort(), name);
      }
    } finally {
      await stack.stop();
    }
  });

  test('they come with the list and with writes, not with what a page polls', async () => {
    const { stack, laravel, workspace, user } = await startBoth();
    try {
      const browser = await laravel.login(user.email, workspace);
      const account = await stack.account(connected({ workspace_id: workspace }));
      for (const [method, path, count] of [
        ['GET', PAGE, 2], ['GET', `${PAGE}/${account.uuid}`, 0], ['GET', `${PAGE}/${account.uuid}/statistics`, 0],
        ['POST', `${PAGE}/${account.uuid}/set-primary`, 2], ['POST', PAGE, 2], ['DELETE', `${PAGE}/${account.uuid}`, 2],
      ]) {
        const answer = await browser.call(method, path);
        assert.equal(cookiesOf(answer).length, count, `${method} ${path}: ${answer.status}`);
      }
      assert.equal(cookiesOf(await browser.call('POST', PAGE, { csrf: false })).length, 0, 'not with a refusal');
    } finally {
      await stack.stop();
    }
  });
});

describe('a new APP_KEY', () => {
  let stack, laravel, workspace, user;
  before(async () => ({ stack, laravel, workspace, user } = await startBoth()));
  after(() => stack?.stop());

  test('logins under the old key go on, and are carried over to the new one', async () => {
    const old = stack.settings.APP_KEY;
    const browser = await laravel.login(user.email, workspace);
    const id = laravel.sessionId(browser);
    const account = await stack.account(connected({ workspace_id: workspace }));
    const fresh = newKey();
    await reload(stack, { APP_KEY: fresh, APP_PREVIOUS_KEYS: old });

    const left = browser.copy();
    const written = await left.call('POST', `${PAGE}/${account.uuid}/set-primary`);
    assert.equal(written.status, 200, `X-XSRF-TOKEN is under the old key, too: ${written.text}`);

    const answer = await browser.get(PAGE);
    assert.equal(answer.status, 200, answer.text);
    assert.equal(laravel.sessionId(browser, fresh), id, 'the cookie that came back is under the new key');
    assert.equal(laravel.sessionId(browser, old), null);
    const { user: who, token } = (await browser.get('/whoami')).json;
    assert.equal(who, user.id, 'a Laravel that knows the new key alone opens it');
    assert.equal(openCookie('XSRF-TOKEN', browser.cookie('XSRF-TOKEN'), fresh), token);
  });

  test('the key before the last one counts as well, one that is not listed does not', async () => {
    const browser = await laravel.login(user.email, workspace);
    const first = stack.settings.APP_KEY;
    const [second, third] = [newKey(), newKey()];
    await reload(stack, { APP_KEY: third, APP_PREVIOUS_KEYS: `${second},${first}` });
    assert.equal((await browser.copy().get(PAGE)).status, 200);
    await reload(stack, { APP_KEY: third, APP_PREVIOUS_KEYS: second });
    assert.equal((await browser.copy().get(PAGE)).status, 401);
  });

  test('a session that is encrypted under the old key is read', async () => {
    const both = await startBoth({ SESSION_ENCRYPT: 'true' });
    try {
      const browser = await both.laravel.login(both.user.email, both.workspace);
      await reload(both.stack, { APP_KEY: newKey(), APP_PREVIOUS_KEYS: both.stack.settings.APP_KEY });
      assert.equal((await browser.get(PAGE)).status, 200);
      assert.equal((await browser.get(PAGE)).status, 200, 'with the new cookie around the old session');
    } finally {
      await both.stack.stop();
    }
  });
});
