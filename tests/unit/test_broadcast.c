#include "broadcast/broadcast.h"

#include <stdio.h>

#include "base/bounds.h"
#include "base/now.h"
#include "crypto/digest.h"
#include "crypto/hmac.h"
#include "text/hex.h"
#include "text/json.h"
#include "unit.h"

#define KEY "278d425bdf160c739803"
#define SECRET "7ad3773142a6692b25b8"

enum { THEN = 1353088179 };

/* The application of Pusher's own examples. */
static struct broadcast_options app(void)
{
	return (struct broadcast_options){
	    .app_id = SPAN("3"),
	    .key = SPAN(KEY),
	    .secret = SPAN(SECRET),
	    .scheme = SPAN("http"),
	    .host = SPAN("reverb.local"),
	    .port = 8080,
	    .max_bytes = 10000,
	};
}

static struct span hmac_hex(struct arena *mem, struct span secret, struct span text)
{
	struct hmac_key *key = hmac_key_create(secret);
	char *hex = arena_bytes(mem, 2 * HMAC_SIZE);
	unsigned char code[HMAC_SIZE];

	assert_non_null(key);
	assert_int_equal(hmac_sign(key, text, SPAN_OF(""), code), RC_OK);
	hmac_key_free(key);
	hex_encode(code, HMAC_SIZE, hex);
	return span_from(hex, 2 * HMAC_SIZE);
}

/* --- the signature */

static struct span query_of(struct arena *mem, const struct broadcast_options *options,
    struct span path, int64_t now_s, struct span body)
{
	struct broadcast *b = broadcast_create(options);
	struct buf query = buf_in(mem, 4096);

	assert_non_null(b);
	assert_int_equal(broadcast_sign(b, path, now_s, body, mem, &query), RC_OK);
	broadcast_free(b);
	return buf_span(&query);
}

/* https://pusher.com/docs/channels/library_auth_reference/rest-api/#worked-authentication-example
 */
static void test_the_signature_is_that_of_pushers_example(void **state)
{
	const struct broadcast_options options = app();

	assert_span(query_of(*state, &options, SPAN_OF("/apps/3/events"), THEN,
			SPAN_OF("{\"name\":\"foo\",\"channels\":[\"project-3\"],"
				"\"data\":\"{\\\"some\\\":\\\"data\\\"}\"}")),
	    "auth_key=" KEY
	    "&auth_timestamp=1353088179&auth_version=1.0"
	    "&body_md5=ec365a775a4cd0599faeb73354201b6f"
	    "&auth_signature=da454824c97ba181a32ccc17a72625ba02771f50b50e1e7430e47a1f3f457e6c");
}

static void test_a_key_is_signed_as_it_is_and_sent_escaped(void **state)
{
	struct broadcast_options options = app();

	options.key = SPAN_OF("k/+ &");
	assert_span(query_of(*state, &options, SPAN_OF("/apps/a%2Fb/events"), 5, SPAN_OF("{}")),
	    "auth_key=k%2F%2B%20%26&auth_timestamp=5&auth_version=1.0"
	    "&body_md5=99914b932bd37a50b983c5e7c90ae93b"
	    "&auth_signature=4b1f3e116d39cff7a4e4242e02f06a82c185722304d1a760a16629d5d3b33600");
}

static void test_path_body_time_and_secret_are_all_signed(void **state)
{
	struct broadcast_options options = app();
	struct span queries[5];

	queries[0] = query_of(*state, &options, SPAN_OF("/a"), THEN, SPAN_OF("{}"));
	queries[1] = query_of(*state, &options, SPAN_OF("/b"), THEN, SPAN_OF("{}"));
	queries[2] = query_of(*state, &options, SPAN_OF("/a"), THEN + 1, SPAN_OF("{}"));
	queries[3] = query_of(*state, &options, SPAN_OF("/a"), THEN, SPAN_OF("{ }"));
	options.secret = SPAN_OF("another");
	queries[4] = query_of(*state, &options, SPAN_OF("/a"), THEN, SPAN_OF("{}"));
	for (size_t i = 0; i < COUNT(queries); i++)
		for (size_t k = 0; k < i; k++)
			assert_false(span_eq(span_from(queries[i].ptr + queries[i].len - 64, 64),
			    span_from(queries[k].ptr + queries[k].len - 64, 64)));
}

