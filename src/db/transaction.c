#include <time.h>

#include "base/log.h"
#include "base/now.h"
#include "connection.h"

/* `before`, if not NULL, holds for the next transaction of the same connection only. */
static enum rc begin_once(struct db *db, const char *before, const char *sql)
{
	enum rc rc = connection_ready(db);

	db->answered = false;
	if (rc == RC_OK && before != NULL)
		rc = connection_query(db, before);
	if (rc == RC_OK)
		rc = connection_query(db, sql);
	db->in_transaction = rc == RC_OK;
	return rc;
}

/* On a connection that had died since the last request: once more on a new one. */
static enum rc begin(struct db *db, const char *before, const char *sql)
{
	bool had_connection = db->mysql != NULL;
	enum rc rc = begin_once(db, before, sql);

	if (connection_was_stale(db, had_connection, rc))
		rc = begin_once(db, before, sql);
	return rc;
}

/* After a deadlock the server has rolled back already; once more does no harm. */
static void roll_back(struct db *db)
{
	enum db_fault fault = db->fault;

	if (db->mysql != NULL && db->in_transaction && connection_query(db, "ROLLBACK") != RC_OK)
		connection_cut(db);
	db->in_transaction = false;
	db->fault = fault;
}

static enum rc commit(struct db *db)
{
	enum rc rc = connection_query(db, "COMMIT");

	/* A COMMIT that was sent and not answered may have happened. */
	if (rc == RC_RETRY && db->mysql == NULL)
		rc = RC_UNKNOWN;
	return rc;
}

static enum rc run_body(
    struct db *db, const char *before, const char *sql, db_body_fn *body, void *ctx)
{
	enum rc rc = begin(db, before, sql);

	if (rc != RC_OK)
		return rc;
	db->notifies = false;
	db->absent = NULL;
	rc = body(db, ctx);
	/* Whatever the body made of it: half of what it wanted is not committed. */
	if (rc == RC_OK && db->absent != NULL)
		rc = RC_INTERNAL;
	if (rc == RC_OK)
		rc = commit(db);
	else
		db->notifies = false;
	if (rc != RC_OK)
		roll_back(db);
	db->in_transaction = false;
	rc = connection_judge_absent(db, rc);
	if (db->notifies && db->notify != NULL && (rc == RC_OK || rc == RC_UNKNOWN))
		db->notify(db->notify_ctx);
	return rc;
}

/* Some milliseconds, more after each try, so that the same two do not meet again. */
static void pause_after(int attempt)
{
	int64_t us = (int64_t)attempt * 2000 + now_us() % (5000 * (int64_t)attempt);
	struct timespec pause = {.tv_nsec = us * 1000};

	nanosleep(&pause, NULL);
}

/* A duplicate counts where the body, having looked first, asks for another try. */
static bool lost_to_others(const struct db *db, enum rc rc)
{
	return rc == RC_RETRY &&
	       (db->fault == DB_FAULT_DEADLOCK || db->fault == DB_FAULT_LOCK_WAIT ||
		   db->fault == DB_FAULT_DUPLICATE);
}

/* After a lock wait, another try may wait as long again. */
static int64_t time_needed(enum db_fault fault)
{
	return fault == DB_FAULT_LOCK_WAIT ? DB_LOCK_WAIT_MS : 1;
}

enum rc db_transaction(struct db *db, db_body_fn *body, void *ctx)
{
	enum rc rc = RC_INTERNAL;

	for (int attempt = 1; attempt <= DB_TRIES; attempt++) {
		db->fault = DB_FAULT_NONE;
		rc = run_body(db, NULL, "START TRANSACTION", body, ctx);
		if (!lost_to_others(db, rc) || connection_time_left(db) < time_needed(db->fault))
			return rc;
		pause_after(attempt);
	}
	slot_count(db->slot, METRIC_DB_GAVE_UP);
	return rc;
}

void db_on_notify(struct db *db, void (*fn)(void *ctx), void *ctx)
{
	db->notify = fn;
	db->notify_ctx = ctx;
}

void db_notify(struct db *db)
{
	db->notifies = true;
}

enum rc db_snapshot(struct db *db, db_body_fn *body, void *ctx)
{
	return run_body(db, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
	    "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY", body, ctx);
}

enum rc db_execute(struct db *db, const char *sql)
{
	enum rc rc = connection_ready(db);

	if (rc == RC_OK)
		rc = connection_query(db, sql);
	/* DDL that meets a unique key: nobody else has said so. */
	if (rc == RC_CONFLICT) {
		log_error("%s", db->error);
		rc = RC_INTERNAL;
	}
	return rc;
}
