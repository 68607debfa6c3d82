/*
 * cookie: reading a Cookie header, and writing Set-Cookie as Laravel does.
 */
#ifndef WA_AUTH_COOKIE_H
#define WA_AUTH_COOKIE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"

/*
 * The value of the cookie `name`, decoded, in `mem`; of several the first,
 * as in PHP.  False without one.
 *
 * Percent escapes are read as PHP and browsers write them, in upper case; any
 * other '%' stands for itself, so that no two texts are the same value.
 */
bool cookie_find(struct span header, struct span name, struct arena *mem, struct span *ret);

/* What the cookies of one application have in common. */
struct cookie_attributes {
	struct span path;
	struct span domain; /* empty: none */
	struct span same_site;
	uint64_t lifetime_s;
	bool expire_on_close; /* of the session cookie */
	bool http_only;       /* of the session cookie */
	enum { COOKIE_SECURE_AUTO, COOKIE_SECURE_OFF, COOKIE_SECURE_ON } secure;
};

enum cookie_kind { COOKIE_SESSION, COOKIE_XSRF };

/*
 * One line "Set-Cookie: …" for `value` (Base64), as Symfony's Cookie writes
 * it.  `is_https` decides where the attributes leave it open.
 */
void cookie_put(struct buf *headers, enum cookie_kind kind, struct span name, struct span value,
    const struct cookie_attributes *attributes, bool is_https, int64_t now_us);

#endif
