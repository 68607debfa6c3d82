/* fetch: requests and answers as they should be. */
#include "net/fetch.h"

#include <stdio.h>
#include <unistd.h>

#include "base/bell.h"
#include "base/bounds.h"
#include "net_tests.h"

struct scene {
	struct arena *mem;
	struct net_server server;
	struct fetcher *fetcher;
};

static struct scene open_scene(struct arena *mem, net_answer_fn *answer, const char *says)
{
	struct scene s = {.mem = mem, .fetcher = fetcher_create(NULL)};

	assert_non_null(s.fetcher);
	net_server_open(&s.server, answer, mem);
	s.server.says = says;
	return s;
}

static void close_scene(struct scene *s)
{
	fetcher_free(s->fetcher);
	net_server_close(&s->server);
}

/* What one GET brings of a server that says so. */
static struct fetch_reply answer_to(struct arena *mem, const char *says)
{
	struct scene s = open_scene(mem, net_says_and_closes, says);
	struct fetch_reply reply = net_get(s.fetcher, &s.server, "/");

	close_scene(&s);
	return reply;
}

static bool has_line(struct span request, const char *line)
{
	char text[256];

	snprintf(text, sizeof(text), "\r\n%s\r\n", line);
	return unit_has(request, text);
}

#define OK_OF(length) "HTTP/1.1 200 OK\r\nContent-Length: " #length "\r\n"

/* --- what is sent */

static void test_a_request_is_sent_as_it_was_asked_for(void **state)
{
	struct scene s = open_scene(*state, net_says, OK_OF(2) "\r\nok");
	const struct fetch_request request = {
	    .method = "POST",
	    .url = net_url(&s.server, "/api/sessions?a=%2F&b=1"),
	    .body = SPAN("{\"a\":\"\xc3\xa9\"}"),
	    .api_key = SPAN("key of 3"),
	    .timeout_ms = 60000,
	    .reply_max = 100,
	};
	struct fetch_reply reply = net_fetch(s.fetcher, &s.server, &request);
	struct span head = s.server.last;
	char host[64];

	assert_int_equal(reply.end, FETCH_ANSWERED);
	snprintf(host, sizeof(host), "Host: 127.0.0.1:%d", s.server.port);
	assert_true(span_starts(head, "POST /api/sessions?a=%2F&b=1 HTTP/1.1\r\n"));
	assert_true(has_line(head, host));
	assert_true(has_line(head, "Content-Type: application/json"));
	assert_true(has_line(head, "Content-Length: 10"));
	assert_true(has_line(head, "Accept: application/json"));
	assert_true(has_line(head, "X-API-Key: key of 3"));
	assert_true(unit_has(head, "\r\nUser-Agent: wa-accounts/"));
	/* With it, a server would first be asked whether it wants the body. */
	assert_false(unit_has(head, "Expect"));
	assert_true(unit_has(head, "\r\n\r\n{\"a\":\"\xc3\xa9\"}"));
	close_scene(&s);
}

static void test_without_a_body_and_a_key_neither_is_named(void **state)
{
	struct scene s = open_scene(*state, net_says, OK_OF(0) "\r\n");

	net_get(s.fetcher, &s.server, "/status");
	assert_true(span_starts(s.server.last, "GET /status HTTP/1.1\r\n"));
	assert_false(unit_has(s.server.last, "Content-"));
	assert_false(unit_has(s.server.last, "X-API-Key"));
	close_scene(&s);
}

static void test_further_headers_are_sent_and_one_of_the_answers_is_told(void **state)
{
	static const char *const headers[] = {"X-Timestamp: 5", "Authorization: Bearer a b", NULL};
	struct scene s =
	    open_scene(*state, net_says, OK_OF(0) "deprecation: @1\r\nX-Other: 2\r\n\r\n");
	struct fetch_request request = {
	    .method = "GET",
	    .url = net_url(&s.server, "/x"),
	    .headers = headers,
	    .wants_header = "Deprecation",
	    .timeout_ms = 60000,
	};

	assert_span(net_fetch(s.fetcher, &s.server, &request).header, "@1");
	assert_true(has_line(s.server.last, "X-Timestamp: 5"));
	assert_true(has_line(s.server.last, "Authorization: Bearer a b"));
	request.headers = NULL;
	request.wants_header = "Sunset";
	assert_null(net_fetch(s.fetcher, &s.server, &request).header.ptr);
	assert_false(unit_has(s.server.last, "X-Timestamp"));
	request.wants_header = NULL;
	assert_null(net_fetch(s.fetcher, &s.server, &request).header.ptr);
	close_scene(&s);
}

