/*
 * state: what a migration remembers, in tables that begin with wa_migration.
 *
 *   wa_migration          which way, since when, who is at it (a lease)
 *   wa_migration_steps    when each step began and ended
 *   wa_migration_tables   how each table was made, and what it held
 *   wa_migration_columns  the columns of the sessions
 *   wa_migration_foreign  the foreign keys that pointed at them
 *   wa_migration_rows     marks of every row (marks.h)
 *   wa_migration_resolved what newest-wins has changed
 *   wa_migration_kept     what the old table could not hold
 */
#ifndef WA_MIGRATE_STATE_H
#define WA_MIGRATE_STATE_H

#include "migration.h"

enum direction { DIRECTION_UP, DIRECTION_DOWN, DIRECTION_FINALIZE };

struct state {
	bool exists; /* something was begun */
	enum direction direction;
	bool is_finished;
	struct span begun_at;
	struct span finished_at;
	struct span holder; /* absent: nobody */
};

/* Who this process is, in m->holder: its host, its pid, and when that began. */
void state_name_holder(struct migration *m);
const char *state_direction_name(enum direction direction);
enum rc state_read(struct migration *m, struct state *ret) MUST_CHECK;

/*
 * Begin, or go on: makes the tables, notes the direction, takes the lease.
 *
 * RC_CONFLICT  somebody else holds it; he is in ret->holder
 */
enum rc state_take(struct migration *m, enum direction direction, struct state *ret) MUST_CHECK;
/* The lease is still ours, and for some time to come.  RC_CONFLICT: it is not. */
enum rc state_renew(struct migration *m) MUST_CHECK;
/* Somebody else may go on. */
void state_release(struct migration *m);
enum rc state_finish(struct migration *m) MUST_CHECK;

enum rc state_step_ended(
    struct migration *m, enum direction direction, const char *step, bool *ret) MUST_CHECK;
enum rc state_step_begin(
    struct migration *m, enum direction direction, const char *step) MUST_CHECK;
enum rc state_step_end(struct migration *m, enum direction direction, const char *step) MUST_CHECK;

/* What the old tables look like, before anything is changed. */
enum rc state_record(struct migration *m) MUST_CHECK;
/*
 * Forget that, and which steps have ended: nothing was changed yet, and
 * somebody may have written since.  What newest-wins has changed stays noted.
 */
enum rc state_begin_anew(struct migration *m) MUST_CHECK;
/* The recorded CREATE TABLE; absent if there is none. */
enum rc state_definition(struct migration *m, const char *table, struct span *ret) MUST_CHECK;
/* The columns that the sessions had. */
enum rc state_columns(struct migration *m, struct columns *ret) MUST_CHECK;

/* The table of what is kept for the next time. */
enum rc state_make_kept(struct migration *m) MUST_CHECK;
/* All that only the way back needs, wa_migration last; that of `kept` only if it is empty. */
enum rc state_forget(struct migration *m) MUST_CHECK;

#endif
