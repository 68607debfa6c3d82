/* fetch: what an end is to be made of, and told as. */
#include "net/fetch.h"

#include <stdio.h>

#include "net_tests.h"
#include "text/utf8.h"

static struct fetch_reply answer(int status, struct span body)
{
	return (struct fetch_reply){.end = FETCH_ANSWERED, .status = status, .body = body};
}

/* --- classes */

static void test_every_status_has_its_class(void **state)
{
	static const struct {
		int from, to;
		enum fetch_class class;
	} cases[] = {
	    {0, 199, FETCH_AGAIN}, /* none that a server may end with */
	    {200, 299, FETCH_FINE},
	    {300, 399, FETCH_SETTINGS},
	    {400, 400, FETCH_REFUSED},
	    {401, 401, FETCH_SETTINGS},
	    {402, 402, FETCH_REFUSED},
	    {403, 403, FETCH_SETTINGS},
	    {404, 407, FETCH_REFUSED},
	    {408, 408, FETCH_AGAIN},
	    {409, 428, FETCH_REFUSED},
	    {429, 429, FETCH_AWAY},
	    {430, 499, FETCH_REFUSED},
	    {500, 501, FETCH_AGAIN},
	    {502, 504, FETCH_AWAY},
	    {505, 999, FETCH_AGAIN},
	};
	int next = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(cases[i].from, next);
		for (; next <= cases[i].to; next++) {
			struct fetch_reply reply = answer(next, SPAN_OF(""));

			if (fetch_classify(&reply) != cases[i].class)
				fail_msg("%d is %d", next, (int)fetch_classify(&reply));
		}
	}
	assert_int_equal(next, 1000);
}

static void test_without_an_answer_it_is_whether_it_was_sent_that_counts(void **state)
{
	struct fetch_reply reply = {.end = FETCH_NOT_SENT, .status = 200, .why = "why"};

	(void)state;
	assert_int_equal(fetch_classify(&reply), FETCH_AWAY);
	reply.end = FETCH_LOST;
	assert_int_equal(fetch_classify(&reply), FETCH_AGAIN);
}

/* --- reasons */

enum { MAX = 250 };

static struct span reason(struct arena *mem, const struct fetch_reply *reply, size_t max)
{
	struct buf b = buf_in(mem, max + 64);

	fetch_put_reason(&b, reply, max);
	assert_false(b.failed);
	return buf_span(&b);
}

static void test_a_reason_is_the_status_and_the_beginning_of_the_answer(void **state)
{
	static const struct {
		int status;
		struct span body;
		const char *reason;
	} cases[] = {
	    {422, SPAN("{\"message\":\"No\"}"), "HTTP 422: {\"message\":\"No\"}"},
	    {500, SPAN(""), "HTTP 500"},
	    {404, SPAN("Not\r\nfound\n"), "HTTP 404: Not found "},
	    {413, SPAN("\n\t Payload \0 too\x1b[1m large"), "HTTP 413: Payload too [1m large"},
	    {400, SPAN("caf\xc3\xa9 caf\xe9"), "HTTP 400: caf\xc3\xa9 caf?"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct fetch_reply reply = answer(cases[i].status, cases[i].body);

		assert_same(reason(*state, &reply, MAX), span_of(cases[i].reason));
	}
}

static void test_without_an_answer_it_is_what_curl_says(void **state)
{
	struct fetch_reply reply = {.end = FETCH_NOT_SENT, .why = "Couldn't connect to server"};

	assert_span(reason(*state, &reply, MAX), "not sent: Couldn't connect to server");
	reply = (struct fetch_reply){
	    .end = FETCH_LOST, .body = SPAN("half"), .why = "Timeout was reached"};
	assert_span(reason(*state, &reply, MAX), "no answer: Timeout was reached");
}

static void test_a_long_answer_is_cut_at_a_character(void **state)
{
	struct buf body = buf_in(*state, 4096);

	for (int i = 0; i < 500; i++)
		buf_puts(&body, "\xe2\x82\xac");
	for (size_t max = 16; max < 64; max++) {
		struct fetch_reply reply = answer(400, buf_span(&body));
		struct span got = reason(*state, &reply, max);

		assert_true(got.len <= max && got.len + 3 > max);
		assert_true(utf8_valid(got));
	}
}

static void assert_line(struct span text, size_t max)
{
	assert_true(text.len <= max);
	assert_true(utf8_valid(text));
	for (size_t i = 0; i < text.len; i++)
		assert_true((unsigned char)text.ptr[i] >= 0x20 && text.ptr[i] != 0x7f);
}

static void test_a_reason_is_one_line_of_text_whatever_the_answer_is(void **state)
{
	struct unit_random random = {0};

	for (int round = 0; round < 3000; round++) {
		char bytes[300];
		size_t len = unit_random_below(&random, sizeof(bytes) + 1);
		struct fetch_reply reply =
		    answer(200 + (int)unit_random_below(&random, 400), span_from(bytes, len));
		struct span exact;

		for (size_t i = 0; i < len; i++)
			bytes[i] = (char)(unit_random_below(&random, 4) > 0
					      ? "ab \n\x80\xc3\xa9\xe2\x82\xac\xff\0\x7f"
						    [unit_random_below(&random, 13)]
					      : (char)unit_random(&random));
		reply.body = exact = unit_exact(span_from(bytes, len));
		assert_line(
		    reason(*state, &reply, 16 + (size_t)round % MAX), 16 + (size_t)round % MAX);
		unit_exact_free(exact);
		arena_reset(*state);
	}
}

int test_net_classify(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_status_has_its_class),
	    cmocka_unit_test(test_without_an_answer_it_is_whether_it_was_sent_that_counts),
	    arena_test(test_a_reason_is_the_status_and_the_beginning_of_the_answer),
	    arena_test(test_without_an_answer_it_is_what_curl_says),
	    arena_test(test_a_long_answer_is_cut_at_a_character),
	    arena_test(test_a_reason_is_one_line_of_text_whatever_the_answer_is),
	};

	return unit_run("net/fetch, classes and reasons", tests);
}
