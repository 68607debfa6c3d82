/*
 * survey: what information_schema says of the tables in question.
 *
 * The applications of the field differ: which columns the sessions have,
 * what the junction table is called, which tables point at them.
 */
#ifndef WA_MIGRATE_SURVEY_H
#define WA_MIGRATE_SURVEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/rc.h"
#include "base/span.h"

struct migration;

struct column {
	struct span name;
	struct span data_type; /* "varchar" */
	struct span type;      /* "varchar(191)" */
	struct span charset;   /* absent if it is no text */
	struct span collation;
	uint64_t chars; /* of a text */
	bool is_nullable;
	bool has_default;
	bool is_generated;
	bool updates_itself; /* ON UPDATE CURRENT_TIMESTAMP */
	bool counts;         /* AUTO_INCREMENT */
};

struct columns {
	struct column *rows;
	size_t count;
};

/* A foreign key, from or to the sessions or accounts. */
struct foreign {
	struct span schema;
	struct span table;
	struct span column;
	struct span name;
	struct span parent;
	struct span parent_column;
	struct span on_delete;
	struct span on_update;
};

struct table {
	struct span name;
	struct span engine;
	bool is_special; /* partitioned, or with a history of its rows */
	uint64_t rows;   /* about */
	uint64_t bytes;  /* with indexes */
};

struct survey {
	struct table *tables; /* of the database */
	size_t table_count;
	struct columns columns;   /* of the sessions; of the accounts if there are no sessions */
	struct foreign *children; /* foreign keys that point at them */
	size_t child_count;
	struct foreign *parents; /* their own */
	size_t parent_count;
};

/* It names an id: neither another key nor several columns; and its table is of this database. */
bool survey_names_id(
    const struct survey *survey, const struct foreign *foreign, const char *database);

/* RC_NOT_FOUND is not among the answers: what is not there is not in ret. */
enum rc survey_read(struct migration *m, struct survey *ret) MUST_CHECK;
/* Anew, in m->survey. */
enum rc survey_again(struct migration *m) MUST_CHECK;

const struct table *survey_table(const struct survey *survey, const char *name);
const struct column *survey_column(const struct columns *columns, const char *name);
/* The columns of any table of the database. */
enum rc survey_columns(struct migration *m, const char *table, struct columns *ret) MUST_CHECK;
/* The same, of a statement of the caller's with those columns. */
struct db_statement;
struct db_value;
enum rc survey_columns_of(struct migration *m, const struct db_statement *statement,
    const struct db_value *in, size_t n_in, struct columns *ret) MUST_CHECK;
/* "`updated_at` = alias.`updated_at`" behind a comma, for columns that would change by themselves.
 */
struct buf;
void survey_put_unchanged(struct buf *b, const struct columns *columns, const char *alias);

#endif
