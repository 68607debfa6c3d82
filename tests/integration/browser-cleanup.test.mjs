// DELETE /settings/whatsapp-accounts/{uuid} as a page sends it that cleans up behind its dialog: what is worth
// something is kept.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { isDone, isMismatch, isMissing, isRefused, isUnauthenticated, whyOf } from './lib/browser-expect.mjs';
import { BASE, isBroadcasted } from './lib/expect.mjs';
import { connected, phone, utc } from './lib/fixtures.mjs';
import { PAGE, browser, logIn } from './lib/login.mjs';
import { asBefore, isDeprecated } from './lib/old-paths.mjs';
import { metrics } from './lib/observe.mjs';
import { until } from './lib/processes.mjs';
import { whileLocked } from './lib/session.mjs';
import { withSettings } from './lib/settings.mjs';
import { startStack } from './lib/stack.mjs';
import { makeTokenTable, newToken, script } from './lib/tokens.mjs';

const KEPT = 'wa_cleanup_refused_total';
/** What axios accepts where nobody says otherwise. */
const AXIOS = { Accept: 'application/json, text/plain, */*' };
const STATES = ['connecting', 'connected', 'disconnected', 'error'];

let stack, ana;
before(async () => {
  stack = await startStack({ pool: false });
  await makeTokenTable(stack);
  await stack.startPool();
  ana = await logIn(stack);
});
after(() => stack?.stop());

const cleanUp = ({ uuid }, { who = ana, headers = AXIOS, ...options } = {}) =>
  who.call('DELETE', `/${uuid}`, { headers, ...options });
const keptCount = async () => (await metrics(stack))[KEPT];
const pairing = (changes) => ({ connection_status: 'connecting', is_active: 1, ...changes });
const withCode = (seconds, changes) => pairing({ qr_code: '2@code', qr_expires_at: utc(seconds),
  connect_deadline_at: utc(seconds + 60), ...changes });

/** It is refused, in words for a person, and counted; nothing is changed, told or commanded. */
async function isKept(account, options) {
  const [earlier, count] = [await stack.checksum(), await keptCount()];
  const answer = await cleanUp(account, options);
  const { message } = isRefused(answer, 409, 'kept');
  assert.ok(message.length > 20, message);
  assert.equal(await stack.checksum(), earlier);
  await until('it is counted', async () => await keptCount() === count + 1);
  return answer;
}

/** It is deleted as by any DELETE: told of, and its session ended. */
async function isDeleted(account, options) {
  const count = await keptCount();
  isDone(await cleanUp(account, options), 'Account deleted successfully');
  const { account: now, events, commands } = await stack.state(account.id);
  assert.notEqual(now.deleted_at, null);
  assert.equal(events.at(-1).payload.status, 'deleted');
  assert.equal(commands.at(-1)?.name, account.provider_type === 'webjs' ? 'disconnect' : undefined);
  assert.equal(await keptCount(), count);
}

describe('what is kept', () => {
  for (const connection_status of STATES) {
    test(`is an account that was ever connected, and now is ${connection_status}`, async () => {
      await isKept(await ana.account(connected({ connection_status })));
    });
  }

  test('is one that is connected and nobody knows since when', async () => {
    await isKept(await ana.account(connected({ last_connected_at: null })));
  });

  test('is one whose QR code may be scanned still, however short', async () => {
    await isKept(await ana.account(withCode(300)));
    await isKept(await ana.account(withCode(30)));
  });

  test('is one whose QR code has no end', async () => {
    await isKept(await ana.account(pairing({ qr_code: '2@code' })));
  });

  test('is a primary one too, and it stays it', async () => {
    const who = await logIn(stack);
    const account = await who.account(connected({ is_primary: 1, connection_status: 'disconnected' }));
    await isKept(account, { who });
    assert.deepEqual((await stack.state(account.id)).account, account);
  });

  test('is one of meta that was connected', async () => {
    await isKept(await ana.account(connected({ provider_type: 'meta' })));
  });

  test('is told so as often as it is asked', async () => {
    const account = await ana.account(connected());
    for (let i = 0; i < 3; i++) await isKept(account);
  });

  test('is kept by the old path too', async () => {
    const who = browser(asBefore(stack), ana);
    const account = await ana.account(connected());
    isDeprecated(await isKept(account, { who }), `${PAGE}/${account.uuid}`);
  });

  test('is kept by a pool that is asked without nginx', async () => {
    await isKept(await ana.account(connected()), { straight: true });
  });
});

