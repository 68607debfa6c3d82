#include "outbox/admin.h"

enum { EACH, FIND, LOCK_ACCOUNT, LOCK, REDRIVE, PURGE };

// clang-format off
#define COLUMNS \
	"id, account_id, workspace_id, state_version, kind, name, state, attempts, created_at, available_at," \
	" expires_at, settled_at, TIMESTAMPDIFF(SECOND, created_at, UTC_TIMESTAMP(6)), last_error"
#define TYPES "uuuusssuttttis"
#define STATES "?, ?, ?, ?, ?, ?, ?" /* DELIVERY_STATES */

static const struct db_statement statements[] = {
	[EACH] = {"admin.each",
		"SELECT " COLUMNS " FROM wa_outbox WHERE id > ? AND state IN (" STATES ") AND kind IN (?, ?)"
		" AND (? = 0 OR account_id = ?) ORDER BY id LIMIT ?",
		TYPES, DB_READ},
	[FIND] = {"admin.find", "SELECT " COLUMNS ", payload FROM wa_outbox WHERE id = ?", TYPES "s", DB_READ},
	/* Before the row, as those do who write commands. */
	[LOCK_ACCOUNT] = {"admin.lock_account",
		"SELECT a.id FROM whatsapp_accounts AS a WHERE a.id = (SELECT account_id FROM wa_outbox WHERE id = ?)"
		" FOR UPDATE",
		"u", 0},
	/* An old QR code is of no use to anybody. */
	[LOCK] = {"admin.lock",
		"SELECT state IN ('given_up', 'expired', 'cancelled') AND name <> 'qr-code-generated', kind = 'command' AND EXISTS"
		" (SELECT 1 FROM wa_outbox AS c WHERE c.account_id = o.account_id AND c.kind = 'command'"
		" AND c.state IN ('waiting', 'sending')) FROM wa_outbox AS o WHERE id = ? FOR UPDATE",
		"uu", 0},
	/* The assignments are made from left to right. */
	[REDRIVE] = {"admin.redrive",
		"UPDATE wa_outbox SET state = 'waiting', attempts = 0, last_error = NULL, settled_at = NULL,"
		" expires_at = UTC_TIMESTAMP(6) + INTERVAL TIMESTAMPDIFF(MICROSECOND, created_at, expires_at) MICROSECOND,"
		" available_at = UTC_TIMESTAMP(6), created_at = UTC_TIMESTAMP(6) WHERE id = ?",
		"", 0},
	[PURGE] = {"admin.purge",
		"DELETE FROM wa_outbox WHERE settled_at IS NOT NULL AND state IN (" STATES ")"
		" AND kind IN ('event', 'command') LIMIT 1000",
		"", 0},
};
// clang-format on

enum { ENTRY_COLUMNS = sizeof(TYPES) - 1 };

static struct outbox_entry entry_of(const struct db_value *row)
{
	return (struct outbox_entry){
	    .id = row[0].u,
	    .account_id = row[1].u,
	    .workspace_id = row[2].u,
	    .state_version = row[3].u,
	    .kind = row[4].s,
	    .name = row[5].s,
	    .state = row[6].s,
	    .attempts = row[7].u,
	    .created_at = row[8].i,
	    .available_at = row[9].i,
	    .expires_at = row[10].i,
	    .settled_at = row[11].i,
	    .age_s = row[12].i,
	    .last_error = row[13].s,
	};
}

/* Comma-separated words as `n` parameters: what is missing is the last one again. */
static void put_words(struct db_value *in, size_t n, struct span words)
{
	struct span word = {0};

	for (size_t i = 0; i < n; i++) {
		span_cut(&words, ',', &word);
		in[i] = db_s(word);
	}
}

struct reading {
	outbox_entry_fn *fn;
	void *ctx;
};

static enum rc read_entry(void *ctx, const struct db_value *row)
{
	const struct reading *reading = ctx;
	struct outbox_entry entry = entry_of(row);

	return reading->fn(reading->ctx, &entry);
}

enum rc admin_each(struct db *db, struct arena *mem, const struct outbox_filter *filter,
    uint64_t after, uint64_t limit, outbox_entry_fn *fn, void *ctx)
{
	struct reading reading = {fn, ctx};
	struct db_value in[DELIVERY_STATES + 6] = {db_u(after)}, *more = in + 1 + DELIVERY_STATES;

	put_words(in + 1, DELIVERY_STATES, filter->states);
	put_words(more, OUTBOX_KINDS, filter->kinds);
	more[2] = more[3] = db_u(filter->account_id);
	more[4] = db_u(limit);
	return db_each(
	    db, &statements[EACH], in, sizeof(in) / sizeof(in[0]), mem, read_entry, &reading);
}

enum rc admin_find(struct db *db, struct arena *mem, uint64_t id, struct outbox_entry *ret)
{
	struct db_value row[ENTRY_COLUMNS + 1];
	enum rc rc = db_one(db, &statements[FIND], DB_IN(db_u(id)), mem, row);

	if (rc != RC_OK)
		return rc;
	*ret = entry_of(row);
	ret->payload = row[ENTRY_COLUMNS].s;
	return RC_OK;
}

struct redriving {
	struct arena *mem;
	uint64_t id;
};

static enum rc redrive_body(struct db *db, void *ctx)
{
	const struct redriving *r = ctx;
	struct db_value row[2];
	enum rc rc = db_one(db, &statements[LOCK_ACCOUNT], DB_IN(db_u(r->id)), r->mem, row);

	if (rc == RC_OK || rc == RC_NOT_FOUND)
		rc = db_one(db, &statements[LOCK], DB_IN(db_u(r->id)), r->mem, row);
	if (rc != RC_OK)
		return rc;
	if (row[0].u == 0)
		return RC_INVALID;
	if (row[1].u != 0)
		return RC_CONFLICT;
	return db_run(db, &statements[REDRIVE], DB_IN(db_u(r->id)));
}

enum rc admin_redrive(struct db *db, struct arena *mem, uint64_t id)
{
	struct redriving redriving = {mem, id};

	return db_transaction(db, redrive_body, &redriving);
}

enum rc admin_purge(struct db *db, struct span states, uint64_t *ret)
{
	struct db_value in[DELIVERY_STATES];
	enum rc rc;

	put_words(in, DELIVERY_STATES, states);
	rc = db_run(db, &statements[PURGE], in, DELIVERY_STATES);

	*ret = rc == RC_OK ? db_affected(db) : 0;
	return rc;
}
