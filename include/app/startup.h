/*
 * startup: what both programs do first: read the settings and the page, and hand
 * them to the modules that must not know the settings table.
 */
#ifndef WA_APP_STARTUP_H
#define WA_APP_STARTUP_H

#include "conf/settings.h"
#include "db/db.h"
#include "page/page.h"

struct startup {
	struct arena *mem;
	const struct env *env;
	struct settings settings;
	struct db_options db;
	const struct page *page; /* NULL: none is served */
};

/* Told of each mistake ("error") and each warning ("warn"). */
typedef void startup_tell_fn(const char *level, struct span where, struct span what);

/*
 * Read the settings from `env_path` (NULL: the environment alone).
 *
 * RC_INVALID  there was a mistake: do not start
 */
enum rc startup_read(const char *env_path, startup_tell_fn *tell, struct startup *ret) MUST_CHECK;
/* For a daemon: one line of the log for each. */
void startup_log(const char *level, struct span where, struct span what);
void startup_free(struct startup *startup);

#endif
