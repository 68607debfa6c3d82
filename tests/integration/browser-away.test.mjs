// The database does not answer, or somebody else has locked what a change needs: a browser is told to come back
// later, nothing has happened, and when it can be done it is done.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { isOk, isRefused } from './lib/browser-expect.mjs';
import { connected, phone } from './lib/fixtures.mjs';
import { PAGE, logIn } from './lib/login.mjs';
import { until } from './lib/processes.mjs';
import { example, routes } from './lib/routes.mjs';
import { whileLocked } from './lib/session.mjs';
import { startStack } from './lib/stack.mjs';

let stack, ana, account;
before(async () => {
  stack = await startStack({ server: 'own' });
  ana = await logIn(stack);
  account = await ana.account(connected());
});
after(() => stack?.stop());

function isLater(answer) {
  isRefused(answer, 503, 'unavailable', 'Service temporarily unavailable');
  assert.match(answer.headers['retry-after'], /^[1-9]\d*$/);
}

test('an account that somebody else has locked: later, and then it is done', async () => {
  const earlier = await stack.checksum();
  await whileLocked(stack, account, async () => {
    const began = Date.now();
    isLater(await ana.call('POST', `/${account.uuid}/disconnect`));
    assert.ok(Date.now() - began < 12_000);
    isOk(await ana.call('GET'));
  });
  assert.equal(await stack.checksum(), earlier);
  isOk(await ana.call('POST', `/${account.uuid}/disconnect`));
});

test('an account that is locked for a moment only: one waits', async () => {
  await whileLocked(stack, account, async ({ waiting, release }) => {
    const asked = ana.call('POST', `/${account.uuid}/set-primary`);
    await waiting(1);
    await release();
    isOk(await asked);
  });
});

test('no database: later, in every row, and without an account of why', async () => {
  const rows = (await routes(stack)).filter(({ path }) => path.startsWith(PAGE));
  await stack.server.halt();
  for (const row of rows) {
    for (const Accept of ['application/json', 'text/html']) {
      isLater(await ana.call(row.method, example(row, account.uuid).slice(PAGE.length), { headers: { Accept } }));
    }
  }
  const nobody = await stack.call('GET', PAGE, { headers: { Accept: 'application/json' } });
  assert.equal(nobody.status, 401, 'who proves nothing needs no database');
  await stack.server.restart();
  await until('the pool has found it again', async () => (await ana.call('GET')).status === 200);
  isOk(await ana.call('POST', '', { json: { phone_number: phone(), provider_type: 'webjs' } }), 201);
});
