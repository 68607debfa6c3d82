/* account.h: the words for states, and the health of an account. */
#include "account/account.h"
#include "account/account_rules.h"
#include "account_tests.h"
#include "base/now.h"
#include "unit.h"

static const int64_t now = INT64_C(1763200000) * US_PER_S;

static void test_every_word_for_a_state_is_understood(void **state)
{
	static const struct {
		const char *word;
		enum account_state state;
	} cases[] = {
	    {"connecting", ACCOUNT_CONNECTING},
	    {"qr_scanning", ACCOUNT_CONNECTING},
	    {"qr_generated", ACCOUNT_CONNECTING},
	    {"initializing", ACCOUNT_CONNECTING},
	    {"connected", ACCOUNT_CONNECTED},
	    {"authenticated", ACCOUNT_CONNECTED},
	    {"ready", ACCOUNT_CONNECTED},
	    {"disconnected", ACCOUNT_DISCONNECTED},
	    {"error", ACCOUNT_ERROR},
	    {"failed", ACCOUNT_ERROR},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		enum account_state got = ACCOUNT_STATES;

		assert_true(account_rules_state_of(span_of(cases[i].word), &got));
		assert_int_equal(got, cases[i].state);
	}
}

static void test_any_other_word_is_no_state(void **state)
{
	static const struct span words[] = {SPAN(""), {NULL, 0}, SPAN("Connected"),
	    SPAN("connected "), SPAN("connect"), SPAN("deleted"), SPAN("primary_changed"),
	    SPAN("connected\0")};
	enum account_state got = ACCOUNT_STATES;

	(void)state;
	for (size_t i = 0; i < COUNT(words); i++)
		assert_false(account_rules_state_of(words[i], &got));
	assert_int_equal(got, ACCOUNT_STATES);
}

static void test_every_state_has_its_word_and_the_old_one(void **state)
{
	static const char *const names[] = {"connecting", "connected", "disconnected", "error"};
	static const char *const old[] = {"qr_scanning", "connected", "disconnected", "failed"};

	(void)state;
	assert_int_equal(ACCOUNT_STATES, 4);
	for (int s = 0; s < ACCOUNT_STATES; s++) {
		enum account_state back;

		assert_string_equal(account_rules_state_name((enum account_state)s), names[s]);
		assert_string_equal(account_rules_state_legacy((enum account_state)s), old[s]);
		assert_true(account_rules_state_of(span_of(old[s]), &back));
		assert_int_equal(back, s);
	}
}

static struct account healthy(void)
{
	return (struct account){.state = ACCOUNT_CONNECTED, .last_activity_at = now};
}

static void test_a_connected_and_active_account_is_wholly_well(void **state)
{
	struct account a = healthy();

	(void)state;
	assert_int_equal(account_rules_health(&a, now).score, 100);
	a.last_activity_at = TIME_NONE;
	assert_int_equal(account_rules_health(&a, now).score, 100);
	a.last_activity_at = now + US_PER_S;
	assert_int_equal(account_rules_health(&a, now).score, 100);
}

static void test_an_account_that_is_not_connected_loses_fifty(void **state)
{
	struct account a = healthy();

	(void)state;
	for (int s = 0; s < ACCOUNT_STATES; s++) {
		a.state = (enum account_state)s;
		assert_int_equal(
		    account_rules_health(&a, now).score, s == ACCOUNT_CONNECTED ? 100 : 50);
	}
}

static void test_an_hour_without_activity_is_no_loss_and_a_moment_more_is(void **state)
{
	struct account a = healthy();

	(void)state;
	a.last_activity_at = now - 3600 * US_PER_S;
	assert_int_equal(account_rules_health(&a, now).score, 100);
	a.last_activity_at--;
	assert_int_equal(account_rules_health(&a, now).score, 80);
	a.last_activity_at = 0;
	assert_int_equal(account_rules_health(&a, now).score, 80);
}

