#include "obstacles.h"

#include "definition.h"
#include "listing.h"
#include "privileges.h"
#include "taken.h"
#include "triggers.h"
#include "words.h"

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

static enum rc tell_loser(void *ctx, const struct db_value *row)
{
	struct listing *listing = ctx;

	if (listing_next(listing))
		tell(listing->m, "  workspace %llu: account %llu would lose to %llu",
		    (unsigned long long)row[1].u, (unsigned long long)row[0].u,
		    (unsigned long long)row[2].u);
	listing_add_id(listing, row[0].u);
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
	struct listing listing = listing_new(m, "%s",
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
	rc = read_each(m, &sql, "uuu", tell_loser, &listing);
	if (rc != RC_OK)
		return rc;
	listing_tell_more(&listing);
	listing_tell_cure(&listing,
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

static enum rc tell_long_number(void *ctx, const struct db_value *row)
{
	struct listing *listing = ctx;

	if (listing_next(listing))
		tell(listing->m, "  account %llu", (unsigned long long)row[0].u);
	listing_add_id(listing, row[0].u);
	return RC_OK;
}

/* More digits than the column has that the rule of one number stands on. */
static enum rc tell_long_numbers(struct migration *m, uint64_t *count)
{
	struct listing listing = listing_new(m, "phone_too_long: numbers of more than 50 digits");
	struct buf sql = statement_new(m);
	enum rc rc;

	if (!has_column(m, "phone_number"))
		return RC_OK;
	buf_putf(&sql,
	    "SELECT id FROM " SESSIONS
	    " WHERE %s AND CHAR_LENGTH(REGEXP_REPLACE(phone_number, '[^0-9]', '')) > 50"
	    " ORDER BY id",
	    live(m));
	rc = read_each(m, &sql, "u", tell_long_number, &listing);
	if (rc != RC_OK || listing.count == 0)
		return rc;
	*count += 1;
	listing_tell_more(&listing);
	listing_tell_cure(
	    &listing, "UPDATE " SESSIONS " SET phone_number = NULL WHERE id IN (", ");");
	return RC_OK;
}

/* --- words that we do not know, and what must be unique and is not */

static enum rc tell_word(void *ctx, const struct db_value *row)
{
	struct listing *listing = ctx;

	if (!listing_next(listing))
		return RC_OK;
	if (row[0].s.ptr == NULL)
		tell(listing->m, "  NULL: %llu rows, the first has id %llu",
		    (unsigned long long)row[1].u, (unsigned long long)row[2].u);
	else
		tell(listing->m, "  '%.*s': %llu rows, the first has id %llu", SPAN_ARG(row[0].s),
		    (unsigned long long)row[1].u, (unsigned long long)row[2].u);
	return RC_OK;
}

static enum rc tell_states(struct migration *m, uint64_t *count)
{
	struct listing listing = listing_new(m, "unknown_state: states that accounts cannot have");
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
	rc = read_each(m, &sql, "suu", tell_word, &listing);
	if (rc != RC_OK || listing.count == 0)
		return rc;
	*count += 1;
	listing_tell_more(&listing);
	tell(m, "  cure: UPDATE " SESSIONS " SET status = 'disconnected' WHERE %.*s;",
	    SPAN_ARG(buf_span(&bad)));
	return RC_OK;
}

static enum rc tell_providers(struct migration *m, uint64_t *count)
{
	struct listing listing =
	    listing_new(m, "unknown_provider: providers that are neither meta nor webjs");
	struct buf sql = statement_new(m);
	enum rc rc;

	if (!has_column(m, "provider_type"))
		return RC_OK;
	buf_puts(&sql,
	    "SELECT provider_type, COUNT(*), MIN(id) FROM " SESSIONS
	    " WHERE provider_type IS NULL OR provider_type NOT IN ('meta', 'webjs') GROUP BY 1 ORDER BY 1");
	rc = read_each(m, &sql, "suu", tell_word, &listing);
	if (rc != RC_OK || listing.count == 0)
		return rc;
	*count += 1;
	listing_tell_more(&listing);
	tell(m, "  cure: UPDATE " SESSIONS
		" SET provider_type = 'webjs' WHERE provider_type IS NULL"
		" OR provider_type NOT IN ('meta', 'webjs');");
	return RC_OK;
}

static enum rc tell_unique(
    struct migration *m, const char *column, const char *name, uint64_t *count)
{
	struct listing listing =
	    listing_new(m, "%s: values of %s that are not unique", name, column);
	struct buf sql = statement_new(m);
	uint64_t room;
	enum rc rc;

	if (!has_column(m, column))
		return RC_OK;
	/* Behind what is cut off stands the row's id. */
	room = survey_column(&m->survey.columns, column)->chars;
	room = room > 32 ? room - 21 : 11;
	buf_putf(&sql,
	    "SELECT %s, COUNT(*), MIN(id) FROM " SESSIONS
	    " WHERE %s IS NOT NULL GROUP BY 1"
	    " HAVING COUNT(*) > 1 ORDER BY 1",
	    column, column);
	rc = read_each(m, &sql, "suu", tell_word, &listing);
	if (rc != RC_OK || listing.count == 0)
		return rc;
	*count += 1;
	listing_tell_more(&listing);
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
		    " SET s.%s = CONCAT(LEFT(s.%s, %llu), '_', s.id);",
		    column, column, column, column, (unsigned long long)room);
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
	struct listing *listing = ctx;

	if (listing_next(listing))
		tell(listing->m, "  account %llu: there is no %s %llu",
		    (unsigned long long)row[0].u, listing->parent, (unsigned long long)row[1].u);
	listing_add_id(listing, row[0].u);
	return RC_OK;
}

static enum rc tell_parent(struct migration *m, const char *column, const char *parent,
    const char *one, const char *cure, const char *cure_end, uint64_t *count)
{
	struct listing listing = listing_new(m, "orphans: accounts whose %s does not exist", one);
	struct buf sql = statement_new(m);
	enum rc rc;

	if (!has_column(m, column) || !has_table(m, parent))
		return RC_OK;
	listing.parent = one;
	buf_putf(&sql,
	    "SELECT s.id, s.%s FROM " SESSIONS
	    " AS s LEFT JOIN %s AS p ON p.id = s.%s"
	    " WHERE s.%s IS NOT NULL AND p.id IS NULL ORDER BY s.id",
	    column, parent, column, column);
	rc = read_each(m, &sql, "uu", tell_id, &listing);
	if (rc != RC_OK || listing.count == 0)
		return rc;
	*count += 1;
	listing_tell_more(&listing);
	listing_tell_cure(&listing, cure, cure_end);
	return RC_OK;
}

static enum rc tell_reference(void *ctx, const struct db_value *row)
{
	struct listing *listing = ctx;

	if (listing_next(listing))
		tell(listing->m, "  session %llu", (unsigned long long)row[0].u);
	return RC_OK;
}

/* Rows that a foreign key should not have let be. */
static enum rc tell_child(struct migration *m, const struct foreign *f, uint64_t *count)
{
	struct listing listing =
	    listing_new(m, "orphans: %.*s.%.*s names sessions that do not exist",
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
	rc = read_each(m, &sql, "u", tell_reference, &listing);
	if (rc != RC_OK || listing.count == 0)
		return rc;
	*count += 1;
	listing_tell_more(&listing);
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
		if (survey_names_id(&m->survey, &m->survey.children[i], m->options->db->database))
			rc = tell_child(m, &m->survey.children[i], count);
	return rc;
}

enum rc obstacles_tell(struct migration *m, uint64_t *ret)
{
	static enum rc (*const kinds[])(struct migration * m, uint64_t * count) = {privileges_tell,
	    taken_tell, triggers_tell, tell_long_numbers, tell_states, tell_providers, tell_uniques,
	    tell_orphans, tell_primaries, tell_numbers};
	uint64_t count = 0;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && rc == RC_OK; i++)
		rc = kinds[i](m, &count);
	if (rc == RC_OK)
		*ret = count;
	return rc;
}
