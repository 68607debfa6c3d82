/* account_rules_act: what people do with an account, in every state that it can be in. */
#include "account/account_rules.h"

#include "account_tests.h"
#include "unit.h"

#define NOW ACCOUNT_TESTS_NOW
#define DEADLINE_US (180 * US_PER_S)

struct acting {
	struct account before;
	struct account_surroundings around;
	struct account_limits limits;
	struct account_change change;
};

/* A webjs account in the middle of a pairing, whatever its state. */
static struct acting acting(enum account_state state)
{
	struct acting a = {
	    .before = account_tests_case(state, state).before,
	    .around = {.connected = 1},
	    .limits = {.max_connected = 10, .connect_deadline_us = DEADLINE_US},
	};

	a.before.deleted_at = TIME_NONE;
	a.before.phone_number = SPAN_OF("12345");
	a.before.has_qr = true;
	a.before.qr_first_at = NOW - 60 * US_PER_S;
	a.before.qr_expires_at = NOW + 60 * US_PER_S;
	a.before.connect_deadline_at = NOW + 120 * US_PER_S;
	return a;
}

static enum rc act(struct acting *a, enum account_action action)
{
	return account_rules_act(&a->before, action, &a->around, &a->limits, NOW, &a->change);
}

static void assert_text(const char *got, const char *want)
{
	if (want == NULL)
		assert_null(got);
	else
		assert_string_equal(got, want);
}

/* What no action changes. */
static void assert_same_account(const struct account *before, const struct account *after)
{
	assert_int_equal(after->id, before->id);
	assert_int_equal(after->workspace_id, before->workspace_id);
	assert_same(after->uuid, before->uuid);
	assert_same(after->session_id, before->session_id);
	assert_same(after->phone_number, before->phone_number);
	assert_same(after->provider_type, before->provider_type);
	assert_same(after->account_name, before->account_name);
	assert_same(after->metadata, before->metadata);
	assert_true(after->created_at == before->created_at);
	assert_true(after->last_activity_at == before->last_activity_at);
	assert_true(after->last_connected_at == before->last_connected_at);
}

static void assert_stored(const struct acting *a, const char *word, const char *command)
{
	const struct account_change *change = &a->change;

	assert_true(change->stores);
	assert_true(change->tells);
	assert_int_equal(change->after.state_version, a->before.state_version + 1);
	assert_int_equal(change->refusal, ACCOUNT_ACCEPTED);
	assert_false(change->over_limit);
	assert_null(change->qr_code.ptr);
	assert_text(change->word, word);
	assert_text(change->command, command);
	assert_same_account(&a->before, &change->after);
}

static void assert_nothing(const struct acting *a)
{
	const struct account_change *change = &a->change;

	assert_false(change->stores);
	assert_false(change->tells);
	assert_false(change->demotes);
	assert_null(change->command);
	assert_int_equal(change->after.state_version, a->before.state_version);
}

static void assert_pairing_ended(const struct acting *a)
{
	assert_false(a->change.keeps_qr);
	assert_null(a->change.qr_code.ptr);
	assert_true(a->change.after.qr_expires_at == TIME_NONE);
	assert_true(a->change.after.qr_first_at == TIME_NONE);
	assert_true(a->change.after.connect_deadline_at == TIME_NONE);
}

static void assert_pairing_begun(const struct acting *a)
{
	assert_int_equal(a->change.after.state, ACCOUNT_CONNECTING);
	assert_false(a->change.keeps_qr);
	assert_true(a->change.after.qr_expires_at == TIME_NONE);
	assert_true(a->change.after.qr_first_at == TIME_NONE);
	assert_true(a->change.after.connect_deadline_at == NOW + DEADLINE_US);
}

static void test_every_action_has_its_name(void **state)
{
	static const char *const names[] = {"set_primary", "disconnect", "delete", "delete",
	    "reconnect", "regenerate_qr", "restore"};

	(void)state;
	assert_int_equal(ACCOUNT_ACTIONS, COUNT(names));
	for (int action = 0; action < ACCOUNT_ACTIONS; action++) {
		struct acting a = acting(ACCOUNT_DISCONNECTED);

		a.before.last_connected_at = TIME_NONE;
		a.before.has_qr = false;
		assert_int_equal(act(&a, (enum account_action)action), RC_OK);
		assert_string_equal(a.change.action, names[action]);
	}
}

