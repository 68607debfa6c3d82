/*
 * account_outcome: what nobody reports: a command that was given up, a
 * pairing that nobody finished.
 */
#include "account_event.h"
#include "account_report.h"
#include "account_store.h"
#include "base/now.h"
#include "text/json.h"

static enum rc lock_id(struct db *db, struct arena *mem, uint64_t id, struct account *ret)
{
	struct buf ref = buf_in(mem, 24);
	enum rc rc;

	buf_put_u64(&ref, id);
	rc = account_store_lock(db, mem, REF_ID, buf_span(&ref), (struct span){0}, ret);
	return rc == RC_OK && ret->deleted_at != TIME_NONE ? RC_NOT_FOUND : rc;
}

enum rc account_hold(struct db *db, struct arena *mem, uint64_t id)
{
	struct account account;
	enum rc rc = lock_id(db, mem, id, &account);

	return rc == RC_NOT_FOUND ? RC_OK : rc;
}

static enum rc store(struct db *db, struct arena *mem, const struct account_change *change,
    const struct account_report *report, int64_t now)
{
	enum rc rc = account_store_change(db, change, now);

	return rc == RC_OK ? account_event_put(db, mem, change, report, now) : rc;
}

enum rc account_command_failed(struct db *db, struct arena *mem, uint64_t id, struct span reason)
{
	static const struct account_surroundings alone;
	static const struct account_limits none;
	struct account_report report = {.state = ACCOUNT_ERROR};
	struct buf metadata = buf_in(mem, BOUND_REPORT_METADATA);
	struct account_change change;
	struct account before;
	int64_t now = now_us();
	enum rc rc = lock_id(db, mem, id, &before);

	/* It has come up in another way, or is gone. */
	if (rc == RC_NOT_FOUND || (rc == RC_OK && before.state == ACCOUNT_CONNECTED))
		return RC_OK;
	if (rc != RC_OK)
		return rc;
	buf_putc(&metadata, '{');
	json_put_key(&metadata, "last_error");
	json_put_string(&metadata, reason);
	buf_putc(&metadata, '}');
	report.metadata = buf_span(&metadata);
	rc = account_report_change(&before, &report, &alone, &none, now, mem, &change);
	if (rc == RC_INVALID) {
		/* The row's metadata is full: then without the words. */
		report.metadata = (struct span){0};
		rc = account_report_change(&before, &report, &alone, &none, now, mem, &change);
	}
	return rc == RC_OK ? store(db, mem, &change, &report, now) : rc;
}

enum rc account_assign_instance(struct db *db, uint64_t id, struct span url)
{
	return account_store_assign(db, id, url);
}

struct ending {
	struct arena *mem;
	uint64_t id;
	bool ended;
};

/* Whether it is overdue is looked at again under its lock: another host may have been faster. */
static enum rc end_body(struct db *db, void *ctx)
{
	struct ending *e = ctx;
	struct account_change change;
	struct account before;
	int64_t now = now_us();
	enum rc rc = lock_id(db, e->mem, e->id, &before);

	e->ended = false;
	if (rc == RC_NOT_FOUND)
		return RC_OK;
	if (rc != RC_OK || !account_rules_is_overdue(&before, now))
		return rc;
	rc = account_report_overdue(&before, now, e->mem, &change);
	e->ended = rc == RC_OK;
	return rc == RC_OK ? store(db, e->mem, &change, NULL, now) : rc;
}

enum rc account_end_overdue(struct db *db, struct arena *mem, uint64_t *ret)
{
	uint64_t ids[ACCOUNT_OVERDUE_PAGE];
	size_t count = 0;
	enum rc rc = account_store_overdue(db, mem, now_us(), ids, &count);

	*ret = 0;
	for (size_t i = 0; i < count && rc == RC_OK; i++) {
		struct ending ending = {.mem = mem, .id = ids[i]};

		rc = db_transaction(db, end_body, &ending);
		if (rc == RC_OK)
			*ret += ending.ended;
		/* One that cannot be ended does not stand in the way of the others. */
		else if (rc != RC_RETRY && rc != RC_UNKNOWN)
			rc = RC_OK;
	}
	return rc;
}
