// What nginx does before the pool sees a request: who gets which path, what is passed on, and what
// nginx answers by itself.  A real nginx with the files of nginx/, and a responder in place of the
// pool; everything lives in a temporary folder.
//
//   node --test tests/integration/nginx.test.mjs

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { echo, start_responder } from './lib/fcgi-responder.mjs';
import { ask, assert_own_error, start_nginx, start_pool } from './lib/nginx.mjs';

const MIB = 1024 * 1024;

// --- Which path goes where

const UUID = '0198d7a2-3b1c-7e57-9c40-1d2f3a4b5c6d';
const ID191 = 'a'.repeat(191);
const ACCOUNTS = '/api/whatsapp/accounts';
const PAGE = '/settings/whatsapp-accounts';
const OLD_ACCOUNTS = '/api/whatsapp/sessions';
const OLD_BROADCAST = '/api/whatsapp/broadcast';
const WEBHOOK = '/api/whatsapp/webhooks/webjs';
const OLD_PAGE = '/settings/whatsapp-sessions';

// [method, what the client sends, who answers, the path that the pool sees if it is another one]
const PATHS = [
  // ours
  ['GET', PAGE, 'pool'],
  ['HEAD', PAGE, 'pool'],
  ['POST', PAGE, 'pool'],
  ['GET', `${PAGE}/`, 'pool'],
  ['GET', `${PAGE}?page=2`, 'pool', PAGE],
  ['GET', `${PAGE}/${UUID}`, 'pool'],
  ['DELETE', `${PAGE}/${UUID}`, 'pool'],
  ['PATCH', `${PAGE}/${UUID}`, 'pool'],
  ['POST', `${PAGE}/${UUID}/set-primary`, 'pool'],
  ['GET', `${PAGE}/${UUID}/statistics/`, 'pool'],
  ['GET', `${PAGE}/index.php`, 'pool'],
  ['GET', `${PAGE}/no/such/route.css`, 'pool'],
  ['POST', '/broadcasting/auth', 'pool'],
  ['GET', `${ACCOUNTS}/active`, 'pool'],
  ['GET', `${ACCOUNTS}/active/`, 'pool'],
  ['GET', `${ACCOUNTS}/active?limit=5`, 'pool', `${ACCOUNTS}/active`],
  ['POST', `${ACCOUNTS}/broadcast`, 'pool'],
  ['PATCH', `${ACCOUNTS}/broadcast`, 'pool'],
  ['GET', `${ACCOUNTS}/${UUID}/status`, 'pool'],
  ['HEAD', `${ACCOUNTS}/${UUID}/status`, 'pool'],
  ['POST', `${ACCOUNTS}/${UUID}/status`, 'pool'],
  ['PUT', `${ACCOUNTS}/17/status/`, 'pool'],
  ['OPTIONS', `${ACCOUNTS}/17/status`, 'pool'],
  ['GET', `${ACCOUNTS}/webjs_1_1760321709_aB3dE6gH/status`, 'pool'],
  ['GET', `${ACCOUNTS}/${ID191}/status`, 'pool'],
  ['GET', `${ACCOUNTS}/active/status`, 'pool'],
  ['GET', `${ACCOUNTS}/by-session-7/status`, 'pool'],
  ['POST', `${ACCOUNTS}/${UUID}/mark-disconnected`, 'pool'],
  ['POST', `${ACCOUNTS}/${UUID}/mark-disconnected/`, 'pool'],
  ['POST', WEBHOOK, 'pool'],
  ['POST', `${WEBHOOK}/`, 'pool'],
  ['GET', `${WEBHOOK}?a=b`, 'pool', WEBHOOK],
  ['GET', '/healthz', 'pool'],
  ['GET', '/readyz', 'pool'],
  ['GET', '/metrics', 'pool'],

  // ours, by their old paths, which the pool knows
  ['GET', OLD_PAGE, 'pool'],
  ['POST', `${OLD_PAGE}/`, 'pool'],
  ['GET', `${OLD_PAGE}?page=2`, 'pool', OLD_PAGE],
  ['DELETE', `${OLD_PAGE}/${UUID}`, 'pool'],
  ['GET', `${OLD_PAGE}/index.php`, 'pool'],
  ['GET', `${OLD_ACCOUNTS}/active?limit=5`, 'pool', `${OLD_ACCOUNTS}/active`],
  ['POST', `${OLD_ACCOUNTS}/broadcast/`, 'pool'],
  ['POST', OLD_BROADCAST, 'pool'],
  ['POST', `${OLD_BROADCAST}/`, 'pool'],
  ['GET', `${OLD_ACCOUNTS}/17/status`, 'pool'],
  ['POST', `${OLD_ACCOUNTS}/17/status`, 'pool'],
  ['POST', `${OLD_ACCOUNTS}/${UUID}/mark-disconnected`, 'pool'],

  // Laravel's, by their old paths
  ['GET', `${OLD_PAGE}-archive`, 'laravel'],
  ['GET', `${OLD_PAGE}x`, 'laravel'],
  ['GET', `${OLD_PAGE}%0a`, 'laravel'],
  ['GET', '/settings/whatsapp-session', 'laravel'],
  ['GET', OLD_ACCOUNTS, 'laravel'],
  ['GET', `${OLD_ACCOUNTS}-for-cleanup/active`, 'laravel'],
  ['GET', `${OLD_ACCOUNTS}/by-session/x`, 'laravel'],
  ['GET', `${OLD_ACCOUNTS}/by-session/status`, 'laravel'],
  ['POST', `${OLD_ACCOUNTS}/by-session/mark-disconnected`, 'laravel'],
  ['PATCH', `${OLD_ACCOUNTS}/${UUID}/status`, 'laravel'],
  ['PATCH', `${OLD_ACCOUNTS}/17/status/`, 'laravel'],
  ['GET', `${OLD_ACCOUNTS}/17/status%0a`, 'laravel'],

  // Laravel's
  ['GET', '/', 'laravel'],
  ['GET', '/settings', 'laravel'],
  ['GET', '/settings/whatsapp', 'laravel'],
  ['POST', '/settings/whatsapp', 'laravel'],
  ['GET', '/settings/whatsapp/', 'laravel'],
  ['GET', '/settings/whatsapp-accounts-foo', 'laravel'],
  ['GET', '/settings/whatsapp-account', 'laravel'],
  ['GET', '/x/settings/whatsapp-accounts', 'laravel'],
  ['POST', '/api/whatsapp/webhooks', 'laravel'],
  ['POST', '/api/whatsapp/webhooks/meta', 'laravel'],
  ['POST', `${WEBHOOK}x`, 'laravel'],
  ['POST', `${WEBHOOK}/x`, 'laravel'],
  ['POST', `${WEBHOOK}%0a`, 'laravel'],
  ['POST', `${OLD_BROADCAST}s`, 'laravel'],
  ['POST', `${OLD_BROADCAST}/x`, 'laravel'],
  ['POST', `${OLD_BROADCAST}%0a`, 'laravel'],
  ['POST', '/api/whatsapp/chats/sync', 'laravel'],
  ['GET', ACCOUNTS, 'laravel'],
  ['GET', `${ACCOUNTS}/`, 'laravel'],
  ['GET', `${ACCOUNTS}-for-cleanup`, 'laravel'],
  ['GET', `${ACCOUNTS}-for-cleanup/active`, 'laravel'],
  ['GET', `${ACCOUNTS}/by-session/x`, 'laravel'],
  ['GET', `${ACCOUNTS}/by-session/x/y`, 'laravel'],
  ['GET', `${ACCOUNTS}/by-session/x/status`, 'laravel'],
  ['GET', `${ACCOUNTS}/by-session/status`, 'laravel'],
  ['GET', `${ACCOUNTS}/by-session/active`, 'laravel'],
  ['POST', `${ACCOUNTS}/by-session/mark-disconnected`, 'laravel'],
  ['PATCH', `${ACCOUNTS}/${UUID}/status`, 'laravel'],
  ['PATCH', `${ACCOUNTS}/17/status/`, 'laravel'],
  ['GET', `${ACCOUNTS}/${UUID}/sync-status`, 'laravel'],
  ['POST', `${ACCOUNTS}/${UUID}/sync-status`, 'laravel'],
  ['GET', `${ACCOUNTS}/${UUID}`, 'laravel'],
  ['GET', `${ACCOUNTS}/${UUID}/status/x`, 'laravel'],
  ['GET', `${ACCOUNTS}/a${ID191}/status`, 'laravel'],
  ['GET', `${ACCOUNTS}/a.b/status`, 'laravel'],
  ['GET', `${ACCOUNTS}/active-x`, 'laravel'],
  ['GET', `${ACCOUNTS}/broadcast/x`, 'laravel'],
  ['GET', `/v2${ACCOUNTS}/active`, 'laravel'],
  ['GET', '/healthz/', 'laravel'],
  ['GET', '/metrics/x', 'laravel'],

  // other spellings: nginx chooses by the path that it passes on
  ['GET', '/settings/whatsapp%2Daccounts', 'pool', PAGE],
  ['GET', '/settings%2Fwhatsapp-accounts', 'pool', PAGE],
  ['GET', '//settings///whatsapp-accounts//', 'pool', `${PAGE}/`],
  ['GET', '/settings/whatsapp/../whatsapp-accounts', 'pool', PAGE],
  ['GET', '/settings/./whatsapp-accounts', 'pool', PAGE],
  ['GET', `${PAGE}/../whatsapp`, 'laravel'],
  ['GET', `${PAGE}/..%2fwhatsapp`, 'laravel'],
  ['GET', `${PAGE}/%2e%2e/whatsapp`, 'laravel'],
  ['GET', `${PAGE}%20`, 'laravel'],
  ['GET', `${PAGE}%0a`, 'laravel'],
  ['GET', `${PAGE};x`, 'laravel'],
  ['GET', '/Settings/WhatsApp-Accounts', 'laravel'],
  ['GET', `${ACCOUNTS}//active`, 'pool', `${ACCOUNTS}/active`],
  ['GET', `${ACCOUNTS}/%61ctive`, 'pool', `${ACCOUNTS}/active`],
  ['GET', `${ACCOUNTS}/ACTIVE`, 'laravel'],
  ['GET', `${ACCOUNTS}/active%0a`, 'laravel'],
  ['GET', `${ACCOUNTS}/17/status%0a`, 'laravel'],
  ['GET', `${ACCOUNTS}/17/status%2f%0a`, 'laravel'],
  ['GET', `${ACCOUNTS}/17/Status`, 'laravel'],
  ['PATCH', `${ACCOUNTS}/17/%73tatus`, 'laravel'],
  ['PATCH', `${ACCOUNTS}//17//status`, 'laravel'],
  ['GET', `${ACCOUNTS}/by-session%2Fstatus`, 'laravel'],
  ['GET', `${ACCOUNTS}/by%2Dsession/status`, 'laravel'],
  ['GET', `${ACCOUNTS}/by-session//status`, 'laravel'],
  ['GET', `${ACCOUNTS}/by-session/x/../status`, 'laravel'],
  ['GET', `${ACCOUNTS}/by-session/../17/status`, 'pool', `${ACCOUNTS}/17/status`],
  ['GET', `${ACCOUNTS}/1%377/status`, 'pool', `${ACCOUNTS}/177/status`],
  ['GET', `${ACCOUNTS}/1%C3%A4/status`, 'laravel'],
];

