/*
 * verify: whether the accounts are what the sessions were.
 */
#include <stdarg.h>
#include <stdio.h>

#include "accounts.h"
#include "alias.h"
#include "base/bounds.h"
#include "definition.h"
#include "marks.h"
#include "steps.h"
#include "words.h"

enum { LISTED = 20, SEALED_LISTED = 1000 };

struct verifying {
	struct migration *m;
	bool is_finished; /* the application has been at work since */
	uint64_t faults;
};

enum verdict { VERDICT_OK, VERDICT_CHANGED, VERDICT_FAULT };

/* A line of the table. */
static void judge(struct verifying *v, enum verdict verdict, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

static void judge(struct verifying *v, enum verdict verdict, const char *fmt, ...)
{
	static const char *const words[] = {"ok", "changed", "FAULT"};
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (verdict == VERDICT_FAULT)
		v->faults++;
	tell(v->m, "  %-8s %s", words[verdict], text);
}

static enum rc count(struct migration *m, const char *sql, uint64_t *ret)
{
	struct buf text = statement_new(m);

	buf_puts(&text, sql);
	return read_number(m, &text, ret);
}

/* --- rows */

static enum rc verify_rows(struct verifying *v)
{
	struct migration *m = v->m;
	uint64_t before = 0, now = 0, gone = 0, lost = 0;
	enum rc rc = count(m, "SELECT COUNT(*) FROM wa_migration_rows", &before);

	if (rc == RC_OK)
		rc = count(m, "SELECT COUNT(*) FROM " ACCOUNTS, &now);
	if (rc == RC_OK)
		rc = count(m,
		    "SELECT COUNT(*) FROM wa_migration_rows AS r LEFT JOIN " ACCOUNTS
		    " AS t ON t.id = r.id WHERE t.id IS NULL",
		    &gone);
	/* With its workspace or its creator an account goes too. */
	lost = gone;
	if (rc == RC_OK && gone > 0 && has_table(m, "workspaces") && has_table(m, "users"))
		rc = count(m,
		    "SELECT COUNT(*) FROM wa_migration_rows AS r LEFT JOIN " ACCOUNTS
		    " AS t ON t.id = r.id WHERE t.id IS NULL"
		    " AND EXISTS (SELECT 1 FROM workspaces WHERE id = r.workspace_id)"
		    " AND EXISTS (SELECT 1 FROM users WHERE id = r.created_by)",
		    &lost);
	if (rc != RC_OK)
		return rc;
	judge(v,
	    lost > 0                    ? VERDICT_FAULT
	    : gone > 0 || now != before ? VERDICT_CHANGED
					: VERDICT_OK,
	    "rows: %llu were, %llu are; %llu new, %llu gone with their workspace or creator, %llu lost",
	    (unsigned long long)before, (unsigned long long)now,
	    (unsigned long long)(now - (before - gone)), (unsigned long long)(gone - lost),
	    (unsigned long long)lost);
	return RC_OK;
}

static enum rc list_faulty(struct verifying *v, const struct mark_sum *column);

static enum rc verify_columns(struct verifying *v)
{
	struct mark_sums sums;
	enum rc rc = marks_compare(v->m, &sums);

	if (rc != RC_OK)
		return rc;
	tell(v->m, "  %-8s %llu of %llu rows were written since; of the others, column by column:",
	    sums.written > 0 ? "changed" : "ok", (unsigned long long)sums.written,
	    (unsigned long long)sums.rows);
	for (size_t i = 0; i < sums.count && rc == RC_OK; i++) {
		const struct mark_sum *c = &sums.columns[i];

		judge(v,
		    c->faults > 0    ? VERDICT_FAULT
		    : c->changed > 0 ? VERDICT_CHANGED
				     : VERDICT_OK,
		    "%-24.*s %016llx %016llx  %llu differ, %llu were changed",
		    SPAN_ARG(c->name_now), (unsigned long long)c->before,
		    (unsigned long long)c->now, (unsigned long long)c->faults,
		    (unsigned long long)c->changed);
		if (c->faults > 0)
			rc = list_faulty(v, c);
	}
	return rc;
}

static enum rc tell_id(void *ctx, const struct db_value *row)
{
	tell(ctx, "           account %llu", (unsigned long long)row[0].u);
	return RC_OK;
}

/* Some of them, by which a person can look. */
static enum rc list_faulty(struct verifying *v, const struct mark_sum *column)
{
	struct buf sql = statement_new(v->m);
	enum rc rc;

	buf_puts(&sql, "SELECT t.id FROM wa_migration_rows AS r JOIN " ACCOUNTS
		       " AS t ON t.id = r.id WHERE NOT ");
	rc = marks_put_written(v->m, &sql);
	buf_puts(&sql, " AND ");
	if (rc == RC_OK)
		rc = marks_put_differs(v->m, &sql, column->name);
	buf_putf(&sql, " ORDER BY t.id LIMIT %d", LISTED);
	return rc == RC_OK ? read_each(v->m, &sql, "u", tell_id, v->m) : rc;
}

static enum rc verify_states(struct verifying *v)
{
	struct buf sql = statement_new(v->m);
	uint64_t wrong = 0;
	enum rc rc;

	if (survey_column(&v->m->survey.columns, "wa_old_status") == NULL)
		return RC_OK;
	buf_puts(&sql, "SELECT COUNT(*) FROM wa_migration_rows AS r JOIN " ACCOUNTS
		       " AS t ON t.id = r.id WHERE NOT ");
	rc = marks_put_written(v->m, &sql);
	buf_puts(&sql, " AND NOT (t.connection_status <=> ");
	words_put_new(&sql, "t.wa_old_status");
	buf_putc(&sql, ')');
	if (rc == RC_OK)
		rc = read_number(v->m, &sql, &wrong);
	if (rc == RC_OK)
		judge(v, wrong > 0 ? VERDICT_FAULT : VERDICT_OK,
		    "connection_status: %llu differ from what their old word means",
		    (unsigned long long)wrong);
	return rc;
}

/* It may be dropped when nobody reads it any more. */
static enum rc verify_alias(struct verifying *v)
{
	bool is_computed = alias_is_there(&v->m->survey.columns);
	uint64_t wrong = 0;
	enum rc rc = alias_count_wrong(v->m, &wrong);

	if (rc == RC_NOT_FOUND) {
		judge(v, VERDICT_CHANGED,
		    "status: there is no such column for those who ask for the old word");
		return RC_OK;
	}
	if (rc == RC_OK)
		judge(v, !is_computed || wrong > 0 ? VERDICT_FAULT : VERDICT_OK,
		    "status: %s, %llu differ from the old word for their connection_status",
		    is_computed ? "computed" : "not computed", (unsigned long long)wrong);
	return rc;
}

/* --- tables that point at them */

static enum rc verify_child(void *ctx, const struct db_value *row)
{
	struct verifying *v = ctx;
	bool counts_differ = row[1].u != row[3].u || row[2].u != row[4].u;
	/* As many, and yet others: nobody does that while everything is in maintenance. */
	bool others = !counts_differ && row[5].u != row[6].u;

	judge(v,
	    others && !v->is_finished ? VERDICT_FAULT
	    : counts_differ || others ? VERDICT_CHANGED
				      : VERDICT_OK,
	    "%-24.*s %llu rows were, %llu are; %llu named an account, %llu do%s",
	    SPAN_ARG(row[0].s), (unsigned long long)row[1].u, (unsigned long long)row[3].u,
	    (unsigned long long)row[2].u, (unsigned long long)row[4].u,
	    others ? ", but not the same" : "");
	return RC_OK;
}

static enum rc verify_children(struct verifying *v)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < renamed_count && rc == RC_OK; i++) {
		const struct renamed *r = &renamed_columns[i];
		struct columns columns = {0};
		struct buf sql = statement_new(v->m);

