/*
 * session: what Laravel knows of a browser: who is logged in, the workspace
 * that they work in, the CSRF token.
 */
#ifndef WA_AUTH_SESSION_H
#define WA_AUTH_SESSION_H

#include "base/bounds.h"
#include "crypto/envelope.h"

enum { SESSION_ID_SIZE = 40 };

struct session {
	struct span id;
	uint64_t user_id;      /* 0: nobody is logged in */
	uint64_t workspace_id; /* 0: none is chosen */
	struct span token;     /* _token; absent if there is none */
	int64_t last_activity_s;
	enum envelope_cipher cipher; /* of its cookie */
	size_t cookie;               /* under which of its names that came */
	size_t key;                  /* that sealed it: 0 is the current one */
};

/* The keys under which a session names its user: one for each guard, the first one wins. */
struct session_guards {
	struct span keys[BOUND_GUARDS];
	size_t count;
};

/* `names` is comma-separated; the keys live in `mem`. */
void session_guards_read(struct span names, struct arena *mem, struct session_guards *ret);

/*
 * Read user, workspace and token out of what Laravel stored; the rest of
 * `ret` stays as it is.  `envelope` is NULL unless sessions are encrypted
 * where they are kept.
 *
 * RC_INVALID  it cannot be read
 */
enum rc session_read(struct span text, const struct envelope *envelope,
    const struct session_guards *guards, struct arena *mem, struct session *ret) MUST_CHECK;

#endif
