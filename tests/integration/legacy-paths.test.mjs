// The paths of before, /settings/whatsapp-sessions and /api/whatsapp/sessions: answered by today's routes for a
// while, counted by who asks, then gone.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { isForbidden, isMismatch, isMissing, isRefused, isUnauthenticated } from './lib/browser-expect.mjs';
import { BASE, isError } from './lib/expect.mjs';
import { connected, phone } from './lib/fixtures.mjs';
import { asBefore, isDeprecated, isGone, isOfToday, oldPath, rowsOfBefore } from './lib/old-paths.mjs';
import { PAGE, browser, join, logIn, newUser } from './lib/login.mjs';
import { allCounted, events, metrics, total } from './lib/observe.mjs';
import { until } from './lib/processes.mjs';
import { example, routes } from './lib/routes.mjs';
import { startStack } from './lib/stack.mjs';
import { makeKeyTable, makeTokenTable, newToken, newWorkspaceKey, script } from './lib/tokens.mjs';

const UNKNOWN = '5f4dcc3b-5aa7-4d61-9a2c-000000000000';
const SERIES = 'wa_legacy_requests_total';
const SCRIPT = { headers: { Accept: 'application/json' } };

let stack, old, ana, anaBefore, nobodyBefore, agentBefore, account, table;
before(async () => {
  stack = await startStack({ pool: false, env: { WA_WORKSPACE_KEYS: 'on', WA_WORKERS: 2 } });
  await makeTokenTable(stack);
  await makeKeyTable(stack);
  await stack.startPool();
  old = asBefore(stack);
  ana = await logIn(stack);
  anaBefore = browser(old, ana);
  nobodyBefore = browser(old, { ...ana, cookie: null });
  const user = await newUser(stack);
  await join(stack, user, ana.workspace, { role: 'agent' });
  agentBefore = browser(old, await logIn(stack, { user, workspace: ana.workspace }));
  account = await ana.account(connected({ is_primary: 1 }));
  table = rowsOfBefore(await routes(stack));
});
after(() => stack?.stop());

const ofPage = () => table.filter(({ path }) => path.startsWith(PAGE));
const ofNode = () => table.filter(({ path }) => path.startsWith(BASE));
const below = (row, id) => example(row, id).slice(PAGE.length);
const counted = async () => Object.fromEntries(Object.entries(await metrics(stack))
  .filter(([name]) => name.startsWith(SERIES)));

describe('deny by default', () => {
  test('holds for every row by its old path, through nginx and without it', async () => {
    assert.equal(ofPage().length, 9);
    assert.equal(ofNode().length, 4);
    for (const row of ofPage()) {
      for (const straight of [false, true]) {
        const answer = await nobodyBefore.call(row.method, below(row, account.uuid), { straight });
        isUnauthenticated(isDeprecated(answer, example(row, account.uuid)));
      }
    }
    for (const row of ofNode()) {
      const path = example(row, account.uuid);
      const body = row.method === 'GET' ? undefined : '{}';
      for (const answer of [await old.call(row.method, path, { body }), await old.fcgi(row.method, path, { body })]) {
        isError(isDeprecated(answer, path), 401, 'Missing required security headers');
      }
    }
  });

  test('knows no other way in: not a signature, a login or WA_LOCAL of another row', async () => {
    for (const row of ofPage()) {
      isUnauthenticated(await old.fcgiSigned(row.method, example(row, account.uuid), '{}', SCRIPT));
    }
    for (const row of table) {
      const answer = await old.fcgi(row.method, example(row, account.uuid), { params: { WA_LOCAL: '1' },
        headers: { Accept: 'application/json' } });
      assert.equal(answer.status, 401, row.path);
    }
    for (const row of ofNode().filter(({ ways }) => !ways.includes('login'))) {
      isError(await old.fcgi(row.method, example(row, account.uuid), { headers: { Cookie: ana.cookie } }), 401);
    }
  });
});

