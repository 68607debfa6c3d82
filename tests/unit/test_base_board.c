#include "base/board.h"

#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/now.h"
#include "base_tests.h"
#include "unit.h"

enum { SLOTS = 3, PROCESSES = 8, ROUNDS = 20 };

static int open_board(void **state)
{
	*state = board_create(SLOTS);
	return *state == NULL;
}

static int close_board(void **state)
{
	board_free(*state);
	return 0;
}

static void test_a_new_board_is_empty(void **state)
{
	struct board *board = *state;
	struct board_route sums;

	assert_int_equal(board_slots(board), SLOTS);
	for (size_t i = 0; i < SLOTS; i++)
		assert_int_equal(slot_state(board_slot_const(board, i)), BOARD_EMPTY);
	for (size_t i = 0; i < METRIC_COUNT; i++)
		assert_int_equal(board_sum(board, (enum metric)i), 0);
	for (size_t i = 0; i < BOARD_SERIES; i++) {
		board_sum_route(board, i, &sums);
		assert_int_equal(sums.total_us, 0);
	}
	for (size_t i = 0; i < BOARD_PEERS; i++) {
		assert_int_equal(board_peer(board, i).breaker, 0);
		assert_int_equal(board_peer(board, i).under_way, 0);
	}
}

static void test_a_sum_is_that_of_all_slots(void **state)
{
	struct board *board = *state;

	for (size_t i = 0; i < SLOTS; i++)
		for (size_t n = 0; n <= i; n++)
			slot_count(board_slot(board, i), METRIC_DB_LOST);
	slot_count(board_slot(board, 0), METRIC_OVER_LIMIT);
	assert_int_equal(board_sum(board, METRIC_DB_LOST), 1 + 2 + 3);
	assert_int_equal(board_sum(board, METRIC_OVER_LIMIT), 1);
	assert_int_equal(board_sum(board, METRIC_DB_OTHER), 0);
}

static void test_why_a_database_is_unfit_is_told_until_something_else_is(void **state)
{
	struct board *board = *state;

	assert_int_equal(board_unfit(board), 0);
	assert_int_equal(board_set_unfit(board, 0), 0);
	assert_int_equal(board_set_unfit(board, 3), 0);
	assert_int_equal(board_set_unfit(board, 3), 3);
	board_db_failed(board, 100);
	board_db_well(board);
	assert_int_equal(board_unfit(board), 3);
	assert_int_equal(board_set_unfit(board, 2), 3);
	assert_int_equal(board_set_unfit(board, 0), 2);
	assert_int_equal(board_unfit(board), 0);
}

static void test_no_slot_counts_nothing(void **state)
{
	(void)state;
	slot_count(NULL, METRIC_DB_LOST);
}

static int count_in_child(void *ctx)
{
	struct board *board = ctx;

	for (int i = 0; i < 1000; i++)
		slot_count(board_slot(board, 1), METRIC_DB_LOST);
	slot_busy(board_slot(board, 1), 5);
	return 0;
}

static void test_what_another_process_counts_is_seen_here(void **state)
{
	struct board *board = *state;

	assert_int_equal(unit_in_child(count_in_child, board), 0);
	assert_int_equal(board_sum(board, METRIC_DB_LOST), 1000);
	/* The slot belongs to the place: what comes next goes on from there. */
	assert_int_equal(unit_in_child(count_in_child, board), 0);
	assert_int_equal(board_sum(board, METRIC_DB_LOST), 2000);
	assert_int_equal(slot_state(board_slot(board, 1)), BOARD_BUSY);
	assert_int_equal(slot_route(board_slot(board, 1)), 5);
}

static void test_a_slot_says_what_its_process_does_and_since_when(void **state)
{
	struct slot *slot = board_slot(*state, 2);
	const struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};
	int64_t before, since;

	slot_busy(slot, 3);
	assert_int_equal(slot_state(slot), BOARD_BUSY);
	assert_int_equal(slot_route(slot), 3);
	nanosleep(&pause, NULL);
	assert_true(slot_since_ms(slot) >= 19);
	before = now_monotonic_ms();
	slot_busy(slot, 3);
	since = slot_since_ms(slot);
	assert_true(since <= now_monotonic_ms() - before); /* however long this host took */
	slot_idle(slot);
	assert_int_equal(slot_state(slot), BOARD_IDLE);
	slot_empty(slot);
	assert_int_equal(slot_state(slot), BOARD_EMPTY);
}

static void test_every_status_of_the_list_is_told_apart(void **state)
{
	struct board *board = *state;
	struct board_route sums;

	for (size_t i = 0; i + 1 < BOARD_STATUSES; i++) {
		assert_in_range(board_status_at(i), 200, 599);
		slot_count_request(board_slot(board, i % SLOTS), 4, board_status_at(i), 1);
	}
	assert_int_equal(board_status_at(BOARD_STATUSES - 1), 0);
	board_sum_route(board, 4, &sums);
	for (size_t i = 0; i + 1 < BOARD_STATUSES; i++)
		assert_int_equal(sums.by_status[i], 1);
	assert_int_equal(sums.by_status[BOARD_STATUSES - 1], 0);
}

static void test_other_statuses_are_counted_together(void **state)
{
	static const int others[] = {0, 100, 206, 299, 301, 418, 499, 504, 599, -1};
	struct board_route sums;

	for (size_t i = 0; i < COUNT(others); i++)
		slot_count_request(board_slot(*state, 0), 0, others[i], 1);
	board_sum_route(*state, 0, &sums);
	assert_int_equal(sums.by_status[BOARD_STATUSES - 1], COUNT(others));
}

