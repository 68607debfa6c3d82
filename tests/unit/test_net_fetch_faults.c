/* fetch: whether something may have happened there, when no answer came. */
#include "net/fetch.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net_tests.h"

/* What becomes of a POST to a server that behaves so. */
static struct fetch_reply post_to(struct arena *mem, net_answer_fn *answer, const char *says)
{
	struct fetcher *fetcher = fetcher_create(NULL);
	struct net_server server;
	struct fetch_request request = {
	    .method = "POST", .body = SPAN("{}"), .timeout_ms = 60000, .reply_max = 4096};
	struct fetch_reply reply;

	net_server_open(&server, answer, mem);
	server.says = says;
	request.url = net_url(&server, "/");
	reply = net_fetch(fetcher, &server, &request);
	/* Not a second time by itself. */
	assert_int_equal(server.requests, 1);
	fetcher_free(fetcher);
	net_server_close(&server);
	return reply;
}

static void assert_no_answer(const struct fetch_reply *reply, enum fetch_end end)
{
	assert_int_equal(reply->end, end);
	assert_int_equal(reply->status, 0);
	assert_true(strlen(reply->why) > 0);
}

/* --- lost */

static void test_a_connection_closed_instead_of_an_answer_has_lost_it(void **state)
{
	struct fetch_reply reply = post_to(*state, net_closes, NULL);

	assert_no_answer(&reply, FETCH_LOST);
}

static void test_a_connection_reset_instead_of_an_answer_has_lost_it(void **state)
{
	struct fetch_reply reply = post_to(*state, net_resets, NULL);

	assert_no_answer(&reply, FETCH_LOST);
}

static void test_an_answer_that_is_cut_short_is_none(void **state)
{
	static const char *const cut[] = {
	    "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"success\":true}",
	    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n",
	    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
	};

	for (size_t i = 0; i < COUNT(cut); i++) {
		struct fetch_reply reply = post_to(*state, net_says_and_closes, cut[i]);

		assert_no_answer(&reply, FETCH_LOST);
	}
}

static void test_what_is_no_http_is_no_answer(void **state)
{
	static const char *const garbage[] = {"garbage", "\r\n\r\n", "<html></html>",
	    "SSH-2.0-OpenSSH_9.2\r\n", "HTTP/9 200 OK\r\n\r\n"};

	for (size_t i = 0; i < COUNT(garbage); i++) {
		struct fetch_reply reply = post_to(*state, net_says_and_closes, garbage[i]);

		assert_no_answer(&reply, FETCH_LOST);
	}
}

/* The time is over once the server has the request, however slow this host is. */
static struct fetch_reply post_and_wait(struct arena *mem, net_answer_fn *answer, const char *says)
{
	for (int64_t timeout_ms = 40;; timeout_ms *= 4) {
		struct fetcher *fetcher = fetcher_create(NULL);
		struct net_server server;
		struct fetch_request request = {
		    .method = "POST", .body = SPAN("{}"), .timeout_ms = timeout_ms};
		struct fetch_reply reply;
		size_t requests;

		net_server_open(&server, answer, mem);
		server.says = says;
		request.url = net_url(&server, "/");
		reply = net_fetch(fetcher, &server, &request);
		requests = server.requests;
		fetcher_free(fetcher);
		net_server_close(&server);
		if (requests > 0)
			return reply;
	}
}

static void test_a_server_that_hangs_has_lost_it_when_the_time_is_over(void **state)
{
	static const char *const begun[] = {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nnot",
	    "HTTP/1.1 200", "HTTP/1.1 100 Continue\r\n\r\n"};
	struct fetch_reply reply = post_and_wait(*state, net_hangs, NULL);

	assert_no_answer(&reply, FETCH_LOST);
	assert_string_equal(reply.why, "Timeout was reached");
	for (size_t i = 0; i < COUNT(begun); i++) {
		reply = post_and_wait(*state, net_says, begun[i]);
		assert_no_answer(&reply, FETCH_LOST);
	}
}

/* --- sent once */

static void closes_all(struct net_server *server, struct net_peer *peer, struct span request)
{
	net_server_stop_listening(server);
	net_closes(server, peer, request);
}

