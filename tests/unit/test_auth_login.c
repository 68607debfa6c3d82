/* login: with sessions in a folder, so that no database is needed. */
#include "auth/login.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth_tests.h"
#include "crypto/digest.h"

#define KEY "base64:bkgUElLXiIUkpecaYf5V5/xP02j/QpK7q2NunE1EheA="
#define OLD_KEY "base64:YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE="
#define ID "k3Jd9sLq2WmX0vBn7RtY5uZc1AeFhGiOpQ4S6T8U"
#define TOKEN "Zq8Xw2Ec4Rv6Tb1Yn3Um5Ik7Ol9PaSdFgHjKlMnB"
#define WEB "s:50:\"login_web_59ba36addc2b2f9401580f014c7f58ea4e30989d\";"
#define STORED "a:3:{s:6:\"_token\";s:40:\"" TOKEN "\";" WEB "i:3;s:17:\"current_workspace\";i:2;}"

enum { LIFETIME_S = 7200 };

struct tests {
	struct arena *mem;
	struct unit_folder folder;
	struct envelope *current, *retired;
	struct login *login;
};

static struct login_options options_of(const struct tests *t)
{
	return (struct login_options){
	    .app_key = SPAN(KEY),
	    .app_previous_keys = SPAN(OLD_KEY),
	    .app_name = SPAN("Laravel"),
	    .guards = SPAN("web,user"),
	    .store = {.driver = SESSION_FILE, .folder = span_of(t->folder.path)},
	    .attributes = {.path = SPAN("/"),
		.same_site = SPAN("lax"),
		.lifetime_s = LIFETIME_S,
		.http_only = true},
	};
}

static int open_tests(void **state)
{
	struct tests *t = test_calloc(1, sizeof(*t));
	struct login_options options;

	*state = t;
	t->mem = arena_create(4 * KIB);
	t->folder = unit_folder_create();
	t->current = envelope_create(SPAN_OF(KEY), (struct span){0});
	t->retired = envelope_create(SPAN_OF(OLD_KEY), (struct span){0});
	options = options_of(t);
	t->login = login_create(&options);
	return t->login == NULL;
}

static int close_tests(void **state)
{
	struct tests *t = *state;

	login_free(t->login);
	envelope_free(t->current);
	envelope_free(t->retired);
	unit_folder_remove(&t->folder);
	arena_free(t->mem);
	test_free(t);
	return 0;
}

#define login_test(f) cmocka_unit_test_setup_teardown(f, open_tests, close_tests)

/* A session's file, last used at NOW_S less `age_s`. */
static void store(const struct tests *t, const char *id, struct span text, int64_t age_s)
{
	const struct timespec used = {.tv_sec = NOW_S - age_s}, times[] = {used, used};
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", t->folder.path, id);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text.ptr, text.len), text.len);
	assert_int_equal(futimens(fd, times), 0);
	close(fd);
}

/* What Laravel puts before the text of a cookie of this name. */
static void put_code(struct buf *b, const struct envelope *e, const char *name)
{
	char code[DIGEST_SHA1_HEX], text[64];

	snprintf(text, sizeof(text), "%sv2", name);
	assert_int_equal(digest_hmac_sha1_hex(envelope_key(e, 0), span_of(text), code), RC_OK);
	buf_put(b, span_from(code, sizeof(code)));
}

static struct span sealed(
    const struct tests *t, const struct envelope *e, struct span plain, enum envelope_cipher cipher)
{
	struct buf b = buf_in(t->mem, 8 * KIB);

	assert_int_equal(envelope_seal(e, cipher, plain, t->mem, &b), RC_OK);
	return buf_span(&b);
}

/* The value of a cookie of this name. */
static struct span cookie_of(const struct tests *t, const struct envelope *e, const char *name,
    const char *text, enum envelope_cipher cipher)
{
	struct buf plain = buf_in(t->mem, KIB);

	put_code(&plain, e, name);
	buf_putc(&plain, '|');
	buf_puts(&plain, text);
	return sealed(t, e, buf_span(&plain), cipher);
}

static struct span header_of(const struct tests *t, const char *name, struct span value)
{
	struct buf header = buf_in(t->mem, 16 * KIB);

