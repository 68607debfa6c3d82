#include "reply.h"

#include "api/api.h"
#include "legacy.h"
#include "shell.h"
#include "text/json.h"

struct buf *reply_begin(struct call *call, int status)
{
	http_response_clear(&call->response);
	call->response.status = status;
	if (call->audience == FOR_BROWSER)
		http_response_header(&call->response, "Vary", SPAN_OF("Accept, X-Inertia"));
	legacy_put_headers(call);
	return &call->response.body;
}

static void put_error(struct call *call, struct buf *b, const char *code, const char *message)
{
	buf_putc(b, '{');
	if (call->audience == FOR_BROWSER) {
		json_put_key(b, "success");
		json_put_bool(b, false);
	}
	if (call->audience == FOR_NODE) {
		json_put_key(b, "error");
		json_put_string(b, span_of(message));
	}
	json_put_key(b, "message");
	json_put_string(b, span_of(message));
	json_put_key(b, "code");
	json_put_string(b, span_of(code));
}

void reply_error(struct call *call, int status, const char *code, const char *message)
{
	struct buf *b = reply_begin(call, status);

	if (shell_is_wanted(call)) {
		shell_put_error(call, message);
	} else {
		put_error(call, b, code, message);
		buf_putc(b, '}');
	}
	if (call->why == NULL)
		call->why = code;
}

void reply_redirect(struct call *call, int status, struct span location)
{
	reply_begin(call, status);
	http_response_header(&call->response, "Location", location);
}

void reply_faults(struct call *call, const struct faults *faults)
{
	struct buf *b = reply_begin(call, 422);

	put_error(call, b, "validation_failed", "Validation failed");
	json_put_key(b, "errors");
	faults_put_json(faults, b);
	buf_putc(b, '}');
	call->why = "validation_failed";
}

void reply_unavailable(struct call *call, const char *why)
{
	call->why = why;
	reply_error(call, call->audience == FOR_NODE ? 429 : 503, "unavailable",
	    "Service temporarily unavailable");
	http_response_header(&call->response, "Retry-After", SPAN_OF("1"));
}

void reply_rc(struct call *call, enum rc rc)
{
	switch (rc) {
	case RC_RETRY:
		reply_unavailable(call, call->why != NULL ? call->why : db_why(call->api->db));
		break;
	case RC_UNKNOWN:
		reply_unavailable(call, "outcome_unknown");
		break;
	case RC_NOT_FOUND:
		reply_error(call, 404, "not_found", "Account not found");
		break;
	default:
		if (call->why == NULL)
			call->why = rc_name(rc);
		reply_error(call, 500, "internal", "Something went wrong on our side");
		break;
	}
}
