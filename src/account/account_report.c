#include "account_report.h"

#include "base/now.h"
#include "text/members.h"
#include "text/utf8.h"

/* A QR code or "connecting" this soon after connecting was on its way before. */
static const int64_t late_us = 60 * US_PER_S;
/* A pairing outlives its QR code by this, and its first one by no more than that. */
static const int64_t after_qr_us = 60 * US_PER_S;
static const int64_t pairing_us = 15 * 60 * US_PER_S;

/* Members of metadata that are ours: a report cannot set them. */
static const char *const own_members[] = {
    "recent_failures", "last_error", "last_disconnect_reason", "last_disconnect_at", NULL};

/* One report on its way through the rules. */
struct reporting {
	const struct account *before;
	const struct account_report *report;
	const struct account_surroundings *around;
	const struct account_limits *limits;
	int64_t now_us;
	struct arena *mem;
	struct account_change *change;
};

static bool is_late(const struct reporting *r)
{
	const struct account *before = r->before;

	return r->report->state == ACCOUNT_CONNECTING && before->state == ACCOUNT_CONNECTED &&
	       before->last_connected_at != TIME_NONE &&
	       r->now_us - before->last_connected_at < late_us;
}

static void show_qr(struct reporting *r)
{
	struct account *after = &r->change->after;
	int64_t seconds = r->now_us / US_PER_S + (int64_t)r->report->qr_expires_s;
	int64_t limit;

	r->change->keeps_qr = false;
	r->change->qr_code = r->report->qr_code;
	after->qr_expires_at = seconds * US_PER_S;
	if (r->before->state != ACCOUNT_CONNECTING || after->qr_first_at == TIME_NONE)
		after->qr_first_at = r->now_us;
	limit = after->qr_first_at + pairing_us;
	after->connect_deadline_at = after->qr_expires_at + after_qr_us;
	if (after->connect_deadline_at > limit)
		after->connect_deadline_at = limit;
}

/* One number, however it is written, stays as it is written. */
static void take_phone(struct reporting *r)
{
	struct span reported = r->report->phone_number;

	if (!account_rules_is_phone(reported))
		return;
	if (!span_eq(account_rules_phone_digits(reported, r->mem),
		account_rules_phone_digits(r->before->phone_number, r->mem)))
		r->change->after.phone_number = span_trim(reported);
}

static void connect(struct reporting *r)
{
	struct account *after = &r->change->after;

	account_rules_end_pairing(r->change);
	take_phone(r);
	after->is_active = true;
	after->last_activity_at = r->now_us;
	if (r->before->state != ACCOUNT_CONNECTED) {
		after->last_connected_at = r->now_us;
		r->change->over_limit = !account_rules_may_add(r->around->connected, r->limits);
	}
	if (!r->around->has_live_primary)
		after->is_primary = true;
}

static uint64_t failures_after(const struct account *before)
{
	double failures = before->recent_failures;

	return failures < 0 ? 1 : failures > 1e9 ? 1000000000 : (uint64_t)failures + 1;
}

/* What went wrong, in the report's own words if it has some. */
static struct span error_text(const struct members *reported)
{
	static const char *const names[] = {"error", "message", "reason", "last_error"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct span raw = members_get(reported, span_of(names[i]));

		if (raw.len > 2 && raw.ptr[0] == '"')
			return raw;
	}
	return SPAN_OF("\"Unknown\"");
}

static void set_failures(struct members *metadata, uint64_t failures, struct arena *mem)
{
	struct buf text = buf_in(mem, 24);

	buf_put_u64(&text, failures);
	members_set(metadata, SPAN_OF("recent_failures"), buf_span(&text));
}

static void set_reason(struct members *metadata, const struct reporting *r)
{
	struct buf when = buf_in(r->mem, NOW_TEXT_SIZE);

	now_put_iso(&when, r->now_us);
	members_set_string(metadata, "last_disconnect_reason", r->report->reason);
	members_set_string(metadata, "last_disconnect_at", buf_span(&when));
}

enum rc account_report_metadata(
    const struct account *account, struct arena *mem, struct members **ret)
{
	if (members_read(account->metadata, mem, ret) == RC_OK)
		return RC_OK;
	if (members_read((struct span){0}, mem, ret) != RC_OK)
		return RC_INTERNAL;
	members_set(*ret, SPAN_OF("previous"), account->metadata);
	return RC_OK;
}

