/*
 * template: the page's root template: HTML with places for what the pool knows,
 *
 *	{{ app_name }}     the application's name
 *	{{ csrf_token }}   the session's token; nothing for who comes with a bearer token
 *	{{ broadcaster }}  JSON: where the page hears of events; nothing if nowhere
 *	{{ vite }}         the tags of the built assets
 *	{{ inertia }}      the element in which the page is mounted, with its data
 *
 * Texts are escaped when they are put in: they may stand between tags and in
 * quoted attributes, not in a script.  Here it is only taken apart.
 */
#ifndef WA_PAGE_TEMPLATE_H
#define WA_PAGE_TEMPLATE_H

#include "base/arena.h"
#include "base/rc.h"
#include "base/span.h"

enum template_slot {
	TEMPLATE_TEXT, /* no placeholder: HTML that goes out as it is */
	TEMPLATE_APP_NAME,
	TEMPLATE_CSRF_TOKEN,
	TEMPLATE_BROADCASTER,
	TEMPLATE_VITE,
	TEMPLATE_INERTIA,
	TEMPLATE_SLOTS,
};

struct template_part {
	enum template_slot slot;
	struct span text; /* of TEMPLATE_TEXT */
};

struct template
{
	struct template_part *parts;
	size_t count;
};

/* What is wrong, as a sentence, and in which line; 0: in none. */
struct template_fault {
	size_t line;
	struct span what;
};

/*
 * Take `text` apart.  It is borrowed; the parts live in `mem`.
 *
 * RC_INVALID  no UTF-8, a placeholder that is unknown or left open, more than
 *             BOUND_PLACEHOLDERS, or vite or inertia not exactly once: reterr says
 */
enum rc template_parse(struct span text, struct arena *mem, struct template *ret,
    struct template_fault *reterr) MUST_CHECK;

#endif
