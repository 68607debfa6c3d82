/*
 * app_tests: the tests of src/app that stand in files of their own; each
 * returns the number of its tests that failed.
 */
#ifndef WA_TESTS_APP_TESTS_H
#define WA_TESTS_APP_TESTS_H

int test_app_front(void);

#endif