/* --- set-primary */

static void test_any_account_becomes_primary_and_only_that(void **state)
{
	(void)state;
	for (int s = 0; s < ACCOUNT_STATES; s++) {
		for (int meta = 0; meta < 2; meta++) {
			struct acting a = acting((enum account_state)s);

			a.before.provider_type = meta ? SPAN_OF("meta") : SPAN_OF("webjs");
			assert_int_equal(act(&a, ACCOUNT_SET_PRIMARY), RC_OK);
			assert_stored(&a, "primary_changed", NULL);
			assert_true(a.change.after.is_primary);
			assert_false(a.change.demotes);
			assert_true(a.change.keeps_qr);
			assert_int_equal(a.change.after.state, s);
			assert_true(a.change.after.is_active);
			assert_true(
			    a.change.after.connect_deadline_at == a.before.connect_deadline_at);
		}
	}
}

static void test_the_other_primary_account_is_demoted(void **state)
{
	struct acting a = acting(ACCOUNT_CONNECTED);

	(void)state;
	a.around.has_live_primary = true;
	assert_int_equal(act(&a, ACCOUNT_SET_PRIMARY), RC_OK);
	assert_true(a.change.demotes);
}

static void test_the_primary_account_is_it_already(void **state)
{
	(void)state;
	for (int s = 0; s < ACCOUNT_STATES; s++) {
		struct acting a = acting((enum account_state)s);

		a.before.is_primary = true;
		assert_int_equal(act(&a, ACCOUNT_SET_PRIMARY), RC_OK);
		assert_nothing(&a);
	}
}

/* --- disconnect */

static void test_an_account_is_disconnected_from_every_state(void **state)
{
	(void)state;
	for (int s = 0; s < ACCOUNT_STATES; s++) {
		for (int meta = 0; meta < 2; meta++) {
			struct acting a = acting((enum account_state)s);

			a.before.provider_type = meta ? SPAN_OF("meta") : SPAN_OF("webjs");
			a.before.is_primary = true;
			assert_int_equal(act(&a, ACCOUNT_DISCONNECT), RC_OK);
			assert_stored(&a, NULL, meta ? NULL : "disconnect");
			assert_int_equal(a.change.after.state, ACCOUNT_DISCONNECTED);
			assert_false(a.change.after.is_active);
			assert_true(a.change.after.is_primary);
			assert_pairing_ended(&a);
		}
	}
}

static void test_one_that_is_disconnected_and_inactive_already_is_let_be(void **state)
{
	struct acting a = acting(ACCOUNT_DISCONNECTED);

	(void)state;
	a.before.is_active = false;
	assert_int_equal(act(&a, ACCOUNT_DISCONNECT), RC_OK);
	assert_nothing(&a);
}

/* It may still connect by it. */
static void test_a_command_that_is_open_is_answered_by_another(void **state)
{
	struct acting a = acting(ACCOUNT_DISCONNECTED);

	(void)state;
	a.before.is_active = false;
	a.before.has_qr = false;
	a.around.has_open_command = true;
	assert_int_equal(act(&a, ACCOUNT_DISCONNECT), RC_OK);
	assert_true(a.change.stores);
	assert_string_equal(a.change.command, "disconnect");
	/* Nothing that others see has changed. */
	assert_false(a.change.tells);
	assert_int_equal(a.change.after.state_version, a.before.state_version);
}

static void test_to_become_inactive_tells_nobody(void **state)
{
	struct acting a = acting(ACCOUNT_DISCONNECTED);

	(void)state;
	a.before.has_qr = false;
	assert_int_equal(act(&a, ACCOUNT_DISCONNECT), RC_OK);
	assert_true(a.change.stores);
	assert_false(a.change.after.is_active);
	assert_false(a.change.tells);
}

