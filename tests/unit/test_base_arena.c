#include "base/arena.h"

#include <stdalign.h>
#include <sysexits.h>

#include "base_tests.h"
#include "base/bounds.h"
#include "unit.h"

static bool is_aligned(const void *at)
{
	return (uintptr_t)at % alignof(max_align_t) == 0;
}

static void test_what_is_allocated_is_aligned_and_zero(void **state)
{
	struct arena *mem = *state;

	for (size_t size = 0; size < 300; size++) {
		unsigned char *bytes;

		memset(arena_bytes(mem, size % 7), 0xff, size % 7);
		bytes = arena_alloc(mem, size);
		assert_true(is_aligned(bytes));
		for (size_t i = 0; i < size; i++)
			assert_int_equal(bytes[i], 0);
		memset(bytes, 0xff, size);
	}
}

static void test_what_is_allocated_again_after_a_reset_is_zero(void **state)
{
	struct arena *mem = *state;
	unsigned char *bytes = arena_alloc(mem, 1000);

	memset(bytes, 0xff, 1000);
	arena_reset(mem);
	bytes = arena_alloc(mem, 1000);
	for (size_t i = 0; i < 1000; i++)
		assert_int_equal(bytes[i], 0);
}

static void test_a_reset_gives_the_same_memory_again(void **state)
{
	struct arena *mem = *state;
	void *first = arena_alloc(mem, 100);

	for (int i = 0; i < 50; i++)
		arena_alloc(mem, 3000);
	arena_reset(mem);
	assert_int_equal(arena_used(mem), 0);
	assert_ptr_equal(arena_alloc(mem, 100), first);
}

static void test_growth_leaves_what_is_there_in_its_place(void **state)
{
	struct arena *mem = *state;
	unsigned char *blocks[100];

	for (unsigned i = 0; i < COUNT(blocks); i++) {
		blocks[i] = arena_alloc(mem, 500);
		memset(blocks[i], (int)i, 500);
	}
	for (unsigned i = 0; i < COUNT(blocks); i++)
		for (size_t k = 0; k < 500; k++)
			assert_int_equal(blocks[i][k], i);
}

static void test_one_block_may_be_larger_than_a_chunk(void **state)
{
	struct arena *mem = *state;
	unsigned char *large = arena_alloc(mem, 1 * MIB), *small;

	large[0] = large[1 * MIB - 1] = 1;
	small = arena_alloc(mem, 16);
	assert_true(small < large || small >= large + 1 * MIB);
	assert_true(is_aligned(small));
}

static void test_used_counts_what_was_handed_out(void **state)
{
	struct arena *mem = *state;

	assert_int_equal(arena_used(mem), 0);
	arena_bytes(mem, 10);
	assert_int_equal(arena_used(mem), 10);
	arena_bytes(mem, 100 * KIB);
	assert_int_equal(arena_used(mem), 10 + 100 * KIB);
	arena_reset(mem);
	assert_int_equal(arena_used(mem), 0);
}

static void test_a_copy_ends_with_a_nul(void **state)
{
	struct arena *mem = *state;
	struct span copy = arena_copy(mem, SPAN_OF("a\0b"));

	assert_span(copy, "a\0b");
	assert_int_equal(copy.ptr[3], '\0');
	copy = arena_copy(mem, (struct span){0});
	assert_non_null(copy.ptr);
	assert_int_equal(copy.len, 0);
	assert_int_equal(copy.ptr[0], '\0');
}

static void test_an_arena_of_no_size_works(void **state)
{
	struct arena *mem = arena_create(0);

	(void)state;
	assert_true(is_aligned(arena_alloc(mem, 1)));
	assert_true(is_aligned(arena_alloc(mem, 64)));
	arena_free(mem);
}

static void test_no_arena_is_freed_without_harm(void **state)
{
	(void)state;
	arena_free(NULL);
}

static int take_too_much(void *ctx)
{
	arena_bytes(ctx, SIZE_MAX);
	return 0;
}

static void test_without_memory_the_process_ends_with_a_line_in_the_log(void **state)
{
	struct arena *mem = *state;
	struct unit_capture capture = unit_capture_begin();
	int status = unit_in_child(take_too_much, mem);
	struct span log = unit_capture_end(&capture, mem);

	assert_int_equal(status, EX_OSERR);
	assert_true(unit_has(log, "out of memory"));
}

int test_base_arena(void)
{
	const struct CMUnitTest tests[] = {
	    arena_test(test_what_is_allocated_is_aligned_and_zero),
	    arena_test(test_what_is_allocated_again_after_a_reset_is_zero),
	    arena_test(test_a_reset_gives_the_same_memory_again),
	    arena_test(test_growth_leaves_what_is_there_in_its_place),
	    arena_test(test_one_block_may_be_larger_than_a_chunk),
	    arena_test(test_used_counts_what_was_handed_out),
	    arena_test(test_a_copy_ends_with_a_nul),
	    cmocka_unit_test(test_an_arena_of_no_size_works),
	    cmocka_unit_test(test_no_arena_is_freed_without_harm),
	    arena_test(test_without_memory_the_process_ends_with_a_line_in_the_log),
	};

	return unit_run("base/arena", tests);
}
