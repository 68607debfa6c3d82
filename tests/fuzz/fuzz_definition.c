/* Definitions of tables: what SHOW CREATE TABLE writes, and what is like it. */
#include "migrate/definition.h"

#include "base/bounds.h"
#include "fuzz.h"

static bool everything_goes(const struct part *part)
{
	(void)part;
	return true;
}

static bool nothing_goes(const struct part *part)
{
	(void)part;
	return false;
}

static bool is_within(struct span part, struct span all)
{
	return part.ptr >= all.ptr && part.ptr + part.len <= all.ptr + all.len;
}

static void check_part(const struct part *part, struct span create)
{
	struct span rest = part->columns, name;
	uint64_t chars;

	FUZZ_CHECK(part->text.len > 0 && is_within(part->text, create));
	FUZZ_CHECK(part->columns.ptr == NULL || is_within(part->columns, part->text));
	FUZZ_CHECK(part->name.ptr == NULL || part->name.len < part->text.len);
	FUZZ_CHECK(part->name.ptr == NULL || part->name.ptr[part->name.len] == '\0');
	FUZZ_CHECK(part->kind != PART_COLUMN || part->name.ptr != NULL);
	while (definition_next_column(&rest, &name, &chars)) {
		FUZZ_CHECK(is_within(name, part->columns));
		FUZZ_CHECK(
		    memchr(name.ptr, '`', name.len) != NULL || definition_key_has(part, name));
	}
}

/* `to` of `from`, and whatever it is, its length is not out of proportion. */
static struct span difference(const struct definition *from, const struct definition *to,
    definition_goes_fn *goes, struct arena *mem)
{
	struct buf b = buf_in(mem, 16 * MIB);

	definition_put_difference(&b, from, to, goes, mem);
	FUZZ_CHECK(!b.failed);
	return buf_span(&b);
}

/* The two texts that an input has: a 0xff stands between them. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = {data, size};
	struct fuzz_input first = fuzz_part(&in), second = fuzz_part(&in);
	struct span texts[] = {span_from((const char *)first.at, first.left),
	    span_from((const char *)second.at, second.left)};
	struct definition found[2] = {{0}, {0}};
	struct arena *mem = arena_create(16 * KIB);
	bool is_one[2];

	for (int i = 0; i < 2; i++) {
		is_one[i] = definition_parse(texts[i], mem, &found[i]) == RC_OK;
		FUZZ_CHECK(definition_is_same(texts[i], texts[i]));
		if (!is_one[i])
			continue;
		FUZZ_CHECK(found[i].count > 0);
		for (size_t k = 0; k < found[i].count; k++)
			check_part(&found[i].parts[k], texts[i]);
	}
	FUZZ_CHECK(
	    definition_is_same(texts[0], texts[1]) == definition_is_same(texts[1], texts[0]));
	for (int i = 0; i < 2; i++) {
		bool has_twins = false;

		/* No server writes two of one name; then the first is not the second. */
		for (size_t k = 0; is_one[i] && k < found[i].count; k++)
			has_twins = has_twins || definition_find(&found[i], found[i].parts[k].kind,
						     found[i].parts[k].name) != &found[i].parts[k];
		if (is_one[i] && !has_twins)
			FUZZ_CHECK(difference(&found[i], &found[i], everything_goes, mem).len == 0);
	}
	if (is_one[0] && is_one[1]) {
		difference(&found[0], &found[1], nothing_goes, mem);
		difference(&found[0], &found[1], everything_goes, mem);
		difference(&found[1], &found[0], everything_goes, mem);
	}
	arena_free(mem);
	return 0;
}
