#include "net/breaker.h"

#include "net_tests.h"

enum { NOW = 1000000 };

/* One that was opened at NOW. */
static struct breaker open_breaker(void)
{
	struct breaker b = {0};

	breaker_tripped(&b, NOW, 0);
	return b;
}

/* And one request of it tries. */
static struct breaker trying_breaker(void)
{
	struct breaker b = open_breaker();

	assert_true(breaker_allows(&b, b.until_ms));
	breaker_began(&b);
	return b;
}

static void assert_pause(const struct breaker *b, int64_t now, int64_t whole)
{
	assert_int_equal(b->state, BREAKER_OPEN);
	assert_in_range(b->until_ms - now, whole / 2, whole);
}

static void test_all_zero_is_closed_and_lets_everybody_through(void **state)
{
	struct breaker b = {0};

	(void)state;
	assert_int_equal(b.state, BREAKER_CLOSED);
	for (int i = 0; i < 100; i++) {
		assert_true(breaker_allows(&b, i));
		assert_int_equal(breaker_wait_ms(&b, i), 0);
		breaker_began(&b);
	}
}

static void test_so_many_failures_in_a_row_open_it(void **state)
{
	struct breaker b = {0};

	(void)state;
	for (int i = 1; i < BREAKER_FAILURES; i++) {
		breaker_failed(&b, NOW, 0);
		assert_int_equal(b.state, BREAKER_CLOSED);
		assert_true(breaker_allows(&b, NOW));
	}
	breaker_failed(&b, NOW, 0);
	assert_pause(&b, NOW, BREAKER_FIRST_MS);
	assert_false(breaker_allows(&b, NOW));
}

static void test_an_answer_between_two_failures_begins_the_count_anew(void **state)
{
	struct breaker b = {0};

	(void)state;
	for (int i = 0; i < 20; i++) {
		for (int k = 1; k < BREAKER_FAILURES; k++)
			breaker_failed(&b, NOW, 0);
		breaker_answered(&b);
		assert_int_equal(b.state, BREAKER_CLOSED);
	}
}

static void test_what_will_not_mend_by_itself_opens_it_at_once(void **state)
{
	struct breaker b = {0};

	(void)state;
	breaker_tripped(&b, NOW, 0);
	assert_pause(&b, NOW, BREAKER_FIRST_MS);
}

static void test_it_stays_open_for_as_long_as_the_peer_asks_for(void **state)
{
	struct breaker b = {0};

	(void)state;
	breaker_tripped(&b, NOW, 7000);
	assert_int_equal(b.until_ms, NOW + 7000);
	b = (struct breaker){.failures = BREAKER_FAILURES - 1};
	breaker_failed(&b, NOW, 90000);
	assert_int_equal(b.until_ms, NOW + 90000);
	/* A shorter time does not shorten the pause. */
	b = (struct breaker){0};
	breaker_tripped(&b, NOW, 1);
	assert_pause(&b, NOW, BREAKER_FIRST_MS);
}

static void test_while_it_is_open_nobody_is_let_through_and_told_how_long(void **state)
{
	struct breaker b = open_breaker();

	(void)state;
	for (int64_t now = NOW; now < b.until_ms; now++) {
		assert_false(breaker_allows(&b, now));
		assert_int_equal(breaker_wait_ms(&b, now), b.until_ms - now);
		assert_int_equal(b.state, BREAKER_OPEN);
	}
	assert_int_equal(breaker_wait_ms(&b, b.until_ms), 0);
	assert_true(breaker_allows(&b, b.until_ms));
	assert_int_equal(b.state, BREAKER_TRYING);
}

static void test_after_the_pause_one_request_at_a_time_tries(void **state)
{
	struct breaker b = open_breaker();
	int64_t later = b.until_ms + 1000000;

	(void)state;
	/* Being allowed is not to begin: who asked may have found something else to do. */
	for (int i = 0; i < 3; i++)
		assert_true(breaker_allows(&b, later));
	breaker_began(&b);
	for (int i = 0; i < 3; i++) {
		assert_false(breaker_allows(&b, later + i * 1000000));
		assert_int_equal(b.state, BREAKER_TRYING);
		/* It is worth looking again some time, not at once. */
		assert_true(breaker_wait_ms(&b, later + i * 1000000) > 0);
	}
}

static void test_an_answer_to_the_one_that_tries_closes_it(void **state)
{
	struct breaker b = trying_breaker();

	(void)state;
	breaker_answered(&b);
	assert_memory_equal(&b, &(struct breaker){0}, sizeof(b));
	assert_true(breaker_allows(&b, 0));
}

