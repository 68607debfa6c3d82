#include "text/field.h"

#include "text/json.h"
#include "text_tests.h"
#include "unit.h"

/* The field of one JSON value. */
static struct field field_of(struct arena *mem, const char *text)
{
	json_t *value = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	struct field field;

	assert_non_null(value);
	field = field_of_json(value, mem);
	/* A string is borrowed from the tree. */
	if (field.text.ptr != NULL)
		field.text = arena_copy(mem, field.text);
	json_decref(value);
	return field;
}

static void test_every_type_of_json_has_its_own(void **state)
{
	static const struct {
		const char *text;
		enum field_type type;
	} cases[] = {
	    {"null", FIELD_NULL},
	    {"\"a\"", FIELD_STRING},
	    {"1", FIELD_INTEGER},
	    {"1.5", FIELD_FLOAT},
	    {"true", FIELD_TRUE},
	    {"false", FIELD_FALSE},
	    {"[]", FIELD_EMPTY},
	    {"{}", FIELD_EMPTY},
	    {"[null]", FIELD_LIST},
	    {"{\"a\":null}", FIELD_LIST},
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		assert_int_equal(field_of(*state, cases[i].text).type, cases[i].type);
	assert_int_equal(field_of_json(NULL, *state).type, FIELD_MISSING);
}

static void test_a_value_that_is_not_there_has_no_text(void **state)
{
	static const char *const texts[] = {"null", "true", "false", "[]", "{}", "[1]", "\"\""};

	for (size_t i = 0; i < COUNT(texts); i++)
		assert_null(field_of(*state, texts[i]).text.ptr);
	assert_null(field_of_json(NULL, *state).text.ptr);
}

static void test_a_string_is_trimmed_and_null_when_nothing_is_left(void **state)
{
	struct field field = field_of(*state, "\" \\t a b \\u3000\\u200b\"");

	assert_int_equal(field.type, FIELD_STRING);
	assert_span(field.text, "a b");
	assert_int_equal(field_of(*state, "\"\"").type, FIELD_NULL);
	assert_int_equal(field_of(*state, "\" \\n\\u00a0\\ufeff\\u0000\"").type, FIELD_NULL);
	/* Of PHP's empty values only the empty string is null. */
	assert_int_equal(field_of(*state, "\"0\"").type, FIELD_STRING);
}

static void test_a_nul_inside_of_a_string_is_kept(void **state)
{
	assert_span(field_of(*state, "\"a\\u0000b\\u0000\"").text, "a\0b");
}

static void test_numbers_have_the_text_that_php_makes_of_them(void **state)
{
	static const struct {
		const char *json, *text;
	} cases[] = {
	    {"0", "0"},
	    {"-0", "0"},
	    {"-7", "-7"},
	    {"9223372036854775807", "9223372036854775807"},
	    {"-9223372036854775808", "-9223372036854775808"},
	    {"0.5", "0.5"},
	    {"1.0", "1"},
	    {"-1.10", "-1.1"},
	    {"-0.0", "-0"},
	    {"12345.0", "12345"},
	    {"0.1", "0.1"},
	    {"0.30000000000000004", "0.3"},
	    {"10000000000000.0", "10000000000000"},
	    {"0.0001", "0.0001"},
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		assert_same(field_of(*state, cases[i].json).text, span_of(cases[i].text));
}

/* PHP writes "1.0E+25", C writes "1E+25". */
static void test_a_list_knows_its_members(void **state)
{
	assert_int_equal(field_of(*state, "[1,2,3]").members, 3);
	assert_int_equal(field_of(*state, "{\"a\":1,\"b\":[1,2,3]}").members, 2);
	assert_int_equal(field_of(*state, "[]").members, 0);
	assert_int_equal(field_of_list(0).type, FIELD_EMPTY);
	assert_int_equal(field_of_list(1).type, FIELD_LIST);
	assert_int_equal(field_of_list(300).members, 300);
}

static void test_a_text_of_a_form_is_a_string_or_null(void **state)
{
	(void)state;
	assert_int_equal(field_of_text(SPAN_OF(" 1 ")).type, FIELD_STRING);
	assert_span(field_of_text(SPAN_OF(" 1 ")).text, "1");
	assert_span(field_of_text(SPAN_OF("null")).text, "null");
	assert_int_equal(field_of_text(SPAN_OF("")).type, FIELD_NULL);
	assert_int_equal(field_of_text(SPAN_OF(" \xe2\x80\x8e ")).type, FIELD_NULL);
	assert_int_equal(field_of_text((struct span){0}).type, FIELD_NULL);
	assert_null(field_of_text(SPAN_OF(" ")).text.ptr);
}

int test_text_field(void)
{
	const struct CMUnitTest tests[] = {
	    arena_test(test_every_type_of_json_has_its_own),
	    arena_test(test_a_value_that_is_not_there_has_no_text),
	    arena_test(test_a_string_is_trimmed_and_null_when_nothing_is_left),
	    arena_test(test_a_nul_inside_of_a_string_is_kept),
	    arena_test(test_numbers_have_the_text_that_php_makes_of_them),
	    arena_test(test_a_list_knows_its_members),
	    cmocka_unit_test(test_a_text_of_a_form_is_a_string_or_null),
	};

	return unit_run("text/field", tests);
}
