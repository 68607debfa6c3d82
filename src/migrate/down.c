/*
 * down: the steps back to whatsapp_sessions.
 *
 * First the new names go, so that nobody writes the accounts any more; then
 * their words and values are brought back, and the old form.
 */
#include "accounts.h"
#include "definition.h"
#include "marks.h"
#include "steps.h"
#include "words.h"

#define MIGRATION "2025_11_14_000000_rename_whatsapp_sessions_to_accounts"

static bool has_table(const struct migration *m, const char *table)
{
	return survey_table(&m->survey, table) != NULL;
}

static bool has(const struct migration *m, const char *column)
{
	return survey_column(&m->survey.columns, column) != NULL;
}

/* A trial run finds the table under its new name still. */
static const char *sessions(const struct migration *m)
{
	return m->options->dry_run && !has_table(m, SESSIONS) ? ACCOUNTS : SESSIONS;
}

static enum rc close_schema(struct migration *m)
{
	return run_ddl_text(m, "DROP TABLE IF EXISTS wa_schema");
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
	accounts_put_rename_back(
	    &clauses, &m->survey.columns, survey_column(&old, "session_name") != NULL);
	if (clauses.len == 0)
		return RC_OK;
	buf_putf(&sql, "ALTER TABLE %s\n", sessions(m));
	buf_put(&sql, buf_span(&clauses));
	buf_puts(&sql, ",\nALGORITHM=INSTANT");
	return run_ddl(m, &sql);
}

/* Only a column that had the old name when it all began. */
static enum rc rename_child(struct migration *m)
{
	for (size_t i = 0; i < renamed_count; i++) {
		const struct renamed *r = &renamed_columns[i];
		const char *table = r->table;
		struct definition before;
		struct span create = {0};
		enum rc rc;

		if (strcmp(m->step, r->table) != 0 &&
		    (r->table_before == NULL || strcmp(m->step, r->table_before) != 0))
			continue;
		rc = state_definition(m, table, &create);
		if (rc == RC_OK && create.ptr == NULL && r->table_before != NULL) {
			table = r->table_before;
			rc = state_definition(m, table, &create);
		}
		if (rc != RC_OK || create.ptr == NULL)
			return rc;
		rc = definition_parse(create, m->scratch, &before);
		if (rc != RC_OK ||
		    definition_find(&before, PART_COLUMN, span_of(r->old_column)) == NULL)
			return rc;
		return rename_column(m, table, r->new_column, r->old_column);
	}
	return RC_INTERNAL;
}

/* --- the old words */

static void put_words(struct migration *m, struct buf *sql, const char *range)
{
	const struct column *status = survey_column(&m->old, "status");

	buf_putf(sql,
	    "UPDATE %s AS t LEFT JOIN wa_migration_rows AS r ON r.id = t.id SET t.status = ",
	    sessions(m));
	words_put_old(sql, "t.connection_status", status != NULL ? status->type : SPAN_OF(""));
	survey_put_unchanged(sql, &m->survey.columns, "t");
	buf_puts(sql,
	    " WHERE (t.status IS NULL OR r.id IS NULL OR t.state_version <> r.state_version OR ");
	words_put_new(sql, "t.status");
	buf_putf(sql, " <> t.connection_status) AND t.id %s", range);
}

static enum rc set_words(struct migration *m)
{
	bool has_states = false;
	enum rc rc = state_step_ended(m, DIRECTION_UP, "states", &has_states);

	/* Before that step nobody has served these accounts: their words are what they were. */
	if (rc != RC_OK || !has_states || !has(m, "connection_status"))
		return rc;
	rc = state_columns(m, &m->old);
	return rc == RC_OK ? run_batches(m, sessions(m), put_words, "rows", NULL) : rc;
}

/* --- what the old table cannot hold */

