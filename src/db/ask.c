/*
 * ask: several questions in one round trip.
 */
#include "connection.h"

/* One that cannot be asked leaves the others alone. */
static enum rc send_asks(struct db *db, struct db_ask *asks, size_t n, struct prepared **prepared)
{
	enum rc rc = connection_ready(db);

	db->sent = db->answered = false;
	for (size_t i = 0; i < n; i++)
		asks[i].rc =
		    rc == RC_OK ? statement_prepare(db, asks[i].statement, &prepared[i]) : rc;
	for (size_t i = 0; i < n && db->mysql != NULL; i++)
		if (asks[i].rc == RC_OK)
			asks[i].rc = statement_send(db, prepared[i], asks[i].in, asks[i].n_in);
	return db->mysql != NULL ? rc : RC_RETRY;
}

/* Every question goes out before the first answer is waited for. */
static enum rc ask_once(struct db *db, struct db_ask *asks, size_t n, struct arena *mem)
{
	struct prepared *prepared[DB_ASKS_MAX];
	enum rc rc = send_asks(db, asks, n, prepared);

	for (size_t i = 0; i < n; i++) {
		if (db->mysql == NULL)
			asks[i].rc = RC_RETRY;
		if (asks[i].rc == RC_OK)
			asks[i].rc = statement_read(db, prepared[i], mem, asks[i].fn, asks[i].ctx);
	}
	for (size_t i = 0; i < n && rc == RC_OK; i++)
		rc = asks[i].rc;
	return rc;
}

/* Of those that failed because their tables were not there, none is judged by itself. */
static enum rc judge(struct db *db, struct db_ask *asks, size_t n, enum rc rc)
{
	if (db->absent == NULL || connection_judge_absent(db, RC_INTERNAL) == RC_INTERNAL)
		return rc;
	for (size_t i = 0; i < n; i++)
		if (asks[i].rc == RC_INTERNAL)
			asks[i].rc = RC_RETRY;
	return rc == RC_INTERNAL ? RC_RETRY : rc;
}

enum rc db_ask_all(struct db *db, struct db_ask *asks, size_t n, struct arena *mem)
{
	bool had_connection = db->mysql != NULL;
	enum rc rc;

	if (n > DB_ASKS_MAX)
		return RC_INTERNAL;
	rc = ask_once(db, asks, n, mem);
	if (connection_was_stale(db, had_connection, rc))
		rc = ask_once(db, asks, n, mem);
	return judge(db, asks, n, rc);
}
