// What the daemon does not start with: it says what is wrong, where, and what to do.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { run } from './lib/processes.mjs';
import { build, startStack } from './lib/stack.mjs';

let stack;
before(async () => (stack = await startStack({ pool: false, nginx: false })));
after(() => stack?.stop());

/** Start the daemon with these settings changed; it must refuse. */
async function refused(changes, env = {}) {
  const file = `${stack.dir}/refused.env`;
  const settings = { ...stack.settings, ...changes };
  writeFileSync(file, Object.entries(settings).filter(([, v]) => v !== null).map(([n, v]) => `${n}=${v}\n`).join(''));
  const result = await run(`${build}/wa-accountsd`, ['--env', file], { env });
  assert.notEqual(result.code, 0, result.out);
  assert.equal(result.signal, null, result.out);
  assert.doesNotMatch(result.out, /Sanitizer|runtime error:/);
  return result.out;
}

describe('secrets', () => {
  const weak = { 'empty': '', 'short': 'secret', 'of the documentation': 'test-secret', 'one letter': 'a'.repeat(64),
    'a repeated word': 'changeme'.repeat(8) };
  for (const [name, secret] of Object.entries(weak)) {
    test(`${name}: refused, and the setting is named`, async () => {
      assert.match(await refused({ WHATSAPP_HMAC_SECRET: secret }), /WHATSAPP_HMAC_SECRET/);
    });
  }
  test('none at all: refused', async () => {
    assert.match(await refused({ WHATSAPP_HMAC_SECRET: null }), /WHATSAPP_HMAC_SECRET/);
  });
  test('a weak one among the retired ones: refused, and never repeated in the message', async () => {
    const out = await refused({ WHATSAPP_HMAC_PREVIOUS_SECRETS: `${randomBytes(32).toString('hex')},hunter2` });
    assert.match(out, /WHATSAPP_HMAC_PREVIOUS_SECRETS/);
    assert.doesNotMatch(out, /hunter2/);
  });
  test('a weak one in the environment: refused too, it wins over the file', async () => {
    assert.match(await refused({}, { WHATSAPP_HMAC_SECRET: 'secret' }), /WHATSAPP_HMAC_SECRET/);
  });
  test('a weak HMAC_SECRET, with no other: refused', async () => {
    assert.match(await refused({ WHATSAPP_HMAC_SECRET: '', HMAC_SECRET: 'secret' }), /HMAC_SECRET/);
  });
});

test('all mistakes are told at once, each with its file and line', async () => {
  const file = `${stack.dir}/mistakes.env`;
  const good = Object.entries(stack.settings).filter(([name]) => name !== 'WA_WORKERS').map(([n, v]) => `${n}=${v}`);
  const lines = ['# mistakes', ...good, '', 'WA_WORKERS=many', 'WA_MAX_REQUESTS=-1',
    'WHATSAPP_SIGNATURE_TTL=5 minutes',
    'SESSION_DRIVER=redis', 'WA_LEGACY_ALIASES=perhaps', 'WA_LISTEN_MODE=0999', 'APP_KEY=base64:short'];
  writeFileSync(file, lines.join('\n'));
  const { code, out } = await run(`${build}/wa-accountsd`, ['--env', file]);
  assert.notEqual(code, 0);
  for (const name of ['WA_WORKERS', 'WA_MAX_REQUESTS', 'WHATSAPP_SIGNATURE_TTL', 'SESSION_DRIVER',
    'WA_LEGACY_ALIASES', 'WA_LISTEN_MODE', 'APP_KEY']) {
    const number = lines.findLastIndex((line) => line.startsWith(`${name}=`)) + 1;
    const told = out.split('\n').filter((line) => line.includes(name));
    assert.equal(told.length, 1, out);
    assert.ok(told[0].includes(`${file}:${number}`), told[0]);
  }
});

test('a session driver that we cannot read is refused by name', async () => {
  for (const driver of ['redis', 'cookie', 'memcached', 'array']) {
    const out = await refused({ SESSION_DRIVER: driver });
    assert.match(out, /SESSION_DRIVER/);
    assert.ok(out.includes(driver));
  }
});

