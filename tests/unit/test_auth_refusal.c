#include "auth/refusal.h"

#include "auth_tests.h"

static void test_every_refusal_has_its_words_and_its_counter(void **state)
{
	(void)state;
	for (int r = REFUSED_NOT + 1; r < REFUSALS; r++) {
		const struct refusal_info *info = &refusal_infos[r];

		assert_non_null(info->why);
		assert_true(strlen(info->why) > 0);
		assert_non_null(info->code);
		assert_non_null(info->message);
		assert_true(strlen(info->message) > 0);
		assert_true(info->status == 401 || info->status == 403 || info->status == 419);
	}
}

static void test_no_two_refusals_have_one_word_or_one_counter(void **state)
{
	(void)state;
	for (int a = REFUSED_NOT + 1; a < REFUSALS; a++) {
		for (int b = REFUSED_NOT + 1; b < a; b++) {
			assert_string_not_equal(refusal_infos[a].why, refusal_infos[b].why);
			assert_int_not_equal(refusal_infos[a].metric, refusal_infos[b].metric);
		}
	}
}

static void test_the_counter_has_the_word_that_the_log_has(void **state)
{
	(void)state;
	for (int r = REFUSED_NOT + 1; r < REFUSALS; r++) {
		char series[128];
		struct buf text = buf_over(series, sizeof(series) - 1);

		buf_putf(&text, "wa_refused_total{reason=\"%s\"}", refusal_infos[r].why);
		series[text.len] = '\0';
		assert_string_equal(metric_infos[refusal_infos[r].metric].series, series);
	}
}

static void test_every_counter_of_refusals_belongs_to_one(void **state)
{
	(void)state;
	for (int m = 0; m < METRIC_COUNT; m++) {
		int owners = 0;

		if (!span_starts(span_of(metric_infos[m].series), "wa_refused_total{"))
			continue;
		for (int r = REFUSED_NOT + 1; r < REFUSALS; r++)
			owners += refusal_infos[r].metric == (enum metric)m;
		assert_int_equal(owners, 1);
	}
}

/* A client learns the status; which of our checks it was is nobody's business. */
static void test_the_client_is_told_the_same_for_every_reason_of_a_status(void **state)
{
	(void)state;
	for (int r = REFUSED_NOT + 1; r < REFUSALS; r++) {
		const struct refusal_info *info = &refusal_infos[r];

		if (r == REFUSED_WORKSPACE_REQUIRED) {
			assert_int_equal(info->status, 403);
			assert_string_equal(info->code, "workspace_required");
		} else if (r < REFUSED_NO_WORKSPACE) {
			assert_int_equal(info->status, 401);
			assert_string_equal(info->code, "unauthenticated");
			/* The Node service's is told which of its two ways it was. */
			assert_string_equal(info->message,
			    r == REFUSED_WRONG_KEY ? "Invalid API key" : "Unauthenticated.");
		} else if (r < REFUSED_CSRF) {
			assert_int_equal(info->status, 403);
			assert_string_equal(info->code, "forbidden");
			assert_string_equal(info->message, "This action is unauthorized.");
		} else {
			assert_int_equal(info->status, 419);
			assert_string_equal(info->code, "csrf_mismatch");
			assert_string_equal(info->message, "CSRF token mismatch.");
		}
	}
}

static void test_who_is_let_in_has_no_words(void **state)
{
	(void)state;
	assert_null(refusal_infos[REFUSED_NOT].why);
	assert_int_equal(refusal_infos[REFUSED_NOT].status, 0);
}

int test_auth_refusal(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_refusal_has_its_words_and_its_counter),
	    cmocka_unit_test(test_no_two_refusals_have_one_word_or_one_counter),
	    cmocka_unit_test(test_the_counter_has_the_word_that_the_log_has),
	    cmocka_unit_test(test_every_counter_of_refusals_belongs_to_one),
	    cmocka_unit_test(test_the_client_is_told_the_same_for_every_reason_of_a_status),
	    cmocka_unit_test(test_who_is_let_in_has_no_words),
	};

	return unit_run("auth/refusal", tests);
}
