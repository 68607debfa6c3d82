#include "base/bell.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "base_tests.h"
#include "unit.h"

static bool is_readable(int bell)
{
	struct pollfd poll_fd = {.fd = bell, .events = POLLIN};

	return poll(&poll_fd, 1, 0) == 1 && (poll_fd.revents & POLLIN) != 0;
}

static void test_a_new_bell_was_not_rung(void **state)
{
	int bell = bell_open();

	(void)state;
	assert_true(bell >= 0);
	assert_false(is_readable(bell));
	assert_false(bell_hush(bell));
	close(bell);
}

static void test_however_often_it_is_rung_it_is_heard_once(void **state)
{
	int bell = bell_open();

	(void)state;
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 1000; i++)
			bell_ring(bell);
		assert_true(is_readable(bell));
		assert_true(bell_hush(bell));
		assert_false(is_readable(bell));
		assert_false(bell_hush(bell));
	}
	close(bell);
}

static void test_a_bell_that_has_counted_to_its_end_has_been_rung(void **state)
{
	const uint64_t most = UINT64_MAX - 1;
	int bell = bell_open();

	(void)state;
	assert_int_equal(write(bell, &most, sizeof(most)), sizeof(most));
	/* Never waits, and loses nothing. */
	bell_ring(bell);
	assert_true(bell_hush(bell));
	bell_ring(bell);
	assert_true(bell_hush(bell));
	close(bell);
}

static void test_no_bell_is_rung_and_hushed_without_harm(void **state)
{
	(void)state;
	bell_ring(-1);
	assert_false(bell_hush(-1));
}

static int ring_in_child(void *ctx)
{
	const int *bell = ctx;

	bell_ring(*bell);
	return 0;
}

static void test_another_process_may_ring_it(void **state)
{
	int bell = bell_open();

	(void)state;
	assert_int_equal(unit_in_child(ring_in_child, &bell), 0);
	assert_true(bell_hush(bell));
	close(bell);
}

static void test_a_program_that_is_executed_does_not_have_it(void **state)
{
	int bell = bell_open();

	(void)state;
	assert_true((fcntl(bell, F_GETFD) & FD_CLOEXEC) != 0);
	close(bell);
}

int test_base_bell(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_new_bell_was_not_rung),
	    cmocka_unit_test(test_however_often_it_is_rung_it_is_heard_once),
	    cmocka_unit_test(test_a_bell_that_has_counted_to_its_end_has_been_rung),
	    cmocka_unit_test(test_no_bell_is_rung_and_hushed_without_harm),
	    cmocka_unit_test(test_another_process_may_ring_it),
	    cmocka_unit_test(test_a_program_that_is_executed_does_not_have_it),
	};

	return unit_run("base/bell", tests);
}