describe('what Laravel\'s cookies are made of', () => {
  const wrong = {
    'SESSION_PATH with a line break': { SESSION_PATH: '"/\\r\\nX-Other: 1"' },
    'SESSION_PATH with a semicolon': { SESSION_PATH: '"/; Domain=example.test"' },
    'SESSION_DOMAIN with a semicolon': { SESSION_DOMAIN: 'example.test;x' },
    'SESSION_COOKIE with a blank': { SESSION_COOKIE: '"my session"' },
    'SESSION_SAME_SITE that is no word of SameSite': { SESSION_SAME_SITE: 'bogus' },
    'SESSION_HTTP_ONLY=off, which Laravel takes for true': { SESSION_HTTP_ONLY: 'off' },
    'SESSION_SECURE_COOKIE=no, which Laravel takes for true': { SESSION_SECURE_COOKIE: 'no' },
  };
  for (const [name, changes] of Object.entries(wrong)) {
    test(`${name}: refused, and the setting is named`, async () => {
      const [setting] = Object.keys(changes);
      const told = (await refused(changes)).split('\n').filter((line) => line.includes(setting));
      assert.equal(told.length, 1);
      assert.match(told[0], /refused\.env:\d+/);
    });
  }

  test('SESSION_CONNECTION is warned of, and does not stop anybody', async () => {
    const file = `${stack.dir}/warned.env`;
    const check = () => run(`${build}/wa-accountsd`, ['--env', file, '--check']);
    writeFileSync(file, readFileSync(stack.envFile, 'utf8'));
    assert.doesNotMatch((await check()).out, /SESSION_CONNECTION/);
    writeFileSync(file, 'SESSION_CONNECTION=sessions\n', { flag: 'a' });
    const { code, out } = await check();
    assert.equal(code, 0, out);
    assert.match(out, /level=warn .*warned\.env:\d+ .*SESSION_CONNECTION/);
  });
});

