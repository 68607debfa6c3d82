/* account_report: what each report does to a row, report by report. */
#include "account/account_report.h"
#include "account_tests.h"
#include "base/bounds.h"
#include "unit.h"

#define NOW ACCOUNT_TESTS_NOW
#define SECONDS(n) ((int64_t)(n)*US_PER_S)
#define MINUTES(n) SECONDS(60 * (n))

/* The whole second that `us` is in, as a column without fractions keeps it. */
static int64_t second_of(int64_t us)
{
	return us / US_PER_S * US_PER_S;
}

static struct account_tests_case qr_case(enum account_state state, uint64_t expires_s)
{
	struct account_tests_case c = account_tests_case(state, ACCOUNT_CONNECTING);

	c.report.qr_code = SPAN_OF("2@abc");
	c.report.qr_expires_s = expires_s;
	return c;
}

static void set_qr(struct account *a)
{
	a->has_qr = true;
	a->qr_first_at = NOW - MINUTES(1);
	a->qr_expires_at = second_of(NOW) + SECONDS(240);
	a->connect_deadline_at = second_of(NOW) + SECONDS(300);
}

static void assert_accepted(struct account_tests_case *c, struct arena *mem)
{
	assert_int_equal(account_tests_run(c, mem), RC_OK);
	assert_int_equal(c->change.refusal, ACCOUNT_ACCEPTED);
	assert_null(c->change.command);
}

static void assert_tells(const struct account_tests_case *c, bool tells)
{
	assert_int_equal(c->change.tells, tells);
	assert_int_equal(c->change.after.state_version, c->before.state_version + (tells ? 1 : 0));
}

/* --- a QR code */

static void test_a_qr_code_connects_and_is_kept_until_it_expires(void **state)
{
	struct account_tests_case c = qr_case(ACCOUNT_DISCONNECTED, 300);

	c.before.is_active = false;
	assert_accepted(&c, *state);
	assert_tells(&c, true);
	assert_int_equal(c.change.after.state, ACCOUNT_CONNECTING);
	assert_false(c.change.keeps_qr);
	assert_span(c.change.qr_code, "2@abc");
	assert_true(c.change.after.qr_expires_at == second_of(NOW) + SECONDS(300));
	assert_true(c.change.after.qr_first_at == NOW);
	assert_true(c.change.after.connect_deadline_at == second_of(NOW) + SECONDS(360));
	assert_false(c.change.after.is_active);
	assert_true(c.change.after.last_activity_at == c.before.last_activity_at);
	assert_true(c.change.after.last_connected_at == TIME_NONE);
}

static void test_a_pairing_lasts_fifteen_minutes_after_its_first_qr_code_at_most(void **state)
{
	struct account_tests_case c = qr_case(ACCOUNT_CONNECTING, 300);

	set_qr(&c.before);
	c.before.qr_first_at = NOW - MINUTES(8);
	assert_accepted(&c, *state);
	assert_true(c.change.after.qr_first_at == NOW - MINUTES(8));
	assert_true(c.change.after.connect_deadline_at == second_of(NOW) + SECONDS(360));
	c.before.qr_first_at = NOW - MINUTES(10);
	assert_accepted(&c, *state);
	assert_true(c.change.after.connect_deadline_at == NOW + MINUTES(5));
	c = qr_case(ACCOUNT_DISCONNECTED, BOUND_QR_EXPIRES_S);
	assert_accepted(&c, *state);
	assert_true(c.change.after.qr_expires_at == second_of(NOW) + SECONDS(BOUND_QR_EXPIRES_S));
	assert_true(c.change.after.connect_deadline_at == NOW + MINUTES(15));
}

static void test_a_new_pairing_counts_from_its_own_first_qr_code(void **state)
{
	static const enum account_state others[] = {
	    ACCOUNT_DISCONNECTED, ACCOUNT_ERROR, ACCOUNT_CONNECTED};

	for (size_t i = 0; i < COUNT(others); i++) {
		struct account_tests_case c = qr_case(others[i], 300);

		set_qr(&c.before);
		c.before.qr_first_at = NOW - MINUTES(60);
		assert_accepted(&c, *state);
		assert_true(c.change.after.qr_first_at == NOW);
	}
}

