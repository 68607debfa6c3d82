/*
 * statement: prepared statements, by the binary protocol.
 *
 * Each is prepared when it is first used on a connection and found again by
 * its address.  Everything a call needs (bindings, room for a row) is laid
 * out once, with the statement.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/now.h"
#include "connection.h"

enum { INLINE_TEXT = 256 }; /* longer texts are fetched a second time, into the arena */

/* One column of a row, as the driver writes it. */
struct column {
	union {
		uint64_t u;
		int64_t i;
		MYSQL_TIME t;
		char s[INLINE_TEXT];
	} value;
	unsigned long length;
	my_bool null;
	my_bool error;
};

struct prepared {
	const struct db_statement *statement;
	MYSQL_STMT *stmt;
	size_t n_in, n_out; /* parameters, columns */
	MYSQL_BIND *in, *out;
	struct column *columns;
	struct db_value *row;
};

static void prepared_free(struct prepared *p)
{
	if (p == NULL)
		return;
	if (p->stmt != NULL)
		mysql_stmt_close(p->stmt);
	free(p->in);
	free(p->out);
	free(p->columns);
	free(p->row);
	free(p);
}

/* What was made for one call only. */
static void forget_once(struct db *db)
{
	prepared_free(db->once);
	db->once = NULL;
}

void statement_forget_all(struct db *db)
{
	for (size_t i = 0; i < DB_STATEMENTS; i++) {
		prepared_free(db->prepared[i]);
		db->prepared[i] = NULL;
	}
	forget_once(db);
}

static enum rc statement_failed(struct db *db, struct prepared *p)
{
	/* What ends a statement between two rows is noted with the connection only. */
	bool on_statement = mysql_stmt_errno(p->stmt) != 0;
	unsigned error = on_statement ? mysql_stmt_errno(p->stmt) : mysql_errno(db->mysql);
	const char *message = on_statement ? mysql_stmt_error(p->stmt) : mysql_error(db->mysql);

	if ((p->statement->flags & DB_OPTIONAL) != 0 && errors_is_absent(error)) {
		connection_answered(db);
		return RC_NOT_FOUND;
	}
	/* One that was made for this call may be gone when the others are judged. */
	if (errors_is_absent(error) && !db->in_check && (p->statement->flags & DB_ONCE) == 0)
		db->absent = p->statement;
	return connection_failed(db, error, message, p->statement->name);
}

static void bind_column(MYSQL_BIND *bind, struct column *column, char type)
{
	bind->buffer = &column->value;
	bind->length = &column->length;
	bind->is_null = &column->null;
	bind->error = &column->error;
	bind->buffer_length = sizeof(column->value);
	switch (type) {
	case 'u':
		bind->buffer_type = MYSQL_TYPE_LONGLONG;
		bind->is_unsigned = 1;
		break;
	case 'i':
		bind->buffer_type = MYSQL_TYPE_LONGLONG;
		break;
	case 't':
		bind->buffer_type = MYSQL_TYPE_DATETIME;
		break;
	default:
		bind->buffer_type = MYSQL_TYPE_STRING;
		break;
	}
}

static struct prepared *prepared_create(MYSQL *mysql, const struct db_statement *statement)
{
	struct prepared *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->statement = statement;
	p->n_out = strlen(statement->out);
	p->stmt = mysql_stmt_init(mysql);
	p->out = calloc(p->n_out + 1, sizeof(*p->out));
	p->columns = calloc(p->n_out + 1, sizeof(*p->columns));
	p->row = calloc(p->n_out + 1, sizeof(*p->row));
	if (p->stmt == NULL || p->out == NULL || p->columns == NULL || p->row == NULL) {
		prepared_free(p);
		return NULL;
	}
	for (size_t i = 0; i < p->n_out; i++)
		bind_column(&p->out[i], &p->columns[i], statement->out[i]);
	return p;
}

static struct prepared **place_of(struct db *db, const struct db_statement *statement)
{
	size_t at = ((uintptr_t)statement / sizeof(*statement)) % DB_STATEMENTS;

	if ((statement->flags & DB_ONCE) != 0) {
		forget_once(db);
		return &db->once;
	}
	while (db->prepared[at] != NULL && db->prepared[at]->statement != statement)
		at = (at + 1) % DB_STATEMENTS;
	return &db->prepared[at];
}

enum rc statement_prepare(
    struct db *db, const struct db_statement *statement, struct prepared **ret)
{
	struct prepared **place = place_of(db, statement);
	struct prepared *p = *place;

