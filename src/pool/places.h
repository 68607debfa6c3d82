/*
 * places: the children, each in its place.
 *
 * A place keeps its slot of the board, and knows when its child may be
 * started: at once when the last one left because it was told to or had
 * served its time, after a growing pause when it died young.
 */
#ifndef WA_POOL_PLACES_H
#define WA_POOL_PLACES_H

#include <sys/types.h>

#include "base/buf.h"
#include "pool/pool.h"

struct places;

/* NULL without memory. */
struct places *places_create(const struct pool *pool);
void places_free(struct places *places);

/* Start every child whose time has come. */
void places_start_due(struct places *places);
/* Milliseconds until the next one is due; `most` if none is. */
int places_wait_ms(const struct places *places, int most);
/* A process ended.  False: it is none of these. */
bool places_reap(struct places *places, pid_t pid, int status);
/* Kill those that have been busy with one request for too long. */
void places_kill_hung(struct places *places);
void places_signal(const struct places *places, int signo);
size_t places_alive(const struct places *places);
/* The pids, separated by ','; for a successor. */
void places_put_pids(const struct places *places, struct buf *b);

#endif
