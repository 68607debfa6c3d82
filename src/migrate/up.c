/*
 * up: the steps from whatsapp_sessions to whatsapp_accounts.
 *
 * What may take long comes first, while everything still has its old name;
 * then the renames, which are instant; then what only needs the accounts.
 * From the rename to the last step nobody reads or writes the accounts: the
 * old names are gone, and without wa_schema's row no pool serves.
 */
#include "accounts.h"
#include "alias.h"
#include "base/now.h"
#include "definition.h"
#include "kept.h"
#include "marks.h"
#include "obstacles.h"
#include "schema/schema.h"
#include "steps.h"
#include "words.h"

const struct renamed renamed_columns[] = {
    {"chats", NULL, "whatsapp_session_id", "whatsapp_account_id"},
    {"campaign_logs", NULL, "whatsapp_session_id", "whatsapp_account_id"},
    {"contact_accounts", "contact_sessions", "whatsapp_session_id", "whatsapp_account_id"},
    {"whatsapp_groups", NULL, "whatsapp_session_id", "whatsapp_account_id"},
    {"contacts", NULL, "source_session_id", "source_account_id"},
};
const size_t renamed_count = sizeof(renamed_columns) / sizeof(renamed_columns[0]);

static enum rc begin(struct migration *m)
{
	enum rc rc = state_make_kept(m);

	return rc == RC_OK ? state_record(m) : rc;
}

/* --- what there is */

static enum rc keep_counts(void *ctx, const struct db_value *row)
{
	uint64_t *counts = ctx;

	for (size_t i = 0; i < 3; i++)
		counts[i] = row[i].u;
	return RC_OK;
}

/* How many rows a table has, how many of them name a session, and which. */
static enum rc count_references(struct migration *m, const char *table, const char *column)
{
	struct buf sql = statement_new(m);
	uint64_t counts[3] = {0};
	enum rc rc;

	buf_putf(&sql,
	    "SELECT COUNT(*), COUNT(%s), CAST(COALESCE(SUM(CRC32(%s)), 0) AS UNSIGNED) FROM %s",
	    column, column, table);
	rc = m->options->dry_run ? RC_OK : read_each(m, &sql, "uuu", keep_counts, counts);
	if (rc != RC_OK)
		return rc;
	sql = statement_new(m);
	buf_putf(&sql,
	    "UPDATE wa_migration_tables SET ref_column = '%s', row_count = %llu, ref_count = %llu,"
	    " ref_sum = %llu WHERE name = '%s'",
	    column, (unsigned long long)counts[0], (unsigned long long)counts[1],
	    (unsigned long long)counts[2], table);
	return run_write(m, &sql, NULL);
}

static enum rc record(struct migration *m)
{
	enum rc rc = RC_OK;

	if (!has_table(m, SESSIONS))
		return RC_OK;
	rc = marks_watch(m);
	for (size_t i = 0; i < renamed_count && rc == RC_OK; i++) {
		const struct renamed *r = &renamed_columns[i];
		const char *table = r->table_before != NULL && has_table(m, r->table_before)
					? r->table_before
					: r->table;
		struct columns columns = {0};

		rc = survey_columns(m, table, &columns);
		if (rc == RC_OK && survey_column(&columns, r->old_column) != NULL)
			rc = count_references(m, table, r->old_column);
	}
	return rc == RC_OK ? marks_record(m) : rc;
}

/* --- duplicates */

static enum rc tell_resolved(void *ctx, const struct db_value *row)
{
	tell(ctx, "  account %llu %s; %llu keeps it", (unsigned long long)row[0].u,
	    row[2].u != 0 ? "is soft-deleted, because its number is another's"
			  : "is not primary any more",
	    (unsigned long long)row[1].u);
	return RC_OK;
}

static enum rc tell_all_resolved(struct migration *m)
{
	struct buf sql = statement_new(m);

	buf_puts(&sql,
	    "SELECT account_id, winner_id, kind = 'number' FROM wa_migration_resolved ORDER BY 1");
	return read_each(m, &sql, "uuu", tell_resolved, m);
}

