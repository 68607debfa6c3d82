/*
 * api_tests: the tests of src/api that stand in files of their own; each
 * returns the number of its tests that failed.
 */
#ifndef WA_TESTS_API_TESTS_H
#define WA_TESTS_API_TESTS_H

int test_api_legacy(void);
int test_api_page(void);

#endif
