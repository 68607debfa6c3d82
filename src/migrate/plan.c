/*
 * plan: what there is, what will happen, what stands against it.
 */
#include "plan.h"

#include <stdio.h>
#include <sys/statvfs.h>

#include "accounts.h"
#include "base/bounds.h"
#include "definition.h"
#include "obstacles.h"
#include "steps.h"

/* Of ordinary rows, measured with a million of them on two cores. */
enum {
	REBUILD_BYTES_PER_S = 100 * MIB,
	REBUILD_ROWS_PER_S = 50000,
	RECORD_ROWS_PER_S = 90000,
	VERIFY_ROWS_PER_S = 40000
};

static void put_size(char *ret, size_t size, uint64_t bytes)
{
	if (bytes < MIB)
		snprintf(ret, size, "%.1f KiB", (double)bytes / KIB);
	else if (bytes < 1024ULL * MIB)
		snprintf(ret, size, "%.1f MiB", (double)bytes / MIB);
	else
		snprintf(ret, size, "%.1f GiB", (double)bytes / (1024.0 * MIB));
}

static void tell_tables(struct migration *m)
{
	static const char *const names[] = {SESSIONS, "chats", "campaign_logs", "contact_sessions",
	    "contact_accounts", "whatsapp_groups", "contacts"};

	tell(m, "tables:");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct table *table = survey_table(&m->survey, names[i]);
		char size[32];

		if (table == NULL)
			continue;
		put_size(size, sizeof(size), table->bytes);
		tell(m, "  %-20s about %llu rows, %s", names[i], (unsigned long long)table->rows,
		    size);
	}
	for (size_t i = 0; i < m->survey.child_count; i++) {
		const struct foreign *f = &m->survey.children[i];

		tell(m, "  %.*s.%.*s points at %.*s (ON DELETE %.*s), and goes on to",
		    SPAN_ARG(f->table), SPAN_ARG(f->column), SPAN_ARG(f->parent),
		    SPAN_ARG(f->on_delete));
	}
}

static void tell_columns(struct migration *m)
{
	tell(m, "columns of " SESSIONS ": %zu, all are carried over", m->survey.columns.count);
	for (size_t i = 0; i < accounts_need_count; i++) {
		const struct need *need = &accounts_needs[i];
		const struct column *old = accounts_old_column(&m->survey.columns, need);

		if (old == NULL)
			tell(m, "  %-22s is added", need->name);
		else if (!span_is(old->name, need->name))
			tell(m, "  %-22s is %.*s until now", need->name, SPAN_ARG(old->name));
		else if (accounts_must_change(old, need))
			tell(m, "  %-22s becomes wider, or may be NULL: was %.*s%s", need->name,
			    SPAN_ARG(old->type), old->is_nullable ? "" : " NOT NULL");
	}
	tell(m, "  %-22s is status until now, and is kept until migrate finalize", "wa_old_status");
	tell(m,
	    "  %-22s is computed from connection_status from now on: the old word, to be read only",
	    "status");
}

static enum rc tell_keys(struct migration *m)
{
	struct definition now;
	struct span create = {0};
	enum rc rc = read_definition(m, SPAN_OF(SESSIONS), &create);

	if (rc == RC_OK)
		rc = parse_definition(m, create, &now);
	for (size_t i = 0; rc == RC_OK && i < now.count; i++)
		if (accounts_replaces(&now.parts[i]))
			tell(m, "  %.*s (%.*s) goes, and is there again after migrate down",
			    SPAN_ARG(now.parts[i].name), SPAN_ARG(now.parts[i].columns));
	return rc;
}

/* On this host the disk can be looked at; elsewhere a person has to. */
static enum rc tell_disk(struct migration *m, uint64_t needed)
{
	struct buf sql = statement_new(m);
	struct span dir = {0};
	struct statvfs disk;
	char size[32], room[32];
	enum rc rc;

	put_size(size, sizeof(size), needed);
	buf_puts(&sql, "SELECT @@datadir");
	rc = read_text(m, &sql, &dir);
	if (rc != RC_OK)
		return rc;
	if (m->options->db->socket != NULL && dir.ptr != NULL && statvfs(dir.ptr, &disk) == 0) {
		uint64_t free_bytes = (uint64_t)disk.f_bavail * disk.f_frsize;

		put_size(room, sizeof(room), free_bytes);
		tell(m, "  disk: needs %s for the copy, has %s free%s", size, room,
		    free_bytes / 2 < needed ? ": TOO LITTLE to be safe" : "");
	} else {
		tell(m, "  disk: needs %s for the copy; see with df -h %.*s on the database's host",
		    size, SPAN_ARG(dir));
	}
	return RC_OK;
}

static enum rc tell_time(struct migration *m)
{
	const struct table *table = survey_table(&m->survey, SESSIONS);
	uint64_t rows = 0, pause, gone, all;
	struct buf sql = statement_new(m);
	enum rc rc;