static void test_any_method_may_have_a_body(void **state)
{
	struct scene s = open_scene(*state, net_says, OK_OF(0) "\r\n");
	const struct fetch_request request = {
	    .method = "DELETE",
	    .url = net_url(&s.server, "/x"),
	    .body = SPAN("{}"),
	    .timeout_ms = 60000,
	};

	net_fetch(s.fetcher, &s.server, &request);
	assert_true(span_starts(s.server.last, "DELETE /x HTTP/1.1\r\n"));
	assert_true(unit_has(s.server.last, "\r\n\r\n{}"));
	close_scene(&s);
}

static void test_a_handle_that_is_used_again_keeps_nothing_of_its_last_request(void **state)
{
	struct scene s = open_scene(*state, net_says, OK_OF(0) "\r\n");
	const struct fetch_request request = {
	    .method = "POST",
	    .url = net_url(&s.server, "/x"),
	    .body = SPAN("{}"),
	    .api_key = SPAN("key"),
	    .timeout_ms = 60000,
	};

	net_fetch(s.fetcher, &s.server, &request);
	net_get(s.fetcher, &s.server, "/y");
	assert_true(span_starts(s.server.last, "GET /y HTTP/1.1\r\n"));
	assert_false(unit_has(s.server.last, "Content-"));
	assert_false(unit_has(s.server.last, "X-API-Key"));
	close_scene(&s);
}

static void test_a_path_is_sent_as_it_was_written(void **state)
{
	static const char *const paths[] = {
	    "/api/sessions/..", "/a/../b/./c", "/%2E%2e/x", "//", "/a%2Fb%25", "/~-._"};
	struct scene s = open_scene(*state, net_echoes, NULL);

	for (size_t i = 0; i < COUNT(paths); i++)
		assert_same(net_get(s.fetcher, &s.server, paths[i]).body, span_of(paths[i]));
	close_scene(&s);
}

static void test_a_head_is_never_longer_than_what_is_reckoned_with(void **state)
{
	struct scene s = open_scene(*state, net_says, OK_OF(0) "\r\n");
	char *body = arena_bytes(*state, 200 * KIB);
	const struct fetch_request request = {
	    .method = "POST",
	    .url = net_url(&s.server, "/apps/1234567/events?auth_key=x"),
	    .body = span_from(memset(body, ' ', 200 * KIB), 200 * KIB),
	    .timeout_ms = 60000,
	};

	net_fetch(s.fetcher, &s.server, &request);
	assert_true(s.server.last.len <= FETCH_HEAD_MAX + request.url.len + request.body.len);
	close_scene(&s);
}

static void test_a_key_that_is_too_long_is_not_sent_and_nobody_is_called(void **state)
{
	struct scene s = open_scene(*state, net_says, OK_OF(0) "\r\n");
	struct net_outcome outcome = {.mem = *state};
	char key[2000];
	const struct fetch_request request = {
	    .method = "GET",
	    .url = net_url(&s.server, "/"),
	    .api_key = span_from(memset(key, 'k', sizeof(key)), sizeof(key)),
	    .timeout_ms = 60000,
	};

	for (int i = 0; i < 3; i++)
		assert_int_equal(fetch_begin(s.fetcher, &request, net_keep, &outcome), RC_INTERNAL);
	assert_int_equal(fetcher_under_way(s.fetcher), 0);
	assert_int_equal(net_get(s.fetcher, &s.server, "/").end, FETCH_ANSWERED);
	assert_int_equal(outcome.calls, 0);
	close_scene(&s);
}

/* --- what comes back */

static void test_an_answer_is_its_status_and_its_body(void **state)
{
	struct fetch_reply reply =
	    answer_to(*state, "HTTP/1.1 422 No\r\nContent-Length: 5\r\n\r\n{\"a\"}");

	assert_int_equal(reply.end, FETCH_ANSWERED);
	assert_int_equal(reply.status, 422);
	assert_span(reply.body, "{\"a\"}");
	assert_false(reply.is_html);
	assert_int_equal(reply.retry_after_ms, 0);
}