static void test_a_query_that_does_not_fit_is_no_query(void **state)
{
	const struct broadcast_options options = app();
	struct broadcast *b = broadcast_create(&options);
	struct buf query = buf_in(*state, 100);

	assert_int_equal(
	    broadcast_sign(b, SPAN_OF("/a"), THEN, SPAN_OF("{}"), *state, &query), RC_INTERNAL);
	broadcast_free(b);
}

/* --- requests */

#define STATUS_PAYLOAD "{\"account_id\":\"webjs_5_1_a\",\"status\":\"connected\"}"

static struct broadcast_event status_event(struct span payload)
{
	return (struct broadcast_event){
	    .name = SPAN("account-status-changed"), .payload = payload, .workspace_id = 5};
}

static struct broadcast_event qr_event(struct span payload, struct span qr_code)
{
	return (struct broadcast_event){
	    .name = SPAN("qr-code-generated"),
	    .payload = payload,
	    .workspace_id = 5,
	    .qr_code = qr_code,
	    .qr_left_us = 300 * US_PER_S,
	};
}

struct made {
	enum rc rc;
	struct fetch_request request;
	bool reduced;
};

static struct made make(
    struct arena *mem, const struct broadcast_options *options, const struct broadcast_event *event)
{
	struct broadcast *b = broadcast_create(options);
	struct made made;

	assert_non_null(b);
	made.rc = broadcast_request(b, event, THEN, mem, &made.request, &made.reduced);
	broadcast_free(b);
	return made;
}

/* As a server counts: everything that comes over the connection. */
static size_t size_of(const struct fetch_request *request)
{
	return FETCH_HEAD_MAX + request->url.len + request->body.len;
}

static void test_an_event_is_a_signed_post_to_its_applications_events(void **state)
{
	const struct broadcast_options options = app();
	const struct broadcast_event event = status_event(SPAN_OF(STATUS_PAYLOAD));
	struct made made = make(*state, &options, &event);

	assert_int_equal(made.rc, RC_OK);
	assert_false(made.reduced);
	assert_string_equal(made.request.method, "POST");
	assert_span(made.request.body,
	    "{\"name\":\"account-status-changed\",\"channels\":[\"private-workspace.5\"],"
	    "\"data\":\"{\\\"account_id\\\":\\\"webjs_5_1_a\\\",\\\"status\\\":\\\"connected\\\"}\"}");
	assert_span(made.request.url,
	    "http://reverb.local:8080/apps/3/events?auth_key=" KEY
	    "&auth_timestamp=1353088179&auth_version=1.0&body_md5=9e3312a752fd81d888d1c99a67fd04a6"
	    "&auth_signature=708c89706b0a93bd3ccbf8602b4a8554d9b459582392a47b10f9e91878c34a5a");
	assert_int_equal(made.request.url.ptr[made.request.url.len], '\0');
	assert_int_equal(made.request.timeout_ms, 5000);
	assert_null(made.request.api_key.ptr);
	assert_true(made.request.reply_max > 0);
}

static void test_an_applications_id_is_one_segment_of_the_path(void **state)
{
	struct broadcast_options options = app();
	const struct broadcast_event event = status_event(SPAN_OF("{}"));
	struct made made;

	options.app_id = SPAN_OF("a/b c?%");
	options.scheme = SPAN_OF("https");
	options.host = SPAN_OF("10.0.0.1");
	options.port = 443;
	made = make(*state, &options, &event);
	assert_true(span_starts(
	    made.request.url, "https://10.0.0.1:443/apps/a%2Fb%20c%3F%25/events?auth_key="));
}

static void test_the_channel_is_the_workspaces(void **state)
{
	static const struct {
		uint64_t workspace_id;
		const char *channel;
	} cases[] = {
	    {1, "[\"private-workspace.1\"]"},
	    {UINT64_MAX, "[\"private-workspace.18446744073709551615\"]"},
	};
	const struct broadcast_options options = app();

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct broadcast_event event = status_event(SPAN_OF("{}"));

		event.workspace_id = cases[i].workspace_id;
		assert_true(
		    unit_has(make(*state, &options, &event).request.body, cases[i].channel));
	}
}

