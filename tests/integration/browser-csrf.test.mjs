// A write with a cookie needs the session's token: in the body, in X-CSRF-TOKEN, or encrypted in X-XSRF-TOKEN.

import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { isMismatch, isOk, refusedCounts, whysOf } from './lib/browser-expect.mjs';
import { encrypt, newKey, prefix } from './lib/envelope.mjs';
import { connected } from './lib/fixtures.mjs';
import { PAGE, logIn, random40, xsrf } from './lib/login.mjs';
import { example, routes } from './lib/routes.mjs';
import { startStack } from './lib/stack.mjs';
import { makeTokenTable, newToken, script } from './lib/tokens.mjs';

const retired = newKey();
let stack, ana, account, writes, earlier;
before(async () => {
  stack = await startStack({ env: { APP_PREVIOUS_KEYS: retired }, pool: false });
  await makeTokenTable(stack);
  await stack.startPool();
  ana = await logIn(stack);
  account = await ana.account(connected({ is_primary: 1 }));
  writes = (await routes(stack)).filter(({ method, path }) => method !== 'GET' && path.startsWith(PAGE));
});
after(() => stack?.stop());
beforeEach(async () => (earlier = await stack.checksum()));

const good = () => ana.session.token;
const below = (row) => example(row, account.uuid).slice(PAGE.length);
/** What POST / would take, beside the token. */
const fields = { phone_number: '6281100009999', provider_type: 'webjs' };

/** Each write is refused with this request, and nothing comes of it. */
async function everyWriteRefuses(request, who = ana) {
  const before = (await refusedCounts(stack)).csrf_mismatch ?? 0;
  const answers = [];
  for (const row of writes) answers.push(await who.call(row.method, below(row), { csrf: 'none', ...request() }));
  for (const answer of answers) {
    isMismatch(answer);
    assert.equal(answer.headers['set-cookie'], undefined);
  }
  assert.equal(new Set(answers.map(({ text }) => text)).size, 1);
  assert.deepEqual(new Set(await whysOf(stack, answers)), new Set(['csrf_mismatch']));
  assert.equal(await stack.checksum(), earlier, 'nothing is stored');
  assert.equal((await refusedCounts(stack)).csrf_mismatch - before, writes.length);
}

/** A token, sent each of the ways in which there is only one. */
const ways = {
  'X-CSRF-TOKEN': (token) => ({ headers: { 'X-CSRF-TOKEN': token } }),
  'X-XSRF-TOKEN': (token) => ({ headers: { 'X-XSRF-TOKEN': xsrf(stack, token) } }),
  'a JSON body': (token) => ({ json: { ...fields, _token: token } }),
  'a form': (token) => ({ form: { ...fields, _token: token } }),
};

describe('refused, in every write', () => {
  test('no token at all', async () => {
    await everyWriteRefuses(() => ({}));
    await everyWriteRefuses(() => ({ json: fields }));
    await everyWriteRefuses(() => ({ form: fields }));
  });

  for (const [name, send] of Object.entries(ways)) {
    test(`another token in ${name}`, () => everyWriteRefuses(() => send(random40())));
    test(`a part of the token, or more than it, in ${name}`, async () => {
      for (const token of [good().slice(0, 39), good().slice(1), `${good()}x`, ` ${good().slice(1)}`,
        good().slice(0, 1), good().replace(/[a-z]/gi, (c) => (c < 'a' ? c.toLowerCase() : c.toUpperCase()))]) {
        await everyWriteRefuses(() => send(token));
      }
    });
  }

  test('X-XSRF-TOKEN that is no cookie of that name', async () => {
    const { APP_KEY } = stack.settings;
    const session = decodeURIComponent(ana.cookie.slice(ana.cookie.indexOf('=') + 1));
    const [own, others] = ['XSRF-TOKEN', 'laravel_session'].map((name) => prefix(APP_KEY, name));
    const texts = [good(), others + good(), `s:40:"${good()}";`, `${own}s:40:"${good()}";`];
    const values = [good(), 'x', 'eyJ9', session, xsrf(stack, good(), { appKey: newKey() }),
      ...texts.map((text) => encrypt(APP_KEY, text))];
    for (const value of values) await everyWriteRefuses(() => ({ headers: { 'X-XSRF-TOKEN': value } }));
  });

  test('the cookie XSRF-TOKEN alone: a foreign page makes the browser send it too', async () => {
    const Cookie = `${ana.cookie}; XSRF-TOKEN=${encodeURIComponent(xsrf(stack, good()))}`;
    await everyWriteRefuses(() => ({ headers: { Cookie } }));
  });

  test('a token that is no text', async () => {
    for (const token of [[good()], { 0: good() }, true, 1, [], {}]) {
      await everyWriteRefuses(() => ({ json: { ...fields, _token: token } }));
    }
    await everyWriteRefuses(() => ({ form: `_token[]=${good()}` }));
    await everyWriteRefuses(() => ({ form: `_token[0]=${good()}` }));
  });

  test('a token in a body that cannot be read, or of another type', async () => {
    const type = (value) => ({ 'Content-Type': value });
    await everyWriteRefuses(() => ({ body: `{"_token":"${good()}"`, headers: type('application/json') }));
    await everyWriteRefuses(() => ({ body: `_token=${good()}`, headers: type('text/plain') }));
    await everyWriteRefuses(() => ({ body: `{"_token":"${good()}"}`, headers: type('text/plain') }));
    await everyWriteRefuses(() => ({ body: `{"_token":"${good()}"}` }));
  });

  test('the token of somebody else\'s session', async () => {
    const budi = await logIn(stack);
    earlier = await stack.checksum();
    for (const send of Object.values(ways)) await everyWriteRefuses(() => send(budi.session.token));
  });

  test('the wrong one first, and the right one behind it', async () => {
    const wrong = random40();
    await everyWriteRefuses(() => ({ json: { ...fields, _token: wrong }, headers: { 'X-CSRF-TOKEN': good() } }));
    await everyWriteRefuses(() => ({ form: { ...fields, _token: wrong }, headers: { 'X-CSRF-TOKEN': good(),
      'X-XSRF-TOKEN': xsrf(stack, good()) } }));
    await everyWriteRefuses(() => ({ headers: { 'X-CSRF-TOKEN': wrong, 'X-XSRF-TOKEN': xsrf(stack, good()) } }));
  });

  test('anything, in a session without a token, or with one that is none', async () => {
    for (const token of [undefined, '', null, 0, [], true]) {
      const who = await logIn(stack, { user: ana.user, workspace: ana.workspace, data: { _token: token } });
      earlier = await stack.checksum();
      for (const sent of ['', '0', 'null', '1', 'true', random40()]) {
        await everyWriteRefuses(() => ({ headers: { 'X-CSRF-TOKEN': sent } }), who);
      }
      await everyWriteRefuses(() => ({ headers: { 'X-XSRF-TOKEN': xsrf(stack, '') } }), who);
      await everyWriteRefuses(() => ({ json: { ...fields, _token: token === undefined ? '' : token } }), who);
    }
  });
});

