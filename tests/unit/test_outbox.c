#include "outbox/delivery.h"

#include "unit.h"

/* Those of the column, in its order. */
static const char *const names[] = {
    "waiting", "sending", "delivered", "given_up", "replaced", "cancelled", "expired"};

static void test_every_state_is_known_by_its_name(void **state)
{
	(void)state;
	assert_int_equal(COUNT(names), DELIVERY_STATES);
	for (int i = 0; i < DELIVERY_STATES; i++) {
		enum delivery_state found = DELIVERY_STATES;

		assert_string_equal(delivery_state_name((enum delivery_state)i), names[i]);
		assert_true(delivery_state_of(span_of(names[i]), &found));
		assert_int_equal(found, i);
	}
}

static void test_other_words_are_no_states(void **state)
{
	static const struct span words[] = {SPAN(""), {NULL, 0}, SPAN("Waiting"), SPAN("waiting "),
	    SPAN("given-up"), SPAN("wait"), SPAN("waiting,sending"), SPAN("open")};

	(void)state;
	for (size_t i = 0; i < COUNT(words); i++) {
		enum delivery_state found = DELIVERY_STATES;

		assert_false(delivery_state_of(words[i], &found));
		assert_int_equal(found, DELIVERY_STATES);
	}
}

static void test_the_kinds_have_the_columns_names(void **state)
{
	(void)state;
	assert_string_equal(outbox_kind_name(OUTBOX_EVENT), "event");
	assert_string_equal(outbox_kind_name(OUTBOX_COMMAND), "command");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_state_is_known_by_its_name),
	    cmocka_unit_test(test_other_words_are_no_states),
	    cmocka_unit_test(test_the_kinds_have_the_columns_names),
	};

	return unit_run("outbox", tests);
}
