/*
 * down: the steps back to whatsapp_sessions.
 *
 * First the new names go, so that nobody writes the accounts any more; then
 * their words and values are brought back, and the old form.
 */
#include "accounts.h"
#include "alias.h"
#include "definition.h"
#include "kept.h"
#include "marks.h"
#include "steps.h"
#include "words.h"

static enum rc close_schema(struct migration *m)
{
	enum rc rc = marks_unwatch(m);

	return rc == RC_OK ? run_ddl_text(m, "DROP TABLE IF EXISTS wa_schema") : rc;
}

/* --- the old names */

static enum rc rename_tables(struct migration *m)
{
	struct span junction = {0};
	enum rc rc;

	if (has_table(m, SESSIONS))
		return RC_OK;
	rc = state_definition(m, "contact_sessions", &junction);
	if (rc != RC_OK)
		return rc;
	return run_ddl_text(m, junction.ptr != NULL ? "RENAME TABLE " ACCOUNTS " TO " SESSIONS
						      ", contact_accounts TO contact_sessions"
						    : "RENAME TABLE " ACCOUNTS " TO " SESSIONS);
}

static enum rc rename_sessions(struct migration *m)
{
	struct buf sql = statement_new(m), clauses = statement_new(m);
	struct columns old = {0};
	enum rc rc = state_columns(m, &old);

	if (rc != RC_OK)
		return rc;
	accounts_put_rename_back(&clauses, &m->survey.columns, &old);
	if (clauses.len == 0)
		return RC_OK;
	buf_puts(&sql, "ALTER TABLE " SESSIONS "\n");
	buf_put(&sql, buf_span(&clauses));
	return run_instant(m, &sql, "DEFAULT");
}

/* The old column as it was called; absent if it had the new name already. */
static enum rc read_old_name(
    struct migration *m, const struct renamed *renamed, const char *table, struct span *ret)
{
	struct definition before;
	struct span create = {0};
	const struct part *part;
	enum rc rc = state_definition(m, table, &create);

	*ret = (struct span){0};
	if (rc == RC_OK && create.ptr != NULL)
		rc = parse_definition(m, create, &before);
	if (rc != RC_OK || create.ptr == NULL)
		return rc;
	part = definition_find(&before, PART_COLUMN, span_of(renamed->old_column));
	if (part != NULL)
		*ret = part->name;
	return RC_OK;
}

static enum rc rename_child(struct migration *m)
{
	for (size_t i = 0; i < renamed_count; i++) {
		const struct renamed *r = &renamed_columns[i];
		const char *before = r->table_before != NULL ? r->table_before : r->table;
		struct span old = {0};
		enum rc rc;

		if (strcmp(m->step, before) != 0)
			continue;
		rc = read_old_name(m, r, before, &old);
		if (rc == RC_OK && old.ptr == NULL) {
			before = r->table;
			rc = read_old_name(m, r, before, &old);
		}
		return rc == RC_OK && old.ptr != NULL
			   ? rename_column(m, before, r->table, r->new_column, old)
			   : rc;
	}
	return RC_INTERNAL;
}

/* --- the old words */

static void put_words(struct migration *m, struct buf *sql, const char *range)
{
	const struct column *status = survey_column(&m->old, "status");

	buf_puts(sql, "UPDATE " SESSIONS
		      " AS t LEFT JOIN wa_migration_rows AS r ON r.id = t.id SET t.status = ");
	words_put_old(sql, "t.connection_status", status != NULL ? status->type : SPAN_OF(""));
	survey_put_unchanged(sql, &m->survey.columns, "t");
	buf_puts(
	    sql, " WHERE (t.status IS NULL OR t.state_version <> COALESCE(r.state_version, 0) OR ");
	words_put_new(sql, "t.status");
	buf_putf(sql, " <> t.connection_status) AND t.id %s", range);
}

static enum rc set_words(struct migration *m)
{
	bool has_states = false;
	enum rc rc = state_step_ended(m, DIRECTION_UP, "states", &has_states);

	/* Before that step nobody has served these accounts: their words are what they were. */
	if (rc != RC_OK || !has_states || !has_column(m, "connection_status"))
		return rc;
	rc = state_columns(m, &m->old);
	return rc == RC_OK ? run_batches(m, SESSIONS, put_words, "rows", NULL) : rc;
}

/* --- what the old table cannot hold, and the losers of newest-wins */

/*
 * Which losers of newest-wins get back what they had: all but those whom
 * somebody has touched since, or whose winner has lost it too.
 */
static enum rc judge_losers(struct migration *m)
{
	struct buf sql = statement_new(m);

