#include "obstacles.h"

#include <stdarg.h>
#include <stdio.h>

#include "definition.h"
#include "steps.h"
#include "words.h"

enum { ROWS_TOLD = 20, IDS_TOLD = 1000 };

static const char *live(const struct migration *m)
{
	return has_column(m, "deleted_at") ? "deleted_at IS NULL" : "TRUE";
}

/* --- more than one primary, one number more than once */

void obstacles_put_losers(struct migration *m, struct buf *b, bool by_number)
{
	static const char digits[] = "REGEXP_REPLACE(phone_number, '[^0-9]', '')";

	buf_puts(b,
	    "SELECT id AS account_id, workspace_id, winner_id FROM (SELECT id, workspace_id,"
	    " FIRST_VALUE(id) OVER w AS winner_id, ROW_NUMBER() OVER w AS place FROM " SESSIONS);
	if (by_number)
		buf_putf(b, " WHERE %s AND %s <> ''", live(m), digits);
	else
		buf_putf(b, " WHERE %s AND is_primary", live(m));
	buf_putf(b, " WINDOW w AS (PARTITION BY workspace_id, %s ORDER BY status IN ",
	    by_number ? digits : "1");
	words_put_connected(b);
	buf_puts(b, " DESC,");
	if (has_column(m, "last_activity_at"))
		buf_puts(b, " last_activity_at DESC,");
	buf_puts(b, " id DESC)) AS ranked WHERE place > 1");
}

/* What is told of the rows of a question: its title before the first one; the ids for its cure. */
struct rows {
	struct migration *m;
	struct span title;
	const char *parent; /* what a row points at */
	uint64_t count;
	struct buf ids;
};

static struct rows rows_new(struct migration *m, const char *fmt, ...) PRINTF_LIKE(2, 3);
static struct rows rows_new(struct migration *m, const char *fmt, ...)
{
	struct buf title = statement_new(m);
	char text[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	buf_putf(&title, "obstacle %s", text);
	return (struct rows){.m = m, .title = buf_span(&title), .ids = statement_new(m)};
}

/* Whether this one is worth a line. */
static bool next_row(struct rows *rows)
{
	if (++rows->count == 1)
		tell(rows->m, "%.*s", SPAN_ARG(rows->title));
	return rows->count <= ROWS_TOLD;
}

static void add_id(struct rows *rows, uint64_t id)
{
	if (rows->count <= IDS_TOLD)
		buf_putf(&rows->ids, "%s%llu", rows->count > 1 ? ", " : "", (unsigned long long)id);
}

static void tell_more(const struct rows *rows)
{
	if (rows->count > ROWS_TOLD)
		tell(rows->m, "  and %llu more", (unsigned long long)(rows->count - ROWS_TOLD));
}

/* `statement` has a %s for the ids; those that were told are cured by it, the others later. */
static void tell_cure(struct rows *rows, const char *before, const char *after)
{
	struct buf line = statement_new(rows->m);

	buf_puts(&line, "  cure: ");
	buf_puts(&line, before);
	buf_put(&line, buf_span(&rows->ids));
	buf_puts(&line, after);
	tell_text(rows->m, &line);
	if (rows->count > IDS_TOLD)
		tell(rows->m, "  (the first %d; then once more)", IDS_TOLD);
}

static enum rc tell_loser(void *ctx, const struct db_value *row)
{
	struct rows *rows = ctx;

	if (next_row(rows))
		tell(rows->m, "  workspace %llu: account %llu would lose to %llu",
		    (unsigned long long)row[1].u, (unsigned long long)row[0].u,
		    (unsigned long long)row[2].u);
	add_id(rows, row[0].u);
	return RC_OK;
}

static enum rc count_losers(struct migration *m, bool by_number, uint64_t *ret)
{
	struct buf sql = statement_new(m);

