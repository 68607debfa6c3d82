#include "net/breaker.h"

#include "net/backoff.h"

bool breaker_allows(struct breaker *b, int64_t now_ms)
{
	if (b->state == BREAKER_OPEN && now_ms >= b->until_ms) {
		b->state = BREAKER_TRYING;
		b->tries = false;
	}
	return b->state == BREAKER_CLOSED || (b->state == BREAKER_TRYING && !b->tries);
}

int64_t breaker_wait_ms(const struct breaker *b, int64_t now_ms)
{
	/* While one tries, its answer decides; until then looking often is of no use. */
	if (b->state == BREAKER_TRYING && b->tries)
		return BREAKER_FIRST_MS;
	return b->state == BREAKER_OPEN && b->until_ms > now_ms ? b->until_ms - now_ms : 0;
}

void breaker_began(struct breaker *b)
{
	if (b->state == BREAKER_TRYING)
		b->tries = true;
}

/* Whoever was answered, also one that began before: the peer speaks. */
void breaker_answered(struct breaker *b)
{
	*b = (struct breaker){.state = BREAKER_CLOSED};
}

void breaker_tripped(struct breaker *b, int64_t now_ms, int64_t at_least_ms)
{
	int64_t pause_ms;

	/* Others that were under way when it opened say nothing new. */
	if (b->state == BREAKER_OPEN)
		return;
	pause_ms = backoff_ms(++b->openings, BREAKER_FIRST_MS, BREAKER_MOST_MS);
	b->state = BREAKER_OPEN;
	b->tries = false;
	b->failures = 0;
	b->until_ms = now_ms + (pause_ms > at_least_ms ? pause_ms : at_least_ms);
}

void breaker_failed(struct breaker *b, int64_t now_ms, int64_t at_least_ms)
{
	if (b->state == BREAKER_CLOSED && ++b->failures < BREAKER_FAILURES)
		return;
	breaker_tripped(b, now_ms, at_least_ms);
}
