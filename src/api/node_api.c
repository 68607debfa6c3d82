/*
 * node_api: what the Node.js service asks and reports.
 */
#include "account_json.h"
#include "api/api.h"
#include "handlers.h"
#include "input.h"
#include "legacy.h"
#include "reply.h"
#include "report.h"
#include "text/utf8.h"

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

	/* Today's page asks so, while it waits for a phone. */
	if (call->caller.session != NULL)
		legacy_note(call, LEGACY_LOGIN_STATUS);
	faults_init(&faults, call->mem);
	input_query_number(call, "workspace_id", 1, &faults, &workspace_id);
	if (faults_any(&faults)) {
		reply_faults(call, &faults);
		return;
	}
	if (call->caller.workspace_id != 0 && workspace_id != 0 &&
	    workspace_id != call->caller.workspace_id) {
		reply_rc(call, RC_NOT_FOUND);
		return;
	}
	if (call->caller.workspace_id != 0)
		workspace_id = call->caller.workspace_id;
	rc = account_find(call->api->db, call->mem, call->account, workspace_id, &account);
	if (rc == RC_OK)
		account_json_put(reply_begin(call, 200), &account,
		    call->api->legacy_aliases ? old_members : members, call);
	else
		reply_rc(call, rc);
}

void node_mark_disconnected(struct call *call)
{
	struct account_report report = {.account = call->account, .state = ACCOUNT_DISCONNECTED};
	struct faults faults;
	json_t *body;

	if (!report_read_body(call, &body))
		return;
	faults_init(&faults, call->mem);
	report.workspace_id = report_take_workspace_id(
	    json_object_get(body, "workspace_id"), "workspace_id", &faults);
	report.reason =
	    span_trim(report_take_text(json_object_get(body, "reason"), "reason", &faults));
	if (utf8_length(report.reason) > BOUND_REASON)
		faults_add(&faults, "reason", "field must not be greater than 255 characters.");
	if (report.reason.len == 0)
		report.reason = SPAN_OF("Unknown");
	if (faults_any(&faults))
		reply_faults(call, &faults);
	else
		report_apply(call, &report,
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
	if (!report_is_missing(data) && !json_is_object(data)) {
		faults_add(&faults, "data", "field must be an object.");
		reply_faults(call, &faults);
		return;
	}
	report.account = report_take_account(data, call->mem, &faults);
	if (report_is_missing(json_object_get(data, "account_id")) && report.account.len > 0)
		legacy_note(call, LEGACY_SESSION_FIELD);
	report.workspace_id = report_take_workspace_id(
	    json_object_get(data, "workspace_id"), "data.workspace_id", &faults);
	if (is_qr) {
		report_take_qr(data, &report, &faults);
	} else {
		report_take_state(call, data, &report, &faults);
		report.phone_number = report_take_text(
		    json_object_get(data, "phone_number"), "data.phone_number", &faults);
		report.metadata =
		    report_take_metadata(call, json_object_get(data, "metadata"), &faults);
	}
	if (faults_any(&faults))
		reply_faults(call, &faults);
	else
		report_apply(call, &report, "{\"status\":\"broadcasted\"}");
}

void node_broadcast(struct call *call)
{
	json_t *body;

	if (!report_read_body(call, &body))
		return;
	broadcast(call, body);
	json_decref(body);
}
