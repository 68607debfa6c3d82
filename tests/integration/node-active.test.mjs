// GET /api/whatsapp/accounts/active

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { BASE, isError, isInvalid, sameKeys } from './lib/expect.mjs';
import { connected, utc } from './lib/fixtures.mjs';
import { startStack } from './lib/stack.mjs';

const KEYS = ['id', 'uuid', 'session_id', 'workspace_id', 'phone_number', 'connection_status', 'provider_type'];

let stack;
let first, second;     /* workspaces */
const listed = [];     /* the accounts that must be listed, by id */

before(async () => {
  stack = await startStack();
  first = await stack.workspace();
  second = await stack.workspace();
  for (let i = 0; i < 9; i++) {
    const workspace_id = i % 3 === 0 ? second : first;
    const provider_type = i % 4 === 0 ? 'meta' : 'webjs';
    const secrets = { session_data: 'SESSIONSECRET', qr_code: 'QRSECRET' };
    const connection_status = ['disconnected', 'connecting', 'error'][i % 3];
    listed.push(await stack.account(connected({ workspace_id, provider_type, ...secrets })));
    await stack.account({ workspace_id, connection_status, is_active: 1 });
    await stack.account(connected({ workspace_id, is_active: 0 }));
    await stack.account(connected({ workspace_id, deleted_at: utc(-5) }));
  }
});
after(() => stack?.stop());

async function active(query = '') {
  const answer = await stack.signed('GET', `${BASE}/active${query}`);
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.json.success, true);
  assert.equal(answer.json.count, answer.json.accounts.length);
  return answer.json;
}
const ids = (accounts) => accounts.map((account) => account.id);

test('lists the connected, active, live accounts of all workspaces, by id', async () => {
  const json = await active();
  sameKeys(json, ['success', 'accounts', 'count', 'next', 'sessions']);
  assert.deepEqual(ids(json.accounts), ids(listed));
  assert.equal(json.count, listed.length);
  assert.equal(json.next, null);
});

test('each account has the contract\'s members, and no secret', async () => {
  const answer = await stack.signed('GET', `${BASE}/active`);
  assert.doesNotMatch(answer.text, /SESSIONSECRET|QRSECRET|session_data|qr_code/);
  answer.json.accounts.forEach((account, i) => {
    sameKeys(account, KEYS);
    assert.deepEqual(account, Object.fromEntries(KEYS.map((name) => [name, listed[i][name]])));
  });
});

test('the alias sessions has the webjs accounts, each with its old word', async () => {
  const { accounts, sessions } = await active();
  assert.deepEqual(sessions.map(({ status, ...account }) => account),
    accounts.filter((a) => a.provider_type === 'webjs'));
  for (const session of sessions) assert.equal(session.status, 'connected');
  assert.deepEqual((await active('?provider_type=meta')).sessions, []);
});

test('provider_type and workspace_id choose, alone and together', async () => {
  const meta = listed.filter((a) => a.provider_type === 'meta');
  const ofFirst = listed.filter((a) => a.workspace_id === first);
  assert.deepEqual(ids((await active('?provider_type=meta')).accounts), ids(meta));
  assert.deepEqual(ids((await active(`?workspace_id=${first}`)).accounts), ids(ofFirst));
  assert.deepEqual(ids((await active(`?workspace_id=${first}&provider_type=webjs`)).accounts),
    ids(ofFirst.filter((a) => a.provider_type === 'webjs')));
  assert.deepEqual((await active('?workspace_id=2147483000')).accounts, []);
});

test('limit, after and next lead through the whole list, whatever the page', async () => {
  for (const limit of [1, 2, 3, listed.length - 1, listed.length, listed.length + 1, 10000]) {
    const seen = [];
    let after = '';
    for (let page = 0; page <= listed.length + 1; page++) {
      const json = await active(`?limit=${limit}${after}`);
      assert.ok(json.count <= limit);
      seen.push(...ids(json.accounts));
      if (json.next === null) break;
      assert.equal(json.next, seen.at(-1));
      after = `&after=${json.next}`;
    }
    assert.deepEqual(seen, ids(listed), `limit ${limit}`);
  }
});

test('after without limit is the rest, with a filter too', async () => {
  const { id } = listed[3];
  assert.deepEqual(ids((await active(`?after=${id}`)).accounts), ids(listed.slice(4)));
  assert.deepEqual(ids((await active(`?after=${id}&workspace_id=${first}`)).accounts),
    ids(listed.slice(4).filter((a) => a.workspace_id === first)));
  assert.deepEqual((await active('?after=9223372036854775807')).accounts, []);
});

test('an empty list is an empty list', async () => {
  const json = await active(`?workspace_id=${await stack.workspace()}`);
  assert.deepEqual(json, { success: true, accounts: [], count: 0, next: null, sessions: [] });
});

test('a filter that cannot be meant is refused', async () => {
  for (const query of ['limit=abc', 'limit=-1', 'limit=0', 'limit=1.5', 'limit=18446744073709551616', 'after=abc',
    'after=-1',
    'provider_type=sms', 'provider_type=META', 'workspace_id=abc', 'workspace_id=1%00',
    'provider_type=meta%27%20OR%201']) {
    isError(await stack.signed('GET', `${BASE}/active?${query}`), 422);
  }
});

test('a number that cannot be meant is refused by its name, and never taken for none', async () => {
  for (const query of ['workspace_id=0', 'limit=0', 'limit=x', 'after=x']) {
    isInvalid(await stack.signed('GET', `${BASE}/active?${query}`), query.split('=')[0]);
  }
  assert.deepEqual(ids((await active('?after=0')).accounts), ids(listed), 'the beginning is a place to go on from');
});

test('a limit larger than any page is as good as none', async () => {
  for (const limit of [200_000, 2_000_000_000]) {
    const json = await active(`?limit=${limit}`);
    assert.deepEqual(ids(json.accounts), ids(listed));
    assert.equal(json.next, null);
  }
});

test('a signed body is none of our business if it is small, and a 413 beyond 16 KiB', async () => {
  const path = `${BASE}/active`;
  for (const body of ['{}', '[]', 'no JSON', 'x'.repeat(16 * 1024)]) {
    const answer = await stack.signed('GET', path, body);
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.json.count, listed.length);
  }
  isError(await stack.signed('GET', path, 'x'.repeat(16 * 1024 + 1)), 413);
  isError(await stack.signed('GET', path, '{}', { secret: 'another secret' }), 401);
});
