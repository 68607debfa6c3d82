#include "provider/provider.h"

#include <stdio.h>

#include "base/bounds.h"
#include "text/percent.h"
#include "text/utf8.h"
#include "unit.h"

static const struct span instances[] = {
    SPAN("http://one:3001"), SPAN("https://two.local"), SPAN("http://three:3003/base")};

static struct provider_options options_of(const char *api_key)
{
	return (struct provider_options){
	    .instances = instances,
	    .instance_count = COUNT(instances),
	    .api_key = span_of(api_key),
	    .timeout_s = 60,
	};
}

static struct provider_session session_of(struct span session_id)
{
	return (struct provider_session){
	    .workspace_id = 3, .account_id = 7, .session_id = session_id};
}

static struct fetch_reply answer(int status, struct span body)
{
	return (struct fetch_reply){.end = FETCH_ANSWERED, .status = status, .body = body};
}

/* --- names */

static void test_every_command_of_the_outbox_is_known_by_its_name(void **state)
{
	static const struct {
		const char *name;
		enum provider_command command;
	} cases[] = {
	    {"connect", PROVIDER_CONNECT},
	    {"disconnect", PROVIDER_DISCONNECT},
	    {"reconnect", PROVIDER_RECONNECT},
	    {"regenerate-qr", PROVIDER_REGENERATE_QR},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		enum provider_command command = PROVIDER_COMMANDS;

		assert_true(provider_command_of(span_of(cases[i].name), &command));
		assert_int_equal(command, cases[i].command);
		assert_int_equal(
		    provider_begins_session(command), cases[i].command != PROVIDER_DISCONNECT);
	}
	assert_false(provider_begins_session(PROVIDER_STATUS));
}

static void test_other_names_are_no_commands(void **state)
{
	static const struct span names[] = {SPAN("status"), SPAN(""), {NULL, 0}, SPAN("Connect"),
	    SPAN("connect "), SPAN("connec"), SPAN("regenerate_qr"), SPAN("connect\0")};

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		enum provider_command command = PROVIDER_COMMANDS;

		assert_false(provider_command_of(names[i], &command));
		assert_int_equal(command, PROVIDER_COMMANDS);
	}
}

/* --- which instance */

static size_t route(struct span assigned, uint64_t workspace_id, bool *ret_ignored)
{
	const struct provider_options options = options_of("k");

	*ret_ignored = !*ret_ignored;
	return provider_route(&options, assigned, workspace_id, ret_ignored);
}

static void test_an_account_stays_with_the_instance_that_has_its_session(void **state)
{
	static const struct {
		struct span assigned;
		size_t place;
	} cases[] = {
	    {SPAN("http://one:3001"), 0},
	    {SPAN("https://two.local"), 1},
	    {SPAN("http://three:3003/base"), 2},
	    {SPAN("http://one:3001/"), 0},
	    {SPAN("http://three:3003/base//"), 2},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		for (uint64_t workspace_id = 0; workspace_id < 4; workspace_id++) {
			bool ignored = true;

			assert_int_equal(
			    route(cases[i].assigned, workspace_id, &ignored), cases[i].place);
			assert_false(ignored);
		}
}

static void test_an_account_that_is_with_nobody_goes_by_its_workspace(void **state)
{
	static const struct {
		uint64_t workspace_id;
		size_t place;
	} cases[] = {{0, 0}, {1, 1}, {2, 2}, {3, 0}, {4, 1}, {1000001, 2},
	    {UINT64_MAX, UINT64_MAX % COUNT(instances)}};
	const struct provider_options alone = {
	    .instances = instances, .instance_count = 1, .timeout_s = 60};
	bool ignored = true;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(
		    route((struct span){0}, cases[i].workspace_id, &ignored), cases[i].place);
		assert_false(ignored);
		assert_int_equal(
		    route(SPAN_OF(""), cases[i].workspace_id, &ignored), cases[i].place);
		assert_false(ignored);
		assert_int_equal(
		    provider_route(&alone, (struct span){0}, cases[i].workspace_id, &ignored), 0);
	}
}

