-- Version 2: the relay's leases.
--
-- A lane is what is to be told of one account in one way: its events, or its
-- commands.  A row here is a relay's lease on it, or (holder 0) a pause: after a
-- failure, or (peer not 0) while that peer takes nothing.  due_at is until
-- when, by this server's clock.  A lane without a row is free.  No row is ever needed for anything to be delivered: what is to be
-- delivered stands in wa_outbox alone.
CREATE TABLE IF NOT EXISTS wa_lanes (
	kind enum('event', 'command') NOT NULL,
	account_id bigint unsigned NOT NULL,
	holder bigint unsigned NOT NULL,
	claim bigint unsigned NOT NULL,
	peer smallint unsigned NOT NULL DEFAULT 0,
	due_at datetime(6) NOT NULL,
	PRIMARY KEY (kind, account_id),
	KEY wa_lanes_holder (holder, claim),
	KEY wa_lanes_due (due_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_unicode_ci;

-- Which accounts have something undelivered is found without reading every
-- row of a backlog; what is too old, without looking at the rest.
ALTER TABLE wa_outbox
	ADD KEY IF NOT EXISTS wa_outbox_lane (kind, state, account_id, id),
	ADD KEY IF NOT EXISTS wa_outbox_expiry (state, expires_at),
	DROP KEY IF EXISTS wa_outbox_open;
