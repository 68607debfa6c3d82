#include "auth/session.h"

#include "auth_tests.h"

#define KEY "base64:bkgUElLXiIUkpecaYf5V5/xP02j/QpK7q2NunE1EheA="
#define TOKEN "Zq8Xw2Ec4Rv6Tb1Yn3Um5Ik7Ol9PaSdFgHjKlMnB"
#define SUFFIX "_59ba36addc2b2f9401580f014c7f58ea4e30989d"
#define WEB "s:50:\"login_web" SUFFIX "\";"
#define USER "s:51:\"login_user" SUFFIX "\";"
#define WORKSPACE "s:17:\"current_workspace\";"
#define CSRF "s:6:\"_token\";"

/* Read with guards "web,user"; what is not read stays 99. */
static enum rc read_with(
    const struct envelope *envelope, struct arena *mem, struct span text, struct session *ret)
{
	struct session_guards guards;
	struct span exact = unit_exact(text);
	enum rc rc;

	session_guards_read(SPAN_OF("web,user"), mem, &guards);
	*ret = (struct session){.user_id = 99, .workspace_id = 99, .token = SPAN("untouched")};
	rc = session_read(exact, envelope, &guards, mem, ret);
	/* The token is borrowed from the text. */
	if (rc == RC_OK && ret->token.ptr != NULL)
		ret->token = arena_copy(mem, ret->token);
	unit_exact_free(exact);
	if (rc != RC_OK) {
		assert_int_equal(rc, RC_INVALID);
		assert_int_equal(ret->user_id, 99);
		assert_int_equal(ret->workspace_id, 99);
		assert_span(ret->token, "untouched");
	}
	return rc;
}

static void assert_reads(
    struct arena *mem, struct span text, uint64_t user_id, uint64_t workspace_id, const char *token)
{
	struct session got;

	assert_int_equal(read_with(NULL, mem, text, &got), RC_OK);
	assert_int_equal(got.user_id, user_id);
	assert_int_equal(got.workspace_id, workspace_id);
	if (token == NULL)
		assert_null(got.token.ptr);
	else
		assert_same(got.token, span_of(token));
}

/* Written by a real Laravel. */
static void test_laravels_sessions_are_read(void **state)
{
	assert_reads(*state,
	    SPAN_OF("a:3:{" CSRF "s:40:\"" TOKEN "\";s:9:\"_previous\";a:1:{s:3:\"url\";s:28:"
		    "\"http://127.0.0.1:18280/login\";}s:6:\"_flash\";a:2:{s:3:\"old\";a:0:{}"
		    "s:3:\"new\";a:0:{}}}"),
	    0, 0, TOKEN);
	assert_reads(*state,
	    SPAN_OF("a:4:{" WORKSPACE "s:1:\"2\";s:6:\"_flash\";a:2:{s:3:\"new\";a:0:{}s:3:\"old\";"
		    "a:0:{}}" WEB "i:3;" CSRF "s:40:\"" TOKEN "\";}"),
	    3, 2, TOKEN);
	assert_reads(*state,
	    SPAN_OF(
		"a:4:{" CSRF "s:40:\"" TOKEN "\";s:3:\"url\";a:1:{s:8:\"intended\";s:55:"
		"\"http://127.0.0.1:18280/settings/whatsapp-accounts?tab=2\";}s:9:\"_previous\";"
		"a:1:{s:3:\"url\";s:55:\"http://127.0.0.1:18280/settings/whatsapp-accounts?tab=2\""
		";}s:6:\"_flash\";a:2:{s:3:\"old\";a:0:{}s:3:\"new\";a:0:{}}}"),
	    0, 0, TOKEN);
}

