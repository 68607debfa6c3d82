#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>

struct buf buf_in(struct arena *mem, size_t max)
{
	return (struct buf){.mem = mem, .max = max};
}

struct buf buf_over(char *storage, size_t size)
{
	return (struct buf){.ptr = storage, .cap = size, .max = size};
}

void buf_clear(struct buf *b)
{
	b->len = 0;
	b->failed = false;
}

/* Room for `more` bytes behind what is there. */
static bool reserve(struct buf *b, size_t more)
{
	size_t cap;
	char *bytes;

	if (b->failed || more > b->max - b->len) {
		b->failed = true;
		return false;
	}
	if (more <= b->cap - b->len)
		return true;
	cap = b->cap < 256 ? 256 : b->cap;
	while (cap - b->len < more)
		cap *= 2;
	if (cap > b->max)
		cap = b->max;
	bytes = arena_bytes(b->mem, cap);
	if (b->len > 0)
		memcpy(bytes, b->ptr, b->len);
	b->ptr = bytes;
	b->cap = cap;
	return true;
}

void buf_reserve(struct buf *b, size_t more)
{
	if (!b->failed && more <= b->max - b->len)
		reserve(b, more);
}

void buf_put_growing(struct buf *b, const char *bytes, size_t len)
{
	if (len == 0 || !reserve(b, len))
		return;
	memcpy(b->ptr + b->len, bytes, len);
	b->len += len;
}

void buf_put_u64(struct buf *b, uint64_t n)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	buf_put(b, span_from(digits + at, sizeof(digits) - at));
}

void buf_put_i64(struct buf *b, int64_t n)
{
	if (n < 0)
		buf_putc(b, '-');
	buf_put_u64(b, n < 0 ? -(uint64_t)n : (uint64_t)n);
}

void buf_putf(struct buf *b, const char *fmt, ...)
{
	va_list args, again;
	int len;

	va_start(args, fmt);
	va_copy(again, args);
	len = vsnprintf(NULL, 0, fmt, args);
	/* vsnprintf wants room for the NUL that we do not keep. */
	if (len >= 0 && reserve(b, (size_t)len + 1)) {
		vsnprintf(b->ptr + b->len, (size_t)len + 1, fmt, again);
		b->len += (size_t)len;
	} else {
		b->failed = true;
	}
	va_end(again);
	va_end(args);
}
