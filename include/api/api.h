/*
 * api: the routes, and what their handlers work with.
 *
 * Read in this order: routes.c (the table), reply.h (how answers look),
 * browser_api.c, node_api.c and node_active.c, ops_api.c; legacy.c (old paths),
 * inertia.h and shell.h (the page).
 */
#ifndef WA_API_API_H
#define WA_API_API_H

#include "account/account.h"
#include "auth/guard.h"
#include "base/board.h"
#include "db/db.h"
#include "http/call.h"
#include "http/router.h"

struct broadcast;
struct provider_options;
struct page;

/* What one worker answers with. */
struct api {
	struct db *db;
	struct board *board;
	struct guard guard;
	struct broadcast *broadcast; /* NULL: there is no Pusher server */
	const struct page *page;     /* NULL: none is served here */
	bool has_relay;
	size_t workers;   /* places of the board behind the master's */
	size_t instances; /* of the Node.js service */
	struct account_limits limits;
	int64_t timeout_ms;      /* that the database is given for a browser's request */
	int64_t node_timeout_ms; /* and for one of the Node service */
	bool legacy_aliases;
	bool guards_cleanup; /* a page's clean-up deletes only what never came to anything */
	const struct provider_options *provider;
	int64_t legacy_until_us; /* wall clock: until then old paths are answered */
};

extern const struct routes api_routes;

/* The place of the call's route on the board. */
size_t api_route_index(const struct call *call);

/* Count what is old about the request, if anything is, for this caller. */
void api_count_callers(const struct call *call, struct span caller);
/* Who asked, for that count: "user:7", "token:3", "workspace:5", or an address. */
void api_put_caller(struct buf *b, const struct call *call);

/*
 * Answer call->request: find its route, let it in, run it.  The answer
 * stands in call->response, or has been streamed already.
 */
void api_answer(struct call *call);

#endif
