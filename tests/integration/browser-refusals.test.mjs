// Every row of the browser's routing table refuses everybody who may not: nothing is stored, the client learns
// nothing more than that, and the log and a counter say why.

import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { hasHeaders, isForbidden, isUnauthenticated, refusedCounts, whysOf } from './lib/browser-expect.mjs';
import { newKey } from './lib/envelope.mjs';
import { connected, utc } from './lib/fixtures.mjs';
import { COOKIE, PAGE, browser, compose, cookieOf, join, logIn, newSession, newUser, newWorkspace, random40 }
  from './lib/login.mjs';
import { until } from './lib/processes.mjs';
import { example, routes } from './lib/routes.mjs';
import { signedHeaders } from './lib/sign.mjs';
import { startStack } from './lib/stack.mjs';
import { makeTokenTable, newToken } from './lib/tokens.mjs';

let stack, ana, account, rows, earlier, written;
before(async () => {
  stack = await startStack({ pool: false });
  await makeTokenTable(stack);
  await stack.startPool();
  ana = await logIn(stack);
  account = await ana.account(connected({ is_primary: 1 }));
  rows = (await routes(stack)).filter(({ path }) => path.startsWith(PAGE));
});
after(() => stack?.stop());
beforeEach(async () => (earlier = await stack.checksum()));
afterEach(async () => assert.equal(await stack.checksum(), earlier, 'nothing is stored'));

/** The request of each row that would be answered, were it proven by these headers. */
const requests = (headers) => rows.map((row) => [row, compose({ method: row.method,
  headers: { Accept: 'application/json', ...headers },
  ...(row.path === PAGE && row.method === 'POST' ? { json: { phone_number: '628123456789',
    provider_type: 'webjs' } } : {}) })]);

/** Every row refuses these headers with this status, for this reason. */
async function everyRowRefuses(headers, status, why) {
  written = undefined;
  const before = await refusedCounts(stack);
  const answers = [];
  for (const [row, request] of requests(headers)) {
    const answer = await stack.call(row.method, example(row, account.uuid), request);
    assert.equal(answer.status, status, `${row.name}: ${answer.text}`);
    if (status === 401) isUnauthenticated(answer);
    else isForbidden(answer);
    assert.equal(answer.headers['set-cookie'], undefined, row.name);
    answers.push(answer);
  }
  assert.deepEqual(new Set(await whysOf(stack, answers)), new Set([why]));
  assert.equal(new Set(answers.map(({ text }) => text)).size, 1, 'the same words in every row');
  [{ text: written }] = answers;
  const counted = async () => {
    const now = await refusedCounts(stack);
    return Object.fromEntries(Object.keys(now).map((name) => [name, now[name] - (before[name] ?? 0)])
      .filter(([, n]) => n !== 0));
  };
  const expected = { [why]: rows.length };
  await until('it is counted', async () => isDeepStrictEqual(await counted(), expected),
    { tries: 300 }).catch(() => {});
  assert.deepEqual(await counted(), expected);
}

/** The headers of somebody's browser; a token that would do. */
const of = ({ cookie, session }) => ({ ...(cookie ? { Cookie: cookie } : {}), 'X-CSRF-TOKEN': session.token });

/** A test whose fixtures are made before the tables are looked at. */
function refuses(name, status, why, make) {
  test(name, async () => {
    const headers = await make();
    earlier = await stack.checksum();
    await everyRowRefuses(headers, status, why);
    seen[status].add(written);
  });
}
const seen = { 401: new Set(), 403: new Set() };

test('the table has the contract\'s rows, each open to a login or a token, and to nobody else', () => {
  const expected = ['GET', 'POST'].map((method) => `${method} ${PAGE}`)
    .concat(['GET', 'DELETE'].map((method) => `${method} ${PAGE}/:account`))
    .concat(['set-primary', 'disconnect', 'reconnect', 'regenerate-qr'].map((end) => `POST ${PAGE}/:account/${end}`))
    .concat([`GET ${PAGE}/:account/statistics`]);
  assert.deepEqual(rows.map(({ method, path }) => `${method} ${path}`).sort(), expected.sort());
  for (const { ways, name } of rows) {
    assert.deepEqual([...ways].sort(), ['login', 'token']);
    assert.match(name, /^browser\.[a-z_]+$/);
  }
});

