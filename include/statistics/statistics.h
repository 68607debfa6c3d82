/*
 * statistics: what the application has counted by an account.
 *
 * The tables are Laravel's; one that does not exist counts nothing.  A count
 * that takes over two seconds is not known, so that a busy account's page does
 * not fail; all of them together keep a worker for hardly longer.
 */
#ifndef WA_STATISTICS_STATISTICS_H
#define WA_STATISTICS_STATISTICS_H

#include "db/db.h"

struct statistics_count {
	uint64_t n;
	bool known; /* false: it took too long, or could not be made; the log says why */
};

struct statistics {
	struct statistics_count messages_sent; /* of live chats, outbound */
	struct statistics_count messages_received;
	struct statistics_count chats;     /* distinct contacts */
	struct statistics_count campaigns; /* sent with success */
	struct statistics_count contacts;
};

/* RC_RETRY  the database is away; a count that is not known is no failure */
enum rc statistics_read(
    struct db *db, struct arena *mem, uint64_t account_id, struct statistics *ret) MUST_CHECK;

#endif
