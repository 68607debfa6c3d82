// A number that the workspace has already is paired by way of a new account: the known one goes on, before the eyes of
// who did it.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { connected, phone } from '../integration/lib/fixtures.mjs';
import { addDialog, pairingDialog } from './lib/dialogs.mjs';
import { counts, hasAttribute, seen } from './lib/look.mjs';
import { startSite } from './lib/site.mjs';

const ways = {
  'told by events': {},
  'found out by asking': { BROADCAST_CONNECTION: 'null' },
};
for (const [how, env] of Object.entries(ways)) {
  describe(how, () => {
    let site;
    before(async () => (site = await startSite({ env })));
    after(() => site?.stop());

    test('the dialog of the new account says that the known one is connected', () =>
      site.visit({ accounts: [connected({ connection_status: 'disconnected', account_name: 'Old desk' })] },
        async ({ tab, accounts: [known] }) => {
          await tab.add.click();
          const adding = addDialog(tab);
          await adding.phone.fill(phone());
          await adding.name.fill('New desk');
          await adding.add.click();
          await seen(pairingDialog(tab, 'New desk').code);
          /* While it is gone and its heir is not yet told, it may be asked for once more. */
          tab.faults.expects(/status of 404/);
          const [session] = await site.stack.column(`SELECT session_id FROM whatsapp_accounts
            WHERE workspace_id = ${known.workspace_id} AND id <> ${known.id}`);
          await site.simulator.scan(session, known.phone_number);

          const { connected: says, close } = pairingDialog(tab, 'Old desk');
          await seen(says);
          await close.click();
          await counts(tab.rows, 1);
          await hasAttribute(tab.state(known), 'data-status', 'connected');
          assert.deepEqual(await site.stack.column(`SELECT uuid FROM whatsapp_accounts WHERE deleted_at IS NULL
            AND workspace_id = ${known.workspace_id}`), [known.uuid]);
        }));
  });
}
