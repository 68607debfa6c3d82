/*
 * startup: what both programs do first: read the settings, and hand them to
 * the modules that must not know the settings table.
 */
#ifndef WA_APP_STARTUP_H
#define WA_APP_STARTUP_H

#include "conf/settings.h"
#include "db/db.h"

struct startup {
	struct arena *mem;
	const struct env *env;
	struct settings settings;
	struct db_options db;
};

/*
 * Read the settings from `env_path` (NULL: the environment alone).  Every
 * mistake and warning goes to the log, one line each.
 *
 * RC_INVALID  there was a mistake: do not start
 */
enum rc startup_read(const char *env_path, struct startup *ret) MUST_CHECK;
void startup_free(struct startup *startup);

#endif
