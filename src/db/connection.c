#include "connection.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include "base/log.h"
#include "base/now.h"

/*
 * Locks are waited for less long than statements may take, or a statement
 * that waits for a lock would end as too slow (1969) instead of as 1205.
 * The time zone is left alone: Laravel leaves it alone too, and TIMESTAMP
 * columns that both write must shift for neither.
 */
static const char session_sql[] =
    "SET SESSION tx_isolation = 'READ-COMMITTED',"
    " sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,"
    "NO_ENGINE_SUBSTITUTION', innodb_lock_wait_timeout = 2, max_statement_time = 5,"
    " character_set_client = utf8mb4, character_set_results = utf8mb4,"
    " collation_connection = utf8mb4_unicode_ci";

struct db *db_create(const struct db_options *options, struct board *board, struct slot *slot)
{
	struct db *db = calloc(1, sizeof(*db));

	if (db != NULL)
		*db = (struct db){
		    .options = options,
		    .board = board,
		    .slot = slot,
		    .deadline_ms = INT64_MAX,
		};
	return db;
}

void db_free(struct db *db)
{
	if (db == NULL)
		return;
	connection_close(db);
	free(db);
}

void db_on_connect(struct db *db, enum rc (*check)(struct db *db, void *ctx), void *ctx)
{
	db->check = check;
	db->check_ctx = ctx;
}

void db_begin_work(struct db *db, int64_t deadline_ms)
{
	db->deadline_ms = deadline_ms;
	db->patience_ms = 0;
	db->asked = false;
	db->fault = DB_FAULT_NONE;
	db->error[0] = '\0';
}

void db_be_patient(struct db *db, int64_t ms)
{
	db->patience_ms = ms;
}

const char *db_last_error(const struct db *db)
{
	return db->error;
}

const char *db_why(const struct db *db)
{
	return errors_word(db->fault);
}

bool db_is_connected(const struct db *db)
{
	return db->mysql != NULL;
}

bool db_was_refused(const struct db *db)
{
	return db->fault == DB_FAULT_REFUSED;
}

int64_t connection_time_left(const struct db *db)
{
	int64_t left =
	    db->deadline_ms == INT64_MAX ? INT64_MAX : db->deadline_ms - now_monotonic_ms();

	return left > 0 ? left : 0;
}

void connection_close(struct db *db)
{
	if (db->mysql == NULL)
		return;
	statement_forget_all(db);
	mysql_close(db->mysql);
	db->mysql = NULL;
	db->in_transaction = false;
}

/* What closing sends and reads then ends at once. */
void connection_cut(struct db *db)
{
	if (db->mysql != NULL)
		shutdown(mysql_get_socket(db->mysql), SHUT_RDWR);
	connection_close(db);
}

/* With a pause that differs, so that the processes of a pool do not come back in step. */
static void tell_pool_it_is_away(const struct db *db)
{
	if (db->board == NULL)
		return;
	board_db_failed(db->board, DB_PAUSE_MS + now_us() % DB_PAUSE_MS);
	/* As long as it does not answer, nobody knows its tables. */
	if (db->fault != DB_FAULT_UNFIT)
		board_set_unfit(db->board, 0);
}

void connection_answered(const struct db *db)
{
	if (db->board != NULL)
		board_db_well(db->board);
}

static void log_failure(const struct db *db, unsigned error, const char *what)
{
	struct log_line line;

	log_begin(&line,
	    db->fault == DB_FAULT_DEADLOCK || db->fault == DB_FAULT_LOCK_WAIT ? "warn" : "error",
	    "db");
	log_text(&line, "what", span_of(what));
	log_number(&line, "error", error);
	log_text(&line, "why", span_of(db->error));
	log_end(&line);
}

static bool speaks(enum db_fault fault)
{
	return fault != DB_FAULT_LOST && fault != DB_FAULT_TIMEOUT && fault != DB_FAULT_REFUSED;
}

enum rc connection_failed(struct db *db, unsigned error, const char *message, const char *what)
{
	enum metric metric;

	snprintf(db->error, sizeof(db->error), "%s", message);
	db->fault = error != 0 ? errors_fault(error) : DB_FAULT_TIMEOUT;
	if (speaks(db->fault))
		connection_answered(db);
	metric = errors_metric(db->fault);
	if (metric == METRIC_COUNT)
		return RC_CONFLICT;
	slot_count(db->slot, metric);
	log_failure(db, error, what);
	switch (db->fault) {
	case DB_FAULT_LOST:
	case DB_FAULT_TIMEOUT:
	case DB_FAULT_NOT_ACCEPTING:
	case DB_FAULT_REFUSED:
		connection_cut(db);
		return RC_RETRY;
	case DB_FAULT_DEADLOCK:
	case DB_FAULT_LOCK_WAIT:
	case DB_FAULT_ENDED:
		return RC_RETRY;
	default:
		return RC_INTERNAL;
	}
}

