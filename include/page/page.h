/*
 * page: the HTML that browsers get: the root template with everything put in.
 *
 * What is the same for everybody is put in once (page_make); a request adds its
 * token and its data (page_put).  Read template.h and vite.h first.
 */
#ifndef WA_PAGE_PAGE_H
#define WA_PAGE_PAGE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/rc.h"
#include "page/template.h"

struct page {
	struct template template; /* with no places left but those of the token and the data */
	struct span version; /* of the assets: the client loads the page anew for another one */
};

/* What is put in for everybody. */
struct page_constants {
	struct span app_name;
	struct span broadcaster; /* JSON, or empty */
	struct span tags;        /* vite_put_tags */
	struct span manifest;    /* of which those were made */
};

/*
 * All of it lives in `mem`; the template's own text is borrowed.
 *
 * RC_INTERNAL  OpenSSL has no SHA-256
 */
enum rc page_make(const struct template *template, const struct page_constants *constants,
    struct arena *mem, struct page *ret) MUST_CHECK;

/* The page with this token (absent: none) and this page object of Inertia's, a JSON text. */
void page_put(struct buf *b, const struct page *page, struct span csrf_token, struct span object);

/* In place of the page: the status and a sentence. */
void page_put_error(struct buf *b, int status, struct span message);

#endif
