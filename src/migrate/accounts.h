/*
 * accounts: what whatsapp_accounts needs, and the ALTERs that make it of
 * whatsapp_sessions.
 *
 * sql/ says the same for a database that begins empty; a test compares both.
 */
#ifndef WA_MIGRATE_ACCOUNTS_H
#define WA_MIGRATE_ACCOUNTS_H

#include "definition.h"
#include "survey.h"

enum {
	NEED_NULL = 1,    /* we write NULL */
	NEED_UNICODE = 2, /* what people call things */
	NEED_KEPT = 4,    /* what it holds is kept when the old table cannot */
};

struct need {
	const char *name;
	const char *was; /* its name in some old tables, or NULL */
	const char *type;
	const char *rest; /* of its definition, behind type and character set */
	uint64_t chars;   /* of a text, at least; 0: it is no text */
	unsigned flags;
	const char *unset; /* the value that means nothing, as SQL; NULL: NULL */
};

extern const struct need accounts_needs[];
extern const size_t accounts_need_count;

/* The old column that a need is met with; NULL: there is none. */
const struct column *accounts_old_column(const struct columns *old, const struct need *need);
/* Whether the old column must change: it is too narrow, or allows no NULL. */
bool accounts_must_change(const struct column *old, const struct need *need);
/* Of these: it holds fewer characters, or has fewer letters. */
bool accounts_is_narrower(const struct column *old, const struct need *need);

/*
 * SQL: what the old column can hold of `value`, SQL too: as long as it may
 * be there, in its letters.
 */
void accounts_put_fitting(
    struct buf *b, const struct column *old, const struct need *need, const char *value);

/*
 * The clauses of the one ALTER that copies the table.  `now` is how it is
 * made; `columns` the same from information_schema.
 */
void accounts_put_rebuild(
    struct buf *b, const struct definition *now, const struct columns *columns);
/* Foreign keys that the old table lacks. */
void accounts_put_references(struct buf *b, bool of_workspace, bool of_creator);
/* The rebuild has let every row's connection_status come from its old word; a new row's is this. */
void accounts_put_default(struct buf *b, const struct columns *columns);
/* The instant renames of columns, there and back. */
void accounts_put_rename(struct buf *b, const struct columns *columns);
void accounts_put_rename_back(
    struct buf *b, const struct columns *columns, const struct columns *old);

/* An old key that goes, and is there again after migrate down; ours have taken its place. */
bool accounts_replaces(const struct part *key);
/* The name of one of our keys that the table lacks; NULL: it has all of them. */
const char *accounts_missing_key(const struct definition *now);
/* What is ours and goes when the old form comes back. */
bool accounts_goes(const struct part *part);

/* As SQL, what a NOT NULL column without a default gets in a row that does not name it. */
void accounts_put_nothing(struct buf *b, const struct column *column, bool is_json);

#endif
