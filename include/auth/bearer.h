/*
 * bearer: tokens of scripts: Laravel Sanctum's personal access tokens, and
 * the application's workspace keys.  A table that does not exist means that
 * the application has no such tokens.
 */
#ifndef WA_AUTH_BEARER_H
#define WA_AUTH_BEARER_H

#include "auth/refusal.h"
#include "db/db.h"

struct bearer_options {
	struct span user_model; /* tokenable_type */
	bool workspace_keys;    /* these are accepted */
};

/*
 * Of an Authorization header: the token of scheme Bearer; absent for any
 * other scheme, empty if nothing follows.
 */
struct span bearer_token(struct span authorization);

struct bearer_holder {
	uint64_t user_id;
	uint64_t workspace_id; /* 0: the token does not say */
	uint64_t token_id;     /* of a personal access token; no secret */
};

/*
 * RC_DENIED  *reterr says why
 */
enum rc bearer_open(const struct bearer_options *options, struct db *db, struct arena *mem,
    struct span token, int64_t now_us, struct bearer_holder *ret, enum refusal *reterr) MUST_CHECK;

#endif
