/*
 * json_is_valid against jansson.  Both read the same language, but for five
 * differences: jansson refuses a number that does not fit, an escape of a lone
 * surrogate, and an escaped NUL in a key; it overlooks a NUL behind a number or
 * a word; and we refuse what is deeper than our bound.
 */
#include <string.h>

#include "base/bounds.h"
#include "fuzz.h"
#include "text/json.h"
#include "text/utf8.h"

static bool has_nul(struct span text)
{
	return text.len > 0 && memchr(text.ptr, '\0', text.len) != NULL;
}

static int depth_of(struct span text)
{
	bool in_string = false;
	int depth = 0, deepest = 0;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (in_string && c == '\\')
			i++;
		else if (c == '"')
			in_string = !in_string;
		else if (!in_string && (c == '[' || c == '{'))
			deepest = ++depth > deepest ? depth : deepest;
		else if (!in_string && (c == ']' || c == '}'))
			depth--;
	}
	return deepest;
}

/* Whether any surrogate is escaped: whether it is a lone one is jansson's to say. */
static bool escapes_surrogates(struct span text)
{
	for (size_t i = 0; i + 3 < text.len; i++) {
		if (text.ptr[i] != '\\')
			continue;
		if (text.ptr[i + 1] == 'u' && (text.ptr[i + 2] | 0x20) == 'd' &&
		    strchr("89abcdefABCDEF", text.ptr[i + 3]) != NULL)
			return true;
		i++;
	}
	return false;
}

static void check_valid(struct span text, const json_t *tree, const json_error_t *error)
{
	enum json_error_code code = tree == NULL ? json_error_code(error) : json_error_unknown;

	FUZZ_CHECK(utf8_valid(text) && !has_nul(text));
	FUZZ_CHECK(depth_of(text) <= BOUND_JSON_DEPTH);
	FUZZ_CHECK(tree != NULL || code == json_error_numeric_overflow ||
		   code == json_error_null_byte_in_key || escapes_surrogates(text));
}

/* In a list of two it is valid as well, and with something behind it no longer. */
static void check_around(struct span text, struct arena *mem)
{
	struct buf list = buf_in(mem, 2 * text.len + KIB);

	buf_putc(&list, '[');
	buf_put(&list, text);
	buf_putc(&list, ',');
	buf_put(&list, text);
	FUZZ_CHECK(!json_is_valid(buf_span(&list)));
	buf_putc(&list, ']');
	FUZZ_CHECK(json_is_valid(buf_span(&list)) == (depth_of(text) < BOUND_JSON_DEPTH));
	buf_putc(&list, ']');
	FUZZ_CHECK(!json_is_valid(buf_span(&list)));
}

static void check_string(struct span text, const json_t *tree, struct arena *mem)
{
	struct span got = {0};
	bool is_string = json_read_string(text, mem, &got);

	FUZZ_CHECK(is_string == json_is_string(tree));
	FUZZ_CHECK(!is_string || (span_eq(got, json_text(tree)) && utf8_valid(got)));
	FUZZ_CHECK(is_string || got.ptr == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *mem = arena_create(4 * KIB);
	struct span text = span_from((const char *)data, size);
	json_error_t error;
	json_t *tree = json_loadb(text.ptr, text.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);

	if (json_is_valid(text)) {
		check_valid(text, tree, &error);
		check_around(text, mem);
	} else {
		FUZZ_CHECK(tree == NULL || has_nul(text) || depth_of(text) > BOUND_JSON_DEPTH);
	}
	check_string(text, tree, mem);
	json_decref(tree);
	arena_free(mem);
	return 0;
}