static void test_another_qr_code_tells_and_the_same_one_does_not(void **state)
{
	struct account_tests_case c = qr_case(ACCOUNT_CONNECTING, 300);

	set_qr(&c.before);
	assert_accepted(&c, *state);
	assert_tells(&c, true);
	c.before.same_qr = true;
	assert_accepted(&c, *state);
	assert_tells(&c, false);
	assert_true(c.change.after.qr_expires_at == second_of(NOW) + SECONDS(300));
}

static void test_the_same_qr_code_tells_when_the_first_one_has_expired(void **state)
{
	struct account_tests_case c = qr_case(ACCOUNT_CONNECTING, 300);

	set_qr(&c.before);
	c.before.same_qr = true;
	c.before.qr_expires_at = second_of(NOW);
	assert_accepted(&c, *state);
	assert_tells(&c, true);
}

static void test_a_qr_code_of_another_provider_is_refused(void **state)
{
	struct account_tests_case c = qr_case(ACCOUNT_DISCONNECTED, 300);

	c.before.provider_type = SPAN_OF("meta");
	assert_int_equal(account_tests_run(&c, *state), RC_INVALID);
	assert_int_equal(c.change.refusal, ACCOUNT_NOT_WEBJS);
}

static void test_a_qr_code_leaves_the_metadata_alone(void **state)
{
	struct account_tests_case c = qr_case(ACCOUNT_DISCONNECTED, 300);

	c.before.metadata = SPAN_OF("{ \"a\" : 1.10 }");
	assert_accepted(&c, *state);
	assert_span(c.change.after.metadata, "{ \"a\" : 1.10 }");
}

/* --- late reports */

static void test_a_late_qr_code_is_refused(void **state)
{
	struct account_tests_case c = qr_case(ACCOUNT_CONNECTED, 300);

	c.before.last_connected_at = NOW - SECONDS(60) + 1;
	assert_int_equal(account_tests_run(&c, *state), RC_CONFLICT);
	assert_int_equal(c.change.refusal, ACCOUNT_LATE);
	c.before.last_connected_at = NOW - SECONDS(60);
	assert_accepted(&c, *state);
	assert_int_equal(c.change.after.state, ACCOUNT_CONNECTING);
}

static void test_a_late_word_for_connecting_is_refused(void **state)
{
	struct account_tests_case c = account_tests_case(ACCOUNT_CONNECTED, ACCOUNT_CONNECTING);

	c.before.last_connected_at = NOW;
	assert_int_equal(account_tests_run(&c, *state), RC_CONFLICT);
	assert_int_equal(c.change.refusal, ACCOUNT_LATE);
	/* Clocks of two hosts differ. */
	c.before.last_connected_at = NOW + SECONDS(5);
	assert_int_equal(account_tests_run(&c, *state), RC_CONFLICT);
	c.before.last_connected_at = TIME_NONE;
	assert_accepted(&c, *state);
}

static void test_only_a_connected_account_can_be_late(void **state)
{
	static const enum account_state others[] = {
	    ACCOUNT_CONNECTING, ACCOUNT_DISCONNECTED, ACCOUNT_ERROR};

	for (size_t i = 0; i < COUNT(others); i++) {
		struct account_tests_case c = qr_case(others[i], 300);

		c.before.last_connected_at = NOW;
		assert_accepted(&c, *state);
	}
}

static void test_other_words_are_never_late(void **state)
{
	static const enum account_state words[] = {
	    ACCOUNT_CONNECTED, ACCOUNT_DISCONNECTED, ACCOUNT_ERROR};

	for (size_t i = 0; i < COUNT(words); i++) {
		struct account_tests_case c = account_tests_case(ACCOUNT_CONNECTED, words[i]);

		c.before.last_connected_at = NOW;
		assert_accepted(&c, *state);
	}
}

/* --- connecting, without a code */

