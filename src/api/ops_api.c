/*
 * ops_api: for nginx, balancers and Prometheus; nginx lets nobody else in.
 */
#include "api/api.h"
#include "base/now.h"
#include "handlers.h"
#include "metrics.h"
#include "outbox/outbox.h"
#include "reply.h"
#include "schema/schema.h"
#include "text/json.h"

/* A balancer asks often and gives up early; too early to call the server silent. */
enum { READY_TIMEOUT_MS = 1500, SCRAPE_TIMEOUT_MS = 1000 };

void ops_healthz(struct call *call)
{
	buf_puts(reply_begin(call, 200), "{\"status\":\"ok\"}");
}

void ops_readyz(struct call *call)
{
	const struct api *api = call->api;
	struct schema_state state;
	const char *fault;

	db_begin_work(api->db, now_monotonic_ms() + READY_TIMEOUT_MS);
	/* Another process may have looked a moment ago, and be the one that looks next. */
	if (schema_read(api->db, call->mem, &state) == RC_OK)
		fault = schema_fault(&state);
	else if ((fault = schema_words(board_unfit(api->board))) == NULL)
		fault = "the database does not answer";
	if (fault == NULL)
		buf_puts(reply_begin(call, 200), "{\"status\":\"ready\"}");
	else
		reply_error(call, 503, "not_ready", fault);
}

void ops_metrics(struct call *call)
{
	const struct api *api = call->api;
	struct callers_sum *callers = arena_alloc(call->mem, sizeof(*callers));
	struct buf *b = reply_begin(call, 200);
	struct outbox_depth depth;

	call->response.content_type = "text/plain; version=0.0.4; charset=utf-8";
	metrics_put_pool(b, api->board, api->workers);
	metrics_put_routes(b, api->board, &api_routes);
	board_sum_callers(api->board, callers);
	metrics_put_callers(b, callers, &api_routes);
	if (api->has_relay)
		metrics_put_relay(b, api->board, api->workers, api->instances);
	db_begin_work(api->db, now_monotonic_ms() + SCRAPE_TIMEOUT_MS);
	/* While the database is away, its gauges are absent: no number is better than a wrong one.
	 */
	if (outbox_depth(api->db, call->mem, &depth) == RC_OK)
		metrics_put_outbox(b, &depth);
}