		rc = survey_columns(v->m, r->table, &columns);
		if (rc != RC_OK || survey_column(&columns, r->new_column) == NULL)
			continue;
		buf_putf(&sql,
		    "SELECT '%s', w.row_count, w.ref_count, n.row_count, n.ref_count, w.ref_sum, n.ref_sum FROM wa_migration_tables AS w,"
		    " (SELECT COUNT(*) AS row_count, COUNT(%s) AS ref_count,"
		    " CAST(COALESCE(SUM(CRC32(%s)), 0) AS UNSIGNED) AS ref_sum FROM %s) AS n"
		    " WHERE w.name IN ('%s', '%s') AND w.ref_column IS NOT NULL",
		    r->table, r->new_column, r->new_column, r->table, r->table,
		    r->table_before != NULL ? r->table_before : r->table);
		rc = read_each(v->m, &sql, "suuuuuu", verify_child, v);
	}
	return rc;
}

static bool is_same_key(const struct foreign *is, const struct db_value *row)
{
	return span_eq(is->schema, row[0].s) && span_eq_nocase(is->table, row[1].s) &&
	       span_is(is->parent, ACCOUNTS) && span_eq(is->on_delete, row[3].s) &&
	       span_eq(is->on_update, row[4].s);
}

/* A column that had a foreign key has one still, under whatever name it goes now. */
static enum rc verify_key(void *ctx, const struct db_value *row)
{
	struct verifying *v = ctx;
	const struct survey *survey = &v->m->survey;
	struct span table = row[1].s, column = row[2].s;
	bool found = false;

