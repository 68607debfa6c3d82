/*
 * database: a command's connection, and what it says when there is none.
 */
#ifndef WA_CTL_DATABASE_H
#define WA_CTL_DATABASE_H

#include "app/startup.h"

struct database {
	struct db *db;
};

/* The schema is looked at first, as the daemon does.  False: it was said why not. */
bool database_open(struct database *database, const struct startup *startup);
void database_close(struct database *database);
/* Say why `what` could not be done; the exit status. */
int database_failed(const struct database *database, const char *what);

#endif
