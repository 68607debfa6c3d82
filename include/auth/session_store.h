/*
 * session_store: where Laravel keeps its sessions: a table, or a folder of
 * files.  Sessions are read; only the time of their last use is written.
 */
#ifndef WA_AUTH_SESSION_STORE_H
#define WA_AUTH_SESSION_STORE_H

#include "db/db.h"

enum session_driver { SESSION_DATABASE, SESSION_FILE };

struct session_store_options {
	enum session_driver driver;
	struct span table;  /* an identifier */
	struct span folder; /* ends with a NUL */
};

struct session_store;

/* The options' texts are borrowed.  NULL when there is no memory. */
struct session_store *session_store_create(const struct session_store_options *options);
void session_store_free(struct session_store *store);

struct session_stored {
	struct span text; /* what Laravel stored, without the table's Base64 */
	int64_t last_activity_s;
};

/*
 * `id`: 40 letters and digits, which the caller has checked.
 *
 * RC_NOT_FOUND  there is no such session
 * RC_INVALID    larger than BOUND_SESSION, or no Base64
 * RC_DENIED     the file may not be read
 * RC_RETRY      the database is away, or the file stayed locked
 */
enum rc session_store_read(const struct session_store *store, struct db *db, struct arena *mem,
    struct span id, struct session_stored *ret) MUST_CHECK;

/* Note that the session was used now; one that is gone stays gone. */
enum rc session_store_touch(const struct session_store *store, struct db *db, struct arena *mem,
    struct span id, int64_t now_s) MUST_CHECK;

#endif
