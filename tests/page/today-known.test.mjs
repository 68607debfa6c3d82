// The page of sessions as it is deployed today, and the numbers that are in its list: whatever a person does there, and
// in how many tabs, none that is worth something is lost.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { metrics } from '../integration/lib/observe.mjs';
import { until } from '../integration/lib/processes.mjs';
import { connected, connecting, utc } from './lib/accounts.mjs';
import { comes, counts, gone, hasAttribute, seen } from './lib/look.mjs';
import { report } from './lib/service.mjs';
import { actsOn } from './lib/today-acts.mjs';
import { openToday, startTodaySite } from './lib/today.mjs';

let site;
before(async () => (site = await startTodaySite()));
after(() => site?.stop());

const { visit, begin, says, scan, unlink, pair, closes, keeps, isDeleted, stateOf, whileIdle } = actsOn(() => site);

/** A primary number that was connected, and now is not. */
const paired = (changes) => connected({ connection_status: 'disconnected', is_primary: 1, ...changes });

describe('a number that was connected', () => {
  test('is disconnected and stays in the list', () =>
    visit(async ({ today }) => {
      const session = await pair(today);
      await today.button(session, 'Disconnect').click();
      await hasAttribute(today.row(session), 'data-status', 'disconnected');
      assert.equal((await stateOf(session)).phone_number, session.number);
    }));

  test('is reconnected, and its dialog closed before anything came: nothing is deleted, it is in the list', () =>
    whileIdle(() => visit({ accounts: [paired()] },
      async ({ today, accounts: [session] }) => {
        await today.button(session, 'Reconnect').click();
        await seen(today.dialog);
        await keeps(1, () => closes(today, 409));
        await hasAttribute(today.row(session), 'data-status', 'disconnected');
        await seen(today.button(session, 'Reconnect'));
        const now = await stateOf(session);
        assert.equal(now.deleted_at, null);
        assert.equal(now.phone_number, session.phone_number);
        assert.equal(now.is_primary, true);
      })));

  test('is reconnected again after that, and comes back under its own name', () =>
    visit(async ({ today }) => {
      const session = await pair(today);
      await unlink(session);
      await hasAttribute(today.row(session), 'data-status', 'disconnected');
      await today.button(session, 'Reconnect').click();
      await seen(today.code);
      await keeps(1, () => closes(today, 409));
      await today.button(session, 'Reconnect').click();
      await seen(today.code);
      await scan(session, session.number);
      await gone(today.dialog);
      await hasAttribute(today.row(session), 'data-status', 'connected');
      await today.isPrimary(session);
    }));

  test('comes back without a QR code while its phone is linked, and the dialog ends by itself', () =>
    visit(async ({ today }) => {
      const session = await pair(today);
      await today.button(session, 'Disconnect').click();
      await hasAttribute(today.row(session), 'data-status', 'disconnected');
      await today.button(session, 'Reconnect').click();
      await hasAttribute(today.row(session), 'data-status', 'connected');
      await gone(today.dialog);
      assert.deepEqual(today.cleanups(), []);
    }));

  test('is in the list as disconnected, whatever became of it; one that never was is not there', () =>
    visit({ accounts: [paired({ connection_status: 'error' }), connecting({ last_connected_at: utc(-900) }),
      connecting(), { connection_status: 'error' }] }, async ({ today, accounts }) => {
      await counts(today.rows, 2);
      for (const session of accounts.slice(0, 2)) {
        await hasAttribute(today.row(session), 'data-status', 'disconnected');
        await seen(today.button(session, 'Reconnect'));
      }
    }));

  test('is deleted by its Delete button, connected or not', () =>
    visit({ accounts: [connected(), paired()] },
      async ({ today, accounts }) => {
        await keeps(0, async () => {
          for (const session of accounts) {
            await today.button(session, 'Delete').click();
            await gone(today.row(session));
            assert.ok(await isDeleted(session));
          }
        });
        assert.deepEqual(today.cleanups(), []);
      }));
});

