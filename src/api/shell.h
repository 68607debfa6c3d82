/*
 * shell: the page as HTML, around its data, where there is no Laravel that
 * shows it: the settings name a template, and nginx says that this site is ours alone.
 */
#ifndef WA_API_SHELL_H
#define WA_API_SHELL_H

#include "http/call.h"

/* A browser's address bar, a form, or Inertia's client asks: whoever takes HTML. */
bool shell_accepts_html(const struct call *call);
/* The page is ours on this site. */
bool shell_serves(const struct call *call);
/* It is, and the request navigates to it. */
bool shell_is_wanted(const struct call *call);

/* The answer that was begun is the page with this page object, a JSON text. */
void shell_put(struct call *call, const struct buf *object);
/* Likewise a page that says no more than this. */
void shell_put_error(struct call *call, const char *message);

#endif
