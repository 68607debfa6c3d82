/*
 * lists: "IN (...)" in prepared statements, always as long as LANES_BATCH, so
 * that one statement serves every length.
 */
#ifndef WA_OUTBOX_LISTS_H
#define WA_OUTBOX_LISTS_H

#include "outbox/lanes.h"

#define LISTS_8 "?, ?, ?, ?, ?, ?, ?, ?"
#define LISTS_BATCH LISTS_8 ", " LISTS_8 ", " LISTS_8 ", " LISTS_8

/* The parameters of one; what is missing is the last one again.  `n` is at least 1. */
static inline void lists_put(struct db_value in[static LANES_BATCH], const uint64_t *ids, size_t n)
{
	for (size_t i = 0; i < LANES_BATCH; i++)
		in[i] = db_u(ids[i < n ? i : n - 1]);
}

#endif
