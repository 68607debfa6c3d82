/*
 * vite: the tags that load what Vite has built, from its manifest
 * (https://vite.dev/guide/backend-integration).
 *
 * One entry, what it imports statically, and the stylesheets of both: a chunk that is
 * imported dynamically is fetched by the script that wants it.
 */
#ifndef WA_PAGE_VITE_H
#define WA_PAGE_VITE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/rc.h"
#include "base/span.h"

/*
 * Put the tags of `manifest`'s only entry into `b`, each in a line: stylesheets,
 * what is preloaded, the script.  `assets` is the URL that the files' names are put behind.
 * Neither is trusted; `mem` is used on the way.
 *
 * RC_INVALID  *reterr is a sentence, in `mem`; `b` is as it was
 */
enum rc vite_put_tags(struct span manifest, struct span assets, struct arena *mem, struct buf *b,
    struct span *reterr) MUST_CHECK;

#endif
