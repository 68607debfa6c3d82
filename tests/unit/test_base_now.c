#include "base/now.h"

#include <stdio.h>
#include <time.h>

#include "base_tests.h"
#include "unit.h"

enum { DAY_S = 86400, YEARS = 9999 };

static struct tm civil(int year, int month, int day)
{
	return (struct tm){.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day};
}

static int64_t first_day(void)
{
	struct tm tm = civil(1, 1, 1);

	return (int64_t)timegm(&tm) / DAY_S;
}

static int64_t last_day(void)
{
	struct tm tm = civil(YEARS, 12, 31);

	return (int64_t)timegm(&tm) / DAY_S;
}

static void two_digits(char *at, int n)
{
	at[0] = (char)('0' + n / 10);
	at[1] = (char)('0' + n % 10);
}

/* "YYYY-MM-DD 00:00:00", cheaper than strftime. */
static void sql_of(const struct tm *tm, char text[static NOW_TEXT_SIZE])
{
	int year = tm->tm_year + 1900;

	memcpy(text, "0000-00-00 00:00:00", 20);
	two_digits(text, year / 100);
	two_digits(text + 2, year % 100);
	two_digits(text + 5, tm->tm_mon + 1);
	two_digits(text + 8, tm->tm_mday);
}

static void test_every_day_of_the_years_1_to_9999_is_the_c_librarys(void **state)
{
	char got[NOW_TEXT_SIZE], want[NOW_TEXT_SIZE];
	int64_t last = last_day();

	(void)state;
	for (int64_t day = first_day(); day <= last; day++) {
		time_t seconds = (time_t)(day * DAY_S);
		struct tm tm;
		int64_t us;

		gmtime_r(&seconds, &tm);
		us = now_from_civil(
		    tm.tm_year + 1900, (unsigned)tm.tm_mon + 1, (unsigned)tm.tm_mday, 0, 0, 0, 0);
		if (us != day * DAY_S * US_PER_S)
			fail_msg("day %lld became %lld us", (long long)day, (long long)us);
		sql_of(&tm, want);
		if (strcmp(now_sql(us, got), want) != 0)
			fail_msg("day %lld is %s and not %s", (long long)day, got, want);
	}
}

static void test_any_moment_of_those_years_is_the_c_librarys(void **state)
{
	struct unit_random random = {1};
	uint64_t range = (uint64_t)(last_day() - first_day()) * DAY_S * US_PER_S;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		int64_t us =
		    first_day() * DAY_S * US_PER_S + (int64_t)(unit_random(&random) % range);
		int64_t fraction = us % US_PER_S < 0 ? us % US_PER_S + US_PER_S : us % US_PER_S;
		time_t seconds = (time_t)((us - fraction) / US_PER_S);
		char got[NOW_TEXT_SIZE], want[128];
		struct tm tm;

		gmtime_r(&seconds, &tm);
		snprintf(want, sizeof(want), "%04d-%02d-%02d %02d:%02d:%02d.%06d",
		    tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
		    (int)fraction);
		assert_string_equal(now_sql_us(us, got), want);
		assert_true(
		    us == now_from_civil(tm.tm_year + 1900, (unsigned)tm.tm_mon + 1,
			      (unsigned)tm.tm_mday, (unsigned)tm.tm_hour, (unsigned)tm.tm_min,
			      (unsigned)tm.tm_sec, (unsigned)fraction));
	}
}

static void test_a_time_before_1970_is_not_one_second_late(void **state)
{
	char text[NOW_TEXT_SIZE];

	(void)state;
	assert_string_equal(now_sql_us(-1, text), "1969-12-31 23:59:59.999999");
	assert_string_equal(now_sql(-1, text), "1969-12-31 23:59:59");
	assert_string_equal(now_sql_us(-US_PER_S, text), "1969-12-31 23:59:59.000000");
	assert_string_equal(now_sql_us(-US_PER_S * DAY_S - 1, text), "1969-12-30 23:59:59.999999");
	assert_true(now_from_civil(1969, 12, 31, 23, 59, 59, 999999) == -1);
}

static void test_the_texts_are_laravels_and_mariadbs(void **state)
{
	int64_t us = now_from_civil(2025, 11, 14, 3, 4, 5, 678901);
	char text[NOW_TEXT_SIZE];
	struct buf b = buf_in(*state, 64);

	now_put_iso(&b, us);
	assert_span(buf_span(&b), "2025-11-14T03:04:05.678901Z");
	buf_clear(&b);
	now_put_iso(&b, us - 678901);
	assert_span(buf_span(&b), "2025-11-14T03:04:05.000000Z");
	assert_string_equal(now_sql(us, text), "2025-11-14 03:04:05");
	assert_string_equal(now_sql_us(us, text), "2025-11-14 03:04:05.678901");
	assert_string_equal(now_sql(0, text), "1970-01-01 00:00:00");
}

