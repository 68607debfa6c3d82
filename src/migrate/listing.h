/*
 * listing: an obstacle, as it is told: its title, some of its rows, and the
 * statement that cures it.
 */
#ifndef WA_MIGRATE_LISTING_H
#define WA_MIGRATE_LISTING_H

#include "migration.h"

struct listing {
	struct migration *m;
	struct span title;  /* told before the first row */
	const char *parent; /* what a row points at, for whoever tells it */
	uint64_t count;
	struct buf ids; /* for the cure */
};

/* "name: a sentence" */
struct listing listing_new(struct migration *m, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* One more row.  Whether it is worth a line. */
bool listing_next(struct listing *listing);
/* Its id, for the cure. */
void listing_add_id(struct listing *listing, uint64_t id);
/* How many were not worth one. */
void listing_tell_more(const struct listing *listing);
/* The ids stand between both texts; so many that one statement is no more, the rest the next time.
 */
void listing_tell_cure(struct listing *listing, const char *before, const char *after);

#endif
