#include "kept.h"

#include "accounts.h"
#include "definition.h"
#include "marks.h"
#include "state.h"

/* What has other letters than the old column becomes '?' there: no error, because it is kept. */
#define LENIENT "SET STATEMENT sql_mode = 'ALLOW_INVALID_DATES' FOR "

/* As a text of C, in the step's memory. */
static const char *text_in(struct buf *b)
{
	buf_putc(b, '\0');
	return b->failed ? "" : b->ptr;
}

/* --- down */

static void put_column(struct buf *columns, struct buf *values, struct buf *where,
    struct buf *update, const struct need *need)
{
	buf_putf(columns, ", %s", need->name);
	buf_putf(values, ", t.%s", need->name);
	buf_putf(where, "%s t.%s %s", where->len > 0 ? " OR" : "", need->name,
	    need->unset != NULL ? "<> " : "IS NOT NULL");
	if (need->unset != NULL)
		buf_puts(where, need->unset);
	buf_putf(update, "%s %s = VALUES(%s)", update->len > 0 ? "," : "", need->name, need->name);
}

/* Columns that the old table does not have at all. */
static enum rc collect_columns(struct migration *m)
{
	struct buf sql = statement_new(m), columns = statement_new(m), values = statement_new(m),
		   where = statement_new(m), update = statement_new(m);

	for (size_t i = 0; i < accounts_need_count; i++) {
		const struct need *need = &accounts_needs[i];

		if ((need->flags & NEED_KEPT) != 0 && accounts_old_column(&m->old, need) == NULL &&
		    has_column(m, need->name))
			put_column(&columns, &values, &where, &update, need);
	}
	if (where.len == 0)
		return RC_OK;
	buf_putf(&sql,
	    "INSERT INTO wa_migration_kept (account_id, uuid%s) SELECT t.id, HEX(t.uuid)%s FROM " SESSIONS
	    " AS t WHERE%s ON DUPLICATE KEY UPDATE%s",
	    text_in(&columns), text_in(&values), text_in(&where), text_in(&update));
	return run_write(m, &sql, NULL);
}

/* `value` takes the place of what `condition` finds in `column`; what was there is kept. */
static enum rc replace(struct migration *m, const struct need *need, const char *column,
    const char *condition, const char *value)
{
	struct buf keep = statement_new(m), set = statement_new(m);
	enum rc rc = RC_OK;

	if ((need->flags & NEED_KEPT) != 0) {
		buf_putf(&keep,
		    LENIENT
		    "INSERT INTO wa_migration_kept (account_id, uuid, %s) SELECT t.id, HEX(t.uuid), %s FROM " SESSIONS
		    " AS t WHERE %s ON DUPLICATE KEY UPDATE %s = COALESCE(wa_migration_kept.%s, VALUES(%s))",
		    need->name, column, condition, need->name, need->name, need->name);
		rc = run_write(m, &keep, NULL);
	}
	buf_putf(&set, LENIENT "UPDATE " SESSIONS " AS t SET %s = %s", column, value);
	survey_put_unchanged(&set, &m->survey.columns, "t");
	buf_putf(&set, " WHERE %s", condition);
	return rc == RC_OK ? run_write(m, &set, NULL) : rc;
}

static const char *column_of(struct migration *m, const struct column *old)
{
	struct buf name = statement_new(m);

	buf_puts(&name, "t.");
	definition_put_name(&name, old->name);
	return text_in(&name);
}

/* Texts that are longer than they may be there, or have other letters. */
static enum rc collect_narrow(
    struct migration *m, const struct column *old, const struct need *need)
{
	struct buf fitting = statement_new(m), condition = statement_new(m);
	const char *column = column_of(m, old), *value;

	if (!accounts_is_narrower(old, need))
		return RC_OK;
	accounts_put_fitting(&fitting, old, need, column);
	value = text_in(&fitting);
	buf_putf(&condition,
	    "%s IS NOT NULL AND CAST(CONVERT(%s USING utf8mb4) AS BINARY) <>"
	    " CAST(CONVERT(%s USING utf8mb4) AS BINARY)",
	    column, value, column);
	return replace(m, need, column, text_in(&condition), value);
}

/* What a column that allows no NULL gets instead. */
static const char *instead_of_null(
    struct migration *m, const struct column *old, const struct definition *before)
{
	struct buf value = statement_new(m);

	if (definition_is_unique(before, old->name) && old->charset.ptr != NULL)
		return "CONCAT('-', t.id)";
	accounts_put_nothing(&value, old, span_is(old->name, "metadata"));
	return text_in(&value);
}

