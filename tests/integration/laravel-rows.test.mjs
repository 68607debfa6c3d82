// One table, two programs: what a real Eloquent makes of the rows that we
// wrote, and what we make of those that it wrote.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { BASE, ISO, isAboutNow } from './lib/expect.mjs';
import { utc } from './lib/fixtures.mjs';
import { startLaravel } from './lib/laravel.mjs';
import { OLD_WORD } from './lib/legacy.mjs';
import { PAGE } from './lib/login.mjs';
import { startStack } from './lib/stack.mjs';

/** The members of the application's own list; ours has them all, and more. */
const LARAVELS = ['id', 'uuid', 'phone_number', 'account_name', 'provider_type', 'connection_status', 'is_primary',
  'is_active', 'formatted_phone_number', 'health_score', 'created_at'];
const laravels = (account) => Object.fromEntries(LARAVELS.map((name) => [name, account[name]]));

/** What Node's WhatsApp Web session leaves: deep, long, and with everything that JSON has to escape. */
const sessionData = {
  creds: { noiseKey: 'aGVsbG8/+w==', me: { name: 'Budi "B" \\ </script> ü 日本 😀', lid: null } },
  flags: [true, false, 0, -1.5, 1e21],
  keys: Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`pre-key-${i}`, 'x'.repeat(64)])),
  empty: [], path: 'a/b/c',
};

async function startBoth(options) {
  const stack = await startStack(options);
  const laravel = await startLaravel(stack);
  const join = async () => {
    const workspace = await stack.workspace();
    const user = await laravel.user({ workspace });
    return { workspace, user, browser: await laravel.login(user.email, workspace) };
  };
  return { stack, laravel, join };
}

async function ask(browser, method, path, json, status = 200) {
  const answer = await browser.call(method, path, { json });
  assert.equal(answer.status, status, `${method} ${path}: ${answer.text}`);
  return answer.json;
}

/** An account that we make. */
const create = async (browser, phone_number, changes) =>
  (await ask(browser, 'POST', PAGE, { phone_number, provider_type: 'webjs', ...changes }, 201)).data;

/** The row as Eloquent gives it: {attributes, stored, is_healthy}. */
const row = (browser, id) => ask(browser, 'GET', `/php/rows/${id}`);

/** A row that Eloquent makes. */
async function eloquent(browser, { workspace, user }, changes) {
  const { attributes } = await ask(browser, 'POST', '/php/rows', { workspace_id: workspace, created_by: user.id,
    provider_type: 'webjs', ...changes }, 201);
  return attributes;
}

/** Both lists of a workspace: the same but for what ours has more of. */
async function sameLists(browser) {
  const theirs = await ask(browser, 'GET', '/php/accounts');
  const ours = await ask(browser, 'GET', PAGE);
  assert.deepEqual(ours.accounts.map(laravels), theirs.accounts);
  for (const account of ours.accounts) assert.deepEqual(Object.keys(account).slice(0, LARAVELS.length), LARAVELS);
  assert.deepEqual({ ...ours, accounts: null }, { ...theirs, accounts: null });
  return theirs.accounts;
}

