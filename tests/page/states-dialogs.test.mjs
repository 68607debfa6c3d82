// The dialogs in each of their states, wide and narrow, light and dark: readable, usable without seeing, nothing sticks
// out; and a picture of each in .run/screenshots.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { connecting } from './lib/accounts.mjs';
import { pairingDialog } from './lib/dialogs.mjs';
import { seen } from './lib/look.mjs';
import { looksRight } from './lib/looks.mjs';
import { scanned } from './lib/scan.mjs';
import { imageOf, newCode } from './lib/service.mjs';
import { startSite } from './lib/site.mjs';
import { dialogStates } from './lib/states.mjs';

let site;
before(async () => (site = await startSite({ env: { WA_MAX_ACCOUNTS: 3 } })));
after(() => site?.stop());

describe('a dialog looks right', () => {
  for (const [name, { accounts = () => [], options, show }] of Object.entries(dialogStates)) {
    test(name, async () => site.visit({ ...options, accounts: await accounts() }, async (visited) => {
      await show({ site, ...visited });
      await looksRight(visited.tab.page, name);
    }));
  }
});

describe('a phone can read the QR code on the screen', () => {
  const kinds = { 'the picture that was reported': imageOf, 'the text that was reported, drawn': (code) => code };
  for (const [what, reported] of Object.entries(kinds)) {
    test(what, async () => {
      const code = newCode();
      const accounts = [connecting({ account_name: 'Shop', qr_code: await reported(code) })];
      await site.visit({ accounts }, async ({ tab, context, accounts: [account] }) => {
        await tab.button(account, 'Show QR code').click();
        const { code: image } = pairingDialog(tab, 'Shop');
        await seen(image);
        for (const [width, colorScheme] of [[1280, 'light'], [1280, 'dark'], [320, 'dark']]) {
          await tab.page.setViewportSize({ width, height: 800 });
          await tab.page.emulateMedia({ colorScheme });
          assert.equal(await scanned(context, image), code, `${width} px, ${colorScheme}`);
        }
      });
    });
  }
});

describe('what moves', () => {
  const moving = (page) => page.evaluate(() => document.getAnimations()
    .filter(({ playState, effect }) => playState === 'running' && effect.getTiming().iterations === Infinity).length);
  for (const [what, motion, count] of [['turns while one waits', true, 1],
    ['stands still for who has asked for that', false, 0]]) {
    test(what, () => site.visit({ accounts: [connecting({ account_name: 'Shop' })], motion },
      async ({ tab, accounts: [account] }) => {
        await tab.button(account, 'Show QR code').click();
        await seen(pairingDialog(tab, 'Shop').waits);
        assert.equal(await moving(tab.page), count);
      }));
  }

  test('no colour fades for who has asked for that', () => site.visit(async ({ tab }) => {
    await tab.add.click();
    await seen(tab.anyDialog);
    const fading = await tab.page.evaluate(() => [...document.querySelectorAll('*')].filter((element) => {
      const { transitionDuration, transitionProperty, animationName } = getComputedStyle(element);
      const isShort = transitionDuration.split(',').every((time) => parseFloat(time) <= 0.001);
      return (transitionProperty !== 'none' && !isShort) || animationName !== 'none';
    }).map(({ outerHTML }) => outerHTML.slice(0, 120)));
    assert.deepEqual(fading, []);
  }));
});
