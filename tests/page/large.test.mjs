// Five hundred numbers in one workspace: the page is one answer, and is usable.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { logIn } from '../integration/lib/login.mjs';
import { manyAccounts } from './lib/accounts.mjs';
import { deleteDialog, pairingDialog } from './lib/dialogs.mjs';
import { counts, gone, reads, seen } from './lib/look.mjs';
import { looksRight } from './lib/looks.mjs';
import { startSite } from './lib/site.mjs';

const COUNT = 500;

let site, login;
before(async () => {
  site = await startSite();
  login = await logIn(site.stack);
  await manyAccounts(site.stack, login, COUNT);
});
after(() => site?.stop());

test('the HTML comes in one piece, with its length', async () => {
  const answer = await login.call('GET', '', { headers: { Accept: 'text/html', 'Accept-Encoding': 'identity' } });
  assert.equal(answer.status, 200);
  assert.match(answer.headers['content-type'], /^text\/html\b/);
  assert.equal(Number(answer.headers['content-length']), Buffer.byteLength(answer.text));
  assert.equal(answer.headers['transfer-encoding'], undefined);
  assert.equal(answer.text.match(/&quot;account_name&quot;:&quot;Number \d+&quot;/g)?.length, COUNT);
});

test('the list is searched, and the buttons of what is found work', () => site.visit({ login }, async ({ tab }) => {
  await tab.isLive();
  await counts(tab.rows, COUNT);
  await reads(tab.sum('Total Numbers'), String(COUNT));
  await tab.search.fill('Number 499');
  await counts(tab.rows, 1);
  await tab.search.fill('628200000123');
  await counts(tab.rows, 1);
  const row = tab.rows.first();
  const uuid = await row.getAttribute('data-uuid');
  await tab.button(uuid, 'Set as primary').click();
  await seen(row.getByText('Primary', { exact: true }));
  await tab.button(uuid, 'Reconnect').click();
  const { code, close } = pairingDialog(tab, 'Number 123');
  await seen(code);
  await close.click();
  await tab.button(uuid, 'Delete').click();
  await deleteDialog(tab).confirm.click();
  await gone(row);
  await tab.search.fill('');
  await counts(tab.rows, COUNT - 1);
  await tab.search.fill('nobody is called so');
  await counts(tab.rows, 0);
  await seen(tab.page.getByText('No number is found.'));
}));

test('the list looks right', () => site.visit({ login }, async ({ tab }) => {
  await tab.isLive();
  /* One row is like another: a dozen is enough for axe. */
  await looksRight(tab.page, 'list-500', { without: 'li[data-uuid]:nth-child(n + 13)' });
}));

test('a few numbers need no search', () => site.visit({ accounts: [{}, {}] }, async ({ tab }) => {
  await counts(tab.rows, 2);
  await counts(tab.search, 0);
}));