static void put_kept_column(struct buf *columns, struct buf *values, struct buf *where,
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
static enum rc keep_columns(struct migration *m)
{
	struct buf sql = statement_new(m), columns = statement_new(m), values = statement_new(m),
		   where = statement_new(m), update = statement_new(m);

	for (size_t i = 0; i < accounts_need_count; i++) {
		const struct need *need = &accounts_needs[i];

		if ((need->flags & NEED_KEPT) != 0 && accounts_old_column(&m->old, need) == NULL &&
		    has(m, need->name))
			put_kept_column(&columns, &values, &where, &update, need);
	}
	if (where.len == 0)
		return RC_OK;
	buf_putf(&sql,
	    "INSERT INTO wa_migration_kept (account_id, uuid%.*s) SELECT t.id, t.uuid%.*s FROM %s AS t WHERE%.*s"
	    " ON DUPLICATE KEY UPDATE%.*s",
	    SPAN_ARG(buf_span(&columns)), SPAN_ARG(buf_span(&values)), sessions(m),
	    SPAN_ARG(buf_span(&where)), SPAN_ARG(buf_span(&update)));
	return run_write(m, &sql, NULL);
}

/* `value`, as SQL, takes the place of what `condition` finds; what was there is kept. */
static enum rc keep_value(struct migration *m, const char *column, const struct need *need,
    const char *condition, const char *value)
{
	struct buf keep = statement_new(m), set = statement_new(m);
	enum rc rc = RC_OK;

	if ((need->flags & NEED_KEPT) != 0) {
		buf_putf(&keep,
		    "INSERT INTO wa_migration_kept (account_id, uuid, %s) SELECT t.id, t.uuid, t.%s FROM %s AS t"
		    " WHERE %s ON DUPLICATE KEY UPDATE %s = VALUES(%s)",
		    need->name, column, sessions(m), condition, need->name, need->name);
		rc = run_write(m, &keep, NULL);
	}
	buf_putf(&set, "UPDATE %s AS t SET t.%s = %s", sessions(m), column, value);
	survey_put_unchanged(&set, &m->survey.columns, "t");
	buf_putf(&set, " WHERE %s", condition);
	return rc == RC_OK ? run_write(m, &set, NULL) : rc;
}

static const char *text_in(struct buf *b)
{
	buf_putc(b, '\0');
	return b->failed ? "" : b->ptr;
}

/* Texts that are longer than they may be there, or have other letters. */
static enum rc keep_narrow(struct migration *m, const struct column *old, const struct need *need)
{
	struct buf name = statement_new(m), fitting = statement_new(m),
		   condition = statement_new(m);
	const char *value;

	if (old->charset.ptr == NULL || need->chars == 0)
		return RC_OK;
	buf_puts(&name, "t.");
	definition_put_name(&name, old->name);
	accounts_put_fitting(&fitting, old, need, text_in(&name));
	value = text_in(&fitting);
	buf_putf(&condition,
	    "t.%.*s IS NOT NULL AND CAST(CONVERT(%s USING utf8mb4) AS BINARY) <>"
	    " CAST(CONVERT(t.%.*s USING utf8mb4) AS BINARY)",
	    SPAN_ARG(old->name), value, SPAN_ARG(old->name));
	return keep_value(
	    m, arena_copy(m->scratch, old->name).ptr, need, text_in(&condition), value);
}

/* A column that allowed no NULL gets what it had when nothing was given. */
static enum rc fill_nulls(struct migration *m, const struct column *old, bool is_unique)
{
	struct buf sql = statement_new(m);
	struct span name = old->name;

	if (old->is_nullable || old->is_generated)
		return RC_OK;
	buf_putf(&sql, "UPDATE %s AS t SET t.%.*s = ", sessions(m), SPAN_ARG(name));
	if (is_unique && old->charset.ptr != NULL)
		buf_puts(&sql, "CONCAT('-', t.id)");
	else
		accounts_put_nothing(&sql, old, span_is(name, "metadata"));
	survey_put_unchanged(&sql, &m->survey.columns, "t");
	buf_putf(&sql, " WHERE t.%.*s IS NULL", SPAN_ARG(name));
	return run_write(m, &sql, NULL);
}

/*
 * The numbers that an old unique key would refuse.  The live account keeps
 * its number there, then the older one.
 */
static enum rc keep_numbers(struct migration *m, const struct part *key)
{
	static const struct need number = {.name = "phone_number", .flags = NEED_KEPT};
	struct buf condition = statement_new(m), names = statement_new(m), given = statement_new(m);
	const struct column *old = survey_column(&m->old, "phone_number");
	const char *deleted = has(m, "deleted_at") ? "deleted_at IS NULL DESC, " : "";
	struct span rest = key->columns, name;

	while (definition_next_column(&rest, &name)) {
		buf_puts(&names, names.len > 0 ? ", " : "");
		definition_put_name(&names, name);
		buf_puts(&given, given.len > 0 ? " AND " : "");
		definition_put_name(&given, name);
		buf_puts(&given, " IS NOT NULL");
	}
	buf_putf(&condition,
	    "t.id IN (SELECT id FROM (SELECT id, ROW_NUMBER() OVER (PARTITION BY %.*s ORDER BY %sid) AS place"
	    " FROM %s WHERE %.*s) AS ranked WHERE place > 1)",
	    SPAN_ARG(buf_span(&names)), deleted, sessions(m), SPAN_ARG(buf_span(&given)));
	return keep_value(m, "phone_number", &number, text_in(&condition),
	    old != NULL && !old->is_nullable ? "CONCAT('-', t.id)" : "NULL");
}

static enum rc keep_all_numbers(struct migration *m, const struct definition *before)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < before->count && rc == RC_OK; i++)
		if (before->parts[i].kind == PART_KEY && before->parts[i].is_unique &&
		    definition_key_has(&before->parts[i], SPAN_OF("phone_number")))
			rc = keep_numbers(m, &before->parts[i]);
	return rc;
}

