#include "conf/secret_strength.h"

#include "base/bounds.h"
#include "conf_tests.h"
#include "unit.h"

static void test_a_random_secret_is_strong(void **state)
{
	(void)state;
	assert_null(secret_strength_fault(
	    SPAN_OF("4f1c0b9a7d3e85264f1c0b9a7d3e8527aa01bb02cc03dd04ee05ff0600112233")));
	assert_null(secret_strength_fault(SPAN_OF("Zm9vYmFyYmF6cXV4MTIz")));
}

static void test_a_short_secret_is_weak(void **state)
{
	const struct span secret = SPAN("abcdefghijklmnopqrstuvwxyz");

	(void)state;
	assert_string_equal(secret_strength_fault(span_from(secret.ptr, BOUND_SECRET_MIN - 1)),
	    "is shorter than 20 characters");
	assert_null(secret_strength_fault(span_from(secret.ptr, BOUND_SECRET_MIN)));
	assert_non_null(secret_strength_fault(SPAN_OF("")));
	assert_non_null(secret_strength_fault((struct span){0}));
}

static void test_a_secret_of_few_different_characters_is_weak(void **state)
{
	(void)state;
	assert_string_equal(secret_strength_fault(SPAN_OF("abcdefgabcdefggfedcba")),
	    "has fewer than 8 different characters");
	assert_null(secret_strength_fault(SPAN_OF("abcdefghabcdefggfedcba")));
	assert_non_null(secret_strength_fault(SPAN_OF("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")));
}

static void test_a_short_text_over_and_over_is_weak(void **state)
{
	(void)state;
	assert_string_equal(secret_strength_fault(SPAN_OF("changeme-changeme-changeme-")),
	    "repeats one short text");
	assert_string_equal(
	    secret_strength_fault(SPAN_OF("changeme-changeme-cha")), "repeats one short text");
	assert_string_equal(
	    secret_strength_fault(SPAN_OF("abcdefghijabcdefghij")), "repeats one short text");
	assert_null(secret_strength_fault(SPAN_OF("changeme-changeme-chX")));
}

int test_conf_secret_strength(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_random_secret_is_strong),
	    cmocka_unit_test(test_a_short_secret_is_weak),
	    cmocka_unit_test(test_a_secret_of_few_different_characters_is_weak),
	    cmocka_unit_test(test_a_short_text_over_and_over_is_weak),
	};

	return unit_run("conf/secret_strength", tests);
}
