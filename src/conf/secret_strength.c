#include "secret_strength.h"

#include "base/bounds.h"

enum { DISTINCT_MIN = 8 };

static size_t distinct_bytes(struct span text)
{
	bool seen[256] = {false};
	size_t count = 0;

	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		count += !seen[c];
		seen[c] = true;
	}
	return count;
}

/* The text is a shorter one, over and over: "changeme-changeme-". */
static bool repeats(struct span text)
{
	for (size_t period = 1; period <= text.len / 2; period++)
		if (memcmp(text.ptr, text.ptr + period, text.len - period) == 0)
			return true;
	return false;
}

const char *secret_strength_fault(struct span secret)
{
	if (secret.len < BOUND_SECRET_MIN)
		return "is shorter than 20 characters";
	if (distinct_bytes(secret) < DISTINCT_MIN)
		return "has fewer than 8 different characters";
	if (repeats(secret))
		return "repeats one short text";
	return NULL;
}

bool secret_is_placeholder(struct span secret)
{
	static const struct span words[] = {SPAN("change"), SPAN("default"), SPAN("example"),
	    SPAN("placeholder"), SPAN("password"), SPAN("your-"), SPAN("your_"), SPAN("api-key"),
	    SPAN("api_key"), SPAN("apikey"), SPAN("secret-key"), SPAN("secret_key")};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		for (size_t at = 0; at + words[i].len <= secret.len; at++)
			if (span_eq_nocase(span_from(secret.ptr + at, words[i].len), words[i]))
				return true;
	return false;
}
