/* account_rules: what a report does to the row's metadata, which has other writers. */
#include <jansson.h>

#include "account_tests.h"
#include "base/bounds.h"
#include "unit.h"

/* The metadata after a report in a row that had `before`. */
static struct span after(
    struct arena *mem, enum account_state reported, struct span before, struct span metadata)
{
	struct account_tests_case c = account_tests_case(ACCOUNT_DISCONNECTED, reported);

	c.before.metadata = before;
	c.report.metadata = metadata;
	assert_int_equal(account_tests_run(&c, mem), RC_OK);
	return c.change.after.metadata;
}

static void test_a_report_is_merged_by_key_and_the_rest_is_kept_byte_for_byte(void **state)
{
	assert_span(after(*state, ACCOUNT_CONNECTING,
			SPAN_OF("{\"a\":1.10,\"b\":{\"x\": 1},\"big\":12345678901234567890123}"),
			SPAN_OF("{\"b\":{\"y\":2},\"c\":[1 ,2]}")),
	    "{\"a\":1.10,\"b\":{\"y\":2},\"big\":12345678901234567890123,\"c\":[1 ,2]}");
}

static void test_our_own_keys_win(void **state)
{
	assert_span(
	    after(*state, ACCOUNT_CONNECTING, SPAN_OF("{\"recent_failures\":2}"),
		SPAN_OF(
		    "{\"recent_failures\":0,\"last_error\":\"x\",\"last_disconnect_reason\":\"x\","
		    "\"last_disconnect_at\":\"x\",\"recent\\u005ffailures\":0,\"own\":1}")),
	    "{\"recent_failures\":2,\"own\":1}");
}

static void test_a_report_without_metadata_leaves_it_as_it_is(void **state)
{
	assert_span(after(*state, ACCOUNT_CONNECTING, SPAN_OF(" {\"a\" : 1} "), (struct span){0}),
	    " {\"a\" : 1} ");
	assert_null(after(*state, ACCOUNT_CONNECTING, (struct span){0}, (struct span){0}).ptr);
	assert_span(after(*state, ACCOUNT_DISCONNECTED, SPAN_OF("[]"), (struct span){0}), "[]");
}

static void test_connected_sets_the_failures_to_none(void **state)
{
	assert_span(after(*state, ACCOUNT_CONNECTED, SPAN_OF("{\"a\":1,\"recent_failures\":7}"),
			(struct span){0}),
	    "{\"a\":1,\"recent_failures\":0}");
	assert_span(after(*state, ACCOUNT_CONNECTED, (struct span){0}, SPAN_OF("{\"b\":2}")),
	    "{\"b\":2,\"recent_failures\":0}");
}

