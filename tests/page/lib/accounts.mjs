// accounts: in the states that a page can find them in, as columns.

import { utc } from '../../integration/lib/fixtures.mjs';

export { connected, phone, utc } from '../../integration/lib/fixtures.mjs';

/** A pairing that is under way; with a code, that is good for so many seconds. */
export const connecting = ({ qr_code = null, seconds = 60, ...changes } = {}) => ({
  connection_status: 'connecting', is_active: 1, qr_code, qr_expires_at: qr_code && utc(seconds), ...changes });
export const failed = (last_error, changes) => ({
  connection_status: 'error', is_active: 1, last_activity_at: utc(-7200),
  metadata: JSON.stringify({ last_error, recent_failures: 2 }), ...changes });

/** So many disconnected accounts at once, "Number 1" to "Number COUNT", the last one being the newest. */
export const manyAccounts = (stack, { workspace, user }, count) => stack.sql(`INSERT INTO whatsapp_accounts
  (uuid, session_id, workspace_id, account_name, phone_number, created_by, connection_status, is_active, created_at,
    updated_at)
  SELECT UUID(), CONCAT('webjs_', ${workspace}, '_', seq), ${workspace}, CONCAT('Number ', seq), 628200000000 + seq,
    ${user}, 'disconnected', 0, UTC_TIMESTAMP() - INTERVAL ${count} - seq SECOND, UTC_TIMESTAMP()
  FROM seq_1_to_${count} ORDER BY seq`);
