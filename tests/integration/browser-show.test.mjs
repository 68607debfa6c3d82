// GET /settings/whatsapp-accounts/{uuid}: one account, with its QR code.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ACCOUNT, hasHeaders, isAccount, isOk } from './lib/browser-expect.mjs';
import { literal } from './lib/database.mjs';
import { BASE, isBroadcasted } from './lib/expect.mjs';
import { connected, utc } from './lib/fixtures.mjs';
import { logIn } from './lib/login.mjs';
import { withSettings } from './lib/settings.mjs';
import { startStack } from './lib/stack.mjs';

const MORE = ['qr_code', 'qr_expires_at', 'expires_in_seconds', 'metadata'];

let stack, ana;
before(async () => {
  stack = await startStack();
  ana = await logIn(stack);
});
after(() => stack?.stop());

async function show(account, who = ana) {
  const body = isOk(await who.call('GET', `/${account.uuid}`));
  assert.equal(body.success, true);
  return body.data;
}
/** A new account with these columns, as it is shown. */
const shownWith = async (columns) => show(await ana.account(columns));

describe('the answer', () => {
  test('is the account as in the list, and what belongs to one alone', async () => {
    const account = await ana.account(connected({ is_primary: 1, metadata: '{"recent_failures":1,"note":"é"}',
      state_version: 3 }));
    const answer = await ana.call('GET', `/${account.uuid}`);
    const body = isOk(answer);
    assert.deepEqual(Object.keys(body), ['success', 'data']);
    isAccount(body.data, account, 1);
    assert.deepEqual(Object.keys(body.data), [...ACCOUNT, ...MORE]);
    assert.deepEqual(body.data.metadata, { recent_failures: 1, note: 'é' });
    assert.equal(Number(answer.headers['content-length']), Buffer.byteLength(answer.text));
    hasHeaders(answer);
    await stack.sql(`UPDATE whatsapp_accounts SET is_primary = 0 WHERE id = ${account.id}`);
  });

  test('is null where the row has nothing', async () => {
    const data = await shownWith({ session_id: null, account_name: null, created_at: null });
    for (const name of ['phone_number', 'account_name', 'formatted_phone_number', 'session_id', 'last_activity_at',
      'last_connected_at', 'created_at', ...MORE]) {
      assert.equal(data[name], null, name);
    }
  });

  test('never holds session_data, encrypted or not', async () => {
    const { uuid } = await ana.account({ session_data: 'SESSIONSECRET', assigned_instance_url: 'http://URLSECRET' });
    const { text } = await ana.call('GET', `/${uuid}`);
    assert.doesNotMatch(text, /SECRET|session_data|deadline|assigned|deleted/);
  });

  test('is without the old words with WA_LEGACY_ALIASES=off', async () => {
    const account = await ana.account();
    await withSettings(stack, { WA_LEGACY_ALIASES: 'off' }, async () => {
      assert.deepEqual(Object.keys(await show(account)), [...ACCOUNT.filter((name) => name !== 'status'), ...MORE]);
    });
  });

  test('is the same by HEAD, without the body', async () => {
    const { uuid } = await ana.account();
    const head = await ana.call('HEAD', `/${uuid}`);
    assert.equal(head.status, 200);
    assert.equal(head.text, '');
    assert.equal((await ana.call('HEAD', '/00000000-0000-4000-8000-000000000000')).status, 404);
  });
});

