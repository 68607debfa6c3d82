/*
 * alias: the accounts' column `status`, which is computed: the old word for
 * connection_status, for those who still read it.
 *
 * It can only come when the old column of that name has got its new one, and
 * has to go before that comes back: the server refuses to do both in one
 * ALTER without copying the table, and either by itself is instant.
 */
#ifndef WA_MIGRATE_ALIAS_H
#define WA_MIGRATE_ALIAS_H

#include "migration.h"

/* SQL: its definition, as sql/ has it. */
void alias_put(struct buf *b);
/* Whether `status` is that column, not the one that the sessions had. */
bool alias_is_there(const struct columns *columns);

/* Steps of up and of down. */
enum rc alias_add(struct migration *m) MUST_CHECK;
enum rc alias_drop(struct migration *m) MUST_CHECK;

/*
 * In how many rows it is not the old word for connection_status.
 *
 * RC_NOT_FOUND  there is no such column
 */
enum rc alias_count_wrong(struct migration *m, uint64_t *ret) MUST_CHECK;

#endif
