/*
 * triggers: those that would disturb the migration, or be broken by it.
 */
#ifndef WA_MIGRATE_TRIGGERS_H
#define WA_MIGRATE_TRIGGERS_H

#include "migration.h"

/* Told; *count goes up by one if there are any. */
enum rc triggers_tell(struct migration *m, uint64_t *count) MUST_CHECK;

#endif
