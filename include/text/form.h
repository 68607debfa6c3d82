/*
 * form: fields of a query string (application/x-www-form-urlencoded, as the
 * WHATWG URL standard reads it: '+' is a blank, a broken %-escape stands for
 * itself).
 */
#ifndef WA_TEXT_FORM_H
#define WA_TEXT_FORM_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/span.h"

/*
 * The decoded value of field `name`, in `mem`; of equal names the last one,
 * as in PHP.  False when there is none among the first BOUND_QUERY_FIELDS
 * fields; a field without '=' has the empty value.
 */
bool form_field(struct span form, const char *name, struct arena *mem, struct span *ret);

/*
 * Cut the first field off `*form`: its name and its value, decoded, in
 * `mem`.  False when none is left.  Empty fields ("a=1&&b=2") are skipped.
 */
bool form_next(struct span *form, struct arena *mem, struct span *name, struct span *value);

#endif
