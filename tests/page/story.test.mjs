// The whole story of a workspace's numbers, as a person lives it: nothing is reloaded, everything is seen when it
// happens, and at the end it is what the server has too.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { phone } from '../integration/lib/fixtures.mjs';
import { addDialog, deleteDialog, disconnectDialog, pairingDialog, statisticsDialog } from './lib/dialogs.mjs';
import { comes, counts, gone, hasAttribute, reads, seen } from './lib/look.mjs';
import { sessionOf } from './lib/service.mjs';
import { startSite } from './lib/site.mjs';

let site;
before(async () => (site = await startSite({ expiresIn: 6 })));
after(() => site?.stop());

const leftOf = (text) => Number(text.match(/(\d+):(\d\d)/)[1]) * 60 + Number(text.match(/(\d+):(\d\d)/)[2]);

/** Adds a number and looks at its QR code: {uuid, code}, the dialog of the code still open. */
async function addNumber(tab, { name, number }) {
  const before = await tab.rows.count();
  await tab.add.click();
  const adding = addDialog(tab);
  await adding.phone.fill(number);
  await adding.name.fill(name);
  await adding.add.click();
  await gone(adding.dialog);
  const { dialog, code } = pairingDialog(tab, name);
  await seen(dialog, code);
  await counts(tab.rows, before + 1);
  const row = tab.rows.filter({ hasText: name });
  return { uuid: await row.getAttribute('data-uuid'), code: await code.getAttribute('src') };
}

/** The phone scans the code that is shown; the dialog says so, and is closed. */
async function pair(tab, account, { name, number }) {
  const { dialog, connected, close } = pairingDialog(tab, name);
  await site.simulator.scan(await sessionOf(site.stack, account.uuid), number);
  await seen(connected);
  await close.click();
  await gone(dialog);
  await hasAttribute(tab.state(account), 'data-status', 'connected');
}

test('a person adds, pairs, promotes, disconnects, reconnects and deletes numbers, and never reloads the page',
  () => site.visit(async ({ tab, ana }) => {
    const [shop, service] = ['Shop', 'Service'].map((name) => ({ name, number: phone() }));
    await tab.page.evaluate(() => (window.isTheSame = true));
    await seen(tab.empty);
    await tab.isLive();

    /* The first number: its code appears, counts down, and is replaced before it ends. */
    const first = await addNumber(tab, shop);
    const { code, timer } = pairingDialog(tab, shop.name);
    assert.match(first.code, /^data:image\/png;base64,/);
    const left = leftOf(await reads(timer, /Expires in \d:\d\d/));
    await comes('fewer seconds are left', async () => leftOf(await timer.textContent()) < left);
    await comes('another code is shown', async () => await code.getAttribute('src') !== first.code);
    await comes('the seconds begin again', async () => leftOf(await timer.textContent()) > 3);
    await hasAttribute(tab.state(first), 'data-status', 'connecting');
    await pair(tab, first, shop);
    await reads(tab.sum('Total Numbers'), '1');
    await reads(tab.sum('Connected'), '1');
    await reads(tab.sum('Primary Number'), `+${shop.number}`);
    await reads(tab.sum('Status'), 'Active');

    /* A second one, which becomes the primary. */
    const second = await addNumber(tab, service);
    await pair(tab, second, service);
    await seen(tab.row(first).getByText('Primary', { exact: true }));
    await tab.button(second, 'Set as primary').click();
    await seen(tab.row(second).getByText('Primary', { exact: true }), tab.button(first, 'Set as primary'));
    await gone(tab.row(first).getByText('Primary', { exact: true }));
    await reads(tab.sum('Primary Number'), `+${service.number}`);
    assert.equal(await tab.rows.first().getAttribute('data-uuid'), second.uuid, 'the primary one stands first');

    /* The first one goes, and comes back by itself; taken off the phone's list, it needs another code. */
    await tab.button(first, 'Disconnect').click();
    await disconnectDialog(tab).confirm.click();
    await tab.noDialog();
    await hasAttribute(tab.state(first), 'data-status', 'disconnected');
    await reads(tab.sum('Connected'), '1');
    const again = pairingDialog(tab, shop.name);
    await tab.button(first, 'Reconnect').click();
    await seen(again.connected);
    await again.close.click();
    await site.simulator.unlink(await sessionOf(site.stack, first.uuid));
    await hasAttribute(tab.state(first), 'data-status', 'disconnected');
    await tab.button(first, 'Reconnect').click();
    await seen(again.code);
    await pair(tab, first, shop);

    const statistics = statisticsDialog(tab, shop.name);
    await tab.button(first, 'Statistics').click();
    await reads(statistics.value('Messages sent'), '0');
    await reads(statistics.health.getByRole('heading'), /Health score ?100/);
    await statistics.close.click();

    /* The primary one is deleted: the other one is the primary. */
    await tab.button(second, 'Delete').click();
    await deleteDialog(tab).confirm.click();
    await gone(tab.row(second));
    await seen(tab.row(first).getByText('Primary', { exact: true }));
    await tab.button(first, 'Delete').click();
    await deleteDialog(tab).confirm.click();
    await seen(tab.empty);

    assert.ok(await tab.page.evaluate(() => window.isTheSame), 'it is the same document');
    assert.equal(tab.requests.filter(({ isPage }) => isPage).length, 1);
    assert.equal(await site.stack.value(`SELECT COUNT(*) FROM whatsapp_accounts
      WHERE workspace_id = ${ana.workspace} AND deleted_at IS NULL`), '0');
  }));
