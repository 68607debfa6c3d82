/*
 * obstacles: what stands against a migration, with the rows and the command
 * that cures it.
 */
#ifndef WA_MIGRATE_OBSTACLES_H
#define WA_MIGRATE_OBSTACLES_H

#include "migration.h"

/* All are told; *ret is how many.  Duplicates are none if newest_wins resolves them. */
enum rc obstacles_tell(struct migration *m, uint64_t *ret) MUST_CHECK;

/*
 * SQL: SELECT account_id, workspace_id, winner_id of the accounts that lose by
 * newest-wins: the number that several have, or being primary.  Only among
 * the live ones.
 */
void obstacles_put_losers(struct migration *m, struct buf *b, bool by_number);

#endif
