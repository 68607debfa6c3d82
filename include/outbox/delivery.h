/*
 * delivery: the open rows of leased lanes, and what becomes of them.
 *
 * A row is open while it is `waiting`, or `sending`: that is a command that
 * went out and whose outcome nobody has seen yet.  All other states are
 * settled.  What is settled once stays so: a second relay that was slower
 * changes nothing.
 */
#ifndef WA_OUTBOX_DELIVERY_H
#define WA_OUTBOX_DELIVERY_H

#include <stdbool.h>

#include "outbox/lanes.h"

enum delivery_state {
	DELIVERY_WAITING,
	DELIVERY_SENDING,
	DELIVERY_DELIVERED,
	DELIVERY_GIVEN_UP,
	DELIVERY_REPLACED,
	DELIVERY_CANCELLED,
	DELIVERY_EXPIRED,
	DELIVERY_STATES,
};

/* As the column has it. */
const char *delivery_state_name(enum delivery_state state);
bool delivery_state_of(struct span word, enum delivery_state *ret) MUST_CHECK;

/* An open row, and what is to be known of its account now. */
struct delivery {
	uint64_t id;
	uint64_t account_id;
	uint64_t workspace_id;
	struct span name;
	struct span payload;
	enum delivery_state state;
	uint64_t attempts; /* that count against it */
	struct span last_error;
	int64_t age_us;  /* since it was written, when it was read */
	int64_t left_us; /* until it is not worth delivering any more; 0 or less: it is over */

	/* of an event that shows a QR code */
	bool has_newer_qr;   /* an event with a newer one follows */
	struct span qr_code; /* of the account now; absent without one */

	/* of a command */
	bool has_account; /* a live one */
	bool is_connected;
	struct span instance_url; /* assigned_instance_url */
};

enum { DELIVERY_ROWS = 16, DELIVERY_ERROR = 250 };

/*
 * The first open rows of `n` accounts (at most LANES_BATCH), at most
 * DELIVERY_ROWS of each, those of one account in their order.  Texts live in
 * `mem`.
 */
typedef enum rc delivery_fn(void *ctx, const struct delivery *row);
enum rc delivery_each(struct db *db, struct arena *mem, enum outbox_kind kind,
    const uint64_t *accounts, size_t n, delivery_fn *fn, void *ctx) MUST_CHECK;
/* Whether a later command of the account is open. */
enum rc delivery_has_newer(
    struct db *db, struct arena *mem, const struct delivery *command, bool *ret) MUST_CHECK;

/*
 * A command goes out: from `row->state` to sending, one attempt more; `row`
 * becomes so too.
 *
 * RC_CONFLICT  it is not what it was when it was read: a newer one has replaced it
 */
enum rc delivery_begin(struct db *db, struct delivery *row) MUST_CHECK;

/* Up to LANES_BATCH rows. */
enum rc delivery_delivered(struct db *db, const uint64_t *ids, size_t n) MUST_CHECK;
/*
 * It stays open, and is tried again after `wait_ms`: unless it is not what
 * `row` says any more.
 */
enum rc delivery_again(struct db *db, const struct delivery *row, enum delivery_state state,
    uint64_t attempts, int64_t wait_ms, struct span error) MUST_CHECK;
/* An absent `error` leaves the last one; db_affected tells whether it was still open. */
enum rc delivery_settle(
    struct db *db, uint64_t id, enum delivery_state state, struct span error) MUST_CHECK;

/* Events that are too old, at most a thousand of them; *ret is how many. */
enum rc delivery_expire_events(struct db *db, uint64_t *ret) MUST_CHECK;
/* Rows that were settled longer ago than `keep_s`, at most DELIVERY_PRUNED. */
enum { DELIVERY_PRUNED = 1000 };
enum rc delivery_prune(struct db *db, uint64_t keep_s, uint64_t *ret) MUST_CHECK;

#endif
