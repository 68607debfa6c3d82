/*
 * json: JSON in (jansson, bounded) and JSON out (straight into a buf).
 *
 * Reading builds a tree; writing never does: an answer is a handful of puts.
 */
#ifndef WA_TEXT_JSON_H
#define WA_TEXT_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/rc.h"
#include "base/span.h"

/*
 * Parse one JSON text, at most BOUND_JSON_DEPTH deep, in UTF-8, without
 * equal keys in one object and without NUL characters.  The caller calls
 * json_decref(*ret).
 *
 * RC_INVALID  *reterr is a sentence for the sender (a literal)
 */
enum rc json_read(struct span text, json_t **ret, const char **reterr) MUST_CHECK;

/*
 * Whether `text` is one JSON value as RFC 8259 has it, in UTF-8 and at most
 * BOUND_JSON_DEPTH deep.  No tree is built, and a number may have any size.
 */
bool json_is_valid(struct span text);
/* The string that a JSON text is, in `mem`; it may hold a NUL. */
bool json_read_string(struct span text, struct arena *mem, struct span *ret) MUST_CHECK;

/* The string's bytes; absent (ptr NULL) when `value` is NULL or no string. */
struct span json_text(const json_t *value);
/* An integer, or a string of decimal digits, as PHP clients write them. */
bool json_unsigned(const json_t *value, uint64_t *ret) MUST_CHECK;

/* "text" with quotes and escapes; an absent span is null. */
void json_put_string(struct buf *b, struct span text);
void json_put_bool(struct buf *b, bool value);
/* now_put_iso in quotes, or null. */
void json_put_time(struct buf *b, int64_t us);
/* A comma unless it is the first member, then "name":  */
void json_put_key(struct buf *b, const char *name);

#endif
