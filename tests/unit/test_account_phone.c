/* Phone numbers: what is one, its digits, and how the page shows it. */
#include "account/account.h"
#include "account/account_rules.h"
#include "account_tests.h"
#include "base/bounds.h"
#include "unit.h"

static void test_numbers_as_people_write_them_are_numbers(void **state)
{
	static const char *const numbers[] = {"12345", "12345678901234567890", "+62 812-3456 7890",
	    "(021) 555.1234", "6281234567890", " 12345 ", "+-().12345", "1-2-3-4-5"};

	(void)state;
	for (size_t i = 0; i < COUNT(numbers); i++)
		assert_true(account_rules_is_phone(span_of(numbers[i])));
}

static void test_what_is_no_number_is_refused(void **state)
{
	static const struct span texts[] = {SPAN(""), {NULL, 0}, SPAN("null"), SPAN("undefined"),
	    SPAN("1234"), SPAN("123456789012345678901"), SPAN("12345x"), SPAN("12345\0"),
	    SPAN("\0"
		 "12345"),
	    SPAN("12345\n"), SPAN("12345\t"), SPAN("12345/6"), SPAN("12345,6"), SPAN("+"),
	    SPAN("     "), SPAN("\xd9\xa1\xd9\xa2\xd9\xa3\xd9\xa4\xd9\xa5"),
	    SPAN("6281234567890@c.us")};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++)
		assert_false(account_rules_is_phone(texts[i]));
}

static void test_a_number_has_fifty_characters_at_most(void **state)
{
	char text[BOUND_PHONE + 1];

	(void)state;
	memset(text, ' ', sizeof(text));
	memcpy(text, "12345", 5);
	assert_true(account_rules_is_phone(span_from(text, BOUND_PHONE)));
	assert_false(account_rules_is_phone(span_from(text, BOUND_PHONE + 1)));
}

static void test_one_number_has_the_same_digits_however_it_is_written(void **state)
{
	assert_span(
	    account_rules_phone_digits(SPAN_OF("+62 812-3456 7890"), *state), "6281234567890");
	assert_span(account_rules_phone_digits(SPAN_OF("6281234567890"), *state), "6281234567890");
	assert_span(account_rules_phone_digits(SPAN_OF("undefined"), *state), "");
	assert_span(account_rules_phone_digits(SPAN_OF(""), *state), "");
	assert_span(account_rules_phone_digits((struct span){0}, *state), "");
}

static void test_a_long_number_is_shown_with_one_plus(void **state)
{
	assert_span(
	    account_rules_formatted_phone(SPAN_OF("6281234567890"), *state), "+6281234567890");
	assert_span(
	    account_rules_formatted_phone(SPAN_OF("+62 812-3456 7890"), *state), "+6281234567890");
	assert_span(account_rules_formatted_phone(SPAN_OF("++62 812-3456"), *state), "+628123456");
	assert_span(account_rules_formatted_phone(SPAN_OF("1234567890"), *state), "+1234567890");
	assert_span(account_rules_formatted_phone(SPAN_OF("+123456789"), *state), "+123456789");
	assert_span(
	    account_rules_formatted_phone(SPAN_OF("1+2+3+4567890"), *state), "+1+2+3+4567890");
}

static void test_a_short_number_is_shown_as_it_is(void **state)
{
	assert_span(account_rules_formatted_phone(SPAN_OF("123456789"), *state), "123456789");
	assert_span(account_rules_formatted_phone(SPAN_OF("+12345678"), *state), "+12345678");
	assert_span(account_rules_formatted_phone(SPAN_OF("(021) 555-12"), *state), "02155512");
	assert_span(account_rules_formatted_phone(SPAN_OF("1"), *state), "1");
}

static void test_no_number_is_shown_as_none(void **state)
{
	assert_null(account_rules_formatted_phone((struct span){0}, *state).ptr);
	assert_null(account_rules_formatted_phone(SPAN_OF(""), *state).ptr);
	/* To PHP "0" is nothing; "00" is something. */
	assert_null(account_rules_formatted_phone(SPAN_OF("0"), *state).ptr);
	assert_span(account_rules_formatted_phone(SPAN_OF("00"), *state), "00");
	assert_span(account_rules_formatted_phone(SPAN_OF("0 "), *state), "0");
}

static void test_a_text_without_digits_is_shown_as_the_application_does(void **state)
{
	struct span shown = account_rules_formatted_phone(SPAN_OF("unknown"), *state);

	assert_non_null(shown.ptr);
	assert_int_equal(shown.len, 0);
	assert_span(account_rules_formatted_phone(SPAN_OF("++++++++++"), *state), "+");
	assert_span(account_rules_formatted_phone(SPAN_OF("+++++++++"), *state), "+++++++++");
}

static void test_a_shown_number_ends_with_a_nul(void **state)
{
	struct span shown = account_rules_formatted_phone(SPAN_OF("++1234567890"), *state);

	assert_int_equal(shown.ptr[shown.len], '\0');
}

int test_account_phone(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_numbers_as_people_write_them_are_numbers),
	    cmocka_unit_test(test_what_is_no_number_is_refused),
	    cmocka_unit_test(test_a_number_has_fifty_characters_at_most),
	    arena_test(test_one_number_has_the_same_digits_however_it_is_written),
	    arena_test(test_a_long_number_is_shown_with_one_plus),
	    arena_test(test_a_short_number_is_shown_as_it_is),
	    arena_test(test_no_number_is_shown_as_none),
	    arena_test(test_a_text_without_digits_is_shown_as_the_application_does),
	    arena_test(test_a_shown_number_ends_with_a_nul),
	};

	return unit_run("account/account, phone numbers", tests);
}
