// GET /settings/whatsapp-accounts as the page itself: HTML around the page object, where no Laravel shows it.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { hasHeaders, isAccount, isRefused, whyOf } from './lib/browser-expect.mjs';
import { cookiesOf } from './lib/browser.mjs';
import { connected, phone, utc } from './lib/fixtures.mjs';
import { PAGE, logIn, newUser, newWorkspace } from './lib/login.mjs';
import { events } from './lib/observe.mjs';
import { NAVIGATES, MANIFEST, TEMPLATE, isRefusedInHtml, makePage, shellOf, visits } from './lib/page.mjs';
import { until } from './lib/processes.mjs';
import { withSettings } from './lib/settings.mjs';
import { startStack } from './lib/stack.mjs';
import { makeTokenTable, newToken, script } from './lib/tokens.mjs';

const COMPONENT = 'User/Settings/WhatsAppAccounts';
const NAMES = ['<script>alert(1)</script>', '</div>', '"><img src=x onerror=alert(1)>', 'Toko \'é\' "A"', '&quot; &amp;lt;',
  '\u202eevil', '🎉 \u2028', '{{ csrf_token }} {{ inertia }}', '\\u003c \\', '<!--'];

const page = makePage();
const SETTINGS = { ...page.env, APP_NAME: 'Demo & "Co"', SESSION_COOKIE: 'demo_session' };
const versionOf = (file) => createHash('sha256').update(readFileSync(file)).digest('hex');

let stack, ana;
before(async () => {
  stack = await startStack({ env: SETTINGS });
  ana = await logIn(stack);
});
after(() => stack?.stop());

const navigate = (who = ana, path = '', headers = {}) => who.call('GET', path, { headers: { ...NAVIGATES, ...headers } });
const visit = (version, headers, path = '') => ana.call('GET', path, { headers: visits(version, headers) });

/** 409: Inertia's client loads this address anew. */
function isSentTo(answer, url) {
  assert.equal(answer.status, 409, answer.text);
  assert.equal(answer.text, '');
  assert.equal(answer.headers['x-inertia-location'], url);
  assert.equal(answer.headers['x-inertia'], undefined);
  hasHeaders(answer);
}

