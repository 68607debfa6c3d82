// GET /settings/whatsapp-accounts as Inertia asks for it: a page object around the props, and of a partial reload
// only those that it wants.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { hasHeaders, isAccount } from './lib/browser-expect.mjs';
import { connected } from './lib/fixtures.mjs';
import { PAGE, logIn } from './lib/login.mjs';
import { startStack } from './lib/stack.mjs';

const COMPONENT = 'User/Settings/WhatsAppAccounts';
const PROPS = ['accounts', 'canAddAccount', 'modules', 'workspaceId'];
const VERSION = '5f4dcc3b5aa765d61d8327deb882cf99';

/** What Inertia's client sends with each visit. */
const visit = (headers) => ({ Accept: 'text/html, application/xhtml+xml', 'X-Requested-With': 'XMLHttpRequest',
  'X-Inertia': 'true', 'X-Inertia-Version': VERSION, ...headers });
const partial = (data, headers) => visit({ 'X-Inertia-Partial-Component': COMPONENT,
  ...(data === undefined ? {} : { 'X-Inertia-Partial-Data': data }), ...headers });

/** A page object, and of the props these, in their order. */
function isPage(answer, props, { url = PAGE, version = VERSION } = {}) {
  assert.equal(answer.status, 200, answer.text);
  assert.match(answer.headers['content-type'], /^application\/json\b/);
  assert.equal(answer.headers['x-inertia'], 'true');
  hasHeaders(answer);
  const page = answer.json;
  assert.deepEqual(Object.keys(page).sort(), ['component', 'props', 'url', 'version']);
  assert.deepEqual({ ...page, props: null }, { component: COMPONENT, props: null, url, version });
  assert.deepEqual(Object.keys(page.props).sort(), [...props, 'errors'].sort());
  assert.deepEqual(page.props.errors, {});
  return page.props;
}

const arrangements = {
  beside: (text) => text.replace('default standalone;', 'default beside;'),
  standalone: (text) => text,
};
for (const [arrangement, editNginx] of Object.entries(arrangements)) {
  describe(`a partial reload, ${arrangement}`, () => {
    let stack, ana, account;
    before(async () => {
      stack = await startStack({ editNginx });
      ana = await logIn(stack);
      account = await ana.account(connected());
    });
    after(() => stack?.stop());
    const ask = (headers, path = '') => ana.call('GET', path, { headers });

    test('has the props that it wants, and no others', async () => {
      for (const wanted of ['accounts', 'canAddAccount', 'workspaceId', 'accounts,canAddAccount',
        'workspaceId,accounts']) {
        const answer = await ask(partial(wanted));
        const props = isPage(answer, wanted.split(','));
        if (props.accounts) {
          assert.equal(props.accounts.length, 1);
          isAccount(props.accounts[0], account);
        }
        assert.ok([undefined, true].includes(props.canAddAccount));
        assert.ok([undefined, ana.workspace].includes(props.workspaceId));
      }
    });

    test('has the version that the page has, or none, and is not reloaded because of it', async () => {
      for (const version of ['1', 'é"\\', null]) {
        const sent = Buffer.from(version ?? '').toString('latin1');
        isPage(await ask(partial('accounts', { 'X-Inertia-Version': sent })), ['accounts'], { version });
      }
    });

    test('has its query string in the url', async () => {
      for (const query of ['?page=2', '?a=%22%5C&b[]=1', '?x=a/b?c']) {
        isPage(await ask(partial('canAddAccount'), query), ['canAddAccount'], { url: `${PAGE}${query}` });
      }
    });

    test('by HEAD has the same headers, and no page', async () => {
      const answer = await ana.call('HEAD', '', { headers: partial('accounts') });
      assert.equal(answer.status, 200);
      assert.equal(answer.text, '');
      assert.equal(answer.headers['x-inertia'], 'true');
    });

    test('is told from JSON that a script asks for: that has all props, and no page around them', async () => {
      const answer = await ask({ 'X-Inertia-Partial-Component': COMPONENT, 'X-Inertia-Partial-Data': 'accounts' });
      assert.deepEqual(Object.keys(answer.json), PROPS);
      assert.equal(answer.headers['x-inertia'], undefined);
      hasHeaders(answer);
    });

    const beyond = {
      'a full visit': [visit(), PROPS],
      'of another component': [partial('accounts', { 'X-Inertia-Partial-Component': 'User/Dashboard' }), PROPS],
      'without a list': [partial(undefined), PROPS],
      'with an empty list': [partial(''), PROPS],
      'but some props': [partial(undefined, { 'X-Inertia-Partial-Except': 'accounts, modules' }),
        ['canAddAccount', 'workspaceId']],
      'of some props but others': [partial('accounts,modules', { 'X-Inertia-Partial-Except': 'accounts' }),
        ['modules']],
      'of props that we do not have, too': [partial('flash,modules'), ['modules']],
      'of nothing that we have': [partial('flash'), []],
    };
    for (const [name, [headers, props]] of Object.entries(beyond)) {
      test(arrangement === 'beside' ? `is Laravel's: ${name}` : `${name}: has ${props.join(', ') || 'no props'}`,
        async () => {
          const answer = await ask(headers);
          if (arrangement === 'beside') assert.equal(answer.headers['x-handled-by'], 'laravel');
          else isPage(answer, props);
        });
    }
  });
}