static void test_an_account_without_a_session_has_none_to_end(void **state)
{
	struct acting a = acting(ACCOUNT_ERROR);

	(void)state;
	a.before.session_id = (struct span){0};
	assert_int_equal(act(&a, ACCOUNT_DISCONNECT), RC_OK);
	assert_stored(&a, NULL, NULL);
	assert_int_equal(act(&a, ACCOUNT_DELETE), RC_OK);
	assert_stored(&a, "deleted", NULL);
}

/* --- delete */

static void test_an_account_is_deleted_from_every_state(void **state)
{
	(void)state;
	for (int s = 0; s < ACCOUNT_STATES; s++) {
		for (int meta = 0; meta < 2; meta++) {
			struct acting a = acting((enum account_state)s);

			a.before.provider_type = meta ? SPAN_OF("meta") : SPAN_OF("webjs");
			a.before.is_primary = meta;
			assert_int_equal(act(&a, ACCOUNT_DELETE), RC_OK);
			assert_stored(&a, "deleted", meta ? NULL : "disconnect");
			assert_true(a.change.after.deleted_at == NOW);
			assert_int_equal(a.change.after.state, s);
			assert_int_equal(a.change.after.is_primary, meta);
			assert_false(a.change.demotes);
			assert_pairing_ended(&a);
		}
	}
}

/* --- reconnect */

static void test_a_webjs_account_reconnects_from_every_state_but_one(void **state)
{
	(void)state;
	for (int s = 0; s < ACCOUNT_STATES; s++) {
		struct acting a = acting((enum account_state)s);

		a.before.is_active = false;
		a.before.last_connected_at = NOW - US_PER_S;
		assert_int_equal(act(&a, ACCOUNT_RECONNECT), RC_OK);
		if (s == ACCOUNT_CONNECTED) {
			assert_nothing(&a);
			continue;
		}
		assert_stored(&a, NULL, "reconnect");
		assert_pairing_begun(&a);
		assert_true(a.change.after.is_active);
	}
}

static void test_one_that_never_connected_is_told_to_connect(void **state)
{
	struct acting a = acting(ACCOUNT_ERROR);

	(void)state;
	a.before.last_connected_at = TIME_NONE;
	assert_int_equal(act(&a, ACCOUNT_RECONNECT), RC_OK);
	assert_string_equal(a.change.command, "connect");
}

static void test_the_limit_holds_for_reconnecting(void **state)
{
	struct acting a = acting(ACCOUNT_DISCONNECTED);

	(void)state;
	a.around.connected = 9;
	assert_int_equal(act(&a, ACCOUNT_RECONNECT), RC_OK);
	a.around.connected = 10;
	assert_int_equal(act(&a, ACCOUNT_RECONNECT), RC_DENIED);
	assert_int_equal(a.change.refusal, ACCOUNT_LIMIT_REACHED);
	assert_nothing(&a);
	/* One that is connected needs no other place. */
	a.before.state = ACCOUNT_CONNECTED;
	assert_int_equal(act(&a, ACCOUNT_RECONNECT), RC_OK);
	assert_nothing(&a);
}

/* --- regenerate-qr */

static void test_a_webjs_account_gets_a_new_code_in_every_state_but_one(void **state)
{
	(void)state;
	for (int s = 0; s < ACCOUNT_STATES; s++) {
		for (int active = 0; active < 2; active++) {
			struct acting a = acting((enum account_state)s);

			a.before.is_active = active;
			a.around.connected = 10; /* no limit of it */
			if (s == ACCOUNT_CONNECTED) {
				assert_int_equal(act(&a, ACCOUNT_REGENERATE_QR), RC_CONFLICT);
				assert_int_equal(a.change.refusal, ACCOUNT_IS_CONNECTED);
				assert_nothing(&a);
				continue;
			}
			assert_int_equal(act(&a, ACCOUNT_REGENERATE_QR), RC_OK);
			assert_stored(&a, NULL, "regenerate-qr");
			assert_pairing_begun(&a);
			assert_int_equal(a.change.after.is_active, active);
		}
	}
}

