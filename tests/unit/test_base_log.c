#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base_tests.h"
#include "unit.h"

/* The line that one value makes. */
static struct span line_of(struct arena *mem, struct span value)
{
	struct unit_capture capture = unit_capture_begin();
	struct log_line line;

	log_begin(&line, "info", "test");
	log_text(&line, "v", value);
	log_end(&line);
	return unit_capture_end(&capture, mem);
}

/* What stands behind " v=" on it. */
static struct span written(struct arena *mem, struct span value)
{
	struct span line = line_of(mem, value);
	const char *at = memmem(line.ptr, line.len, " v=", 3);

	assert_non_null(at);
	assert_int_equal(line.ptr[line.len - 1], '\n');
	return span_from(at + 3, (size_t)(line.ptr + line.len - 1 - (at + 3)));
}

static void test_a_line_names_time_level_pid_and_event(void **state)
{
	struct arena *mem = *state;
	struct unit_capture capture = unit_capture_begin();
	struct log_line line;
	struct span text;
	char want[64];

	log_begin(&line, "warn", "something");
	log_number(&line, "n", -5);
	log_text(&line, "t", SPAN_OF("x"));
	log_end(&line);
	text = unit_capture_end(&capture, mem);
	snprintf(
	    want, sizeof(want), "Z level=warn pid=%d event=something n=-5 t=x\n", (int)getpid());
	assert_true(span_starts(text, "time=20"));
	assert_string_equal(text.ptr + strlen("time=2025-11-14T03:04:05.678901"), want);
}

static void test_plain_values_stand_without_quotes(void **state)
{
	assert_span(written(*state, SPAN_OF("/a-b_c.d:e,f?g%20")), "/a-b_c.d:e,f?g%20");
}

static void test_values_that_need_it_are_quoted(void **state)
{
	assert_span(written(*state, SPAN_OF("a b")), "\"a b\"");
	assert_span(written(*state, SPAN_OF("a=b")), "\"a=b\"");
	assert_span(written(*state, SPAN_OF("a\"b")), "\"a\\\"b\"");
	assert_span(written(*state, SPAN_OF("a\\b")), "\"a\\\\b\"");
	assert_span(written(*state, SPAN_OF("\xc3\xa4")), "\"\xc3\xa4\"");
	assert_span(written(*state, SPAN_OF("")), "\"\"");
	assert_span(written(*state, (struct span){0}), "\"\"");
}

static void test_control_characters_are_written_as_hex(void **state)
{
	assert_span(
	    written(*state, SPAN_OF("\r\n\0\x1b[31m\x7f")), "\"\\x0d\\x0a\\x00\\x1b[31m\\x7f\"");
}

static void test_no_value_makes_a_second_line_or_a_second_field(void **state)
{
	struct arena *mem = *state;
	char all[256];
	struct span text;

	for (unsigned i = 0; i < sizeof(all); i++)
		all[i] = (char)i;
	text = line_of(mem, span_from(all, sizeof(all)));
	for (size_t i = 0; i + 1 < text.len; i++)
		assert_true((unsigned char)text.ptr[i] >= ' ' && text.ptr[i] != 0x7f);
	assert_int_equal(text.ptr[text.len - 1], '\n');
	text = written(mem, SPAN_OF("x\" level=error event=forged y=\""));
	assert_span(text, "\"x\\\" level=error event=forged y=\\\"\"");
}

static void test_a_line_that_does_not_fit_is_cut_at_the_bound_and_says_so(void **state)
{
	static char long_text[BOUND_LOG_LINE * 2];
	static const char ends[] = {'x', ' ', '\n', '"'};

	for (size_t i = 0; i < sizeof(ends); i++) {
		struct span text;

		memset(long_text, ends[i], sizeof(long_text));
		text = line_of(*state, span_from(long_text, sizeof(long_text)));
		assert_true(text.len <= BOUND_LOG_LINE);
		assert_memory_equal(text.ptr + text.len - 7, " cut=1\n", 7);
		assert_ptr_equal(memchr(text.ptr, '\n', text.len), text.ptr + text.len - 1);
	}
}

static void test_a_quoted_value_that_is_cut_is_still_closed(void **state)
{
	static char long_text[BOUND_LOG_LINE * 2];
	struct span text;

	memset(long_text, ' ', sizeof(long_text));
	text = line_of(*state, span_from(long_text, sizeof(long_text)));
	assert_memory_equal(text.ptr + text.len - 8, "\" cut=1\n", 8);
}

