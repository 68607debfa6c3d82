// The cookies that are sent again, so that somebody who only uses our page is not logged out.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { cookiesOf } from './lib/browser.mjs';
import { isOk } from './lib/browser-expect.mjs';
import { newKey, openCookie } from './lib/envelope.mjs';
import { connected, phone } from './lib/fixtures.mjs';
import { COOKIE, NEW_COOKIE, browser, cookieOf, join, logIn, newUser } from './lib/login.mjs';
import { withSettings } from './lib/settings.mjs';
import { startStack } from './lib/stack.mjs';
import { makeTokenTable, newToken, script } from './lib/tokens.mjs';

const retired = newKey();
let stack, ana;
before(async () => {
  stack = await startStack({ env: { APP_PREVIOUS_KEYS: retired }, pool: false });
  await makeTokenTable(stack);
  await stack.startPool();
  ana = await logIn(stack);
});
after(() => stack?.stop());

const unknown = '/00000000-0000-4000-8000-000000000000';

/** The answer sends both cookies again, and they are ours. */
function sendsThem(answer, { session } = ana, name = COOKIE) {
  const cookies = cookiesOf(answer);
  assert.deepEqual(cookies.map((cookie) => cookie.name).sort(), [name, 'XSRF-TOKEN'].sort(), answer.text);
  const [own, token] = [name, 'XSRF-TOKEN'].map((one) => cookies.find((cookie) => cookie.name === one));
  assert.equal(openCookie(name, own.value, stack.settings.APP_KEY), session.id);
  assert.equal(openCookie('XSRF-TOKEN', token.value, stack.settings.APP_KEY), session.token);
  return [own, token];
}
const sendsNone = (answer) => assert.deepEqual(answer.headers['set-cookie'], undefined);

describe('they are sent', () => {
  test('with the page, also when it is asked for by HEAD', async () => {
    sendsThem(await ana.call('GET'));
    sendsThem(await ana.call('GET', '/'));
    sendsThem(await ana.call('HEAD'));
  });

  test('with every write that was let in, whatever came of it', async () => {
    const phone_number = phone();
    const json = { phone_number, provider_type: 'webjs' };
    const account = await ana.account(connected());
    const meta = await ana.account({ provider_type: 'meta' });
    const doomed = await ana.account();
    const attempts = [
      ['POST', '', { json }, 201], ['POST', '', { json }, 409], ['POST', '', { json: {} }, 422],
      ['POST', '', { body: '{', headers: { 'Content-Type': 'application/json' } }, 400],
      ['POST', '', { body: 'x', headers: { 'Content-Type': 'text/plain' } }, 415],
      ['POST', `/${account.uuid}/set-primary`, {}, 200], ['POST', `${unknown}/set-primary`, {}, 404],
      ['POST', `/${account.uuid}/regenerate-qr`, {}, 409], ['POST', `/${meta.uuid}/regenerate-qr`, {}, 422],
      ['POST', `/${account.uuid}/disconnect`, {}, 200], ['POST', `/${account.uuid}/reconnect`, {}, 200],
      ['DELETE', `/${doomed.uuid}`, {}, 200], ['DELETE', `/${doomed.uuid}`, {}, 404],
    ];
    for (const [method, path, options, status] of attempts) {
      const answer = await ana.call(method, path, options);
      assert.equal(answer.status, status, `${method} ${path}: ${answer.text}`);
      sendsThem(answer);
    }
    await withSettings(stack, { WA_MAX_ACCOUNTS: 0 }, async () => {
      const answer = await ana.call('POST', '', { json: { ...json, phone_number: phone() } });
      assert.equal(answer.json.code, 'limit_reached');
      sendsThem(answer);
    });
  });

  test('whichever way the token came', async () => {
    for (const csrf of ['header', 'xsrf', 'body']) sendsThem(await ana.call('POST', '', { json: {}, csrf }));
  });
});

describe('they are not sent', () => {
  test('on what a page polls: a late answer would put back what a login has replaced', async () => {
    const account = await ana.account();
    for (const path of [`/${account.uuid}`, `/${account.uuid}/statistics`, unknown, `${unknown}/statistics`]) {
      sendsNone(await ana.call('GET', path));
    }
  });

  test('to somebody who was not let in', async () => {
    const stranger = await newUser(stack);
    const agent = await newUser(stack);
    await join(stack, agent, ana.workspace, { role: 'agent' });
    const others = [browser(stack, { ...ana, cookie: null }), browser(stack, { ...ana, cookie: `${COOKIE}=x` }),
      await logIn(stack, { age: 86400 }), await logIn(stack, { user: 2147483000, workspace: ana.workspace }),
      await logIn(stack, { user: stranger, workspace: ana.workspace }),
      await logIn(stack, { user: agent, workspace: ana.workspace })];
    for (const other of others) {
      sendsNone(await other.call('GET'));
      sendsNone(await other.call('POST', '', { json: {} }));
      sendsNone(await other.call('GET', '', { headers: { Accept: 'text/html' } }));
    }
    sendsNone(await ana.call('POST', '', { json: {}, csrf: 'none' }));
    sendsNone(await ana.call('PUT', '', { json: {} }));
    sendsNone(await ana.call('GET', '/x/y'));
  });

  test('to a script, also when it has a cookie', async () => {
    const { text } = await newToken(stack, ana.user);
    sendsNone(await script(stack, text).call('GET', '', { headers: { Cookie: ana.cookie } }));
    sendsNone(await script(stack, text).call('POST', '', { json: {}, headers: { Cookie: ana.cookie } }));
  });
});

