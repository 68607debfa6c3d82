#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/now.h"

/* Kept free for what log_end adds. */
enum { TAIL_SIZE = 9 };

void log_begin(struct log_line *line, const char *level, const char *event)
{
	line->text = buf_over(line->storage, sizeof(line->storage) - TAIL_SIZE);
	buf_puts(&line->text, "time=");
	now_put_iso(&line->text, now_us());
	buf_puts(&line->text, " level=");
	buf_puts(&line->text, level);
	log_number(line, "pid", getpid());
	buf_puts(&line->text, " event=");
	buf_puts(&line->text, event);
}

static bool needs_quotes(struct span value)
{
	for (size_t i = 0; i < value.len; i++) {
		unsigned char c = (unsigned char)value.ptr[i];

		if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c >= 0x7f)
			return true;
	}
	return value.len == 0;
}

static void put_quoted(struct buf *b, struct span value)
{
	static const char hex[] = "0123456789abcdef";

	buf_putc(b, '"');
	for (size_t i = 0; i < value.len; i++) {
		unsigned char c = (unsigned char)value.ptr[i];

		if (c == '"' || c == '\\') {
			buf_putc(b, '\\');
			buf_putc(b, (char)c);
		} else if (c < ' ' || c == 0x7f) {
			buf_puts(b, "\\x");
			buf_putc(b, hex[c >> 4]);
			buf_putc(b, hex[c & 15]);
		} else {
			buf_putc(b, (char)c);
		}
	}
	buf_putc(b, '"');
}

void log_text(struct log_line *line, const char *key, struct span value)
{
	buf_putc(&line->text, ' ');
	buf_puts(&line->text, key);
	buf_putc(&line->text, '=');
	if (needs_quotes(value))
		put_quoted(&line->text, value);
	else
		buf_put(&line->text, value);
}

void log_number(struct log_line *line, const char *key, int64_t value)
{
	buf_putc(&line->text, ' ');
	buf_puts(&line->text, key);
	buf_putc(&line->text, '=');
	buf_put_i64(&line->text, value);
}

/* A value in quotes has begun and not ended. */
static bool ends_in_quotes(struct span text)
{
	bool inside = false;

	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '\\')
			i++;
		else if (text.ptr[i] == '"')
			inside = !inside;
	}
	return inside;
}

void log_end(struct log_line *line)
{
	bool cut = line->text.failed;

	line->text.max = line->text.cap = sizeof(line->storage);
	line->text.failed = false;
	if (cut)
		buf_puts(
		    &line->text, ends_in_quotes(buf_span(&line->text)) ? "\" cut=1" : " cut=1");
	buf_putc(&line->text, '\n');
	/* Nobody can be told that the log cannot be written. */
	while (write(STDERR_FILENO, line->text.ptr, line->text.len) < 0 && errno == EINTR)
		;
}

static void note(const char *level, const char *fmt, va_list args)
{
	struct log_line line;
	char text[BOUND_LOG_LINE];
	int len = vsnprintf(text, sizeof(text), fmt, args);
	size_t used = len < 0 ? 0 : (size_t)len < sizeof(text) ? (size_t)len : sizeof(text) - 1;

	log_begin(&line, level, "note");
	log_text(&line, "msg", span_from(text, used));
	log_end(&line);
}

void log_info(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	note("info", fmt, args);
	va_end(args);
}

void log_warn(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	note("warn", fmt, args);
	va_end(args);
}

void log_error(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	note("error", fmt, args);
	va_end(args);
}

enum rc log_reopen(const char *path)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
	enum rc rc = RC_INTERNAL;

	if (fd < 0)
		return RC_INTERNAL;
	if (dup2(fd, STDERR_FILENO) >= 0)
		rc = RC_OK;
	if (fd != STDERR_FILENO)
		close(fd);
	return rc;
}
