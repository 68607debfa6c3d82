// The metadata of a report, and of the row: several programs write it.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { BASE, isBroadcasted, isInvalid, isStatusEvent } from './lib/expect.mjs';
import { phone } from './lib/fixtures.mjs';
import { startStack } from './lib/stack.mjs';

let stack;
before(async () => (stack = await startStack()));
after(() => stack?.stop());

const send = (body) => stack.signed('POST', `${BASE}/broadcast`, body);
const body = (account, status, metadata) => ({ event: 'account-status-changed',
  data: { account_id: account.uuid, workspace_id: account.workspace_id, status, metadata } });

async function report(account, status, metadata) {
  isBroadcasted(await send(body(account, status, metadata)));
  return stack.state(account.id);
}

const newAccount = async (columns = {}) => stack.account({ workspace_id: await stack.workspace(), ...columns });

test('is merged into the row by top-level key, and told with the event', async () => {
  const account = await newAccount({ metadata: '{"battery":3,"device":{"model":"A","os":"B"},"kept":"yes"}' });
  const brought = { battery: 90, device: { model: 'C' }, added: [1, 'two', null, false], 'ключ': 'значение' };
  const { account: now, metadata, events } = await report(account, 'connecting', brought);
  assert.deepEqual(metadata, { battery: 90, device: { model: 'C' }, kept: 'yes', added: [1, 'two', null, false],
    'ключ': 'значение' });
  isStatusEvent(events[0], now, brought);
});

test('stays in the row when a report brings none, or PHP\'s empty list', async () => {
  for (const metadata of [undefined, {}, []]) {
    const account = await newAccount({ metadata: '{"kept":"yes"}' });
    const { metadata: now, events, account: row } = await report(account, 'connecting', metadata);
    assert.deepEqual(now, { kept: 'yes' });
    isStatusEvent(events[0], row);
  }
});

test('is written where the row had none, PHP\'s empty list, or null', async () => {
  for (const metadata of [null, '[]', '{}', 'null']) {
    const account = await newAccount({ metadata });
    assert.deepEqual((await report(account, 'connecting', { battery: 90 })).metadata, { battery: 90 },
      String(metadata));
  }
});

test('of other keys is kept byte for byte', async () => {
  const pieces = [
    '"price":1.10', '"big":12345678901234567890123456789012345678901234567890', '"exponent":1e2', '"minus":-0',
    '"text":"\\u00e9 \\/ \\" \\\\"', '"list":[ 1,  2 ]', '"deep":{"a" : {"b":[{}]}}', '"emoji":"🎉"', '"empty":""',
  ];
  const account = await newAccount({ metadata: `{${pieces.join(', ')}}` });
  const isKept = ({ account: now }) => {
    for (const piece of pieces) assert.ok(now.metadata.includes(piece), `${piece} in ${now.metadata}`);
  };
  for (const word of ['error', 'connected', 'disconnected']) isKept(await report(account, word, { added: word }));
  const answer = await stack.signed('POST', `${BASE}/${account.uuid}/mark-disconnected`,
    { workspace_id: account.workspace_id });
  assert.equal(answer.status, 200);
  isKept(await stack.state(account.id));
});

test('of a report never overrules our own keys, in the row or in the event', async () => {
  const account = await newAccount({ metadata: '{"recent_failures":2}', phone_number: phone() });
  const brought = { recent_failures: 77, id: -1, uuid: 'x', phone_number: 'y', formatted_phone_number: 'z',
    is_primary: 'no', extra: 1 };
  const failed = await report(account, 'error', brought);
  assert.equal(failed.metadata.recent_failures, 3);
  assert.equal(failed.metadata.extra, 1);
  const { payload } = failed.events[0];
  assert.equal(payload.metadata.id, account.id);
  assert.equal(payload.metadata.uuid, account.uuid);
  assert.equal(payload.metadata.phone_number, account.phone_number);
  assert.equal(payload.metadata.is_primary, false);
  assert.equal(payload.metadata.extra, 1);
  assert.equal((await report(account, 'connected', brought)).metadata.recent_failures, 0);
});

test('of a report may be 8 KiB, and no more', async () => {
  const padded = (bytes) => ({ a: 'x'.repeat(bytes - JSON.stringify({ a: '' }).length) });
  const account = await newAccount();
  assert.equal((await report(account, 'connecting', padded(8192))).metadata.a.length, 8192 - 8);
  const earlier = await stack.checksum();
  isInvalid(await send(body(account, 'error', padded(8193))), 'metadata');
  assert.equal(await stack.checksum(), earlier);
});

test('of another type is refused', async () => {
  const account = await newAccount();
  const earlier = await stack.checksum();
  for (const wrong of ['text', 5, true, ['a'], [[]], [{}]]) {
    isInvalid(await send(body(account, 'error', wrong)), 'metadata');
  }
  assert.equal(await stack.checksum(), earlier);
});

test('with nothing else changed sends no event', async () => {
  const account = await newAccount({ connection_status: 'disconnected' });
  const { account: now, metadata, events } = await report(account, 'disconnected', { battery: 1 });
  assert.equal(metadata.battery, 1);
  assert.equal(now.state_version, 0);
  assert.equal(events.length, 0);
});