	if (p != NULL) {
		*ret = p;
		return RC_OK;
	}
	p = prepared_create(db->mysql, statement);
	if (p == NULL)
		return RC_INTERNAL;
	if (mysql_stmt_prepare(p->stmt, statement->sql, strlen(statement->sql)) != 0 ||
	    (p->n_out > 0 && mysql_stmt_bind_result(p->stmt, p->out))) {
		enum rc rc = statement_failed(db, p);

		prepared_free(p);
		return rc;
	}
	p->n_in = mysql_stmt_param_count(p->stmt);
	p->in = calloc(p->n_in + 1, sizeof(*p->in));
	if (p->in == NULL || mysql_stmt_field_count(p->stmt) != p->n_out) {
		log_error("%s: the statement has %u columns, its row in the table says %zu",
		    statement->name, mysql_stmt_field_count(p->stmt), p->n_out);
		prepared_free(p);
		return RC_INTERNAL;
	}
	*place = p;
	*ret = p;
	return RC_OK;
}

enum rc statement_try(struct db *db, const struct db_statement *statement)
{
	struct prepared *p = prepared_create(db->mysql, statement);
	enum rc rc = RC_INTERNAL;

	if (p == NULL)
		return RC_INTERNAL;
	if (mysql_stmt_prepare(p->stmt, statement->sql, strlen(statement->sql)) == 0)
		rc = RC_OK;
	else if (errors_is_absent(mysql_stmt_errno(p->stmt)))
		rc = RC_NOT_FOUND;
	else
		rc = connection_failed(
		    db, mysql_stmt_errno(p->stmt), mysql_stmt_error(p->stmt), statement->name);
	prepared_free(p);
	return rc;
}

static void bind_parameter(MYSQL_BIND *bind, const struct db_value *value)
{
	*bind = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_NULL};
	switch (value->type) {
	case DB_NULL:
		break;
	case DB_UNSIGNED:
		bind->buffer_type = MYSQL_TYPE_LONGLONG;
		bind->buffer = (void *)(uintptr_t)&value->u;
		bind->is_unsigned = 1;
		break;
	case DB_INTEGER:
		bind->buffer_type = MYSQL_TYPE_LONGLONG;
		bind->buffer = (void *)(uintptr_t)&value->i;
		break;
	case DB_TEXT:
		bind->buffer_type = MYSQL_TYPE_STRING;
		bind->buffer = (void *)(uintptr_t)value->s.ptr;
		bind->buffer_length = value->s.len;
		break;
	}
}

/*
 * MARIADB_OPT_SKIP_READ_RESPONSE makes mysql_stmt_execute return after
 * sending, so that several statements can be on their way at once, and so
 * that we wait with our own clock; the answer is then read through the method
 * table of mysql.h.  The option also silences mysql_stmt_prepare, so it is on
 * for this one call only.
 */
enum rc statement_send(struct db *db, struct prepared *p, const struct db_value *in, size_t n_in)
{
	my_bool skip = 1;
	int failed;

	if (n_in != p->n_in) {
		log_error("%s: called with %zu parameters, the statement has %zu",
		    p->statement->name, n_in, p->n_in);
		return RC_INTERNAL;
	}
	for (size_t i = 0; i < p->n_in; i++)
		bind_parameter(&p->in[i], &in[i]);
	if (p->n_in > 0 && mysql_stmt_bind_param(p->stmt, p->in))
		return statement_failed(db, p);
	mysql_options(db->mysql, MARIADB_OPT_SKIP_READ_RESPONSE, &skip);
	failed = mysql_stmt_execute(p->stmt);
	skip = 0;
	mysql_options(db->mysql, MARIADB_OPT_SKIP_READ_RESPONSE, &skip);
	db->sent = true;
	return failed ? statement_failed(db, p) : RC_OK;
}

/* The beginning of the answer: its error, or what its rows look like. */
static enum rc receive(struct db *db, struct prepared *p)
{
	enum rc rc = RC_OK;

	if (connection_wait(db, p->statement->name) != RC_OK)
		return RC_RETRY;
	if (db->mysql->methods->db_read_execute_response(p->stmt) != 0)
		rc = statement_failed(db, p);
	/* An error is an answer too, unless it is the connection's end. */
	db->answered = db->answered || db->mysql != NULL;
	if (rc == RC_OK)
		connection_answered(db);
	return rc;
}

static int64_t time_value(const MYSQL_TIME *t)
{
	if (t->year == 0 && t->month == 0)
		return TIME_NONE; /* 0000-00-00: a server that allowed zero dates */
	return now_from_civil((int)t->year, t->month, t->day, t->hour, t->minute, t->second,
	    (unsigned)t->second_part);
}

/* A text that did not fit beside the row. */
static enum rc fetch_long(
    struct db *db, struct prepared *p, size_t at, struct arena *mem, struct span *ret)
{
	unsigned long length = p->columns[at].length;
	MYSQL_BIND bind = {
	    .buffer_type = MYSQL_TYPE_STRING,
	    .buffer = arena_bytes(mem, length + 1),
	    .buffer_length = length,
	    .length = &length,
	};

