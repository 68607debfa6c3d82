/*
 * plan: all that is to be known before a migration.
 */
#ifndef WA_MIGRATE_PLAN_H
#define WA_MIGRATE_PLAN_H

#include "migration.h"

/* Told, line by line; *ret_obstacles is how many obstacles there are. */
enum rc plan_tell(struct migration *m, uint64_t *ret_obstacles) MUST_CHECK;

#endif
