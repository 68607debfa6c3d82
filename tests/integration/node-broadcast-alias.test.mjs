// POST /api/whatsapp/broadcast, the path of before of the broadcast route: the same route for a while, then gone. So
// are the other old paths that today's Node.js service asks for.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { BASE, isBroadcasted, isError, isInvalid, isNotFound } from './lib/expect.mjs';
import { phone } from './lib/fixtures.mjs';
import { isDeprecated, isGone, oldPath } from './lib/old-paths.mjs';
import { withSettings } from './lib/settings.mjs';
import { startStack } from './lib/stack.mjs';

const ALIAS = '/api/whatsapp/broadcast';
const TODAY = `${BASE}/broadcast`;
const KEY = 'b07d4e29c1f85a6390e2d7b4c8f1a365';

let stack, account;
before(async () => {
  stack = await startStack({ env: { WHATSAPP_NODE_API_KEY: KEY, WA_NODE_API_KEY_IN: 'on' } });
  account = await stack.account({ workspace_id: await stack.workspace() });
});
after(() => stack?.stop());

const report = (more) => ({ event: 'account-status-changed', data: { account_id: account.uuid,
  workspace_id: account.workspace_id, status: 'connected', ...more } });
const post = (body, options) => stack.signed('POST', ALIAS, body, options);

describe('for a while', () => {
  test('it does what today\'s path does, and says what that is', async () => {
    const number = phone();
    isBroadcasted(isDeprecated(await post(report({ phone_number: number })), TODAY));
    assert.equal((await stack.state(account.id)).account.phone_number, number);
    isBroadcasted(isDeprecated(await stack.signed('POST', `${ALIAS}/`, report()), TODAY));
  });

  test('its refusals say so too', async () => {
    isError(isDeprecated(await stack.call('POST', ALIAS, { body: '{}' }), TODAY), 401,
      'Missing required security headers');
    isError(isDeprecated(await post(report(), { secret: 'another secret of theirs' }), TODAY), 401,
      'Invalid signature');
    isError(isDeprecated(await post({ event: 'message_received', data: {} }), TODAY), 400, 'Unknown event');
    isInvalid(isDeprecated(await post(report({ status: 'online' })), TODAY), 'status');
    isNotFound(isDeprecated(await post(report({ workspace_id: account.workspace_id + 1000 })), TODAY));
    isError(isDeprecated(await stack.call('GET', ALIAS), TODAY), 405);
    isError(isDeprecated(await stack.fcgiSigned('POST', ALIAS, Buffer.alloc(300 * 1024, ' ')), TODAY), 413);
  });
});

describe('afterwards', () => {
  for (const changes of [{ WA_LEGACY_ALIASES: 'off' }, { WA_LEGACY_SUNSET: '2026-01-01' }]) {
    const [[name, value]] = Object.entries(changes);
    test(`it is gone, whoever asks, and so are the others: ${name}=${value}`, () => withSettings(stack, changes,
      async () => {
      const earlier = await stack.checksum();
      isGone(await post(report()), TODAY);
      isGone(await stack.call('POST', ALIAS, { body: '{}' }), TODAY);
      const mark = `${BASE}/${account.session_id}/mark-disconnected`;
      const headers = { 'X-API-Key': KEY, 'Content-Type': 'application/json' };
      isGone(await stack.call('POST', oldPath(mark), { headers, body: `{"workspace_id":${account.workspace_id}}` }),
        mark);
      isGone(await stack.call('GET', oldPath(`${BASE}/active`), { headers }), `${BASE}/active`);
      assert.equal(await stack.checksum(), earlier);
      isBroadcasted(await stack.signed('POST', TODAY, report()));
    }));
  }
});