static enum rc collect_nulls(struct migration *m, const struct column *old, const struct need *need,
    const struct definition *before)
{
	struct buf keep = statement_new(m), set = statement_new(m);
	const char *column = column_of(m, old);
	enum rc rc = RC_OK;

	if (old->is_nullable || old->is_generated)
		return RC_OK;
	if ((need->flags & NEED_KEPT) != 0) {
		buf_putf(&keep,
		    "INSERT INTO wa_migration_kept (account_id, uuid, nulls) SELECT t.id, HEX(t.uuid), '%s' FROM " SESSIONS
		    " AS t WHERE %s IS NULL ON DUPLICATE KEY UPDATE nulls = CONCAT_WS(',', wa_migration_kept.nulls, VALUES(nulls))",
		    need->name, column);
		rc = run_write(m, &keep, NULL);
	}
	buf_putf(
	    &set, "UPDATE " SESSIONS " AS t SET %s = %s", column, instead_of_null(m, old, before));
	survey_put_unchanged(&set, &m->survey.columns, "t");
	buf_putf(&set, " WHERE %s IS NULL", column);
	return rc == RC_OK ? run_write(m, &set, NULL) : rc;
}

/*
 * The numbers that an old unique key would refuse.  A row whose number
 * nobody has written keeps it, then the live account, then the older one.
 */
static enum rc collect_numbers(struct migration *m, const struct part *key)
{
	static const struct need number = {.name = "phone_number", .flags = NEED_KEPT};
	struct buf condition = statement_new(m), names = statement_new(m), given = statement_new(m),
		   written = statement_new(m);
	const struct column *old = survey_column(&m->old, "phone_number");
	struct span rest = key->columns, name;
	uint64_t chars;
	enum rc rc = marks_put_differs(m, &written, SPAN_OF("phone_number"));

	while (definition_next_column(&rest, &name, &chars)) {
		buf_putf(&names, "%sLEFT(t.`%.*s`, %llu)", names.len > 0 ? ", " : "",
		    SPAN_ARG(name), (unsigned long long)chars);
		buf_putf(
		    &given, "%st.`%.*s` IS NOT NULL", given.len > 0 ? " AND " : "", SPAN_ARG(name));
	}
	buf_putf(&condition,
	    "t.id IN (SELECT id FROM (SELECT t.id, ROW_NUMBER() OVER (PARTITION BY %s"
	    " ORDER BY r.id IS NULL OR %s, %s t.id) AS place FROM " SESSIONS
	    " AS t LEFT JOIN wa_migration_rows AS r ON r.id = t.id WHERE %s) AS ranked WHERE place > 1)",
	    text_in(&names), text_in(&written),
	    has_column(m, "deleted_at") ? "t.deleted_at IS NOT NULL," : "", text_in(&given));
	if (rc != RC_OK)
		return rc;
	return replace(m, &number, "t.phone_number", text_in(&condition),
	    old != NULL && !old->is_nullable ? "CONCAT('-', t.id)" : "NULL");
}

static enum rc collect_all_numbers(struct migration *m, const struct definition *before)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < before->count && rc == RC_OK; i++)
		if (before->parts[i].kind == PART_KEY && before->parts[i].is_unique &&
		    definition_key_has(&before->parts[i], SPAN_OF("phone_number")))
			rc = collect_numbers(m, &before->parts[i]);
	return rc;
}

static enum rc collect(struct db *db, void *ctx)
{
	struct migration *m = ctx;
	struct definition before;
	struct span create = {0};
	enum rc rc = state_definition(m, SESSIONS, &create);

	(void)db;
	if (rc == RC_OK)
		rc = parse_definition(m, create, &before);
	if (rc == RC_OK)
		rc = collect_columns(m);
	for (size_t i = 0; i < accounts_need_count && rc == RC_OK; i++) {
		const struct need *need = &accounts_needs[i];
		const struct column *old = accounts_old_column(&m->old, need);

		if (old != NULL && accounts_must_change(old, need))
			rc = collect_narrow(m, old, need);
	}
	/* When they are as long as they may be: it is then that they may be equal. */
	if (rc == RC_OK && survey_column(&m->old, "phone_number") != NULL)
		rc = collect_all_numbers(m, &before);
	for (size_t i = 0; i < accounts_need_count && rc == RC_OK; i++) {
		const struct need *need = &accounts_needs[i];
		const struct column *old = accounts_old_column(&m->old, need);

		if (old != NULL && accounts_must_change(old, need))
			rc = collect_nulls(m, old, need, &before);
	}
	return rc;
}

enum rc kept_collect(struct migration *m)
{
	enum rc rc = state_columns(m, &m->old);

	/* Without that column nothing of ours was added yet. */
	if (rc != RC_OK || m->old.count == 0 || !has_column(m, "connection_status"))
		return rc;
	return run_transaction(m, collect);
}

/* --- up */

#define KEPT_JOIN \
	ACCOUNTS \
	" AS t JOIN wa_migration_kept AS k ON k.account_id = t.id AND k.uuid <=> HEX(t.uuid)"

