/*
 * kept: what the old table cannot hold, from a migrate down to the next up.
 *
 * Columns that it does not have, texts that are too long there or have other
 * letters, numbers that its unique key refuses, NULL where it allows none:
 * they lie in wa_migration_kept, and the old table gets what comes nearest.
 */
#ifndef WA_MIGRATE_KEPT_H
#define WA_MIGRATE_KEPT_H

#include "migration.h"

/* Down, once the words are set, before the old form comes back. */
enum rc kept_collect(struct migration *m) MUST_CHECK;
/* Up: all that the old application has not written meanwhile. */
enum rc kept_restore(struct migration *m) MUST_CHECK;

#endif
