/*
 * page_tests: the tests of src/page, one function for each module; each
 * returns the number of its tests that failed.
 */
#ifndef WA_TESTS_PAGE_TESTS_H
#define WA_TESTS_PAGE_TESTS_H

int test_page_page(void);
int test_page_template(void);
int test_page_vite(void);

#endif
