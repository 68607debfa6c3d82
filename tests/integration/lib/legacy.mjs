// legacy: databases that still have whatsapp_sessions, as they are found in the field.
//
//   const stack = await legacyStack('field');            // schema and 1000 rows; no pool, no nginx
//   const before = await dump(stack);
//   await stack.ctl('migrate', 'up', '--yes');
//   isSameDump(await dump(stack), before);
//
// Variants, which together have whatever a migration has to cope with:
//
//   field  the application's present schema, with Laravel's names
//   later  a later release: more columns, some without a default, a unique key over number and state,
//          the junction table already called contact_accounts
//   seed   session_name and no session_id, states as text, contacts without a source, no groups, no Laravel table
//   bare   no foreign keys, other character sets, a unique number, columns missing, ON UPDATE CURRENT_TIMESTAMP
//   odd    names that the server chose, comments, generated columns, checks, triggers, odd indexes, a self reference

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { literal } from './database.mjs';
import { encrypt, newKey } from './envelope.mjs';
import { run } from './processes.mjs';
import { source, startStack } from './stack.mjs';

export const variants = ['field', 'later', 'seed', 'bare', 'odd'];

const UTF8 = 'ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_unicode_ci';
const FIELD_WORDS = ['qr_scanning', 'authenticated', 'connected', 'disconnected', 'failed'];
const ALL_WORDS = [...FIELD_WORDS, 'qr_generated', 'initializing', 'connecting', 'ready', 'error'];

/** What becomes of each old word. */
export const FOLD = {
  qr_scanning: 'connecting', qr_generated: 'connecting', initializing: 'connecting', connecting: 'connecting',
  authenticated: 'connected', ready: 'connected', connected: 'connected',
  failed: 'error', error: 'error', disconnected: 'disconnected',
};

/** The old word that the accounts' computed column shows for each state. */
export const OLD_WORD = { connecting: 'qr_scanning', connected: 'connected', disconnected: 'disconnected',
  error: 'failed' };

const enumOf = (words) => `enum(${words.map(literal).join(', ')})`;

// --- the tables

/** How a variant writes a foreign key to the old table: Laravel's name, the server's, or not at all. */
const foreignKey = {
  laravel: (table, column, to, rule) =>
    `, CONSTRAINT ${table}_${column}_foreign FOREIGN KEY (${column}) REFERENCES ${to} (id) ON DELETE ${rule}`,
  server: (table, column, to, rule) => `, FOREIGN KEY (${column}) REFERENCES ${to} (id) ON DELETE ${rule}`,
  none: (table, column) => `, KEY (${column})`,
};

const fieldColumns = `
  id bigint unsigned NOT NULL AUTO_INCREMENT,
  uuid char(50) NOT NULL,
  workspace_id bigint unsigned NOT NULL,
  session_id varchar(191) NOT NULL,
  phone_number varchar(50) DEFAULT NULL,
  provider_type enum('meta', 'webjs') NOT NULL DEFAULT 'webjs',
  status ${enumOf(FIELD_WORDS)} NOT NULL DEFAULT 'qr_scanning',
  qr_code text DEFAULT NULL,
  session_data longtext DEFAULT NULL,
  is_primary tinyint(1) NOT NULL DEFAULT 0,
  is_active tinyint(1) NOT NULL DEFAULT 1,
  last_activity_at timestamp NULL DEFAULT NULL,
  last_connected_at timestamp NULL DEFAULT NULL,
  metadata json DEFAULT NULL,
  created_by bigint unsigned NOT NULL,
  created_at timestamp NULL DEFAULT NULL,
  updated_at timestamp NULL DEFAULT NULL,
  deleted_at timestamp NULL DEFAULT NULL`;

const fieldKeys = `
  PRIMARY KEY (id),
  UNIQUE KEY whatsapp_sessions_uuid_unique (uuid),
  UNIQUE KEY whatsapp_sessions_session_id_unique (session_id),
  KEY whatsapp_sessions_created_by_foreign (created_by),
  KEY whatsapp_sessions_workspace_id_status_index (workspace_id, status),
  KEY whatsapp_sessions_session_id_status_index (session_id, status),
  KEY whatsapp_sessions_provider_type_is_active_index (provider_type, is_active),
  KEY whatsapp_sessions_workspace_id_is_primary_index (workspace_id, is_primary),
  CONSTRAINT whatsapp_sessions_workspace_id_foreign FOREIGN KEY (workspace_id) REFERENCES workspaces (id)
    ON DELETE CASCADE,
  CONSTRAINT whatsapp_sessions_created_by_foreign FOREIGN KEY (created_by) REFERENCES users (id) ON DELETE CASCADE`;

