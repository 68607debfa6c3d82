/*
 * reply: how answers look.
 *
 * Every error has `message` for a person and `code` for a program; those of
 * browsers also have `success`, the Node service's `error`.  What may succeed later is 503, but 429
 * for the Node service, which retries nothing else.  Who navigates to the page where it is ours
 * (shell.h) reads the message in HTML.
 */
#ifndef WA_API_REPLY_H
#define WA_API_REPLY_H

#include "base/rc.h"
#include "http/call.h"
#include "text/faults.h"

/* Begin an answer; the caller puts its JSON into what is returned. */
struct buf *reply_begin(struct call *call, int status);

void reply_error(struct call *call, int status, const char *code, const char *message);
void reply_redirect(struct call *call, int status, struct span location);
void reply_faults(struct call *call, const struct faults *faults);
/* "later": nothing was refused, it cannot be answered now. */
void reply_unavailable(struct call *call, const char *why);
/* The one place where an enum rc becomes a status; for those that are no answer of their own. */
void reply_rc(struct call *call, enum rc rc);

#endif
