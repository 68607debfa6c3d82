/*
 * front: the page that browsers are shown, as the settings have it: its files
 * read and checked, before anybody asks for it.
 */
#ifndef WA_APP_FRONT_H
#define WA_APP_FRONT_H

#include "conf/env.h"
#include "conf/settings.h"
#include "page/page.h"

/*
 * *ret is NULL where no page is served, or where it has mistakes: these are
 * added, with the file and the line, or with where the setting stands.
 */
void front_open(const struct settings *settings, const struct env *env, struct arena *mem,
    struct conf_mistakes *mistakes, const struct page **ret);

/*
 * Where browsers reach the broadcaster, as JSON for the page; empty: there is
 * none.  Its host, port and scheme are all there, or null: then it is reached where
 * the page is.
 */
struct span front_broadcaster(const struct settings *settings, struct arena *mem);

#endif
