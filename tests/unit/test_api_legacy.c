/* legacy: old paths, and the count of those who still ask for them. */
#include "api/legacy.h"

#include <stdio.h>

#include "api/api.h"
#include "api/metrics.h"
#include "api/reply.h"
#include "api_tests.h"
#include "base/now.h"
#include "unit.h"

#define SUNSET now_from_civil(2027, 11, 14, 0, 0, 0, 0)
#define DEPRECATION "Deprecation: @1763078400\r\n"

static const struct api open_api = {.legacy_until_us = INT64_MAX};
static const struct api shut_api = {.legacy_until_us = INT64_MIN};

static struct call call_of(
    struct arena *mem, const struct api *api, enum http_method method, struct span path)
{
	struct call call = {.mem = mem, .api = api};

	http_response_init(&call.response, mem);
	call.request.method = method;
	call.request.path = path;
	return call;
}

static bool has_header(const struct call *call, const char *line)
{
	return unit_has(buf_span(&call->response.headers), line);
}

static void assert_taken(struct arena *mem, struct span path, struct span successor)
{
	struct call call = call_of(mem, &open_api, HTTP_GET, path);

	legacy_take(&call);
	assert_same(call.old_path, path);
	assert_same(call.request.path, successor);
}

static void test_an_old_prefix_becomes_its_successor_and_the_rest_stays(void **state)
{
	assert_taken(
	    *state, SPAN_OF("/settings/whatsapp-sessions"), SPAN_OF("/settings/whatsapp-accounts"));
	assert_taken(*state, SPAN_OF("/settings/whatsapp-sessions/a\0b/statistics"),
	    SPAN_OF("/settings/whatsapp-accounts/a\0b/statistics"));
	assert_taken(*state, SPAN_OF("/api/whatsapp/sessions/active"),
	    SPAN_OF("/api/whatsapp/accounts/active"));
	assert_taken(*state, SPAN_OF("/api/whatsapp/sessions"), SPAN_OF("/api/whatsapp/accounts"));
	assert_taken(*state, SPAN_OF("/settings/whatsapp-sessions/settings/whatsapp-sessions"),
	    SPAN_OF("/settings/whatsapp-accounts/settings/whatsapp-sessions"));
}

static void test_other_paths_are_left_alone(void **state)
{
	static const struct span paths[] = {SPAN(""), SPAN("/"), SPAN("/settings/whatsapp-session"),
	    SPAN("/settings/whatsapp-sessions-archive"), SPAN("/settings/whatsapp-sessionsx/y"),
	    SPAN("/Settings/whatsapp-sessions"), SPAN("/x/settings/whatsapp-sessions"),
	    SPAN("/settings/whatsapp-accounts"),
	    SPAN("/settings/whatsapp-accounts/whatsapp-sessions"),
	    SPAN("/api/whatsapp/sessions-for-cleanup/active"),
	    SPAN("/api/whatsapp/accounts/active"), SPAN("/healthz")};

	for (size_t i = 0; i < COUNT(paths); i++) {
		struct call call = call_of(*state, &open_api, HTTP_GET, paths[i]);

		legacy_take(&call);
		assert_null(call.old_path.ptr);
		assert_same(call.request.path, paths[i]);
		legacy_put_headers(&call);
		assert_int_equal(call.response.headers.len, 0);
		assert_false(legacy_is_gone(&call));
	}
}

/* Whatever row there is or will be: the guard that stands before it is the same one. */
static void test_every_row_below_a_new_prefix_is_found_by_its_old_path(void **state)
{
	static const struct {
		const char *old_prefix, *new_prefix;
	} prefixes[] = {{"/settings/whatsapp-sessions", "/settings/whatsapp-accounts"},
	    {"/api/whatsapp/sessions", "/api/whatsapp/accounts"}};
	size_t found = 0;

	for (size_t i = 0; i < api_routes.count; i++)
		for (size_t k = 0; k < COUNT(prefixes); k++) {
			const struct route *row = &api_routes.rows[i];
			struct buf path = buf_in(*state, 256), allow = buf_in(*state, 256);
			struct router_match match = {0};
			struct call call;

			if (!span_starts(span_of(row->path), prefixes[k].new_prefix))
				continue;
			found++;
			buf_puts(&path, prefixes[k].old_prefix);
			buf_puts(&path, row->path + strlen(prefixes[k].new_prefix));
			call = call_of(*state, &open_api, row->method, buf_span(&path));
			legacy_take(&call);
			assert_int_equal(router_find(&api_routes, call.request.method,
					     call.request.path, &match, &allow),
			    RC_OK);
			assert_ptr_equal(match.route, row);
		}
	assert_int_equal(found, 13);
}

