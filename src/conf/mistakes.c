#include "conf/mistakes.h"

#include <stdarg.h>
#include <stdio.h>

void conf_mistakes_init(struct conf_mistakes *mistakes)
{
	mistakes->first = NULL;
	mistakes->end = &mistakes->first;
}

void conf_mistakes_add(
    struct conf_mistakes *mistakes, struct arena *mem, struct span where, const char *fmt, ...)
{
	struct conf_mistake *mistake = arena_alloc(mem, sizeof(*mistake));
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	mistake->where = arena_copy(mem, where);
	mistake->what = arena_copy(mem, span_of(text));
	*mistakes->end = mistake;
	mistakes->end = &mistake->next;
}
