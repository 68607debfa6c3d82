/*
 * html: text in HTML.
 */
#ifndef WA_TEXT_HTML_H
#define WA_TEXT_HTML_H

#include "base/buf.h"
#include "base/span.h"

/* `text` with & < > " ' escaped: between tags, and in an attribute with quotes of either kind. */
void html_put(struct buf *b, struct span text);

#endif