static bool has_unique_key(const struct definition *definition, struct span column)
{
	for (size_t i = 0; i < definition->count; i++)
		if (definition->parts[i].kind == PART_KEY && definition->parts[i].is_unique &&
		    definition_key_has(&definition->parts[i], column))
			return true;
	return false;
}

static enum rc keep(struct migration *m)
{
	struct definition before;
	struct span create = {0};
	enum rc rc = state_columns(m, &m->old);

	if (rc == RC_OK)
		rc = state_definition(m, SESSIONS, &create);
	/* Not there: nothing of ours was added yet. */
	if (rc != RC_OK || create.ptr == NULL || !has(m, "connection_status"))
		return rc;
	rc = definition_parse(create, m->mem, &before);
	if (rc == RC_OK)
		rc = keep_columns(m);
	if (rc == RC_OK && survey_column(&m->old, "phone_number") != NULL)
		rc = keep_all_numbers(m, &before);
	for (size_t i = 0; i < accounts_need_count && rc == RC_OK; i++) {
		const struct need *need = &accounts_needs[i];
		const struct column *old = accounts_old_column(&m->old, need);

		if (old == NULL || !accounts_must_change(old, need))
			continue;
		rc = keep_narrow(m, old, need);
		if (rc == RC_OK)
			rc = fill_nulls(m, old, has_unique_key(&before, old->name));
	}
	return rc;
}

/* Which losers of newest-wins get back what they had: those whom nobody has touched since. */
static enum rc judge_losers(struct migration *m)
{
	struct buf sql = statement_new(m);

	if (!has(m, "state_version"))
		return RC_OK;
	buf_putf(&sql,
	    "UPDATE wa_migration_resolved AS d JOIN %s AS t ON t.id = d.account_id"
	    " JOIN wa_migration_rows AS r ON r.id = t.id JOIN %s AS v ON v.id = d.winner_id"
	    " SET d.restores = IF(d.kind = 'number', t.deleted_at <=> d.deleted_at,"
	    " t.is_primary = 0 AND v.is_primary) WHERE t.state_version = r.state_version",
	    sessions(m), sessions(m));
	return has(m, "deleted_at") && has(m, "is_primary") ? run_write(m, &sql, NULL) : RC_OK;
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
	rc = read_definition(m, span_of(sessions(m)), &now_text);
	if (rc == RC_OK)
		rc = definition_parse(now_text, m->scratch, &now);
	if (rc == RC_OK)
		rc = definition_parse(before_text, m->scratch, &before);
	if (rc != RC_OK)
		return rc;
	definition_put_difference(&clauses, &now, &before, accounts_goes, m->scratch);
	if (clauses.len == 0)
		return RC_OK;
	buf_putf(&sql, "ALTER TABLE %s\n", sessions(m));
	buf_put(&sql, buf_span(&clauses));
	return run_ddl(m, &sql);
}

static enum rc restore(struct migration *m)
{
	struct buf sql = statement_new(m);
	uint64_t numbers = 0, primaries = 0;
	enum rc rc = RC_OK;

