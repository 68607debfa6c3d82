#include "text/json.h"

#include "base/bounds.h"
#include "base/now.h"
#include "text_tests.h"
#include "unit.h"

/* The sentence that refuses the text; NULL if it is taken. */
static const char *refusal(struct span text)
{
	const char *error = NULL;
	json_t *tree = NULL;
	enum rc rc = json_read(text, &tree, &error);

	json_decref(tree);
	assert_int_equal(rc, error == NULL ? RC_OK : RC_INVALID);
	return error;
}

static struct span nested(struct arena *mem, int depth, const char *inside)
{
	struct buf b = buf_in(mem, 8 * KIB);

	for (int i = 0; i < depth; i++)
		buf_puts(&b, i % 2 == 0 ? "[" : "{\"a\":");
	buf_puts(&b, inside);
	for (int i = depth - 1; i >= 0; i--)
		buf_putc(&b, i % 2 == 0 ? ']' : '}');
	return buf_span(&b);
}

static void test_an_object_and_a_list_are_read(void **state)
{
	const char *error = NULL;
	json_t *tree = NULL;

	(void)state;
	assert_int_equal(json_read(SPAN_OF(" {\"a\":[1,\"x\"]}\n"), &tree, &error), RC_OK);
	assert_true(json_is_array(json_object_get(tree, "a")));
	json_decref(tree);
	assert_null(refusal(SPAN_OF("[]")));
}

static void test_what_is_no_json_is_refused(void **state)
{
	static const struct span texts[] = {SPAN(""), SPAN(" "), SPAN("{"), SPAN("{\"a\":1"),
	    SPAN("{\"a\":1}}"), SPAN("{\"a\":1} x"), SPAN("{a:1}"), SPAN("{'a':1}"), SPAN("[1,]"),
	    SPAN("{\"a\":01}"), SPAN("[NaN]"), SPAN("[tru]"), SPAN("[\"\n\"]"), SPAN("[\"\\x41\"]"),
	    SPAN("[\"\\ud800\"]"), SPAN("]]]]"), SPAN("\xef\xbb\xbf{}"), SPAN("/**/{}"), {NULL, 0}};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++)
		assert_string_equal(refusal(texts[i]), "The request body is not valid JSON.");
}

/* jansson overlooks one behind a number or a word. */
static void test_a_nul_is_refused_wherever_it_stands(void **state)
{
	static const struct span texts[] = {SPAN("\0[]"), SPAN("[]\0"), SPAN("[\0]"), SPAN("[1\0]"),
	    SPAN("[1\0,2]"), SPAN("[1.5\0]"), SPAN("[true\0]"), SPAN("[null\0]"),
	    SPAN("{\"a\":1\0}"), SPAN("{\"a\"\0:1}"), SPAN("{\0\"a\":1}"), SPAN("[\"\0\"]"),
	    SPAN("[\"a\"\0]")};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++)
		if (refusal(texts[i]) == NULL)
			fail_msg("text %zu is taken", i);
}

static void test_a_text_that_is_refused_leaves_the_tree_alone(void **state)
{
	const char *error = NULL;
	json_t *tree = NULL;

	(void)state;
	assert_int_equal(json_read(SPAN_OF("{"), &tree, &error), RC_INVALID);
	assert_null(tree);
}

static void test_depth_ends_at_the_databases_limit(void **state)
{
	assert_null(refusal(nested(*state, BOUND_JSON_DEPTH, "1")));
	assert_string_equal(refusal(nested(*state, BOUND_JSON_DEPTH + 1, "1")),
	    "The request body is nested too deeply.");
}

static void test_brackets_in_strings_are_not_depth(void **state)
{
	assert_null(refusal(nested(*state, BOUND_JSON_DEPTH, "\"[[[{{{\\\"[[[\\\\\"")));
	assert_null(refusal(SPAN_OF("{\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\":1}")));
}

static void test_a_long_flat_text_is_not_deep(void **state)
{
	struct buf b = buf_in(*state, 1 * MIB);

	buf_putc(&b, '[');
	for (int i = 0; i < 10000; i++)
		buf_puts(&b, "{},[],");
	buf_puts(&b, "0]");
	assert_null(refusal(buf_span(&b)));
}

static void test_a_million_open_brackets_are_refused_without_a_stack(void **state)
{
	size_t size = 1 * MIB;
	char *text = arena_bytes(*state, size);

	memset(text, '[', size);
	assert_string_equal(
	    refusal(span_from(text, size)), "The request body is nested too deeply.");
}

