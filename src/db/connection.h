/*
 * connection: the parts of a struct db, shared by the files of this folder.
 *
 * Order of reading: errors.h (what an error number means), connection.c
 * (open, wait, fail), statement.c (prepared statements), ask.c (several of them),
 * transaction.c.
 */
#ifndef WA_DB_CONNECTION_H
#define WA_DB_CONNECTION_H

#include <mysql.h>

#include <ma_pvio.h>

#include "db/db.h"
#include "errors.h"

enum {
	DB_STATEMENTS = 128,    /* places of the table of prepared statements: a power of two */
	DB_SERVER_MIN = 100600, /* MariaDB 10.6 */
	DB_ERROR_SIZE = 512,
	/*
	 * What the driver waits for by itself: the answer to a prepare, the rest
	 * of an answer that has begun; with TLS, the answers after the first one.
	 */
	DB_IO_TIMEOUT_S = 3,
	DB_LOCK_WAIT_MS = 2000, /* innodb_lock_wait_timeout of our sessions */
	DB_TRIES = 3,           /* of a transaction that loses to others */
	DB_PROBE_MS = 3500,     /* longer than the longest try of one process */
	DB_PAUSE_MS = 300,      /* after a failure, before the next try */
	DB_SILENT_MS = 2000,    /* no answer for so long: the server, not the statement */
};

struct prepared;

struct db {
	const struct db_options *options;
	struct board *board;
	struct slot *slot;
	enum rc (*check)(struct db *db, void *ctx);
	void *check_ctx;
	void (*notify)(void *ctx);
	void *notify_ctx;

	MYSQL *mysql; /* NULL: no connection */
	struct prepared *prepared[DB_STATEMENTS];
	struct prepared *once; /* DB_ONCE: the last one */
	int64_t deadline_ms;
	int64_t patience_ms; /* db_be_patient */
	bool asked;          /* the board, since db_begin_work: this work may use the database */
	bool sent;           /* what is in hand has gone out */
	bool answered;       /* and some answer has come back */
	bool in_transaction; /* BEGIN was sent, COMMIT was not answered */
	bool in_check;
	/* A statement whose table or column was not there, until that is judged. */
	const struct db_statement *absent;
	bool notifies;     /* the transaction, once it is committed */
	uint64_t affected; /* rows, by the last statement without an answer of rows */

	enum db_fault fault; /* of the last failure */
	char error[DB_ERROR_SIZE];
};

/* A connection that can be used, or the reason why there is none. */
enum rc connection_ready(struct db *db) MUST_CHECK;
/* With a farewell to the server, or, when it may hang, without. */
void connection_close(struct db *db);
void connection_cut(struct db *db);
/*
 * After a failure: whether what was sent went into a connection that had
 * died since it was last used, and may be sent again on a new one.
 */
bool connection_was_stale(const struct db *db, bool had_connection, enum rc rc);
/* Whatever it said, the server speaks. */
void connection_answered(const struct db *db);
/* Wait until the answer begins.  RC_RETRY: it did not before the deadline. */
enum rc connection_wait(struct db *db, const char *what) MUST_CHECK;
/*
 * Note and log what went wrong with `what`; closes the connection where it
 * cannot be used any more.  Answers for a caller that changed nothing.
 */
enum rc connection_failed(struct db *db, unsigned error, const char *message, const char *what);
/*
 * After a piece of work that ended with this answer, outside of a
 * transaction: if a table or a column was not there, is that a mistake of
 * ours (RC_INTERNAL), or are all our tables away for a while (RC_RETRY, and
 * the connection is closed)?  Any other answer stays.
 */
enum rc connection_judge_absent(struct db *db, enum rc rc) MUST_CHECK;
/* One statement as text, answered by OK; not for one that may meet a unique key. */
enum rc connection_query(struct db *db, const char *sql) MUST_CHECK;
/* Milliseconds until the deadline; 0 when it has passed. */
int64_t connection_time_left(const struct db *db);

/*
 * The steps of a statement, for those who take several at once: prepare it
 * (once for a connection), send it, read its answer row by row.
 */
enum rc statement_prepare(
    struct db *db, const struct db_statement *statement, struct prepared **ret) MUST_CHECK;
enum rc statement_send(
    struct db *db, struct prepared *p, const struct db_value *in, size_t n_in) MUST_CHECK;
enum rc statement_read(
    struct db *db, struct prepared *p, struct arena *mem, db_row_fn *fn, void *ctx) MUST_CHECK;

/*
 * Can it be prepared now?  RC_NOT_FOUND: a table or a column is not there;
 * that is not logged.
 */
enum rc statement_try(struct db *db, const struct db_statement *statement) MUST_CHECK;
/* Forget the prepared statements of a connection that is about to end. */
void statement_forget_all(struct db *db);

#endif
