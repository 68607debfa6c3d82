/*
 * refusal: why somebody was not let in.
 *
 * The log and the counters tell them apart; the client learns the status and
 * nothing more.
 */
#ifndef WA_AUTH_REFUSAL_H
#define WA_AUTH_REFUSAL_H

#include "base/metric.h"

enum refusal {
	REFUSED_NOT, /* let in */

	/* 401: nobody knows who this is */
	REFUSED_NO_PROOF,   /* no cookie, no token */
	REFUSED_WRONG_WAY,  /* a proof of a way in that the route does not have */
	REFUSED_NO_KEY,     /* APP_KEY is not set: no cookie can be read */
	REFUSED_MALFORMED,  /* the cookie is no envelope */
	REFUSED_MAC,        /* sealed by another key, or changed since */
	REFUSED_PREFIX,     /* the text of another cookie */
	REFUSED_SESSION_ID, /* not 40 letters and digits */
	REFUSED_NO_SESSION, /* Laravel has no such session (any more) */
	REFUSED_NO_ACCESS,  /* its file may not be read by us */
	REFUSED_EXPIRED,
	REFUSED_PAYLOAD, /* the session cannot be read */
	REFUSED_GUEST,   /* nobody is logged in */
	REFUSED_USER_GONE,
	REFUSED_BAD_TOKEN,
	REFUSED_TOKEN_EXPIRED,
	REFUSED_WRONG_KEY, /* not that of the Node.js service */

	/* 403: known, and not allowed */
	REFUSED_NO_WORKSPACE,
	REFUSED_WORKSPACE_REQUIRED, /* a token of somebody with several workspaces */
	REFUSED_WORKSPACE_GONE,
	REFUSED_NOT_MEMBER,
	REFUSED_ROLE,
	REFUSED_SUSPENDED,
	REFUSED_ABILITY, /* the token is not for this */

	/* 419 */
	REFUSED_CSRF,

	REFUSALS,
};

struct refusal_info {
	const char *why; /* a word for the log */
	int status;
	const char *code;    /* a word for the client's program */
	const char *message; /* a sentence for the client */
	enum metric metric;
};

extern const struct refusal_info refusal_infos[REFUSALS];

#endif
