#include "base/num.h"

#include "base_tests.h"
#include "unit.h"

static void test_digits_are_a_number(void **state)
{
	uint64_t u;
	int64_t i;

	(void)state;
	assert_true(num_u64(SPAN_OF("0"), &u));
	assert_int_equal(u, 0);
	assert_true(num_u64(SPAN_OF("0012"), &u));
	assert_int_equal(u, 12);
	assert_true(num_i64(SPAN_OF("-12"), &i));
	assert_int_equal(i, -12);
	assert_true(num_i64(SPAN_OF("-0"), &i));
	assert_int_equal(i, 0);
}

static void test_the_largest_numbers_fit(void **state)
{
	uint64_t u;
	int64_t i;

	(void)state;
	assert_true(num_u64(SPAN_OF("18446744073709551615"), &u));
	assert_true(u == UINT64_MAX);
	assert_true(num_i64(SPAN_OF("9223372036854775807"), &i));
	assert_true(i == INT64_MAX);
	assert_true(num_i64(SPAN_OF("-9223372036854775808"), &i));
	assert_true(i == INT64_MIN);
}

static void test_what_is_one_larger_does_not_fit(void **state)
{
	uint64_t u = 7;
	int64_t i = 7;

	(void)state;
	assert_false(num_u64(SPAN_OF("18446744073709551616"), &u));
	assert_false(num_u64(SPAN_OF("18446744073709551620"), &u));
	assert_false(num_u64(SPAN_OF("99999999999999999999"), &u));
	assert_false(num_u64(SPAN_OF("100000000000000000000000000000000000000000"), &u));
	assert_false(num_i64(SPAN_OF("9223372036854775808"), &i));
	assert_false(num_i64(SPAN_OF("-9223372036854775809"), &i));
	assert_false(num_i64(SPAN_OF("-18446744073709551616"), &i));
	assert_int_equal(u, 7);
	assert_int_equal(i, 7);
}

static void test_a_number_with_a_plus_is_refused(void **state)
{
	uint64_t u;
	int64_t i;

	(void)state;
	assert_false(num_u64(SPAN_OF("+1"), &u));
	assert_false(num_i64(SPAN_OF("+1"), &i));
}

static void test_what_is_no_number_is_refused_and_nothing_is_written(void **state)
{
	static const struct span texts[] = {SPAN(""), SPAN(" 1"), SPAN("1 "), SPAN("1\n"),
	    SPAN("0x1"), SPAN("1e3"), SPAN("1.0"), SPAN("--1"), SPAN("-"), SPAN("1-"), SPAN("1\0"),
	    SPAN("\0"), SPAN("\xd9\xa1"), SPAN("/"), SPAN(":"), {NULL, 0}};
	uint64_t u = 7;
	int64_t i = 7;

	(void)state;
	for (size_t n = 0; n < COUNT(texts); n++) {
		assert_false(num_u64(texts[n], &u));
		assert_false(num_i64(texts[n], &i));
	}
	assert_int_equal(u, 7);
	assert_int_equal(i, 7);
}

static void test_an_unsigned_number_has_no_minus(void **state)
{
	uint64_t u;

	(void)state;
	assert_false(num_u64(SPAN_OF("-1"), &u));
	assert_false(num_u64(SPAN_OF("-0"), &u));
}

int test_base_num(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_digits_are_a_number),
	    cmocka_unit_test(test_the_largest_numbers_fit),
	    cmocka_unit_test(test_what_is_one_larger_does_not_fit),
	    cmocka_unit_test(test_a_number_with_a_plus_is_refused),
	    cmocka_unit_test(test_what_is_no_number_is_refused_and_nothing_is_written),
	    cmocka_unit_test(test_an_unsigned_number_has_no_minus),
	};

	return unit_run("base/num", tests);
}
