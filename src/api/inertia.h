/*
 * inertia: the page's data as Inertia asks for it (protocol of its client 1
 * and 2): a page object around the props.
 */
#ifndef WA_API_INERTIA_H
#define WA_API_INERTIA_H

#include "http/call.h"

/* The request is an Inertia visit; otherwise the props are answered as they are. */
bool inertia_is_visit(const struct call *call);
/* A partial reload may have asked for some props only. */
bool inertia_wants(const struct call *call, const char *prop);

/* Around the props, which the caller puts between both. */
void inertia_begin(struct call *call, struct buf *b);
void inertia_end(struct call *call, struct buf *b);

#endif