/* The member "data" of the request's body, which is JSON. */
static struct span data_of(struct arena *mem, const struct fetch_request *request)
{
	json_t *body = json_loadb(
	    request->body.ptr, request->body.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	struct span data;

	assert_true(json_is_object(body) && json_object_size(body) == 3);
	data = json_text(json_object_get(body, "data"));
	assert_non_null(data.ptr);
	data = arena_copy(mem, data);
	json_decref(body);
	return data;
}

static void test_the_payload_comes_through_byte_for_byte(void **state)
{
	static const struct span payloads[] = {
	    SPAN("{}"),
	    SPAN("{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00\"}"),
	    SPAN("{\"metadata\" : {\"n\":1.10,\"big\":12345678901234567890123} , \"z\":null}"),
	    SPAN("{\"name\":\"caf\xc3\xa9 \xf0\x9f\x98\x80 \x7f\"}"),
	    SPAN("{\"a\":\"</script>&amp;'\"}"),
	};
	const struct broadcast_options options = app();

	for (size_t i = 0; i < COUNT(payloads); i++) {
		const struct broadcast_event event = status_event(payloads[i]);
		struct made made = make(*state, &options, &event);

		assert_int_equal(made.rc, RC_OK);
		assert_same(data_of(*state, &made.request), payloads[i]);
	}
}

/* --- QR codes */

static struct span data_for(struct arena *mem, const struct broadcast_event *event)
{
	struct span data;

