/*
 * callers: who asks for what is to go, and how often.
 *
 * A bounded table of names with one writer, in shared memory (base/board.h);
 * whoever does not fit is counted with the others.  A name is written once,
 * before it is counted as there: a reader sees whole names only.
 */
#ifndef WA_BASE_CALLERS_H
#define WA_BASE_CALLERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bounds.h"
#include "base/span.h"

enum {
	CALLERS = 64, /* in one table */
	/* Of these for strangers, who could take all of them: anybody has many addresses. */
	CALLERS_STRANGERS = CALLERS / 2,
	CALLERS_SUMMED = 256,            /* told apart in a sum */
	CALLERS_NAME = 48,               /* with its NUL; what is longer is cut */
	CALLERS_NO_ROUTE = BOUND_ROUTES, /* what is counted: by route, without one, */
	CALLERS_USES,                    /* and behind these, other uses of what is to go */
	CALLERS_PLACES = CALLERS_USES + 8,
};

typedef _Atomic uint64_t callers_counter;

struct callers {
	_Atomic size_t used;
	callers_counter others[CALLERS_PLACES];
	struct callers_row {
		char name[CALLERS_NAME];
		callers_counter counts[CALLERS_PLACES];
	} rows[CALLERS];
};

/* The writer's side. */
void callers_count(struct callers *callers, struct span name, size_t place, bool is_stranger);

/* The reader's side: several tables together; the first row has no name, and is the others'. */
struct callers_sum {
	size_t count;
	struct callers_sum_row {
		char name[CALLERS_NAME];
		uint64_t counts[CALLERS_PLACES];
	} rows[1 + CALLERS_SUMMED];
};

void callers_sum_init(struct callers_sum *sum);
void callers_sum_add(struct callers_sum *sum, const struct callers *callers);

#endif
