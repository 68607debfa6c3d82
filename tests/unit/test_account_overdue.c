/* account_report: what nobody reports: a pairing that nobody finished, a command that was given up.
 */
#include "account/account_report.h"
#include "account_tests.h"
#include "base/bounds.h"
#include "unit.h"

#define NOW ACCOUNT_TESTS_NOW

/* --- overdue */

static void test_only_a_pairing_with_a_deadline_that_has_passed_is_overdue(void **state)
{
	static const struct {
		int64_t deadline;
		bool overdue;
	} cases[] = {
	    {TIME_NONE, false},
	    {NOW + 1, false},
	    {NOW + 3600 * US_PER_S, false},
	    {INT64_MAX, false},
	    {NOW, true},
	    {NOW - 1, true},
	    {0, true},
	    {TIME_NONE + 1, true},
	};

	(void)state;
	for (int s = 0; s < ACCOUNT_STATES; s++)
		for (size_t i = 0; i < COUNT(cases); i++) {
			struct account account =
			    account_tests_case((enum account_state)s, ACCOUNT_ERROR).before;

			account.connect_deadline_at = cases[i].deadline;
			assert_int_equal(account_rules_is_overdue(&account, NOW),
			    cases[i].overdue && s == ACCOUNT_CONNECTING);
		}
}

/* A pairing whose time is over, and what becomes of it. */
struct ending {
	struct account before;
	struct account_change change;
};

static struct ending pairing(void)
{
	struct ending e = {
	    .before = account_tests_case(ACCOUNT_CONNECTING, ACCOUNT_CONNECTING).before};

	e.before.has_qr = true;
	e.before.qr_first_at = NOW - 400 * US_PER_S;
	e.before.qr_expires_at = NOW + 60 * US_PER_S;
	e.before.connect_deadline_at = NOW - 1;
	e.before.phone_number = SPAN_OF("+62 812");
	e.before.deleted_at = TIME_NONE;
	return e;
}

static const struct account_change *end(struct ending *e, struct arena *mem)
{
	assert_int_equal(account_report_overdue(&e->before, NOW, mem, &e->change), RC_OK);
	return &e->change;
}

static void test_a_pairing_that_nobody_finished_is_an_error(void **state)
{
	struct ending e = pairing();
	const struct account_change *change = end(&e, *state);

	assert_true(change->stores);
	assert_int_equal(change->after.state, ACCOUNT_ERROR);
	assert_span(
	    change->after.metadata, "{\"last_error\":\"The pairing was not completed in time\"}");
	assert_string_equal(change->command, "disconnect");
	assert_null(change->action);
	assert_null(change->word);
	assert_int_equal(change->refusal, ACCOUNT_ACCEPTED);
}

static void test_one_that_was_connected_before_is_only_disconnected(void **state)
{
	struct ending e = pairing();
	const struct account_change *change;

	e.before.last_connected_at = NOW - 86400 * US_PER_S;
	e.before.metadata = SPAN_OF(" {\"a\" : 1.10}");
	change = end(&e, *state);
	assert_int_equal(change->after.state, ACCOUNT_DISCONNECTED);
	assert_same(change->after.metadata, e.before.metadata);
	assert_string_equal(change->command, "disconnect");
	assert_true(change->after.last_connected_at == e.before.last_connected_at);
}

static void test_its_qr_code_and_its_deadline_go(void **state)
{
	struct ending e = pairing();
	const struct account_change *change = end(&e, *state);

	assert_false(change->keeps_qr);
	assert_null(change->qr_code.ptr);
	assert_true(change->after.qr_first_at == TIME_NONE);
	assert_true(change->after.qr_expires_at == TIME_NONE);
	assert_true(change->after.connect_deadline_at == TIME_NONE);
	/* So it is not overdue a second time. */
	assert_false(account_rules_is_overdue(&change->after, NOW + 3600 * US_PER_S));
}

static void test_it_is_told_once_whatever_it_was(void **state)
{
	for (int i = 0; i < 8; i++) {
		struct ending e = pairing();
		const struct account_change *change;

		e.before.has_qr = (i & 1) != 0;
		e.before.last_connected_at = (i & 2) != 0 ? NOW - 1 : TIME_NONE;
		e.before.same_qr = (i & 4) != 0;
		change = end(&e, *state);
		assert_true(change->tells);
		assert_int_equal(change->after.state_version, e.before.state_version + 1);
	}
}

static void test_nothing_else_of_the_row_changes(void **state)
{
	struct ending e = pairing();
	const struct account *after;

	e.before.is_primary = true;
	e.before.is_active = true;
	after = &end(&e, *state)->after;
	assert_int_equal(after->id, e.before.id);
	assert_int_equal(after->workspace_id, e.before.workspace_id);
	assert_same(after->uuid, e.before.uuid);
	assert_same(after->session_id, e.before.session_id);
	assert_same(after->phone_number, e.before.phone_number);
	assert_same(after->provider_type, e.before.provider_type);
	assert_true(after->is_primary && after->is_active);
	assert_true(after->last_activity_at == e.before.last_activity_at);
	assert_true(after->last_connected_at == TIME_NONE);
	assert_true(after->deleted_at == TIME_NONE);
}

