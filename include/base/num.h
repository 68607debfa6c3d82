/*
 * num: numbers from text, checked.
 *
 * The whole span must be the number: decimal digits, for the signed form
 * with one leading '-'.  No blanks, no '+', no empty text, nothing that
 * does not fit.  ret is written on true only.
 */
#ifndef WA_BASE_NUM_H
#define WA_BASE_NUM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rc.h"
#include "base/span.h"

bool num_u64(struct span text, uint64_t *ret) MUST_CHECK;
bool num_i64(struct span text, int64_t *ret) MUST_CHECK;

static inline bool num_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

#endif
