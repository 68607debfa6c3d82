// POST /api/whatsapp/accounts/{accountId}/mark-disconnected

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { BASE, isAboutNow, isError, isInvalid, isNotFound, isStatusEvent } from './lib/expect.mjs';
import { connected, utc } from './lib/fixtures.mjs';
import { startStack } from './lib/stack.mjs';

let stack;
before(async () => (stack = await startStack()));
after(() => stack?.stop());

const mark = (id, body) => stack.signed('POST', `${BASE}/${encodeURIComponent(id)}/mark-disconnected`, body);

async function marked(id, body) {
  const answer = await mark(id, body);
  assert.equal(answer.status, 200, answer.text);
  assert.deepEqual(answer.json, { success: true, message: 'Account marked as disconnected' });
}

test('the row is disconnected and keeps its phone, its place and its session', async () => {
  const workspace_id = await stack.workspace();
  const account = await stack.account(connected({ workspace_id, is_primary: 1, session_data: 'ENCRYPTED',
    state_version: 4, qr_code: 'stale', qr_expires_at: utc(100), last_activity_at: utc(-7200),
    metadata: '{"battery":71}' }));
  await marked(account.uuid, { workspace_id, reason: 'NAVIGATION' });

  const { account: now, metadata, events, commands } = await stack.state(account.id);
  assert.deepEqual({
    ...now, last_activity_at: null, updated_at: null, metadata: null, connect_deadline_at: null,
  }, {
    ...account, last_activity_at: null, updated_at: null, metadata: null, connect_deadline_at: null,
    connection_status: 'disconnected', qr_code: null, qr_expires_at: null, state_version: 5,
  });
  isAboutNow(now.last_activity_at);
  assert.equal(metadata.battery, 71);
  assert.equal(metadata.last_disconnect_reason, 'NAVIGATION');
  isAboutNow(metadata.last_disconnect_at);
  assert.equal(commands.length, 0);
  assert.equal(events.length, 1);
  isStatusEvent(events[0], now);
});

test('is_active stays as it was', async () => {
  const workspace_id = await stack.workspace();
  for (const is_active of [0, 1]) {
    const account = await stack.account(connected({ workspace_id, is_active }));
    await marked(account.uuid, { workspace_id });
    assert.equal((await stack.state(account.id)).account.is_active, is_active === 1);
  }
});

test('without a reason, the reason is Unknown', async () => {
  const workspace_id = await stack.workspace();
  const account = await stack.account(connected({ workspace_id }));
  await marked(account.uuid, { workspace_id });
  assert.equal((await stack.state(account.id)).metadata.last_disconnect_reason, 'Unknown');
});

test('the account is found by id, session_id and uuid in any case', async () => {
  const workspace_id = await stack.workspace();
  for (const name of [(a) => a.uuid, (a) => a.uuid.toUpperCase(), (a) => String(a.id), (a) => a.session_id]) {
    const account = await stack.account(connected({ workspace_id }));
    await marked(name(account), { workspace_id });
    assert.equal((await stack.state(account.id)).account.connection_status, 'disconnected', name(account));
  }
});

test('an account that is disconnected already is answered alike and sends no second event', async () => {
  const workspace_id = await stack.workspace();
  const account = await stack.account(connected({ workspace_id }));
  for (let i = 0; i < 3; i++) await marked(account.uuid, { workspace_id, reason: 'LOGOUT' });
  const { account: now, events } = await stack.state(account.id);
  assert.equal(now.state_version, 1);
  assert.equal(events.length, 1);
});

test('an account of provider meta can be marked too', async () => {
  const workspace_id = await stack.workspace();
  const account = await stack.account(connected({ workspace_id, provider_type: 'meta' }));
  await marked(account.uuid, { workspace_id });
  assert.equal((await stack.state(account.id)).account.connection_status, 'disconnected');
});

test('a reason may be any text, and comes back as it was', async () => {
  const workspace_id = await stack.workspace();
  for (const reason of ['Ping „timeout“ – 🎉', 'quote " backslash \\ slash / tab \t newline \n end',
    '\'; DROP TABLE users; --', '</script>']) {
    const account = await stack.account(connected({ workspace_id }));
    await marked(account.uuid, { workspace_id, reason });
    assert.equal((await stack.state(account.id)).metadata.last_disconnect_reason, reason);
  }
});

test('workspace_id is required, and taken from the body alone', async () => {
  const workspace_id = await stack.workspace();
  const account = await stack.account(connected({ workspace_id }));
  const earlier = await stack.checksum();
  isInvalid(await mark(account.uuid, {}), 'workspace_id');
  isInvalid(await mark(account.uuid, { reason: 'x', workspace_id: null }), 'workspace_id');
  isInvalid(await stack.signed('POST', `${BASE}/${account.uuid}/mark-disconnected?workspace_id=${workspace_id}`, {}),
    'workspace_id');
  assert.equal(await stack.checksum(), earlier);
});

test('a value of the wrong type is refused, by name', async () => {
  const workspace_id = await stack.workspace();
  const account = await stack.account(connected({ workspace_id }));
  const earlier = await stack.checksum();
  for (const wrong of ['abc', '', -1, 1.5, true, [], [workspace_id], {}, 1e30]) {
    isInvalid(await mark(account.uuid, { workspace_id: wrong }), 'workspace_id');
  }
  for (const wrong of [5, true, [], {}, ['x']]) isInvalid(await mark(account.uuid, { workspace_id, reason: wrong }),
    'reason');
  assert.equal(await stack.checksum(), earlier);
});

test('another workspace\'s account, an unknown one and a deleted one are a 404, and nothing is stored', async () => {
  const workspace_id = await stack.workspace();
  const other = await stack.workspace();
  const account = await stack.account(connected({ workspace_id }));
  const deleted = await stack.account(connected({ workspace_id, deleted_at: utc(-5) }));
  const earlier = await stack.checksum();
  isNotFound(await mark(account.uuid, { workspace_id: other }));
  isNotFound(await mark(account.uuid, { workspace_id: 2147483000 }));
  isNotFound(await mark('5f4dcc3b-5aa7-4d61-9a2c-000000000000', { workspace_id }));
  isNotFound(await mark(deleted.uuid, { workspace_id }));
  assert.equal(await stack.checksum(), earlier);
});

test('a body without JSON is refused; an empty one has no members', async () => {
  const account = await stack.account(connected({ workspace_id: await stack.workspace() }));
  isInvalid(await mark(account.uuid, ''), 'workspace_id');
  isError(await mark(account.uuid, 'workspace_id=1'), 400);
});

test('a chunked body is the same request', async () => {
  const workspace_id = await stack.workspace();
  const account = await stack.account(connected({ workspace_id }));
  const answer = await stack.signed('POST', `${BASE}/${account.uuid}/mark-disconnected`, { workspace_id },
    { headers: { 'Transfer-Encoding': 'chunked' } });
  assert.equal(answer.status, 200, answer.text);
});
