#include "marks.h"

#include "definition.h"
#include "state.h"

enum { MARK_SIZE = 4 };

static const struct {
	const char *name;
	const char *event;
	const char *does;
} watchers[] = {
    {"wa_migration_update", "UPDATE", "UPDATE wa_migration_rows SET is_ours = 1 WHERE id = OLD.id"},
    {"wa_migration_delete", "DELETE", "DELETE FROM wa_migration_rows WHERE id = OLD.id"},
};

enum { WATCHERS = sizeof(watchers) / sizeof(watchers[0]) };

enum rc marks_watch(struct migration *m)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < WATCHERS && rc == RC_OK; i++) {
		struct buf sql = statement_new(m);

		buf_putf(&sql,
		    "CREATE OR REPLACE TRIGGER %s AFTER %s ON " SESSIONS " FOR EACH ROW %s",
		    watchers[i].name, watchers[i].event, watchers[i].does);
		rc = run_ddl(m, &sql);
	}
	if (rc != RC_INTERNAL)
		return rc;
	/* No privilege, or a binary log that allows none. */
	tell(m,
	    "  triggers may not be made here: what is written until the rename, without another updated_at, will be"
	    " taken for a fault");
	return marks_unwatch(m);
}

enum rc marks_unwatch(struct migration *m)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < WATCHERS && rc == RC_OK; i++) {
		struct buf sql = statement_new(m), count = statement_new(m);
		uint64_t there = 0;

		buf_putf(&count,
		    "SELECT COUNT(*) FROM information_schema.triggers WHERE trigger_schema = DATABASE()"
		    " AND trigger_name = '%s'",
		    watchers[i].name);
		rc = read_number(m, &count, &there);
		buf_putf(&sql, "DROP TRIGGER IF EXISTS %s", watchers[i].name);
		if (rc == RC_OK && there > 0)
			rc = run_ddl(m, &sql);
	}
	return rc;
}

/* What a column is called now: the new name tells, `status` may be there again, computed. */
static struct span name_now(const struct migration *m, struct span name)
{
	static const struct {
		const char *old, *new;
	} renamed[] = {{"status", "wa_old_status"}, {"session_name", "account_name"}};

	for (size_t i = 0; i < sizeof(renamed) / sizeof(renamed[0]); i++)
		if (span_eq_nocase(name, span_of(renamed[i].old)) &&
		    survey_column(&m->survey.columns, renamed[i].new) != NULL)
			return span_of(renamed[i].new);
	return name;
}

static bool is_bits(struct span type)
{
	return span_is(type, "bit") || span_is(type, "geometry") || span_is(type, "point") ||
	       span_is(type, "polygon") || span_is(type, "linestring");
}

/*
 * The same for the same value, whatever the session's time zone and the
 * column's character set are; 0 for NULL.
 */
static void put_mark(struct buf *b, const struct column *old, struct span name)
{
	const char *before = "", *after = "";

	if (span_is(old->data_type, "timestamp")) {
		before = "UNIX_TIMESTAMP(";
		after = ")";
	} else if (is_bits(old->data_type)) {
		before = "HEX(";
		after = ")";
	} else if (old->charset.ptr != NULL) {
		before = "CONVERT(";
		after = " USING utf8mb4)";
	}
	buf_putf(b, "IFNULL(CRC32(%st.", before);
	definition_put_name(b, name);
	buf_putf(b, "%s) ^ 1, 0)", after);
}

static void put_record(struct migration *m, struct buf *sql, const char *range)
{
	const struct columns *columns = &m->survey.columns;

	buf_puts(sql,
	    "INSERT INTO wa_migration_rows (id, workspace_id, created_by, marks)"
	    " SELECT t.id, t.workspace_id, t.created_by, UNHEX(CONCAT(''");
	for (size_t i = 0; i < columns->count; i++) {
		buf_puts(sql, ",\nLPAD(HEX(");
		put_mark(sql, &columns->rows[i], columns->rows[i].name);
		buf_puts(sql, "), 8, '0')");
	}
	buf_putf(sql,
	    ")) FROM " SESSIONS
	    " AS t WHERE t.id %s ON DUPLICATE KEY UPDATE"
	    " marks = VALUES(marks)",
	    range);
}

enum rc marks_record(struct migration *m)
{
	return run_batches(m, SESSIONS, put_record, "rows", NULL);
}

