/*
 * privileges: whether the account at the database may do what a migration does.
 */
#ifndef WA_MIGRATE_PRIVILEGES_H
#define WA_MIGRATE_PRIVILEGES_H

#include "migration.h"

/* Told; *count goes up by one if it lacks any. */
enum rc privileges_tell(struct migration *m, uint64_t *count) MUST_CHECK;

#endif
