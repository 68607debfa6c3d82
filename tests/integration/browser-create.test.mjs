// POST /settings/whatsapp-accounts: a new account, its command to the Node service, and its event.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ACCOUNT, isAccount, isDone, isInvalid, isRefused } from './lib/browser-expect.mjs';
import { isAboutNow, isStatusEvent, secondsBetween } from './lib/expect.mjs';
import { connected, phone, utc } from './lib/fixtures.mjs';
import { PAGE, join, logIn, newUser } from './lib/login.mjs';
import { withSettings } from './lib/settings.mjs';
import { startStack } from './lib/stack.mjs';

const SENTENCE = 'Account created successfully';
const TAKEN = 'Account with this phone number already exists';

let stack;
before(async () => (stack = await startStack()));
after(() => stack?.stop());

const input = (changes) => ({ phone_number: phone(), provider_type: 'webjs', ...changes });
const create = (who, json, options) => who.call('POST', '', { json, ...options });

/** Make an account; what is answered, and what stands in the database. */
async function made(who, json, options) {
  const answer = await create(who, json, options);
  const body = isDone(answer, SENTENCE, 201);
  return { answer, body, ...await stack.state(body.data.id) };
}
const count = (who) => stack.value(`SELECT COUNT(*) FROM whatsapp_accounts WHERE workspace_id = ${who.workspace}`);

describe('the answer', () => {
  test('is 201 with the account, and where it is found', async () => {
    const ana = await logIn(stack);
    const { answer, body, account } = await made(ana, input());
    assert.deepEqual(Object.keys(body), ['success', 'message', 'data', 'account']);
    isAccount(body.data, account);
    assert.deepEqual(Object.keys(body.data), ACCOUNT);
    assert.deepEqual(body.account, body.data);
    assert.match(answer.headers.location, /^(https?:\/\/[^/]+)?\/settings\/whatsapp-accounts\/[0-9a-f-]{36}$/);
    assert.ok(answer.headers.location.endsWith(`${PAGE}/${account.uuid}`));
    assert.equal((await ana.call('GET', `/${account.uuid}`)).status, 200);
  });

  test('is without the old words with WA_LEGACY_ALIASES=off', async () => {
    const ana = await logIn(stack);
    await withSettings(stack, { WA_LEGACY_ALIASES: 'off' }, async () => {
      const { body } = await made(ana, input());
      assert.deepEqual(Object.keys(body), ['success', 'message', 'data']);
      assert.deepEqual(Object.keys(body.data), ACCOUNT.filter((name) => name !== 'status'));
    });
  });
});

