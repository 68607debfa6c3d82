#include "database.h"

#include <stdio.h>
#include <sysexits.h>

#include "schema/schema.h"

bool database_open(struct database *database, const struct startup *startup)
{
	*database = (struct database){.db = db_create(&startup->db, NULL, NULL)};
	if (database->db == NULL) {
		fputs("wa-accountsctl: out of memory\n", stderr);
		return false;
	}
	db_on_connect(database->db, schema_on_connect, NULL);
	if (db_connect(database->db) == RC_OK)
		return true;
	database_failed(database, "open the database");
	database_close(database);
	return false;
}

void database_close(struct database *database)
{
	db_free(database->db);
}

int database_failed(const struct database *database, const char *what)
{
	const char *why = db_last_error(database->db);

	fprintf(stderr, "wa-accountsctl: could not %s: %s\n", what,
	    why[0] != '\0' ? why : "see the line above for the reason");
	return EX_UNAVAILABLE;
}
