/*
 * migrate: whatsapp_sessions becomes whatsapp_accounts, and can be taken back.
 *
 * A migration is a table of named steps, each of which makes something so,
 * whatever was done of it before, and is recorded before and after in tables
 * that begin with wa_migration.  So one that was interrupted anywhere goes on
 * when it is started again, or goes back.
 *
 * Tables and columns are renamed, not copied; the accounts alone are copied
 * once, by the one ALTER that adds what the rules of the database need.
 * How a table was made is kept in the server's own words (SHOW CREATE TABLE),
 * and the way back is the difference to that.
 *
 * Nothing here is said to a stream: the caller's functions are told.
 */
#ifndef WA_MIGRATE_MIGRATE_H
#define WA_MIGRATE_MIGRATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/rc.h"
#include "base/span.h"
#include "crypto/envelope.h"
#include "db/db.h"

enum { MIGRATE_BATCH = 5000, MIGRATE_BATCH_MAX = 100000 };

struct migrate_told {
	void (*line)(void *ctx, struct span text);
	/* How far a step is: worth a line once in a while, or one that is overwritten. */
	void (*progress)(void *ctx, struct span text);
	/* NULL, or asked before each step and before its end is recorded.  False: stop there. */
	bool (*go_on)(void *ctx, struct span text);
	void *ctx;
};

struct migrate_options {
	const struct db_options *db; /* patient: a statement takes as long as it takes */
	const struct envelope *keys; /* what session_data is sealed with; NULL: not looked at */
	struct migrate_told told;
	uint64_t batch;   /* rows of one statement */
	bool newest_wins; /* duplicates are resolved; otherwise they are obstacles */
	bool dry_run;     /* statements are told, not sent */
};

enum migrate_end {
	MIGRATE_DONE,    /* or there is nothing to do: all is as it should be */
	MIGRATE_REFUSED, /* obstacles, faults, not possible now: it was told why */
	MIGRATE_STOPPED, /* go_on said so; to be resumed */
	MIGRATE_HELD,    /* another one is under way */
	MIGRATE_FAILED,  /* the database is away, or has refused a statement; to be resumed */
};

enum migrate_end migrate_plan(const struct migrate_options *options);
enum migrate_end migrate_up(const struct migrate_options *options);
enum migrate_end migrate_verify(const struct migrate_options *options);
enum migrate_end migrate_down(const struct migrate_options *options);
/* Whether there is anything to finalize is told by MIGRATE_REFUSED. */
enum migrate_end migrate_finalize(const struct migrate_options *options);

#endif
