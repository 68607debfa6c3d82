#include "base/span.h"

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool span_eq_nocase(struct span a, struct span b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (lower(a.ptr[i]) != lower(b.ptr[i]))
			return false;
	return true;
}

bool span_starts(struct span a, const char *prefix)
{
	size_t len = strlen(prefix);

	return a.len >= len && memcmp(a.ptr, prefix, len) == 0;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct span span_trim(struct span a)
{
	while (a.len > 0 && is_blank(a.ptr[0])) {
		a.ptr++;
		a.len--;
	}
	while (a.len > 0 && is_blank(a.ptr[a.len - 1]))
		a.len--;
	return a;
}

bool span_cut(struct span *rest, char sep, struct span *ret)
{
	const char *end;

	if (rest->ptr == NULL)
		return false;
	end = rest->len > 0 ? memchr(rest->ptr, sep, rest->len) : NULL;
	if (end == NULL) {
		*ret = *rest;
		*rest = (struct span){0};
		return true;
	}
	*ret = span_from(rest->ptr, (size_t)(end - rest->ptr));
	*rest = span_from(end + 1, rest->len - ret->len - 1);
	return true;
}
