// hold: requests of a tab that are let through when the test says so.

import { PAGE } from '../../integration/lib/login.mjs';
import { comes } from './look.mjs';

const isOurs = ({ pathname }) => pathname === PAGE || pathname.startsWith(`${PAGE}/`);

/**
 * While `body` runs, requests with this method to our routes wait; then they go on, or get `answer` where it is given.
 */
export async function whileHeld({ page }, method, body, answer) {
  let isOver = false, held = 0, release;
  const gate = new Promise((resolve) => (release = resolve));
  /* The route stays where it is: one that is taken away lets go by itself whom it keeps. */
  await page.route(isOurs, async (route) => {
    if (isOver || route.request().method() !== method) return route.fallback();
    held++;
    await gate;
    return answer ? route.fulfill(answer) : route.fallback();
  });
  try {
    await body();
    /* A page sends a request some time after the click. */
    if (answer) await comes('there is a request to answer', () => held > 0);
  } finally {
    isOver = true;
    release();
  }
}

/**
 * Lists that are late: from now on the server's answer is kept as soon as it is there. `kept(n)` waits until there are
 * n, `release(n)` lets the first n arrive.
 */
export async function keepLists({ page }) {
  const gates = [];
  await page.route(({ pathname }) => pathname === PAGE, async (route) => {
    if (route.request().method() !== 'GET') return route.fallback();
    const response = await route.fetch();
    await new Promise((resolve) => gates.push(resolve));
    return route.fulfill({ response });
  });
  return {
    kept: (count) => comes(`${count} lists are kept`, () => gates.length >= count),
    release: (count) => gates.slice(0, count).forEach((open) => open()),
  };
}