static void test_a_key_that_is_named_twice_is_refused(void **state)
{
	(void)state;
	assert_string_equal(refusal(SPAN_OF("{\"a\":1,\"a\":1}")),
	    "The request body names a key twice in one object.");
	assert_string_equal(refusal(SPAN_OF("{\"a\":1,\"\\u0061\":2}")),
	    "The request body names a key twice in one object.");
	assert_string_equal(refusal(SPAN_OF("[{\"x\":{\"b\":1,\"c\":2,\"b\":3}}]")),
	    "The request body names a key twice in one object.");
	assert_null(refusal(SPAN_OF("[{\"a\":1},{\"a\":1}]")));
	assert_null(refusal(SPAN_OF("{\"a\":1,\"A\":1}")));
}

static void test_a_nul_character_is_refused(void **state)
{
	(void)state;
	assert_string_equal(
	    refusal(SPAN_OF("[\"a\\u0000b\"]")), "The request body contains a NUL character.");
	assert_string_equal(
	    refusal(SPAN_OF("{\"a\\u0000\":1}")), "The request body contains a NUL character.");
	assert_non_null(refusal(SPAN_OF("[\"a\0b\"]")));
	assert_non_null(refusal(SPAN_OF("[1]\0")));
}

static void test_what_is_no_utf8_is_refused(void **state)
{
	static const struct span texts[] = {SPAN("[\"\xff\"]"), SPAN("[\"\xc0\x80\"]"),
	    SPAN("[\"\xed\xa0\x80\"]"), SPAN("[\"\xc3\"]"), SPAN("{\"\xf5\x80\x80\x80\":1}")};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++)
		assert_string_equal(refusal(texts[i]), "The request body is not valid UTF-8.");
}

static void test_a_number_that_is_too_large_is_refused(void **state)
{
	(void)state;
	assert_null(refusal(SPAN_OF("[9223372036854775807,-9223372036854775808,1e308]")));
	assert_string_equal(refusal(SPAN_OF("[9223372036854775808]")),
	    "The request body contains a number that is too large.");
	assert_string_equal(
	    refusal(SPAN_OF("[1e999]")), "The request body contains a number that is too large.");
}

static void test_text_is_that_of_a_string_only(void **state)
{
	json_t *tree = json_pack("{s:s, s:i, s:n}", "s", "text", "i", 1, "n");

	(void)state;
	assert_span(json_text(json_object_get(tree, "s")), "text");
	assert_null(json_text(json_object_get(tree, "i")).ptr);
	assert_null(json_text(json_object_get(tree, "n")).ptr);
	assert_null(json_text(NULL).ptr);
	json_decref(tree);
}

