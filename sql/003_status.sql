-- Version 3: the old word.
--
-- For those parts of the application that still ask for status = 'connected'.
-- It is computed when it is read: it takes no room, cannot differ from
-- connection_status, and cannot be written.  Not indexed (MDEV-38140,
-- MDEV-36613); visible, because Eloquent is to see it.  Nothing of ours reads
-- it, so it may be dropped when nobody asks for it any more.
ALTER TABLE whatsapp_accounts
	ADD COLUMN IF NOT EXISTS status varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci
		AS (CASE connection_status WHEN 'connecting' THEN 'qr_scanning' WHEN 'connected' THEN 'connected'
			WHEN 'disconnected' THEN 'disconnected' WHEN 'error' THEN 'failed' END) VIRTUAL;
