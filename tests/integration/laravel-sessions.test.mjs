// Sessions that a real Laravel keeps, in each of its stores: what they are
// worth on our routes, and what we leave in them.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { cookiesOf } from './lib/browser.mjs';
import { connected } from './lib/fixtures.mjs';
import { startLaravel } from './lib/laravel.mjs';
import { stores } from './lib/laravel-sessions.mjs';
import { PAGE } from './lib/login.mjs';
import { pause } from './lib/processes.mjs';
import { startStack } from './lib/stack.mjs';

const LIFETIME = 120 * 60;
const now = () => Math.floor(Date.now() / 1000);

/**
 * What `body` finds out within one second of the clock, which it is given: it
 * is about a boundary between two. Else once more, with what `prepare` makes anew.
 */
async function withinOneSecond(prepare, body) {
  for (let tries = 0; tries < 60; tries++) {
    const prepared = await prepare();
    await pause(1000 - (Date.now() % 1000));
    const second = now();
    const result = await body(second, prepared);
    if (now() === second) return result;
  }
  throw new Error('this machine is too slow for a question about one second');
}

for (const [name, { env, open }] of Object.entries(stores)) {
  describe(`sessions ${name}`, () => {
    let stack, laravel, store, workspace, user;
    before(async () => {
      stack = await startStack({ env });
      laravel = await startLaravel(stack);
      store = open(stack);
      workspace = await stack.workspace();
      user = await laravel.user({ workspace });
    });
    after(() => stack?.stop());

    const logIn = () => laravel.login(user.email, workspace);

    async function isIn(browser) {
      const answer = await browser.get(PAGE);
      assert.equal(answer.status, 200, answer.text);
      assert.equal(answer.json.workspaceId, workspace);
    }
    async function isOut(browser) {
      const answer = await browser.get(PAGE);
      assert.equal(answer.status, 401, answer.text);
      assert.equal(answer.json.code, 'unauthenticated');
    }

    test('who logs in at Laravel is logged in here', async () => {
      const account = await stack.account(connected({ workspace_id: workspace }));
      const browser = await logIn();
      await isIn(browser);
      const answer = await browser.get(`${PAGE}/${account.uuid}`);
      assert.equal(answer.status, 200, answer.text);
      assert.equal(answer.json.data.uuid, account.uuid);
    });

    test('a visitor who has not logged in has a session, and is refused', async () => {
      const browser = laravel.browser();
      await browser.visit('/login');
      assert.match(await store.text(laravel.sessionId(browser)), env.SESSION_ENCRYPT ? /^eyJ/ : /_token/);
      await isOut(browser);
    });

    test('the session of before the login is worth nothing after it', async () => {
      const browser = laravel.browser();
      await browser.visit('/login');
      const old = browser.copy();
      await laravel.login(user.email, workspace, browser);
      await isIn(browser);
      await isOut(old);
    });

    test('who logs out at Laravel is logged out here at once, with the same cookies too', async () => {
      const browser = await logIn();
      const stolen = browser.copy();
      await isIn(stolen);
      await laravel.logout(browser);
      await isOut(browser);
      await isOut(stolen);
    });

    test('a session with objects in it, as failed validation leaves them, is read', async () => {
      const browser = await logIn();
      const answer = await browser.call('POST', '/profile', { form: { first_name: 'x'.repeat(30), language: 'fr' },
        headers: { Accept: 'text/html' } });
      assert.equal(answer.status, 302, answer.text);
      if (!env.SESSION_ENCRYPT) assert.match(await store.text(laravel.sessionId(browser)), /O:31:"Illuminate/);
      await isIn(browser);
      const created = await browser.post(PAGE, { phone_number: '+62 899 0000 001', provider_type: 'webjs' });
      assert.equal(created.status, 201, created.text);
      const page = await browser.visit('/login');
      assert.match(page.text, /The first name field must not be greater than 20 characters\./,
        'what was flashed is still there for Laravel to show');
    });

    test('a session that has expired for Laravel has expired here, to the second', async () => {
      const ages = [[LIFETIME - 30, true], [LIFETIME, true], [LIFETIME + 1, false], [LIFETIME * 20, false]];
      for (const [age, lives] of ages) {
        /* Two sessions: who asks first must not refresh what the other looks at. */
        const seen = await withinOneSecond(() => Promise.all([logIn(), logIn()]), async (second, [ours, theirs]) => {
          for (const browser of [ours, theirs]) await store.setSeen(laravel.sessionId(browser), second - age);
          return [(await ours.get(PAGE)).status, (await theirs.get('/whoami')).json.user];
        });
        assert.deepEqual(seen, lives ? [200, user.id] : [401, null], `${age} s`);
      }
    });

    test('a session from the future, of a host whose clock is ahead, lives', async () => {
      const browser = await logIn();
      await store.setSeen(laravel.sessionId(browser), now() + 600);
      await isIn(browser);
    });

    test('the time of the last use is written at most once a minute', async () => {
      const browser = await logIn();
      const id = laravel.sessionId(browser);
      const fresh = now() - 50;
      await store.setSeen(id, fresh);
      await isIn(browser);
      assert.equal(await store.seen(id), fresh, 'less than a minute ago');

      await store.setSeen(id, now() - 70);
      await isIn(browser);
      const touched = await store.seen(id);
      assert.ok(Math.abs(touched - now()) <= 30, `${touched} is not about now`);
      await pause(1100);
      await isIn(browser);
      assert.equal(await store.seen(id), touched, 'not again');
    });

    test('who only uses our routes stays logged in at Laravel', async () => {
      const browser = await logIn();
      const id = laravel.sessionId(browser);
      await store.setSeen(id, now() - LIFETIME + 20);
      await isIn(browser);
      const { user: who, session } = (await browser.get('/whoami')).json;
      assert.deepEqual([who, session], [user.id, id]);
    });

    test('nothing in the session is ever changed but the time of its last use', async () => {
      const browser = await logIn();
      const id = laravel.sessionId(browser);
      const before = await store.content(id);
      const same = async (what) => assert.equal(await store.content(id), before, what);

      const phone_number = '+62 899 0000 002';
      const { data } = (await browser.post(PAGE, { phone_number, provider_type: 'webjs' })).json;
      await same('create');
      for (const [method, path, options] of [
        ['GET', PAGE], ['GET', `${PAGE}/${data.uuid}`], ['GET', `${PAGE}/${data.uuid}/statistics`],
        ['POST', `${PAGE}/${data.uuid}/set-primary`], ['POST', `${PAGE}/${data.uuid}/reconnect`],
        ['POST', `${PAGE}/${data.uuid}/regenerate-qr`], ['POST', `${PAGE}/${data.uuid}/disconnect`],
        ['POST', PAGE, { json: { phone_number, provider_type: 'webjs' } }], ['POST', PAGE, { json: {} }],
        ['POST', PAGE, { body: '{', headers: { 'Content-Type': 'application/json' } }],
        ['POST', PAGE, { csrf: false }], ['GET', `${PAGE}/${randomUUID()}`], ['DELETE', `${PAGE}/${data.uuid}`],
      ]) {
        await store.setSeen(id, now() - 300);
        const answer = await browser.call(method, path, options);
        assert.ok(answer.status < 500, answer.text);
        await same(`${method} ${path}: ${answer.status}`);
      }
    });

    test('the cookies that we send again are good at Laravel', async () => {
      const browser = await logIn();
      for (const [method, json] of [['GET'], ['POST', { phone_number: '+62 899 0000 003', provider_type: 'webjs' }]]) {
        const answer = await browser.call(method, PAGE, { json });
        const ours = laravel.browser();
        for (const cookie of cookiesOf(answer)) ours.jar.set(cookie.name, browser.jar.get(cookie.name));
        assert.deepEqual([...ours.jar.keys()].sort(), ['XSRF-TOKEN', laravel.cookieName(browser)]);
        assert.equal((await ours.get('/whoami')).json.user, user.id);
        assert.equal((await ours.post('/php/validate', {})).status, 200, 'with our X-XSRF-TOKEN');
      }
    });
  });
}
