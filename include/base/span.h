/*
 * span: a borrowed run of bytes.
 *
 * What came from outside is a span: it owns nothing, is not terminated, and
 * lives as long as the memory it points into (for a request: its arena).
 * ptr is NULL for "absent"; an empty value has a ptr and len 0.
 */
#ifndef WA_BASE_SPAN_H
#define WA_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct span {
	const char *ptr;
	size_t len;
};

/* A string literal as a span, also in static initialisers. */
#define SPAN(literal) \
	{ \
		.ptr = "" literal "", .len = sizeof(literal) - 1 \
	}
#define SPAN_OF(literal) ((struct span)SPAN(literal))
/* For printf's "%.*s". */
#define SPAN_ARG(s) (int)(s).len, (s).ptr ? (s).ptr : ""

static inline struct span span_of(const char *text)
{
	return (struct span){.ptr = text, .len = text ? strlen(text) : 0};
}

static inline struct span span_from(const char *ptr, size_t len)
{
	return (struct span){.ptr = ptr, .len = len};
}

static inline bool span_eq(struct span a, struct span b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool span_is(struct span a, const char *text)
{
	return span_eq(a, span_of(text));
}

/* Equal but for the case of ASCII letters. */
bool span_eq_nocase(struct span a, struct span b);
bool span_starts(struct span a, const char *prefix);
/* Without leading and trailing bytes of " \t\r\n". */
struct span span_trim(struct span a);
/* Cut the part before the first `sep` off `*rest`; false when nothing is left. */
bool span_cut(struct span *rest, char sep, struct span *ret);

#endif