/* curl repeats a request by itself when a connection that it had kept is closed instead of an
 * answer. */
static void test_what_is_to_be_sent_once_is_not_repeated_by_curl(void **state)
{
	static net_answer_fn *const deaths[] = {net_closes, net_resets, closes_all};

	for (size_t i = 0; i < COUNT(deaths); i++) {
		struct fetcher *fetcher = fetcher_create(NULL);
		struct net_server server;
		struct fetch_request request = {
		    .method = "POST", .body = SPAN("{}"), .once = true, .timeout_ms = 60000};
		struct fetch_reply reply;

		net_server_open(&server, net_says, *state);
		server.says = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
		request.url = net_url(&server, "/");
		assert_int_equal(net_get(fetcher, &server, "/").end, FETCH_ANSWERED);
		assert_int_equal(net_fetch(fetcher, &server, &request).end, FETCH_ANSWERED);
		server.answer = deaths[i];
		reply = net_fetch(fetcher, &server, &request);
		assert_int_equal(server.requests, 3);
		assert_no_answer(&reply, FETCH_LOST);
		fetcher_free(fetcher);
		net_server_close(&server);
	}
}

/* --- not sent */

static struct fetch_reply fetch_url(struct arena *mem, const char *ca_file, const char *url)
{
	struct fetcher *fetcher = fetcher_create(ca_file);
	struct net_server server;
	const struct fetch_request request = {
	    .method = "POST",
	    .url = span_of(url),
	    .body = SPAN("{}"),
	    .timeout_ms = 60000,
	    .reply_max = 4096,
	};
	struct fetch_reply reply;

	net_server_open(&server, net_hangs, mem);
	reply = net_fetch(fetcher, &server, &request);
	assert_int_equal(server.requests, 0);
	fetcher_free(fetcher);
	net_server_close(&server);
	return reply;
}

static void test_a_refused_connection_has_sent_nothing(void **state)
{
	struct fetcher *fetcher = fetcher_create(NULL);
	struct net_server server;
	struct fetch_reply reply;

	net_server_open(&server, net_hangs, *state);
	net_server_stop_listening(&server);
	reply = net_get(fetcher, &server, "/");
	assert_no_answer(&reply, FETCH_NOT_SENT);
	assert_non_null(strstr(reply.why, "connect to server"));
	fetcher_free(fetcher);
	net_server_close(&server);
}

static void test_a_url_that_is_none_has_sent_nothing(void **state)
{
	static const char *const urls[] = {
	    "http://", "http://[::1/x", "http://a b/", "http://h:99999/"};

	for (size_t i = 0; i < COUNT(urls); i++) {
		struct fetch_reply reply = fetch_url(*state, NULL, urls[i]);

		assert_no_answer(&reply, FETCH_NOT_SENT);
	}
}

static void test_other_protocols_are_not_spoken(void **state)
{
	static const char *const urls[] = {
	    "file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1/"};

	for (size_t i = 0; i < COUNT(urls); i++) {
		struct fetch_reply reply = fetch_url(*state, NULL, urls[i]);

		assert_true(reply.end != FETCH_ANSWERED);
		assert_int_equal(reply.body.len, 0);
	}
}