bool connection_was_stale(const struct db *db, bool had_connection, enum rc rc)
{
	return rc == RC_RETRY && had_connection && db->mysql == NULL && !db->in_check &&
	       !db->answered && db->fault == DB_FAULT_LOST && connection_time_left(db) > 0;
}

/* Of several answers the later ones may have come with the first. */
static bool has_buffered(const MYSQL *mysql)
{
	const MARIADB_PVIO *pvio = mysql->net.pvio;

	/* What TLS has decrypted and nobody has read is not seen from here: the driver waits. */
	return pvio->ctls != NULL ||
	       (pvio->cache != NULL && pvio->cache + pvio->cache_size > pvio->cache_pos);
}

/*
 * The driver would first try to read, find nothing, and poll: waiting here
 * saves that first try, and counts milliseconds where it counts seconds.
 */
enum rc connection_wait(struct db *db, const char *what)
{
	struct pollfd fd = {.fd = mysql_get_socket(db->mysql), .events = POLLIN};
	int64_t limit =
	    db->options->timeout_s > 0 ? (int64_t)db->options->timeout_s * 1000 : INT64_MAX;
	int64_t left = connection_time_left(db);
	int ready;

	if (db->answered && has_buffered(db->mysql))
		return RC_OK;
	if (left > limit)
		left = limit;
	do
		ready = poll(&fd, 1, left > INT_MAX ? -1 : (int)left);
	while (ready < 0 && errno == EINTR);
	if (ready > 0)
		return RC_OK;
	/* Within a transaction it may have been a lock; in a short time, the statement. */
	if (!db->in_transaction && left >= DB_SILENT_MS)
		tell_pool_it_is_away(db);
	return connection_failed(db, 0, "the server did not answer in time", what);
}

enum rc connection_query(struct db *db, const char *sql)
{
	if (mysql_send_query(db->mysql, sql, strlen(sql)) != 0)
		return connection_failed(db, mysql_errno(db->mysql), mysql_error(db->mysql), sql);
	if (connection_wait(db, sql) != RC_OK)
		return RC_RETRY;
	if (mysql_read_query_result(db->mysql))
		return connection_failed(db, mysql_errno(db->mysql), mysql_error(db->mysql), sql);
	connection_answered(db);
	return RC_OK;
}

/* Whole seconds, as the driver counts, and not past the deadline but for their rest. */
static unsigned connect_timeout_s(const struct db *db)
{
	int64_t left_ms = connection_time_left(db);
	unsigned timeout_s = db->options->connect_timeout_s;

	return left_ms / 1000 + 1 < timeout_s ? (unsigned)(left_ms / 1000 + 1) : timeout_s;
}

