// What others do is seen on the page as it happens; and what arrives late, twice or in the wrong order never puts back
// what was there before.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { join, logIn, newUser } from '../integration/lib/login.mjs';
import { connected, connecting, phone } from './lib/accounts.mjs';
import { noSocket } from './lib/chromium.mjs';
import { addDialog, deleteDialog, disconnectDialog, pairingDialog } from './lib/dialogs.mjs';
import { keepLists, whileHeld } from './lib/hold.mjs';
import { counts, gone, hasAttribute, reads, seen } from './lib/look.mjs';
import { imageOf, newCode, report, sessionOf, showCode, statusEvent, tell } from './lib/service.mjs';
import { startSite } from './lib/site.mjs';

/* A code that is larger does not fit into an event. */
const MAX_BYTES = 10_000;

let site;
before(async () => (site = await startSite({ env: { WA_BROADCAST_MAX_BYTES: MAX_BYTES } })));
after(() => site?.stop());

test('two tabs of one person show the same', () =>
  site.visit({ accounts: [connected(), connected()] }, async ({ tab, newTab, accounts: [first, second] }) => {
    const other = await newTab();
    await other.open();
    await Promise.all([tab.isLive(), other.isLive()]);
    await tab.button(first, 'Set as primary').click();
    await seen(other.row(first).getByText('Primary', { exact: true }));
    await other.button(second, 'Delete').click();
    await deleteDialog(other).confirm.click();
    await gone(tab.row(second));
    await report(site.stack, first, 'disconnected');
    await Promise.all([tab, other].map((each) => hasAttribute(each.state(first), 'data-status', 'disconnected')));
  }));

test('what a colleague adds, pairs and deletes appears here', () =>
  site.visit({ accounts: [connected()] }, async ({ tab, ana, anotherPerson, accounts: [old] }) => {
    const user = await newUser(site.stack);
    await join(site.stack, user, ana.workspace);
    const { tab: theirs } = await anotherPerson({ login: await logIn(site.stack, { user, workspace: ana.workspace }) });
    await Promise.all([tab.isLive(), theirs.isLive()]);
    await theirs.add.click();
    const adding = addDialog(theirs);
    await adding.phone.fill(phone());
    await adding.name.fill('New');
    await adding.add.click();
    const row = tab.rows.filter({ hasText: 'New' });
    await seen(row);
    const uuid = await row.getAttribute('data-uuid');
    await hasAttribute(tab.state(uuid), 'data-status', 'connecting');
    await seen(pairingDialog(theirs, 'New').code);
    await counts(tab.anyDialog, 0);
    await site.simulator.scan(await sessionOf(site.stack, uuid));
    await hasAttribute(tab.state(uuid), 'data-status', 'connected');
    await pairingDialog(theirs, 'New').close.click();
    await theirs.button(old, 'Delete').click();
    await deleteDialog(theirs).confirm.click();
    await gone(tab.row(old));
    await counts(tab.rows, 1);
  }));

test('a person of another workspace hears nothing', () =>
  site.visit({ accounts: [connected()] }, async ({ tab, anotherPerson, accounts: [account] }) => {
    const stranger = await anotherPerson({ accounts: [connected()], clock: true });
    await Promise.all([tab.isLive(), stranger.tab.isLive()]);
    const asked = await stranger.tab.asks(async () => {
      await report(site.stack, account, 'disconnected');
      await hasAttribute(tab.state(account), 'data-status', 'disconnected');
    });
    assert.deepEqual(asked, []);
    await counts(stranger.tab.rows, 1);
  }));

test('a number that is deleted while somebody looks at its QR code: the dialog says so', () =>
  site.visit({ accounts: [connecting({ account_name: 'Shop', qr_code: newCode() })] },
    async ({ tab, ana, accounts: [account] }) => {
      await tab.isLive();
      await tab.button(account, 'Show QR code').click();
      const { code, dialog, close } = pairingDialog(tab, 'Shop');
      await seen(code);
      assert.equal((await ana.call('DELETE', `/${account.uuid}`)).status, 200);
      await gone(code, tab.row(account));
      await reads(dialog.getByText(/deleted/).first(), /This number has been deleted/);
      await close.click();
      await tab.noDialog();
    }));

test('an event that is older than what the page has seen changes nothing', () =>
  site.visit({ accounts: [connected({ state_version: 7 }), connected({ state_version: 7 })] },
    async ({ tab, ana, accounts: [account, other] }) => {
      await tab.isLive();
      /* The list would mend what the event breaks: it is held back. */
      await whileHeld(tab, 'GET', async () => {
        for (const [state, version] of [['error', 6], ['disconnected', 0], ['connecting', 7]]) {
          await tell(site.pusher, ana.workspace, 'account-status-changed', statusEvent(account, state, version));
        }
        await tell(site.pusher, ana.workspace, 'qr-code-generated', { uuid: account.uuid, state_version: 6,
          qr_code_base64: '2@old', expires_in_seconds: 60, workspace_id: ana.workspace });
        /* Events arrive in order: when this one is seen, those before it have been heard. */
        await tell(site.pusher, ana.workspace, 'account-status-changed', statusEvent(other, 'error', 8));
        await hasAttribute(tab.state(other), 'data-status', 'error');
        await hasAttribute(tab.state(account), 'data-status', 'connected');
      });
    }));

test('an answer that comes after a newer event changes nothing', () =>
  site.visit({ accounts: [connected()] }, async ({ tab, accounts: [account] }) => {
    await tab.isLive();
    /* The list would mend what the answer breaks. */
    await whileHeld(tab, 'GET', async () => {
      await tab.page.route('**/disconnect', async (route) => {
        const response = await route.fetch();
        await report(site.stack, account, 'error', { metadata: { error: 'The phone is off' } });
        await hasAttribute(tab.state(account), 'data-status', 'error');
        return route.fulfill({ response });
      });
      await tab.button(account, 'Disconnect').click();
      await disconnectDialog(tab).confirm.click();
      await tab.noDialog();
      await hasAttribute(tab.state(account), 'data-status', 'error');
    });
  }));