static void test_an_answer_says_what_comes_after_and_until_when(void **state)
{
	const struct api api = {.legacy_until_us = SUNSET};
	struct call call =
	    call_of(*state, &api, HTTP_DELETE, SPAN_OF("/api/whatsapp/sessions/active"));

	api_answer(&call);
	assert_int_equal(call.response.status, 405);
	assert_true(has_header(&call, "Allow: GET, HEAD\r\n"));
	assert_true(has_header(&call, DEPRECATION));
	assert_true(has_header(&call, "Sunset: Sun, 14 Nov 2027 00:00:00 GMT\r\n"));
	assert_true(has_header(
	    &call, "Link: </api/whatsapp/accounts/active>; rel=\"successor-version\"\r\n"));
	/* Another answer in its place says so once. */
	reply_error(&call, 500, "internal", "m");
	assert_true(has_header(&call, DEPRECATION));
	assert_null(strstr(strstr(call.response.headers.ptr, "Deprecation") + 1, "Deprecation"));
}

static void test_a_link_is_escaped_whatever_the_path_holds(void **state)
{
	struct call call = call_of(*state, &open_api, HTTP_GET,
	    SPAN_OF("/settings/whatsapp-sessions/a b\r\nX: <y>;\"\xff\\/%41"));

	api_answer(&call);
	assert_int_equal(call.response.status, 404);
	assert_true(has_header(&call,
	    "\r\nLink: </settings/whatsapp-accounts/a%20b%0D%0AX%3A%20%3Cy%3E%3B%22%FF%5C/%2541>; "
	    "rel=\"successor-version\"\r\n"));
	assert_false(has_header(&call, "\r\nX:"));
}

static void test_a_link_that_would_not_fit_names_the_prefix(void **state)
{
	char path[4096] = "/api/whatsapp/sessions/";
	size_t len = strlen(path);
	struct call call;

	memset(path + len, 0xe9, sizeof(path) - len);
	call = call_of(*state, &open_api, HTTP_GET, span_from(path, sizeof(path)));
	api_answer(&call);
	assert_int_equal(call.response.status, 404);
	assert_false(call.response.headers.failed);
	assert_true(
	    has_header(&call, "Link: </api/whatsapp/accounts>; rel=\"successor-version\"\r\n"));
}

static void test_the_window_ends_with_the_first_moment_of_the_day(void **state)
{
	const struct api api = {.legacy_until_us = SUNSET};

	for (int64_t late = -1; late <= 0; late++) {
		struct call call =
		    call_of(*state, &api, HTTP_DELETE, SPAN_OF("/api/whatsapp/sessions/active"));

		call.now_us = SUNSET + late;
		api_answer(&call);
		assert_int_equal(call.response.status, late < 0 ? 405 : 410);
	}
}

static void test_afterwards_old_paths_are_gone_for_all_and_say_where_they_went(void **state)
{
	struct board *board = board_create(1);
	struct call node =
	    call_of(*state, &shut_api, HTTP_GET, SPAN_OF("/api/whatsapp/sessions/17/status"));
	struct call browser =
	    call_of(*state, &shut_api, HTTP_POST, SPAN_OF("/settings/whatsapp-sessions"));

	node.slot = browser.slot = board_slot(board, 0);
	api_answer(&node);
	assert_int_equal(node.response.status, 410);
	assert_span(buf_span(&node.response.body),
	    "{\"error\":\"This address is no longer served; use /api/whatsapp/accounts/17/status\","
	    "\"message\":\"This address is no longer served; use /api/whatsapp/accounts/17/status\","
	    "\"code\":\"gone\"}");
	assert_string_equal(node.why, "gone");
	assert_true(has_header(
	    &node, "Link: </api/whatsapp/accounts/17/status>; rel=\"successor-version\"\r\n"));
	assert_false(has_header(&node, "Deprecation"));
	assert_false(has_header(&node, "Sunset"));
	/* It counts for the row that it was. */
	assert_string_equal(node.route->name, "node.status");
	api_answer(&browser);
	assert_int_equal(browser.response.status, 410);
	assert_true(unit_has(buf_span(&browser.response.body), "\"code\":\"gone\"}"));
	assert_false(unit_has(buf_span(&browser.response.body), "\"error\""));
	board_free(board);
}

static void test_what_never_was_is_not_gone(void **state)
{
	struct call call =
	    call_of(*state, &shut_api, HTTP_GET, SPAN_OF("/settings/whatsapp-sessions/x/y/z"));
	struct call other =
	    call_of(*state, &shut_api, HTTP_DELETE, SPAN_OF("/api/whatsapp/accounts/active"));

	api_answer(&call);
	assert_int_equal(call.response.status, 404);
	api_answer(&other);
	assert_int_equal(other.response.status, 405);
}

