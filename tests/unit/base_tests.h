/*
 * base_tests: the tests of src/base, one function for each module; each
 * returns the number of its tests that failed.
 */
#ifndef WA_TESTS_BASE_TESTS_H
#define WA_TESTS_BASE_TESTS_H

int test_base_arena(void);
int test_base_bell(void);
int test_base_board(void);
int test_base_buf(void);
int test_base_callers(void);
int test_base_file(void);
int test_base_log(void);
int test_base_names(void);
int test_base_now(void);
int test_base_num(void);
int test_base_span(void);
int test_base_stop(void);

#endif
