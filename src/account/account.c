#include "account/account.h"

#include "account_event.h"
#include "account_report.h"
#include "account_store.h"
#include "account_takeover.h"
#include "base/now.h"
#include "base/num.h"
#include "text/members.h"

/* A session's name may look like anything: it is tried when the other reading finds nothing. */
static enum account_ref_kind first_kind(struct span ref)
{
	uint64_t id;

	if (num_u64(ref, &id))
		return REF_ID;
	return ref.len == BOUND_UUID && memchr(ref.ptr, '_', ref.len) == NULL ? REF_UUID
									      : REF_SESSION;
}

static bool may_name_an_account(struct span ref)
{
	for (size_t i = 0; i < ref.len; i++) {
		char c = ref.ptr[i];

		if (!num_is_digit(c) && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
		    c != '-' && c != '_')
			return false;
	}
	return ref.len > 0 && ref.len <= BOUND_SESSION_ID;
}

static enum rc in_workspace(enum rc rc, const struct account *account, uint64_t workspace_id)
{
	return rc == RC_OK && workspace_id != 0 && account->workspace_id != workspace_id
		   ? RC_NOT_FOUND
		   : rc;
}

typedef enum rc find_fn(struct db *db, struct arena *mem, enum account_ref_kind kind,
    struct span ref, struct account *ret);

static enum rc find_by(
    find_fn *find, struct db *db, struct arena *mem, struct span ref, struct account *ret)
{
	enum account_ref_kind kind = first_kind(ref);
	enum rc rc;

	if (!may_name_an_account(ref))
		return RC_NOT_FOUND;
	rc = find(db, mem, kind, ref, ret);
	if (rc == RC_NOT_FOUND && kind != REF_SESSION)
		rc = find(db, mem, REF_SESSION, ref, ret);
	return rc;
}

enum rc account_find(
    struct db *db, struct arena *mem, struct span ref, uint64_t workspace_id, struct account *ret)
{
	return in_workspace(find_by(account_store_find, db, mem, ref, ret), ret, workspace_id);
}

enum rc account_find_any(struct db *db, struct arena *mem, struct span ref, struct account *ret)
{
	return find_by(account_store_find_any, db, mem, ref, ret);
}

/* The uuid of the account that goes on in a deleted one's place; absent if there is none. */
static struct span successor_of(const struct account *account, struct arena *mem)
{
	struct members *metadata;
	struct span uuid = {0};

	if (members_read(account->metadata, mem, &metadata) == RC_OK)
		uuid = members_get(metadata, SPAN_OF(TAKEOVER_MEMBER));
	/* A JSON string, and a uuid has nothing to escape. */
	return uuid.len == BOUND_UUID + 2 ? span_from(uuid.ptr + 1, BOUND_UUID) : (struct span){0};
}

/* A live one; in the place of one that has been taken over, that which has its session now. */
static enum rc lock_kind(struct db *db, struct arena *mem, enum account_ref_kind kind,
    const struct account_report *report, struct account *ret)
{
	enum rc rc = account_store_lock(db, mem, kind, report->account, report->qr_code, ret);
	struct span successor;

	if (rc != RC_OK || ret->deleted_at == TIME_NONE)
		return rc;
	successor = kind == REF_SESSION ? (struct span){0} : successor_of(ret, mem);
	if (successor.ptr == NULL)
		return RC_NOT_FOUND;
	rc = account_store_lock(db, mem, REF_UUID, successor, report->qr_code, ret);
	return rc == RC_OK && ret->deleted_at != TIME_NONE ? RC_NOT_FOUND : rc;
}

static enum rc lock(
    struct db *db, struct arena *mem, const struct account_report *report, struct account *ret)
{
	enum account_ref_kind kind = first_kind(report->account);
	enum rc rc = lock_kind(db, mem, kind, report, ret);

	if (rc == RC_NOT_FOUND && kind != REF_SESSION)
		rc = lock_kind(db, mem, REF_SESSION, report, ret);
	return in_workspace(rc, ret, report->workspace_id);
}