	if (mysql_stmt_fetch_column(p->stmt, &bind, (unsigned)at, 0) != 0)
		return statement_failed(db, p);
	((char *)bind.buffer)[length] = '\0';
	*ret = span_from(bind.buffer, length);
	return RC_OK;
}

static enum rc read_column(struct db *db, struct prepared *p, size_t at, struct arena *mem)
{
	const struct column *column = &p->columns[at];
	struct db_value *value = &p->row[at];

	char type = p->statement->out[at];

	*value = (struct db_value){.type = DB_NULL, .i = type == 't' ? TIME_NONE : 0};
	if (column->null)
		return RC_OK;
	switch (type) {
	case 'u':
		*value = db_u(column->value.u);
		return RC_OK;
	case 'i':
		*value = db_i(column->value.i);
		return RC_OK;
	case 't':
		*value = db_i(time_value(&column->value.t));
		return RC_OK;
	default:
		value->type = DB_TEXT;
		if (column->length > sizeof(column->value.s))
			return fetch_long(db, p, at, mem, &value->s);
		value->s = arena_copy(mem, span_from(column->value.s, column->length));
		return RC_OK;
	}
}

static enum rc fetch_rows(
    struct db *db, struct prepared *p, struct arena *mem, db_row_fn *fn, void *ctx)
{
	enum rc rc = RC_OK;
	int got;

	while (rc == RC_OK) {
		got = mysql_stmt_fetch(p->stmt);
		if (got == MYSQL_NO_DATA)
			return RC_OK;
		if (got != 0 && got != MYSQL_DATA_TRUNCATED)
			return statement_failed(db, p);
		for (size_t i = 0; i < p->n_out && rc == RC_OK; i++)
			rc = read_column(db, p, i, mem);
		if (rc == RC_OK)
			rc = fn(ctx, p->row);
	}
	/* The walk ended early: read the rest away. */
	if (db->mysql != NULL)
		mysql_stmt_free_result(p->stmt);
	return rc;
}

enum rc statement_read(
    struct db *db, struct prepared *p, struct arena *mem, db_row_fn *fn, void *ctx)
{
	enum rc rc = receive(db, p);

	if (rc == RC_OK && p->n_out > 0)
		return fetch_rows(db, p, mem, fn, ctx);
	if (rc == RC_OK)
		db->affected = mysql_stmt_affected_rows(p->stmt);
	return rc;
}

static enum rc run_once(struct db *db, const struct db_statement *statement,
    const struct db_value *in, size_t n_in, struct arena *mem, db_row_fn *fn, void *ctx)
{
	struct prepared *p = NULL;
	enum rc rc = connection_ready(db);

	db->sent = db->answered = false;
	if (rc == RC_OK)
		rc = statement_prepare(db, statement, &p);
	if (rc == RC_OK)
		rc = statement_send(db, p, in, n_in);
	return rc == RC_OK ? statement_read(db, p, mem, fn, ctx) : rc;
}

static enum rc run(struct db *db, const struct db_statement *statement, const struct db_value *in,
    size_t n_in, struct arena *mem, db_row_fn *fn, void *ctx)
{
	bool had_connection = db->mysql != NULL, in_transaction = db->in_transaction;
	enum rc rc = run_once(db, statement, in, n_in, mem, fn, ctx);

	if (in_transaction || db->in_check)
		return rc;
	if (rc == RC_INTERNAL)
		return connection_judge_absent(db, rc);
	if (rc != RC_RETRY || db->mysql != NULL)
		return rc;
	if ((statement->flags & DB_READ) == 0)
		return db->sent ? RC_UNKNOWN : rc;
	return connection_was_stale(db, had_connection, rc)
		   ? run_once(db, statement, in, n_in, mem, fn, ctx)
		   : rc;
}

enum rc db_each(struct db *db, const struct db_statement *statement, const struct db_value *in,
    size_t n_in, struct arena *mem, db_row_fn *fn, void *ctx)
{
	return run(db, statement, in, n_in, mem, fn, ctx);
}

enum rc db_run(
    struct db *db, const struct db_statement *statement, const struct db_value *in, size_t n_in)
{
	return run(db, statement, in, n_in, NULL, NULL, NULL);
}

uint64_t db_affected(const struct db *db)
{
	return db->affected;
}

struct one {
	struct db_value *ret;
	size_t n;
	bool found;
};

static enum rc keep_row(void *ctx, const struct db_value *row)
{
	struct one *one = ctx;

	if (!one->found)
		memcpy(one->ret, row, one->n * sizeof(*row));
	one->found = true;
	return RC_OK;
}

enum rc db_one(struct db *db, const struct db_statement *statement, const struct db_value *in,
    size_t n_in, struct arena *mem, struct db_value *ret)
{
	struct one one = {.ret = ret, .n = strlen(statement->out)};
	enum rc rc = run(db, statement, in, n_in, mem, keep_row, &one);

	return rc == RC_OK && !one.found ? RC_NOT_FOUND : rc;
}
