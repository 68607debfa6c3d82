// The old word for an account's state, `status`, as pages read it: they list what is connected or disconnected, so that
// an account that was ever connected is never anything else to them.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { isOk } from './lib/browser-expect.mjs';
import { BASE, legacyWord } from './lib/expect.mjs';
import { connected, phone, utc } from './lib/fixtures.mjs';
import { PAGE, logIn } from './lib/login.mjs';
import { oldPath } from './lib/old-paths.mjs';
import { NAVIGATES, makePage, shellOf, visits } from './lib/page.mjs';
import { removeDirectory } from './lib/processes.mjs';
import { withSettings } from './lib/settings.mjs';
import { startStack } from './lib/stack.mjs';
import { makeTokenTable, newToken, script } from './lib/tokens.mjs';

const STATES = ['connecting', 'connected', 'disconnected', 'error'];
/* What stands in each row's history, and what a page is told in each state. */
const NEVER = { last_connected_at: null };
const EVER = { last_connected_at: utc(-9000) };
const CASES = STATES.flatMap((connection_status) => [
  { connection_status, history: NEVER, word: legacyWord[connection_status] },
  { connection_status, history: EVER, word: connection_status === 'connected' ? 'connected' : 'disconnected' },
]);
const named = ({ connection_status, history }) =>
  `${connection_status}, ${history === EVER ? 'ever' : 'never'} connected`;

let page, stack, ana, accounts, token;
before(async () => {
  page = makePage();
  stack = await startStack({ pool: false, env: { ...page.env, WA_MAX_ACCOUNTS: 1000 } });
  await makeTokenTable(stack);
  await stack.startPool();
  ana = await logIn(stack);
  token = script(stack, (await newToken(stack, ana.user)).text);
  accounts = [];
  for (const { connection_status, history } of CASES) {
    accounts.push(await ana.account(connected({ connection_status, ...history })));
  }
});
after(async () => {
  await stack?.stop();
  if (page) removeDirectory(page.dir);
});

/** `list` has all accounts, each with its word, and with the name that its state has today. */
function hasWords(list) {
  const shown = new Map(list.map((account) => [account.id, account]));
  for (const [i, one] of CASES.entries()) {
    const { status, connection_status } = shown.get(accounts[i].id);
    assert.equal(status, one.word, named(one));
    assert.equal(connection_status, one.connection_status, named(one));
  }
}

const polled = (id, { who = ana, query = '', base = BASE } = {}) =>
  stack.call('GET', `${base}/${id}/status${query}`, { headers: { Cookie: who.cookie, Accept: 'application/json' } });

describe('a page is told', () => {
  test('in the list', async () => {
    hasWords(isOk(await ana.call('GET')).accounts);
  });

  test('in the page object of Inertia, whole and in part', async () => {
    const headers = visits(undefined, { 'X-Inertia-Version': shellOf(await ana.call('GET', '',
      { headers: NAVIGATES })).object.version });
    hasWords((await ana.call('GET', '', { headers })).json.props.accounts);
    hasWords((await ana.call('GET', '', { headers: { ...headers, 'X-Inertia-Partial-Data': 'accounts',
      'X-Inertia-Partial-Component': 'User/Settings/WhatsAppAccounts' } })).json.props.accounts);
  });

  test('in the page itself', async () => {
    hasWords(shellOf(await ana.call('GET', '', { headers: NAVIGATES })).object.props.accounts);
  });

  test('of one account', async () => {
    const shown = [];
    for (const { uuid } of accounts) shown.push(isOk(await ana.call('GET', `/${uuid}`)).data);
    hasWords(shown);
  });

  test('by the status route, asked with its cookie, by both paths', async () => {
    for (const base of [BASE, oldPath(BASE)]) {
      const shown = [];
      for (const { session_id } of accounts) {
        const answer = await polled(session_id, { base });
        assert.equal(answer.status, 200, answer.text);
        shown.push(answer.json);
      }
      hasWords(shown);
    }
  });

  test('by the old paths', async () => {
    const answer = await stack.call('GET', oldPath(PAGE),
      { headers: { Cookie: ana.cookie, Accept: 'application/json' } });
    hasWords(isOk(answer).accounts);
  });

  test('and so is a script with a token', async () => {
    hasWords(isOk(await token.call('GET')).accounts);
    const shown = [];
    for (const { uuid } of accounts) shown.push(isOk(await token.call('GET', `/${uuid}`)).data);
    hasWords(shown);
  });
});

describe('in the answer to a write', () => {
  const act = async (account, what) => isOk(await ana.call('POST', `/${account.uuid}/${what}`)).data;
  const words = ({ status, connection_status }) => [status, connection_status];

  test('a new account is disconnected', async () => {
    const { data, account } = isOk(await ana.call('POST', '',
      { json: { phone_number: phone(), provider_type: 'webjs' } }), 201);
    assert.deepEqual(words(data), ['disconnected', 'disconnected']);
    assert.deepEqual(account, data);
  });

  for (const what of ['reconnect', 'regenerate-qr']) {
    test(`to ${what} an account is qr_scanning if it never was connected, else disconnected`, async () => {
      for (const [history, word] of [[NEVER, 'qr_scanning'], [EVER, 'disconnected']]) {
        const account = await ana.account({ phone_number: phone(), ...history });
        assert.deepEqual(words(await act(account, what)), [word, 'connecting']);
      }
    });
  }

  test('to set-primary it is as in the list', async () => {
    for (const { connection_status, history, word } of CASES) {
      const account = await ana.account(connected({ connection_status, ...history }));
      assert.deepEqual(words(await act(account, 'set-primary')), [word, connection_status]);
    }
  });

  test('to disconnect it is disconnected', async () => {
    for (const { connection_status, history } of CASES) {
      const account = await ana.account(connected({ connection_status, ...history }));
      assert.deepEqual(words(await act(account, 'disconnect')), ['disconnected', 'disconnected']);
    }
  });
});

describe('what others read', () => {
  const status = async ({ uuid }) => (await stack.signed('GET', `${BASE}/${uuid}/status`)).json;

  test('has the state\'s own old word for the Node service, whatever was before', async () => {
    for (const [i, { connection_status }] of CASES.entries()) {
      const found = await status(accounts[i]);
      assert.equal(found.status, legacyWord[connection_status]);
      assert.equal(found.connection_status, connection_status);
    }
  });

  test('has it in events too', async () => {
    const account = await ana.account({ phone_number: phone(), ...EVER });
    isOk(await ana.call('POST', `/${account.uuid}/reconnect`));
    const { payload } = (await stack.state(account.id)).events.at(-1);
    assert.deepEqual([payload.status, payload.connection_status], ['qr_scanning', 'connecting']);
  });
});

test('with WA_LEGACY_ALIASES off there is no old word at all', () =>
  withSettings(stack, { WA_LEGACY_ALIASES: 'off' }, async () => {
    const shown = [...isOk(await ana.call('GET')).accounts, isOk(await ana.call('GET', `/${accounts[0].uuid}`)).data,
      (await polled(accounts[0].uuid)).json];
    for (const account of shown) {
      assert.ok(!('status' in account));
      assert.ok(STATES.includes(account.connection_status));
    }
  }));
