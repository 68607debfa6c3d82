/*
 * call: everything about one request while it is answered.
 */
#ifndef WA_HTTP_CALL_H
#define WA_HTTP_CALL_H

#include <stdint.h>

#include "base/arena.h"
#include "base/board.h"
#include "http/fcgi.h"
#include "http/request.h"
#include "http/response.h"
#include "http/router.h"

struct api;
struct input;
struct session;

/* Who is asking, once they were let in by a login or a token. */
struct caller {
	uint64_t user_id;
	uint64_t workspace_id;
	const struct session *session; /* NULL with a token */
	uint64_t token_id;             /* of a personal access token; 0: it was something else */
};

struct call {
	struct http_request request;
	struct http_response response;
	struct arena *mem;         /* lives until the answer is logged */
	struct fcgi *fcgi;         /* for answers that are streamed */
	const struct api *api;     /* what the handlers work with (api/api.h) */
	struct slot *slot;         /* this process's counters */
	const struct route *route; /* NULL: none was found */
	struct span old_path; /* as it was asked for, when request.path succeeds it; else absent */
	struct span account;  /* ":account" of the route */
	struct caller caller; /* of browser routes */
	bool is_let_in;       /* by whichever way */
	bool is_by_api_key;   /* by the Node.js service's key alone */
	unsigned legacy_uses; /* bits of enum legacy_use (api/legacy.h) */
	struct input *input;  /* of browser routes: query and body */
	void *asked;          /* what the route's `ask` has asked for */
	enum audience audience;
	int64_t now_us;  /* wall clock when the request was taken */
	const char *why; /* for the log: why it was refused; NULL if it was not */
};

#endif
