// The list of active accounts with two hundred thousand of them: complete, in
// order, and no larger in the worker's memory than a short one.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { BASE } from './lib/expect.mjs';
import { sanitized, startStack } from './lib/stack.mjs';

const ACCOUNTS = 200_000;
const MIB = 1024;   /* of the KiB in /proc */

let stack, listed, ofOne;

before(async () => {
  stack = await startStack({ env: { WA_WORKERS: 1 } });
  const [one, two] = [await stack.workspace(), await stack.workspace()];
  const user = await stack.value('SELECT MIN(id) FROM users');
  ofOne = one;
  /* One in a hundred is not connected, not active, deleted, or of provider meta; some have long texts. */
  await stack.sql(`INSERT INTO whatsapp_accounts (uuid, workspace_id, account_name, phone_number, provider_type,
      connection_status, is_active, session_id, session_data, created_by, created_at, updated_at, deleted_at)
    SELECT UUID(), IF(seq % 2, ${one}, ${two}), 'Large', 6290000000000 + seq, IF(seq % 100 = 0, 'meta', 'webjs'),
      IF(seq % 100 = 1, 'disconnected', 'connected'), seq % 100 <> 2, CONCAT('webjs_1_1763000000_', LPAD(seq, 8,
      '0')),
      IF(seq % 1000 = 4, REPEAT('SESSIONSECRET', 1000), NULL), ${user}, UTC_TIMESTAMP(), UTC_TIMESTAMP(),
      IF(seq % 100 = 3, UTC_TIMESTAMP(), NULL)
    FROM seq_1_to_${ACCOUNTS} ORDER BY seq`);
  listed = (await stack.column(`SELECT id FROM whatsapp_accounts
    WHERE connection_status = 'connected' AND is_active AND deleted_at IS NULL ORDER BY id`)).map(Number);
});
after(() => stack?.stop());

/** KiB of a process, from a line of one of its files in /proc. */
function kib(pid, file, name) {
  const [, value] = readFileSync(`/proc/${pid}/${file}`, 'utf8').match(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm'));
  return Number(value);
}

const active = (query = '') => stack.signed('GET', `${BASE}/active${query}`);

test('is complete and in order, its alias too, while the worker\'s memory stays flat', async (t) => {
  for (let i = 0; i < 20; i++) assert.equal((await active('?limit=5')).json.count, 5);
  const pids = stack.children();
  const now = (pid) => ({ peak: kib(pid, 'status', 'VmHWM'), rss: kib(pid, 'status', 'VmRSS'), pss: kib(pid,
    'smaps_rollup', 'Pss') });
  const earlier = pids.map(now);
  const answer = await active();
  const later = pids.map(now);
  assert.deepEqual(stack.children(), pids, 'the same workers');
  assert.equal(answer.status, 200);

  const { success, accounts, count, next, sessions } = answer.json;
  assert.equal(success, true);
  assert.equal(next, null);
  assert.equal(count, listed.length);
  assert.equal(accounts.length, listed.length);
  assert.ok(accounts.every((account, i) => account.id === listed[i]), 'the ids, in order');
  const webjs = accounts.filter((account) => account.provider_type === 'webjs');
  assert.equal(sessions.length, webjs.length);
  assert.ok(sessions.every((session, i) => session.id === webjs[i].id && session.status === 'connected'));
  assert.equal(new Set(accounts.map((account) => account.uuid)).size, listed.length);
  assert.ok(!answer.text.includes('SESSIONSECRET'));

  pids.forEach((pid, i) => {
    const grown = {
      'resident memory': later[i].rss - earlier[i].rss,
      'its peak': later[i].peak - earlier[i].rss,
      'proportional memory': later[i].pss - earlier[i].pss,
    };
    for (const [name, size] of Object.entries(grown)) {
      t.diagnostic(`process ${pid}: ${name} grew by ${size} KiB`);
      assert.ok(sanitized() || size < 4 * MIB, `${name} grew by ${size} KiB`);
    }
  });
});

test('a filter is complete too', async () => {
  const { json } = await active(`?workspace_id=${ofOne}&provider_type=webjs`);
  const ids = (await stack.column(`SELECT id FROM whatsapp_accounts WHERE connection_status = 'connected' AND is_active
    AND deleted_at IS NULL AND workspace_id = ${ofOne} AND provider_type = 'webjs' ORDER BY id`)).map(Number);
  assert.equal(json.count, ids.length);
  assert.ok(json.accounts.every((account, i) => account.id === ids[i]));
});

test('pages of ten thousand make the same list', async () => {
  const seen = [];
  let after = 0;
  for (let page = 0; page < 25 && after !== null; page++) {
    const { json } = await active(`?limit=10000&after=${after}`);
    for (const account of json.accounts) seen.push(account.id);
    after = json.next;
  }
  assert.equal(seen.length, listed.length);
  assert.ok(seen.every((id, i) => id === listed[i]));
});
