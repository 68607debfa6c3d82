/*
 * migrate: plan, up, verify, down, finalize; asked for and told on a terminal
 * or in a log.
 */
#include "migrate/migrate.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/now.h"
#include "base/num.h"
#include "commands.h"

enum { PROGRESS_EVERY_S = 10 }; /* in a log; on a terminal, always */

/* What was told last, and when. */
struct telling {
	bool is_terminal;
	bool has_progress; /* a line that the next one overwrites */
	int64_t told_us;
};

static void end_progress(struct telling *telling)
{
	if (telling->has_progress)
		fputs("\r\033[K", stdout);
	telling->has_progress = false;
}

static void tell_line(void *ctx, struct span text)
{
	end_progress(ctx);
	print_text(text, 0);
	putchar('\n');
	fflush(stdout);
}

static void tell_progress(void *ctx, struct span text)
{
	struct telling *telling = ctx;
	int64_t now = now_monotonic_us();

	if (telling->is_terminal) {
		end_progress(telling);
		print_text(text, 0);
		telling->has_progress = true;
	} else if (now - telling->told_us >= PROGRESS_EVERY_S * US_PER_S) {
		telling->told_us = now;
		print_text(text, 0);
		putchar('\n');
	}
	fflush(stdout);
}

/* End of input is no. */
static bool read_line(void)
{
	int c;

	fflush(stdout);
	do
		c = getchar();
	while (c != '\n' && c != EOF);
	return c == '\n';
}

static bool ask_step(void *ctx, struct span text)
{
	tell_line(ctx, text);
	return read_line();
}

static const char usage_text[] =
    "usage: wa-accountsctl [--env FILE] migrate plan|up|verify|down|finalize\n"
    "  --yes                     up, down, finalize: ask nothing\n"
    "  --dry-run                 up, down: print the statements, change nothing\n"
    "  --resolve=report          plan, up: duplicates are obstacles (standard)\n"
    "  --resolve=newest-wins     plan, up: the connected, latest, newest account keeps number and primary\n"
    "  --batch=ROWS              up, down, verify: rows of one statement, 1 to 100000 (standard 5000)\n"
    "  --step-by-step            up, down: wait for Enter before and after each step\n"
    "The same command resumes what was interrupted.\n";

static int usage(void)
{
	fputs(usage_text, stderr);
	return EX_USAGE;
}

struct wanted {
	struct migrate_options options;
	bool yes;
	bool step_by_step;
};

/* `allowed` has the letters of the options that the command takes. */
static bool read_options(int argc, char **argv, const char *allowed, struct wanted *ret)
{
	static const struct option options[] = {
	    {"yes", no_argument, NULL, 'y'},
	    {"dry-run", no_argument, NULL, 'd'},
	    {"resolve", required_argument, NULL, 'r'},
	    {"batch", required_argument, NULL, 'b'},
	    {"step-by-step", no_argument, NULL, 's'},
	    {0},
	};
	int option;

	/* The words before have been read by another getopt: begin anew, at our own name. */
	optind = 0;
	while ((option = getopt_long(argc + 1, argv - 1, "", options, NULL)) != -1) {
		if (strchr(allowed, option) == NULL)
			return false;
		switch (option) {
		case 'y':
			ret->yes = true;
			break;
		case 'd':
			ret->options.dry_run = true;
			break;
		case 'r':
			ret->options.newest_wins = strcmp(optarg, "newest-wins") == 0;
			if (!ret->options.newest_wins && strcmp(optarg, "report") != 0)
				return false;
			break;
		case 'b':
			if (!num_u64(span_of(optarg), &ret->options.batch) ||
			    ret->options.batch == 0 || ret->options.batch > MIGRATE_BATCH_MAX)
				return false;
			break;
		case 's':
			ret->step_by_step = true;
			break;
		default:
			return false;
		}
	}
	return optind == argc + 1;
}

/* EX_OK: yes; or why not. */
static int ask(const struct wanted *wanted, const char *question)
{
	int c, rest;

	if (question == NULL || wanted->yes || wanted->options.dry_run)
		return EX_OK;
	if (!isatty(STDIN_FILENO)) {
		fprintf(stderr, "wa-accountsctl: %s There is no terminal to ask: say --yes\n",
		    question);
		return EX_USAGE;
	}
	printf("%s Go on? [y/N] ", question);
	fflush(stdout);
	c = getchar();
	for (rest = c; rest != '\n' && rest != EOF;)
		rest = getchar();
	if (c == 'y' || c == 'Y')
		return EX_OK;
	puts("nothing was changed");
	return EXIT_REFUSED;
}

static int status_of(enum migrate_end end)
{
	switch (end) {
	case MIGRATE_DONE:
		return EX_OK;
	case MIGRATE_HELD:
		return EX_TEMPFAIL;
	case MIGRATE_FAILED:
		return EX_UNAVAILABLE;
	default:
		return EXIT_REFUSED;
	}
}

static int run(const struct startup *startup, int argc, char **argv, const char *allowed,
    const char *question, enum migrate_end (*migrate)(const struct migrate_options *options))
{
	struct telling telling = {.is_terminal = isatty(STDOUT_FILENO) != 0};
	/* A statement takes as long as it takes. */
	struct db_options patient = startup->db;
	struct wanted wanted = {
	    .options = {
		.db = &patient,
		.told = {.line = tell_line, .progress = tell_progress, .ctx = &telling},
		.batch = MIGRATE_BATCH,
	    }};
	struct envelope *keys;
	int status;

	if (!read_options(argc, argv, allowed, &wanted))
		return usage();
	status = ask(&wanted, question);
	if (status != EX_OK)
		return status;
	patient.timeout_s = 0;
	if (wanted.step_by_step)
		wanted.options.told.go_on = ask_step;
	keys = envelope_create(startup->settings.app_key, startup->settings.app_previous_keys);
	wanted.options.keys = keys;
	status = status_of(migrate(&wanted.options));
	end_progress(&telling);
	envelope_free(keys);
	return status;
}

int command_migrate_plan(const struct startup *startup, int argc, char **argv)
{
	return run(startup, argc, argv, "r", NULL, migrate_plan);
}

int command_migrate_up(const struct startup *startup, int argc, char **argv)
{
	return run(startup, argc, argv, "ydrbs",
	    "whatsapp_sessions becomes whatsapp_accounts. Is the application in maintenance mode, and the backup made?",
	    migrate_up);
}

int command_migrate_verify(const struct startup *startup, int argc, char **argv)
{
	return run(startup, argc, argv, "b", NULL, migrate_verify);
}

int command_migrate_down(const struct startup *startup, int argc, char **argv)
{
	return run(startup, argc, argv, "ydbs",
	    "whatsapp_accounts becomes whatsapp_sessions again. Is the application in maintenance mode?",
	    migrate_down);
}

int command_migrate_finalize(const struct startup *startup, int argc, char **argv)
{
	return run(startup, argc, argv, "y",
	    "The old words of the states and what migrate down needs are removed for good.",
	    migrate_finalize);
}