const sessions = {
  field: `CREATE TABLE whatsapp_sessions (${fieldColumns},${fieldKeys}) ${UTF8}`,

  later: `CREATE TABLE whatsapp_sessions (${fieldColumns.replace('created_by bigint', `assigned_instance_url
    varchar(255) DEFAULT NULL,
  health_score int NOT NULL DEFAULT 100,
  last_health_check_at timestamp NULL DEFAULT NULL,
  session_storage_path varchar(500) NOT NULL,
  file_size_bytes bigint unsigned NOT NULL,
  $&`)},${fieldKeys},
  UNIQUE KEY unique_active_phone_workspace (phone_number, workspace_id, status),
  KEY whatsapp_sessions_assigned_instance_url_index (assigned_instance_url)) ${UTF8}`,

  seed: `CREATE TABLE whatsapp_sessions (${fieldColumns
    .replace(/session_id varchar\(191\)/, 'session_name varchar(191)')
    .replace(/status enum[^\n]*/, "status varchar(20) NOT NULL DEFAULT 'disconnected',")},${fieldKeys
    .replace(/\n[^\n]*session_id_unique[^\n]*/, '').replace(/\n[^\n]*session_id_status_index[^\n]*/, '')}) ${UTF8}`,

  bare: `CREATE TABLE whatsapp_sessions (
  id bigint unsigned NOT NULL AUTO_INCREMENT,
  uuid char(36) NOT NULL,
  workspace_id bigint unsigned NOT NULL,
  session_id varchar(191) DEFAULT NULL,
  phone_number varchar(50) DEFAULT NULL,
  provider_type varchar(20) NOT NULL DEFAULT 'webjs',
  status ${enumOf(ALL_WORDS)} DEFAULT 'disconnected',
  qr_code text,
  session_data longtext CHARACTER SET utf8mb3 COLLATE utf8mb3_bin,
  is_primary tinyint(1) NOT NULL DEFAULT 0,
  is_active tinyint(1) NOT NULL DEFAULT 1,
  last_activity_at timestamp NULL DEFAULT NULL,
  created_by bigint unsigned NOT NULL,
  created_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at timestamp NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  deleted_at timestamp NULL DEFAULT NULL,
  PRIMARY KEY (id),
  UNIQUE (uuid),
  UNIQUE (phone_number),
  KEY (session_id),
  KEY (workspace_id, status)) ENGINE = InnoDB DEFAULT CHARSET = latin1`,

  odd: `CREATE TABLE whatsapp_sessions (
  status ${enumOf(FIELD_WORDS)} NOT NULL DEFAULT 'qr_scanning' COMMENT 'it''s a "state";\\nsee \`wiki\` \\\\ 100%',
  deleted_at timestamp NULL DEFAULT NULL,
  session_data longtext DEFAULT NULL,
  id bigint unsigned NOT NULL AUTO_INCREMENT COMMENT '',
  workspace_id bigint unsigned NOT NULL,
  uuid char(36) NOT NULL,
  parent_id bigint unsigned DEFAULT NULL,
  session_id varchar(191) NOT NULL,
  notes text DEFAULT NULL COMMENT 'שלום 😀',
  \`order by\` int DEFAULT 7,
  phone_number varchar(50) DEFAULT NULL,
  short_id varchar(20) GENERATED ALWAYS AS (left(session_id, 20)) VIRTUAL,
  phone_end varchar(4) GENERATED ALWAYS AS (right(phone_number, 4)) STORED,
  provider_type enum('meta', 'webjs') NOT NULL DEFAULT 'webjs',
  qr_code text DEFAULT NULL,
  created_by bigint unsigned NOT NULL,
  is_active tinyint(1) NOT NULL DEFAULT 1,
  is_primary tinyint(1) NOT NULL DEFAULT 0,
  last_activity_at timestamp NULL DEFAULT NULL,
  last_connected_at timestamp NULL DEFAULT NULL,
  metadata json DEFAULT NULL,
  secret varbinary(16) DEFAULT NULL INVISIBLE,
  updated_at timestamp NULL DEFAULT NULL,
  created_at timestamp NULL DEFAULT NULL,
  PRIMARY KEY (id),
  KEY newest (created_at DESC, id),
  KEY beginning (session_id(10), qr_code(20)),
  UNIQUE KEY (uuid) COMMENT 'one''s own',
  FULLTEXT KEY words (notes),
  UNIQUE KEY (session_id),
  KEY (phone_end),
  KEY (workspace_id, status),
  CONSTRAINT has_a_name CHECK (char_length(session_id) > 3),
  CHECK (is_primary IN (0, 1)),
  FOREIGN KEY (workspace_id) REFERENCES workspaces (id) ON DELETE CASCADE ON UPDATE CASCADE,
  FOREIGN KEY (created_by) REFERENCES users (id) ON DELETE CASCADE,
  FOREIGN KEY (parent_id) REFERENCES whatsapp_sessions (id) ON DELETE SET NULL
  ) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_general_ci ROW_FORMAT = DYNAMIC
  STATS_PERSISTENT = 1 COMMENT = 'the sessions'' "own" table;\\nsee above'`,
};

