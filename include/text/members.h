/*
 * members: the top-level members of a JSON object, as text.
 *
 * An account's `metadata` belongs to several writers.  Changing one key must
 * leave every other value as it is, byte for byte: 1.10 stays 1.10, a number
 * of forty digits keeps them, and what MariaDB calls valid and jansson does
 * not is carried along.  So values are never parsed here, only found.
 */
#ifndef WA_TEXT_MEMBERS_H
#define WA_TEXT_MEMBERS_H

#include "base/arena.h"
#include "base/rc.h"
#include "base/span.h"

struct members;

/*
 * Read `text`, a JSON text that the database has accepted.  Absent text,
 * `null` and the empty list (PHP's empty array) are no members; a list
 * becomes members "0", "1", ... as in PHP.
 *
 * RC_INVALID  it is none of these
 */
enum rc members_read(struct span text, struct arena *mem, struct members **ret) MUST_CHECK;

/* The raw JSON text of a member; absent if there is none. */
struct span members_get(const struct members *members, struct span name);
/* Set a member to raw JSON text: in its place, or behind the others. */
void members_set(struct members *members, struct span name, struct span raw);
/* Set it to the JSON string of `text`. */
void members_set_string(struct members *members, const char *name, struct span text);
/* Set every member of `from` but those whose names are in `except`, which ends with NULL. */
void members_merge(struct members *members, const struct members *from, const char *const *except);
/* The whole object as text, in the arena. */
struct span members_write(const struct members *members);

#endif