/* --- who asks */

static void assert_caller(const struct call *call, const char *want)
{
	char storage[128];
	struct buf b = buf_over(storage, sizeof(storage));

	api_put_caller(&b, call);
	buf_putc(&b, '\0');
	assert_string_equal(storage, want);
}

static void test_a_caller_is_the_login_the_token_or_the_address(void **state)
{
	const struct session *session = *state; /* not looked into */
	struct call call = {
	    .audience = FOR_BROWSER,
	    .is_let_in = true,
	    .caller = {.user_id = 7, .workspace_id = 5, .session = session},
	};

	call.request.params[PARAM_REMOTE_ADDR] = SPAN_OF("2001:db8::1");
	assert_caller(&call, "user:7");
	call.caller = (struct caller){.user_id = 7, .workspace_id = 5, .token_id = 3};
	assert_caller(&call, "token:3");
	call.caller.token_id = 0;
	assert_caller(&call, "workspace:5");
	call.is_let_in = false;
	assert_caller(&call, "2001:db8::1");
	call = (struct call){.audience = FOR_NODE, .is_let_in = true};
	assert_caller(&call, "unknown");
	call.request.params[PARAM_REMOTE_ADDR] = SPAN_OF("10.0.0.1");
	assert_caller(&call, "10.0.0.1");
}

static void test_callers_are_counted_by_route_with_labels_that_are_escaped(void **state)
{
	struct callers_sum *sum = arena_alloc(*state, sizeof(*sum));
	struct callers *callers = arena_alloc(*state, sizeof(*callers));
	struct buf b = buf_in(*state, 1 * MIB);

	callers_sum_init(sum);
	metrics_put_callers(&b, sum, &api_routes);
	assert_span(buf_span(&b),
	    "# HELP wa_legacy_requests_total Requests for old paths, by who asked and for which route.\n"
	    "# TYPE wa_legacy_requests_total counter\n"
	    "# HELP wa_legacy_uses_total Requests in another old way than by their path, by who made them and "
	    "what was old.\n"
	    "# TYPE wa_legacy_uses_total counter\n");
	buf_clear(&b);
	callers_count(callers, SPAN_OF("user:7"), 2, false);
	callers_count(callers, SPAN_OF("user:7"), 2, false);
	callers_count(callers, SPAN_OF("user:7"), BOARD_NO_ROUTE, false);
	callers_count(callers, SPAN_OF("user:7"), CALLERS_USES + LEGACY_CLEANUP_DELETE, false);
	callers_count(callers, SPAN_OF("a\"b\\c\nd\xff"), 0, true);
	for (int i = 0; i < CALLERS; i++) {
		char name[16];

		snprintf(name, sizeof(name), "10.0.0.%d", i);
		callers_count(callers, span_of(name), 9, true);
	}
	callers_sum_add(sum, callers);
	metrics_put_callers(&b, sum, &api_routes);
	assert_true(unit_has(buf_span(&b),
	    "\nwa_legacy_requests_total{caller=\"user:7\",route=\"browser.show\"} 2\n"));
	assert_true(unit_has(
	    buf_span(&b), "\nwa_legacy_requests_total{caller=\"user:7\",route=\"none\"} 1\n"));
	assert_true(unit_has(
	    buf_span(&b), "\nwa_legacy_uses_total{caller=\"user:7\",use=\"cleanup_delete\"} 1\n"));
	assert_true(unit_has(buf_span(&b),
	    "\nwa_legacy_requests_total{caller=\"a\\\"b\\\\c\\nd?\",route=\"browser.index\"} 1\n"));
	assert_true(unit_has(buf_span(&b),
	    "\nwa_legacy_requests_total{caller=\"other\",route=\"node.active\"} 34\n"));
}

int test_api_legacy(void)
{
	const struct CMUnitTest tests[] = {
	    arena_test(test_an_old_prefix_becomes_its_successor_and_the_rest_stays),
	    arena_test(test_other_paths_are_left_alone),
	    arena_test(test_every_row_below_a_new_prefix_is_found_by_its_old_path),
	    arena_test(test_an_answer_says_what_comes_after_and_until_when),
	    arena_test(test_a_link_is_escaped_whatever_the_path_holds),
	    arena_test(test_a_link_that_would_not_fit_names_the_prefix),
	    arena_test(test_the_window_ends_with_the_first_moment_of_the_day),
	    arena_test(test_afterwards_old_paths_are_gone_for_all_and_say_where_they_went),
	    arena_test(test_what_never_was_is_not_gone),
	    arena_test(test_a_caller_is_the_login_the_token_or_the_address),
	    arena_test(test_callers_are_counted_by_route_with_labels_that_are_escaped),
	};

	return unit_run("api/legacy", tests);
}