	assert_int_equal(broadcast_data(event, mem, &data), RC_OK);
	return data;
}

static void test_a_qr_code_is_added_with_what_is_left_of_its_time(void **state)
{
	const struct broadcast_event event =
	    qr_event(SPAN_OF("{\"expires_in_seconds\":1,\"workspace_id\":5,\"account_id\":\"s\"}"),
		SPAN_OF("data:image/png;base64,iVBOR/+="));

	assert_span(data_for(*state, &event),
	    "{\"expires_in_seconds\":300,\"workspace_id\":5,\"account_id\":\"s\","
	    "\"qr_code_base64\":\"data:image/png;base64,iVBOR/+=\"}");
}

static void test_a_qr_code_may_have_any_characters(void **state)
{
	static const struct span codes[] = {SPAN("2@a,b\"c\\d"), SPAN("a\nb\x01\x7f"),
	    SPAN("caf\xc3\xa9"), SPAN("{\"x\":1}"), SPAN("")};

	for (size_t i = 0; i < COUNT(codes); i++) {
		const struct broadcast_event event = qr_event(SPAN_OF("{}"), codes[i]);
		struct span data = data_for(*state, &event);
		json_t *tree = json_loadb(data.ptr, data.len, 0, NULL);

		assert_same(json_text(json_object_get(tree, "qr_code_base64")), codes[i]);
		json_decref(tree);
	}
}

static void test_begun_seconds_count_as_whole_ones(void **state)
{
	static const struct {
		int64_t left_us;
		const char *data;
	} cases[] = {
	    {1, "{\"expires_in_seconds\":1,"},
	    {US_PER_S - 1, "{\"expires_in_seconds\":1,"},
	    {US_PER_S, "{\"expires_in_seconds\":1,"},
	    {US_PER_S + 1, "{\"expires_in_seconds\":2,"},
	    {299 * US_PER_S + 1, "{\"expires_in_seconds\":300,"},
	    {300 * US_PER_S, "{\"expires_in_seconds\":300,"},
	    {0, "{\"expires_in_seconds\":0,"},
	    {-1, "{\"expires_in_seconds\":0,"},
	    {-90 * US_PER_S, "{\"expires_in_seconds\":0,"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct broadcast_event event = qr_event(SPAN_OF("{}"), SPAN_OF("q"));

		event.qr_left_us = cases[i].left_us;
		assert_true(span_starts(data_for(*state, &event), cases[i].data));
	}
}

static void test_a_payload_that_is_no_object_is_no_event(void **state)
{
	static const struct span payloads[] = {SPAN("5"), SPAN("\"x\""), SPAN("{"), SPAN("{\"a\""),
	    SPAN("{\"a\":}"), SPAN("{}x"), SPAN("garbage")};
	const struct broadcast_options options = app();

	for (size_t i = 0; i < COUNT(payloads); i++) {
		struct broadcast_event event = qr_event(payloads[i], SPAN_OF("q"));

		assert_int_equal(make(*state, &options, &event).rc, RC_INVALID);
		event = status_event(payloads[i]);
		event.reduced = true;
		assert_int_equal(make(*state, &options, &event).rc, RC_INVALID);
	}
}

/* --- what is too large */

static struct span repeat(
    struct arena *mem, const char *before, char c, size_t count, const char *after)
{
	struct buf text = buf_in(mem, count + 4096);

	buf_puts(&text, before);
	for (size_t i = 0; i < count; i++)
		buf_putc(&text, c);
	buf_puts(&text, after);
	assert_false(text.failed);
	return buf_span(&text);
}

static void test_an_event_of_exactly_the_limit_is_sent_whole(void **state)
{
	struct broadcast_options options = app();
	const struct broadcast_event events[] = {
	    status_event(SPAN_OF("{\"metadata\":{\"id\":1,\"mine\":2}}")),
	    qr_event(SPAN_OF("{}"), SPAN_OF("2@code")),
	};

	for (size_t i = 0; i < COUNT(events); i++) {
		struct made whole = make(*state, &options, &events[i]), made;

		assert_false(whole.reduced);
		options.max_bytes = size_of(&whole.request);
		made = make(*state, &options, &events[i]);
		assert_false(made.reduced);
		assert_same(made.request.body, whole.request.body);
		options.max_bytes--;
		made = make(*state, &options, &events[i]);
		assert_int_equal(made.rc, RC_OK);
		assert_true(made.reduced);
		options.max_bytes = 10000;
	}
}

/* What the server counts are bytes, with the escapes. */
static void test_an_event_grows_by_its_escapes(void **state)
{
	const struct broadcast_options options = app();
	struct broadcast_event event = qr_event(SPAN_OF("{}"), repeat(*state, "", 'q', 4500, ""));

	assert_false(make(*state, &options, &event).reduced);
	event.qr_code = repeat(*state, "", '"', 4500, "");
	assert_true(make(*state, &options, &event).reduced);
}

static void test_of_every_size_what_is_within_the_limit_is_whole_and_the_rest_reduced(void **state)
{
	const struct broadcast_options options = app();
	size_t last = 0;

	for (size_t len = 9000; len < 10000; len++) {
		const struct broadcast_event event =
		    qr_event(SPAN_OF("{\"account_id\":\"s\"}"), repeat(*state, "", 'q', len, ""));
		struct made made = make(*state, &options, &event);

		assert_int_equal(made.rc, RC_OK);
		assert_true(size_of(&made.request) <= options.max_bytes);
		if (!made.reduced)
			last = len;
		assert_int_equal(unit_has(made.request.body, "qqqq"), !made.reduced);
		arena_reset(*state);
	}
	/* One more byte of the code is one more of the request. */
	assert_in_range(last, 9000, 9998);
}

static void test_a_qr_event_that_is_too_large_goes_without_its_code(void **state)
{
	const struct broadcast_options options = app();
	const struct broadcast_event event =
	    qr_event(SPAN_OF("{\"expires_in_seconds\":1,\"account_id\":\"s\",\"state_version\":7}"),
		repeat(*state, "", 'q', BOUND_QR_CODE, ""));
	struct made made = make(*state, &options, &event);

	assert_int_equal(made.rc, RC_OK);
	assert_true(made.reduced);
	assert_span(data_of(*state, &made.request),
	    "{\"expires_in_seconds\":300,\"account_id\":\"s\",\"state_version\":7,"
	    "\"qr_code_omitted\":true}");
}

static void test_a_status_event_that_is_too_large_keeps_our_own_metadata(void **state)
{
	const struct broadcast_options options = app();
	struct broadcast_event event = status_event(repeat(*state,
	    "{\"account_id\":\"s\",\"status\":\"connected\",\"metadata\":{\"theirs\":\"", 'x',
	    20000,
	    "\",\"timestamp\":\"2025-11-15T09:46:40.678901Z\",\"id\":7,\"uuid\":\"u\","
	    "\"phone_number\":\"+62 812\",\"formatted_phone_number\":null,\"is_primary\":true,"
	    "\"action\":\"set_primary\",\"device\":{\"id\":8}},\"state_version\":7}"));
	struct made made = make(*state, &options, &event);

	assert_int_equal(made.rc, RC_OK);
	assert_true(made.reduced);
	assert_span(data_of(*state, &made.request),
	    "{\"account_id\":\"s\",\"status\":\"connected\",\"metadata\":{\"id\":7,\"uuid\":\"u\","
	    "\"phone_number\":\"+62 812\",\"formatted_phone_number\":null,\"is_primary\":true,"
	    "\"timestamp\":\"2025-11-15T09:46:40.678901Z\",\"action\":\"set_primary\"},"
	    "\"state_version\":7,\"metadata_omitted\":true}");
	/* The same as when it is asked for. */
	event.reduced = true;
	assert_same(make(*state, &options, &event).request.body, made.request.body);
}

static void test_metadata_that_is_none_becomes_an_empty_object(void **state)
{
	static const struct {
		struct span payload, data;
	} cases[] = {
	    {SPAN("{\"metadata\":null}"), SPAN("{\"metadata\":{},\"metadata_omitted\":true}")},
	    {SPAN("{\"metadata\":[]}"), SPAN("{\"metadata\":{},\"metadata_omitted\":true}")},
	    {SPAN("{\"metadata\":\"x\"}"), SPAN("{\"metadata\":{},\"metadata_omitted\":true}")},
	    {SPAN("{\"metadata\":{\"x\":1}}"), SPAN("{\"metadata\":{},\"metadata_omitted\":true}")},
	    {SPAN("{\"a\":1}"), SPAN("{\"a\":1,\"metadata_omitted\":true}")},
	    {SPAN("{}"), SPAN("{\"metadata_omitted\":true}")},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct broadcast_event event = status_event(cases[i].payload);

		event.reduced = true;
		assert_same(data_for(*state, &event), cases[i].data);
	}
}

static void test_an_event_that_is_asked_for_reduced_is_so_whatever_its_size(void **state)
{
	const struct broadcast_options options = app();
	struct broadcast_event event = qr_event(SPAN_OF("{}"), SPAN_OF("small"));
	struct made made;

	event.reduced = true;
	made = make(*state, &options, &event);
	assert_true(made.reduced);
	assert_span(data_of(*state, &made.request),
	    "{\"expires_in_seconds\":300,\"qr_code_omitted\":true}");
}

/* The server decides; nothing more can be left out. */
static void test_what_is_too_large_even_reduced_is_sent_reduced(void **state)
{
	const struct broadcast_options options = app();
	const struct broadcast_event event =
	    status_event(repeat(*state, "{\"account_id\":\"", 'a', 20000, "\"}"));
	struct made made = make(*state, &options, &event);

	assert_int_equal(made.rc, RC_OK);
	assert_true(made.reduced);
	assert_true(size_of(&made.request) > options.max_bytes);
}

static void test_a_reduced_request_is_signed_over_what_is_sent(void **state)
{
	const struct broadcast_options options = app();
	const struct broadcast_event event =
	    qr_event(SPAN_OF("{}"), repeat(*state, "", 'q', 20000, ""));
	struct made made = make(*state, &options, &event);
	struct buf part = buf_in(*state, 100);
	char md5[DIGEST_MD5_HEX];

	assert_true(made.reduced);
	assert_int_equal(digest_md5_hex(made.request.body, md5), RC_OK);
	buf_putf(&part, "&body_md5=%.*s&auth_signature=", DIGEST_MD5_HEX, md5);
	assert_true(unit_has(made.request.url, arena_copy(*state, buf_span(&part)).ptr));
}

/* --- private channels */

static enum rc authorize(struct arena *mem, struct span socket_id, struct span channel,
    uint64_t workspace_id, struct span *ret)
{
	const struct broadcast_options options = app();
	struct broadcast *b = broadcast_create(&options);
	enum rc rc;

	assert_non_null(b);
	rc = broadcast_channel_auth(b, socket_id, channel, workspace_id, mem, ret);
	broadcast_free(b);
	return rc;
}

static void test_the_proof_for_a_channel_is_key_and_signature(void **state)
{
	struct span auth;

	assert_int_equal(
	    authorize(*state, SPAN_OF("1234.1234"), SPAN_OF("private-workspace.5"), 5, &auth),
	    RC_OK);
	assert_span(auth, KEY ":7a687c24966746fa9615d92efe44b1aa0976494ccc6ca1c2a88b2c4034d78b6c");
	assert_int_equal(authorize(*state, SPAN_OF("0.18446744073709551615999"),
			     SPAN_OF("private-workspace.18446744073709551615"), UINT64_MAX, &auth),
	    RC_OK);
	assert_same(span_from(auth.ptr + strlen(KEY ":"), auth.len - strlen(KEY ":")),
	    hmac_hex(*state, SPAN_OF(SECRET),
		SPAN_OF("0.18446744073709551615999:private-workspace.18446744073709551615")));
}

static void test_only_the_workspaces_own_channel_is_let_in(void **state)
{
	static const struct span others[] = {SPAN("private-workspace.6"),
	    SPAN("private-workspace.55"), SPAN("private-workspace."), SPAN("private-workspace.05"),
	    SPAN("private-workspace.5 "), SPAN(" private-workspace.5"),
	    SPAN("private-workspace.5\0"), SPAN("private-workspace.5\n"),
	    SPAN("Private-workspace.5"), SPAN("private-workspace.+5"),
	    SPAN("private-workspace.5.1"), SPAN("presence-workspace.5"), SPAN("workspace.5"),
	    SPAN("private-workspace-5"), SPAN("private-encrypted-workspace.5"), SPAN(""),
	    {NULL, 0}};

	for (size_t i = 0; i < COUNT(others); i++) {
		struct span auth = SPAN("untouched");

		assert_int_equal(authorize(*state, SPAN_OF("1.2"), others[i], 5, &auth), RC_DENIED);
		assert_span(auth, "untouched");
	}
}

static void test_a_sockets_id_is_two_numbers_with_a_dot(void **state)
{
	static const struct span wrong[] = {{NULL, 0}, SPAN(""), SPAN("."), SPAN("1"), SPAN("1."),
	    SPAN(".1"), SPAN("1..2"), SPAN("1.2.3"), SPAN("1.2."), SPAN("-1.2"), SPAN("1.+2"),
	    SPAN("1 .2"), SPAN(" 1.2"), SPAN("1.2\n"), SPAN("1.2\0"), SPAN("a.b"), SPAN("1.2:x"),
	    SPAN("1,2"), SPAN("1.\xd9\xa3"), SPAN("1.2:private-workspace.6")};
	static const struct span right[] = {SPAN("1.2"), SPAN("0.0"), SPAN("007.1"),
	    SPAN("1234567890123456789012345678901.12345678901234567890123456789012")};
	struct span auth;

	for (size_t i = 0; i < COUNT(wrong); i++) {
		struct span exact = unit_exact(wrong[i]);

		assert_int_equal(
		    authorize(*state, exact, SPAN_OF("private-workspace.5"), 5, &auth), RC_DENIED);
		unit_exact_free(exact);
	}
	for (size_t i = 0; i < COUNT(right); i++)
		assert_int_equal(
		    authorize(*state, right[i], SPAN_OF("private-workspace.5"), 5, &auth), RC_OK);
	assert_int_equal(right[3].len, BOUND_SOCKET_ID);
	assert_int_equal(
	    authorize(*state,
		SPAN_OF("1234567890123456789012345678901.123456789012345678901234567890123"),
		SPAN_OF("private-workspace.5"), 5, &auth),
	    RC_DENIED);
}

int main(void)
{
	const struct CMUnitTest signature_tests[] = {
	    arena_test(test_the_signature_is_that_of_pushers_example),
	    arena_test(test_a_key_is_signed_as_it_is_and_sent_escaped),
	    arena_test(test_path_body_time_and_secret_are_all_signed),
	    arena_test(test_a_query_that_does_not_fit_is_no_query),
	};
	const struct CMUnitTest request_tests[] = {
	    arena_test(test_an_event_is_a_signed_post_to_its_applications_events),
	    arena_test(test_an_applications_id_is_one_segment_of_the_path),
	    arena_test(test_the_channel_is_the_workspaces),
	    arena_test(test_the_payload_comes_through_byte_for_byte),
	    arena_test(test_a_qr_code_is_added_with_what_is_left_of_its_time),
	    arena_test(test_a_qr_code_may_have_any_characters),
	    arena_test(test_begun_seconds_count_as_whole_ones),
	    arena_test(test_a_payload_that_is_no_object_is_no_event),
	};
	const struct CMUnitTest size_tests[] = {
	    arena_test(test_an_event_of_exactly_the_limit_is_sent_whole),
	    arena_test(test_an_event_grows_by_its_escapes),
	    arena_test(test_of_every_size_what_is_within_the_limit_is_whole_and_the_rest_reduced),
	    arena_test(test_a_qr_event_that_is_too_large_goes_without_its_code),
	    arena_test(test_a_status_event_that_is_too_large_keeps_our_own_metadata),
	    arena_test(test_metadata_that_is_none_becomes_an_empty_object),
	    arena_test(test_an_event_that_is_asked_for_reduced_is_so_whatever_its_size),
	    arena_test(test_what_is_too_large_even_reduced_is_sent_reduced),
	    arena_test(test_a_reduced_request_is_signed_over_what_is_sent),
	};
	const struct CMUnitTest channel_tests[] = {
	    arena_test(test_the_proof_for_a_channel_is_key_and_signature),
	    arena_test(test_only_the_workspaces_own_channel_is_let_in),
	    arena_test(test_a_sockets_id_is_two_numbers_with_a_dot),
	};

	return unit_run("broadcast, signatures", signature_tests) +
	       unit_run("broadcast, requests", request_tests) +
	       unit_run("broadcast, sizes", size_tests) +
	       unit_run("broadcast, private channels", channel_tests);
}