describe('who is not logged in', () => {
  const cookie = (value) => ({ Cookie: `${COOKIE}=${value}` });
  const session = (options) => async () => of(await logIn(stack, { workspace: ana.workspace, user: ana.user,
    ...options }));

  refuses('nobody, with nothing', 401, 'no_proof', () => ({}));
  refuses('nobody, with a cookie of another name', 401, 'no_proof', () => ({ Cookie: `theme=dark; ${
    cookieOf(stack, ana.session, { name: 'other_session' })}` }));
  refuses('nobody, with a token for forms alone', 401, 'no_proof', () => ({ 'X-CSRF-TOKEN': ana.session.token }));
  refuses('nobody, with another scheme of Authorization', 401, 'no_proof', () => ({ Authorization: 'Basic YTpi' }));
  refuses('a cookie that is no envelope', 401, 'malformed', () => cookie('eyJ9'));
  refuses('a cookie of another application', 401, 'mac', () => ({ Cookie: cookieOf(stack, ana.session,
    { appKey: newKey() }) }));
  refuses('the cookie XSRF-TOKEN as a session', 401, 'prefix', () => ({ Cookie: cookieOf(stack, ana.session,
    { name: 'XSRF-TOKEN' }).replace('XSRF-TOKEN', COOKIE) }));
  refuses('an id that is none', 401, 'session_id', () => ({ Cookie: cookieOf(stack, { id: '../../etc/passwd' }) }));
  refuses('a session that is not there', 401, 'no_session', () => ({ Cookie: cookieOf(stack, { id: random40() }) }));
  refuses('a session that has ended', 401, 'expired', session({ age: 86400 }));
  refuses('a session that cannot be read', 401, 'payload', session({ text: 'a:1:{' }));
  refuses('a guest', 401, 'guest', async () => of(browser(stack, { session: await newSession(stack, {
    workspace: ana.workspace }) })));
  refuses('an administrator', 401, 'guest', session({ guard: 'admin' }));
  refuses('a user who is not there', 401, 'user_gone', session({ user: 2147483000 }));
  refuses('a user who was deleted', 401, 'user_gone', async () => {
    const user = await newUser(stack, { deleted_at: utc(-5) });
    return of(await logIn(stack, { user }));
  });
});

describe('who may not manage the accounts', () => {
  const member = (columns) => async () => {
    const user = await newUser(stack);
    if (columns) await join(stack, user, ana.workspace, columns);
    return of(await logIn(stack, { user, workspace: ana.workspace }));
  };

  refuses('somebody without a workspace', 403, 'no_workspace', async () => of(await logIn(stack,
    { user: ana.user, data: { current_workspace: undefined } })));
  refuses('somebody whose workspace is not there', 403, 'workspace_gone', async () => of(await logIn(stack,
    { user: ana.user, workspace: 2147483000 })));
  refuses('somebody whose workspace was deleted', 403, 'workspace_gone', async () => {
    const workspace = await newWorkspace(stack, ana.user, { deleted_at: utc(-5) });
    return of(await logIn(stack, { user: ana.user, workspace }));
  });
  refuses('a member of another workspace', 403, 'not_member', async () => {
    const other = await logIn(stack);
    return of(await logIn(stack, { user: other.user, workspace: ana.workspace }));
  });
  refuses('a member of no workspace', 403, 'not_member', member(null));
  for (const role of ['agent', 'manager', 'admin', 'owners', '']) {
    refuses(`a member whose role is "${role}"`, 403, 'role', member({ role }));
  }
  refuses('a member without a role, where the application allows it', 403, 'role', async () => {
    await stack.sql('ALTER TABLE teams MODIFY role varchar(32) NULL');
    return member({ role: null })();
  });
  refuses('an owner who is suspended', 403, 'suspended', member({ status: 'suspended' }));
  refuses('an owner whose membership was deleted', 403, 'not_member', member({ deleted_at: utc(-5) }));
});

