/*
 * auth_tests: the tests of src/auth, one function for each module; each returns
 * the number of its tests that failed.  And what they share: signed requests.
 */
#ifndef WA_TESTS_AUTH_TESTS_H
#define WA_TESTS_AUTH_TESTS_H

#include "auth/signature.h"
#include "base/buf.h"
#include "base/now.h"
#include "crypto/hmac.h"
#include "unit.h"

int test_auth_bearer(void);
int test_auth_cookie(void);
int test_auth_guard(void);
int test_auth_login(void);
int test_auth_refusal(void);
int test_auth_session(void);
int test_auth_signature(void);

enum { NOW_S = 1763200000, TTL_S = 300, HEX_SIZE = 2 * HMAC_SIZE };

/* What the Node service sends beside a body. */
struct proof {
	char timestamp[24];
	char code[HEX_SIZE + 1];
};

struct proof auth_tests_prove(const char *secret, const char *timestamp, struct span body);
struct proof auth_tests_prove_at(const char *secret, int64_t seconds, struct span body);

/* A test whose *state is a struct signature * with secrets "current", "old" and "older". */
#define signature_test(f) cmocka_unit_test_setup_teardown(f, auth_tests_open, auth_tests_close)
int auth_tests_open(void **state);
int auth_tests_close(void **state);

#define AT(seconds) ((int64_t)(seconds)*US_PER_S)
#define BODY SPAN_OF("{\"a\":1}")

#endif