describe('the row', () => {
  test('is disconnected and inactive, of the session\'s workspace, made by its user', async () => {
    const ana = await logIn(stack);
    const user = await newUser(stack);
    await join(stack, user, ana.workspace);
    const budi = await logIn(stack, { user, workspace: ana.workspace });
    const phone_number = phone();
    const { account, metadata } = await made(budi, { phone_number, account_name: 'Toko', provider_type: 'webjs',
      is_primary: false });
    const { id, uuid, session_id, created_at, updated_at, ...rest } = account;
    assert.match(uuid, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    isAboutNow(created_at, 30);
    assert.equal(updated_at, created_at);
    assert.ok(id > 0 && session_id);
    assert.deepEqual(rest, { workspace_id: ana.workspace, account_name: 'Toko', phone_number, provider_type: 'webjs',
      connection_status: 'disconnected', qr_code: null, session_data: null, is_primary: false, is_active: false,
      last_activity_at: null, last_connected_at: null, metadata: null, created_by: user, deleted_at: null,
      assigned_instance_url: null, qr_expires_at: null, connect_deadline_at: null, state_version: 0 });
    assert.equal(metadata, null);
  });

  test('has a session_id by which the Node service knows it', async () => {
    const ana = await logIn(stack);
    for (const provider_type of ['webjs', 'meta']) {
      const { account } = await made(ana, input({ provider_type }));
      const parts = account.session_id.match(/^(webjs|meta)_(\d+)_(\d{10})_([A-Za-z0-9]{8})$/);
      assert.ok(parts, account.session_id);
      assert.equal(parts[1], provider_type);
      assert.equal(Number(parts[2]), ana.workspace);
      assert.ok(Math.abs(Number(parts[3]) - Date.now() / 1000) < 30);
    }
    const all = new Set();
    for (let i = 0; i < 20; i++) all.add((await made(ana, input())).account.session_id.slice(-8));
    assert.equal(all.size, 20);
  });

  test('takes nothing else of what was sent', async () => {
    const ana = await logIn(stack);
    const budi = await logIn(stack);
    const { account, events } = await made(ana, input({ id: 5, uuid: '00000000-0000-4000-8000-000000000001',
      workspace_id: budi.workspace, created_by: budi.user, connection_status: 'connected', status: 'connected',
      is_active: true, session_id: 'webjs_1_1763000000_AAAAAAAA', session_data: 'x', qr_code: 'x', metadata: { a: 1 },
      state_version: 9, deleted_at: utc(), assigned_instance_url: 'http://x', created_at: utc(-9000) }));
    assert.equal(account.workspace_id, ana.workspace);
    assert.equal(account.created_by, ana.user);
    assert.equal(account.connection_status, 'disconnected');
    assert.equal(account.is_active, false);
    assert.notEqual(account.uuid, '00000000-0000-4000-8000-000000000001');
    assert.notEqual(account.session_id, 'webjs_1_1763000000_AAAAAAAA');
    for (const name of ['session_data', 'qr_code', 'metadata', 'deleted_at', 'assigned_instance_url']) {
      assert.equal(account[name], null, name);
    }
    assert.equal(account.state_version, 0);
    assert.deepEqual(events, []);
  });

  test('is named after its number unless it has a name', async () => {
    const ana = await logIn(stack);
    for (const account_name of [undefined, null, '', '   ', '\u00a0\u200b\ufeff\t']) {
      const { account } = await made(ana, input({ account_name }));
      assert.equal(account.account_name, account.phone_number);
    }
    const phone_number = '+62 (812) 3456-7890.1';
    assert.equal((await made(ana, input({ phone_number }))).account.account_name, phone_number);
  });

  test('keeps number and name as they were written, without what stands around them', async () => {
    const ana = await logIn(stack);
    const names = { '  Toko  Satu ': 'Toko  Satu', '\u00a0Toko\u3000\u200b': 'Toko',
      '\ufeff"Toko" <b>&\n': '"Toko" <b>&', 'é🎉\\\'%_': 'é🎉\\\'%_', '0': '0', 'null': 'null',
      '\u200eToko\u200e': 'Toko', '\tToko\u0085': 'Toko' };
    for (const [account_name, expected] of Object.entries(names)) {
      const number = phone();
      const { account } = await made(ana, input({ account_name, phone_number: ` \t+${number}\u00a0\n` }));
      assert.equal(account.account_name, expected);
      assert.equal(account.phone_number, `+${number}`);
    }
  });
});

describe('the outbox', () => {
  const isConnect = (command, account) => {
    assert.equal(command.name, 'connect');
    assert.equal(command.state, 'waiting');
    assert.equal(command.workspace_id, account.workspace_id);
    assert.ok(Math.abs(secondsBetween(command.created_at, command.expires_at) - 900) < 5);
    assert.deepEqual(command.payload, { workspace_id: account.workspace_id, account_id: account.id,
      session_id: account.session_id });
  };

  test('has the command connect, and no event', async () => {
    const { account, commands, events } = await made(await logIn(stack), input());
    assert.equal(commands.length, 1);
    isConnect(commands[0], account);
    assert.deepEqual(events, []);
  });

  test('has no command for meta', async () => {
    const { commands, events } = await made(await logIn(stack), input({ provider_type: 'meta' }));
    assert.deepEqual([...commands, ...events], []);
  });

  test('tells of a new primary, and the one before is not primary any more', async () => {
    const ana = await logIn(stack);
    const earlier = await ana.account(connected({ is_primary: 1, state_version: 4 }));
    for (const provider_type of ['webjs', 'meta']) {
      const { account, body, commands, events } = await made(ana, input({ provider_type, is_primary: true }));
      assert.equal(body.data.is_primary, true);
      assert.equal(account.state_version, 1);
      assert.equal(events.length, 1);
      isStatusEvent(events[0], account, { action: 'set_primary' }, 'primary_changed');
      assert.equal(commands.length, provider_type === 'webjs' ? 1 : 0);
    }
    const { account, events } = await stack.state(earlier.id);
    assert.equal(account.is_primary, false);
    assert.equal(account.state_version, 5);
    assert.deepEqual(events, []);
    assert.equal(await stack.value(`SELECT SUM(is_primary) FROM whatsapp_accounts
      WHERE workspace_id = ${ana.workspace}`), '1');
  });

  test('has nothing of what was refused', async () => {
    const ana = await logIn(stack);
    const { phone_number } = await ana.account(connected({ is_primary: 1 }));
    const earlier = await stack.checksum();
    isRefused(await create(ana, input({ phone_number, is_primary: true })), 409, 'phone_taken', TAKEN);
    isInvalid(await create(ana, input({ is_primary: 'yes' })),
      { is_primary: ['The is primary field must be true or false.'] });
    assert.equal(await stack.checksum(), earlier);
  });
});

describe('a number that another account has', () => {
  test('is a 409, however it is written', async () => {
    const ana = await logIn(stack);
    const number = phone();
    await made(ana, input({ phone_number: number }));
    const spread = `+${number.slice(0, 2)} (${number.slice(2, 5)}) ${number.slice(5, 8)}-${number.slice(8)}.`;
    for (const phone_number of [number, `+${number}`, spread, ` ${number} `]) {
      for (const provider_type of ['webjs', 'meta']) {
        isRefused(await create(ana, input({ phone_number, provider_type })), 409, 'phone_taken', TAKEN);
      }
    }
    assert.equal(await count(ana), '1');
  });

  test('is one whatever state that account is in', async () => {
    const ana = await logIn(stack);
    for (const connection_status of ['connecting', 'connected', 'disconnected', 'error']) {
      const { phone_number } = await ana.account({ connection_status, phone_number: `+${phone()}` });
      isRefused(await create(ana, input({ phone_number })), 409, 'phone_taken', TAKEN);
    }
  });

  test('is free when that account is deleted, or of another workspace', async () => {
    const ana = await logIn(stack);
    const gone = await ana.account({ phone_number: phone(), deleted_at: utc(-5) });
    await made(ana, input({ phone_number: gone.phone_number }));
    const elsewhere = await (await logIn(stack)).account(connected());
    await made(ana, input({ phone_number: elsewhere.phone_number }));
  });
});

describe('the limit', () => {
  test('is a 403 from WA_MAX_ACCOUNTS connected accounts on, before a conflict and after the fields', async () => {
    const ana = await logIn(stack);
    await withSettings(stack, { WA_MAX_ACCOUNTS: 2 }, async () => {
      const first = await ana.account(connected());
      await made(ana, input());
      await ana.account(connected());
      const earlier = await stack.checksum();
      for (const provider_type of ['webjs', 'meta']) {
        isRefused(await create(ana, input({ provider_type })), 403, 'limit_reached');
      }
      isRefused(await create(ana, input({ phone_number: first.phone_number })), 403, 'limit_reached');
      isInvalid(await create(ana, input({ provider_type: 'x' })),
        { provider_type: ['The selected provider type is invalid.'] });
      assert.equal(await stack.checksum(), earlier);
      await stack.sql(`UPDATE whatsapp_accounts SET connection_status = 'error' WHERE id = ${first.id}`);
      await made(ana, input());
    });
  });
});

describe('WA_REQUIRE_PHONE=off', () => {
  const off = (body) => withSettings(stack, { WA_REQUIRE_PHONE: 'off' }, body);
  const required = { phone_number: ['The phone number field is required.'] };

  test('allows a webjs account without a number, and any number of those', () => off(async () => {
    const ana = await logIn(stack);
    for (const phone_number of [undefined, null, '', '  ']) {
      const { account, commands } = await made(ana, { phone_number, provider_type: 'webjs' });
      assert.equal(account.phone_number, null);
      assert.equal(account.account_name, null);
      assert.equal(commands.length, 1);
    }
    assert.equal((await made(ana, { provider_type: 'webjs', account_name: 'Toko' })).account.account_name, 'Toko');
    assert.equal(await count(ana), '5');
  }));

  test('does not allow a meta account without one, nor one that is none', () => off(async () => {
    const ana = await logIn(stack);
    isInvalid(await create(ana, { provider_type: 'meta' }), required);
    isInvalid(await create(ana, { provider_type: 'webjs', phone_number: '12' }),
      { phone_number: ['The phone number field format is invalid.'] });
    assert.equal(await count(ana), '0');
  }));

  test('is not the standard', async () => {
    isInvalid(await create(await logIn(stack), { provider_type: 'webjs' }), required);
  });
});
