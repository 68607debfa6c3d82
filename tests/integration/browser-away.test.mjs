// The database does not answer, or somebody else has locked what a change needs: a browser is told to come back
// later, nothing has happened, and when it can be done it is done.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { isOk, isRefused, whyOf } from './lib/browser-expect.mjs';
import { connected, phone } from './lib/fixtures.mjs';
import { PAGE, logIn } from './lib/login.mjs';
import { events } from './lib/observe.mjs';
import { until } from './lib/processes.mjs';
import { example, routes } from './lib/routes.mjs';
import { whileLocked, whileTablesLocked } from './lib/session.mjs';
import { withSettings } from './lib/settings.mjs';
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

/**
 * While `body` runs, the server writes down what it is asked: {again, errors}. A statement that was going on when its
 * connection ended is asked again on a new one, where it is prepared first: `again` counts that for the list, and
 * `errors` are those that the pool has logged.
 */
async function whileLogged(body) {
  await stack.sql("SET GLOBAL log_output = 'TABLE'; TRUNCATE mysql.general_log; SET GLOBAL general_log = ON");
  const from = stack.log().length;
  try {
    await body({
      again: async () => Number(await stack.value(`SELECT COUNT(*) FROM mysql.general_log
        WHERE command_type = 'Prepare' AND argument LIKE 'SELECT%FROM whatsapp_accounts WHERE workspace_id = ?%'`)),
      errors: () => events(stack.log().slice(from), 'db').map((line) => line.what),
    });
  } finally {
    await stack.sql('SET GLOBAL general_log = OFF');
  }
}

/** One worker, and the accounts are locked: `body` asks for the list, and is told 503 for this reason. */
async function isAskedOnce(settings, why, body) {
  await withSettings(stack, { WA_WORKERS: 1, ...settings }, async () => {
    const page = isOk(await ana.call('GET'));
    await whileLogged(async ({ again, errors }) => {
      await whileTablesLocked(stack, 'whatsapp_accounts', async (lock) => {
        const answer = await body(lock);
        isLater(answer);
        assert.equal(await whyOf(stack, answer), why);
        assert.equal(await again(), 0);
        assert.deepEqual(errors(), ['account.list']);
      });
      const { json } = await until('the pool is well', async () => {
        const answer = await ana.call('GET');
        return answer.status === 200 && answer;
      });
      assert.deepEqual(json.accounts, page.accounts);
      assert.equal(await again(), 1, 'one that is asked again is counted');
    });
  });
}

test('the accounts are locked: later, as soon as WA_DB_TIMEOUT has passed, and they are asked for once', () =>
  isAskedOnce({ WA_DB_TIMEOUT: 2 }, 'database_silent', async () => {
    const began = Date.now();
    const answer = await ana.call('GET');
    const took = Date.now() - began;
    /* Without it, the statement would have been ended after 5 s. */
    assert.ok(took > 1500 && took < 4500, `${took} ms`);
    return answer;
  }));

test('the connection is killed while the list waits: later at once, and it is not asked for again in secret', () =>
  isAskedOnce({}, 'database_lost', async ({ waiting }) => {
    const asked = ana.call('GET');
    const [id] = await waiting(1);
    await stack.sql(`KILL ${id}`);
    return asked;
  }));

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
