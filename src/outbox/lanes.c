#include "outbox/lanes.h"

#include "lists.h"

enum {
	FIND_EVENTS,
	FIND_COMMANDS,
	TAKE_FRESH,
	TAKEN,
	LOCK_DUE,
	TAKE_DUE,
	RELEASE,
	RELEASE_CLAIM,
	PARK,
	END_PAUSES,
	END_ALL_PAUSES,
	RENEW,
	RELEASE_ALL,
	SWEEP,
};

// clang-format off
#define ROWS_4(row) row ", " row ", " row ", " row
#define ROWS_16(row) ROWS_4(row) ", " ROWS_4(row) ", " ROWS_4(row) ", " ROWS_4(row)
#define LEASE "UTC_TIMESTAMP(6) + INTERVAL 30 SECOND" /* LANES_LEASE_S */

/* The accounts of the open rows are skipped through by their index (a loose scan), not read. */
#define FIND(kind, states) \
	"SELECT d.account_id, l.account_id IS NULL, l.due_at <= UTC_TIMESTAMP(6) FROM" \
	" (SELECT DISTINCT account_id FROM wa_outbox FORCE INDEX (wa_outbox_lane) WHERE kind = '" kind "' AND state " states \
	" AND account_id > ? ORDER BY account_id LIMIT 256) AS d" \
	" LEFT JOIN wa_lanes AS l ON l.kind = '" kind "' AND l.account_id = d.account_id" \
	" ORDER BY d.account_id"

static const struct db_statement statements[] = {
	[FIND_EVENTS] = {"lanes.find_events", FIND("event", "= 'waiting'"), "uuu", DB_READ},
	[FIND_COMMANDS] = {"lanes.find_commands", FIND("command", "IN ('waiting', 'sending')"), "uuu", DB_READ},
	[TAKE_FRESH] = {"lanes.take_fresh",
		"INSERT IGNORE INTO wa_lanes (kind, account_id, holder, claim, due_at) VALUES "
		ROWS_16("(?, ?, ?, ?, " LEASE ")") ", " ROWS_16("(?, ?, ?, ?, " LEASE ")"),
		"", 0},
	[TAKEN] = {"lanes.taken",
		"SELECT account_id FROM wa_lanes WHERE holder = ? AND claim = ? AND kind = ?", "u", DB_READ},
	[LOCK_DUE] = {"lanes.lock_due",
		"SELECT account_id FROM wa_lanes WHERE kind = ? AND due_at <= UTC_TIMESTAMP(6)"
		" AND account_id IN (" LISTS_BATCH ") FOR UPDATE SKIP LOCKED",
		"u", 0},
	[TAKE_DUE] = {"lanes.take_due",
		"UPDATE wa_lanes SET holder = ?, claim = ?, due_at = " LEASE
		" WHERE kind = ? AND account_id IN (" LISTS_BATCH ")",
		"", 0},
	[RELEASE] = {"lanes.release",
		"DELETE FROM wa_lanes WHERE kind = ? AND holder = ? AND account_id IN (" LISTS_BATCH ")", "", 0},
	[RELEASE_CLAIM] = {"lanes.release_claim",
		"DELETE FROM wa_lanes WHERE holder = ? AND claim = ? AND kind = ?", "", 0},
	[PARK] = {"lanes.park",
		"UPDATE wa_lanes SET holder = 0, peer = ?, due_at = UTC_TIMESTAMP(6) + INTERVAL ? MICROSECOND"
		" WHERE kind = ? AND holder = ? AND account_id IN (" LISTS_BATCH ")",
		"", 0},
	[END_PAUSES] = {"lanes.end_pauses",
		"UPDATE wa_lanes SET due_at = UTC_TIMESTAMP(6) WHERE kind = ? AND holder = 0 AND peer = ?"
		" AND due_at > UTC_TIMESTAMP(6)",
		"", 0},
	[END_ALL_PAUSES] = {"lanes.end_all_pauses",
		"UPDATE wa_lanes SET due_at = UTC_TIMESTAMP(6) WHERE holder = 0 AND due_at > UTC_TIMESTAMP(6)",
		"", 0},
	[RENEW] = {"lanes.renew", 
		"UPDATE wa_lanes SET due_at = " LEASE " WHERE kind = ? AND holder = ? AND account_id IN (" LISTS_BATCH ")",
		"", 0},
	[RELEASE_ALL] = {"lanes.release_all", "DELETE FROM wa_lanes WHERE holder = ?", "", 0},
	[SWEEP] = {"lanes.sweep",
		"DELETE FROM wa_lanes WHERE due_at < UTC_TIMESTAMP(6) - INTERVAL 5 MINUTE LIMIT 1000", "", 0},
};
// clang-format on

const char *outbox_kind_name(enum outbox_kind kind)
{
	return kind == OUTBOX_EVENT ? "event" : "command";
}

static struct db_value kind_value(enum outbox_kind kind)
{
	return db_text(outbox_kind_name(kind));
}

static enum rc keep_found(void *ctx, const struct db_value *row)
{
	struct lanes_found *found = ctx;
	bool is_fresh = row[1].u != 0, is_free = is_fresh || row[2].u != 0;

	found->has_more = ++found->seen == LANES_LOOK;
	found->is_full =
	    found->is_full || (is_free && found->fresh_count + found->due_count == found->most);
	if (found->is_full)
		return RC_OK;
	found->last = row[0].u;
	if (is_fresh)
		found->fresh[found->fresh_count++] = row[0].u;
	else if (is_free)
		found->due[found->due_count++] = row[0].u;
	return RC_OK;
}

