/*
 * bell: one process tells another that there is something to do.
 *
 * An eventfd, made before the fork.  However often it is rung, it is heard
 * once: the one that wakes looks for everything there is.  Rings can get lost
 * (a reload makes a new bell): whoever listens also looks from time to time.
 */
#ifndef WA_BASE_BELL_H
#define WA_BASE_BELL_H

#include <stdbool.h>

/* A descriptor that is readable after a ring; close-on-exec.  -1 with errno. */
int bell_open(void);
/* Never waits.  -1 is no bell: nothing happens. */
void bell_ring(int bell);
/* Whether it was rung; until the next ring it is not readable any more. */
bool bell_hush(int bell);

#endif