	buf_puts(&header, "other=1; ");
	buf_puts(&header, name);
	buf_putc(&header, '=');
	buf_put(&header, value);
	return buf_span(&header);
}

static enum rc opens(const struct tests *t, const struct login *login, struct span header,
    struct session *ret, enum refusal *refusal)
{
	*refusal = REFUSED_NOT;
	return login_open(login, NULL, t->mem, header, AT(NOW_S), ret, refusal);
}

static void assert_refused(const struct tests *t, struct span header, enum refusal want)
{
	struct session session;
	enum refusal refusal;

	assert_int_equal(opens(t, t->login, header, &session, &refusal), RC_DENIED);
	if (refusal != want)
		fail_msg("it is refused for %s and not for %s", refusal_infos[refusal].why,
		    refusal_infos[want].why);
}

static struct span valid_header(const struct tests *t)
{
	return header_of(
	    t, "laravel_session", cookie_of(t, t->current, "laravel_session", ID, ENVELOPE_CBC));
}

/* --- the names of the cookie: Str::slug of APP_NAME, as a real Laravel made them */

static void test_the_cookies_names_are_made_from_the_applications(void **state)
{
	static const struct {
		const char *app_name, *first, *second;
	} cases[] = {
	    {"Laravel", "laravel_session", "laravel-session"},
	    {"My App", "my_app_session", "my-app-session"},
	    {"  Two  words ", "two_words_session", "two-words-session"},
	    {"a_b-c", "a_b_c_session", "a-b-c-session"},
	    {"A-B_C d", "a_b_c_d_session", "a-b-c-d-session"},
	    {"@home", "at_home_session", "at-home-session"},
	    {"me@home", "me_at_home_session", "me-at-home-session"},
	    {"a@", "a_at_session", "a-at-session"},
	    {"@@", "at_at_session", "at-at-session"},
	    {"a @ b", "a_at_b_session", "a-at-b-session"},
	    {"a_@_b", "a_at_b_session", "a-at-b-session"},
	    {"x!y?z", "xyz_session", "xyz-session"},
	    {"!!!", "_session", "-session"},
	    {"", "_session", "-session"},
	    {"-_-", "_session", "-session"},
	    {"123 Go", "123_go_session", "123-go-session"},
	    {"UPPER", "upper_session", "upper-session"},
	    {"a--b__c", "a_b_c_session", "a-b-c-session"},
	    {"tab\there", "tab_here_session", "tab-here-session"},
	    {"-lead", "lead_session", "lead-session"},
	    {"trail-", "trail_session", "trail-session"},
	    {"a.b.c", "abc_session", "abc-session"},
	    {"a'b", "ab_session", "ab-session"},
	    {"A&B", "ab_session", "ab-session"},
	    {"WhatsApp (Blast)", "whatsapp_blast_session", "whatsapp-blast-session"},
	    {"v2.0 beta", "v20_beta_session", "v20-beta-session"},
	};
	struct tests *t = *state;

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct login_options options = options_of(t);
		struct login *login;

		options.app_name = span_of(cases[i].app_name);
		login = login_create(&options);
		assert_same(login_cookie_name(login, 0), span_of(cases[i].first));
		assert_same(login_cookie_name(login, 1), span_of(cases[i].second));
		assert_null(login_cookie_name(login, 2).ptr);
		login_free(login);
	}
}

static void test_a_name_that_is_set_is_the_only_one(void **state)
{
	struct tests *t = *state;
	struct login_options options = options_of(t);
	struct login *login;

	options.cookie = SPAN_OF("Own_Name");
	login = login_create(&options);
	assert_span(login_cookie_name(login, 0), "Own_Name");
	assert_null(login_cookie_name(login, 1).ptr);
	login_free(login);
}

static void test_a_key_that_is_none_makes_no_login(void **state)
{
	struct login_options options = options_of(*state);

	options.app_key = SPAN_OF("secret");
	assert_null(login_create(&options));
	options = options_of(*state);
	options.app_previous_keys = SPAN_OF("secret");
	assert_null(login_create(&options));
	login_free(NULL);
}

/* --- opening */

