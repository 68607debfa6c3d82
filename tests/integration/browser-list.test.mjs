// GET /settings/whatsapp-accounts: the accounts of a workspace, as JSON.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ACCOUNT, hasHeaders, isAccount, isDone, isOk, isRefused } from './lib/browser-expect.mjs';
import { ISO } from './lib/expect.mjs';
import { connected, phone, utc } from './lib/fixtures.mjs';
import { PAGE, join, logIn, newUser } from './lib/login.mjs';
import { withSettings } from './lib/settings.mjs';
import { startStack } from './lib/stack.mjs';

let stack;
before(async () => (stack = await startStack()));
after(() => stack?.stop());

const list = async (who) => isOk(await who.call('GET'));
const ids = (page) => page.accounts.map((account) => account.id);

describe('the answer', () => {
  test('has the contract\'s members, in their order', async () => {
    const ana = await logIn(stack);
    assert.deepEqual(await list(ana), { accounts: [], canAddAccount: true, modules: [], workspaceId: ana.workspace });
    await ana.account(connected({ phone_number: '+62 812-3456 7890', state_version: 7, account_name: 'Toko "é" 🎉' }));
    await ana.account({ session_id: null, phone_number: null, account_name: null, created_at: null, updated_at: null });
    const page = await list(ana);
    assert.deepEqual(Object.keys(page), ['accounts', 'canAddAccount', 'modules', 'workspaceId']);
    assert.equal(page.accounts.length, 2);
    for (const account of page.accounts) assert.deepEqual(Object.keys(account), ACCOUNT);
  });

  test('shows each account as it is', async () => {
    const ana = await logIn(stack);
    const rows = [
      connected({ is_primary: 1, phone_number: '+62 812-3456 7890', state_version: 7 }),
      connected({ phone_number: '08123456', last_activity_at: utc(-7200), metadata: '{"recent_failures":2}' }),
      { connection_status: 'connecting', is_active: 1, account_name: 'Toko "é" 🎉 \\ / <b> \u2028 \t' },
      { connection_status: 'error', metadata: '{"recent_failures":1,"last_error":"x"}', last_activity_at: utc(-30) },
      { provider_type: 'meta', session_id: null, account_name: null, created_at: null, updated_at: null },
    ];
    const failures = [0, 2, 0, 1, 0];
    const made = [];
    for (const row of rows) made.push(await ana.account(row));
    const { accounts } = await list(ana);
    assert.equal(accounts.length, rows.length);
    made.forEach((account, i) => isAccount(accounts.find(({ id }) => id === account.id), account, failures[i]));
    for (const name of ['created_at', 'last_connected_at', 'last_activity_at']) assert.match(accounts[0][name], ISO);
  });

  test('never holds session_data, a QR code or metadata', async () => {
    const ana = await logIn(stack);
    await ana.account({ connection_status: 'connecting', session_data: 'SESSIONSECRET', qr_code: 'QRSECRET',
      qr_expires_at: utc(300), metadata: '{"note":"METASECRET"}', assigned_instance_url: 'http://URLSECRET' });
    const { text } = await ana.call('GET');
    assert.doesNotMatch(text, /SECRET|session_data|qr_code|qr_expires|metadata|deadline|deleted|assigned/);
  });

  test('carries its headers, and no others that matter', async () => {
    const ana = await logIn(stack);
    const answer = await ana.call('GET');
    hasHeaders(answer);
    assert.match(answer.headers['content-type'], /^application\/json(; charset=utf-8)?$/i);
    assert.equal(Number(answer.headers['content-length']), Buffer.byteLength(answer.text));
    assert.equal(answer.headers['x-powered-by'], undefined);
  });

  test('is the same whatever a script says that it accepts', async () => {
    const ana = await logIn(stack);
    await ana.account();
    const { text } = await ana.call('GET');
    for (const Accept of ['application/json, text/plain, */*', '*/*', 'application/*', 'image/png']) {
      assert.equal((await ana.call('GET', '', { headers: { Accept } })).text, text);
    }
    assert.equal((await stack.call('GET', PAGE, { headers: { Cookie: ana.cookie } })).text, text);
    for (const query of ['?', '?page=2', '?workspace_id=1', '?x[]=y&%ff=%']) {
      assert.equal((await ana.call('GET', query)).text, text, query);
    }
  });

  test('is without the old words with WA_LEGACY_ALIASES=off', async () => {
    const ana = await logIn(stack);
    await ana.account();
    await withSettings(stack, { WA_LEGACY_ALIASES: 'off' }, async () => {
      const { accounts } = await list(ana);
      assert.deepEqual(Object.keys(accounts[0]), ACCOUNT.filter((name) => name !== 'status'));
    });
  });
});