test('each path goes to its owner, however it is spelt', async (t) => {
  const nginx = await start_nginx(t);
  const pool = await start_pool(t, nginx.socket);
  for (const [method, target, owner, seen = target] of PATHS) {
    const before = pool.requests.length;
    const got = await ask(nginx.port, method, target);
    const what = `${method} ${target}`;
    assert.equal(got.headers['x-handled-by'], owner, what);
    assert.equal(got.status, owner === 'pool' ? 200 : 404, what);
    assert.equal(got.all('x-request-id').length, 1, what);
    assert.equal(pool.requests.length - before, owner === 'pool' ? 1 : 0, what);
    if (owner === 'pool') {
      assert.equal(pool.requests.at(-1).params.DOCUMENT_URI, seen, what);
      assert.equal(pool.requests.at(-1).params.REQUEST_METHOD, method, what);
    }
  }
  // Refused by nginx itself before it looks for a location.
  assert.equal((await ask(nginx.port, 'GET', `${ACCOUNTS}/17%00/status`)).status, 400);
  assert.equal((await ask(nginx.port, 'GET', '/../settings/whatsapp-accounts')).status, 400);

  const yardstick = await ask(nginx.port, 'GET', '/bench/return200');
  assert.equal(yardstick.status, 200);
  assert.deepEqual(yardstick.json(), { success: true });
});

