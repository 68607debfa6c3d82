#include "schema/schema.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "commands.h"

static void say(const char *line)
{
	puts(line);
}

/* The log has the server's words already. */
static int failed(const char *what)
{
	fprintf(stderr, "wa-accountsctl: could not %s; see the line above for the reason\n", what);
	return EX_UNAVAILABLE;
}

int command_schema_apply(const struct startup *startup, int argc, char **argv)
{
	/* An ALTER of a large table takes longer than any request may. */
	struct db_options patient = startup->db;
	bool demo = argc == 1 && strcmp(argv[0], "--demo") == 0;
	struct db *db;
	const char *fault = NULL;
	enum rc rc;

	if (argc > 1 || (argc == 1 && !demo)) {
		fputs("usage: wa-accountsctl [--env FILE] schema apply [--demo]\n", stderr);
		return EX_USAGE;
	}
	patient.timeout_s = 0;
	db = db_create(&patient, NULL, NULL);
	if (db == NULL)
		return failed("allocate memory");
	rc = schema_apply(db, startup->mem, demo ? SCHEMA_DEMO : 0, say, &fault);
	db_free(db);
	if (fault != NULL) {
		fprintf(stderr, "wa-accountsctl: nothing was changed: %s\n", fault);
		return EX_CONFIG;
	}
	if (rc != RC_OK)
		return failed("bring the schema to this version");
	printf("the schema is at version %d\n", SCHEMA_VERSION);
	return EX_OK;
}

int command_schema_check(const struct startup *startup, int argc, char **argv)
{
	struct db *db = db_create(&startup->db, NULL, NULL);
	struct schema_state state;
	const char *fault;
	enum rc rc;

	(void)argv;
	if (argc != 0) {
		db_free(db);
		fputs("usage: wa-accountsctl [--env FILE] schema check\n", stderr);
		return EX_USAGE;
	}
	rc = db != NULL ? schema_read(db, startup->mem, &state) : RC_INTERNAL;
	db_free(db);
	if (rc != RC_OK)
		return failed("read the schema");
	fault = schema_fault(&state);
	if (fault != NULL) {
		fprintf(stderr, "wa-accountsctl: %s\n", fault);
		return EX_CONFIG;
	}
	printf(
	    "version %llu serves builds from version %llu on; this build is version %d: it can "
	    "start\n",
	    (unsigned long long)state.version, (unsigned long long)state.oldest_build,
	    SCHEMA_VERSION);
	return EX_OK;
}
