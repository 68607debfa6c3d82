/*
 * inertia: the page's data as Inertia asks for it (protocol of its client 1
 * and 2): a page object around the props.  Who navigates to the page gets that
 * object in the page's HTML, where it is ours to show.
 */
#ifndef WA_API_INERTIA_H
#define WA_API_INERTIA_H

#include "http/call.h"

/* The request is an Inertia visit. */
bool inertia_is_visit(const struct call *call);
/* A partial reload may have asked for some props only. */
bool inertia_wants(const struct call *call, const char *prop);

/*
 * The page that visits us was made of other assets than we serve now: it has
 * been told to load itself anew.
 */
bool inertia_sends_away(struct call *call);

/*
 * Begin an answer; the caller puts the props into what is returned, and ends it.  Who
 * asks neither by a visit nor for HTML gets the props as they are.
 */
struct buf *inertia_begin(struct call *call);
void inertia_end(struct call *call, struct buf *b);

#endif
