#include "api/api.h"

#include <stdio.h>

#include "api/metrics.h"
#include "api/reply.h"
#include "api_tests.h"
#include "auth/guard.h"
#include "base/buf.h"
#include "unit.h"

/* --- the routing table */

static void test_the_table_may_be_served(void **state)
{
	(void)state;
	assert_null(router_check(&api_routes));
}

static void test_every_row_refuses_who_proves_nothing(void **state)
{
	struct guard guard = {
	    .signature = signature_create(SPAN_OF("secret"), (struct span){0}, 300),
	    .login = login_create(&(struct login_options){.app_name = SPAN("Demo")}),
	};

	assert_non_null(guard.signature);
	assert_non_null(guard.login);
	for (size_t i = 0; i < api_routes.count; i++) {
		struct call call = {
		    .mem = *state,
		    .route = &api_routes.rows[i],
		    .audience = api_routes.rows[i].audience,
		};
		struct guard_refusal refusal = {0};

		if (guard_admit(&call, &guard, NULL, NULL, &refusal) != RC_DENIED)
			fail_msg("%s lets anybody in", api_routes.rows[i].name);
		assert_true(refusal.status == 401 || refusal.status == 404);
		assert_non_null(refusal.message);
		assert_non_null(call.why);
	}
	signature_free(guard.signature);
	login_free(guard.login);
}

static void test_no_row_stands_in_anothers_way(void **state)
{
	for (size_t i = 0; i < api_routes.count; i++) {
		const struct route *row = &api_routes.rows[i];
		struct router_match match = {0};
		struct buf allow = buf_in(*state, 256);

		assert_int_equal(
		    router_find(&api_routes, row->method, span_of(row->path), &match, &allow),
		    RC_OK);
		if (match.route != row)
			fail_msg("%s is answered by %s", row->name, match.route->name);
	}
}

static void test_every_row_has_a_name_of_its_own(void **state)
{
	(void)state;
	for (size_t i = 0; i < api_routes.count; i++)
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(api_routes.rows[i].name, api_routes.rows[k].name);
}

static void test_errors_look_as_those_who_come_in_that_way_expect(void **state)
{
	(void)state;
	for (size_t i = 0; i < api_routes.count; i++) {
		const struct route *row = &api_routes.rows[i];

		assert_int_equal((row->ways & WAY_SIGNATURE) != 0, row->audience == FOR_NODE);
		assert_int_equal(row->ways == WAY_LOCAL, row->audience == FOR_OPS);
	}
}

/* Whatever else a page can be made to send changes something, and shows its token. */
static void test_only_listening_to_a_channel_is_a_post_without_a_token(void **state)
{
	size_t reads = 0;

	(void)state;
	for (size_t i = 0; i < api_routes.count; i++) {
		const struct route *row = &api_routes.rows[i];

		if ((row->flags & ROUTE_READS) == 0)
			continue;
		reads++;
		assert_string_equal(row->path, "/broadcasting/auth");
		assert_int_equal(row->method, HTTP_POST);
		assert_int_equal(row->ways, WAY_LOGIN);
	}
	assert_int_equal(reads, 1);
}

/* --- answers */

static struct call call_for(struct arena *mem, enum audience audience)
{
	struct call call = {.mem = mem, .audience = audience};

	http_response_init(&call.response, mem);
	return call;
}

static struct span body_of(const struct call *call)
{
	return buf_span(&call->response.body);
}

static bool has_header(const struct call *call, const char *line)
{
	return unit_has(buf_span(&call->response.headers), line);
}

static void test_every_error_has_a_message_and_a_code(void **state)
{
	struct call call = call_for(*state, FOR_BROWSER);

	reply_error(&call, 404, "not_found", "Account \"x\" not found");
	assert_int_equal(call.response.status, 404);
	assert_span(body_of(&call),
	    "{\"success\":false,\"message\":\"Account \\\"x\\\" not found\",\"code\":\"not_found\"}");
	assert_string_equal(call.why, "not_found");
}

static void test_errors_for_the_node_service_have_also_error(void **state)
{
	struct call call = call_for(*state, FOR_NODE);

	reply_error(&call, 404, "not_found", "No");
	assert_span(body_of(&call), "{\"error\":\"No\",\"message\":\"No\",\"code\":\"not_found\"}");
}

static void test_the_first_reason_stays_in_the_log(void **state)
{
	struct call call = call_for(*state, FOR_NODE);

	call.why = "mismatch";
	reply_error(&call, 401, "unauthenticated", "Invalid signature");
	assert_string_equal(call.why, "mismatch");
}

