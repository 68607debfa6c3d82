/*
 * statement: how a step speaks to the database.
 */
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "base/now.h"
#include "definition.h"
#include "migration.h"

void tell(const struct migration *m, const char *fmt, ...)
{
	char line[1024];
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	if (len < 0)
		return;
	if ((size_t)len >= sizeof(line))
		len = sizeof(line) - 1;
	m->options->told.line(m->options->told.ctx, span_from(line, (size_t)len));
}

void tell_text(const struct migration *m, const struct buf *line)
{
	m->options->told.line(m->options->told.ctx, buf_span(line));
}

void tell_progress(const struct migration *m, uint64_t done, uint64_t all, const char *of)
{
	char line[128];
	int len;

	if (m->step != NULL)
		len = snprintf(line, sizeof(line), "step %2u/%u %-18s %llu of %llu %s", m->number,
		    m->steps, m->step, (unsigned long long)done, (unsigned long long)all, of);
	else
		len = snprintf(line, sizeof(line), "%llu of %llu %s", (unsigned long long)done,
		    (unsigned long long)all, of);
	if (len > 0 && (size_t)len < sizeof(line))
		m->options->told.progress(m->options->told.ctx, span_from(line, (size_t)len));
}

struct buf statement_new(struct migration *m)
{
	return buf_in(m->scratch, STATEMENT_MAX);
}

static const char *text_of(struct buf *sql)
{
	buf_putc(sql, '\0');
	return sql->failed ? NULL : sql->ptr;
}

/* Others hold the lock, or two have met: nothing was done, and it may be had later. */
static bool may_try_again(const struct migration *m, enum rc rc)
{
	return rc == RC_RETRY && db_is_connected(m->db);
}

static void pause_for_lock(struct migration *m, unsigned tries)
{
	const struct timespec pause = {.tv_sec = 1};

	if (tries == LOCK_TRIES)
		return;
	tell(m,
	    "  the lock was not to be had (%s): somebody else works there (SHOW FULL PROCESSLIST); try %u of %u"
	    " follows",
	    db_why(m->db), tries + 1, LOCK_TRIES);
	nanosleep(&pause, NULL);
}

static void note_pause(struct migration *m, int64_t us)
{
	/* Before the first step only tables of ours are made, for which nobody waits. */
	if (m->step == NULL || us <= m->pause_us)
		return;
	m->pause_us = us;
	m->pause_step = m->step;
}

/* The first line is enough to be recognised by. */
static void tell_sql(const struct migration *m, const char *sql)
{
	struct span rest = span_of(sql), line;

	while (span_cut(&rest, '\n', &line))
		tell(m, "      %.*s%s", SPAN_ARG(line), rest.len == 0 ? ";" : "");
}

enum rc run_ddl_text(struct migration *m, const char *sql)
{
	struct buf text = statement_new(m);

	buf_puts(&text, sql);
	return run_ddl(m, &text);
}

enum rc run_ddl(struct migration *m, struct buf *sql)
{
	const char *text;
	enum rc rc = RC_RETRY;

	if (m->options->dry_run) {
		tell_sql(m, text_of(sql));
		return RC_OK;
	}
	/* By this a later run recognises that an earlier one's statement is still under way. */
	buf_puts(sql, " /* wa-accountsctl migrate */");
	text = text_of(sql);
	if (text == NULL)
		return RC_INTERNAL;
	for (unsigned tries = 1; tries <= LOCK_TRIES; tries++) {
		int64_t began = now_monotonic_us();

		rc = db_execute(m->db, text);
		/* Also one that did not get its lock has let others wait. */
		note_pause(m, now_monotonic_us() - began);
		if (!may_try_again(m, rc))
			return rc;
		pause_for_lock(m, tries);
	}
	return rc;
}

enum rc run_instant(struct migration *m, struct buf *sql, const char *otherwise)
{
	struct buf other = statement_new(m);
	enum rc rc;

	buf_put(&other, buf_span(sql));
	buf_puts(sql, ", ALGORITHM=INSTANT");
	rc = run_ddl(m, sql);
	if (rc != RC_INTERNAL)
		return rc;
	tell(
	    m, "  this table cannot be altered so in an instant; ALGORITHM=%s is tried", otherwise);
	buf_putf(&other, ", ALGORITHM=%s", otherwise);
	return run_ddl(m, &other);
}

