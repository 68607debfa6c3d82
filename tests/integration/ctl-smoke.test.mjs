// wa-accountsctl smoke: what a person asks for after a deploy, over HTTP through nginx.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createTlsServer } from 'node:https';
import { createServer } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { connected } from './lib/fixtures.mjs';
import { logIn } from './lib/login.mjs';
import { run } from './lib/processes.mjs';
import { build, startStack } from './lib/stack.mjs';
import { makeTokenTable, newToken } from './lib/tokens.mjs';

const CHECKS = 11;

let stack, ana, token;
before(async () => {
  // A server of its own: it is stopped.
  stack = await startStack({ server: 'own', env: { WA_DB_CONNECT_TIMEOUT: 1 } });
  await makeTokenTable(stack);
  stack.configure({ APP_URL: `${stack.url}/` });
  ana = await logIn(stack);
  await ana.account(connected());
  token = await newToken(stack, ana.user);
});
after(() => stack?.stop());

/** Run it: its exit status, and its lines by what was asked: {word, request, came}. */
async function smoke(args = [], { stdin, env = {} } = {}) {
  const result = await run(`${build}/wa-accountsctl`, ['--env', stack.envFile, 'smoke', ...args], { stdin, env });
  assert.equal(result.signal, null, result.out);
  assert.doesNotMatch(result.out, /Sanitizer|runtime error:/);
  assert.ok(!result.out.includes(stack.secret) && !result.out.includes(token.secret), 'no secret is shown');
  const lines = [...result.stdout.matchAll(/^(ok|skip|FAIL) +([^:]+): (\w+ \/\S*): (.*)$/gm)];
  const checks = Object.fromEntries(lines.map(([, word, what, request, came]) => [what, { word, request, came }]));
  const words = Object.values(checks).map(({ word }) => word);
  return { ...result, checks, failed: words.filter((word) => word === 'FAIL').length, count: words.length };
}

describe('on a healthy stack', () => {
  test('all holds, each in a line, and nothing is changed', async () => {
    const earlier = await stack.checksum();
    const { code, out, stdout, checks, count } = await smoke();
    assert.equal(code, 0, out);
    assert.equal(count, CHECKS);
    assert.match(stdout, new RegExp(`^asking ${stack.url}\n`));
    assert.match(stdout, new RegExp(`\n${CHECKS - 1} ok, 1 skipped, 0 failed\n$`));
    assert.deepEqual(checks['the list, with the token'], { word: 'skip', request: 'GET /settings/whatsapp-accounts',
      came: 'no token was given; --token-from=- reads one' });
    assert.deepEqual(checks['an unknown account, signed'].came, 'HTTP 404');
    assert.match(checks['an old path of the page'].came, /^HTTP 401, Deprecation: @\d+$/);
    assert.equal(await stack.checksum(), earlier);
  });

  test('a token on standard input is tried too', async () => {
    for (const args of [['--token-from=-'], ['--token-from', '-', `--url=${stack.url}`]]) {
      const { code, out, checks } = await smoke(args, { stdin: `${token.text}\n` });
      assert.equal(code, 0, out);
      assert.equal(checks['the list, with the token'].word, 'ok');
    }
    const { code, checks } = await smoke(['--token-from=-'], { stdin: '5|of-nobody' });
    assert.equal(code, 1);
    assert.match(checks['the list, with the token'].came, /^expected 200 and accounts; came HTTP 401: /);
  });

  test('what it is given must make sense', async () => {
    const wrong = [[['--url=ftp://x'], 64], [['--url='], 64], [['x'], 64], [['--no-such'], 64],
      [['--token-from=/etc/passwd'], 64, ''],
      ...['', 'a b', 'a\r\nX-Evil: 1', 'x'.repeat(600)].map((stdin) => [['--token-from=-'], 65, stdin])];
    for (const [args, status, stdin] of wrong) {
      const { code, out, stdout } = await smoke(args, { stdin });
      assert.equal(code, status, `${args}: ${out}`);
      assert.equal(stdout, '');
    }
  });

  test('old paths that are gone are right, too', async () => {
    await stack.stopPool();
    stack.configure({ WA_LEGACY_ALIASES: 'off' });
    await stack.startPool();
    const { code, out, checks } = await smoke();
    assert.equal(code, 0, out);
    assert.equal(checks['an old path of the page'].came, 'HTTP 410');
    assert.equal(checks['an old path of the Node.js service'].came, 'HTTP 410');
    await stack.stopPool();
    stack.configure({ WA_LEGACY_ALIASES: null });
    await stack.startPool();
  });
});