static enum rc resolve_kind(struct migration *m, bool by_number)
{
	struct buf losers = statement_new(m), sql = statement_new(m);
	const char *kind = by_number ? "number" : "primary";
	char now[NOW_TEXT_SIZE];
	enum rc rc;

	buf_putf(&losers,
	    "INSERT IGNORE INTO wa_migration_resolved (account_id, kind, winner_id, deleted_at)"
	    " SELECT account_id, '%s', winner_id, %s%s%s FROM (",
	    kind, by_number ? "'" : "", by_number ? now_sql(now_us(), now) : "NULL",
	    by_number ? "'" : "");
	obstacles_put_losers(m, &losers, by_number);
	buf_puts(&losers, ") AS losers");
	rc = run_write(m, &losers, NULL);
	buf_putf(&sql,
	    "UPDATE " SESSIONS
	    " AS s JOIN wa_migration_resolved AS r ON r.account_id = s.id AND r.kind = '%s' SET s.%s",
	    kind, by_number ? "deleted_at = r.deleted_at" : "is_primary = 0");
	survey_put_unchanged(&sql, &m->survey.columns, "s");
	if (rc == RC_OK)
		rc = run_write(m, &sql, NULL);
	if (rc == RC_OK)
		rc = run_write_text(m,
		    "UPDATE wa_migration_rows AS w JOIN wa_migration_resolved AS r ON r.account_id = w.id"
		    " SET w.is_ours = 1",
		    NULL);
	if (rc != RC_OK || !by_number)
		return rc;
	/* As the column holds it: a date, or without fractions. */
	return run_write_text(m,
	    "UPDATE wa_migration_resolved AS r JOIN " SESSIONS
	    " AS s ON s.id = r.account_id"
	    " SET r.deleted_at = s.deleted_at WHERE r.kind = 'number'",
	    NULL);
}

static enum rc resolve_all(struct db *db, void *ctx)
{
	struct migration *m = ctx;
	enum rc rc = RC_OK;

	(void)db;
	if (has_column(m, "phone_number") && has_column(m, "deleted_at"))
		rc = resolve_kind(m, true);
	if (rc == RC_OK && has_column(m, "is_primary"))
		rc = resolve_kind(m, false);
	return rc;
}

static enum rc resolve(struct migration *m)
{
	enum rc rc;

	if (!m->options->newest_wins || !has_table(m, SESSIONS))
		return RC_OK;
	rc = run_transaction(m, resolve_all);
	return rc == RC_OK && !m->options->dry_run ? tell_all_resolved(m) : rc;
}

/* --- the one copy */

/* A key to be added needs its parent, and the same type there. */
static enum rc lacks_key(struct migration *m, const char *column, const char *parent, bool *ret)
{
	const struct column *own = survey_column(&m->survey.columns, column), *theirs;
	struct columns columns = {0};
	enum rc rc = survey_columns(m, parent, &columns);

	*ret = false;
	if (rc != RC_OK)
		return rc;
	for (size_t i = 0; i < m->survey.parent_count; i++)
		if (span_eq_nocase(m->survey.parents[i].column, span_of(column)))
			return RC_OK;
	theirs = survey_column(&columns, "id");
	*ret = own != NULL && theirs != NULL && span_eq(own->type, theirs->type) &&
	       span_is(survey_table(&m->survey, parent)->engine, "InnoDB");
	if (!*ret)
		tell(m,
		    "  note: no foreign key for %s: there is no id of its type in an InnoDB table %s",
		    column, parent);
	return RC_OK;
}

static enum rc read_sessions(struct migration *m, struct definition *ret)
{
	struct span create = {0};
	enum rc rc = read_definition(m, SPAN_OF(SESSIONS), &create);

	return rc == RC_OK ? parse_definition(m, create, ret) : rc;
}

static enum rc alter_sessions(struct migration *m, const struct buf *clauses)
{
	struct buf sql = statement_new(m);