static void put_old_mark(struct buf *b, size_t at)
{
	buf_putf(
	    b, "CONV(HEX(SUBSTR(r.marks, %zu, %d)), 16, 10) + 0", at * MARK_SIZE + 1, MARK_SIZE);
}

/* FALSE if there was no such column. */
static void put_differs(
    struct migration *m, struct buf *b, const struct columns *old, struct span name)
{
	for (size_t i = 0; i < old->count; i++) {
		if (!span_eq_nocase(old->rows[i].name, name))
			continue;
		put_old_mark(b, i);
		buf_puts(b, " <> ");
		put_mark(b, &old->rows[i], name_now(m, name));
		return;
	}
	buf_puts(b, "FALSE");
}

static void put_written(struct migration *m, struct buf *b, const struct columns *old)
{
	buf_puts(b, "(r.is_ours = 1 OR t.state_version <> r.state_version OR ");
	put_differs(m, b, old, SPAN_OF("updated_at"));
	buf_putc(b, ')');
}

enum rc marks_put_differs(struct migration *m, struct buf *b, struct span column)
{
	struct columns old = {0};
	enum rc rc = state_columns(m, &old);

	if (rc == RC_OK)
		put_differs(m, b, &old, column);
	return rc;
}

enum rc marks_put_written(struct migration *m, struct buf *b)
{
	struct columns old = {0};
	enum rc rc = state_columns(m, &old);

	if (rc == RC_OK)
		put_written(m, b, &old);
	return rc;
}

static enum rc add_sums(void *ctx, const struct db_value *row)
{
	struct mark_sums *sums = ctx;

	sums->rows += row[0].u;
	sums->written += row[1].u;
	for (size_t i = 0; i < sums->count; i++) {
		const struct db_value *of = row + 2 + 4 * i;
		struct mark_sum *sum = &sums->columns[i];

		sum->faults += of[0].u;
		sum->changed += of[1].u;
		sum->before += of[2].u;
		sum->now += of[3].u;
	}
	return RC_OK;
}

static void put_compare(struct migration *m, struct buf *sql, const char *range)
{
	const struct columns *old = &m->old;

	buf_puts(sql, "SELECT COUNT(*), COALESCE(SUM(w), 0)");
	for (size_t i = 0; i < old->count; i++)
		buf_putf(sql,
		    ",\nCOALESCE(SUM(NOT w AND o%zu <> n%zu), 0), COALESCE(SUM(w AND o%zu <> n%zu), 0),"
		    " CAST(COALESCE(SUM(IF(w, 0, o%zu)), 0) AS UNSIGNED),"
		    " CAST(COALESCE(SUM(IF(w, 0, n%zu)), 0) AS UNSIGNED)",
		    i, i, i, i, i, i);
	buf_puts(sql, "\nFROM (SELECT ");
	put_written(m, sql, old);
	buf_puts(sql, " AS w");
	for (size_t i = 0; i < old->count; i++) {
		buf_puts(sql, ",\n");
		put_old_mark(sql, i);
		buf_putf(sql, " AS o%zu, ", i);
		put_mark(sql, &old->rows[i], name_now(m, old->rows[i].name));
		buf_putf(sql, " AS n%zu", i);
	}
	buf_putf(sql,
	    "\nFROM wa_migration_rows AS r JOIN " ACCOUNTS
	    " AS t ON t.id = r.id WHERE r.id %s) AS x",
	    range);
}

enum rc marks_compare(struct migration *m, struct mark_sums *ret)
{
	char *out;
	enum rc rc = state_columns(m, &m->old);

	if (rc != RC_OK)
		return rc;
	*ret = (struct mark_sums){
	    .columns = arena_alloc(m->mem, (m->old.count + 1) * sizeof(*ret->columns)),
	    .count = m->old.count,
	};
	for (size_t i = 0; i < m->old.count; i++) {
		ret->columns[i].name = m->old.rows[i].name;
		ret->columns[i].name_now = name_now(m, m->old.rows[i].name);
	}
	out = arena_alloc(m->mem, 2 + 4 * m->old.count + 1);
	memset(out, 'u', 2 + 4 * m->old.count);
	return read_batches(m, "wa_migration_rows", put_compare, "rows", out, add_sums, ret);
}