/* That column was once filled from a header that nobody signed. */
static void test_an_instance_that_is_not_configured_is_ignored(void **state)
{
	static const struct span others[] = {SPAN("http://evil:3001"), SPAN("http://one:3002"),
	    SPAN("http://one:30011"), SPAN("http://one:300"), SPAN("HTTP://one:3001"),
	    SPAN("http://one:3001/x"), SPAN("http://one:3001?"), SPAN(" http://one:3001"),
	    SPAN("http://three:3003"), SPAN("one"), SPAN("http://one:3001\0")};

	(void)state;
	for (size_t i = 0; i < COUNT(others); i++)
		for (uint64_t workspace_id = 0; workspace_id < 4; workspace_id++) {
			bool ignored = false;

			assert_int_equal(
			    route(others[i], workspace_id, &ignored), workspace_id % 3);
			assert_true(ignored);
		}
}

/* --- requests */

static struct fetch_request request_of(
    struct arena *mem, const char *api_key, enum provider_command command, struct span session_id)
{
	const struct provider_options options = options_of(api_key);
	const struct provider_session session = session_of(session_id);
	struct fetch_request request = provider_request(&options, 0, command, &session, mem);

	assert_int_equal(request.url.ptr[request.url.len], '\0');
	assert_same(request.api_key, span_of(api_key));
	return request;
}

#define SID "webjs_3_1763100000_abcdefgh"

static void test_every_command_is_the_request_of_the_table(void **state)
{
	static const struct {
		enum provider_command command;
		const char *method;
		const char *url;
		struct span body;
		int64_t timeout_ms;
	} cases[] = {
	    {PROVIDER_CONNECT, "POST", "http://one:3001/api/sessions",
		SPAN("{\"workspace_id\":3,\"account_id\":7,\"session_id\":\"" SID
		     "\",\"api_key\":\"the key\"}"),
		60000},
	    {PROVIDER_DISCONNECT, "DELETE", "http://one:3001/api/sessions/" SID,
		SPAN("{\"workspace_id\":3,\"api_key\":\"the key\"}"), 30000},
	    {PROVIDER_RECONNECT, "POST", "http://one:3001/api/sessions/" SID "/reconnect",
		SPAN("{\"workspace_id\":3,\"account_id\":7,\"api_key\":\"the key\"}"), 60000},
	    {PROVIDER_REGENERATE_QR, "POST", "http://one:3001/api/sessions/" SID "/regenerate-qr",
		SPAN("{\"workspace_id\":3,\"account_id\":7,\"api_key\":\"the key\"}"), 60000},
	    {PROVIDER_STATUS, "GET",
		"http://one:3001/api/sessions/" SID "/status?workspace_id=3&api_key=the%20key",
		{NULL, 0}, 10000},
	};

	assert_int_equal(COUNT(cases), PROVIDER_COMMANDS);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct fetch_request request =
		    request_of(*state, "the key", cases[i].command, SPAN_OF(SID));

		assert_string_equal(request.method, cases[i].method);
		assert_same(request.url, span_of(cases[i].url));
		assert_same(request.body, cases[i].body);
		assert_int_equal(request.body.ptr == NULL, cases[i].body.ptr == NULL);
		assert_int_equal(request.timeout_ms, cases[i].timeout_ms);
		/* A QR code of every size comes back whole. */
		assert_true(request.reply_max > BOUND_QR_CODE + 1024);
	}
}

/* To begin a session twice makes two; all other requests may be repeated. */
static void test_only_what_begins_a_session_is_to_be_sent_once(void **state)
{
	for (int i = 0; i < PROVIDER_COMMANDS; i++) {
		enum provider_command command = (enum provider_command)i;

		assert_int_equal(request_of(*state, "k", command, SPAN_OF(SID)).once,
		    provider_begins_session(command));
	}
}

