/*
 * admin: the outbox as an operator sees it.
 */
#ifndef WA_OUTBOX_ADMIN_H
#define WA_OUTBOX_ADMIN_H

#include "outbox/delivery.h"

/* A row; its texts live in the memory that it was read into. */
struct outbox_entry {
	uint64_t id;
	uint64_t account_id;
	uint64_t workspace_id;
	uint64_t state_version;
	struct span kind;
	struct span name;
	struct span state;
	uint64_t attempts;
	int64_t created_at, available_at, expires_at, settled_at; /* by the database's clock */
	int64_t age_s;
	struct span last_error;
	struct span payload;
};

struct outbox_filter {
	struct span states;  /* words of delivery_state_name, comma-separated */
	struct span kinds;   /* "event,command", or one of them */
	uint64_t account_id; /* 0: all */
};

typedef enum rc outbox_entry_fn(void *ctx, const struct outbox_entry *entry);

/* Up to `limit` rows with ids above `after`, in the order of their ids. */
enum rc admin_each(struct db *db, struct arena *mem, const struct outbox_filter *filter,
    uint64_t after, uint64_t limit, outbox_entry_fn *fn, void *ctx) MUST_CHECK;
/* RC_NOT_FOUND: there is no such row (any more). */
enum rc admin_find(
    struct db *db, struct arena *mem, uint64_t id, struct outbox_entry *ret) MUST_CHECK;

/*
 * A row that was given up, has expired or was cancelled waits again, as if
 * it had been written now.
 *
 * RC_NOT_FOUND  there is no such row
 * RC_INVALID    it is in another state
 * RC_CONFLICT   another command of its account is open
 */
enum rc admin_redrive(struct db *db, struct arena *mem, uint64_t id) MUST_CHECK;

/* Delete at most a thousand settled rows of these states; *ret is how many. */
enum rc admin_purge(struct db *db, struct span states, uint64_t *ret) MUST_CHECK;

#endif
