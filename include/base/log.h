/*
 * log: one line for each thing that an operator may want to know.
 *
 * A line is logfmt (key=value, values quoted where they need it) and goes
 * to standard error in one write, so that lines of several processes never
 * mix.  A log file is standard error too: log_reopen puts it there, which
 * is why this module has no state.
 *
 * Only the edges log (mains, pool, worker, the database connection); what
 * lies between them returns its reason.
 */
#ifndef WA_BASE_LOG_H
#define WA_BASE_LOG_H

#include <stdint.h>

#include "base/bounds.h"
#include "base/buf.h"
#include "base/rc.h"

struct log_line {
	struct buf text;
	char storage[BOUND_LOG_LINE];
};

/* Begin a line about `event`, level "info", "warn" or "error". */
void log_begin(struct log_line *line, const char *level, const char *event);
void log_text(struct log_line *line, const char *key, struct span value);
void log_number(struct log_line *line, const char *key, int64_t value);
/* Write it.  A line that did not fit ends with " cut=1". */
void log_end(struct log_line *line);

/* A sentence, as event=note. */
void log_info(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_warn(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_error(const char *fmt, ...) PRINTF_LIKE(1, 2);

/*
 * Make `path` (created with mode 0640, appended to) standard error.
 * RC_INTERNAL with errno set when it cannot be opened: everything stays.
 */
enum rc log_reopen(const char *path) MUST_CHECK;

#endif
