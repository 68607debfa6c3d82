#include "base/stop.h"

#include <signal.h>

#include "base_tests.h"
#include "unit.h"

/* Each runs in a child: the flags and the handlers are its own.  0: as expected. */
static int stops_only_where_it_waits(void *ctx)
{
	stop_install();
	raise(*(int *)ctx);
	if (stop_requested())
		return 1;
	stop_open();
	if (!stop_requested())
		return 2;
	stop_shut();
	return stop_requested() ? 0 : 3;
}

static void test_a_stop_is_taken_only_while_the_child_waits(void **state)
{
	int term = SIGTERM, quit = SIGQUIT;

	(void)state;
	assert_int_equal(unit_in_child(stops_only_where_it_waits, &term), 0);
	assert_int_equal(unit_in_child(stops_only_where_it_waits, &quit), 0);
}

static int reopens_once(void *ctx)
{
	(void)ctx;
	stop_install();
	raise(SIGUSR1);
	raise(SIGUSR1);
	if (stop_take_reopen())
		return 1;
	stop_open();
	stop_shut();
	if (!stop_take_reopen())
		return 2;
	return stop_take_reopen() || stop_requested() ? 3 : 0;
}

static void test_usr1_is_taken_once(void **state)
{
	(void)state;
	assert_int_equal(unit_in_child(reopens_once, NULL), 0);
}

static int ignores_the_terminal(void *ctx)
{
	(void)ctx;
	stop_install();
	stop_open();
	raise(SIGINT);
	raise(SIGHUP);
	raise(SIGPIPE);
	return stop_requested() ? 1 : 0;
}

static void test_a_child_leaves_int_hup_and_pipe_to_the_master(void **state)
{
	(void)state;
	assert_int_equal(unit_in_child(ignores_the_terminal, NULL), 0);
}

int test_base_stop(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_stop_is_taken_only_while_the_child_waits),
	    cmocka_unit_test(test_usr1_is_taken_once),
	    cmocka_unit_test(test_a_child_leaves_int_hup_and_pipe_to_the_master),
	};

	return unit_run("base/stop", tests);
}