	buf_puts(&sql, "SELECT COUNT(*) FROM (");
	obstacles_put_losers(m, &sql, by_number);
	buf_puts(&sql, ") AS losers");
	return read_number(m, &sql, ret);
}

static enum rc tell_losers(struct migration *m, bool by_number, uint64_t *count)
{
	struct rows rows = rows_new(m, "%s",
	    by_number ? "phone_twice: live accounts of one workspace have the same number"
		      : "two_primaries: a workspace has more than one live primary account");
	struct buf sql = statement_new(m);
	uint64_t losers = 0;
	bool may_delete = has_column(m, "deleted_at");
	enum rc rc;

	if (!has_column(m, by_number ? "phone_number" : "is_primary") || !has_column(m, "status"))
		return RC_OK;
	rc = count_losers(m, by_number, &losers);
	if (rc != RC_OK || losers == 0)
		return rc;
	if (m->options->newest_wins && (!by_number || may_delete)) {
		tell(m, "note: newest-wins: %llu accounts %s", (unsigned long long)losers,
		    by_number ? "are soft-deleted, because a newer one has their number"
			      : "stop being primary");
		return RC_OK;
	}
	*count += 1;
	obstacles_put_losers(m, &sql, by_number);
	buf_puts(&sql, " ORDER BY workspace_id, account_id");
	rc = read_each(m, &sql, "uuu", tell_loser, &rows);
	if (rc != RC_OK)
		return rc;
	tell_more(&rows);
	tell_cure(&rows,
	    !by_number   ? "UPDATE " SESSIONS " SET is_primary = 0 WHERE id IN ("
	    : may_delete ? "UPDATE " SESSIONS " SET deleted_at = UTC_TIMESTAMP() WHERE id IN ("
			 : "UPDATE " SESSIONS " SET phone_number = NULL WHERE id IN (",
	    ");");
	if (!by_number || may_delete)
		tell(m, "  or: wa-accountsctl migrate up --resolve=newest-wins");
	return RC_OK;
}

static enum rc tell_primaries(struct migration *m, uint64_t *count)
{
	return tell_losers(m, false, count);
}

static enum rc tell_numbers(struct migration *m, uint64_t *count)
{
	return tell_losers(m, true, count);
}

/* --- words that we do not know, and what must be unique and is not */

static enum rc tell_word(void *ctx, const struct db_value *row)
{
	struct rows *rows = ctx;

	if (!next_row(rows))
		return RC_OK;
	if (row[0].s.ptr == NULL)
		tell(rows->m, "  NULL: %llu rows, the first has id %llu",
		    (unsigned long long)row[1].u, (unsigned long long)row[2].u);
	else
		tell(rows->m, "  '%.*s': %llu rows, the first has id %llu", SPAN_ARG(row[0].s),
		    (unsigned long long)row[1].u, (unsigned long long)row[2].u);
	return RC_OK;
}

static enum rc tell_states(struct migration *m, uint64_t *count)
{
	struct rows rows = rows_new(m, "unknown_state: states that accounts cannot have");
	struct buf sql = statement_new(m), bad = statement_new(m);
	enum rc rc;

	if (!has_column(m, "status")) {
		*count += 1;
		tell(m, "obstacle unknown_state: " SESSIONS " has no column status");
		return RC_OK;
	}
	words_put_new(&bad, "status");
	buf_puts(&bad, " IS NULL");
	buf_putf(&sql,
	    "SELECT status, COUNT(*), MIN(id) FROM " SESSIONS " WHERE %.*s GROUP BY 1 ORDER BY 1",
	    SPAN_ARG(buf_span(&bad)));
	rc = read_each(m, &sql, "suu", tell_word, &rows);
	if (rc != RC_OK || rows.count == 0)
		return rc;
	*count += 1;
	tell_more(&rows);
	tell(m, "  cure: UPDATE " SESSIONS " SET status = 'disconnected' WHERE %.*s;",
	    SPAN_ARG(buf_span(&bad)));
	return RC_OK;
}

static enum rc tell_providers(struct migration *m, uint64_t *count)
{
	struct rows rows =
	    rows_new(m, "unknown_provider: providers that are neither meta nor webjs");
	struct buf sql = statement_new(m);
	enum rc rc;

