/*
 * migration: one run, and the statements that its steps are made of.
 *
 * Order of reading: definition.h (how a table is made), survey.h (what the
 * database has), accounts.h (what the accounts need), alias.h (the column that
 * shows the old word), state.h (what is remembered), words.h, marks.h and
 * kept.h (states, checksums of rows, what the old table cannot hold), steps.h
 * with up.c and down.c, verify.c; then obstacles.h, with listing.h, taken.h,
 * triggers.h and privileges.h, plan.h, and run.c with keeper.h.
 */
#ifndef WA_MIGRATE_MIGRATION_H
#define WA_MIGRATE_MIGRATION_H

#include "base/buf.h"
#include "migrate/migrate.h"
#include "survey.h"

#define SESSIONS "whatsapp_sessions"
#define ACCOUNTS "whatsapp_accounts"

enum {
	LOCK_WAIT_S = 2, /* lock_wait_timeout: how long others may queue behind a DDL */
	LOCK_TRIES = 60, /* of a statement that does not get its lock; a second between two */
	STATEMENT_MAX = 4 * MIB,
};

struct migration {
	const struct migrate_options *options;
	struct db *db;
	struct arena *mem;     /* the run's */
	struct arena *scratch; /* the step's */
	struct arena *row;     /* that of read_each */
	struct survey survey;
	struct columns old; /* the columns that the sessions had, where a step has asked for them */
	const char *step;   /* its name, while one is under way */
	unsigned number;    /* of it */
	unsigned steps;
	int64_t pause_us; /* the longest that others may have had to wait for one statement */
	const char *pause_step;
	int64_t renamed_us;  /* when the renames of this run began; 0: not in this run */
	char holder[256];    /* of the lease: us */
	bool in_transaction; /* then a statement that fails is not tried again by itself */
};

static inline bool has_table(const struct migration *m, const char *table)
{
	return survey_table(&m->survey, table) != NULL;
}

/* Of the sessions; of the accounts if there are no sessions. */
static inline bool has_column(const struct migration *m, const char *column)
{
	return survey_column(&m->survey.columns, column) != NULL;
}

/* A line of the report; how far the step is. */
void tell(const struct migration *m, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* One of any length. */
void tell_text(const struct migration *m, const struct buf *line);
void tell_progress(const struct migration *m, uint64_t done, uint64_t all, const char *of);

/* A statement to build; its end is checked when it is sent. */
struct buf statement_new(struct migration *m);

/*
 * Send a DDL.  It waits LOCK_WAIT_S for its lock and tries again; how long it
 * took is noted as a pause.
 */
enum rc run_ddl(struct migration *m, struct buf *sql) MUST_CHECK;
/*
 * An ALTER TABLE that is instant on ordinary tables; where the server refuses
 * that, by the algorithm `otherwise`.
 */
enum rc run_instant(struct migration *m, struct buf *sql, const char *otherwise) MUST_CHECK;
/* The same, for a statement of a program's. */
enum rc run_ddl_text(struct migration *m, const char *sql) MUST_CHECK;
/* An INSERT, UPDATE or DELETE; *ret_rows (may be NULL) is how many rows it has changed. */
enum rc run_write(struct migration *m, struct buf *sql, uint64_t *ret_rows) MUST_CHECK;
enum rc run_write_text(struct migration *m, const char *sql, uint64_t *ret_rows) MUST_CHECK;
/* Several of them, all or none; `body` is called with `m`, also more than once. */
enum rc run_transaction(struct migration *m, db_body_fn *body) MUST_CHECK;
/* A SELECT; `out` as struct db_statement has it.  A row's texts live while `fn` looks at it. */
enum rc read_each(
    struct migration *m, struct buf *sql, const char *out, db_row_fn *fn, void *ctx) MUST_CHECK;
/* Its only number; NULL is 0. */
enum rc read_number(struct migration *m, struct buf *sql, uint64_t *ret) MUST_CHECK;
/* Its first text, in `mem` of the run; absent without one. */
enum rc read_text(struct migration *m, struct buf *sql, struct span *ret) MUST_CHECK;

/*
 * Run the statement that `put` writes for each range of ids of `table`,
 * options->batch rows each, in their order; `range` is "BETWEEN 1 AND 5000".
 */
typedef void put_batch_fn(struct migration *m, struct buf *sql, const char *range);
enum rc run_batches(struct migration *m, const char *table, put_batch_fn *put, const char *what,
    uint64_t *ret_rows) MUST_CHECK;
/* The same for SELECTs. */
enum rc read_batches(struct migration *m, const char *table, put_batch_fn *put, const char *what,
    const char *out, db_row_fn *fn, void *ctx) MUST_CHECK;

/* SHOW CREATE TABLE, in `mem` of the run; absent if there is no such table. */
enum rc read_definition(struct migration *m, struct span table, struct span *ret) MUST_CHECK;
/* Taken apart, in `mem` of the run.  RC_INVALID: it was told. */
struct definition;
enum rc parse_definition(
    struct migration *m, struct span create, struct definition *ret) MUST_CHECK;

/* For db_on_connect: the settings of the session, whatever the server's own are. */
enum rc prepare_connection(struct db *db, void *ctx);

#endif