describe('when something is wrong it says what, and fails', () => {
  test('another secret than the pool\'s', async () => {
    const env = { WHATSAPP_HMAC_SECRET: randomBytes(32).toString('hex') };
    const { code, checks, failed } = await smoke([], { env });
    assert.equal(code, 1);
    assert.equal(failed, 3);
    assert.match(checks['a signed request'].came, /^expected 200 and accounts; came HTTP 401: .*Invalid signature/);
    assert.equal(checks['with a wrong signature'].word, 'ok');
  });

  test('nginx in maintenance', async () => {
    writeFileSync(`${stack.dir}/maintenance.on`, '');
    const { code, checks, failed } = await smoke();
    rmSync(`${stack.dir}/maintenance.on`);
    assert.equal(code, 1);
    assert.equal(failed, CHECKS - 2);
    assert.equal(checks['the pool is ready'].word, 'ok');
    assert.match(checks['a signed request'].came, /came HTTP 429/);
    assert.match(checks['a new account, not logged in'].came, /came HTTP 503/);
  });

  test('a database that is away', async () => {
    await stack.server.halt();
    const { code, checks } = await smoke(['--token-from=-'], { stdin: token.text });
    await stack.server.restart();
    assert.equal(code, 1);
    assert.match(checks['the pool is ready'].came, /^expected 200 and JSON; came HTTP 503/);
    assert.match(checks['a signed request'].came, /came HTTP 429/);
    assert.match(checks['the list, with the token'].came, /came HTTP 503/);
    assert.equal(checks['without a signature'].word, 'ok', 'that needs none');
  });

  test('a pool that is down', async () => {
    await stack.stopPool();
    const { code, checks, failed } = await smoke();
    await stack.startPool();
    assert.equal(code, 1);
    assert.equal(failed, CHECKS - 1);
    assert.match(checks['the pool is ready'].came, /came HTTP 503/);
    assert.match(checks['an unknown account, signed'].came, /came HTTP 429/);
  });

  test('nobody who listens', async () => {
    const { code, checks, failed } = await smoke(['--url=http://127.0.0.1:1']);
    assert.equal(code, 1);
    assert.equal(failed, CHECKS - 1);
    assert.match(checks['the pool is ready'].came, /came not sent: /);
  });

  /** What it finds where everything is answered with this. */
  async function smokeAt(answer) {
    const server = createServer((socket) => socket.on('error', () => {}).once('data', () => socket.end(answer)));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      return await smoke([`--url=http://127.0.0.1:${server.address().port}/`]);
    } finally {
      server.close();
    }
  }

  test('somebody else who answers everything', async () => {
    const { code, out, failed } = await smokeAt('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n\x1b!');
    assert.equal(code, 1);
    assert.equal(failed, CHECKS - 1);
    assert.ok(!out.includes('\x1b'), 'nothing of it commands the terminal');
  });

  test('an nginx that does not let this host in: /readyz is skipped, the Node routes are not', async () => {
    const { code, stdout, checks, failed } = await smokeAt('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n');
    assert.equal(code, 1);
    assert.equal(failed, CHECKS - 2);
    assert.deepEqual(checks['the pool is ready'].word, 'skip');
    assert.match(stdout, /signed request: .*came HTTP 403 \(is this host in wa-accounts-node-allow\.conf\?\)\n/);
  });

  test('a certificate that WA_CA_FILE does not vouch for', async () => {
    const [key, cert] = [`${stack.dir}/tls.key`, `${stack.dir}/tls.pem`];
    execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=a test',
      '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert], { stdio: 'ignore' });
    const server = createTlsServer({ key: readFileSync(key), cert: readFileSync(cert) }, (request, answer) =>
      answer.writeHead(403).end()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `--url=https://127.0.0.1:${server.address().port}`;
    /* Not one that a slow host was too slow for. */
    const inTime = async (options) => {
      for (let tries = 1; ; tries++) {
        const result = await smoke([url], options);
        if (tries === 10 || !result.out.includes('Timeout was reached')) return result;
      }
    };
    const trusted = await inTime({ env: { WA_CA_FILE: cert } });
    const strange = await inTime();
    server.close();
    assert.match(trusted.checks['without a signature'].came, /came HTTP 403/);
    assert.equal(strange.failed, CHECKS - 1);
    assert.match(strange.checks['without a signature'].came, /came not sent: .*certificate/i);
  });
});
