/*
 * db: one process's connection to MariaDB.
 *
 * Read in this order: struct db_statement (SQL stands in tables, one in each
 * module that has any), db_one and db_each (reads), db_ask_all (several reads
 * in one round trip), db_run (writes), db_transaction.
 *
 * The connection opens by itself when it is first needed, after the fork; it
 * never crosses one.  Statements are prepared when first used and kept until
 * the connection is lost.  Only this folder knows mysql.h.
 *
 * What goes wrong becomes one of three answers:
 *   RC_RETRY     nothing was stored: the server is away, or its tables are, or
 *                a deadlock, a lock or the deadline ended it
 *   RC_UNKNOWN   a write or a COMMIT was sent and the connection was lost
 *   RC_INTERNAL  a mistake of ours, or a table of the application's that is
 *                not the one we know
 * and is logged here, with the server's words; no caller sees them.
 */
#ifndef WA_DB_DB_H
#define WA_DB_DB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/board.h"
#include "base/rc.h"
#include "base/span.h"

struct db;

struct db_options {
	const char *host; /* not used with a socket */
	unsigned port;
	const char *socket; /* NULL or a unix socket's path */
	const char *user;
	const char *password;
	const char *database;
	const char *ssl_ca; /* NULL, or a CA file: TLS with a verified certificate */
	unsigned connect_timeout_s;
	unsigned timeout_s; /* to wait for an answer; the deadline may be earlier; 0: as long as it
			       takes */
};

/*
 * `out` has one letter for each column, each of which may be NULL:
 *   u  unsigned integer     i  integer     t  time (microseconds, UTC)
 *   s  text or bytes, of any length
 * Parameters carry their type themselves; times go in as text (now_sql).
 */
struct db_statement {
	const char *name; /* for the log: "account.find" */
	const char *sql;
	const char *out; /* "" for a statement without rows */
	unsigned flags;
};

enum {
	DB_READ = 1,     /* changes nothing: may run again by itself */
	DB_OPTIONAL = 2, /* a table or column that does not exist is RC_NOT_FOUND */
	DB_ONCE = 4, /* its text was made for this call: not kept prepared, not for db_ask_all */
};

struct db_value {
	enum { DB_NULL, DB_UNSIGNED, DB_INTEGER, DB_TEXT } type;
	uint64_t u;
	int64_t i;     /* also times: TIME_NONE for NULL and for zero dates */
	struct span s; /* absent (ptr NULL) for NULL; ends with a NUL byte in a row */
};

static inline struct db_value db_null(void)
{
	return (struct db_value){.type = DB_NULL};
}

static inline struct db_value db_u(uint64_t n)
{
	return (struct db_value){.type = DB_UNSIGNED, .u = n};
}

static inline struct db_value db_i(int64_t n)
{
	return (struct db_value){.type = DB_INTEGER, .i = n};
}

/* An absent span is NULL. */
static inline struct db_value db_s(struct span text)
{
	return (struct db_value){.type = text.ptr != NULL ? DB_TEXT : DB_NULL, .s = text};
}

static inline struct db_value db_text(const char *text)
{
	return db_s(span_of(text));
}

/* The parameters of a call: DB_IN(db_u(7), db_s(uuid)), or DB_NONE. */
#define DB_IN(...) \
	(const struct db_value[]){__VA_ARGS__}, \
	    sizeof((const struct db_value[]){__VA_ARGS__}) / sizeof(struct db_value)
#define DB_NONE NULL, 0

/*
 * `board` (may be NULL) tells the other processes of the pool whether the
 * database is well; `slot` (may be NULL) counts.  The options are borrowed.
 * NULL when there is no memory.
 */
struct db *db_create(const struct db_options *options, struct board *board, struct slot *slot);
/* Closes the connection; a transaction that is open is rolled back. */
void db_free(struct db *db);

/*
 * A new piece of work begins, and is to end before this time of the
 * monotonic clock: no statement waits longer for its answer.
 */
void db_begin_work(struct db *db, int64_t deadline_ms);
/*
 * This piece of work waits so long for another process that is finding out whether the
 * database is back; without this it is told at once that it was away.
 */