// --- Beside Laravel

test('beside Laravel, example.conf leaves the page to PHP and gives the rest of it to the pool', async (t) => {
  const nginx = await start_nginx(t, { example: true, php: 'php.sock' });
  const by = (name) => ({ answer: (request) => ({ ...echo(request), headers: { 'X-Handled-By': name } }) });
  await start_pool(t, nginx.socket, by('pool'));
  const php = await start_responder(path.join(nginx.run, 'php.sock'), by('laravel'));
  t.after(() => php.stop());

  const partial = (data, more = {}) => ({
    'X-Inertia': 'true', Accept: 'text/html, application/xhtml+xml',
    'X-Inertia-Partial-Component': 'User/Settings/WhatsAppAccounts', 'X-Inertia-Partial-Data': data, ...more,
  });
  const html = { Accept: 'text/html,application/xhtml+xml;q=0.9,*/*;q=0.8' };
  const table = [
    ['GET', PAGE, html, 'laravel'],
    ['HEAD', PAGE, html, 'laravel'],
    ['GET', `${PAGE}/`, html, 'laravel'],
    ['GET', '/settings//whatsapp%2Daccounts', html, 'laravel'],
    ['GET', PAGE, { 'X-Inertia': 'true', Accept: 'text/html, application/xhtml+xml' }, 'laravel'],
    ['GET', PAGE, { 'X-Inertia': 'true', Accept: 'application/json' }, 'laravel'],
    ['GET', PAGE, partial('accounts'), 'pool'],
    ['GET', `${PAGE}/`, partial('accounts,canAddAccount,workspaceId'), 'pool'],
    ['GET', PAGE, partial('accounts,flash'), 'laravel'],
    ['GET', PAGE, partial('modules'), 'laravel'],
    ['GET', PAGE, partial(''), 'laravel'],
    ['GET', PAGE, partial('accounts', { 'X-Inertia-Partial-Except': 'modules' }), 'laravel'],
    ['GET', PAGE, partial('accounts', { 'X-Inertia-Partial-Component': 'User/Dashboard' }), 'laravel'],
    ['GET', PAGE, { Accept: 'application/json' }, 'pool'],
    ['GET', PAGE, { Accept: '*/*' }, 'pool'],
    ['GET', PAGE, {}, 'pool'],
    ['POST', PAGE, html, 'pool'],
    ['GET', `${PAGE}/${UUID}`, html, 'pool'],
    ['GET', `${PAGE}/x.php`, {}, 'pool'],
    ['GET', `${PAGE}/%0a`, html, 'pool'],
    ['POST', '/broadcasting/auth', {}, 'laravel'],
    ['GET', `${ACCOUNTS}/17/status`, {}, 'pool'],
    ['PATCH', `${ACCOUNTS}/17/status`, {}, 'laravel'],
    ['GET', `${ACCOUNTS}/by-session/status`, {}, 'laravel'],
    ['GET', '/settings/whatsapp', html, 'laravel'],
    ['GET', '/healthz', {}, 'pool'],
  ];
  for (const [method, target, headers, owner] of table) {
    const got = await ask(nginx.port, method, target, { headers });
    assert.equal(got.headers['x-handled-by'], owner, `${method} ${target} ${JSON.stringify(headers)}`);
    assert.equal(got.headers['x-frame-options'], 'SAMEORIGIN', 'the headers of the vhost stay');
  }

  // What Laravel routes by arrives as the client sent it.
  const got = await ask(nginx.port, 'PATCH', `${ACCOUNTS}//17/%73tatus?a=1`, { body: '{"status":"ready"}' });
  assert.equal(got.json().body, '{"status":"ready"}');
  assert.equal(got.json().params.REQUEST_METHOD, 'PATCH');
  assert.equal(got.json().params.REQUEST_URI, `${ACCOUNTS}//17/%73tatus?a=1`);
  assert.equal(got.json().params.QUERY_STRING, 'a=1');

  // Our allow list does not stand before Laravel's route on the same path.
  assert.equal((await ask(nginx.port, 'PATCH', `${ACCOUNTS}/17/status`, { from: '127.0.0.2' })).status, 200);
  assert.equal((await ask(nginx.port, 'GET', `${ACCOUNTS}/17/status`, { from: '127.0.0.2' })).status, 403);

  // And its error pages work for what came to it through us.
  await php.stop();
  const dead = await ask(nginx.port, 'GET', PAGE, { headers: html });
  assert.equal(dead.status, 503);
  assert.equal(dead.text, 'maintenance');
});

