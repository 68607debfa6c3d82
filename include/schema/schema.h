/*
 * schema: the tables that this build needs, and whether a database has them.
 *
 * The database remembers the version of its schema, and the oldest build
 * that this schema still serves, so that the hosts of a pool are upgraded one
 * by one: a schema that grew serves the older build beside the newer one.
 */
#ifndef WA_SCHEMA_SCHEMA_H
#define WA_SCHEMA_SCHEMA_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/rc.h"
#include "db/db.h"

/* The version of the schema that this build was written for. */
enum { SCHEMA_VERSION = 3 };

struct schema_state {
	bool has_sessions; /* whatsapp_sessions: the migration has not run */
	bool is_migrating; /* it runs, or was cut off, in either direction */
	bool has_tables;   /* all of our tables and columns, whatever the version says */
	bool has_parents;  /* workspaces and users: Laravel's, or the demo's */
	uint64_t version;  /* 0: none of ours */
	uint64_t oldest_build;
};

enum rc schema_read(struct db *db, struct arena *mem, struct schema_state *ret) MUST_CHECK;

/* What stands against serving this build; as a number it goes through db_refuse to the board. */
enum schema_fit {
	SCHEMA_FITS,
	SCHEMA_TOO_NEW,
	SCHEMA_IS_MIGRATING,
	SCHEMA_HAS_SESSIONS,
	SCHEMA_TOO_OLD,
	SCHEMA_IS_MISSING,
};

enum schema_fit schema_fit(const struct schema_state *state);
/* NULL if it fits, or for a number that is none of these; else a sentence that says what to do. */
const char *schema_words(int fit);
/* The same of `state`. */
const char *schema_fault(const struct schema_state *state);

/*
 * For db_on_connect: RC_RETRY while the database does not serve this build;
 * db_last_error has the sentence, board_unfit the number.
 */
enum rc schema_on_connect(struct db *db, void *ctx);

/*
 * Bring the database to this build's version; what is there already stays.
 * `say` (may be NULL) is told each step.
 *
 * RC_INVALID  schema_fault says why nothing was done; *reterr has it
 */
typedef void schema_say_fn(const char *line);
enum {
	SCHEMA_DEMO = 1, /* with Laravel's tables and some rows, for a database without Laravel */
	SCHEMA_MIGRATES = 2, /* as a part of the migration that is under way */
};
enum rc schema_apply(struct db *db, struct arena *mem, unsigned flags, schema_say_fn *say,
    const char **reterr) MUST_CHECK;

#endif