/* The report's members over the row's, then our own. */
static enum rc merge_metadata(struct reporting *r)
{
	struct members *metadata, *reported;
	struct account *after = &r->change->after;
	struct span merged;

	if (members_read(r->report->metadata, r->mem, &reported) != RC_OK ||
	    account_report_metadata(r->before, r->mem, &metadata) != RC_OK)
		return RC_INTERNAL;
	members_merge(metadata, reported, own_members);
	if (r->report->reason.ptr != NULL)
		set_reason(metadata, r);
	if (after->state == ACCOUNT_CONNECTED) {
		set_failures(metadata, 0, r->mem);
	} else if (after->state == ACCOUNT_ERROR) {
		set_failures(metadata, failures_after(r->before), r->mem);
		members_set(metadata, SPAN_OF("last_error"), error_text(reported));
	} else if (r->report->metadata.ptr == NULL && r->report->reason.ptr == NULL) {
		return RC_OK;
	}
	merged = members_write(metadata);
	if (merged.len <= BOUND_METADATA) {
		after->metadata = merged;
		return RC_OK;
	}
	/* Full: a report may bring nothing more, but its state is stored. */
	if (r->report->metadata.ptr == NULL)
		return RC_OK;
	r->change->refusal = ACCOUNT_METADATA_FULL;
	return RC_INVALID;
}

static enum rc refuse_phone(struct reporting *r)
{
	r->change->refusal = ACCOUNT_PHONE_TAKEN;
	/* Sessions of other providers are not the Node service's to end. */
	if (span_is(r->before->provider_type, "webjs"))
		r->change->command = "disconnect";
	r->change->after.state = ACCOUNT_ERROR;
	account_rules_count(r->before, r->change, r->now_us);
	return RC_OK;
}

enum rc account_report_change(const struct account *before, const struct account_report *report,
    const struct account_surroundings *around, const struct account_limits *limits, int64_t now_us,
    struct arena *mem, struct account_change *ret)
{
	struct reporting r = {before, report, around, limits, now_us, mem, ret};
	enum rc rc;

	*ret = (struct account_change){.after = *before, .stores = true, .keeps_qr = true};
	if (report->qr_code.ptr != NULL && !span_is(before->provider_type, "webjs")) {
		ret->refusal = ACCOUNT_NOT_WEBJS;
		return RC_INVALID;
	}
	if (is_late(&r)) {
		ret->refusal = ACCOUNT_LATE;
		return RC_CONFLICT;
	}
	if (report->state == ACCOUNT_CONNECTED && around->phone_is_taken)
		return refuse_phone(&r);
	ret->after.state = report->state;
	if (report->qr_code.ptr != NULL) {
		show_qr(&r);
	} else if (report->state == ACCOUNT_CONNECTED) {
		connect(&r);
	} else if (report->state == ACCOUNT_DISCONNECTED) {
		account_rules_end_pairing(r.change);
		ret->after.last_activity_at = now_us;
	}
	rc = merge_metadata(&r);
	if (rc == RC_OK)
		account_rules_count(before, ret, now_us);
	return rc;
}

static const char overdue[] = "The pairing was not completed in time";

enum rc account_report_overdue(
    const struct account *before, int64_t now_us, struct arena *mem, struct account_change *ret)
{
	bool was_connected = before->last_connected_at != TIME_NONE;
	struct members *metadata;
	struct span merged;

	*ret = (struct account_change){.after = *before, .stores = true};
	ret->after.state = was_connected ? ACCOUNT_DISCONNECTED : ACCOUNT_ERROR;
	account_rules_end_pairing(ret);
	if (span_is(before->provider_type, "webjs") && before->session_id.ptr != NULL)
		ret->command = "disconnect";
	if (!was_connected) {
		if (account_report_metadata(before, mem, &metadata) != RC_OK)
			return RC_INTERNAL;
		members_set_string(metadata, "last_error", span_of(overdue));
		merged = members_write(metadata);
		if (merged.len <= BOUND_METADATA)
			ret->after.metadata = merged;
	}
	account_rules_count(before, ret, now_us);
	return RC_OK;
}
