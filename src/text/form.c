#include "text/form.h"

#include "base/bounds.h"

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static struct span decode(struct span text, struct arena *mem)
{
	char *out = arena_bytes(mem, text.len + 1);
	size_t len = 0;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (c == '+') {
			c = ' ';
		} else if (c == '%' && i + 2 < text.len && hex_value(text.ptr[i + 1]) >= 0 &&
			   hex_value(text.ptr[i + 2]) >= 0) {
			c = (char)(hex_value(text.ptr[i + 1]) << 4 | hex_value(text.ptr[i + 2]));
			i += 2;
		}
		out[len++] = c;
	}
	out[len] = '\0';
	return span_from(out, len);
}

bool form_next(struct span *form, struct arena *mem, struct span *name, struct span *value)
{
	struct span pair, key;

	while (span_cut(form, '&', &pair)) {
		if (!span_cut(&pair, '=', &key) || key.len == 0)
			continue;
		*name = decode(key, mem);
		*value = pair.ptr != NULL ? decode(pair, mem) : SPAN_OF("");
		return true;
	}
	return false;
}

bool form_field(struct span form, const char *name, struct arena *mem, struct span *ret)
{
	struct span key, value, found = {0};

	for (int n = 0; n < BOUND_QUERY_FIELDS && form_next(&form, mem, &key, &value); n++)
		if (span_is(key, name))
			found = value;
	if (found.ptr == NULL)
		return false;
	*ret = found;
	return true;
}
