/*
 * worker: accepts a connection, answers its request, and again.
 */
#ifndef WA_WORKER_WORKER_H
#define WA_WORKER_WORKER_H

#include "app/startup.h"
#include "base/board.h"
#include "pool/listen.h"

/* What every worker of a pool is given. */
struct worker_context {
	const struct startup *startup;
	const struct listening *listening;
	struct board *board;
	int bell; /* of the relay; -1: there is none */
};

/*
 * Until told to stop, or WA_MAX_REQUESTS have been answered; the exit status
 * of its process.  `ctx` is a struct worker_context.
 */
int worker_run(void *ctx, size_t index, struct slot *slot);

#endif