	for (size_t i = 0; i < renamed_count; i++) {
		const struct renamed *r = &renamed_columns[i];

		if (r->table_before != NULL && span_is(table, r->table_before))
			table = span_of(r->table);
		if (span_is(table, r->table) && span_eq_nocase(column, span_of(r->old_column)))
			column = span_of(r->new_column);
	}
	if (span_is(table, SESSIONS))
		table = SPAN_OF(ACCOUNTS);
	for (size_t i = 0; i < survey->child_count; i++) {
		const struct db_value now[] = {row[0], db_s(table), db_s(column), row[3], row[4]};

		found = found || (is_same_key(&survey->children[i], now) &&
				     span_eq_nocase(survey->children[i].column, column));
	}
	judge(v, found ? VERDICT_OK : VERDICT_FAULT,
	    "foreign key of %.*s.%.*s to " ACCOUNTS ", ON DELETE %.*s", SPAN_ARG(table),
	    SPAN_ARG(column), SPAN_ARG(row[3].s));
	return RC_OK;
}

static enum rc verify_keys(struct verifying *v)
{
	struct buf sql = statement_new(v->m);

	buf_puts(&sql,
	    "SELECT table_schema, table_name, column_name, on_delete, on_update"
	    " FROM wa_migration_foreign ORDER BY 1, 2, 3");
	return read_each(v->m, &sql, "sssss", verify_key, v);
}

static enum rc verify_orphans(struct verifying *v)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < v->m->survey.child_count && rc == RC_OK; i++) {
		const struct foreign *f = &v->m->survey.children[i];
		struct buf sql = statement_new(v->m), table = statement_new(v->m),
			   column = statement_new(v->m);
		uint64_t orphans = 0;

