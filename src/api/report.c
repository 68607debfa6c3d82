#include "report.h"

#include "account/account_rules.h"
#include "api/api.h"
#include "legacy.h"
#include "reply.h"
#include "text/members.h"
#include "text/utf8.h"

static const char required[] = "field is required.";
static const char must_be_string[] = "field must be a string.";
static const char must_be_integer[] = "field must be an integer.";

bool report_read_body(struct call *call, json_t **ret)
{
	const char *error = NULL;
	json_t *tree = NULL;

	if (span_trim(call->request.body).len == 0) {
		tree = json_object();
	} else if (json_read(call->request.body, &tree, &error) == RC_OK && !json_is_object(tree)) {
		error = "The request body is not a JSON object.";
	}
	if (error != NULL || tree == NULL) {
		json_decref(tree);
		reply_error(call, 400, "bad_request",
		    error != NULL ? error : "The request body is not valid JSON.");
		return false;
	}
	*ret = tree;
	return true;
}

bool report_is_missing(const json_t *value)
{
	return value == NULL || json_is_null(value) ||
	       (json_is_string(value) && span_trim(json_text(value)).len == 0);
}

uint64_t report_take_workspace_id(const json_t *value, const char *field, struct faults *faults)
{
	uint64_t id = 0;

	if (report_is_missing(value))
		faults_add(faults, field, required);
	else if (!json_unsigned(value, &id) || id == 0)
		faults_add(faults, field, must_be_integer);
	return id;
}

struct span report_take_account(const json_t *data, struct arena *mem, struct faults *faults)
{
	const json_t *value = json_object_get(data, "account_id");
	struct buf number = buf_in(mem, 24);

	if (report_is_missing(value))
		value = json_object_get(data, "session_id");
	if (report_is_missing(value)) {
		faults_add(faults, "data.account_id", required);
	} else if (json_is_string(value)) {
		return span_trim(json_text(value));
	} else if (json_is_integer(value) && json_integer_value(value) > 0) {
		buf_put_u64(&number, (uint64_t)json_integer_value(value));
		return buf_span(&number);
	} else {
		faults_add(faults, "data.account_id", must_be_string);
	}
	return SPAN_OF("");
}

struct span report_take_text(const json_t *value, const char *field, struct faults *faults)
{
	if (value == NULL || json_is_null(value))
		return (struct span){0};
	if (!json_is_string(value))
		faults_add(faults, field, must_be_string);
	return json_text(value);
}

/* From the body's text, because a tree would write its numbers anew. */
struct members *report_raw_data(struct call *call)
{
	struct members *body, *data;

	if (members_read(call->request.body, call->mem, &body) != RC_OK ||
	    members_read(members_get(body, SPAN_OF("data")), call->mem, &data) != RC_OK)
		return NULL;
	return data;
}

struct span report_take_metadata(struct call *call, const json_t *value, struct faults *faults)
{
	struct members *raw_data;
	struct span raw = {0};

	/* PHP writes an empty object as a list. */
	if (value == NULL || json_is_null(value) ||
	    (json_is_array(value) && json_array_size(value) == 0))
		return (struct span){0};
	raw_data = report_raw_data(call);
	if (raw_data != NULL)
		raw = members_get(raw_data, SPAN_OF("metadata"));
	if (!json_is_object(value))
		faults_add(faults, "data.metadata", "field must be an object.");
	else if (raw.len > BOUND_REPORT_METADATA)
		faults_add(faults, "data.metadata", "field must not be greater than 8192 bytes.");
	return raw;
}

void report_take_state(
    struct call *call, const json_t *data, struct account_report *report, struct faults *faults)
{
	const json_t *value = json_object_get(data, "status");

	if (report_is_missing(value))
		faults_add(faults, "data.status", required);
	else if (!json_is_string(value))
		faults_add(faults, "data.status", must_be_string);
	else if (!account_rules_state_of(json_text(value), &report->state))
		faults_add_selected(faults, "data.status");
	else if (!span_is(json_text(value), account_rules_state_name(report->state)))
		legacy_note(call, LEGACY_STATE_WORD);
}

void report_take_qr(const json_t *data, struct account_report *report, struct faults *faults)
{
	const json_t *code = json_object_get(data, "qr_code");
	const json_t *expires = json_object_get(data, "expires_in");

	report->state = ACCOUNT_CONNECTING;
	report->qr_expires_s = 300;
	if (report_is_missing(code))
		faults_add(faults, "data.qr_code", required);
	else if (!json_is_string(code))
		faults_add(faults, "data.qr_code", must_be_string);
	else if (json_text(code).len > BOUND_QR_CODE)
		faults_add(faults, "data.qr_code", "field must not be greater than 65535 bytes.");
	report->qr_code = json_text(code);
	if (report_is_missing(expires))
		return;
	if (!json_unsigned(expires, &report->qr_expires_s))
		faults_add(faults, "data.expires_in", must_be_integer);
	else if (report->qr_expires_s < 1 || report->qr_expires_s > BOUND_QR_EXPIRES_S)
		faults_add(faults, "data.expires_in", "field must be between 1 and 3600.");
}

static void reply_refusal(struct call *call, enum rc rc, enum account_refusal refusal)
{
	struct faults faults;

	faults_init(&faults, call->mem);
	switch (refusal) {
	case ACCOUNT_LATE:
		reply_error(call, 409, "already_connected",
		    "The account has connected a moment ago; this report is late");
		return;
	case ACCOUNT_PHONE_TAKEN:
		reply_error(
		    call, 409, "phone_taken", "Account with this phone number already exists");
		return;
	case ACCOUNT_NOT_WEBJS:
		faults_add(
		    &faults, "data.account_id", "field is not supported for this provider type.");
		reply_faults(call, &faults);
		return;
	case ACCOUNT_METADATA_FULL:
		faults_add(
		    &faults, "data.metadata", "field does not fit into the account's metadata.");
		reply_faults(call, &faults);
		return;
	case ACCOUNT_IS_CONNECTED:
	case ACCOUNT_WORTH_KEEPING:
	case ACCOUNT_LIMIT_REACHED:
	case ACCOUNT_ACCEPTED:
		break;
	}
	reply_rc(call, rc);
}

/* Store the report and answer with `success`, a JSON text. */
void report_apply(struct call *call, const struct account_report *report, const char *success)
{
	const struct api *api = call->api;
	enum account_refusal refusal = ACCOUNT_ACCEPTED;
	enum rc rc =
	    account_apply_report(api->db, call->mem, report, &api->limits, call->slot, &refusal);

	if (rc == RC_OK)
		buf_puts(reply_begin(call, 200), success);
	else if (rc == RC_CONFLICT || rc == RC_INVALID)
		reply_refusal(call, rc, refusal);
	else
		reply_rc(call, rc);
}
