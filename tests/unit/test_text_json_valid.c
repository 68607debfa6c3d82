/* json_is_valid and json_read_string: JSON that somebody else has written. */
#include "base/bounds.h"
#include "text/json.h"
#include "text_tests.h"
#include "unit.h"

static void assert_valid(const char *const *texts, size_t count, bool valid)
{
	for (size_t i = 0; i < count; i++) {
		struct span text = unit_exact(span_of(texts[i]));

		if (json_is_valid(text) != valid)
			fail_msg("%s is %s", texts[i], valid ? "valid" : "not valid");
		unit_exact_free(text);
	}
}

#define assert_all_valid(texts) assert_valid((texts), COUNT(texts), true)
#define assert_none_valid(texts) assert_valid((texts), COUNT(texts), false)

static void test_every_kind_of_value_is_a_json_text(void **state)
{
	static const char *const texts[] = {"null", "true", "false", "0", "\"\"", "\"a\"", "[]",
	    "{}", "[1]", "{\"a\":1}", "[null,true,false,0,\"\",[],{}]",
	    "{\"a\":{\"b\":[{\"c\":[]}]},\"d\":[[],[[]]]}", "{\"\":\"\"}", "{\"a\":1,\"a\":2}"};

	(void)state;
	assert_all_valid(texts);
}

static void test_blanks_may_stand_around_everything(void **state)
{
	static const char *const texts[] = {" null ", "\t\r\n 1 \t\r\n", "[ ]", "{ }", "[ 1 , 2 ]",
	    "{ \"a\" : 1 , \"b\" : [ ] }", "\n[\n]\n", "\"\"\n"};
	static const char *const others[] = {"\f1", "\v1",
	    ("\xc2\xa0"
	     "1"),
	    "1\f", "[\v]", "\xef\xbb\xbf[]", "[]\xef\xbb\xbf", "/**/1", "1//", "#1"};

	(void)state;
	assert_all_valid(texts);
	assert_none_valid(others);
	assert_false(json_is_valid(SPAN_OF("1\0")));
	assert_false(
	    json_is_valid(SPAN_OF("\0"
				  "1")));
}

static void test_nothing_is_no_json_text(void **state)
{
	static const char *const texts[] = {"", " ", "\n", ",", ":", "]", "}", "[", "{", "\""};

	(void)state;
	assert_none_valid(texts);
	assert_false(json_is_valid((struct span){0}));
}

static void test_a_number_may_have_any_size(void **state)
{
	static const char *const texts[] = {"0", "-0", "1", "-1", "10", "0.0", "-0.0", "0.5",
	    "1.10", "1e5", "1E5", "1e+5", "1e-5", "0e0", "0E+00", "1.5e005", "-1.5E-5", "1e999",
	    "-1e-999999999999999999999", "123456789012345678901234567890123456789012345678901234",
	    "0.000000000000000000000000000000000000000000000000000000000000000000000000001",
	    "18446744073709551616"};

	(void)state;
	assert_all_valid(texts);
}

static void test_what_only_looks_like_a_number_is_none(void **state)
{
	static const char *const texts[] = {"+1", "-", "--1", "01", "-01", "00", "1.", ".5", "-.5",
	    "1.e5", "1e", "1e+", "1e-", "1E", "1e5.5", "1.5.5", "0x10", "1_000", "1,5", "1 2",
	    "NaN", "nan", "Infinity", "-Infinity", "INF", "1f", "\xef\xbc\x91", "[1.]", "[01]",
	    "[-]", "{\"a\":+1}", "1e5e5", "- 1"};

	(void)state;
	assert_none_valid(texts);
}

static void test_the_three_words_are_written_in_full_and_small(void **state)
{
	static const char *const texts[] = {"True", "TRUE", "tru", "truee", "nul", "nullx", "NULL",
	    "Null", "fals", "falsee", "undefined", "a", "[tru]", "truefalse", "true false",
	    "nulltrue"};

	(void)state;
	assert_none_valid(texts);
}

