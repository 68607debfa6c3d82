// What the server refuses: who is not logged in any more begins anew there, and a server that is in trouble is quoted.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { sessionData } from '../integration/lib/login.mjs';
import { serialize } from '../integration/lib/php.mjs';
import { connected, connecting, phone } from './lib/accounts.mjs';
import { refused } from './lib/chromium.mjs';
import { addDialog, deleteDialog, disconnectDialog, pairingDialog, statisticsDialog } from './lib/dialogs.mjs';
import { comes, gone, hasAttribute, isEnabled, reads, seen } from './lib/look.mjs';
import { newCode } from './lib/service.mjs';
import { startSite } from './lib/site.mjs';

let site;
before(async () => (site = await startSite({ server: 'own' })));
after(() => site?.stop());

/** In place of the application's own login. */
const standIn = (context) => context.route('**/login', (route) => route.fulfill({ contentType: 'text/html',
  body: '<!DOCTYPE html><link rel="icon" href="data:,"><title>Login</title><h1>Login</h1>' }));
const isAtLogin = ({ page }) => page.waitForURL((url) => url.pathname === '/login');

const ended = {
  'a login that has ended (401)': {
    status: 401,
    end: (ana) => site.stack.sql(`DELETE FROM sessions WHERE id = '${ana.session.id}'`),
  },
  'a page that is older than its login (419)': {
    status: 419,
    end: ({ user, workspace, session }) => site.stack.sql(`UPDATE sessions SET payload = '${Buffer.from(
      serialize(sessionData({ user, workspace, token: 'another'.padEnd(40, 'x') }))).toString('base64')}'
      WHERE id = '${session.id}'`),
  },
};

for (const [what, { status, end }] of Object.entries(ended)) {
  describe(`${what} leads to the login`, () => {
    const requests = {
      'from the form of a new number': async (tab) => {
        await tab.add.click();
        const adding = addDialog(tab);
        await adding.phone.fill(phone());
        await adding.add.click();
      },
      'from a button of a row': (tab, account) => tab.button(account, 'Set as primary').click(),
      'from a question': async (tab, account) => {
        await tab.button(account, 'Delete').click();
        await deleteDialog(tab).confirm.click();
      },
      /* Reading needs no CSRF token. */
      ...(status === 401 && { 'from the statistics': (tab, account) => tab.button(account, 'Statistics').click() }),
    };
    for (const [from, send] of Object.entries(requests)) {
      /* With a clock of ours nothing is asked between the end and what is tested. */
      test(from, () => site.visit({ accounts: [connected()], clock: true }, async (visited) => {
        const { tab, accounts: [account] } = visited;
        tab.faults.expects(refused(status));
        await standIn(visited.context);
        await tab.isLive();
        await end(visited.ana);
        await send(tab, account);
        await isAtLogin(tab);
        assert.equal((await site.stack.state(account.id)).account.deleted_at, null);
      }));
    }
  });
}

test('who is not logged in is sent to the login at once', () =>
  site.visit({ login: { cookie: null }, open: false }, async ({ tab }) => {
    /* Whom a redirect leads there, nothing can stand in its way: there is no application here. */
    tab.faults.expects(refused(404));
    await tab.page.goto('/settings/whatsapp-accounts');
    await isAtLogin(tab);
  }));

test('a database that is down: a message has the server\'s own sentence, and trying again later helps', () =>
  site.visit({ accounts: [connected(), connected()] }, async ({ tab, accounts: [first, second] }) => {
    tab.faults.expects(refused(503));
    await tab.isLive();
    await site.stack.server.halt();
    try {
      await tab.button(first, 'Set as primary').click();
      await reads(tab.alert, /Service temporarily unavailable/);
      await isEnabled(tab.button(first, 'Set as primary'));

      const disconnecting = disconnectDialog(tab);
      await tab.button(second, 'Disconnect').click();
      await disconnecting.confirm.click();
      await reads(disconnecting.alert, 'Service temporarily unavailable');
      await isEnabled(disconnecting.confirm);
      await disconnecting.cancel.click();
      await hasAttribute(tab.state(second), 'data-status', 'connected');

      const statistics = statisticsDialog(tab, 'A test');
      await tab.button(second, 'Statistics').click();
      await reads(statistics.alert, 'Service temporarily unavailable');
      await statistics.close.click();
    } finally {
      await site.stack.server.restart();
    }
    await comes('the pool serves', async () => (await site.stack.call('GET', '/readyz')).status === 200);
    await tab.button(first, 'Set as primary').click();
    await seen(tab.row(first).getByText('Primary', { exact: true }));
  }));

test('a server that cannot be reached is told in words', () =>
  site.visit({ accounts: [connected()] }, async ({ tab, accounts: [account] }) => {
    tab.faults.expects(/Failed to load resource: net::ERR_/);
    await tab.page.route('**/set-primary', (route) => route.abort('connectionrefused'));
    await tab.button(account, 'Set as primary').click();
    await reads(tab.alert, /The server cannot be reached/);
    await tab.alert.getByRole('button', { name: 'Dismiss' }).click();
    await gone(tab.alert);
  }));

test('a number that is not there any more is told, and taken off the list', () =>
  site.visit({ accounts: [connected(), connected()] }, async ({ tab, accounts: [account] }) => {
    tab.faults.expects(refused(404));
    await tab.isLive();
    /* Nobody tells the page. */
    await site.stack.sql(`UPDATE whatsapp_accounts SET deleted_at = UTC_TIMESTAMP() WHERE id = ${account.id}`);
    await tab.button(account, 'Set as primary').click();
    await reads(tab.alert, /Account not found/);
    await gone(tab.row(account));
  }));

test('a new code for a number that is connected by now: the dialog says so, and that it is connected', () =>
  site.visit({ accounts: [connecting({ account_name: 'Shop', qr_code: newCode() })] },
    async ({ tab, accounts: [account] }) => {
      tab.faults.expects(refused(409));
      await tab.isLive();
      await tab.button(account, 'Show QR code').click();
      const { again, alert, connected: done } = pairingDialog(tab, 'Shop');
      await seen(again);
      await site.stack.sql(`UPDATE whatsapp_accounts SET connection_status = 'connected', state_version = 5,
        phone_number = '${phone()}' WHERE id = ${account.id}`);
      await again.click();
      await seen(alert, done);
    }));