	if (!has_column(m, "provider_type"))
		return RC_OK;
	buf_puts(&sql,
	    "SELECT provider_type, COUNT(*), MIN(id) FROM " SESSIONS
	    " WHERE provider_type IS NULL OR provider_type NOT IN ('meta', 'webjs') GROUP BY 1 ORDER BY 1");
	rc = read_each(m, &sql, "suu", tell_word, &rows);
	if (rc != RC_OK || rows.count == 0)
		return rc;
	*count += 1;
	tell_more(&rows);
	tell(m, "  cure: UPDATE " SESSIONS
		" SET provider_type = 'webjs' WHERE provider_type IS NULL"
		" OR provider_type NOT IN ('meta', 'webjs');");
	return RC_OK;
}

static enum rc tell_unique(
    struct migration *m, const char *column, const char *name, uint64_t *count)
{
	struct rows rows = rows_new(m, "%s: values of %s that are not unique", name, column);
	struct buf sql = statement_new(m);
	enum rc rc;

	if (!has_column(m, column))
		return RC_OK;
	buf_putf(&sql,
	    "SELECT %s, COUNT(*), MIN(id) FROM " SESSIONS
	    " WHERE %s IS NOT NULL GROUP BY 1"
	    " HAVING COUNT(*) > 1 ORDER BY 1",
	    column, column);
	rc = read_each(m, &sql, "suu", tell_word, &rows);
	if (rc != RC_OK || rows.count == 0)
		return rc;
	*count += 1;
	tell_more(&rows);
	if (strcmp(column, "uuid") == 0)
		tell(m,
		    "  cure: UPDATE " SESSIONS
		    " AS s JOIN (SELECT uuid, MIN(id) AS first FROM " SESSIONS
		    " GROUP BY uuid) AS f ON f.uuid = s.uuid AND f.first <> s.id SET s.uuid = UUID();");
	else
		tell(m,
		    "  cure: UPDATE " SESSIONS
		    " AS s JOIN (SELECT %s AS v, MAX(id) AS newest FROM " SESSIONS
		    " GROUP BY 1) AS f ON f.v = s.%s AND f.newest <> s.id"
		    " SET s.%s = CONCAT(LEFT(s.%s, 160), '_', s.id);",
		    column, column, column, column);
	return RC_OK;
}

static enum rc tell_uniques(struct migration *m, uint64_t *count)
{
	enum rc rc = tell_unique(m, "session_id", "session_id_twice", count);

	return rc == RC_OK ? tell_unique(m, "uuid", "uuid_twice", count) : rc;
}

/* --- what points at nothing */

static enum rc tell_id(void *ctx, const struct db_value *row)
{
	struct rows *rows = ctx;

	if (next_row(rows))
		tell(rows->m, "  account %llu: there is no %s %llu", (unsigned long long)row[0].u,
		    rows->parent, (unsigned long long)row[1].u);
	add_id(rows, row[0].u);
	return RC_OK;
}

static enum rc tell_parent(struct migration *m, const char *column, const char *parent,
    const char *one, const char *cure, const char *cure_end, uint64_t *count)
{
	struct rows rows = rows_new(m, "orphans: accounts whose %s does not exist", one);
	struct buf sql = statement_new(m);
	enum rc rc;

	if (!has_column(m, column) || !has_table(m, parent))
		return RC_OK;
	rows.parent = one;
	buf_putf(&sql,
	    "SELECT s.id, s.%s FROM " SESSIONS
	    " AS s LEFT JOIN %s AS p ON p.id = s.%s"
	    " WHERE s.%s IS NOT NULL AND p.id IS NULL ORDER BY s.id",
	    column, parent, column, column);
	rc = read_each(m, &sql, "uu", tell_id, &rows);
	if (rc != RC_OK || rows.count == 0)
		return rc;
	*count += 1;
	tell_more(&rows);
	tell_cure(&rows, cure, cure_end);
	return RC_OK;
}

static enum rc tell_reference(void *ctx, const struct db_value *row)
{
	struct rows *rows = ctx;

