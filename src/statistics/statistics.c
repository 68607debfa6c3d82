#include "statistics/statistics.h"

#include "base/now.h"
#include "base/num.h"

/* Each count may take two seconds; once all of them have, what is left is hardly tried. */
static const int64_t budget_us = 2 * US_PER_S;

/* CONTACTS_OLD: the junction table under the name that it had before. */
enum question { CHATS, CAMPAIGNS, CONTACTS, CONTACTS_OLD, QUESTIONS };
enum patience { PATIENT, BRIEF, PATIENCES };

/* Three numbers in one text: a subquery has one column, and finds `deleted_at` outside of itself
   where the application has none. */
#define CHATS_SQL \
	"SELECT NULL AS deleted_at, (SELECT CONCAT(COALESCE(SUM(type = 'outbound'), 0), ' '," \
	" COALESCE(SUM(type = 'inbound'), 0), ' ', COUNT(DISTINCT contact_id))" \
	" FROM chats WHERE whatsapp_account_id = ? AND deleted_at IS NULL)"
#define CAMPAIGNS_SQL \
	"SELECT NULL, COUNT(*) FROM campaign_logs WHERE whatsapp_account_id = ?" \
	" AND status = 'success'"
#define CONTACTS_SQL(table) "SELECT NULL, COUNT(*) FROM " table " WHERE whatsapp_account_id = ?"
#define LIMITED(name, sql) \
	{ \
		[PATIENT] = {name, "SET STATEMENT max_statement_time = 2 FOR " sql, "ss", \
		    DB_READ | DB_OPTIONAL}, \
		[BRIEF] = {name, "SET STATEMENT max_statement_time = 0.2 FOR " sql, "ss", \
		    DB_READ | DB_OPTIONAL}, \
	}

static const struct db_statement statements[QUESTIONS][PATIENCES] = {
    [CHATS] = LIMITED("statistics.chats", CHATS_SQL),
    [CAMPAIGNS] = LIMITED("statistics.campaigns", CAMPAIGNS_SQL),
    [CONTACTS] = LIMITED("statistics.contacts", CONTACTS_SQL("contact_accounts")),
    [CONTACTS_OLD] = LIMITED("statistics.contacts_old", CONTACTS_SQL("contact_sessions")),
};

struct counting {
	struct db *db;
	struct arena *mem;
	uint64_t account_id;
	int64_t began_us;
};

/*
 * The counts of one question, separated by blanks, into `counts`.
 *
 * RC_NOT_FOUND  there is no such table
 * RC_RETRY      the database is away; not that the count took too long
 */
static enum rc count(
    const struct counting *c, enum question question, struct statistics_count **counts, size_t n)
{
	bool is_late = now_monotonic_us() - c->began_us > budget_us;
	struct db_value row[2];
	enum rc rc = db_one(c->db, &statements[question][is_late ? BRIEF : PATIENT],
	    DB_IN(db_u(c->account_id)), c->mem, row);
	struct span rest = rc == RC_OK ? row[1].s : (struct span){0}, text;

	for (size_t i = 0; i < n; i++) {
		*counts[i] = (struct statistics_count){.known = rc == RC_NOT_FOUND};
		if (span_cut(&rest, ' ', &text))
			counts[i]->known = num_u64(text, &counts[i]->n);
	}
	if (rc == RC_OK || rc == RC_NOT_FOUND)
		return rc;
	return db_is_connected(c->db) ? RC_OK : RC_RETRY;
}

enum rc statistics_read(
    struct db *db, struct arena *mem, uint64_t account_id, struct statistics *ret)
{
	struct counting counting = {db, mem, account_id, now_monotonic_us()};
	struct statistics_count *chats[] = {
	    &ret->messages_sent, &ret->messages_received, &ret->chats};
	struct statistics_count *campaigns[] = {&ret->campaigns}, *contacts[] = {&ret->contacts};
	enum rc rc = count(&counting, CHATS, chats, 3);

	if (rc != RC_RETRY)
		rc = count(&counting, CAMPAIGNS, campaigns, 1);
	if (rc != RC_RETRY)
		rc = count(&counting, CONTACTS, contacts, 1);
	if (rc == RC_NOT_FOUND)
		rc = count(&counting, CONTACTS_OLD, contacts, 1);
	return rc == RC_NOT_FOUND ? RC_OK : rc;
}