static void test_a_failure_of_the_one_that_tries_opens_it_for_twice_as_long(void **state)
{
	static const int64_t pauses[] = {
	    500, 1000, 2000, 4000, 8000, BREAKER_MOST_MS, BREAKER_MOST_MS, BREAKER_MOST_MS};
	struct breaker b = {0};
	int64_t now = NOW;

	(void)state;
	breaker_tripped(&b, now, 0);
	for (size_t i = 0; i < COUNT(pauses); i++) {
		assert_pause(&b, now, pauses[i]);
		now = b.until_ms;
		assert_true(breaker_allows(&b, now));
		breaker_began(&b);
		if (i % 2 == 0)
			breaker_failed(&b, now, 0);
		else
			breaker_tripped(&b, now, 0);
	}
}

static void test_once_closed_the_pauses_begin_with_the_first_again(void **state)
{
	struct breaker b = trying_breaker();

	(void)state;
	breaker_failed(&b, NOW, 0);
	assert_true(breaker_allows(&b, b.until_ms));
	breaker_began(&b);
	breaker_answered(&b);
	breaker_tripped(&b, NOW, 0);
	assert_pause(&b, NOW, BREAKER_FIRST_MS);
}

/* Many were under way when it opened: they fail one after the other, and say nothing new. */
static void test_failures_of_older_requests_change_nothing_while_it_is_open(void **state)
{
	const struct breaker opened = open_breaker();
	struct breaker b = opened;

	(void)state;
	for (int i = 0; i < 50; i++) {
		breaker_failed(&b, NOW + i, 60000);
		breaker_tripped(&b, NOW + i, 60000);
		assert_memory_equal(&b, &opened, sizeof(b));
	}
}

static void test_an_answer_to_an_older_request_closes_it_too(void **state)
{
	struct breaker b = open_breaker();

	(void)state;
	breaker_answered(&b);
	assert_int_equal(b.state, BREAKER_CLOSED);
	assert_true(breaker_allows(&b, NOW));
}

/* The peer of a thousand requests in every order: what must hold in each state. */
static void test_whatever_happens_at_most_one_tries(void **state)
{
	struct unit_random random = {0};

	(void)state;
	for (int run = 0; run < 200; run++) {
		struct breaker b = {0};
		int64_t now = NOW;
		size_t under_way = 0, since_opening = 0;

		for (int step = 0; step < 300; step++) {
			enum breaker_state before = b.state;
			bool allowed;

			now += (int64_t)unit_random_below(&random, 400);
			switch (unit_random_below(&random, 5)) {
			case 0:
			case 1:
				allowed = breaker_allows(&b, now);
				assert_int_equal(allowed, breaker_wait_ms(&b, now) == 0);
				if (!allowed)
					break;
				breaker_began(&b);
				under_way++;
				since_opening += b.state == BREAKER_TRYING;
				assert_true(b.state != BREAKER_OPEN && since_opening <= 1);
				break;
			case 2:
				if (under_way == 0)
					break;
				under_way--;
				breaker_failed(&b, now, 0);
				assert_true(before != BREAKER_TRYING || b.state == BREAKER_OPEN);
				break;
			case 3:
				if (under_way == 0)
					break;
				under_way--;
				breaker_tripped(&b, now, 0);
				assert_int_equal(b.state, BREAKER_OPEN);
				break;
			default:
				if (under_way == 0)
					break;
				under_way--;
				breaker_answered(&b);
				assert_int_equal(b.state, BREAKER_CLOSED);
				break;
			}
			if (b.state != BREAKER_TRYING)
				since_opening = 0;
			if (b.state == BREAKER_OPEN)
				assert_true(b.until_ms <= now + BREAKER_MOST_MS);
		}
	}
}

int test_net_breaker(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_all_zero_is_closed_and_lets_everybody_through),
	    cmocka_unit_test(test_so_many_failures_in_a_row_open_it),
	    cmocka_unit_test(test_an_answer_between_two_failures_begins_the_count_anew),
	    cmocka_unit_test(test_what_will_not_mend_by_itself_opens_it_at_once),
	    cmocka_unit_test(test_it_stays_open_for_as_long_as_the_peer_asks_for),
	    cmocka_unit_test(test_while_it_is_open_nobody_is_let_through_and_told_how_long),
	    cmocka_unit_test(test_after_the_pause_one_request_at_a_time_tries),
	    cmocka_unit_test(test_an_answer_to_the_one_that_tries_closes_it),
	    cmocka_unit_test(test_a_failure_of_the_one_that_tries_opens_it_for_twice_as_long),
	    cmocka_unit_test(test_once_closed_the_pauses_begin_with_the_first_again),
	    cmocka_unit_test(test_failures_of_older_requests_change_nothing_while_it_is_open),
	    cmocka_unit_test(test_an_answer_to_an_older_request_closes_it_too),
	    cmocka_unit_test(test_whatever_happens_at_most_one_tries),
	};

	return unit_run("net/breaker", tests);
}
