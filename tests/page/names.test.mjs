// What people, and the phones of others, give as names is text wherever it is shown, and nothing else.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { PAGE } from '../integration/lib/login.mjs';
import { connected, connecting, failed, phone } from './lib/accounts.mjs';
import { addDialog, pairingDialog } from './lib/dialogs.mjs';
import { comes, gone, hasValue, seen } from './lib/look.mjs';
import { newCode } from './lib/service.mjs';
import { startSite } from './lib/site.mjs';

const NAMES = {
  'a script': '<script>window.ran = true</script>',
  'an image that fails': '"><img src=x onerror="window.ran = true">',
  'the end of the page object': '</div><script>window.ran = true</script>',
  'quotes': `Ana's "shop" \`\${1}\` \\ \\u0041`,
  'entities': '&quot;&lt;b&gt;&amp;amp; &#60;',
  'a template': '{{ constructor.constructor("window.ran = true")() }}',
  'a text that turns around': '\u202Egnp.exe\u202C \u2067abc',
  'emoji': '👩‍👩‍👧‍👦 Büro 🇮🇩',
  'a replacement pattern': "$& $1 $' :name",
};

let site;
before(async () => (site = await startSite()));
after(() => site?.stop());

const isText = async (locator, name) => {
  await locator.first().waitFor({ state: 'attached' });
  assert.equal(await locator.first().evaluate((element) => element.textContent), name);
};
const nothingRan = async ({ page }) => assert.equal(await page.evaluate(() => window.ran), undefined);
/** The name stands alone: what turns it around ends with it. */
const alone = (within) => within.locator('bdi').first();

/** Opens the dialog of this button, and closes it: the name stands in it. */
async function isTextInDialog(tab, account, verb) {
  await tab.button(account, verb).click();
  await seen(tab.anyDialog);
  await isText(alone(tab.anyDialog), account.account_name);
  await tab.page.keyboard.press('Escape');
  await gone(tab.anyDialog);
}

const nameless = () => connecting({ qr_code: newCode() });

test('in the list and in the names of its buttons, each is text', () => {
  const accounts = Object.values(NAMES).map((account_name) => ({ ...nameless(), account_name }));
  return site.visit({ accounts }, async ({ tab, accounts: made }) => {
    for (const account of made) {
      await isText(alone(tab.row(account)), account.account_name);
      assert.equal(await tab.button(account, 'Delete').getAttribute('aria-label'), `Delete: ${account.account_name}`);
    }
    await nothingRan(tab);
  });
});

test('in a dialog each is text', () => {
  const accounts = Object.values(NAMES).map((account_name) => ({ ...nameless(), account_name }));
  return site.visit({ accounts }, async ({ tab, accounts: made }) => {
    for (const account of made) await isTextInDialog(tab, account, 'Delete');
    for (const verb of ['Disconnect', 'Statistics', 'Show QR code']) await isTextInDialog(tab, made[0], verb);
    await nothingRan(tab);
  });
});

test('all of them come back as they are from the form and from the HTML that the server made', () =>
  site.visit(async ({ tab }) => {
    for (const name of Object.values(NAMES)) {
      await tab.add.click();
      const adding = addDialog(tab);
      await adding.phone.fill(phone());
      await adding.name.fill(name);
      await hasValue(adding.name, name);
      await adding.connection.selectOption('meta');
      await adding.add.click();
      await gone(adding.dialog);
    }
    const names = () => tab.rows.evaluateAll((rows) => rows.map((row) => row.querySelector('bdi').textContent));
    const isAll = async () => (await names()).sort().join('\n') === Object.values(NAMES).sort().join('\n');
    await comes('all names are shown', isAll);
    await tab.open();
    await comes('all names are shown again', isAll);
    await nothingRan(tab);
  }));

describe('the HTML of the page', () => {
  test('has the names in its page object, and no script that it was not given', async () => {
    const accounts = Object.values(NAMES).map((account_name) => connected({ account_name }));
    await site.visit({ accounts, open: false }, async ({ tab, ana }) => {
      const html = await (await tab.page.goto(PAGE)).text();
      assert.ok(html.includes('data-page="'), html.slice(0, 500));
      assert.doesNotMatch(html, /<script>|<img|onerror="/);
      for (const script of html.match(/<script[^>]*>/g)) assert.match(script, / src="/);
      /* A browser of its own, without the page's scripts, reads it as this one did. */
      const page = await tab.page.evaluate((text) => {
        const parsed = new DOMParser().parseFromString(text, 'text/html');
        return JSON.parse(parsed.getElementById('app').dataset.page);
      }, html);
      assert.deepEqual(page.props.accounts.map((account) => account.account_name).sort(), Object.values(NAMES).sort());
      assert.equal(page.props.workspaceId, ana.workspace);
      await seen(tab.rows.first());
      await nothingRan(tab);
    });
  });
});

test('what a phone says about its failure is text too', () => {
  const error = '<img src=x onerror="window.ran = true"> \u202Eoops';
  return site.visit({ accounts: [failed(error, { account_name: 'Shop', phone_number: phone() })] },
    async ({ tab, ana, accounts: [account] }) => {
      await tab.isLive();
      await ana.call('POST', `/${account.uuid}/reconnect`);
      await tab.button(account, 'Show QR code').click();
      const { dialog, code } = pairingDialog(tab, 'Shop');
      await seen(code);
      await site.simulator.fail(account.session_id, error);
      await isText(dialog.locator('bdi', { hasText: 'oops' }), error);
      await nothingRan(tab);
    });
});
