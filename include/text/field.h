/*
 * field: one value of a request's input, with the type that it came in.
 *
 * JSON has types and a form has not; Laravel's rules ask for them.  Strings
 * have been through Laravel's middleware: trimmed, and null when empty.
 */
#ifndef WA_TEXT_FIELD_H
#define WA_TEXT_FIELD_H

#include <jansson.h>

#include "base/arena.h"
#include "base/span.h"

struct field {
	enum field_type {
		FIELD_MISSING,
		FIELD_NULL,
		FIELD_STRING,
		FIELD_INTEGER,
		FIELD_FLOAT,
		FIELD_TRUE,
		FIELD_FALSE,
		FIELD_EMPTY, /* a list or an object without members: one thing in PHP */
		FIELD_LIST,  /* one with members */
	} type;
	struct span text; /* of a string; of an integer as PHP writes it, of a float nearly so */
	size_t members;   /* of a list */
};

struct field field_of_json(const json_t *value, struct arena *mem);
/* A string of a query or a form. */
struct field field_of_text(struct span text);
/* A list or an object with so many members. */
struct field field_of_list(size_t members);

#endif
