#include "base/bounds.h"
#include "http/request.h"
#include "http/response.h"
#include "http/router.h"
#include "unit.h"

static void run_nothing(struct call *call)
{
	(void)call;
}

#define ROW(method, path) \
	{ \
		method, path, WAY_SIGNATURE, FOR_NODE, 0, path, run_nothing, NULL, 0 \
	}

static const struct route rows[] = {
    ROW(HTTP_GET, "/"),
    ROW(HTTP_GET, "/a/active"),
    ROW(HTTP_GET, "/a/:account/status"),
    ROW(HTTP_POST, "/a/:account/status"),
    ROW(HTTP_DELETE, "/a/:account"),
    ROW(HTTP_POST, "/a/broadcast"),
};
static const struct routes routes = {rows, COUNT(rows)};

/* --- router */

struct found {
	enum rc rc;
	struct router_match match;
	struct span allow;
};

static struct found find(struct arena *mem, enum http_method method, struct span path)
{
	struct found found = {.match = {.account = SPAN("untouched")}};
	struct buf allow = buf_in(mem, 100);

	found.rc = router_find(&routes, method, path, &found.match, &allow);
	found.allow = buf_span(&allow);
	return found;
}

static void test_a_row_is_found_by_method_and_path(void **state)
{
	struct found found = find(*state, HTTP_POST, SPAN_OF("/a/broadcast"));

	assert_int_equal(found.rc, RC_OK);
	assert_ptr_equal(found.match.route, &rows[5]);
	assert_null(found.match.account.ptr);
	found = find(*state, HTTP_GET, SPAN_OF("/"));
	assert_ptr_equal(found.match.route, &rows[0]);
}

static void test_every_row_finds_itself(void **state)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct found found = find(*state, rows[i].method, span_of(rows[i].path));

		assert_int_equal(found.rc, RC_OK);
		assert_ptr_equal(found.match.route, &rows[i]);
	}
}

static void test_head_is_answered_as_get(void **state)
{
	struct found found = find(*state, HTTP_HEAD, SPAN_OF("/a/active"));

	assert_int_equal(found.rc, RC_OK);
	assert_ptr_equal(found.match.route, &rows[1]);
	assert_int_equal(find(*state, HTTP_HEAD, SPAN_OF("/a/broadcast")).rc, RC_DENIED);
}

static void test_account_stands_for_one_segment_of_any_text(void **state)
{
	struct found found = find(*state, HTTP_POST, SPAN_OF("/a/x y%2F\0.\xff/status"));

	assert_int_equal(found.rc, RC_OK);
	assert_ptr_equal(found.match.route, &rows[3]);
	assert_span(found.match.account, "x y%2F\0.\xff");
	assert_int_equal(find(*state, HTTP_GET, SPAN_OF("/a//status")).rc, RC_NOT_FOUND);
	assert_int_equal(find(*state, HTTP_GET, SPAN_OF("/a/x/y/status")).rc, RC_NOT_FOUND);
}

static void test_another_path_is_not_found(void **state)
{
	static const struct span paths[] = {SPAN(""), {NULL, 0}, SPAN("a"), SPAN("//"), SPAN("/a"),
	    SPAN("/a/active/"), SPAN("//a/active"), SPAN("/a/Active/x"), SPAN("/a/active\0/x"),
	    SPAN("/a/x/status/"), SPAN("/a/x/status/y"), SPAN("/a/x/statu"), SPAN("/a/x/statuss"),
	    SPAN(":account")};

	for (size_t i = 0; i < COUNT(paths); i++) {
		struct found found = find(*state, HTTP_GET, paths[i]);

		assert_int_equal(found.rc, RC_NOT_FOUND);
		assert_int_equal(found.allow.len, 0);
		assert_span(found.match.account, "untouched");
		assert_null(found.match.route);
	}
}

static void test_another_method_is_denied_with_those_that_are_allowed(void **state)
{
	struct found found = find(*state, HTTP_DELETE, SPAN_OF("/a/x/status"));

	assert_int_equal(found.rc, RC_DENIED);
	assert_span(found.allow, "GET, HEAD, POST");
	assert_null(found.match.route);
	found = find(*state, HTTP_GET, SPAN_OF("/a/x"));
	assert_int_equal(found.rc, RC_DENIED);
	assert_span(found.allow, "DELETE");
}