enum rc run_write_text(struct migration *m, const char *sql, uint64_t *ret_rows)
{
	const struct db_statement statement = {"migrate.write", sql, "", DB_ONCE};
	enum rc rc = RC_RETRY;

	if (m->options->dry_run) {
		tell_sql(m, sql);
		return RC_OK;
	}
	for (unsigned tries = 1; tries <= LOCK_TRIES; tries++) {
		rc = db_run(m->db, &statement, DB_NONE);
		if (m->in_transaction || !may_try_again(m, rc))
			break;
		pause_for_lock(m, tries);
	}
	if (rc == RC_OK && ret_rows != NULL)
		*ret_rows = db_affected(m->db);
	return rc;
}

enum rc run_write(struct migration *m, struct buf *sql, uint64_t *ret_rows)
{
	const char *text = text_of(sql);

	return text != NULL ? run_write_text(m, text, ret_rows) : RC_INTERNAL;
}

enum rc run_transaction(struct migration *m, db_body_fn *body)
{
	enum rc rc = RC_RETRY;

	if (m->options->dry_run)
		return body(m->db, m);
	for (unsigned tries = 1; tries <= LOCK_TRIES; tries++) {
		m->in_transaction = true;
		rc = db_transaction(m->db, body, m);
		m->in_transaction = false;
		if (!may_try_again(m, rc))
			break;
		pause_for_lock(m, tries);
	}
	return rc;
}

struct reading {
	struct migration *m;
	db_row_fn *fn;
	void *ctx;
};

/* A row may hold megabytes: it is gone when it was looked at. */
static enum rc look_at_row(void *ctx, const struct db_value *row)
{
	struct reading *reading = ctx;
	enum rc rc = reading->fn(reading->ctx, row);

	arena_reset(reading->m->row);
	return rc;
}

enum rc read_each(struct migration *m, struct buf *sql, const char *out, db_row_fn *fn, void *ctx)
{
	const char *text = text_of(sql);
	const struct db_statement statement = {"migrate.read", text, out, DB_READ | DB_ONCE};
	struct reading reading = {m, fn, ctx};

	return text != NULL ? db_each(m->db, &statement, DB_NONE, m->row, look_at_row, &reading)
			    : RC_INTERNAL;
}

static enum rc keep_number(void *ctx, const struct db_value *row)
{
	*(uint64_t *)ctx = row[0].u;
	return RC_OK;
}

enum rc read_number(struct migration *m, struct buf *sql, uint64_t *ret)
{
	uint64_t number = 0;
	enum rc rc = read_each(m, sql, "u", keep_number, &number);

	if (rc == RC_OK)
		*ret = number;
	return rc;
}

struct kept_text {
	struct arena *mem;
	struct span text;
};

static enum rc keep_text(void *ctx, const struct db_value *row)
{
	struct kept_text *kept = ctx;

	if (row[0].s.ptr != NULL)
		kept->text = arena_copy(kept->mem, row[0].s);
	return RC_OK;
}

enum rc read_text(struct migration *m, struct buf *sql, struct span *ret)
{
	struct kept_text kept = {.mem = m->mem};
	enum rc rc = read_each(m, sql, "s", keep_text, &kept);

	if (rc == RC_OK)
		*ret = kept.text;
	return rc;
}

/* The batch of rows from the id `from` on: its last id, and how many they are. */
static enum rc find_batch(
    struct migration *m, const char *table, uint64_t from, uint64_t *ret_last, uint64_t *ret_rows)
{
	struct buf sql = statement_new(m);
	struct db_value row[2];
	const char *text;
	enum rc rc;

	buf_putf(&sql,
	    "SELECT MAX(id), COUNT(*) FROM (SELECT id FROM %s WHERE id >= %llu ORDER BY id"
	    " LIMIT %llu) AS batch",
	    table, (unsigned long long)from, (unsigned long long)m->options->batch);
	text = text_of(&sql);
	if (text == NULL)
		return RC_INTERNAL;
	rc = db_one(m->db, &(struct db_statement){"migrate.batch", text, "uu", DB_READ | DB_ONCE},
	    DB_NONE, m->scratch, row);
	if (rc != RC_OK)
		return rc;
	*ret_last = row[0].u;
	*ret_rows = row[1].u;
	return RC_OK;
}