static void test_the_29th_of_february_is_there_in_leap_years_only(void **state)
{
	char text[NOW_TEXT_SIZE];

	(void)state;
	assert_string_equal(
	    now_sql(now_from_civil(2000, 2, 29, 0, 0, 0, 0), text), "2000-02-29 00:00:00");
	assert_string_equal(
	    now_sql(now_from_civil(2024, 2, 28, 24, 0, 0, 0), text), "2024-02-29 00:00:00");
	assert_string_equal(
	    now_sql(now_from_civil(1900, 2, 28, 24, 0, 0, 0), text), "1900-03-01 00:00:00");
	assert_string_equal(
	    now_sql(now_from_civil(2100, 2, 28, 24, 0, 0, 0), text), "2100-03-01 00:00:00");
}

static void test_a_day_is_one_that_there_is(void **state)
{
	static const char *const wrong[] = {"", "2027", "2027-11-1", "2027-11-014", "2027-11-14 ",
	    " 2027-11-14", "2027/11/14", "14-11-2027", "2027-02-29", "2027-00-01", "2027-01-00",
	    "2027-13-01", "2027-04-31", "2027-11-32", "1969-12-31", "0000-01-01", "-027-11-14",
	    "2027-1a-14", "2027-11-+4", "20271114", "2027-11-14T00:00:00Z"};
	static const char *const right[] = {
	    "1970-01-01", "2024-02-29", "2000-02-29", "2027-11-14", "9999-12-31"};
	int64_t us = 7;

	for (size_t i = 0; i < COUNT(wrong); i++)
		if (now_from_day(span_of(wrong[i]), &us) || us != 7)
			fail_msg("\"%s\" is a day", wrong[i]);
	for (size_t i = 0; i < COUNT(right); i++) {
		struct buf b = buf_in(*state, 64);

		assert_true(now_from_day(span_of(right[i]), &us));
		assert_true(us % (DAY_S * US_PER_S) == 0);
		now_put_day(&b, us);
		assert_same(buf_span(&b), span_of(right[i]));
	}
	assert_true(now_from_day(SPAN_OF("2027-11-14"), &us));
	assert_true(us == now_from_civil(2027, 11, 14, 0, 0, 0, 0));
}

static void test_a_time_of_http_is_the_c_librarys(void **state)
{
	for (int64_t day = -800; day < 40000; day += 13) {
		int64_t us = (day * DAY_S + day) * US_PER_S;
		time_t seconds = (time_t)(us / US_PER_S);
		struct buf b = buf_in(*state, 64);
		char want[64];
		struct tm tm;

		gmtime_r(&seconds, &tm);
		strftime(want, sizeof(want), "%a, %d %b %Y %H:%M:%S GMT", &tm);
		now_put_http(&b, us);
		assert_same(buf_span(&b), span_of(want));
	}
}

static void test_the_wall_clock_is_the_c_librarys(void **state)
{
	int64_t before = (int64_t)time(NULL), seconds = now_us() / US_PER_S;

	(void)state;
	/* time() may read a coarser clock. */
	assert_true(seconds >= before && seconds <= (int64_t)time(NULL) + 1);
}

static void test_the_monotonic_clock_does_not_go_back(void **state)
{
	int64_t last = now_monotonic_us();

	(void)state;
	for (int i = 0; i < 10000; i++) {
		int64_t now = now_monotonic_us();

		assert_true(now >= last);
		last = now;
	}
	assert_true(now_monotonic_ms() >= last / 1000);
}

int test_base_now(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_day_of_the_years_1_to_9999_is_the_c_librarys),
	    cmocka_unit_test(test_any_moment_of_those_years_is_the_c_librarys),
	    cmocka_unit_test(test_a_time_before_1970_is_not_one_second_late),
	    arena_test(test_the_texts_are_laravels_and_mariadbs),
	    cmocka_unit_test(test_the_29th_of_february_is_there_in_leap_years_only),
	    arena_test(test_a_day_is_one_that_there_is),
	    arena_test(test_a_time_of_http_is_the_c_librarys),
	    cmocka_unit_test(test_the_wall_clock_is_the_c_librarys),
	    cmocka_unit_test(test_the_monotonic_clock_does_not_go_back),
	};

	return unit_run("base/now", tests);
}