	if (next_row(rows))
		tell(rows->m, "  session %llu", (unsigned long long)row[0].u);
	return RC_OK;
}

/* Rows that a foreign key should not have let be. */
static enum rc tell_child(struct migration *m, const struct foreign *f, uint64_t *count)
{
	struct rows rows = rows_new(m, "orphans: %.*s.%.*s names sessions that do not exist",
	    SPAN_ARG(f->table), SPAN_ARG(f->column));
	struct buf sql = statement_new(m), table = statement_new(m), column = statement_new(m);
	bool cascades = span_is(f->on_delete, "CASCADE");
	enum rc rc;

	definition_put_name(&table, f->schema);
	buf_putc(&table, '.');
	definition_put_name(&table, f->table);
	definition_put_name(&column, f->column);
	buf_putf(&sql,
	    "SELECT d.ref FROM (SELECT DISTINCT %.*s AS ref FROM %.*s WHERE %.*s IS NOT NULL) AS d"
	    " LEFT JOIN %.*s AS s ON s.id = d.ref WHERE s.id IS NULL ORDER BY 1",
	    SPAN_ARG(buf_span(&column)), SPAN_ARG(buf_span(&table)), SPAN_ARG(buf_span(&column)),
	    SPAN_ARG(f->parent));
	rc = read_each(m, &sql, "u", tell_reference, &rows);
	if (rc != RC_OK || rows.count == 0)
		return rc;
	*count += 1;
	tell_more(&rows);
	if (cascades)
		tell(m, "  cure: DELETE FROM %.*s WHERE %.*s NOT IN (SELECT id FROM " SESSIONS ");",
		    SPAN_ARG(buf_span(&table)), SPAN_ARG(buf_span(&column)));
	else
		tell(m,
		    "  cure: UPDATE %.*s SET %.*s = NULL WHERE %.*s NOT IN (SELECT id FROM " SESSIONS
		    ");",
		    SPAN_ARG(buf_span(&table)), SPAN_ARG(buf_span(&column)),
		    SPAN_ARG(buf_span(&column)));
	return RC_OK;
}

static enum rc tell_orphans(struct migration *m, uint64_t *count)
{
	enum rc rc = tell_parent(m, "workspace_id", "workspaces", "workspace",
	    "DELETE FROM " SESSIONS " WHERE id IN (", ");", count);

	if (rc == RC_OK)
		rc = tell_parent(m, "created_by", "users", "user",
		    "UPDATE " SESSIONS
		    " AS s JOIN workspaces AS w ON w.id = s.workspace_id"
		    " SET s.created_by = w.created_by WHERE s.id IN (",
		    ");", count);
	for (size_t i = 0; i < m->survey.child_count && rc == RC_OK; i++)
		rc = tell_child(m, &m->survey.children[i], count);
	return rc;
}

/* --- names that are taken */

static enum rc tell_taken_accounts(struct migration *m, uint64_t *count)
{
	struct buf sql = statement_new(m), others = statement_new(m);
	uint64_t rows = 0, strangers = 0;
	enum rc rc;

	if (!has_table(m, ACCOUNTS))
		return RC_OK;
	buf_puts(&sql, "SELECT COUNT(*) FROM " ACCOUNTS);
	rc = read_number(m, &sql, &rows);
	buf_puts(&others, "SELECT COUNT(*) FROM " ACCOUNTS " AS a LEFT JOIN " SESSIONS
			  " AS s ON s.id = a.id WHERE s.id IS NULL");
	if (rc == RC_OK)
		rc = read_number(m, &others, &strangers);
	if (rc != RC_OK)
		return rc;
	*count += 1;
	tell(m,
	    "obstacle accounts_exist: there is a table " ACCOUNTS
	    " already, with %llu rows, %llu of which are not in " SESSIONS,
	    (unsigned long long)rows, (unsigned long long)strangers);
	if (strangers == 0)
		tell(m, "  a migration of Laravel's that was cut off leaves it so");
	tell(m, strangers == 0
		    ? "  cure: DROP TABLE " ACCOUNTS ";"
		    : "  cure: look at them, move what is worth keeping; then DROP TABLE " ACCOUNTS
		      ";");
	return RC_OK;
}

static enum rc tell_taken(struct migration *m, uint64_t *count)
{
	static const char *const ours[] = {
	    "connection_status", "wa_old_status", "live_primary", "live_phone"};