static void test_an_error_counts_one_failure_more(void **state)
{
	static const struct {
		double before;
		const char *after;
	} cases[] = {
	    {0, "{\"recent_failures\":1,"},
	    {3, "{\"recent_failures\":4,"},
	    {2.5, "{\"recent_failures\":3,"},
	    {-7, "{\"recent_failures\":1,"},
	    {1e9, "{\"recent_failures\":1000000001,"},
	    {1e300, "{\"recent_failures\":1000000000,"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct account_tests_case c = account_tests_case(ACCOUNT_CONNECTED, ACCOUNT_ERROR);

		c.before.recent_failures = cases[i].before;
		assert_int_equal(account_tests_run(&c, *state), RC_OK);
		assert_true(span_starts(c.change.after.metadata, cases[i].after));
	}
}

static void test_an_error_keeps_the_reports_words(void **state)
{
	assert_span(after(*state, ACCOUNT_ERROR, (struct span){0},
			SPAN_OF("{\"reason\":\"r\",\"message\":\"m \\u00e4\",\"x\":1}")),
	    "{\"reason\":\"r\",\"message\":\"m \\u00e4\",\"x\":1,\"recent_failures\":1,"
	    "\"last_error\":\"m \\u00e4\"}");
	assert_span(
	    after(*state, ACCOUNT_ERROR, (struct span){0}, SPAN_OF("{\"last_error\":\"l\"}")),
	    "{\"recent_failures\":1,\"last_error\":\"l\"}");
}

static void test_an_error_without_words_is_unknown(void **state)
{
	static const struct span reports[] = {SPAN("{\"error\":5}"), SPAN("{\"error\":\"\"}"),
	    SPAN("{\"error\":{\"a\":\"b\"}}"), SPAN("{\"error\":null}")};

	for (size_t i = 0; i < COUNT(reports); i++)
		assert_true(unit_has(after(*state, ACCOUNT_ERROR, (struct span){0}, reports[i]),
		    "\"last_error\":\"Unknown\""));
}

static void test_a_reason_is_kept_with_its_time(void **state)
{
	struct account_tests_case c = account_tests_case(ACCOUNT_CONNECTED, ACCOUNT_DISCONNECTED);

	c.before.metadata = SPAN_OF("{\"last_disconnect_reason\":\"old\",\"a\":1}");
	c.report.reason = SPAN_OF("the \"phone\"\nis off");
	assert_int_equal(account_tests_run(&c, *state), RC_OK);
	assert_span(c.change.after.metadata,
	    "{\"last_disconnect_reason\":\"the \\\"phone\\\"\\u000ais off\",\"a\":1,"
	    "\"last_disconnect_at\":\"2025-11-15T09:46:40.678901Z\"}");
}

static void test_metadata_that_is_no_object_is_kept_as_previous(void **state)
{
	assert_span(after(*state, ACCOUNT_CONNECTED, SPAN_OF("\"text\""), (struct span){0}),
	    "{\"previous\":\"text\",\"recent_failures\":0}");
	assert_span(after(*state, ACCOUNT_CONNECTED, SPAN_OF("5"), SPAN_OF("{\"a\":1}")),
	    "{\"previous\":5,\"a\":1,\"recent_failures\":0}");
}

static void test_phps_empty_list_becomes_an_object(void **state)
{
	assert_span(after(*state, ACCOUNT_CONNECTED, SPAN_OF("[]"), (struct span){0}),
	    "{\"recent_failures\":0}");
	assert_span(after(*state, ACCOUNT_CONNECTED, SPAN_OF("null"), SPAN_OF("{}")),
	    "{\"recent_failures\":0}");
	assert_span(after(*state, ACCOUNT_CONNECTING, SPAN_OF("[1,2]"), SPAN_OF("{\"a\":1}")),
	    "{\"0\":1,\"1\":2,\"a\":1}");
}

/* {"x":"aaa..."} of `size` bytes. */
static struct span object_of(struct arena *mem, size_t size)
{
	char *text = arena_bytes(mem, size);

	memset(text, 'a', size);
	memcpy(text, "{\"x\":\"", 6);
	memcpy(text + size - 2, "\"}", 2);
	return span_from(text, size);
}

static void test_metadata_ends_at_its_bound(void **state)
{
	struct account_tests_case c = account_tests_case(ACCOUNT_DISCONNECTED, ACCOUNT_CONNECTING);

	c.before.metadata = object_of(*state, BOUND_METADATA - 6);
	c.report.metadata = SPAN_OF("{\"a\":1}");
	assert_int_equal(account_tests_run(&c, *state), RC_OK);
	assert_int_equal(c.change.after.metadata.len, BOUND_METADATA);
	c.report.metadata = SPAN_OF("{\"a\":12}");
	assert_int_equal(account_tests_run(&c, *state), RC_INVALID);
	assert_int_equal(c.change.refusal, ACCOUNT_METADATA_FULL);
}

/* What others have written must not keep an account from being connected. */
static void test_a_report_without_metadata_is_never_refused_for_its_size(void **state)
{
	struct account_tests_case c = account_tests_case(ACCOUNT_CONNECTING, ACCOUNT_CONNECTED);

	c.before.metadata = object_of(*state, BOUND_METADATA);
	assert_int_equal(account_tests_run(&c, *state), RC_OK);
	assert_int_equal(c.change.after.state, ACCOUNT_CONNECTED);
}

static void test_metadata_is_an_object_after_every_change(void **state)
{
	static const struct span texts[] = {{NULL, 0}, SPAN("null"), SPAN("[]"), SPAN("{}"),
	    SPAN("{\"recent_failures\":\"many\"}"), SPAN("[[],{}]"), SPAN("\"\\\"}\""),
	    SPAN("-1e5"), SPAN("{\"a\":{\"b\":[1,{\"c\":null}]},\"previous\":1}")};

	for (size_t i = 0; i < COUNT(texts); i++) {
		for (size_t k = 0; k < COUNT(texts); k++) {
			struct span report =
			    texts[k].ptr != NULL && texts[k].ptr[0] == '{' ? texts[k] : texts[0];
			struct span got = after(*state, ACCOUNT_ERROR, texts[i], report);
			json_t *tree = json_loadb(got.ptr, got.len, JSON_REJECT_DUPLICATES, NULL);

			assert_true(json_is_object(tree));
			assert_true(json_is_integer(json_object_get(tree, "recent_failures")));
			json_decref(tree);
		}
	}
}

int test_account_metadata(void)
{
	const struct CMUnitTest tests[] = {
	    arena_test(test_a_report_is_merged_by_key_and_the_rest_is_kept_byte_for_byte),
	    arena_test(test_our_own_keys_win),
	    arena_test(test_a_report_without_metadata_leaves_it_as_it_is),
	    arena_test(test_connected_sets_the_failures_to_none),
	    arena_test(test_an_error_counts_one_failure_more),
	    arena_test(test_an_error_keeps_the_reports_words),
	    arena_test(test_an_error_without_words_is_unknown),
	    arena_test(test_a_reason_is_kept_with_its_time),
	    arena_test(test_metadata_that_is_no_object_is_kept_as_previous),
	    arena_test(test_phps_empty_list_becomes_an_object),
	    arena_test(test_metadata_ends_at_its_bound),
	    arena_test(test_a_report_without_metadata_is_never_refused_for_its_size),
	    arena_test(test_metadata_is_an_object_after_every_change),
	};

	return unit_run("account/account_rules, metadata", tests);
}
