/*
 * arena: the memory of one request.
 *
 * Allocate, never free; arena_reset gives everything back at once and keeps
 * the first chunk, so that an ordinary request calls malloc not once.
 *
 * A process that finds no memory has no answer left to give: the functions
 * here never return NULL but end the process with a line in the log.  The
 * master starts another worker; nginx answers the one request.
 */
#ifndef WA_BASE_ARENA_H
#define WA_BASE_ARENA_H

#include <stddef.h>
#include "base/span.h"

struct arena;

struct arena *arena_create(size_t chunk);
void arena_free(struct arena *arena);
void arena_reset(struct arena *arena);

/* `size` bytes, aligned for any type, zeroed. */
void *arena_alloc(struct arena *arena, size_t size);
/* Like arena_alloc, for bytes that the caller overwrites. */
char *arena_bytes(struct arena *arena, size_t size);
/* A copy with a NUL behind it. */
struct span arena_copy(struct arena *arena, struct span text);
/* Bytes handed out since the last reset. */
size_t arena_used(const struct arena *arena);

#endif
