// The connection to the database over TCP: encrypted and verified when a CA is
// named, and never in clear then.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { freePort, makeDirectory, removeDirectory, until } from './lib/processes.mjs';
import { startStack } from './lib/stack.mjs';

/** A CA, and a certificate for 127.0.0.1 that it has signed: {ca, cert, key}. */
function certificates(dir, name) {
  const openssl = (...args) => execFileSync('openssl', args, { cwd: dir, stdio: 'ignore' });
  openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', `/CN=${name} CA`,
    '-keyout', `${name}-ca.key`, '-out', `${name}-ca.pem`);
  openssl('req', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=localhost',
    '-keyout', `${name}.key`, '-out', `${name}.csr`);
  writeFileSync(`${dir}/${name}.ext`, 'subjectAltName=IP:127.0.0.1\n');
  openssl('x509', '-req', '-extfile', `${name}.ext`, '-in', `${name}.csr`, '-CA', `${name}-ca.pem`, '-CAkey', `${name}-ca.key`,
    '-CAcreateserial', '-days', '2', '-out', `${name}.pem`);
  chmodSync(`${dir}/${name}.key`, 0o600);
  return { ca: `${dir}/${name}-ca.pem`, cert: `${dir}/${name}.pem`, key: `${dir}/${name}.key` };
}

describe('the database over TCP', () => {
  let dir, ours, theirs, stack, port;

  /** A pool on a server with these options; the settings name the server by host. */
  async function onServer(options, env) {
    port = await freePort();
    stack = await startStack({ pool: false, nginx: false,
      serverArgs: ['--skip-networking=0', '--bind-address=127.0.0.1', `--port=${port}`, ...options] });
    await stack.sql(`CREATE USER '${stack.database.user}'@'%' IDENTIFIED BY '${stack.database.password}'`);
    await stack.sql(`GRANT ALL ON ${stack.database.name}.* TO '${stack.database.user}'@'%'`);
    stack.configure({ DB_SOCKET: null, DB_HOST: '127.0.0.1', DB_PORT: port, ...env });
  }

  const readyz = () => stack.fcgi('GET', '/readyz', { params: { WA_LOCAL: '1' } });
  const withTls = () => [`--ssl-ca=${ours.ca}`, `--ssl-cert=${ours.cert}`, `--ssl-key=${ours.key}`];

  before(() => {
    dir = makeDirectory('wa-tls-');
    ours = certificates(dir, 'ours');
    theirs = certificates(dir, 'theirs');
  });
  after(() => removeDirectory(dir));

  test('is encrypted when a CA is named that has signed the certificate', async (t) => {
    await onServer(withTls(), { MYSQL_ATTR_SSL_CA: ours.ca });
    t.after(() => stack.stop());
    await stack.startPool();
    assert.equal((await readyz()).status, 200);
    await stack.sql(`ALTER USER '${stack.database.user}'@'%' REQUIRE SSL`);
    /* New connections, which the server now refuses unless they are encrypted. */
    const ids = await stack.column(`SELECT id FROM information_schema.processlist
      WHERE user = '${stack.database.user}' AND host LIKE '%:%'`);
    assert.ok(ids.length > 0);
    for (const id of ids) await stack.sql(`KILL CONNECTION ${id}`);
    await until('the pool is ready again', async () => (await readyz()).status === 200);
  });

  test('is refused when another CA has signed the certificate', async (t) => {
    await onServer(withTls(), { MYSQL_ATTR_SSL_CA: theirs.ca });
    t.after(() => stack.stop());
    await stack.startPool();
    assert.equal((await readyz()).status, 503);
    assert.match(stack.log(), /certificate/i);
  });

  test('is refused when the server offers no TLS', async (t) => {
    await onServer(['--skip-ssl'], { MYSQL_ATTR_SSL_CA: ours.ca });
    t.after(() => stack.stop());
    await stack.startPool();
    assert.equal((await readyz()).status, 503);
    assert.match(stack.log(), /TLS|SSL/);
  });

  test('is in clear only when no CA is named', async (t) => {
    await onServer([], {});
    t.after(() => stack.stop());
    await stack.startPool();
    assert.equal((await readyz()).status, 200);
  });
});
