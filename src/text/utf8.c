#include "text/utf8.h"

#include <stdint.h>

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

/* PCRE's \s of Unicode text (\h and \v), and what Laravel adds to it. */
static bool is_blank(uint32_t c)
{
	return (c >= 0x09 && c <= 0x0d) || c == 0x20 || c == 0x85 || c == 0xa0 || c == 0x1680 ||
	       c == 0x180e || (c >= 0x2000 && c <= 0x200b) || c == 0x200e || c == 0x2028 ||
	       c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000 || c == 0xfeff || c == 0;
}

/* The character that begins at `p` and has `len` bytes. */
static uint32_t character(const char *p, size_t len)
{
	static const unsigned char first[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	uint32_t c = (unsigned char)p[0] & first[len];

	for (size_t i = 1; i < len; i++)
		c = c << 6 | ((unsigned char)p[i] & 0x3f);
	return c;
}

struct span utf8_trim(struct span text)
{
	while (text.len > 0) {
		size_t len = sequence((const unsigned char *)text.ptr, text.len);

		if (len == 0 || !is_blank(character(text.ptr, len)))
			break;
		text = span_from(text.ptr + len, text.len - len);
	}
	while (text.len > 0) {
		size_t len = 1;

		while (len < text.len && len < 4 && continues(text.ptr[text.len - len]))
			len++;
		if (!is_blank(character(text.ptr + text.len - len, len)))
			break;
		text.len -= len;
	}
	return text;
}

static bool is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0);
}

void utf8_put_line(struct buf *b, struct span text, size_t max)
{
	const char *p = text.ptr, *end = text.ptr + text.len;
	bool blank = true; /* none at the beginning */

	while (p < end) {
		size_t step = sequence((const unsigned char *)p, (size_t)(end - p));
		bool skips =
		    step > 0 && (is_blank(character(p, step)) || is_control(character(p, step)));

		if (skips && blank) {
			p += step;
			continue;
		}
		if ((step > 0 && !skips ? step : 1) > max)
			return;
		if (skips || step == 0)
			buf_putc(b, skips ? ' ' : '?');
		else
			buf_put(b, span_from(p, step));
		max -= step > 0 && !skips ? step : 1;
		blank = skips;
		p += step > 0 ? step : 1;
	}
}
