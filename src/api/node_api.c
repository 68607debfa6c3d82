/*
 * node_api: what the Node.js service asks and reports.
 */
#include "account_json.h"
#include "api/api.h"
#include "handlers.h"
#include "input.h"
#include "reply.h"
#include "text/faults.h"
#include "text/json.h"
#include "text/members.h"
#include "text/utf8.h"

static const char required[] = "field is required.";
static const char must_be_string[] = "field must be a string.";
static const char must_be_integer[] = "field must be an integer.";

#define STATUS_MEMBERS \
	MEMBER_ID, MEMBER_UUID, MEMBER_SESSION_ID, MEMBER_WORKSPACE_ID, MEMBER_CONNECTION_STATUS, \
	    MEMBER_PHONE_NUMBER, MEMBER_FORMATTED_PHONE_NUMBER, MEMBER_IS_ACTIVE, \
	    MEMBER_IS_PRIMARY, MEMBER_LAST_ACTIVITY_AT, MEMBER_HEALTH_SCORE, MEMBER_STATE_VERSION

static const enum account_member members[] = {STATUS_MEMBERS, MEMBER_END};
static const enum account_member old_members[] = {STATUS_MEMBERS, MEMBER_STATUS, MEMBER_END};

void node_status(struct call *call)
{
	struct faults faults;
	struct account account;
	uint64_t workspace_id = 0;
	enum rc rc;

	faults_init(&faults, call->mem);
	input_query_number(call, "workspace_id", 1, &faults, &workspace_id);
	if (faults_any(&faults)) {
		reply_faults(call, &faults);
		return;
	}
	rc = account_find(call->api->db, call->mem, call->account, workspace_id, &account);
	if (rc == RC_OK)
		account_json_put(reply_begin(call, 200), &account,
		    call->api->legacy_aliases ? old_members : members, call);
	else
		reply_rc(call, rc);
}

/* The body as an object; an empty body is one without members.  False: it was answered. */
static bool read_object(struct call *call, json_t **ret)
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

static bool is_missing(const json_t *value)
{
	return value == NULL || json_is_null(value) ||
	       (json_is_string(value) && span_trim(json_text(value)).len == 0);
}

static uint64_t take_workspace_id(const json_t *value, const char *field, struct faults *faults)
{
	uint64_t id = 0;

	if (is_missing(value))
		faults_add(faults, field, required);
	else if (!json_unsigned(value, &id) || id == 0)
		faults_add(faults, field, must_be_integer);
	return id;
}

/* A string, or an id as a number; session_id stands in for account_id. */
static struct span take_account(const json_t *data, struct arena *mem, struct faults *faults)
{
	const json_t *value = json_object_get(data, "account_id");
	struct buf number = buf_in(mem, 24);

