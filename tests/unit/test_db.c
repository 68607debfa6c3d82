#include "db/errors.h"

#include "unit.h"

static void test_every_error_that_is_known_has_its_fault(void **state)
{
	/* The numbers are those of mysqld_error.h and errmsg.h. */
	static const struct {
		unsigned error;
		enum db_fault fault;
	} cases[] = {
	    {2002, DB_FAULT_LOST},
	    {2003, DB_FAULT_LOST},
	    {2006, DB_FAULT_LOST},
	    {2013, DB_FAULT_LOST},
	    {2014, DB_FAULT_LOST},
	    {2026, DB_FAULT_LOST},
	    {2055, DB_FAULT_LOST},
	    {1053, DB_FAULT_LOST},
	    {1927, DB_FAULT_LOST},
	    {1040, DB_FAULT_NOT_ACCEPTING},
	    {1047, DB_FAULT_NOT_ACCEPTING},
	    {1203, DB_FAULT_NOT_ACCEPTING},
	    {1290, DB_FAULT_NOT_ACCEPTING},
	    {DB_WRONG_SERVER, DB_FAULT_REFUSED},
	    {1044, DB_FAULT_REFUSED},
	    {1045, DB_FAULT_REFUSED},
	    {1049, DB_FAULT_REFUSED},
	    {1213, DB_FAULT_DEADLOCK},
	    {1205, DB_FAULT_LOCK_WAIT},
	    {1969, DB_FAULT_ENDED},
	    {1062, DB_FAULT_DUPLICATE},
	    {2057, DB_FAULT_LOST},
	    {1243, DB_FAULT_LOST},
	    {1615, DB_FAULT_LOST},
	    {1146, DB_FAULT_ABSENT},
	    {1054, DB_FAULT_ABSENT},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_int_equal(errors_fault(cases[i].error), cases[i].fault);
}

static void test_any_other_error_is_ours_to_mend(void **state)
{
	static const unsigned errors[] = {
	    0, 2, 1064, 1366, 1406, 1451, 1452, 2031, 4025, 65535, 4294967295u};

	(void)state;
	for (size_t i = 0; i < COUNT(errors); i++)
		assert_int_equal(errors_fault(errors[i]), DB_FAULT_OTHER);
}

static void test_every_fault_has_a_counter_but_what_is_no_error(void **state)
{
	static const struct {
		enum db_fault fault;
		enum metric metric;
	} cases[] = {
	    {DB_FAULT_NONE, METRIC_COUNT},
	    {DB_FAULT_LOST, METRIC_DB_LOST},
	    {DB_FAULT_TIMEOUT, METRIC_DB_TIMEOUT},
	    {DB_FAULT_NOT_ACCEPTING, METRIC_DB_NOT_ACCEPTING},
	    {DB_FAULT_REFUSED, METRIC_DB_OTHER},
	    {DB_FAULT_DEADLOCK, METRIC_DB_DEADLOCK},
	    {DB_FAULT_LOCK_WAIT, METRIC_DB_LOCK_WAIT},
	    {DB_FAULT_ENDED, METRIC_DB_TIMEOUT},
	    {DB_FAULT_DUPLICATE, METRIC_COUNT},
	    {DB_FAULT_ABSENT, METRIC_DB_OTHER},
	    {DB_FAULT_UNFIT, METRIC_COUNT},
	    {DB_FAULT_OTHER, METRIC_DB_OTHER},
	};

	(void)state;
	assert_int_equal(COUNT(cases), DB_FAULT_OTHER + 1);
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_int_equal(errors_metric(cases[i].fault), cases[i].metric);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_error_that_is_known_has_its_fault),
	    cmocka_unit_test(test_any_other_error_is_ours_to_mend),
	    cmocka_unit_test(test_every_fault_has_a_counter_but_what_is_no_error),
	};

	return unit_run("db/errors", tests);
}