	if (clauses->len == 0)
		return RC_OK;
	buf_puts(&sql, "ALTER TABLE " SESSIONS "\n");
	buf_put(&sql, buf_span(clauses));
	return run_ddl(m, &sql);
}

/*
 * A server that was killed while the copy took the table's place may have
 * finished that and forgotten the table's own foreign keys (MariaDB 10.11).
 */
static enum rc mend_references(struct migration *m)
{
	struct buf clauses = statement_new(m);
	struct definition now, before;
	struct span create = {0};
	enum rc rc = read_sessions(m, &now);

	if (rc == RC_OK)
		rc = state_definition(m, SESSIONS, &create);
	if (rc == RC_OK)
		rc = parse_definition(m, create, &before);
	for (size_t i = 0; rc == RC_OK && i < before.count; i++)
		if (before.parts[i].kind == PART_CONSTRAINT &&
		    !definition_has_reference(&now, &before.parts[i]))
			buf_putf(&clauses, "%sADD %.*s", clauses.len > 0 ? ",\n" : "",
			    SPAN_ARG(before.parts[i].text));
	if (rc == RC_OK)
		rc = alter_sessions(m, &clauses);
	return rc == RC_OK ? survey_again(m) : rc;
}

static enum rc rebuild(struct migration *m)
{
	struct buf clauses = statement_new(m);
	bool is_done = has_column(m, "live_phone"), adds_workspace = false, adds_creator = false;
	struct definition now;
	enum rc rc;

	if (!has_table(m, SESSIONS))
		return RC_OK;
	rc = is_done ? mend_references(m) : read_sessions(m, &now);
	if (rc == RC_OK)
		rc = lacks_key(m, "workspace_id", "workspaces", &adds_workspace);
	if (rc == RC_OK)
		rc = lacks_key(m, "created_by", "users", &adds_creator);
	if (rc != RC_OK)
		return rc;
	if (!is_done)
		accounts_put_rebuild(&clauses, &now, &m->survey.columns);
	accounts_put_references(&clauses, adds_workspace, adds_creator);
	return alter_sessions(m, &clauses);
}

/* --- the new names */

static enum rc rename_tables(struct migration *m)
{
	if (!has_table(m, SESSIONS))
		return RC_OK;
	if (!m->options->dry_run)
		m->renamed_us = now_monotonic_us();
	return run_ddl_text(m, has_table(m, "contact_sessions")
				   ? "RENAME TABLE " SESSIONS " TO " ACCOUNTS
				     ", contact_sessions TO contact_accounts"
				   : "RENAME TABLE " SESSIONS " TO " ACCOUNTS);
}

static enum rc alter_accounts(
    struct migration *m, void (*put)(struct buf *b, const struct columns *columns))
{
	struct buf sql = statement_new(m), clauses = statement_new(m);

	put(&clauses, &m->survey.columns);
	if (clauses.len == 0)
		return RC_OK;
	buf_puts(&sql, "ALTER TABLE " ACCOUNTS "\n");
	buf_put(&sql, buf_span(&clauses));
	return run_instant(m, &sql, "DEFAULT");
}

/* The default first: it names the old column. */
static enum rc rename_accounts(struct migration *m)
{
	enum rc rc = marks_unwatch(m);

	if (rc == RC_OK && has_column(m, "status"))
		rc = alter_accounts(m, accounts_put_default);
	return rc == RC_OK ? alter_accounts(m, accounts_put_rename) : rc;
}

enum rc rename_column(
    struct migration *m, const char *table, const char *table_now, const char *from, struct span to)
{
	bool is_trial = m->options->dry_run && has_table(m, table_now);
	struct columns columns = {0};
	struct buf sql = statement_new(m);
	enum rc rc = survey_columns(m, is_trial ? table_now : table, &columns);

