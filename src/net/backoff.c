#include "net/backoff.h"

#include <sys/random.h>

#include "base/now.h"

static uint64_t chance(void)
{
	uint64_t random;

	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != (ssize_t)sizeof(random))
		random = (uint64_t)now_monotonic_us();
	return random;
}

int64_t backoff_ms(uint64_t failures, int64_t first_ms, int64_t most_ms)
{
	int64_t ms = first_ms;

	while (failures-- > 1 && ms > 0 && ms < most_ms)
		ms = ms > most_ms / 2 ? most_ms : ms * 2;
	if (ms > most_ms)
		ms = most_ms;
	return ms - (int64_t)(chance() % (uint64_t)(ms / 2 + 1));
}
