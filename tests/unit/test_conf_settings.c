#include "conf/settings.h"

#include <grp.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/now.h"
#include "conf/settings_table.h"
#include "conf_tests.h"
#include "unit.h"

static void test_what_is_required_is_enough(void **state)
{
	struct settings s = conf_tests_settings(*state, "");

	assert_span(s.db_database, "d");
	assert_span(s.db_username, "u");
	assert_span(s.hmac_secret, STRONG);
	assert_span(s.app_name, "Laravel");
	assert_int_equal(s.db_port, 3306);
	assert_span(s.db_host, "127.0.0.1");
	assert_null(s.db_socket.ptr);
	assert_int_equal(s.session_driver, CONF_SESSION_DATABASE);
	assert_int_equal(s.signature_ttl_s, 300);
	assert_int_equal(s.listen_mode, 0660);
	assert_int_equal(s.log_requests, CONF_LOG_ALL);
	assert_int_equal(s.max_accounts, 10);
	assert_true(s.legacy_aliases);
	assert_true(s.session_http_only);
	assert_false(s.session_encrypt);
	assert_false(s.allow_weak_secrets);
}

static void test_what_is_required_is_missed_by_name(void **state)
{
	struct conf_tests_outcome outcome;
	struct conf_mistake *m;

	conf_tests_read(*state, "", NULL, &outcome);
	assert_int_equal(outcome.rc, RC_INVALID);
	m = outcome.mistakes.first;
	assert_span(m->what, "DB_DATABASE is not set; it has no standard value");
	assert_span(m->where, "FILE");
	m = m->next;
	assert_span(m->what, "DB_USERNAME is not set; it has no standard value");
	m = m->next;
	assert_span(m->what,
	    "WHATSAPP_HMAC_SECRET is not set or empty; make one with: openssl rand -hex 32");
	assert_null(m->next);
}

static void test_an_empty_secret_counts_as_absent(void **state)
{
	struct conf_tests_outcome outcome;

	conf_tests_read(*state,
	    "DB_DATABASE=d\nDB_USERNAME=u\nWHATSAPP_HMAC_SECRET=\nHMAC_SECRET=''", NULL, &outcome);
	assert_int_equal(outcome.rc, RC_INVALID);
	conf_tests_read(*state,
	    "DB_DATABASE=d\nDB_USERNAME=u\nWHATSAPP_HMAC_SECRET=\nHMAC_SECRET=" STRONG, NULL,
	    &outcome);
	assert_int_equal(outcome.rc, RC_OK);
	assert_span(outcome.settings.hmac_secret, STRONG);
}

static void test_the_longer_name_of_the_secret_wins(void **state)
{
	struct settings s =
	    conf_tests_settings(*state, "HMAC_SECRET=ffeeddccbbaa99887766554433221100");

	assert_span(s.hmac_secret, STRONG);
}

static void test_a_setting_that_is_refused_leaves_the_settings_alone(void **state)
{
	struct conf_tests_outcome outcome = {.settings = {.db_port = 7}};

	conf_tests_read(*state, REQUIRED "WA_WORKERS=0", NULL, &outcome);
	assert_int_equal(outcome.rc, RC_INVALID);
	assert_int_equal(outcome.settings.db_port, 7);
}

static void test_a_number_keeps_to_its_range(void **state)
{
	assert_int_equal(conf_tests_settings(*state, "DB_PORT=1").db_port, 1);
	assert_int_equal(conf_tests_settings(*state, "DB_PORT=65535").db_port, 65535);
	assert_span(conf_tests_mistake(*state, "DB_PORT=0"),
	    "DB_PORT is \"0\"; it must be a whole number from 1 to 65535");
	assert_span(conf_tests_mistake(*state, "DB_PORT=65536"),
	    "DB_PORT is \"65536\"; it must be a whole number from 1 to 65535");
	assert_span(conf_tests_mistake(*state, "WA_DB_NODE_TIMEOUT=3501"),
	    "WA_DB_NODE_TIMEOUT is \"3501\"; it must be a whole number from 100 to 3500");
	assert_int_equal(conf_tests_settings(*state, "WA_MAX_REQUESTS=0").max_requests, 0);
}