/* Validation errors that a redirect has flashed, with protected properties. */
static void test_a_session_with_objects_is_read(void **state)
{
	assert_reads(*state,
	    SPAN_OF(
		"a:6:{" CSRF "s:40:\"" TOKEN "\";s:6:\"errors\";O:31:\"Illuminate\\Support\\"
		"ViewErrorBag\":1:{s:7:\"\0*\0bags\";a:1:{s:7:\"default\";O:29:\"Illuminate\\"
		"Support\\MessageBag\":2:{s:11:\"\0*\0messages\";a:1:{s:12:\"phone_number\";a:1:"
		"{i:0;s:35:\"The phone number field is required.\";}}s:9:\"\0*\0format\";s:8:"
		"\":message\";}}}s:10:\"_old_input\";a:1:{s:12:\"phone_number\";s:0:\"\";}s:6:"
		"\"_flash\";a:2:{s:3:\"old\";a:0:{}s:3:\"new\";a:2:{i:0;s:6:\"errors\";i:1;"
		"s:10:\"_old_input\";}}" WEB "i:1;" WORKSPACE "i:1;}"),
	    1, 1, TOKEN);
	/* A class that does not exist is no matter. */
	assert_reads(*state,
	    SPAN_OF("a:2:{" CSRF "s:40:\"" TOKEN "\";s:1:\"o\";O:4:\"Nope\":1:{s:1:\"a\";i:1;}}"),
	    0, 0, TOKEN);
}

static void test_what_follows_the_session_is_not_looked_at(void **state)
{
	assert_reads(
	    *state, SPAN_OF("a:2:{" CSRF "s:40:\"" TOKEN "\";" WEB "i:1;}rest"), 1, 0, TOKEN);
}

static void test_of_equal_keys_the_last_one_counts(void **state)
{
	assert_reads(
	    *state, SPAN_OF("a:2:{" CSRF "s:1:\"x\";" CSRF "s:40:\"" TOKEN "\";}"), 0, 0, TOKEN);
	assert_reads(*state,
	    SPAN_OF("a:4:{" WEB "i:1;" WORKSPACE "i:1;" WEB "i:2;" WORKSPACE "i:3;}"), 2, 3, NULL);
	assert_reads(*state, SPAN_OF("a:2:{" WEB "i:1;" WEB "N;}"), 0, 0, NULL);
	assert_reads(*state, SPAN_OF("a:2:{" CSRF "s:1:\"x\";" CSRF "i:1;}"), 0, 0, NULL);
}

static void test_ids_may_be_strings_of_digits(void **state)
{
	assert_reads(
	    *state, SPAN_OF("a:2:{" WEB "s:2:\"12\";" WORKSPACE "s:1:\"3\";}"), 12, 3, NULL);
	assert_reads(*state, SPAN_OF("a:1:{" WEB "s:19:\"9223372036854775807\";}"),
	    UINT64_C(9223372036854775807), 0, NULL);
	assert_reads(*state, SPAN_OF("a:1:{" WEB "i:9223372036854775807;}"),
	    UINT64_C(9223372036854775807), 0, NULL);
}

static void test_what_is_no_id_is_nobody(void **state)
{
	static const char *const values[] = {"N;", "b:1;", "b:0;", "i:0;", "i:-1;", "d:1;",
	    "s:0:\"\";", "s:1:\"0\";", "s:2:\"-1\";", "s:2:\"+1\";", "s:2:\" 1\";", "s:2:\"1 \";",
	    "s:2:\"1x\";", "s:3:\"1.0\";", "s:19:\"9223372036854775808\";",
	    "s:20:\"18446744073709551616\";", "a:1:{i:0;i:1;}", "O:1:\"A\":0:{}", "R:1;", "r:1;"};

	for (size_t i = 0; i < COUNT(values); i++) {
		struct buf text = buf_in(*state, KIB);

		buf_putf(&text, "a:2:{%s%s%s%s}", WEB, values[i], WORKSPACE, values[i]);
		assert_reads(*state, buf_span(&text), 0, 0, NULL);
	}
}

static void test_a_token_is_a_string(void **state)
{
	assert_reads(*state, SPAN_OF("a:1:{" CSRF "i:5;}"), 0, 0, NULL);
	assert_reads(*state, SPAN_OF("a:1:{" CSRF "N;}"), 0, 0, NULL);
	assert_reads(*state, SPAN_OF("a:1:{" CSRF "a:1:{i:0;s:1:\"x\";}}"), 0, 0, NULL);
	assert_reads(*state, SPAN_OF("a:1:{" CSRF "s:0:\"\";}"), 0, 0, "");
}

/* The text as PHP serialises a string. */
static struct span quoted(struct arena *mem, struct span text)
{
	struct buf b = buf_in(mem, text.len + 64);

	buf_putf(&b, "s:%zu:\"%.*s\";", text.len, SPAN_ARG(text));
	return buf_span(&b);
}

