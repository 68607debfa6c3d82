// nginx: a real nginx with the files of nginx/, and a responder in place of the pool, in a folder of its own.
//
//   const { port, socket } = await start_nginx(t);
//   await start_pool(t, socket);
//   const got = await ask(port, 'GET', '/settings/whatsapp-accounts');

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { start_responder } from './fcgi-responder.mjs';
import { freePort } from './processes.mjs';

const NGINX_DIR = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../../nginx');
const NGINX = process.env.NGINX ?? 'nginx';

function answers_on(port) {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.once('connect', () => { socket.destroy(); resolve(true); });
    socket.once('error', () => resolve(false));
  });
}

// The application's vhost with us beside it: example.conf, its machine's paths replaced.
function render_example(example, { port, run, php }) {
  const swaps = [
    [/listen 80;/g, `listen 127.0.0.1:${port};`],
    [/server_name app\.example\.com;/, 'server_name localhost;'],
    [/root \/var\/www\/app\/public;/, `root ${run}/public;`],
    [/access_log \S+ wa_accounts;/, `access_log ${run}/access.log wa_accounts;`],
    [/unix:\/run\/php\/php8\.2-fpm\.sock/, `unix:${php}`],
    [/include fastcgi_params;/, [
      'fastcgi_param REQUEST_METHOD $request_method;', 'fastcgi_param REQUEST_URI $request_uri;',
      'fastcgi_param QUERY_STRING $query_string;', 'fastcgi_param CONTENT_LENGTH $content_length;',
      // What a vhost may well have: a page of its own for a dead PHP.
      'error_page 502 =503 /maintenance.html;',
    ].join('\n')],
  ];
  for (const [from, to] of swaps) {
    assert.match(example, from);
    example = example.replace(from, () => to);
  }
  return [
    `user ${os.userInfo().username};`, 'worker_processes 1;', `pid ${run}/nginx.pid;`, `lock_file ${run}/nginx.lock;`,
    `error_log ${run}/error.log;`, 'events { }', 'http {',
    ...['client_body', 'fastcgi', 'proxy', 'scgi', 'uwsgi'].map((name) => `${name}_temp_path ${run}/temp-${name};`),
    example, '}',
  ].join('\n');
}

// main: the main file, from (dev.conf.in, { port, run, socket }).
// edit: for each file name, a function of its text.
// broadcaster: a port; nobody is on the standard one.
// The built page would lie in the folder "page" of run.
export async function start_nginx(t, { main = (text) => text, edit = {}, example = false, php = '',
  broadcaster = 9 } = {}) {
  const run = fs.mkdtempSync(path.join('/tmp', 'wa-nginx-'));
  let child, gone;
  t.after(async () => {
    if (child) {
      child.kill('SIGTERM');
      await gone;
    }
    fs.rmSync(run, { recursive: true, force: true });
  });
  const socket = path.join(run, 'pool.sock');
  const own = path.join(run, 'wa-accounts');
  fs.cpSync(NGINX_DIR, own, { recursive: true });
  for (const [name, change] of Object.entries(edit)) {
    const before = fs.readFileSync(path.join(own, name), 'utf8');
    const after = change(before, { run, socket });
    assert.notEqual(after, before, `nothing to edit in ${name}`);
    fs.writeFileSync(path.join(own, name), after);
  }

  const port = await freePort();
  const values = { PORT: port, RUN: run, SOCKET: socket, NGINX: own, USER: os.userInfo().username,
    PAGE: path.join(run, 'page'), BROADCASTER: broadcaster };
  let text;
  if (example) {
    const site = path.join(own, 'wa-accounts-site.conf');
    fs.writeFileSync(site, fs.readFileSync(site, 'utf8')
      .replace('unix:/run/wa-accounts/wa-accounts.sock', `unix:${socket}`)
      .replace('default /etc/nginx/wa-accounts/maintenance.on', `default ${run}/maintenance.on`));
    fs.mkdirSync(path.join(run, 'public'));
    fs.writeFileSync(path.join(run, 'public', 'index.php'), '');
    fs.writeFileSync(path.join(run, 'public', 'maintenance.html'), 'maintenance');
    text = render_example(fs.readFileSync(path.join(own, 'example.conf'), 'utf8'), { port, run, php: path.join(run, php) });
  } else {
    text = fs.readFileSync(path.join(own, 'dev.conf.in'), 'utf8')
      .replace(/^(?!\s*#).*$/gm, (line) => line.replace(/@([A-Z]+)@/g, (_, name) => values[name]));
    text = main(text, { run, socket });
  }
  const conf = path.join(run, 'nginx.conf');
  fs.writeFileSync(conf, text);

  const common = ['-e', path.join(run, 'error.log'), '-p', run, '-c', conf];
  const checked = spawnSync(NGINX, ['-t', ...common], { encoding: 'utf8' });
  assert.equal(checked.status, 0, checked.stderr);

  child = spawn(NGINX, [...common, '-g', 'daemon off;'], { stdio: 'ignore' });
  gone = new Promise((resolve) => child.once('exit', resolve));
  for (let tries = 0; !(await answers_on(port)); tries++) {
    assert.ok(child.exitCode === null && tries < 1200,
      `nginx did not start: ${fs.readFileSync(path.join(run, 'error.log'), 'utf8')}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  return { port, run, socket };
}

export async function start_pool(t, socket, options) {
  const pool = await start_responder(socket, options);
  t.after(() => pool.stop());
  return pool;
}

// `target` goes out as it is: no client-side normalisation.  A body has a length unless it is chunked:
// Node by itself sends that of a GET or DELETE without one, which is the next request to nginx.
export function ask(port, method, target, { headers = {}, body, from = '127.0.0.1' } = {}) {
  if (body !== undefined && !headers['Transfer-Encoding']) {
    headers = { ...headers, 'Content-Length': Buffer.byteLength(body) };
  }
  return new Promise((resolve, reject) => {
    const request = http.request({ host: '127.0.0.1', port, method, path: target, headers, agent: false, localAddress: from }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const bytes = Buffer.concat(chunks);
        const text = bytes.toString();
        const all = (name) => response.rawHeaders.filter((_, i, raw) => i % 2 === 1 && raw[i - 1].toLowerCase() === name);
        resolve({ status: response.statusCode, headers: response.headers, all, bytes, text, json: () => JSON.parse(text) });
      });
    });
    request.on('error', reject);
    request.end(body);
  });
}

export function assert_own_error(got, status, code, { node = false, retry_after } = {}) {
  assert.equal(got.status, status, got.text);
  assert.equal(got.headers['content-type'], 'application/json');
  const body = got.json();
  assert.equal(body.code, code);
  assert.equal(typeof body.message, 'string');
  assert.equal(typeof body.error, node ? 'string' : 'undefined');
  assert.equal(got.headers['retry-after'], retry_after);
  assert.equal(got.headers['cache-control'], 'no-cache, private');
  assert.equal(got.all('x-request-id').length, 1);
  assert.match(got.all('x-request-id')[0], /^[0-9a-f]{32}$/);
  assert.equal(got.headers['x-handled-by'], undefined);
}