static void test_what_is_no_whole_number_is_none(void **state)
{
	static const char *const values[] = {
	    "+1", "-1", "1.0", "1e3", "0x10", "1 2", "ten", "1s", "99999999999999999999999"};

	for (size_t i = 0; i < COUNT(values); i++) {
		char line[64];

		snprintf(line, sizeof(line), "WA_WORKERS=%s", values[i]);
		assert_true(unit_has(
		    conf_tests_mistake(*state, line), "it must be a whole number from 1 to 256"));
	}
}

static void test_a_mode_is_octal(void **state)
{
	assert_int_equal(conf_tests_settings(*state, "WA_LISTEN_MODE=0600").listen_mode, 0600);
	assert_int_equal(conf_tests_settings(*state, "WA_LISTEN_MODE=777").listen_mode, 0777);
	assert_int_equal(conf_tests_settings(*state, "WA_LISTEN_MODE=0").listen_mode, 0);
	assert_true(
	    unit_has(conf_tests_mistake(*state, "WA_LISTEN_MODE=1000"), "octal mode up to 0777"));
	assert_true(unit_has(conf_tests_mistake(*state, "WA_LISTEN_MODE=0668"), "octal mode"));
	assert_true(unit_has(conf_tests_mistake(*state, "WA_LISTEN_MODE=00660"), "octal mode"));
	assert_true(unit_has(conf_tests_mistake(*state, "WA_LISTEN_MODE=-1"), "octal mode"));
	assert_true(unit_has(conf_tests_mistake(*state, "WA_LISTEN_MODE=u=rw"), "octal mode"));
}

static void test_a_day_is_kept_as_its_first_moment(void **state)
{
	assert_true(conf_tests_settings(*state, "").legacy_sunset_us ==
		    now_from_civil(2027, 11, 14, 0, 0, 0, 0));
	assert_true(conf_tests_settings(*state, "WA_LEGACY_SUNSET=2026-02-28").legacy_sunset_us ==
		    now_from_civil(2026, 2, 28, 0, 0, 0, 0));
	assert_span(conf_tests_mistake(*state, "WA_LEGACY_SUNSET=2026-02-29"),
	    "WA_LEGACY_SUNSET is \"2026-02-29\"; it must be a day: YYYY-MM-DD");
	assert_non_null(conf_tests_mistake(*state, "WA_LEGACY_SUNSET=tomorrow").ptr);
	assert_non_null(conf_tests_mistake(*state, "WA_LEGACY_SUNSET=14.11.2027").ptr);
}

static void test_a_flag_has_laravels_words_and_ours(void **state)
{
	static const char *const yes[] = {"true", "TRUE", "(true)", "on", "On", "yes", "1"};
	static const char *const no[] = {"false", "False", "(false)", "0"};
	static const char *const no_of_ours[] = {"off", "no"};
	char line[64];

	for (size_t i = 0; i < COUNT(yes); i++) {
		snprintf(line, sizeof(line), "SESSION_ENCRYPT=%s", yes[i]);
		assert_true(conf_tests_settings(*state, line).session_encrypt);
	}
	for (size_t i = 0; i < COUNT(no); i++) {
		snprintf(line, sizeof(line), "SESSION_HTTP_ONLY=%s", no[i]);
		assert_false(conf_tests_settings(*state, line).session_http_only);
	}
	/* Two words that Laravel takes for a text, which is true. */
	for (size_t i = 0; i < COUNT(no_of_ours); i++) {
		snprintf(line, sizeof(line), "WA_LEGACY_ALIASES=%s", no_of_ours[i]);
		assert_false(conf_tests_settings(*state, line).legacy_aliases);
		snprintf(line, sizeof(line), "SESSION_HTTP_ONLY=%s", no_of_ours[i]);
		assert_true(
		    unit_has(conf_tests_mistake(*state, line), "which Laravel takes for true"));
		snprintf(line, sizeof(line), "SESSION_SECURE_COOKIE=%s", no_of_ours[i]);
		assert_true(
		    unit_has(conf_tests_mistake(*state, line), "which Laravel takes for true"));
	}
	assert_span(conf_tests_mistake(*state, "SESSION_ENCRYPT=maybe"),
	    "SESSION_ENCRYPT is \"maybe\"; it must be on or off");
	assert_non_null(conf_tests_mistake(*state, "WA_LEGACY_ALIASES=2").ptr);
}

