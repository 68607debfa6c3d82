#include "api/api.h"
#include "auth/guard.h"
#include "base/now.h"
#include "input.h"
#include "legacy.h"
#include "reply.h"
#include "shell.h"

/* For another process to find out whether the database is back: more than connecting takes. */
enum { NODE_PATIENCE_MS = 1000 };

/* Errors of unknown paths look like those of their neighbours. */
static enum audience audience_of(struct span path)
{
	return span_starts(path, "/api/") ? FOR_NODE : FOR_BROWSER;
}

static bool find_route(struct call *call)
{
	struct buf allow = buf_in(call->mem, 256);
	struct router_match match = {0};
	enum rc rc =
	    router_find(&api_routes, call->request.method, call->request.path, &match, &allow);

	if (rc == RC_OK) {
		call->route = match.route;
		call->account = match.account;
		call->audience = match.route->audience;
		slot_busy(call->slot, api_route_index(call));
	} else {
		call->audience = audience_of(call->request.path);
	}
	if (rc != RC_OK && rc != RC_DENIED) {
		reply_error(call, 404, "not_found", "Not found");
	} else if (legacy_is_gone(call)) {
		legacy_reply_gone(call);
	} else if (rc == RC_DENIED) {
		reply_error(
		    call, 405, "method_not_allowed", "This address does not answer that method");
		http_response_header(&call->response, "Allow", buf_span(&allow));
	} else {
		return true;
	}
	return false;
}

static bool read_body(struct call *call)
{
	struct http_request *request = &call->request;

	if (request->content_length == HTTP_LENGTH_INVALID) {
		reply_error(call, 400, "bad_request", "The Content-Length is not a number");
		return false;
	}
	if (request->content_length > call->route->body_max) {
		reply_error(call, 413, "payload_too_large", "The request body is too large");
		return false;
	}
	if (fcgi_read_body(call->fcgi, call->mem, request) != RC_OK) {
		reply_error(call, 400, "bad_request",
		    "The request body does not have the length that was announced");
		return false;
	}
	return true;
}

static void refuse(struct call *call, const struct guard_refusal *refusal)
{
	enum http_method method = call->request.method;
	bool keeps_method = method == HTTP_PUT || method == HTTP_PATCH || method == HTTP_DELETE;

	/*
	 * A person who typed the address is sent to Laravel's login.  Browsers
	 * repeat these methods after a 302, and not after a 303.
	 */
	if (refusal->status == 401 && shell_accepts_html(call))
		reply_redirect(call, keeps_method ? 303 : 302, SPAN_OF("/login"));
	else
		reply_error(call, refusal->status, refusal->code, refusal->message);
}

static bool let_in(struct call *call)
{
	struct guard_refusal refusal;
	enum rc rc = guard_admit(call, &call->api->guard, call->api->db, input_token, &refusal);

	if (rc == RC_DENIED)
		refuse(call, &refusal);
	else if (rc != RC_OK)
		reply_rc(call, rc);
	call->is_let_in = rc == RC_OK;
	if (call->is_by_api_key)
		legacy_note(call, LEGACY_API_KEY);
	return call->is_let_in;
}

/* So that somebody who only uses our page is not logged out of the application. */
static void renew_login(struct call *call)
{
	bool is_https = span_eq_nocase(call->request.params[PARAM_HTTPS], SPAN_OF("on"));

	if (call->caller.session == NULL || (call->route->flags & ROUTE_POLLED) != 0)
		return;
	if (login_put_cookies(call->api->guard.login, call->mem, call->caller.session, is_https,
		call->now_us, &call->response.headers) != RC_OK)
		call->response.headers.failed = true;
}

static void run(struct call *call)
{
	call->route->run(call);
	renew_login(call);
	if (!call->response.body.failed && !call->response.headers.failed)
		return;
	call->why = "answer_too_large";
	reply_rc(call, RC_INTERNAL);
}

void api_answer(struct call *call)
{
	const struct api *api = call->api;

	legacy_take(call);
	if (!find_route(call) || !read_body(call))
		return;
	db_begin_work(
	    api->db, now_monotonic_ms() +
			 (call->audience == FOR_NODE ? api->node_timeout_ms : api->timeout_ms));
	/* What the Node.js service sends may be its last try. */
	if (call->audience == FOR_NODE)
		db_be_patient(api->db, NODE_PATIENCE_MS);
	if (let_in(call))
		run(call);
	input_free(call->input);
}
