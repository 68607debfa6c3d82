// Dialogs: what the server has against an input stands at its field, everything else where a person looks; a dialog
// that is closed has done nothing, and nobody asks twice by pressing twice.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { connected, connecting, phone } from './lib/accounts.mjs';
import { refused } from './lib/chromium.mjs';
import { addDialog, deleteDialog, disconnectDialog, pairingDialog, statisticsDialog } from './lib/dialogs.mjs';
import { whileHeld } from './lib/hold.mjs';
import { comes, counts, descriptionOf, gone, hasAttribute, isDisabled, isEnabled, reads, seen } from './lib/look.mjs';
import { imageOf, newCode } from './lib/service.mjs';
import { startSite } from './lib/site.mjs';

let site;
before(async () => (site = await startSite({ env: { WA_MAX_ACCOUNTS: 3 } })));
after(() => site?.stop());

/** What the server says about a field stands at it. */
async function isFaulty(field, sentence) {
  await hasAttribute(field, 'aria-invalid', 'true');
  assert.equal(await descriptionOf(field), sentence);
}

describe('adding a number', () => {
  test('without one: what is missing is said at its field, and goes when it is right', () =>
    site.visit(async ({ tab }) => {
      tab.faults.expects(refused(422));
      await tab.add.click();
      const adding = addDialog(tab);
      await adding.add.click();
      await isFaulty(adding.phone, 'The phone number field is required.');
      await hasAttribute(adding.name, 'aria-invalid', null);
      await counts(adding.alert, 0);
      await adding.phone.fill('not a number');
      await adding.add.click();
      await comes('another sentence', async () =>
        await descriptionOf(adding.phone) === 'The phone number field format is invalid.');
      await adding.phone.fill(phone());
      await adding.add.click();
      await gone(adding.dialog);
      await counts(tab.rows, 1);
    }));

  test('with several faults: each stands at its own field', () => site.visit(async ({ tab }) => {
    tab.faults.expects(refused(422));
    await tab.add.click();
    const adding = addDialog(tab);
    await adding.phone.fill('12');
    await adding.name.fill('ä'.repeat(256));
    await adding.add.click();
    await isFaulty(adding.phone, 'The phone number field format is invalid.');
    await isFaulty(adding.name, 'The account name field must not be greater than 255 characters.');
    assert.equal(await adding.phone.inputValue(), '12', 'what was typed is still there');
  }));

  test('that the workspace has already: an alert in the dialog says so', () =>
    site.visit({ accounts: [connected()] }, async ({ tab, accounts: [account] }) => {
      tab.faults.expects(refused(409));
      await tab.add.click();
      const adding = addDialog(tab);
      await adding.phone.fill(`+${account.phone_number}`);
      await adding.add.click();
      await reads(adding.alert, 'Account with this phone number already exists');
      await hasAttribute(adding.phone, 'aria-invalid', null);
      await counts(tab.rows, 1);
    }));

  test('of the Meta Cloud API: nothing is to be scanned', () => site.visit(async ({ tab }) => {
    await tab.add.click();
    const adding = addDialog(tab);
    await adding.phone.fill(phone());
    await adding.name.fill('Cloud');
    await adding.connection.selectOption('meta');
    await adding.add.click();
    await gone(adding.dialog);
    await seen(tab.rows.filter({ hasText: 'Cloud' }), tab.success);
    await counts(tab.anyDialog, 0);
    await counts(tab.page.getByRole('button', { name: /^(Reconnect|Show QR code):/ }), 0);
  }));

  test('as the primary one: the others are not any more', () =>
    site.visit({ accounts: [connected({ is_primary: 1 })] }, async ({ tab, accounts: [account] }) => {
      await tab.isLive();
      await seen(tab.row(account).getByText('Primary', { exact: true }));
      await tab.add.click();
      const adding = addDialog(tab);
      await adding.phone.fill(phone());
      await adding.name.fill('The new one');
      await adding.primary.check();
      /* At once: the list that is asked for afterwards would tell it too. */
      await whileHeld(tab, 'GET', async () => {
        await adding.add.click();
        await seen(tab.rows.filter({ hasText: 'The new one' }).getByText('Primary', { exact: true }));
        await gone(tab.row(account).getByText('Primary', { exact: true }));
      });
    }));
});