static void test_failures_cost_ten_each_and_thirty_at_most(void **state)
{
	static const struct {
		double failures;
		int health;
	} cases[] = {{0, 100}, {1, 90}, {2, 80}, {3, 70}, {4, 70}, {1e300, 70}, {-1, 100},
	    {-1e300, 100}, {0.5, 95}, {0.25, 97}, {0.01, 99}, {1.5, 85}, {2.99, 70}, {2.9, 71}};
	struct account a = healthy();

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		a.recent_failures = cases[i].failures;
		assert_int_equal(account_rules_health(&a, now).score, cases[i].health);
	}
}

static void test_health_is_never_below_zero(void **state)
{
	struct account a = {.state = ACCOUNT_ERROR, .last_activity_at = 0, .recent_failures = 100};

	(void)state;
	assert_int_equal(account_rules_health(&a, now).score, 0);
	a.recent_failures = 0.5;
	assert_int_equal(account_rules_health(&a, now).score, 25);
}

static void test_the_parts_of_health_add_up(void **state)
{
	static const int64_t activity[] = {TIME_NONE, 0, INT64_C(1763200000) * US_PER_S};
	static const double failures[] = {-5, 0, 0.25, 0.5, 1, 1.5, 2.9, 3, 100, 1e300};

	(void)state;
	for (int s = 0; s < ACCOUNT_STATES; s++) {
		for (size_t i = 0; i < COUNT(activity) * COUNT(failures); i++) {
			const struct account a = {
			    .state = (enum account_state)s,
			    .last_activity_at = activity[i % COUNT(activity)],
			    .recent_failures = failures[i / COUNT(activity)],
			};
			struct account_health h = account_rules_health(&a, now);

			assert_int_equal(
			    h.score + h.not_connected + h.inactive + h.recent_failures, 100);
			assert_in_range(h.score, 0, 100);
			assert_int_equal(h.not_connected, s == ACCOUNT_CONNECTED ? 0 : 50);
			assert_int_equal(h.inactive, activity[i % COUNT(activity)] == 0 ? 20 : 0);
			assert_in_range(h.recent_failures, 0, 30);
			assert_int_equal(h.is_healthy, s == ACCOUNT_CONNECTED && h.score >= 70);
		}
	}
}

static void test_only_a_connected_account_of_seventy_is_healthy(void **state)
{
	struct account a = healthy();

	(void)state;
	assert_true(account_rules_health(&a, now).is_healthy);
	a.recent_failures = 3;
	assert_int_equal(account_rules_health(&a, now).score, 70);
	assert_true(account_rules_health(&a, now).is_healthy);
	a.last_activity_at = 0;
	assert_false(account_rules_health(&a, now).is_healthy);
	a = healthy();
	a.state = ACCOUNT_CONNECTING;
	assert_false(account_rules_health(&a, now).is_healthy);
}

static void test_a_code_is_shown_until_it_expires(void **state)
{
	struct account a = {.has_qr = true, .qr_expires_at = TIME_NONE};

	(void)state;
	assert_true(account_rules_shows_qr(&a, now));
	a.qr_expires_at = now + 1;
	assert_true(account_rules_shows_qr(&a, now));
	a.qr_expires_at = now;
	assert_false(account_rules_shows_qr(&a, now));
	a.has_qr = false;
	a.qr_expires_at = TIME_NONE;
	assert_false(account_rules_shows_qr(&a, now));
}

int test_account_row(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_word_for_a_state_is_understood),
	    cmocka_unit_test(test_any_other_word_is_no_state),
	    cmocka_unit_test(test_every_state_has_its_word_and_the_old_one),
	    cmocka_unit_test(test_a_connected_and_active_account_is_wholly_well),
	    cmocka_unit_test(test_an_account_that_is_not_connected_loses_fifty),
	    cmocka_unit_test(test_an_hour_without_activity_is_no_loss_and_a_moment_more_is),
	    cmocka_unit_test(test_failures_cost_ten_each_and_thirty_at_most),
	    cmocka_unit_test(test_health_is_never_below_zero),
	    cmocka_unit_test(test_the_parts_of_health_add_up),
	    cmocka_unit_test(test_only_a_connected_account_of_seventy_is_healthy),
	    cmocka_unit_test(test_a_code_is_shown_until_it_expires),
	};

	return unit_run("account/account", tests);
}