static void test_who_is_logged_in_is_let_in(void **state)
{
	struct tests *t = *state;
	struct session session;
	enum refusal refusal;

	store(t, ID, SPAN_OF(STORED), 100);
	for (int cipher = ENVELOPE_CBC; cipher <= ENVELOPE_GCM; cipher++) {
		struct span cookie =
		    cookie_of(t, t->current, "laravel_session", ID, (enum envelope_cipher)cipher);

		assert_int_equal(
		    opens(t, t->login, header_of(t, "laravel_session", cookie), &session, &refusal),
		    RC_OK);
		assert_span(session.id, ID);
		assert_int_equal(session.user_id, 3);
		assert_int_equal(session.workspace_id, 2);
		assert_span(session.token, TOKEN);
		assert_int_equal(session.last_activity_s, NOW_S - 100);
		assert_int_equal(session.cipher, cipher);
		assert_int_equal(session.cookie, 0);
		assert_int_equal(session.key, 0);
	}
}

static void test_a_cookie_of_a_retired_key_is_let_in(void **state)
{
	struct tests *t = *state;
	struct session session;
	enum refusal refusal;

	store(t, ID, SPAN_OF(STORED), 0);
	assert_int_equal(opens(t, t->login,
			     header_of(t, "laravel_session",
				 cookie_of(t, t->retired, "laravel_session", ID, ENVELOPE_CBC)),
			     &session, &refusal),
	    RC_OK);
	assert_int_equal(session.key, 1);
}

static void test_the_second_name_is_looked_for_when_the_first_does_not_open(void **state)
{
	struct tests *t = *state;
	struct buf header = buf_in(t->mem, 8 * KIB);
	struct session session;
	enum refusal refusal;

	store(t, ID, SPAN_OF(STORED), 0);
	buf_puts(&header, "laravel_session=old; laravel-session=");
	buf_put(&header, cookie_of(t, t->current, "laravel-session", ID, ENVELOPE_CBC));
	assert_int_equal(opens(t, t->login, buf_span(&header), &session, &refusal), RC_OK);
	assert_int_equal(session.cookie, 1);
	assert_span(session.id, ID);
}

static void test_every_fault_of_a_cookie_has_its_word(void **state)
{
	static const char name[] = "laravel_session";
	struct tests *t = *state;
	struct envelope *other = envelope_create(
	    SPAN_OF("base64:enp6enp6enp6enp6enp6enp6enp6enp6enp6enp6eno="), (struct span){0});
	struct buf short_code = buf_in(t->mem, 64), wrong_bar = buf_in(t->mem, 128);

	store(t, ID, SPAN_OF(STORED), 0);
	assert_refused(t, (struct span){0}, REFUSED_NO_PROOF);
	assert_refused(t, SPAN_OF("XSRF-TOKEN=a; laravel=b"), REFUSED_NO_PROOF);
	assert_refused(t, SPAN_OF("laravel_session="), REFUSED_MALFORMED);
	assert_refused(t, SPAN_OF("laravel_session=" ID), REFUSED_MALFORMED);
	assert_refused(
	    t, header_of(t, name, cookie_of(t, other, name, ID, ENVELOPE_CBC)), REFUSED_MAC);
	assert_refused(
	    t, header_of(t, name, cookie_of(t, other, name, ID, ENVELOPE_GCM)), REFUSED_MAC);
	assert_refused(t,
	    header_of(t, name, cookie_of(t, t->current, "XSRF-TOKEN", ID, ENVELOPE_CBC)),
	    REFUSED_PREFIX);
	assert_refused(t,
	    header_of(t, name, cookie_of(t, t->current, "laravel-session", ID, ENVELOPE_CBC)),
	    REFUSED_PREFIX);
	assert_refused(t, header_of(t, name, sealed(t, t->current, SPAN_OF(""), ENVELOPE_CBC)),
	    REFUSED_PREFIX);
	assert_refused(t, header_of(t, name, sealed(t, t->current, SPAN_OF(ID), ENVELOPE_CBC)),
	    REFUSED_PREFIX);
	/* The code alone, and the code with another byte behind it. */
	put_code(&short_code, t->current, name);
	assert_refused(t,
	    header_of(t, name, sealed(t, t->current, buf_span(&short_code), ENVELOPE_CBC)),
	    REFUSED_PREFIX);
	put_code(&wrong_bar, t->current, name);
	buf_puts(&wrong_bar, "," ID);
	assert_refused(t,
	    header_of(t, name, sealed(t, t->current, buf_span(&wrong_bar), ENVELOPE_CBC)),
	    REFUSED_PREFIX);
	envelope_free(other);
}