static void test_every_new_code_is_asked_for_but_told_only_if_one_was_shown(void **state)
{
	struct acting a = acting(ACCOUNT_CONNECTING);

	(void)state;
	a.before.has_qr = false;
	assert_int_equal(act(&a, ACCOUNT_REGENERATE_QR), RC_OK);
	assert_true(a.change.stores);
	assert_false(a.change.tells);
	assert_string_equal(a.change.command, "regenerate-qr");
	/* Nobody saw one that had expired. */
	a.before.has_qr = true;
	a.before.qr_expires_at = NOW;
	assert_int_equal(act(&a, ACCOUNT_REGENERATE_QR), RC_OK);
	assert_false(a.change.tells);
	a.before.qr_expires_at = NOW + 1;
	assert_int_equal(act(&a, ACCOUNT_REGENERATE_QR), RC_OK);
	assert_true(a.change.tells);
}

static void test_accounts_of_other_providers_are_not_paired(void **state)
{
	static const enum account_action actions[] = {ACCOUNT_RECONNECT, ACCOUNT_REGENERATE_QR};

	(void)state;
	for (size_t i = 0; i < COUNT(actions); i++) {
		for (int s = 0; s < ACCOUNT_STATES; s++) {
			struct acting a = acting((enum account_state)s);

			a.before.provider_type = SPAN_OF("meta");
			a.around.connected = 10;
			assert_int_equal(act(&a, actions[i]), RC_INVALID);
			assert_int_equal(a.change.refusal, ACCOUNT_NOT_WEBJS);
			assert_nothing(&a);
		}
	}
}

/* --- restore */

static void test_a_deleted_account_comes_back_disconnected(void **state)
{
	(void)state;
	for (int s = 0; s < ACCOUNT_STATES; s++) {
		for (int primary = 0; primary < 2; primary++) {
			struct acting a = acting((enum account_state)s);

			a.before.deleted_at = NOW - US_PER_S;
			a.before.is_primary = true;
			a.around.has_live_primary = primary;
			assert_int_equal(act(&a, ACCOUNT_RESTORE), RC_OK);
			assert_stored(&a, NULL, NULL);
			assert_true(a.change.after.deleted_at == TIME_NONE);
			assert_int_equal(a.change.after.state, ACCOUNT_DISCONNECTED);
			assert_false(a.change.after.is_active);
			assert_int_equal(a.change.after.is_primary, !primary);
			assert_false(a.change.demotes);
			assert_pairing_ended(&a);
		}
	}
}

static void test_a_deleted_account_does_not_come_back_beside_its_number(void **state)
{
	struct acting a = acting(ACCOUNT_CONNECTED);

	(void)state;
	a.before.deleted_at = NOW - US_PER_S;
	a.around.phone_is_taken = true;
	assert_int_equal(act(&a, ACCOUNT_RESTORE), RC_CONFLICT);
	assert_int_equal(a.change.refusal, ACCOUNT_PHONE_TAKEN);
	assert_nothing(&a);
}

/* --- clean-up */

static void test_a_clean_up_deletes_what_never_came_to_anything(void **state)
{
	static const enum account_state never[] = {
	    ACCOUNT_CONNECTING, ACCOUNT_DISCONNECTED, ACCOUNT_ERROR};

	(void)state;
	for (size_t i = 0; i < COUNT(never); i++) {
		struct acting a = acting(never[i]);

		a.before.last_connected_at = TIME_NONE;
		a.before.has_qr = false;
		assert_int_equal(act(&a, ACCOUNT_CLEAN_UP), RC_OK);
		assert_true(a.change.after.deleted_at == NOW);
		/* A code that nobody can scan any more keeps nothing. */
		a.before.has_qr = true;
		a.before.qr_expires_at = NOW;
		assert_int_equal(act(&a, ACCOUNT_CLEAN_UP), RC_OK);
		assert_true(a.change.after.deleted_at == NOW);
	}
}

static void test_a_clean_up_keeps_what_was_connected_or_can_be_paired(void **state)
{
	(void)state;
	for (int s = 0; s < ACCOUNT_STATES; s++) {
		struct acting a = acting((enum account_state)s);

		a.before.last_connected_at = NOW - US_PER_S;
		assert_int_equal(act(&a, ACCOUNT_CLEAN_UP), RC_CONFLICT);
		assert_int_equal(a.change.refusal, ACCOUNT_WORTH_KEEPING);
		assert_nothing(&a);
	}
	for (int s = 0; s < ACCOUNT_STATES; s++) {
		struct acting a = acting((enum account_state)s);

		a.before.last_connected_at = TIME_NONE;
		a.before.has_qr = true;
		a.before.qr_expires_at = NOW + 1;
		assert_int_equal(act(&a, ACCOUNT_CLEAN_UP), RC_CONFLICT);
		assert_nothing(&a);
	}
}

