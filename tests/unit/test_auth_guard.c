#include "auth/guard.h"

#include "auth_tests.h"

static void run_nothing(struct call *call)
{
	(void)call;
}

struct attempt {
	struct route route;
	struct call call;
	struct guard_refusal refusal;
	enum rc rc;
};

static void attempt(struct attempt *a, struct signature *signature, unsigned ways)
{
	struct guard guard = {.signature = signature};

	a->route =
	    (struct route){HTTP_GET, "/", ways, FOR_NODE, 0, "test", run_nothing, NULL, false};
	a->call.route = &a->route;
	a->call.now_us = AT(NOW_S);
	a->call.why = NULL;
	a->refusal = (struct guard_refusal){0};
	a->rc = guard_admit(&a->call, &guard, NULL, NULL, &a->refusal);
}

static void test_the_guard_lets_in_who_signed(void **state)
{
	struct proof proof = auth_tests_prove_at("current", NOW_S, BODY);
	struct attempt a = {.call = {.request = {.body = BODY}}};

	a.call.request.params[PARAM_X_TIMESTAMP] = span_of(proof.timestamp);
	a.call.request.params[PARAM_X_HMAC_SIGNATURE] = span_of(proof.code);
	attempt(&a, *state, WAY_SIGNATURE);
	assert_int_equal(a.rc, RC_OK);
	assert_null(a.call.why);
}

static void test_the_guard_refuses_who_did_not_and_says_why_to_the_log(void **state)
{
	struct attempt a = {.call = {.request = {.body = BODY}}};

	attempt(&a, *state, WAY_SIGNATURE);
	assert_int_equal(a.rc, RC_DENIED);
	assert_int_equal(a.refusal.status, 401);
	assert_string_equal(a.refusal.message, "Missing required security headers");
	assert_string_equal(a.call.why, "missing");
	/* Being local proves nothing there. */
	a.call.request.params[PARAM_LOCAL] = SPAN_OF("1");
	attempt(&a, *state, WAY_SIGNATURE);
	assert_int_equal(a.rc, RC_DENIED);
}

static void test_a_local_route_is_unknown_to_others(void **state)
{
	static const struct span values[] = {
	    {NULL, 0}, SPAN(""), SPAN("0"), SPAN("11"), SPAN("1 "), SPAN("on")};
	struct attempt a = {.call = {.now_us = 0}};

	for (size_t i = 0; i < COUNT(values); i++) {
		a.call.request.params[PARAM_LOCAL] = values[i];
		attempt(&a, *state, WAY_LOCAL);
		assert_int_equal(a.rc, RC_DENIED);
		assert_int_equal(a.refusal.status, 404);
	}
	a.call.request.params[PARAM_LOCAL] = SPAN_OF("1");
	attempt(&a, *state, WAY_LOCAL);
	assert_int_equal(a.rc, RC_OK);
}

static void test_a_route_without_a_way_lets_nobody_in(void **state)
{
	struct proof proof = auth_tests_prove_at("current", NOW_S, BODY);
	struct attempt a = {.call = {.request = {.body = BODY}}};

	a.call.request.params[PARAM_X_TIMESTAMP] = span_of(proof.timestamp);
	a.call.request.params[PARAM_X_HMAC_SIGNATURE] = span_of(proof.code);
	a.call.request.params[PARAM_LOCAL] = SPAN_OF("1");
	attempt(&a, *state, 0);
	assert_int_equal(a.rc, RC_DENIED);
	attempt(&a, *state, 1u << 31);
	assert_int_equal(a.rc, RC_DENIED);
}

/* --- how somebody stands to a workspace */

static void test_every_standing_has_its_answer(void **state)
{
	static const enum refusal by_membership[] = {
	    [MEMBERSHIP_NONE] = REFUSED_NOT_MEMBER,
	    [MEMBERSHIP_OTHER_ROLE] = REFUSED_ROLE,
	    [MEMBERSHIP_SUSPENDED] = REFUSED_SUSPENDED,
	    [MEMBERSHIP_FULL] = REFUSED_NOT,
	};
	static const enum refusal without[] = {
	    REFUSED_NO_WORKSPACE, REFUSED_WORKSPACE_REQUIRED, REFUSED_NOT_MEMBER};

	(void)state;
	for (int m = MEMBERSHIP_NONE; m <= MEMBERSHIP_FULL; m++) {
		struct standing s = {true, true, (enum membership)m};

		assert_int_equal(guard_judge(&s, 1, REFUSED_NO_WORKSPACE), by_membership[m]);
		for (size_t i = 0; i < COUNT(without); i++)
			assert_int_equal(guard_judge(&s, 0, without[i]), without[i]);
		s.has_workspace = false;
		assert_int_equal(guard_judge(&s, 1, REFUSED_NO_WORKSPACE), REFUSED_WORKSPACE_GONE);
		s.has_user = false;
		assert_int_equal(guard_judge(&s, 1, REFUSED_NO_WORKSPACE), REFUSED_USER_GONE);
		assert_int_equal(guard_judge(&s, 0, REFUSED_NO_WORKSPACE), REFUSED_USER_GONE);
		s.has_workspace = true;
		assert_int_equal(guard_judge(&s, 1, REFUSED_NO_WORKSPACE), REFUSED_USER_GONE);
	}
}

/* --- proofs of a way that the route does not have */

static void test_a_proof_of_another_way_is_refused_and_no_other_is_tried(void **state)
{
	struct attempt a = {.call = {.now_us = 0}};

	/* Signed, on a route for people; half a signature is one too. */
	a.call.request.params[PARAM_X_TIMESTAMP] = SPAN_OF("1763200000");
	attempt(&a, *state, WAY_LOGIN | WAY_TOKEN);
	assert_int_equal(a.rc, RC_DENIED);
	assert_string_equal(a.call.why, "wrong_way");
	assert_int_equal(a.refusal.status, 401);
	assert_string_equal(a.refusal.code, "unauthenticated");
	a.call.request.params[PARAM_X_TIMESTAMP] = (struct span){0};
	a.call.request.params[PARAM_X_HMAC_SIGNATURE] = SPAN_OF("");
	attempt(&a, *state, WAY_LOGIN | WAY_TOKEN);
	assert_string_equal(a.call.why, "wrong_way");
	/* A token, where only a login counts. */
	a.call.request.params[PARAM_X_HMAC_SIGNATURE] = (struct span){0};
	a.call.request.params[PARAM_AUTHORIZATION] = SPAN_OF("Bearer 1|x");
	attempt(&a, *state, WAY_LOGIN);
	assert_int_equal(a.rc, RC_DENIED);
	assert_string_equal(a.call.why, "wrong_way");
	/* Nothing at all, where only a token counts. */
	a.call.request.params[PARAM_AUTHORIZATION] = (struct span){0};
	attempt(&a, *state, WAY_TOKEN);
	assert_int_equal(a.rc, RC_DENIED);
	assert_string_equal(a.call.why, "no_proof");
}

int test_auth_guard(void)
{
	const struct CMUnitTest tests[] = {
	    signature_test(test_the_guard_lets_in_who_signed),
	    signature_test(test_the_guard_refuses_who_did_not_and_says_why_to_the_log),
	    signature_test(test_a_local_route_is_unknown_to_others),
	    signature_test(test_a_route_without_a_way_lets_nobody_in),
	    cmocka_unit_test(test_every_standing_has_its_answer),
	    signature_test(test_a_proof_of_another_way_is_refused_and_no_other_is_tried),
	};

	return unit_run("auth/guard", tests);
}