/* A listener whose queue is full does not answer whoever knocks. */
static void test_a_connection_that_does_not_come_in_time_has_sent_nothing(void **state)
{
	enum { KNOCKS = 8 };
	struct fetcher *fetcher = fetcher_create(NULL);
	struct net_server server;
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	struct net_outcome outcome = {.mem = *state};
	struct fetch_request request = {.method = "POST", .body = SPAN("{}"), .timeout_ms = 60};
	int knocks[KNOCKS];

	net_server_open(&server, net_hangs, *state);
	address.sin_port = htons((uint16_t)server.port);
	assert_int_equal(listen(server.listener, 0), 0);
	for (size_t i = 0; i < KNOCKS; i++) {
		knocks[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		(void)connect(knocks[i], (struct sockaddr *)&address, sizeof(address));
	}
	request.url = net_url(&server, "/");
	assert_int_equal(fetch_begin(fetcher, &request, net_keep, &outcome), RC_OK);
	while (fetcher_under_way(fetcher) > 0) {
		fetcher_turn(fetcher);
		fetcher_wait(fetcher, -1, 5);
	}
	assert_no_answer(&outcome.reply, FETCH_NOT_SENT);
	for (size_t i = 0; i < KNOCKS; i++)
		close(knocks[i]);
	fetcher_free(fetcher);
	net_server_close(&server);
}

/* --- https */

/* What becomes of a POST to a server that says so before it has read anything; absent: it hangs. */
static struct fetch_reply fetch_https(
    struct arena *mem, const char *ca_file, struct span says, int64_t timeout_ms)
{
	struct fetcher *fetcher = fetcher_create(ca_file);
	struct net_outcome outcome = {.mem = mem};
	struct net_server server;
	struct buf url = buf_in(mem, 100);
	struct fetch_request request = {
	    .method = "POST", .body = SPAN("{}"), .timeout_ms = timeout_ms};
	int fd = -1;

	net_server_open(&server, net_hangs, mem);
	buf_putf(&url, "https://127.0.0.1:%d/", server.port);
	request.url = arena_copy(mem, buf_span(&url));
	assert_int_equal(fetch_begin(fetcher, &request, net_keep, &outcome), RC_OK);
	while (fetcher_under_way(fetcher) > 0) {
		fetcher_turn(fetcher);
		fetcher_wait(fetcher, -1, 1);
		if (fd >= 0 || (fd = accept4(server.listener, NULL, NULL, SOCK_CLOEXEC)) < 0)
			continue;
		if (says.len > 0)
			assert_true(send(fd, says.ptr, says.len, MSG_NOSIGNAL) > 0);
		if (says.ptr != NULL)
			shutdown(fd, SHUT_WR);
	}
	if (fd >= 0)
		close(fd);
	fetcher_free(fetcher);
	net_server_close(&server);
	return outcome.reply;
}

static void test_without_tls_nothing_is_sent_to_https(void **state)
{
	static const struct span says[] = {SPAN("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
	    SPAN("garbage\r\n"), SPAN("\x15\x03\x01\x00\x02\x02\x28"), SPAN("")};

	for (size_t i = 0; i < COUNT(says); i++) {
		struct fetch_reply reply = fetch_https(*state, NULL, says[i], 60000);

		assert_no_answer(&reply, FETCH_NOT_SENT);
	}
}

static void test_tls_that_is_not_agreed_upon_in_time_has_sent_nothing(void **state)
{
	struct fetch_reply reply = fetch_https(*state, NULL, (struct span){0}, 60);

	assert_no_answer(&reply, FETCH_NOT_SENT);
}

static void test_without_the_file_of_certificates_nothing_is_sent(void **state)
{
	struct fetch_reply reply =
	    fetch_https(*state, "/nonexistent/ca.pem", (struct span){0}, 60000);

	assert_no_answer(&reply, FETCH_NOT_SENT);
	assert_non_null(strstr(reply.why, "CA"));
}

int test_net_fetch_faults(void)
{
	const struct CMUnitTest tests[] = {
	    arena_test(test_a_connection_closed_instead_of_an_answer_has_lost_it),
	    arena_test(test_a_connection_reset_instead_of_an_answer_has_lost_it),
	    arena_test(test_an_answer_that_is_cut_short_is_none),
	    arena_test(test_what_is_no_http_is_no_answer),
	    arena_test(test_a_server_that_hangs_has_lost_it_when_the_time_is_over),
	    arena_test(test_what_is_to_be_sent_once_is_not_repeated_by_curl),
	    arena_test(test_a_refused_connection_has_sent_nothing),
	    arena_test(test_a_url_that_is_none_has_sent_nothing),
	    arena_test(test_other_protocols_are_not_spoken),
	    arena_test(test_a_connection_that_does_not_come_in_time_has_sent_nothing),
	    arena_test(test_without_tls_nothing_is_sent_to_https),
	    arena_test(test_tls_that_is_not_agreed_upon_in_time_has_sent_nothing),
	    arena_test(test_without_the_file_of_certificates_nothing_is_sent),
	};

	return unit_run("net/fetch, faults", tests);
}
