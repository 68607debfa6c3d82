// Fifty people at once: the two rules of the database and the limit hold, and nobody is told of a deadlock.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { isOk } from './lib/browser-expect.mjs';
import { BASE } from './lib/expect.mjs';
import { connected, phone, utc } from './lib/fixtures.mjs';
import { logIn } from './lib/login.mjs';
import { withSettings } from './lib/settings.mjs';
import { startStack } from './lib/stack.mjs';

const AT_ONCE = 50;

let stack;
before(async () => (stack = await startStack({ env: { WA_WORKERS: 8, WA_MAX_ACCOUNTS: 1000 } })));
after(() => stack?.stop());

/** Ask all at once; how many answers there were of each status. */
async function allAtOnce(requests, allowed) {
  const answers = await Promise.all(requests.map((request) => request()));
  const other = answers.filter(({ status }) => !allowed.includes(status));
  assert.deepEqual(other.map(({ status, text }) => `${status} ${text}`), []);
  return answers;
}
const times = (make) => Array.from({ length: AT_ONCE }, (_, i) => () => make(i));
const tally = (answers) => answers.reduce((sum, { status }) => ({ ...sum, [status]: (sum[status] ?? 0) + 1 }), {});
const act = (who, account, what) => who.call('POST', `/${account.uuid}/${what}`);

async function someAccounts(who, count, columns = () => ({})) {
  const accounts = [];
  for (let i = 0; i < count; i++) accounts.push(await who.account(columns(i)));
  return accounts;
}

/** Every change has its event, but for the one by which another account became the primary. */
async function isConsistent(who) {
  const rows = await stack.sql(`SELECT id FROM whatsapp_accounts WHERE workspace_id = ${who.workspace}`);
  let primaries = 0;
  for (const { id } of rows) {
    const { account, events, commands } = await stack.state(id);
    const versions = events.map((event) => event.state_version);
    assert.deepEqual(versions, [...new Set(versions)].sort((a, b) => a - b), 'no version is told twice');
    assert.ok(account.state_version >= (versions.at(-1) ?? 0));
    assert.ok(commands.filter((command) => command.state === 'waiting').length <= 1, 'one command waits at most');
    if (account.is_primary && account.deleted_at === null) primaries++;
  }
  assert.ok(primaries <= 1, `${primaries} primary accounts`);
  return primaries;
}

describe('creating', () => {
  test('one number: one account, and 409 for all others', async () => {
    const ana = await logIn(stack);
    const number = phone();
    const spread = `+${number.slice(0, 3)} ${number.slice(3)}`;
    const answers = await allAtOnce(times((i) => ana.call('POST', '', { json: {
      provider_type: i % 3 ? 'webjs' : 'meta', phone_number: i % 2 ? number : spread, is_primary: i % 5 === 0 } })),
    [201, 409]);
    assert.deepEqual(tally(answers), { 201: 1, 409: AT_ONCE - 1 });
    assert.equal(isOk(await ana.call('GET')).accounts.length, 1);
    await isConsistent(ana);
  });

  test('different numbers: all of them, and one primary', async () => {
    const ana = await logIn(stack);
    const answers = await allAtOnce(times(() => ana.call('POST', '', { json: { provider_type: 'webjs',
      phone_number: phone(), is_primary: true } })), [201]);
    const { accounts } = isOk(await ana.call('GET'));
    assert.equal(accounts.length, AT_ONCE);
    assert.equal(new Set(accounts.map(({ session_id }) => session_id)).size, AT_ONCE);
    assert.equal(accounts.filter((account) => account.is_primary).length, 1);
    for (const { json } of answers) {
      const { commands } = await stack.state(json.data.id);
      assert.equal(commands.length, 1);
    }
    assert.equal(await isConsistent(ana), 1);
  });
});

test('setting different accounts primary leaves exactly one, and one event for each change', async () => {
  const ana = await logIn(stack);
  const accounts = await someAccounts(ana, 10);
  for (let round = 0; round < 3; round++) {
    await allAtOnce(times((i) => act(ana, accounts[i % accounts.length], 'set-primary')), [200]);
    assert.equal(await isConsistent(ana), 1);
  }
  const { accounts: [first] } = isOk(await ana.call('GET'));
  assert.equal(first.is_primary, true);
});

