/* settings: whom the relay speaks to. */
#include "conf/settings.h"

#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "conf_tests.h"
#include "unit.h"

#define REVERB \
	"BROADCAST_CONNECTION=reverb\nREVERB_APP_ID=1\nREVERB_APP_KEY=k\nREVERB_APP_SECRET=s\n" \
	"REVERB_HOST=ws.local\n"
#define PUSHER \
	"BROADCAST_CONNECTION=pusher\nPUSHER_APP_ID=1\nPUSHER_APP_KEY=k\nPUSHER_APP_SECRET=s\n"

/* A setting of `more` with a value that is not plain text. */
static const char *with(struct arena *mem, const char *more, const char *name, const char *value)
{
	struct buf text = buf_in(mem, 4096);

	buf_putf(&text, "%s%s=\"%s\"", more, name, value);
	return arena_copy(mem, buf_span(&text)).ptr;
}

/* --- standard values */

static void test_the_relay_has_its_standard_values(void **state)
{
	struct settings s = conf_tests_settings(*state, "");

	assert_true(s.relay);
	assert_int_equal(s.relay_poll_ms, 1000);
	assert_int_equal(s.broadcast_connection, CONF_BROADCAST_NULL);
	assert_int_equal(s.broadcast_max_bytes, 10000);
	assert_int_equal(s.node_concurrency, 4);
	assert_int_equal(s.node_timeout_s, 60);
	assert_int_equal(s.outbox_attempts, 12);
	assert_int_equal(s.outbox_keep_s, 604800);
	assert_int_equal(s.node_api_key.len, 0);
	assert_int_equal(s.ca_file.len, 0);
	assert_int_equal(s.instance_count, 1);
	assert_span(s.instances[0], "http://localhost:3001");
}

static void test_each_number_of_the_relay_keeps_to_its_range(void **state)
{
	static const struct {
		const char *name;
		unsigned long long from, to;
	} numbers[] = {
	    {"WA_RELAY_POLL", 50, 60000},
	    {"WA_BROADCAST_MAX_BYTES", 1000, 1048576},
	    {"WA_NODE_CONCURRENCY", 1, 64},
	    {"WA_NODE_TIMEOUT", 1, 60},
	    {"WA_OUTBOX_ATTEMPTS", 1, 1000},
	    {"WA_OUTBOX_KEEP", 1, 31536000},
	    {"WHATSAPP_INSTANCE_COUNT", 1, BOUND_INSTANCES},
	    {"REVERB_PORT", 1, 65535},
	    {"PUSHER_PORT", 1, 65535},
	};

	for (size_t i = 0; i < COUNT(numbers); i++) {
		const unsigned long long good[] = {numbers[i].from, numbers[i].to},
					 bad[] = {numbers[i].from - 1, numbers[i].to + 1};
		char line[64];

		for (size_t k = 0; k < 2; k++) {
			snprintf(line, sizeof(line), "%s=%llu", numbers[i].name, good[k]);
			conf_tests_settings(*state, line);
			snprintf(line, sizeof(line), "%s=%llu", numbers[i].name, bad[k]);
			assert_true(unit_has(
			    conf_tests_mistake(*state, line), "it must be a whole number from"));
		}
	}
}

/* --- the broadcaster */