static void test_a_path_of_two_rows_allows_the_methods_of_both(void **state)
{
	/* "/a/broadcast" is also an account of that name. */
	struct found found = find(*state, HTTP_PUT, SPAN_OF("/a/broadcast"));

	assert_int_equal(found.rc, RC_DENIED);
	assert_span(found.allow, "DELETE, POST");
	assert_ptr_equal(find(*state, HTTP_DELETE, SPAN_OF("/a/broadcast")).match.route, &rows[4]);
}

static void test_methods_that_no_row_has_are_denied(void **state)
{
	static const enum http_method methods[] = {HTTP_PUT, HTTP_PATCH, HTTP_OPTIONS, HTTP_OTHER};

	for (size_t i = 0; i < COUNT(methods); i++)
		assert_int_equal(find(*state, methods[i], SPAN_OF("/a/active")).rc, RC_DENIED);
}

static void test_a_table_of_complete_rows_is_served(void **state)
{
	(void)state;
	assert_null(router_check(&routes));
}

static void test_a_row_without_a_way_in_is_refused(void **state)
{
	struct route table[2] = {ROW(HTTP_GET, "/x"), ROW(HTTP_GET, "/y")};

	(void)state;
	table[1].ways = 0;
	assert_string_equal(
	    router_check(&(struct routes){table, 2}), "a row of the routing table names no way in");
}

static void test_a_row_that_is_not_complete_is_refused(void **state)
{
	const struct route whole = ROW(HTTP_GET, "/x");
	struct route row = whole;
	const struct routes table = {&row, 1};

	(void)state;
	row.run = NULL;
	assert_non_null(router_check(&table));
	row = whole;
	row.name = NULL;
	assert_non_null(router_check(&table));
	row = whole;
	row.path = "x";
	assert_non_null(router_check(&table));
	row = whole;
	row.path = "";
	assert_non_null(router_check(&table));
	row = whole;
	row.body_max = BOUND_WEBHOOK;
	assert_null(router_check(&table));
	row.body_max = BOUND_WEBHOOK + 1;
	assert_non_null(router_check(&table));
}

static int check_without_path(void *ctx)
{
	struct route row = ROW(HTTP_GET, "/x");

	(void)ctx;
	row.path = NULL;
	return router_check(&(struct routes){&row, 1}) != NULL ? 0 : 1;
}

static void test_a_row_without_a_path_is_refused(void **state)
{
	(void)state;
	assert_int_equal(unit_in_child(check_without_path, NULL), 0);
}

static void test_a_table_that_is_too_long_is_refused(void **state)
{
	static struct route many[BOUND_ROUTES];

	(void)state;
	for (size_t i = 0; i < COUNT(many); i++)
		many[i] = rows[0];
	assert_null(router_check(&(struct routes){many, BOUND_ROUTES - 1}));
	assert_non_null(router_check(&(struct routes){many, BOUND_ROUTES}));
}

static void test_ways_have_words(void **state)
{
	struct buf b = buf_in(*state, 100);

	router_put_ways(&b, WAY_SIGNATURE);
	buf_putc(&b, '|');
	router_put_ways(&b, WAY_LOCAL);
	buf_putc(&b, '|');
	router_put_ways(&b, WAY_SIGNATURE | WAY_LOCAL);
	buf_putc(&b, '|');
	router_put_ways(&b, 0);
	assert_span(buf_span(&b), "signature|local|signature,local|");
}

/* --- request and response */

static void test_methods_have_their_names_in_upper_case(void **state)
{
	(void)state;
	for (int m = HTTP_GET; m < HTTP_OTHER; m++)
		assert_int_equal(http_method_of(span_of(http_method_name((enum http_method)m))), m);
	assert_int_equal(http_method_of(SPAN_OF("get")), HTTP_OTHER);
	assert_int_equal(http_method_of(SPAN_OF("GET ")), HTTP_OTHER);
	assert_int_equal(http_method_of(SPAN_OF("TRACE")), HTTP_OTHER);
	assert_int_equal(http_method_of(SPAN_OF("")), HTTP_OTHER);
	assert_int_equal(http_method_of(SPAN_OF("?")), HTTP_OTHER);
	assert_int_equal(http_method_of((struct span){0}), HTTP_OTHER);
}