describe('who comes another way', () => {
  const bearer = (text) => ({ Authorization: `Bearer ${text}` });
  const token = (columns) => async () => bearer((await newToken(stack, ana.user, columns)).text);

  refuses('a signature, in place of a login', 401, 'wrong_way', () => signedHeaders(stack.secret));
  refuses('a signature beside a login', 401, 'wrong_way', () => ({ ...of(ana), ...signedHeaders(stack.secret) }));
  refuses('a token that is unknown', 401, 'bad_token', () => bearer(`1|${random40()}`));
  refuses('a token of which only the number is right', 401, 'bad_token', async () =>
    bearer(`${(await newToken(stack, ana.user)).id}|${random40()}`));
  refuses('a token of another number', 401, 'bad_token', async () => {
    const { id, secret } = await newToken(stack, ana.user);
    return bearer(`${id + 1}|${secret}`);
  });
  refuses('what is kept of a token, in place of it', 401, 'bad_token', async () => {
    const { id } = await newToken(stack, ana.user);
    return bearer(`${id}|${await stack.value(`SELECT token FROM personal_access_tokens WHERE id = ${id}`)}`);
  });
  refuses('a token that has expired', 401, 'token_expired', token({ expires_at: utc(-5) }));
  refuses('a token of another kind of user', 401, 'bad_token', token({ tokenable_type: 'App\\Models\\Admin' }));
  refuses('a token of a user who is not there', 401, 'user_gone', async () =>
    bearer((await newToken(stack, 2147483000)).text));
  refuses('a token that may do something else', 403, 'ability', token({ abilities: '["contacts"]' }));
  refuses('a token that may do nothing', 403, 'ability', token({ abilities: '[]' }));
  refuses('a token of a user without a workspace', 403, 'no_workspace', async () =>
    bearer((await newToken(stack, await newUser(stack))).text));
  refuses('an unknown token beside a login that is good', 401, 'bad_token', () => ({ ...of(ana),
    ...bearer(`1|${random40()}`) }));
  refuses('an expired token beside a login that is good', 401, 'token_expired', async () => ({ ...of(ana),
    ...await token({ expires_at: utc(-5) })() }));
  refuses('a token for another workspace', 403, 'not_member', async () => {
    const other = await logIn(stack);
    return { ...bearer((await newToken(stack, ana.user)).text), 'X-Workspace-Id': String(other.workspace) };
  });
});

test('whatever the reason, the client reads the same', () => {
  assert.equal(seen[401].size, 1, [...seen[401]].join('\n'));
  assert.equal(seen[403].size, 1, [...seen[403]].join('\n'));
});

describe('a navigation is sent to the login', () => {
  const html = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';
  const isSent = (answer, method) => {
    assert.equal(answer.status, method === 'DELETE' ? 303 : 302, `${method}: ${answer.text}`);
    assert.match(answer.headers.location, /^(https?:\/\/[^/]+)?\/login$/);
    assert.equal(answer.headers['set-cookie'], undefined);
    hasHeaders(answer);
  };

  test('in every row: with nothing, and with a session that is gone, also of a user who is remembered', async () => {
    const gone = cookieOf(stack, { id: random40() });
    for (const cookie of [undefined, gone, `${gone}; remember_web_59ba36addc2b2f9401580f014c7f58ea4e30989d=x`]) {
      for (const [row, { method, headers, body }] of requests(cookie ? { Cookie: cookie } : {})) {
        const url = example(row, account.uuid);
        isSent(await stack.call(method, url, { body, headers: { ...headers, Accept: html } }), method);
        isUnauthenticated(await stack.call(method, url, { body, headers }));
      }
    }
  });

  test('if it names HTML, and not if it takes anything', async () => {
    const ask = (Accept, more) => stack.call('GET', PAGE, { headers: { ...(Accept ? { Accept } : {}), ...more } });
    for (const accept of [html, 'text/html', 'TEXT/HTML', 'application/json, text/html;q=0.5', 'text/html;q=0.9,*/*',
      'image/avif,text/html']) {
      isSent(await ask(accept));
    }
    isSent(await ask('text/html, application/xhtml+xml', { 'X-Inertia': 'true',
      'X-Requested-With': 'XMLHttpRequest' }));
    for (const accept of [undefined, '*/*', 'application/json', 'application/json, text/plain, */*', 'text/*',
      'text/htm', 'application/xhtml+xml']) {
      isUnauthenticated(await ask(accept));
    }
  });
});
