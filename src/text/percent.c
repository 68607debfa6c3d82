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

static bool is_unreserved(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '.' || c == '_' || c == '~';
}

void percent_put(struct buf *b, struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (is_unreserved(text.ptr[i]))
			buf_putc(b, text.ptr[i]);
		else
			buf_putf(b, "%%%02X", (unsigned char)text.ptr[i]);
	}
}