static void test_a_new_response_is_an_error_until_it_is_another(void **state)
{
	struct http_response response;

	http_response_init(&response, *state);
	assert_int_equal(response.status, 500);
	assert_string_equal(response.content_type, "application/json");
	assert_int_equal(response.body.len, 0);
	assert_false(response.streamed);
}

static void test_clearing_forgets_all_that_was_built(void **state)
{
	struct http_response response;

	http_response_init(&response, *state);
	response.status = 200;
	response.content_type = "text/plain";
	buf_puts(&response.body, "text");
	http_response_header(&response, "Allow", SPAN_OF("GET"));
	response.body.failed = response.headers.failed = true;
	http_response_clear(&response);
	assert_int_equal(response.status, 500);
	assert_string_equal(response.content_type, "application/json");
	assert_int_equal(response.body.len, 0);
	assert_int_equal(response.headers.len, 0);
	assert_false(response.body.failed || response.headers.failed);
}

static void test_headers_are_whole_lines(void **state)
{
	struct http_response response;

	http_response_init(&response, *state);
	http_response_header(&response, "Allow", SPAN_OF("GET, HEAD"));
	http_response_header(&response, "Retry-After", SPAN_OF("1"));
	assert_span(buf_span(&response.headers), "Allow: GET, HEAD\r\nRetry-After: 1\r\n");
}

static void test_headers_and_body_end_at_their_bounds(void **state)
{
	struct http_response response;

	http_response_init(&response, *state);
	for (int i = 0; i < 3000; i++)
		http_response_header(&response, "X-Test", SPAN_OF("value"));
	assert_true(response.headers.failed);
	assert_true(response.headers.len <= BOUND_HEADERS);
	assert_int_equal(response.body.max, BOUND_RESPONSE);
}

static void test_statuses_that_are_in_use_have_words(void **state)
{
	static const int statuses[] = {200, 400, 401, 404, 405, 409, 413, 422, 429, 500, 503};

	(void)state;
	for (size_t i = 0; i < COUNT(statuses); i++)
		assert_true(strlen(http_reason(statuses[i])) > 0);
	assert_string_equal(http_reason(422), "Unprocessable Content");
	assert_string_equal(http_reason(999), "");
}

int main(void)
{
	const struct CMUnitTest router_tests[] = {
	    arena_test(test_a_row_is_found_by_method_and_path),
	    arena_test(test_every_row_finds_itself),
	    arena_test(test_head_is_answered_as_get),
	    arena_test(test_account_stands_for_one_segment_of_any_text),
	    arena_test(test_another_path_is_not_found),
	    arena_test(test_another_method_is_denied_with_those_that_are_allowed),
	    arena_test(test_a_path_of_two_rows_allows_the_methods_of_both),
	    arena_test(test_methods_that_no_row_has_are_denied),
	    cmocka_unit_test(test_a_table_of_complete_rows_is_served),
	    cmocka_unit_test(test_a_row_without_a_way_in_is_refused),
	    cmocka_unit_test(test_a_row_that_is_not_complete_is_refused),
	    cmocka_unit_test(test_a_row_without_a_path_is_refused),
	    cmocka_unit_test(test_a_table_that_is_too_long_is_refused),
	    arena_test(test_ways_have_words),
	};
	const struct CMUnitTest message_tests[] = {
	    cmocka_unit_test(test_methods_have_their_names_in_upper_case),
	    arena_test(test_a_new_response_is_an_error_until_it_is_another),
	    arena_test(test_clearing_forgets_all_that_was_built),
	    arena_test(test_headers_are_whole_lines),
	    arena_test(test_headers_and_body_end_at_their_bounds),
	    cmocka_unit_test(test_statuses_that_are_in_use_have_words),
	};

	return unit_run("http/router", router_tests) +
	       unit_run("http/request, http/response", message_tests);
}