describe('the QR code', () => {
  const pairing = (changes) => ({ connection_status: 'connecting', is_active: 1, qr_code: '2@QR,é/+=', ...changes });

  test('is shown until it expires, and how long that is', async () => {
    for (const seconds of [20, 300, 3600]) {
      const qr_expires_at = utc(seconds);
      const data = await shownWith(pairing({ qr_expires_at }));
      assert.equal(data.qr_code, '2@QR,é/+=');
      assert.equal(data.qr_expires_at, `${qr_expires_at.replace(' ', 'T')}.000000Z`);
      assert.ok(Number.isInteger(data.expires_in_seconds));
      assert.ok(data.expires_in_seconds <= seconds && data.expires_in_seconds > seconds - 15, String(
        data.expires_in_seconds));
    }
  });

  test('is null from then on', async () => {
    for (const seconds of [0, -1, -86400]) {
      const data = await shownWith(pairing({ qr_expires_at: utc(seconds) }));
      assert.equal(data.qr_code, null);
      assert.ok([null, 0].includes(data.expires_in_seconds), String(data.expires_in_seconds));
    }
  });

  test('of a row that does not say when it expires is shown', async () => {
    const data = await shownWith(pairing({ qr_expires_at: null }));
    assert.equal(data.qr_code, '2@QR,é/+=');
    assert.equal(data.qr_expires_at, null);
    assert.equal(data.expires_in_seconds, null);
  });

  test('may be as long as its column', async () => {
    const qr_code = 'data:image/png;base64,'.padEnd(65_535, 'A');
    assert.equal((await shownWith(pairing({ qr_code, qr_expires_at: utc(60) }))).qr_code, qr_code);
  });

  test('is the one that the Node service reported', async () => {
    const account = await ana.account();
    isBroadcasted(await stack.signed('POST', `${BASE}/broadcast`, { event: 'qr-code-generated',
      data: { account_id: account.session_id, workspace_id: ana.workspace, qr_code: '2@new', expires_in: 120 } }));
    const data = await show(account);
    assert.equal(data.qr_code, '2@new');
    assert.equal(data.connection_status, 'connecting');
    assert.equal(data.status, 'qr_scanning');
    assert.ok(data.expires_in_seconds > 100 && data.expires_in_seconds <= 120);
  });
});

describe('metadata', () => {
  const texts = ['{}', '[]', 'null', 'true', '5', '-1.5e3', '"text"', '[1,[2,{"a":null}]]', '{"a":{"b":{"c":[]}}}',
    '{"é🎉":"\\u00e9\\ud83c\\udf89","\\"":"\\\\"}', '{"n":12345678901234567890,"x":1e300,"y":0.1}', ' { "a" : 1 } ',
    '{"":""}', '{"recent_failures":"many"}'];
  for (const text of texts) {
    test(`that is ${text} is shown as it is`, async () => {
      assert.deepEqual((await shownWith({ metadata: text })).metadata, JSON.parse(text));
    });
  }

  test('keeps every digit of a number', async () => {
    const { uuid } = await ana.account({ metadata: '{"n":12345678901234567890123}' });
    assert.ok((await ana.call('GET', `/${uuid}`)).text.includes('12345678901234567890123'));
  });

  test('that the database takes for JSON and others do not never makes the answer unreadable', async () => {
    const odd = ['{"a":"\\x41"}', '{"a":1.}', '{"a":1,"a":2}', `${'['.repeat(31)}${']'.repeat(31)}`, '{"a":"\\u0000"}',
      '{"a":"\\ud800"}', '"\t"', '{"a":01}'];
    let taken = 0;
    for (const text of odd) {
      if (await stack.value(`SELECT JSON_VALID(${literal(text)})`) !== '1') continue;
      taken++;
      const account = await ana.account();
      await stack.sql(`UPDATE whatsapp_accounts SET metadata = ${literal(text)} WHERE id = ${account.id}`);
      assert.equal((await show(account)).connection_status, 'disconnected', text);
    }
    assert.ok(taken > 2);
    assert.ok(isOk(await ana.call('GET')).accounts.length > taken, 'nor the list');
  });

  test('of a megabyte is shown whole', async () => {
    const note = 'x'.repeat(1_000_000);
    const account = await ana.account({ metadata: '{}' });
    await stack.sql(`UPDATE whatsapp_accounts SET metadata = JSON_OBJECT('note', REPEAT('x', 1000000))
      WHERE id = ${account.id}`);
    assert.equal((await show(account)).metadata.note, note);
  });
});

test('asking changes nothing, however often a page asks', async () => {
  const account = await ana.account({ connection_status: 'connecting', qr_code: 'QR', qr_expires_at: utc(-5) });
  const earlier = await stack.checksum();
  for (let i = 0; i < 5; i++) await show(account);
  assert.equal(await stack.checksum(), earlier);
});