const INERTIA = { 'X-Inertia': 'true', Accept: 'text/html, application/xhtml+xml' };
const NAVIGATION = { Accept: 'text/html,application/xhtml+xml;q=0.9,*/*;q=0.8' };

test('who navigates to the old page is sent to today\'s, in both arrangements', async (t) => {
  const standalone = await start_nginx(t);
  const beside = await start_nginx(t, { example: true, php: 'php.sock' });
  await start_pool(t, standalone.socket);
  await start_pool(t, beside.socket);
  await start_pool(t, path.join(beside.run, 'php.sock'),
    { answer: (request) => ({ ...echo(request), headers: { 'X-Handled-By': 'laravel' } }) });
  for (const { port } of [standalone, beside]) {
    for (const method of ['GET', 'HEAD']) {
      for (const target of [OLD_PAGE, `${OLD_PAGE}/`, '//settings/whatsapp%2Dsessions']) {
        for (const headers of [NAVIGATION, INERTIA]) {
          const got = await ask(port, method, target, { headers });
          assert.equal(got.status, 302, `${method} ${target}`);
          assert.equal(got.headers.location, PAGE);
          assert.equal(got.headers['x-handled-by'], undefined);
        }
      }
    }
    assert.equal((await ask(port, 'GET', `${OLD_PAGE}?a=%0d%0ab`, { headers: NAVIGATION })).headers.location,
      `${PAGE}?a=%0d%0ab`);
    // What a page that is still open does goes on.
    const partial = { ...INERTIA, 'X-Inertia-Partial-Component': 'User/Settings/WhatsAppAccounts',
      'X-Inertia-Partial-Data': 'accounts' };
    for (const [method, target, headers] of [['GET', OLD_PAGE, { Accept: 'application/json' }],
      ['GET', OLD_PAGE, partial], ['POST', OLD_PAGE, NAVIGATION], ['POST', OLD_PAGE, INERTIA],
      ['GET', `${OLD_PAGE}/${UUID}`, NAVIGATION], ['DELETE', `${OLD_PAGE}/${UUID}`, INERTIA]]) {
      const got = await ask(port, method, target, { headers });
      assert.equal(got.status, 200, `${method} ${target} ${JSON.stringify(headers)}`);
      assert.equal(got.headers['x-handled-by'], 'pool');
    }
  }
  const kept = await ask(beside.port, 'GET', OLD_PAGE, { headers: NAVIGATION });
  assert.equal(kept.headers['x-frame-options'], 'SAMEORIGIN', 'the headers of the vhost stay');
  const patched = await ask(beside.port, 'PATCH', `${OLD_ACCOUNTS}//17/%73tatus?a=1`, { body: '{}' });
  assert.equal(patched.headers['x-handled-by'], 'laravel');
  assert.equal(patched.json().params.REQUEST_URI, `${OLD_ACCOUNTS}//17/%73tatus?a=1`);
});

// --- Maintenance

