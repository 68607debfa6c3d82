-- Two workspaces with their people, and forty accounts in every state.
-- Run on an empty database only: wa-accountsctl schema apply --demo asks first.

INSERT INTO users (id, first_name, email, created_at, updated_at) VALUES
	(1, 'Ana', 'ana@example.test', UTC_TIMESTAMP(), UTC_TIMESTAMP()),
	(2, 'Budi', 'budi@example.test', UTC_TIMESTAMP(), UTC_TIMESTAMP()),
	(3, 'Citra', 'citra@example.test', UTC_TIMESTAMP(), UTC_TIMESTAMP());

INSERT INTO workspaces (id, name, created_by, created_at, updated_at) VALUES
	(1, 'Toko Satu', 1, UTC_TIMESTAMP(), UTC_TIMESTAMP()),
	(2, 'Toko Dua', 2, UTC_TIMESTAMP(), UTC_TIMESTAMP());

INSERT INTO teams (user_id, workspace_id, role, created_at, updated_at) VALUES
	(1, 1, 'owner', UTC_TIMESTAMP(), UTC_TIMESTAMP()),
	(3, 1, 'agent', UTC_TIMESTAMP(), UTC_TIMESTAMP()),
	(2, 2, 'owner', UTC_TIMESTAMP(), UTC_TIMESTAMP());

-- n = 1 to 40: odd ones in workspace 1, even ones in workspace 2; the state
-- goes round by fours (by pairs, so that each workspace has all of them);
-- the first connected account of each workspace is its primary; every tenth
-- is of provider meta; the last two are deleted.
INSERT INTO whatsapp_accounts (uuid, workspace_id, account_name, phone_number, provider_type,
	connection_status, qr_code, is_primary, is_active, last_activity_at, last_connected_at,
	metadata, created_by, created_at, updated_at, deleted_at, session_id, qr_expires_at)
SELECT
	CONCAT('00000000-0000-4000-8000-', LPAD(n, 12, '0')),
	2 - n % 2,
	CONCAT('Number ', n),
	IF(state = 'connecting', NULL, CONCAT('+62 812-0000-', LPAD(n, 4, '0'))),
	provider,
	state,
	IF(state = 'connecting' AND provider = 'webjs', CONCAT('2@demo-qr-code-', n), NULL),
	n IN (1, 2),
	state IN ('connected', 'connecting'),
	IF(state = 'connecting', NULL, UTC_TIMESTAMP() - INTERVAL n MINUTE),
	IF(state = 'connecting', NULL, UTC_TIMESTAMP() - INTERVAL n HOUR),
	IF(state = 'error', JSON_OBJECT('recent_failures', 1, 'last_error', 'The phone went offline'), NULL),
	2 - n % 2,
	UTC_TIMESTAMP() - INTERVAL n DAY,
	UTC_TIMESTAMP() - INTERVAL n MINUTE,
	IF(n > 38, UTC_TIMESTAMP(), NULL),
	CONCAT(provider, '_', 2 - n % 2, '_', 1763100000 + n, '_demo', LPAD(n, 4, '0')),
	IF(state = 'connecting' AND provider = 'webjs', UTC_TIMESTAMP() + INTERVAL 1 DAY, NULL)
FROM (
	SELECT seq AS n,
		IF(seq % 10 = 0, 'meta', 'webjs') AS provider,
		ELT(1 + (seq - 1) DIV 2 % 4, 'connected', 'disconnected', 'connecting', 'error') AS state
	FROM seq_1_to_40
) AS demo;