static void test_an_error_replaces_what_was_built(void **state)
{
	struct call call = call_for(*state, FOR_BROWSER);

	buf_puts(reply_begin(&call, 200), "half an answer");
	http_response_header(&call.response, "X-Half", SPAN_OF("1"));
	reply_error(&call, 500, "c", "m");
	assert_span(body_of(&call), "{\"success\":false,\"message\":\"m\",\"code\":\"c\"}");
	assert_false(has_header(&call, "X-Half"));
}

static void test_faults_are_listed_by_field(void **state)
{
	struct call call = call_for(*state, FOR_BROWSER);
	struct faults faults;

	faults_init(&faults, *state);
	faults_add(&faults, "data.status", "field is required.");
	reply_faults(&call, &faults);
	assert_int_equal(call.response.status, 422);
	assert_span(body_of(&call),
	    "{\"success\":false,\"message\":\"Validation failed\",\"code\":\"validation_failed\",\"errors\":{\"data.status\":["
	    "\"The data.status field is required.\"]}}");
}

static void test_later_is_429_for_the_node_service_and_503_for_others(void **state)
{
	struct call node = call_for(*state, FOR_NODE), browser = call_for(*state, FOR_BROWSER);

	reply_unavailable(&node, "database_away");
	assert_int_equal(node.response.status, 429);
	assert_true(has_header(&node, "Retry-After: 1\r\n"));
	assert_string_equal(node.why, "database_away");
	reply_unavailable(&browser, "database_away");
	assert_int_equal(browser.response.status, 503);
	assert_true(has_header(&browser, "Retry-After: 1\r\n"));
}

static void test_every_rc_that_is_no_answer_has_a_status(void **state)
{
	const struct db_options options = {.user = "nobody"};
	const struct api api = {.db = db_create(&options, NULL, NULL)};
	static const struct {
		enum rc rc;
		int node, browser;
	} cases[] = {
	    {RC_RETRY, 429, 503},
	    {RC_UNKNOWN, 429, 503},
	    {RC_NOT_FOUND, 404, 404},
	    {RC_INTERNAL, 500, 500},
	    {RC_INVALID, 500, 500},
	    {RC_CONFLICT, 500, 500},
	    {RC_DENIED, 500, 500},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct call node = call_for(*state, FOR_NODE),
			    browser = call_for(*state, FOR_BROWSER);

		node.api = browser.api = &api;
		reply_rc(&node, cases[i].rc);
		assert_int_equal(node.response.status, cases[i].node);
		assert_non_null(node.why);
		reply_rc(&browser, cases[i].rc);
		assert_int_equal(browser.response.status, cases[i].browser);
	}
	db_free(api.db);
}

static void test_an_unknown_path_is_404_in_its_neighbours_form(void **state)
{
	struct call call = call_for(*state, FOR_OPS);

	call.request.method = HTTP_GET;
	call.request.path = SPAN_OF("/api/whatsapp/nothing");
	api_answer(&call);
	assert_int_equal(call.response.status, 404);
	assert_true(unit_has(body_of(&call), "\"error\":"));
	assert_null(call.route);
	call.request.path = SPAN_OF("/settings/nothing");
	api_answer(&call);
	assert_int_equal(call.response.status, 404);
	assert_false(unit_has(body_of(&call), "\"error\":"));
}

static void test_another_method_is_405_with_those_that_are_allowed(void **state)
{
	struct call call = call_for(*state, FOR_OPS);

	call.request.method = HTTP_DELETE;
	call.request.path = SPAN_OF("/api/whatsapp/accounts/active");
	api_answer(&call);
	assert_int_equal(call.response.status, 405);
	assert_true(has_header(&call, "Allow: GET, HEAD\r\n"));
	call.request.path = SPAN_OF("/api/whatsapp/accounts/broadcast");
	api_answer(&call);
	assert_int_equal(call.response.status, 405);
	assert_true(has_header(&call, "Allow: POST\r\n"));
}

/* --- metrics */

/* "# HELP", "# TYPE", or: a name, labels, one blank, a number. */
static void check_line(struct span line)
{
	struct span rest = line, series, number;
	const char *blank;

	if (span_starts(line, "# HELP wa_") || span_starts(line, "# TYPE wa_"))
		return;
	blank = memrchr(line.ptr, ' ', line.len);
	if (!span_starts(line, "wa_") || blank == NULL)
		fail_msg("no line of the format: %.*s", SPAN_ARG(line));
	series = span_from(line.ptr, (size_t)(blank - line.ptr));
	number = span_from(blank + 1, line.len - series.len - 1);
	assert_true(number.len > 0 && strspn(number.ptr, "0123456789.") >= number.len);
	(void)span_cut(&rest, '{', &series);
	for (size_t i = 0; i < series.len && series.ptr[i] != ' '; i++)
		assert_true(series.ptr[i] == '_' || (series.ptr[i] >= 'a' && series.ptr[i] <= 'z'));
}