static void test_strings_take_every_escape_that_the_standard_has(void **state)
{
	static const char *const texts[] = {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\u0000\"",
	    "\"\\u00e4\\u00E4\\uABCD\\uabcd\"", "\"\\\\u12\"", "\"\\\\\"", "\"/\"", "\"\x7f\"",
	    "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"", "\"\xe2\x80\xa8\xef\xbb\xbf\"",
	    "{\"\\u0061\":\"\\n\"}"};
	static const char *const others[] = {"\"\\\"", "\"\\", "\"\\a\"", "\"\\'\"", "\"\\x41\"",
	    "\"\\U0041\"", "\"\\u\"", "\"\\u1\"", "\"\\u12\"", "\"\\u123\"", "\"\\u123g\"",
	    "\"\\u 123\"", "\"\\u-123\"", "\"\\0\"", "\"\\\n\"", "\"a", "a\"", "'a'", "\"a\"b\"",
	    "\"\t\"", "\"\n\"", "\"\x01\"", "\"\x1f\"", "{\"\t\":1}", "\"\\u12", "\"\\u1234",
	    "\"\\\xc3\xa4\""};

	(void)state;
	assert_all_valid(texts);
	assert_none_valid(others);
	assert_false(json_is_valid(SPAN_OF("\"\0\"")));
	assert_false(json_is_valid(SPAN_OF("\"\\\0\"")));
	assert_false(json_is_valid(SPAN_OF("\"\\u\0\0\0\0\"")));
}

/* RFC 8259, 8.2: its grammar lets escapes write what is no character. */
static void test_lone_surrogates_may_be_escaped(void **state)
{
	static const char *const texts[] = {"\"\\ud800\"", "\"\\udfff\"", "\"\\ude00\\ud83d\"",
	    "\"\\ud83dx\"", "\"\\ud83d\\ud83d\"", "\"\\ud83d\\ude00\""};

	(void)state;
	assert_all_valid(texts);
}

static void test_it_must_be_utf8(void **state)
{
	static const char *const texts[] = {"\"\xff\"", "\"\xc3\"", "\"\xed\xa0\x80\"",
	    "\"\xc0\x80\"", "\"\xf4\x90\x80\x80\"", "{\"\x80\":1}", "[1]\xc3", "\"\xe4\""};

	(void)state;
	assert_none_valid(texts);
}

static void test_lists_are_divided_by_single_commas(void **state)
{
	static const char *const texts[] = {"[,]", "[1,]", "[,1]", "[1,,2]", "[1 2]", "[1;2]", "[1",
	    "1]", "[1}", "[1,", "[[1]", "[1]]", "[]]", "[][]", "[],[]", "[1]2", "[\"a\"\"b\"]",
	    "[1:2]", "[\"a\":1]"};

	(void)state;
	assert_none_valid(texts);
}

static void test_objects_have_keys_with_values(void **state)
{
	static const char *const texts[] = {"{,}", "{\"a\"}", "{\"a\":}", "{:1}", "{\"a\":1,}",
	    "{,\"a\":1}", "{\"a\":1,,\"b\":2}", "{\"a\":1 \"b\":2}", "{\"a\" 1}", "{\"a\"::1}",
	    "{a:1}", "{'a':1}", "{1:1}", "{null:1}", "{[]:1}", "{\"a\":1", "{\"a\":1]", "{\"a\",1}",
	    "{\"a\":1}}", "{\"a\":1}{}", "{}{}", "{} 1", "{\"a\":1,\"b\"}", "{{}}", "{\"a\":1:2}",
	    "{\"a\":1,2}", "[{]}", "{[}]"};

	(void)state;
	assert_none_valid(texts);
}

static struct span nested(struct arena *mem, int levels, const char *open, const char *close)
{
	struct buf text = buf_in(mem, 4 * KIB);

	for (int i = 0; i < levels; i++)
		buf_puts(&text, open);
	buf_puts(&text, "1");
	for (int i = 0; i < levels; i++)
		buf_puts(&text, close);
	return buf_span(&text);
}