		if (!span_is(f->parent, ACCOUNTS) ||
		    !survey_names_id(&v->m->survey, f, v->m->options->db->database))
			continue;
		definition_put_name(&table, f->schema);
		buf_putc(&table, '.');
		definition_put_name(&table, f->table);
		definition_put_name(&column, f->column);
		buf_putf(&sql,
		    "SELECT COUNT(*) FROM (SELECT DISTINCT %.*s AS ref FROM %.*s WHERE %.*s IS NOT NULL) AS d"
		    " LEFT JOIN " ACCOUNTS " AS t ON t.id = d.ref WHERE t.id IS NULL",
		    SPAN_ARG(buf_span(&column)), SPAN_ARG(buf_span(&table)),
		    SPAN_ARG(buf_span(&column)));
		rc = read_number(v->m, &sql, &orphans);
		if (rc == RC_OK)
			judge(v, orphans > 0 ? VERDICT_FAULT : VERDICT_OK,
			    "%.*s.%.*s names %llu accounts that do not exist", SPAN_ARG(f->table),
			    SPAN_ARG(f->column), (unsigned long long)orphans);
	}
	return rc;
}

/* --- the database's own rules */

static enum rc verify_rule(struct verifying *v, const char *name, const char *key, const char *sql)
{
	struct definition now;
	struct span create = {0};
	const struct part *part;
	uint64_t twice = 0;
	enum rc rc = read_definition(v->m, SPAN_OF(ACCOUNTS), &create);

	if (rc == RC_OK)
		rc = parse_definition(v->m, create, &now);
	if (rc == RC_OK)
		rc = count(v->m, sql, &twice);
	if (rc != RC_OK)
		return rc;
	part = definition_find(&now, PART_KEY, span_of(key));
	judge(v, part == NULL || !part->is_unique || twice > 0 ? VERDICT_FAULT : VERDICT_OK,
	    "%s: %s, %llu workspaces break it", name,
	    part != NULL && part->is_unique ? "the database sees to it"
					    : "its unique key is missing",
	    (unsigned long long)twice);
	return RC_OK;
}

/* Such a foreign key is one of those that point at the accounts: verify_keys has looked at it. */
static bool names_itself(const struct part *constraint)
{
	static const char itself[] = "REFERENCES `" SESSIONS "`";

	return memmem(constraint->text.ptr, constraint->text.len, itself, sizeof(itself) - 1) !=
	       NULL;
}

/* Keys by what they hold; foreign keys by what they say, whatever their names are. */
static enum rc verify_form(struct verifying *v)
{
	struct definition now, before;
	struct span create = {0}, old = {0};
	enum rc rc = read_definition(v->m, SPAN_OF(ACCOUNTS), &create);

	if (rc == RC_OK)
		rc = parse_definition(v->m, create, &now);
	if (rc == RC_OK)
		rc = state_definition(v->m, SESSIONS, &old);
	if (rc != RC_OK)
		return rc;
	if (accounts_missing_key(&now) != NULL)
		judge(v, VERDICT_FAULT, "the key %s is missing", accounts_missing_key(&now));
	if (old.ptr == NULL || parse_definition(v->m, old, &before) != RC_OK)
		return RC_OK;
	for (size_t i = 0; i < before.count; i++)
		if (before.parts[i].kind == PART_CONSTRAINT && !names_itself(&before.parts[i]) &&
		    !definition_has_reference(&now, &before.parts[i]))
			judge(v, VERDICT_FAULT, "it had: %.*s", SPAN_ARG(before.parts[i].text));
	return RC_OK;
}

static enum rc verify_rules(struct verifying *v)
{
	enum rc rc =
	    verify_rule(v, "one live primary account", "whatsapp_accounts_live_primary_unique",
		"SELECT COUNT(*) FROM (SELECT workspace_id FROM " ACCOUNTS
		" WHERE live_primary IS NOT NULL"
		" GROUP BY workspace_id HAVING COUNT(*) > 1) AS x");

	if (rc != RC_OK)
		return rc;
	return verify_rule(v, "one live account for a number",
	    "whatsapp_accounts_live_phone_unique",
	    "SELECT COUNT(*) FROM (SELECT workspace_id FROM " ACCOUNTS
	    " WHERE live_phone IS NOT NULL GROUP BY workspace_id, live_phone HAVING COUNT(*) > 1) AS x");
}

