// GET /settings/whatsapp-accounts/{uuid}/statistics: counts from the application's tables, and how well it does.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { isOk } from './lib/browser-expect.mjs';
import { sameKeys } from './lib/expect.mjs';
import { connected, utc } from './lib/fixtures.mjs';
import { logIn } from './lib/login.mjs';
import { openSession, whileTablesLocked } from './lib/session.mjs';
import { withSettings } from './lib/settings.mjs';
import { startStack } from './lib/stack.mjs';

const COUNTS = ['messages_sent', 'messages_received', 'chats_count', 'campaigns_sent', 'contacts_count'];
const NONE = { messages_sent: 0, messages_received: 0, chats_count: 0, campaigns_sent: 0, contacts_count: 0 };

let stack, ana;
before(async () => {
  stack = await startStack();
  ana = await logIn(stack);
});
after(() => stack?.stop());

async function statistics(account, who = ana) {
  const body = isOk(await who.call('GET', `/${account.uuid}/statistics`));
  assert.equal(body.success, true);
  return body;
}
/** The pool looks at the application's tables when it connects: it is started anew around `body`. */
const looksAgain = (body) => withSettings(stack, {}, body);
const data = async (account) => (await statistics(account)).data;
const counts = (found) => Object.fromEntries(COUNTS.map((name) => [name, found[name]]));

const tables = {
  chats: `CREATE TABLE chats (id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
    whatsapp_account_id bigint unsigned NULL, contact_id bigint unsigned NULL,
    type enum('inbound', 'outbound') NULL, deleted_at timestamp NULL, KEY (whatsapp_account_id))`,
  campaign_logs: `CREATE TABLE campaign_logs (id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
    whatsapp_account_id bigint unsigned NULL, status varchar(32) NOT NULL, KEY (whatsapp_account_id))`,
  contact_accounts: `CREATE TABLE contact_accounts (id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
    contact_id bigint unsigned NOT NULL, whatsapp_account_id bigint unsigned NOT NULL,
    first_interaction_at timestamp NULL, last_interaction_at timestamp NULL, total_messages int NOT NULL DEFAULT 0,
    KEY (whatsapp_account_id))`,
};

describe('how well it does', () => {
  test('is the sum of its parts, and what each of them cost', async () => {
    const old = utc(-7200);
    const cases = [
      [connected(), [0, 0, 0]],
      [connected({ last_activity_at: null }), [0, 0, 0]],
      [connected({ last_activity_at: old }), [0, 20, 0]],
      [connected({ metadata: '{"recent_failures":2}' }), [0, 0, 20]],
      [connected({ metadata: '{"recent_failures":3}' }), [0, 0, 30]],
      [connected({ metadata: '{"recent_failures":300}', last_activity_at: old }), [0, 20, 30]],
      [{ connection_status: 'disconnected' }, [50, 0, 0]],
      [{ connection_status: 'connecting', last_activity_at: utc(-60) }, [50, 0, 0]],
      [{ connection_status: 'error', last_activity_at: old, metadata: '{"recent_failures":9}' }, [50, 20, 30]],
      [connected({ metadata: '{"recent_failures":"many"}' }), [0, 0, 0]],
      [connected({ metadata: '[]' }), [0, 0, 0]],
    ];
    for (const [columns, [not_connected, inactive, recent_failures]] of cases) {
      const found = await data(await ana.account(columns));
      assert.deepEqual(found.health, { not_connected, inactive, recent_failures });
      const score = Math.max(0, 100 - not_connected - inactive - recent_failures);
      assert.equal(found.health_score, score);
      assert.equal(found.is_healthy, score >= 70 && columns.connection_status === 'connected');
    }
  });

  test('comes with when it was last active and last connected', async () => {
    const account = await ana.account(connected());
    const found = await data(account);
    assert.equal(found.last_activity_at, `${account.last_activity_at.replace(' ', 'T')}.000000Z`);
    assert.equal(found.last_connected_at, `${account.last_connected_at.replace(' ', 'T')}.000000Z`);
    const never = await data(await ana.account());
    assert.equal(never.last_activity_at, null);
    assert.equal(never.last_connected_at, null);
  });
});

test('without the application\'s tables every count is 0, and nothing is missing', async () => {
  const body = await statistics(await ana.account());
  sameKeys(body.data, ['health_score', 'health', 'is_healthy', ...COUNTS, 'last_activity_at', 'last_connected_at']);
  assert.deepEqual(counts(body.data), NONE);
  assert.notEqual(body.partial ?? body.data.partial, true);
});

