// Deny by default: who proves nothing is refused by every row of the routing
// table, and what is checked first is what is answered.

import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { BASE, isError, isInvalid, isNotFound } from './lib/expect.mjs';
import { connected, utc } from './lib/fixtures.mjs';
import { example, routes } from './lib/routes.mjs';
import { startStack } from './lib/stack.mjs';

let stack, account, earlier, table;
before(async () => {
  stack = await startStack();
  account = await stack.account(connected({ workspace_id: await stack.workspace(), last_connected_at: utc(-5) }));
  table = await routes(stack);
});
after(() => stack?.stop());
beforeEach(async () => (earlier = await stack.checksum()));
afterEach(async () => assert.equal(await stack.checksum(), earlier, 'nothing is stored'));

describe('the routing table', () => {
  test('has the contract\'s routes for the Node service, and only they are signed', () => {
    const signed = table.filter((row) => row.ways.includes('signature')).map((row) => `${row.method} ${row.path}`);
    assert.deepEqual(signed.sort(), [`GET ${BASE}/:account/status`, `GET ${BASE}/active`,
      `POST ${BASE}/:account/mark-disconnected`,
      `POST ${BASE}/broadcast`, 'POST /api/whatsapp/webhooks/webjs'].sort());
  });

  test('names a way in for every row', () => {
    for (const row of table) {
      assert.ok(row.ways.length > 0 && row.ways.every((way) => ['signature', 'api-key', 'local', 'login',
        'token'].includes(way)), JSON.stringify(row));
      assert.notEqual(row.name ?? '', '');
    }
  });

  test('refuses an unsigned request in every row, through nginx and without it', async () => {
    for (const row of table.filter((r) => r.ways.includes('signature'))) {
      const url = example(row, account.uuid);
      const body = row.method === 'GET' ? undefined : JSON.stringify({ workspace_id: account.workspace_id });
      for (const answer of [await stack.call(row.method, url, { body }), await stack.fcgi(row.method, url,
        { body })]) {
        isError(answer, 401, 'Missing required security headers');
      }
    }
  });

  test('answers 404 in every LOCAL row without the parameter that nginx sets', async () => {
    const local = table.filter((row) => row.ways.includes('local'));
    assert.deepEqual(local.map((row) => row.path).sort(), ['/healthz', '/metrics', '/readyz']);
    for (const row of local) {
      assert.equal((await stack.call(row.method, row.path)).status, 200, row.path);
      assert.equal((await stack.fcgi(row.method, row.path, { params: { WA_LOCAL: '1' } })).status, 200, row.path);
      for (const attempt of [{}, { headers: { 'WA-Local': '1' } }, { params: { WA_LOCAL: '' } }]) {
        assert.equal((await stack.fcgi(row.method, row.path, attempt)).status, 404, row.path);
      }
      assert.equal((await stack.fcgiSigned(row.method, row.path)).status, 404, 'a signature is another way in');
    }
  });

  test('does not let the parameter of the LOCAL rows open any other', async () => {
    for (const row of table.filter((r) => !r.ways.includes('local'))) {
      const answer = await stack.fcgi(row.method, example(row, account.uuid), { params: { WA_LOCAL: '1' } });
      assert.ok([401, 302].includes(answer.status), `${row.path}: ${answer.status}`);
    }
  });
});

describe('paths', () => {
  test('that no row has are a 404, signed or not', async () => {
    const paths = [
      '/', BASE, `${BASE}/`, `${BASE}/x`, `${BASE}/x/y/status`, `${BASE}//status`, `${BASE}/x/status/y`,
      `${BASE}/active/x`, `${BASE}s/active`, `${BASE}/%2e%2e/active`, '/api/whatsapp/accounts-for-cleanup',
      '/API/whatsapp/accounts/active', '/healthz/x',
    ];
    for (const path of paths) {
      assert.equal((await stack.call('GET', path)).status, 404, path);
      assert.equal((await stack.fcgi('GET', path)).status, 404, path);
      assert.equal((await stack.fcgiSigned('GET', path)).status, 404, path);
    }
  });

  test('of a row with another method are a 405 that says which', async () => {
    const attempts = [
      ['POST', `${BASE}/active`, 'GET, HEAD'], ['get', `${BASE}/active`, 'GET, HEAD'],
      ['DELETE', `${BASE}/x/status`, 'GET, HEAD'], ['GET', `${BASE}/x/mark-disconnected`, 'POST'],
      ...['GET', 'PUT', 'PATCH', 'OPTIONS', 'BREW'].map((method) => [method, `${BASE}/broadcast`, 'POST']),
    ];
    for (const [method, path, allowed] of attempts) {
      const answer = await stack.fcgi(method, path);
      isError(answer, 405);
      assert.equal(answer.headers.allow, allowed, `${method} ${path}`);
    }
    const throughNginx = await stack.call('DELETE', `${BASE}/broadcast`);
    isError(throughNginx, 405);
    assert.equal(throughNginx.headers.allow, 'POST');
  });
});

describe('of two faults the earlier one is answered', () => {
  const huge = Buffer.alloc(2 * 1024 * 1024, ' ');
  const broadcast = `${BASE}/broadcast`;
  const report = (changes) => ({ event: 'account-status-changed',
    data: { account_id: account.uuid, workspace_id: account.workspace_id, status: 'connecting', ...changes } });

  test('an unknown route before a method', async () => {
    assert.equal((await stack.fcgi('BREW', `${BASE}/x`)).status, 404);
  });
  test('an unknown route before a size', async () => {
    assert.equal((await stack.fcgi('POST', `${BASE}/x`, { body: huge })).status, 404);
  });
  test('a method before a size', async () => isError(await stack.fcgi('PUT', broadcast, { body: huge }), 405));
  test('a method before a proof', async () => isError(await stack.fcgi('PUT', broadcast), 405));
  test('a size before a proof', async () => {
    isError(await stack.fcgi('POST', broadcast, { body: huge }), 413);
    isError(await stack.fcgiSigned('POST', broadcast, huge), 413);
    assert.equal((await stack.call('POST', broadcast, { body: huge })).status, 413);
  });
  test('a proof before syntax', async () => isError(await stack.call('POST', broadcast, { body: '{' }), 401));
  test('a proof before fields, and before what is asked for', async () => {
    isError(await stack.call('POST', broadcast, { body: '{"event":"no-such-event"}' }), 401);
    isError(await stack.call('GET', `${BASE}/unknown/status?workspace_id=abc`), 401);
  });
  test('syntax before fields', async () => isError(await stack.signed('POST', broadcast, '{"event":'), 400));
  test('an unknown event before the fields of any event', async () => {
    const answer = await stack.signed('POST', broadcast, { event: 'no-such-event', data: { status: 5 } });
    assert.equal(isError(answer, 400).error, 'Unknown event');
  });
  test('fields before the account', async () => {
    isInvalid(await stack.signed('POST', broadcast, report({ account_id: 'unknown', status: 'no-such-state' })),
      'status');
    isError(await stack.signed('GET', `${BASE}/unknown/status?workspace_id=abc`), 422);
  });
  test('the account before a conflict', async () => {
    isNotFound(await stack.signed('POST', broadcast, report({ workspace_id: account.workspace_id + 1 })));
  });
  test('a conflict comes last', async () => isError(await stack.signed('POST', broadcast, report({})), 409));
});
