#include "statistics/statistics.h"

#include "base/num.h"

#define LIMITED "SET STATEMENT max_statement_time = 2 FOR "

/* CONTACTS_OLD: the junction table under the name that it had before. */
enum { CHATS, CAMPAIGNS, CONTACTS, CONTACTS_OLD, QUESTIONS };

static const struct db_statement statements[QUESTIONS] = {
    /* Three numbers in one text: a subquery has one column, and finds `deleted_at` outside of
       itself where the application has none. */
    [CHATS] = {"statistics.chats",
	LIMITED "SELECT (SELECT CONCAT(COALESCE(SUM(type = 'outbound'), 0), ' ',"
		" COALESCE(SUM(type = 'inbound'), 0), ' ', COUNT(DISTINCT contact_id))"
		" FROM chats WHERE whatsapp_account_id = ? AND deleted_at IS NULL)"
		" FROM (SELECT NULL AS deleted_at) AS absent",
	"s", DB_READ | DB_OPTIONAL},
    [CAMPAIGNS] = {"statistics.campaigns",
	LIMITED "SELECT COUNT(*) FROM campaign_logs WHERE whatsapp_account_id = ?"
		" AND status = 'success'",
	"u", DB_READ | DB_OPTIONAL},
    [CONTACTS] = {"statistics.contacts",
	LIMITED "SELECT COUNT(*) FROM contact_accounts WHERE whatsapp_account_id = ?", "u",
	DB_READ | DB_OPTIONAL},
    [CONTACTS_OLD] = {"statistics.contacts_old",
	LIMITED "SELECT COUNT(*) FROM contact_sessions WHERE whatsapp_account_id = ?", "u",
	DB_READ | DB_OPTIONAL},
};

static bool cut_count(struct span *rest, struct statistics_count *ret)
{
	struct span text;

	ret->known = span_cut(rest, ' ', &text) && num_u64(text, &ret->n);
	return ret->known;
}

static enum rc take_chats(void *ctx, const struct db_value *row)
{
	struct statistics *s = ctx;
	struct span rest = row[0].s;

	return cut_count(&rest, &s->messages_sent) && cut_count(&rest, &s->messages_received) &&
		       cut_count(&rest, &s->chats)
		   ? RC_OK
		   : RC_INTERNAL;
}

static enum rc take_count(void *ctx, const struct db_value *row)
{
	*(struct statistics_count *)ctx = (struct statistics_count){row[0].u, true};
	return RC_OK;
}

/* Without the table nothing was counted, and that is known. */
static void know(const struct db_ask *ask, struct statistics_count *count)
{
	if (ask->rc == RC_NOT_FOUND)
		count->known = true;
}

enum rc statistics_read(
    struct db *db, struct arena *mem, uint64_t account_id, struct statistics *ret)
{
	struct statistics_count old = {0};
	void *const into[QUESTIONS] = {ret, &ret->campaigns, &ret->contacts, &old};
	struct db_ask asks[QUESTIONS];
	enum rc rc;

	*ret = (struct statistics){0};
	for (size_t i = 0; i < QUESTIONS; i++)
		asks[i] = (struct db_ask){
		    .statement = &statements[i],
		    .in = {db_u(account_id)},
		    .n_in = 1,
		    .fn = i == CHATS ? take_chats : take_count,
		    .ctx = into[i],
		};
	rc = db_ask_all(db, asks, QUESTIONS, mem);
	know(&asks[CHATS], &ret->messages_sent);
	know(&asks[CHATS], &ret->messages_received);
	know(&asks[CHATS], &ret->chats);
	know(&asks[CAMPAIGNS], &ret->campaigns);
	know(&asks[CONTACTS_OLD], &old);
	if (asks[CONTACTS].rc == RC_NOT_FOUND)
		ret->contacts = old;
	return rc == RC_OK || db_is_connected(db) ? RC_OK : RC_RETRY;
}
