#include "text/utf8.h"

/* Bytes of the well-formed character at the start of a non-empty text, or 0. */
static size_t sequence(const unsigned char *p, size_t len)
{
	unsigned char low = 0x80, high = 0xbf;
	size_t need;

	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	need = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (p[0] == 0xe0)
		low = 0xa0; /* overlong */
	else if (p[0] == 0xed)
		high = 0x9f; /* surrogates */
	else if (p[0] == 0xf0)
		low = 0x90; /* overlong */
	else if (p[0] == 0xf4)
		high = 0x8f; /* above U+10FFFF */
	if (len < need || p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < need; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return need;
}

bool utf8_valid(struct span text)
{
	const unsigned char *p = (const unsigned char *)text.ptr;
	size_t at = 0;

	while (at < text.len) {
		size_t step = sequence(p + at, text.len - at);

		if (step == 0)
			return false;
		at += step;
	}
	return true;
}

static bool continues(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

size_t utf8_length(struct span text)
{
	size_t chars = 0;

	for (size_t i = 0; i < text.len; i++)
		chars += !continues(text.ptr[i]);
	return chars;
}

struct span utf8_cut(struct span text, size_t chars)
{
	size_t at = 0;

	for (; at < text.len; at++) {
		if (continues(text.ptr[at]))
			continue;
		if (chars == 0)
			break;
		chars--;
	}
	return span_from(text.ptr, at);
}