	buf_puts(&sql, "SELECT COUNT(*) FROM " SESSIONS);
	rc = read_number(m, &sql, &rows);
	if (rc != RC_OK || table == NULL)
		return rc;
	pause = 1 + table->bytes / REBUILD_BYTES_PER_S + rows / REBUILD_ROWS_PER_S;
	gone = 1 + rows / VERIFY_ROWS_PER_S + table->bytes / REBUILD_BYTES_PER_S;
	all = pause + gone + rows / RECORD_ROWS_PER_S + table->bytes / REBUILD_BYTES_PER_S;
	tell(m,
	    "time: about %llu s for %llu sessions. For about %llu s of them, the rebuild, sessions can be read and"
	    " not written; then for about %llu s, from the rename to the end, they are not served",
	    (unsigned long long)all, (unsigned long long)rows, (unsigned long long)pause,
	    (unsigned long long)gone);
	tell(m,
	    "  a statement waits at most %d s for its lock and is tried again: nothing queues longer behind it",
	    LOCK_WAIT_S);
	return tell_disk(m, table->bytes);
}

static enum rc tell_object(void *ctx, const struct db_value *row)
{
	tell(ctx, "note: the %.*s %.*s names what is renamed; look at it before and after",
	    SPAN_ARG(row[0].s), SPAN_ARG(row[1].s));
	return RC_OK;
}

/* Views, triggers and routines are not changed: they name the old names still. */
static enum rc tell_objects(struct migration *m)
{
	static const char like[] =
	    "REGEXP 'whatsapp_session|contact_sessions|source_session_id|session_name'";
	struct buf sql = statement_new(m);

	buf_putf(&sql,
	    "SELECT 'view', table_name FROM information_schema.views WHERE table_schema = DATABASE()"
	    " AND view_definition %s"
	    " UNION ALL SELECT 'trigger', trigger_name FROM information_schema.triggers WHERE trigger_schema ="
	    " DATABASE() AND trigger_name NOT LIKE 'wa!_migration!_%%' ESCAPE '!' AND (action_statement %s OR"
	    " event_object_table = '" SESSIONS
	    "')"
	    " UNION ALL SELECT LOWER(routine_type), routine_name FROM information_schema.routines"
	    " WHERE routine_schema = DATABASE() AND routine_definition %s",
	    like, like, like);
	return read_each(m, &sql, "ss", tell_object, m);
}

/* Columns that hold a session's id without a foreign key may hold one that is gone. */
static enum rc tell_unguarded(struct migration *m)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < renamed_count && rc == RC_OK; i++) {
		const struct renamed *r = &renamed_columns[i];
		const char *table = r->table_before != NULL && has_table(m, r->table_before)
					? r->table_before
					: r->table;
		struct columns columns = {0};
		struct buf sql = statement_new(m);
		uint64_t orphans = 0;
		bool guarded = false;

		for (size_t k = 0; k < m->survey.child_count; k++)
			guarded =
			    guarded || (span_is(m->survey.children[k].table, table) &&
					   span_is(m->survey.children[k].column, r->old_column));
		rc = survey_columns(m, table, &columns);
		if (rc != RC_OK || guarded || survey_column(&columns, r->old_column) == NULL)
			continue;
		buf_putf(&sql,
		    "SELECT COUNT(*) FROM (SELECT DISTINCT %s AS ref FROM %s WHERE %s IS NOT NULL) AS d LEFT JOIN " SESSIONS
		    " AS s ON s.id = d.ref WHERE s.id IS NULL",
		    r->old_column, table, r->old_column);
		rc = read_number(m, &sql, &orphans);
		if (rc == RC_OK && orphans > 0)
			tell(m,
			    "note: %s.%s, which has no foreign key, names %llu sessions that do not exist",
			    table, r->old_column, (unsigned long long)orphans);
	}
	return rc;
}

static void tell_steps(struct migration *m, const struct steps *steps)
{
	tell(m, "steps of migrate %s:", state_direction_name(steps->direction));
	for (size_t i = 0; i < steps->count; i++)
		tell(m, "step %2zu %-18s %s", i + 1, steps->rows[i].name, steps->rows[i].what);
}

enum rc plan_tell(struct migration *m, uint64_t *ret_obstacles)
{
	enum rc rc;

	tell_tables(m);
	tell_columns(m);
	rc = tell_keys(m);
	if (rc != RC_OK)
		return rc;
	tell(m,
	    "from the rename on the old names fail (errors 1146 and 1054): put the application into maintenance"
	    " mode first");
	tell_steps(m, &up_steps);
	rc = tell_time(m);
	if (rc == RC_OK)
		rc = tell_objects(m);
	if (rc == RC_OK)
		rc = tell_unguarded(m);
	if (rc == RC_OK)
		rc = obstacles_tell(m, ret_obstacles);
	if (rc != RC_OK)
		return rc;
	if (*ret_obstacles > 0)
		tell(m, "%llu obstacle%s", (unsigned long long)*ret_obstacles,
		    *ret_obstacles > 1 ? "s" : "");
	else
		tell(m, "no obstacles");
	return RC_OK;
}