static size_t count_of(struct span all, const char *text)
{
	size_t count = 0;

	for (const char *at = all.ptr;
	     (at = memmem(at, (size_t)(all.ptr + all.len - at), text, strlen(text))) != NULL; at++)
		count++;
	return count;
}

static void test_metrics_are_prometheus_text(void **state)
{
	const struct outbox_depth depth = {1, 2, 3};
	struct board *board = board_create(4);
	struct buf b = buf_in(*state, 1 * MIB);
	struct span rest, line;

	slot_idle(board_slot(board, 1));
	slot_count(board_slot(board, 1), METRIC_HMAC_CURRENT);
	slot_count_request(board_slot(board, 1), 0, 200, 1500);
	slot_count_request(board_slot(board, 2), 0, 200, 99000000);
	slot_count_request(board_slot(board, 2), BOARD_NO_ROUTE, 499, 1);
	metrics_put_pool(&b, board, 2);
	metrics_put_routes(&b, board, &api_routes);
	metrics_put_relay(&b, board, 2, 3);
	metrics_put_outbox(&b, &depth);
	assert_false(b.failed);
	rest = buf_span(&b);
	assert_int_equal(rest.ptr[rest.len - 1], '\n');
	rest.len--;
	while (span_cut(&rest, '\n', &line))
		check_line(line);
	rest = buf_span(&b);
	for (size_t i = 0; i < METRIC_COUNT; i++) {
		char series[160];

		snprintf(series, sizeof(series), "\n%s ", metric_infos[i].series);
		assert_int_equal(count_of(rest, series), 1);
	}
	assert_true(unit_has(rest, "wa_workers{state=\"idle\"} 1\n"));
	assert_true(unit_has(rest, "wa_workers{state=\"absent\"} 1\n"));
	assert_true(unit_has(rest, "wa_hmac_accepted_total{secret=\"current\"} 1\n"));
	assert_true(
	    unit_has(rest, "wa_requests_total{route=\"browser.index\",status=\"200\"} 2\n"));
	assert_true(unit_has(rest, "wa_requests_total{route=\"none\",status=\"other\"} 1\n"));
	assert_true(unit_has(
	    rest, "wa_request_duration_seconds_bucket{route=\"browser.index\",le=\"0.0025\"} 1\n"));
	assert_true(unit_has(
	    rest, "wa_request_duration_seconds_bucket{route=\"browser.index\",le=\"+Inf\"} 2\n"));
	assert_true(
	    unit_has(rest, "wa_request_duration_seconds_sum{route=\"browser.index\"} 99.001500\n"));
	assert_true(unit_has(rest, "wa_outbox_oldest_seconds 3\n"));
	board_free(board);
}

static bool has_metric(struct span all, const char *line)
{
	char text[256];

	snprintf(text, sizeof(text), "\n%s\n", line);
	return unit_has(all, text);
}

/* Slots: the master's, two workers', the relay's. */
static void test_the_relay_is_no_worker(void **state)
{
	struct board *board = board_create(4);
	struct buf b = buf_in(*state, 1 * MIB);

	slot_idle(board_slot(board, 0));
	slot_busy(board_slot(board, 2), 0);
	slot_idle(board_slot(board, 3));
	slot_count(board_slot(board, 3), METRIC_EVENT_DELIVERED);
	metrics_put_pool(&b, board, 2);
	assert_true(has_metric(buf_span(&b), "wa_workers{state=\"idle\"} 0"));
	assert_true(has_metric(buf_span(&b), "wa_workers{state=\"busy\"} 1"));
	assert_true(has_metric(buf_span(&b), "wa_workers{state=\"absent\"} 1"));
	/* What it counts is counted all the same. */
	assert_true(has_metric(
	    buf_span(&b), "wa_outbox_settled_total{kind=\"event\",result=\"delivered\"} 1"));
	board_free(board);
}

static void test_the_relay_tells_how_it_and_each_of_its_peers_are(void **state)
{
	struct board *board = board_create(4);
	struct buf b = buf_in(*state, 1 * MIB);

	metrics_put_relay(&b, board, 2, 2);
	assert_true(has_metric(buf_span(&b), "wa_relay_up 0"));
	slot_idle(board_slot(board, 3));
	board_set_peer(board, 0, (struct board_peer){2, 0});
	board_set_peer(board, 2, (struct board_peer){1, 7});
	board_set_peer(board, 3, (struct board_peer){2, 9});
	buf_clear(&b);
	metrics_put_relay(&b, board, 2, 2);
	assert_true(has_metric(buf_span(&b), "wa_relay_up 1"));
	assert_true(has_metric(buf_span(&b), "wa_relay_breaker{peer=\"broadcast\"} 2"));
	assert_true(has_metric(buf_span(&b), "wa_relay_breaker{peer=\"instance-1\"} 0"));
	assert_true(has_metric(buf_span(&b), "wa_relay_breaker{peer=\"instance-2\"} 1"));
	assert_true(has_metric(buf_span(&b), "wa_relay_under_way{peer=\"broadcast\"} 0"));
	assert_true(has_metric(buf_span(&b), "wa_relay_under_way{peer=\"instance-2\"} 7"));
	/* There are two instances. */
	assert_false(unit_has(buf_span(&b), "instance-3"));
	board_free(board);
}