	if (is_missing(value))
		value = json_object_get(data, "session_id");
	if (is_missing(value)) {
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

static struct span take_text(const json_t *value, const char *field, struct faults *faults)
{
	if (value == NULL || json_is_null(value))
		return (struct span){0};
	if (!json_is_string(value))
		faults_add(faults, field, must_be_string);
	return json_text(value);
}

/*
 * The metadata as it was sent: from the body's text, because a tree would
 * write its numbers anew.
 */
static struct span raw_metadata(struct call *call)
{
	struct members *body, *data;

	if (members_read(call->request.body, call->mem, &body) != RC_OK ||
	    members_read(members_get(body, SPAN_OF("data")), call->mem, &data) != RC_OK)
		return (struct span){0};
	return members_get(data, SPAN_OF("metadata"));
}

static struct span take_metadata(struct call *call, const json_t *value, struct faults *faults)
{
	struct span raw;

	/* PHP writes an empty object as a list. */
	if (value == NULL || json_is_null(value) ||
	    (json_is_array(value) && json_array_size(value) == 0))
		return (struct span){0};
	raw = raw_metadata(call);
	if (!json_is_object(value))
		faults_add(faults, "data.metadata", "field must be an object.");
	else if (raw.len > BOUND_REPORT_METADATA)
		faults_add(faults, "data.metadata", "field must not be greater than 8192 bytes.");
	return raw;
}

static void take_state(const json_t *data, struct account_report *report, struct faults *faults)
{
	const json_t *value = json_object_get(data, "status");

	if (is_missing(value))
		faults_add(faults, "data.status", required);
	else if (!json_is_string(value))
		faults_add(faults, "data.status", must_be_string);
	else if (!account_rules_state_of(json_text(value), &report->state))
		faults_add_selected(faults, "data.status");
}

static void take_qr(const json_t *data, struct account_report *report, struct faults *faults)
{
	const json_t *code = json_object_get(data, "qr_code");
	const json_t *expires = json_object_get(data, "expires_in");

	report->state = ACCOUNT_CONNECTING;
	report->qr_expires_s = 300;
	if (is_missing(code))
		faults_add(faults, "data.qr_code", required);
	else if (!json_is_string(code))
		faults_add(faults, "data.qr_code", must_be_string);
	else if (json_text(code).len > BOUND_QR_CODE)
		faults_add(faults, "data.qr_code", "field must not be greater than 65535 bytes.");
	report->qr_code = json_text(code);
	if (is_missing(expires))
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
	case ACCOUNT_LIMIT_REACHED:
	case ACCOUNT_ACCEPTED:
		break;
	}
	reply_rc(call, rc);
}

/* Store the report and answer with `success`, a JSON text. */
static void apply(struct call *call, const struct account_report *report, const char *success)
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

void node_mark_disconnected(struct call *call)
{
	struct account_report report = {.account = call->account, .state = ACCOUNT_DISCONNECTED};
	struct faults faults;
	json_t *body;

	if (!read_object(call, &body))
		return;
	faults_init(&faults, call->mem);
	report.workspace_id =
	    take_workspace_id(json_object_get(body, "workspace_id"), "workspace_id", &faults);
	report.reason = span_trim(take_text(json_object_get(body, "reason"), "reason", &faults));
	if (utf8_length(report.reason) > BOUND_REASON)
		faults_add(&faults, "reason", "field must not be greater than 255 characters.");
	if (report.reason.len == 0)
		report.reason = SPAN_OF("Unknown");
	if (faults_any(&faults))
		reply_faults(call, &faults);
	else
		apply(call, &report,
		    "{\"success\":true,\"message\":\"Account marked as disconnected\"}");
	json_decref(body);
}

static void broadcast(struct call *call, const json_t *body)
{
	struct span event = json_text(json_object_get(body, "event"));
	const json_t *data = json_object_get(body, "data");
	bool is_qr = span_is(event, "qr-code-generated");
	struct account_report report = {0};
	struct faults faults;

	if (!is_qr && !span_is(event, "account-status-changed")) {
		reply_error(call, 400, "unknown_event", "Unknown event");
		return;
	}
	faults_init(&faults, call->mem);
	if (!is_missing(data) && !json_is_object(data)) {
		faults_add(&faults, "data", "field must be an object.");
		reply_faults(call, &faults);
		return;
	}
	report.account = take_account(data, call->mem, &faults);
	report.workspace_id =
	    take_workspace_id(json_object_get(data, "workspace_id"), "data.workspace_id", &faults);
	if (is_qr) {
		take_qr(data, &report, &faults);
	} else {
		take_state(data, &report, &faults);
		report.phone_number =
		    take_text(json_object_get(data, "phone_number"), "data.phone_number", &faults);
		report.metadata = take_metadata(call, json_object_get(data, "metadata"), &faults);
	}
	if (faults_any(&faults))
		reply_faults(call, &faults);
	else
		apply(call, &report, "{\"status\":\"broadcasted\"}");
}

void node_broadcast(struct call *call)
{
	json_t *body;

	if (!read_object(call, &body))
		return;
	broadcast(call, body);
	json_decref(body);
}
