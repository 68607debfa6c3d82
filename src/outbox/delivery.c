#include "outbox/delivery.h"

#include "lists.h"

enum {
	READ_EVENTS,
	READ_COMMANDS,
	HAS_NEWER,
	BEGIN,
	DELIVERED,
	AGAIN,
	SETTLE,
	EXPIRE_EVENTS,
	PRUNE
};

// clang-format off
#define OPEN "state IN ('waiting', 'sending')"

#define COLUMNS \
	"o.account_id, o.id, o.workspace_id, o.name, o.payload, o.state, o.attempts, o.last_error," \
	" TIMESTAMPDIFF(MICROSECOND, o.created_at, UTC_TIMESTAMP(6))," \
	" TIMESTAMPDIFF(MICROSECOND, UTC_TIMESTAMP(6), o.expires_at)"
#define TYPES "uuusssusii"

/*
 * The first rows of one account, by this index alone: the statistics of a
 * table that fills and empties all day say nothing, and any other way through
 * it reads the whole backlog.
 */
#define ROWS "wa_outbox AS o FORCE INDEX (wa_outbox_lane)"
#define OF_ACCOUNT " AND o.account_id = ? ORDER BY o.id LIMIT 16)" /* DELIVERY_ROWS */

/* The account is looked at for QR codes only. */
#define EVENTS_OF_ACCOUNT \
	"(SELECT " COLUMNS ", IF(o.name = 'qr-code-generated', (SELECT a.qr_code FROM whatsapp_accounts AS a" \
	" WHERE a.id = o.account_id AND a.deleted_at IS NULL), NULL)," \
	" o.name = 'qr-code-generated' AND EXISTS (SELECT 1 FROM wa_outbox AS n FORCE INDEX (wa_outbox_account)" \
	" WHERE n.account_id = o.account_id AND n.id > o.id AND n.kind = 'event' AND n.name = o.name)" \
	" FROM " ROWS " WHERE o.kind = 'event' AND o.state = 'waiting'" OF_ACCOUNT
#define COMMANDS_OF_ACCOUNT \
	"(SELECT " COLUMNS ", a.id IS NOT NULL AND a.deleted_at IS NULL, a.connection_status = 'connected'," \
	" a.assigned_instance_url FROM " ROWS " LEFT JOIN whatsapp_accounts AS a ON a.id = o.account_id" \
	" WHERE o.kind = 'command' AND o.state IN ('waiting', 'sending')" OF_ACCOUNT

#define UNION_2(part) part " UNION ALL " part
#define UNION_8(part) UNION_2(UNION_2(UNION_2(part)))
#define UNION_BATCH(part) UNION_2(UNION_2(UNION_8(part))) /* LANES_BATCH */

static const struct db_statement statements[] = {
	[READ_EVENTS] = {"delivery.read_events", UNION_BATCH(EVENTS_OF_ACCOUNT), TYPES "su", DB_READ},
	[READ_COMMANDS] = {"delivery.read_commands", UNION_BATCH(COMMANDS_OF_ACCOUNT), TYPES "uus", DB_READ},
	[HAS_NEWER] = {"delivery.has_newer",
		"SELECT EXISTS (SELECT 1 FROM wa_outbox WHERE account_id = ? AND kind = 'command' AND id > ? AND " OPEN ")",
		"u", 0},
	[BEGIN] = {"delivery.begin",
		"UPDATE wa_outbox SET state = 'sending', attempts = attempts + 1 WHERE id = ? AND state = ?"
		" AND attempts = ?",
		"", 0},
	[DELIVERED] = {"delivery.delivered",
		"UPDATE wa_outbox SET state = 'delivered', settled_at = UTC_TIMESTAMP(6), last_error = NULL"
		" WHERE id IN (" LISTS_BATCH ") AND " OPEN,
		"", 0},
	[AGAIN] = {"delivery.again",
		"UPDATE wa_outbox SET state = ?, attempts = ?, last_error = ?,"
		" available_at = UTC_TIMESTAMP(6) + INTERVAL ? MICROSECOND WHERE id = ? AND state = ? AND attempts = ?",
		"", 0},
	[SETTLE] = {"delivery.settle",
		"UPDATE wa_outbox SET state = ?, settled_at = UTC_TIMESTAMP(6), last_error = COALESCE(?, last_error)"
		" WHERE id = ? AND " OPEN,
		"", 0},
	[EXPIRE_EVENTS] = {"delivery.expire_events",
		"UPDATE wa_outbox SET state = 'expired', settled_at = UTC_TIMESTAMP(6)"
		" WHERE state = 'waiting' AND kind = 'event' AND expires_at <= UTC_TIMESTAMP(6) LIMIT 1000",
		"", 0},
	[PRUNE] = {"delivery.prune",
		"DELETE FROM wa_outbox WHERE settled_at < UTC_TIMESTAMP(6) - INTERVAL ? SECOND LIMIT 1000", "", 0},
};
// clang-format on

enum { AT_MORE = sizeof(TYPES) - 1 };

