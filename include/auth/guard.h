/*
 * guard: lets a request in by one of its route's ways, or says why not.
 */
#ifndef WA_AUTH_GUARD_H
#define WA_AUTH_GUARD_H

#include "auth/signature.h"
#include "base/rc.h"
#include "http/call.h"

struct guard_refusal {
	int status;          /* 401; 404 where even the route must stay unknown */
	const char *message; /* for the caller */
};

/*
 * RC_DENIED  the caller proved nothing, or something wrong; call->why has
 *            the word for the log, which the caller is not told
 */
enum rc guard_admit(
    struct call *call, const struct signature *signature, struct guard_refusal *reterr) MUST_CHECK;

#endif