/* The column holds what migrate down has left there, or is new altogether. */
static void put_untouched(struct migration *m, struct buf *sql, const struct need *need)
{
	const struct column *old = accounts_old_column(&m->old, need);
	struct buf kept = statement_new(m), fitting = statement_new(m);

	if (old == NULL || old->charset.ptr == NULL) {
		buf_putf(sql, "k.%s IS NOT NULL", need->name);
		return;
	}
	buf_putf(&kept, "k.%s", need->name);
	accounts_put_fitting(&fitting, old, need, text_in(&kept));
	buf_putf(sql,
	    "k.%s IS NOT NULL AND (t.%s IS NULL OR t.%s = CONCAT('-', t.id) OR CAST(CONVERT(t.%s USING utf8mb4)"
	    " AS BINARY) = CAST(CONVERT(%s USING utf8mb4) AS BINARY))",
	    need->name, need->name, need->name, need->name, text_in(&fitting));
}

/* The database decides by its keys whether these may come back. */
static bool is_decided(const struct need *need)
{
	return strcmp(need->name, "phone_number") == 0 || strcmp(need->name, "is_primary") == 0;
}

static enum rc restore_column(struct migration *m, const struct need *need)
{
	struct buf sql = statement_new(m);

	buf_putf(&sql, LENIENT "UPDATE %s" KEPT_JOIN " SET t.%s = k.%s",
	    is_decided(need) ? "IGNORE " : "", need->name, need->name);
	if (strcmp(need->name, "updated_at") != 0)
		survey_put_unchanged(&sql, &m->survey.columns, "t");
	buf_puts(&sql, " WHERE ");
	put_untouched(m, &sql, need);
	return run_write(m, &sql, NULL);
}

static enum rc restore_nulls(
    struct migration *m, const struct need *need, const struct definition *before)
{
	const struct column *old = accounts_old_column(&m->old, need);
	struct buf sql = statement_new(m);

	if (old == NULL || old->is_nullable || !accounts_must_change(old, need))
		return RC_OK;
	buf_putf(&sql, "UPDATE " KEPT_JOIN " SET t.%s = NULL", need->name);
	survey_put_unchanged(&sql, &m->survey.columns, "t");
	buf_putf(&sql, " WHERE FIND_IN_SET('%s', k.nulls) AND t.%s = %s", need->name, need->name,
	    instead_of_null(m, old, before));
	return run_write(m, &sql, NULL);
}

static enum rc tell_left(void *ctx, const struct db_value *row)
{
	tell(ctx,
	    "  account %llu does not get its number %.*s back: another has it by now, or it has a newer one",
	    (unsigned long long)row[0].u, SPAN_ARG(row[1].s));
	return RC_OK;
}

static enum rc tell_all_left(struct migration *m)
{
	struct buf sql = statement_new(m);

	if (m->options->dry_run)
		return RC_OK;
	buf_puts(&sql,
	    "SELECT t.id, k.phone_number FROM " KEPT_JOIN
	    " WHERE k.phone_number IS NOT NULL AND NOT (CAST(CONVERT(t.phone_number USING utf8mb4) AS BINARY) <=> CAST(k.phone_number AS BINARY))");
	return read_each(m, &sql, "us", tell_left, m);
}

static enum rc restore(struct db *db, void *ctx)
{
	struct migration *m = ctx;
	struct definition before;
	struct span create = {0};
	enum rc rc = state_definition(m, SESSIONS, &create);

	(void)db;
	if (rc == RC_OK)
		rc = parse_definition(m, create, &before);
	for (size_t i = 0; i < accounts_need_count && rc == RC_OK; i++) {
		if ((accounts_needs[i].flags & NEED_KEPT) == 0)
			continue;
		rc = restore_column(m, &accounts_needs[i]);
		if (rc == RC_OK)
			rc = restore_nulls(m, &accounts_needs[i], &before);
	}
	if (rc == RC_OK)
		rc = tell_all_left(m);
	/* So that this is not taken for a change, neither by verify nor on the way back. */
	if (rc == RC_OK)
		rc = run_write_text(m,
		    "UPDATE wa_migration_rows AS r JOIN (" KEPT_JOIN
		    ") ON t.id = r.id"
		    " SET r.state_version = t.state_version, r.is_ours = 1",
		    NULL);
	return rc == RC_OK ? run_write_text(m, "DELETE FROM wa_migration_kept", NULL) : rc;
}

enum rc kept_restore(struct migration *m)
{
	struct buf sql = statement_new(m);
	uint64_t rows = 0;
	enum rc rc;

	if (m->options->dry_run)
		return RC_OK;
	buf_puts(&sql, "SELECT COUNT(*) FROM wa_migration_kept");
	rc = read_number(m, &sql, &rows);
	if (rc != RC_OK || rows == 0)
		return rc;
	tell(m, "  %llu accounts get back what an earlier migrate down has kept",
	    (unsigned long long)rows);
	rc = state_columns(m, &m->old);
	return rc == RC_OK ? run_transaction(m, restore) : rc;
}
