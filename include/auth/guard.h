/*
 * guard: lets a request in by one of its route's ways, or says why not.
 *
 * What a request shows decides by which way it is judged: a signature or the
 * Node.js service's key, else a bearer token, else cookies.  A proof that is wrong
 * is a refusal; the next way is not tried.
 */
#ifndef WA_AUTH_GUARD_H
#define WA_AUTH_GUARD_H

#include "auth/bearer.h"
#include "auth/login.h"
#include "auth/signature.h"
#include "base/rc.h"
#include "http/call.h"
#include "workspace/standing.h"

/* What callers are judged by. */
struct guard {
	struct signature *signature;
	struct login *login;
	struct bearer_options bearer;
	struct span api_key;  /* the Node.js service's, as a way in; absent: it is none */
	struct span roles;    /* that may manage accounts, comma-separated */
	bool trusts_sessions; /* a session's workspace is its user's, whatever the role */
};

struct guard_refusal {
	int status; /* 401, 403, 419; 404 where even the route must stay unknown */
	const char *code;
	const char *message; /* for the caller */
};

/*
 * Whether somebody of this standing may manage the workspace's accounts;
 * `without_workspace` is the answer when workspace_id is 0.
 */
enum refusal guard_judge(
    const struct standing *standing, uint64_t workspace_id, enum refusal without_workspace);

/* The body's `_token`, or absent: asked for only of somebody whose login is good. */
typedef struct span guard_token_fn(struct call *call);

/*
 * On RC_OK call->caller is written for a login or a token, and the route's
 * `ask` has its answer.
 *
 * RC_DENIED  the caller proved nothing, or something wrong; call->why has
 *            the word for the log, which the caller is not told
 * RC_RETRY   it cannot be told now
 */
enum rc guard_admit(struct call *call, const struct guard *guard, struct db *db,
    guard_token_fn *body_token, struct guard_refusal *reterr) MUST_CHECK;

#endif
