#include "auth/cookie.h"

#include "auth_tests.h"
#include "base/bounds.h"

/* The value of cookie "a"; absent when there is none. */
static struct span find(struct arena *mem, struct span header)
{
	struct span value = SPAN("untouched"), exact = unit_exact(header);
	bool found = cookie_find(exact, SPAN_OF("a"), mem, &value);

	unit_exact_free(exact);
	if (found)
		assert_int_equal(value.ptr[value.len], '\0');
	else
		assert_span(value, "untouched");
	return found ? value : (struct span){0};
}

static void test_a_cookie_is_found_wherever_it_stands(void **state)
{
	assert_span(find(*state, SPAN_OF("a=1")), "1");
	assert_span(find(*state, SPAN_OF("b=2; a=1")), "1");
	assert_span(find(*state, SPAN_OF("a=1; b=2")), "1");
	assert_span(find(*state, SPAN_OF("b=2;a=1;c=3")), "1");
	assert_span(find(*state, SPAN_OF(";; a=1 ;;")), "1");
	assert_span(find(*state, SPAN_OF(" a = 1 ; b=2")), "1");
}

static void test_another_name_is_not_found(void **state)
{
	static const struct span headers[] = {{NULL, 0}, SPAN(""), SPAN(" "), SPAN(";"), SPAN("="),
	    SPAN("=1"), SPAN("a"), SPAN("a; b=1"), SPAN("aa=1"), SPAN("A=1"), SPAN("ab=1; ba=1"),
	    SPAN("b=a=1"), SPAN("a[]=1"), SPAN("%61=1"), SPAN("\"a\"=1"), SPAN("a\0=1"),
	    SPAN("b=; a"), SPAN("b=1, a=1")};

	for (size_t i = 0; i < COUNT(headers); i++)
		assert_null(find(*state, headers[i]).ptr);
}

static void test_of_several_the_first_counts(void **state)
{
	assert_span(find(*state, SPAN_OF("a=1; a=2")), "1");
	assert_span(find(*state, SPAN_OF("a=; a=2")), "");
	/* What has no '=' is no cookie. */
	assert_span(find(*state, SPAN_OF("a; a=2")), "2");
}

static void test_an_empty_value_is_one(void **state)
{
	assert_non_null(find(*state, SPAN_OF("a=")).ptr);
	assert_int_equal(find(*state, SPAN_OF("a=")).len, 0);
	assert_int_equal(find(*state, SPAN_OF("a= ; b=1")).len, 0);
}

static void test_only_the_first_equals_sign_divides(void **state)
{
	assert_span(find(*state, SPAN_OF("a=1=2==; b=3")), "1=2==");
}

static void test_escapes_in_upper_case_are_read(void **state)
{
	assert_span(find(*state, SPAN_OF("a=%2B%2F%3D")), "+/=");
	assert_span(find(*state, SPAN_OF("a=x%0Ay%00z")), "x\ny\0z");
	assert_span(find(*state, SPAN_OF("a=%C3%A4")), "\xc3\xa4");
	assert_span(find(*state, SPAN_OF("a=%3B; b=1")), ";");
	assert_span(find(*state, SPAN_OF("a=%20x%20")), " x ");
}

/* No two texts are the same value. */
static void test_any_other_percent_sign_stands_for_itself(void **state)
{
	assert_span(find(*state, SPAN_OF("a=%2b%3d")), "%2b%3d");
	assert_span(find(*state, SPAN_OF("a=%c3%A4")), "%c3\xa4");
	assert_span(find(*state, SPAN_OF("a=%")), "%");
	assert_span(find(*state, SPAN_OF("a=%4")), "%4");
	assert_span(find(*state, SPAN_OF("a=%4; b=1")), "%4");
	assert_span(find(*state, SPAN_OF("a=%4G%G4")), "%4G%G4");
	assert_span(find(*state, SPAN_OF("a=%%41")), "%A");
	assert_span(find(*state, SPAN_OF("a=%2541")), "%41");
}

static void test_a_plus_sign_stands_for_itself(void **state)
{
	assert_span(find(*state, SPAN_OF("a=x+y")), "x+y");
}

static void test_quotes_stand_for_themselves(void **state)
{
	assert_span(find(*state, SPAN_OF("a=\"1\"")), "\"1\"");
}

/* --- writing */

static const struct cookie_attributes plain = {
    .path = SPAN("/"),
    .same_site = SPAN("lax"),
    .lifetime_s = 7200,
    .http_only = true,
};

static struct span put(struct arena *mem, enum cookie_kind kind, struct span value,
    const struct cookie_attributes *attributes, bool is_https)
{
	struct buf b = buf_in(mem, 8 * KIB);

	/* 2025-11-14T03:04:05Z, and a bit. */
	cookie_put(&b, kind,
	    kind == COOKIE_SESSION ? SPAN_OF("laravel_session") : SPAN_OF("XSRF-TOKEN"), value,
	    attributes, is_https, INT64_C(1763089445) * US_PER_S + 999999);
	assert_false(b.failed);
	return buf_span(&b);
}

static void test_both_cookies_are_written_as_laravel_writes_them(void **state)
{
	assert_span(put(*state, COOKIE_SESSION, SPAN_OF("abc"), &plain, false),
	    "Set-Cookie: laravel_session=abc; expires=Fri, 14 Nov 2025 05:04:05 GMT; Max-Age=7200; "
	    "path=/; httponly; samesite=lax\r\n");
	assert_span(put(*state, COOKIE_XSRF, SPAN_OF("abc"), &plain, false),
	    "Set-Cookie: XSRF-TOKEN=abc; expires=Fri, 14 Nov 2025 05:04:05 GMT; Max-Age=7200; "
	    "path=/; samesite=lax\r\n");
}

