/*
 * now: clocks, and times as text.
 *
 * Wall-clock times are microseconds since 1970 in UTC; TIME_NONE is "no
 * time" (SQL NULL).  Durations and deadlines use the monotonic clock, in
 * milliseconds.
 */
#ifndef WA_BASE_NOW_H
#define WA_BASE_NOW_H

#include <stdint.h>

#include "base/buf.h"

#define TIME_NONE INT64_MIN
#define US_PER_S INT64_C(1000000)

/* Room for the texts below, with NUL. */
enum { NOW_TEXT_SIZE = 32 };

int64_t now_us(void);
int64_t now_monotonic_us(void);
int64_t now_monotonic_ms(void);

/* A UTC date and time of the Gregorian calendar as microseconds since 1970. */
int64_t now_from_civil(int year, unsigned month, unsigned day, unsigned hour, unsigned minute,
    unsigned second, unsigned us);

/* "2025-11-14", a day that there is, of the years 1970 to 9999: its first moment in UTC. */
bool now_from_day(struct span text, int64_t *ret_us) MUST_CHECK;
/* "2025-11-14" */
void now_put_day(struct buf *b, int64_t us);
/* "Fri, 14 Nov 2025 03:04:05 GMT", as HTTP writes times (RFC 9110, 5.6.7). */
void now_put_http(struct buf *b, int64_t us);

/* "2025-11-14T03:04:05.000000Z", as Laravel writes times in JSON. */
void now_put_iso(struct buf *b, int64_t us);
/* "2025-11-14 03:04:05" for TIMESTAMP columns; the NUL is written too. */
const char *now_sql(int64_t us, char ret[static NOW_TEXT_SIZE]);
/* "2025-11-14 03:04:05.678901" for DATETIME(6) columns. */
const char *now_sql_us(int64_t us, char ret[static NOW_TEXT_SIZE]);

#endif
