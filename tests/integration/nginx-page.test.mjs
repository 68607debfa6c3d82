// What nginx does for the page where no Laravel serves it: the built files, the headers, compression and the way to the
// broadcaster.  A real nginx, and a responder in place of the pool.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { ask, assert_own_error, start_nginx, start_pool } from './lib/nginx.mjs';
import { packageOf } from './lib/packages.mjs';
import { startPusher } from './lib/pusher-server.mjs';

const WebSocket = await packageOf('ws');

const PAGE = '/settings/whatsapp-accounts';
const HTML = `<!DOCTYPE html><title>The page</title>${'<p>one of many</p>'.repeat(500)}`;
const JSON_TEXT = JSON.stringify({ accounts: Array(500).fill('one of many') });
const SCRIPT = `export default [${'"one of many",'.repeat(500)}]; /* ü */`;
const IMMUTABLE = 'public, max-age=31536000, immutable';
const NAVIGATION = { Accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };
const GZIP = { 'Accept-Encoding': 'gzip, deflate, br' };

/** As the pool: HTML to a navigation, else JSON. */
const shell = ({ params }) => (params.HTTP_ACCEPT?.includes('text/html')
  ? { headers: { 'Content-Type': 'text/html; charset=UTF-8', 'Cache-Control': 'no-cache, private' }, body: HTML }
  : { headers: { 'Content-Type': 'application/json', 'Cache-Control': 'no-cache, private' }, body: JSON_TEXT });

const files = {
  'manifest.json': '{}',
  'index.html': HTML,
  '.env': 'SECRET=1',
  'favicon.svg': '<svg/>',
  'assets/main-BX3k_d-Q.js': SCRIPT,
  'assets/main-BX3k_d-Q.js.map': '{}',
  'assets/main-DzA41xyz.css': 'p { color: green }',
  'assets/.hidden-BX3k_d-Q.js': 'hidden',
};

/** nginx with the pool and a built page. */
async function serve(t, options) {
  const nginx = await start_nginx(t, options);
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(nginx.run, 'page', name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, text);
  }
  fs.writeFileSync(path.join(nginx.run, 'outside.js'), 'outside');
  await start_pool(t, nginx.socket, { answer: shell });
  return { ...nginx, get: (target, headers = {}) => ask(nginx.port, 'GET', target, { headers }) };
}

function directives(policy) {
  return Object.fromEntries(policy.split('; ').map((text) => [text.split(' ')[0], text.split(' ').slice(1).join(' ')]));
}

