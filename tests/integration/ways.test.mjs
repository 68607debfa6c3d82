// Every row of the routing table, and every combination of what somebody may show: a signature, the Node.js service's
// key, a login, a bearer token, each of them rightly, wrongly or not at all.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { logIn } from './lib/login.mjs';
import { asBefore, rowsOfBefore } from './lib/old-paths.mjs';
import { inParallel } from './lib/parallel.mjs';
import { example, routes } from './lib/routes.mjs';
import { withSettings } from './lib/settings.mjs';
import { startStack } from './lib/stack.mjs';
import { makeTokenTable, newToken } from './lib/tokens.mjs';
import { combinations, headersOf, refusalOf } from './lib/ways.mjs';

/* Nobody's: whoever is let in changes nothing. */
const UNKNOWN = '5f4dcc3b-5aa7-4d61-9a2c-000000000000';
const KEY = '8c1f0b7e54d2a9636e1d8f20b7c4a5e9';

let stack, table, person, token;
before(async () => {
  stack = await startStack({ nginx: false, env: { WHATSAPP_NODE_API_KEY: KEY, WA_NODE_API_KEY_IN: 'on' } });
  await makeTokenTable(stack);
  table = (await routes(stack)).filter(({ ways }) => !ways.includes('local'));
  person = await logIn(stack);
  token = (await newToken(stack, person.user)).text;
});
after(() => stack?.stop());

/* Of a POST without a body nothing can be stored. */
const ask = (who, row, shown, params) => who.fcgi(row.method, example(row, UNKNOWN), { params, headers: {
  Accept: 'application/json', 'Content-Type': 'application/json',
  ...headersOf(shown, { stack, person, token, body: '' }) } });

/** What comes is what the rules say, for each of these rows and each combination. */
async function walk(rows, keyIn, who = stack, params = {}) {
  const all = rows.flatMap((row) => combinations().map((shown) => ({ row, shown })));
  const wrong = [];
  await inParallel(all, async ({ row, shown }) => {
    const expected = refusalOf(row, shown, keyIn);
    const { status, text } = await ask(who, row, shown, params);
    const said = status === 401 ? JSON.parse(text).message : null;
    if (said !== expected || (status !== 401 && ![200, 400, 403, 404, 422].includes(status))) {
      wrong.push(`${row.method} ${row.path} ${JSON.stringify(shown)}: ${status} ${said}, not ${expected}`);
    }
  }, 8);
  assert.deepEqual(wrong.slice(0, 10), [], `${wrong.length} of ${all.length}`);
}

const storesNothing = async (body) => {
  const earlier = await stack.checksum();
  await body();
  assert.equal(await stack.checksum(), earlier);
};

test('the rows say which ways there are', () => {
  const of = (way) => table.filter(({ ways }) => ways.includes(way)).map(({ name }) => name).sort();
  assert.deepEqual(of('api-key'), ['node.active', 'node.mark_disconnected']);
  assert.deepEqual(of('signature'), ['node.active', 'node.broadcast', 'node.mark_disconnected', 'node.status',
    'node.webhook']);
  const nodes = table.filter(({ name }) => name.startsWith('node.'));
  assert.deepEqual(nodes.filter(({ ways }) => ways.includes('login')).map(({ name }) => name), ['node.status']);
  for (const { name, ways } of nodes.filter((row) => ['node.broadcast', 'node.webhook'].includes(row.name))) {
    assert.deepEqual(ways, ['signature'], name);
  }
});

describe('with the key as a way in', () => {
  test('every row lets in whom its ways let in, and nobody else', () => storesNothing(() => walk(table, true)));

  test('so does every row by its old path', () => storesNothing(() => walk(rowsOfBefore(table), true,
    asBefore(stack))));

  test('the old path of the broadcast route too', () => storesNothing(async () => {
    const row = table.find(({ name }) => name === 'node.broadcast');
    await walk([{ ...row, path: '/api/whatsapp/broadcast' }], true);
  }));

  test('and none of them is let in by what is for the operations', () => storesNothing(async () => {
    for (const row of table) {
      const { status } = await ask(stack, row, { signature: 'none', key: 'none', login: 'none', token: 'none' },
        { WA_LOCAL: '1' });
      assert.equal(status, 401, row.path);
    }
  }));
});

test('without it nobody looks at the key', () => withSettings(stack, { WA_NODE_API_KEY_IN: null }, () =>
  storesNothing(() => walk(table.filter(({ name }) => name.startsWith('node.')), false))));
