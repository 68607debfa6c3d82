/*
 * fuzz: made-up input for the parsers.
 *
 * Each target is one file with this one function.  tests/fuzz/run builds it
 * with libFuzzer; make check builds it with fuzz_main.c instead, which feeds
 * it the files of its corpus.  What must hold for every input is a FUZZ_CHECK.
 */
#ifndef WA_TESTS_FUZZ_H
#define WA_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_CHECK(condition) \
	do { \
		if (!(condition)) { \
			fprintf( \
			    stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition); \
			abort(); \
		} \
	} while (0)

/* The bytes are read from here, part by part, and never beyond their end. */
struct fuzz_input {
	const uint8_t *at;
	size_t left;
};

/* The next byte; 0 behind the end. */
static inline uint8_t fuzz_byte(struct fuzz_input *in)
{
	if (in->left == 0)
		return 0;
	in->left--;
	return *in->at++;
}

/* The bytes up to the next 0xff, or to the end. */
static inline struct fuzz_input fuzz_part(struct fuzz_input *in)
{
	struct fuzz_input part = {in->at, 0};

	while (in->left > 0 && *in->at != 0xff) {
		in->at++;
		in->left--;
		part.left++;
	}
	if (in->left > 0) {
		in->at++;
		in->left--;
	}
	return part;
}

#endif
