/*
 * breaker: whether a peer is worth asking now.
 *
 * After some failures in a row, or one that will not mend by itself, nobody
 * asks for a while (open); then one request tries (trying): if it is answered
 * all may ask again (closed), else nobody for twice as long.
 *
 * What counts is whether the peer speaks, not whether it likes what it is
 * told.  Knows no clock: the caller's monotonic one, in milliseconds.
 */
#ifndef WA_NET_BREAKER_H
#define WA_NET_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

enum breaker_state { BREAKER_CLOSED, BREAKER_TRYING, BREAKER_OPEN };

enum { BREAKER_FAILURES = 3, BREAKER_FIRST_MS = 500, BREAKER_MOST_MS = 15000 };

/* All zero is closed. */
struct breaker {
	enum breaker_state state;
	bool tries;        /* in the state "trying": the one request is under way */
	unsigned failures; /* in a row, while it is closed */
	unsigned openings; /* in a row, since it was last closed */
	int64_t until_ms;
};

/* Whether a request may begin; the pause, when it is over, is turned into "trying". */
bool breaker_allows(struct breaker *b, int64_t now_ms);
/* Milliseconds until it is worth asking breaker_allows again; 0 while it would allow. */
int64_t breaker_wait_ms(const struct breaker *b, int64_t now_ms);

/* A request has begun that breaker_allows has let through; one of the next three follows. */
void breaker_began(struct breaker *b);
void breaker_answered(struct breaker *b);
void breaker_failed(struct breaker *b, int64_t now_ms, int64_t at_least_ms);
/* It will not mend by itself: open, at the first time. */
void breaker_tripped(struct breaker *b, int64_t now_ms, int64_t at_least_ms);

#endif
