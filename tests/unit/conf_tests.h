/*
 * conf_tests: the tests of src/conf, one function for each module; each returns
 * the number of its tests that failed.
 */
#ifndef WA_TESTS_CONF_TESTS_H
#define WA_TESTS_CONF_TESTS_H

int test_conf_env(void);
int test_conf_secret_strength(void);
int test_conf_settings(void);

#endif
