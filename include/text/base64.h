/*
 * base64: bytes as text (RFC 4648, section 4), and back.
 */
#ifndef WA_TEXT_BASE64_H
#define WA_TEXT_BASE64_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/rc.h"

/*
 * The bytes, in `mem`.  Only what an encoder writes is read: whole groups
 * of four, padded, with unused bits zero, so that two texts never mean the
 * same bytes.  Line breaks are skipped.  ret is written on true only.
 */
bool base64_decode(struct span text, struct arena *mem, struct span *ret) MUST_CHECK;
/* Padded, on one line. */
void base64_put(struct buf *b, struct span bytes);

#endif
