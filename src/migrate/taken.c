#include "taken.h"

#include "steps.h"

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
		tell(m,
		    "  a migration of Laravel's that was cut off leaves it so; look whether anything was written there"
		    " since");
	for (size_t i = 0; i < m->survey.child_count; i++)
		if (span_is(m->survey.children[i].parent, ACCOUNTS))
			tell(m, "  a foreign key of %.*s points at it, which has to go first",
			    SPAN_ARG(m->survey.children[i].table));
	tell(m, "  cure: %sDROP TABLE " ACCOUNTS ";",
	    strangers == 0 ? "" : "look at them, move what is worth keeping; then ");
	return RC_OK;
}

static enum rc tell_names(struct migration *m, uint64_t *count)
{
	static const char *const ours[] = {"connection_status", "wa_old_status", "live_primary",
	    "live_phone", "state_version", "qr_expires_at", "connect_deadline_at", "qr_first_at"};

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
	return RC_OK;
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

/* Columns without which a table is no table of sessions; tables of a kind that we do not know. */
static enum rc tell_kind(struct migration *m, uint64_t *count)
{
	static const char *const always[] = {"id", "uuid", "workspace_id", "created_by"};
	const struct table *sessions = survey_table(&m->survey, SESSIONS);
	const struct column *id = survey_column(&m->survey.columns, "id");
	struct buf sql = statement_new(m);
	uint64_t negative = 0;
	enum rc rc;

	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++) {
		if (has_column(m, always[i]))
			continue;
		*count += 1;
		tell(m, "obstacle unknown_table: " SESSIONS " has no column %s", always[i]);
		tell(m, "  cure: is DB_DATABASE the application's?");
	}
	if (sessions != NULL && sessions->is_special) {
		*count += 1;
		tell(m, "obstacle unknown_table: " SESSIONS
			" is partitioned, or keeps a history of its rows");
		tell(m,
		    "  cure: ALTER TABLE " SESSIONS
		    " REMOVE PARTITIONING; or: ALTER TABLE " SESSIONS " DROP SYSTEM VERSIONING;");
	}
	if (id == NULL)
		return RC_OK;
	buf_puts(&sql, "SELECT COUNT(*) FROM " SESSIONS " WHERE id < 0");
	rc = read_number(m, &sql, &negative);
	if (rc != RC_OK || negative == 0)
		return rc;
	*count += 1;
	tell(m, "obstacle unknown_table: %llu sessions have an id below 0",
	    (unsigned long long)negative);
	tell(m, "  cure: give them other ids, and change what points at them");
	return RC_OK;
}

enum rc taken_tell(struct migration *m, uint64_t *count)
{
	enum rc rc = tell_kind(m, count);

	if (rc == RC_OK)
		rc = tell_names(m, count);
	if (rc == RC_OK)
		rc = tell_taken_columns(m, count);
	return rc == RC_OK ? tell_taken_accounts(m, count) : rc;
}
