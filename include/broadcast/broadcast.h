/*
 * broadcast: events as a Pusher-compatible server takes them (Laravel Reverb,
 * soketi, Pusher): https://pusher.com/docs/channels/library_auth_reference/rest-api/
 *
 * Makes requests and judges answers; sends nothing itself.
 */
#ifndef WA_BROADCAST_BROADCAST_H
#define WA_BROADCAST_BROADCAST_H

#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/rc.h"
#include "base/span.h"
#include "net/fetch.h"

struct broadcast;

/* Borrowed. */
struct broadcast_options {
	struct span app_id;
	struct span key;
	struct span secret;
	struct span scheme; /* http or https */
	struct span host;
	uint64_t port;
	uint64_t max_bytes; /* of a whole request, as Reverb counts */
};

/* NULL without memory, or without an HMAC. */
struct broadcast *broadcast_create(const struct broadcast_options *options);
void broadcast_free(struct broadcast *broadcast);

struct broadcast_event {
	struct span name;
	struct span payload; /* a JSON object, without a QR code */
	uint64_t workspace_id;
	struct span qr_code; /* of an event that shows one; else absent */
	int64_t qr_left_us;  /* that the code is good for */
	bool reduced;        /* without its QR code, or without the report's metadata */
};

/*
 * The signed request, in `mem`.  An event that is too large is reduced, which
 * ret_reduced tells.
 *
 * RC_INVALID  its payload is no JSON object, which is looked at only when it is
 *             changed: the database takes nothing else
 */
enum rc broadcast_request(struct broadcast *broadcast, const struct broadcast_event *event,
    int64_t now_s, struct arena *mem, struct fetch_request *ret, bool *ret_reduced) MUST_CHECK;

/*
 * The query that proves who sends `body` to `path` (the server's "HTTP API
 * authentication"), put into `query`; `mem` is used on the way.
 */
enum rc broadcast_sign(struct broadcast *broadcast, struct span path, int64_t now_s,
    struct span body, struct arena *mem, struct buf *query) MUST_CHECK;

/*
 * What is sent of an event, as JSON text in `mem`: the QR code and what is left
 * of its time added, or what makes it large left out.
 */
enum rc broadcast_data(
    const struct broadcast_event *event, struct arena *mem, struct span *ret) MUST_CHECK;

/*
 * The proof with which a browser subscribes to a private channel,
 * "KEY:signature", in `mem`.
 *
 * RC_DENIED  the socket's id is none, or the channel is not the workspace's
 */
enum rc broadcast_channel_auth(struct broadcast *broadcast, struct span socket_id,
    struct span channel, uint64_t workspace_id, struct arena *mem, struct span *ret) MUST_CHECK;

#endif
