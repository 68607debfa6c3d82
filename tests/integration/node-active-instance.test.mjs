// GET /api/whatsapp/accounts/active with X-Instance-Url: an instance of the Node.js service that names itself is told
// of the accounts whose commands would go to it, and of no others.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { BASE, isError } from './lib/expect.mjs';
import { connected, utc } from './lib/fixtures.mjs';
import { withSettings } from './lib/settings.mjs';
import { startStack } from './lib/stack.mjs';

const ONE = 'http://node-one.test:3001';
const TWO = 'http://node-two.test:3002/api';
const GONE = 'http://node-of-before.test:3001';
const KEY = '3e9b7c05a1d84f62b0c7e915d2a6f483';

let stack;
const accounts = [];   /* by id */
before(async () => {
  stack = await startStack({ env: { WHATSAPP_INSTANCE_COUNT: 2, WHATSAPP_INSTANCE_1: ONE, WHATSAPP_INSTANCE_2: TWO,
    WHATSAPP_NODE_API_KEY: KEY, WA_NODE_API_KEY_IN: 'on' } });
  const workspaces = [await stack.workspace(), await stack.workspace()];
  for (const workspace_id of workspaces) {
    for (const assigned_instance_url of [null, ONE, TWO, GONE, `${ONE}x`, '']) {
      for (const provider_type of ['webjs', 'meta']) {
        accounts.push(await stack.account(connected({ workspace_id, assigned_instance_url, provider_type })));
      }
      await stack.account(connected({ workspace_id, assigned_instance_url, deleted_at: utc(-5) }));
      await stack.account({ workspace_id, assigned_instance_url });
    }
  }
});
after(() => stack?.stop());

async function active(url, query = '') {
  const answer = await stack.signed('GET', `${BASE}/active${query}`, undefined,
    { headers: url === undefined ? {} : { 'X-Instance-Url': url } });
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.json.count, answer.json.accounts.length);
  return answer.json;
}
const ids = (list) => list.map(({ id }) => id);
/** Where the commands of an account go. */
const placeOf = ({ assigned_instance_url: url, workspace_id }) => ([ONE, TWO].includes(url) ? url : [ONE,
  TWO][workspace_id % 2]);
const of = (url) => accounts.filter((account) => placeOf(account) === url);

test('each instance is told of its own, and each account is told to one', async () => {
  const [one, two] = [await active(ONE), await active(TWO)];
  assert.deepEqual(ids(one.accounts), ids(of(ONE)));
  assert.deepEqual(ids(two.accounts), ids(of(TWO)));
  assert.deepEqual([...ids(one.accounts), ...ids(two.accounts)].sort((a, b) => a - b), ids(accounts));
  assert.ok(one.count > 0 && two.count > 0);
});

test('so it is under the old name', async () => {
  for (const url of [ONE, TWO]) {
    const { sessions } = await active(url);
    assert.deepEqual(ids(sessions), ids(of(url).filter(({ provider_type }) => provider_type === 'webjs')));
    assert.ok(sessions.every(({ status }) => status === 'connected'));
  }
});

test('a slash at the end makes no difference', async () => {
  assert.deepEqual(ids((await active(`${ONE}/`)).accounts), ids(of(ONE)));
  assert.deepEqual(ids((await active(`${TWO}/`)).accounts), ids(of(TWO)));
});

test('a slash at the end of the setting makes none either', () => withSettings(stack,
  { WHATSAPP_INSTANCE_1: `${ONE}/` },
  async () => {
    for (const url of [ONE, `${ONE}/`]) assert.deepEqual(ids((await active(url)).accounts), ids(of(ONE)));
  }));

test('who is none of them is told of all', async () => {
  for (const url of [undefined, '', GONE, 'http://node-one.test', 'node-one.test:3001', `${ONE}/x`, `${ONE} ${TWO}`,
    '%',
    'x'.repeat(3000), '\'; DROP TABLE users; --']) {
    assert.deepEqual(ids((await active(url)).accounts), ids(accounts), url);
  }
});

test('the other filters hold beside it', async () => {
  const [{ workspace_id }] = accounts;
  for (const url of [ONE, TWO]) {
    assert.deepEqual(ids((await active(url, `?workspace_id=${workspace_id}`)).accounts),
      ids(of(url).filter((account) => account.workspace_id === workspace_id)));
    assert.deepEqual(ids((await active(url, '?provider_type=meta')).accounts),
      ids(of(url).filter(({ provider_type }) => provider_type === 'meta')));
  }
  assert.equal(isError(await stack.signed('GET', `${BASE}/active?limit=x`, undefined, { headers: {
    'X-Instance-Url': ONE } }), 422).code, 'validation_failed');
});

test('limit, after and next lead through the whole list of one, whatever the page', async () => {
  for (const url of [ONE, TWO]) {
    const mine = ids(of(url));
    for (const limit of [1, 2, 3, mine.length - 1, mine.length, mine.length + 1]) {
      const seen = [];
      let next = 0, pages = 0;
      do {
        const json = await active(url, `?limit=${limit}&after=${next}`);
        assert.ok(json.count <= limit);
        seen.push(...ids(json.accounts));
        next = json.next;
      } while (next !== null && ++pages <= mine.length + 1);
      assert.deepEqual(seen, mine, `${url}, ${limit} at a time`);
    }
  }
});

test('it is no proof, and writes nothing', async () => {
  isError(await stack.call('GET', `${BASE}/active`, { headers: { 'X-Instance-Url': ONE } }), 401);
  const earlier = await stack.checksum();
  await active(ONE);
  await active(GONE);
  assert.equal(await stack.checksum(), earlier);
});

test('so it is for whoever comes with the key', async () => {
  const { json } = await stack.call('GET', `${BASE}/active`, { headers: { 'X-API-Key': KEY, 'X-Instance-Url': TWO } });
  assert.deepEqual(ids(json.accounts), ids(of(TWO)));
});

test('with one instance its own are all', () => withSettings(stack, { WHATSAPP_INSTANCE_COUNT: 1,
  WHATSAPP_INSTANCE_2: null }, async () => {
  assert.deepEqual(ids((await active(ONE)).accounts), ids(accounts));
  assert.deepEqual(ids((await active(TWO)).accounts), ids(accounts), 'one that is not configured any more');
}));

test('a list of many, of which few are its own, is streamed whole', async (t) => {
  const workspace = [1, 2].map((i) => accounts.find(({ workspace_id }) => workspace_id % 2 === i - 1).workspace_id);
  const made = 'Many of one instance';
  t.after(() => stack.sql(`DELETE FROM whatsapp_accounts WHERE account_name = '${made}'`));
  const user = accounts[0].created_by;
  await stack.sql(`INSERT INTO whatsapp_accounts (uuid, workspace_id, account_name, phone_number, provider_type,
      connection_status, is_active, session_id, created_by, created_at, updated_at)
    SELECT UUID(), IF(seq % 1000 = 0, ${workspace[1]}, ${workspace[0]}), '${made}', 6290000000000 + seq, 'webjs',
      'connected', 1, CONCAT('webjs_1_1763000000_', LPAD(seq, 8, '0')), ${user}, UTC_TIMESTAMP(), UTC_TIMESTAMP()
    FROM seq_1_to_12000`);
  const [few, many] = [await active(TWO), await active(ONE)];
  assert.deepEqual([few.count, many.count], [of(TWO).length + 12, of(ONE).length + 11_988]);
  const page = await active(TWO, `?limit=5&after=${few.accounts.at(-13).id}`);
  assert.deepEqual(ids(page.accounts), ids(few.accounts.slice(-12, -7)));
});
