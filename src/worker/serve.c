#include "serve.h"

#include "base/log.h"
#include "base/now.h"

/* `old_caller` is absent when nothing of the request is old. */
static void log_request(
    const struct server *server, const struct call *call, struct span old_caller, int64_t us)
{
	struct log_line line;

	if (server->log_requests == CONF_LOG_NONE ||
	    (server->log_requests == CONF_LOG_ERRORS && call->response.status < 400))
		return;
	log_begin(&line, call->response.status >= 500 ? "error" : "info", "request");
	log_text(&line, "id", call->request.id);
	log_text(&line, "from", call->request.params[PARAM_REMOTE_ADDR]);
	log_text(&line, "method", call->request.params[PARAM_REQUEST_METHOD]);
	log_text(&line, "path", call->old_path.ptr != NULL ? call->old_path : call->request.path);
	log_number(&line, "status", call->response.status);
	if (call->why != NULL)
		log_text(&line, "why", span_of(call->why));
	if (old_caller.ptr != NULL) {
		log_number(&line, "legacy", 1);
		log_text(&line, "caller", old_caller);
	}
	log_number(&line, "us", us);
	log_end(&line);
}

/* Who asked in an old way, counted; absent when it was none. */
static struct span count_caller(const struct call *call)
{
	struct buf caller = buf_in(call->mem, BOUND_PARAMS);

	if (call->old_path.ptr == NULL && call->legacy_uses == 0)
		return (struct span){0};
	api_put_caller(&caller, call);
	api_count_callers(call, buf_span(&caller));
	return buf_span(&caller);
}

static void answer(struct server *server, struct call *call, int64_t began_us)
{
	int64_t us;

	http_response_init(&call->response, server->mem);
	api_answer(call);
	if (!call->response.streamed)
		fcgi_send(server->fcgi, &call->response, call->request.method == HTTP_HEAD);
	fcgi_finish(server->fcgi);
	us = now_monotonic_us() - began_us;
	slot_count_request(server->slot, api_route_index(call), call->response.status, us);
	log_request(server, call, count_caller(call), us);
}

void serve(struct server *server, int fd)
{
	int64_t began_us = now_monotonic_us();
	struct call call = {
	    .mem = server->mem,
	    .fcgi = server->fcgi,
	    .api = &server->api,
	    .slot = server->slot,
	    .now_us = now_us(),
	};

	slot_busy(server->slot, BOARD_NO_ROUTE);
	switch (fcgi_begin(server->fcgi, fd, server->mem, &call.request)) {
	case RC_OK:
		answer(server, &call, began_us);
		break;
	case RC_NOT_FOUND:
		slot_count(server->slot, METRIC_ABANDONED);
		fcgi_finish(server->fcgi);
		break;
	default:
		slot_count(server->slot, METRIC_BROKEN_REQUEST);
		fcgi_finish(server->fcgi);
		break;
	}
	arena_reset(server->mem);
	slot_idle(server->slot);
}