test('while the file of maintenance is there nginx answers for the pool, and then the pool again', async (t) => {
  const nginx = await start_nginx(t, { main: (text) => text.replace('http {',
    'http {\n    open_file_cache max=100;\n    open_file_cache_errors on;') });
  const pool = await start_pool(t, nginx.socket);
  const file = path.join(nginx.run, 'maintenance.on');
  const pages = [PAGE, `${PAGE}/`, `${PAGE}/${UUID}`, OLD_PAGE, `${OLD_PAGE}/${UUID}`, '/broadcasting/auth'];
  const nodes = [ACCOUNTS, OLD_ACCOUNTS].flatMap((base) => [`${base}/active`, `${base}/broadcast`, `${base}/17/status`,
    `${base}/17/mark-disconnected`]);
  const all_serve = async () => {
    for (const target of [...pages, ...nodes]) {
      assert.equal((await ask(nginx.port, 'POST', target, { body: '{}' })).headers['x-handled-by'], 'pool', target);
    }
  };
  for (let round = 0; round < 2; round++) {
    await all_serve();
    fs.writeFileSync(file, '');
    const before = pool.requests.length;
    for (const method of ['GET', 'POST', 'DELETE']) {
      const body = method === 'POST' ? '{"x":1}' : undefined;
      for (const target of pages) {
        assert_own_error(await ask(nginx.port, method, target, { body }), 503, 'unavailable', { retry_after: '5' });
      }
      for (const target of nodes) {
        assert_own_error(await ask(nginx.port, method, target, { body }), 429, 'unavailable',
          { node: true, retry_after: '1' });
      }
    }
    assert.equal(pool.requests.length, before, 'the pool sees none of it');
    // The pool can be looked at, and Laravel's is Laravel's.
    for (const target of ['/healthz', '/readyz', '/metrics']) {
      assert.equal((await ask(nginx.port, 'GET', target)).headers['x-handled-by'], 'pool', target);
    }
    for (const [method, target] of [['PATCH', `${ACCOUNTS}/17/status`], ['GET', '/settings/whatsapp']]) {
      assert.equal((await ask(nginx.port, method, target)).headers['x-handled-by'], 'laravel', target);
    }
    assert.equal((await ask(nginx.port, 'GET', OLD_PAGE, { headers: NAVIGATION })).status, 302);
    fs.rmSync(file);
  }
  await all_serve();
});

test('in maintenance beside Laravel the page stays Laravel\'s', async (t) => {
  const nginx = await start_nginx(t, { example: true, php: 'php.sock' });
  await start_pool(t, nginx.socket);
  await start_pool(t, path.join(nginx.run, 'php.sock'),
    { answer: (request) => ({ ...echo(request), headers: { 'X-Handled-By': 'laravel' } }) });
  fs.writeFileSync(path.join(nginx.run, 'maintenance.on'), '');
  for (const [method, target, headers] of [['GET', PAGE, NAVIGATION], ['GET', `${PAGE}/`, INERTIA],
    ['POST', '/broadcasting/auth', {}], ['PATCH', `${ACCOUNTS}/17/status`, {}]]) {
    assert.equal((await ask(nginx.port, method, target, { headers })).headers['x-handled-by'], 'laravel', target);
  }
  const page = await ask(nginx.port, 'GET', PAGE, { headers: { Accept: 'application/json' } });
  assert_own_error(page, 503, 'unavailable', { retry_after: '5' });
  assert.equal((await ask(nginx.port, 'GET', `${ACCOUNTS}/active`)).status, 429);
});

test('standalone in wa-accounts-site.conf gives the page to the pool', async (t) => {
  const nginx = await start_nginx(t, {
    example: true, php: 'php.sock',
    edit: { 'wa-accounts-site.conf': (text) => text.replace('default beside;', 'default beside; localhost standalone;') },
  });
  await start_pool(t, nginx.socket);
  for (const target of [PAGE, `${PAGE}/`, '/broadcasting/auth']) {
    const got = await ask(nginx.port, 'GET', target, { headers: { Accept: 'text/html', 'X-Inertia': 'true' } });
    assert.equal(got.headers['x-handled-by'], 'pool', target);
  }
});

// --- What the pool is told

const SENT = {
  'Content-Type': 'application/json',
  'X-Timestamp': '1760321709',
  'X-HMAC-Signature': 'ab'.repeat(32),
  Accept: 'application/json',
  Authorization: 'Bearer 1|secret',
  Cookie: 'app_session=abc; XSRF-TOKEN=def',
  'X-CSRF-TOKEN': 'csrf',
  'X-XSRF-TOKEN': 'xsrf',
  'X-Inertia': 'true',
  'X-Inertia-Version': 'v1',
  'X-Inertia-Partial-Component': 'User/Settings/WhatsAppAccounts',
  'X-Inertia-Partial-Data': 'accounts',
  'X-Inertia-Partial-Except': 'modules',
  'X-Requested-With': 'XMLHttpRequest',
  'X-Workspace-Id': '7',
  'X-API-Key': 'key',
  'X-Instance-Url': 'http://127.0.0.1:3001',
};
const UNWANTED = {
  Proxy: 'http://evil.example/',
  'X-Evil': '1',
  'X-Forwarded-For': '10.9.8.7',
  'X-Request-Id': 'chosen-by-the-client',
  'WA-LOCAL': '1',
  WA_LOCAL: '1',
  'WA-STANDALONE': '0',
  X_TIMESTAMP: '1',
  'Request-Id': '1',
  'X-HTTP-Method-Override': 'DELETE',
  'User-Agent': 'test',
};
const ALWAYS = ['REQUEST_METHOD', 'DOCUMENT_URI', 'REMOTE_ADDR', 'REQUEST_ID'];
const WITH_BODY = [...ALWAYS, 'QUERY_STRING', 'CONTENT_TYPE', 'CONTENT_LENGTH', 'HTTP_X_TIMESTAMP', 'HTTP_X_HMAC_SIGNATURE'];
const WITH_KEY = [...WITH_BODY, 'HTTP_X_API_KEY'];
const OF_INSTANCE = [...WITH_KEY, 'HTTP_X_INSTANCE_URL'];
const BROWSER = [...WITH_BODY, 'HTTP_ACCEPT', 'HTTP_AUTHORIZATION', 'HTTP_COOKIE', 'HTTP_X_CSRF_TOKEN', 'HTTP_X_XSRF_TOKEN',
  'HTTP_X_INERTIA', 'HTTP_X_INERTIA_VERSION', 'HTTP_X_INERTIA_PARTIAL_COMPONENT', 'HTTP_X_INERTIA_PARTIAL_DATA',
  'HTTP_X_INERTIA_PARTIAL_EXCEPT', 'HTTP_X_WORKSPACE_ID', 'WA_STANDALONE'];