static void test_deliveries_are_timed_by_kind(void **state)
{
	struct board *board = board_create(4);
	struct buf b = buf_in(*state, 1 * MIB);

	slot_count_request(board_slot(board, 3), BOARD_EVENTS, 200, 1500);
	slot_count_request(board_slot(board, 3), BOARD_EVENTS, 200, 2000000);
	slot_count_request(board_slot(board, 3), BOARD_COMMANDS, 200, 99000000);
	metrics_put_relay(&b, board, 2, 1);
	assert_true(has_metric(
	    buf_span(&b), "wa_outbox_delivery_seconds_bucket{kind=\"event\",le=\"0.0025\"} 1"));
	assert_true(has_metric(
	    buf_span(&b), "wa_outbox_delivery_seconds_bucket{kind=\"event\",le=\"+Inf\"} 2"));
	assert_true(
	    has_metric(buf_span(&b), "wa_outbox_delivery_seconds_sum{kind=\"event\"} 2.001500"));
	assert_true(
	    has_metric(buf_span(&b), "wa_outbox_delivery_seconds_count{kind=\"command\"} 1"));
	/* They are none of the routes' requests. */
	buf_clear(&b);
	metrics_put_routes(&b, board, &api_routes);
	assert_false(unit_has(buf_span(&b), "status=\"200\"} "));
	board_free(board);
}

static void test_every_name_has_its_help_and_type_once(void **state)
{
	struct callers_sum *callers = arena_alloc(*state, sizeof(*callers));
	struct board *board = board_create(2);
	struct buf b = buf_in(*state, 1 * MIB);
	struct span rest, line;

	metrics_put_pool(&b, board, 0);
	metrics_put_routes(&b, board, &api_routes);
	board_sum_callers(board, callers);
	metrics_put_callers(&b, callers, &api_routes);
	metrics_put_relay(&b, board, 0, BOUND_INSTANCES);
	metrics_put_outbox(&b, &(struct outbox_depth){0});
	rest = buf_span(&b);
	while (span_cut(&rest, '\n', &line)) {
		char start[128];

		if (!span_starts(line, "# TYPE "))
			continue;
		snprintf(start, sizeof(start), "# HELP %.*s ", (int)strcspn(line.ptr + 7, " "),
		    line.ptr + 7);
		assert_int_equal(count_of(buf_span(&b), start), 1);
		start[2] = 'T', start[3] = 'Y', start[4] = 'P', start[5] = 'E';
		assert_int_equal(count_of(buf_span(&b), start), 1);
	}
	board_free(board);
}

int main(void)
{
	const struct CMUnitTest route_tests[] = {
	    cmocka_unit_test(test_the_table_may_be_served),
	    arena_test(test_every_row_refuses_who_proves_nothing),
	    arena_test(test_no_row_stands_in_anothers_way),
	    cmocka_unit_test(test_every_row_has_a_name_of_its_own),
	    cmocka_unit_test(test_errors_look_as_those_who_come_in_that_way_expect),
	    cmocka_unit_test(test_only_listening_to_a_channel_is_a_post_without_a_token),
	};
	const struct CMUnitTest reply_tests[] = {
	    arena_test(test_every_error_has_a_message_and_a_code),
	    arena_test(test_errors_for_the_node_service_have_also_error),
	    arena_test(test_the_first_reason_stays_in_the_log),
	    arena_test(test_an_error_replaces_what_was_built),
	    arena_test(test_faults_are_listed_by_field),
	    arena_test(test_later_is_429_for_the_node_service_and_503_for_others),
	    arena_test(test_every_rc_that_is_no_answer_has_a_status),
	    arena_test(test_an_unknown_path_is_404_in_its_neighbours_form),
	    arena_test(test_another_method_is_405_with_those_that_are_allowed),
	};
	const struct CMUnitTest metric_tests[] = {
	    arena_test(test_metrics_are_prometheus_text),
	    arena_test(test_the_relay_is_no_worker),
	    arena_test(test_the_relay_tells_how_it_and_each_of_its_peers_are),
	    arena_test(test_deliveries_are_timed_by_kind),
	    arena_test(test_every_name_has_its_help_and_type_once),
	};

	return unit_run("api/routes", route_tests) +
	       unit_run("api/reply, api/answer", reply_tests) +
	       unit_run("api/metrics", metric_tests) + test_api_legacy() + test_api_page();
}