describe('what is deleted', () => {
  for (const connection_status of STATES.filter((state) => state !== 'connected')) {
    test(`is an account that never was connected, is ${connection_status} and has no QR code`, async () => {
      await isDeleted(await ana.account({ connection_status, phone_number: phone() }));
    });
  }

  test('is one whose QR code has expired', async () => {
    await isDeleted(await ana.account(withCode(-1)));
  });

  test('is one that was created a moment ago', async () => {
    const { json } = await ana.call('POST', '', { json: { phone_number: phone(), provider_type: 'webjs' } });
    await isDeleted(json.data);
  });

  test('is one of meta that never was connected', async () => {
    await isDeleted(await ana.account({ provider_type: 'meta' }));
  });

  test('is what the Delete button is for, whatever it was', async () => {
    for (const columns of [...STATES.map((connection_status) => connected({ connection_status })), withCode(300)]) {
      await isDeleted(await ana.account(columns), { headers: { Accept: 'application/json' } });
    }
  });

  test('is deleted by whoever accepts anything else than axios does by itself', async () => {
    for (const Accept of ['*/*', 'application/json,text/plain,*/*', 'application/json, text/plain', 'text/plain',
      'application/json, text/plain, */*;q=0.8', 'application/json, text/plain, */*, text/html',
      'Application/JSON, text/plain, */*']) {
      await isDeleted(await ana.account(connected()), { headers: { Accept } });
    }
    const bare = { ...ana, call: (method, path) => stack.call(method, `${PAGE}${path}`, {
      headers: { Cookie: ana.cookie, 'X-CSRF-TOKEN': ana.session.token } }) };
    await isDeleted(await ana.account(connected()), { who: bare });
  });

  test('is deleted by a script with a token, whatever it accepts', async () => {
    const { text } = await newToken(stack, ana.user);
    for (const columns of [connected(), withCode(300)]) {
      await isDeleted(await ana.account(columns), { who: script(stack, text) });
    }
    /* With a token, the cookie beside it is not looked at. */
    await isDeleted(await ana.account(connected()),
      { who: script(stack, text), headers: { ...AXIOS, Cookie: ana.cookie } });
  });
});

describe('before it is looked at what an account is worth', () => {
  let account;
  before(async () => (account = await ana.account(connected())));
  const staysUncounted = async (body) => {
    const count = await keptCount();
    await body();
    assert.equal(await keptCount(), count);
    assert.deepEqual((await stack.state(account.id)).account, account);
  };

  test('who asks must be logged in', () => staysUncounted(async () => {
    isUnauthenticated(await cleanUp(account, { who: browser(stack, { ...ana, cookie: null }) }));
  }));

  test('the CSRF token must be right', () => staysUncounted(async () => {
    isMismatch(await cleanUp(account, { csrf: 'none' }));
  }));

  test('the account must be one of the workspace, and live', () => staysUncounted(async () => {
    isMissing(await cleanUp(account, { who: await logIn(stack) }));
    isMissing(await cleanUp({ uuid: '5f4dcc3b-5aa7-4d61-9a2c-000000000000' }));
    isMissing(await cleanUp(await ana.account(connected({ deleted_at: utc(-60) }))));
  }));
});

describe('in the same moment', () => {
  const becomes = {
    'is connected': `connection_status = 'connected', is_active = 1, last_connected_at = UTC_TIMESTAMP()`,
    'shows a QR code': `connection_status = 'connecting', qr_code = '2@code', qr_expires_at = '${utc(600)}'`,
  };
  for (const [what, change] of Object.entries(becomes)) {
    test(`as an account ${what}, it is kept: what counts is what it is when it would be deleted`, async () => {
      const account = await ana.account(pairing());
      await whileLocked(stack, account, async ({ ask, waiting }) => {
        const asked = cleanUp(account);
        await waiting(1);
        await ask(`UPDATE whatsapp_accounts SET ${change} WHERE id = ${account.id}; COMMIT`);
        isRefused(await asked, 409, 'kept');
      });
      assert.equal((await stack.state(account.id)).account.deleted_at, null);
    });
  }

  test('as a phone pairs it, it is kept and connected, or deleted and the report finds nothing', async () => {
    for (let i = 0; i < 20; i++) {
      const account = await ana.account(pairing());
      const report = { event: 'account-status-changed', data: { account_id: account.id,
        workspace_id: ana.workspace, status: 'connected', phone_number: phone() } };
      const [cleaned, reported] = await Promise.all([cleanUp(account),
        stack.signed('POST', `${BASE}/broadcast`, report)]);
      const { account: now } = await stack.state(account.id);
      if (cleaned.status === 409) {
        isBroadcasted(reported);
        assert.equal(now.connection_status, 'connected');
        assert.equal(now.deleted_at, null);
      } else {
        assert.equal(cleaned.status, 200, cleaned.text);
        assert.equal(reported.status, 404, reported.text);
        assert.notEqual(now.connection_status, 'connected');
      }
    }
  });
});

test('the log says why', async () => {
  assert.equal(await whyOf(stack, await cleanUp(await ana.account(connected()))), 'kept');
});

test('with WA_GUARD_CLEANUP_DELETE off all is deleted, and nothing counted', () =>
  withSettings(stack, { WA_GUARD_CLEANUP_DELETE: 'off' }, async () => {
    for (const columns of [...STATES.map((connection_status) => connected({ connection_status })), withCode(300)]) {
      await isDeleted(await ana.account(columns));
    }
    assert.equal(await keptCount(), 0);
  }));