static enum rc count_rows(struct migration *m, const char *table, uint64_t *ret)
{
	struct buf sql = statement_new(m);

	buf_putf(&sql, "SELECT COUNT(*) FROM %s", table);
	return read_number(m, &sql, ret);
}

struct batches {
	const char *out; /* NULL: writes */
	db_row_fn *fn;
	void *ctx;
	uint64_t changed;
};

static enum rc run_batch(
    struct migration *m, put_batch_fn *put, uint64_t from, uint64_t last, struct batches *b)
{
	struct buf sql = statement_new(m);
	char range[64];
	uint64_t rows = 0;
	enum rc rc;

	snprintf(range, sizeof(range), "BETWEEN %llu AND %llu", (unsigned long long)from,
	    (unsigned long long)last);
	put(m, &sql, range);
	if (b->out != NULL)
		return read_each(m, &sql, b->out, b->fn, b->ctx);
	rc = run_write(m, &sql, &rows);
	b->changed += rows;
	return rc;
}

static enum rc each_batch(
    struct migration *m, const char *table, put_batch_fn *put, const char *what, struct batches *b)
{
	uint64_t from = 0, last = 0, rows = 0, done = 0, all = 0;
	enum rc rc;

	if (m->options->dry_run)
		return run_batch(m, put, 0, m->options->batch, b);
	rc = count_rows(m, table, &all);
	for (bool more = true; rc == RC_OK && more; from = last + 1) {
		arena_reset(m->scratch);
		rc = find_batch(m, table, from, &last, &rows);
		if (rc != RC_OK || rows == 0)
			break;
		rc = run_batch(m, put, from, last, b);
		more = rows == m->options->batch && last < UINT64_MAX;
		done += rows;
		if (rc == RC_OK)
			tell_progress(m, done, all, what);
	}
	return rc;
}

enum rc run_batches(
    struct migration *m, const char *table, put_batch_fn *put, const char *what, uint64_t *ret_rows)
{
	struct batches batches = {0};
	enum rc rc = each_batch(m, table, put, what, &batches);

	if (rc == RC_OK && ret_rows != NULL)
		*ret_rows = batches.changed;
	return rc;
}

enum rc read_batches(struct migration *m, const char *table, put_batch_fn *put, const char *what,
    const char *out, db_row_fn *fn, void *ctx)
{
	struct batches batches = {.out = out, .fn = fn, .ctx = ctx};

	return each_batch(m, table, put, what, &batches);
}

static enum rc keep_second(void *ctx, const struct db_value *row)
{
	struct kept_text *kept = ctx;

	kept->text = arena_copy(kept->mem, row[1].s);
	return RC_OK;
}

enum rc read_definition(struct migration *m, struct span table, struct span *ret)
{
	struct buf sql = statement_new(m);
	struct kept_text kept = {.mem = m->mem};
	const char *text;
	enum rc rc;

	buf_puts(&sql, "SHOW CREATE TABLE ");
	definition_put_name(&sql, table);
	text = text_of(&sql);
	if (text == NULL)
		return RC_INTERNAL;
	rc = db_each(m->db,
	    &(struct db_statement){
		"migrate.definition", text, "ss", DB_READ | DB_ONCE | DB_OPTIONAL},
	    DB_NONE, m->scratch, keep_second, &kept);
	if (rc == RC_OK || rc == RC_NOT_FOUND)
		*ret = kept.text;
	return rc == RC_NOT_FOUND ? RC_OK : rc;
}

enum rc parse_definition(struct migration *m, struct span create, struct definition *ret)
{
	enum rc rc = definition_parse(create, m->mem, ret);

	if (rc != RC_OK)
		tell(m, "  could not read how a table is made: %.*s",
		    create.len < 80 ? (int)create.len : 80, create.ptr != NULL ? create.ptr : "");
	return rc;
}
