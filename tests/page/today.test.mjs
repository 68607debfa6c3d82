// The page of sessions as it is deployed today, before a pool that calls them accounts: by its old paths, with what it
// sends and what it makes of the answers. Here: a new number, and what becomes of it when its dialog is closed.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { allSettled } from '../integration/lib/outbox.mjs';
import { withSettings } from '../integration/lib/settings.mjs';
import { connected, phone, utc } from './lib/accounts.mjs';
import { noSocket, refused } from './lib/chromium.mjs';
import { counts, gone, hasAttribute, seen } from './lib/look.mjs';
import { imageOf, newCode } from './lib/service.mjs';
import { DEFAULT_ACCEPT, actsOn } from './lib/today-acts.mjs';
import { startTodaySite } from './lib/today.mjs';

let site;
before(async () => (site = await startTodaySite()));
after(() => site?.stop());

const { visit, begin, says, scan, pair, closes, keeps, keptCount, isDeleted, stateOf, whileIdle } = actsOn(() => site);

describe('a new number', () => {
  test('is created without saying which, shows its QR code, is paired, and becomes the primary one', () =>
    visit(async ({ today }) => {
      const session = await begin(today);
      assert.match(await today.code.getAttribute('src'), /^data:image\/png;base64,/);
      assert.deepEqual(today.asked('POST', '').map(({ json, status }) => [json, status]),
        [[{ provider_type: 'webjs' }, 201]]);
      const number = phone();
      await scan(session, number);
      await gone(today.dialog);
      await hasAttribute(today.row(session), 'data-status', 'connected');
      await today.isPrimary(session);
      await seen(today.row(session).getByText(number, { exact: true }));
      assert.deepEqual(today.cleanups(), [], 'nothing is cleaned up');
      assert.equal((await stateOf(session)).phone_number, number);
    }));

  test('is found to be paired by asking, where no events arrive', () =>
    visit({ live: false }, async ({ today }) => {
      const session = await begin(today);
      const { session_id } = await stateOf(session);
      const path = `/api/whatsapp/sessions/${session_id}/status`;
      await today.hasAsked(2, 'GET', path);
      await site.simulator.scan(session_id, phone());
      await gone(today.dialog);
      await hasAttribute(today.row(session), 'data-status', 'connected');
      assert.ok(today.asked('GET', path).every(({ status }) => status === 200));
      assert.deepEqual(today.cleanups(), []);
    }));

  test('is found to be paired when the broadcaster is gone by then', () =>
    visit(async ({ today }) => {
      const session = await begin(today);
      today.faults.expects(noSocket);
      try {
        await site.pusher.stop();
        await scan(session);
        await gone(today.dialog);
        await hasAttribute(today.row(session), 'data-status', 'connected');
      } finally {
        await site.pusher.start();
      }
      /* Else those who come next would wait until the relay asks it again. */
      await allSettled(site.stack);
    }));

  test('is paired as today\'s service tells it: that a phone is there, and seconds later which', () => whileIdle(() =>
    visit({ live: false }, async ({ today }) => {
      const session = await begin(today, { isShown: false });
      const path = `/api/whatsapp/sessions/${(await stateOf(session)).session_id}/status`;
      const qr_code = await imageOf(newCode());
      await says('qr_code_generated', session, { qr_code, expires_in: 300 });
      await hasAttribute(today.code, 'src', qr_code);
      await says('session_authenticated', session, { status: 'authenticated' });
      const asked = today.asked('GET', path).length;
      await today.hasAsked(asked + 2, 'GET', path);
      await seen(today.dialog);
      const phone_number = phone();
      await says('session_ready', session, { status: 'connected', phone_number, platform: 'android',
        extraction_method: 'info' });
      await gone(today.dialog);
      await seen(today.row(session).getByText(phone_number, { exact: true }));
      await today.isPrimary(session);
      assert.deepEqual(today.cleanups(), []);
    })));

  test('is not the primary one if there is one, and can be made it', () =>
    visit(async ({ today }) => {
      const first = await pair(today);
      const second = await pair(today);
      await today.isPrimary(first);
      await today.button(second, 'Set as primary').click();
      await today.isPrimary(second);
      await seen(today.button(first, 'Set as primary'));
      await counts(today.primaries, 1);
    }));
});

describe('when the dialog is closed', () => {
  test('before a QR code has come, the number is deleted', () => whileIdle(() =>
    visit(async ({ today }) => {
      const session = await begin(today, { isShown: false });
      await keeps(0, () => closes(today, 200));
      assert.ok(await isDeleted(session));
    })));

  test('while its QR code is good, the number stays, which is counted; a phone that comes late pairs it', () =>
    visit(async ({ today }) => {
      const session = await begin(today);
      await keeps(1, () => closes(today, 409));
      assert.ok(!(await isDeleted(session)));
      await counts(today.rows, 0);
      await scan(session);
      await hasAttribute(today.row(session), 'data-status', 'connected');
      await today.isPrimary(session);
    }));

  test('after its last QR code has expired, the number is deleted', () => whileIdle(() =>
    visit(async ({ today }) => {
      const session = await begin(today, { isShown: false });
      await site.stack.sql(`UPDATE whatsapp_accounts SET connection_status = 'connecting', qr_code = '2@old',
        qr_expires_at = '${utc(-5)}' WHERE uuid = '${session.uuid}'`);
      await keeps(0, () => closes(today, 200));
      assert.ok(await isDeleted(session));
    })));

  test('in the moment in which the phone has paired it, the number stays', () =>
    visit({ live: false }, async ({ today }) => {
      const session = await begin(today);
      await today.hearsNothing();
      await scan(session);
      await keeps(1, () => closes(today, 409));
      await hasAttribute(today.row(session), 'data-status', 'connected');
      assert.ok(!(await isDeleted(session)));
    }));

  test('by itself after 120 seconds, it is the same', () =>
    visit({ clock: true }, async ({ today, tab }) => {
      const session = await begin(today);
      today.faults.expects(refused(409));
      await keeps(1, async () => {
        /* The time that all this takes goes by too. */
        await tab.page.clock.fastForward(90_000);
        await seen(today.dialog);
        assert.deepEqual(today.cleanups(), []);
        await tab.page.clock.fastForward(30_000);
        await gone(today.dialog);
        await today.hasCleanedUp();
      });
      assert.deepEqual(today.cleanups().map(({ accept, status }) => [accept, status]), [[DEFAULT_ACCEPT, 409]]);
      assert.ok(!(await isDeleted(session)));
    }));

  test('with Escape, it is the same', () =>
    visit(async ({ today, tab }) => {
      const session = await begin(today);
      today.faults.expects(refused(409));
      await keeps(1, async () => {
        await tab.page.keyboard.press('Escape');
        await today.hasCleanedUp();
      });
      assert.ok(!(await isDeleted(session)));
    }));
});

describe('with WA_GUARD_CLEANUP_DELETE off', () => {
  const unguarded = (options, body) => withSettings(site.stack, { WA_GUARD_CLEANUP_DELETE: 'off' }, () =>
    visit(options, body));

  test('closing the dialog deletes the number, as it did before', () =>
    unguarded({ accounts: [connected({ connection_status: 'disconnected' })] },
      async ({ today, accounts: [session] }) => {
        await today.button(session, 'Reconnect').click();
        await seen(today.dialog);
        await closes(today, 200);
        await gone(today.row(session));
        assert.ok(await isDeleted(session));
        assert.equal(await keptCount(), 0);
      }));
});