// Every location of ours, and whether it may have the browser's headers, or what nginx alone says: WA_LOCAL, WA_STANDALONE.
const LOCATIONS = [
  [PAGE, BROWSER],
  [`${PAGE}/${UUID}`, BROWSER],
  ['/broadcasting/auth', BROWSER],
  [`${ACCOUNTS}/active`, OF_INSTANCE],
  [`${ACCOUNTS}/broadcast`, WITH_BODY],
  [`${ACCOUNTS}/17/status`, WITH_BODY],
  [`${ACCOUNTS}/17/mark-disconnected`, WITH_KEY],
  [OLD_PAGE, BROWSER],
  [`${OLD_PAGE}/${UUID}`, BROWSER],
  [`${OLD_ACCOUNTS}/active`, OF_INSTANCE],
  [`${OLD_ACCOUNTS}/broadcast`, WITH_BODY],
  [`${OLD_ACCOUNTS}/17/status`, WITH_BODY],
  [`${OLD_ACCOUNTS}/17/mark-disconnected`, WITH_KEY],
  [OLD_BROADCAST, WITH_BODY],
  [WEBHOOK, WITH_BODY],
  ['/healthz', [...WITH_BODY, 'WA_LOCAL']],
  ['/readyz', [...WITH_BODY, 'WA_LOCAL']],
  ['/metrics', [...WITH_BODY, 'WA_LOCAL']],
];

test('the pool gets the parameters that it reads, and none besides', async (t) => {
  const nginx = await start_nginx(t);
  const pool = await start_pool(t, nginx.socket);
  for (const [target, names] of LOCATIONS) {
    const got = await ask(nginx.port, 'POST', `${target}?a=b`, { headers: { ...SENT, ...UNWANTED }, body: '{"x":1}' });
    const seen = pool.requests.at(-1);
    assert.deepEqual([...seen.names].sort(), [...names].sort(), target);
    assert.equal(seen.body.toString(), '{"x":1}', target);
    assert.equal(seen.params.QUERY_STRING, 'a=b');
    assert.equal(seen.params.CONTENT_LENGTH, '7');
    assert.equal(seen.params.REMOTE_ADDR, '127.0.0.1');
    assert.equal(seen.params.HTTP_X_TIMESTAMP, '1760321709');
    for (const [name, value] of Object.entries(SENT)) {
      const param = name === 'Content-Type' ? 'CONTENT_TYPE' : `HTTP_${name.toUpperCase().replaceAll('-', '_')}`;
      assert.equal(seen.params[param], names.includes(param) ? value : undefined, `${target} ${param}`);
    }
    // The id is nginx's, and there is one of it.
    assert.match(seen.params.REQUEST_ID, /^[0-9a-f]{32}$/);
    assert.deepEqual(got.all('x-request-id'), [seen.params.REQUEST_ID], target);

    // Nothing is sent for what the client did not send.
    await ask(nginx.port, 'GET', target);
    const bare = [...ALWAYS, ...names.filter((name) => name.startsWith('WA_'))];
    assert.deepEqual([...pool.requests.at(-1).names].sort(), [...bare].sort(), target);
  }
});

test('a chunked body arrives with its length', async (t) => {
  const nginx = await start_nginx(t);
  const pool = await start_pool(t, nginx.socket);
  const got = await ask(nginx.port, 'POST', `${ACCOUNTS}/broadcast`, { headers: { 'Transfer-Encoding': 'chunked' }, body: 'x'.repeat(200_000) });
  assert.equal(got.status, 200);
  assert.equal(pool.requests[0].params.CONTENT_LENGTH, '200000');
  assert.equal(pool.requests[0].body.length, 200_000);
});

test('the answers of the pool come through as they are, whatever their status', async (t) => {
  const nginx = await start_nginx(t);
  let status;
  await start_pool(t, nginx.socket, {
    answer: (request) => ({ ...echo(request), status, body: `{"message":"the pool says ${status}"}` }),
  });
  for (status of [201, 401, 403, 404, 409, 413, 418, 419, 422, 429, 500, 502, 503, 504]) {
    for (const [target] of LOCATIONS) {
      const got = await ask(nginx.port, 'GET', target);
      assert.equal(got.status, status, target);
      assert.equal(got.json().message, `the pool says ${status}`, target);
      assert.equal(got.all('x-request-id').length, 1, target);
    }
  }
});

