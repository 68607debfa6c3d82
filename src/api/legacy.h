/*
 * legacy: the paths of before, answered by the same rows for a while.
 *
 * An old path is replaced by its successor before the route is looked up: what
 * follows, the guard too, cannot tell the two apart.  Every answer says
 * where it stands today and until when it is answered (RFC 9745, RFC 8594).
 */
#ifndef WA_API_LEGACY_H
#define WA_API_LEGACY_H

#include <stdbool.h>

#include "http/call.h"

/* What is old beside paths: each use is counted by who made it. */
enum legacy_use {
	LEGACY_WEBHOOK,        /* a report by the webhook */
	LEGACY_API_KEY,        /* let in by the Node.js service's key */
	LEGACY_STATE_WORD,     /* qr_scanning, ready ... in a report */
	LEGACY_SESSION_FIELD,  /* session_id in the place of account_id */
	LEGACY_LOGIN_STATUS,   /* the status route, asked by a page */
	LEGACY_CLEANUP_DELETE, /* a page that deletes when its dialog is closed */
	LEGACY_USES,
};

void legacy_note(struct call *call, enum legacy_use use);
const char *legacy_use_name(enum legacy_use use);

/* If request.path is an old one: keep it in call->old_path, and put its successor there. */
void legacy_take(struct call *call);
/* It is an old one, and its time is over. */
bool legacy_is_gone(const struct call *call);
void legacy_reply_gone(struct call *call);
/* Nothing, if it is none. */
void legacy_put_headers(struct call *call);

#endif
