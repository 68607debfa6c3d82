// The page in each of its states, wide and narrow, light and dark: readable, usable without seeing, nothing sticks out;
// and a picture of each in .run/screenshots.

import { after, before, describe, test } from 'node:test';
import { looksRight } from './lib/looks.mjs';
import { startSite } from './lib/site.mjs';
import { pageStates } from './lib/states.mjs';

let site;
before(async () => (site = await startSite({ env: { WA_MAX_ACCOUNTS: 3 } })));
after(() => site?.stop());

describe('the page looks right', () => {
  for (const [name, { accounts = () => [], show, leave }] of Object.entries(pageStates)) {
    test(name, async () => site.visit({ accounts: await accounts() }, async (visited) => {
      try {
        await show({ site, ...visited });
        await looksRight(visited.tab.page, name);
      } finally {
        await leave?.({ site });
      }
    }));
  }
});
