/*
 * mistakes: all that is wrong with the settings, told at once.
 */
#ifndef WA_CONF_MISTAKES_H
#define WA_CONF_MISTAKES_H

#include "base/arena.h"
#include "base/rc.h"
#include "base/span.h"

/* One thing that is wrong, in the order in which it was found. */
struct conf_mistake {
	struct conf_mistake *next;
	struct span where; /* "/srv/app/.env:12", "/srv/app/.env" or "environment" */
	struct span what;  /* a sentence that names the setting */
};

struct conf_mistakes {
	struct conf_mistake *first;
	struct conf_mistake **end;
};

void conf_mistakes_init(struct conf_mistakes *mistakes);
void conf_mistakes_add(struct conf_mistakes *mistakes, struct arena *mem, struct span where,
    const char *fmt, ...) PRINTF_LIKE(4, 5);

#endif
