/*
 * standing: how a user stands to a workspace, by the application's tables.
 *
 * A user belongs to a workspace that they have created, or of which a row of
 * `teams` makes them a member in one of the roles that may manage accounts.
 */
#ifndef WA_WORKSPACE_STANDING_H
#define WA_WORKSPACE_STANDING_H

#include "db/db.h"

/* In this order: of several rows of `teams` the best one counts. */
enum membership {
	MEMBERSHIP_NONE,
	MEMBERSHIP_OTHER_ROLE,
	MEMBERSHIP_SUSPENDED,
	MEMBERSHIP_FULL,
};

struct standing {
	bool has_user; /* exists, and is not deleted */
	bool has_workspace;
	enum membership membership;
};

/* One question on its way. */
struct standing_question {
	struct span roles; /* that may manage accounts, comma-separated */
	/* Laravel itself put the user into the workspace, and that is enough: a role is not looked
	 * for. */
	bool trusted;
	uint64_t user_id;
	uint64_t workspace_id;
	struct standing answer;
};

/*
 * Make the question; its answer is written when it is answered.  RC_NOT_FOUND
 * as the answer's rc: the application has no `teams`; standing_ask_alone.
 */
void standing_ask(struct standing_question *question, struct db_ask *ask);
/* The same, as if nobody were a member of a workspace but who made it. */
void standing_ask_alone(struct standing_question *question, struct db_ask *ask);

/* Both, at once and by themselves; RC_OK: question->answer is written. */
enum rc standing_read(
    struct db *db, struct arena *mem, struct standing_question *question) MUST_CHECK;

/*
 * The only workspace that the user may manage the accounts of.
 *
 * RC_NOT_FOUND  there is none
 * RC_CONFLICT   there are several
 */
enum rc standing_only_workspace(struct span roles, struct db *db, struct arena *mem,
    uint64_t user_id, uint64_t *ret) MUST_CHECK;

#endif