describe('what they are', () => {
  const value = '[A-Za-z0-9]+(?:%(?:2B|2F|3D)[A-Za-z0-9]*)*';

  /** Both header lines, with this end; `expires` and `Max-Age` after so many seconds. */
  function endIn(answer, own, token = own.replace('; httponly', ''), seconds = 7200) {
    const lines = answer.headers['set-cookie'];
    for (const [name, end] of [[COOKIE, own], ['XSRF-TOKEN', token]]) {
      const line = lines.find((one) => one.startsWith(`${name}=`));
      const parts = line.match(new RegExp(`^${name}=${value}; expires=([^;]+); Max-Age=(\\d+); (.*)$`));
      assert.ok(parts, line);
      assert.equal(parts[2], String(seconds));
      assert.equal(parts[3], end);
      assert.equal(new Date(parts[1]).toUTCString(), parts[1], 'the date is written as HTTP wants it');
      assert.ok(Math.abs(Date.parse(parts[1]) - Date.now() - seconds * 1000) < 60_000, parts[1]);
    }
  }

  test('by default: for two hours, for the whole host, and the session is not the script\'s', async () => {
    endIn(await ana.call('GET'), 'path=/; httponly; samesite=lax');
  });

  test('by all that SESSION_* says', async () => {
    const settings = { SESSION_LIFETIME: 5, SESSION_PATH: '/app', SESSION_DOMAIN: '.example.test',
      SESSION_SECURE_COOKIE: 'true', SESSION_HTTP_ONLY: 'false', SESSION_SAME_SITE: 'strict' };
    await withSettings(stack, settings, async () => {
      const end = 'path=/app; domain=.example.test; secure; samesite=strict';
      endIn(await ana.call('GET'), end, end, 300);
    });
    await withSettings(stack, { SESSION_SAME_SITE: 'none', SESSION_SECURE_COOKIE: 'true' }, async () => {
      endIn(await ana.call('GET'), 'path=/; secure; httponly; samesite=none');
    });
    await withSettings(stack, { SESSION_SAME_SITE: 'null' }, async () => {
      endIn(await ana.call('GET'), 'path=/; httponly');
    });
  });

  test('Secure as nginx was asked, unless SESSION_SECURE_COOKIE decides it', async () => {
    const ask = (HTTPS) => ana.call('GET', '', { straight: true, params: HTTPS === undefined ? {} : { HTTPS } });
    const secure = 'path=/; secure; httponly; samesite=lax';
    const plain = 'path=/; httponly; samesite=lax';
    endIn(await ask('on'), secure);
    for (const https of [undefined, '', 'off']) endIn(await ask(https), plain);
    await withSettings(stack, { SESSION_SECURE_COOKIE: 'false' }, async () => endIn(await ask('on'), plain));
    await withSettings(stack, { SESSION_SECURE_COOKIE: 'true' }, async () => endIn(await ask(undefined), secure));
  });

  test('with SESSION_EXPIRE_ON_CLOSE the session\'s ends with the browser', async () => {
    await withSettings(stack, { SESSION_EXPIRE_ON_CLOSE: 'true' }, async () => {
      const answer = await ana.call('GET');
      const [own] = sendsThem(answer);
      assert.equal(own.expires, undefined);
      assert.equal(own['max-age'], undefined);
      assert.equal(own.path, '/');
      assert.equal(own.samesite, 'lax');
    });
  });

  test('under the name under which the session came', async () => {
    for (const name of [COOKIE, NEW_COOKIE]) {
      const other = browser(stack, { ...ana, cookie: cookieOf(stack, ana.session, { name }) });
      sendsThem(await other.call('GET'), ana, name);
    }
    await withSettings(stack, { SESSION_COOKIE: 'toko' }, async () => {
      sendsThem(await browser(stack, { ...ana, cookie: cookieOf(stack, ana.session) }).call('GET'), ana, 'toko');
    });
  });

  test('encrypted anew each time', async () => {
    const values = [];
    for (let i = 0; i < 3; i++) values.push(...sendsThem(await ana.call('GET')).map((cookie) => cookie.value));
    assert.equal(new Set(values).size, 6);
  });

  test('with the current key, whichever one the session came with', async () => {
    const old = browser(stack, { ...ana, cookie: cookieOf(stack, ana.session, { appKey: retired }) });
    sendsThem(await old.call('GET'));
  });

  test('in the mode in which the session came: Laravel reads only the one it writes', async () => {
    for (const cipher of ['cbc', 'gcm']) {
      const one = browser(stack, { ...ana, cookie: cookieOf(stack, ana.session, { cipher }) });
      for (const { value: sent } of sendsThem(await one.call('GET'))) {
        const { iv, mac, tag } = JSON.parse(Buffer.from(decodeURIComponent(sent), 'base64').toString());
        const lengths = [Buffer.from(iv, 'base64').length, mac.length, Buffer.from(tag, 'base64').length];
        assert.deepEqual(lengths, cipher === 'gcm' ? [12, 0, 16] : [16, 64, 0]);
      }
    }
  });

  test('good for the next request: the session, and the token in X-XSRF-TOKEN', async () => {
    const [own, token] = sendsThem(await ana.call('GET'));
    const next = browser(stack, { ...ana, cookie: `${COOKIE}=${own.value}; XSRF-TOKEN=${token.value}` });
    isOk(await next.call('GET'));
    const answer = await next.call('POST', '', { json: {}, csrf: 'none',
      headers: { 'X-XSRF-TOKEN': decodeURIComponent(token.value) } });
    assert.equal(answer.status, 422, answer.text);
  });

  test('of a session without a token: only the session\'s', async () => {
    const { user, workspace } = ana;
    const answer = await (await logIn(stack, { user, workspace, data: { _token: undefined } })).call('GET');
    isOk(answer);
    assert.deepEqual(cookiesOf(answer).map((cookie) => cookie.name), [COOKIE]);
  });
});