static void test_a_word_is_one_of_its_list(void **state)
{
	assert_int_equal(
	    conf_tests_settings(*state, "SESSION_DRIVER=file").session_driver, CONF_SESSION_FILE);
	assert_int_equal(
	    conf_tests_settings(*state, "WA_LOG_REQUESTS=none").log_requests, CONF_LOG_NONE);
	assert_int_equal(
	    conf_tests_settings(*state, "WA_LOG_REQUESTS=errors").log_requests, CONF_LOG_ERRORS);
	assert_span(conf_tests_mistake(*state, "SESSION_DRIVER=redis"),
	    "SESSION_DRIVER is \"redis\"; it must be one of database|file");
	assert_non_null(conf_tests_mistake(*state, "WA_LOG_REQUESTS=ALL").ptr);
	assert_non_null(conf_tests_mistake(*state, "WA_LOG_REQUESTS=all|errors").ptr);
}

static void test_a_weak_secret_is_refused_without_being_shown(void **state)
{
	struct conf_tests_outcome outcome;
	struct span what;

	conf_tests_read(
	    *state, "DB_DATABASE=d\nDB_USERNAME=u\nWHATSAPP_HMAC_SECRET=hunter2", NULL, &outcome);
	assert_int_equal(outcome.rc, RC_INVALID);
	what = outcome.mistakes.first->what;
	assert_span(what,
	    "WHATSAPP_HMAC_SECRET is weak: it is shorter than 20 characters; make one with: "
	    "openssl rand -hex 32");
	assert_null(outcome.mistakes.first->next);
	what = conf_tests_mistake(*state, "WHATSAPP_HMAC_PREVIOUS_SECRETS=" STRONG ",swordfish");
	assert_true(unit_has(what, "is weak"));
	assert_false(unit_has(what, "swordfish"));
}

static void test_weak_secrets_are_accepted_where_that_is_allowed(void **state)
{
	struct conf_tests_outcome outcome;

	conf_tests_read(*state,
	    "DB_DATABASE=d\nDB_USERNAME=u\nWHATSAPP_HMAC_SECRET=weak\n"
	    "WHATSAPP_HMAC_PREVIOUS_SECRETS=a,b\nWA_ALLOW_WEAK_SECRETS=on",
	    NULL, &outcome);
	assert_int_equal(outcome.rc, RC_OK);
}

static void test_retired_secrets_have_a_maximum_and_empty_items_do_not_count(void **state)
{
	struct buf text = buf_in(*state, 4 * KIB);

	buf_puts(&text, "WHATSAPP_HMAC_PREVIOUS_SECRETS=', ,");
	for (int i = 0; i < BOUND_SECRETS - 1; i++)
		buf_puts(&text, " " STRONG ",,");
	buf_putc(&text, '\'');
	buf_putc(&text, '\0');
	conf_tests_settings(*state, text.ptr);
	text.len -= 2;
	buf_puts(&text, STRONG "'");
	buf_putc(&text, '\0');
	assert_span(conf_tests_mistake(*state, text.ptr),
	    "WHATSAPP_HMAC_PREVIOUS_SECRETS has 8 secrets; at most 7 are accepted");
}

static void test_an_app_key_is_base64_of_32_bytes(void **state)
{
	static const char *const wrong[] = {
	    "base64:", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
	    "base64:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
	    "base64:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8A",
	    "base64:AAECAwQFBgcICQoLDA0ODw==",
	    "base64:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh-=",
	    "base64:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=A", "SomeRandomString"};
	struct settings s =
	    conf_tests_settings(*state, "APP_KEY=" KEY "\nAPP_PREVIOUS_KEYS='," KEY ", " KEY "'");

	assert_span(s.app_key, KEY);
	for (size_t i = 0; i < COUNT(wrong); i++) {
		char line[128];
		struct span what;

		snprintf(line, sizeof(line), "APP_KEY=%s", wrong[i]);
		what = conf_tests_mistake(*state, line);
		assert_true(span_starts(what, "APP_KEY must be "));
		assert_false(unit_has(what, wrong[i] + 7) && strlen(wrong[i]) > 7);
		snprintf(line, sizeof(line), "APP_PREVIOUS_KEYS=%s", wrong[i]);
		assert_true(span_starts(
		    conf_tests_mistake(*state, line), "APP_PREVIOUS_KEYS has a key that is not"));
	}
}

