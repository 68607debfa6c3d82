// look: what a person sees, waited for.
//
// Each of these waits until it is so, and fails with what is there instead.

import assert from 'node:assert/strict';
import { pause } from '../../integration/lib/processes.mjs';

/* Far more than anything takes, even when other tests load all cores. */
export const PATIENCE_MS = 15_000;
/* An element that is not there is asked for again: it may be another one by then. */
const soon = { timeout: 500 };

/** Wait until `probe()` is true; an exception counts as "not yet". */
export async function comes(what, probe) {
  const end = Date.now() + PATIENCE_MS;
  let last;
  do {
    try {
      if (await probe()) return;
    } catch (error) {
      last = error;
    }
    await pause(20);
  } while (Date.now() < end);
  assert.fail(`this never came true: ${what}${last ? ` (${last.message})` : ''}`);
}

export const seen = (...locators) => Promise.all(locators.map((locator) => locator.waitFor({ state: 'visible' })));
export const gone = (...locators) => Promise.all(locators.map((locator) => locator.waitFor({ state: 'hidden' })));

/** What is read from an element in the end, if it is never what it should be. */
async function settles(locator, what, read, isRight) {
  let last;
  try {
    await comes(what, async () => isRight(last = await read()));
  } catch {
    assert.fail(`${what}: ${locator} is ${JSON.stringify(last)}`);
  }
  return last;
}

const matches = (wanted) => (text) => (wanted instanceof RegExp ? wanted.test(text ?? '') : text === wanted);
const oneLine = (text) => text?.replace(/\s+/g, ' ').trim();

/** The element's text, with simple spaces, is this or matches it; returns it. */
export const reads = (locator, wanted) => settles(locator, `it reads ${wanted}`,
  async () => oneLine(await locator.textContent(soon)), matches(wanted));

export const counts = (locator, wanted) => settles(locator, `there are ${wanted}`, () => locator.count(),
  (count) => count === wanted);

export const hasValue = (locator, wanted) => settles(locator, `its value is ${wanted}`,
  () => locator.inputValue(soon), matches(wanted));

/** An attribute of the element; null where it must not be there. */
export const hasAttribute = (locator, name, wanted) => settles(locator, `${name} is ${wanted}`,
  () => locator.getAttribute(name, soon), matches(wanted));

export const isDisabled = (locator) => comes(`${locator} is disabled`, () => locator.isDisabled(soon));
export const isEnabled = (locator) => comes(`${locator} is enabled`, () => locator.isEnabled(soon));

/** The keyboard is at this element. */
export const isFocused = (locator) => comes(`${locator} has the focus`,
  () => locator.evaluate((element) => element === document.activeElement, undefined, soon));

/** The texts of the elements that aria-describedby names, in one. */
export async function descriptionOf(locator) {
  return oneLine(await locator.evaluate((element) => (element.getAttribute('aria-describedby') ?? '').split(/\s+/)
    .map((id) => document.getElementById(id)?.textContent ?? '').join(' ')));
}
