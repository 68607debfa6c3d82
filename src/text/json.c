#include "text/json.h"

#include "base/bounds.h"
#include "base/now.h"
#include "base/num.h"

/*
 * jansson's own limit is 2048 levels of recursion; ours is the database's.
 * A first pass over the bytes is cheaper than a tree that is thrown away.
 */
static bool too_deep(struct span text)
{
	bool in_string = false;
	int depth = 0;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
		} else if (c == '"') {
			in_string = true;
		} else if (c == '[' || c == '{') {
			if (++depth > BOUND_JSON_DEPTH)
				return true;
		} else if (c == ']' || c == '}') {
			depth--;
		}
	}
	return false;
}

static const char *sentence(enum json_error_code code)
{
	switch (code) {
	case json_error_invalid_utf8:
		return "The request body is not valid UTF-8.";
	case json_error_null_character:
	case json_error_null_byte_in_key:
		return "The request body contains a NUL character.";
	case json_error_duplicate_key:
		return "The request body names a key twice in one object.";
	case json_error_numeric_overflow:
		return "The request body contains a number that is too large.";
	default:
		return "The request body is not valid JSON.";
	}
}

enum rc json_read(struct span text, json_t **ret, const char **reterr)
{
	json_error_t error;
	json_t *tree;

	if (too_deep(text)) {
		*reterr = "The request body is nested too deeply.";
		return RC_INVALID;
	}
	/* jansson overlooks one that stands behind a number or a word. */
	if (text.len > 0 && memchr(text.ptr, '\0', text.len) != NULL) {
		*reterr = sentence(json_error_null_character);
		return RC_INVALID;
	}
	tree = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES, &error);
	if (tree == NULL) {
		*reterr = sentence(json_error_code(&error));
		return RC_INVALID;
	}
	*ret = tree;
	return RC_OK;
}

bool json_read_string(struct span text, struct arena *mem, struct span *ret)
{
	json_t *value = json_loadb(text.ptr, text.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	bool valid = json_is_string(value);

	if (valid)
		*ret = arena_copy(mem, json_text(value));
	json_decref(value);
	return valid;
}

struct span json_text(const json_t *value)
{
	if (!json_is_string(value))
		return (struct span){0};
	return span_from(json_string_value(value), json_string_length(value));
}

bool json_unsigned(const json_t *value, uint64_t *ret)
{
	if (json_is_integer(value) && json_integer_value(value) >= 0) {
		*ret = (uint64_t)json_integer_value(value);
		return true;
	}
	return json_is_string(value) && num_u64(json_text(value), ret);
}

void json_put_string(struct buf *b, struct span text)
{
	static const char hex[] = "0123456789abcdef";
	size_t start = 0;

	if (text.ptr == NULL) {
		buf_puts(b, "null");
		return;
	}
	buf_putc(b, '"');
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		if (c >= ' ' && c != '"' && c != '\\' && c != 0x7f)
			continue;
		buf_put(b, span_from(text.ptr + start, i - start));
		start = i + 1;
		buf_putc(b, '\\');
		if (c == '"' || c == '\\') {
			buf_putc(b, (char)c);
		} else {
			buf_puts(b, "u00");
			buf_putc(b, hex[c >> 4]);
			buf_putc(b, hex[c & 15]);
		}
	}
	buf_put(b, span_from(text.ptr + start, text.len - start));
	buf_putc(b, '"');
}

void json_put_bool(struct buf *b, bool value)
{
	buf_puts(b, value ? "true" : "false");
}

void json_put_time(struct buf *b, int64_t us)
{
	if (us == TIME_NONE) {
		buf_puts(b, "null");
		return;
	}
	buf_putc(b, '"');
	now_put_iso(b, us);
	buf_putc(b, '"');
}

void json_put_key(struct buf *b, const char *name)
{
	if (b->len > 0 && b->ptr[b->len - 1] != '{' && b->ptr[b->len - 1] != '[')
		buf_putc(b, ',');
	buf_putc(b, '"');
	buf_puts(b, name);
	buf_puts(b, "\":");
}