static void set_options(MYSQL *mysql, const struct db_options *options, unsigned timeout_s)
{
	unsigned io_timeout_s = DB_IO_TIMEOUT_S;
	my_bool verify = 1, keep = 0;

	mysql_options(mysql, MYSQL_OPT_CONNECT_TIMEOUT, &timeout_s);
	if (options->timeout_s > 0) {
		mysql_options(mysql, MYSQL_OPT_READ_TIMEOUT, &io_timeout_s);
		mysql_options(mysql, MYSQL_OPT_WRITE_TIMEOUT, &io_timeout_s);
	}
	mysql_options(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
	mysql_options(mysql, MYSQL_OPT_RECONNECT, &keep);
	if (options->ssl_ca != NULL) {
		mysql_ssl_set(mysql, NULL, NULL, options->ssl_ca, NULL, NULL);
		mysql_options(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verify);
	}
}

/* MySQL lacks INVISIBLE columns as we use them, older MariaDBs lack SKIP LOCKED. */
static enum rc check_server(struct db *db)
{
	char message[DB_ERROR_SIZE];

	if (mariadb_connection(db->mysql) && mysql_get_server_version(db->mysql) >= DB_SERVER_MIN)
		return RC_OK;
	snprintf(message, sizeof(message),
	    "the server is %s %s; this program needs MariaDB 10.6 or later",
	    mariadb_connection(db->mysql) ? "MariaDB" : "MySQL", mysql_get_server_info(db->mysql));
	return connection_failed(db, DB_WRONG_SERVER, message, "connect");
}

static enum rc open_connection(struct db *db)
{
	const struct db_options *o = db->options;
	MYSQL *mysql = mysql_init(NULL);

	if (mysql == NULL)
		return RC_INTERNAL;
	set_options(mysql, o, connect_timeout_s(db));
	db->mysql = mysql;
	if (mysql_real_connect(mysql, o->socket != NULL ? "localhost" : o->host, o->user,
		o->password, o->database, o->port, o->socket, 0) == NULL)
		return connection_failed(db, mysql_errno(mysql), mysql_error(mysql), "connect");
	/* A server without TLS would be spoken to in clear, without a word. */
	if (o->ssl_ca != NULL && mysql_get_ssl_cipher(mysql) == NULL)
		return connection_failed(
		    db, 2026, "MYSQL_ATTR_SSL_CA is set, but the server offers no TLS", "connect");
	return check_server(db) == RC_OK ? connection_query(db, session_sql) : RC_RETRY;
}

/* One line for the pool, whoever of it has seen it first. */
static void tell_pool_whether_it_fits(const struct db *db, int why, const char *words)
{
	struct log_line line;

	if (db->board == NULL || board_set_unfit(db->board, why) == why)
		return;
	log_begin(&line, why != 0 ? "warn" : "info", "db");
	log_text(&line, "what", SPAN_OF("check"));
	log_text(&line, "why", span_of(words));
	log_end(&line);
}

void db_refuse(struct db *db, int why, const char *words)
{
	snprintf(db->error, sizeof(db->error), "%s", words);
	db->fault = DB_FAULT_UNFIT;
	tell_pool_whether_it_fits(db, why, words);
}

static enum rc check_connection(struct db *db)
{
	enum rc rc = RC_OK;

	if (db->check == NULL)
		return RC_OK;
	db->in_check = true;
	rc = db->check(db, db->check_ctx);
	db->in_check = false;
	if (rc == RC_OK)
		tell_pool_whether_it_fits(db, 0, "the database serves this build again");
	return rc;
}

enum rc db_connect(struct db *db)
{
	enum rc rc;

	if (db->mysql != NULL)
		return RC_OK;
	rc = open_connection(db);
	if (rc == RC_OK)
		rc = check_connection(db);
	slot_count(db->slot, rc == RC_OK ? METRIC_DB_CONNECT : METRIC_DB_CONNECT_FAILED);
	if (rc == RC_OK)
		return RC_OK;
	connection_cut(db);
	tell_pool_it_is_away(db);
	/* Nothing was asked yet, so nothing can have happened. */
	return RC_RETRY;
}

/* Patient work waits for whoever is finding out: it may be somebody's last try. */
static bool may_try(const struct db *db)
{
	const struct timespec breath = {.tv_nsec = 10 * 1000 * 1000};
	int64_t until = now_monotonic_ms() + db->patience_ms;

	while (!board_db_may_try(db->board, DB_PROBE_MS)) {
		if (!board_db_is_probed(db->board) || now_monotonic_ms() >= until)
			return false;
		nanosleep(&breath, NULL);
	}
	return true;
}

/*
 * Whether the server has hung up meanwhile is not looked at first: that is a
 * system call for every request, and what is sent into a dead connection (a
 * read, a BEGIN) is simply sent again.
 */
enum rc connection_ready(struct db *db)
{
	if (db->in_transaction || db->in_check)
		return db->mysql != NULL ? RC_OK : RC_RETRY;
	if (db->board != NULL && !db->asked && !may_try(db)) {
		snprintf(db->error, sizeof(db->error), "the database was away a moment ago");
		return RC_RETRY;
	}
	db->asked = true;
	return db_connect(db);
}

/*
 * That the check passes after the failure is not enough: the tables may have
 * come back between the two.  So the statement is tried once more, after the check.
 */
enum rc connection_judge_absent(struct db *db, enum rc rc)
{
	const struct db_statement *absent = db->absent;

	db->absent = NULL;
	if (absent == NULL || rc != RC_INTERNAL || db->check == NULL)
		return rc;
	if (db->mysql == NULL)
		return RC_RETRY; /* lost since, so nobody knows */
	if (check_connection(db) == RC_OK)
		return statement_try(db, absent) == RC_NOT_FOUND ? RC_INTERNAL : RC_RETRY;
	connection_cut(db);
	tell_pool_it_is_away(db);
	return RC_RETRY;
}