	if (has(m, "deleted_at")) {
		buf_putf(&sql,
		    "UPDATE %s AS t JOIN wa_migration_resolved AS d ON d.account_id = t.id SET t.deleted_at = NULL",
		    sessions(m));
		survey_put_unchanged(&sql, &m->survey.columns, "t");
		buf_puts(&sql,
		    " WHERE d.kind = 'number' AND d.restores = 1 AND t.deleted_at <=> d.deleted_at");
		rc = run_write(m, &sql, &numbers);
	}
	if (rc == RC_OK && has(m, "is_primary")) {
		sql = statement_new(m);
		buf_putf(&sql,
		    "UPDATE %s AS t JOIN wa_migration_resolved AS d ON d.account_id = t.id SET t.is_primary = 1",
		    sessions(m));
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
	rc = run_write_text(m, "DELETE FROM migrations WHERE migration = '" MIGRATION "'", NULL);
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

/* Parts that were there and are not, or not so; *ret counts them. */
static void tell_missing(struct migration *m, const char *table, const struct definition *before,
    const struct definition *now, uint64_t *ret)
{
	for (size_t i = 0; i < before->count; i++) {
		const struct part *part = &before->parts[i];
		const struct part *is = definition_find(now, part->kind, part->name);

		if (is != NULL && span_eq(is->text, part->text))
			continue;
		*ret += 1;
		tell(m, "  FAULT %s had: %.*s", table, SPAN_ARG(part->text));
		if (is != NULL)
			tell(m, "        and has: %.*s", SPAN_ARG(is->text));
	}
}

static enum rc check_table(struct migration *m, const char *table, uint64_t *faults)
{
	struct definition before, now;
	struct span before_text = {0}, now_text = {0};
	enum rc rc = state_definition(m, table, &before_text);

	if (rc == RC_OK && before_text.ptr != NULL)
		rc = read_definition(m, span_of(table), &now_text);
	if (rc != RC_OK || before_text.ptr == NULL || definition_is_same(before_text, now_text))
		return rc;
	rc = definition_parse(before_text, m->scratch, &before);
	if (rc == RC_OK)
		rc = definition_parse(now_text, m->scratch, &now);
	if (rc == RC_OK)
		tell_missing(m, table, &before, &now, faults);
	tell(m, "  note: %s is not made quite as it was: somebody has changed it since", table);
	return rc;
}

static enum rc check(struct migration *m)
{
	uint64_t faults = 0, others = 0;
	enum rc rc;

	if (m->options->dry_run)
		return RC_OK;
	rc = check_table(m, SESSIONS, &faults);
	for (size_t i = 0; i < renamed_count && rc == RC_OK; i++) {
		rc = check_table(m, renamed_columns[i].table, &others);
		if (rc == RC_OK && renamed_columns[i].table_before != NULL)
			rc = check_table(m, renamed_columns[i].table_before, &others);
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
		rc = run_ddl_text(m, "DROP TABLE IF EXISTS wa_lanes, wa_workspaces");
	return rc == RC_OK ? state_forget(m) : rc;
}

static enum rc keep_and_judge(struct migration *m)
{
	enum rc rc = keep(m);

	return rc == RC_OK ? judge_losers(m) : rc;
}

// clang-format off
static const struct step rows[] = {
	{"close", "the pool stops serving", close_schema},
	{"rename", ACCOUNTS " -> " SESSIONS ", contact_accounts -> contact_sessions", rename_tables},
	{"sessions", "wa_old_status -> status, account_name -> session_name", rename_sessions},
	{"chats", "whatsapp_account_id -> whatsapp_session_id", rename_child},
	{"campaign_logs", "whatsapp_account_id -> whatsapp_session_id", rename_child},
	{"contact_sessions", "whatsapp_account_id -> whatsapp_session_id", rename_child},
	{"whatsapp_groups", "whatsapp_account_id -> whatsapp_session_id", rename_child},
	{"contacts", "source_account_id -> source_session_id", rename_child},
	{"words", "the old words, for what has changed since", set_words},
	{"keep", "keep what the old table cannot hold for the next migrate up", keep_and_judge},
	{"rebuild", "the old form: the one copy of the table", rebuild},
	{"restore", "give back what newest-wins took", restore},
	{"laravel", "tell Laravel's table migrations", tell_laravel},
	{"check", "compare the tables with how they were", check},
	{"forget", "drop our own tables", forget},
};
// clang-format on

const struct steps down_steps = {DIRECTION_DOWN, rows, sizeof(rows) / sizeof(rows[0])};
