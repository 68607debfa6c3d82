// WA_NODE_API_KEY_IN: today's Node.js service does not sign two of its requests. With this setting its key is a way in
// to them, and to nothing else.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { refusedCounts, whysOf } from './lib/browser-expect.mjs';
import { BASE, isBroadcasted, isError, isInvalid, isNotFound, isStatusEvent } from './lib/expect.mjs';
import { connected } from './lib/fixtures.mjs';
import { ask } from './lib/nginx.mjs';
import { WEBHOOK } from './lib/node-request.mjs';
import { isDeprecated, oldPath } from './lib/old-paths.mjs';
import { run, until } from './lib/processes.mjs';
import { withSettings } from './lib/settings.mjs';
import { build, startStack } from './lib/stack.mjs';

const KEY = randomBytes(16).toString('hex');
const ACTIVE = `${BASE}/active`;
const WRONG = { error: 'Invalid API key', message: 'Invalid API key', code: 'unauthenticated' };

let stack, account;
before(async () => {
  stack = await startStack({ env: { WHATSAPP_NODE_API_KEY: KEY, WA_NODE_API_KEY_IN: 'on' } });
  account = await stack.account(connected({ workspace_id: await stack.workspace() }));
});
after(() => stack?.stop());

const withKey = (method, path, { key = KEY, body, headers } = {}) => stack.call(method, path, {
  body: body === undefined ? undefined : JSON.stringify(body),
  headers: { 'Content-Type': 'application/json', 'X-API-Key': key, ...headers } });
const markPath = ({ session_id }) => `${BASE}/${session_id}/mark-disconnected`;

function isWrongKey(answer) {
  isError(answer, 401);
  assert.deepEqual(answer.json, WRONG);
}

describe('the key lets in', () => {
  test('to the list of active accounts, which is the same as to a signature', async () => {
    for (const query of ['', '?limit=1', `?workspace_id=${account.workspace_id}`]) {
      const [shown, signed] = [await withKey('GET', `${ACTIVE}${query}`), await stack.signed('GET',
        `${ACTIVE}${query}`)];
      assert.deepEqual([shown.status, signed.status], [200, 200], shown.text);
      assert.equal(shown.text, signed.text);
      assert.ok(shown.json.count >= 1);
    }
    isError(await withKey('GET', `${ACTIVE}?limit=x`), 422);
  });

  test('to mark an account as disconnected', async () => {
    const ended = await stack.account(connected({ workspace_id: account.workspace_id }));
    const answer = await withKey('POST', markPath(ended), { body: { workspace_id: ended.workspace_id,
      reason: 'gone' } });
    assert.deepEqual([answer.status, answer.json], [200, { success: true, message: 'Account marked as disconnected' }]);
    const { account: now, metadata, events } = await stack.state(ended.id);
    assert.equal(metadata.last_disconnect_reason, 'gone');
    isStatusEvent(events[0], now);
    assert.equal(now.connection_status, 'disconnected');
  });

  test('by the old path of each, which says so', async () => {
    const ended = await stack.account(connected({ workspace_id: account.workspace_id }));
    const path = markPath(ended);
    const marked = await withKey('POST', oldPath(path), { body: { workspace_id: ended.workspace_id } });
    assert.equal(isDeprecated(marked, path).status, 200, marked.text);
    assert.equal((await stack.state(ended.id)).account.connection_status, 'disconnected');
    assert.equal(isDeprecated(await withKey('GET', oldPath(ACTIVE)), ACTIVE).status, 200);
  });

  test('and what is asked for is looked at as ever', async () => {
    const earlier = await stack.checksum();
    isInvalid(await withKey('POST', markPath(account), { body: {} }), 'workspace_id');
    isNotFound(await withKey('POST', markPath(account), { body: { workspace_id: account.workspace_id + 1000 } }));
    isError(await withKey('POST', markPath(account)), 422);
    assert.equal(await stack.checksum(), earlier);
  });

  test('beside a right signature', async () => {
    assert.equal((await stack.signed('GET', ACTIVE, undefined, { headers: { 'X-API-Key': KEY } })).status, 200);
  });

  test('where it stands in LARAVEL_API_TOKEN too', () => withSettings(stack, { WHATSAPP_NODE_API_KEY: null,
    LARAVEL_API_TOKEN: KEY }, async () => assert.equal((await withKey('GET', ACTIVE)).status, 200)));
});

