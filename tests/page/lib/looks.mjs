// looks: one state of the page in every look: wide and narrow, light and dark, and as narrow as it gets.

import assert from 'node:assert/strict';
import { isAccessible } from './axe.mjs';
import { shot } from './shot.mjs';

const WIDE = { width: 1280, height: 800 };
const NARROW = { width: 390, height: 844 };
/* What is left of a screen of 1280 at 400 %. */
const NARROWEST = { width: 320, height: 640 };

/* Everything once in each size and colour; how colours stand to each other, in both of them together. */
const LOOKS = [
  { suffix: '', size: WIDE, colorScheme: 'light' },
  { suffix: '-dark', size: WIDE, colorScheme: 'dark', rules: ['color-contrast'] },
  { suffix: '-narrow', size: NARROW, colorScheme: 'light', rules: ['color-contrast'] },
  { suffix: '-narrow-dark', size: NARROW, colorScheme: 'dark' },
];

/** Two frames: it is laid out and painted as it now is. */
const painted = (page) => page.evaluate(() => new Promise((resolve) => {
  requestAnimationFrame(() => requestAnimationFrame(resolve));
}));

/** Nothing, the page, a dialog or what is in them, is wider than the window. */
async function fits(page, what) {
  const wide = await page.evaluate(() => {
    const end = document.documentElement.clientWidth;
    const scrolls = [document.scrollingElement, ...document.querySelectorAll('dialog[open]')]
      .filter((element) => element.scrollWidth > element.clientWidth).map((element) => `${element.tagName} scrolls`);
    const sticks = [...document.querySelectorAll('body *')].filter((element) => {
      const { width, left, right } = element.getBoundingClientRect();
      return width > 1 && element.checkVisibility() && (right > end + 0.5 || left < -0.5);
    }).map((element) => `${element.tagName} ${element.className} sticks out: ${element.textContent.slice(0, 60)}`);
    return [...scrolls, ...sticks.slice(0, 5)];
  });
  assert.deepEqual(wide, [], what);
}

/**
 * A picture of each look, no fault for axe in any, and nothing that does not fit. `without`: a selector of what axe
 * need not look at.
 */
export async function looksRight(page, name, { without } = {}) {
  for (const { suffix, size, colorScheme, rules } of LOOKS) {
    await page.setViewportSize(size);
    await page.emulateMedia({ colorScheme });
    await painted(page);
    await shot(page, `${name}${suffix}`);
    await isAccessible(page, `${name}${suffix}`, { rules, without });
    await fits(page, `${name}${suffix}`);
  }
  await page.setViewportSize(NARROWEST);
  await painted(page);
  await fits(page, `${name} at ${NARROWEST.width} px`);
}
