/*
 * taken: names that are taken, and tables that are not what they must be.
 */
#ifndef WA_MIGRATE_TAKEN_H
#define WA_MIGRATE_TAKEN_H

#include "migration.h"

/* Told; *count goes up by one for each obstacle. */
enum rc taken_tell(struct migration *m, uint64_t *count) MUST_CHECK;

#endif
