#include "alias.h"

#include "words.h"

/* Any type may hold these words. */
#define ANY_TYPE SPAN_OF("")

void alias_put(struct buf *b)
{
	buf_puts(b, "status varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci AS (");
	words_put_old(b, "connection_status", ANY_TYPE);
	buf_puts(b, ") VIRTUAL");
}

bool alias_is_there(const struct columns *columns)
{
	const struct column *status = survey_column(columns, "status");

	/* A computed one of the sessions' own is an ordinary column from the rebuild on. */
	return status != NULL && status->is_generated &&
	       survey_column(columns, "connection_status") != NULL;
}

enum rc alias_add(struct migration *m)
{
	struct buf sql = statement_new(m);

	/* In a trial run the old column is still in its place. */
	if (has_column(m, "status") && !has_table(m, SESSIONS))
		return RC_OK;
	buf_puts(&sql, "ALTER TABLE " ACCOUNTS "\nADD COLUMN ");
	alias_put(&sql);
	return run_instant(m, &sql, "DEFAULT");
}

enum rc alias_drop(struct migration *m)
{
	struct buf sql = statement_new(m);

	if (!alias_is_there(&m->survey.columns))
		return RC_OK;
	buf_puts(&sql, "ALTER TABLE " SESSIONS "\nDROP COLUMN status");
	return run_instant(m, &sql, "DEFAULT");
}

enum rc alias_count_wrong(struct migration *m, uint64_t *ret)
{
	struct buf sql = statement_new(m);

	if (!has_column(m, "status"))
		return RC_NOT_FOUND;
	buf_puts(&sql, "SELECT COUNT(*) FROM " ACCOUNTS " WHERE NOT (status <=> ");
	words_put_old(&sql, "connection_status", ANY_TYPE);
	buf_putc(&sql, ')');
	return read_number(m, &sql, ret);
}