describe('to whom the relay speaks', () => {
  const secret = randomBytes(20).toString('hex');
  const app = (prefix, changes = {}) => Object.fromEntries(Object.entries({ APP_ID: '1', APP_KEY: 'key',
    APP_SECRET: secret, HOST: '127.0.0.1', ...changes }).map(([name, value]) => [`${prefix}_${name}`, value]));
  const reverb = (changes) => ({ BROADCAST_CONNECTION: 'reverb', ...app('REVERB', changes) });
  const pusher = (changes) => ({ BROADCAST_CONNECTION: 'pusher', ...app('PUSHER', changes) });

  const wrong = {
    'events for somebody whom we do not know': [{ BROADCAST_CONNECTION: 'redis' }, 'BROADCAST_CONNECTION'],
    'the same, by the older name': [{ BROADCAST_DRIVER: 'ably' }, 'BROADCAST_CONNECTION'],
    'Reverb without its id': [reverb({ APP_ID: null }), 'REVERB_APP_ID'],
    'Reverb without its key': [reverb({ APP_KEY: '' }), 'REVERB_APP_KEY'],
    'Reverb without its secret': [reverb({ APP_SECRET: null }), 'REVERB_APP_SECRET'],
    'Reverb without its host': [reverb({ HOST: null }), 'REVERB_HOST'],
    'Reverb\'s host with a scheme before it': [reverb({ HOST: 'http://127.0.0.1' }), 'REVERB_HOST'],
    'Reverb\'s host with a path behind it': [reverb({ HOST: '127.0.0.1/app' }), 'REVERB_HOST'],
    'a port that is none': [reverb({ PORT: 0 }), 'REVERB_PORT'],
    'a scheme that is no web server\'s': [reverb({ SCHEME: 'wss' }), 'REVERB_SCHEME'],
    'Pusher without its secret': [pusher({ APP_SECRET: null }), 'PUSHER_APP_SECRET'],
    'no instance at all': [{ WHATSAPP_INSTANCE_COUNT: 0 }, 'WHATSAPP_INSTANCE_COUNT'],
    'more instances than there can be': [{ WHATSAPP_INSTANCE_COUNT: 65 }, 'WHATSAPP_INSTANCE_COUNT'],
    'an instance without a scheme': [{ WHATSAPP_INSTANCE_1: 'localhost:3001' }, 'WHATSAPP_INSTANCE_1'],
    'an instance of another scheme': [{ WHATSAPP_INSTANCE_1: 'file:///etc/passwd' }, 'WHATSAPP_INSTANCE_1'],
    'an instance without a host': [{ WHATSAPP_INSTANCE_1: 'http://' }, 'WHATSAPP_INSTANCE_1'],
    'an instance with a query': [{ WHATSAPP_INSTANCE_1: 'http://localhost:3001/?a=b' }, 'WHATSAPP_INSTANCE_1'],
    'the second of two instances': [{ WHATSAPP_INSTANCE_COUNT: 2, WHATSAPP_INSTANCE_2: 'x' }, 'WHATSAPP_INSTANCE_2'],
    'a key that is no header': [{ WHATSAPP_NODE_API_KEY: '"a\\nX-Other: 1"' }, 'WHATSAPP_NODE_API_KEY'],
    'certificates that are not there': [{ WA_CA_FILE: '/no-such-folder/ca.pem' }, 'WA_CA_FILE'],
    'a look that comes too often': [{ WA_RELAY_POLL: 10 }, 'WA_RELAY_POLL'],
    'a relay that is neither on nor off': [{ WA_RELAY: 'perhaps' }, 'WA_RELAY'],
    'no attempt at all': [{ WA_OUTBOX_ATTEMPTS: 0 }, 'WA_OUTBOX_ATTEMPTS'],
  };
  for (const [name, [changes, setting]] of Object.entries(wrong)) {
    test(`${name}: refused, and ${setting} is named`, async () => {
      const told = (await refused(changes)).split('\n').filter((line) => line.includes(setting));
      assert.equal(told.length, 1, told.join('\n'));
      assert.match(told[0], /refused\.env:\d+/);
      assert.ok(!told[0].includes(secret));
    });
  }

  const file = (changes) => {
    const name = `${stack.dir}/relay.env`;
    writeFileSync(name, Object.entries({ ...stack.settings, ...changes }).filter(([, value]) => value !== null)
      .map(([setting, value]) => `${setting}=${value}\n`).join(''));
    return name;
  };
  /** Warnings of the daemon, which would start with these settings. */
  async function warnings(changes) {
    const { code, out } = await run(`${build}/wa-accountsd`, ['--env', file(changes), '--check']);
    assert.equal(code, 0, out);
    return out.split('\n').filter((line) => line.includes('level=warn'));
  }

  test('is warned of when it is not said, and only then', async () => {
    const told = await warnings({ WA_RELAY: 'on' });
    assert.equal(told.length, 2, told.join('\n'));
    assert.match(told.find((line) => line.includes('BROADCAST_CONNECTION')), /is not set/);
    assert.match(told.find((line) => line.includes('WHATSAPP_NODE_API_KEY')), /is not set/);

    assert.deepEqual(await warnings({ WA_RELAY: 'off' }), []);
    const key = { WA_RELAY: 'on', WHATSAPP_NODE_API_KEY: secret };
    for (const more of [{ BROADCAST_CONNECTION: 'null' }, { BROADCAST_CONNECTION: 'log' },
      { BROADCAST_DRIVER: 'null' }, reverb(), pusher()]) {
      assert.deepEqual(await warnings({ ...key, ...more }), [], JSON.stringify(more));
    }
    assert.deepEqual(await warnings({ WA_RELAY: 'on', LARAVEL_API_TOKEN: secret, BROADCAST_DRIVER: 'log' }), []);
  });

  test('is printed by wa-accountsctl config: the instances one by one, and no secret', async () => {
    const key = randomBytes(20).toString('hex');
    const print = async (changes) => {
      const { code, stdout, out } = await run(`${build}/wa-accountsctl`, ['--env', file(changes), 'config']);
      assert.equal(code, 0, out);
      return stdout.split('\n');
    };
    const plain = await print({});
    for (const line of ['WHATSAPP_INSTANCE_COUNT=1', 'WHATSAPP_INSTANCE_1=http://localhost:3001',
      'PUSHER_HOST=api-mt1.pusher.com', 'BROADCAST_CONNECTION=null', 'WA_RELAY_POLL=1000', 'WA_OUTBOX_KEEP=604800']) {
      assert.ok(plain.includes(line), `${line} in\n${plain.join('\n')}`);
    }
    assert.ok(!plain.some((line) => line.startsWith('WHATSAPP_INSTANCE_2=')));

    const lines = await print({ ...reverb(), ...app('PUSHER', { HOST: null }), PUSHER_APP_CLUSTER: 'ap1',
      WHATSAPP_NODE_API_KEY: key, WHATSAPP_INSTANCE_COUNT: 3, WHATSAPP_INSTANCE_2: 'https://node.example.test/wa/' });
    for (const line of ['WHATSAPP_INSTANCE_1=http://localhost:3001',
      'WHATSAPP_INSTANCE_2=https://node.example.test/wa', 'WHATSAPP_INSTANCE_3=http://localhost:3003',
      'PUSHER_HOST=api-ap1.pusher.com', 'BROADCAST_CONNECTION=reverb', 'REVERB_SCHEME=https', 'REVERB_PORT=443']) {
      assert.ok(lines.includes(line), `${line} in\n${lines.join('\n')}`);
    }
    for (const hidden of [secret, key]) assert.ok(!lines.join('\n').includes(hidden.slice(0, 8)));
  });
});