static void test_a_sessions_id_has_40_letters_and_digits(void **state)
{
	static const char *const ids[] = {"", "k3Jd9sLq2WmX0vBn7RtY5uZc1AeFhGiOpQ4S6T8", ID "x",
	    "k3Jd9sLq2WmX0vBn7RtY5uZc1AeFhGiOpQ4S6T8/", "../9sLq2WmX0vBn7RtY5uZc1AeFhGiOpQ4S6T8U",
	    "k3Jd9sLq2WmX0vBn7RtY5uZc1AeFhGiOpQ4S6T8.", "k3Jd9sLq2WmX0vBn7RtY5uZc1AeFhGiOpQ4S6T8_",
	    "k3Jd9sLq2WmX0vBn7RtY5uZc1AeFhGiOpQ4S6T8-", "k3Jd9sLq2WmX0vBn7RtY5uZc1AeFhGiOpQ4S6T8 ",
	    "k3Jd9sLq2WmX0vBn7RtY5uZc1AeFhGiOpQ4S6T\xc3\xa4",
	    "'; DROP TABLE sessions; -- 0123456789012", ID "|" ID};
	struct tests *t = *state;

	for (size_t i = 0; i < COUNT(ids); i++)
		assert_refused(t,
		    header_of(t, "laravel_session",
			cookie_of(t, t->current, "laravel_session", ids[i], ENVELOPE_CBC)),
		    REFUSED_SESSION_ID);
}

static void test_every_fault_of_a_session_has_its_word(void **state)
{
	struct tests *t = *state;
	struct span header = valid_header(t);

	assert_refused(t, header, REFUSED_NO_SESSION);
	store(t, ID, SPAN_OF("hello"), 0);
	assert_refused(t, header, REFUSED_PAYLOAD);
	store(t, ID, SPAN_OF("a:0:{}"), 0);
	assert_refused(t, header, REFUSED_GUEST);
	store(t, ID, SPAN_OF(STORED), LIFETIME_S + 1);
	assert_refused(t, header, REFUSED_EXPIRED);
}

static void test_a_session_lives_to_the_last_second_of_its_lifetime(void **state)
{
	struct tests *t = *state;
	struct session session;
	enum refusal refusal;

	store(t, ID, SPAN_OF(STORED), LIFETIME_S);
	assert_int_equal(opens(t, t->login, valid_header(t), &session, &refusal), RC_OK);
	/* Somebody's clock is ahead. */
	store(t, ID, SPAN_OF(STORED), -60);
	assert_int_equal(opens(t, t->login, valid_header(t), &session, &refusal), RC_OK);
}

static void test_without_a_key_no_cookie_is_read(void **state)
{
	struct tests *t = *state;
	struct login_options options = options_of(t);
	struct session session;
	enum refusal refusal;
	struct login *login;

	options.app_key = (struct span){0};
	login = login_create(&options);
	assert_non_null(login);
	store(t, ID, SPAN_OF(STORED), 0);
	assert_int_equal(opens(t, login, valid_header(t), &session, &refusal), RC_DENIED);
	assert_int_equal(refusal, REFUSED_NO_KEY);
	assert_int_equal(opens(t, login, SPAN_OF("a=1"), &session, &refusal), RC_DENIED);
	assert_int_equal(refusal, REFUSED_NO_PROOF);
	login_free(login);
}

/* --- the token */

static bool shows(const struct tests *t, struct span body, struct span csrf, struct span xsrf)
{
	const struct session session = {.id = SPAN(ID), .token = SPAN(TOKEN)};

	return login_shows_token(t->login, t->mem, &session, body, csrf, xsrf);
}