describe('refused is', () => {
  const wrong = { 'another one': randomBytes(16).toString('hex'), 'its beginning': KEY.slice(0, -1),
    'its end': KEY.slice(1), 'one that is longer': `${KEY}0`, 'one in capitals': `${KEY.toUpperCase()}A`,
    'its twice': `${KEY}, ${KEY}`, 'one letter': 'x', 'one with a nought': `${KEY}%00`,
      'a long one': 'x'.repeat(3000) };

  for (const [what, key] of Object.entries(wrong)) {
    test(`a wrong key: ${what}`, async () => {
      const earlier = await stack.checksum();
      for (const path of [ACTIVE, oldPath(ACTIVE)]) isWrongKey(await withKey('GET', path, { key }));
      for (const path of [markPath(account), oldPath(markPath(account))]) {
        isWrongKey(await withKey('POST', path, { key, body: { workspace_id: account.workspace_id } }));
      }
      assert.equal(await stack.checksum(), earlier);
    });
  }

  test('a wrong key beside a right signature', async () => {
    isWrongKey(await stack.signed('GET', ACTIVE, undefined, { headers: { 'X-API-Key': 'wrong' } }));
    isWrongKey(await stack.signed('POST', markPath(account), { workspace_id: account.workspace_id },
      { headers: { 'X-API-Key': 'wrong' } }));
    assert.deepEqual((await stack.state(account.id)).account, account);
  });

  test('a wrong signature beside a right key', async () => {
    const headers = { 'X-API-Key': KEY };
    isError(await stack.signed('GET', ACTIVE, undefined, { headers, secret: 'another secret of theirs' }), 401,
      'Invalid signature');
    isError(await stack.signed('GET', ACTIVE, undefined, { headers, timestamp: 1_600_000_000 }), 401,
      'Request timestamp expired');
    isError(await withKey('GET', ACTIVE, { headers: { 'X-Timestamp': '1763000000' } }), 401,
      'Missing required security headers');
  });

  test('a key that is nowhere, or somewhere else', async () => {
    for (const key of ['', ' ']) {
      isError(await withKey('GET', ACTIVE, { key }), 401);
    }
    const none = 'Missing required security headers';
    isError(await stack.call('GET', ACTIVE), 401, none);
    isError(await stack.call('GET', `${ACTIVE}?api_key=${KEY}`), 401, none);
    isError(await stack.call('GET', ACTIVE, { headers: { Authorization: `Bearer ${KEY}` } }), 401);
    isError(await stack.call('POST', markPath(account), { body: JSON.stringify({ api_key: KEY,
      workspace_id: account.workspace_id }), headers: { 'Content-Type': 'application/json' } }), 401, none);
  });

  test('a right key from an address that may not call, by nginx', async () => {
    for (const [method, path] of [['GET', ACTIVE], ['GET', oldPath(ACTIVE)], ['POST', markPath(account)],
      ['POST', oldPath(markPath(account))]]) {
      const { status } = await ask(stack.port, method, path, { from: '127.0.0.2', headers: { 'X-API-Key': KEY } });
      assert.equal(status, 403, path);
    }
  });

  test('is logged and counted as what it was', async () => {
    const earlier = await refusedCounts(stack);
    const answers = [await withKey('GET', ACTIVE, { key: 'wrong' }),
      await stack.signed('GET', ACTIVE, undefined, { headers: { 'X-API-Key': 'wrong' } })];
    assert.deepEqual(await whysOf(stack, answers), ['wrong_key', 'wrong_key']);
    await until('both are counted', async () => (await refusedCounts(stack)).wrong_key === earlier.wrong_key + 2);
    assert.ok(!stack.log().includes(KEY), 'the log does not know the key');
  });
});

