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
void buf_put(struct buf *b, struct span text);
void buf_puts(struct buf *b, const char *text);
void buf_putc(struct buf *b, char c);
void buf_put_u64(struct buf *b, uint64_t n);
void buf_put_i64(struct buf *b, int64_t n);
void buf_putf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
