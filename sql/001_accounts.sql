-- Version 1: the accounts, and the outbox of their events and commands.
--
-- The first statement is what Laravel's own migration makes; everything that
-- a working system needs beyond it is added after, so that a database in
-- which Laravel made the table first ends in the same state.

CREATE TABLE IF NOT EXISTS whatsapp_accounts (
	id bigint unsigned NOT NULL AUTO_INCREMENT,
	uuid char(36) NOT NULL,
	workspace_id bigint unsigned NOT NULL,
	account_name varchar(255) NULL,
	phone_number varchar(50) NULL,
	provider_type enum('meta', 'webjs') NOT NULL DEFAULT 'webjs',
	connection_status enum('connecting', 'connected', 'disconnected', 'error') NOT NULL DEFAULT 'disconnected',
	qr_code text NULL,
	session_data longtext NULL,
	is_primary tinyint(1) NOT NULL DEFAULT 0,
	is_active tinyint(1) NOT NULL DEFAULT 1,
	last_activity_at timestamp NULL DEFAULT NULL,
	last_connected_at timestamp NULL DEFAULT NULL,
	metadata json NULL,
	created_by bigint unsigned NOT NULL,
	created_at timestamp NULL DEFAULT NULL,
	updated_at timestamp NULL DEFAULT NULL,
	deleted_at timestamp NULL DEFAULT NULL,
	PRIMARY KEY (id),
	UNIQUE KEY whatsapp_accounts_uuid_unique (uuid),
	KEY whatsapp_accounts_workspace_id_connection_status_index (workspace_id, connection_status),
	KEY whatsapp_accounts_provider_type_is_active_index (provider_type, is_active),
	KEY whatsapp_accounts_workspace_id_is_primary_index (workspace_id, is_primary),
	KEY whatsapp_accounts_created_by_foreign (created_by),
	CONSTRAINT whatsapp_accounts_workspace_id_foreign FOREIGN KEY (workspace_id) REFERENCES workspaces (id) ON DELETE CASCADE,
	CONSTRAINT whatsapp_accounts_created_by_foreign FOREIGN KEY (created_by) REFERENCES users (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_unicode_ci;

-- Two rules are the database's own: at most one live primary account in a
-- workspace, and one live account for a phone number there, compared by its
-- digits.  NULL never collides: deleted accounts and accounts without a
-- number are free.  The columns are STORED because indexes on VIRTUAL ones
-- have been found corrupted (MDEV-38140, MDEV-36613), and INVISIBLE so that
-- SELECT * and Eloquent do not see them.
--
-- qr_first_at is when the pairing that is under way showed its first code:
-- a pairing ends a quarter of an hour after it.
ALTER TABLE whatsapp_accounts
	ADD COLUMN IF NOT EXISTS session_id varchar(191) NULL,
	ADD COLUMN IF NOT EXISTS assigned_instance_url varchar(255) NULL,
	ADD COLUMN IF NOT EXISTS qr_expires_at timestamp NULL DEFAULT NULL,
	ADD COLUMN IF NOT EXISTS connect_deadline_at datetime(6) NULL,
	ADD COLUMN IF NOT EXISTS state_version bigint unsigned NOT NULL DEFAULT 0,
	ADD COLUMN IF NOT EXISTS qr_first_at datetime(6) NULL INVISIBLE,
	ADD COLUMN IF NOT EXISTS live_primary tinyint
		AS (IF(is_primary AND deleted_at IS NULL, 1, NULL)) STORED INVISIBLE,
	ADD COLUMN IF NOT EXISTS live_phone varchar(50) CHARACTER SET ascii COLLATE ascii_bin
		AS (IF(deleted_at IS NULL, NULLIF(REGEXP_REPLACE(phone_number, '[^0-9]', ''), ''), NULL)) STORED INVISIBLE,
	ADD UNIQUE KEY IF NOT EXISTS whatsapp_accounts_session_id_unique (session_id),
	ADD UNIQUE KEY IF NOT EXISTS whatsapp_accounts_live_primary_unique (workspace_id, live_primary),
	ADD UNIQUE KEY IF NOT EXISTS whatsapp_accounts_live_phone_unique (workspace_id, live_phone),
	ADD KEY IF NOT EXISTS whatsapp_accounts_active_index (connection_status, is_active, deleted_at, id);

-- Locked by a transaction that may touch two accounts of a workspace, before
-- it touches any.  Never a row of `workspaces`: a lock there would block
-- Laravel's inserts through their foreign keys.
CREATE TABLE IF NOT EXISTS wa_workspaces (
	workspace_id bigint unsigned NOT NULL,
	PRIMARY KEY (workspace_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_unicode_ci;

-- What is to be told to others, written in the transaction of the change it
-- tells of.  Rows of one account are delivered in the order of their id,
-- which is the order of state_version.  No foreign key: what happened to an
-- account is told even when its row is gone.
CREATE TABLE IF NOT EXISTS wa_outbox (
	id bigint unsigned NOT NULL AUTO_INCREMENT,
	account_id bigint unsigned NOT NULL,
	workspace_id bigint unsigned NOT NULL,
	state_version bigint unsigned NOT NULL,
	kind enum('event', 'command') NOT NULL,
	name varchar(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	payload longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL CHECK (json_valid(payload)),
	state enum('waiting', 'sending', 'delivered', 'given_up', 'replaced', 'cancelled', 'expired') NOT NULL DEFAULT 'waiting',
	attempts int unsigned NOT NULL DEFAULT 0,
	created_at datetime(6) NOT NULL,
	available_at datetime(6) NOT NULL,
	expires_at datetime(6) NOT NULL,
	settled_at datetime(6) NULL,
	last_error varchar(255) NULL,
	PRIMARY KEY (id),
	KEY wa_outbox_open (state, account_id, id),
	KEY wa_outbox_account (account_id, id),
	KEY wa_outbox_settled (settled_at),
	KEY wa_outbox_depth (state, kind, created_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_unicode_ci;
