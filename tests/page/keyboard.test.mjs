// Everything can be done with the keyboard alone, and who uses it never loses their place.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { connected, connecting, phone } from './lib/accounts.mjs';
import { addDialog, deleteDialog, disconnectDialog, pairingDialog, statisticsDialog } from './lib/dialogs.mjs';
import { comes, counts, gone, hasAttribute, isFocused, seen } from './lib/look.mjs';
import { newCode, report, sessionOf } from './lib/service.mjs';
import { startSite } from './lib/site.mjs';

let site;
before(async () => (site = await startSite()));
after(() => site?.stop());

/** Tab until the keyboard is at this element. */
async function goTo({ page }, locator) {
  for (let i = 0; i < 60; i++) {
    if (await locator.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press('Tab');
  }
  assert.fail(`no Tab leads to ${locator}`);
}

const press = ({ page }, key) => page.keyboard.press(key);
/** Where the keyboard is: in the page somewhere, and not nowhere. */
const isSomewhere = ({ page }) => comes('the keyboard is somewhere', () =>
  page.evaluate(() => document.activeElement !== null && document.activeElement !== document.body));

test('a number is added and paired without a mouse', () => site.visit(async ({ tab }) => {
  await tab.isLive();
  await goTo(tab, tab.add);
  await press(tab, 'Enter');
  const adding = addDialog(tab);
  await isFocused(adding.phone);
  await tab.page.keyboard.type(phone());
  await press(tab, 'Tab');
  await isFocused(adding.name);
  await tab.page.keyboard.type('Shop');
  await press(tab, 'Tab');
  await isFocused(adding.connection);
  await goTo(tab, adding.primary);
  await press(tab, 'Space');
  await goTo(tab, adding.add);
  await press(tab, 'Enter');
  const { code, connected: done, dialog, close } = pairingDialog(tab, 'Shop');
  await seen(code);
  const uuid = await tab.rows.first().getAttribute('data-uuid');
  await site.simulator.scan(await sessionOf(site.stack, uuid));
  await seen(done);
  await goTo(tab, close);
  await press(tab, 'Enter');
  await gone(dialog);
  await isSomewhere(tab);
}));

test('Escape closes each dialog, and the keyboard is back at the button that opened it', () => {
  const dialogs = [
    [(tab) => tab.add, addDialog],
    [(tab, account) => tab.button(account, 'Show QR code'), (tab) => pairingDialog(tab, 'Shop')],
    [(tab, account) => tab.button(account, 'Disconnect'), disconnectDialog],
    [(tab, account) => tab.button(account, 'Statistics'), (tab) => statisticsDialog(tab, 'Shop')],
    [(tab, account) => tab.button(account, 'Delete'), deleteDialog],
  ];
  return site.visit({ accounts: [connecting({ account_name: 'Shop', qr_code: newCode() })] },
    async ({ tab, accounts: [account] }) => {
      for (const [opener, of] of dialogs) {
        await goTo(tab, opener(tab, account));
        await press(tab, 'Enter');
        const { dialog } = of(tab);
        await seen(dialog);
        await comes('the keyboard is in the dialog', () =>
          dialog.evaluate((element) => element.contains(document.activeElement)));
        await press(tab, 'Escape');
        await gone(dialog);
        await isFocused(opener(tab, account));
      }
    });
});

test('Tab never leads out of an open dialog into the page behind it', () =>
  site.visit({ accounts: [connected(), connected()] }, async ({ tab }) => {
    await goTo(tab, tab.add);
    await press(tab, 'Enter');
    const { dialog } = addDialog(tab);
    await seen(dialog);
    for (let i = 0; i < 12; i++) {
      await press(tab, 'Tab');
      /* After the last one comes the browser itself, where the page has no focus. */
      assert.ok(await dialog.evaluate((element) => element.contains(document.activeElement)
        || document.activeElement === document.body), `after ${i + 1} Tabs`);
    }
  }));

test('a question begins at Cancel: Enter, pressed once too often, deletes nothing', () =>
  site.visit({ accounts: [connected()] }, async ({ tab, accounts: [account] }) => {
    await goTo(tab, tab.button(account, 'Delete'));
    await press(tab, 'Enter');
    await isFocused(deleteDialog(tab).cancel);
    await press(tab, 'Enter');
    await tab.noDialog();
    await counts(tab.row(account), 1);
    assert.ok(!tab.requests.some(({ method }) => method === 'DELETE'));
  }));

test('an input that is refused: the keyboard is at the first field that is wrong', () => site.visit(async ({ tab }) => {
  tab.faults.expects(/status of 422/);
  await goTo(tab, tab.add);
  await press(tab, 'Enter');
  const adding = addDialog(tab);
  await goTo(tab, adding.add);
  await press(tab, 'Enter');
  await hasAttribute(adding.phone, 'aria-invalid', 'true');
  await isFocused(adding.phone);
}));

describe('where the button goes that was pressed, the keyboard is still somewhere', () => {
  test('after a number became the primary one', () =>
    site.visit({ accounts: [connected()] }, async ({ tab, accounts: [account] }) => {
      await goTo(tab, tab.button(account, 'Set as primary'));
      await press(tab, 'Enter');
      await counts(tab.button(account, 'Set as primary'), 0);
      await isSomewhere(tab);
    }));

  test('after a number was deleted', () =>
    site.visit({ accounts: [connected(), connected()] }, async ({ tab, accounts: [account] }) => {
      await goTo(tab, tab.button(account, 'Delete'));
      await press(tab, 'Enter');
      await goTo(tab, deleteDialog(tab).confirm);
      await press(tab, 'Enter');
      await gone(tab.row(account));
      await isSomewhere(tab);
    }));

  test('after a number was disconnected', () =>
    site.visit({ accounts: [connected()] }, async ({ tab, accounts: [account] }) => {
      await goTo(tab, tab.button(account, 'Disconnect'));
      await press(tab, 'Enter');
      await goTo(tab, disconnectDialog(tab).confirm);
      await press(tab, 'Enter');
      await hasAttribute(tab.state(account), 'data-status', 'disconnected');
      await tab.noDialog();
      await isSomewhere(tab);
    }));

  test('after a number was paired, and its QR code is not there to be shown any more', () =>
    site.visit({ accounts: [connecting({ account_name: 'Shop', qr_code: newCode() })] },
      async ({ tab, accounts: [account] }) => {
        await tab.isLive();
        await goTo(tab, tab.button(account, 'Show QR code'));
        await press(tab, 'Enter');
        const { connected: done, dialog } = pairingDialog(tab, 'Shop');
        await seen(dialog);
        await report(site.stack, account, 'connected');
        await seen(done);
        await press(tab, 'Escape');
        await gone(dialog);
        await isSomewhere(tab);
      }));

  test('after a number was connected again', () =>
    site.visit({ accounts: [{ account_name: 'Shop', phone_number: phone() }] },
      async ({ tab, accounts: [account] }) => {
        await goTo(tab, tab.button(account, 'Reconnect'));
        await press(tab, 'Enter');
        const { dialog } = pairingDialog(tab, 'Shop');
        await seen(dialog);
        await press(tab, 'Escape');
        await gone(dialog);
        await isSomewhere(tab);
      }));
});
