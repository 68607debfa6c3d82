// Two pairings of one number at the same moment, and reports that arrive twice: one account has the number afterwards,
// and each session is one account's.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { phone, utc } from './lib/fixtures.mjs';
import { WEBHOOK } from './lib/node-request.mjs';
import { startStack } from './lib/stack.mjs';

const ROUNDS = 12;

let stack;
before(async () => (stack = await startStack({ env: { WA_WORKERS: 6 } })));
after(() => stack?.stop());

const ready = (account, phone_number) => stack.signed('POST', WEBHOOK, { event: 'session_ready', data: {
  workspace_id: account.workspace_id, session_id: account.session_id, phone_number } });
const authenticated = (account) => stack.signed('POST', WEBHOOK, { event: 'session_authenticated', data: {
  workspace_id: account.workspace_id, session_id: account.session_id } });
const someone = (workspace_id) => stack.account({ workspace_id, connection_status: 'connecting', is_active: 1 });
const known = (workspace_id, more) => stack.account({ workspace_id, phone_number: phone(),
  last_connected_at: utc(-7200), connection_status: 'disconnected', ...more });

/** Whatever has happened: one live account with this number, one live primary, and no session twice. */
async function isSound(workspace_id, number) {
  const rows = await stack.sql(`SELECT id, phone_number, is_primary, session_id, deleted_at FROM whatsapp_accounts
    WHERE workspace_id = ${workspace_id}`);
  const live = rows.filter(({ deleted_at }) => deleted_at === null);
  assert.equal(live.filter(({ phone_number }) => phone_number === number).length, 1);
  assert.equal(live.filter(({ is_primary }) => is_primary === '1').length, 1);
  const sessions = rows.map(({ session_id }) => session_id).filter(Boolean);
  assert.equal(new Set(sessions).size, sessions.length);
}

async function rounds(work) {
  for (let round = 0; round < ROUNDS; round++) await work(await stack.workspace(), round);
}

test('of two new accounts with the number of an older one, one becomes that, and the other is refused', async () => {
  await rounds(async (workspace_id) => {
    const holder = await known(workspace_id);
    const pendings = [await someone(workspace_id), await someone(workspace_id)];
    const answers = await Promise.all(pendings.map((pending) => ready(pending, holder.phone_number)));
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 409], answers.map(({ text }) => text).join());
    const [winner, loser] = answers[0].status === 200 ? pendings : [...pendings].reverse();
    const { account, events } = await stack.state(holder.id);
    assert.deepEqual([account.connection_status, account.session_id, events.length], ['connected', winner.session_id,
      1]);
    const gone = await stack.state(winner.id);
    assert.deepEqual([gone.metadata.superseded_by, gone.account.session_id], [holder.uuid, holder.session_id]);
    const refused = await stack.state(loser.id);
    assert.deepEqual([refused.account.connection_status, refused.account.deleted_at,
      refused.commands.map(({ name }) => name)], ['error', null, ['disconnect']]);
    await isSound(workspace_id, holder.phone_number);
  });
});

test('of two new accounts with a number that nobody has, one gets it, and the other is refused', async () => {
  await rounds(async (workspace_id) => {
    const number = phone();
    const pendings = [await someone(workspace_id), await someone(workspace_id)];
    const answers = await Promise.all(pendings.map((pending) => ready(pending, number)));
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 409]);
    await isSound(workspace_id, number);
  });
});

test('one report that arrives several times at once is answered alike, and told once', async () => {
  await rounds(async (workspace_id) => {
    const holder = await known(workspace_id);
    const pending = await someone(workspace_id);
    const answers = await Promise.all(Array.from({ length: 4 }, () => ready(pending, holder.phone_number)));
    assert.deepEqual(answers.map(({ status }) => status), [200, 200, 200, 200]);
    assert.equal((await stack.state(holder.id)).events.length, 1);
    await isSound(workspace_id, holder.phone_number);
  });
});

test('what the service tells of one pairing may overtake itself', async () => {
  await rounds(async (workspace_id) => {
    const holder = await known(workspace_id, { is_primary: 1 });
    const pending = await someone(workspace_id);
    const answers = await Promise.all([authenticated(pending), ready(pending, holder.phone_number)]);
    assert.deepEqual(answers.map(({ status }) => status), [200, 200], answers.map(({ text }) => text).join());
    const { account } = await stack.state(holder.id);
    assert.deepEqual([account.connection_status, account.session_id], ['connected', pending.session_id]);
    await isSound(workspace_id, holder.phone_number);
  });
});

test('the older account may come back by its own session at the same moment', async () => {
  await rounds(async (workspace_id) => {
    const holder = await known(workspace_id);
    const pending = await someone(workspace_id);
    const [own, other] = await Promise.all([ready(holder, holder.phone_number), ready(pending, holder.phone_number)]);
    /* Either it was back first, or its session was not its own any more. */
    assert.ok([[200, 409], [404, 200]].some(([a, b]) => own.status === a && other.status === b),
      `${own.status} ${other.status}`);
    const { account } = await stack.state(holder.id);
    assert.equal(account.session_id, own.status === 200 ? holder.session_id : pending.session_id);
    assert.equal(account.connection_status, 'connected');
    await isSound(workspace_id, holder.phone_number);
  });
});