/** What is particular to the tables around. */
const around = {
  field: { keys: 'laravel', junction: 'contact_sessions', source: 'source_session_id', groups: true, migrations: true },
  later: { keys: 'laravel', junction: 'contact_accounts', source: 'source_session_id', groups: true, migrations: true },
  seed: { keys: 'laravel', junction: 'contact_sessions', source: null, groups: false, migrations: false },
  bare: { keys: 'none', junction: 'contact_sessions', source: 'source_account_id', groups: true, migrations: true,
    options: 'ENGINE = InnoDB DEFAULT CHARSET = utf8mb3' },
  odd: { keys: 'server', junction: 'contact_sessions', source: 'source_session_id', groups: true, migrations: true,
    compressed: true },
};

/** The names of a variant's tables and columns: {junction, source, groups, migrations, keys}. */
export const namesOf = (variant) => around[variant];

function children({ keys, junction, source: from, groups, options = UTF8, compressed }) {
  const key = foreignKey[keys];
  const id = 'id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY';
  const times = 'created_at timestamp NULL DEFAULT NULL, updated_at timestamp NULL DEFAULT NULL';
  const rows = [
    `CREATE TABLE contacts (${id}, uuid char(50) NOT NULL, workspace_id bigint unsigned NOT NULL,
      first_name varchar(128) DEFAULT NULL, phone varchar(255) DEFAULT NULL, whatsapp_account_id bigint unsigned
      DEFAULT NULL, ${from ? `${from} bigint unsigned DEFAULT NULL, source_type varchar(50) DEFAULT NULL,` : ''}
      ${times}, deleted_at timestamp NULL DEFAULT NULL
      ${from ? key('contacts', from, 'whatsapp_sessions', 'SET NULL') : ''}) ${options}`,
    `CREATE TABLE chats (${id}, workspace_id bigint unsigned NOT NULL, contact_id bigint unsigned NOT NULL,
      whatsapp_session_id bigint unsigned DEFAULT NULL, type enum('inbound', 'outbound') DEFAULT NULL,
      metadata text DEFAULT NULL, status varchar(128) DEFAULT NULL, ${times},
      deleted_at timestamp NULL DEFAULT NULL, KEY chats_session_created (whatsapp_session_id, created_at)
      ${key('chats', 'whatsapp_session_id', 'whatsapp_sessions', 'SET NULL')}
      ${key('chats', 'contact_id', 'contacts', 'CASCADE')})
      ${options}${compressed ? ' ROW_FORMAT = COMPRESSED KEY_BLOCK_SIZE = 8' : ''}`,
    `CREATE TABLE campaigns (${id}, name varchar(191) NOT NULL, whatsapp_account_id bigint unsigned DEFAULT NULL,
      ${times}) ${options}`,
    `CREATE TABLE campaign_logs (${id}, campaign_id bigint unsigned NOT NULL, contact_id bigint unsigned NOT NULL,
      whatsapp_session_id bigint unsigned DEFAULT NULL, status enum('pending', 'success', 'failed', 'ongoing') NOT NULL
      DEFAULT 'pending', ${times}${key('campaign_logs', 'whatsapp_session_id', 'whatsapp_sessions', 'SET NULL')})
      ${options}`,
    `CREATE TABLE ${junction} (${id}, contact_id bigint unsigned NOT NULL, whatsapp_session_id bigint unsigned
      NOT NULL, first_interaction_at timestamp NULL DEFAULT NULL, last_interaction_at timestamp NULL DEFAULT NULL,
      total_messages int NOT NULL DEFAULT 0, ${times},
      UNIQUE KEY contact_sessions_contact_id_whatsapp_session_id_unique (contact_id, whatsapp_session_id)
      ${key('contact_sessions', 'whatsapp_session_id', 'whatsapp_sessions', 'CASCADE')}
      ${key('contact_sessions', 'contact_id', 'contacts', 'CASCADE')}) ${options}`,
    groups && `CREATE TABLE whatsapp_groups (${id}, workspace_id bigint unsigned NOT NULL,
      whatsapp_session_id bigint unsigned NOT NULL, group_jid varchar(191) NOT NULL, name varchar(191) NOT NULL,
      ${times}, UNIQUE KEY whatsapp_groups_group_jid_unique (group_jid), KEY whatsapp_groups_pair (workspace_id,
      whatsapp_session_id)${key('whatsapp_groups', 'whatsapp_session_id', 'whatsapp_sessions', 'CASCADE')}) ${options}`,
    /* None that the application is known to have: its column keeps its name. */
    `CREATE TABLE session_cleanup_logs (${id}, session_id bigint unsigned DEFAULT NULL, reason varchar(191)
      DEFAULT NULL, created_at timestamp NULL DEFAULT NULL
      ${key('session_cleanup_logs', 'session_id', 'whatsapp_sessions', 'SET NULL')}) ${options}`,
  ];
  return rows.filter(Boolean).join(';\n');
}

