// Paths, methods and sizes of the browser routes, accounts that are not there, and which of two faults is answered.

import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { isForbidden, isInvalid, isMismatch, isMissing, isOk, isRefused, isUnauthenticated }
  from './lib/browser-expect.mjs';
import { connected, phone, utc } from './lib/fixtures.mjs';
import { PAGE, browser, join, logIn, newUser } from './lib/login.mjs';
import { metrics } from './lib/observe.mjs';
import { until } from './lib/processes.mjs';
import { example, routes } from './lib/routes.mjs';
import { startStack } from './lib/stack.mjs';

const UNKNOWN = '5f4dcc3b-5aa7-4d61-9a2c-000000000000';

let stack, ana, budi, nobody, account, rows, earlier;
before(async () => {
  stack = await startStack();
  ana = await logIn(stack);
  budi = await logIn(stack);
  nobody = browser(stack, { ...ana, cookie: null });
  account = await ana.account(connected({ is_primary: 1 }));
  rows = (await routes(stack)).filter(({ path }) => path.startsWith(PAGE));
});
after(() => stack?.stop());
beforeEach(async () => (earlier = await stack.checksum()));
afterEach(async () => assert.equal(await stack.checksum(), earlier, 'nothing is stored'));

const ofOne = () => rows.filter(({ path }) => path.includes(':account'));
const below = (row, id) => example(row, id).slice(PAGE.length);

describe('an account that is not there', () => {
  const isNowhere = async (id, who = ana) => {
    for (const row of ofOne()) isMissing(await who.call(row.method, below(row, id)));
  };

  test('is a 404 in every row: unknown, of another workspace, or deleted', async () => {
    const gone = await ana.account({ deleted_at: utc(-5) });
    earlier = await stack.checksum();
    await isNowhere(UNKNOWN);
    await isNowhere(account.uuid, budi);
    await isNowhere(gone.uuid);
  });

  test('is one also for its maker, from another of his workspaces', async () => {
    const elsewhere = await logIn(stack, { user: ana.user });
    earlier = await stack.checksum();
    assert.notEqual(elsewhere.workspace, ana.workspace);
    await isNowhere(account.uuid, elsewhere);
  });

  test('is all that is no uuid: its id, its session_id, and what is nearly one', async () => {
    const { id, session_id, uuid } = account;
    const wrong = [id, session_id, '0', 'x', 'null', uuid.slice(0, -1), `${uuid}0`, uuid.replaceAll('-', ''),
      uuid.replaceAll('-', '_'), `${uuid.slice(0, 8)}${uuid.slice(9)}-`, `{${uuid}}`, `urn:uuid:${uuid}`,
      uuid.replace(/.$/, 'g'), 'z'.repeat(36), `${uuid}%20`, `%20${uuid}`, `${uuid}%0a`, `${uuid}%09`, `%22${uuid}%22`,
      "'%20OR%20''='", '%25', '_'.repeat(36), '%e2%80%8b', 'é'.repeat(18), 'a'.repeat(3000)];
    for (const name of wrong) await isNowhere(encodeURI(decodeURIComponent(String(name))));
  });

  test('is found in either case, and with a slash behind it', async () => {
    for (const uuid of [account.uuid, account.uuid.toUpperCase(), `${account.uuid}/`]) {
      assert.equal(isOk(await ana.call('GET', `/${uuid}`)).data.id, account.id);
    }
    assert.equal(isOk(await ana.call('GET', `/${account.uuid.toUpperCase()}/statistics/`)).success, true);
  });
});

test('paths that no row has are a 404, logged in or not', async () => {
  const { uuid } = account;
  const paths = [`/${uuid}/x`, `/${uuid}/status`, `/${uuid}/statistics/x`, `/${uuid}/set_primary`,
    `/${uuid}/SET-PRIMARY`, `/${uuid}/set-primary%20`, '/x/y/z', '/set-primary/x'];
  for (const who of [ana, nobody]) {
    for (const path of paths) {
      for (const method of ['GET', 'POST', 'DELETE']) {
        isRefused(await who.call(method, path), 404, 'not_found');
        isRefused(await who.call(method, path, { straight: true }), 404, 'not_found');
      }
    }
  }
});

test('paths beside ours are not ours', async () => {
  for (const path of ['/settings/whatsapp', `${PAGE}-archive`, `${PAGE}x`, '/settings',
    '/Settings/whatsapp-accounts']) {
    const answer = await stack.call('GET', path, { headers: { Cookie: ana.cookie } });
    assert.equal(answer.headers['x-handled-by'], 'laravel', path);
    assert.equal((await stack.fcgi('GET', path, { headers: { Cookie: ana.cookie } })).status, 404);
  }
});

test('every row counts under its own name', async () => {
  const names = rows.map(({ name }) => `wa_requests_total{route="${name}",status="401"}`);
  const before = await metrics(stack);
  for (const row of rows) isUnauthenticated(await nobody.call(row.method, below(row, UNKNOWN)));
  await until('all are counted', async () => {
    const now = await metrics(stack);
    return names.every((name) => now[name] - (before[name] ?? 0) === 1);
  });
});

test('a method that a path does not have is a 405 that says which it has', async () => {
  const allowed = { [PAGE]: ['GET', 'HEAD', 'POST'], [`${PAGE}/:account`]: ['DELETE', 'GET', 'HEAD'],
    [`${PAGE}/:account/statistics`]: ['GET', 'HEAD'] };
  for (const path of new Set(rows.map((row) => row.path))) {
    const methods = allowed[path] ?? ['POST'];
    const others = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'BREW'].filter((one) => !methods.includes(one));
    for (const method of others) {
      for (const who of [ana, nobody]) {
        const answer = await who.call(method, example({ path }, account.uuid).slice(PAGE.length), { straight: true });
        isRefused(answer, 405, 'method_not_allowed');
        assert.deepEqual(answer.headers.allow.split(/, */).sort(), methods, `${method} ${path}`);
      }
    }
  }
  isRefused(await ana.call('PUT', `/${account.uuid}`), 405, 'method_not_allowed');
});

