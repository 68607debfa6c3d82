/*
 * router: the routing table's rows, and finding one.
 *
 * A row names the ways in: the proofs of which its caller must bring one.  A
 * row without a way does not start (router_check): nothing is open because
 * somebody forgot something.
 */
#ifndef WA_HTTP_ROUTER_H
#define WA_HTTP_ROUTER_H

#include <stddef.h>

#include "base/buf.h"
#include "base/rc.h"
#include "http/request.h"

struct call;
struct db_ask;

enum way {
	WAY_SIGNATURE = 1, /* HMAC of the Node.js service */
	WAY_LOCAL = 2,     /* nginx says so, in the operations locations only */
	WAY_LOGIN = 4,     /* the application's session cookie, with a CSRF token on writes */
	WAY_TOKEN = 8,     /* a bearer token */
	WAY_API_KEY = 16,  /* the Node.js service's key, where the settings let it in */
};

/* Who reads the answer, and therefore how errors look. */
enum audience {
	FOR_BROWSER, /* message and code; "later" is 503 */
	FOR_NODE,    /* also error; "later" is 429, the only answer that Node retries */
	FOR_OPS,
};

enum {
	ROUTE_POLLED = 1, /* a page asks again and again: its login's cookies are not sent anew */
	ROUTE_READS = 2,  /* changes nothing, whatever its method: needs no CSRF token */
};

struct route {
	enum http_method method; /* GET answers HEAD too */
	const char *path;        /* segments; ":account" stands for one of any text */
	unsigned ways;
	enum audience audience;
	size_t body_max;  /* bytes; more is 413 */
	const char *name; /* for the log and the metrics */
	void (*run)(struct call *call);
	/*
	 * May be NULL.  What the answer needs from the database, made into a question
	 * that is asked together with the last one about the caller; `run` is only
	 * called when that one's answer lets the caller in.  False: there is nothing to ask.
	 */
	bool (*ask)(struct call *call, struct db_ask *ret);
	unsigned flags;
};

struct routes {
	const struct route *rows;
	size_t count; /* at most BOUND_ROUTES - 1: the last place is "no route" */
};

struct router_match {
	const struct route *route;
	struct span account; /* what ":account" stands for; absent without one */
};

/*
 * RC_NOT_FOUND  no row has this path
 * RC_DENIED     some have it, for other methods: `allow` lists them, for the
 *               header of that name
 */
enum rc router_find(const struct routes *routes, enum http_method method, struct span path,
    struct router_match *ret, struct buf *allow) MUST_CHECK;

/* NULL, or a sentence about the first row that must not be served. */
const char *router_check(const struct routes *routes);

/* The ways as words, separated by ','. */
void router_put_ways(struct buf *b, unsigned ways);

#endif