describe('on the other routes nobody looks at it', () => {
  const report = () => ({ event: 'account-status-changed', data: { account_id: account.uuid,
    workspace_id: account.workspace_id, status: 'connected' } });

  test('right, it is no way in', async () => {
    const none = 'Missing required security headers';
    for (const path of [`${BASE}/broadcast`, '/api/whatsapp/broadcast', WEBHOOK]) {
      isError(await withKey('POST', path, { body: report() }), 401, none);
    }
    isError(await withKey('GET', `${BASE}/${account.uuid}/status`), 401, none);
    assert.equal((await withKey('GET', '/settings/whatsapp-accounts',
      { headers: { Accept: 'application/json' } })).status, 401);
  });

  test('wrong, it is no hindrance', async () => {
    const headers = { 'X-API-Key': 'wrong' };
    isBroadcasted(await stack.signed('POST', `${BASE}/broadcast`, report(), { headers }));
    assert.equal((await stack.signed('POST', WEBHOOK, { event: 'session_authenticated', data: {
      session_id: account.session_id, workspace_id: account.workspace_id } }, { headers })).status, 200);
    assert.equal((await stack.signed('GET', `${BASE}/${account.uuid}/status`, undefined, { headers })).status, 200);
  });
});

describe('switched off', () => {
  for (const value of [null, 'off']) {
    test(`${value ?? 'not set'}: nobody looks at it anywhere`, () => withSettings(stack, { WA_NODE_API_KEY_IN: value },
      async () => {
        isError(await withKey('GET', ACTIVE), 401, 'Missing required security headers');
        isError(await withKey('POST', oldPath(markPath(account)), { body: { workspace_id: account.workspace_id } }),
          401,
          'Missing required security headers');
        const headers = { 'X-API-Key': 'wrong' };
        assert.equal((await stack.signed('GET', ACTIVE, undefined, { headers })).status, 200);
      }));
  }

  test('a key that could be guessed is no hindrance to a start', async () => {
    const { code, out } = await check({ WA_NODE_API_KEY_IN: 'off', WHATSAPP_NODE_API_KEY: 'secret' });
    assert.equal(code, 0, out);
  });
});

/** What the daemon says about these settings, without starting. */
function check(changes) {
  const file = `${stack.dir}/checked.env`;
  const settings = { ...stack.settings, ...changes };
  writeFileSync(file, Object.entries(settings).filter(([, v]) => v !== null).map(([n, v]) => `${n}=${v}\n`).join(''));
  return run(`${build}/wa-accountsd`, ['--env', file, '--check']);
}

describe('the pool does not start with a key that lets anybody in', () => {
  const weak = { 'none': null, 'an empty one': '', 'a blank one': '" "', 'a short one': 'a8Kz0Pq3Lw9Xv7R',
    'one letter': 'a'.repeat(40), 'one word, over and over': 'changeme'.repeat(5),
    'one that examples have': 'your-api-key-change-in-production',
    'another one that examples have': 'your_secure_api_key_here',
      'the standard one': 'default-whatsapp-node-key-2025' };
  for (const [what, key] of Object.entries(weak)) {
    test(what, async () => {
      const { code, signal, out } = await check({ WHATSAPP_NODE_API_KEY: key });
      assert.deepEqual([code === 0, signal], [false, null], out);
      assert.match(out, /WHATSAPP_NODE_API_KEY/);
      assert.match(out, /WA_NODE_API_KEY_IN|checked\.env:\d+/);
      if (key?.trim()) assert.ok(!out.includes(key), 'and does not repeat it');
    });
  }

  test('but with one that is none of these', async () => {
    const { code, out } = await check({});
    assert.equal(code, 0, out);
  });
});
