#include "base/log.h"
#include "base/now.h"
#include "hand.h"

/* A place at a busy instance comes free at any moment, and is told then: by this host. */
enum { BUSY_WAIT_MS = 5000 };

/* What will not mend by itself in a second. */
enum { REFUSAL_PAUSE_MS = 5000 };

bool peer_may_begin(struct peer *peer)
{
	return breaker_allows(&peer->breaker, now_monotonic_ms()) && peer->under_way < peer->most;
}

int64_t peer_wait_ms(const struct peer *peer)
{
	int64_t wait_ms = breaker_wait_ms(&peer->breaker, now_monotonic_ms());

	if (peer->breaker.state == BREAKER_OPEN && wait_ms > 0)
		return wait_ms;
	/* When what is under way there has ended, that is told. */
	return wait_ms > 0 || peer->under_way >= peer->most ? BUSY_WAIT_MS : BREAKER_FIRST_MS;
}

void peer_show(const struct relay *relay, const struct peer *peer)
{
	board_set_peer(relay->board, peer->place,
	    (struct board_peer){(int)peer->breaker.state, peer->under_way});
}

void peer_began(struct relay *relay, struct peer *peer)
{
	breaker_began(&peer->breaker);
	peer->under_way++;
	peer_show(relay, peer);
}

static void log_opened(const struct peer *peer, enum peer_outcome outcome, struct span why)
{
	const char *todo = "nothing: it is tried again, and what waits is delivered then";
	struct log_line line;

	if (outcome == PEER_REFUSES)
		todo = peer->place == 0
			   ? "check REVERB_* or PUSHER_*: id, key, secret, host, scheme"
			   : "check WHATSAPP_NODE_API_KEY and WHATSAPP_INSTANCE_*";
	log_begin(&line, outcome == PEER_REFUSES ? "error" : "warn", "peer_away");
	log_text(&line, "peer", span_of(peer->name));
	log_text(&line, "why", why);
	log_text(&line, "todo", span_of(todo));
	log_end(&line);
}

static void log_closed(const struct peer *peer)
{
	struct log_line line;

	log_begin(&line, "info", "peer_back");
	log_text(&line, "peer", span_of(peer->name));
	log_end(&line);
}

void peer_ended(struct relay *relay, struct peer *peer, enum peer_outcome outcome, struct span why,
    int64_t at_least_ms)
{
	struct breaker before = peer->breaker;
	int64_t now = now_monotonic_ms();

	peer->is_free = peer->is_free || peer->under_way == peer->most;
	peer->under_way--;
	if (outcome == PEER_ANSWERED)
		breaker_answered(&peer->breaker);
	else if (outcome == PEER_FAILED)
		breaker_failed(&peer->breaker, now, at_least_ms);
	else
		breaker_tripped(&peer->breaker, now, REFUSAL_PAUSE_MS);
	peer_show(relay, peer);
	if (before.state == BREAKER_CLOSED && peer->breaker.state == BREAKER_OPEN) {
		slot_count(relay->slot, METRIC_BREAKER_OPENED);
		log_opened(peer, outcome, why);
	} else if (before.state != BREAKER_CLOSED && peer->breaker.state == BREAKER_CLOSED) {
		log_closed(peer);
		peer->is_free = true;
	}
}