test('a long streamed answer arrives whole', async (t) => {
  const nginx = await start_nginx(t);
  const rows = Array.from({ length: 100_000 }, (_, id) => ({ id, uuid: UUID }));
  const body = JSON.stringify({ success: true, accounts: rows, count: rows.length, next: null });
  await start_pool(t, nginx.socket, { answer: (request) => ({ ...echo(request), body }) });
  const got = await ask(nginx.port, 'GET', `${ACCOUNTS}/active`);
  assert.equal(got.text.length, body.length);
  assert.equal(got.json().count, rows.length);
});

// --- nginx's own answers

test('without a pool browsers get 503 and the Node service 429', async (t) => {
  const nginx = await start_nginx(t);   // nobody listens on the socket
  const seen = new Set();
  for (const [target] of LOCATIONS) {
    for (const method of ['GET', 'POST']) {
      const node = target.startsWith('/api/');
      const got = await ask(nginx.port, method, target, { headers: { 'X-Request-Id': 'chosen-by-the-client' } });
      assert_own_error(got, node ? 429 : 503, 'unavailable', { node, retry_after: node ? '1' : '5' });
      assert.equal(got.json().message, 'Service temporarily unavailable');
      seen.add(got.headers['x-request-id']);
    }
  }
  assert.equal(seen.size, LOCATIONS.length * 2, 'every request has an id of its own');
  assert_own_error(await ask(nginx.port, 'GET', `${PAGE}/page.html`), 503, 'unavailable', { retry_after: '5' });
});

test('a pool that does not answer in time or hangs up is unavailable, too', async (t) => {
  const nginx = await start_nginx(t, {
    edit: { 'wa-accounts-locations.conf': (text) => text.replace(/fastcgi_read_timeout \w+;/g, 'fastcgi_read_timeout 100ms;') },
  });
  let how;
  await start_pool(t, nginx.socket, { answer: () => how });
  for (how of ['hang', 'drop']) {
    for (const [target] of LOCATIONS) {
      const node = target.startsWith('/api/');
      const got = await ask(nginx.port, 'POST', target, { body: '{}' });
      assert_own_error(got, node ? 429 : 503, 'unavailable', { node, retry_after: node ? '1' : '5' });
    }
  }
});

test('a body over 1 MiB is refused, one of 1 MiB is not; of the webhook, over 16 MiB', async (t) => {
  const nginx = await start_nginx(t);
  const pool = await start_pool(t, nginx.socket);
  for (const [target] of LOCATIONS) {
    const node = target.startsWith('/api/');
    const most = target === WEBHOOK ? 16 * MIB : MIB;
    const fits = await ask(nginx.port, 'POST', target, { body: Buffer.alloc(most, 'x') });
    assert.equal(fits.status, 200, target);
    assert.equal(pool.requests.at(-1).body.length, most);

    const before = pool.requests.length;
    const over = await ask(nginx.port, 'POST', target, { body: Buffer.alloc(most + 1, 'x') });
    assert_own_error(over, 413, 'payload_too_large', { node });
    const chunked = await ask(nginx.port, 'POST', target, { headers: { 'Transfer-Encoding': 'chunked' }, body: Buffer.alloc(most + 1, 'x') });
    assert_own_error(chunked, 413, 'payload_too_large', { node });
    assert.equal(pool.requests.length, before, target);
  }
});

test('the rate limit holds for browser routes only', async (t) => {
  const nginx = await start_nginx(t);
  await start_pool(t, nginx.socket);
  const flood = (target) => Promise.all(Array.from({ length: 80 }, () => ask(nginx.port, 'GET', target, { headers: { 'X-Dev-Limit': '1' } })));

  for (const target of [`${ACCOUNTS}/active`, `${ACCOUNTS}/17/status`, WEBHOOK, OLD_BROADCAST, '/healthz']) {
    assert.ok((await flood(target)).every((got) => got.status === 200), target);
  }
  const got = await flood(PAGE);
  const refused = got.filter((one) => one.status !== 200);
  assert.ok(refused.length > 0 && refused.length < got.length, `${refused.length} refused`);
  for (const one of refused) assert_own_error(one, 429, 'too_many_requests', { retry_after: '1' });
  for (const target of [`${PAGE}/${UUID}`, `${OLD_PAGE}/${UUID}`, '/broadcasting/auth']) {
    assert.ok((await flood(target)).some((one) => one.status === 429), target);
  }
});

test('only the addresses that are listed reach the Node and operations routes', async (t) => {
  const nginx = await start_nginx(t);
  const pool = await start_pool(t, nginx.socket);
  const from = '127.0.0.2';   // loopback, but not in the list
  for (const [target, names] of LOCATIONS) {
    const before = pool.requests.length;
    const got = await ask(nginx.port, 'POST', target, { from, headers: { 'X-Forwarded-For': '127.0.0.1' } });
    if (names === BROWSER) {
      assert.equal(got.status, 200, target);
    } else {
      assert_own_error(got, 403, 'forbidden', { node: true });
      assert.equal(pool.requests.length, before, target);
    }
  }
});

// --- The two that belong to two sides

