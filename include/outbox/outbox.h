/*
 * outbox: what is to be told to others, kept in the database until it was.
 *
 * A row is written in the transaction of the change that it tells of: both
 * happen or neither.  Delivering is the relay's work; a request never waits
 * for it.  Rows hold no secret and no QR code.
 */
#ifndef WA_OUTBOX_OUTBOX_H
#define WA_OUTBOX_OUTBOX_H

#include <stdint.h>

#include "base/arena.h"
#include "base/rc.h"
#include "base/span.h"
#include "db/db.h"

struct outbox_row {
	uint64_t account_id;
	uint64_t workspace_id;
	uint64_t state_version;
	const char *name;    /* the event's or the command's */
	struct span payload; /* a JSON object */
	uint64_t lifetime_s; /* after which it is not worth telling any more */
};

/* Both only inside a transaction that holds the account's row. */
enum rc outbox_put_event(struct db *db, const struct outbox_row *row) MUST_CHECK;
/*
 * A newer command replaces one of the same account that is still waiting; the
 * same one once more begins its lifetime anew, and waits for no pause.
 */
enum rc outbox_put_command(struct db *db, const struct outbox_row *row) MUST_CHECK;

/* Whether a command of this account, other than `name`, waits or is being sent. */
enum rc outbox_has_other_command(
    struct db *db, struct arena *mem, uint64_t account_id, const char *name, bool *ret) MUST_CHECK;

struct outbox_depth {
	uint64_t events;
	uint64_t commands;
	uint64_t oldest_s; /* age of the oldest waiting row, by the database's clock */
};

/* Of the rows that wait or are being sent. */
enum rc outbox_depth(struct db *db, struct arena *mem, struct outbox_depth *ret) MUST_CHECK;

#endif
