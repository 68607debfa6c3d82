#include "text/html.h"

static const char *escape_of(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

void html_put(struct buf *b, struct span text)
{
	size_t start = 0;

	if (text.len == 0)
		return;
	for (size_t i = 0; i < text.len; i++) {
		const char *escape = escape_of(text.ptr[i]);

		if (escape == NULL)
			continue;
		buf_put(b, span_from(text.ptr + start, i - start));
		buf_puts(b, escape);
		start = i + 1;
	}
	buf_put(b, span_from(text.ptr + start, text.len - start));
}
