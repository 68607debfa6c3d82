/* JSON bodies; and what members finds in the same bytes as jansson. */
#include "text/json.h"

#include <string.h>

#include "base/bounds.h"
#include "fuzz.h"
#include "text/members.h"
#include "text/utf8.h"

static json_t *load(struct span text)
{
	return json_loadb(text.ptr, text.len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
}

static void check_string(struct span text, struct arena *mem)
{
	struct buf b = buf_in(mem, 6 * text.len + 2);
	json_t *back;

	FUZZ_CHECK(utf8_valid(text));
	FUZZ_CHECK(utf8_length(text) <= text.len);
	json_put_string(&b, text);
	FUZZ_CHECK(!b.failed);
	back = load(buf_span(&b));
	FUZZ_CHECK(back != NULL && span_eq(json_text(back), text));
	json_decref(back);
}

static void check_member(
    const struct members *members, const char *key, json_t *value, struct arena *mem)
{
	struct span raw = members_get(members, span_of(key));
	json_t *got = load(raw);
	uint64_t number;

	FUZZ_CHECK(got != NULL && json_equal(got, value));
	json_decref(got);
	check_string(span_of(key), mem);
	if (json_is_string(value))
		check_string(json_text(value), mem);
	if (json_unsigned(value, &number))
		FUZZ_CHECK(json_is_integer(value) || json_is_string(value));
}

static void check_object(struct span text, json_t *tree, struct arena *mem)
{
	struct members *members = NULL;
	struct span written;
	const char *key;
	json_t *value, *back;

	FUZZ_CHECK(members_read(text, mem, &members) == RC_OK);
	json_object_foreach(tree, key, value) check_member(members, key, value, mem);
	written = members_write(members);
	back = load(written);
	FUZZ_CHECK(back != NULL && json_equal(back, tree));
	json_decref(back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *mem = arena_create(4 * KIB);
	struct span text = span_from((const char *)data, size);
	const char *error = NULL;
	json_t *tree = NULL;

	if (json_read(text, &tree, &error) != RC_OK) {
		FUZZ_CHECK(tree == NULL && error != NULL && strlen(error) > 0);
	} else {
		FUZZ_CHECK(json_is_object(tree) || json_is_array(tree));
		if (json_is_object(tree))
			check_object(text, tree, mem);
		json_decref(tree);
	}
	arena_free(mem);
	return 0;
}