const migrations = `CREATE TABLE migrations (id int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
    migration varchar(191) NOT NULL, batch int NOT NULL) ${UTF8};
  INSERT INTO migrations (migration, batch) VALUES ('2014_10_12_000000_create_users_table', 1),
    ('2024_11_01_000001_create_whatsapp_sessions_table', 2), ('2025_10_13_000002_create_whatsapp_groups_table', 3)`;

/* The body of a trigger is kept as it was written: with the quotes that a rename writes. */
const oddOnes = `
  CREATE TABLE handovers (id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, from_session bigint unsigned NOT NULL,
    to_session bigint unsigned DEFAULT NULL, noted_at datetime(6) DEFAULT NULL,
    FOREIGN KEY (from_session) REFERENCES whatsapp_sessions (id),
    CONSTRAINT \`goes to\` FOREIGN KEY (to_session) REFERENCES whatsapp_sessions (id) ON DELETE SET NULL
      ON UPDATE CASCADE) ${UTF8};
  CREATE TABLE seen (what varchar(40) NOT NULL, row_id bigint unsigned NOT NULL) ${UTF8};
  CREATE TRIGGER \`chats_note\` BEFORE INSERT ON \`chats\` FOR EACH ROW SET NEW.status = COALESCE(NEW.status, 'new');
  CREATE TRIGGER \`sessions_seen\` AFTER DELETE ON \`whatsapp_sessions\` FOR EACH ROW
    INSERT INTO seen (what, row_id) VALUES ('deleted', OLD.id)`;

/** Make the tables of a variant in an empty database: the old ones, and those that they hang on. */
export function makeLegacy(stack, variant) {
  const { migrations: hasMigrations } = around[variant];
  return stack.sql([
    readFileSync(`${source}/sql/demo_tables.sql`, 'utf8').trim().replace(/;$/, ''),
    sessions[variant],
    children(around[variant]),
    hasMigrations && migrations,
    variant === 'odd' && oddOnes,
  ].filter(Boolean).join(';\n'));
}

// --- the rows

const LATIN = ['plain', 'Ünïcödé ÿ', 'it\'s "quoted" \\ back`', 'tab\t, line\nand\r\nline', ' around ', '%_<&>', ''];
const UNICODE = [...LATIN, '日本語', '😀👨‍👩‍👧‍👦🏴‍☠️', 'שלום עולם', 'مرحبا بالعالم', 'e\u0301a\u0308\u0323',
  '\u0001\u0002\u001b\u001f\u007f', '\u200b\u202e\ufeff', '\uffff\u{10ffff}', '٠١٢٣'];
/** UTC; the first and the last second that a TIMESTAMP has, none at all, a leap day, hours that summer time skips. */
const TIMES = [null, '1970-01-01 00:00:01', '2038-01-19 03:14:07', '0000-00-00 00:00:00', '2025-11-14 03:04:05',
  '2024-02-29 23:59:59', '2025-03-30 02:30:00', '2025-10-26 02:30:00', '2025-06-01 00:00:00'];

