/*
 * fetch: HTTP requests to others, many at a time (libcurl's multi interface).
 *
 * Connections are kept and used again; certificates are verified; redirects
 * are not followed; only http and https are spoken.  curl's own environment
 * variables for proxies hold.  Only this folder knows curl.
 */
#ifndef WA_NET_FETCH_H
#define WA_NET_FETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/rc.h"
#include "base/span.h"

struct fetcher;

/* All of it is borrowed until the request has ended; texts end with a NUL. */
struct fetch_request {
	const char *method;
	struct span url;
	struct span body;           /* JSON; absent without one */
	struct span api_key;        /* X-API-Key; absent without one */
	const char *const *headers; /* further ones, "Name: value", NULL behind them; may be NULL */
	const char *wants_header;   /* of the answer: its name; may be NULL */
	bool once; /* not sent again, by curl, when a connection that was kept turns out to be dead
		    */
	int64_t timeout_ms; /* from the beginning to the end of the answer */
	size_t reply_max;   /* bytes of the answer's body that are kept */
};

/* What a request's head is in bytes, at most, beside its URL. */
enum { FETCH_HEAD_MAX = 192 };

enum fetch_end {
	FETCH_ANSWERED,
	/*
	 * There was no connection.  Of a request that is not `once` it may have
	 * been the second one: curl repeats what a kept connection has swallowed.
	 */
	FETCH_NOT_SENT,
	FETCH_LOST, /* it was sent, and no whole answer came: it may have happened */
};

struct fetch_reply {
	enum fetch_end end;
	int status; /* of an answer */
	bool is_html;
	int64_t retry_after_ms; /* Retry-After, seconds or a date, five minutes at most; 0 without
				   one */
	struct span body;
	struct span header; /* what was wanted of that name, the last one; absent without it */
	const char *why;    /* of no answer: curl's words */
};

/* What is to be made of it, as far as HTTP tells. */
enum fetch_class {
	FETCH_FINE,     /* 2xx */
	FETCH_AWAY,     /* not now, whatever is asked: no connection, 429, 502, 503, 504 */
	FETCH_AGAIN,    /* may work the next time: other 5xx, 408, no whole answer */
	FETCH_SETTINGS, /* our settings are wrong: 401, 403, and a redirect */
	FETCH_REFUSED,  /* other 4xx: asking again does not help */
};
enum fetch_class fetch_classify(const struct fetch_reply *reply);

/*
 * What happened, as one line for an operator of at most `max` bytes (16 or more) of UTF-8:
 * "HTTP 422: …" with the beginning of the answer, or curl's words.
 */
void fetch_put_reason(struct buf *b, const struct fetch_reply *reply, size_t max);

/* `ca_file`: the certificates that are trusted; NULL: the system's.  NULL without memory. */
struct fetcher *fetcher_create(const char *ca_file);
/* Requests that are under way are given up; nobody is told. */
void fetcher_free(struct fetcher *fetcher);

/* Called once, from fetcher_turn; `reply` lives until it returns.  It may begin requests. */
typedef void fetch_done_fn(void *ctx, const struct fetch_reply *reply);

/* RC_INTERNAL: curl has no memory; `done` is not called. */
enum rc fetch_begin(struct fetcher *fetcher, const struct fetch_request *request,
    fetch_done_fn *done, void *ctx) MUST_CHECK;

/*
 * Wait until something moves, `fd` (-1: none) is readable, a signal comes or
 * the time is over.
 */
void fetcher_wait(struct fetcher *fetcher, int fd, int timeout_ms);
/* Go on with all requests, and call the `done` of those that have ended. */
void fetcher_turn(struct fetcher *fetcher);
size_t fetcher_under_way(const struct fetcher *fetcher);

#endif