static void test_a_cookie_with_every_attribute(void **state)
{
	struct cookie_attributes all = plain;

	all.path = SPAN_OF("/app");
	all.domain = SPAN_OF(".example.com");
	all.same_site = SPAN_OF("Strict");
	all.lifetime_s = 60;
	all.secure = COOKIE_SECURE_ON;
	assert_span(put(*state, COOKIE_SESSION, SPAN_OF("abc"), &all, false),
	    "Set-Cookie: laravel_session=abc; expires=Fri, 14 Nov 2025 03:05:05 GMT; Max-Age=60; "
	    "path=/app; domain=.example.com; secure; httponly; samesite=strict\r\n");
	assert_span(put(*state, COOKIE_XSRF, SPAN_OF("abc"), &all, false),
	    "Set-Cookie: XSRF-TOKEN=abc; expires=Fri, 14 Nov 2025 03:05:05 GMT; Max-Age=60; "
	    "path=/app; domain=.example.com; secure; samesite=strict\r\n");
}

static void test_a_cookie_without_any_attribute(void **state)
{
	static const struct cookie_attributes none = {.lifetime_s = 0, .expire_on_close = true};

	assert_span(put(*state, COOKIE_SESSION, SPAN_OF("abc"), &none, false),
	    "Set-Cookie: laravel_session=abc\r\n");
}

static void test_with_expire_on_close_only_the_session_cookie_has_no_end(void **state)
{
	struct cookie_attributes closing = plain;

	closing.expire_on_close = true;
	assert_span(put(*state, COOKIE_SESSION, SPAN_OF("abc"), &closing, false),
	    "Set-Cookie: laravel_session=abc; path=/; httponly; samesite=lax\r\n");
	assert_true(unit_has(put(*state, COOKIE_XSRF, SPAN_OF("abc"), &closing, false),
	    "; expires=Fri, 14 Nov 2025 05:04:05 GMT; Max-Age=7200;"));
}

static void test_pages_may_read_the_session_cookie_only_if_they_are_let(void **state)
{
	struct cookie_attributes open = plain;

	open.http_only = false;
	assert_false(
	    unit_has(put(*state, COOKIE_SESSION, SPAN_OF("abc"), &open, false), "httponly"));
	assert_true(
	    unit_has(put(*state, COOKIE_SESSION, SPAN_OF("abc"), &plain, false), "httponly"));
	/* The page's script needs the other one. */
	assert_false(unit_has(put(*state, COOKIE_XSRF, SPAN_OF("abc"), &plain, false), "httponly"));
}

static void test_secure_is_what_the_setting_says_or_else_what_nginx_says(void **state)
{
	struct cookie_attributes a = plain;

	for (int https = 0; https < 2; https++) {
		for (int kind = COOKIE_SESSION; kind <= COOKIE_XSRF; kind++) {
			enum cookie_kind k = (enum cookie_kind)kind;

			a.secure = COOKIE_SECURE_ON;
			assert_true(unit_has(put(*state, k, SPAN_OF("a"), &a, https), "; secure;"));
			a.secure = COOKIE_SECURE_OFF;
			assert_false(unit_has(put(*state, k, SPAN_OF("a"), &a, https), "secure"));
			a.secure = COOKIE_SECURE_AUTO;
			assert_int_equal(
			    unit_has(put(*state, k, SPAN_OF("a"), &a, https), "; secure;"), https);
		}
	}
}

static void test_a_long_lifetime_ends_at_a_real_date(void **state)
{
	struct cookie_attributes years = plain;

	years.lifetime_s = UINT64_C(400) * 24 * 3600;
	assert_true(unit_has(put(*state, COOKIE_XSRF, SPAN_OF("abc"), &years, false),
	    "; expires=Sat, 19 Dec 2026 03:04:05 GMT; Max-Age=34560000;"));
}

static void test_what_is_written_is_found_again(void **state)
{
	static const struct span value =
	    SPAN("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/==");
	struct span line = put(*state, COOKIE_SESSION, value, &plain, false), got;

	assert_true(unit_has(line, "laravel_session=ABC"));
	assert_true(unit_has(line, "789%2B%2F%3D%3D; "));
	line = span_from(line.ptr + strlen("Set-Cookie: "), line.len - strlen("Set-Cookie: "));
	assert_true(cookie_find(line, SPAN_OF("laravel_session"), *state, &got));
	assert_same(got, value);
}

int test_auth_cookie(void)
{
	const struct CMUnitTest tests[] = {
	    arena_test(test_a_cookie_is_found_wherever_it_stands),
	    arena_test(test_another_name_is_not_found),
	    arena_test(test_of_several_the_first_counts),
	    arena_test(test_an_empty_value_is_one),
	    arena_test(test_only_the_first_equals_sign_divides),
	    arena_test(test_escapes_in_upper_case_are_read),
	    arena_test(test_any_other_percent_sign_stands_for_itself),
	    arena_test(test_a_plus_sign_stands_for_itself),
	    arena_test(test_quotes_stand_for_themselves),
	    arena_test(test_both_cookies_are_written_as_laravel_writes_them),
	    arena_test(test_a_cookie_with_every_attribute),
	    arena_test(test_a_cookie_without_any_attribute),
	    arena_test(test_with_expire_on_close_only_the_session_cookie_has_no_end),
	    arena_test(test_pages_may_read_the_session_cookie_only_if_they_are_let),
	    arena_test(test_secure_is_what_the_setting_says_or_else_what_nginx_says),
	    arena_test(test_a_long_lifetime_ends_at_a_real_date),
	    arena_test(test_what_is_written_is_found_again),
	};

	return unit_run("auth/cookie", tests);
}