static void test_without_a_key_none_is_named(void **state)
{
	static const struct span bodies[PROVIDER_COMMANDS] = {
	    [PROVIDER_CONNECT] =
		SPAN("{\"workspace_id\":3,\"account_id\":7,\"session_id\":\"" SID "\"}"),
	    [PROVIDER_DISCONNECT] = SPAN("{\"workspace_id\":3}"),
	    [PROVIDER_RECONNECT] = SPAN("{\"workspace_id\":3,\"account_id\":7}"),
	    [PROVIDER_REGENERATE_QR] = SPAN("{\"workspace_id\":3,\"account_id\":7}"),
	};

	for (int i = 0; i < PROVIDER_COMMANDS; i++) {
		struct fetch_request request =
		    request_of(*state, "", (enum provider_command)i, SPAN_OF(SID));

		assert_same(request.body, bodies[i]);
		assert_false(unit_has(request.url, "api_key"));
		assert_int_equal(request.api_key.len, 0);
	}
	assert_span(request_of(*state, "", PROVIDER_STATUS, SPAN_OF(SID)).url,
	    "http://one:3001/api/sessions/" SID "/status?workspace_id=3");
}

static void test_a_request_goes_to_the_instance_that_is_named(void **state)
{
	const struct provider_options options = options_of("k");
	const struct provider_session session = session_of(SPAN_OF("s"));

	for (size_t i = 0; i < COUNT(instances); i++) {
		struct span url =
		    provider_request(&options, i, PROVIDER_DISCONNECT, &session, *state).url;

		assert_true(span_starts(url, instances[i].ptr));
		assert_same(span_from(url.ptr + instances[i].len, url.len - instances[i].len),
		    SPAN_OF("/api/sessions/s"));
	}
}

/* A name is one segment of the path, whatever it is. */
static void test_a_sessions_name_is_escaped_in_a_path_and_in_json(void **state)
{
	static const struct {
		struct span id;
		const char *segment, *json;
	} cases[] = {
	    {SPAN(".."), "..", "\"..\""},
	    {SPAN("a/b"), "a%2Fb", "\"a/b\""},
	    {SPAN("%"), "%25", "\"%\""},
	    {SPAN("%2e%2E"), "%252e%252E", "\"%2e%2E\""},
	    {SPAN("a?b#c&d=e+f g"), "a%3Fb%23c%26d%3De%2Bf%20g", "\"a?b#c&d=e+f g\""},
	    {SPAN("\"\\\n"), "%22%5C%0A", "\"\\\"\\\\\\u000a\""},
	    {SPAN("caf\xc3\xa9"), "caf%C3%A9", "\"caf\xc3\xa9\""},
	    {SPAN("A-Z_a~z.09"), "A-Z_a~z.09", "\"A-Z_a~z.09\""},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct buf want = buf_in(*state, 200);
		struct span body = request_of(*state, "k", PROVIDER_CONNECT, cases[i].id).body;

		buf_putf(&want, "http://one:3001/api/sessions/%s/reconnect", cases[i].segment);
		assert_same(
		    request_of(*state, "k", PROVIDER_RECONNECT, cases[i].id).url, buf_span(&want));
		buf_clear(&want);
		buf_putf(&want,
		    "{\"workspace_id\":3,\"account_id\":7,\"session_id\":%s,\"api_key\":\"k\"}",
		    cases[i].json);
		assert_same(body, buf_span(&want));
	}
}

static void test_a_key_is_escaped_where_it_stands(void **state)
{
	const char key[] = "a\"b\\c &d=e#%";

	assert_span(request_of(*state, key, PROVIDER_DISCONNECT, SPAN_OF("s")).body,
	    "{\"workspace_id\":3,\"api_key\":\"a\\\"b\\\\c &d=e#%\"}");
	assert_span(request_of(*state, key, PROVIDER_STATUS, SPAN_OF("s")).url,
	    "http://one:3001/api/sessions/s/status?workspace_id=3"
	    "&api_key=a%22b%5Cc%20%26d%3De%23%25");
}