struct reporting {
	struct arena *mem;
	const struct account_report *report;
	const struct account_limits *limits;
	struct account_change change;
	enum account_refusal refusal;
};

/* What the rules must know of the other accounts when this one connects. */
static enum rc look_around(struct db *db, struct reporting *r, const struct account *before,
    struct account_surroundings *ret)
{
	struct span digits = SPAN("");

	if (account_rules_is_phone(r->report->phone_number))
		digits = account_rules_phone_digits(r->report->phone_number, r->mem);
	return account_store_surroundings(
	    db, r->mem, before->workspace_id, before->id, digits, ret);
}

/* The account that has the reported number, locked, if it may go on in the reported one's place. */
static enum rc find_holder(struct db *db, struct reporting *r, const struct account *before,
    const struct account_surroundings *around, struct account *ret, bool *ret_applies)
{
	struct buf ref = buf_in(r->mem, 24);
	enum rc rc;

	*ret_applies = false;
	if (!around->phone_is_taken)
		return RC_OK;
	buf_put_u64(&ref, around->phone_holder);
	rc = account_store_lock(db, r->mem, REF_ID, buf_span(&ref), (struct span){0}, ret);
	*ret_applies = rc == RC_OK && account_takeover_applies(before, ret);
	/* It has gone since it was counted: look again. */
	return rc == RC_NOT_FOUND ? RC_RETRY : rc;
}

/* What the report does to the account, stored. */
static enum rc change(struct db *db, struct reporting *r, const struct account *before,
    const struct account_surroundings *around, int64_t now)
{
	struct account holder;
	bool takes_over;
	enum rc rc = find_holder(db, r, before, around, &holder, &takes_over);

	if (rc != RC_OK)
		return rc;
	if (takes_over)
		return account_takeover(
		    db, r->mem, before, &holder, r->report, around, r->limits, now, &r->change);
	rc = account_report_change(before, r->report, around, r->limits, now, r->mem, &r->change);
	r->refusal = r->change.refusal;
	return rc == RC_OK ? account_store_change(db, &r->change, now) : rc;
}

static enum rc report_body(struct db *db, void *ctx)
{
	struct reporting *r = ctx;
	struct account before;
	struct account_surroundings around = {0};
	bool connects = r->report->state == ACCOUNT_CONNECTED;
	int64_t now = now_us();
	enum rc rc = RC_OK;

	r->refusal = ACCOUNT_ACCEPTED;
	if (connects)
		rc = account_store_lock_workspace(db, r->mem, r->report->workspace_id);
	if (rc == RC_OK)
		rc = lock(db, r->mem, r->report, &before);
	if (rc == RC_OK && connects)
		rc = look_around(db, r, &before, &around);
	if (rc != RC_OK)
		return rc;
	rc = change(db, r, &before, &around, now);
	/* Somebody who does not take our lock was faster: look again. */
	if (rc == RC_CONFLICT && r->refusal == ACCOUNT_ACCEPTED)
		return RC_RETRY;
	if (rc == RC_OK)
		rc = account_event_put(db, r->mem, &r->change, r->report, now);
	return rc;
}

enum rc account_apply_report(struct db *db, struct arena *mem, const struct account_report *report,
    const struct account_limits *limits, struct slot *slot, enum account_refusal *reterr)
{
	struct reporting r = {.mem = mem, .report = report, .limits = limits};
	enum rc rc;

	if (!may_name_an_account(report->account))
		return RC_NOT_FOUND;
	rc = db_transaction(db, report_body, &r);
	if (rc == RC_OK && r.change.over_limit)
		slot_count(slot, METRIC_OVER_LIMIT);
	/* What a taken number changes is stored, and the report refused all the same. */
	if (rc == RC_OK && r.refusal == ACCOUNT_PHONE_TAKEN)
		rc = RC_CONFLICT;
	*reterr = r.refusal;
	return rc;
}
