/*
 * login: from a browser's cookies to the session of somebody who is logged in
 * to the application, and back.
 *
 * Read in this order: cookie.h, crypto/envelope.h (what a cookie holds),
 * session_store.h, session.h.
 */
#ifndef WA_AUTH_LOGIN_H
#define WA_AUTH_LOGIN_H

#include "auth/cookie.h"
#include "auth/refusal.h"
#include "auth/session.h"
#include "auth/session_store.h"

struct login_options {
	struct span app_key; /* empty: nobody can log in */
	struct span app_previous_keys;
	struct span cookie;   /* SESSION_COOKIE; empty: both of Laravel's standard names */
	struct span app_name; /* which those are made from */
	struct span guards;
	bool encrypted; /* sessions, where they are kept */
	struct session_store_options store;
	struct cookie_attributes attributes;
};

struct login;

/* The texts are borrowed.  NULL when there is no memory, or OpenSSL refuses. */
struct login *login_create(const struct login_options *options);
void login_free(struct login *login);

/*
 * The session that the Cookie header proves.
 *
 * RC_DENIED  *reterr says why; ret is written as far as it was read
 * RC_RETRY   the store cannot be read now
 */
enum rc login_open(const struct login *login, struct db *db, struct arena *mem, struct span header,
    int64_t now_us, struct session *ret, enum refusal *reterr) MUST_CHECK;

/*
 * Note the session's use, if the last note is a minute old.  RC_OK also when
 * none was due.
 */
enum rc login_touch(const struct login *login, struct db *db, struct arena *mem,
    const struct session *session, int64_t now_us) MUST_CHECK;

/*
 * Whether the request shows the session's CSRF token: in the body's `_token`,
 * else in X-CSRF-TOKEN, else encrypted in X-XSRF-TOKEN.
 */
bool login_shows_token(const struct login *login, struct arena *mem, const struct session *session,
    struct span body_token, struct span csrf_header, struct span xsrf_header);

/* Both cookies once more, sealed with the current key, as lines of a header. */
enum rc login_put_cookies(const struct login *login, struct arena *mem,
    const struct session *session, bool is_https, int64_t now_us, struct buf *headers) MUST_CHECK;

/* A name of the session cookie; absent behind the last one. */
struct span login_cookie_name(const struct login *login, size_t index);

#endif
