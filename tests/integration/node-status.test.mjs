// GET /api/whatsapp/accounts/{accountId}/status

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { BASE, ISO, isError, isNotFound, sameKeys } from './lib/expect.mjs';
import { connected, utc } from './lib/fixtures.mjs';
import { until } from './lib/processes.mjs';
import { startStack } from './lib/stack.mjs';

const KEYS = ['id', 'uuid', 'session_id', 'workspace_id', 'connection_status', 'phone_number',
  'formatted_phone_number',
  'is_active', 'is_primary', 'last_activity_at', 'health_score', 'state_version'];

let stack;
before(async () => (stack = await startStack()));
after(() => stack?.stop());

const status = (id, query = '') => stack.signed('GET', `${BASE}/${encodeURIComponent(id)}/status${query}`);

describe('the answer', () => {
  test('has the contract\'s members, with their types', async () => {
    const workspace_id = await stack.workspace();
    const account = await stack.account(connected({ workspace_id, is_primary: 1, state_version: 7,
      phone_number: '+62 812-3456 7890', last_activity_at: utc(-90) }));
    const answer = await status(account.uuid);
    assert.equal(answer.status, 200);
    assert.match(answer.headers['content-type'], /^application\/json/);
    sameKeys(answer.json, [...KEYS, 'status']);
    assert.deepEqual(answer.json, {
      id: account.id,
      uuid: account.uuid,
      session_id: account.session_id,
      workspace_id,
      connection_status: 'connected',
      phone_number: '+62 812-3456 7890',
      formatted_phone_number: '+6281234567890',
      is_active: true,
      is_primary: true,
      last_activity_at: `${account.last_activity_at.replace(' ', 'T')}.000000Z`,
      health_score: 100,
      state_version: 7,
      status: 'connected',
    });
    assert.match(answer.json.last_activity_at, ISO);
  });

  test('is null where the row has nothing', async () => {
    const account = await stack.account({ workspace_id: await stack.workspace(), session_id: null });
    const { json } = await status(account.uuid);
    assert.equal(json.session_id, null);
    assert.equal(json.phone_number, null);
    assert.equal(json.formatted_phone_number, null);
    assert.equal(json.last_activity_at, null);
    assert.equal(json.is_active, false);
    assert.equal(json.is_primary, false);
    assert.equal(json.state_version, 0);
  });

  test('never holds session_data, nor the QR code', async () => {
    const account = await stack.account({ workspace_id: await stack.workspace(), connection_status: 'connecting',
      session_data: 'SESSIONSECRET', qr_code: 'QRSECRET', qr_expires_at: utc(300) });
    const { text } = await status(account.uuid);
    assert.doesNotMatch(text, /SESSIONSECRET|session_data|QRSECRET|qr_code/);
  });

  test('carries the old word for each state', async () => {
    const workspace_id = await stack.workspace();
    const words = { connecting: 'qr_scanning', connected: 'connected', disconnected: 'disconnected',
      error: 'failed' };
    for (const [connection_status, old] of Object.entries(words)) {
      const account = await stack.account({ workspace_id, connection_status });
      const { json } = await status(account.uuid);
      assert.equal(json.connection_status, connection_status);
      assert.equal(json.status, old);
    }
  });

  test('has a request id, which the pool\'s log names too', async () => {
    const account = await stack.account({ workspace_id: await stack.workspace() });
    const { headers } = await status(account.uuid);
    assert.match(headers['x-request-id'], /^[0-9a-f]{32}$/);
    await until('the log names it', () => stack.log().includes(headers['x-request-id']));
  });
});

test('a phone number of ten characters or more is shown with one plus, a shorter one as it is', async () => {
  const workspace_id = await stack.workspace();
  const cases = {
    '+62 812-3456 7890': '+6281234567890', '6281234567891': '+6281234567891', '++6281234567892': '+6281234567892',
    '(021) 555-12': '02155512', '1234567890': '+1234567890', '+12345678': '+12345678', '+123456789': '+123456789',
  };
  for (const [phone_number, expected] of Object.entries(cases)) {
    const account = await stack.account({ workspace_id, phone_number });
    assert.equal((await status(account.id)).json.formatted_phone_number, expected, phone_number);
  }
});