test('a file that is not there, or no file, is refused with its name', async () => {
  const { code, out } = await run(`${build}/wa-accountsd`, ['--env', `${stack.dir}/no-such-file`]);
  assert.notEqual(code, 0);
  assert.match(out, /no-such-file/);
});

describe('wa-accountsctl config', () => {
  const previous = randomBytes(32).toString('hex');

  test('prints every setting, and no secret', async () => {
    stack.configure({ WHATSAPP_HMAC_PREVIOUS_SECRETS: previous });
    const { code, out } = await stack.ctl('config');
    assert.equal(code, 0, out);
    const { settings } = stack;
    for (const name of Object.keys(settings)) assert.ok(out.includes(name), name);
    for (const secret of [settings.WHATSAPP_HMAC_SECRET, previous, settings.DB_PASSWORD, settings.APP_KEY,
      settings.APP_KEY.slice(7)]) {
      assert.ok(!out.includes(secret));
      assert.ok(!out.includes(secret.slice(0, 8)), 'nor the beginning of one');
      assert.ok(!out.includes(secret.slice(-8)), 'nor the end');
    }
    assert.ok(out.includes(settings.DB_DATABASE));
    assert.match(out, /WHATSAPP_SIGNATURE_TTL\W+300/);
  });

  test('reads a value in single quotes as it stands: blanks, number signs and all', async () => {
    const file = `${stack.dir}/quoted.env`;
    const values = { APP_NAME: 'Toko #1, dua  tiga', APP_URL: ' http://localhost/#a b" ', SESSION_COOKIE: '#' };
    writeFileSync(file, readFileSync(stack.envFile, 'utf8') +
      Object.entries(values).map(([name, value]) => `${name}='${value}'   # not of it\n`).join(''));
    const { code, out } = await run(`${build}/wa-accountsctl`, ['--env', file, 'config']);
    assert.equal(code, 0, out);
    const lines = out.split('\n');
    for (const [name, value] of Object.entries(values)) assert.ok(lines.includes(`${name}=${value}`), out);
  });

  test('refuses what the daemon refuses', async () => {
    const file = `${stack.dir}/weak.env`;
    writeFileSync(file, readFileSync(stack.envFile, 'utf8').replace(/^WHATSAPP_HMAC_SECRET=.*$/m,
      'WHATSAPP_HMAC_SECRET=secret'));
    const { code, out } = await run(`${build}/wa-accountsctl`, ['--env', file, 'config']);
    assert.notEqual(code, 0);
    assert.match(out, /WHATSAPP_HMAC_SECRET/);
    const allowed = await run(`${build}/wa-accountsctl`, ['--env', file, 'config'],
      { env: { WA_ALLOW_WEAK_SECRETS: 'on' } });
    assert.equal(allowed.code, 0, allowed.out);
  });
});