describe('the counts', () => {
  let account;
  before(async () => {
    account = await ana.account(connected());
    const other = await ana.account(connected());
    for (const sql of Object.values(tables)) await stack.sql(sql);
    const ids = [account.id, other.id];
    await stack.sql(`
      INSERT INTO chats (whatsapp_account_id, contact_id, type, deleted_at) VALUES
        ${ids.map((id) => `(${id}, 1, 'outbound', NULL), (${id}, 1, 'outbound', NULL), (${id}, 2, 'outbound', NULL),
          (${id}, 1, 'inbound', NULL), (${id}, 3, 'inbound', NULL), (${id}, NULL, 'inbound', NULL),
          (${id}, 4, 'outbound', UTC_TIMESTAMP()), (${id}, 5, 'inbound', UTC_TIMESTAMP())`).join(', ')},
        (NULL, 9, 'outbound', NULL), (${other.id}, 8, 'outbound', NULL);
      INSERT INTO campaign_logs (whatsapp_account_id, status) VALUES
        ${ids.map((id) => `(${id}, 'success'), (${id}, 'success'), (${id}, 'failed'), (${id}, 'pending')`).join(', ')},
        (NULL, 'success'), (${other.id}, 'success');
      INSERT INTO contact_accounts (contact_id, whatsapp_account_id) VALUES
        ${ids.map((id) => `(1, ${id}), (2, ${id}), (3, ${id}), (4, ${id})`).join(', ')}, (5, ${other.id})`);
    await looksAgain(() => {});
  });
  const found = { messages_sent: 3, messages_received: 3, chats_count: 3, campaigns_sent: 2, contacts_count: 4 };

  test('are those of this account, of what was not deleted', async () => {
    assert.deepEqual(counts(await data(account)), found);
    assert.deepEqual(counts(await data(await ana.account())), NONE);
  });

  test('are found in contact_sessions too, where the application calls it so', async () => {
    await stack.sql('RENAME TABLE contact_accounts TO contact_sessions');
    await looksAgain(async () => {
      assert.deepEqual(counts(await data(account)), found);
      await stack.sql('RENAME TABLE contact_sessions TO contact_accounts');
    });
  });

  test('of one table are 0 when it is not there, and the others are not', async () => {
    const zero = { chats: ['messages_sent', 'messages_received', 'chats_count'], campaign_logs: ['campaigns_sent'],
      contact_accounts: ['contacts_count'] };
    for (const [table, names] of Object.entries(zero)) {
      await stack.sql(`RENAME TABLE ${table} TO moved`);
      await looksAgain(async () => {
        const expected = { ...found, ...Object.fromEntries(names.map((name) => [name, 0])) };
        assert.deepEqual(counts(await data(account)), expected, table);
        await stack.sql(`RENAME TABLE moved TO ${table}`);
      });
    }
    assert.deepEqual(counts(await data(account)), found);
  });

  test('are no error while the application changes its tables under a pool that runs', async () => {
    for (const table of Object.keys(tables)) {
      await stack.sql(`RENAME TABLE ${table} TO moved`);
      try {
        for (let i = 0; i < 8; i++) await statistics(account);
      } finally {
        await stack.sql(`RENAME TABLE moved TO ${table}`);
      }
    }
    await looksAgain(async () => assert.deepEqual(counts(await data(account)), found));
  });

  /**
   * The statistics, whose counts are these. Behind one that took too long the others are given little time, on a slow
   * host now and then too little: then they are asked for once more.
   */
  async function tells(expected) {
    let body;
    for (let tries = 0; tries < 5 && !isDeepStrictEqual(body && counts(body.data), expected); tries++) {
      const began = Date.now();
      body = await statistics(account);
      assert.ok(Date.now() - began < 10_000);
    }
    assert.deepEqual(counts(body.data), expected);
    return body;
  }

  test('that take too long are null, and the answer says so and comes all the same', async () => {
    const nulls = { chats: ['messages_sent', 'messages_received', 'chats_count'],
      contact_accounts: ['contacts_count'] };
    for (const [table, names] of Object.entries(nulls)) {
      const other = await openSession(stack);
      try {
        await other.ask(`LOCK TABLES ${table} WRITE`);
        const expected = { ...found, ...Object.fromEntries(names.map((name) => [name, null])) };
        const body = await tells(expected);
        assert.equal(body.data.partial ?? body.partial, true);
        assert.equal(body.data.health_score, 100);
      } finally {
        await other.close();
      }
    }
    const body = await statistics(account);
    assert.deepEqual(counts(body.data), found);
    assert.notEqual(body.partial ?? body.data.partial, true);
  });

  test('that all take too long are null, and do not keep the answer for longer than one of them', async () => {
    await whileTablesLocked(stack, Object.keys(tables), async () => {
      const began = Date.now();
      const body = await statistics(account);
      const took = Date.now() - began;
      assert.ok(took < 6000, `${took} ms`);   /* each of them by itself: 2 s */
      assert.deepEqual(counts(body.data), Object.fromEntries(COUNTS.map((name) => [name, null])));
      assert.equal(body.data.partial, true);
      assert.equal(body.data.health_score, 100);
    });
    assert.deepEqual(counts(await data(account)), found);
  });

  test('that are worked at for too long are null as well', async () => {
    await stack.sql(`RENAME TABLE campaign_logs TO moved; CREATE VIEW campaign_logs AS
      SELECT id, whatsapp_account_id, status FROM moved WHERE SLEEP(5) = 0`);
    try {
      const body = await tells({ ...found, campaigns_sent: null });
      assert.equal(body.data.partial ?? body.partial, true);
    } finally {
      await stack.sql('DROP VIEW campaign_logs; RENAME TABLE moved TO campaign_logs');
    }
  });
});

test('asking changes nothing', async () => {
  const account = await ana.account(connected({ last_activity_at: utc(-7200) }));
  const earlier = await stack.checksum();
  for (const path of ['', '/']) await ana.call('GET', `/${account.uuid}/statistics${path}`);
  const head = await ana.call('HEAD', `/${account.uuid}/statistics`);
  assert.equal(head.status, 200);
  assert.equal(head.text, '');
  assert.equal(await stack.checksum(), earlier);
});
