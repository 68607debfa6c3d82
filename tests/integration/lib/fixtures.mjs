// fixtures: workspaces and accounts that a test makes for itself, and what
// has become of them.

import { randomBytes, randomUUID } from 'node:crypto';
import { literal, queries, query, raw } from './database.mjs';

export { raw };

const letters = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789';
const eight = () => [...randomBytes(8)].map((byte) => letters[byte % letters.length]).join('');

/** UTC wall clock, `seconds` from now: what Laravel writes, whatever the server's time zone is. */
export const utc = (seconds = 0) => new Date(Date.now() + seconds * 1000).toISOString().slice(0, 19).replace('T',
  ' ');

let lastPhone = 628_110_000_000;
/** A phone number that no other account of this run has. */
export const phone = () => String(++lastPhone);

/** A connected account, as its columns. */
export const connected = (changes = {}) => ({
  connection_status: 'connected', is_active: 1, phone_number: phone(),
  last_connected_at: utc(-3600), last_activity_at: utc(-60), ...changes,
});

/* Without the column that is computed from another one. */
function typedAccount({ status: _, ...row }) {
  const account = { ...row };
  for (const name of ['id', 'workspace_id', 'state_version', 'created_by']) account[name] = Number(row[name]);
  for (const name of ['is_primary', 'is_active']) account[name] = row[name] === '1';
  return account;
}

function typedOutbox(row) {
  const numbers = ['id', 'account_id', 'workspace_id', 'state_version'];
  return {
    ...row,
    ...Object.fromEntries(numbers.map((name) => [name, row[name] === null ? null : Number(row[name])])),
    payload: row.payload === null ? null : JSON.parse(row.payload),
    payloadText: row.payload,
  };
}

export function fixtures(socket, database) {
  let user;

  async function insert(table, row) {
    const names = Object.keys(row);
    const rows = await query(socket, `INSERT INTO ${table} (${names.join(', ')})
      VALUES (${names.map((name) => literal(row[name])).join(', ')}) RETURNING id`, database);
    return Number(rows[0].id);
  }

  async function someUser() {
    user ??= await insert('users', { email: `${randomUUID()}@example.test` });
    return user;
  }

  return {
    /** Take away whatever the demo data brought. */
    async clear() {
      await query(socket, 'DELETE FROM wa_outbox; DELETE FROM whatsapp_accounts', database);
    },

    /** A new workspace; its id. */
    async workspace(name = 'A test') {
      return insert('workspaces', { name, created_by: await someUser() });
    },

    /** A new webjs account with these columns; all its columns. */
    async account(columns) {
      const provider = columns.provider_type ?? 'webjs';
      const id = await insert('whatsapp_accounts', {
        uuid: randomUUID(), provider_type: provider, account_name: 'A test', connection_status: 'disconnected',
        session_id: `${provider}_${columns.workspace_id}_1763000000_${eight()}`, is_primary: 0, is_active: 0,
        created_by: await someUser(), created_at: utc(-86400), updated_at: utc(-86400), ...columns,
      });
      return (await this.state(id)).account;
    },

    /** What stands in the database about an account: {account, metadata, events, commands}. */
    async state(id) {
      const [accounts, rows] = await queries(socket, `SELECT * FROM whatsapp_accounts WHERE id = ${Number(id)};
        SELECT * FROM wa_outbox WHERE account_id = ${Number(id)} ORDER BY id`, database);
      const outbox = rows.map(typedOutbox);
      return {
        account: typedAccount(accounts[0]),
        metadata: accounts[0].metadata === null ? null : JSON.parse(accounts[0].metadata),
        events: outbox.filter((row) => row.kind === 'event'),
        commands: outbox.filter((row) => row.kind === 'command'),
      };
    },

    /**
     * One text that changes when any row of any table does; those of wa_workspaces say nothing, they are locked, and
     * that a session was used is written down once a minute: a test that takes longer does not notice.
     */
    async checksum() {
      const [tables, columns] = await queries(socket, `SELECT table_name AS t FROM information_schema.tables
        WHERE table_schema = ${literal(database)} AND table_type = 'BASE TABLE'
          AND table_name NOT IN ('wa_workspaces', 'sessions') ORDER BY table_name;
        SELECT column_name AS c FROM information_schema.columns WHERE table_schema = ${literal(database)}
          AND table_name = 'sessions' AND column_name <> 'last_activity'`, database);
      const [rows, [sessions]] = await queries(socket, `CHECKSUM TABLE ${tables.map(({ t }) => `\`${t}\``).join(', ')};
        ${columns.length === 0 ? 'SELECT NULL AS sum' : `SELECT CONCAT(COUNT(*), ' ', BIT_XOR(CRC32(CONCAT_WS('|',
          ${columns.map(({ c }) => `QUOTE(\`${c}\`)`).join(', ')})))) AS sum FROM sessions`}`, database);
      const sums = rows.map((row) => `${row.Table.split('.').at(-1)} ${row.Checksum}`);
      return [...sums, `sessions ${sessions.sum}`].join('\n');
    },
  };
}
