/* Metadata as rows may hold it: what is read is written as it was. */
#include "text/members.h"

#include "base/bounds.h"
#include "fuzz.h"
#include "text/json.h"

static struct members *read_again(struct span text, struct arena *mem)
{
	struct members *members = NULL;

	FUZZ_CHECK(members_read(text, mem, &members) == RC_OK);
	return members;
}

static void check_members(struct members *members, struct arena *mem)
{
	static const char *const except[] = {"own", NULL};
	struct span first = members_write(members), second;
	struct members *again = read_again(first, mem), *none = read_again(SPAN_OF(""), mem);
	struct span own = members_get(again, SPAN_OF("own"));

	FUZZ_CHECK(span_eq(members_write(again), first));
	/* All but one into an empty one, and that one afterwards. */
	members_merge(none, again, except);
	FUZZ_CHECK(members_get(none, SPAN_OF("own")).ptr == NULL);
	if (own.ptr != NULL)
		members_set(none, SPAN_OF("own"), own);
	FUZZ_CHECK(members_write(none).len <= first.len + 4 * KIB);

	members_set(again, SPAN_OF("own"), SPAN_OF("[1.10]"));
	members_set_string(again, "a\"\n", SPAN_OF("\\\x01"));
	FUZZ_CHECK(span_is(members_get(again, SPAN_OF("own")), "[1.10]"));
	second = members_write(again);
	again = read_again(second, mem);
	FUZZ_CHECK(span_is(members_get(again, SPAN_OF("own")), "[1.10]"));
	FUZZ_CHECK(span_is(members_get(again, SPAN_OF("a\"\n")), "\"\\\\\\u0001\""));
	FUZZ_CHECK(span_eq(members_write(again), second));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *mem = arena_create(4 * KIB);
	struct span text = span_from((const char *)data, size);
	struct members *members = NULL;
	json_t *tree = json_loadb(text.ptr, text.len, 0, NULL), *back;
	enum rc rc = members_read(text, mem, &members);

	FUZZ_CHECK(rc == RC_OK || (rc == RC_INVALID && members == NULL));
	/* What jansson takes, the database takes. */
	FUZZ_CHECK(tree == NULL || rc == RC_OK);
	if (rc == RC_OK)
		check_members(members, mem);
	if (json_is_object(tree)) {
		struct span written = members_write(members);

		back = json_loadb(written.ptr, written.len, JSON_REJECT_DUPLICATES, NULL);
		FUZZ_CHECK(back != NULL && json_equal(back, tree));
		json_decref(back);
	}
	json_decref(tree);
	arena_free(mem);
	return 0;
}