static void test_the_largest_ids_and_names_fit(void **state)
{
	const struct provider_options options = {
	    .instances = instances,
	    .instance_count = 1,
	    .api_key = span_from(memset(arena_bytes(*state, 512), '"', 512), 512),
	    .timeout_s = 60,
	};
	/* Characters of four bytes, each of which is escaped. */
	char *id = arena_bytes(*state, 4 * BOUND_SESSION_ID);
	struct provider_session session = {
	    UINT64_MAX, UINT64_MAX, span_from(id, 4 * BOUND_SESSION_ID)};

	for (size_t i = 0; i < BOUND_SESSION_ID; i++)
		memcpy(id + 4 * i, "\xf0\x9f\x98\x80", 4);
	for (int i = 0; i < PROVIDER_COMMANDS; i++) {
		struct fetch_request request =
		    provider_request(&options, 0, (enum provider_command)i, &session, *state);
		struct buf segment = buf_in(*state, 16 * KIB);

		percent_put(&segment, session.session_id);
		if (i != PROVIDER_CONNECT)
			assert_true(
			    unit_has(request.url, arena_copy(*state, buf_span(&segment)).ptr));
		if (i != PROVIDER_STATUS)
			assert_true(request.body.ptr[request.body.len - 1] == '}');
		assert_true(unit_has(
		    i == PROVIDER_STATUS ? request.url : request.body, "18446744073709551615"));
	}
}

static void test_an_instance_is_given_no_longer_than_it_is_to_be(void **state)
{
	static const struct {
		uint64_t timeout_s;
		int64_t ms[PROVIDER_COMMANDS];
	} cases[] = {
	    {60, {60000, 30000, 60000, 60000, 10000}},
	    {59, {59000, 30000, 59000, 59000, 10000}},
	    {30, {30000, 30000, 30000, 30000, 10000}},
	    {20, {20000, 20000, 20000, 20000, 10000}},
	    {9, {9000, 9000, 9000, 9000, 9000}},
	    {1, {1000, 1000, 1000, 1000, 1000}},
	};
	const struct provider_session session = session_of(SPAN_OF("s"));

	for (size_t i = 0; i < COUNT(cases); i++)
		for (int c = 0; c < PROVIDER_COMMANDS; c++) {
			struct provider_options options = options_of("k");

			options.timeout_s = cases[i].timeout_s;
			assert_int_equal(provider_request(&options, 0, (enum provider_command)c,
					     &session, *state)
					     .timeout_ms,
			    cases[i].ms[c]);
		}
}

/* --- what an answer means */

#define DONE PROVIDER_DONE
#define INSTEAD PROVIDER_CONNECT_INSTEAD
#define SEND PROVIDER_SEND
#define AGAIN PROVIDER_AGAIN
#define DOUBT PROVIDER_IN_DOUBT
#define AWAY PROVIDER_AWAY
#define SETTINGS PROVIDER_SETTINGS
#define REFUSED PROVIDER_REFUSED

