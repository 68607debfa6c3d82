/*
 * relay: delivers what stands in the outbox: events to the Pusher server,
 * commands to the instances of the Node.js service.
 *
 * One process, many requests at a time, one at a time for each lane
 * (outbox/lanes.h).  It looks for work when a worker of its pool rings, when
 * something has ended, and from time to time, for what others have written.
 *
 * Read in this order: relay/hand.h (what it holds in its hand), relay.c (the
 * loop), take.c, event.c and command.c, settle.c; hand.c and peer.c beside them.
 */
#ifndef WA_RELAY_RELAY_H
#define WA_RELAY_RELAY_H

#include "app/startup.h"
#include "base/board.h"

struct relay_context {
	const struct startup *startup;
	struct board *board;
	int bell;        /* rung by the workers */
	uint64_t holder; /* of leases; the same for all relays that one master starts in turn */
};

/* Until told to stop; the exit status of its process.  `ctx` is a struct relay_context. */
int relay_run(void *ctx, size_t index, struct slot *slot);

#endif
