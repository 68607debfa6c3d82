/*
 * input: what several handlers read out of a request.
 */
#ifndef WA_API_INPUT_H
#define WA_API_INPUT_H

#include <stdint.h>

#include "http/call.h"
#include "text/faults.h"

/*
 * A whole number of at least `min` from the query; absent or empty leaves
 * *ret as it is, anything else is a fault.
 */
void input_query_number(
    struct call *call, const char *field, uint64_t min, struct faults *faults, uint64_t *ret);

#endif
