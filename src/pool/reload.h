/*
 * reload: a master becomes a new one without letting go of anything.
 *
 * First a trial run of the same command line with --check, in a child: new
 * settings or a new program that would not start change nothing.  Then the
 * master executes itself: same pid, same parent, the listening socket and
 * the lock stay open.  The new master starts its children and then tells
 * those of the old one to leave.  Connections wait in the socket's queue,
 * whoever accepts them.
 */
#ifndef WA_POOL_RELOAD_H
#define WA_POOL_RELOAD_H

#include <sys/types.h>

#include "places.h"
#include "pool/pool.h"

/* The pid of the trial run, or -1. */
pid_t reload_begin_trial(const struct pool *pool);
/* Of several reloads, one soon after the other: their workers may all be finishing. */
enum { RELOAD_HEIRS = 4 * BOUND_WORKERS };

/* The old master's children, as a new one inherits them. */
struct reload_heirs {
	size_t count;
	pid_t pid[RELOAD_HEIRS];
};
void reload_heirs(struct reload_heirs *ret);
/* Execute the new program; returns only when that failed, with everything as before. */
void reload_execute(
    const struct pool *pool, const struct places *places, const struct reload_heirs *heirs);
bool reload_reap(struct reload_heirs *heirs, pid_t pid);
void reload_signal(const struct reload_heirs *heirs, int signo);

#endif
