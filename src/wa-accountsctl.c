/*
 * wa-accountsctl: the operator's tool.
 */
#include "config.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "app/startup.h"
#include "ctl/commands.h"

struct command {
	const char *group; /* NULL: one word names it */
	const char *name;
	const char *arguments;
	const char *help;
	int (*run)(const struct startup *startup, int argc, char **argv);
	bool without_settings; /* its startup is empty */
};

// clang-format off
static const struct command commands[] = {
	{NULL,      "config",      "",         "print the settings in force, secrets masked",              command_config,              false},
	{NULL,      "routes",      "",         "print the routing table: method, path, ways in, name",     command_routes,              true},
	{"schema",  "apply",       "[--demo]", "make the tables that this version needs (and demo ones)",  command_schema_apply,        false},
	{"schema",  "check",       "",         "tell whether the database serves this version",            command_schema_check,        false},
	{"migrate", "plan",        "",         "whatsapp_sessions to whatsapp_accounts: what would happen", command_migrate_plan,       false},
	{"migrate", "up",          "",         "do it; resumes what was interrupted",                      command_migrate_up,          false},
	{"migrate", "verify",      "",         "compare the accounts with what the sessions were",         command_migrate_verify,      false},
	{"migrate", "down",        "",         "take it back, with what has happened since",               command_migrate_down,        false},
	{"migrate", "finalize",    "",         "remove what only down needs",                              command_migrate_finalize,    false},
	{"session", "show",        "-",        "read a cookie from standard input: who it is, or why not", command_session_show,        false},
	{"account", "list",        "[FILTER]", "--active --connected --primary --deleted --provider= --workspace=", command_account_list, false},
	{"account", "show",        "ACCOUNT",  "everything about one, by uuid, id or session_id",          command_account_show,        false},
	{"account", "set-primary", "ACCOUNT",  "make it its workspace's primary account",                  command_account_set_primary, false},
	{"account", "disconnect",  "ACCOUNT",  "end its session",                                          command_account_disconnect,  false},
	{"account", "restore",     "ACCOUNT",  "bring a deleted one back, disconnected",                   command_account_restore,     false},
	{"outbox",  "list",        "[FILTER]", "--state= --kind= --account=; what is open or was given up", command_outbox_list,         false},
	{"outbox",  "show",        "ID",       "everything about one row, with its payload",               command_outbox_show,         false},
	{"outbox",  "redrive",     "ID",       "send it once more; --given-up: all that was given up",     command_outbox_redrive,      false},
	{"outbox",  "purge",       "[FILTER]", "delete settled rows now; --state=",                        command_outbox_purge,        false},
	{NULL,      "legacy",      "[--url=]",  "who still uses old paths, names and ways in",          command_legacy,              false},
	{NULL,      "smoke",       "[OPTION]", "ask what serves, over HTTP; --url=, --token-from=-",       command_smoke,               false},
};
// clang-format on

enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static void print_usage(FILE *to)
{
	fputs(
	    "usage: wa-accountsctl [--env FILE] COMMAND\n\n"
	    "  --env FILE  the application's .env; the environment wins over it\n"
	    "  --version   print the version\n"
	    "  --help      print this\n\n",
	    to);
	for (size_t i = 0; i < COMMANDS; i++) {
		const struct command *c = &commands[i];
		char words[64];

		snprintf(words, sizeof(words), "%s%s%s %s", c->group != NULL ? c->group : "",
		    c->group != NULL ? " " : "", c->name, c->arguments);
		fprintf(to, "  %-27s %s\n", words, c->help);
	}
}

/* The command that the words name; *used is how many words that took. */
static const struct command *find(int argc, char **argv, int *used)
{
	for (size_t i = 0; i < COMMANDS; i++) {
		const struct command *c = &commands[i];
		int words = c->group != NULL ? 2 : 1;

		if (argc < words || strcmp(argv[words - 1], c->name) != 0 ||
		    (c->group != NULL && strcmp(argv[0], c->group) != 0))
			continue;
		*used = words;
		return c;
	}
	return NULL;
}

/* FILE:LINE: what is wrong; as compilers say it. */
static void tell(const char *level, struct span where, struct span what)
{
	fprintf(stderr, "%.*s: %s: %.*s\n", SPAN_ARG(where), level, SPAN_ARG(what));
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
	    {"env", required_argument, NULL, 'e'},
	    {"version", no_argument, NULL, 'v'},
	    {"help", no_argument, NULL, 'h'},
	    {0},
	};
	const struct command *command;
	struct startup startup = {0};
	const char *env = NULL;
	int option, used = 0, status;

	/* '+': what follows the command is the command's. */
	while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		switch (option) {
		case 'e':
			env = optarg;
			break;
		case 'v':
			puts(PACKAGE_STRING);
			return EX_OK;
		case 'h':
			print_usage(stdout);
			return EX_OK;
		default:
			print_usage(stderr);
			return EX_USAGE;
		}
	}
	command = find(argc - optind, argv + optind, &used);
	if (command == NULL) {
		print_usage(stderr);
		return EX_USAGE;
	}
	if (!command->without_settings && startup_read(env, tell, &startup) != RC_OK) {
		fputs("wa-accountsctl: mend the settings above and try again\n", stderr);
		return EX_CONFIG;
	}
	status = command->run(&startup, argc - optind - used, argv + optind + used);
	startup_free(&startup);
	return status;
}