describe('a navigation', () => {
  test('gets the page, with its data as Inertia has it', async () => {
    const account = await ana.account(connected());
    const answer = await navigate();
    const { object, title, token } = shellOf(answer);
    assert.deepEqual(Object.keys(object), ['component', 'props', 'url', 'version']);
    assert.deepEqual({ ...object, props: null },
      { component: COMPONENT, props: null, url: PAGE, version: versionOf(page.manifest) });
    assert.deepEqual(Object.keys(object.props), ['accounts', 'canAddAccount', 'modules', 'workspaceId', 'errors']);
    assert.equal(object.props.workspaceId, ana.workspace);
    assert.equal(object.props.accounts.length, 1);
    isAccount(object.props.accounts[0], account);
    assert.equal(title, SETTINGS.APP_NAME);
    assert.equal(token, ana.session.token);
  });

  test('has the same headers and cookies as JSON has', async () => {
    const [html, json] = [await navigate(), await ana.call('GET')];
    hasHeaders(html);
    assert.equal(html.headers['x-inertia'], undefined);
    assert.deepEqual(cookiesOf(html).map(({ name }) => name), ['demo_session', 'XSRF-TOKEN']);
    assert.deepEqual(cookiesOf(html).map(({ name }) => name), cookiesOf(json).map(({ name }) => name));
  });

  test('has the tags of the built assets: styles, what is preloaded, the script', async () => {
    const { tags } = shellOf(await navigate());
    assert.deepEqual(tags.split(/\s*\n\s*/), [
      '<link rel="stylesheet" href="/wa-accounts/assets/vendor-ChJ_j-JJ.css">',
      '<link rel="stylesheet" href="/wa-accounts/assets/main-5UjPuW-k.css">',
      '<link rel="modulepreload" href="/wa-accounts/assets/vendor-B7PI925R.js">',
      '<script type="module" src="/wa-accounts/assets/main-BRBmoGS9.js"></script>',
    ]);
  });

  test('gets names as they are, whatever stands in them', async () => {
    const eve = await logIn(stack);
    for (const [i, account_name] of NAMES.entries()) await eve.account({ account_name, created_at: utc(-60 * i) });
    const answer = await navigate(eve);
    assert.doesNotMatch(answer.text, /<script>|<img|<!--/);
    assert.deepEqual(shellOf(answer).object.props.accounts.map((account) => account.account_name), NAMES);
  });

  test('has its query string in the url, escaped as a browser would', async () => {
    for (const query of ['?page=2', '?a=%22%5C&b[]=1', '?x=a/b?c&amp;%3C']) {
      assert.equal(shellOf(await navigate(ana, query)).object.url, `${PAGE}${query}`);
    }
    const raw = await ana.call('GET', '', { straight: true, params: { QUERY_STRING: Buffer.from('q=\xff \n', 'latin1'),
      WA_STANDALONE: '1' }, headers: NAVIGATES });
    assert.match(raw.text, /whatsapp-accounts\?q=%FF%20%0A&quot;/);
  });

  test('by HEAD has the headers of the page, and no page', async () => {
    const [head, get] = [await ana.call('HEAD', '', { headers: NAVIGATES }), await navigate()];
    assert.equal(head.status, 200);
    assert.equal(head.text, '');
    for (const name of ['content-type', 'content-length', 'vary', 'cache-control']) {
      assert.equal(head.headers[name], get.headers[name], name);
    }
  });

  test('with a bearer token has no CSRF token', async () => {
    const user = await newUser(stack);
    const workspace = await newWorkspace(stack, user);
    await makeTokenTable(stack);
    const answer = await navigate(script(stack, (await newToken(stack, user)).text));
    const { object, token: csrf } = shellOf(answer);
    assert.equal(csrf, '');
    assert.equal(object.props.workspaceId, workspace);
    assert.deepEqual(cookiesOf(answer), []);
  });

  test('gets 500 accounts in one piece', async () => {
    const bob = await logIn(stack);
    await stack.sql(`INSERT INTO whatsapp_accounts (uuid, workspace_id, provider_type, account_name, phone_number,
      connection_status, is_primary, is_active, created_by, created_at, updated_at)
      SELECT UUID(), ${bob.workspace}, 'webjs', CONCAT('"Number" <', seq, '>'), CONCAT('+62 ', ${phone()} + seq),
      'disconnected', 0, 0, ${bob.user}, UTC_TIMESTAMP(), UTC_TIMESTAMP() FROM seq_1_to_500`);
    const answer = await navigate(bob);
    const { accounts } = shellOf(answer).object.props;
    assert.equal(accounts.length, 500);
    assert.equal(new Set(accounts.map((account) => account.account_name)).size, 500);
    assert.equal(answer.headers['transfer-encoding'], undefined);
  });
});

describe('what is not the page', () => {
  test('JSON stays JSON, for scripts and for all other addresses', async () => {
    const account = await ana.account(connected());
    for (const Accept of ['application/json', '*/*', 'application/json, text/plain, */*']) {
      assert.deepEqual(Object.keys((await ana.call('GET', '', { headers: { Accept } })).json),
        ['accounts', 'canAddAccount', 'modules', 'workspaceId']);
    }
    assert.equal((await navigate(ana, `/${account.uuid}`)).json.data.uuid, account.uuid);
  });

  test('a navigation that is refused reads the message in HTML', async () => {
    isRefusedInHtml(await navigate(ana, '/7d8f0a62-5f6e-4c0e-9d5c-0d5b8f3a5a51'), 404, 'Account not found');
    isRefusedInHtml(await navigate(await logIn(stack, { workspace: await newWorkspace(stack, ana.user) })), 403,
      'This action is unauthorized.');
    const wrong = await navigate(ana, '/7d8f0a62-5f6e-4c0e-9d5c-0d5b8f3a5a51/set-primary');
    isRefusedInHtml(wrong, 405, 'This address does not answer that method');
    assert.equal(wrong.headers.allow, 'POST');
  });

  test('who is not logged in is sent to log in', async () => {
    for (const headers of [NAVIGATES, visits(versionOf(page.manifest))]) {
      const answer = await stack.call('GET', PAGE, { headers });
      assert.equal(answer.status, 302);
      assert.equal(answer.headers.location, '/login');
    }
  });

  test('a script and a visit that are refused read it in JSON', async () => {
    const eve = await logIn(stack, { workspace: await newWorkspace(stack, ana.user) });
    for (const headers of [{}, visits(versionOf(page.manifest))]) {
      isRefused(await eve.call('GET', '', { headers }), 403, 'forbidden');
    }
    isRefused(await ana.call('POST', '', { json: {}, headers: NAVIGATES }), 422, 'validation_failed');
  });
});

