#include "text/hex.h"

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

bool hex_decode(struct span text, unsigned char *ret, size_t size)
{
	if (text.len != 2 * size)
		return false;
	for (size_t i = 0; i < text.len; i++)
		if (digit(text.ptr[i]) < 0)
			return false;
	for (size_t i = 0; i < size; i++)
		ret[i] = (unsigned char)(digit(text.ptr[2 * i]) << 4 | digit(text.ptr[2 * i + 1]));
	return true;
}

void hex_encode(const unsigned char *bytes, size_t size, char *ret)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < size; i++) {
		ret[2 * i] = digits[bytes[i] >> 4];
		ret[2 * i + 1] = digits[bytes[i] & 15];
	}
}
