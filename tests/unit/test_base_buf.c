#include "base/buf.h"

#include <stdio.h>

#include "base_tests.h"
#include "unit.h"

static void test_puts_stand_one_behind_the_other(void **state)
{
	struct buf b = buf_in(*state, 100);

	buf_put(&b, SPAN_OF("a\0b"));
	buf_puts(&b, "text");
	buf_putc(&b, '!');
	buf_putf(&b, "%d-%s", 5, "x");
	assert_span(buf_span(&b), "a\0btext!5-x");
	assert_false(b.failed);
}

static void test_numbers_are_put_in_full(void **state)
{
	struct buf b = buf_in(*state, 200);

	buf_put_u64(&b, 0);
	buf_putc(&b, ' ');
	buf_put_u64(&b, UINT64_MAX);
	buf_putc(&b, ' ');
	buf_put_i64(&b, INT64_MIN);
	buf_putc(&b, ' ');
	buf_put_i64(&b, INT64_MAX);
	buf_putc(&b, ' ');
	buf_put_i64(&b, -1);
	assert_span(
	    buf_span(&b), "0 18446744073709551615 -9223372036854775808 9223372036854775807 -1");
}

static void test_a_buffer_takes_its_maximum_and_not_a_byte_more(void **state)
{
	struct buf b = buf_in(*state, 1000);

	for (int i = 0; i < 1000; i++)
		buf_putc(&b, 'x');
	assert_false(b.failed);
	assert_int_equal(b.len, 1000);
	buf_putc(&b, 'x');
	assert_true(b.failed);
	assert_int_equal(b.len, 1000);
}

static void test_a_put_that_does_not_fit_puts_nothing(void **state)
{
	struct buf b = buf_in(*state, 10);

	buf_puts(&b, "12345678");
	buf_puts(&b, "abc");
	assert_true(b.failed);
	assert_span(buf_span(&b), "12345678");
}

static void test_after_a_failure_every_put_fails(void **state)
{
	struct buf b = buf_in(*state, 10);

	buf_puts(&b, "12345");
	buf_puts(&b, "678901");
	buf_putc(&b, 'x');
	buf_puts(&b, "x");
	buf_put_u64(&b, 1);
	buf_put_i64(&b, -1);
	buf_putf(&b, "%d", 1);
	assert_true(b.failed);
	assert_span(buf_span(&b), "12345");
}

static void test_clear_forgets_text_and_failure(void **state)
{
	struct buf b = buf_in(*state, 4);

	buf_puts(&b, "12345");
	assert_true(b.failed);
	buf_clear(&b);
	assert_false(b.failed);
	buf_puts(&b, "1234");
	assert_span(buf_span(&b), "1234");
	assert_false(b.failed);
}

static void test_growing_keeps_the_text(void **state)
{
	struct buf b = buf_in(*state, 100000);

	for (unsigned i = 0; i < 20000; i++)
		buf_putc(&b, (char)('a' + i % 26));
	assert_false(b.failed);
	assert_int_equal(b.len, 20000);
	for (unsigned i = 0; i < 20000; i++)
		assert_int_equal(b.ptr[i], 'a' + (int)(i % 26));
}

static void test_a_single_large_put_grows_at_once(void **state)
{
	static char text[5000];
	struct buf b = buf_in(*state, sizeof(text));

	memset(text, 'x', sizeof(text));
	buf_put(&b, span_from(text, sizeof(text)));
	assert_false(b.failed);
	assert_int_equal(b.len, sizeof(text));
	assert_true(b.cap <= b.max);
}

static void test_the_callers_storage_is_never_left(void **state)
{
	char storage[8] = "#######";
	struct buf b = buf_over(storage, 4);

	(void)state;
	buf_puts(&b, "1234");
	assert_false(b.failed);
	buf_putc(&b, '5');
	assert_true(b.failed);
	assert_string_equal(storage, "1234###");
}

static void test_formatted_text_never_passes_the_storage(void **state)
{
	char storage[8] = "#######";
	struct buf b = buf_over(storage, 4);

	(void)state;
	buf_putf(&b, "%s", "123456");
	assert_true(b.failed);
	assert_int_equal(b.len, 0);
	assert_int_equal(storage[4], '#');
	b = buf_over(storage, 4);
	buf_putf(&b, "%s", "123");
	assert_false(b.failed);
	assert_span(buf_span(&b), "123");
	assert_int_equal(storage[4], '#');
}

static void test_an_empty_buffer_is_empty_text_and_not_absent(void **state)
{
	struct buf b = buf_in(*state, 4);

	assert_non_null(buf_span(&b).ptr);
	assert_int_equal(buf_span(&b).len, 0);
	buf_put(&b, (struct span){0});
	buf_puts(&b, "");
	assert_false(b.failed);
}

static void test_a_put_of_a_huge_span_does_not_overflow(void **state)
{
	/* volatile: the compiler would see it coming. */
	const volatile size_t huge = SIZE_MAX;
	struct buf b = buf_in(*state, 16);

	buf_putc(&b, 'x');
	buf_put(&b, span_from("", huge));
	assert_true(b.failed);
	assert_int_equal(b.len, 1);
}

int test_base_buf(void)
{
	const struct CMUnitTest tests[] = {
	    arena_test(test_puts_stand_one_behind_the_other),
	    arena_test(test_numbers_are_put_in_full),
	    arena_test(test_a_buffer_takes_its_maximum_and_not_a_byte_more),
	    arena_test(test_a_put_that_does_not_fit_puts_nothing),
	    arena_test(test_after_a_failure_every_put_fails),
	    arena_test(test_clear_forgets_text_and_failure),
	    arena_test(test_growing_keeps_the_text),
	    arena_test(test_a_single_large_put_grows_at_once),
	    cmocka_unit_test(test_the_callers_storage_is_never_left),
	    cmocka_unit_test(test_formatted_text_never_passes_the_storage),
	    arena_test(test_an_empty_buffer_is_empty_text_and_not_absent),
	    arena_test(test_a_put_of_a_huge_span_does_not_overflow),
	};

	return unit_run("base/buf", tests);
}