describe('rows that we wrote, read by Eloquent', () => {
  let stack, join;
  before(async () => ({ stack, join } = await startBoth()));
  after(() => stack?.stop());

  test('a new account has every attribute that the application gives it', async () => {
    const { workspace, user, browser } = await join();
    const account_name = 'Kasir "1" ü 😀';
    const data = await create(browser, '+62 812-3456 7890', { account_name, is_primary: true });
    const { attributes, stored } = await row(browser, data.id);
    const varying = { session_id: null, created_at: null, updated_at: null, connect_deadline_at: null };
    assert.deepEqual({ ...attributes, ...varying }, {
      id: data.id, uuid: data.uuid, workspace_id: workspace, account_name,
      phone_number: '+62 812-3456 7890', provider_type: 'webjs', connection_status: 'disconnected',
      status: 'disconnected', qr_code: null,
      session_data: null, is_primary: true, is_active: false, last_activity_at: null, last_connected_at: null,
      metadata: null, created_by: user.id, deleted_at: null, assigned_instance_url: null, qr_expires_at: null,
      state_version: 1, ...varying,
    });
    assert.match(attributes.session_id, new RegExp(`^webjs_${workspace}_\\d{10}_[A-Za-z0-9]{8}$`));
    assert.equal(attributes.created_at, data.created_at);
    assert.match(attributes.updated_at, ISO);
    isAboutNow(attributes.updated_at, 60);
    assert.match(stored.created_at, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/);
    assert.match(attributes.uuid, /^[0-9a-f]{8}-[0-9a-f]{4}-[47][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    await sameLists(browser);
  });

  test('whatever becomes of an account, Eloquent sees what we show', async () => {
    const { workspace, browser } = await join();
    const data = await create(browser, '+62 812-1111 1111');
    const path = `${PAGE}/${data.uuid}`;
    const signed = async (event, more) => {
      const answer = await stack.signed('POST', `${BASE}/broadcast`, { event, data: { workspace_id: workspace,
        account_id: data.uuid, ...more } });
      assert.equal(answer.status, 200, answer.text);
    };
    const steps = {
      'created': async () => {},
      'made primary': () => ask(browser, 'POST', `${path}/set-primary`),
      'connecting': () => ask(browser, 'POST', `${path}/reconnect`),
      'a QR code': () => signed('qr-code-generated', { qr_code: '2@abc/+="', expires_in: 60 }),
      'another QR code asked for': () => ask(browser, 'POST', `${path}/regenerate-qr`),
      'connected': () => signed('account-status-changed', { status: 'connected', phone_number: '6281211111111',
        metadata: { battery: 71.5, names: ['ü', '/'], deep: { a: [1] } } }),
      'in error': () => signed('account-status-changed', { status: 'error', metadata: { reason: 'It went off' } }),
      'disconnected': () => ask(browser, 'POST', `${path}/disconnect`),
    };
    for (const [what, step] of Object.entries(steps)) {
      await step();
      const { data: shown } = await ask(browser, 'GET', path);
      const { attributes: { status, ...attributes }, is_healthy } = await row(browser, data.id);
      assert.equal(status, OLD_WORD[attributes.connection_status], `${what}: the old word, for those who read it`);
      /* Eloquent has no cast for it, so it comes as it is stored. */
      const expires = attributes.qr_expires_at && `${attributes.qr_expires_at.replace(' ', 'T')}.000000Z`;
      for (const [name, value] of Object.entries({ ...attributes, qr_expires_at: expires })) {
        if (name in shown) assert.deepEqual(shown[name], value, `${what}: ${name}`);
      }
      const { data: statistics } = await ask(browser, 'GET', `${path}/statistics`);
      assert.deepEqual([statistics.is_healthy, statistics.health_score], [is_healthy, shown.health_score], what);
      await sameLists(browser);
    }
  });

  test('what we delete is gone for Laravel, and its row is kept', async () => {
    const { browser } = await join();
    const data = await create(browser, '+62 812-2222 2222');
    await ask(browser, 'DELETE', `${PAGE}/${data.uuid}`);
    await ask(browser, 'GET', `/php/rows/${data.id}`, undefined, 404);
    assert.deepEqual(await sameLists(browser), []);
    isAboutNow(await stack.value(`SELECT deleted_at FROM whatsapp_accounts WHERE id = ${data.id}`), 60);
  });

  test('our writes change updated_at as Eloquent\'s do', async () => {
    const { browser } = await join();
    const data = await create(browser, '+62 812-3333 3333');
    for (const what of ['/set-primary', '/reconnect', '/disconnect', '']) {
      await stack.sql(`UPDATE whatsapp_accounts SET updated_at = '2025-11-14 03:04:05' WHERE id = ${data.id}`);
      await ask(browser, what ? 'POST' : 'DELETE', `${PAGE}/${data.uuid}${what}`);
      isAboutNow(await stack.value(`SELECT updated_at FROM whatsapp_accounts WHERE id = ${data.id}`), 60);
    }
  });
});

describe('encrypted columns', () => {
  let stack, join;
  before(async () => ({ stack, join } = await startBoth()));
  after(() => stack?.stop());

  test('session_data outlives all our writes, byte for byte, and opens', async () => {
    const place = await join();
    const { workspace, browser } = place;
    const { id, uuid } = await eloquent(browser, place, { phone_number: '+62 812-4444 4444', session_data: sessionData,
      connection_status: 'connected', is_active: true, metadata: { recent_failures: 2, note: 'ü/' } });
    const before = (await row(browser, id)).stored.session_data;
    assert.match(before, /^eyJ/);
    const report = (status) => stack.signed('POST', `${BASE}/broadcast`, { event: 'account-status-changed',
      data: { workspace_id: workspace, account_id: uuid, status, phone_number: '+6281244444444' } });
    const path = `${PAGE}/${uuid}`;
    for (const [what, write] of Object.entries({
      'set-primary': () => browser.post(`${path}/set-primary`),
      'disconnect': () => browser.post(`${path}/disconnect`),
      'reconnect': () => browser.post(`${path}/reconnect`),
      'regenerate-qr': () => browser.post(`${path}/regenerate-qr`),
      'connected': () => report('connected'),
      'error': () => report('error'),
      'mark-disconnected': () => stack.signed('POST', `${BASE}/${uuid}/mark-disconnected`, { workspace_id: workspace }),
    })) {
      const answer = await write();
      assert.equal(answer.status, 200, `${what}: ${answer.text}`);
      const { attributes, stored } = await row(browser, id);
      assert.equal(stored.session_data, before, what);
      assert.deepEqual(attributes.session_data, sessionData, what);
      assert.equal(attributes.metadata.note, 'ü/', what);
    }
    /* As its button does; what a page cleans up behind a dialog is refused for a number that was connected. */
    const asked = { headers: { Accept: 'application/json' } };
    assert.equal((await browser.call('DELETE', path, asked)).status, 200);
    assert.equal(await stack.value(`SELECT session_data FROM whatsapp_accounts WHERE id = ${id}`), before);
  });

  test('it is in no answer of ours, and neither is what is in it', async () => {
    const place = await join();
    const { browser } = place;
    const { id, uuid } = await eloquent(browser, place, { session_data: sessionData });
    const { stored } = await row(browser, id);
    for (const [method, path] of [['GET', PAGE], ['GET', `${PAGE}/${uuid}`], ['GET', `${PAGE}/${uuid}/statistics`],
      ['POST', `${PAGE}/${uuid}/set-primary`], ['POST', `${PAGE}/${uuid}/disconnect`], ['DELETE', `${PAGE}/${uuid}`]]) {
      const answer = await browser.call(method, path);
      assert.equal(answer.status, 200, answer.text);
      for (const secret of ['session_data', 'noiseKey', stored.session_data.slice(0, 40)]) {
        assert.ok(!answer.text.includes(secret), `${method} ${path}: ${secret}`);
      }
    }
  });
});

describe('rows that Eloquent wrote', () => {
  let stack, join, place;
  before(async () => {
    ({ stack, join } = await startBoth());
    place = await join();
  });
  after(() => stack?.stop());

  const make = (changes) => eloquent(place.browser, place, changes);

  /** One new account of each, in the list and by itself, as Laravel formats it. */
  async function shownAlike(rows) {
    place = await join();
    for (const changes of rows) await make(changes);
    const accounts = await sameLists(place.browser);
    assert.equal(accounts.length, rows.length);
    for (const account of accounts) {
      const { data } = await ask(place.browser, 'GET', `${PAGE}/${account.uuid}`);
      assert.deepEqual(laravels(data), account);
    }
    return accounts;
  }

  test('phone numbers are formatted as Laravel formats them', async () => {
    const accounts = await shownAlike([null, '+62 812-3456 7890', '0812345678', '081234567', '+12345678', '+123456789',
      '++62 812 3456 7891', '62+812+3456+7892', '(021) 555-0000', '12345', '+', 'none', '0062 811.222.333',
      '+62 812 3456 789 ext. 4', '٠١٢٣٤', '1'.repeat(50)].map((phone_number) => ({ phone_number })));
    assert.ok(accounts.some((account) => account.formatted_phone_number === '+6281234567890'));
  });

  for (const phone of ['', '0']) {
    test(`a phone number of "${phone}" is none, as in PHP`, async () => {
      place = await join();
      const { id } = await make({ account_name: 'old' });
      await stack.sql(`UPDATE whatsapp_accounts SET phone_number = '${phone}' WHERE id = ${id}`);
      const [account] = await sameLists(place.browser);
      assert.equal(account.formatted_phone_number, null);
    });
  }

  test('health scores are Laravel\'s', async () => {
    const times = [null, utc(-10), utc(-3500), utc(-3700), utc(-86400 * 400), utc(3600)];
    const states = ['connecting', 'connected', 'disconnected', 'error'];
    await shownAlike(times.flatMap((last_activity_at) =>
      states.map((connection_status) => ({ connection_status, last_activity_at }))));
  });

  test('recent failures cost what they cost in Laravel', async () => {
    const failures = [0, 1, 2, 3, 4, 1000, -1, 1.5, 1.25, 0.05, 2.999, 1e300, false, null, '0', '-3', ''];
    const scores = (await shownAlike(failures.map((recent_failures) => ({ connection_status: 'connected',
      metadata: { recent_failures } })))).map((account) => account.health_score);
    assert.ok(scores.includes(100) && scores.includes(70) && scores.includes(80));
  });

  test('recent failures that are no number cost nothing here, whatever PHP makes of them', async () => {
    place = await join();
    for (const recent_failures of ['2', true, '1e1', 'abc', [], { a: 1 }]) {
      await stack.account({ workspace_id: place.workspace, connection_status: 'connected',
        metadata: JSON.stringify({ recent_failures }) });
    }
    for (const account of (await ask(place.browser, 'GET', PAGE)).accounts) assert.equal(account.health_score, 100);
  });

  test('metadata of any shape costs nothing', async () => {
    const shapes = [[], {}, [1, 2], 'text', 5, true, { recent: 1 }, { a: { recent_failures: 3 } },
      { 'recent_failures ': 3, 'Recent_Failures': 3 }];
    await shownAlike(shapes.map((metadata) => ({ metadata, connection_status: 'connected' })));
  });

  test('names come through whatever is in them', async () => {
    const names = [null, 'Toko "Satu" \\ / </script> &amp;', 'Ünï çødé', '日本語 한국어 العربية', '😀👩‍👩‍👧',
      '\u2028\u2029', 'a\tb\nc', 'x'.repeat(255), 'é'.repeat(255), '0'];
    assert.deepEqual((await shownAlike(names.map((account_name) => ({ account_name })))).map((account) =>
      account.account_name).sort(), [...names].sort());
  });

  test('times, states, providers and flags are the same', async () => {
    const rows = [];
    for (const provider_type of ['webjs', 'meta']) {
      for (const is_active of [true, false]) rows.push({ provider_type, is_active, is_primary: rows.length === 2 });
    }
    const accounts = await shownAlike(rows);
    assert.equal(accounts[0].is_primary, true, 'the primary one stands first');
    for (const time of ['2025-11-14 03:04:05', '1970-01-01 00:00:01', '2037-12-31 23:59:59', '2024-02-29 12:00:00',
      '2026-03-29 02:30:00', null]) {
      const value = time === null ? 'NULL' : `'${time}'`;
      await stack.sql(`UPDATE whatsapp_accounts SET created_at = ${value}, last_activity_at = ${value},
        last_connected_at = ${value} WHERE workspace_id = ${place.workspace}`);
      for (const account of await sameLists(place.browser)) {
        const { attributes } = await row(place.browser, account.id);
        const { data } = await ask(place.browser, 'GET', `${PAGE}/${account.uuid}`);
        for (const name of ['created_at', 'last_activity_at', 'last_connected_at']) {
          assert.equal(data[name], attributes[name], `${name}: ${time}`);
        }
      }
    }
  });

  test('the order is the same: primary first, then the newest, then the highest id', async () => {
    place = await join();
    for (const [account_name, created_at, is_primary] of [['first', '2025-01-02', false],
      ['second', '2025-01-03', false], ['third', '2025-01-01', true], ['fourth', '2025-01-03', false]]) {
      const { id } = await make({ account_name, is_primary });
      await stack.sql(`UPDATE whatsapp_accounts SET created_at = '${created_at}' WHERE id = ${id}`);
    }
    const names = (await sameLists(place.browser)).map((account) => account.account_name);
    assert.deepEqual(names, ['third', 'fourth', 'second', 'first']);
  });

  test('a workspace at its limit is so for both', async () => {
    place = await join();
    for (let i = 0; i < 10; i++) {
      assert.equal((await ask(place.browser, 'GET', PAGE)).canAddAccount, true);
      await make({ connection_status: 'connected' });
      await sameLists(place.browser);
    }
    assert.equal((await ask(place.browser, 'GET', PAGE)).canAddAccount, false);
  });

  test('what Eloquent changes between our writes is kept', async () => {
    place = await join();
    const { browser } = place;
    const { id, uuid } = await make({ phone_number: '+62 812-6666 6666', metadata: { a: 1 } });
    await ask(browser, 'POST', `${PAGE}/${uuid}/reconnect`);
    await ask(browser, 'PATCH', `/php/rows/${id}`, { account_name: 'Renamed', metadata: { a: 2, b: { c: ['/'] } } });
    await ask(browser, 'POST', `${PAGE}/${uuid}/disconnect`);
    const { attributes } = await row(browser, id);
    const { account_name, metadata } = attributes;
    assert.deepEqual([account_name, metadata.a, metadata.b], ['Renamed', 2, { c: ['/'] }]);
    await sameLists(browser);
  });
});

test('on a database server with an offset, both still write and read the same times', async () => {
  const { stack, join } = await startBoth({ serverArgs: ['--default-time-zone=+07:00'] });
  try {
    const place = await join();
    const { browser } = place;
    const data = await create(browser, '+62 812-7777 7777');
    isAboutNow(data.created_at, 60);
    assert.equal((await row(browser, data.id)).attributes.created_at, data.created_at);
    const made = await eloquent(browser, place, { last_activity_at: utc(-60), connection_status: 'connected' });
    isAboutNow(made.created_at, 60);
    const shown = (await ask(browser, 'GET', `${PAGE}/${made.uuid}`)).data;
    assert.deepEqual([shown.created_at, shown.last_activity_at, shown.health_score],
      [made.created_at, made.last_activity_at, 100]);
    await sameLists(browser);
  } finally {
    await stack.stop();
  }
});
