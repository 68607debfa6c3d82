/*
 * secret_strength: whether a secret is one.
 */
#ifndef WA_CONF_SECRET_STRENGTH_H
#define WA_CONF_SECRET_STRENGTH_H

#include <stdbool.h>

#include "base/span.h"

/*
 * NULL for a secret that is hard to guess by its form; otherwise what is
 * wrong with it ("is shorter than 20 characters").  A form is no proof: a
 * sentence of a book passes.
 */
const char *secret_strength_fault(struct span secret);
/* It has a word of those that examples have in its place: your-api-key-here. */
bool secret_is_placeholder(struct span secret);

#endif