static void test_an_app_key_that_can_be_guessed_is_refused(void **state)
{
	assert_true(unit_has(conf_tests_mistake(*state,
				 "APP_KEY=base64:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
	    "APP_KEY is weak"));
}

static void test_the_peers_that_may_connect_are_addresses(void **state)
{
	static const char *const wrong[] = {"localhost", "10.0.0.0/8", "10.0.0",
	    "10.0.0.1;10.0.0.2", "::g", "2001:db8:1111:2222:3333:4444:5555:6666:7777:8888",
	    "10.0.0.1 10.0.0.2"};
	char line[128];

	conf_tests_settings(*state, "WA_LISTEN_ALLOW='10.0.0.1, ::1 ,2001:DB8::1,::ffff:10.0.0.1'");
	for (size_t i = 0; i < COUNT(wrong); i++) {
		snprintf(line, sizeof(line), "WA_LISTEN_ALLOW=10.0.0.1,%s", wrong[i]);
		assert_true(
		    unit_has(conf_tests_mistake(*state, line), "which is no IPv4 or IPv6 address"));
	}
}

static void test_a_listening_address_is_a_path_an_address_or_inherit(void **state)
{
	assert_span(conf_tests_settings(*state, "WA_LISTEN=unix:/tmp/x").listen, "unix:/tmp/x");
	assert_span(
	    conf_tests_settings(*state, "WA_LISTEN=127.0.0.1:9000").listen, "127.0.0.1:9000");
	assert_span(conf_tests_settings(*state, "WA_LISTEN=inherit").listen, "inherit");
	assert_span(conf_tests_mistake(*state, "WA_LISTEN=/tmp/x"),
	    "WA_LISTEN is \"/tmp/x\"; it must be unix:PATH, HOST:PORT or inherit");
	assert_non_null(conf_tests_mistake(*state, "WA_LISTEN=9000").ptr);
}

static void test_a_group_must_exist(void **state)
{
	const struct group *group = getgrgid(0);
	char line[128];

	assert_span(conf_tests_mistake(*state, "WA_LISTEN_GROUP=no-such-group-here"),
	    "WA_LISTEN_GROUP is \"no-such-group-here\", and there is no such group on this host");
	if (group == NULL)
		skip();
	snprintf(line, sizeof(line), "WA_LISTEN_GROUP=%s", group->gr_name);
	assert_true(span_is(conf_tests_settings(*state, line).listen_group, group->gr_name));
}

static void test_a_place_to_listen_is_a_path_or_a_host_with_a_port(void **state)
{
	static const char *const good[] = {
	    "unix:/run/x.sock", "127.0.0.1:9000", "[::1]:1", "inherit"};
	static const char *const bad[] = {"unix:", "127.0.0.1", "127.0.0.1:", ":9000",
	    "127.0.0.1:0", "127.0.0.1:85007", "127.0.0.1:-46065", "127.0.0.1:x", "/run/x.sock"};
	char line[64];

	for (size_t i = 0; i < COUNT(good); i++) {
		snprintf(line, sizeof(line), "WA_LISTEN=%s", good[i]);
		assert_same(conf_tests_settings(*state, line).listen, span_of(good[i]));
	}
	for (size_t i = 0; i < COUNT(bad); i++) {
		snprintf(line, sizeof(line), "WA_LISTEN=%s", bad[i]);
		assert_true(unit_has(
		    conf_tests_mistake(*state, line), "must be unix:PATH, HOST:PORT or inherit"));
	}
}

static void test_every_mistake_is_told_at_once(void **state)
{
	struct conf_tests_outcome outcome;
	struct conf_mistake *m;
	size_t count = 0;

	conf_tests_read(*state,
	    "DB_PORT=x\nDB_DATABASE=d\nWHATSAPP_HMAC_SECRET=short\nSESSION_DRIVER=array\n"
	    "SESSION_ENCRYPT=2\nWA_LISTEN_MODE=9\nAPP_KEY=x\nWA_LISTEN=x",
	    NULL, &outcome);
	assert_int_equal(outcome.rc, RC_INVALID);
	for (m = outcome.mistakes.first; m != NULL; m = m->next)
		count++;
	assert_int_equal(count, 8);
	assert_span(outcome.mistakes.first->where, "FILE:7");
}

static void test_an_unknown_name_of_ours_is_a_warning(void **state)
{
	char a[] = "WA_WROKERS=5", b[] = "PATH=/bin";
	char *environment[] = {a, b, NULL};
	struct conf_tests_outcome outcome;

	conf_tests_read(*state, REQUIRED "WA_TYPO=1\nOTHER=2\nWAX=3\nWA_RELAY=off\nAPP_KEY=" KEY,
	    environment, &outcome);
	assert_int_equal(outcome.rc, RC_OK);
	assert_span(outcome.warnings.first->what,
	    "WA_WROKERS is not a setting of this version; it is ignored");
	assert_span(outcome.warnings.first->where, "environment");
	assert_span(outcome.warnings.first->next->what,
	    "WA_TYPO is not a setting of this version; it is ignored");
	assert_span(outcome.warnings.first->next->where, "FILE:4");
	assert_null(outcome.warnings.first->next->next);
}

static void test_a_login_that_cannot_be_read_is_a_warning(void **state)
{
	struct conf_tests_outcome outcome;

	conf_tests_read(*state, REQUIRED "APP_NAME=Caf\xc3\xa9\nWA_RELAY=off", NULL, &outcome);
	assert_int_equal(outcome.rc, RC_OK);
	assert_true(span_starts(outcome.warnings.first->what, "APP_KEY is not set"));
	assert_true(span_starts(outcome.warnings.first->next->what, "APP_NAME is not plain ASCII"));
	assert_span(outcome.warnings.first->next->where, "FILE:4");
	assert_null(outcome.warnings.first->next->next);
	conf_tests_read(*state,
	    REQUIRED
	    "APP_NAME=Caf\xc3\xa9\nSESSION_COOKIE=cafe_session\nWA_RELAY=off\nAPP_KEY=" KEY,
	    NULL, &outcome);
	assert_null(outcome.warnings.first);
}

static void test_admin_is_no_guard_of_ours(void **state)
{
	assert_true(
	    span_starts(conf_tests_mistake(*state, "WA_GUARD=web, admin"), "WA_GUARD names admin"));
	assert_span(conf_tests_settings(*state, "WA_GUARD=' web , user ,'").guard, "web,user");
}

static void test_secure_cookies_are_on_off_or_as_nginx_says(void **state)
{
	assert_int_equal(conf_tests_settings(*state, "").session_secure_cookie, CONF_SECURE_AUTO);
	assert_int_equal(
	    conf_tests_settings(*state, "SESSION_SECURE_COOKIE=null").session_secure_cookie,
	    CONF_SECURE_AUTO);
	assert_int_equal(
	    conf_tests_settings(*state, "SESSION_SECURE_COOKIE=true").session_secure_cookie,
	    CONF_SECURE_ON);
	assert_int_equal(
	    conf_tests_settings(*state, "SESSION_SECURE_COOKIE=false").session_secure_cookie,
	    CONF_SECURE_OFF);
}

static void test_session_files_lie_beside_the_env_file(void **state)
{
	assert_span(conf_tests_settings(*state, "").session_files, "storage/framework/sessions");
	assert_span(conf_tests_settings(*state, "WA_SESSION_FILES=/srv/s").session_files, "/srv/s");
}

/* --- the table itself, as settings_each shows it */

struct walk {
	struct arena *mem;
	struct buf names;  /* each with a line break behind it */
	struct buf values; /* NAME='value' */
	struct buf sources;
	size_t count;
};

static void walk_row(
    void *ctx, const char *name, struct span value, struct span source, const char *help)
{
	struct walk *walk = ctx;

	walk->count++;
	buf_putf(&walk->names, "%s\n", name);
	buf_putf(&walk->sources, "%s=%.*s\n", name, SPAN_ARG(source));
	/* A sentence for the manual, and no quote that the file could not carry. */
	assert_true(strlen(help) > 10 && help[strlen(help) - 1] == '.');
	if (value.len > 0 && value.ptr[0] != '(')
		buf_putf(&walk->values, "%s='%.*s'\n", name, SPAN_ARG(value));
}

static struct walk walk_table(struct arena *mem, const struct conf_tests_outcome *outcome)
{
	struct walk walk = {.mem = mem,
	    .names = buf_in(mem, 64 * KIB),
	    .values = buf_in(mem, 64 * KIB),
	    .sources = buf_in(mem, 64 * KIB)};

	settings_each(&outcome->settings, outcome->env, mem, walk_row, &walk);
	buf_putc(&walk.values, '\0');
	return walk;
}

static void test_every_standard_value_passes_its_own_check(void **state)
{
	struct conf_tests_outcome first, second;
	struct walk walk, again;
	struct buf text = buf_in(*state, 64 * KIB);

	/* As the standard values they were not refused; as values of a file they are not either. */
	conf_tests_read(*state, REQUIRED, NULL, &first);
	assert_int_equal(first.rc, RC_OK);
	walk = walk_table(*state, &first);
	/* And the one instance of the Node service that there is. */
	assert_int_equal(walk.count, settings_count + 1);
	buf_putf(&text, "%s%s", REQUIRED, walk.values.ptr);
	buf_putc(&text, '\0');
	conf_tests_read(*state, text.ptr, NULL, &second);
	if (second.rc != RC_OK)
		fail_msg("%.*s", SPAN_ARG(second.mistakes.first->what));
	assert_true(span_starts(second.warnings.first->what, "APP_KEY is not set"));
	assert_true(
	    span_starts(second.warnings.first->next->what, "WHATSAPP_NODE_API_KEY is not set"));
	assert_null(second.warnings.first->next->next);
	again = walk_table(*state, &second);
	assert_same(buf_span(&again.values), buf_span(&walk.values));
}

/* The names of all settings, each with a line break behind it. */
static struct span all_names(struct arena *mem)
{
	struct conf_tests_outcome outcome;
	struct walk walk;

	conf_tests_read(mem, REQUIRED, NULL, &outcome);
	walk = walk_table(mem, &outcome);
	return buf_span(&walk.names);
}

static void test_no_two_settings_have_one_name(void **state)
{
	struct span names = all_names(*state), name;

	while (span_cut(&names, '\n', &name)) {
		struct span rest = names, other;

		while (span_cut(&rest, '\n', &other))
			assert_false(name.len > 0 && span_eq(name, other));
	}
}

static void keep_secret(
    void *ctx, const char *name, struct span value, struct span source, const char *help)
{
	struct buf *all = ctx;

	(void)help;
	buf_putf(all, "%s=%.*s (%.*s)\n", name, SPAN_ARG(value), SPAN_ARG(source));
}

static void test_secrets_are_never_shown(void **state)
{
	struct buf all = buf_in(*state, 64 * KIB);
	struct conf_tests_outcome outcome;

	conf_tests_read(*state,
	    REQUIRED
	    "DB_PASSWORD=hunter2\nREVERB_APP_SECRET=hunter3\nPUSHER_APP_SECRET=hunter4\n"
	    "WHATSAPP_NODE_API_KEY=hunter5\nAPP_KEY=" KEY
	    "\nWHATSAPP_HMAC_PREVIOUS_SECRETS=ffeeddccbbaa99887766554433221100\nAPP_PREVIOUS_KEYS=" KEY,
	    NULL, &outcome);
	settings_each(&outcome.settings, outcome.env, *state, keep_secret, &all);
	assert_false(unit_has(buf_span(&all), "hunter"));
	assert_false(unit_has(buf_span(&all), STRONG));
	assert_false(unit_has(buf_span(&all), "ffeeddcc"));
	assert_false(unit_has(buf_span(&all), "AAEC"));
	assert_true(unit_has(buf_span(&all), "DB_PASSWORD=(set) (FILE:4)\n"));
	assert_true(unit_has(buf_span(&all), "WHATSAPP_NODE_API_KEY=(set) (FILE:7)\n"));
	assert_true(unit_has(buf_span(&all), "WHATSAPP_HMAC_SECRET=(set) (FILE:3)\n"));
	assert_true(unit_has(buf_span(&all), "WA_WORKERS=4 (standard)\n"));
	assert_true(unit_has(buf_span(&all), "WA_LISTEN_MODE=0660 (standard)\n"));
	assert_true(unit_has(buf_span(&all), "WA_LOG_REQUESTS=all (standard)\n"));
}

static void test_a_secret_that_is_not_set_is_shown_as_empty(void **state)
{
	struct buf all = buf_in(*state, 64 * KIB);
	struct conf_tests_outcome outcome;

	conf_tests_read(*state, REQUIRED, NULL, &outcome);
	settings_each(&outcome.settings, outcome.env, *state, keep_secret, &all);
	assert_true(unit_has(buf_span(&all), "DB_PASSWORD=(empty) (standard)\n"));
}

/* --- the manual */

static struct span read_whole(const char *path, struct arena *mem)
{
	FILE *file = fopen(path, "re");
	struct buf text = buf_in(mem, 1 * MIB);
	int c;

	if (file == NULL)
		return (struct span){0};
	while ((c = getc(file)) != EOF)
		buf_putc(&text, (char)c);
	fclose(file);
	assert_false(text.failed);
	return buf_span(&text);
}

/* A row of a table has `NAME` in it. */
static bool has_row(struct span manual, struct span name, struct arena *mem)
{
	struct buf quoted = buf_in(mem, 128);
	struct span line;

	buf_putf(&quoted, "`%.*s`", SPAN_ARG(name));
	buf_putc(&quoted, '\0');
	while (span_cut(&manual, '\n', &line))
		if (span_starts(line, "|") && unit_has(line, quoted.ptr))
			return true;
	return false;
}

static void test_the_readme_has_a_row_for_every_setting(void **state)
{
	const char *srcdir = getenv("srcdir");
	struct span manual, names, name;
	char path[4096];

	snprintf(path, sizeof(path), "%s/README.md", srcdir != NULL ? srcdir : ".");
	manual = read_whole(path, *state);
	if (manual.ptr == NULL) {
		print_message("%s does not exist yet\n", path);
		skip();
	}
	names = all_names(*state);
	while (span_cut(&names, '\n', &name))
		if (name.len > 0 && !has_row(manual, name, *state))
			fail_msg("no row of a table of README.md names `%.*s`", SPAN_ARG(name));
}

int test_conf_settings(void)
{
	const struct CMUnitTest tests[] = {
	    arena_test(test_what_is_required_is_enough),
	    arena_test(test_what_is_required_is_missed_by_name),
	    arena_test(test_an_empty_secret_counts_as_absent),
	    arena_test(test_the_longer_name_of_the_secret_wins),
	    arena_test(test_a_setting_that_is_refused_leaves_the_settings_alone),
	    arena_test(test_a_number_keeps_to_its_range),
	    arena_test(test_what_is_no_whole_number_is_none),
	    arena_test(test_a_mode_is_octal),
	    arena_test(test_a_day_is_kept_as_its_first_moment),
	    arena_test(test_a_flag_has_laravels_words_and_ours),
	    arena_test(test_a_word_is_one_of_its_list),
	    arena_test(test_a_weak_secret_is_refused_without_being_shown),
	    arena_test(test_weak_secrets_are_accepted_where_that_is_allowed),
	    arena_test(test_retired_secrets_have_a_maximum_and_empty_items_do_not_count),
	    arena_test(test_an_app_key_is_base64_of_32_bytes),
	    arena_test(test_an_app_key_that_can_be_guessed_is_refused),
	    arena_test(test_the_peers_that_may_connect_are_addresses),
	    arena_test(test_a_listening_address_is_a_path_an_address_or_inherit),
	    arena_test(test_a_group_must_exist),
	    arena_test(test_a_place_to_listen_is_a_path_or_a_host_with_a_port),
	    arena_test(test_every_mistake_is_told_at_once),
	    arena_test(test_an_unknown_name_of_ours_is_a_warning),
	    arena_test(test_a_login_that_cannot_be_read_is_a_warning),
	    arena_test(test_admin_is_no_guard_of_ours),
	    arena_test(test_secure_cookies_are_on_off_or_as_nginx_says),
	    arena_test(test_session_files_lie_beside_the_env_file),
	    arena_test(test_every_standard_value_passes_its_own_check),
	    arena_test(test_no_two_settings_have_one_name),
	    arena_test(test_secrets_are_never_shown),
	    arena_test(test_a_secret_that_is_not_set_is_shown_as_empty),
	    arena_test(test_the_readme_has_a_row_for_every_setting),
	};

	return unit_run("conf/settings", tests);
}
