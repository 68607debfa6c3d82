/*
 * percent: %-escapes (RFC 3986, 2.1), as two kinds of text use them.  A broken
 * escape stands for itself.
 */
#ifndef WA_TEXT_PERCENT_H
#define WA_TEXT_PERCENT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/span.h"

enum percent_kind {
	PERCENT_FORM,   /* application/x-www-form-urlencoded: '+' is a blank */
	PERCENT_COOKIE, /* as PHP and browsers write them: hex in upper case only */
};

/* The decoded text, in `mem`. */
struct span percent_decode(struct span text, enum percent_kind kind, struct arena *mem);
/* Everything but RFC 3986's unreserved characters escaped: for a segment of a path, or a value. */
void percent_put(struct buf *b, struct span text);

#endif
