#include "listing.h"

#include <stdarg.h>
#include <stdio.h>

enum { ROWS_TOLD = 20, IDS_TOLD = 1000 };

struct listing listing_new(struct migration *m, const char *fmt, ...)
{
	struct buf title = statement_new(m);
	char text[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	buf_putf(&title, "obstacle %s", text);
	return (struct listing){.m = m, .title = buf_span(&title), .ids = statement_new(m)};
}

bool listing_next(struct listing *listing)
{
	if (++listing->count == 1)
		tell(listing->m, "%.*s", SPAN_ARG(listing->title));
	return listing->count <= ROWS_TOLD;
}

void listing_add_id(struct listing *listing, uint64_t id)
{
	if (listing->count <= IDS_TOLD)
		buf_putf(&listing->ids, "%s%llu", listing->count > 1 ? ", " : "",
		    (unsigned long long)id);
}

void listing_tell_more(const struct listing *listing)
{
	if (listing->count > ROWS_TOLD)
		tell(listing->m, "  and %llu more",
		    (unsigned long long)(listing->count - ROWS_TOLD));
}

void listing_tell_cure(struct listing *listing, const char *before, const char *after)
{
	struct buf line = statement_new(listing->m);

	buf_puts(&line, "  cure: ");
	buf_puts(&line, before);
	buf_put(&line, buf_span(&listing->ids));
	buf_puts(&line, after);
	tell_text(listing->m, &line);
	if (listing->count > IDS_TOLD)
		tell(listing->m, "  (the first %d; then once more)", IDS_TOLD);
}