	if (has_table(m, "contact_sessions") && has_table(m, "contact_accounts")) {
		*count += 1;
		tell(m,
		    "obstacle accounts_exist: there are both contact_sessions and contact_accounts");
		tell(
		    m, "  cure: see which of both the application uses, and DROP TABLE the other;");
	}
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
		if (!has_column(m, ours[i]))
			continue;
		*count += 1;
		tell(m, "obstacle accounts_exist: " SESSIONS " has a column %s already", ours[i]);
		tell(m, "  cure: ALTER TABLE " SESSIONS " RENAME COLUMN %s TO %s_before;", ours[i],
		    ours[i]);
	}
	if (has_column(m, "session_name") && has_column(m, "account_name")) {
		*count += 1;
		tell(m,
		    "obstacle accounts_exist: " SESSIONS " has both session_name and account_name");
		tell(m, "  cure: ALTER TABLE " SESSIONS
			" RENAME COLUMN session_name TO session_name_before;");
	}
	return tell_taken_accounts(m, count);
}

/* Where both the old and the new name are there already, nothing can be renamed. */
static enum rc tell_taken_columns(struct migration *m, uint64_t *count)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < renamed_count && rc == RC_OK; i++) {
		const struct renamed *r = &renamed_columns[i];
		const char *table = r->table_before != NULL && has_table(m, r->table_before)
					? r->table_before
					: r->table;
		struct columns columns = {0};

		rc = survey_columns(m, table, &columns);
		if (rc != RC_OK || survey_column(&columns, r->old_column) == NULL ||
		    survey_column(&columns, r->new_column) == NULL)
			continue;
		*count += 1;
		tell(m, "obstacle accounts_exist: %s has both %s and %s", table, r->old_column,
		    r->new_column);
		tell(m, "  cure: ALTER TABLE %s RENAME COLUMN %s TO %s_before;", table,
		    r->new_column, r->new_column);
	}
	return rc;
}

/* --- triggers */

static enum rc tell_trigger(void *ctx, const struct db_value *row)
{
	struct rows *rows = ctx;
	struct buf line = statement_new(rows->m);

	if (!next_row(rows))
		return RC_OK;
	tell(rows->m, "  %.*s, at each %.*s", SPAN_ARG(row[0].s), SPAN_ARG(row[1].s));
	buf_puts(&line, "  cure: DROP TRIGGER ");
	definition_put_name(&line, row[0].s);
	buf_puts(&line, ";");
	tell_text(rows->m, &line);
	return RC_OK;
}

/*
 * At an UPDATE it would write what our own statements must leave as it is; one
 * that names a renamed column would fail.
 */
static enum rc tell_triggers(struct migration *m, uint64_t *count)
{
	struct rows rows =
	    rows_new(m, "triggers: triggers of " SESSIONS
			" would run, or fail, while it is changed; note them (SHOW CREATE TRIGGER),"
			" and make them again afterwards with the new names");
	struct buf sql = statement_new(m);
	enum rc rc;

	buf_puts(&sql,
	    "SELECT trigger_name, event_manipulation FROM information_schema.triggers"
	    " WHERE trigger_schema = DATABASE() AND event_object_table = '" SESSIONS
	    "'"
	    " AND (event_manipulation = 'UPDATE' OR action_statement REGEXP"
	    " '(new|old)`?[.]`?(status|session_name)') ORDER BY 1");
	rc = read_each(m, &sql, "ss", tell_trigger, &rows);
	*count += rows.count > 0;
	return rc;
}

/* --- privileges */