describe('the built files', () => {
  test('a name with a hash may be kept for ever, another one is asked for again', async (t) => {
    const { get } = await serve(t);
    for (const [name, type, cache] of [
      ['assets/main-BX3k_d-Q.js', 'text/javascript; charset=utf-8', IMMUTABLE],
      ['assets/main-DzA41xyz.css', 'text/css; charset=utf-8', IMMUTABLE],
      ['favicon.svg', 'image/svg+xml; charset=utf-8', 'no-cache'],
    ]) {
      const { status, headers, all, text } = await get(`/wa-accounts/${name}`);
      assert.deepEqual([status, headers['content-type'], text], [200, type, files[name]]);
      assert.deepEqual(all('cache-control'), [cache], name);
      assert.deepEqual(all('x-content-type-options'), ['nosniff']);
      assert.equal(headers['content-security-policy'], undefined);
      const again = await get(`/wa-accounts/${name}`, { 'If-None-Match': headers.etag });
      assert.deepEqual([again.status, again.headers['cache-control']], [304, cache]);
    }
  });

  test('nothing else in their folder is reachable, nor anything outside of it', async (t) => {
    const { get, port } = await serve(t);
    for (const name of ['', 'assets', 'assets/', 'manifest.json', 'index.html', '.env', 'assets/main-BX3k_d-Q.js.map',
      'assets/.hidden-BX3k_d-Q.js', '../outside.js', '..%2foutside.js', '%2e%2e/outside.js', 'assets/../../outside.js',
      'assets/..%2f..%2foutside.js', 'assets/main-BX3k_d-Q.js%00', 'assets/main-BX3k_d-Q.js%0a', 'assets/main-BX3k_d-Q.js/',
      'assets//nothing-BX3k_d-Q.js']) {
      const { status, headers, text } = await get(`/wa-accounts/${name}`);
      assert.ok([400, 404].includes(status), `${name}: ${status}`);
      assert.equal(headers['cache-control'], undefined, `${name}: it may be there tomorrow`);
      assert.doesNotMatch(text, /outside|hidden|SECRET/);
      if (headers['content-type'] === 'text/html' && status === 404 && !headers['x-handled-by']) {
        assert.match(headers['content-security-policy'], /default-src 'none'/);
      }
    }
    assert.equal((await ask(port, 'POST', '/wa-accounts/assets/main-BX3k_d-Q.js')).status, 405);
  });

  test('what the build has compressed is sent as it is, and what it has not nginx compresses', async (t) => {
    const { get, run } = await serve(t);
    const target = '/wa-accounts/assets/main-BX3k_d-Q.js';
    const raw = await get(target);
    assert.deepEqual([raw.headers['content-encoding'], raw.headers.vary], [undefined, 'Accept-Encoding']);

    const compressed = await get(target, GZIP);
    assert.deepEqual([compressed.headers['content-encoding'], compressed.headers.vary], ['gzip', 'Accept-Encoding']);
    assert.equal(compressed.headers['cache-control'], IMMUTABLE);
    assert.equal(gunzipSync(compressed.bytes).toString(), SCRIPT);

    const ours = gzipSync('made by the build');
    fs.writeFileSync(path.join(run, 'page/assets/main-BX3k_d-Q.js.gz'), ours);
    const made = await get(target, GZIP);
    assert.deepEqual([made.headers['content-encoding'], made.headers['content-type'], made.headers['cache-control']],
      ['gzip', 'text/javascript; charset=utf-8', IMMUTABLE]);
    assert.deepEqual(made.bytes, ours);
    assert.equal((await get(`${target}.gz`)).status, 404);
  });

  test('what the vhost adds to every answer goes out with them', async (t) => {
    const { get } = await serve(t, { main: (text) => text.replace('server_name localhost;',
      'server_name localhost; add_header Strict-Transport-Security max-age=60 always;') });
    for (const target of ['/wa-accounts/assets/main-BX3k_d-Q.js', PAGE]) {
      assert.deepEqual((await get(target, NAVIGATION)).all('strict-transport-security'), ['max-age=60']);
    }
  });
});

