// today-acts: what a person does on the page of sessions, and what has become of it.
//
//   const { visit, begin, closes, keeps } = actsOn(() => site);

import assert from 'node:assert/strict';
import { phone } from '../../integration/lib/fixtures.mjs';
import { metrics } from '../../integration/lib/observe.mjs';
import { until } from '../../integration/lib/processes.mjs';
import { refused } from './chromium.mjs';
import { gone, hasAttribute, seen } from './look.mjs';
import { openToday } from './today.mjs';

const KEPT = 'wa_cleanup_refused_total';
export const DEFAULT_ACCEPT = 'application/json, text/plain, */*';

/** `site()` is a startTodaySite(), as soon as there is one. */
export function actsOn(site) {
  /** The account's row in the database, as stack.state gives it. */
  async function stateOf({ uuid }) {
    const { stack } = site();
    const id = await stack.value(`SELECT id FROM whatsapp_accounts WHERE uuid = '${uuid}'`);
    return (await stack.state(id)).account;
  }

  const keptCount = async () => (await metrics(site().stack))[KEPT];

  /** The dialog of a new session: {uuid}; with its QR code, unless the service is not to show one. */
  async function begin(today, { isShown = true } = {}) {
    await today.add.click();
    await seen(isShown ? today.code : today.dialog);
    return today.pairs();
  }

  /** A phone scans what this session shows. */
  const scan = async (session, number = phone()) => site().simulator.scan((await stateOf(session)).session_id, number);

  return {
    /** Somebody new opens the page of sessions, `live` with events; `body` is told also {today}. */
    visit(options, body = options) {
      const { live, ...given } = typeof options === 'function' ? {} : options;
      return site().visit({ ...given, open: false }, async (all) =>
        body({ ...all, today: await openToday(site(), all.tab, { live }) }));
    },

    stateOf,
    isDeleted: async (session) => (await stateOf(session)).deleted_at !== null,
    keptCount,
    begin,
    scan,

    /** A new session, paired with a phone of this number: {uuid, number}. */
    async pair(today, number = phone()) {
      const session = await begin(today);
      await scan(session, number);
      await gone(today.dialog);
      await hasAttribute(today.row(session), 'data-status', 'connected');
      return { ...session, number };
    },

    /** What today's service says of a session by its webhook. */
    async says(event, session, data) {
      const { session_id, workspace_id } = await stateOf(session);
      const answer = await site().stack.signed('POST', '/api/whatsapp/webhooks/webjs',
        { event, data: { workspace_id, session_id, ...data } });
      assert.equal(answer.status, 200, answer.text);
    },

    /** The phone's owner takes the device off its list. */
    unlink: async (session) => site().simulator.unlink((await stateOf(session)).session_id),

    /** The dialog is closed by hand; the DELETE that this sends is answered so. */
    async closes(today, status) {
      const count = today.cleanups().length + 1;
      if (status >= 400) today.faults.expects(refused(status));
      await today.close.click();
      await today.hasCleanedUp(count);
      const { accept, status: answered } = today.cleanups().at(-1);
      assert.deepEqual([accept, answered], [DEFAULT_ACCEPT, status]);
      await gone(today.dialog);
    },

    /** While `body` runs, so many clean-ups are refused, and counted. */
    async keeps(count, body) {
      const earlier = await keptCount();
      await body();
      await until(`${KEPT} has grown by ${count}`, async () => await keptCount() === earlier + count);
    },

    /** While `body` runs, the service takes commands and does nothing; then it is as before. */
    async whileIdle(body) {
      const { simulator } = site();
      simulator.behave(() => ({ status: 200, body: { success: true } }));
      try {
        await body();
      } finally {
        simulator.behave(undefined);
      }
    },
  };
}
