// shot: pictures of the page, in .run/screenshots; WA_SCREENSHOTS names another folder.

import { mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { source } from '../../integration/lib/stack.mjs';

const folder = process.env.WA_SCREENSHOTS || `${source}/.run/screenshots`;

/**
 * What is seen of the page right now, as NAME.png. Playwright's own ways to hide the caret and to stop animations put
 * styles into the page, which the page's policy forbids.
 */
export async function shot(page, name) {
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`), caret: 'initial', animations: 'allow' });
}

/** Of a test that fails; whatever goes wrong here, the test's own error is what is told. */
export const shotOfFailure = (page, number) =>
  shot(page, `FAILURE-${basename(process.argv[1], '.test.mjs')}-${number}`).catch(() => {});