	if (rc != RC_OK || survey_column(&columns, from) == NULL ||
	    survey_column(&columns, arena_copy(m->scratch, to).ptr) != NULL)
		return rc;
	buf_putf(&sql, "ALTER TABLE %s RENAME COLUMN %s TO ", table, from);
	definition_put_name(&sql, to);
	return run_instant(m, &sql, "NOCOPY");
}

/* The step that bears the table's name. */
static enum rc rename_child(struct migration *m)
{
	for (size_t i = 0; i < renamed_count; i++) {
		const struct renamed *r = &renamed_columns[i];

		if (strcmp(r->table, m->step) == 0)
			return rename_column(m, r->table,
			    r->table_before != NULL ? r->table_before : r->table, r->old_column,
			    span_of(r->new_column));
	}
	return RC_INTERNAL;
}

/* --- the accounts */

static void put_states(struct migration *m, struct buf *sql, const char *range)
{
	buf_puts(sql, "UPDATE " ACCOUNTS " AS t SET t.connection_status = ");
	words_put_new(sql, "t.wa_old_status");
	survey_put_unchanged(sql, &m->survey.columns, "t");
	buf_puts(sql, " WHERE t.wa_old_status IS NOT NULL AND NOT (t.connection_status <=> ");
	words_put_new(sql, "t.wa_old_status");
	buf_putf(sql, ") AND t.id %s", range);
}

static enum rc set_states(struct migration *m)
{
	return run_batches(m, ACCOUNTS, put_states, "rows", NULL);
}

/* --- Laravel, and the pool */

static enum rc tell_laravel(struct migration *m)
{
	if (!has_table(m, "migrations"))
		return RC_OK;
	return run_write_text(m,
	    "INSERT INTO migrations (migration, batch) SELECT '" LARAVELS_NAME
	    "', COALESCE(MAX(batch), 0) + 1"
	    " FROM migrations HAVING SUM(migration = '" LARAVELS_NAME
	    "') IS NULL OR SUM(migration = '" LARAVELS_NAME "') = 0",
	    NULL);
}

static enum rc verify(struct migration *m)
{
	return m->options->dry_run ? RC_OK : verify_run(m, false);
}

static enum rc open_schema(struct migration *m)
{
	const char *fault = NULL;
	enum rc rc;

	if (m->options->dry_run) {
		tell(m, "      (what wa-accountsctl schema apply does)");
		return RC_OK;
	}
	rc = schema_apply(m->db, m->scratch, SCHEMA_MIGRATES, NULL, &fault);
	if (fault != NULL)
		tell(m, "  %s", fault);
	return rc;
}

// clang-format off
static const struct step rows[] = {
	{"begin", "note how every table is made, to be able to go back", begin},
	{"record", "note a checksum of every column of every session", record},
	{"resolve", "let the newest win where two have one number, or are primary", resolve},
	{"rebuild", "add what accounts need: the one copy of the table", rebuild},
	{"rename", SESSIONS " -> " ACCOUNTS ", contact_sessions -> contact_accounts", rename_tables},
	{"accounts", "status -> wa_old_status, session_name -> account_name", rename_accounts},
	{"status", "computed from connection_status: the old word, for those who still read it", alias_add},
	{"chats", "whatsapp_session_id -> whatsapp_account_id", rename_child},
	{"campaign_logs", "whatsapp_session_id -> whatsapp_account_id", rename_child},
	{"contact_accounts", "whatsapp_session_id -> whatsapp_account_id", rename_child},
	{"whatsapp_groups", "whatsapp_session_id -> whatsapp_account_id", rename_child},
	{"contacts", "source_session_id -> source_account_id", rename_child},
	{"states", "connection_status of rows that were written since the rebuild", set_states},
	{"kept", "bring back what an earlier migrate down has kept", kept_restore},
	{"laravel", "tell Laravel's table migrations", tell_laravel},
	{"verify", "compare everything with what was noted", verify},
	{"schema", "our tables; from here on the pool serves", open_schema},
};
// clang-format on

const struct steps up_steps = {DIRECTION_UP, rows, sizeof(rows) / sizeof(rows[0])};