static enum rc verify_counter(struct verifying *v)
{
	uint64_t before = 0, now = 0;
	enum rc rc = count(v->m,
	    "SELECT COALESCE(MAX(next_id), 0) FROM wa_migration_tables WHERE name = '" SESSIONS "'",
	    &before);

	if (rc == RC_OK)
		rc = count(v->m,
		    "SELECT COALESCE(MAX(auto_increment), 0) FROM information_schema.tables"
		    " WHERE table_schema = DATABASE() AND table_name = '" ACCOUNTS "'",
		    &now);
	if (rc == RC_OK)
		judge(v, now < before ? VERDICT_FAULT : VERDICT_OK,
		    "AUTO_INCREMENT: was %llu, is %llu", (unsigned long long)before,
		    (unsigned long long)now);
	return rc;
}

/* --- what only the application reads */

struct opening {
	struct migration *m;
	struct arena *mem;
	uint64_t opened, plain, sealed;
};

static enum rc open_one(void *ctx, const struct db_value *row)
{
	struct opening *o = ctx;
	struct envelope_opened opened;
	struct span text = span_trim(row[1].s);

	arena_reset(o->mem);
	if (envelope_open(o->m->options->keys, row[1].s, o->mem, &opened) == RC_OK) {
		o->opened++;
		return RC_OK;
	}
	if (text.len > 0 && (text.ptr[0] == '{' || text.ptr[0] == '[')) {
		o->plain++;
	} else if (++o->sealed <= SEALED_LISTED) {
		tell(o->m, "           account %llu: session_data opens with none of the keys",
		    (unsigned long long)row[0].u);
	}
	return RC_OK;
}

static void put_session_data(struct migration *m, struct buf *sql, const char *range)
{
	(void)m;
	buf_putf(sql,
	    "SELECT id, session_data FROM " ACCOUNTS " WHERE session_data IS NOT NULL AND id %s",
	    range);
}

static enum rc verify_session_data(struct verifying *v)
{
	struct opening o = {.m = v->m, .mem = arena_create(MIB)};
	enum rc rc =
	    read_batches(v->m, ACCOUNTS, put_session_data, "session_data", "us", open_one, &o);

	arena_free(o.mem);
	if (rc == RC_OK)
		judge(v, VERDICT_OK,
		    "session_data: %llu open with our keys, %llu are plain JSON, %llu open with none (their bytes are"
		    " unchanged)",
		    (unsigned long long)o.opened, (unsigned long long)o.plain,
		    (unsigned long long)o.sealed);
	return rc;
}

enum rc verify_run(struct migration *m, bool is_finished)
{
	static enum rc (*const noted[])(struct verifying * v) = {verify_rows, verify_columns,
	    verify_states, verify_children, verify_keys, verify_counter};
	struct verifying v = {.m = m, .is_finished = is_finished};
	bool has_notes = has_table(m, "wa_migration_rows");
	enum rc rc = RC_OK;

	if (!has_notes)
		tell(m,
		    "  note: nothing was noted of the old tables, or finalize has removed it; what is now is looked at");
	for (size_t i = 0; has_notes && i < sizeof(noted) / sizeof(noted[0]) && rc == RC_OK; i++)
		rc = noted[i](&v);
	if (rc == RC_OK)
		rc = verify_alias(&v);
	if (rc == RC_OK)
		rc = verify_orphans(&v);
	if (rc == RC_OK)
		rc = verify_form(&v);
	if (rc == RC_OK)
		rc = verify_rules(&v);
	if (rc == RC_OK && is_finished && m->options->keys != NULL)
		rc = verify_session_data(&v);
	if (rc != RC_OK)
		return rc;
	if (v.faults > 0)
		tell(m, "%llu fault%s", (unsigned long long)v.faults, v.faults > 1 ? "s" : "");
	else
		tell(m, "no faults");
	return v.faults > 0 ? RC_INVALID : RC_OK;
}
