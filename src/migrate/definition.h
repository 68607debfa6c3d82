/*
 * definition: how a table is made, in the server's own words.
 *
 * SHOW CREATE TABLE says of each column, key and constraint exactly what an
 * ALTER needs to make it so again.  So a table's old form is kept as that
 * text, and the way back is the difference between two texts.  Pure: no
 * database.
 */
#ifndef WA_MIGRATE_DEFINITION_H
#define WA_MIGRATE_DEFINITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/rc.h"

enum part_kind { PART_COLUMN, PART_PRIMARY, PART_KEY, PART_CONSTRAINT, PART_CHECK };

struct part {
	enum part_kind kind;
	struct span name;    /* without backticks; absent for the primary key */
	struct span text;    /* all of it: "`id` bigint(20) unsigned NOT NULL" */
	struct span columns; /* of a key, as written: "`workspace_id`,`status`" */
	bool is_unique;      /* a key */
};

struct definition {
	struct part *parts;
	size_t count;
};

/*
 * The spans of ret are `create`'s.
 *
 * RC_INVALID  it is no CREATE TABLE as SHOW CREATE TABLE writes it
 */
enum rc definition_parse(struct span create, struct arena *mem, struct definition *ret) MUST_CHECK;

/* NULL without one of that kind and name; names are compared without case, as the server does. */
const struct part *definition_find(
    const struct definition *definition, enum part_kind kind, struct span name);
/* Whether the key has this column. */
bool definition_key_has(const struct part *key, struct span column);

/* Whether it has a foreign key that says the same as this one, under whatever name. */
bool definition_has_reference(const struct definition *definition, const struct part *constraint);
/* Whether it is a column of a unique key, the primary one aside. */
bool definition_is_unique(const struct definition *definition, struct span column);
/*
 * The next name of a key's columns, as it is written between its backticks, and
 * of how many characters of it the key is made (UINT32_MAX: all); `rest` begins
 * as part.columns.
 */
bool definition_next_column(struct span *rest, struct span *ret, uint64_t *ret_chars);

/*
 * What becomes of a column or key that stands in `from` and not in `to`:
 * true if it goes, false if it stays as it is.
 */
typedef bool definition_goes_fn(const struct part *part);

/*
 * The clauses of an ALTER TABLE that makes `to` of `from`, separated by
 * ",\n"; nothing if they are the same.  Columns keep their places.  Keys are
 * all made anew if one differs, so that they end in the order of `to`.
 */
void definition_put_difference(struct buf *b, const struct definition *from,
    const struct definition *to, definition_goes_fn *goes, struct arena *mem);

/* The same CREATE TABLE, but for its AUTO_INCREMENT. */
bool definition_is_same(struct span a, struct span b);

/* Identifiers and texts as SQL writes them. */
void definition_put_name(struct buf *b, struct span name);
void definition_put_text(struct buf *b, struct span text);

#endif