static void test_events_go_where_laravels_go(void **state)
{
	static const struct {
		const char *text;
		enum conf_broadcast connection;
	} cases[] = {
	    {"BROADCAST_CONNECTION=log", CONF_BROADCAST_LOG},
	    {"BROADCAST_CONNECTION=null", CONF_BROADCAST_NULL},
	    {"BROADCAST_CONNECTION=", CONF_BROADCAST_NULL},
	    {"BROADCAST_DRIVER=log", CONF_BROADCAST_LOG},
	    {"BROADCAST_DRIVER=null", CONF_BROADCAST_NULL},
	    {"BROADCAST_CONNECTION=log\nBROADCAST_DRIVER=redis", CONF_BROADCAST_LOG},
	    {REVERB, CONF_BROADCAST_REVERB},
	    {PUSHER, CONF_BROADCAST_PUSHER},
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		assert_int_equal(conf_tests_settings(*state, cases[i].text).broadcast_connection,
		    cases[i].connection);
}

static void test_a_broadcaster_that_we_do_not_speak_is_a_mistake(void **state)
{
	assert_span(conf_tests_mistake(*state, "BROADCAST_CONNECTION=redis"),
	    "BROADCAST_CONNECTION is \"redis\"; it must be one of null|log|reverb|pusher");
	assert_true(unit_has(conf_tests_mistake(*state, "BROADCAST_DRIVER=ably"), "\"ably\""));
}

static void test_reverb_is_read_whole(void **state)
{
	struct settings s = conf_tests_settings(*state, REVERB);

	assert_span(s.reverb.app_id, "1");
	assert_span(s.reverb.key, "k");
	assert_span(s.reverb.secret, "s");
	assert_span(s.reverb.host, "ws.local");
	assert_int_equal(s.reverb.port, 443);
	assert_int_equal(s.reverb.scheme, CONF_HTTPS);
	s = conf_tests_settings(*state, REVERB "REVERB_PORT=8080\nREVERB_SCHEME=http");
	assert_int_equal(s.reverb.port, 8080);
	assert_int_equal(s.reverb.scheme, CONF_HTTP);
}

static void test_what_reverb_needs_is_missed(void **state)
{
	static const char *const missing[] = {
	    "REVERB_APP_ID=", "REVERB_APP_KEY=", "REVERB_APP_SECRET=", "REVERB_HOST="};

	for (size_t i = 0; i < COUNT(missing); i++) {
		struct buf text = buf_in(*state, 1024);
		struct span lines = SPAN_OF(REVERB), line;

		/* All lines but that one; and that one, but empty. */
		while (span_cut(&lines, '\n', &line))
			if (!span_starts(line, missing[i]))
				buf_putf(&text, "%.*s\n", SPAN_ARG(line));
		assert_span(conf_tests_mistake(*state, arena_copy(*state, buf_span(&text)).ptr),
		    "events are to go to REVERB, and one of REVERB_APP_ID, REVERB_APP_KEY, "
		    "REVERB_APP_SECRET and REVERB_HOST is not set; copy them from the "
		    "application's .env");
		buf_puts(&text, missing[i]);
		assert_true(
		    span_starts(conf_tests_mistake(*state, arena_copy(*state, buf_span(&text)).ptr),
			"events are to go to REVERB, and one of "));
	}
}

static void test_the_broadcaster_that_is_not_used_may_be_incomplete(void **state)
{
	conf_tests_settings(*state, "REVERB_APP_ID=1\nPUSHER_APP_KEY=k");
	conf_tests_settings(*state, PUSHER "REVERB_HOST=a/b");
	conf_tests_settings(*state, REVERB "PUSHER_HOST=a/b");
	conf_tests_settings(*state, "BROADCAST_CONNECTION=log\nREVERB_HOST=a/b");
}

static void test_pushers_host_is_its_clusters(void **state)
{
	struct settings s = conf_tests_settings(*state, PUSHER);

	assert_span(s.pusher.host, "api-mt1.pusher.com");
	assert_int_equal(s.pusher.port, 443);
	assert_int_equal(s.pusher.scheme, CONF_HTTPS);
	assert_span(conf_tests_settings(*state, PUSHER "PUSHER_APP_CLUSTER=eu").pusher.host,
	    "api-eu.pusher.com");
	s = conf_tests_settings(*state, PUSHER
	    "PUSHER_APP_CLUSTER=eu\nPUSHER_HOST=soketi\nPUSHER_PORT=6001\nPUSHER_SCHEME=http");
	assert_span(s.pusher.host, "soketi");
	assert_int_equal(s.pusher.port, 6001);
	assert_int_equal(s.pusher.scheme, CONF_HTTP);
	assert_true(
	    span_starts(conf_tests_mistake(*state, "BROADCAST_CONNECTION=pusher\nPUSHER_APP_ID=1"),
		"events are to go to PUSHER, and one of PUSHER_APP_ID, "));
}

static void test_a_host_is_a_host_alone(void **state)
{
	static const char *const wrong[] = {"http://ws.local", "ws.local/x", "ws.local?x",
	    "ws.local#x", "user@ws.local", "ws local", "ws\\tlocal", "caf\xc3\xa9.local",
	    "ws.local\\\\", "ws.local:8080", "::1", "[::1]:8080"};
	static const char *const right[] = {"ws.local", "10.0.0.1", "[::1]", "LOCALHOST"};

	for (size_t i = 0; i < COUNT(wrong); i++) {
		assert_true(unit_has(
		    conf_tests_mistake(*state, with(*state, REVERB, "REVERB_HOST", wrong[i])),
		    "it must be the name or address of a host alone"));
		assert_true(span_starts(
		    conf_tests_mistake(*state, with(*state, PUSHER, "PUSHER_HOST", wrong[i])),
		    "PUSHER_HOST is "));
	}
	for (size_t i = 0; i < COUNT(right); i++)
		assert_same(
		    conf_tests_settings(*state, with(*state, REVERB, "REVERB_HOST", right[i]))
			.reverb.host,
		    span_of(right[i]));
}

/* --- the instances of the Node service */

static void test_there_are_as_many_instances_as_are_counted(void **state)
{
	struct settings s = conf_tests_settings(*state,
	    "WHATSAPP_INSTANCE_COUNT=4\nWHATSAPP_INSTANCE_2=https://two.local/\n"
	    "WHATSAPP_INSTANCE_4=http://four:80/base//\nWHATSAPP_INSTANCE_5=no url");

	assert_int_equal(s.instance_count, 4);
	assert_span(s.instances[0], "http://localhost:3001");
	assert_span(s.instances[1], "https://two.local");
	assert_span(s.instances[2], "http://localhost:3003");
	assert_span(s.instances[3], "http://four:80/base");
}

static void test_as_many_instances_as_may_be_have_each_their_own(void **state)
{
	struct buf text = buf_in(*state, 16 * KIB);
	struct settings s;

	buf_putf(&text, "WHATSAPP_INSTANCE_COUNT=%d\n", BOUND_INSTANCES);
	for (int i = 1; i <= BOUND_INSTANCES; i++)
		buf_putf(&text, "WHATSAPP_INSTANCE_%d=http://node-%d:3000\n", i, i);
	s = conf_tests_settings(*state, arena_copy(*state, buf_span(&text)).ptr);
	for (int i = 1; i <= BOUND_INSTANCES; i++) {
		char url[64];

		snprintf(url, sizeof(url), "http://node-%d:3000", i);
		assert_same(s.instances[i - 1], span_of(url));
	}
}

static void test_an_instance_is_a_url(void **state)
{
	static const char *const wrong[] = {"localhost:3001", "//localhost", "http://", "https://",
	    "ftp://node", "HTTP://node", "http://node?x", "http://node#x", "http://no de",
	    "http://caf\xc3\xa9", "http://node\\n", "http:/node", "x"};
	char longer[300];

	for (size_t i = 0; i < COUNT(wrong); i++) {
		struct span what =
		    conf_tests_mistake(*state, with(*state, "", "WHATSAPP_INSTANCE_1", wrong[i]));

		assert_true(span_starts(what, "WHATSAPP_INSTANCE_1 is \""));
		assert_true(unit_has(what, "it must be the URL of an instance, http://HOST:PORT"));
	}
	memset(longer, 'a', sizeof(longer));
	memcpy(longer, "http://", 7);
	longer[256] = '\0';
	conf_tests_mistake(*state, with(*state, "", "WHATSAPP_INSTANCE_1", longer));
	longer[255] = '\0';
	conf_tests_settings(*state, with(*state, "", "WHATSAPP_INSTANCE_1", longer));
}

static void test_a_mistake_of_an_instance_is_told_where_it_stands(void **state)
{
	struct conf_tests_outcome outcome;

	conf_tests_read(*state,
	    REQUIRED "WHATSAPP_INSTANCE_COUNT=2\nWHATSAPP_INSTANCE_2=x\nWHATSAPP_INSTANCE_1=y",
	    NULL, &outcome);
	assert_int_equal(outcome.rc, RC_INVALID);
	assert_span(outcome.mistakes.first->where, "FILE:6");
	assert_span(outcome.mistakes.first->next->where, "FILE:5");
	assert_null(outcome.mistakes.first->next->next);
}

static void test_a_count_that_is_none_is_the_one_mistake(void **state)
{
	assert_true(span_starts(
	    conf_tests_mistake(*state, "WHATSAPP_INSTANCE_COUNT=0\nWHATSAPP_INSTANCE_1=x"),
	    "WHATSAPP_INSTANCE_COUNT is \"0\""));
	assert_true(span_starts(conf_tests_mistake(*state, "WHATSAPP_INSTANCE_COUNT=many"),
	    "WHATSAPP_INSTANCE_COUNT is \"many\""));
}

/* --- the key and the certificates */

static void test_the_key_has_two_names(void **state)
{
	assert_span(conf_tests_settings(*state, "LARAVEL_API_TOKEN=b").node_api_key, "b");
	assert_span(conf_tests_settings(*state, "LARAVEL_API_TOKEN=b\nWHATSAPP_NODE_API_KEY=a")
			.node_api_key,
	    "a");
	assert_span(
	    conf_tests_settings(*state, "LARAVEL_API_TOKEN=b\nWHATSAPP_NODE_API_KEY=").node_api_key,
	    "b");
}

static void test_a_key_is_what_a_header_may_hold(void **state)
{
	static const char *const wrong[] = {
	    "a\\nX-Other: b", "a\\rb", "a\\tb", "caf\xc3\xa9", "a\x7f", "\x01"};
	char longer[600];

	for (size_t i = 0; i < COUNT(wrong); i++) {
		struct span what =
		    conf_tests_mistake(*state, with(*state, "", "WHATSAPP_NODE_API_KEY", wrong[i]));

		/* It is not shown. */
		assert_span(
		    what, "WHATSAPP_NODE_API_KEY must be at most 512 characters of plain ASCII");
		conf_tests_mistake(*state, with(*state, "", "LARAVEL_API_TOKEN", wrong[i]));
	}
	memset(longer, 'k', sizeof(longer));
	longer[513] = '\0';
	conf_tests_mistake(*state, with(*state, "", "WHATSAPP_NODE_API_KEY", longer));
	longer[512] = '\0';
	assert_int_equal(
	    conf_tests_settings(*state, with(*state, "", "WHATSAPP_NODE_API_KEY", longer))
		.node_api_key.len,
	    512);
}

static void test_a_file_of_certificates_must_be_readable(void **state)
{
	struct unit_folder folder = unit_folder_create();
	struct settings s;
	char line[128];
	FILE *file;

	snprintf(line, sizeof(line), "WA_CA_FILE=%s/ca.pem", folder.path);
	assert_true(unit_has(
	    conf_tests_mistake(*state, line), "ca.pem cannot be read: No such file or directory"));
	file = fopen(line + strlen("WA_CA_FILE="), "we");
	assert_non_null(file);
	fclose(file);
	s = conf_tests_settings(*state, line);
	assert_string_equal(s.ca_file.ptr, line + strlen("WA_CA_FILE="));
	unit_folder_remove(&folder);
}

/* --- warnings */

/* The warnings of what is required, APP_KEY, and `more`, each with a line break behind it. */
static struct span warnings_of(struct arena *mem, const char *more)
{
	struct buf text = buf_in(mem, 4096), all = buf_in(mem, 4096);
	struct conf_tests_outcome outcome;

	buf_putf(&text, "%sAPP_KEY=%s\n%s", REQUIRED, KEY, more);
	conf_tests_read(mem, arena_copy(mem, buf_span(&text)).ptr, NULL, &outcome);
	assert_int_equal(outcome.rc, RC_OK);
	for (const struct conf_mistake *m = outcome.warnings.first; m != NULL; m = m->next)
		buf_putf(&all, "%.*s: %.*s\n", SPAN_ARG(m->where), SPAN_ARG(m->what));
	return arena_copy(mem, buf_span(&all));
}

#define NO_BROADCAST \
	"FILE: BROADCAST_CONNECTION is not set: browsers are told of nothing, as with null; copy " \
	"it and REVERB_* or PUSHER_* from the application's .env\n"
#define NO_KEY \
	"FILE: WHATSAPP_NODE_API_KEY is not set: the Node.js service will refuse our commands; it " \
	"is the key that the service expects in X-API-Key\n"

static void test_a_relay_that_can_tell_nobody_is_a_warning(void **state)
{
	assert_span(warnings_of(*state, ""), NO_BROADCAST NO_KEY);
	assert_span(warnings_of(*state, "WHATSAPP_NODE_API_KEY=k"), NO_BROADCAST);
	assert_span(warnings_of(*state, "LARAVEL_API_TOKEN=k"), NO_BROADCAST);
	assert_span(warnings_of(*state, REVERB), NO_KEY);
	assert_span(warnings_of(*state, PUSHER "LARAVEL_API_TOKEN=k"), "");
}

static void test_who_says_null_means_it(void **state)
{
	static const char *const texts[] = {"BROADCAST_CONNECTION=null", "BROADCAST_CONNECTION=log",
	    "BROADCAST_DRIVER=null", "BROADCAST_DRIVER=log"};

	for (size_t i = 0; i < COUNT(texts); i++)
		assert_span(warnings_of(*state, texts[i]), NO_KEY);
}

static void test_without_a_relay_there_is_nothing_to_warn_of(void **state)
{
	assert_span(warnings_of(*state, "WA_RELAY=off"), "");
	assert_false(conf_tests_settings(*state, "WA_RELAY=off").relay);
}

/* --- what is shown */

static void keep_row(
    void *ctx, const char *name, struct span value, struct span source, const char *help)
{
	struct buf *all = ctx;

	(void)help;
	buf_putf(all, "%s=%.*s (%.*s)\n", name, SPAN_ARG(value), SPAN_ARG(source));
}

static void test_each_instance_is_shown_with_its_source(void **state)
{
	struct buf all = buf_in(*state, 64 * KIB);
	struct conf_tests_outcome outcome;

	conf_tests_read(*state,
	    REQUIRED "WHATSAPP_INSTANCE_COUNT=2\nWHATSAPP_INSTANCE_2=http://two/\n" REVERB, NULL,
	    &outcome);
	settings_each(&outcome.settings, outcome.env, *state, keep_row, &all);
	assert_true(unit_has(buf_span(&all), "\nWHATSAPP_INSTANCE_COUNT=2 (FILE:4)\n"));
	assert_true(unit_has(buf_span(&all),
	    "\nWHATSAPP_INSTANCE_1=http://localhost:3001 (standard)\n"
	    "WHATSAPP_INSTANCE_2=http://two (FILE:5)\n"));
	assert_true(unit_has(buf_span(&all), "\nBROADCAST_CONNECTION=reverb (FILE:6)\n"));
	assert_true(unit_has(buf_span(&all), "\nREVERB_APP_SECRET=(set) (FILE:9)\n"));
	assert_true(unit_has(buf_span(&all), "\nREVERB_SCHEME=https (standard)\n"));
	assert_true(unit_has(buf_span(&all), "\nPUSHER_APP_SECRET=(empty) (standard)\n"));
	assert_true(unit_has(buf_span(&all), "\nWA_RELAY=on (standard)\n"));
}

static bool is_refused(struct arena *mem, const char *more)
{
	char text[2048];
	struct conf_tests_outcome outcome;

	snprintf(text, sizeof(text), "%s%s", REQUIRED, more);
	conf_tests_read(mem, text, NULL, &outcome);
	return outcome.rc != RC_OK;
}

static void test_slashes_are_no_instance(void **state)
{
	assert_true(is_refused(*state, "WHATSAPP_INSTANCE_1=http:///"));
	assert_true(is_refused(*state, "WHATSAPP_INSTANCE_1=http:///path"));
}

static void test_a_folder_is_no_file_of_certificates(void **state)
{
	assert_true(is_refused(*state, "WA_CA_FILE=/tmp"));
}

static void test_a_cluster_that_makes_no_host_is_refused(void **state)
{
	char line[600];

	snprintf(line, sizeof(line),
	    "BROADCAST_CONNECTION=pusher\nPUSHER_APP_ID=1\nPUSHER_APP_KEY=k\n"
	    "PUSHER_APP_SECRET=s\nPUSHER_APP_CLUSTER=%0300d",
	    1);
	assert_true(is_refused(*state, line));
}

/* "Every text ends with a NUL behind its span." */
static void test_every_instance_ends_with_a_nul(void **state)
{
	struct settings s = conf_tests_settings(
	    *state, "WHATSAPP_INSTANCE_COUNT=2\nWHATSAPP_INSTANCE_2=http://two/");

	for (size_t i = 0; i < 2; i++)
		assert_int_equal(s.instances[i].ptr[s.instances[i].len], '\0');
}

int test_conf_relay(void)
{
	const struct CMUnitTest tests[] = {
	    arena_test(test_the_relay_has_its_standard_values),
	    arena_test(test_each_number_of_the_relay_keeps_to_its_range),
	    arena_test(test_events_go_where_laravels_go),
	    arena_test(test_a_broadcaster_that_we_do_not_speak_is_a_mistake),
	    arena_test(test_reverb_is_read_whole),
	    arena_test(test_what_reverb_needs_is_missed),
	    arena_test(test_the_broadcaster_that_is_not_used_may_be_incomplete),
	    arena_test(test_pushers_host_is_its_clusters),
	    arena_test(test_a_host_is_a_host_alone),
	    arena_test(test_there_are_as_many_instances_as_are_counted),
	    arena_test(test_as_many_instances_as_may_be_have_each_their_own),
	    arena_test(test_an_instance_is_a_url),
	    arena_test(test_a_mistake_of_an_instance_is_told_where_it_stands),
	    arena_test(test_a_count_that_is_none_is_the_one_mistake),
	    arena_test(test_the_key_has_two_names),
	    arena_test(test_a_key_is_what_a_header_may_hold),
	    arena_test(test_a_file_of_certificates_must_be_readable),
	    arena_test(test_a_relay_that_can_tell_nobody_is_a_warning),
	    arena_test(test_who_says_null_means_it),
	    arena_test(test_without_a_relay_there_is_nothing_to_warn_of),
	    arena_test(test_each_instance_is_shown_with_its_source),
	    arena_test(test_slashes_are_no_instance),
	    arena_test(test_a_folder_is_no_file_of_certificates),
	    arena_test(test_a_cluster_that_makes_no_host_is_refused),
	    arena_test(test_every_instance_ends_with_a_nul),
	};

	return unit_run("conf/settings, the relay", tests);
}
