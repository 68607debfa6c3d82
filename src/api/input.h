/*
 * input: what handlers read out of a request.
 *
 * Of browser routes, query and body are one set of fields, as Laravel merges
 * them; of Node routes, the handlers read the body themselves.
 */
#ifndef WA_API_INPUT_H
#define WA_API_INPUT_H

#include <stdint.h>

#include "http/call.h"
#include "text/faults.h"
#include "text/field.h"

/*
 * A whole number of at least `min` from the query; absent or empty leaves
 * *ret as it is, anything else is a fault.
 */
void input_query_number(
    struct call *call, const char *field, uint64_t min, struct faults *faults, uint64_t *ret);

/*
 * Query and body are taken apart when somebody first asks for them, into
 * call->input: not for a caller who is not let in.  What is wrong with them is
 * told by input_accept.
 */
void input_free(struct input *input);

/* The body's `_token`; absent without one.  One that is no text equals no token. */
struct span input_token(struct call *call);
/* False: the body is of another type (415) or cannot be read (400), and that was answered. */
bool input_accept(struct call *call);
/* A field of the body, else of the query.  `name` is a literal. */
struct field input_field(struct call *call, const char *name);

#endif