static void test_a_word_for_connecting_changes_the_state_alone(void **state)
{
	struct account_tests_case c = account_tests_case(ACCOUNT_DISCONNECTED, ACCOUNT_CONNECTING);

	set_qr(&c.before);
	c.report.phone_number = SPAN_OF("6281234567890");
	assert_accepted(&c, *state);
	assert_tells(&c, true);
	assert_int_equal(c.change.after.state, ACCOUNT_CONNECTING);
	assert_true(c.change.keeps_qr);
	assert_true(c.change.after.qr_expires_at == c.before.qr_expires_at);
	assert_null(c.change.after.phone_number.ptr);
	assert_true(c.change.after.last_activity_at == c.before.last_activity_at);
	c.before.state = ACCOUNT_CONNECTING;
	assert_accepted(&c, *state);
	assert_tells(&c, false);
}

/* --- connected */

static void test_connected_sets_times_and_ends_the_pairing(void **state)
{
	struct account_tests_case c = account_tests_case(ACCOUNT_CONNECTING, ACCOUNT_CONNECTED);

	set_qr(&c.before);
	c.before.is_active = false;
	assert_accepted(&c, *state);
	assert_tells(&c, true);
	assert_int_equal(c.change.after.state, ACCOUNT_CONNECTED);
	assert_true(c.change.after.is_active);
	assert_true(c.change.after.last_connected_at == NOW);
	assert_true(c.change.after.last_activity_at == NOW);
	assert_false(c.change.keeps_qr);
	assert_null(c.change.qr_code.ptr);
	assert_true(c.change.after.qr_expires_at == TIME_NONE);
	assert_true(c.change.after.qr_first_at == TIME_NONE);
	assert_true(c.change.after.connect_deadline_at == TIME_NONE);
	assert_false(c.change.over_limit);
}

static void test_connected_takes_the_number_over(void **state)
{
	struct account_tests_case c = account_tests_case(ACCOUNT_CONNECTING, ACCOUNT_CONNECTED);

	c.report.phone_number = SPAN_OF(" +62 812-3456 7890 ");
	assert_accepted(&c, *state);
	assert_span(c.change.after.phone_number, "+62 812-3456 7890");
	c.before.phone_number = SPAN_OF("123456");
	assert_accepted(&c, *state);
	assert_span(c.change.after.phone_number, "+62 812-3456 7890");
}

static void test_one_number_stays_as_it_is_written(void **state)
{
	struct account_tests_case c = account_tests_case(ACCOUNT_CONNECTED, ACCOUNT_CONNECTED);

	c.before.phone_number = SPAN_OF("+62 812-3456 7890");
	c.report.phone_number = SPAN_OF("6281234567890");
	assert_accepted(&c, *state);
	assert_span(c.change.after.phone_number, "+62 812-3456 7890");
	assert_tells(&c, false);
}

static void test_a_number_that_is_none_is_ignored(void **state)
{
	static const struct span numbers[] = {{NULL, 0}, SPAN(""), SPAN("undefined"), SPAN("null"),
	    SPAN("1234"), SPAN("12345x"), SPAN("123456789012345678901")};

	for (size_t i = 0; i < COUNT(numbers); i++) {
		struct account_tests_case c =
		    account_tests_case(ACCOUNT_CONNECTING, ACCOUNT_CONNECTED);

		c.before.phone_number = SPAN_OF("123456");
		c.report.phone_number = numbers[i];
		assert_accepted(&c, *state);
		assert_int_equal(c.change.after.state, ACCOUNT_CONNECTED);
		assert_span(c.change.after.phone_number, "123456");
	}
}

static void test_the_first_connected_account_becomes_primary(void **state)
{
	struct account_tests_case c = account_tests_case(ACCOUNT_CONNECTING, ACCOUNT_CONNECTED);

	assert_accepted(&c, *state);
	assert_false(c.change.after.is_primary);
	c.around.has_live_primary = false;
	assert_accepted(&c, *state);
	assert_true(c.change.after.is_primary);
}

static void test_a_primary_stays_primary(void **state)
{
	struct account_tests_case c = account_tests_case(ACCOUNT_CONNECTING, ACCOUNT_CONNECTED);

	c.before.is_primary = true;
	c.around.has_live_primary = false;
	assert_accepted(&c, *state);
	assert_true(c.change.after.is_primary);
}