static const char *const needed[] = {
    "SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "ALTER", "INDEX", "REFERENCES"};

enum { NEEDED = sizeof(needed) / sizeof(needed[0]), GRANTS = 64 };

/* What SHOW GRANTS says for a database or for all: what, and for which. */
struct grants {
	struct migration *m;
	struct span words[GRANTS];
	struct span patterns[GRANTS];
	size_t count;
};

/* "GRANT SELECT, INSERT ON `app`.* TO ..."; information_schema has not those of a role. */
static enum rc add_grant(void *ctx, const struct db_value *row)
{
	struct grants *grants = ctx;
	struct span text = arena_copy(grants->m->mem, row[0].s), pattern;
	const char *on = memmem(text.ptr, text.len, " ON ", 4), *end;

	if (grants->count == GRANTS || on == NULL || !span_starts(text, "GRANT "))
		return RC_OK;
	pattern = span_from(on + 4, text.len - (size_t)(on + 4 - text.ptr));
	if (span_starts(pattern, "*.* ")) {
		pattern = SPAN_OF("%");
	} else {
		end = memmem(pattern.ptr, pattern.len, "`.* TO ", 7);
		if (end == NULL || pattern.ptr[0] != '`')
			return RC_OK;
		pattern = span_from(pattern.ptr + 1, (size_t)(end - pattern.ptr - 1));
	}
	grants->words[grants->count] = span_from(text.ptr + 6, (size_t)(on - text.ptr - 6));
	grants->patterns[grants->count++] = pattern;
	return RC_OK;
}

static bool grants_word(struct span words, const char *wanted)
{
	struct span word;

	while (span_cut(&words, ',', &word)) {
		word = span_trim(word);
		if (span_is(word, wanted) || span_is(word, "ALL PRIVILEGES"))
			return true;
	}
	return false;
}

static enum rc read_granted(struct migration *m, bool granted[static NEEDED])
{
	struct grants grants = {.m = m};
	struct buf sql = statement_new(m);
	enum rc rc;

	buf_puts(&sql, "SHOW GRANTS");
	rc = read_each(m, &sql, "s", add_grant, &grants);
	for (size_t i = 0; i < grants.count && rc == RC_OK; i++) {
		uint64_t is_ours = 0;

		sql = statement_new(m);
		/* A pattern's backslashes are LIKE's. */
		buf_puts(&sql, "SELECT DATABASE() LIKE ");
		definition_put_text(&sql, grants.patterns[i]);
		rc = read_number(m, &sql, &is_ours);
		for (size_t k = 0; k < NEEDED && is_ours != 0; k++)
			granted[k] = granted[k] || grants_word(grants.words[i], needed[k]);
	}
	return rc;
}

static enum rc tell_privileges(struct migration *m, uint64_t *count)
{
	struct buf sql = statement_new(m), lacks = statement_new(m), line = statement_new(m);
	bool granted[NEEDED] = {false};
	struct span who = {0};
	enum rc rc = read_granted(m, granted);

	if (rc != RC_OK)
		return rc;
	for (size_t i = 0; i < NEEDED; i++)
		if (!granted[i])
			buf_putf(&lacks, "%s%s", lacks.len > 0 ? ", " : "", needed[i]);
	if (lacks.len == 0)
		return RC_OK;
	buf_puts(&sql,
	    "SELECT CONCAT('`', DATABASE(), '`.* TO ''', REPLACE(CURRENT_USER(), '@', '''@'''), '''')");
	rc = read_text(m, &sql, &who);
	*count += 1;
	tell(m, "obstacle privileges: DB_USERNAME may not do here: %.*s",
	    SPAN_ARG(buf_span(&lacks)));
	buf_putf(&line, "  cure: GRANT %.*s ON %.*s;", SPAN_ARG(buf_span(&lacks)), SPAN_ARG(who));
	tell_text(m, &line);
	return rc;
}

enum rc obstacles_tell(struct migration *m, uint64_t *ret)
{
	static enum rc (*const kinds[])(struct migration * m, uint64_t * count) = {tell_privileges,
	    tell_taken, tell_taken_columns, tell_triggers, tell_states, tell_providers,
	    tell_uniques, tell_orphans, tell_primaries, tell_numbers};
	uint64_t count = 0;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && rc == RC_OK; i++)
		rc = kinds[i](m, &count);
	if (rc == RC_OK)
		*ret = count;
	return rc;
}