static void test_every_length_of_a_value_ends_with_one_line_break(void **state)
{
	static char text[BOUND_LOG_LINE + 64];

	memset(text, 'x', sizeof(text));
	for (size_t len = BOUND_LOG_LINE - 128; len < sizeof(text); len++) {
		struct span line = line_of(*state, span_from(text, len));

		assert_true(line.len <= BOUND_LOG_LINE);
		assert_ptr_equal(memchr(line.ptr, '\n', line.len), line.ptr + line.len - 1);
		arena_reset(*state);
	}
}

static void test_a_note_is_a_line_with_its_sentence(void **state)
{
	struct unit_capture capture = unit_capture_begin();
	struct span text;

	log_info("%d of %s", 3, "four");
	log_warn("careful");
	log_error("100%%");
	text = unit_capture_end(&capture, *state);
	assert_true(unit_has(text, " event=note msg=\"3 of four\"\n"));
	assert_true(unit_has(text, " level=warn "));
	assert_true(unit_has(text, " level=error "));
	assert_true(unit_has(text, " msg=100%\n"));
}

static void test_a_note_that_does_not_fit_says_so(void **state)
{
	static char long_text[BOUND_LOG_LINE * 2];
	struct unit_capture capture;
	struct span text;

	memset(long_text, 'x', sizeof(long_text) - 1);
	capture = unit_capture_begin();
	log_info("%s", long_text);
	text = unit_capture_end(&capture, *state);
	assert_memory_equal(text.ptr + text.len - 7, " cut=1\n", 7);
}

static void test_a_line_is_written_at_once(void **state)
{
	int fds[2], saved = dup(STDERR_FILENO);
	char got[2 * BOUND_LOG_LINE];
	ssize_t first, second;

	(void)state;
	/* A packet for each write. */
	assert_int_equal(pipe2(fds, O_DIRECT | O_CLOEXEC), 0);
	dup2(fds[1], STDERR_FILENO);
	log_info("one %s", "sentence");
	log_info("another");
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(fds[1]);
	first = read(fds[0], got, sizeof(got));
	assert_true(first > 0 && got[first - 1] == '\n');
	second = read(fds[0], got, sizeof(got));
	assert_true(second > 0 && got[second - 1] == '\n');
	assert_int_equal(read(fds[0], got, sizeof(got)), 0);
	close(fds[0]);
}

static void test_a_log_file_is_made_for_its_owner_and_appended_to(void **state)
{
	struct unit_folder folder = unit_folder_create();
	char path[64], text[1024];
	struct unit_capture capture;
	struct stat status;
	enum rc rc[2];
	mode_t mask;
	ssize_t got;
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "%s/log", folder.path);
	mask = umask(0);
	capture = unit_capture_begin();
	for (size_t i = 0; i < 2; i++) {
		rc[i] = log_reopen(path);
		log_info("into the file");
	}
	umask(mask);
	assert_int_equal(unit_capture_end(&capture, *state).len, 0);
	assert_int_equal(rc[0], RC_OK);
	assert_int_equal(rc[1], RC_OK);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0640);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	got = read(fd, text, sizeof(text));
	assert_true(got > 0);
	assert_ptr_not_equal(memchr(text, '\n', (size_t)got), text + got - 1);
	close(fd);
	unit_folder_remove(&folder);
}

static void test_a_log_that_cannot_be_opened_changes_nothing(void **state)
{
	struct unit_capture capture = unit_capture_begin();
	enum rc rc = log_reopen("/nonexistent/folder/log");
	int error = errno;
	struct span text;

	log_info("still here");
	text = unit_capture_end(&capture, *state);
	assert_int_equal(rc, RC_INTERNAL);
	assert_int_equal(error, ENOENT);
	assert_true(unit_has(text, "still here"));
}

int test_base_log(void)
{
	const struct CMUnitTest tests[] = {
	    arena_test(test_a_line_names_time_level_pid_and_event),
	    arena_test(test_plain_values_stand_without_quotes),
	    arena_test(test_values_that_need_it_are_quoted),
	    arena_test(test_control_characters_are_written_as_hex),
	    arena_test(test_no_value_makes_a_second_line_or_a_second_field),
	    arena_test(test_a_line_that_does_not_fit_is_cut_at_the_bound_and_says_so),
	    arena_test(test_a_quoted_value_that_is_cut_is_still_closed),
	    arena_test(test_every_length_of_a_value_ends_with_one_line_break),
	    arena_test(test_a_note_is_a_line_with_its_sentence),
	    arena_test(test_a_note_that_does_not_fit_says_so),
	    cmocka_unit_test(test_a_line_is_written_at_once),
	    arena_test(test_a_log_file_is_made_for_its_owner_and_appended_to),
	    arena_test(test_a_log_that_cannot_be_opened_changes_nothing),
	};

	return unit_run("base/log", tests);
}
