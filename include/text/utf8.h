/*
 * utf8: what is text, and how long it is.
 */
#ifndef WA_TEXT_UTF8_H
#define WA_TEXT_UTF8_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/span.h"

/* Well-formed UTF-8 (Unicode 15, table 3-7): no surrogates, nothing overlong. */
bool utf8_valid(struct span text);
/* Characters of well-formed text. */
size_t utf8_length(struct span text);
/* The longest start of well-formed text with at most `chars` characters. */
struct span utf8_cut(struct span text, size_t chars);
/*
 * Well-formed text without blanks at its ends, as Laravel's TrimStrings
 * leaves it (Illuminate\Support\Str::trim, Laravel 12): Unicode's blanks,
 * NUL, U+200B, U+200E and U+FEFF.
 */
struct span utf8_trim(struct span text);
/*
 * Any bytes as one line of at most `max` bytes of well-formed text: blanks and
 * controls in a row are one blank, what is not well-formed is '?'.
 */
void utf8_put_line(struct buf *b, struct span text, size_t max);

#endif