static void test_only_the_outermost_members_count(void **state)
{
	struct buf text = buf_in(*state, KIB);

	assert_reads(*state,
	    SPAN_OF("a:1:{i:0;a:3:{" WEB "i:1;" WORKSPACE "i:1;" CSRF "s:1:\"x\";}}"), 0, 0, NULL);
	/* Nor what only looks like members, in a string. */
	buf_puts(&text, "a:1:{i:0;");
	buf_put(&text, quoted(*state, SPAN_OF("\";" WEB "i:1;" WORKSPACE "i:1;")));
	buf_puts(&text, "}");
	assert_reads(*state, buf_span(&text), 0, 0, NULL);
}

static void test_the_first_guard_wins_wherever_it_stands(void **state)
{
	assert_reads(*state, SPAN_OF("a:2:{" WEB "i:1;" USER "i:2;}"), 1, 0, NULL);
	assert_reads(*state, SPAN_OF("a:2:{" USER "i:2;" WEB "i:1;}"), 1, 0, NULL);
	assert_reads(*state, SPAN_OF("a:1:{" USER "i:2;}"), 2, 0, NULL);
	assert_reads(*state, SPAN_OF("a:2:{" WEB "i:0;" USER "i:2;}"), 2, 0, NULL);
}

static void test_other_guards_are_nobody(void **state)
{
	assert_reads(*state, SPAN_OF("a:1:{s:52:\"login_admin" SUFFIX "\";i:1;}"), 0, 0, NULL);
	assert_reads(*state, SPAN_OF("a:1:{s:9:\"login_web\";i:1;}"), 0, 0, NULL);
	assert_reads(*state, SPAN_OF("a:1:{s:51:\"login_web" SUFFIX "x\";i:1;}"), 0, 0, NULL);
	assert_reads(*state, SPAN_OF("a:1:{s:53:\"remember_web" SUFFIX "\";i:1;}"), 0, 0, NULL);
}

static void test_what_is_no_session_is_refused(void **state)
{
	static const struct span texts[] = {{NULL, 0}, SPAN(""), SPAN("hello"), SPAN("b:0;"),
	    SPAN("N;"), SPAN("s:1:\"a\";"), SPAN("a:1:{" WEB "i:1;"), SPAN("a:2:{" WEB "i:1;}"),
	    SPAN("O:8:\"stdClass\":1:{" WEB "i:1;}"), SPAN("YTowOnt9"), SPAN("{"), SPAN("{\"a\":1"),
	    SPAN("null"), SPAN("1"), SPAN("\"a\"")};
	struct session got;

	for (size_t i = 0; i < COUNT(texts); i++)
		assert_int_equal(read_with(NULL, *state, texts[i], &got), RC_INVALID);
}

static void test_sessions_that_are_json_are_read(void **state)
{
	assert_reads(*state,
	    SPAN_OF(
		"{\"_token\":\"" TOKEN "\",\"_previous\":{\"url\":\"http:\\/\\/127.0.0.1\\/x\"},"
		"\"_flash\":{\"old\":[],\"new\":[]},\"login_web" SUFFIX "\":3,"
		"\"current_workspace\":2}"),
	    3, 2, TOKEN);
	assert_reads(*state,
	    SPAN_OF("{\"login_user" SUFFIX "\":\"12\",\"current_workspace\":\"3\",\"n\":1e999,"
		    "\"s\":\"\\ud800\"}"),
	    12, 3, NULL);
	assert_reads(*state, SPAN_OF("[]"), 0, 0, NULL);
	assert_reads(*state, SPAN_OF("{}"), 0, 0, NULL);
	assert_reads(*state, SPAN_OF("{\"_token\":\"a\\u0062\\/\"}"), 0, 0, "ab/");
}

static void test_what_is_no_id_in_json_is_nobody(void **state)
{
	static const char *const values[] = {"null", "true", "false", "0", "-1", "1.0", "1e1",
	    "\"\"", "\"x\"", "\"-1\"", "[1]", "{\"a\":1}", "9223372036854775808",
	    "\"9223372036854775808\"", "123456789012345678901234567890"};

	for (size_t i = 0; i < COUNT(values); i++) {
		struct buf text = buf_in(*state, KIB);

		buf_putf(&text, "{\"login_web%s\":%s,\"current_workspace\":%s,\"_token\":%s}",
		    SUFFIX, values[i], values[i], "7");
		assert_reads(*state, buf_span(&text), 0, 0, NULL);
	}
}

