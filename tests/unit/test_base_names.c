/* rc, id and metric: names of things. */
#include <ctype.h>

#include "base_tests.h"
#include "base/id.h"
#include "base/metric.h"
#include "base/rc.h"
#include "unit.h"

static void test_every_rc_has_a_name_of_its_own(void **state)
{
	(void)state;
	for (int a = RC_OK; a <= RC_INTERNAL; a++)
		for (int b = RC_OK; b < a; b++)
			assert_string_not_equal(rc_name((enum rc)a), rc_name((enum rc)b));
	assert_string_equal(rc_name(RC_NOT_FOUND), "not_found");
	assert_string_equal(rc_name(RC_OK), "ok");
}

static void test_an_rc_that_is_none_has_a_name_all_the_same(void **state)
{
	(void)state;
	assert_string_equal(rc_name((enum rc)(RC_INTERNAL + 1)), "?");
}

static void test_a_new_uuid_is_random_and_in_lower_case(void **state)
{
	char first[ID_UUID_SIZE], id[ID_UUID_SIZE];

	(void)state;
	id_uuid(first);
	for (int n = 0; n < 1000; n++) {
		id_uuid(id);
		assert_true(id_is_uuid(span_of(id)));
		assert_int_equal(id[14], '4');
		assert_non_null(strchr("89ab", id[19]));
		for (const char *c = id; *c != '\0'; c++)
			assert_false(isupper((unsigned char)*c));
		assert_string_not_equal(id, first);
	}
}

static void test_a_uuid_has_either_case(void **state)
{
	(void)state;
	assert_true(id_is_uuid(SPAN_OF("0f8fad5b-d9cb-469f-a165-70867728950e")));
	assert_true(id_is_uuid(SPAN_OF("0F8FAD5B-D9CB-469F-A165-70867728950E")));
	assert_true(id_is_uuid(SPAN_OF("00000000-0000-0000-0000-000000000000")));
}

static void test_what_looks_like_a_uuid_is_none(void **state)
{
	static const struct span texts[] = {SPAN(""), SPAN("0f8fad5b-d9cb-469f-a165-70867728950"),
	    SPAN("0f8fad5b-d9cb-469f-a165-70867728950e "), SPAN("0f8fad5bd9cb469fa16570867728950e"),
	    SPAN("0f8fad5b-d9cb-469f-a165-70867728950g"),
	    SPAN("{f8fad5b-d9cb-469f-a165-70867728950}"),
	    SPAN("0f8fad5b-d9cb-469fa-165-70867728950e"),
	    SPAN("0f8fad5b_d9cb_469f_a165_70867728950e"),
	    SPAN("0f8fad5b-d9cb-469f-a165-70867728950\0"),
	    SPAN("------------------------------------"), {NULL, 0}};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++)
		assert_false(id_is_uuid(texts[i]));
}

static size_t name_length(const char *series)
{
	return strcspn(series, "{");
}

static void test_metrics_are_named_as_prometheus_wants_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < METRIC_COUNT; i++) {
		const char *series = metric_infos[i].series;
		size_t len = name_length(series);

		assert_true(span_starts(span_of(series), "wa_"));
		assert_true(len > 6 && memcmp(series + len - 6, "_total", 6) == 0);
		for (size_t k = 0; k < len; k++)
			assert_true(islower((unsigned char)series[k]) || series[k] == '_');
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(series, metric_infos[k].series);
	}
}

static void test_metrics_of_one_name_stand_together_and_have_one_help(void **state)
{
	(void)state;
	for (size_t i = 0; i < METRIC_COUNT; i++) {
		const char *series = metric_infos[i].series;
		size_t len = name_length(series);
		bool goes_on = i > 0 && name_length(metric_infos[i - 1].series) == len &&
			       memcmp(series, metric_infos[i - 1].series, len) == 0;

		assert_int_equal(strlen(metric_infos[i].help) == 0, goes_on);
		for (size_t k = 0; !goes_on && k < i; k++)
			assert_false(name_length(metric_infos[k].series) == len &&
				     memcmp(series, metric_infos[k].series, len) == 0);
	}
}

int test_base_names(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_rc_has_a_name_of_its_own),
	    cmocka_unit_test(test_an_rc_that_is_none_has_a_name_all_the_same),
	    cmocka_unit_test(test_a_new_uuid_is_random_and_in_lower_case),
	    cmocka_unit_test(test_a_uuid_has_either_case),
	    cmocka_unit_test(test_what_looks_like_a_uuid_is_none),
	    cmocka_unit_test(test_metrics_are_named_as_prometheus_wants_it),
	    cmocka_unit_test(test_metrics_of_one_name_stand_together_and_have_one_help),
	};

	return unit_run("base/rc, id, metric", tests);
}