describe('within the window', () => {
  test('a read by its old path is what it is by today\'s', async () => {
    const same = ({ text }) => text.replace(/"(expires_in_seconds)":\d+/, '');
    for (const row of ofPage().filter(({ method }) => method === 'GET')) {
      const now = await ana.call('GET', below(row, account.uuid));
      const before = await anaBefore.call('GET', below(row, account.uuid));
      assert.equal(now.status, 200, row.path);
      isOfToday(now);
      isDeprecated(before, example(row, account.uuid));
      assert.equal(before.status, 200);
      assert.equal(same(before), same(now));
      assert.equal(before.headers.vary, now.headers.vary);
    }
    for (const path of [`${BASE}/active`, `${BASE}/active?limit=1`,
      `${BASE}/${account.uuid}/status?workspace_id=${account.workspace_id}`]) {
      const [now, before] = [await stack.signed('GET', path), await old.signed('GET', path)];
      isOfToday(now);
      assert.equal(isDeprecated(before, path.split('?')[0]).status, 200, before.text);
      assert.equal(before.text, now.text);
    }
  });

  test('writes are done, and what they make is found by today\'s path', async () => {
    const made = isDeprecated(await anaBefore.call('POST', '', { json: { phone_number: phone(),
      provider_type: 'webjs' } }), PAGE);
    assert.equal(made.status, 201, made.text);
    const { uuid, id } = made.json.data;
    assert.equal(made.headers.location, `${PAGE}/${uuid}`);
    isOfToday(await ana.call('GET', `/${uuid}`));
    const report = { event: 'account-status-changed',
      data: { account_id: id, workspace_id: ana.workspace, status: 'authenticated' } };
    assert.deepEqual(isDeprecated(await old.signed('POST', `${BASE}/broadcast`, report), `${BASE}/broadcast`).json,
      { status: 'broadcasted' });
    for (const [method, end] of [['POST', '/set-primary'], ['POST', '/disconnect'], ['POST', '/reconnect'],
      ['POST', '/regenerate-qr'], ['DELETE', '']]) {
      const answer = await anaBefore.call(method, `/${uuid}${end}`, { csrf: 'xsrf' });
      isDeprecated(answer, `${PAGE}/${uuid}${end}`);
      assert.equal(answer.status, 200, `${end}: ${answer.text}`);
    }
    isMissing(await ana.call('GET', `/${uuid}`));
    const path = `${BASE}/${account.uuid}/mark-disconnected`;
    const marked = await old.signed('POST', path, { workspace_id: ana.workspace });
    assert.equal(isDeprecated(marked, path).status, 200, marked.text);
    assert.equal((await stack.state(account.id)).account.connection_status, 'disconnected');
  });

  test('every refusal says so too', async () => {
    const json = { 'Content-Type': 'application/json' };
    const post = (options, who = anaBefore) => who.call('POST', '', options);
    const page = (answer, end = '') => isDeprecated(answer, `${PAGE}${end}`);
    isRefused(page(await post({ body: '{', headers: json })), 400, 'bad_request');
    isForbidden(page(await post({ json: {} }, agentBefore)));
    isMissing(page(await anaBefore.call('GET', `/${UNKNOWN}`), `/${UNKNOWN}`));
    isRefused(page(await anaBefore.call('GET', '/x/y/z'), '/x/y/z'), 404, 'not_found');
    const wrong = page(await anaBefore.call('PUT', ''));
    isRefused(wrong, 405, 'method_not_allowed');
    assert.deepEqual(wrong.headers.allow.split(/, */).sort(), ['GET', 'HEAD', 'POST']);
    const taken = { phone_number: account.phone_number, provider_type: 'webjs' };
    isRefused(page(await post({ json: taken })), 409, 'phone_taken');
    const large = { body: Buffer.alloc(1024 * 1024 + 1, ' '), headers: json, straight: true };
    isRefused(page(await post(large)), 413, 'payload_too_large');
    const plain = { body: 'x', headers: { 'Content-Type': 'text/plain' } };
    isRefused(page(await post(plain)), 415, 'unsupported_media_type');
    isMismatch(page(await post({ json: {}, csrf: 'none' })));
    isRefused(page(await post({ json: {} })), 422, 'validation_failed');
    const sent = page(await old.call('GET', `${PAGE}/${UNKNOWN}`, { headers: { Accept: 'text/html' } }), `/${UNKNOWN}`);
    assert.equal(sent.status, 302);
    assert.equal(sent.headers.location, '/login');

    const broadcast = (body, options) => old.signed('POST', `${BASE}/broadcast`, body, options);
    const node = (answer, end = '/broadcast') => isDeprecated(answer, `${BASE}${end}`);
    isError(node(await broadcast({ event: 'no-such-event', data: {} })), 400, 'Unknown event');
    isError(node(await broadcast({}, { secret: 'another' })), 401, 'Invalid signature');
    isError(node(await broadcast({ event: 'account-status-changed', data: {} })), 422);
    isError(node(await old.call('DELETE', `${BASE}/broadcast`)), 405);
    isError(node(await old.signed('GET', `${BASE}/${UNKNOWN}/status?workspace_id=1`), `/${UNKNOWN}/status`), 404);
    isError(node(await old.fcgiSigned('POST', `${BASE}/broadcast`, Buffer.alloc(300 * 1024, ' '))), 413);
  });

  test('and so does an answer that is streamed', async () => {
    await stack.sql(`INSERT INTO whatsapp_accounts (uuid, workspace_id, account_name, phone_number, provider_type,
        connection_status, is_active, session_id, created_by, created_at, updated_at)
      SELECT UUID(), ${ana.workspace}, 'Many', 6290000000000 + seq, 'webjs', 'connected', 1,
        CONCAT('webjs_1_1763000000_', LPAD(seq, 8, '0')), ${ana.user}, UTC_TIMESTAMP(), UTC_TIMESTAMP()
      FROM seq_1_to_2000`);
    const answer = isDeprecated(await old.fcgiSigned('GET', `${BASE}/active`), `${BASE}/active`);
    assert.equal(answer.headers['content-length'], undefined, 'it is streamed');
    assert.ok(answer.json.count >= 2000);
    await stack.sql('DELETE FROM whatsapp_accounts WHERE account_name = \'Many\'');
  });

  test('a slash behind it makes no difference, a word behind it is another path', async () => {
    for (const end of ['/', '///']) {
      isDeprecated(await stack.call('GET', `${oldPath(PAGE)}${end}`, SCRIPT), PAGE);
    }
    const path = `/${account.uuid}/statistics`;
    isDeprecated(await stack.call('GET', `${oldPath(PAGE)}${path}/`), `${PAGE}${path}`);
    isDeprecated(await stack.signed('GET', `${oldPath(BASE)}/active/`), `${BASE}/active`);
    for (const other of [`${oldPath(PAGE)}-archive`, `${oldPath(PAGE)}x`, `${oldPath(BASE)}-for-cleanup/active`,
      `${oldPath(BASE)}/by-session/status`, `${oldPath(BASE)}`, '/Settings/whatsapp-sessions']) {
      const answer = await stack.call('GET', other, { headers: { Cookie: ana.cookie } });
      assert.equal(answer.headers['x-handled-by'], 'laravel', other);
      isOfToday(answer);
    }
    for (const other of [`${oldPath(PAGE)}-archive`, `${oldPath(BASE)}-for-cleanup/active`]) {
      const answer = await stack.fcgi('GET', other);
      assert.equal(answer.status, 404);
      isOfToday(answer);
    }
    const patched = await stack.call('PATCH', `${oldPath(BASE)}/17/status`);
    assert.equal(patched.headers['x-handled-by'], 'laravel');
  });

  test('a link is a path, whatever was asked for', async () => {
    const answer = await stack.call('GET', `${oldPath(PAGE)}/%0d%0aX:%20%3cy%3e%22%ff`, SCRIPT);
    isDeprecated(answer, `${PAGE}/%0D%0AX%3A%20%3Cy%3E%22%FF`);
    assert.equal(answer.headers.x, undefined);
    const long = await stack.call('GET', `${oldPath(PAGE)}/${'%ff'.repeat(2000)}`, SCRIPT);
    isUnauthenticated(isDeprecated(long, PAGE));
  });
});