static void test_only_connecting_takes_the_primary(void **state)
{
	static const enum account_state words[] = {
	    ACCOUNT_CONNECTING, ACCOUNT_DISCONNECTED, ACCOUNT_ERROR};

	for (size_t i = 0; i < COUNT(words); i++) {
		struct account_tests_case c = account_tests_case(ACCOUNT_ERROR, words[i]);

		c.around.has_live_primary = false;
		assert_accepted(&c, *state);
		assert_false(c.change.after.is_primary);
	}
}

static void test_a_repeated_connected_tells_nobody(void **state)
{
	struct account_tests_case c = account_tests_case(ACCOUNT_CONNECTED, ACCOUNT_CONNECTED);

	c.before.last_connected_at = NOW - MINUTES(5);
	assert_accepted(&c, *state);
	assert_tells(&c, false);
	assert_true(c.change.after.last_activity_at == NOW);
	assert_true(c.change.after.last_connected_at == NOW - MINUTES(5));
}

static void test_a_repeated_connected_tells_what_it_changes(void **state)
{
	struct account_tests_case c = account_tests_case(ACCOUNT_CONNECTED, ACCOUNT_CONNECTED);

	c.around.has_live_primary = false;
	assert_accepted(&c, *state);
	assert_tells(&c, true);
	c.around.has_live_primary = true;
	c.report.phone_number = SPAN_OF("123456");
	assert_accepted(&c, *state);
	assert_tells(&c, true);
	c.report.phone_number = (struct span){0};
	set_qr(&c.before);
	assert_accepted(&c, *state);
	assert_tells(&c, true);
}

static void test_a_connected_report_is_counted_but_never_refused_for_the_limit(void **state)
{
	struct account_tests_case c = account_tests_case(ACCOUNT_CONNECTING, ACCOUNT_CONNECTED);

	c.around.connected = 9;
	assert_accepted(&c, *state);
	assert_false(c.change.over_limit);
	c.around.connected = 10;
	assert_accepted(&c, *state);
	assert_true(c.change.over_limit);
	assert_int_equal(c.change.after.state, ACCOUNT_CONNECTED);
	c.before.state = ACCOUNT_CONNECTED;
	assert_accepted(&c, *state);
	assert_false(c.change.over_limit);
}

/* --- a number that another account has */

static void test_a_taken_number_leads_to_error_and_a_disconnect(void **state)
{
	struct account_tests_case c = account_tests_case(ACCOUNT_CONNECTING, ACCOUNT_CONNECTED);

	set_qr(&c.before);
	c.before.is_active = false;
	c.before.metadata = SPAN_OF("{ \"a\":1}");
	c.report.phone_number = SPAN_OF("6281234567890");
	c.report.metadata = SPAN_OF("{\"b\":2}");
	c.around.phone_is_taken = true;
	c.around.has_live_primary = false;
	assert_int_equal(account_tests_run(&c, *state), RC_OK);
	assert_int_equal(c.change.refusal, ACCOUNT_PHONE_TAKEN);
	assert_string_equal(c.change.command, "disconnect");
	assert_tells(&c, true);
	assert_int_equal(c.change.after.state, ACCOUNT_ERROR);
	/* Nothing else changes. */
	assert_null(c.change.after.phone_number.ptr);
	assert_false(c.change.after.is_primary);
	assert_false(c.change.after.is_active);
	assert_true(c.change.keeps_qr);
	assert_span(c.change.after.metadata, "{ \"a\":1}");
	assert_true(c.change.after.last_activity_at == c.before.last_activity_at);
	assert_true(c.change.after.last_connected_at == TIME_NONE);
	assert_true(c.change.after.connect_deadline_at == c.before.connect_deadline_at);
	assert_false(c.change.over_limit);
}

