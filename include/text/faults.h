/*
 * faults: the rules that an input breaks, field by field, in the words of
 * Laravel's validator.
 */
#ifndef WA_TEXT_FAULTS_H
#define WA_TEXT_FAULTS_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/rc.h"

struct fault {
	struct fault *next;
	const char *field;
	struct span message;
};

struct faults {
	struct arena *mem;
	struct fault *first;
	struct fault **end;
};

void faults_init(struct faults *faults, struct arena *mem);
static inline bool faults_any(const struct faults *faults)
{
	return faults->first != NULL;
}

/*
 * `rest` follows the field's name as people read it: for "data.account_id"
 * and "field is required." the message is "The data.account id field is
 * required.".  `field` is a literal.
 */
void faults_add(struct faults *faults, const char *field, const char *rest);
/* The other form of Laravel's: "The selected data.status is invalid." */
void faults_add_selected(struct faults *faults, const char *field);

/* {"field":["message",...],...}; the faults of one field stand together. */
void faults_put_json(const struct faults *faults, struct buf *b);

#endif