static void test_it_may_be_as_deep_as_the_database_reads(void **state)
{
	struct buf wide = buf_in(*state, 4 * KIB);

	assert_true(json_is_valid(nested(*state, BOUND_JSON_DEPTH, "[", "]")));
	assert_true(json_is_valid(nested(*state, BOUND_JSON_DEPTH, "{\"a\":", "}")));
	assert_true(json_is_valid(nested(*state, BOUND_JSON_DEPTH / 2, "[{\"a\":", "}]")));
	assert_false(json_is_valid(nested(*state, BOUND_JSON_DEPTH + 1, "[", "]")));
	assert_false(json_is_valid(nested(*state, BOUND_JSON_DEPTH + 1, "{\"a\":", "}")));
	/* Brackets in strings, and neighbours, are no depth. */
	buf_puts(&wide, "[\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"");
	for (int i = 0; i < 2 * BOUND_JSON_DEPTH; i++)
		buf_puts(&wide, ",[{}]");
	buf_putc(&wide, ']');
	assert_true(json_is_valid(buf_span(&wide)));
}

static void test_a_text_that_is_cut_anywhere_is_no_longer_json(void **state)
{
	static const struct span text =
	    SPAN("{\"a\":[1,{\"b\":null},\"\\u00e4\xc3\xa4\\n\",true,-1.5e5,[]],\"c\":{}}");

	(void)state;
	assert_true(json_is_valid(text));
	for (size_t len = 0; len < text.len; len++) {
		struct span cut = unit_exact(span_from(text.ptr, len));

		assert_false(json_is_valid(cut));
		unit_exact_free(cut);
	}
}

static void test_a_string_is_read_with_its_escapes(void **state)
{
	struct span got = {0};

	assert_true(json_read_string(SPAN_OF("\"\""), *state, &got));
	assert_non_null(got.ptr);
	assert_int_equal(got.len, 0);
	assert_true(json_read_string(SPAN_OF(" \"a\\n\\u00e4\\ud83d\\ude00\\/\" "), *state, &got));
	assert_span(got, "a\n\xc3\xa4\xf0\x9f\x98\x80/");
	assert_true(json_read_string(SPAN_OF("\"a\\u0000b\""), *state, &got));
	assert_span(got, "a\0b");
}

static void test_what_is_no_json_string_is_not_read_as_one(void **state)
{
	static const struct span texts[] = {{NULL, 0}, SPAN(""), SPAN("1"), SPAN("null"),
	    SPAN("[\"a\"]"), SPAN("{\"a\":\"b\"}"), SPAN("\"a"), SPAN("a\""), SPAN("\"a\"b"),
	    SPAN("\"a\" \"b\""), SPAN("'a'"), SPAN("\"\xff\""), SPAN("\"\\ud800\""),
	    SPAN("\"\\x\""), SPAN("\"\t\""), SPAN("\"a\"\0")};
	struct span got = SPAN("untouched");

	for (size_t i = 0; i < COUNT(texts); i++)
		assert_false(json_read_string(texts[i], *state, &got));
	assert_span(got, "untouched");
}

int test_text_json_valid(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_kind_of_value_is_a_json_text),
	    cmocka_unit_test(test_blanks_may_stand_around_everything),
	    cmocka_unit_test(test_nothing_is_no_json_text),
	    cmocka_unit_test(test_a_number_may_have_any_size),
	    cmocka_unit_test(test_what_only_looks_like_a_number_is_none),
	    cmocka_unit_test(test_the_three_words_are_written_in_full_and_small),
	    cmocka_unit_test(test_strings_take_every_escape_that_the_standard_has),
	    cmocka_unit_test(test_lone_surrogates_may_be_escaped),
	    cmocka_unit_test(test_it_must_be_utf8),
	    cmocka_unit_test(test_lists_are_divided_by_single_commas),
	    cmocka_unit_test(test_objects_have_keys_with_values),
	    arena_test(test_it_may_be_as_deep_as_the_database_reads),
	    cmocka_unit_test(test_a_text_that_is_cut_anywhere_is_no_longer_json),
	    arena_test(test_a_string_is_read_with_its_escapes),
	    arena_test(test_what_is_no_json_string_is_not_read_as_one),
	};

	return unit_run("text/json, valid or not", tests);
}
