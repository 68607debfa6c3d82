// Two hundred reports at once about the same few accounts: none is lost,
// none is told twice, and the two rules of the database hold.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { BASE } from './lib/expect.mjs';
import { phone } from './lib/fixtures.mjs';
import { startStack } from './lib/stack.mjs';

const AT_ONCE = 200;

let stack;
before(async () => (stack = await startStack({ env: { WA_WORKERS: 8 } })));
after(() => stack?.stop());

const send = (event, account, more) => stack.signed('POST', `${BASE}/broadcast`,
  { event, data: { account_id: account.uuid, workspace_id: account.workspace_id, ...more } });
const report = (account, status, more = {}) => send('account-status-changed', account, { status, ...more });
const mark = (account, reason) => stack.signed('POST', `${BASE}/${account.uuid}/mark-disconnected`,
  { workspace_id: account.workspace_id, reason });

/** Send them all at once; only "stored" and "in conflict" are answers. */
async function allAtOnce(requests) {
  const answers = await Promise.all(requests.map((request) => request()));
  const other = answers.filter(({ status }) => ![200, 409].includes(status));
  assert.deepEqual(other.map(({ status, text }) => `${status} ${text}`), []);
  return answers;
}

/** What must be true of accounts whatever happened to them. */
async function isConsistent(accounts) {
  const primaries = new Map();
  for (const { id } of accounts) {
    const { account, events, commands } = await stack.state(id);
    assert.deepEqual(events.map((event) => event.state_version), events.map((_, i) => i + 1),
      'the events of an account are its versions, in order');
    assert.equal(account.state_version, events.length, 'one event for each change');
    if (events.length > 0) {
      const told = events.filter((event) => event.name === 'account-status-changed').at(-1)?.payload;
      if (events.at(-1).name === 'qr-code-generated') assert.equal(account.connection_status, 'connecting');
      else assert.equal(told.connection_status, account.connection_status,
        'the last event tells the state that is stored');
      if (told) assert.equal(told.metadata.is_primary, account.is_primary);
    }
    if (account.connection_status !== 'connecting') assert.equal(account.qr_code, null);
    assert.ok(commands.filter((command) => command.state === 'waiting').length <= 1, 'one command waits at most');
    if (account.is_primary) primaries.set(account.workspace_id, (primaries.get(account.workspace_id) ?? 0) + 1);
  }
  for (const count of primaries.values()) assert.equal(count, 1, 'one primary account in a workspace');
}

async function someAccounts(count, workspaces, columns = {}) {
  const ids = [];
  for (let i = 0; i < workspaces; i++) ids.push(await stack.workspace());
  const accounts = [];
  for (let i = 0; i < count; i++) accounts.push(await stack.account({ workspace_id: ids[i % workspaces],
    ...columns }));
  return accounts;
}

test('reports and marks of every kind, mixed', async () => {
  const accounts = await someAccounts(6, 2);
  const phones = accounts.map(() => phone());
  const kinds = [
    (account, i) => report(account, 'connected', { phone_number: phones[i % accounts.length] }),
    (account) => report(account, 'disconnected'),
    (account, i) => mark(account, `reason ${i}`),
    (account, i) => send('qr-code-generated', account, { qr_code: `code ${i}` }),
    (account) => report(account, 'error'),
    (account) => report(account, 'authenticated'),
    (account) => report(account, 'qr_scanning'),
  ];
  await allAtOnce(Array.from({ length: AT_ONCE }, (_, i) => () => {
    const account = accounts[i % accounts.length];
    return kinds[i % kinds.length](account, i);
  }));
  await isConsistent(accounts);
});

test('connected and mark-disconnected, on two accounts of one workspace', async () => {
  const accounts = await someAccounts(2, 1);
  await allAtOnce(Array.from({ length: AT_ONCE }, (_, i) => () =>
    (i % 4 < 2 ? report(accounts[i % 2], 'connected') : mark(accounts[i % 2]))));
  await isConsistent(accounts);
  const { events } = await stack.state(accounts[0].id);
  assert.ok(events.length > 0);
});

test('a workspace whose accounts all connect at once has exactly one primary account', async () => {
  const accounts = await someAccounts(40, 4);
  await allAtOnce(Array.from({ length: AT_ONCE }, (_, i) => () => report(accounts[i % accounts.length],
    'connected')));
  await isConsistent(accounts);
  const primaries = await stack.sql(`SELECT workspace_id, SUM(is_primary) AS n FROM whatsapp_accounts
    WHERE workspace_id IN (${accounts.map((account) => account.workspace_id).join(',')}) GROUP BY workspace_id`);
  assert.deepEqual(primaries.map((row) => row.n), ['1', '1', '1', '1']);
  for (const { id } of accounts) {
    const { account } = await stack.state(id);
    assert.equal(account.connection_status, 'connected');
    assert.equal(account.state_version, 1);
  }
});

test('of many accounts that report one number one gets it, the others an error and a disconnect', async () => {
  const accounts = await someAccounts(20, 1);
  const phone_number = phone();
  const answers = await allAtOnce(Array.from({ length: AT_ONCE }, (_, i) => () =>
    report(accounts[i % accounts.length], 'connected', { phone_number })));
  await isConsistent(accounts);
  const states = await Promise.all(accounts.map(({ id }) => stack.state(id)));
  const winners = states.filter(({ account }) => account.phone_number !== null);
  assert.equal(winners.length, 1);
  assert.equal(winners[0].account.connection_status, 'connected');
  assert.equal(winners[0].commands.length, 0);
  for (const { account, commands } of states.filter((state) => state !== winners[0])) {
    assert.equal(account.connection_status, 'error');
    assert.equal(commands.filter((command) => command.state === 'waiting' && command.name === 'disconnect').length,
      1);
  }
  answers.forEach(({ status }, i) => {
    assert.equal(status, accounts[i % accounts.length].id === winners[0].account.id ? 200 : 409);
  });
});

describe('no update is lost', () => {
  test('of metadata: every report\'s key is in the row', async () => {
    const accounts = await someAccounts(4, 2);
    const words = ['connected', 'disconnected', 'error'];
    const answers = await allAtOnce(Array.from({ length: AT_ONCE }, (_, i) => () =>
      report(accounts[i % accounts.length], words[i % words.length], { metadata: { [`report ${i}`]: i } })));
    assert.ok(answers.every(({ status }) => status === 200));
    await isConsistent(accounts);
    for (const [n, { id }] of accounts.entries()) {
      const { metadata } = await stack.state(id);
      for (let i = n; i < AT_ONCE; i += accounts.length) assert.equal(metadata[`report ${i}`], i);
    }
  });

  test('of the failures: as many as were reported', async () => {
    const accounts = await someAccounts(4, 2);
    await allAtOnce(Array.from({ length: AT_ONCE }, (_, i) => () => report(accounts[i % accounts.length], 'error')));
    await isConsistent(accounts);
    for (const { id } of accounts) {
      const { metadata, events } = await stack.state(id);
      assert.equal(metadata.recent_failures, AT_ONCE / accounts.length);
      assert.equal(events.length, 1);
    }
  });

  test('of QR codes: each new one is one version', async () => {
    const accounts = await someAccounts(4, 2);
    await allAtOnce(Array.from({ length: AT_ONCE }, (_, i) => () =>
      send('qr-code-generated', accounts[i % accounts.length], { qr_code: `code ${i}` })));
    await isConsistent(accounts);
    for (const { id } of accounts) assert.equal((await stack.state(id)).events.length, AT_ONCE / accounts.length);
  });
});
