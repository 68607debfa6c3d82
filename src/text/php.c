#include "text/php.h"

#include <stdbool.h>

#include "base/bounds.h"
#include "base/num.h"

/* Longer than any integer that PHP writes. */
enum { NUMBER_MAX = 24 };

static void step(struct span *at, size_t bytes)
{
	at->ptr += bytes;
	at->len -= bytes;
}

static bool take(struct span *at, const char *text)
{
	size_t len = strlen(text);

	if (at->len < len || memcmp(at->ptr, text, len) != 0)
		return false;
	step(at, len);
	return true;
}

/* The text up to `end`, which is stepped over. */
static bool take_until(struct span *at, char end, struct span *ret)
{
	size_t limit = at->len < NUMBER_MAX ? at->len : NUMBER_MAX;
	const char *found = limit > 0 ? memchr(at->ptr, end, limit) : NULL;

	if (found == NULL)
		return false;
	*ret = span_from(at->ptr, (size_t)(found - at->ptr));
	step(at, ret->len + 1);
	return true;
}

static bool take_integer(struct span *at, char end, struct span *text, int64_t *ret)
{
	return take_until(at, end, text) && num_i64(*text, ret);
}

static bool take_count(struct span *at, char end, uint64_t *ret)
{
	struct span text;

	return take_until(at, end, &text) && num_u64(text, ret);
}

/* LENGTH:"BYTES" */
static bool take_quoted(struct span *at, struct span *ret)
{
	uint64_t len;

	if (!take_count(at, ':', &len) || !take(at, "\"") || len > at->len)
		return false;
	*ret = span_from(at->ptr, (size_t)len);
	step(at, (size_t)len);
	return take(at, "\"");
}

static bool take_bool(struct span *at, int64_t *ret)
{
	*ret = at->len > 0 && at->ptr[0] == '1';
	return take(at, *ret ? "1;" : "0;");
}

static bool take_float(struct span *at)
{
	/* With PHP's 17 digits, an exponent and a sign. */
	size_t i = 0;

	while (i < at->len && i < 2 * NUMBER_MAX && strchr("0123456789+-.EINFA", at->ptr[i]) &&
	       at->ptr[i] != '\0')
		i++;
	step(at, i);
	return i > 0 && take(at, ";");
}

/* A class that writes itself: LENGTH:"CLASS":LENGTH:{BYTES} */
static bool take_custom(struct span *at)
{
	struct span name;
	uint64_t len;

	if (!take_quoted(at, &name) || !take(at, ":") || !take_count(at, ':', &len) ||
	    !take(at, "{") || len > at->len)
		return false;
	step(at, (size_t)len);
	return take(at, "}");
}

/* An array or an object up to its first member; `pairs` are those that follow. */
static bool open_members(struct span *at, char type, uint64_t *pairs)
{
	struct span name;

	if (type == 'O' && (!take_quoted(at, &name) || !take(at, ":")))
		return false;
	return take_count(at, ':', pairs) && take(at, "{");
}

/*
 * A value, or the beginning of one that has members: then *opens is true.
 */
static bool begin_value(struct span *at, struct php_value *value, bool *opens, uint64_t *pairs)
{
	char type = at->len > 0 ? at->ptr[0] : '\0';
	struct span text;

	*value = (struct php_value){.type = PHP_OTHER};
	*opens = type == 'a' || type == 'O';
	if (type == 'N') {
		value->type = PHP_NULL;
		return take(at, "N;");
	}
	if (at->len < 2 || at->ptr[1] != ':')
		return false;
	step(at, 2);
	switch (type) {
	case 'b':
		value->type = PHP_BOOL;
		return take_bool(at, &value->i);
	case 'i':
		value->type = PHP_INTEGER;
		return take_integer(at, ';', &text, &value->i);
	case 'd':
		value->type = PHP_FLOAT;
		return take_float(at);
	case 's':
		value->type = PHP_STRING;
		return take_quoted(at, &value->s) && take(at, ";");
	case 'a':
	case 'O':
		return open_members(at, type, pairs);
	case 'C':
		return take_custom(at);
	case 'E':
		return take_quoted(at, &text) && take(at, ";");
	case 'r':
	case 'R':
		return take_integer(at, ';', &text, &value->i);
	default:
		return false;
	}
}

static bool take_key(struct span *at, struct span *ret)
{
	int64_t number;

	if (take(at, "i:"))
		return take_integer(at, ';', ret, &number);
	return take(at, "s:") && take_quoted(at, ret) && take(at, ";");
}

/* The rest of what has been opened, with all that it holds. */
static bool skip_members(struct span *at, uint64_t pairs)
{
	uint64_t left[BOUND_PHP_DEPTH - 1]; /* the outermost array is not among them */
	size_t depth = 0;

	left[0] = pairs;
	for (;;) {
		struct php_value value;
		struct span key;
		bool opens;

		if (left[depth] == 0) {
			if (!take(at, "}"))
				return false;
			if (depth-- == 0)
				return true;
			continue;
		}
		left[depth]--;
		if (!take_key(at, &key) || !begin_value(at, &value, &opens, &pairs))
			return false;
		if (!opens)
			continue;
		if (++depth == BOUND_PHP_DEPTH - 1)
			return false;
		left[depth] = pairs;
	}
}

enum rc php_read_array(struct span text, php_member_fn *fn, void *ctx)
{
	uint64_t pairs;

	if (!take(&text, "a:") || !open_members(&text, 'a', &pairs))
		return RC_INVALID;
	for (; pairs > 0; pairs--) {
		struct php_value value;
		struct span key;
		uint64_t inner = 0;
		bool opens;

		if (!take_key(&text, &key) || !begin_value(&text, &value, &opens, &inner) ||
		    (opens && !skip_members(&text, inner)))
			return RC_INVALID;
		fn(ctx, key, &value);
	}
	return take(&text, "}") ? RC_OK : RC_INVALID;
}

enum rc php_read_string(struct span text, struct span *ret)
{
	struct span s;

	if (!take(&text, "s:") || !take_quoted(&text, &s) || !take(&text, ";"))
		return RC_INVALID;
	*ret = s;
	return RC_OK;
}
