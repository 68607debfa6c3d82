/*
 * backoff: how long to wait before trying again.
 */
#ifndef WA_NET_BACKOFF_H
#define WA_NET_BACKOFF_H

#include <stdint.h>

/*
 * Milliseconds after the `failures`th failure (from 1): first_ms, twice that,
 * and so on up to most_ms; of that, by chance, from half to all, so that what
 * failed together does not come back together.
 */
int64_t backoff_ms(uint64_t failures, int64_t first_ms, int64_t most_ms);

#endif