describe('at the limit', () => {
  const full = () => Array.from({ length: 3 }, () => connected());

  test('no number can be added, and the button says why', () =>
    site.visit({ accounts: full() }, async ({ tab }) => {
      await isDisabled(tab.add);
      assert.match(await descriptionOf(tab.add), /limit/);
    }));

  test('a number that is disconnected makes room', () =>
    site.visit({ accounts: full() }, async ({ tab, accounts: [account] }) => {
      await isDisabled(tab.add);
      await tab.button(account, 'Disconnect').click();
      await disconnectDialog(tab).confirm.click();
      await isEnabled(tab.add);
      await hasAttribute(tab.add, 'aria-describedby', null);
    }));

  test('a page that did not know yet is told in the dialog, and a reconnect in a message', () =>
    site.visit({ accounts: [...full().slice(1), { account_name: 'One more' }] }, async ({ tab, ana, accounts }) => {
      tab.faults.expects(refused(403));
      const offline = accounts.at(-1);
      await tab.add.click();
      /* Nobody tells the page: the row is simply there. */
      await ana.account(connected());
      const adding = addDialog(tab);
      await adding.phone.fill(phone());
      await adding.add.click();
      await reads(adding.alert, /^The workspace has reached its number of connected accounts/);
      await adding.cancel.click();
      await tab.button(offline, 'Reconnect').click();
      await reads(tab.alert, /^The workspace has reached its number of connected accounts/);
      await hasAttribute(tab.state(offline), 'data-status', 'disconnected');
    }));
});

test('closing a dialog, whichever and however, sends no request and changes nothing', async () => {
  const dialogs = {
    add: { open: (tab) => tab.add, of: addDialog, out: 'cancel' },
    code: { open: (tab, account) => tab.button(account, 'Show QR code'), of: (tab) => pairingDialog(tab, 'Shop'),
      out: 'close' },
    disconnect: { open: (tab, account) => tab.button(account, 'Disconnect'), of: disconnectDialog, out: 'cancel' },
    delete: { open: (tab, account) => tab.button(account, 'Delete'), of: deleteDialog, out: 'cancel' },
    statistics: { open: (tab, account) => tab.button(account, 'Statistics'), of: (tab) => statisticsDialog(tab, 'Shop'),
      out: 'close' },
  };
  const accounts = [connecting({ account_name: 'Shop', qr_code: await imageOf(newCode()) })];
  await site.visit({ accounts, clock: true }, async ({ tab, accounts: [account] }) => {
    await tab.isLive();
    const earlier = await site.stack.state(account.id);
    for (const [name, { open, of, out }] of Object.entries(dialogs)) {
      for (const leave of [(parts) => parts[out].click(), () => tab.page.keyboard.press('Escape')]) {
        await open(tab, account).click();
        const parts = of(tab);
        await seen(parts.dialog);
        const asked = await tab.asks(async () => {
          await leave(parts);
          await gone(parts.dialog);
        });
        assert.deepEqual(asked, [], name);
      }
    }
    assert.deepEqual(await site.stack.state(account.id), earlier);
  });
});

describe('while a request runs', () => {
  test('the button that sent it is disabled, and pressing twice asks once', () =>
    site.visit({ accounts: [connected()] }, async ({ tab, accounts: [account] }) => {
      await tab.button(account, 'Delete').click();
      const { confirm, dialog } = deleteDialog(tab);
      await whileHeld(tab, 'DELETE', async () => {
        await confirm.dblclick();
        await isDisabled(confirm);
      });
      await gone(dialog, tab.row(account));
      assert.equal(tab.requests.filter(({ method }) => method === 'DELETE').length, 1);
    }));

  test('adding: pressing Enter twice adds one number', () => site.visit(async ({ tab }) => {
    await tab.add.click();
    const adding = addDialog(tab);
    await adding.phone.fill(phone());
    await whileHeld(tab, 'POST', async () => {
      await adding.phone.press('Enter');
      await isDisabled(adding.add);
      await adding.phone.press('Enter');
    });
    await gone(adding.dialog);
    await counts(tab.rows, 1);
    assert.equal(tab.requests.filter(({ method }) => method === 'POST').length, 1);
  }));

  test('all buttons of its row are disabled, those of other rows are not', () =>
    site.visit({ accounts: [connected(), connected()] }, async ({ tab, accounts: [account, other] }) => {
      await whileHeld(tab, 'POST', async () => {
        await tab.button(account, 'Set as primary').click();
        for (const verb of ['Set as primary', 'Disconnect', 'Statistics', 'Delete']) {
          await isDisabled(tab.button(account, verb));
          await isEnabled(tab.button(other, verb));
        }
      });
      await seen(tab.row(account).getByText('Primary', { exact: true }));
      await isEnabled(tab.button(account, 'Disconnect'));
    }));

  test('closing the dialog does not lose what the server says against it', () =>
    site.visit({ accounts: [connected()] }, async ({ tab, accounts: [account] }) => {
      tab.faults.expects(refused(503));
      await tab.button(account, 'Disconnect').click();
      await whileHeld(tab, 'POST', async () => {
        await disconnectDialog(tab).confirm.click();
        await tab.page.keyboard.press('Escape');
        await tab.noDialog();
      }, { status: 503, json: { message: 'Service temporarily unavailable', code: 'unavailable' } });
      await reads(tab.alert, /Service temporarily unavailable/);
      await hasAttribute(tab.state(account), 'data-status', 'connected');
    }));
});
