#include "base_tests.h"
#include "unit.h"

static void test_equal_bytes_are_equal_and_others_are_not(void **state)
{
	(void)state;
	assert_true(span_eq(SPAN_OF("abc"), SPAN_OF("abc")));
	assert_true(span_eq(SPAN_OF("a\0c"), SPAN_OF("a\0c")));
	assert_false(span_eq(SPAN_OF("a\0c"), SPAN_OF("a\0d")));
	assert_false(span_eq(SPAN_OF("abc"), SPAN_OF("ab")));
	assert_false(span_is(SPAN_OF("abc"), "abcd"));
}

static void test_absent_and_empty_have_the_same_bytes(void **state)
{
	struct span absent = {0};

	(void)state;
	assert_true(span_eq(absent, SPAN_OF("")));
	assert_true(span_eq_nocase(absent, SPAN_OF("")));
	assert_true(span_is(absent, ""));
	assert_null(span_of(NULL).ptr);
	assert_int_equal(span_of(NULL).len, 0);
}

static void test_case_is_ignored_for_ascii_letters_only(void **state)
{
	(void)state;
	assert_true(span_eq_nocase(SPAN_OF("AbZz09"), SPAN_OF("aBzZ09")));
	assert_false(span_eq_nocase(SPAN_OF("[@`{"), SPAN_OF("{`@[")));
	assert_false(span_eq_nocase(SPAN_OF("\xc3\x84"), SPAN_OF("\xc3\xa4")));
	assert_false(span_eq_nocase(SPAN_OF("ab"), SPAN_OF("abc")));
}

static void test_a_prefix_must_be_there_as_a_whole(void **state)
{
	(void)state;
	assert_true(span_starts(SPAN_OF("unix:/x"), "unix:"));
	assert_true(span_starts(SPAN_OF("unix:"), "unix:"));
	assert_true(span_starts(SPAN_OF("x"), ""));
	assert_false(span_starts(SPAN_OF("unix"), "unix:"));
	assert_false(span_starts((struct span){0}, "u"));
}

static void test_trim_takes_blanks_at_both_ends_only(void **state)
{
	(void)state;
	assert_span(span_trim(SPAN_OF(" \t\r\n a b \n")), "a b");
	assert_span(span_trim(SPAN_OF("\va\f")), "\va\f");
	assert_span(span_trim(SPAN_OF(" \n ")), "");
	assert_span(span_trim(SPAN_OF("\0 ")), "\0");
	assert_null(span_trim((struct span){0}).ptr);
}

static void test_cut_yields_every_part_also_empty_ones(void **state)
{
	struct span rest = SPAN(",a,,b,"), part;
	static const char *const want[] = {"", "a", "", "b", ""};

	(void)state;
	for (size_t i = 0; i < COUNT(want); i++) {
		assert_true(span_cut(&rest, ',', &part));
		assert_true(span_is(part, want[i]));
		assert_non_null(part.ptr);
	}
	assert_false(span_cut(&rest, ',', &part));
	assert_null(rest.ptr);
}

static void test_cut_of_an_empty_text_yields_one_empty_part(void **state)
{
	struct span rest = SPAN(""), part;

	(void)state;
	assert_true(span_cut(&rest, ',', &part));
	assert_int_equal(part.len, 0);
	assert_false(span_cut(&rest, ',', &part));
}

static void test_cut_of_an_absent_text_yields_nothing(void **state)
{
	struct span rest = {0}, part = SPAN("untouched");

	(void)state;
	assert_false(span_cut(&rest, ',', &part));
	assert_span(part, "untouched");
}

int test_base_span(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_equal_bytes_are_equal_and_others_are_not),
	    cmocka_unit_test(test_absent_and_empty_have_the_same_bytes),
	    cmocka_unit_test(test_case_is_ignored_for_ascii_letters_only),
	    cmocka_unit_test(test_a_prefix_must_be_there_as_a_whole),
	    cmocka_unit_test(test_trim_takes_blanks_at_both_ends_only),
	    cmocka_unit_test(test_cut_yields_every_part_also_empty_ones),
	    cmocka_unit_test(test_cut_of_an_empty_text_yields_one_empty_part),
	    cmocka_unit_test(test_cut_of_an_absent_text_yields_nothing),
	};

	return unit_run("base/span", tests);
}
