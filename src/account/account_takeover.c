#include "account_takeover.h"

#include "account_event.h"
#include "account_report.h"
#include "account_store.h"
#include "base/now.h"
#include "text/members.h"

/*
 * One that was connected before is more than its session: it stays, and its report is
 * refused.  Without a number it has not been paired yet: the service of before tells of
 * the login first, and of the number seconds later.
 */
bool account_takeover_applies(const struct account *pending, const struct account *holder)
{
	bool is_pending = pending->last_connected_at == TIME_NONE || pending->phone_number.len == 0;

	return is_pending && span_is(pending->provider_type, "webjs") &&
	       span_is(holder->provider_type, "webjs") && holder->deleted_at == TIME_NONE &&
	       holder->state != ACCOUNT_CONNECTED;
}

static enum rc leave(const struct account *pending, const struct account *holder, int64_t now_us,
    struct arena *mem, struct account_change *ret)
{
	struct members *metadata;

	*ret = (struct account_change){.after = *pending, .stores = true};
	ret->after.deleted_at = now_us;
	ret->after.session_id = (struct span){0};
	account_rules_end_pairing(ret);
	account_rules_count(pending, ret, now_us);
	ret->tells = false;
	if (account_report_metadata(pending, mem, &metadata) != RC_OK)
		return RC_INTERNAL;
	members_set_string(metadata, TAKEOVER_MEMBER, holder->uuid);
	ret->after.metadata = members_write(metadata);
	return RC_OK;
}

/* No two rows have one session, not for a moment: the pending one takes the other's last. */
static enum rc swap(struct db *db, struct account_change *left, const struct account *holder,
    const struct account_change *taken, int64_t now_us)
{
	enum rc rc = account_store_change(db, left, now_us);

	if (rc == RC_OK)
		rc = account_store_change(db, taken, now_us);
	if (rc != RC_OK || span_eq(taken->after.session_id, holder->session_id))
		return rc;
	left->after.session_id = holder->session_id;
	rc = account_store_change(db, left, now_us);
	return rc == RC_OK ? account_store_swap_instances(db, holder->id, left->after.id) : rc;
}

enum rc account_takeover(struct db *db, struct arena *mem, const struct account *pending,
    const struct account *holder, const struct account_report *report,
    const struct account_surroundings *around, const struct account_limits *limits, int64_t now_us,
    struct account_change *ret)
{
	struct account_surroundings without = *around;
	struct account before = *holder;
	struct account_change left;
	enum rc rc = leave(pending, holder, now_us, mem, &left);

	without.phone_is_taken = false;
	/* Without a session of its own it was paired by the holder's. */
	if (pending->session_id.ptr != NULL)
		before.session_id = pending->session_id;
	if (rc == RC_OK)
		rc = account_report_change(&before, report, &without, limits, now_us, mem, ret);
	if (rc == RC_OK)
		rc = swap(db, &left, holder, ret, now_us);
	if (rc != RC_OK)
		return rc;
	/* A session of the holder's own may still run. */
	if (holder->state != ACCOUNT_DISCONNECTED && left.after.session_id.ptr != NULL)
		left.command = "disconnect";
	return account_event_put(db, mem, &left, NULL, now_us);
}
