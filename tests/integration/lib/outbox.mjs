// outbox: rows as a request or the relay leaves them, and waiting until none is open.

import { literal, raw } from './database.mjs';
import { until } from './processes.mjs';

export const OPEN = ['waiting', 'sending'];
export const SETTLED = ['delivered', 'given_up', 'replaced', 'cancelled', 'expired'];

const ago = (seconds) => raw(`UTC_TIMESTAMP(6) - INTERVAL ${seconds} SECOND`);

/** What a row's payload is, if the test has nothing to say about it. */
function payloadOf(account, kind, name) {
  const { id, uuid, workspace_id, session_id, phone_number, state_version, connection_status } = account;
  if (kind === 'command') return { workspace_id, account_id: id, session_id };
  const common = { workspace_id, account_id: session_id ?? uuid, uuid, state_version,
    timestamp: new Date().toISOString().replace('Z', '000Z') };
  if (name === 'qr-code-generated') return { ...common, expires_in_seconds: 300 };
  return { ...common, status: connection_status, connection_status, phone_number, metadata: { id, uuid } };
}

function columnsOf(account, { kind = 'event', name = kind === 'event' ? 'account-status-changed' : 'disconnect',
  state = 'waiting', attempts = 0, last_error = null, age = 0, lifetime = kind === 'event' ? 86400 : 900, settled = 0,
  payload = payloadOf(account, kind, name) }) {
  return {
    account_id: account.id, workspace_id: account.workspace_id, state_version: account.state_version, kind, name,
    payload: JSON.stringify(payload), state, attempts, last_error, created_at: ago(age), available_at: ago(age),
    expires_at: ago(age - lifetime), settled_at: OPEN.includes(state) ? null : ago(settled),
  };
}

/**
 * Rows of these accounts, [account, columns] each, all at once; their ids.
 *
 *   kind, name, state, attempts, last_error, payload   as the columns
 *   age        seconds since it was written
 *   lifetime   seconds from then on until it expires
 *   settled    seconds since it was settled
 */
export async function putRows(stack, rows) {
  const all = rows.map(([account, columns = {}]) => columnsOf(account, columns));
  const made = await stack.sql(`INSERT INTO wa_outbox (${Object.keys(all[0]).join(', ')})
    VALUES ${all.map((row) => `(${Object.values(row).map(literal).join(', ')})`).join(', ')} RETURNING id`);
  return made.map(({ id }) => Number(id));
}

export const putRow = async (stack, account, columns) => (await putRows(stack, [[account, columns]]))[0];

/** A row as it now is, its values strings or null; undefined if it is gone. */
export const rowOf = async (stack, id) => (await stack.sql(`SELECT * FROM wa_outbox WHERE id = ${id}`))[0];

/** Wait until nothing waits any more, and nothing is being sent. */
export const allSettled = (stack, options) => until('everything is settled', async () =>
  await stack.value('SELECT COUNT(*) FROM wa_outbox WHERE state IN (\'waiting\', \'sending\')') === '0', options);
