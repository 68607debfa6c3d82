// The last of its tries: reports that come at the same moment when the database is back, and nobody has asked it yet.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connected } from './lib/fixtures.mjs';
import { WEBHOOK } from './lib/node-request.mjs';
import { pause } from './lib/processes.mjs';
import { startStack } from './lib/stack.mjs';

test('reports that come all at once to a database that is back are all stored, whoever finds out that it is', async (t) => {
  const own = await startStack({ server: 'own', env: { WA_RELAY: 'off', WA_WORKERS: 8 } });
  t.after(() => own.stop());
  const workspace_id = await own.workspace();
  const accounts = [];
  for (let i = 0; i < 8; i++) accounts.push(await own.account(connected({ workspace_id })));
  const tellAll = async () => (await Promise.all(accounts.map(({ session_id }) => own.signed('POST', WEBHOOK, {
    event: 'session_disconnected', data: { workspace_id, session_id, reason: 'LOGOUT' } })))).map(({ status }) => status);
  await own.server.halt();
  assert.deepEqual(new Set(await tellAll()), new Set([429]));
  await own.server.restart();
  /* Longer than the pause after a failure. */
  await pause(1500);
  assert.deepEqual(await tellAll(), Array(8).fill(200));
});
