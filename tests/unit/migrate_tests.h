/*
 * migrate_tests: the tests of src/migrate, one function for each part; each
 * returns the number of its tests that failed.
 */
#ifndef WA_TESTS_MIGRATE_TESTS_H
#define WA_TESTS_MIGRATE_TESTS_H

#include "base/arena.h"
#include "migrate/definition.h"

int test_migrate_accounts(void);
int test_migrate_definition(void);
int test_migrate_difference(void);
int test_migrate_words(void);

/* It is one that is understood; its parts are of `create` and of `mem`. */
struct definition migrate_tests_parse(const char *create, struct arena *mem);

#endif
