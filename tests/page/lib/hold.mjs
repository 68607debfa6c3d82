// hold: requests of a tab that are let through when the test says so.

import { PAGE } from '../../integration/lib/login.mjs';
import { comes } from './look.mjs';

const isOurs = ({ pathname }) => pathname === PAGE || pathname.startsWith(`${PAGE}/`);

/** {route, release}: `route` passes on what comes while nobody has released it, and answers what `decide` says. */
async function gateAt({ page }, method, isMeant, decide) {
  let isOpen = false, release;
  const gate = new Promise((resolve) => (release = resolve));
  /* It stays where it is: a route that is taken away lets go by itself whom it keeps. */
  await page.route(isMeant, async (route) => {
    if (isOpen || route.request().method() !== method) return route.fallback();
    return decide(route, gate);
  });
  return () => {
    isOpen = true;
    release();
  };
}

/** While `body` runs, requests with this method to our routes wait; then they go on, or are answered with `answer`. */
export async function whileHeld(tab, method, body, answer) {
  const release = await gateAt(tab, method, isOurs, async (route, gate) => {
    await gate;
    return answer ? route.fulfill(answer) : route.fallback();
  });
  try {
    await body();
  } finally {
    release();
  }
}

/**
 * Answers that are late: from now on the server's own answers to such requests are kept as soon as they are there.
 * `kept(n)` waits until there are n of them, `release()` lets them arrive.
 */
export async function keepAnswers(tab, method, isKept = isOurs) {
  let count = 0;
  const release = await gateAt(tab, method, isKept, async (route, gate) => {
    const response = await route.fetch();
    count++;
    await gate;
    return route.fulfill({ response });
  });
  return { kept: (wanted) => comes(`${wanted} answers are kept`, () => count >= wanted), release };
}