static const char *const state_names[DELIVERY_STATES] = {
    [DELIVERY_WAITING] = "waiting",
    [DELIVERY_SENDING] = "sending",
    [DELIVERY_DELIVERED] = "delivered",
    [DELIVERY_GIVEN_UP] = "given_up",
    [DELIVERY_REPLACED] = "replaced",
    [DELIVERY_CANCELLED] = "cancelled",
    [DELIVERY_EXPIRED] = "expired",
};

const char *delivery_state_name(enum delivery_state state)
{
	return state_names[state];
}

bool delivery_state_of(struct span word, enum delivery_state *ret)
{
	for (int i = 0; i < DELIVERY_STATES; i++)
		if (span_is(word, state_names[i])) {
			*ret = (enum delivery_state)i;
			return true;
		}
	return false;
}

struct reading {
	delivery_fn *fn;
	void *ctx;
	enum outbox_kind kind;
};

static enum rc read_row(void *ctx, const struct db_value *row)
{
	const struct reading *r = ctx;
	const struct db_value *more = row + AT_MORE;
	struct delivery d = {
	    .account_id = row[0].u,
	    .id = row[1].u,
	    .workspace_id = row[2].u,
	    .name = row[3].s,
	    .payload = row[4].s,
	    .attempts = row[6].u,
	    .last_error = row[7].s,
	    .age_us = row[8].i,
	    .left_us = row[9].i,
	};

	if (!delivery_state_of(row[5].s, &d.state))
		return RC_INTERNAL;
	if (r->kind == OUTBOX_EVENT) {
		d.qr_code = more[0].s;
		d.has_newer_qr = more[1].u != 0;
	} else {
		d.has_account = more[0].u != 0;
		d.is_connected = more[1].u != 0;
		d.instance_url = more[2].s;
	}
	return r->fn(r->ctx, &d);
}

enum rc delivery_each(struct db *db, struct arena *mem, enum outbox_kind kind,
    const uint64_t *accounts, size_t n, delivery_fn *fn, void *ctx)
{
	struct reading reading = {fn, ctx, kind};
	struct db_value in[LANES_BATCH];

	/* No account has the id 0. */
	for (size_t i = 0; i < LANES_BATCH; i++)
		in[i] = db_u(i < n ? accounts[i] : 0);
	return db_each(db, &statements[kind == OUTBOX_EVENT ? READ_EVENTS : READ_COMMANDS], in,
	    LANES_BATCH, mem, read_row, &reading);
}

enum rc delivery_has_newer(
    struct db *db, struct arena *mem, const struct delivery *command, bool *ret)
{
	struct db_value row[1];
	enum rc rc = db_one(db, &statements[HAS_NEWER],
	    DB_IN(db_u(command->account_id), db_u(command->id)), mem, row);

	if (rc == RC_OK)
		*ret = row[0].u != 0;
	return rc;
}

enum rc delivery_begin(struct db *db, struct delivery *row)
{
	enum rc rc = db_run(db, &statements[BEGIN],
	    DB_IN(db_u(row->id), db_text(delivery_state_name(row->state)), db_u(row->attempts)));

	if (rc == RC_OK && db_affected(db) == 0)
		return RC_CONFLICT;
	if (rc == RC_OK) {
		row->state = DELIVERY_SENDING;
		row->attempts++;
	}
	return rc;
}

enum rc delivery_delivered(struct db *db, const uint64_t *ids, size_t n)
{
	struct db_value in[LANES_BATCH];

	if (n == 0)
		return RC_OK;
	lists_put(in, ids, n);
	return db_run(db, &statements[DELIVERED], in, LANES_BATCH);
}

enum rc delivery_again(struct db *db, const struct delivery *row, enum delivery_state state,
    uint64_t attempts, int64_t wait_ms, struct span error)
{
	return db_run(db, &statements[AGAIN],
	    DB_IN(db_text(delivery_state_name(state)), db_u(attempts), db_s(error),
		db_i(wait_ms * 1000), db_u(row->id), db_text(delivery_state_name(row->state)),
		db_u(row->attempts)));
}

enum rc delivery_settle(struct db *db, uint64_t id, enum delivery_state state, struct span error)
{
	return db_run(db, &statements[SETTLE],
	    DB_IN(db_text(delivery_state_name(state)), db_s(error), db_u(id)));
}

static enum rc run_counted(struct db *db, const struct db_statement *statement, struct db_value *in,
    size_t n, uint64_t *ret)
{
	enum rc rc = db_run(db, statement, in, n);

	*ret = rc == RC_OK ? db_affected(db) : 0;
	return rc;
}

enum rc delivery_expire_events(struct db *db, uint64_t *ret)
{
	return run_counted(db, &statements[EXPIRE_EVENTS], NULL, 0, ret);
}

enum rc delivery_prune(struct db *db, uint64_t keep_s, uint64_t *ret)
{
	struct db_value in[] = {db_u(keep_s)};

	return run_counted(db, &statements[PRUNE], in, 1, ret);
}