test('of one account the same again is told once', async () => {
  const ana = await logIn(stack);
  const [account] = await someAccounts(ana, 1, () => connected());
  await allAtOnce(times(() => act(ana, account, 'set-primary')), [200]);
  assert.equal((await stack.state(account.id)).events.length, 1);
  await allAtOnce(times(() => act(ana, account, 'disconnect')), [200]);
  const { events, commands } = await stack.state(account.id);
  assert.equal(events.length, 2);
  assert.equal(commands.length, 1);
  const answers = await allAtOnce(times(() => ana.call('DELETE', `/${account.uuid}`)), [200, 404]);
  assert.deepEqual(tally(answers), { 200: 1, 404: AT_ONCE - 1 });
  await isConsistent(ana);
});

test('at the limit no create and no reconnect succeeds, while others come and go', async () => {
  const ana = await logIn(stack);
  await withSettings(stack, { WA_MAX_ACCOUNTS: 5 }, async () => {
    const held = await someAccounts(ana, 5, () => connected());
    const others = await someAccounts(ana, 5, () => ({ connection_status: 'error' }));
    const kinds = [
      () => ana.call('POST', '', { json: { provider_type: 'webjs', phone_number: phone() } }),
      (i) => act(ana, others[i % others.length], 'reconnect'),
      (i) => act(ana, held[i % held.length], 'set-primary'),
      (i) => act(ana, others[i % others.length], 'disconnect'),
    ];
    const answers = await allAtOnce(times((i) => kinds[i % kinds.length](i)), [200, 403]);
    answers.forEach(({ status }, i) => assert.equal(status, i % kinds.length < 2 ? 403 : 200));
    assert.equal(isOk(await ana.call('GET')).accounts.length, 10);
    await isConsistent(ana);
  });
});

describe('under load', () => {
  test('deleting the primary ones leaves one primary as long as anyone is connected', async () => {
    const ana = await logIn(stack);
    const accounts = await someAccounts(ana, 30, (i) => connected({ is_primary: i === 0 ? 1 : 0,
      last_connected_at: utc(-1000 - i) }));
    const doomed = accounts.slice(0, 25);
    await allAtOnce(times((i) => (i % 2 === 0 ? ana.call('DELETE', `/${doomed[i >> 1].uuid}`)
      : act(ana, accounts[i % accounts.length], 'set-primary'))), [200, 404]);
    assert.equal(await isConsistent(ana), 1);
    const left = isOk(await ana.call('GET')).accounts;
    assert.equal(left.length, 5);
    for (const account of left) await ana.call('DELETE', `/${account.uuid}`);
    assert.deepEqual(isOk(await ana.call('GET')).accounts, []);
  });

  test('people and the Node service at one workspace: every answer is one of the contract\'s', async () => {
    const ana = await logIn(stack);
    const accounts = await someAccounts(ana, 6, () => ({ phone_number: phone() }));
    const report = (account, status) => stack.signed('POST', `${BASE}/broadcast`, { event: 'account-status-changed',
      data: { account_id: account.id, workspace_id: ana.workspace, status } });
    const kinds = [
      (account) => report(account, 'connected'), (account) => act(ana, account, 'set-primary'),
      (account) => report(account, 'disconnected'), (account) => act(ana, account, 'disconnect'),
      (account) => act(ana, account, 'reconnect'), (account) => act(ana, account, 'regenerate-qr'),
      () => ana.call('POST', '', { json: { provider_type: 'webjs', phone_number: phone(), is_primary: true } }),
      () => ana.call('GET'), (account) => ana.call('GET', `/${account.uuid}`), (account) => report(account, 'error'),
    ];
    for (let round = 0; round < 4; round++) {
      await allAtOnce(times((i) => kinds[(i + round) % kinds.length](accounts[i % accounts.length])), [200, 201, 409]);
      await isConsistent(ana);
    }
  });
});

test('nobody was told to come back later', () => {
  assert.doesNotMatch(stack.log(), /status=(429|500|503)/);
});
