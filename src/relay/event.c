#include "base/log.h"
#include "base/now.h"
#include "hand.h"
#include "net/backoff.h"

enum { PAUSE_FIRST_MS = 500 };

bool event_shows_qr(const struct delivery *row)
{
	return span_is(row->name, "qr-code-generated");
}

static struct broadcast_event event_of(struct lane *lane)
{
	const struct delivery *row = lane_row(lane);

	return (struct broadcast_event){
	    .name = row->name,
	    .payload = row->payload,
	    .workspace_id = row->workspace_id,
	    .qr_code = event_shows_qr(row) ? row->qr_code : (struct span){0},
	    .qr_left_us = lane_left_us(lane, row),
	    .reduced = lane->reduced,
	};
}

/* It has failed, and may work the next time. */
static void fails(struct lane *lane, struct span why, int64_t at_least_ms)
{
	uint64_t attempts = lane_row(lane)->attempts + 1;
	int64_t pause_ms = backoff_ms(attempts, PAUSE_FIRST_MS, HAND_PAUSE_MOST_MS);

	if (attempts >= lane->relay->settings->outbox_attempts) {
		lane_row_ends(lane, DELIVERY_GIVEN_UP, why);
		event_go(lane);
		return;
	}
	lane_row_stays(lane, DELIVERY_WAITING, attempts, why,
	    pause_ms > at_least_ms ? pause_ms : at_least_ms, false);
}

/* No fault of its own: it waits for the server, and that does not count against it. */
static void waits(struct lane *lane, struct span why, int64_t at_least_ms)
{
	int64_t pause_ms = peer_wait_ms(lane->peer);

	lane_row_stays(lane, DELIVERY_WAITING, lane_row(lane)->attempts, why,
	    pause_ms > at_least_ms ? pause_ms : at_least_ms, true);
}

static void refused(struct lane *lane, const struct fetch_reply *reply, struct span why)
{
	/* Its limit is lower than what we were told. */
	if (reply->status == 413 && !lane->reduced) {
		lane->reduced = true;
		event_go(lane);
		return;
	}
	lane_row_ends(lane, DELIVERY_GIVEN_UP, why);
	event_go(lane);
}

static void ended(void *ctx, const struct fetch_reply *reply)
{
	struct lane *lane = ctx;
	struct relay *relay = lane->relay;
	struct buf text = buf_in(lane->mem, DELIVERY_ERROR + 64);
	enum fetch_class class = fetch_classify(reply);
	struct span why;

	/* The application is not there, or no such server: http is spoken to a port of https. */
	if (class == FETCH_REFUSED &&
	    (reply->status == 404 || (reply->status == 400 && reply->is_html)))
		class = FETCH_SETTINGS;
	fetch_put_reason(&text, reply, DELIVERY_ERROR);
	why = buf_span(&text);
	switch (class) {
	case FETCH_FINE:
		peer_ended(relay, lane->peer, PEER_ANSWERED, why, 0);
		lane_row_ends(lane, DELIVERY_DELIVERED, (struct span){0});
		event_go(lane);
		break;
	case FETCH_AWAY:
		peer_ended(relay, lane->peer, PEER_FAILED, why, reply->retry_after_ms);
		waits(lane, why, reply->retry_after_ms);
		break;
	case FETCH_AGAIN:
		peer_ended(relay, lane->peer, PEER_FAILED, why, reply->retry_after_ms);
		fails(lane, why, reply->retry_after_ms);
		break;
	case FETCH_SETTINGS:
		peer_ended(relay, lane->peer, PEER_REFUSES, why, 0);
		waits(lane, why, 0);
		break;
	case FETCH_REFUSED:
		peer_ended(relay, lane->peer, PEER_ANSWERED, why, 0);
		refused(lane, reply, why);
		break;
	}
}

static void log_event(const struct delivery *row)
{
	struct log_line line;

	log_begin(&line, "info", "broadcast");
	log_number(&line, "workspace", (int64_t)row->workspace_id);
	log_text(&line, "name", row->name);
	log_text(&line, "data", row->payload);
	log_end(&line);
}

/* False: the row has ended without being sent; true: it is under way, or the lane has ended. */
static bool send(struct lane *lane)
{
	struct relay *relay = lane->relay;
	struct broadcast_event event = event_of(lane);
	struct fetch_request request;

	lane->peer = &relay->broadcaster;
	if (!lane_may_begin(lane)) {
		lane_ends(lane, LANE_RELEASED);
		return true;
	}
	if (!peer_may_begin(lane->peer)) {
		lane_waits(lane, lane->peer);
		return true;
	}
	if (broadcast_request(relay->broadcast, &event, now_us() / US_PER_S, lane->mem, &request,
		&lane->reduced) != RC_OK) {
		lane_row_ends(
		    lane, DELIVERY_GIVEN_UP, SPAN_OF("its payload cannot be made into an event"));
		return false;
	}
	if (fetch_begin(relay->fetcher, &request, ended, lane) != RC_OK) {
		lane_ends(lane, HAND_NO_MEMORY_MS);
		return true;
	}
	peer_began(relay, lane->peer);
	return true;
}

void event_go(struct lane *lane)
{
	struct relay *relay = lane->relay;

	while (lane->at < lane->count) {
		const struct delivery *row = lane_row(lane);

		if (lane_left_us(lane, row) <= 0) {
			lane_row_ends(lane, DELIVERY_EXPIRED, (struct span){0});
		} else if (event_shows_qr(row) && (row->has_newer_qr || row->qr_code.ptr == NULL)) {
			lane_row_ends(lane, DELIVERY_CANCELLED,
			    SPAN_OF("the account has another QR code by now, or none"));
		} else if (relay->broadcast == NULL) {
			if (relay->settings->broadcast_connection == CONF_BROADCAST_LOG)
				log_event(row);
			lane_row_ends(lane, DELIVERY_DELIVERED, (struct span){0});
		} else if (send(lane)) {
			return;
		}
	}
	lane_ends(lane, LANE_RELEASED);
}
