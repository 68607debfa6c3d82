#include "text/percent.h"

static int hex_value(char c, enum percent_kind kind)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return c >= 'a' && c <= 'f' && kind == PERCENT_FORM ? c - 'a' + 10 : -1;
}

struct span percent_decode(struct span text, enum percent_kind kind, struct arena *mem)
{
	char *out = arena_bytes(mem, text.len + 1);
	size_t len = 0;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (c == '+' && kind == PERCENT_FORM) {
			c = ' ';
		} else if (c == '%' && i + 2 < text.len && hex_value(text.ptr[i + 1], kind) >= 0 &&
			   hex_value(text.ptr[i + 2], kind) >= 0) {
			c = (char)(hex_value(text.ptr[i + 1], kind) << 4 |
				   hex_value(text.ptr[i + 2], kind));
			i += 2;
		}
		out[len++] = c;
	}
	out[len] = '\0';
	return span_from(out, len);
}
