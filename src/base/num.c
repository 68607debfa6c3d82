#include "base/num.h"

bool num_u64(struct span text, uint64_t *ret)
{
	uint64_t n = 0;

	if (text.len == 0)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		unsigned digit;

		if (!num_is_digit(text.ptr[i]))
			return false;
		digit = (unsigned)(text.ptr[i] - '0');
		if (n > (UINT64_MAX - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	*ret = n;
	return true;
}

bool num_i64(struct span text, int64_t *ret)
{
	bool negative = text.len > 0 && text.ptr[0] == '-';
	uint64_t n;

	if (!num_u64(negative ? span_from(text.ptr + 1, text.len - 1) : text, &n))
		return false;
	if (n > (uint64_t)INT64_MAX + (negative ? 1 : 0))
		return false;
	*ret = negative ? (int64_t)-n : (int64_t)n;
	return true;
}
