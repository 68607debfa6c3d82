/*
 * buf: text that we build, with a maximum.
 *
 * The puts do not report; a put that would pass the maximum sets `failed`,
 * and so does every later one.  Twenty puts, one check.
 */
#ifndef WA_BASE_BUF_H
#define WA_BASE_BUF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/rc.h"
#include "base/span.h"

struct buf {
	char *ptr;
	size_t len;
	size_t cap;
	size_t max;
	struct arena *mem; /* NULL: storage of the caller, which does not grow */
	bool failed;
};

/* Grows in `mem`, up to `max` bytes. */
struct buf buf_in(struct arena *mem, size_t max);
/* In the caller's storage of `size` bytes. */
struct buf buf_over(char *storage, size_t size);

static inline struct span buf_span(const struct buf *b)
{
	return (struct span){.ptr = b->ptr ? b->ptr : "", .len = b->len};
}

void buf_clear(struct buf *b);
/* Room for so many more bytes at once, if the maximum allows it: saves growing step by step. */
void buf_reserve(struct buf *b, size_t more);
/* What a put does when there is no room yet. */
void buf_put_growing(struct buf *b, const char *bytes, size_t len);

static inline void buf_put(struct buf *b, struct span text)
{
	if (b->failed || text.len > b->cap - b->len) {
		buf_put_growing(b, text.ptr, text.len);
	} else if (text.len > 0) {
		memcpy(b->ptr + b->len, text.ptr, text.len);
		b->len += text.len;
	}
}

static inline void buf_putc(struct buf *b, char c)
{
	if (b->failed || b->len == b->cap)
		buf_put_growing(b, &c, 1);
	else
		b->ptr[b->len++] = c;
}

static inline void buf_puts(struct buf *b, const char *text)
{
	buf_put(b, span_of(text));
}

void buf_put_u64(struct buf *b, uint64_t n);
void buf_put_i64(struct buf *b, int64_t n);
void buf_putf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
