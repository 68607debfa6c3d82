/*
 * steps: the two tables of them.
 *
 * Each makes something so, whatever was done of it before.  A new row is all
 * that a new step needs: it is numbered, recorded, told, and tested with the
 * others.
 */
#ifndef WA_MIGRATE_STEPS_H
#define WA_MIGRATE_STEPS_H

#include <stddef.h>

#include "migration.h"
#include "state.h"

/* What Laravel's table `migrations` calls it. */
#define LARAVELS_NAME "2025_11_14_000000_rename_whatsapp_sessions_to_accounts"

struct step {
	const char *name;
	const char *what;
	/* RC_INVALID: it was told what is not as it should be. */
	enum rc (*run)(struct migration *m);
};

struct steps {
	enum direction direction;
	const struct step *rows;
	size_t count;
};

extern const struct steps up_steps, down_steps;

/* Columns of other tables that are renamed. */
struct renamed {
	const char *table;        /* when the accounts have their new name */
	const char *table_before; /* or NULL: the same */
	const char *old_column;
	const char *new_column;
};

extern const struct renamed renamed_columns[];
extern const size_t renamed_count;

/*
 * ALTER TABLE ... RENAME COLUMN, which copies nothing; not if there is no such
 * column, or one of the new name.  In a trial run the table is still called
 * `table_now`.
 */
enum rc rename_column(struct migration *m, const char *table, const char *table_now,
    const char *from, struct span to) MUST_CHECK;

/*
 * verify.c: the checks, told one by one.  Once the migration is finished the
 * application is at work, and session_data is looked at too.
 *
 * RC_INVALID  there are faults
 */
enum rc verify_run(struct migration *m, bool is_finished) MUST_CHECK;

#endif