describe('let in', () => {
  const path = '/00000000-0000-4000-8000-000000000000/set-primary';
  async function isLetIn(request, who = ana) {
    const empty = await who.call('POST', '', { csrf: 'none', ...request });
    assert.equal(empty.status, 422, empty.text);
    const { json, form, ...rest } = request;
    const token = json?._token ?? form?._token;
    const unknown = await who.call('POST', path, { csrf: 'none', ...rest,
      ...(token ? { form: { _token: token } } : {}) });
    assert.equal(unknown.status, 404, unknown.text);
  }

  for (const name of Object.keys(ways)) {
    test(`the token in ${name}`, async () => {
      const { headers, json, form } = ways[name](good());
      await isLetIn({ headers, ...(json ? { json: { _token: good() } } : {}), ...(form ? { form: { _token: good() } }
        : {}) });
    });
  }

  test('the right one first, and others behind it', async () => {
    const wrong = random40();
    await isLetIn({ json: { _token: good() }, headers: { 'X-CSRF-TOKEN': wrong, 'X-XSRF-TOKEN': 'x' } });
    await isLetIn({ headers: { 'X-CSRF-TOKEN': good(), 'X-XSRF-TOKEN': xsrf(stack, wrong) } });
  });

  test('an empty one first, as Laravel has it: that is none', async () => {
    await isLetIn({ json: { _token: '' }, headers: { 'X-CSRF-TOKEN': good() } });
    await isLetIn({ json: { _token: null }, headers: { 'X-CSRF-TOKEN': good() } });
    await isLetIn({ form: { _token: '' }, headers: { 'X-CSRF-TOKEN': '', 'X-XSRF-TOKEN': xsrf(stack, good()) } });
  });

  test('X-XSRF-TOKEN of a retired key, and in GCM', async () => {
    for (const options of [{ appKey: retired }, { cipher: 'gcm' }, { appKey: retired, cipher: 'gcm' }]) {
      await isLetIn({ headers: { 'X-XSRF-TOKEN': xsrf(stack, good(), options) } });
    }
  });

  test('any method that only reads, with a wrong token and without one', async () => {
    for (const method of ['GET', 'HEAD']) {
      for (const headers of [{}, { 'X-CSRF-TOKEN': 'x', 'X-XSRF-TOKEN': 'y' }]) {
        for (const below of ['', `/${account.uuid}`, `/${account.uuid}/statistics`]) {
          const answer = await ana.call(method, below, { headers });
          assert.equal(answer.status, 200, below);
          if (method === 'GET') isOk(answer);
        }
      }
    }
  });

  test('a script with a bearer token needs none, whatever it sends', async () => {
    const { text } = await newToken(stack, ana.user);
    for (const headers of [{}, { 'X-CSRF-TOKEN': 'x' }, { Cookie: ana.cookie, 'X-XSRF-TOKEN': 'y' }]) {
      assert.equal((await script(stack, text).call('POST', '', { json: { _token: 'z' }, headers })).status, 422);
      assert.equal((await script(stack, text).call('POST', path, { headers })).status, 404);
    }
  });
});
