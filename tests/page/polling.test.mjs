// Where no events arrive, because the broadcaster is down or there is none, the page asks again and again: sooner while
// something is going on, seldom while nobody looks. Time is the tab's own clock here.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { withSettings } from '../integration/lib/settings.mjs';
import { connected, connecting } from './lib/accounts.mjs';
import { noSocket } from './lib/chromium.mjs';
import { pairingDialog } from './lib/dialogs.mjs';
import { gone, hasAttribute, reads, seen } from './lib/look.mjs';
import { report, showCode } from './lib/service.mjs';
import { startSite } from './lib/site.mjs';

let site;
before(async () => (site = await startSite()));
after(() => site?.stop());

/** What it asks while so many seconds of the tab's clock go by; each request is answered at the end of its second. */
async function asksWithin(tab, seconds) {
  const { clock } = tab.page;
  await clock.pauseAt(await tab.page.evaluate(() => Date.now() + 1000));
  await tab.isQuiet();
  const before = tab.requests.length;
  for (let i = 0; i < seconds; i++) {
    await clock.runFor(1000);
    await tab.isQuiet();
    await tab.isAnswered();
  }
  await clock.resume();
  return tab.requests.slice(before).map(({ method, path }) => `${method} ${path}`);
}

/** The tab as it is when the person looks at another one, or comes back. */
const lookAway = ({ page }, isHidden) => page.evaluate((hidden) => {
  Object.defineProperty(document, 'hidden', { configurable: true, value: hidden });
  Object.defineProperty(document, 'visibilityState', { configurable: true, value: hidden ? 'hidden' : 'visible' });
  document.dispatchEvent(new Event('visibilitychange'));
}, isHidden);

const oneShop = { accounts: [connecting({ account_name: 'Shop' })], clock: true };

test('when the broadcaster goes in the middle of a pairing, it goes on without; when it is back, nothing is asked',
  () => site.visit(oneShop, async ({ tab, accounts: [account] }) => {
    tab.faults.expects(noSocket);
    await tab.isLive();
    await reads(tab.live, 'Live');
    await tab.button(account, 'Show QR code').click();
    const { code, connected: done, waits } = pairingDialog(tab, 'Shop');
    await seen(waits);
    await showCode(site.stack, account);
    await seen(code);
    try {
      await site.pusher.stop();
      await tab.isPolling();
      await reads(tab.live, 'Checking every few seconds');
      const shown = await showCode(site.stack, account);
      await asksWithin(tab, 3);
      await hasAttribute(code, 'src', shown);
      await report(site.stack, account, 'connected');
      await asksWithin(tab, 3);
      await seen(done);
      await hasAttribute(tab.state(account), 'data-status', 'connected');
    } finally {
      await site.pusher.start();
    }
    await tab.isLiveAgain();
    await report(site.stack, account, 'disconnected');
    await hasAttribute(tab.state(account), 'data-status', 'disconnected');
    await tab.page.clock.install();
    assert.deepEqual(await asksWithin(tab, 60), []);
  }));

describe('without a broadcaster', () => {
  const alone = (options, body) => withSettings(site.stack, { BROADCAST_CONNECTION: 'null' }, () =>
    site.visit({ ...options, clock: true }, async (all) => {
      await all.tab.isPolling();
      /* The list that a page asks for once, when it is new. */
      await all.tab.asks(() => {});
      await body(all);
    }));

  test('the page asks for the list every 15 seconds, and five times less often in a hidden tab', () =>
    alone({ accounts: [connected()] }, async ({ tab }) => {
      assert.deepEqual(await asksWithin(tab, 60), Array(4).fill('GET '));
      await lookAway(tab, true);
      assert.deepEqual(await asksWithin(tab, 70), []);
      assert.deepEqual(await asksWithin(tab, 90), Array(2).fill('GET '));
      /* Who comes back sees at once what has happened. */
      const asked = await tab.asks(() => lookAway(tab, false));
      assert.deepEqual(asked, ['GET ']);
      assert.deepEqual(await asksWithin(tab, 35), Array(2).fill('GET '));
    }));

  test('every 5 seconds while something is connecting', () =>
    alone({ accounts: [connecting({ account_name: 'Shop' })] }, async ({ tab, accounts: [account] }) => {
      assert.deepEqual(await asksWithin(tab, 20), Array(4).fill('GET '));
      await report(site.stack, account, 'connected');
      await asksWithin(tab, 6);
      await hasAttribute(tab.state(account), 'data-status', 'connected');
      assert.equal((await asksWithin(tab, 60)).length, 4);
    }));

  test('every 3 seconds for the number whose QR code is looked at, and no more when its dialog is closed', () =>
    alone({ accounts: [connecting({ account_name: 'Shop' })] }, async ({ tab, accounts: [account] }) => {
      await tab.button(account, 'Show QR code').click();
      const { code, connected: done, close, dialog } = pairingDialog(tab, 'Shop');
      await seen(dialog);
      const shown = await showCode(site.stack, account);
      const asked = await asksWithin(tab, 30);
      const looks = asked.filter((line) => line === `GET /${account.uuid}`).length;
      /* One more when a list comes first and tells of a code that it does not have. */
      assert.ok(looks === 10 || looks === 11, `${looks} times`);
      await hasAttribute(code, 'src', shown);
      await report(site.stack, account, 'connected');
      await asksWithin(tab, 4);
      await seen(done);
      await close.click();
      await gone(dialog);
      assert.ok(!(await asksWithin(tab, 15)).includes(`GET /${account.uuid}`));
    }));

  test('a pairing that fails says why', () =>
    alone({ accounts: [connecting({ account_name: 'Shop' })] }, async ({ tab, accounts: [account] }) => {
      await tab.button(account, 'Show QR code').click();
      const { dialog, failed, retry } = pairingDialog(tab, 'Shop');
      await report(site.stack, account, 'error', { metadata: { last_error: 'The phone said no' } });
      await asksWithin(tab, 4);
      await seen(failed, retry, dialog.getByText('The phone said no'));
    }));
});
