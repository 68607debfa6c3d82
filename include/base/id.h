/*
 * id: names that must not collide or be guessed.
 */
#ifndef WA_BASE_ID_H
#define WA_BASE_ID_H

#include <stdbool.h>

#include "base/span.h"

enum { ID_UUID_SIZE = 37 };

/* A random (version 4) uuid in lower case, NUL-terminated. */
void id_uuid(char ret[static ID_UUID_SIZE]);
/* 8-4-4-4-12 hex digits of either case. */
bool id_is_uuid(struct span text);
/* `size` random lower-case letters and digits, without a NUL; at most 16. */
void id_alphanumeric(char *ret, size_t size);

#endif