static void test_a_body_has_many_ways_to_end(void **state)
{
	assert_span(answer_to(*state,
			"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
			"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
			.body,
	    "abcde");
	assert_span(answer_to(*state, "HTTP/1.0 200 OK\r\n\r\nto the end").body, "to the end");
	assert_int_equal(answer_to(*state, "HTTP/1.1 204 No Content\r\n\r\n").body.len, 0);
	assert_int_equal(answer_to(*state, "HTTP/1.1 204 No Content\r\n\r\n").status, 204);
}

static void test_an_answer_that_only_says_to_go_on_is_none(void **state)
{
	assert_int_equal(answer_to(*state,
			     "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\n"
			     "Content-Length: 0\r\n\r\n")
			     .status,
	    201);
}

static void test_a_page_of_html_is_told_apart(void **state)
{
	static const struct {
		const char *type;
		bool is_html;
	} cases[] = {
	    {"Content-Type: text/html\r\n", true},
	    {"Content-Type: Text/HTML; charset=utf-8\r\n", true},
	    {"content-type:text/html;charset=utf-8\r\n", true},
	    {"Content-Type: application/json\r\n", false},
	    {"Content-Type: text/plain; text/html\r\n", false},
	    {"Content-Type:\r\n", false},
	    {"", false},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		char text[256];

		snprintf(text, sizeof(text),
		    "HTTP/1.1 404 Not Found\r\n%sContent-Length: 0\r\n\r\n", cases[i].type);
		assert_int_equal(answer_to(*state, text).is_html, cases[i].is_html);
	}
}

/* With this header: the milliseconds that are read out of it. */
static int64_t retry_after(struct arena *mem, const char *header)
{
	char text[256];

	snprintf(
	    text, sizeof(text), "HTTP/1.1 503 Later\r\n%s\r\nContent-Length: 0\r\n\r\n", header);
	return answer_to(mem, text).retry_after_ms;
}

static void test_a_server_may_say_when_to_come_back(void **state)
{
	assert_int_equal(retry_after(*state, "Retry-After: 7"), 7000);
	assert_int_equal(retry_after(*state, "retry-after:299"), 299000);
	assert_int_equal(retry_after(*state, "Retry-After: 0"), 0);
	assert_int_equal(retry_after(*state, "Retry-After: soon"), 0);
	assert_int_equal(retry_after(*state, "Retry-After: -5"), 0);
	assert_int_equal(retry_after(*state, "X-Other: 7"), 0);
}

static void test_a_server_is_not_left_alone_for_more_than_five_minutes(void **state)
{
	static const char *const headers[] = {"Retry-After: 300", "Retry-After: 301",
	    "Retry-After: 86400", "Retry-After: 99999999999",
	    "Retry-After: Fri, 31 Dec 2399 23:59:59 GMT"};

	for (size_t i = 0; i < COUNT(headers); i++)
		assert_int_equal(retry_after(*state, headers[i]), 300 * 1000);
}

static void test_a_redirect_is_not_followed(void **state)
{
	struct scene s = open_scene(*state, net_says,
	    "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n");

	assert_int_equal(net_get(s.fetcher, &s.server, "/").status, 302);
	assert_int_equal(s.server.requests, 1);
	close_scene(&s);
}

static void test_of_a_long_answer_the_beginning_is_kept(void **state)
{
	static const size_t sizes[] = {0, 1, 99, 100, 101, 100000};

	for (size_t i = 0; i < COUNT(sizes); i++) {
		struct buf says = buf_in(*state, 200 * KIB);
		struct scene s = open_scene(*state, net_says, NULL);
		const struct fetch_request request = {
		    .method = "GET",
		    .url = net_url(&s.server, "/"),
		    .timeout_ms = 60000,
		    .reply_max = 100,
		};
		struct fetch_reply reply;

		buf_putf(&says, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", sizes[i]);
		for (size_t n = 0; n < sizes[i]; n++)
			buf_putc(&says, (char)('a' + n % 26));
		s.server.says = arena_copy(*state, buf_span(&says)).ptr;
		reply = net_fetch(s.fetcher, &s.server, &request);
		assert_int_equal(reply.end, FETCH_ANSWERED);
		assert_int_equal(reply.body.len, sizes[i] < 100 ? sizes[i] : 100);
		assert_same(reply.body, span_from(says.ptr + says.len - sizes[i], reply.body.len));
		/* All of it was read: the connection is good for another one. */
		net_fetch(s.fetcher, &s.server, &request);
		assert_int_equal(s.server.connections, 1);
		close_scene(&s);
	}
}

static void test_of_an_answer_nothing_may_be_kept(void **state)
{
	struct scene s = open_scene(*state, net_says, OK_OF(4) "\r\nbody");
	const struct fetch_request request = {
	    .method = "GET", .url = net_url(&s.server, "/"), .timeout_ms = 60000};
	struct fetch_reply reply = net_fetch(s.fetcher, &s.server, &request);

	assert_int_equal(reply.status, 200);
	assert_int_equal(reply.body.len, 0);
	assert_non_null(reply.body.ptr);
	close_scene(&s);
}

/* --- several requests */

static void test_a_connection_is_kept_and_used_again(void **state)
{
	struct scene s = open_scene(*state, net_echoes, NULL);

	for (int i = 0; i < 20; i++) {
		char path[16];

		snprintf(path, sizeof(path), "/%d", i);
		assert_same(net_get(s.fetcher, &s.server, path).body, span_of(path));
	}
	assert_int_equal(s.server.requests, 20);
	assert_int_equal(s.server.connections, 1);
	close_scene(&s);
}

static void test_a_connection_that_the_server_has_closed_meanwhile_is_no_obstacle(void **state)
{
	struct scene s = open_scene(*state, net_says_and_closes, OK_OF(2) "\r\nok");

	for (int i = 0; i < 5; i++) {
		struct fetch_reply reply = net_get(s.fetcher, &s.server, "/");

		assert_int_equal(reply.end, FETCH_ANSWERED);
		assert_span(reply.body, "ok");
	}
	assert_int_equal(s.server.requests, 5);
	assert_int_equal(s.server.connections, 5);
	close_scene(&s);
}

static void test_many_at_a_time_have_each_their_own_answer(void **state)
{
	enum { MANY = 50 };
	struct scene s = open_scene(*state, net_echoes, NULL);
	struct net_outcome outcomes[MANY];
	char paths[MANY][16];

	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < MANY; i++) {
			struct fetch_request request;

			snprintf(paths[i], sizeof(paths[i]), "/%zu", i);
			request = (struct fetch_request){
			    .method = "GET",
			    .url = net_url(&s.server, paths[i]),
			    .timeout_ms = 60000,
			    .reply_max = 100,
			};
			outcomes[i] = (struct net_outcome){.mem = *state};
			assert_int_equal(
			    fetch_begin(s.fetcher, &request, net_keep, &outcomes[i]), RC_OK);
			assert_int_equal(fetcher_under_way(s.fetcher), i + 1);
		}
		net_finish(s.fetcher, &s.server);
		for (size_t i = 0; i < MANY; i++) {
			assert_int_equal(outcomes[i].calls, 1);
			assert_int_equal(outcomes[i].reply.end, FETCH_ANSWERED);
			assert_same(outcomes[i].reply.body, span_of(paths[i]));
		}
	}
	/* All of one round were under way at once, and the next ones found them there. */
	assert_int_equal(s.server.connections, MANY);
	close_scene(&s);
}