describe('a visit', () => {
  test('with the version of the page gets the page object', async () => {
    const version = shellOf(await navigate()).object.version;
    const answer = await visit(version);
    assert.equal(answer.headers['x-inertia'], 'true');
    assert.deepEqual(answer.json, shellOf(await navigate()).object);
    assert.deepEqual(Object.keys((await visit(version, { 'X-Inertia-Partial-Component': COMPONENT,
      'X-Inertia-Partial-Data': 'accounts' })).json.props), ['accounts', 'errors']);
  });

  test('with another version, or none, loads the page anew', async () => {
    for (const version of ['5f4dcc3b5aa765d61d8327deb882cf99', '', undefined]) isSentTo(await visit(version), PAGE);
    isSentTo(await visit('1', {}, '?page=2&q=%22'), `${PAGE}?page=2&q=%22`);
    isSentTo(await visit('1', { 'X-Inertia-Partial-Component': COMPONENT, 'X-Inertia-Partial-Data': 'accounts' }), PAGE);
    isSentTo(await ana.call('HEAD', '', { headers: visits('1') }), PAGE);
    assert.equal(await whyOf(stack, await visit('1')), 'page_outdated');
  });

  test('that changes something is not asked for its version', async () => {
    const account = await ana.account(connected());
    const answer = await ana.call('POST', `/${account.uuid}/set-primary`, { headers: visits('1') });
    assert.equal(answer.status, 200, answer.text);
  });
});

describe('the broadcaster', () => {
  const told = async (settings) => {
    let told;
    await withSettings(stack, settings, async () => (told = shellOf(await navigate()).broadcaster));
    return told === '' ? null : JSON.parse(told);
  };
  const reverb = { BROADCAST_CONNECTION: 'reverb', REVERB_APP_ID: '1', REVERB_APP_KEY: 'k"<&', REVERB_APP_SECRET: 's',
    REVERB_HOST: '127.0.0.1', REVERB_PORT: 8080, REVERB_SCHEME: 'http' };
  const pusher = { BROADCAST_CONNECTION: 'pusher', PUSHER_APP_ID: '1', PUSHER_APP_KEY: 'key', PUSHER_APP_SECRET: 's' };
  const nothing = { cluster: null, host: null, port: null, scheme: null };

  test('is told without its secret, and where browsers reach it', async () => {
    assert.equal(await told({}), null);
    assert.equal(await told({ BROADCAST_CONNECTION: 'log' }), null);
    assert.deepEqual(await told(reverb), { broadcaster: 'reverb', key: 'k"<&', ...nothing });
    assert.deepEqual(await told({ ...reverb, VITE_REVERB_HOST: 'ws.example', VITE_REVERB_PORT: 8443,
      VITE_REVERB_SCHEME: '"${REVERB_SCHEME}"' }),
    { broadcaster: 'reverb', key: 'k"<&', cluster: null, host: 'ws.example', port: 8443, scheme: 'http' });
    assert.deepEqual(await told({ ...pusher, PUSHER_HOST: '127.0.0.1' }),
      { broadcaster: 'pusher', key: 'key', ...nothing, cluster: 'mt1' });
    assert.deepEqual(await told({ ...pusher, PUSHER_APP_CLUSTER: 'eu' }),
      { broadcaster: 'pusher', key: 'key', cluster: 'eu', host: 'ws-eu.pusher.com', port: 443, scheme: 'https' });
  });
});

