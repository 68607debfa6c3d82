// states: what the page can look like, as a table: the accounts that are there, and what leads from the page to it.

import { refused, noSocket } from './chromium.mjs';
import { connected, connecting, failed, phone, utc } from './accounts.mjs';
import { addDialog, deleteDialog, disconnectDialog, pairingDialog, statisticsDialog } from './dialogs.mjs';
import { counts, hasAttribute, isDisabled, reads, seen } from './look.mjs';
import { imageOf, newCode, report } from './service.mjs';

const shop = (changes) => connected({ account_name: 'Kedai Kopi Menteng', ...changes });
const pairing = async (changes) =>
  connecting({ account_name: 'Front desk', qr_code: await imageOf(newCode()), ...changes });

/** One of each kind, and one with a name that is nowhere to be broken. */
const oneOfEach = async () => [
  { account_name: 'Old warehouse', phone_number: phone(), last_activity_at: utc(-86400 * 40) },
  failed('The phone has been offline for too long', { account_name: 'Delivery', phone_number: phone() }),
  connected({ account_name: `Support-${'x'.repeat(80)}`, provider_type: 'meta' }),
  await pairing(),
  shop({ is_primary: 1 }),
];

async function showCode({ tab, accounts: [account] }) {
  await tab.isLive();
  await tab.button(account, 'Show QR code').click();
  const dialog = pairingDialog(tab, 'Front desk');
  await seen(dialog.dialog);
  return dialog;
}

/**
 * name → {accounts(), options, show({site, tab, accounts}), leave({site})}: `options` are more of site.visit's, `leave`
 * undoes what `show` has done to the site.
 */
export const pageStates = {
  empty: { show: ({ tab }) => seen(tab.empty) },
  list: {
    accounts: oneOfEach,
    async show({ tab }) {
      await tab.isLive();
      await counts(tab.rows, 5);
    },
  },
  limit: {
    accounts: () => [connected(), connected(), connected()],
    show: ({ tab }) => isDisabled(tab.add),
  },
  'toast-error': {
    accounts: oneOfEach,
    async show({ tab, accounts }) {
      tab.faults.expects(refused(503));
      await tab.page.route('**/set-primary', (route) => route.fulfill({ status: 503,
        json: { success: false, message: 'Service temporarily unavailable', code: 'unavailable' } }));
      await tab.button(accounts[0], 'Set as primary').click();
      await reads(tab.alert, /Service temporarily unavailable/);
    },
  },
  polling: {
    accounts: oneOfEach,
    async show({ tab, site }) {
      tab.faults.expects(noSocket);
      await tab.isLive();
      await site.pusher.stop();
      await tab.isPolling();
    },
    leave: ({ site }) => site.pusher.start(),
  },
};

export const dialogStates = {
  add: {
    async show({ tab }) {
      await tab.add.click();
      await seen(addDialog(tab).dialog);
    },
  },
  'add-errors': {
    async show({ tab }) {
      tab.faults.expects(refused(422));
      await tab.add.click();
      const { name, phone: number, add } = addDialog(tab);
      await number.fill('12');
      await name.fill('n'.repeat(256));
      await add.click();
      await hasAttribute(number, 'aria-invalid', 'true');
      await hasAttribute(name, 'aria-invalid', 'true');
    },
  },
  waiting: {
    accounts: () => [connecting({ account_name: 'Front desk' })],
    show: async (shown) => seen((await showCode(shown)).waits),
  },
  qr: {
    accounts: async () => [await pairing()],
    show: async (shown) => seen((await showCode(shown)).code),
  },
  'qr-expired': {
    accounts: async () => [await pairing()],
    options: { clock: true },
    async show(shown) {
      const { code, expired } = await showCode(shown);
      await seen(code);
      await shown.tab.page.clock.fastForward(61_000);
      await seen(expired);
    },
  },
  connected: {
    accounts: async () => [await pairing({ phone_number: phone() })],
    async show(shown) {
      const { connected: done } = await showCode(shown);
      await report(shown.site.stack, shown.accounts[0], 'connected');
      await seen(done);
    },
  },
  failed: {
    accounts: async () => [await pairing()],
    async show(shown) {
      const { dialog, retry } = await showCode(shown);
      await report(shown.site.stack, shown.accounts[0], 'error', { metadata: { error: 'The browser has crashed' } });
      await seen(retry, dialog.getByText('The browser has crashed'));
    },
  },
  'confirm-disconnect': {
    accounts: oneOfEach,
    async show({ tab, accounts }) {
      await tab.button(accounts.at(-1), 'Disconnect').click();
      await seen(disconnectDialog(tab).dialog);
    },
  },
  'confirm-delete': {
    accounts: oneOfEach,
    async show({ tab, accounts }) {
      await tab.button(accounts[2], 'Delete').click();
      await seen(deleteDialog(tab).dialog);
    },
  },
  statistics: {
    accounts: () => [shop(), failed('The phone is off', { account_name: 'Delivery', phone_number: phone() })],
    async show({ tab, accounts: [, account] }) {
      await tab.button(account, 'Statistics').click();
      await seen(statisticsDialog(tab, 'Delivery').health);
    },
  },
};