static void test_one_that_hangs_does_not_hold_the_others_up(void **state)
{
	struct scene s = open_scene(*state, net_hangs, NULL);
	struct net_outcome hangs = {.mem = *state};
	const struct fetch_request request = {
	    .method = "GET", .url = net_url(&s.server, "/"), .timeout_ms = 600000};

	assert_int_equal(fetch_begin(s.fetcher, &request, net_keep, &hangs), RC_OK);
	while (s.server.requests == 0) {
		fetcher_turn(s.fetcher);
		fetcher_wait(s.fetcher, s.server.listener, 1);
		net_server_turn(&s.server);
	}
	s.server.answer = net_echoes;
	for (int i = 0; i < 5; i++) {
		struct net_outcome quick = {.mem = *state};

		assert_int_equal(fetch_begin(s.fetcher, &request, net_keep, &quick), RC_OK);
		while (quick.calls == 0) {
			net_server_turn(&s.server);
			fetcher_wait(s.fetcher, -1, 1);
			fetcher_turn(s.fetcher);
		}
		assert_int_equal(quick.reply.end, FETCH_ANSWERED);
	}
	assert_int_equal(hangs.calls, 0);
	assert_int_equal(fetcher_under_way(s.fetcher), 1);
	/* It is given up with the fetcher, and nobody is told. */
	close_scene(&s);
	assert_int_equal(hangs.calls, 0);
}