void db_be_patient(struct db *db, int64_t ms);

/*
 * Connect now if there is no connection.  `check` of db_on_connect has run
 * when this is RC_OK.
 */
enum rc db_connect(struct db *db) MUST_CHECK;
/*
 * Run after each connect, before anything else, and again when a statement
 * finds that a table or a column is not there: RC_OK lets the connection be
 * used; another answer closes it, and the statement returns RC_RETRY.
 */
void db_on_connect(struct db *db, enum rc (*check)(struct db *db, void *ctx), void *ctx);
/*
 * For a check that refuses a database that answers.  `why` is for the board
 * and not 0; the words are constant, and what db_last_error says then.
 */
void db_refuse(struct db *db, int why, const char *words);
/* The server's words for the last failure, for an operator; "" if there is none. */
const char *db_last_error(const struct db *db);
/* The same as one word, for a log: "lock_wait", "away". */
const char *db_why(const struct db *db);
/* False once the connection is lost: what failed before that was a statement's own fault. */
bool db_is_connected(const struct db *db);
/* The last failure was the settings' fault: the login, the database, a server that is no MariaDB.
 */
bool db_was_refused(const struct db *db);

/* The one row of a query, texts in `mem`.  RC_NOT_FOUND without one. */
enum rc db_one(struct db *db, const struct db_statement *statement, const struct db_value *in,
    size_t n_in, struct arena *mem, struct db_value *ret) MUST_CHECK;

/*
 * Call `fn` for each row; its texts live in `mem`.  Another answer than
 * RC_OK ends the walk and is returned.  `fn` must not use the connection.
 */
typedef enum rc db_row_fn(void *ctx, const struct db_value *row);
enum rc db_each(struct db *db, const struct db_statement *statement, const struct db_value *in,
    size_t n_in, struct arena *mem, db_row_fn *fn, void *ctx) MUST_CHECK;

/*
 * Questions that do not depend on each other, asked together: one round trip
 * for all of them.  Only reads, outside of a transaction.  Each has its own
 * answer in `rc`; the first that is not RC_OK is also returned.  A question
 * without rows is RC_OK: its `fn` was not called.
 */
enum { DB_ASKS_MAX = 8, DB_ASK_IN = 8 };
struct db_ask {
	const struct db_statement *statement;
	struct db_value in[DB_ASK_IN];
	size_t n_in;
	db_row_fn *fn;
	void *ctx;
	enum rc rc;
};
enum rc db_ask_all(struct db *db, struct db_ask *asks, size_t n, struct arena *mem) MUST_CHECK;

/*
 * A statement without rows.  RC_CONFLICT: a unique key has these values
 * already, and nothing was changed.
 */
enum rc db_run(struct db *db, const struct db_statement *statement, const struct db_value *in,
    size_t n_in) MUST_CHECK;

/* Rows that the last db_run has changed. */
uint64_t db_affected(const struct db *db);

/*
 * Run `body` in a transaction and commit it if it returns RC_OK; otherwise
 * roll back and return its answer.  After a deadlock or a lock wait all of
 * it runs again, at most three times in all and not past the deadline: it
 * must change nothing but the database, and set what it returns anew.
 */
typedef enum rc db_body_fn(struct db *db, void *ctx);
enum rc db_transaction(struct db *db, db_body_fn *body, void *ctx) MUST_CHECK;

/*
 * Called after a transaction whose body has called db_notify was committed,
 * or may have been: others can look now.
 */
void db_on_notify(struct db *db, void (*fn)(void *ctx), void *ctx);
void db_notify(struct db *db);

/*
 * Run `body` on one unchanging view of the data (REPEATABLE READ), for reads
 * of many pages.  Never runs again by itself.
 */
enum rc db_snapshot(struct db *db, db_body_fn *body, void *ctx) MUST_CHECK;

/* One statement as text, for DDL: not for anything that carries input. */
enum rc db_execute(struct db *db, const char *sql) MUST_CHECK;

#endif
