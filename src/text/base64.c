#include "text/base64.h"

#include <stdint.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* The value of a digit plus one; 0: no digit. */
static const uint8_t values[256] = {
    ['A'] = 1,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    9,
    10,
    11,
    12,
    13,
    14,
    15,
    16,
    17,
    18,
    19,
    20,
    21,
    22,
    23,
    24,
    25,
    26,
    ['a'] = 27,
    28,
    29,
    30,
    31,
    32,
    33,
    34,
    35,
    36,
    37,
    38,
    39,
    40,
    41,
    42,
    43,
    44,
    45,
    46,
    47,
    48,
    49,
    50,
    51,
    52,
    ['0'] = 53,
    54,
    55,
    56,
    57,
    58,
    59,
    60,
    61,
    62,
    ['+'] = 63,
    ['/'] = 64,
};

struct decoding {
	char *out;
	size_t len;
	uint32_t bits;
	unsigned count;   /* digits and pads so far */
	unsigned padding; /* '=' so far: nothing but them may follow */
};

static bool take(struct decoding *d, char c)
{
	uint8_t value = values[(unsigned char)c];

	if (c == '=') {
		/* At the third or fourth place of a group. */
		if (++d->padding > 2 || d->count % 4 < 2)
			return false;
		value = 1;
	} else if (value == 0 || d->padding > 0) {
		return false;
	}
	d->bits = d->bits << 6 | (uint32_t)(value - 1);
	if (++d->count % 4 != 0)
		return true;
	d->out[d->len++] = (char)(d->bits >> 16);
	d->out[d->len++] = (char)(d->bits >> 8);
	d->out[d->len++] = (char)d->bits;
	return true;
}

bool base64_decode(struct span text, struct arena *mem, struct span *ret)
{
	struct decoding d = {.out = arena_bytes(mem, text.len / 4 * 3 + 4)};
	uint32_t unused;

	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '\n' || text.ptr[i] == '\r')
			continue;
		if (!take(&d, text.ptr[i]))
			return false;
	}
	unused = d.padding == 2 ? d.bits & 0xffff : d.padding == 1 ? d.bits & 0xff : 0;
	if (d.count % 4 != 0 || unused != 0)
		return false;
	d.len -= d.padding;
	d.out[d.len] = '\0';
	*ret = span_from(d.out, d.len);
	return true;
}

void base64_put(struct buf *b, struct span bytes)
{
	const unsigned char *p = (const unsigned char *)bytes.ptr;

	for (size_t i = 0; i < bytes.len; i += 3) {
		size_t left = bytes.len - i;
		uint32_t bits = (uint32_t)p[i] << 16 | (left > 1 ? (uint32_t)p[i + 1] << 8 : 0) |
				(left > 2 ? p[i + 2] : 0);
		char group[] = {digits[bits >> 18], digits[bits >> 12 & 63],
		    left > 1 ? digits[bits >> 6 & 63] : '=', left > 2 ? digits[bits & 63] : '='};

		buf_put(b, span_from(group, sizeof(group)));
	}
}