/* --- for every action */

static void test_what_is_done_twice_is_told_once(void **state)
{
	(void)state;
	for (int action = 0; action < ACCOUNT_ACTIONS; action++) {
		struct acting a = acting(ACCOUNT_CONNECTING);

		if (action == ACCOUNT_DELETE || action == ACCOUNT_CLEAN_UP)
			continue; /* a deleted account is not found */
		assert_int_equal(act(&a, (enum account_action)action), RC_OK);
		a.before = a.change.after;
		a.before.has_qr = a.change.keeps_qr;
		a.around.has_live_primary = false;
		assert_int_equal(act(&a, (enum account_action)action), RC_OK);
		assert_false(a.change.tells);
		assert_int_equal(a.change.after.state_version, a.before.state_version);
	}
}

static void test_an_action_answers_the_same_twice(void **state)
{
	(void)state;
	for (int action = 0; action < ACCOUNT_ACTIONS; action++) {
		struct acting a = acting(ACCOUNT_ERROR), b = a;

		assert_int_equal(
		    act(&a, (enum account_action)action), act(&b, (enum account_action)action));
		assert_int_equal(a.change.stores, b.change.stores);
		assert_int_equal(a.change.after.state, b.change.after.state);
		assert_true(
		    a.change.after.connect_deadline_at == b.change.after.connect_deadline_at);
	}
}

static void test_no_limit_is_passed(void **state)
{
	const struct account_limits three = {.max_connected = 3}, none = {.max_connected = 0};

	(void)state;
	assert_true(account_rules_may_add(0, &three));
	assert_true(account_rules_may_add(2, &three));
	assert_false(account_rules_may_add(3, &three));
	assert_false(account_rules_may_add(UINT64_MAX, &three));
	assert_false(account_rules_may_add(0, &none));
}

int test_account_act(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_action_has_its_name),
	    cmocka_unit_test(test_any_account_becomes_primary_and_only_that),
	    cmocka_unit_test(test_the_other_primary_account_is_demoted),
	    cmocka_unit_test(test_the_primary_account_is_it_already),
	    cmocka_unit_test(test_an_account_is_disconnected_from_every_state),
	    cmocka_unit_test(test_one_that_is_disconnected_and_inactive_already_is_let_be),
	    cmocka_unit_test(test_a_command_that_is_open_is_answered_by_another),
	    cmocka_unit_test(test_to_become_inactive_tells_nobody),
	    cmocka_unit_test(test_an_account_without_a_session_has_none_to_end),
	    cmocka_unit_test(test_an_account_is_deleted_from_every_state),
	    cmocka_unit_test(test_a_webjs_account_reconnects_from_every_state_but_one),
	    cmocka_unit_test(test_one_that_never_connected_is_told_to_connect),
	    cmocka_unit_test(test_the_limit_holds_for_reconnecting),
	    cmocka_unit_test(test_a_webjs_account_gets_a_new_code_in_every_state_but_one),
	    cmocka_unit_test(test_every_new_code_is_asked_for_but_told_only_if_one_was_shown),
	    cmocka_unit_test(test_accounts_of_other_providers_are_not_paired),
	    cmocka_unit_test(test_a_deleted_account_comes_back_disconnected),
	    cmocka_unit_test(test_a_deleted_account_does_not_come_back_beside_its_number),
	    cmocka_unit_test(test_a_clean_up_deletes_what_never_came_to_anything),
	    cmocka_unit_test(test_a_clean_up_keeps_what_was_connected_or_can_be_paired),
	    cmocka_unit_test(test_what_is_done_twice_is_told_once),
	    cmocka_unit_test(test_an_action_answers_the_same_twice),
	    cmocka_unit_test(test_no_limit_is_passed),
	};

	return unit_run("account/account_rules, actions", tests);
}