/* One after the other, each begun by the end of the last. */
struct chain {
	struct scene *scene;
	int left;
	int ended;
	struct fetch_request request;
};

static void go_on(void *ctx, const struct fetch_reply *reply)
{
	struct chain *chain = ctx;

	assert_span(reply->body, "/chain");
	chain->ended++;
	if (--chain->left > 0)
		assert_int_equal(
		    fetch_begin(chain->scene->fetcher, &chain->request, go_on, chain), RC_OK);
	/* The other one's end has not touched this answer. */
	assert_span(reply->body, "/chain");
}

static void test_an_end_may_begin_another_one(void **state)
{
	struct scene s = open_scene(*state, net_echoes, NULL);
	struct chain chain = {
	    .scene = &s,
	    .left = 10,
	    .request =
		{
		    .method = "GET",
		    .url = net_url(&s.server, "/chain"),
		    .timeout_ms = 60000,
		    .reply_max = 100,
		},
	};

	assert_int_equal(fetch_begin(s.fetcher, &chain.request, go_on, &chain), RC_OK);
	net_finish(s.fetcher, &s.server);
	assert_int_equal(chain.ended, 10);
	assert_int_equal(s.server.connections, 1);
	close_scene(&s);
}

/* --- waiting */

static void test_a_bell_ends_the_waiting(void **state)
{
	struct fetcher *fetcher = fetcher_create(NULL);
	int bell = bell_open();

	(void)state;
	bell_ring(bell);
	/* An hour, if it does not. */
	fetcher_wait(fetcher, bell, 3600 * 1000);
	assert_true(bell_hush(bell));
	fetcher_wait(fetcher, bell, 1);
	assert_false(bell_hush(bell));
	close(bell);
	fetcher_free(fetcher);
}

static void test_without_requests_a_turn_does_nothing(void **state)
{
	struct fetcher *fetcher = fetcher_create(NULL);

	(void)state;
	for (int i = 0; i < 3; i++)
		fetcher_turn(fetcher);
	fetcher_wait(fetcher, -1, 0);
	assert_int_equal(fetcher_under_way(fetcher), 0);
	fetcher_free(fetcher);
	fetcher_free(NULL);
}

int test_net_fetch(void)
{
	const struct CMUnitTest tests[] = {
	    arena_test(test_a_request_is_sent_as_it_was_asked_for),
	    arena_test(test_without_a_body_and_a_key_neither_is_named),
	    arena_test(test_further_headers_are_sent_and_one_of_the_answers_is_told),
	    arena_test(test_any_method_may_have_a_body),
	    arena_test(test_a_handle_that_is_used_again_keeps_nothing_of_its_last_request),
	    arena_test(test_a_path_is_sent_as_it_was_written),
	    arena_test(test_a_head_is_never_longer_than_what_is_reckoned_with),
	    arena_test(test_a_key_that_is_too_long_is_not_sent_and_nobody_is_called),
	    arena_test(test_an_answer_is_its_status_and_its_body),
	    arena_test(test_a_body_has_many_ways_to_end),
	    arena_test(test_an_answer_that_only_says_to_go_on_is_none),
	    arena_test(test_a_page_of_html_is_told_apart),
	    arena_test(test_a_server_may_say_when_to_come_back),
	    arena_test(test_a_server_is_not_left_alone_for_more_than_five_minutes),
	    arena_test(test_a_redirect_is_not_followed),
	    arena_test(test_of_a_long_answer_the_beginning_is_kept),
	    arena_test(test_of_an_answer_nothing_may_be_kept),
	    arena_test(test_a_connection_is_kept_and_used_again),
	    arena_test(test_a_connection_that_the_server_has_closed_meanwhile_is_no_obstacle),
	    arena_test(test_many_at_a_time_have_each_their_own_answer),
	    arena_test(test_one_that_hangs_does_not_hold_the_others_up),
	    arena_test(test_an_end_may_begin_another_one),
	    cmocka_unit_test(test_a_bell_ends_the_waiting),
	    cmocka_unit_test(test_without_requests_a_turn_does_nothing),
	};

	return unit_run("net/fetch", tests);
}