test('a body over 1 MiB is a 413, whoever sends it, and one below it is read', async () => {
  const MIB = 1024 * 1024;
  for (const row of rows.filter(({ method }) => method !== 'GET')) {
    for (const who of [ana, nobody]) {
      const options = { body: Buffer.alloc(MIB + 1, ' '), headers: { 'Content-Type': 'application/json' } };
      isRefused(await who.call(row.method, below(row, account.uuid), { ...options, straight: true }), 413,
        'payload_too_large');
      const throughNginx = await who.call(row.method, below(row, account.uuid), options);
      assert.equal(throughNginx.status, 413);
      assert.equal(throughNginx.json.code, 'payload_too_large');
    }
  }
  const body = JSON.stringify({ phone_number: phone(), provider_type: 'webjs', account_name: '' });
  const padded = body.replace('""', `"${'x'.repeat(MIB - body.length)}"`);
  assert.equal(padded.length, MIB);
  isInvalid(await ana.call('POST', '', { body: padded, headers: { 'Content-Type': 'application/json' } }),
    { account_name: ['The account name field must not be greater than 255 characters.'] });
});

describe('of two faults the earlier one is answered', () => {
  const json = { 'Content-Type': 'application/json' };
  const other = { body: 'x', headers: { 'Content-Type': 'text/plain' } };
  const huge = { body: Buffer.alloc(2 * 1024 * 1024, ' '), straight: true };
  let agent;
  before(async () => {
    const user = await newUser(stack);
    await join(stack, user, ana.workspace, { role: 'agent' });
    agent = await logIn(stack, { user, workspace: ana.workspace });
  });

  test('an unknown route before a method, a size and a login', async () => {
    isRefused(await nobody.call('BREW', '/x/y', huge), 404, 'not_found');
  });
  test('a method before a size and a login', async () => {
    isRefused(await nobody.call('PUT', '', huge), 405, 'method_not_allowed');
  });
  test('a size before a login', async () => isRefused(await nobody.call('POST', '', huge), 413, 'payload_too_large'));
  test('a login before the token, the account, the type, the syntax and the fields', async () => {
    isUnauthenticated(await nobody.call('POST', '', { csrf: 'none', body: '{', headers: json }));
    isUnauthenticated(await nobody.call('POST', '', { csrf: 'none', ...other }));
    isUnauthenticated(await nobody.call('POST', '', { json: {} }));
    for (const row of ofOne()) isUnauthenticated(await nobody.call(row.method, below(row, 'x')));
  });
  test('a user who is gone before the token', async () => {
    const gone = await logIn(stack, { user: await newUser(stack, { deleted_at: utc(-5) }) });
    earlier = await stack.checksum();
    isUnauthenticated(await gone.call('POST', '', { csrf: 'none', json: {} }));
  });
  test('the token before the role', async () => {
    isMismatch(await agent.call('POST', '', { csrf: 'none', json: {} }));
  });
  test('the token before the account, the type and the syntax', async () => {
    isMismatch(await ana.call('DELETE', `/${UNKNOWN}`, { csrf: 'none' }));
    isMismatch(await ana.call('POST', '', { csrf: 'none', ...other }));
    isMismatch(await ana.call('POST', '', { csrf: 'none', body: '{', headers: json }));
  });
  test('the role before the account, the type, the syntax and the fields', async () => {
    for (const row of ofOne()) isForbidden(await agent.call(row.method, below(row, UNKNOWN)));
    isForbidden(await agent.call('POST', '', other));
    isForbidden(await agent.call('POST', '', { body: '{', headers: json }));
    isForbidden(await agent.call('POST', '', { json: {} }));
  });
  test('the account before the type and the syntax', async () => {
    isMissing(await ana.call('POST', `/${UNKNOWN}/set-primary`, other));
    isMissing(await ana.call('DELETE', `/${UNKNOWN}`, { body: '{', headers: json }));
  });
  test('the type before the syntax', async () => {
    isRefused(await ana.call('POST', '', { body: '{', headers: { 'Content-Type': 'text/plain' } }), 415,
      'unsupported_media_type');
  });
  test('the syntax before the fields', async () => {
    isRefused(await ana.call('POST', '', { body: '{"phone_number":5,', headers: json }), 400, 'bad_request');
  });
  test('the fields before a conflict', async () => {
    isInvalid(await ana.call('POST', '', { json: { phone_number: account.phone_number } }),
      { provider_type: ['The provider type field is required.'] });
  });
});

test('a body that nobody asked for is checked all the same, and left alone when it is good', async () => {
  const json = { 'Content-Type': 'application/json' };
  const plain = { 'Content-Type': 'text/plain' };
  const path = `/${account.uuid}/set-primary`;
  isRefused(await ana.call('POST', path, { body: 'x', headers: plain }), 415, 'unsupported_media_type');
  isRefused(await ana.call('POST', path, { body: '{', headers: json }), 400, 'bad_request');
  isRefused(await ana.call('DELETE', `/${account.uuid}`, { body: '{', headers: json }), 400, 'bad_request');
  for (const options of [{}, { json: {} }, { json: { x: 1 } }, { form: 'x=1' }, { form: '' }, { headers: json },
    { headers: plain }]) {
    assert.equal((await ana.call('POST', path, options)).status, 200, JSON.stringify(options));
  }
});
