/* bearer_token; what needs a database is tested with one. */
#include "auth/bearer.h"

#include "auth_tests.h"

static void test_the_token_of_the_scheme_bearer_is_found(void **state)
{
	(void)state;
	assert_span(bearer_token(SPAN_OF("Bearer 1|abc")), "1|abc");
	assert_span(bearer_token(SPAN_OF("Bearer abc")), "abc");
	assert_span(bearer_token(SPAN_OF("Bearer   abc  ")), "abc");
	assert_span(bearer_token(SPAN_OF("  Bearer abc")), "abc");
}

static void test_the_schemes_case_does_not_matter_and_the_tokens_does(void **state)
{
	(void)state;
	assert_span(bearer_token(SPAN_OF("bearer AbC")), "AbC");
	assert_span(bearer_token(SPAN_OF("BEARER AbC")), "AbC");
	assert_span(bearer_token(SPAN_OF("bEaReR AbC")), "AbC");
}

static void test_other_schemes_have_no_token(void **state)
{
	static const struct span others[] = {{NULL, 0}, SPAN(""), SPAN(" "), SPAN("Basic YTpi"),
	    SPAN("Beare"), SPAN("Bearerx abc"), SPAN("Bearerabc"), SPAN("Bearer\tabc"),
	    SPAN("Bearer:abc"), SPAN("Bearer=abc"), SPAN("xBearer abc"), SPAN("Basic Bearer abc"),
	    SPAN("1|abc"), SPAN("Token abc"), SPAN("Bearer\0abc")};

	(void)state;
	for (size_t i = 0; i < COUNT(others); i++) {
		struct span text = unit_exact(others[i]);

		assert_null(bearer_token(text).ptr);
		unit_exact_free(text);
	}
	assert_null(bearer_token((struct span){0}).ptr);
}

/* It says that it is one, and is judged as one: cookies are not looked at. */
static void test_the_scheme_alone_has_an_empty_token(void **state)
{
	static const struct span empty[] = {
	    SPAN("Bearer"), SPAN("Bearer "), SPAN(" bearer   "), SPAN("BEARER  ")};

	(void)state;
	for (size_t i = 0; i < COUNT(empty); i++) {
		assert_non_null(bearer_token(empty[i]).ptr);
		assert_int_equal(bearer_token(empty[i]).len, 0);
	}
}

static void test_a_token_is_taken_as_it_is(void **state)
{
	(void)state;
	assert_span(bearer_token(SPAN_OF("Bearer a b")), "a b");
	assert_span(bearer_token(SPAN_OF("Bearer \"abc\"")), "\"abc\"");
	assert_span(bearer_token(SPAN_OF("Bearer abc, Bearer def")), "abc, Bearer def");
}

int test_auth_bearer(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_the_token_of_the_scheme_bearer_is_found),
	    cmocka_unit_test(test_the_schemes_case_does_not_matter_and_the_tokens_does),
	    cmocka_unit_test(test_other_schemes_have_no_token),
	    cmocka_unit_test(test_the_scheme_alone_has_an_empty_token),
	    cmocka_unit_test(test_a_token_is_taken_as_it_is),
	};

	return unit_run("auth/bearer", tests);
}