static void test_a_taken_number_that_is_reported_again_tells_once(void **state)
{
	struct account_tests_case c = account_tests_case(ACCOUNT_ERROR, ACCOUNT_CONNECTED);

	c.around.phone_is_taken = true;
	assert_int_equal(account_tests_run(&c, *state), RC_OK);
	assert_int_equal(c.change.refusal, ACCOUNT_PHONE_TAKEN);
	assert_string_equal(c.change.command, "disconnect");
	assert_tells(&c, false);
}

static void test_a_taken_number_of_another_provider_sends_no_command(void **state)
{
	struct account_tests_case c = account_tests_case(ACCOUNT_CONNECTING, ACCOUNT_CONNECTED);

	c.before.provider_type = SPAN_OF("meta");
	c.around.phone_is_taken = true;
	assert_int_equal(account_tests_run(&c, *state), RC_OK);
	assert_int_equal(c.change.refusal, ACCOUNT_PHONE_TAKEN);
	assert_int_equal(c.change.after.state, ACCOUNT_ERROR);
	assert_null(c.change.command);
}

/* --- disconnected */

static void test_disconnected_clears_the_code_and_keeps_the_number(void **state)
{
	struct account_tests_case c = account_tests_case(ACCOUNT_CONNECTED, ACCOUNT_DISCONNECTED);

	set_qr(&c.before);
	c.before.phone_number = SPAN_OF("123456");
	c.before.is_primary = true;
	c.before.last_connected_at = NOW - MINUTES(5);
	c.report.phone_number = SPAN_OF("999999");
	assert_accepted(&c, *state);
	assert_tells(&c, true);
	assert_int_equal(c.change.after.state, ACCOUNT_DISCONNECTED);
	assert_span(c.change.after.phone_number, "123456");
	assert_true(c.change.after.is_primary);
	assert_true(c.change.after.is_active);
	assert_false(c.change.keeps_qr);
	assert_null(c.change.qr_code.ptr);
	assert_true(c.change.after.qr_expires_at == TIME_NONE);
	assert_true(c.change.after.connect_deadline_at == TIME_NONE);
	assert_true(c.change.after.last_activity_at == NOW);
	assert_true(c.change.after.last_connected_at == NOW - MINUTES(5));
	c.before.is_active = false;
	assert_accepted(&c, *state);
	assert_false(c.change.after.is_active);
}

static void test_a_repeated_disconnected_tells_nobody(void **state)
{
	struct account_tests_case c =
	    account_tests_case(ACCOUNT_DISCONNECTED, ACCOUNT_DISCONNECTED);

	assert_accepted(&c, *state);
	assert_tells(&c, false);
	assert_true(c.change.after.last_activity_at == NOW);
}

static void test_clearing_a_code_tells_only_if_it_was_shown(void **state)
{
	struct account_tests_case c =
	    account_tests_case(ACCOUNT_DISCONNECTED, ACCOUNT_DISCONNECTED);

	set_qr(&c.before);
	assert_accepted(&c, *state);
	assert_tells(&c, true);
	c.before.qr_expires_at = NOW;
	assert_accepted(&c, *state);
	assert_tells(&c, false);
	c.before.qr_expires_at = NOW + 1;
	assert_accepted(&c, *state);
	assert_tells(&c, true);
	/* Rows that were migrated have codes without an end. */
	c.before.qr_expires_at = TIME_NONE;
	assert_accepted(&c, *state);
	assert_tells(&c, true);
}

/* --- error */

static void test_an_error_changes_the_state_and_the_metadata(void **state)
{
	struct account_tests_case c = account_tests_case(ACCOUNT_CONNECTED, ACCOUNT_ERROR);

	set_qr(&c.before);
	c.before.phone_number = SPAN_OF("123456");
	assert_accepted(&c, *state);
	assert_tells(&c, true);
	assert_int_equal(c.change.after.state, ACCOUNT_ERROR);
	assert_true(c.change.keeps_qr);
	assert_true(c.change.after.is_active);
	assert_true(c.change.after.last_activity_at == c.before.last_activity_at);
	assert_span(c.change.after.phone_number, "123456");
	assert_span(c.change.after.metadata, "{\"recent_failures\":1,\"last_error\":\"Unknown\"}");
}

