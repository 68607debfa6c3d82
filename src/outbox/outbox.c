#include "outbox/outbox.h"

enum {
	PUT_EVENT,
	PUT_COMMAND,
	REPLACE_COMMAND,
	RENEW_COMMAND,
	END_PAUSE,
	HAS_OTHER_COMMAND,
	DEPTH
};

// clang-format off
#define COLUMNS \
	"(account_id, workspace_id, state_version, kind, name, payload, created_at, available_at, expires_at)"
#define TIMES "UTC_TIMESTAMP(6), UTC_TIMESTAMP(6), UTC_TIMESTAMP(6) + INTERVAL ? SECOND"

static const struct db_statement statements[] = {
	[PUT_EVENT] = {"outbox.put_event",
		"INSERT INTO wa_outbox " COLUMNS " VALUES (?, ?, ?, 'event', ?, ?, " TIMES ")", "", 0},
	[PUT_COMMAND] = {"outbox.put_command",
		"INSERT INTO wa_outbox " COLUMNS " SELECT ?, ?, ?, 'command', ?, ?, " TIMES " FROM DUAL"
		" WHERE NOT EXISTS (SELECT 1 FROM wa_outbox WHERE state = 'waiting' AND account_id = ?"
		" AND kind = 'command')",
		"", 0},
	[REPLACE_COMMAND] = {"outbox.replace_command",
		"UPDATE wa_outbox SET state = 'replaced', settled_at = UTC_TIMESTAMP(6)"
		" WHERE state = 'waiting' AND account_id = ? AND kind = 'command' AND name <> ?",
		"", 0},
	[RENEW_COMMAND] = {"outbox.renew_command",
		"UPDATE wa_outbox SET attempts = 0, available_at = UTC_TIMESTAMP(6),"
		" expires_at = UTC_TIMESTAMP(6) + INTERVAL ? SECOND"
		" WHERE state = 'waiting' AND account_id = ? AND kind = 'command' AND name = ?",
		"", 0},
	[END_PAUSE] = {"outbox.end_pause",
		"DELETE FROM wa_lanes WHERE kind = 'command' AND account_id = ? AND holder = 0", "", 0},
	[HAS_OTHER_COMMAND] = {"outbox.has_other_command",
		"SELECT EXISTS (SELECT 1 FROM wa_outbox WHERE state IN ('waiting', 'sending')"
		" AND account_id = ? AND kind = 'command' AND name <> ?)",
		"u", DB_READ},
	[DEPTH] = {"outbox.depth",
		"SELECT COALESCE(SUM(kind = 'event'), 0), COALESCE(SUM(kind = 'command'), 0),"
		" COALESCE(TIMESTAMPDIFF(SECOND, MIN(created_at), UTC_TIMESTAMP(6)), 0)"
		" FROM wa_outbox WHERE state IN ('waiting', 'sending')",
		"uuu", DB_READ},
};
// clang-format on

enum rc outbox_put_event(struct db *db, const struct outbox_row *row)
{
	db_notify(db);
	return db_run(db, &statements[PUT_EVENT],
	    DB_IN(db_u(row->account_id), db_u(row->workspace_id), db_u(row->state_version),
		db_text(row->name), db_s(row->payload), db_u(row->lifetime_s)));
}

enum rc outbox_put_command(struct db *db, const struct outbox_row *row)
{
	enum rc rc = db_run(
	    db, &statements[REPLACE_COMMAND], DB_IN(db_u(row->account_id), db_text(row->name)));

	if (rc == RC_OK)
		rc = db_run(db, &statements[RENEW_COMMAND],
		    DB_IN(db_u(row->lifetime_s), db_u(row->account_id), db_text(row->name)));
	/* What somebody wants now does not wait for the end of an earlier one's pause. */
	if (rc == RC_OK)
		rc = db_run(db, &statements[END_PAUSE], DB_IN(db_u(row->account_id)));
	if (rc != RC_OK)
		return rc;
	db_notify(db);
	return db_run(db, &statements[PUT_COMMAND],
	    DB_IN(db_u(row->account_id), db_u(row->workspace_id), db_u(row->state_version),
		db_text(row->name), db_s(row->payload), db_u(row->lifetime_s),
		db_u(row->account_id)));
}

enum rc outbox_has_other_command(
    struct db *db, struct arena *mem, uint64_t account_id, const char *name, bool *ret)
{
	struct db_value row[1];
	enum rc rc = db_one(
	    db, &statements[HAS_OTHER_COMMAND], DB_IN(db_u(account_id), db_text(name)), mem, row);

	if (rc == RC_OK)
		*ret = row[0].u != 0;
	return rc;
}

enum rc outbox_depth(struct db *db, struct arena *mem, struct outbox_depth *ret)
{
	struct db_value row[3];
	enum rc rc = db_one(db, &statements[DEPTH], DB_NONE, mem, row);

	if (rc == RC_OK)
		*ret = (struct outbox_depth){row[0].u, row[1].u, row[2].u};
	return rc;
}