describe('the page', () => {
  test('may load from its own host only, and connect to its own port', async (t) => {
    const { get, port } = await serve(t);
    const { status, all, text } = await get(PAGE, { ...NAVIGATION, Host: `accounts.example.com:${port}` });
    assert.deepEqual([status, text], [200, HTML]);
    assert.equal(all('content-security-policy').length, 1);
    assert.deepEqual(directives(all('content-security-policy')[0]), {
      'default-src': "'none'",
      'script-src': "'self'",
      'style-src': "'self'",
      'img-src': "'self' data:",
      'font-src': "'self'",
      'connect-src': `'self' ws://accounts.example.com:${port} wss://accounts.example.com:${port}`,
      'base-uri': "'none'",
      'form-action': "'self'",
      'frame-ancestors': "'none'",
    });
    assert.deepEqual(all('x-content-type-options'), ['nosniff']);
    assert.deepEqual(all('referrer-policy'), ['same-origin']);
    assert.deepEqual(all('cache-control'), ['no-cache, private'], 'the pool says it, and nobody else');
  });

  test('may also connect to what the site names', async (t) => {
    const { get } = await serve(t, { main: (text) => text.replace('"ws://$http_host wss://$http_host"',
      '"wss://ws.example.com"') });
    const { headers } = await get(PAGE, NAVIGATION);
    assert.equal(directives(headers['content-security-policy'])['connect-src'], "'self' wss://ws.example.com");
  });

  test('JSON has no policy, and nginx\'s own errors have their own headers', async (t) => {
    const { get, port, run } = await serve(t);
    const { all } = await get(PAGE, { Accept: 'application/json' });
    assert.deepEqual(all('content-security-policy'), []);
    assert.deepEqual(all('cache-control'), ['no-cache, private']);
    const large = await ask(port, 'POST', PAGE, { body: 'x'.repeat(1024 * 1024 + 1) });
    assert_own_error(large, 413, 'payload_too_large');
    fs.writeFileSync(path.join(run, 'maintenance.on'), '');
    assert_own_error(await get(PAGE, NAVIGATION), 503, 'unavailable', { retry_after: '5' });
  });

  test('is compressed, but not with a query, which a stranger can choose, beside the CSRF token', async (t) => {
    const { get } = await serve(t);
    for (const target of [PAGE, `${PAGE}/`]) {
      const { headers, bytes, all } = await get(target, { ...NAVIGATION, ...GZIP });
      assert.equal(headers['content-encoding'], 'gzip', target);
      assert.ok(all('vary').join().includes('Accept-Encoding'));
      assert.equal(gunzipSync(bytes).toString(), HTML);
      assert.match(headers['content-security-policy'], /default-src 'none'/);
      for (const query of ['?guess=1', '?a&b', '?%61']) {
        const chosen = await get(`${target}${query}`, { ...NAVIGATION, ...GZIP });
        assert.deepEqual([chosen.status, chosen.headers['content-encoding']], [200, undefined], query);
        assert.ok(chosen.text === HTML);
        assert.match(chosen.headers['content-security-policy'], /default-src 'none'/);
      }
    }
    assert.equal((await get(PAGE, { Accept: 'application/json', ...GZIP })).headers['content-encoding'], undefined);
  });

  test('with a query it keeps maintenance and the rate limit', async (t) => {
    const { get, run } = await serve(t);
    const asked = await Promise.all(Array.from({ length: 60 }, () => get(`${PAGE}?x=1`, { ...NAVIGATION,
      'X-Dev-Limit': '1' })));
    assert.ok(asked.some(({ status }) => status === 429) && asked.some(({ status }) => status === 200));
    fs.writeFileSync(path.join(run, 'maintenance.on'), '');
    assert_own_error(await get(`${PAGE}?x=1`, NAVIGATION), 503, 'unavailable', { retry_after: '5' });
  });
});

test('a browser reaches the broadcaster by the page\'s own port', async (t) => {
  const pusher = await startPusher();
  t.after(() => pusher.end());
  const { port } = await serve(t, { broadcaster: pusher.port });
  const socket = new WebSocket(`ws://127.0.0.1:${port}/app/${pusher.app.key}?protocol=7`);
  t.after(() => socket.terminate());
  const [message] = await once(socket, 'message');
  assert.equal(JSON.parse(message).event, 'pusher:connection_established');
});

test('example.conf\'s vhost without Laravel serves the page, its files and nothing else', async (t) => {
  const { get } = await serve(t, { example: true, edit: {
    'example.conf': (text) => {
      const beside = text.slice(0, text.indexOf('\n# The vhost of the pool alone'));
      const alone = text.slice(text.indexOf('\n# include wa-accounts/wa-accounts-standalone-http.conf'));
      return `${beside.replace('server_name app.example.com;', 'server_name app.example.com; # beside')}
        ${alone.replace(/^# ?/gm, '').replace('listen 443 ssl;', 'listen 80;')}`;
    },
    'wa-accounts-site.conf': (text, { run }) => text
      .replace('# accounts.example.com standalone;', 'accounts.example.com standalone;')
      .replace('/usr/local/share/wa-accounts/page', `${run}/page`),
  } });
  const alone = { Host: 'accounts.example.com' };
  const page = await get(PAGE, { ...alone, ...NAVIGATION });
  assert.deepEqual([page.status, page.text], [200, HTML]);
  assert.match(page.headers['content-security-policy'], /connect-src 'self' ws:\/\/accounts\.example\.com wss:/);
  assert.equal((await get('/wa-accounts/assets/main-BX3k_d-Q.js', alone)).text, SCRIPT);
  assert.equal((await get('/index.php', alone)).status, 404);
  assert.equal((await get('/wa-accounts/assets/main-BX3k_d-Q.js')).text, 'maintenance',
    'in the vhost of the application it is the application\'s, whose PHP is not there');
});