describe('who asks', () => {
  /** What became more, of the series of old paths. */
  async function moreAfter(work, requests) {
    await allCounted(stack);
    const earlier = await counted();
    await work();
    return until('all are counted', async () => {
      const grown = Object.entries(await counted())
        .map(([name, n]) => [name.slice(SERIES.length), n - (earlier[name] ?? 0)]);
      const more = Object.fromEntries(grown.filter(([, n]) => n > 0));
      return Object.values(more).reduce((sum, n) => sum + n, 0) === requests && more;
    });
  }
  const one = (caller, route, n = 1) => ({ [`{caller="${caller}",route="${route}"}`]: n });

  test('is counted as a user, a token or a workspace\'s key, by route', async () => {
    const token = await newToken(stack, ana.user);
    const bare = await newToken(stack, ana.user);
    const key = await newWorkspaceKey(stack, ana.workspace);
    const more = await moreAfter(async () => {
      for (let i = 0; i < 3; i++) await anaBefore.call('GET', `/${account.uuid}`);
      await anaBefore.call('POST', '', { json: {} });
      await script(old, token.text).call('GET');
      await script(old, bare.secret).call('GET');
      await script(old, key).call('GET');
    }, 7);
    assert.deepEqual(more, { ...one(`user:${ana.user}`, 'browser.show', 3), ...one(`user:${ana.user}`, 'browser.store'),
      ...one(`token:${token.id}`, 'browser.index'), ...one(`token:${bare.id}`, 'browser.index'),
      ...one(`workspace:${ana.workspace}`, 'browser.index') });
  });

  test('is an address where nobody was let in, and for the Node service', async () => {
    const more = await moreAfter(async () => {
      await old.signed('GET', `${BASE}/active?limit=1`);
      await nobodyBefore.call('GET');
      await agentBefore.call('GET');
      await anaBefore.call('PUT');
      await anaBefore.call('GET', '/x/y/z');
    }, 5);
    assert.deepEqual(more, { ...one('127.0.0.1', 'node.active'), ...one('127.0.0.1', 'browser.index', 2),
      ...one('127.0.0.1', 'none', 2) });
  });

  test('is nobody by today\'s paths', async () => {
    const more = await moreAfter(async () => {
      await ana.call('GET');
      await stack.signed('GET', `${BASE}/active?limit=1`);
      await anaBefore.call('GET');
    }, 1);
    assert.deepEqual(more, one(`user:${ana.user}`, 'browser.index'));
  });

  test('stands in the request\'s line of the log, with the path that was asked for', async () => {
    const answers = [await anaBefore.call('GET', `/${account.uuid}`),
      await old.signed('GET', `${BASE}/active?limit=1`), await ana.call('GET')];
    const lines = await until('the log has them', () => {
      const all = events(stack.log(), 'request');
      const found = answers.map(({ headers }) => all.find(({ id }) => id === headers['x-request-id']));
      return found.every(Boolean) && found;
    });
    assert.deepEqual(lines.map(({ path, legacy, caller }) => [path, legacy, caller]), [
      [`${oldPath(PAGE)}/${account.uuid}`, '1', `user:${ana.user}`],
      [`${oldPath(BASE)}/active`, '1', '127.0.0.1'],
      [PAGE, undefined, undefined]]);
  });

  test('is one of the others when there are too many, whatever they call themselves', async () => {
    await allCounted(stack);
    const earlier = total(await metrics(stack), SERIES);
    for (let i = 0; i < 150; i++) {
      await old.fcgi('GET', PAGE, { params: { REMOTE_ADDR: `bad "\\ ${i}` } });
    }
    const later = await until('all are counted', async () => {
      const now = await metrics(stack);
      return total(now, SERIES) === earlier + 150 && now;
    });
    assert.ok(later[`${SERIES}{caller="other",route="browser.index"}`] > 0);
    assert.equal(later[`${SERIES}{caller="bad \\"\\\\ 0",route="browser.index"}`], 1);
    // Strangers do not take the place of those who were let in.
    const who = await logIn(stack);
    await browser(old, who).call('GET');
    await until('it is counted by name', async () =>
      (await metrics(stack))[`${SERIES}{caller="user:${who.user}",route="browser.index"}`] === 1);
  });
});