describe('the database', () => {
  const command = /wa-accountsctl/;

  test('that is empty is refused, with the command that makes its tables; schema check says the same', async () => {
    const empty = await startStack({ schema: false, pool: false, nginx: false });
    try {
      const { code, out } = await run(`${build}/wa-accountsd`, ['--env', empty.envFile]);
      assert.notEqual(code, 0, out);
      assert.match(out, /wa-accountsctl\b.*\bschema apply/);
      const check = await empty.ctl('schema', 'check');
      assert.notEqual(check.code, 0, check.out);
    } finally {
      await empty.stop();
    }
  });

  test('that has the schema already can be given it again: nothing changes', async () => {
    const before = await stack.checksum();
    const again = await stack.ctl('schema', 'apply');
    assert.equal(again.code, 0, again.out);
    assert.equal((await stack.ctl('schema', 'check')).code, 0);
    assert.equal(await stack.checksum(), before);
  });

  test('that still has whatsapp_sessions is refused, with a sentence and a command', async () => {
    await stack.sql('CREATE TABLE whatsapp_sessions (id bigint unsigned PRIMARY KEY)');
    try {
      const out = await refused({});
      assert.match(out, /whatsapp_sessions/);
      assert.match(out, command);
      assert.notEqual((await stack.ctl('schema', 'check')).code, 0);
    } finally {
      await stack.sql('DROP TABLE whatsapp_sessions');
    }
  });

  test('whose schema is older or newer than this build serves is refused', async () => {
    const of = (version, oldest) => stack.sql(`UPDATE wa_schema SET version = ${version}, oldest_build = ${oldest}`);
    const [{ version, oldest_build: oldest }] = await stack.sql('SELECT version, oldest_build FROM wa_schema');
    try {
      await of(0, 0);
      assert.match(await refused({}), /wa-accountsctl schema apply/);
      assert.notEqual((await stack.ctl('schema', 'check')).code, 0);
      await of(1000, 1000);
      assert.match(await refused({}), /too new/);
      assert.notEqual((await stack.ctl('schema', 'check')).code, 0);
      assert.notEqual((await stack.ctl('schema', 'apply')).code, 0, 'nothing that this build could mend');
      await of(1000, version);
      const newer = await stack.ctl('schema', 'check');
      assert.equal(newer.code, 0, 'one that still serves this build: hosts are upgraded one by one');
    } finally {
      await of(version, oldest);
    }
  });

  test('that is not there yet is waited for: alive, not ready, and the log says why without the password', async () => {
    const lost = await startStack({ nginx: false, env: { DB_SOCKET: '/nowhere/db.sock' }, schema: false });
    try {
      const params = { WA_LOCAL: '1' };
      assert.equal((await lost.fcgi('GET', '/healthz', { params })).status, 200);
      assert.equal((await lost.fcgi('GET', '/readyz', { params })).status, 503);
      assert.match(lost.log(), /database/);
      assert.ok(!lost.log().includes(lost.settings.DB_PASSWORD));
    } finally {
      await lost.stop();
    }
  });

  test('that lets nobody in is refused, without the password', async () => {
    for (const changes of [{ DB_PASSWORD: 'wrong-password' }, { DB_DATABASE: 'wa_no_such_database' }]) {
      const out = await refused(changes);
      assert.match(out, /DB_USERNAME.*DB_PASSWORD/);
      assert.ok(!out.includes(stack.settings.DB_PASSWORD));
      assert.ok(!out.includes('wrong-password'));
    }
  });

  test('of MySQL is refused at the start, by its name, and with that of what is needed', async () => {
    const mysql = await startStack({ schema: false, pool: false, nginx: false, serverArgs: ['--version=8.0.36'] });
    try {
      const { code, out } = await run(`${build}/wa-accountsd`, ['--env', mysql.envFile]);
      assert.equal(code, 78, out);
      assert.match(out, /MySQL 8\.0\.36\b.*MariaDB 10\.6/);
    } finally {
      await mysql.stop();
    }
  });
});

test('the pool starts with all these settings right', async () => {
  await stack.startPool();
  assert.equal((await stack.fcgi('GET', '/healthz', { params: { WA_LOCAL: '1' } })).status, 200);
  assert.equal(await stack.stopPool(), true);
});