const WORKSPACES = 20;
const USERS = 5;
const FIRST = 100;   /* ids of rows begin after it: a test may use what is below */

const digitsOf = (phone) => (phone ?? '').replace(/[^0-9]/g, '');
const at = (list, i) => list[i % list.length];
const uuidOf = (n) => `5e551040-0000-4000-8000-${String(n).padStart(12, '0')}`;
const zeroIsNoTime = (time) => (time === '0000-00-00 00:00:00' ? null : time);

function phoneOf(i, texts) {
  const digits = String(628_000_000_000 + i);
  return at([null, digits, `+${digits}`, `+62 800-${digits.slice(4)}`, `(62) 80.${digits.slice(3)} `, digits,
    i % 3 ? null : '', at(texts, i).slice(0, 50), i % 90 ? digits : digits.padEnd(50, '9')], i);
}

/** Encrypted by the present key, by one that nobody has any more, by neither; empty and not there. */
function dataOf(i, text, keys) {
  const array = JSON.stringify({ creds: { me: { id: `${i}@s.whatsapp.net`, name: text }, noise: 'x'.repeat(i % 97) } });
  switch (i % 10) {
    case 0: return null;
    case 1: return i % 3 ? '' : text;
    case 2: return `{"access_token": "EAAG${i}", "app_id":1.50, "name":${JSON.stringify(text)}}`;
    case 3: return encrypt(keys.lost, array);
    case 4: return encrypt(keys.present, array, { cipher: 'gcm' });
    default: return encrypt(keys.present, array);
  }
}

const metadataOf = (i, text) => at([null, '{}', '[]', `{"recent_failures":${i % 5},"note":${JSON.stringify(text)}}`,
  '{ "n" : 1.50, "deep":{"a":[1,null,"x"]},\n"é":true }', 'null'], i);

/** A row, with all columns that any variant has. */
function rowOf(i, { words, texts, keys, latin }) {
  const text = at(texts, i);
  const provider = i % 9 ? 'webjs' : 'meta';
  const workspace = 1 + (i * 7) % WORKSPACES;
  const deleted = i % 13 === 5;
  return {
    id: FIRST + i + Math.floor(i / 50),
    uuid: uuidOf(i),
    workspace_id: workspace,
    session_id: `${provider}_${workspace}_${1_763_000_000 + i}_${'AbCdEfGhJk'.slice(i % 3, i % 3 + 8)}`,
    session_name: text.slice(0, 180),
    phone_number: phoneOf(i, texts),
    provider_type: provider,
    status: at(words, i),
    qr_code: i % 5 ? at([null, '', `2@${text}`], i) : i % 250 ? `2@${i},${text}` : '2@'.padEnd(65_535, 'q'),
    session_data: dataOf(i, latin ? text : `${text}${i}`, keys),
    /* Of the deleted ones some were the primary; that of the live ones is set by whoever sees all of them. */
    is_primary: deleted && i % 26 === 5 ? 1 : 0,
    is_active: i % 4 ? 1 : 0,
    last_activity_at: at(TIMES, i),
    last_connected_at: at(TIMES, i * 2 + 1),
    metadata: metadataOf(i, text),
    assigned_instance_url: i % 3 ? null : `http://localhost:300${i % 4}`,
    health_score: i % 101,
    last_health_check_at: at(TIMES, i + 3),
    session_storage_path: i % 6 ? `/srv/sessions/${i}` : '',
    file_size_bytes: i % 7 ? i * 1_000_003 : 0,
    notes: i % 4 ? text.repeat(i % 5) : null,
    'order by': i % 3 ? i : null,
    secret: i % 3 ? { sql: `0x${(i * 65_537).toString(16).padStart(8, '0')}00ff27` } : null,
    parent_id: null,
    created_by: 1 + i % USERS,
    created_at: at(TIMES, i + 4),
    updated_at: at(TIMES, i + 5),
    deleted_at: deleted ? zeroIsNoTime(at(TIMES, i + 2)) ?? '2025-10-01 10:00:00' : null,
  };
}

const COLUMNS = {
  field: ['id', 'uuid', 'workspace_id', 'session_id', 'phone_number', 'provider_type', 'status', 'qr_code',
    'session_data', 'is_primary', 'is_active', 'last_activity_at', 'last_connected_at', 'metadata', 'created_by',
    'created_at', 'updated_at', 'deleted_at'],
};
COLUMNS.later = [...COLUMNS.field, 'assigned_instance_url', 'health_score', 'last_health_check_at',
  'session_storage_path', 'file_size_bytes'];