static void test_the_token_may_be_shown_in_three_places(void **state)
{
	struct tests *t = *state;
	const struct span none = {0}, right = SPAN(TOKEN), wrong = SPAN("x"), empty = SPAN("");
	struct span xsrf = cookie_of(t, t->current, "XSRF-TOKEN", TOKEN, ENVELOPE_CBC);

	assert_false(shows(t, none, none, none));
	assert_false(shows(t, empty, empty, empty));
	assert_true(shows(t, right, none, none));
	assert_true(shows(t, none, right, none));
	assert_true(shows(t, none, none, xsrf));
	assert_true(shows(t, empty, empty, xsrf));
	/* The first place that has anything is the one that counts. */
	assert_false(shows(t, wrong, right, xsrf));
	assert_false(shows(t, none, wrong, xsrf));
	assert_true(shows(t, right, wrong, wrong));
	assert_true(shows(t, none, right, wrong));
	assert_false(shows(t, none, none, right));
}

static void test_the_encrypted_token_is_that_of_its_cookie_under_any_key(void **state)
{
	struct tests *t = *state;
	const struct span none = {0};

	assert_true(
	    shows(t, none, none, cookie_of(t, t->current, "XSRF-TOKEN", TOKEN, ENVELOPE_GCM)));
	assert_true(
	    shows(t, none, none, cookie_of(t, t->retired, "XSRF-TOKEN", TOKEN, ENVELOPE_CBC)));
	assert_false(
	    shows(t, none, none, cookie_of(t, t->current, "laravel_session", TOKEN, ENVELOPE_CBC)));
	assert_false(
	    shows(t, none, none, cookie_of(t, t->current, "XSRF-TOKEN", "", ENVELOPE_CBC)));
	assert_false(shows(t, none, none, sealed(t, t->current, SPAN_OF(TOKEN), ENVELOPE_CBC)));
}

static void test_a_token_of_another_case_or_length_is_another(void **state)
{
	struct tests *t = *state;
	const struct span none = {0};

	assert_false(shows(t, SPAN_OF("zq8Xw2Ec4Rv6Tb1Yn3Um5Ik7Ol9PaSdFgHjKlMnB"), none, none));
	assert_false(shows(t, SPAN_OF(TOKEN " "), none, none));
	assert_false(shows(t, SPAN_OF("Zq8Xw2Ec4Rv6Tb1Yn3Um5Ik7Ol9PaSdFgHjKlMn"), none, none));
}

static void test_a_session_without_a_token_is_shown_none(void **state)
{
	struct tests *t = *state;
	const struct session none = {.id = SPAN(ID)}, empty = {.token = SPAN("")};
	const struct span shown[] = {{NULL, 0}, SPAN(""), SPAN("x")};

	for (size_t i = 0; i < COUNT(shown); i++) {
		assert_false(
		    login_shows_token(t->login, t->mem, &none, shown[i], shown[i], shown[i]));
		assert_false(
		    login_shows_token(t->login, t->mem, &empty, shown[i], shown[i], shown[i]));
	}
}

/* --- the cookies once more */

/* The Cookie header that a browser makes of lines "Set-Cookie: name=value; …". */
static struct span sent_back(const struct tests *t, struct span lines)
{
	struct buf header = buf_in(t->mem, 16 * KIB);
	struct span line, pair;

	while (span_cut(&lines, '\n', &line)) {
		if (line.len == 0)
			continue;
		assert_true(span_starts(line, "Set-Cookie: "));
		line = span_from(line.ptr + 12, line.len - 12);
		assert_true(span_cut(&line, ';', &pair));
		buf_put(&header, pair);
		buf_puts(&header, "; ");
	}
	return buf_span(&header);
}

static void test_the_cookies_that_are_sent_open_again(void **state)
{
	struct tests *t = *state;

	store(t, ID, SPAN_OF(STORED), 0);
	for (int i = 0; i < 4; i++) {
		struct buf headers = buf_in(t->mem, 16 * KIB);
		struct session session = {.id = SPAN(ID),
				   .token = SPAN(TOKEN),
				   .key = 1,
				   .cookie = (size_t)i / 2,
				   .cipher = i % 2 ? ENVELOPE_GCM : ENVELOPE_CBC},
			       again;
		struct span header, xsrf;
		enum refusal refusal;

		assert_int_equal(
		    login_put_cookies(t->login, t->mem, &session, true, AT(NOW_S), &headers),
		    RC_OK);
		assert_true(unit_has(buf_span(&headers), "; secure; httponly; samesite=lax\r\n"));
		header = sent_back(t, buf_span(&headers));
		assert_int_equal(opens(t, t->login, header, &again, &refusal), RC_OK);
		assert_span(again.id, ID);
		assert_int_equal(again.cipher, session.cipher);
		assert_int_equal(again.cookie, session.cookie);
		/* Sealed anew, with the current key. */
		assert_int_equal(again.key, 0);
		assert_true(cookie_find(header, SPAN_OF("XSRF-TOKEN"), t->mem, &xsrf));
		assert_true(shows(t, (struct span){0}, (struct span){0}, xsrf));
	}
}

