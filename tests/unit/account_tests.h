/*
 * account_tests: the tests of src/account, one function for each part; each
 * returns the number of its tests that failed.  And what they share: a row,
 * a report about it, and what the rules make of both.
 */
#ifndef WA_TESTS_ACCOUNT_TESTS_H
#define WA_TESTS_ACCOUNT_TESTS_H

#include "account/account.h"
#include "account/account_report.h"
#include "base/now.h"

int test_account_act(void);
int test_account_metadata(void);
int test_account_new(void);
int test_account_overdue(void);
int test_account_phone(void);
int test_account_row(void);
int test_account_report(void);

#define ACCOUNT_TESTS_NOW (INT64_C(1763200000) * US_PER_S + 678901)

struct account_tests_case {
	struct account before;
	struct account_report report;
	struct account_surroundings around;
	struct account_limits limits;
	struct account_change change;
};

/* A webjs account in `state`, and a report of `reported`; nothing else is special. */
struct account_tests_case account_tests_case(enum account_state state, enum account_state reported);
/* Apply the rules at ACCOUNT_TESTS_NOW. */
enum rc account_tests_run(struct account_tests_case *c, struct arena *mem);

#endif
