#include "base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/log.h"

struct chunk {
	struct chunk *next;
	size_t size;
	alignas(max_align_t) char bytes[];
};

struct arena {
	struct chunk *first;   /* kept by a reset */
	struct chunk *current; /* head of the list; bytes are taken from here */
	size_t used;           /* of the current chunk */
	size_t before;         /* handed out of the chunks behind it */
};

static struct chunk *chunk_create(size_t size, struct chunk *next)
{
	struct chunk *chunk =
	    size <= SIZE_MAX - sizeof(*chunk) ? malloc(sizeof(*chunk) + size) : NULL;

	if (chunk == NULL) {
		log_error("out of memory: could not allocate %zu bytes; this process ends", size);
		_exit(EX_OSERR);
	}
	chunk->size = size;
	chunk->next = next;
	return chunk;
}

struct arena *arena_create(size_t size)
{
	struct chunk *chunk = chunk_create(size + sizeof(struct arena), NULL);
	struct arena *arena = (struct arena *)chunk->bytes;

	*arena = (struct arena){.first = chunk, .current = chunk, .used = sizeof(*arena)};
	return arena;
}

void arena_reset(struct arena *arena)
{
	while (arena->current != arena->first) {
		struct chunk *chunk = arena->current;

		arena->current = chunk->next;
		free(chunk);
	}
	arena->used = sizeof(*arena);
	arena->before = 0;
}

void arena_free(struct arena *arena)
{
	if (arena == NULL)
		return;
	arena_reset(arena);
	free(arena->first);
}

static char *take(struct arena *arena, size_t size, size_t align)
{
	size_t start = (arena->used + align - 1) & ~(align - 1);

	if (start > arena->current->size || size > arena->current->size - start) {
		size_t normal = arena->first->size;

		arena->before += arena->used;
		arena->current = chunk_create(size > normal ? size : normal, arena->current);
		start = 0;
	}
	arena->used = start + size;
	return arena->current->bytes + start;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	return memset(take(arena, size, alignof(max_align_t)), 0, size);
}

char *arena_bytes(struct arena *arena, size_t size)
{
	return take(arena, size, 1);
}

struct span arena_copy(struct arena *arena, struct span text)
{
	char *copy = arena_bytes(arena, text.len + 1);

	if (text.len > 0)
		memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	return span_from(copy, text.len);
}

size_t arena_used(const struct arena *arena)
{
	return arena->before + arena->used - sizeof(*arena);
}