/* --- encrypted where they are kept */

static struct span sealed(const struct envelope *e, struct span plain, struct arena *mem)
{
	struct buf b = buf_in(mem, 8 * KIB);

	assert_int_equal(envelope_seal(e, ENVELOPE_CBC, plain, mem, &b), RC_OK);
	return buf_span(&b);
}

static void test_an_encrypted_session_is_read(void **state)
{
	struct envelope *e = envelope_create(SPAN_OF(KEY), (struct span){0});
	struct session got;
	/* encrypt() serialises the string that it is given. */
	const struct span texts[] = {
	    SPAN("a:1:{" WEB "i:7;}"), SPAN("{\"login_web" SUFFIX "\":7}")};

	for (size_t i = 0; i < COUNT(texts); i++) {
		assert_int_equal(
		    read_with(e, *state, sealed(e, quoted(*state, texts[i]), *state), &got), RC_OK);
		assert_int_equal(got.user_id, 7);
	}
	envelope_free(e);
}

static void test_what_is_not_encrypted_by_us_is_refused(void **state)
{
	struct envelope *e = envelope_create(SPAN_OF(KEY), (struct span){0}),
			*other = envelope_create(
			    SPAN_OF("base64:YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE="),
			    (struct span){0});
	const struct span plain = quoted(*state, SPAN_OF("a:1:{" WEB "i:7;}"));
	struct session got;

	assert_int_equal(read_with(e, *state, SPAN_OF("a:1:{" WEB "i:7;}"), &got), RC_INVALID);
	assert_int_equal(read_with(e, *state, plain, &got), RC_INVALID);
	assert_int_equal(read_with(e, *state, sealed(other, plain, *state), &got), RC_INVALID);
	assert_int_equal(
	    read_with(e, *state, sealed(e, SPAN_OF("a:1:{" WEB "i:7;}"), *state), &got),
	    RC_INVALID);
	assert_int_equal(
	    read_with(e, *state, sealed(e, SPAN_OF("s:2:\"N;\";"), *state), &got), RC_INVALID);
	assert_int_equal(read_with(NULL, *state, sealed(e, plain, *state), &got), RC_INVALID);
	envelope_free(e);
	envelope_free(other);
}

/* --- guards */

static void test_a_guards_key_is_laravels(void **state)
{
	struct session_guards guards;

	session_guards_read(SPAN_OF("web,user"), *state, &guards);
	assert_int_equal(guards.count, 2);
	assert_span(guards.keys[0], "login_web" SUFFIX);
	assert_span(guards.keys[1], "login_user" SUFFIX);
}

static void test_guards_beyond_the_bound_are_not_taken(void **state)
{
	struct session_guards guards;

	assert_int_equal(BOUND_GUARDS, 8);
	session_guards_read(SPAN_OF("a,b,c,d,e,f,g,h,i"), *state, &guards);
	assert_int_equal(guards.count, 8);
	assert_span(guards.keys[7], "login_h" SUFFIX);
}

int test_auth_session(void)
{
	const struct CMUnitTest tests[] = {
	    arena_test(test_laravels_sessions_are_read),
	    arena_test(test_a_session_with_objects_is_read),
	    arena_test(test_what_follows_the_session_is_not_looked_at),
	    arena_test(test_of_equal_keys_the_last_one_counts),
	    arena_test(test_ids_may_be_strings_of_digits),
	    arena_test(test_what_is_no_id_is_nobody),
	    arena_test(test_a_token_is_a_string),
	    arena_test(test_only_the_outermost_members_count),
	    arena_test(test_the_first_guard_wins_wherever_it_stands),
	    arena_test(test_other_guards_are_nobody),
	    arena_test(test_what_is_no_session_is_refused),
	    arena_test(test_sessions_that_are_json_are_read),
	    arena_test(test_what_is_no_id_in_json_is_nobody),
	    arena_test(test_an_encrypted_session_is_read),
	    arena_test(test_what_is_not_encrypted_by_us_is_refused),
	    arena_test(test_a_guards_key_is_laravels),
	    arena_test(test_guards_beyond_the_bound_are_not_taken),
	};

	return unit_run("auth/session", tests);
}