static void test_without_a_token_only_the_session_cookie_is_sent(void **state)
{
	struct tests *t = *state;
	struct buf headers = buf_in(t->mem, 16 * KIB);
	const struct session session = {.id = SPAN(ID)};

	assert_int_equal(
	    login_put_cookies(t->login, t->mem, &session, false, AT(NOW_S), &headers), RC_OK);
	assert_true(unit_has(buf_span(&headers), "Set-Cookie: laravel_session="));
	assert_false(unit_has(buf_span(&headers), "XSRF-TOKEN"));
	assert_false(unit_has(buf_span(&headers), "secure"));
}

/* --- the note of its use */

static int64_t last_use(const struct tests *t)
{
	struct stat status;
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", t->folder.path, ID);
	assert_int_equal(stat(path, &status), 0);
	return status.st_mtime;
}

static void test_a_use_is_noted_when_the_last_note_is_a_minute_old(void **state)
{
	struct tests *t = *state;
	struct session session = {.id = SPAN(ID), .last_activity_s = NOW_S - 59};

	store(t, ID, SPAN_OF(STORED), 59);
	assert_int_equal(login_touch(t->login, NULL, t->mem, &session, AT(NOW_S)), RC_OK);
	assert_int_equal(last_use(t), NOW_S - 59);
	session.last_activity_s = NOW_S - 60;
	assert_int_equal(login_touch(t->login, NULL, t->mem, &session, AT(NOW_S)), RC_OK);
	assert_int_not_equal(last_use(t), NOW_S - 59);
}

static void test_a_session_that_is_gone_stays_gone(void **state)
{
	struct tests *t = *state;
	const struct session session = {.id = SPAN(ID), .last_activity_s = 0};
	char path[128];

	assert_int_not_equal(login_touch(t->login, NULL, t->mem, &session, AT(NOW_S)), RC_OK);
	snprintf(path, sizeof(path), "%s/%s", t->folder.path, ID);
	assert_int_not_equal(access(path, F_OK), 0);
}

int test_auth_login(void)
{
	const struct CMUnitTest tests[] = {
	    login_test(test_the_cookies_names_are_made_from_the_applications),
	    login_test(test_a_name_that_is_set_is_the_only_one),
	    login_test(test_a_key_that_is_none_makes_no_login),
	    login_test(test_who_is_logged_in_is_let_in),
	    login_test(test_a_cookie_of_a_retired_key_is_let_in),
	    login_test(test_the_second_name_is_looked_for_when_the_first_does_not_open),
	    login_test(test_every_fault_of_a_cookie_has_its_word),
	    login_test(test_a_sessions_id_has_40_letters_and_digits),
	    login_test(test_every_fault_of_a_session_has_its_word),
	    login_test(test_a_session_lives_to_the_last_second_of_its_lifetime),
	    login_test(test_without_a_key_no_cookie_is_read),
	    login_test(test_the_token_may_be_shown_in_three_places),
	    login_test(test_the_encrypted_token_is_that_of_its_cookie_under_any_key),
	    login_test(test_a_token_of_another_case_or_length_is_another),
	    login_test(test_a_session_without_a_token_is_shown_none),
	    login_test(test_the_cookies_that_are_sent_open_again),
	    login_test(test_without_a_token_only_the_session_cookie_is_sent),
	    login_test(test_a_use_is_noted_when_the_last_note_is_a_minute_old),
	    login_test(test_a_session_that_is_gone_stays_gone),
	};

	return unit_run("auth/login", tests);
}