COLUMNS.seed = COLUMNS.field.map((name) => (name === 'session_id' ? 'session_name' : name));
COLUMNS.bare = COLUMNS.field.filter((name) => !['metadata', 'last_connected_at'].includes(name));
COLUMNS.odd = [...COLUMNS.field, 'notes', 'order by', 'secret', 'parent_id'];

const WORDS = { field: FIELD_WORDS, later: FIELD_WORDS, seed: ALL_WORDS, bare: ALL_WORDS, odd: FIELD_WORDS };
/* By what a variant's own unique key tells numbers apart; collations take many odd texts for the same. */
const NUMBER_KEY = {
  later: (row) => `${digitsOf(row.phone_number)} ${row.workspace_id} ${row.status}`,
  bare: (row) => row.phone_number.trimEnd(),
};

/** Make rows such that no migration has to choose between two of them. */
function settle(rows, variant) {
  const [primaries, numbers, keys] = [new Set(), new Set(), new Set()];
  for (const row of rows) {
    const live = row.deleted_at === null;
    if (live && !primaries.has(row.workspace_id)) {
      primaries.add(row.workspace_id);
      row.is_primary = 1;
    }
    /* A deleted session often has the number of the one that was made in its place. */
    if (!live && variant !== 'bare') {
      row.phone_number = rows.find((other) => other.deleted_at === null && other.workspace_id === row.workspace_id)
        ?.phone_number ?? row.phone_number;
    }
    const number = `${row.workspace_id} ${digitsOf(row.phone_number)}`;
    const key = row.phone_number === null ? null : NUMBER_KEY[variant]?.(row);
    const taken = live && digitsOf(row.phone_number) !== '' && numbers.has(number);
    if (taken || (typeof key === 'string' && keys.has(key))) row.phone_number = null;
    else {
      if (live) numbers.add(number);
      if (typeof key === 'string') keys.add(key);
    }
  }
  return rows;
}