describe('after the window', () => {
  async function restart(changes) {
    await stack.stopPool();
    stack.configure({ WA_LEGACY_ALIASES: null, WA_LEGACY_SUNSET: null, ...changes });
    await stack.startPool();
  }

  for (const [what, changes] of [['since the day of WA_LEGACY_SUNSET', { WA_LEGACY_SUNSET: '2026-01-31' }],
    ['with WA_LEGACY_ALIASES off', { WA_LEGACY_ALIASES: 'off', WA_LEGACY_SUNSET: '2099-12-31' }]]) {
    test(`old paths are gone, for everybody, ${what}`, async () => {
      await restart(changes);
      for (const row of ofPage()) {
        const path = example(row, account.uuid);
        for (const straight of [false, true]) {
          isGone(await nobodyBefore.call(row.method, below(row, account.uuid), { straight }), path);
        }
        isGone(await anaBefore.call(row.method, below(row, account.uuid)), path);
        isGone(await anaBefore.call('BREW', below(row, account.uuid), { straight: true }), path);
      }
      for (const row of ofNode()) {
        const path = example(row, account.uuid);
        isGone(await old.call(row.method, path), path);
        isGone(await old.signed(row.method, path, row.method === 'GET' ? undefined : '{}'), path);
      }
      isRefused(await anaBefore.call('GET', '/x/y/z'), 404, 'not_found');
      for (const answer of [await ana.call('GET'), await stack.signed('GET', `${BASE}/active`)]) {
        assert.equal(answer.status, 200);
        isOfToday(answer);
      }
      const series = await until('they are counted', async () => {
        const now = await counted();
        return now[`${SERIES}{caller="127.0.0.1",route="browser.show"}`] >= 2 && now;
      });
      assert.ok(Object.keys(series).every((name) => !name.includes('user:')), 'nobody logs in to be told');
      await allCounted(stack);
      assert.equal(events(stack.log(), 'request').filter((line) => line.legacy === '1').at(-1).why, 'not_found');
    });
  }

  test('a day that has not come is told as it is set', async () => {
    await restart({ WA_LEGACY_SUNSET: '2099-12-31' });
    isDeprecated(await anaBefore.call('GET'), PAGE, '2099-12-31');
  });

  test('a day that is none is refused at the start', async () => {
    stack.configure({ WA_LEGACY_SUNSET: '2027-02-30' });
    const { code, out } = await stack.ctl('config');
    assert.equal(code, 78);
    assert.match(out, /WA_LEGACY_SUNSET is "2027-02-30"; it must be a day: YYYY-MM-DD/);
  });
});