describe('a reload', () => {
  async function reload() {
    const old = stack.children();
    stack.pool.kill('SIGHUP');
    await until('new workers', () => {
      const now = stack.children();
      return now.length === old.length && !now.some((pid) => old.includes(pid));
    });
  }

  test('takes the new assets, and their version', async () => {
    const before = shellOf(await navigate()).object.version;
    page.write({ manifest: { 'src/main.js': { file: 'assets/main-2.js', isEntry: true } } });
    assert.equal(shellOf(await navigate()).object.version, before, 'until then, all workers have the old ones');
    await reload();
    const { object, tags } = shellOf(await navigate());
    assert.equal(object.version, versionOf(page.manifest));
    assert.notEqual(object.version, before);
    assert.equal(tags, '<script type="module" src="/wa-accounts/assets/main-2.js"></script>');
    isSentTo(await visit(before), PAGE);
    page.write();
    await reload();
    assert.equal(shellOf(await navigate()).object.version, before);
  });

  for (const [what, files, where, said] of [
    ['template', { template: `${TEMPLATE}\n{{ flash }}` }, 'app.html:15', /^\{\{ flash \}\} is unknown/],
    ['manifest', { manifest: '{}' }, 'manifest.json', /^it has no entry/],
    ['manifest that is being written', { manifest: JSON.stringify(MANIFEST).slice(0, 50) }, 'manifest.json',
      /^it is no JSON that can be read/],
  ]) {
    test(`with a broken ${what} keeps the pool as it is`, async () => {
      const [pids, { object }] = [stack.children(), shellOf(await navigate())];
      const refusals = () => stack.log().match(/old settings stay in force/g)?.length ?? 0;
      const earlier = refusals();
      page.write(files);
      stack.pool.kill('SIGHUP');
      await until('the trial run has failed', () => refusals() > earlier);
      const { where: told, msg } = events(stack.log(), 'settings').at(-1);
      assert.equal(told, `${page.dir}/${where}`);
      assert.match(msg, said);
      assert.deepEqual(stack.children(), pids);
      assert.equal(shellOf(await navigate()).object.version, object.version);
      const { code, out } = await stack.ctl('config');
      assert.equal(code, 78, 'the tool refuses it too');
      assert.ok(out.includes(`${page.dir}/${where}: error: ${msg}`), out);
      page.write();
      await reload();
    });
  }

  test('without a template serves no page any more: navigations get JSON, as before', async () => {
    await withSettings(stack, { WA_PAGE_TEMPLATE: null, WA_PAGE_MANIFEST: null }, async () => {
      assert.deepEqual(Object.keys((await navigate()).json), ['accounts', 'canAddAccount', 'modules', 'workspaceId']);
      assert.equal((await visit('theirs')).json.version, 'theirs');
      isRefused(await navigate(ana, '/7d8f0a62-5f6e-4c0e-9d5c-0d5b8f3a5a51'), 404, 'not_found');
    });
  });
});

describe('beside Laravel', () => {
  let beside, bea;
  before(async () => {
    beside = await startStack({ env: SETTINGS,
      editNginx: (text) => text.replace('default standalone;', 'default beside;') });
    bea = await logIn(beside);
  });
  after(() => beside?.stop());

  test('the page is Laravel\'s, and so are full visits', async () => {
    for (const headers of [NAVIGATES, visits('1')]) {
      assert.equal((await bea.call('GET', '', { headers })).headers['x-handled-by'], 'laravel');
    }
  });

  test('versions are not compared: partial reloads have the page\'s own', async () => {
    const answer = await bea.call('GET', '', { headers: visits('theirs', { 'X-Inertia-Partial-Component': COMPONENT,
      'X-Inertia-Partial-Data': 'accounts' }) });
    assert.equal(answer.status, 200);
    assert.equal(answer.json.version, 'theirs');
  });

  test('refusals are JSON, whoever asks', async () => {
    isRefused(await bea.call('GET', '/7d8f0a62-5f6e-4c0e-9d5c-0d5b8f3a5a51', { headers: NAVIGATES }), 404, 'not_found');
  });

  test('nobody can say that there is no Laravel', async () => {
    const answer = await bea.call('GET', '', { headers: visits('theirs', { 'WA-Standalone': '1', WA_STANDALONE: '1',
      'X-Inertia-Partial-Component': COMPONENT, 'X-Inertia-Partial-Data': 'accounts' }) });
    assert.equal(answer.json.version, 'theirs');
  });
});