describe('the order', () => {
  test('is the primary one first, then the newest, then the highest id', async () => {
    const ana = await logIn(stack);
    const make = (columns) => ana.account(columns).then(({ id }) => id);
    const old = await make({ created_at: utc(-9000) });
    const twins = [await make({ created_at: utc(-500) })];
    const primary = await make({ created_at: utc(-90_000), is_primary: 1 });
    const newest = await make({ created_at: utc(-10) });
    twins.push(await make({ created_at: utc(-500) }));
    const undated = await make({ created_at: null });
    twins.push(await make({ created_at: utc(-500) }));
    await stack.sql(`UPDATE whatsapp_accounts SET created_at = '${utc(-500)}' WHERE id IN (${twins.join(', ')})`);
    assert.deepEqual(ids(await list(ana)), [primary, newest, ...twins.reverse(), old, undated]);
  });
});

describe('whose accounts', () => {
  test('are those of the workspace that the session is in, whoever made them, and no deleted ones', async () => {
    const ana = await logIn(stack);
    const budi = await logIn(stack);
    const own = await ana.account();
    const others = await ana.account({ created_by: budi.user });
    await ana.account({ deleted_at: utc(-5) });
    await budi.account({ created_by: ana.user });
    assert.deepEqual(ids(await list(ana)).sort((a, b) => a - b), [own.id, others.id]);

    await join(stack, ana.user, budi.workspace);
    const elsewhere = await logIn(stack, { user: ana.user, workspace: budi.workspace });
    const page = await list(elsewhere);
    assert.equal(page.workspaceId, budi.workspace);
    assert.equal(page.accounts.length, 1);
  });

  test('are shown to every role of WA_ROLES', async () => {
    const ana = await logIn(stack);
    const user = await newUser(stack);
    await join(stack, user, ana.workspace, { role: 'manager' });
    const manager = await logIn(stack, { user, workspace: ana.workspace });
    assert.equal((await manager.call('GET')).status, 403);
    await withSettings(stack, { WA_ROLES: 'owner,manager' }, async () => {
      isOk(await manager.call('GET'));
      isOk(await ana.call('GET'));
    });
  });

  test('are shown to whom the session puts there, with WA_MEMBERSHIP=session', async () => {
    const ana = await logIn(stack);
    const stranger = await logIn(stack, { workspace: ana.workspace });
    assert.equal((await stranger.call('GET')).status, 403);
    await withSettings(stack, { WA_MEMBERSHIP: 'session' }, async () => {
      assert.equal((await list(stranger)).workspaceId, ana.workspace);
    });
  });

  test('are found with one membership that is good beside others that are not', async () => {
    const ana = await logIn(stack);
    const user = await newUser(stack);
    for (const columns of [{ deleted_at: utc(-5) }, { role: 'agent' }, { status: 'suspended' }]) {
      await join(stack, user, ana.workspace, columns);
    }
    const member = await logIn(stack, { user, workspace: ana.workspace });
    assert.equal((await member.call('GET')).status, 403);
    await join(stack, user, ana.workspace);
    isOk(await member.call('GET'));
  });

  test('are found in tables as the present application has them: fewer columns, and no others', async () => {
    const plain = await startStack({ pool: false, nginx: false });
    try {
      await plain.sql(`ALTER TABLE workspaces DROP COLUMN deleted_at; ALTER TABLE teams DROP COLUMN status`);
      await plain.startPool();
      const ana = await logIn(plain);
      const user = await newUser(plain);
      await join(plain, user, ana.workspace, { role: 'agent' });
      const agent = await logIn(plain, { user, workspace: ana.workspace });
      isOk(await ana.call('GET', '', { straight: true }));
      assert.equal((await agent.call('GET', '', { straight: true })).status, 403);
      await plain.sql(`UPDATE teams SET role = 'owner' WHERE user_id = ${user}`);
      isOk(await agent.call('GET', '', { straight: true }));
    } finally {
      await plain.stop();
    }
  });
});

