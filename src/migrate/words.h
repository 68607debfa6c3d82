/*
 * words: the states of the old table and of the new one.
 */
#ifndef WA_MIGRATE_WORDS_H
#define WA_MIGRATE_WORDS_H

#include <stdbool.h>

#include "base/buf.h"

/* SQL: the new word for the old one in `column`; NULL for a word that is none. */
void words_put_new(struct buf *b, const char *column);
/*
 * SQL: the old word for the new one in `column`, for an old column of this
 * type: of an enumeration, a word that it has.
 */
void words_put_old(struct buf *b, const char *column, struct span type);
/* The first word of an enumeration, as its type writes it, with quotes; '' if it is none. */
struct span words_first(struct span type);
/* SQL, a list: the old words for connected. */
void words_put_connected(struct buf *b);

#endif
