#include "net/backoff.h"

#include "net_tests.h"

enum { FIRST = 500, MOST = 60000, ROUNDS = 2000 };

/* What there would be without chance. */
static int64_t whole_ms(uint64_t failures, int64_t first_ms, int64_t most_ms)
{
	int64_t ms = first_ms;

	for (uint64_t i = 1; i < failures && ms < most_ms; i++)
		ms *= 2;
	return ms < most_ms ? ms : most_ms;
}

static void assert_from_half_to_all(int64_t got, int64_t whole)
{
	if (got < whole - whole / 2 || got > whole)
		fail_msg("%lld of %lld", (long long)got, (long long)whole);
}

static void test_a_pause_is_from_half_to_all_of_what_doubles_up_to_the_most(void **state)
{
	(void)state;
	for (uint64_t failures = 1; failures <= 64; failures++)
		for (int i = 0; i < ROUNDS / 10; i++)
			assert_from_half_to_all(
			    backoff_ms(failures, FIRST, MOST), whole_ms(failures, FIRST, MOST));
}

static void test_the_first_pauses_are_these(void **state)
{
	static const int64_t whole[] = {500, 1000, 2000, 4000, 8000, 15000, 15000};

	(void)state;
	for (size_t i = 0; i < COUNT(whole); i++)
		for (int k = 0; k < 50; k++)
			assert_from_half_to_all(backoff_ms(i + 1, 500, 15000), whole[i]);
}

static void test_after_any_number_of_failures_the_most_is_the_most(void **state)
{
	static const uint64_t many[] = {
	    8, 63, 64, 65, 1000, UINT32_MAX, UINT64_C(1) << 40, UINT64_MAX - 1, UINT64_MAX};

	(void)state;
	for (size_t i = 0; i < COUNT(many); i++)
		assert_from_half_to_all(backoff_ms(many[i], FIRST, MOST), MOST);
}

static void test_no_failure_is_like_the_first(void **state)
{
	(void)state;
	for (int i = 0; i < 50; i++)
		assert_from_half_to_all(backoff_ms(0, FIRST, MOST), FIRST);
}

static void test_a_first_pause_above_the_most_is_the_most(void **state)
{
	(void)state;
	for (int i = 0; i < 50; i++)
		assert_from_half_to_all(backoff_ms(1, FIRST, 100), 100);
}

static void test_the_smallest_pauses_are_whole(void **state)
{
	(void)state;
	for (int i = 0; i < 50; i++) {
		assert_int_equal(backoff_ms(1, 1, 1), 1);
		assert_int_equal(backoff_ms(9, 1, 1), 1);
		assert_int_equal(backoff_ms(1, 0, 0), 0);
	}
}

/* What failed together does not come back together. */
static void test_pauses_are_spread_over_the_whole_half(void **state)
{
	enum { PARTS = 10 };
	size_t seen[PARTS] = {0};

	(void)state;
	for (int i = 0; i < ROUNDS; i++)
		seen[(backoff_ms(99, FIRST, MOST) - MOST / 2) * PARTS / (MOST / 2 + 1)]++;
	for (size_t i = 0; i < PARTS; i++)
		assert_in_range(seen[i], ROUNDS / PARTS / 2, 2 * ROUNDS / PARTS);
}

int test_net_backoff(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_pause_is_from_half_to_all_of_what_doubles_up_to_the_most),
	    cmocka_unit_test(test_the_first_pauses_are_these),
	    cmocka_unit_test(test_after_any_number_of_failures_the_most_is_the_most),
	    cmocka_unit_test(test_no_failure_is_like_the_first),
	    cmocka_unit_test(test_a_first_pause_above_the_most_is_the_most),
	    cmocka_unit_test(test_the_smallest_pauses_are_whole),
	    cmocka_unit_test(test_pauses_are_spread_over_the_whole_half),
	};

	return unit_run("net/backoff", tests);
}
