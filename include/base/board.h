/*
 * board: what the processes of one pool tell each other.
 *
 * Shared memory, made before the fork.  Each process writes only its own
 * slot, so a count is a plain load, add and store (no locked instruction, no
 * shared cache line); a reader sums the slots.  A slot belongs to a place in
 * the pool, not to a process: the child that replaces another goes on with
 * its counts.
 *
 * The slot also says what its process is doing and since when: the master's
 * watchdog and /metrics read that.
 */
#ifndef WA_BASE_BOARD_H
#define WA_BASE_BOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bounds.h"
#include "base/callers.h"
#include "base/metric.h"
#include "base/rc.h"

enum { BOARD_STATUSES = 21, BOARD_BUCKETS = 14 };

/* What is counted by status and duration: each route's requests, and behind them: */
enum {
	BOARD_NO_ROUTE = BOUND_ROUTES, /* requests that no route was found for */
	BOARD_EVENTS,                  /* deliveries, from the row to its arrival */
	BOARD_COMMANDS,
	BOARD_SERIES,
};

/* Those to whom the relay speaks: the Pusher server, then the instances. */
enum { BOARD_PEERS = 1 + BOUND_INSTANCES };

/* What a slot's process is doing. */
enum board_state { BOARD_EMPTY, BOARD_IDLE, BOARD_BUSY, BOARD_STATES };

struct board;
struct slot;

/* What one route has been asked; the sums over the pool. */
struct board_route {
	uint64_t by_status[BOARD_STATUSES]; /* as board_status_at names them */
	uint64_t by_bucket[BOARD_BUCKETS];  /* not cumulated; last: slower than every bound */
	uint64_t total_us;
};

/* `slots` places; NULL with errno when there is no memory. */
struct board *board_create(size_t slots);
void board_free(struct board *board);
size_t board_slots(const struct board *board);
struct slot *board_slot(struct board *board, size_t index);
const struct slot *board_slot_const(const struct board *board, size_t index);

/* The writer's side.  A NULL slot (the operator's tool) counts nothing. */
void slot_count(struct slot *slot, enum metric metric);
void slot_count_request(struct slot *slot, size_t route, int status, int64_t duration_us);
/* `caller` has asked for row `route` by an old path; strangers are those who were not let in. */
void slot_count_caller(struct slot *slot, struct span caller, size_t route, bool is_stranger);
/* Busy with row `route` of the routing table, from now on; again: still alive. */
void slot_busy(struct slot *slot, size_t route);
void slot_idle(struct slot *slot);
void slot_empty(struct slot *slot);

/* The reader's side. */
enum board_state slot_state(const struct slot *slot);
/* Milliseconds for which the slot's process has been in its state. */
int64_t slot_since_ms(const struct slot *slot);
size_t slot_route(const struct slot *slot);
uint64_t board_sum(const struct board *board, enum metric metric);
void board_sum_route(const struct board *board, size_t route, struct board_route *ret);
void board_sum_callers(const struct board *board, struct callers_sum *ret);

/* The statuses that are told apart, then 0 for all others. */
int board_status_at(size_t index);
/* Upper bound of a bucket in microseconds; the last one has none (0). */
int64_t board_bucket_us(size_t index);

/* What the relay says of a peer: its breaker's state, and requests under way. */
struct board_peer {
	int breaker;
	size_t under_way;
};
void board_set_peer(struct board *board, size_t peer, struct board_peer state);
struct board_peer board_peer(const struct board *board, size_t peer);

/*
 * The database's health, as the pool knows it: after a failure one process
 * tries again at a time, and the others answer at once instead of each
 * waiting for its own timeout.
 *
 * board_db_may_try: true if the database is believed well, or if the pause
 * is over and it is this caller who tries (the pause then begins anew).
 */
bool board_db_may_try(struct board *board, int64_t pause_ms);
/* Somebody who may has not told yet how it went; or was killed, until the next one may. */
bool board_db_is_probed(const struct board *board);
void board_db_failed(struct board *board, int64_t pause_ms);
void board_db_well(struct board *board);

/*
 * Why a database that answers is not to be used: a number of whoever looks
 * at it; 0 if it may be, or does not answer.  Returns what was there before.
 */
int board_set_unfit(struct board *board, int why);
int board_unfit(const struct board *board);

#endif
