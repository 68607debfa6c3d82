// site: all that stands behind the page: nginx, the pool with its relay, MariaDB, a server of the Pusher protocol, the
// simulator of the Node.js service with its phones; and a browser, in which people open the page.
//
//   const site = await startSite();
//   test('…', () => site.visit({ accounts: [connected()] }, async ({ tab, ana, accounts }) => { … }));
//   await site.stop();

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join as joinPath } from 'node:path';
import { logIn } from '../../integration/lib/login.mjs';
import { startPusher } from '../../integration/lib/pusher-server.mjs';
import { source, startStack } from '../../integration/lib/stack.mjs';
import { startSimulator } from '../../demo/simulator.mjs';
import { startChromium } from './chromium.mjs';
import { PATIENCE_MS } from './look.mjs';
import { shotOfFailure } from './shot.mjs';
import { openTab } from './tab.mjs';

/** The page as Vite has built it; ./dev test builds it. WA_PAGE names another folder. */
export const built = process.env.WA_PAGE || `${source}/.run/web/dist`;

const WIDE = { width: 1280, height: 800 };

/**
 * Options: `env`, settings of the pool; `expiresIn` and `qrAfterMs` of the simulator; all others are the stack's.
 */
export async function startSite({ env = {}, expiresIn, qrAfterMs = 50, ...options } = {}) {
  if (!existsSync(joinPath(built, 'manifest.json'))) {
    throw new Error(`the page is not built in ${built}; run ./dev test once: it builds it`);
  }
  const ends = [];
  const stop = async () => {
    for (const end of ends.reverse()) await end();
  };
  try {
    return await begin();
  } catch (error) {
    await stop().catch((second) => (error.message += `\n${second.message}`));
    throw error;
  }

  async function begin() {
    const pusher = await startPusher();
    ends.push(() => pusher.end());
    const simulator = await startSimulator({ expiresIn, qrAfterMs });
    ends.push(() => simulator.stop());
    const stack = await startStack({
      ...options,
      page: built,
      broadcaster: pusher.port,
      env: { WA_RELAY: 'on', WA_RELAY_POLL: 100, WA_PAGE_TEMPLATE: `${source}/web/app.html`,
        WA_PAGE_MANIFEST: joinPath(built, 'manifest.json'), ...simulator.env(), ...pusher.env(), ...env },
    });
    ends.push(() => stack.stop());
    simulator.reportTo(stack);
    const chromium = await startChromium();
    ends.push(() => chromium.close());
    return { stack, pusher, simulator, chromium, stop,
      visit: (...args) => visit({ stack, chromium }, ...args) };
  }
}

/** Someone who is logged in, in a browser of their own: {login, context, newTab, close}. */
async function openBrowser({ stack, chromium }, login, { dark = false, motion = false, clock = false,
  viewport = WIDE }) {
  const context = await chromium.newContext({ baseURL: stack.url, viewport, locale: 'en-GB', timezoneId: 'UTC',
    colorScheme: dark ? 'dark' : 'light', reducedMotion: motion ? 'no-preference' : 'reduce' });
  context.setDefaultTimeout(PATIENCE_MS);
  if (clock) await context.clock.install();
  if (login.cookie) {
    const [name, value] = login.cookie.split(/=(.*)/s);
    await context.addCookies([{ name, value, url: stack.url, httpOnly: true, sameSite: 'Lax' }]);
  }
  const tabs = [];
  return {
    login,
    context,
    tabs,
    async newTab() {
      tabs.push(await openTab(context, { clock }));
      return tabs.at(-1);
    },
    faults: () => tabs.flatMap((tab) => tab.faults.left()),
    async close() {
      /* What a test still holds back is of no interest to anybody. */
      for (const { page } of tabs) await page.unrouteAll({ behavior: 'ignoreErrors' });
      await context.unrouteAll({ behavior: 'ignoreErrors' });
      await context.close();
    },
  };
}

/**
 * Somebody new logs in and opens the page; what `body` is told is {tab, ana, accounts, newTab, anotherPerson}.
 * Then nothing may stand in the console that it did not expect.
 *
 *   accounts   columns of the accounts that are there
 *   login      of somebody else, as logIn gives it
 *   open       false: the tab is still empty
 *   viewport, dark, motion (true: the person does not mind)
 *   clock      true: the tabs' clock can be put forward
 *
 * `anotherPerson(options)` opens a browser for a colleague of the same workspace: {tab, ana, …}.
 */
async function visit(site, options, body = options) {
  const given = typeof options === 'function' ? {} : options;
  const browsers = [];
  const failed = async (error) => {
    const faults = browsers.flatMap((browser) => browser.faults());
    if (faults.length > 0) error.message += `\nin the console:\n${faults.join('\n')}`;
    await Promise.all(browsers.flatMap(({ tabs }) => tabs).map(({ page }, i) => shotOfFailure(page, i)));
    throw error;
  };

  async function enter({ login, accounts = [], open = true, ...look }) {
    const ana = login ?? await logIn(site.stack);
    const made = [];
    for (const columns of accounts) made.push(await ana.account(columns));
    const browser = await openBrowser(site, ana, look);
    browsers.push(browser);
    const tab = await browser.newTab();
    if (open) await tab.open();
    return { tab, ana, accounts: made, context: browser.context, newTab: browser.newTab };
  }

  try {
    const entered = await enter(given);
    await body({ ...entered, anotherPerson: enter }).catch(failed);
    assert.deepEqual(browsers.flatMap((browser) => browser.faults()), [], 'nothing unexpected in the console');
  } finally {
    for (const browser of browsers) await browser.close();
  }
}