static void test_a_session_that_is_not_the_node_services_is_not_ended(void **state)
{
	struct ending e = pairing();

	e.before.session_id = (struct span){0};
	assert_null(end(&e, *state)->command);
	e = pairing();
	e.before.provider_type = SPAN_OF("meta");
	assert_null(end(&e, *state)->command);
	assert_int_equal(e.change.after.state, ACCOUNT_ERROR);
}

static void test_the_other_members_of_its_metadata_stay(void **state)
{
	static const struct {
		struct span before, after;
	} cases[] = {
	    {SPAN("{\"a\":1.10,\"last_error\":\"old\",\"recent_failures\":2}"),
		SPAN("{\"a\":1.10,\"last_error\":\"The pairing was not completed in time\","
		     "\"recent_failures\":2}")},
	    {SPAN("[]"), SPAN("{\"last_error\":\"The pairing was not completed in time\"}")},
	    {SPAN("\"text\""), SPAN("{\"previous\":\"text\",\"last_error\":"
				    "\"The pairing was not completed in time\"}")},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct ending e = pairing();

		e.before.metadata = cases[i].before;
		assert_same(end(&e, *state)->after.metadata, cases[i].after);
	}
}

static void test_metadata_that_is_full_does_not_keep_a_pairing_open(void **state)
{
	struct ending e = pairing();
	char *text = arena_bytes(*state, BOUND_METADATA);

	memset(text, 'a', BOUND_METADATA);
	memcpy(text, "{\"x\":\"", 6);
	memcpy(text + BOUND_METADATA - 2, "\"}", 2);
	e.before.metadata = span_from(text, BOUND_METADATA);
	assert_int_equal(end(&e, *state)->after.state, ACCOUNT_ERROR);
	assert_same(e.change.after.metadata, e.before.metadata);
}

/* --- a command that was given up: an error report with its reason */

static struct account_tests_case given_up(enum account_state before, struct span metadata)
{
	struct account_tests_case c = account_tests_case(before, ACCOUNT_ERROR);

	c.report.metadata = metadata;
	return c;
}

static void test_a_command_that_was_given_up_leaves_its_reason_and_counts(void **state)
{
	struct account_tests_case c =
	    given_up(ACCOUNT_CONNECTING, SPAN_OF("{\"last_error\":\"HTTP 422: {\\\"a\\\":1}\"}"));

	c.before.metadata = SPAN_OF("{\"last_error\":\"old\",\"recent_failures\":2,\"a\":1.10}");
	c.before.recent_failures = 2;
	assert_int_equal(account_tests_run(&c, *state), RC_OK);
	assert_int_equal(c.change.after.state, ACCOUNT_ERROR);
	assert_span(c.change.after.metadata,
	    "{\"last_error\":\"HTTP 422: {\\\"a\\\":1}\",\"recent_failures\":3,\"a\":1.10}");
	assert_true(c.change.tells);
	assert_int_equal(c.change.after.state_version, c.before.state_version + 1);
	assert_null(c.change.command);
}

static void test_a_second_one_is_counted_and_tells_nobody(void **state)
{
	struct account_tests_case c =
	    given_up(ACCOUNT_ERROR, SPAN_OF("{\"last_error\":\"HTTP 500\"}"));

	c.before.recent_failures = 1;
	assert_int_equal(account_tests_run(&c, *state), RC_OK);
	assert_span(c.change.after.metadata, "{\"recent_failures\":2,\"last_error\":\"HTTP 500\"}");
	assert_false(c.change.tells);
	assert_true(c.change.stores);
}

static void test_a_pairing_that_was_given_up_is_not_overdue_any_more(void **state)
{
	struct account_tests_case c =
	    given_up(ACCOUNT_CONNECTING, SPAN_OF("{\"last_error\":\"HTTP 500\"}"));

	c.before.connect_deadline_at = NOW - 1;
	assert_true(account_rules_is_overdue(&c.before, NOW));
	assert_int_equal(account_tests_run(&c, *state), RC_OK);
	assert_false(account_rules_is_overdue(&c.change.after, NOW));
}

int test_account_overdue(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_only_a_pairing_with_a_deadline_that_has_passed_is_overdue),
	    arena_test(test_a_pairing_that_nobody_finished_is_an_error),
	    arena_test(test_one_that_was_connected_before_is_only_disconnected),
	    arena_test(test_its_qr_code_and_its_deadline_go),
	    arena_test(test_it_is_told_once_whatever_it_was),
	    arena_test(test_nothing_else_of_the_row_changes),
	    arena_test(test_a_session_that_is_not_the_node_services_is_not_ended),
	    arena_test(test_the_other_members_of_its_metadata_stay),
	    arena_test(test_metadata_that_is_full_does_not_keep_a_pairing_open),
	    arena_test(test_a_command_that_was_given_up_leaves_its_reason_and_counts),
	    arena_test(test_a_second_one_is_counted_and_tells_nobody),
	    arena_test(test_a_pairing_that_was_given_up_is_not_overdue_any_more),
	};

	return unit_run("account/account_report, what nobody reports", tests);
}