test('a page that asks for a status is a browser, unless it also signs', async (t) => {
  const nginx = await start_nginx(t);
  const pool = await start_pool(t, nginx.socket);
  const cookie = { Cookie: SENT.Cookie };
  for (const target of [`${ACCOUNTS}/17/status`, `${OLD_ACCOUNTS}/17/status/`]) {
    for (const method of ['GET', 'HEAD']) {
      const got = await ask(nginx.port, method, target, { from: '127.0.0.2', headers: { ...cookie, Accept: SENT.Accept } });
      assert.equal(got.status, 200, target);
      const { params } = pool.requests.at(-1);
      assert.deepEqual([params.HTTP_COOKIE, params.HTTP_ACCEPT, params.REMOTE_ADDR], [SENT.Cookie, SENT.Accept, '127.0.0.2']);
      assert.equal(params.REQUEST_METHOD, method);
      assert.equal(params.DOCUMENT_URI, target);
    }
    for (const proof of ['X-Timestamp', 'X-HMAC-Signature']) {
      const headers = { ...cookie, [proof]: SENT[proof] };
      assert_own_error(await ask(nginx.port, 'GET', target, { from: '127.0.0.2', headers }), 403, 'forbidden', { node: true });
      assert.equal((await ask(nginx.port, 'GET', target, { headers })).status, 200);
      assert.equal(pool.requests.at(-1).params.HTTP_COOKIE, undefined, 'the signature decides');
    }
    // Without a cookie, or with another method, nobody is a page.
    const others = [['GET', {}], ['POST', cookie], ['PUT', cookie], ['DELETE', cookie], ['OPTIONS', cookie]];
    for (const [method, headers] of others) {
      assert.equal((await ask(nginx.port, method, target, { from: '127.0.0.2', headers })).status, 403, method);
    }
    const got = await ask(nginx.port, 'PATCH', target, { headers: cookie });
    assert.equal(got.headers['x-handled-by'], 'laravel');
  }
  const flood = await Promise.all(Array.from({ length: 80 }, () =>
    ask(nginx.port, 'GET', `${ACCOUNTS}/17/status`, { headers: { ...cookie, 'X-Dev-Limit': '1' } })));
  const refused = flood.filter(({ status }) => status !== 200);
  assert.ok(refused.length > 0 && refused.length < flood.length);
  for (const one of refused) assert_own_error(one, 429, 'too_many_requests', { retry_after: '1' });
});

test('what the pool hands over from the webhook arrives at Laravel as the client sent it', async (t) => {
  const nginx = await start_nginx(t, { example: true, php: 'php.sock' });
  await start_pool(t, nginx.socket, { answer: () => ({ status: 200, headers: { 'X-Accel-Redirect': '@laravel' }, body: '' }) });
  const php = await start_pool(t, path.join(nginx.run, 'php.sock'), { answer: (request) => ({ ...echo(request),
    status: 202, headers: { 'X-Handled-By': 'laravel' } }) });
  const body = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 31 + (i >> 8)) % 256));
  const got = await ask(nginx.port, 'POST', `${WEBHOOK}?a=b%20c`, { body, headers: { 'Content-Type': 'application/json' } });
  assert.deepEqual([got.status, got.headers['x-handled-by']], [202, 'laravel']);
  assert.equal(got.headers['x-accel-redirect'], undefined);
  const [seen] = php.requests;
  assert.ok(seen.body.equals(body));
  assert.deepEqual([seen.params.REQUEST_METHOD, seen.params.REQUEST_URI, seen.params.CONTENT_LENGTH],
    ['POST', `${WEBHOOK}?a=b%20c`, String(body.length)]);
});

// --- Two hosts

// The second is asked when the first did not answer.
const two_hosts = (text, { run, socket }) => text.replace(`server unix:${socket} max_fails=0;`,
  (line) => `${line} server unix:${run}/second.sock max_fails=0 backup;`);

test('after a host accepted it, a GET goes to the next one and a POST does not', async (t) => {
  const nginx = await start_nginx(t, { main: two_hosts });
  const first = await start_pool(t, nginx.socket, { answer: () => 'drop' });
  const second = await start_pool(t, path.join(nginx.run, 'second.sock'));
  for (const [method, retried] of [['GET', true], ['HEAD', true], ['PUT', true], ['DELETE', true], ['POST', false], ['PATCH', false]]) {
    for (const target of [`${PAGE}/${UUID}`, `${ACCOUNTS}/broadcast`]) {
      const before = [first.requests.length, second.requests.length];
      const got = await ask(nginx.port, method, target, { body: method === 'HEAD' ? undefined : '{}' });
      assert.equal(first.requests.length - before[0], 1, `${method} ${target}`);
      assert.equal(second.requests.length - before[1], retried ? 1 : 0, `${method} ${target}`);
      const refusal = target.startsWith('/api/') ? 429 : 503;
      assert.equal(got.status, retried ? 200 : refusal, `${method} ${target}`);
      assert.equal(got.all('x-request-id').length, 1);
    }
  }
});

test('when a host refuses the connection, everything goes to the next one', async (t) => {
  const nginx = await start_nginx(t, { main: two_hosts });
  const second = await start_pool(t, path.join(nginx.run, 'second.sock'));
  for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']) {
    const got = await ask(nginx.port, method, `${ACCOUNTS}/broadcast`, { body: '{"x":1}' });
    assert.equal(got.status, 200, method);
    assert.equal(second.requests.at(-1).body.toString(), '{"x":1}', method);
  }
  assert.equal(second.requests.length, 5);
});
