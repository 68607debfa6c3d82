#include "api/api.h"
#include "auth/guard.h"
#include "base/now.h"
#include "reply.h"

/* Errors of unknown paths look like those of their neighbours. */
static enum audience audience_of(struct span path)
{
	return span_starts(path, "/api/") ? FOR_NODE : FOR_BROWSER;
}

static bool find_route(struct call *call)
{
	struct buf allow = buf_in(call->mem, 256);
	struct router_match match;

	switch (
	    router_find(&api_routes, call->request.method, call->request.path, &match, &allow)) {
	case RC_OK:
		call->route = match.route;
		call->account = match.account;
		call->audience = match.route->audience;
		slot_busy(call->slot, api_route_index(call));
		return true;
	case RC_DENIED:
		call->audience = audience_of(call->request.path);
		reply_error(
		    call, 405, "method_not_allowed", "This address does not answer that method");
		http_response_header(&call->response, "Allow", buf_span(&allow));
		return false;
	default:
		call->audience = audience_of(call->request.path);
		reply_error(call, 404, "not_found", "Not found");
		return false;
	}
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

static bool let_in(struct call *call)
{
	struct guard_refusal refusal;

	if (guard_admit(call, call->api->signature, &refusal) == RC_OK)
		return true;
	reply_error(call, refusal.status, refusal.status == 404 ? "not_found" : "unauthenticated",
	    refusal.message);
	return false;
}

void api_answer(struct call *call)
{
	const struct api *api = call->api;

	if (!find_route(call) || !read_body(call) || !let_in(call))
		return;
	db_begin_work(
	    api->db, now_monotonic_ms() +
			 (call->audience == FOR_NODE ? api->node_timeout_ms : api->timeout_ms));
	call->route->run(call);
	if (call->response.body.failed || call->response.headers.failed) {
		call->why = "answer_too_large";
		reply_rc(call, RC_INTERNAL);
	}
}