describe('canAddAccount', () => {
  test('is true below WA_MAX_ACCOUNTS connected accounts', async () => {
    const ana = await logIn(stack);
    for (let i = 0; i < 9; i++) await ana.account(connected());
    for (const state of ['connecting', 'disconnected', 'error']) await ana.account({ connection_status: state });
    await ana.account(connected({ deleted_at: utc(-5) }));
    assert.equal((await list(ana)).canAddAccount, true);
    await ana.account(connected({ provider_type: 'meta' }));
    assert.equal((await list(ana)).canAddAccount, false);
    await ana.account(connected());
    assert.equal((await list(ana)).canAddAccount, false);
    await withSettings(stack, { WA_MAX_ACCOUNTS: 12 }, async () => {
      assert.equal((await list(ana)).canAddAccount, true);
    });
  });
});

test('HEAD is GET without the body, and a slash at the end is no other page', async () => {
  const ana = await logIn(stack);
  await ana.account();
  const get = await ana.call('GET');
  for (const path of ['', '/']) {
    const head = await ana.call('HEAD', path);
    assert.equal(head.status, 200);
    assert.equal(head.text, '');
    assert.equal(head.headers['content-type'], get.headers['content-type']);
    hasHeaders(head);
    assert.equal((await ana.call('GET', path)).text, get.text);
  }
});

test('a thousand accounts are one answer', async () => {
  const ana = await logIn(stack);
  await stack.sql(`INSERT INTO whatsapp_accounts (uuid, workspace_id, created_by, account_name, phone_number,
      session_id, metadata, session_data, created_at)
    SELECT UUID(), ${ana.workspace}, ${ana.user}, REPEAT('é', 255), CONCAT('62811', LPAD(seq, 9, '0')),
      CONCAT('webjs_${ana.workspace}_1763000000_', LPAD(seq, 8, '0')), JSON_OBJECT('note', REPEAT('x', 4000)),
      REPEAT('s', 4000), UTC_TIMESTAMP() - INTERVAL seq SECOND FROM seq_1_to_1000`);
  const { accounts } = await list(ana);
  assert.equal(accounts.length, 1000);
  assert.equal(new Set(accounts.map(({ uuid }) => uuid)).size, 1000);
  assert.ok(accounts.every((account, i) => i === 0 || account.created_at <= accounts[i - 1].created_at));
});

test('ten thousand accounts that live are one answer, and the workspace takes no more', async () => {
  const ana = await logIn(stack);
  await stack.sql(`INSERT INTO whatsapp_accounts (uuid, workspace_id, created_by, account_name, phone_number,
      session_id, created_at, deleted_at)
    SELECT UUID(), ${ana.workspace}, ${ana.user}, 'A test', CONCAT('62812', LPAD(seq, 9, '0')),
      CONCAT('webjs_${ana.workspace}_1763000000_', LPAD(seq, 8, '0')), UTC_TIMESTAMP(),
      IF(seq = 1, UTC_TIMESTAMP(), NULL) FROM seq_1_to_10000`);
  const create = () => ana.call('POST', '', { json: { phone_number: phone(), provider_type: 'webjs' } });
  const { data } = isDone(await create(), 'Account created successfully', 201);
  isRefused(await create(), 403, 'limit_reached');
  const { accounts } = await list(ana);
  assert.equal(accounts.length, 10_000);
  assert.equal(new Set(accounts.map(({ uuid }) => uuid)).size, 10_000);
  isOk(await ana.call('DELETE', `/${data.uuid}`));
  isOk(await create(), 201);
  isRefused(await create(), 403, 'limit_reached');
});

test('asking changes nothing', async () => {
  const ana = await logIn(stack);
  await ana.account(connected());
  const earlier = await stack.checksum();
  for (const method of ['GET', 'HEAD']) await ana.call(method);
  assert.equal(await stack.checksum(), earlier);
});
