/*
 * unit: what every unit test needs: cmocka, an arena, the log, a child.
 *
 * One program for each folder of src (test_base.c has the main), one file for
 * each module (test_base_num.c), one name for each thing that holds.
 */
#ifndef WA_TESTS_UNIT_H
#define WA_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/span.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A test whose *state is a struct arena *. */
#define arena_test(f) cmocka_unit_test_setup_teardown(f, unit_open, unit_close)
#define unit_run(name, tests) cmocka_run_group_tests_name(name, tests, NULL, NULL)

int unit_open(void **state);
int unit_close(void **state);

/* Bytes that are a literal, NULs included. */
#define assert_span(got, literal) unit_assert_bytes((got), SPAN_OF(literal), __FILE__, __LINE__)
#define assert_same(got, want) unit_assert_bytes((got), (want), __FILE__, __LINE__)
void unit_assert_bytes(struct span got, struct span want, const char *file, int line);

/* What is written to standard error from here on; no assert until the end. */
struct unit_capture {
	int saved;
	int file;
};
struct unit_capture unit_capture_begin(void);
/* In `mem`. */
struct span unit_capture_end(struct unit_capture *capture, struct arena *mem);

/* Run `fn` in a child; its exit status, or 128 and the signal. */
int unit_in_child(int (*fn)(void *ctx), void *ctx);

/* A new folder below /tmp, and its removal with all that is in it. */
struct unit_folder {
	char path[32];
};
struct unit_folder unit_folder_create(void);
void unit_folder_remove(struct unit_folder *folder);

/* The same numbers in every run. */
struct unit_random {
	uint64_t state;
};
uint64_t unit_random(struct unit_random *random);
/* Less than `limit`. */
size_t unit_random_below(struct unit_random *random, size_t limit);

/* A copy in memory that has not a byte more: a sanitizer sees who reads behind it. */
struct span unit_exact(struct span text);
void unit_exact_free(struct span copy);

/* Whether `text` occurs in `all`. */
bool unit_has(struct span all, const char *text);

#endif
