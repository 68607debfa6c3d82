#include "base/file.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base_tests.h"
#include "unit.h"

enum { MAX = 16 };

/* What file_read makes of a file with these bytes; *error is errno afterwards, 0 for RC_OK. */
static struct span read_of(struct arena *mem, struct span bytes, int *error)
{
	struct unit_folder folder = unit_folder_create();
	struct span text = {0};
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "%s/file", folder.path);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes.ptr, 1, bytes.len, file), bytes.len);
	fclose(file);
	*error = file_read(path, MAX, mem, &text) == RC_OK ? 0 : errno;
	unit_folder_remove(&folder);
	return text;
}

static void test_a_file_is_read_to_its_end(void **state)
{
	int error;

	assert_span(read_of(*state, SPAN_OF("0123456789\0abcde"), &error), "0123456789\0abcde");
	assert_int_equal(error, 0);
	assert_span(read_of(*state, SPAN_OF(""), &error), "");
	assert_int_equal(error, 0);
}

static void test_a_byte_too_many_is_too_many(void **state)
{
	int error;

	read_of(*state, SPAN_OF("0123456789abcdefg"), &error);
	assert_int_equal(error, EFBIG);
}

static void test_what_cannot_be_read_says_why(void **state)
{
	struct span text = SPAN("before");

	assert_int_equal(file_read("/nowhere/at/all", MAX, *state, &text), RC_NOT_FOUND);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(file_read("/", MAX, *state, &text), RC_NOT_FOUND);
	assert_int_equal(errno, EISDIR);
	assert_span(text, "before");
}

int test_base_file(void)
{
	const struct CMUnitTest tests[] = {
	    arena_test(test_a_file_is_read_to_its_end),
	    arena_test(test_a_byte_too_many_is_too_many),
	    arena_test(test_what_cannot_be_read_says_why),
	};

	return unit_run("base/file", tests);
}
