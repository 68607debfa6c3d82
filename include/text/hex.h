/*
 * hex: bytes as lower-case hexadecimal digits, and back.
 */
#ifndef WA_TEXT_HEX_H
#define WA_TEXT_HEX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/rc.h"
#include "base/span.h"

/* Exactly 2 * `size` lower-case digits; nothing is written otherwise. */
bool hex_decode(struct span text, unsigned char *ret, size_t size) MUST_CHECK;
/* Writes 2 * `size` digits, without a NUL. */
void hex_encode(const unsigned char *bytes, size_t size, char *ret);

#endif