/**
 * A list that was asked for before something happened, and comes after it. `body` makes it happen; then this one list
 * arrives, and no other: its row of `marked` has another name by now, so that it is seen when it is there. The clock
 * is the test's: no other list may be on its way before.
 */
async function withLateList(tab, marked, body) {
  await tab.isLive();
  const lists = await keepLists(tab);
  await site.stack.sql(`UPDATE whatsapp_accounts SET account_name = 'The late one' WHERE id = ${marked.id}`);
  /* Each event lets the page ask for the list. */
  await report(site.stack, marked, 'disconnected');
  await lists.kept(1);
  await body();
  lists.release(1);
  await reads(tab.row(marked).locator('bdi').first(), 'The late one');
  return lists;
}

test('a list that comes late brings no deleted number back', () =>
  site.visit({ accounts: [connected(), connected()], clock: true }, async ({ tab, ana, accounts: [account, other] }) => {
    const lists = await withLateList(tab, other, async () => {
      assert.equal((await ana.call('DELETE', `/${account.uuid}`)).status, 200);
      await gone(tab.row(account));
    });
    await counts(tab.rows, 1);
    lists.release();
  }));

test('a list that comes late takes no new number away', () =>
  site.visit({ accounts: [connected()], clock: true }, async ({ tab, accounts: [account] }) => {
    const lists = await withLateList(tab, account, async () => {
      await tab.add.click();
      const adding = addDialog(tab);
      await adding.phone.fill(phone());
      await adding.name.fill('New');
      await adding.connection.selectOption('meta');
      await adding.add.click();
      await gone(adding.dialog);
      await seen(tab.rows.filter({ hasText: 'New' }));
    });
    await counts(tab.rows, 2);
    lists.release();
  }));

test('a list that comes late does not put back what a person has changed since', () =>
  site.visit({ accounts: [connected(), connected()], clock: true }, async ({ tab, accounts: [account, other] }) => {
    const lists = await withLateList(tab, other, async () => {
      await tab.button(account, 'Set as primary').click();
      await seen(tab.row(account).getByText('Primary', { exact: true }));
    });
    await counts(tab.row(account).getByText('Primary', { exact: true }), 1);
    lists.release();
  }));

test('a QR code that is too large for an event is asked for', () =>
  site.visit({ accounts: [connecting({ account_name: 'Shop' })] }, async ({ tab, accounts: [account] }) => {
    await tab.isLive();
    await tab.button(account, 'Show QR code').click();
    const { code, waits } = pairingDialog(tab, 'Shop');
    await seen(waits);
    /* What follows the end of a PNG is not looked at. */
    const png = Buffer.from((await imageOf(newCode())).split(',')[1], 'base64');
    const image = `data:image/png;base64,${Buffer.concat([png, Buffer.alloc(MAX_BYTES)]).toString('base64')}`;
    await showCode(site.stack, account, { qr_code: image });
    await seen(code);
    assert.equal(await code.getAttribute('src'), image);
    assert.ok(site.pusher.requests.some(({ data }) => data.uuid === account.uuid && data.qr_code_omitted));
  }));

test('what happened while the browser was offline is seen when it is back', () =>
  site.visit({ accounts: [connected()], clock: true }, async ({ tab, context, accounts: [account] }) => {
    tab.faults.expects(noSocket, /ERR_INTERNET_DISCONNECTED/);
    await tab.isLive();
    await context.setOffline(true);
    /* The server has so long to answer, once the browser says that it is offline. */
    await tab.page.clock.runFor(5000);
    await tab.isPolling();
    await report(site.stack, account, 'disconnected');
    await context.setOffline(false);
    await tab.isLiveAgain();
    await hasAttribute(tab.state(account), 'data-status', 'disconnected');
  }));

test('a code that has expired is not shown any more, and a new one comes when it is asked for', () =>
  site.visit({ accounts: [connecting({ account_name: 'Shop', qr_code: newCode() })], clock: true },
    async ({ tab, accounts: [account] }) => {
      await tab.isLive();
      await tab.button(account, 'Show QR code').click();
      const { code, expired, again } = pairingDialog(tab, 'Shop');
      await seen(code);
      await tab.page.clock.fastForward(61_000);
      await seen(expired);
      await counts(code, 0);
      await again.click();
      await seen(code);
      await gone(expired);
    }));

test('a pairing that failed is tried again from its dialog', () =>
  site.visit({ accounts: [connecting({ account_name: 'Shop' })] }, async ({ tab, accounts: [account] }) => {
    await tab.isLive();
    await tab.button(account, 'Show QR code').click();
    const { code, dialog, failed, retry, connected: done } = pairingDialog(tab, 'Shop');
    await report(site.stack, account, 'error', { metadata: { error: 'The browser has crashed' } });
    await seen(failed, dialog.getByText('The browser has crashed'));
    await retry.click();
    await seen(code);
    await site.simulator.scan(account.session_id, phone());
    await seen(done);
  }));

test('who comes back by the browser\'s history sees what is, and not what was', () =>
  site.visit({ accounts: [connected(), connected()] }, async ({ tab, ana, accounts: [account, other] }) => {
    await tab.isLive();
    await tab.page.goto('about:blank');
    assert.equal((await ana.call('DELETE', `/${account.uuid}`)).status, 200);
    await tab.page.goBack();
    await seen(tab.row(other));
    await gone(tab.row(account));
    await tab.isLive();
    await counts(tab.rows, 1);
  }));