static void test_a_bucket_holds_its_bound_and_not_a_microsecond_more(void **state)
{
	struct board_route sums;

	assert_int_equal(board_bucket_us(BOARD_BUCKETS - 1), 0);
	for (size_t i = 0; i + 1 < BOARD_BUCKETS; i++) {
		if (i > 0)
			assert_true(board_bucket_us(i) > board_bucket_us(i - 1));
		slot_count_request(board_slot(*state, 0), i, 200, board_bucket_us(i));
		slot_count_request(board_slot(*state, 1), i, 200, board_bucket_us(i) + 1);
		board_sum_route(*state, i, &sums);
		assert_int_equal(sums.by_bucket[i], 1);
		assert_int_equal(sums.by_bucket[i + 1], 1);
		assert_int_equal(sums.total_us, 2 * board_bucket_us(i) + 1);
	}
}

static void test_every_series_is_counted_apart(void **state)
{
	struct board_route sums;

	for (size_t series = 0; series < BOARD_SERIES; series++)
		for (size_t n = 0; n <= series; n++)
			slot_count_request(board_slot(*state, n % SLOTS), series, 200, 10);
	for (size_t series = 0; series < BOARD_SERIES; series++) {
		board_sum_route(*state, series, &sums);
		assert_int_equal(sums.by_status[0], series + 1);
		assert_int_equal(sums.total_us, 10 * (series + 1));
	}
}

static int say_in_child(void *ctx)
{
	struct board *board = ctx;

	for (size_t i = 0; i < BOARD_PEERS; i++)
		board_set_peer(board, i, (struct board_peer){(int)(i % 3), 100 + i});
	return 0;
}

static void test_what_another_process_says_of_each_peer_is_seen_here(void **state)
{
	struct board *board = *state;

	assert_int_equal(unit_in_child(say_in_child, board), 0);
	for (size_t i = 0; i < BOARD_PEERS; i++) {
		assert_int_equal(board_peer(board, i).breaker, i % 3);
		assert_int_equal(board_peer(board, i).under_way, 100 + i);
	}
	board_set_peer(board, 1, (struct board_peer){0});
	assert_int_equal(board_peer(board, 1).under_way, 0);
	assert_int_equal(board_peer(board, 2).under_way, 102);
	/* It is none of the counts' or the database's. */
	assert_int_equal(board_sum(board, METRIC_BREAKER_OPENED), 0);
	assert_true(board_db_may_try(board, 60000));
}

static void test_a_database_that_is_well_may_be_tried_by_all(void **state)
{
	for (int i = 0; i < 3; i++)
		assert_true(board_db_may_try(*state, 60000));
}

static void test_after_a_failure_nobody_tries_before_the_pause_is_over(void **state)
{
	board_db_failed(*state, 60000);
	for (int i = 0; i < 3; i++)
		assert_false(board_db_may_try(*state, 60000));
}

static void test_after_the_pause_one_tries_and_the_pause_begins_anew(void **state)
{
	board_db_failed(*state, 0);
	assert_true(board_db_may_try(*state, 60000));
	assert_false(board_db_may_try(*state, 60000));
}

static void test_a_success_lets_all_try_again(void **state)
{
	board_db_failed(*state, 60000);
	board_db_well(*state);
	assert_true(board_db_may_try(*state, 60000));
	assert_true(board_db_may_try(*state, 60000));
	board_db_well(*state);
	assert_true(board_db_may_try(*state, 60000));
}

static void test_of_many_processes_only_one_tries(void **state)
{
	struct board *board = *state;

	for (int round = 0; round < ROUNDS; round++) {
		pid_t pids[PROCESSES];
		int start[2], status, tried = 0;

		board_db_failed(board, 0);
		assert_int_equal(pipe(start), 0);
		/* The reading ends see the end when the last writing end is closed: ours. */
		for (size_t i = 0; i < PROCESSES; i++) {
			pids[i] = fork();
			if (pids[i] == 0) {
				char byte;

				close(start[1]);
				_exit(read(start[0], &byte, 1) == 0 &&
				      board_db_may_try(board, 60000));
			}
			assert_true(pids[i] > 0);
		}
		close(start[0]);
		close(start[1]);
		for (size_t i = 0; i < PROCESSES; i++) {
			assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
			assert_true(WIFEXITED(status));
			tried += WEXITSTATUS(status);
		}
		assert_int_equal(tried, 1);
	}
}

static void test_no_board_is_freed_without_harm(void **state)
{
	(void)state;
	board_free(NULL);
}

#define board_test(f) cmocka_unit_test_setup_teardown(f, open_board, close_board)

int test_base_board(void)
{
	const struct CMUnitTest tests[] = {
	    board_test(test_a_new_board_is_empty),
	    board_test(test_a_sum_is_that_of_all_slots),
	    board_test(test_why_a_database_is_unfit_is_told_until_something_else_is),
	    cmocka_unit_test(test_no_slot_counts_nothing),
	    board_test(test_what_another_process_counts_is_seen_here),
	    board_test(test_a_slot_says_what_its_process_does_and_since_when),
	    board_test(test_every_status_of_the_list_is_told_apart),
	    board_test(test_other_statuses_are_counted_together),
	    board_test(test_a_bucket_holds_its_bound_and_not_a_microsecond_more),
	    board_test(test_every_series_is_counted_apart),
	    board_test(test_what_another_process_says_of_each_peer_is_seen_here),
	    board_test(test_a_database_that_is_well_may_be_tried_by_all),
	    board_test(test_after_a_failure_nobody_tries_before_the_pause_is_over),
	    board_test(test_after_the_pause_one_tries_and_the_pause_begins_anew),
	    board_test(test_a_success_lets_all_try_again),
	    board_test(test_of_many_processes_only_one_tries),
	    cmocka_unit_test(test_no_board_is_freed_without_harm),
	};

	return unit_run("base/board", tests);
}