static void test_a_repeated_error_tells_nobody_but_is_counted(void **state)
{
	struct account_tests_case c = account_tests_case(ACCOUNT_ERROR, ACCOUNT_ERROR);

	c.before.metadata = SPAN_OF("{\"recent_failures\":1}");
	c.before.recent_failures = 1;
	assert_accepted(&c, *state);
	assert_tells(&c, false);
	assert_span(c.change.after.metadata, "{\"recent_failures\":2,\"last_error\":\"Unknown\"}");
}

/* --- for every state and every report */

static void test_what_no_report_may_change_stays(void **state)
{
	for (int from = 0; from < ACCOUNT_STATES; from++) {
		for (int to = 0; to < ACCOUNT_STATES; to++) {
			struct account_tests_case c =
			    account_tests_case((enum account_state)from, (enum account_state)to);

			assert_accepted(&c, *state);
			assert_int_equal(c.change.after.state, to);
			assert_tells(&c, from != to);
			assert_int_equal(c.change.after.id, 7);
			assert_int_equal(c.change.after.workspace_id, 3);
			assert_same(c.change.after.uuid, c.before.uuid);
			assert_same(c.change.after.session_id, c.before.session_id);
			assert_same(c.change.after.provider_type, c.before.provider_type);
		}
	}
}

static void test_the_rules_answer_the_same_twice(void **state)
{
	struct account_tests_case a = qr_case(ACCOUNT_CONNECTING, 300), b = a;

	assert_accepted(&a, *state);
	assert_accepted(&b, *state);
	assert_true(a.change.after.connect_deadline_at == b.change.after.connect_deadline_at);
	assert_int_equal(a.change.tells, b.change.tells);
}

int test_account_report(void)
{
	const struct CMUnitTest tests[] = {
	    arena_test(test_a_qr_code_connects_and_is_kept_until_it_expires),
	    arena_test(test_a_pairing_lasts_fifteen_minutes_after_its_first_qr_code_at_most),
	    arena_test(test_a_new_pairing_counts_from_its_own_first_qr_code),
	    arena_test(test_another_qr_code_tells_and_the_same_one_does_not),
	    arena_test(test_the_same_qr_code_tells_when_the_first_one_has_expired),
	    arena_test(test_a_qr_code_of_another_provider_is_refused),
	    arena_test(test_a_qr_code_leaves_the_metadata_alone),
	    arena_test(test_a_late_qr_code_is_refused),
	    arena_test(test_a_late_word_for_connecting_is_refused),
	    arena_test(test_only_a_connected_account_can_be_late),
	    arena_test(test_other_words_are_never_late),
	    arena_test(test_a_word_for_connecting_changes_the_state_alone),
	    arena_test(test_connected_sets_times_and_ends_the_pairing),
	    arena_test(test_connected_takes_the_number_over),
	    arena_test(test_one_number_stays_as_it_is_written),
	    arena_test(test_a_number_that_is_none_is_ignored),
	    arena_test(test_the_first_connected_account_becomes_primary),
	    arena_test(test_a_primary_stays_primary),
	    arena_test(test_only_connecting_takes_the_primary),
	    arena_test(test_a_repeated_connected_tells_nobody),
	    arena_test(test_a_repeated_connected_tells_what_it_changes),
	    arena_test(test_a_connected_report_is_counted_but_never_refused_for_the_limit),
	    arena_test(test_a_taken_number_leads_to_error_and_a_disconnect),
	    arena_test(test_a_taken_number_that_is_reported_again_tells_once),
	    arena_test(test_a_taken_number_of_another_provider_sends_no_command),
	    arena_test(test_disconnected_clears_the_code_and_keeps_the_number),
	    arena_test(test_a_repeated_disconnected_tells_nobody),
	    arena_test(test_clearing_a_code_tells_only_if_it_was_shown),
	    arena_test(test_an_error_changes_the_state_and_the_metadata),
	    arena_test(test_a_repeated_error_tells_nobody_but_is_counted),
	    arena_test(test_what_no_report_may_change_stays),
	    arena_test(test_the_rules_answer_the_same_twice),
	};

	return unit_run("account/account_report", tests);
}