void lanes_ask(
    enum outbox_kind kind, uint64_t after, size_t most, struct lanes_found *ret, struct db_ask *ask)
{
	*ret = (struct lanes_found){.most = most < LANES_BATCH ? most : LANES_BATCH};
	*ask = (struct db_ask){
	    .statement = &statements[kind == OUTBOX_EVENT ? FIND_EVENTS : FIND_COMMANDS],
	    .in = {db_u(after)},
	    .n_in = 1,
	    .fn = keep_found,
	    .ctx = ret,
	};
}

struct taking {
	struct arena *mem;
	const struct lanes_claim *claim;
	const struct lanes_found *found;
	uint64_t *accounts;
	size_t count;
};

static enum rc keep_account(void *ctx, const struct db_value *row)
{
	struct taking *t = ctx;

	if (t->count < LANES_BATCH)
		t->accounts[t->count++] = row[0].u;
	return RC_OK;
}

static enum rc take_due_body(struct db *db, void *ctx)
{
	struct taking *t = ctx;
	struct db_value in[3 + LANES_BATCH] = {kind_value(t->claim->kind)};
	enum rc rc;

	t->count = 0;
	lists_put(in + 1, t->found->due, t->found->due_count);
	rc = db_each(db, &statements[LOCK_DUE], in, 1 + LANES_BATCH, t->mem, keep_account, t);
	if (rc != RC_OK || t->count == 0)
		return rc;
	in[0] = db_u(t->claim->holder);
	in[1] = db_u(t->claim->number);
	in[2] = kind_value(t->claim->kind);
	lists_put(in + 3, t->accounts, t->count);
	return db_run(db, &statements[TAKE_DUE], in, 3 + LANES_BATCH);
}

/* The unique key is the arbiter: a lane that another relay has taken meanwhile is left out. */
static enum rc take_fresh(struct db *db, struct taking *t)
{
	struct db_value in[LANES_BATCH * 4];
	const struct lanes_found *found = t->found;
	enum rc rc;

	for (size_t i = 0; i < LANES_BATCH; i++) {
		size_t at = i < found->fresh_count ? i : found->fresh_count - 1;

		in[4 * i] = kind_value(t->claim->kind);
		in[4 * i + 1] = db_u(found->fresh[at]);
		in[4 * i + 2] = db_u(t->claim->holder);
		in[4 * i + 3] = db_u(t->claim->number);
	}
	rc = db_run(db, &statements[TAKE_FRESH], in, sizeof(in) / sizeof(in[0]));
	if (rc != RC_OK)
		return rc;
	if (db_affected(db) == found->fresh_count) {
		for (size_t i = 0; i < found->fresh_count; i++)
			t->accounts[t->count++] = found->fresh[i];
		return RC_OK;
	}
	t->count = 0;
	return db_each(db, &statements[TAKEN],
	    DB_IN(db_u(t->claim->holder), db_u(t->claim->number), kind_value(t->claim->kind)),
	    t->mem, keep_account, t);
}

enum rc lanes_take(struct db *db, struct arena *mem, const struct lanes_claim *claim,
    const struct lanes_found *found, uint64_t ret[static LANES_BATCH], size_t *ret_count)
{
	struct taking taking = {mem, claim, found, ret, 0};
	enum rc rc = RC_OK;

	if (found->due_count > 0)
		rc = db_transaction(db, take_due_body, &taking);
	if (rc == RC_OK && found->fresh_count > 0)
		rc = take_fresh(db, &taking);
	*ret_count = taking.count;
	return rc;
}

static enum rc run_list(struct db *db, const struct db_statement *statement, enum outbox_kind kind,
    uint64_t holder, const uint64_t *accounts, size_t n)
{
	struct db_value in[2 + LANES_BATCH] = {kind_value(kind), db_u(holder)};

	if (n == 0)
		return RC_OK;
	lists_put(in + 2, accounts, n);
	return db_run(db, statement, in, 2 + LANES_BATCH);
}

enum rc lanes_release(
    struct db *db, enum outbox_kind kind, uint64_t holder, const uint64_t *accounts, size_t n)
{
	return run_list(db, &statements[RELEASE], kind, holder, accounts, n);
}

enum rc lanes_release_claim(struct db *db, const struct lanes_claim *claim)
{
	return db_run(db, &statements[RELEASE_CLAIM],
	    DB_IN(db_u(claim->holder), db_u(claim->number), kind_value(claim->kind)));
}

enum rc lanes_park(struct db *db, enum outbox_kind kind, uint64_t holder, const uint64_t *accounts,
    size_t n, int64_t wait_ms, uint64_t peer)
{
	struct db_value in[4 + LANES_BATCH] = {
	    db_u(peer), db_i(wait_ms * 1000), kind_value(kind), db_u(holder)};

	if (n == 0)
		return RC_OK;
	lists_put(in + 4, accounts, n);
	return db_run(db, &statements[PARK], in, 4 + LANES_BATCH);
}

enum rc lanes_end_pauses(struct db *db, enum outbox_kind kind, uint64_t peer)
{
	return db_run(db, &statements[END_PAUSES], DB_IN(kind_value(kind), db_u(peer)));
}

enum rc lanes_end_all_pauses(struct db *db)
{
	return db_run(db, &statements[END_ALL_PAUSES], DB_NONE);
}

enum rc lanes_renew(
    struct db *db, enum outbox_kind kind, uint64_t holder, const uint64_t *accounts, size_t n)
{
	return run_list(db, &statements[RENEW], kind, holder, accounts, n);
}

enum rc lanes_release_all(struct db *db, uint64_t holder)
{
	return db_run(db, &statements[RELEASE_ALL], DB_IN(db_u(holder)));
}

enum rc lanes_sweep(struct db *db)
{
	return db_run(db, &statements[SWEEP], DB_NONE);
}