static void test_every_command_judges_every_answer(void **state)
{
	static const struct {
		int status;
		bool is_html;
		enum provider_verdict verdicts[PROVIDER_COMMANDS];
	} cases[] = {
	    /*              connect   disconnect reconnect regenerate status */
	    {200, false, {DONE, DONE, DONE, DONE, DONE}},
	    {201, false, {DONE, DONE, DONE, DONE, DONE}},
	    {204, false, {DONE, DONE, DONE, DONE, DONE}},
	    {299, false, {DONE, DONE, DONE, DONE, DONE}},
	    {301, false, {SETTINGS, SETTINGS, SETTINGS, SETTINGS, SETTINGS}},
	    {304, false, {SETTINGS, SETTINGS, SETTINGS, SETTINGS, SETTINGS}},
	    {400, false, {REFUSED, REFUSED, REFUSED, REFUSED, REFUSED}},
	    {401, false, {SETTINGS, SETTINGS, SETTINGS, SETTINGS, SETTINGS}},
	    {402, false, {REFUSED, REFUSED, REFUSED, REFUSED, REFUSED}},
	    {403, false, {SETTINGS, SETTINGS, SETTINGS, SETTINGS, SETTINGS}},
	    {404, false, {SETTINGS, DONE, INSTEAD, INSTEAD, SEND}},
	    {404, true, {SETTINGS, SETTINGS, INSTEAD, INSTEAD, SEND}},
	    {405, false, {REFUSED, REFUSED, REFUSED, REFUSED, REFUSED}},
	    {408, false, {AGAIN, AGAIN, AGAIN, AGAIN, AGAIN}},
	    {409, false, {REFUSED, REFUSED, REFUSED, REFUSED, REFUSED}},
	    {410, false, {REFUSED, REFUSED, REFUSED, REFUSED, REFUSED}},
	    {413, false, {REFUSED, REFUSED, REFUSED, REFUSED, REFUSED}},
	    {422, false, {REFUSED, REFUSED, REFUSED, REFUSED, REFUSED}},
	    {429, false, {AWAY, AWAY, AWAY, AWAY, AWAY}},
	    {500, false, {AGAIN, AGAIN, AGAIN, AGAIN, AGAIN}},
	    {501, false, {AGAIN, AGAIN, AGAIN, AGAIN, AGAIN}},
	    /* A gateway that gave up does not know what goes on behind it. */
	    {502, false, {DOUBT, DOUBT, DOUBT, DOUBT, DOUBT}},
	    {503, false, {AWAY, AWAY, AWAY, AWAY, AWAY}},
	    {504, false, {DOUBT, DOUBT, DOUBT, DOUBT, DOUBT}},
	    {505, false, {AGAIN, AGAIN, AGAIN, AGAIN, AGAIN}},
	    {0, false, {AGAIN, AGAIN, AGAIN, AGAIN, AGAIN}},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		for (int c = 0; c < PROVIDER_COMMANDS; c++) {
			struct fetch_reply reply = answer(cases[i].status, SPAN_OF("{}"));
			enum provider_verdict got;

			reply.is_html = cases[i].is_html;
			got = provider_judge((enum provider_command)c, &reply);
			if (got != cases[i].verdicts[c])
				fail_msg("%d to command %d is %d", cases[i].status, c, (int)got);
		}
}

static void test_no_answer_is_in_doubt_only_if_the_command_was_sent(void **state)
{
	(void)state;
	for (int c = 0; c < PROVIDER_COMMANDS; c++) {
		struct fetch_reply reply = {.end = FETCH_NOT_SENT, .why = "why"};

		assert_int_equal(provider_judge((enum provider_command)c, &reply), AWAY);
		reply.end = FETCH_LOST;
		assert_int_equal(provider_judge((enum provider_command)c, &reply), DOUBT);
	}
}

static void test_a_session_that_exists_in_name_only_is_begun_again(void **state)
{
	static const char *const dead[] = {"disconnected", "failed", "error", "not_found", "closed",
	    "destroyed", "FAILED", "Closed"};
	static const char *const alive[] = {"connected", "authenticated", "qr_scanning",
	    "connecting", "initializing", "ready", "", "disconnected ", "fail", "unknown"};
	static const char *const forms[] = {"{\"status\":\"%s\"}",
	    "{\"success\":true,\"data\":{\"status\":\"%s\"}}", "{\"session\":{\"status\":\"%s\"}}",
	    "{\"status\":\"%s\",\"data\":{\"status\":\"connected\"}}"};

	for (size_t f = 0; f < COUNT(forms); f++) {
		for (size_t i = 0; i < COUNT(dead) + COUNT(alive); i++) {
			bool is_dead = i < COUNT(dead);
			struct buf body = buf_in(*state, 200);
			struct fetch_reply reply;

			buf_putf(&body, forms[f], is_dead ? dead[i] : alive[i - COUNT(dead)]);
			reply = answer(200, buf_span(&body));
			assert_int_equal(
			    provider_judge(PROVIDER_STATUS, &reply), is_dead ? SEND : DONE);
			/* What other commands say of it does not matter. */
			assert_int_equal(provider_judge(PROVIDER_CONNECT, &reply), DONE);
		}
	}
}

static void test_a_status_that_says_nothing_is_a_session(void **state)
{
	static const struct span bodies[] = {SPAN(""), SPAN("{}"), SPAN("[]"), SPAN("garbage"),
	    SPAN("{\"status\":5}"), SPAN("{\"status\":null}"), SPAN("{\"status\":[\"failed\"]}"),
	    SPAN("[{\"status\":\"failed\"}]"), SPAN("{\"data\":\"failed\"}"),
	    SPAN("{\"status\":\"failed\""), SPAN("{\"other\":{\"status\":\"failed\"}}")};

	(void)state;
	for (size_t i = 0; i < COUNT(bodies); i++) {
		struct fetch_reply reply = answer(200, bodies[i]);

		assert_int_equal(provider_judge(PROVIDER_STATUS, &reply), DONE);
	}
}

/* --- QR codes */

static bool read_qr(struct arena *mem, struct span body, struct provider_qr *ret)
{
	struct span exact = unit_exact(body);
	struct fetch_reply reply = answer(200, exact);
	bool found = provider_read_qr(&reply, mem, ret);

	unit_exact_free(exact);
	return found;
}

static void test_a_qr_code_is_found_in_each_of_its_places(void **state)
{
	static const struct {
		struct span body;
		const char *code;
		uint64_t expires_s;
	} cases[] = {
	    {SPAN("{\"qr_code\":\"2@a\"}"), "2@a", 300},
	    {SPAN("{\"success\":true,\"data\":{\"qr_code\":\"2@b\",\"expires_in\":60}}"), "2@b",
		60},
	    {SPAN("{\"session\":{\"qr_code\":\"2@c\"},\"expires_in\":45}"), "2@c", 45},
	    {SPAN("{\"qr_code\":\"2@d\",\"data\":{\"qr_code\":\"other\"}}"), "2@d", 300},
	    {SPAN("{\"qr_code\":\"\\u0032@\\\"e\"}"), "2@\"e", 300},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct provider_qr qr;

		assert_true(read_qr(*state, cases[i].body, &qr));
		assert_same(qr.code, span_of(cases[i].code));
		assert_int_equal(qr.expires_s, cases[i].expires_s);
	}
}

static void test_without_a_qr_code_nothing_is_written(void **state)
{
	static const struct span bodies[] = {SPAN(""), SPAN("{}"), SPAN("garbage"), SPAN("[]"),
	    SPAN("{\"qr_code\":null}"), SPAN("{\"qr_code\":\"\"}"), SPAN("{\"qr_code\":5}"),
	    SPAN("{\"qr_code\":{\"a\":\"b\"}}"), SPAN("{\"qr\":\"2@a\"}"),
	    SPAN("{\"other\":{\"qr_code\":\"2@a\"}}"), SPAN("{\"qr_code\":\"2@a\""),
	    SPAN("{\"qr_code\":\"a\\u0000b\"}")};

	for (size_t i = 0; i < COUNT(bodies); i++) {
		struct provider_qr qr = {.code = SPAN("untouched"), .expires_s = 7};

		assert_false(read_qr(*state, bodies[i], &qr));
		assert_span(qr.code, "untouched");
		assert_int_equal(qr.expires_s, 7);
	}
}

static void test_a_qr_code_has_the_bound_of_its_column(void **state)
{
	for (size_t len = BOUND_QR_CODE - 1; len <= BOUND_QR_CODE + 1; len++) {
		struct buf body = buf_in(*state, BOUND_QR_CODE + 100);
		struct provider_qr qr;

		buf_puts(&body, "{\"qr_code\":\"");
		for (size_t i = 0; i < len; i++)
			buf_putc(&body, 'q');
		buf_puts(&body, "\"}");
		assert_int_equal(read_qr(*state, buf_span(&body), &qr), len <= BOUND_QR_CODE);
		if (len <= BOUND_QR_CODE)
			assert_int_equal(qr.code.len, len);
	}
}

static void test_a_time_that_is_none_is_the_standard_one(void **state)
{
	static const struct {
		const char *value;
		uint64_t expires_s;
	} cases[] = {
	    {"1", 1},
	    {"3600", 3600},
	    {"\"60\"", 60},
	    {"0", 300},
	    {"3601", 300},
	    {"-1", 300},
	    {"60.0", 300},
	    {"9223372036854775807", 300},
	    {"\"\"", 300},
	    {"\"soon\"", 300},
	    {"null", 300},
	    {"[60]", 300},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct buf body = buf_in(*state, 100);
		struct provider_qr qr;

		buf_putf(&body, "{\"qr_code\":\"2@a\",\"expires_in\":%s}", cases[i].value);
		assert_true(read_qr(*state, buf_span(&body), &qr));
		assert_int_equal(qr.expires_s, cases[i].expires_s);
	}
}

/* --- reasons */

enum { MAX = 250 };

static struct span reason_of(
    struct arena *mem, const char *api_key, int status, struct span body, size_t max)
{
	const struct provider_options options = options_of(api_key);
	struct span exact = unit_exact(body), reason;
	struct fetch_reply reply = answer(status, exact);

	reason = provider_reason(&options, &reply, max, mem);
	unit_exact_free(exact);
	return reason;
}

static void test_a_reason_is_the_answers_beginning(void **state)
{
	const struct provider_options options = options_of("key");
	const struct fetch_reply lost = {.end = FETCH_LOST, .why = "Timeout was reached"};

	assert_span(reason_of(*state, "key", 422, SPAN_OF("{\"error\":\"Session exists\"}\n"), MAX),
	    "HTTP 422: {\"error\":\"Session exists\"} ");
	assert_span(reason_of(*state, "", 500, SPAN_OF(""), MAX), "HTTP 500");
	assert_span(
	    provider_reason(&options, &lost, MAX, *state), "no answer: Timeout was reached");
}

/* Some servers repeat what they were sent. */
static void test_a_reason_never_holds_the_key(void **state)
{
	static const struct {
		const char *key;
		struct span body;
		const char *reason;
	} cases[] = {
	    {"s3cret", SPAN("s3cret"), "HTTP 400: ******"},
	    {"s3cret", SPAN("{\"api_key\":\"s3cret\",\"again\":\"s3crets3cret\"}"),
		"HTTP 400: {\"api_key\":\"******\",\"again\":\"************\"}"},
	    {"s3cret", SPAN("s3cre S3CRET s3cres3cret"), "HTTP 400: s3cre S3CRET s3cre******"},
	    {"aa", SPAN("aaaaa"), "HTTP 400: ****a"},
	    {"a b", SPAN("x a b y"), "HTTP 400: x *** y"},
	    {"HTTP", SPAN("HTTP"), "HTTP 400: ****"},
	    {"a  b", SPAN("x a  b"), "HTTP 400: x ****"},
	    {"a b/c+", SPAN("GET /?api_key=a%20b%2Fc%2B&x"),
		"HTTP 400: GET /?api_key=************&x"},
	    {"a/b", SPAN("{\"api_key\":\"a\\/b\"}"), "HTTP 400: {\"api_key\":\"****\"}"},
	    {"", SPAN("x"), "HTTP 400: x"},
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		assert_same(reason_of(*state, cases[i].key, 400, cases[i].body, MAX),
		    span_of(cases[i].reason));
}

/* All but the end of a key is as good as all of it. */
static void test_a_key_that_is_cut_off_is_masked_too(void **state)
{
	static const char key[] = "0123456789abcdef";

	for (size_t before = 0; before < 3000; before++) {
		struct buf body = buf_in(*state, 4096);
		struct span reason;

		for (size_t i = 0; i < before; i++)
			buf_putc(&body, i % 2 ? ' ' : '.');
		buf_puts(&body, key);
		reason = reason_of(*state, key, 422, buf_span(&body), MAX);
		assert_false(unit_has(reason, "0"));
		/* Blanks are taken together: what stands far behind may come into sight. */
		buf_clear(&body);
		for (size_t i = 0; i < before; i++)
			buf_putc(&body, ' ');
		buf_puts(&body, key);
		reason = reason_of(*state, key, 422, buf_span(&body), MAX);
		assert_false(unit_has(reason, "0"));
		arena_reset(*state);
	}
}

/* Whatever writer has repeated it. */
static void test_a_key_that_is_escaped_is_masked_too(void **state)
{
	static const struct {
		const char *key;
		const char *answer;
	} rows[] = {
	    {"s3c\"ret\\key", "{\"api_key\":\"s3c\\\"ret\\\\key\"}"},
	    {"s3c/ret", "{\"api_key\":\"s3c\\/ret\"}"},
	    {"s3c ret+key", "Cannot GET /x?api_key=s3c%20ret%2Bkey"},
	    {"s3c  ret", "key s3c  ret"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct provider_options options = {
		    .instance_count = 1, .api_key = span_of(rows[i].key)};
		const struct fetch_reply reply = {
		    .end = FETCH_ANSWERED, .status = 400, .body = span_of(rows[i].answer)};

		assert_false(unit_has(provider_reason(&options, &reply, 250, *state), "ret"));
	}
}

static void test_a_reason_is_a_line_within_its_bound_whatever_the_answer_is(void **state)
{
	static const char key[] = "0123456789abcdef0123";
	struct unit_random random = {0};

	for (int round = 0; round < 3000; round++) {
		size_t max = 16 + unit_random_below(&random, MAX);
		struct buf body = buf_in(*state, 4096);
		struct span reason;

		while (body.len < 300) {
			if (unit_random_below(&random, 20) == 0)
				buf_puts(&body, key);
			buf_putc(&body,
			    " ab\n\xff\xc3\xa9\xe2\x82\xac\x1b"[unit_random_below(&random, 11)]);
		}
		reason = reason_of(*state, key, 500, buf_span(&body), max);
		assert_true(reason.len <= max && utf8_valid(reason));
		assert_false(unit_has(reason, key));
		for (size_t i = 0; i < reason.len; i++)
			assert_true((unsigned char)reason.ptr[i] >= 0x20 && reason.ptr[i] != 0x7f);
		arena_reset(*state);
	}
}

int main(void)
{
	const struct CMUnitTest name_tests[] = {
	    cmocka_unit_test(test_every_command_of_the_outbox_is_known_by_its_name),
	    cmocka_unit_test(test_other_names_are_no_commands),
	    cmocka_unit_test(test_an_account_stays_with_the_instance_that_has_its_session),
	    cmocka_unit_test(test_an_account_that_is_with_nobody_goes_by_its_workspace),
	    cmocka_unit_test(test_an_instance_that_is_not_configured_is_ignored),
	};
	const struct CMUnitTest request_tests[] = {
	    arena_test(test_every_command_is_the_request_of_the_table),
	    arena_test(test_only_what_begins_a_session_is_to_be_sent_once),
	    arena_test(test_without_a_key_none_is_named),
	    arena_test(test_a_request_goes_to_the_instance_that_is_named),
	    arena_test(test_a_sessions_name_is_escaped_in_a_path_and_in_json),
	    arena_test(test_a_key_is_escaped_where_it_stands),
	    arena_test(test_the_largest_ids_and_names_fit),
	    arena_test(test_an_instance_is_given_no_longer_than_it_is_to_be),
	};
	const struct CMUnitTest answer_tests[] = {
	    cmocka_unit_test(test_every_command_judges_every_answer),
	    cmocka_unit_test(test_no_answer_is_in_doubt_only_if_the_command_was_sent),
	    arena_test(test_a_session_that_exists_in_name_only_is_begun_again),
	    cmocka_unit_test(test_a_status_that_says_nothing_is_a_session),
	    arena_test(test_a_qr_code_is_found_in_each_of_its_places),
	    arena_test(test_without_a_qr_code_nothing_is_written),
	    arena_test(test_a_qr_code_has_the_bound_of_its_column),
	    arena_test(test_a_time_that_is_none_is_the_standard_one),
	    arena_test(test_a_reason_is_the_answers_beginning),
	    arena_test(test_a_reason_never_holds_the_key),
	    arena_test(test_a_key_that_is_cut_off_is_masked_too),
	    arena_test(test_a_key_that_is_escaped_is_masked_too),
	    arena_test(test_a_reason_is_a_line_within_its_bound_whatever_the_answer_is),
	};

	return unit_run("provider, instances", name_tests) +
	       unit_run("provider, requests", request_tests) +
	       unit_run("provider, answers", answer_tests);
}
