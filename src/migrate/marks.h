/*
 * marks: a checksum of every column of every row, taken before anything is
 * changed, by which a row can be told from one that was changed since.
 */
#ifndef WA_MIGRATE_MARKS_H
#define WA_MIGRATE_MARKS_H

#include "migration.h"

/* Of all rows of whatsapp_sessions, in wa_migration_rows. */
enum rc marks_record(struct migration *m) MUST_CHECK;

/*
 * Until the rename somebody may write: triggers of ours note whose marks are
 * worth nothing any more.  Where they may not be made it is done without, and
 * told.
 */
enum rc marks_watch(struct migration *m) MUST_CHECK;
enum rc marks_unwatch(struct migration *m) MUST_CHECK;

/* What a column was and is, over all rows that are there still. */
struct mark_sum {
	struct span name; /* in the old table */
	struct span name_now;
	uint64_t faults;      /* rows that nobody has written since, and yet they differ */
	uint64_t changed;     /* rows that were written since */
	uint64_t before, now; /* sums of the checksums of rows that were not written */
};

struct mark_sums {
	struct mark_sum *columns;
	size_t count;
	uint64_t rows;    /* that are there still */
	uint64_t written; /* of them, since */
};

enum rc marks_compare(struct migration *m, struct mark_sums *ret) MUST_CHECK;

/*
 * SQL, a condition on `t`, an account, and `r`, its marks: the account was
 * written since, by the application or by us.
 */
enum rc marks_put_written(struct migration *m, struct buf *b) MUST_CHECK;
/* The same: this column, by its old name, is not what it was. */
enum rc marks_put_differs(struct migration *m, struct buf *b, struct span column) MUST_CHECK;

#endif
