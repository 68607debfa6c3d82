#include "account_rules.h"

#include "base/now.h"
#include "base/num.h"
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

struct span account_rules_phone_digits(struct span phone, struct arena *mem)
{
	char *digits = arena_bytes(mem, phone.len + 1);
	size_t len = 0;

	for (size_t i = 0; i < phone.len; i++)
		if (num_is_digit(phone.ptr[i]))
			digits[len++] = phone.ptr[i];
	digits[len] = '\0';
	return span_from(digits, len);
}

bool account_rules_is_phone(struct span phone)
{
	size_t digits = 0;

	for (size_t i = 0; i < phone.len; i++) {
		char c = phone.ptr[i];

		if (num_is_digit(c))
			digits++;
		else if (c == '\0' || strchr(" +-().", c) == NULL)
			return false;
	}
	return digits >= BOUND_PHONE_DIGITS_MIN && digits <= BOUND_PHONE_DIGITS_MAX &&
	       phone.len <= BOUND_PHONE;
}

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

static void end_pairing(struct reporting *r)
{
	r->change->keeps_qr = false;
	r->change->after.qr_expires_at = TIME_NONE;
	r->change->after.qr_first_at = TIME_NONE;
	r->change->after.connect_deadline_at = TIME_NONE;
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

	end_pairing(r);
	take_phone(r);
	after->is_active = true;
	after->last_activity_at = r->now_us;
	if (r->before->state != ACCOUNT_CONNECTED) {
		after->last_connected_at = r->now_us;
		r->change->over_limit = r->around->connected >= r->limits->max_connected;
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

/*
 * The report's members over the row's, then our own.  What the row holds
 * that is no object (the database allows any JSON) is kept as "previous".
 */
static enum rc merge_metadata(struct reporting *r)
{
	struct members *metadata, *reported;
	struct account *after = &r->change->after;
	struct span merged;

	if (members_read(r->report->metadata, r->mem, &reported) != RC_OK)
		return RC_INTERNAL;
	if (members_read(r->before->metadata, r->mem, &metadata) != RC_OK) {
		if (members_read((struct span){0}, r->mem, &metadata) != RC_OK)
			return RC_INTERNAL;
		members_set(metadata, SPAN_OF("previous"), r->before->metadata);
	}
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

static bool shows_qr(const struct account *account, int64_t now_us)
{
	return account->has_qr &&
	       (account->qr_expires_at == TIME_NONE || account->qr_expires_at > now_us);
}

static bool qr_changes(const struct reporting *r)
{
	bool shown = shows_qr(r->before, r->now_us);

	if (r->change->keeps_qr)
		return false;
	return r->change->qr_code.ptr == NULL ? shown : !shown || !r->before->same_qr;
}

/* Every change of what others see goes by one number, and writes one event. */
static void finish(struct reporting *r)
{
	const struct account *before = r->before;
	struct account *after = &r->change->after;

	r->change->tells = after->state != before->state ||
			   after->is_primary != before->is_primary ||
			   !span_eq(after->phone_number, before->phone_number) || qr_changes(r);
	if (r->change->tells)
		after->state_version++;
}

static enum rc refuse_phone(struct reporting *r)
{
	r->change->refusal = ACCOUNT_PHONE_TAKEN;
	/* Sessions of other providers are not the Node service's to end. */
	r->change->sends_disconnect = span_is(r->before->provider_type, "webjs");
	r->change->after.state = ACCOUNT_ERROR;
	finish(r);
	return RC_OK;
}

enum rc account_rules_report(const struct account *before, const struct account_report *report,
    const struct account_surroundings *around, const struct account_limits *limits, int64_t now_us,
    struct arena *mem, struct account_change *ret)
{
	struct reporting r = {before, report, around, limits, now_us, mem, ret};
	enum rc rc;

	*ret = (struct account_change){.after = *before, .keeps_qr = true};
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
		end_pairing(&r);
		ret->after.last_activity_at = now_us;
	}
	rc = merge_metadata(&r);
	if (rc == RC_OK)
		finish(&r);
	return rc;
}