describe('a number that is in the list, paired by "Add session"', () => {
  for (const live of [true, false]) {
    test(`comes back as what it was, and the dialog ends, ${live ? 'by events' : 'where no events arrive'}`, () =>
      visit({ accounts: [paired({ account_name: 'Shop' })], live }, async ({ today, accounts: [known] }) => {
        const session = await begin(today);
        await scan(session, known.phone_number);
        await gone(today.dialog);
        await hasAttribute(today.row(known), 'data-status', 'connected');
        await today.isPrimary(known);
        await counts(today.rows, 1);
        assert.deepEqual(today.cleanups(), []);
        assert.ok(await isDeleted(session));
        const now = await stateOf(known);
        for (const name of ['id', 'uuid', 'account_name', 'phone_number', 'is_primary', 'deleted_at']) {
          assert.equal(now[name], known[name], name);
        }
        /* It is the new session that goes on: its phone can be taken off, and paired again. */
        await today.button(known, 'Disconnect').click();
        await hasAttribute(today.row(known), 'data-status', 'disconnected');
        await today.button(known, 'Reconnect').click();
        await hasAttribute(today.row(known), 'data-status', 'connected');
        await gone(today.dialog);
      }));
  }

  test('comes back too when the service says first that a phone is there, and then which', () => whileIdle(() =>
    visit({ accounts: [paired({ account_name: 'Shop' })] }, async ({ today, accounts: [known] }) => {
      const session = await begin(today, { isShown: false });
      await says('session_authenticated', session, { status: 'authenticated' });
      await gone(today.dialog);
      await hasAttribute(today.row(session), 'data-status', 'connected');
      await says('session_ready', session, { phone_number: known.phone_number, platform: 'android' });
      await gone(today.row(session));
      await hasAttribute(today.row(known), 'data-status', 'connected');
      await today.isPrimary(known);
      await counts(today.rows, 1);
      assert.deepEqual(today.cleanups(), []);
    })));

  test('is not deleted with the dialog that does not know of it yet', () =>
    visit({ accounts: [paired({ account_name: 'Shop' })], live: false }, async ({ today, accounts: [known] }) => {
      const session = await begin(today);
      await today.hearsNothing();
      await scan(session, known.phone_number);
      await keeps(0, () => closes(today, 404));
      await hasAttribute(today.row(known), 'data-status', 'connected');
      await counts(today.rows, 1);
    }));
});

describe('two tabs', () => {
  const visitTwo = (options, body) => visit(options, async (all) =>
    body({ ...all, other: await openToday(site, await all.newTab()) }));

  test('show the same when a number is paired, loses its phone and is deleted', () =>
    visitTwo({}, async ({ today, other }) => {
      const session = await pair(today);
      await hasAttribute(other.row(session), 'data-status', 'connected');
      await unlink(session);
      await hasAttribute(today.row(session), 'data-status', 'disconnected');
      await hasAttribute(other.row(session), 'data-status', 'disconnected');
      await other.button(session, 'Delete').click();
      await gone(other.row(session));
      await today.reload();
      await counts(today.rows, 0);
    }));

  test('do not take a new primary number for a finished pairing', () =>
    visitTwo({ accounts: [connected({ is_primary: 1 }), connected()] },
      async ({ today, other, accounts: [, second] }) => {
      await begin(today);
      await other.button(second, 'Set as primary').click();
      await other.isPrimary(second);
      /* Events of one channel come in order: the next one is no end either. */
      await report(site.stack, second, 'disconnected');
      await hasAttribute(today.row(second), 'data-status', 'disconnected');
      await seen(today.code);
      await keeps(1, () => closes(today, 409));
    }));

  test('pair two numbers at once, and neither is lost when a dialog takes the other one\'s end for its own', () =>
    visitTwo({}, async ({ today, other }) => {
      const [first, second] = [await begin(today), await begin(other)];
      assert.notEqual(first.uuid, second.uuid);
      await scan(first);
      await gone(today.dialog, other.dialog);
      await hasAttribute(other.row(first), 'data-status', 'connected');
      assert.ok(!(await isDeleted(second)));
      await scan(second);
      for (const each of [today, other]) {
        await hasAttribute(each.row(second), 'data-status', 'connected');
        await each.isPrimary(first);
      }
      assert.deepEqual([...today.cleanups(), ...other.cleanups()], []);
    }));

  test('do not see each other\'s dialogs closed: what one of them has given up, the other one may still pair', () =>
    visitTwo({ accounts: [paired()] },
      async ({ today, other, accounts: [session] }) => {
        await today.button(session, 'Reconnect').click();
        await seen(today.code);
        await other.button(session, 'Reconnect').click();
        await seen(other.code);
        await keeps(1, () => closes(today, 409));
        await seen(other.code);
        await scan(session, session.phone_number);
        await gone(other.dialog);
        await hasAttribute(today.row(session), 'data-status', 'connected');
        await comes('it is connected', async () => (await stateOf(session)).connection_status === 'connected');
      }));
});

test('what the page does in old ways is counted, as its person\'s', () =>
  visit({ accounts: [paired()] }, async ({ today, ana, accounts: [session] }) => {
    await today.button(session, 'Reconnect').click();
    await today.hasAsked(1, 'GET', `/api/whatsapp/sessions/${session.session_id}/status`);
    await seen(today.code);
    await keeps(1, () => closes(today, 409));
    await until('all of it is counted', async () => {
      const series = await metrics(site.stack);
      const count = (name, label) => series[`wa_legacy_${name}_total{caller="user:${ana.user}",${label}}`];
      return ['browser.index', 'browser.reconnect', 'browser.destroy', 'node.status']
        .every((route) => count('requests', `route="${route}"`) >= 1)
        && ['login_status', 'cleanup_delete'].every((use) => count('uses', `use="${use}"`) >= 1);
    });
  }));
