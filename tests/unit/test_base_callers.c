#include "base/callers.h"

#include <stdio.h>

#include "base/board.h"
#include "base_tests.h"
#include "unit.h"

static struct callers_sum *sum_of(struct arena *mem, const struct callers *callers)
{
	struct callers_sum *sum = arena_alloc(mem, sizeof(*sum));

	callers_sum_init(sum);
	callers_sum_add(sum, callers);
	return sum;
}

/* NULL if there is none of that name. */
static const struct callers_sum_row *row_of(const struct callers_sum *sum, const char *name)
{
	for (size_t i = 1; i < sum->count; i++)
		if (strcmp(sum->rows[i].name, name) == 0)
			return &sum->rows[i];
	return NULL;
}

/* Names that are all different: "a0", "a1" and so on. */
static void count_many(struct callers *callers, char first, size_t n, bool is_stranger)
{
	for (size_t i = 0; i < n; i++) {
		char name[32];

		snprintf(name, sizeof(name), "%c%zu", first, i);
		callers_count(callers, span_of(name), 1, is_stranger);
	}
}

static void test_each_name_is_counted_counts(void **state)
{
	struct callers *callers = arena_alloc(*state, sizeof(*callers));
	const struct callers_sum *sum;

	for (int i = 0; i < 3; i++)
		callers_count(callers, SPAN_OF("user:7"), 2, false);
	callers_count(callers, SPAN_OF("user:7"), CALLERS_PLACES - 1, false);
	callers_count(callers, SPAN_OF("user:70"), 2, false);
	sum = sum_of(*state, callers);
	assert_int_equal(sum->count, 3);
	assert_int_equal(row_of(sum, "user:7")->counts[2], 3);
	assert_int_equal(row_of(sum, "user:7")->counts[CALLERS_PLACES - 1], 1);
	assert_int_equal(row_of(sum, "user:7")->counts[0], 0);
	assert_int_equal(row_of(sum, "user:70")->counts[2], 1);
	assert_int_equal(sum->rows[0].counts[2], 0);
}

static void test_who_does_not_fit_is_counted_with_the_others(void **state)
{
	struct callers *callers = arena_alloc(*state, sizeof(*callers));
	const struct callers_sum *sum;

	count_many(callers, 'a', CALLERS + 5, false);
	/* Those who are there go on being counted by name. */
	callers_count(callers, SPAN_OF("a0"), 1, false);
	sum = sum_of(*state, callers);
	assert_int_equal(sum->count, 1 + CALLERS);
	assert_int_equal(sum->rows[0].counts[1], 5);
	assert_int_equal(row_of(sum, "a0")->counts[1], 2);
}

static void test_strangers_leave_room_for_those_who_were_let_in(void **state)
{
	struct callers *callers = arena_alloc(*state, sizeof(*callers));
	const struct callers_sum *sum;

	count_many(callers, 's', CALLERS, true);
	count_many(callers, 'k', CALLERS - CALLERS_STRANGERS, false);
	/* A stranger who is there already is counted, and so is one who was let in since. */
	callers_count(callers, SPAN_OF("s0"), 1, true);
	callers_count(callers, SPAN_OF("s1"), 1, false);
	sum = sum_of(*state, callers);
	assert_int_equal(sum->rows[0].counts[1], CALLERS - CALLERS_STRANGERS);
	assert_int_equal(row_of(sum, "s0")->counts[1], 2);
	assert_int_equal(row_of(sum, "s1")->counts[1], 2);
	assert_null(row_of(sum, "s32"));
	assert_non_null(row_of(sum, "k31"));
}

static void test_a_long_name_is_cut_and_stays_one_name(void **state)
{
	struct callers *callers = arena_alloc(*state, sizeof(*callers));
	const struct callers_sum *sum;
	char name[200];

	memset(name, 'x', sizeof(name));
	for (size_t len = CALLERS_NAME - 1; len < sizeof(name); len++)
		callers_count(callers, span_from(name, len), 0, true);
	callers_count(callers, SPAN_OF(""), 0, true);
	sum = sum_of(*state, callers);
	assert_int_equal(sum->count, 3);
	assert_int_equal(strlen(sum->rows[1].name), CALLERS_NAME - 1);
	assert_int_equal(sum->rows[1].counts[0], sizeof(name) - CALLERS_NAME + 1);
}

static void test_a_sum_adds_what_several_have_of_one_name(void **state)
{
	struct callers *one = arena_alloc(*state, sizeof(*one));
	struct callers *two = arena_alloc(*state, sizeof(*two));
	struct callers_sum *sum;

	callers_count(one, SPAN_OF("a"), 1, false);
	callers_count(two, SPAN_OF("b"), 1, false);
	callers_count(two, SPAN_OF("a"), 1, false);
	sum = sum_of(*state, one);
	callers_sum_add(sum, two);
	assert_int_equal(sum->count, 3);
	assert_int_equal(row_of(sum, "a")->counts[1], 2);
	assert_int_equal(row_of(sum, "b")->counts[1], 1);
}

static void test_a_sum_is_bounded_too_and_loses_nobody(void **state)
{
	struct callers_sum *sum = arena_alloc(*state, sizeof(*sum));
	uint64_t total = 0;

	callers_sum_init(sum);
	for (size_t i = 0; i < 6; i++) {
		struct callers *callers = arena_alloc(*state, sizeof(*callers));

		count_many(callers, (char)('a' + i), CALLERS + 1, false);
		callers_sum_add(sum, callers);
	}
	assert_int_equal(sum->count, 1 + CALLERS_SUMMED);
	for (size_t i = 0; i < sum->count; i++)
		total += sum->rows[i].counts[1];
	assert_int_equal(total, 6 * (CALLERS + 1));
}

static int count_in_child(void *ctx)
{
	for (int i = 0; i < 1000; i++)
		slot_count_caller(board_slot(ctx, 1), SPAN_OF("user:7"), BOARD_NO_ROUTE, false);
	return 0;
}

static void test_what_another_process_counts_is_seen_here(void **state)
{
	struct callers_sum *sum = arena_alloc(*state, sizeof(*sum));
	struct board *board = board_create(3);

	assert_int_equal(unit_in_child(count_in_child, board), 0);
	slot_count_caller(board_slot(board, 2), SPAN_OF("user:7"), BOARD_NO_ROUTE, false);
	board_sum_callers(board, sum);
	assert_int_equal(sum->count, 2);
	assert_int_equal(row_of(sum, "user:7")->counts[BOARD_NO_ROUTE], 1001);
	board_free(board);
}

int test_base_callers(void)
{
	const struct CMUnitTest tests[] = {
	    arena_test(test_each_name_is_counted_counts),
	    arena_test(test_who_does_not_fit_is_counted_with_the_others),
	    arena_test(test_strangers_leave_room_for_those_who_were_let_in),
	    arena_test(test_a_long_name_is_cut_and_stays_one_name),
	    arena_test(test_a_sum_adds_what_several_have_of_one_name),
	    arena_test(test_a_sum_is_bounded_too_and_loses_nobody),
	    arena_test(test_what_another_process_counts_is_seen_here),
	};

	return unit_run("base/callers", tests);
}