static void test_an_unsigned_number_is_an_integer_or_its_digits(void **state)
{
	static const struct {
		const char *json;
		bool valid;
		uint64_t number;
	} cases[] = {
	    {"[0]", true, 0},
	    {"[9223372036854775807]", true, INT64_MAX},
	    {"[\"12\"]", true, 12},
	    {"[\"18446744073709551615\"]", true, UINT64_MAX},
	    {"[-1]", false, 0},
	    {"[1.0]", false, 0},
	    {"[1e2]", false, 0},
	    {"[\"\"]", false, 0},
	    {"[\" 1\"]", false, 0},
	    {"[\"-1\"]", false, 0},
	    {"[\"1.0\"]", false, 0},
	    {"[\"18446744073709551616\"]", false, 0},
	    {"[true]", false, 0},
	    {"[null]", false, 0},
	    {"[[1]]", false, 0},
	    {"[]", false, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		json_t *tree = json_loads(cases[i].json, 0, NULL);
		uint64_t n = 77;

		assert_non_null(tree);
		assert_int_equal(json_unsigned(json_array_get(tree, 0), &n), cases[i].valid);
		assert_true(n == (cases[i].valid ? cases[i].number : 77));
		json_decref(tree);
	}
}

/* What is put is what a reader finds. */
static void check_round_trip(struct arena *mem, struct span text)
{
	struct buf b = buf_in(mem, 6 * text.len + 2);
	json_t *value;

	json_put_string(&b, text);
	assert_false(b.failed);
	value = json_loadb(b.ptr, b.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	assert_non_null(value);
	assert_same(json_text(value), text);
	json_decref(value);
}

static void test_every_ascii_character_survives_being_written(void **state)
{
	char all[128];

	for (unsigned i = 0; i < sizeof(all); i++) {
		all[i] = (char)i;
		check_round_trip(*state, span_from(&all[i], 1));
	}
	check_round_trip(*state, span_from(all, sizeof(all)));
	check_round_trip(*state, SPAN_OF(""));
}

static void test_every_character_of_unicode_survives_being_written(void **state)
{
	for (uint32_t c = 0x80; c < 0x110000; c += c < 0x3000 || c >= 0xffe0 ? 1 + (c >> 12) : 7) {
		char text[4];
		size_t len;

		if (c >= 0xd800 && c < 0xe000)
			continue;
		if (c < 0x800) {
			text[0] = (char)(0xc0 | c >> 6);
			len = 2;
		} else if (c < 0x10000) {
			text[0] = (char)(0xe0 | c >> 12);
			text[1] = (char)(0x80 | (c >> 6 & 0x3f));
			len = 3;
		} else {
			text[0] = (char)(0xf0 | c >> 18);
			text[1] = (char)(0x80 | (c >> 12 & 0x3f));
			text[2] = (char)(0x80 | (c >> 6 & 0x3f));
			len = 4;
		}
		text[len - 1] = (char)(0x80 | (c & 0x3f));
		check_round_trip(*state, span_from(text, len));
		arena_reset(*state);
	}
}

static void test_random_text_survives_being_written(void **state)
{
	static const struct span parts[] = {SPAN("a"), SPAN("\""), SPAN("\\"), SPAN("\n"),
	    SPAN("\0"), SPAN("\x1f"), SPAN("\x7f"), SPAN("/"), SPAN("</script>"), SPAN("\xc3\xa4"),
	    SPAN("\xe2\x80\xa8"), SPAN("\xf0\x9f\x98\x80"), SPAN("\\u0041"), SPAN("{"), SPAN(",")};
	struct unit_random random = {3};

	for (int n = 0; n < 2000; n++) {
		struct buf text = buf_in(*state, 4 * KIB);
		size_t count = unit_random_below(&random, 40);

		for (size_t i = 0; i < count; i++)
			buf_put(&text, parts[unit_random_below(&random, COUNT(parts))]);
		check_round_trip(*state, buf_span(&text));
		arena_reset(*state);
	}
}

static void test_an_absent_text_is_null_and_an_empty_one_is_not(void **state)
{
	struct buf b = buf_in(*state, 64);

	json_put_string(&b, (struct span){0});
	buf_putc(&b, ' ');
	json_put_string(&b, SPAN_OF(""));
	buf_putc(&b, ' ');
	json_put_bool(&b, true);
	json_put_bool(&b, false);
	assert_span(buf_span(&b), "null \"\" truefalse");
}

static void test_a_time_is_text_and_no_time_is_null(void **state)
{
	struct buf b = buf_in(*state, 64);

	json_put_time(&b, now_from_civil(2025, 11, 14, 3, 4, 5, 0));
	json_put_time(&b, TIME_NONE);
	assert_span(buf_span(&b), "\"2025-11-14T03:04:05.000000Z\"null");
}

static void test_commas_stand_between_members_only(void **state)
{
	struct buf b = buf_in(*state, 256);

	buf_putc(&b, '{');
	json_put_key(&b, "a");
	json_put_string(&b, SPAN_OF("{"));
	json_put_key(&b, "b");
	buf_puts(&b, "[");
	buf_putc(&b, '{');
	json_put_key(&b, "c");
	buf_puts(&b, "{}}]");
	json_put_key(&b, "d");
	buf_puts(&b, "1}");
	assert_span(buf_span(&b), "{\"a\":\"{\",\"b\":[{\"c\":{}}],\"d\":1}");
}

int test_text_json(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_an_object_and_a_list_are_read),
	    cmocka_unit_test(test_what_is_no_json_is_refused),
	    cmocka_unit_test(test_a_nul_is_refused_wherever_it_stands),
	    cmocka_unit_test(test_a_text_that_is_refused_leaves_the_tree_alone),
	    arena_test(test_depth_ends_at_the_databases_limit),
	    arena_test(test_brackets_in_strings_are_not_depth),
	    arena_test(test_a_long_flat_text_is_not_deep),
	    arena_test(test_a_million_open_brackets_are_refused_without_a_stack),
	    cmocka_unit_test(test_a_key_that_is_named_twice_is_refused),
	    cmocka_unit_test(test_a_nul_character_is_refused),
	    cmocka_unit_test(test_what_is_no_utf8_is_refused),
	    cmocka_unit_test(test_a_number_that_is_too_large_is_refused),
	    cmocka_unit_test(test_text_is_that_of_a_string_only),
	    cmocka_unit_test(test_an_unsigned_number_is_an_integer_or_its_digits),
	    arena_test(test_every_ascii_character_survives_being_written),
	    arena_test(test_every_character_of_unicode_survives_being_written),
	    arena_test(test_random_text_survives_being_written),
	    arena_test(test_an_absent_text_is_null_and_an_empty_one_is_not),
	    arena_test(test_a_time_is_text_and_no_time_is_null),
	    arena_test(test_commas_stand_between_members_only),
	};

	return unit_run("text/json", tests);
}
