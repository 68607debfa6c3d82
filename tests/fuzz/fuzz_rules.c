/*
 * Reports about rows: ten bytes that say what they are like, and then, each
 * up to a byte 0xff: the row's phone number and metadata; the report's phone
 * number, metadata and reason.
 */
#include "account/account_report.h"

#include <string.h>

#include "base/bounds.h"
#include "base/now.h"
#include "fuzz.h"
#include "text/json.h"
#include "text/utf8.h"

enum { FUZZ_NOW_S = 1763200000 };

/* A time near now, or none. */
static int64_t some_time(uint8_t byte)
{
	return byte == 0 ? TIME_NONE : (FUZZ_NOW_S + ((int64_t)byte - 128) * 15) * US_PER_S;
}

/* Absent where it is empty. */
static struct span some_text(struct fuzz_input *in)
{
	struct fuzz_input part = fuzz_part(in);

	return part.left == 0 ? (struct span){0} : span_from((const char *)part.at, part.left);
}

/* What a row may hold is JSON; what a report brings, an object that json_read has taken. */
static struct span only_json(struct span text, bool object)
{
	json_t *tree = text.len == 0 ? NULL
				     : json_loadb(text.ptr, text.len,
					   JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
	bool fits = tree != NULL && (!object || json_is_object(tree));

	json_decref(tree);
	return fits ? text : (struct span){0};
}

static void check_metadata(const struct account *before, const struct account *after)
{
	json_t *tree;

	if (span_eq(before->metadata, after->metadata))
		return;
	tree = json_loadb(after->metadata.ptr, after->metadata.len, JSON_REJECT_DUPLICATES, NULL);
	FUZZ_CHECK(json_is_object(tree));
	FUZZ_CHECK(after->state != ACCOUNT_CONNECTED ||
		   json_integer_value(json_object_get(tree, "recent_failures")) == 0);
	FUZZ_CHECK(
	    after->state != ACCOUNT_ERROR || json_is_string(json_object_get(tree, "last_error")));
	json_decref(tree);
}

static void check_stored(const struct account *before, const struct account_report *report,
    const struct account_change *change)
{
	const struct account *after = &change->after;
	bool differs = after->state != before->state || after->is_primary != before->is_primary ||
		       !span_eq(after->phone_number, before->phone_number);

	FUZZ_CHECK(change->refusal == ACCOUNT_ACCEPTED || change->refusal == ACCOUNT_PHONE_TAKEN);
	FUZZ_CHECK(after->state_version == before->state_version + (change->tells ? 1 : 0));
	FUZZ_CHECK(change->tells || !differs);
	FUZZ_CHECK(after->id == before->id && after->workspace_id == before->workspace_id);
	FUZZ_CHECK(!before->is_primary || after->is_primary);
	FUZZ_CHECK(after->metadata.len <= BOUND_METADATA);
	if (change->refusal == ACCOUNT_PHONE_TAKEN) {
		FUZZ_CHECK(after->state == ACCOUNT_ERROR && change->keeps_qr);
		FUZZ_CHECK(span_eq(after->metadata, before->metadata));
		return;
	}
	FUZZ_CHECK(after->state == report->state && change->command == NULL);
	FUZZ_CHECK((change->qr_code.ptr != NULL) == (report->qr_code.ptr != NULL));
	if (report->qr_code.ptr != NULL) {
		FUZZ_CHECK(!change->keeps_qr && after->qr_expires_at != TIME_NONE);
		FUZZ_CHECK(after->connect_deadline_at <= after->qr_first_at + 15 * 60 * US_PER_S);
	}
	if (!span_eq(after->phone_number, before->phone_number))
		FUZZ_CHECK(after->state == ACCOUNT_CONNECTED &&
			   account_rules_is_phone(after->phone_number));
	check_metadata(before, after);
}

/* What becomes of the row when nobody has finished its pairing. */
static void check_overdue(const struct account *before, int64_t now, struct arena *mem)
{
	bool was_connected = before->last_connected_at != TIME_NONE;
	const struct account *after;
	struct account_change change;

	FUZZ_CHECK(account_report_overdue(before, now, mem, &change) == RC_OK);
	after = &change.after;
	FUZZ_CHECK(after->state == (was_connected ? ACCOUNT_DISCONNECTED : ACCOUNT_ERROR));
	FUZZ_CHECK(change.stores && !change.keeps_qr && change.qr_code.ptr == NULL);
	FUZZ_CHECK(
	    !account_rules_is_overdue(after, now) && after->connect_deadline_at == TIME_NONE);
	FUZZ_CHECK(after->state_version == before->state_version + (change.tells ? 1 : 0));
	FUZZ_CHECK(change.tells || after->state == before->state);
	FUZZ_CHECK(
	    after->is_primary == before->is_primary && after->is_active == before->is_active);
	FUZZ_CHECK(!was_connected || span_eq(after->metadata, before->metadata));
	check_metadata(before, after);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *mem = arena_create(4 * KIB);
	struct fuzz_input in = {data, size};
	const int64_t now = (int64_t)FUZZ_NOW_S * US_PER_S;
	uint8_t states = fuzz_byte(&in), flags = fuzz_byte(&in), more = fuzz_byte(&in);
	struct account before = {
	    .id = 1,
	    .workspace_id = 1,
	    .provider_type = flags & 1 ? SPAN_OF("webjs") : SPAN_OF("meta"),
	    .state = (enum account_state)(states % ACCOUNT_STATES),
	    .is_primary = (flags & 2) != 0,
	    .is_active = (flags & 4) != 0,
	    .has_qr = (flags & 8) != 0,
	    .same_qr = (flags & 16) != 0,
	    .state_version = states,
	    .last_activity_at = some_time(fuzz_byte(&in)),
	    .last_connected_at = some_time(fuzz_byte(&in)),
	    .qr_expires_at = some_time(fuzz_byte(&in)),
	    .qr_first_at = some_time(fuzz_byte(&in)),
	    .connect_deadline_at = some_time(fuzz_byte(&in)),
	    .recent_failures = ((double)fuzz_byte(&in) - 100) * 1.5,
	};
	struct account_report report = {
	    .account = SPAN_OF("1"),
	    .workspace_id = 1,
	    .state = (enum account_state)(states / ACCOUNT_STATES % ACCOUNT_STATES),
	    .qr_expires_s = 1 + (uint64_t)fuzz_byte(&in) * 14,
	};
	const struct account_surroundings around = {
	    .has_live_primary = (flags & 32) != 0,
	    .phone_is_taken = (flags & 64) != 0,
	    .connected = more & 15u,
	};
	const struct account_limits limits = {.max_connected = 10};
	struct account_change change;
	enum rc rc;

	before.phone_number = some_text(&in);
	before.metadata = only_json(some_text(&in), false);
	report.phone_number = some_text(&in);
	report.metadata = only_json(some_text(&in), true);
	/* A reason comes out of a JSON text: it is UTF-8, without NUL. */
	report.reason = some_text(&in);
	if (!utf8_valid(report.reason) ||
	    (report.reason.len > 0 && memchr(report.reason.ptr, '\0', report.reason.len) != NULL))
		report.reason = (struct span){0};
	if (flags & 128) {
		report.qr_code = SPAN_OF("2@code");
		report.state = ACCOUNT_CONNECTING;
	}
	rc = account_report_change(&before, &report, &around, &limits, now, mem, &change);
	if (rc == RC_OK)
		check_stored(&before, &report, &change);
	else
		FUZZ_CHECK((rc == RC_CONFLICT && change.refusal == ACCOUNT_LATE) ||
			   (rc == RC_INVALID && (change.refusal == ACCOUNT_NOT_WEBJS ||
						    change.refusal == ACCOUNT_METADATA_FULL)));
	check_overdue(&before, now, mem);
	arena_free(mem);
	return 0;
}