describe('which account is meant', () => {
  test('an account is found by its uuid in any case, its id and its session_id', async () => {
    const account = await stack.account({ workspace_id: await stack.workspace() });
    for (const id of [account.uuid, account.uuid.toUpperCase(), account.id, account.session_id]) {
      assert.equal((await status(String(id))).json.id, account.id, String(id));
    }
  });

  test('nothing else finds it: no part, no padding, no number that MariaDB would make of a text', async () => {
    const account = await stack.account({ workspace_id: await stack.workspace() });
    const other = account.session_id.replace(/[a-z]/gi,
      (c) => (c === c.toLowerCase() ? c.toUpperCase() : c.toLowerCase()));
    const wrong = [
      account.uuid.slice(0, -1), `${account.uuid}0`, account.session_id.slice(0, -1), other,
      `${account.id}abc`, `${account.id}e0`, `${account.id}_`, `-${account.id}`, `0x${account.id.toString(16)}`,
      '0', '18446744073709551616', '99999999999999999999999999', '_', '%',
    ];
    for (const id of wrong) assert.equal((await status(id)).status, 404, id);
  });

  test('a blank behind a session_id is another session_id', async () => {
    const account = await stack.account({ workspace_id: await stack.workspace() });
    assert.equal((await stack.fcgiSigned('GET', `${BASE}/${account.session_id}%20/status`)).status, 404);
    assert.equal((await stack.fcgiSigned('GET', `${BASE}/${account.id}%20/status`)).status, 404);
  });

  test('an unknown account is a 404 with the seed\'s word', async () => {
    isNotFound(await status('5f4dcc3b-5aa7-4d61-9a2c-000000000000'));
    isNotFound(await status('webjs_1_1763000000_Unknown1'));
    isNotFound(await status('2147483000'));
  });

  test('a soft-deleted account is not there, under none of its names', async () => {
    const account = await stack.account({ workspace_id: await stack.workspace(), deleted_at: utc(-5) });
    for (const id of [account.uuid, String(account.id), account.session_id]) isNotFound(await status(id));
  });

  test('workspace_id, if given, must be the account\'s own', async () => {
    const workspace_id = await stack.workspace();
    const account = await stack.account({ workspace_id });
    assert.equal((await status(account.uuid, `?workspace_id=${workspace_id}`)).status, 200);
    isNotFound(await status(account.uuid, `?workspace_id=${await stack.workspace()}`));
    isNotFound(await status(account.uuid, '?workspace_id=2147483000'));
  });

  test('a workspace_id that is no number is a fault of the caller', async () => {
    const account = await stack.account({ workspace_id: await stack.workspace() });
    for (const wrong of ['0', 'abc', '-1', '1.5', '1e3', '0x1', '18446744073709551616',
      `${account.workspace_id}%20x`]) {
      isError(await status(account.uuid, `?workspace_id=${wrong}`), 422);
    }
  });
});

test('health_score is the seed\'s sum, and a failure count that is no number counts nothing', async () => {
  const workspace_id = await stack.workspace();
  const old = utc(-7200);
  const cases = [
    [100, { connection_status: 'connected' }],
    [100, { connection_status: 'connected', last_activity_at: utc(-1800) }],
    [80, { connection_status: 'connected', last_activity_at: old }],
    [50, { connection_status: 'disconnected' }],
    [50, { connection_status: 'connecting' }],
    [30, { connection_status: 'error', last_activity_at: old }],
    [90, { connection_status: 'connected', metadata: '{"recent_failures":1}' }],
    [80, { connection_status: 'connected', metadata: '{"recent_failures": 2, "other": {"recent_failures": 9}}' }],
    [70, { connection_status: 'connected', metadata: '{"recent_failures":3}' }],
    [70, { connection_status: 'connected', metadata: '{"recent_failures":400000000}' }],
    [70, { connection_status: 'connected', metadata: '{"recent_failures":9223372036854775807}' }],
    [70, { connection_status: 'connected',
    metadata: '{"recent_failures":1234567890123456789012345678901234567890}' }],
    [0, { connection_status: 'error', last_activity_at: old, metadata: '{"recent_failures":30}' }],
    [100, { connection_status: 'connected', metadata: '{"recent_failures":0}' }],
    [100, { connection_status: 'connected', metadata: '{"recent_failures":-3}' }],
    [100, { connection_status: 'connected', metadata: '{"recent_failures":"many"}' }],
    [100, { connection_status: 'connected', metadata: '{"recent_failures":null}' }],
    [100, { connection_status: 'connected', metadata: '{"recent_failures":[3]}' }],
    [100, { connection_status: 'connected', metadata: '{"recent_failures":{"n":3}}' }],
    [100, { connection_status: 'connected', metadata: '{"recent_failures":true}' }],
    [100, { connection_status: 'connected', metadata: '[]' }],
    [100, { connection_status: 'connected', metadata: 'null' }],
  ];
  for (const [expected, columns] of cases) {
    const account = await stack.account({ workspace_id, is_active: 1, ...columns });
    assert.equal((await status(account.id)).json.health_score, expected, JSON.stringify(columns));
  }
});

test('HEAD is GET without the body, and a slash at the end is no other path', async () => {
  const account = await stack.account(connected({ workspace_id: await stack.workspace() }));
  for (const path of [`${BASE}/${account.uuid}/status`, `${BASE}/active`]) {
    const head = await stack.signed('HEAD', path);
    assert.equal(head.status, 200, path);
    assert.equal(head.text, '');
    assert.equal((await stack.signed('GET', `${path}/`)).text, (await stack.signed('GET', path)).text);
  }
});

test('a signed body is none of our business if it is small, and a 413 beyond 16 KiB', async () => {
  const account = await stack.account({ workspace_id: await stack.workspace() });
  const path = `${BASE}/${account.uuid}/status`;
  for (const body of ['{}', 'no JSON', 'x'.repeat(16 * 1024)]) {
    const answer = await stack.signed('GET', path, body);
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.json.id, account.id);
  }
  isError(await stack.signed('GET', path, 'x'.repeat(16 * 1024 + 1)), 413);
});

test('asking changes nothing', async () => {
  const account = await stack.account(connected({ workspace_id: await stack.workspace() }));
  const earlier = await stack.checksum();
  await status(account.uuid);
  await status('5f4dcc3b-5aa7-4d61-9a2c-000000000000');
  assert.equal(await stack.checksum(), earlier);
});

test('WA_LEGACY_ALIASES=off drops the old word', async () => {
  const plain = await startStack({ env: { WA_LEGACY_ALIASES: 'off' } });
  try {
    const workspace_id = await plain.workspace();
    const account = await plain.account(connected({ workspace_id }));
    sameKeys((await plain.signed('GET', `${BASE}/${account.uuid}/status`)).json, KEYS);
    const { json } = await plain.signed('GET', `${BASE}/active`);
    sameKeys(json, ['success', 'accounts', 'count', 'next']);
    assert.equal(json.count, 1);
  } finally {
    await plain.stop();
  }
});