const insertInto = (table, columns, rows) => (rows.length === 0 ? '' : `INSERT INTO ${table}
  (${columns.map((name) => `\`${name}\``).join(', ')}) VALUES
  ${rows.map((row) => `(${columns.map((name) => literal(row[name])).join(', ')})`).join(',\n')};\n`);

function chunks(rows, size) {
  const parts = [];
  for (let i = 0; i < rows.length; i += size) parts.push(rows.slice(i, i + size));
  return parts;
}

/** Rows around: about as many of each as there are sessions; each hangs on one of them, or on none. */
function childRows({ junction, source: from, groups }, variant, rows) {
  const some = (n) => `(SELECT id FROM picked WHERE n = 1 + ${n} MOD ${rows})`;
  const time = "'2025-11-01 10:00:00' + INTERVAL seq SECOND";
  const seq = `FROM seq_1_to_${rows}`;
  return `CREATE TEMPORARY TABLE picked (n int PRIMARY KEY, id bigint unsigned NOT NULL)
      SELECT ROW_NUMBER() OVER (ORDER BY id) AS n, id FROM whatsapp_sessions;
    INSERT INTO contacts (id, uuid, workspace_id, first_name, phone, whatsapp_account_id, created_at
      ${from ? `, ${from}, source_type` : ''}) SELECT seq, UUID(), 1 + seq MOD ${WORKSPACES}, CONCAT('Contact ', seq),
      628900000000 + seq, IF(seq MOD 3, seq, NULL), ${time}
      ${from ? `, IF(seq MOD 4, ${some('seq * 3')}, NULL), 'webjs'` : ''} ${seq};
    INSERT INTO chats (workspace_id, contact_id, whatsapp_session_id, type, metadata, created_at)
      SELECT 1 + seq MOD ${WORKSPACES}, seq, IF(seq MOD 5, ${some('seq')}, NULL), 1 + seq MOD 2,
      REPEAT('x', seq MOD 50), ${time} ${seq};
    INSERT INTO campaigns (name, whatsapp_account_id) SELECT CONCAT('Campaign ', seq), ${some('seq')} ${seq} LIMIT 20;
    INSERT INTO campaign_logs (campaign_id, contact_id, whatsapp_session_id, status)
      SELECT 1 + seq MOD 20, seq, IF(seq MOD 6, ${some('seq * 7')}, NULL), 1 + seq MOD 4 ${seq};
    INSERT INTO ${junction} (contact_id, whatsapp_session_id, first_interaction_at, total_messages)
      SELECT seq, ${some('seq * 11')}, ${time}, seq MOD 13 ${seq};
    ${groups ? `INSERT INTO whatsapp_groups (workspace_id, whatsapp_session_id, group_jid, name)
      SELECT 1 + seq MOD ${WORKSPACES}, ${some('seq * 13')}, CONCAT(seq, '@g.us'), CONCAT('Group ', seq) ${seq};` : ''}
    INSERT INTO session_cleanup_logs (session_id, reason) SELECT IF(seq MOD 2, ${some('seq')}, NULL), 'idle' ${seq};
    ${variant === 'odd' ? `INSERT INTO handovers (from_session, to_session, noted_at)
      SELECT ${some('seq')}, IF(seq MOD 2, ${some('seq * 2')}, NULL), '2025-11-01 10:00:00.123456' ${seq};
    UPDATE whatsapp_sessions AS s JOIN picked AS p ON p.n = 1 + s.id MOD ${rows} SET s.parent_id = p.id
      WHERE s.id MOD 3 = 0;
    ALTER TABLE whatsapp_sessions AUTO_INCREMENT = 5000000000;`
      : `ALTER TABLE whatsapp_sessions AUTO_INCREMENT = ${FIRST + rows * 2};`}
    DROP TEMPORARY TABLE picked;`;
}

/**
 * Fill the tables: people, workspaces, so many sessions in every state with all that a column can hold, and rows
 * that hang on them. Nothing in it is an obstacle to a migration.
 *
 *   rows   how many sessions
 *   large  with two session_data of 5 MB
 */
export async function fillLegacy(stack, variant, { rows: count = 1000, large = true } = {}) {
  const latin = variant === 'bare';
  const keys = { present: stack.settings.APP_KEY, lost: newKey() };
  const context = { words: WORDS[variant], texts: latin ? LATIN : UNICODE, keys, latin };
  const rows = settle(Array.from({ length: count }, (_, i) => rowOf(i + 1, context)), variant);
  /* NOT NULL there. */
  if (variant === 'bare') for (const row of rows) row.created_at ??= '2025-11-14 03:04:05';
  if (large && count > 1) {
    rows[0].session_data = encrypt(keys.present, randomBytes(2_200_000).toString('base64'));
    rows[1].session_data = at(context.texts, 1).repeat(550_000);
  }
  const numbers = (n) => Array.from({ length: n }, (_, i) => i + 1);
  const users = numbers(USERS).map((id) => ({ id, first_name: `User ${id}`, email: `user${id}@example.test` }));
  const workspaces = numbers(WORKSPACES).map((id) => ({ id, name: `Workspace ${id}`, created_by: 1 + id % USERS }));
  await stack.sql(`SET sql_mode = '', time_zone = '+00:00';
    ${insertInto('users', ['id', 'first_name', 'email'], users)}
    ${insertInto('workspaces', ['id', 'name', 'created_by'], workspaces)}
    ${rows.slice(0, 2).map((row) => insertInto('whatsapp_sessions', COLUMNS[variant], [row])).join('')}
    ${chunks(rows.slice(2), 250).map((part) => insertInto('whatsapp_sessions', COLUMNS[variant], part)).join('')}
    ${childRows(around[variant], variant, count)}`);
}

let added = 0;
/** One more session with these columns, as they are; its id. Workspaces 1 to 20 and users 1 to 5 are there. */
export async function addSession(stack, variant, columns = {}) {
  const n = ++added;
  const all = { uuid: uuidOf(900_000_000 + n), workspace_id: 1, created_by: 1, provider_type: 'webjs',
    status: 'disconnected', session_id: `webjs_1_1762000000_add${String(n).padStart(5, '0')}`,
    session_name: `Added ${n}`, session_storage_path: '', file_size_bytes: 0, created_at: '2025-11-01 10:00:00',
    updated_at: '2025-11-01 10:00:00', ...columns };
  const names = Object.keys(all).filter((name) => name in columns || COLUMNS[variant].includes(name));
  const [{ id }] = await stack.sql(`SET sql_mode = '', time_zone = '+00:00', foreign_key_checks = 0;
    INSERT INTO whatsapp_sessions (${names.map((name) => `\`${name}\``).join(', ')})
    VALUES (${names.map((name) => literal(all[name])).join(', ')}) RETURNING id`);
  return Number(id);
}

/** Two live sessions of a workspace (3, unless the columns name one) that are both its primary; their ids. */
export async function addTwoPrimaries(stack, variant, columns = {}, second = {}) {
  const { workspace_id = 3 } = columns;
  await stack.sql(`UPDATE whatsapp_sessions SET is_primary = 0, updated_at = updated_at
    WHERE workspace_id = ${workspace_id}`);
  return [await addSession(stack, variant, { workspace_id, is_primary: 1, ...columns }),
    await addSession(stack, variant, { workspace_id, is_primary: 1, ...columns, ...second })];
}

/** Two live sessions of a workspace (4, unless the columns name one) with one number, in two ways; their ids. */
export async function addNumberTwice(stack, variant, columns = {}, second = {}) {
  const { workspace_id = 4 } = columns;
  return [await addSession(stack, variant, { workspace_id, phone_number: '+62 777-0000 111', ...columns }),
    await addSession(stack, variant, { workspace_id, phone_number: '627770000111', ...columns, ...second })];
}

/** A stack with a database of this variant, filled, that nothing serves yet. */
export async function legacyStack(variant, { rows, large, ...options } = {}) {
  const stack = await startStack({ schema: false, pool: false, nginx: false, ...options });
  try {
    await makeLegacy(stack, variant);
    await fillLegacy(stack, variant, { rows, large });
  } catch (error) {
    await stack.stop();
    throw error;
  }
  return stack;
}

// --- what is in a database

/** All of a database, as mariadb-dump writes it: a Map of each table's (and view's) text. */
export async function dump(stack) {
  const { socket, name } = stack.database;
  const { code, stdout, stderr } = await run('mariadb-dump', ['--no-defaults', '--user=root', `--socket=${socket}`,
    '--default-character-set=utf8mb4', '--single-transaction', '--order-by-primary', '--hex-blob', '--skip-dump-date',
    '--skip-comments', '--skip-extended-insert', '--max-allowed-packet=64M', '--triggers', '--routines', '--events',
    name]);
  assert.equal(code, 0, stderr);
  const tables = new Map();
  const parts = stdout.split(/^DROP TABLE IF EXISTS `((?:[^`]|``)+)`;\n/m).slice(1);
  for (let i = 0; i < parts.length; i += 2) tables.set(parts[i], (tables.get(parts[i]) ?? '') + parts[i + 1]);
  return tables;
}

/** Where two texts part, in a form that a person can read. */
function difference(now, before) {
  const [a, b] = [now.split('\n'), before.split('\n')];
  const line = a.findIndex((text, i) => text !== b[i]);
  if (line < 0) return `${b.length - a.length} lines are missing at the end: ${b[a.length].slice(0, 400)}`;
  const other = b[line] ?? '(nothing)';
  let from = 0;
  while (a[line][from] === other[from] && from < other.length) from++;
  const show = (text) => `${from > 80 ? '…' : ''}${text.slice(Math.max(0, from - 80), from + 200)}`;
  return `line ${line + 1}\n  now:    ${show(a[line])}\n  before: ${show(other)}`;
}

/** The tables in which two dumps differ, and where: an array of sentences. */
export function differences(now, before) {
  const faults = [];
  for (const table of new Set([...before.keys(), ...now.keys()])) {
    if (!now.has(table)) faults.push(`${table} is missing`);
    else if (!before.has(table)) faults.push(`${table} is new`);
    else if (now.get(table) !== before.get(table)) {
      faults.push(`${table} differs: ${difference(now.get(table), before.get(table))}`);
    }
  }
  return faults;
}

/** Both dumps are the same to the byte. */
export const isSameDump = (now, before, message = 'the dump') =>
  assert.equal(differences(now, before).join('\n'), '', message);

// --- the command

/** wa-accountsctl migrate with these words, and nobody at a terminal: {code, out, stdout, stderr}. */
export async function migrate(stack, ...words) {
  const result = await stack.ctl('migrate', ...words);
  assert.equal(result.signal, null, result.out.slice(-4000));
  assert.doesNotMatch(result.out, /Sanitizer|runtime error:/);
  return result;
}

/** The same; it ends with this exit status. Its output. */
export async function ends(code, stack, ...words) {
  const result = await migrate(stack, ...words);
  assert.equal(result.code, code, `migrate ${words.join(' ')}:\n${result.out.slice(-6000)}`);
  return result.out;
}

/** The same; all was as it should be. */
export const succeeds = (stack, ...words) => ends(0, stack, ...words);