	/* Without our column nobody has served them. */
	if (!has_column(m, "state_version") || !has_column(m, "deleted_at") ||
	    !has_column(m, "is_primary"))
		return RC_OK;
	buf_puts(&sql,
	    "UPDATE wa_migration_resolved AS d JOIN " SESSIONS
	    " AS t ON t.id = d.account_id"
	    " JOIN wa_migration_rows AS r ON r.id = t.id LEFT JOIN " SESSIONS
	    " AS v ON v.id = d.winner_id"
	    " SET d.restores = t.state_version = r.state_version AND IF(d.kind = 'number',"
	    " t.deleted_at <=> d.deleted_at, t.is_primary = 0 AND COALESCE(v.is_primary, 1))");
	return run_write(m, &sql, NULL);
}

/* --- the old form */

static enum rc rebuild(struct migration *m)
{
	struct buf sql = statement_new(m), clauses = statement_new(m);
	struct definition now, before;
	struct span now_text = {0}, before_text = {0};
	enum rc rc = state_definition(m, SESSIONS, &before_text);

	if (rc != RC_OK || before_text.ptr == NULL)
		return rc;
	/* A trial run finds the table under its new name still. */
	rc = read_definition(m, span_of(has_table(m, SESSIONS) ? SESSIONS : ACCOUNTS), &now_text);
	if (rc == RC_OK)
		rc = parse_definition(m, now_text, &now);
	if (rc == RC_OK)
		rc = parse_definition(m, before_text, &before);
	if (rc != RC_OK)
		return rc;
	definition_put_difference(&clauses, &now, &before, accounts_goes, m->scratch);
	if (clauses.len == 0)
		return RC_OK;
	buf_puts(&sql, "ALTER TABLE " SESSIONS "\n");
	buf_put(&sql, buf_span(&clauses));
	return run_ddl(m, &sql);
}

static enum rc restore(struct migration *m)
{
	struct buf sql = statement_new(m);
	uint64_t numbers = 0, primaries = 0;
	enum rc rc = RC_OK;

	if (has_column(m, "deleted_at")) {
		buf_putf(&sql,
		    "UPDATE " SESSIONS
		    " AS t JOIN wa_migration_resolved AS d ON d.account_id = t.id SET t.deleted_at = NULL");
		survey_put_unchanged(&sql, &m->survey.columns, "t");
		buf_puts(&sql,
		    " WHERE d.kind = 'number' AND d.restores = 1 AND t.deleted_at <=> d.deleted_at");
		rc = run_write(m, &sql, &numbers);
	}
	if (rc == RC_OK && has_column(m, "is_primary")) {
		sql = statement_new(m);
		buf_putf(&sql,
		    "UPDATE " SESSIONS
		    " AS t JOIN wa_migration_resolved AS d ON d.account_id = t.id SET t.is_primary = 1");
		survey_put_unchanged(&sql, &m->survey.columns, "t");
		buf_puts(&sql, " WHERE d.kind = 'primary' AND d.restores = 1");
		rc = run_write(m, &sql, &primaries);
	}
	if (rc == RC_OK && numbers + primaries > 0)
		tell(m, "  %llu accounts are live again, %llu are primary again",
		    (unsigned long long)numbers, (unsigned long long)primaries);
	return rc;
}

static enum rc tell_laravel(struct migration *m)
{
	struct buf sql = statement_new(m);
	uint64_t next = 0;
	enum rc rc;

	if (!has_table(m, "migrations"))
		return RC_OK;
	/* Unless it was there before. */
	rc = run_write_text(m,
	    "DELETE FROM migrations WHERE migration = '" LARAVELS_NAME
	    "' AND NOT EXISTS"
	    " (SELECT 1 FROM wa_migration_tables WHERE name = 'migrations' AND row_count > 0)",
	    NULL);
	if (rc != RC_OK || m->options->dry_run)
		return rc;
	buf_puts(&sql,
	    "SELECT COALESCE(MAX(next_id), 0) FROM wa_migration_tables WHERE name = 'migrations'");
	rc = read_number(m, &sql, &next);
	if (rc != RC_OK || next == 0)
		return rc;
	/* The server takes no number that is used already. */
	sql = statement_new(m);
	buf_putf(&sql, "ALTER TABLE migrations AUTO_INCREMENT = %llu", (unsigned long long)next);
	return run_ddl(m, &sql);
}

/* --- and whether it is as it was */

