#include "base/now.h"

#include <time.h>

#include "base/num.h"

static int64_t read_clock(clockid_t clock)
{
	struct timespec ts = {0};

	clock_gettime(clock, &ts);
	return (int64_t)ts.tv_sec * US_PER_S + ts.tv_nsec / 1000;
}

int64_t now_us(void)
{
	return read_clock(CLOCK_REALTIME);
}

int64_t now_monotonic_us(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

int64_t now_monotonic_ms(void)
{
	return now_monotonic_us() / 1000;
}

/*
 * Days since 1970-01-01 of a date, and back: the algorithms of Howard
 * Hinnant's "chrono-compatible low-level date algorithms", in which a year
 * begins in March and an era has 146097 days.
 */
static int64_t days_from_civil(int64_t year, unsigned month, unsigned day)
{
	int64_t era;
	unsigned year_of_era, day_of_year, day_of_era;

	year -= month <= 2;
	era = (year >= 0 ? year : year - 399) / 400;
	year_of_era = (unsigned)(year - era * 400);
	day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
	day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
	return era * 146097 + (int64_t)day_of_era - 719468;
}

int64_t now_from_civil(int year, unsigned month, unsigned day, unsigned hour, unsigned minute,
    unsigned second, unsigned us)
{
	int64_t seconds = days_from_civil(year, month, day) * 86400 + (int64_t)hour * 3600 +
			  (int64_t)minute * 60 + second;

	return seconds * US_PER_S + us;
}

struct civil {
	int64_t year;
	unsigned month, day, hour, minute, second, us;
};

static struct civil civil_from_us(int64_t us)
{
	int64_t seconds = us / US_PER_S - (us % US_PER_S < 0);
	int64_t days = seconds / 86400 - (seconds % 86400 < 0);
	unsigned second_of_day = (unsigned)(seconds - days * 86400);
	int64_t shifted = days + 719468;
	int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
	unsigned day_of_era = (unsigned)(shifted - era * 146097);
	unsigned year_of_era =
	    (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	unsigned day_of_year =
	    day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	unsigned shifted_month = (5 * day_of_year + 2) / 153;
	unsigned month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;

	return (struct civil){
	    .year = (int64_t)year_of_era + era * 400 + (month <= 2),
	    .month = month,
	    .day = day_of_year - (153 * shifted_month + 2) / 5 + 1,
	    .hour = second_of_day / 3600,
	    .minute = second_of_day / 60 % 60,
	    .second = second_of_day % 60,
	    .us = (unsigned)(us - seconds * US_PER_S),
	};
}

static char *put_digits(char *at, uint64_t n, int digits)
{
	for (int i = digits - 1; i >= 0; i--) {
		at[i] = (char)('0' + n % 10);
		n /= 10;
	}
	return at + digits;
}

/* "2025-11-14" `sep` "03:04:05", 19 bytes */
static char *put_civil(char *at, const struct civil *c, char sep)
{
	at = put_digits(at, (uint64_t)c->year, 4);
	*at++ = '-';
	at = put_digits(at, c->month, 2);
	*at++ = '-';
	at = put_digits(at, c->day, 2);
	*at++ = sep;
	at = put_digits(at, c->hour, 2);
	*at++ = ':';
	at = put_digits(at, c->minute, 2);
	*at++ = ':';
	return put_digits(at, c->second, 2);
}

static char *put_fraction(char *at, const struct civil *c)
{
	*at++ = '.';
	return put_digits(at, c->us, 6);
}

void now_put_iso(struct buf *b, int64_t us)
{
	char text[NOW_TEXT_SIZE];
	struct civil c = civil_from_us(us);
	char *end = put_fraction(put_civil(text, &c, 'T'), &c);

	*end++ = 'Z';
	buf_put(b, span_from(text, (size_t)(end - text)));
}

const char *now_sql(int64_t us, char ret[static NOW_TEXT_SIZE])
{
	struct civil c = civil_from_us(us);

	*put_civil(ret, &c, ' ') = '\0';
	return ret;
}

const char *now_sql_us(int64_t us, char ret[static NOW_TEXT_SIZE])
{
	struct civil c = civil_from_us(us);

	*put_fraction(put_civil(ret, &c, ' '), &c) = '\0';
	return ret;
}

void now_put_day(struct buf *b, int64_t us)
{
	char text[NOW_TEXT_SIZE];

	buf_put(b, span_from(now_sql(us, text), strlen("YYYY-MM-DD")));
}

bool now_from_day(struct span text, int64_t *ret_us)
{
	char storage[NOW_TEXT_SIZE];
	struct buf again = buf_over(storage, sizeof(storage));
	uint64_t year, month, day;
	int64_t us;

	if (text.len != strlen("YYYY-MM-DD") || !num_u64(span_from(text.ptr, 4), &year) ||
	    !num_u64(span_from(text.ptr + 5, 2), &month) ||
	    !num_u64(span_from(text.ptr + 8, 2), &day) || year < 1970 || month > 12)
		return false;
	us = now_from_civil((int)year, (unsigned)month, (unsigned)day, 0, 0, 0, 0);
	/* A day that there is not becomes another one. */
	now_put_day(&again, us);
	if (!span_eq(buf_span(&again), text))
		return false;
	*ret_us = us;
	return true;
}

void now_put_http(struct buf *b, int64_t us)
{
	/* 1970 began on a Thursday. */
	static const char days[][4] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
	static const char months[][4] = {
	    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	struct civil c = civil_from_us(us);
	int64_t weekday = days_from_civil(c.year, c.month, c.day) % 7;

	buf_putf(b, "%s, %02u %s %04lld %02u:%02u:%02u GMT",
	    days[weekday < 0 ? weekday + 7 : weekday], c.day, months[c.month - 1],
	    (long long)c.year, c.hour, c.minute, c.second);
}
