// Times are UTC wall clock, whatever time zone the database server lives in.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { isOk } from './lib/browser-expect.mjs';
import { BASE, isAboutNow, isBroadcasted, isError, isStatusEvent, secondsBetween } from './lib/expect.mjs';
import { connected, phone, utc } from './lib/fixtures.mjs';
import { logIn } from './lib/login.mjs';
import { startStack } from './lib/stack.mjs';
import { makeTokenTable, newToken, script } from './lib/tokens.mjs';

let stack, workspace_id;
before(async () => {
  stack = await startStack({ serverArgs: ['--default-time-zone=+07:00'], pool: false });
  await makeTokenTable(stack);
  await stack.startPool();
  workspace_id = await stack.workspace();
});
after(() => stack?.stop());

const broadcast = (event, data) => stack.signed('POST', `${BASE}/broadcast`, { event, data: { workspace_id,
  ...data } });

test('the server really lives elsewhere', async () => {
  assert.equal(await stack.value('SELECT TIMESTAMPDIFF(HOUR, UTC_TIMESTAMP(), NOW())'), '7');
});

test('what is stored reads as UTC in the server\'s own time zone', async () => {
  const account = await stack.account({ workspace_id });
  isBroadcasted(await broadcast('qr-code-generated', { account_id: account.uuid, qr_code: 'QR' }));
  const paired = (await stack.state(account.id)).account;
  assert.ok(Math.abs(secondsBetween(utc(300), paired.qr_expires_at)) < 600, paired.qr_expires_at);
  assert.ok(Math.abs(secondsBetween(utc(360), paired.connect_deadline_at)) < 600, paired.connect_deadline_at);

  isBroadcasted(await broadcast('account-status-changed', { account_id: account.uuid, status: 'connected',
    phone_number: phone() }));
  const { account: now, events } = await stack.state(account.id);
  isAboutNow(now.last_connected_at);
  isAboutNow(now.last_activity_at);
  isAboutNow(now.updated_at);
  isStatusEvent(events[1], now);
});

test('what Laravel has written is read as UTC', async () => {
  const recent = await stack.account(connected({ workspace_id, last_activity_at: utc(-1800) }));
  const idle = await stack.account(connected({ workspace_id, last_activity_at: utc(-7200) }));
  const score = async (account) => (await stack.signed('GET', `${BASE}/${account.uuid}/status`)).json.health_score;
  assert.equal(await score(recent), 100);
  assert.equal(await score(idle), 80);
  const { json } = await stack.signed('GET', `${BASE}/${recent.uuid}/status`);
  assert.equal(json.last_activity_at, `${recent.last_activity_at.replace(' ', 'T')}.000000Z`);
});

test('a late QR code is known by UTC', async () => {
  const justNow = await stack.account(connected({ workspace_id, last_connected_at: utc(-5) }));
  isError(await broadcast('qr-code-generated', { account_id: justNow.uuid, qr_code: 'QR' }), 409);
  const longAgo = await stack.account(connected({ workspace_id, last_connected_at: utc(-90) }));
  isBroadcasted(await broadcast('qr-code-generated', { account_id: longAgo.uuid, qr_code: 'QR' }));
});

test('what a person does is stored as UTC, and shown so', async () => {
  const ana = await logIn(stack);
  const { data } = isOk(await ana.call('POST', '', { json: { phone_number: phone(), provider_type: 'webjs' } }), 201);
  isAboutNow(data.created_at);
  isOk(await ana.call('POST', `/${data.uuid}/reconnect`));
  let { account } = await stack.state(data.id);
  isAboutNow(account.created_at);
  isAboutNow(account.updated_at);
  assert.ok(Math.abs(secondsBetween(utc(180), account.connect_deadline_at)) < 600, account.connect_deadline_at);
  isOk(await ana.call('DELETE', `/${data.uuid}`));
  ({ account } = await stack.state(data.id));
  isAboutNow(account.deleted_at);

  const pairing = await ana.account({ connection_status: 'connecting', qr_code: 'QR', qr_expires_at: utc(300) });
  const shown = isOk(await ana.call('GET', `/${pairing.uuid}`)).data;
  assert.equal(shown.qr_code, 'QR');
  assert.ok(shown.expires_in_seconds > 200 && shown.expires_in_seconds <= 300);
});

test('a token lasts until its time in UTC', async () => {
  const ana = await logIn(stack);
  const ask = async (seconds) => script(stack, (await newToken(stack, ana.user, { expires_at: utc(seconds) })).text)
    .call('GET');
  isOk(await ask(60));
  assert.equal((await ask(-60)).status, 401);
});
