// The programs of the demo: a way in without a password, and the two peers in one process.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { isOk } from './lib/browser-expect.mjs';
import { connected } from './lib/fixtures.mjs';
import { PAGE } from './lib/login.mjs';
import { packageOf } from './lib/packages.mjs';
import { accepts, freePort, run, start, stop, until } from './lib/processes.mjs';
import { source, startStack } from './lib/stack.mjs';

const WebSocket = await packageOf('ws');
const program = (name) => `${source}/tests/demo/${name}.mjs`;
const npm = { WA_NPM: process.env.WA_NPM ?? `${source}/.run/npm` };

let stack;
before(async () => {
  const broadcaster = await freePort();
  stack = await startStack({ broadcaster, env: { SESSION_COOKIE: 'demo_session', SESSION_LIFETIME: 525600,
    REVERB_APP_ID: 'demo', REVERB_APP_KEY: 'demo', REVERB_APP_SECRET: 'a secret', REVERB_PORT: broadcaster,
    WHATSAPP_NODE_API_KEY: 'a key', WHATSAPP_INSTANCE_1: `http://127.0.0.1:${await freePort()}` } });
  stack.configure({ PORT: stack.port });
});
after(() => stack?.stop());

/** nginx with the locations of the demo that are there now. */
async function reloadNginx() {
  const { pid } = stack.nginx;
  const children = () => readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
  const earlier = children();
  process.kill(pid, 'SIGHUP');
  await until('the old workers have left', () => !children().some((child) => earlier.includes(child)));
}

describe('the login', () => {
  const login = async () => {
    const { code, out } = await run(process.execPath, [program('login'), '--env', stack.envFile], { env: npm });
    assert.equal(code, 0, out);
    await reloadNginx();
    const { status, headers } = await stack.call('GET', '/login');
    assert.deepEqual([status, headers.location], [302, PAGE]);
    assert.match(headers['set-cookie'][0], /^demo_session=\S+; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Lax$/);
    return headers['set-cookie'][0].split(';')[0];
  };
  const list = async (cookie) => isOk(await stack.call('GET', PAGE, { headers: { Cookie: cookie,
    Accept: 'application/json' } }));

  test('is the first demo user\'s, and an earlier cookie goes on', async () => {
    const [earlier, later] = [await login(), await login()];
    for (const cookie of [earlier, later]) assert.equal((await list(cookie)).workspaceId, 1);
    assert.equal(await stack.value('SELECT COUNT(*) FROM sessions'), '1');
    assert.equal((await stack.call('GET', '/')).headers.location, '/login');
  });

  test('says so when there is nobody', async () => {
    const empty = `${stack.dir}/empty`;
    mkdirSync(empty);
    copyFileSync(stack.envFile, `${empty}/.env`);
    await stack.sql('UPDATE workspaces SET deleted_at = UTC_TIMESTAMP()');
    const { code, out } = await run(process.execPath, [program('login'), '--env', `${empty}/.env`], { env: npm });
    await stack.sql('UPDATE workspaces SET deleted_at = NULL');
    assert.notEqual(code, 0);
    assert.match(out, /nobody in the database has a workspace/);
    assert.ok(!existsSync(`${empty}/demo-login.conf`));
  });
});

describe('the peers', () => {
  const files = () => ['demo.pid', 'demo-phone.conf'].map((name) => existsSync(`${stack.dir}/${name}`));
  async function begin(t, ...words) {
    const log = `${stack.dir}/demo.log`;
    writeFileSync(log, '');
    const demo = start(process.execPath, [program('demo'), '--env', stack.envFile, ...words], { log, env: npm });
    t.after(() => stop(demo));
    await until('it says that it is there', () => demo.ended || readFileSync(`${stack.dir}/demo.pid`, 'utf8') !== '');
    assert.ok(!demo.ended, readFileSync(log, 'utf8'));
    return demo;
  }

  test('are both reached through nginx, have what was connected before, and leave nothing behind', async (t) => {
    const account = await stack.account(connected({ workspace_id: 1 }));
    const demo = await begin(t, 'broadcaster', 'simulator');
    assert.equal(readFileSync(`${stack.dir}/demo.pid`, 'utf8'), `${demo.pid}\n`);
    await reloadNginx();
    await until('the connected session is there', async () =>
      (await stack.call('GET', '/phone')).json.sessions.some(({ session_id: id }) => id === account.session_id));
    const page = await stack.call('GET', '/phone', { headers: { Accept: 'text/html' } });
    assert.match(page.headers['content-security-policy'], /script-src 'self'/);
    assert.equal((await stack.call('GET', '/phonebook')).status, 404);
    const socket = new WebSocket(`ws://127.0.0.1:${stack.port}/app/demo?protocol=7`);
    assert.match(String((await once(socket, 'message'))[0]), /connection_established/);
    const closed = once(socket, 'close');
    assert.ok(await stop(demo));
    await closed;
    assert.deepEqual(files(), [false, false]);
  });

  test('run without each other', async (t) => {
    const simulator = { host: '127.0.0.1', port: Number(new URL(stack.settings.WHATSAPP_INSTANCE_1).port) };
    await begin(t, 'broadcaster');
    assert.ok(await accepts({ host: '127.0.0.1', port: stack.settings.REVERB_PORT }));
    assert.ok(!(await accepts(simulator)));
    assert.deepEqual(files(), [true, false]);
  });

  test('refuse what they do not know', async () => {
    for (const args of [[], ['--env'], ['--env', stack.envFile, 'everything']]) {
      const { code, out } = await run(process.execPath, [program('demo'), ...args], { env: npm });
      assert.equal(code, 64);
      assert.match(out, /^usage: demo\.mjs --env FILE/);
    }
  });
});