/* Parts that were there and are not, or not so. */
static void tell_missing(struct migration *m, const char *table, const struct definition *before,
    const struct definition *now, const char *column, uint64_t *faults)
{
	for (size_t i = 0; i < before->count; i++) {
		const struct part *part = &before->parts[i];
		const struct part *is = definition_find(now, part->kind, part->name);
		bool is_fault = column == NULL || span_eq_nocase(part->name, span_of(column));

		if (is != NULL && span_eq(is->text, part->text))
			continue;
		*faults += is_fault;
		tell(m, "  %s %s had: %.*s", is_fault ? "FAULT" : "note:", table,
		    SPAN_ARG(part->text));
		if (is != NULL)
			tell(m, "        and has: %.*s", SPAN_ARG(is->text));
	}
}

/* Of other tables than the sessions only `column` is ours to answer for. */
static enum rc check_table(
    struct migration *m, const char *table, const char *column, uint64_t *faults)
{
	struct definition before, now;
	struct span before_text = {0}, now_text = {0};
	enum rc rc = state_definition(m, table, &before_text);

	if (rc == RC_OK && before_text.ptr != NULL)
		rc = read_definition(m, span_of(table), &now_text);
	if (rc != RC_OK || before_text.ptr == NULL || definition_is_same(before_text, now_text))
		return rc;
	rc = parse_definition(m, before_text, &before);
	if (rc == RC_OK)
		rc = parse_definition(m, now_text, &now);
	if (rc == RC_OK)
		tell_missing(m, table, &before, &now, column, faults);
	tell(m, "  note: %s is not made quite as it was: somebody has changed it since", table);
	return rc;
}

static enum rc check(struct migration *m)
{
	uint64_t faults = 0;
	enum rc rc;

	if (m->options->dry_run)
		return RC_OK;
	rc = check_table(m, SESSIONS, NULL, &faults);
	for (size_t i = 0; i < renamed_count && rc == RC_OK; i++) {
		const struct renamed *r = &renamed_columns[i];

		rc = check_table(m, r->table, r->old_column, &faults);
		if (rc == RC_OK && r->table_before != NULL)
			rc = check_table(m, r->table_before, r->old_column, &faults);
	}
	return rc == RC_OK && faults > 0 ? RC_INVALID : rc;
}

/* Our own tables; the outbox only if there is nothing left to be told. */
static enum rc forget(struct migration *m)
{
	struct buf sql = statement_new(m);
	uint64_t open = 0;
	enum rc rc = RC_OK;

	if (has_table(m, "wa_outbox")) {
		buf_puts(&sql,
		    "SELECT COUNT(*) FROM wa_outbox WHERE state IN ('waiting', 'sending', 'given_up')");
		rc = read_number(m, &sql, &open);
		if (rc == RC_OK && open > 0)
			tell(m, "  wa_outbox stays: %llu rows were not delivered",
			    (unsigned long long)open);
		else if (rc == RC_OK)
			rc = run_ddl_text(m, "DROP TABLE IF EXISTS wa_outbox");
	}
	if (rc == RC_OK)
		rc = run_ddl_text(m, "DROP TABLE IF EXISTS wa_schema, wa_lanes, wa_workspaces");
	return rc == RC_OK ? state_forget(m) : rc;
}

static enum rc keep(struct migration *m)
{
	enum rc rc = kept_collect(m);

	return rc == RC_OK ? judge_losers(m) : rc;
}

// clang-format off
static const struct step rows[] = {
	{"close", "no pool begins to serve", close_schema},
	{"rename", ACCOUNTS " -> " SESSIONS ", contact_accounts -> contact_sessions; no pool serves", rename_tables},
	{"status", "the computed one goes", alias_drop},
	{"sessions", "wa_old_status -> status, account_name -> session_name", rename_sessions},
	{"chats", "whatsapp_account_id -> whatsapp_session_id", rename_child},
	{"campaign_logs", "whatsapp_account_id -> whatsapp_session_id", rename_child},
	{"contact_sessions", "whatsapp_account_id -> whatsapp_session_id", rename_child},
	{"whatsapp_groups", "whatsapp_account_id -> whatsapp_session_id", rename_child},
	{"contacts", "source_account_id -> source_session_id", rename_child},
	{"words", "the old words, for what has changed since", set_words},
	{"keep", "keep what the old table cannot hold for the next migrate up", keep},
	{"rebuild", "the old form: the one copy of the table", rebuild},
	{"restore", "give back what newest-wins took", restore},
	{"laravel", "tell Laravel's table migrations", tell_laravel},
	{"check", "compare the tables with how they were", check},
	{"forget", "drop our own tables", forget},
};
// clang-format on

const struct steps down_steps = {DIRECTION_DOWN, rows, sizeof(rows) / sizeof(rows[0])};
