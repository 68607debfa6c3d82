/*
 * json_valid: whether somebody else's JSON can be put into an answer as it is.
 */
#include "base/bounds.h"
#include "base/num.h"
#include "text/json.h"
#include "text/utf8.h"

/* Not in an absent text: there not even nothing may be added to its pointer. */
static void step(struct span *at, size_t bytes)
{
	if (bytes == 0)
		return;
	at->ptr += bytes;
	at->len -= bytes;
}

static bool take(struct span *at, const char *text)
{
	if (!span_starts(*at, text))
		return false;
	step(at, strlen(text));
	return true;
}

static bool is_at(const struct span *at, char c)
{
	return at->len > 0 && at->ptr[0] == c;
}

static void skip_blanks(struct span *at)
{
	while (is_at(at, ' ') || is_at(at, '\t') || is_at(at, '\n') || is_at(at, '\r'))
		step(at, 1);
}

static bool take_escape(struct span *at)
{
	if (at->len < 2)
		return false;
	if (at->ptr[1] != 'u') {
		bool known = at->ptr[1] != '\0' && strchr("\"\\/bfnrt", at->ptr[1]) != NULL;

		step(at, 2);
		return known;
	}
	for (size_t i = 2; i < 6; i++)
		if (i >= at->len || at->ptr[i] == '\0' ||
		    strchr("0123456789abcdefABCDEF", at->ptr[i]) == NULL)
			return false;
	step(at, 6);
	return true;
}

static bool take_string(struct span *at)
{
	if (!take(at, "\""))
		return false;
	while (at->len > 0 && !is_at(at, '"')) {
		if ((unsigned char)at->ptr[0] < ' ')
			return false;
		if (!is_at(at, '\\'))
			step(at, 1);
		else if (!take_escape(at))
			return false;
	}
	return take(at, "\"");
}

static bool take_digits(struct span *at)
{
	size_t len = 0;

	while (len < at->len && num_is_digit(at->ptr[len]))
		len++;
	step(at, len);
	return len > 0;
}

static bool take_number(struct span *at)
{
	take(at, "-");
	if (!take(at, "0") && !take_digits(at))
		return false;
	if (take(at, ".") && !take_digits(at))
		return false;
	if (!take(at, "e") && !take(at, "E"))
		return true;
	if (!take(at, "+"))
		take(at, "-");
	return take_digits(at);
}

static bool take_key(struct span *at)
{
	skip_blanks(at);
	if (!take_string(at))
		return false;
	skip_blanks(at);
	return take(at, ":");
}

static bool take_scalar(struct span *at)
{
	if (is_at(at, '"'))
		return take_string(at);
	return take(at, "true") || take(at, "false") || take(at, "null") || take_number(at);
}

/* What has been opened, innermost last: '}' or ']'. */
struct nesting {
	char close[BOUND_JSON_DEPTH];
	size_t depth;
};

/* After a value: close what ends here, or step to the next value.  False: broken. */
static bool after_value(struct span *at, struct nesting *nesting, bool *done)
{
	for (;;) {
		skip_blanks(at);
		if (nesting->depth == 0) {
			*done = true;
			return at->len == 0;
		}
		if (take(at, ","))
			return nesting->close[nesting->depth - 1] == ']' || take_key(at);
		if (!is_at(at, nesting->close[nesting->depth - 1]))
			return false;
		step(at, 1);
		nesting->depth--;
	}
}

bool json_is_valid(struct span at)
{
	struct nesting nesting = {.depth = 0};
	bool done = false;

	if (!utf8_valid(at))
		return false;
	while (!done) {
		bool is_object, is_empty;

		skip_blanks(&at);
		is_object = is_at(&at, '{');
		if (!is_object && !is_at(&at, '[')) {
			if (!take_scalar(&at) || !after_value(&at, &nesting, &done))
				return false;
			continue;
		}
		if (nesting.depth == BOUND_JSON_DEPTH)
			return false;
		step(&at, 1);
		skip_blanks(&at);
		nesting.close[nesting.depth++] = is_object ? '}' : ']';
		is_empty = is_at(&at, is_object ? '}' : ']');
		if (is_empty ? !after_value(&at, &nesting, &done) : is_object && !take_key(&at))
			return false;
	}
	return true;
}
