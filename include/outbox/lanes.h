/*
 * lanes: which relay delivers what.
 *
 * A lane is what is to be told of one account in one way: its events, or its
 * commands.  Its rows are delivered one after the other by the relay that has
 * leased the lane, so that several relays share the work and none can
 * overtake another.  A lease ends by the database's clock: what a dead relay
 * held comes free.  A lane without a lease is free as soon as it has an open
 * row; nothing else has to be written for it to be found.
 */
#ifndef WA_OUTBOX_LANES_H
#define WA_OUTBOX_LANES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/rc.h"
#include "db/db.h"

enum outbox_kind { OUTBOX_EVENT, OUTBOX_COMMAND, OUTBOX_KINDS };

/* "event", "command". */
const char *outbox_kind_name(enum outbox_kind kind);

enum {
	LANES_LEASE_S = 30,
	LANES_BATCH = 32, /* lanes in one statement */
	LANES_LOOK = 256, /* lanes looked at by one lanes_find */
};

/* Free lanes with something to deliver, found by one look. */
struct lanes_found {
	uint64_t fresh[LANES_BATCH]; /* account ids: lanes without a row */
	size_t fresh_count;
	uint64_t due[LANES_BATCH]; /* whose lease or pause is over */
	size_t due_count;
	size_t most;   /* of both together */
	uint64_t last; /* account id, of those that were looked at */
	bool is_full;  /* there may be more: `most` was reached */
	bool has_more; /* there may be more: LANES_LOOK were looked at */
	size_t seen;
};

/*
 * The question for the free lanes of accounts with ids above `after`, at most
 * `most` of them; *ret is filled when it is answered.
 */
void lanes_ask(enum outbox_kind kind, uint64_t after, size_t most, struct lanes_found *ret,
    struct db_ask *ask);

/* By whom lanes are held: a number that one pool's relays have in turn, and the look's own. */
struct lanes_claim {
	enum outbox_kind kind;
	uint64_t holder; /* not 0 */
	uint64_t number;
};

/*
 * Lease what was found, as far as it is still free: `*ret_count` account ids.
 * On another answer than RC_OK some of it may be leased all the same.
 */
enum rc lanes_take(struct db *db, struct arena *mem, const struct lanes_claim *claim,
    const struct lanes_found *found, uint64_t ret[static LANES_BATCH],
    size_t *ret_count) MUST_CHECK;

/* Give up to LANES_BATCH leases back. */
enum rc lanes_release(struct db *db, enum outbox_kind kind, uint64_t holder,
    const uint64_t *accounts, size_t n) MUST_CHECK;
/* Give back all of one claim. */
enum rc lanes_release_claim(struct db *db, const struct lanes_claim *claim) MUST_CHECK;

/*
 * Give up to LANES_BATCH back that nobody is to take for so long: because of a
 * failure of their own, or (`peer` is not LANES_OWN) because that peer takes
 * nothing now.
 */
enum { LANES_OWN = 0 };
enum rc lanes_park(struct db *db, enum outbox_kind kind, uint64_t holder, const uint64_t *accounts,
    size_t n, int64_t wait_ms, uint64_t peer) MUST_CHECK;
/* Nobody waits for this peer any more. */
enum rc lanes_end_pauses(struct db *db, enum outbox_kind kind, uint64_t peer) MUST_CHECK;
/* Nobody waits for anything. */
enum rc lanes_end_all_pauses(struct db *db) MUST_CHECK;

/* Up to LANES_BATCH leases begin anew; db_affected tells how many were still held. */
enum rc lanes_renew(struct db *db, enum outbox_kind kind, uint64_t holder, const uint64_t *accounts,
    size_t n) MUST_CHECK;
/* All leases end: at the end, or after a predecessor that was killed. */
enum rc lanes_release_all(struct db *db, uint64_t holder) MUST_CHECK;
/* Lanes whose time was over long ago, and that nobody has taken: there is nothing in them. */
enum rc lanes_sweep(struct db *db) MUST_CHECK;

#endif
