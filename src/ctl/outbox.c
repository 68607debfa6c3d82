/*
 * outbox: what waits for its delivery, what was given up and why; and once
 * more, or away with it.
 */
#include "outbox/admin.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "account/account.h"
#include "base/now.h"
#include "base/num.h"
#include "commands.h"
#include "database.h"

enum { PAGE = 500 };

static const char settled[] = "delivered,given_up,replaced,cancelled,expired";

static int usage(const char *line)
{
	fprintf(stderr, "usage: wa-accountsctl [--env FILE] outbox %s\n", line);
	return EX_USAGE;
}

/* What the options name. */
struct wanted {
	struct outbox_filter filter;
	const char *account; /* NULL: all */
	bool by_kind;
	bool given_up;
};

static bool read_states(const char *text, struct span *ret)
{
	enum delivery_state state;

	if (strcmp(text, "open") == 0)
		*ret = SPAN_OF("waiting,sending");
	else if (strcmp(text, "settled") == 0)
		*ret = span_of(settled);
	else if (strcmp(text, "all") == 0)
		*ret = SPAN_OF("waiting,sending,delivered,given_up,replaced,cancelled,expired");
	else if (delivery_state_of(span_of(text), &state))
		*ret = span_of(text);
	else
		return false;
	return true;
}

static bool read_kind(const char *text, struct span *ret)
{
	*ret = span_of(text);
	return strcmp(text, "event") == 0 || strcmp(text, "command") == 0;
}

/* `allowed` has a letter for each option that the command takes; *ret_rest is what follows them. */
static bool read_options(
    int argc, char **argv, const char *allowed, struct wanted *ret, char ***ret_rest)
{
	static const struct option options[] = {
	    {"state", required_argument, NULL, 's'},
	    {"kind", required_argument, NULL, 'k'},
	    {"account", required_argument, NULL, 'a'},
	    {"given-up", no_argument, NULL, 'g'},
	    {0},
	};
	bool valid = true;
	int option;

	ret->filter.kinds = SPAN_OF("event,command");
	/* The words before have been read by another getopt: begin anew, at our own name. */
	optind = 0;
	while (valid && (option = getopt_long(argc + 1, argv - 1, "", options, NULL)) != -1) {
		valid = option != '?' && strchr(allowed, option) != NULL;
		if (option == 's')
			valid = valid && read_states(optarg, &ret->filter.states);
		else if (option == 'k')
			valid = ret->by_kind = valid && read_kind(optarg, &ret->filter.kinds);
		else if (option == 'a')
			ret->account = optarg;
		else if (option == 'g')
			ret->given_up = true;
	}
	*ret_rest = argv - 1 + optind;
	return valid;
}

struct listing {
	uint64_t after;
	uint64_t rows; /* of the page */
	uint64_t total;
};

static enum rc print_row(void *ctx, const struct outbox_entry *e)
{
	struct listing *listing = ctx;

	printf("%-9llu %-9llu %-8.*s %-22.*s %-10.*s %-8llu %-9lld ", (unsigned long long)e->id,
	    (unsigned long long)e->account_id, SPAN_ARG(e->kind), SPAN_ARG(e->name),
	    SPAN_ARG(e->state), (unsigned long long)e->attempts, (long long)e->age_s);
	print_text(e->last_error, 0);
	putchar('\n');
	listing->after = e->id;
	listing->rows++;
	listing->total++;
	return RC_OK;
}

static enum rc print_pages(struct db *db, const struct outbox_filter *filter)
{
	struct listing listing = {.rows = PAGE};
	struct arena *mem = arena_create(64 * KIB);
	enum rc rc = RC_OK;

	printf("%-9s %-9s %-8s %-22s %-10s %-8s %-9s %s\n", "id", "account", "kind", "name",
	    "state", "attempts", "age (s)", "last error");
	while (rc == RC_OK && listing.rows == PAGE) {
		listing.rows = 0;
		arena_reset(mem);
		rc = admin_each(db, mem, filter, listing.after, PAGE, print_row, &listing);
	}
	arena_free(mem);
	return rc;
}

int command_outbox_list(const struct startup *startup, int argc, char **argv)
{
	struct wanted wanted = {.filter.states = SPAN("waiting,sending,given_up")};
	struct database database;
	int status = EX_OK;
	char **rest;
	enum rc rc = RC_OK;

	if (!read_options(argc, argv, "ska", &wanted, &rest) || rest != argv + argc)
		return usage(
		    "list [--state=open|settled|all|STATE] [--kind=event|command] "
		    "[--account=ACCOUNT]");
	if (!database_open(&database, startup))
		return EX_UNAVAILABLE;
	if (wanted.account != NULL) {
		struct account account;

		rc = account_find_any(database.db, startup->mem, span_of(wanted.account), &account);
		if (rc == RC_OK)
			wanted.filter.account_id = account.id;
	}
	if (rc == RC_OK)
		rc = print_pages(database.db, &wanted.filter);
	if (rc == RC_NOT_FOUND) {
		fprintf(stderr, "wa-accountsctl: there is no account %s\n", wanted.account);
		status = EXIT_REFUSED;
	} else if (rc != RC_OK) {
		status = database_failed(&database, "list the outbox");
	}
	database_close(&database);
	return status;
}

static void print_entry(const struct outbox_entry *e)
{
	print_number_line("id", e->id);
	print_number_line("account", e->account_id);
	print_number_line("workspace", e->workspace_id);
	print_line("kind", e->kind);
	print_line("name", e->name);
	print_line("state", e->state);
	print_number_line("attempts", e->attempts);
	print_line("last_error", e->last_error);
	print_number_line("state_version", e->state_version);
	print_time_line("created_at", e->created_at);
	print_time_line("available_at", e->available_at);
	print_time_line("expires_at", e->expires_at);
	print_time_line("settled_at", e->settled_at);
	print_line("payload", e->payload);
}

int command_outbox_show(const struct startup *startup, int argc, char **argv)
{
	struct outbox_entry entry;
	struct database database;
	int status = EX_OK;
	uint64_t id;
	enum rc rc;

	if (argc != 1 || !num_u64(span_of(argv[0]), &id))
		return usage("show ID");
	if (!database_open(&database, startup))
		return EX_UNAVAILABLE;
	rc = admin_find(database.db, startup->mem, id, &entry);
	if (rc == RC_OK) {
		print_entry(&entry);
	} else if (rc == RC_NOT_FOUND) {
		fprintf(stderr, "wa-accountsctl: there is no row %llu in the outbox\n",
		    (unsigned long long)id);
		status = EXIT_REFUSED;
	} else {
		status = database_failed(&database, "show the row");
	}
	database_close(&database);
	return status;
}

/* NULL: it was not refused. */
static const char *why_not(enum rc rc)
{
	switch (rc) {
	case RC_NOT_FOUND:
		return "there is no such row";
	case RC_INVALID:
		return "only what was given up, cancelled or has expired can be sent once more, and no QR "
		       "code";
	case RC_CONFLICT:
		return "another command of its account is open";
	default:
		return NULL;
	}
}

static int redrive_one(struct database *database, struct arena *mem, uint64_t id)
{
	enum rc rc = admin_redrive(database->db, mem, id);

	if (rc == RC_OK) {
		printf("row %llu waits again\n", (unsigned long long)id);
		return EX_OK;
	}
	if (why_not(rc) == NULL)
		return database_failed(database, "redrive the row");
	fprintf(stderr, "wa-accountsctl: could not redrive %llu: %s; it was not changed\n",
	    (unsigned long long)id, why_not(rc));
	return EXIT_REFUSED;
}

struct ids {
	uint64_t ids[PAGE];
	size_t count;
	size_t seen;
	uint64_t after; /* the last one that was seen */
};

/* But for QR codes, which are of no use any more. */
static enum rc keep_id(void *ctx, const struct outbox_entry *entry)
{
	struct ids *ids = ctx;

	ids->after = entry->id;
	ids->seen++;
	if (!span_is(entry->name, "qr-code-generated"))
		ids->ids[ids->count++] = entry->id;
	return RC_OK;
}

/* The worst of what the single ones came to. */
static int redrive_given_up(struct database *database, const struct outbox_filter *filter)
{
	struct arena *mem = arena_create(64 * KIB);
	struct ids ids = {.seen = PAGE};
	int status = EX_OK;

	while (ids.seen == PAGE && status != EX_UNAVAILABLE) {
		ids.count = ids.seen = 0;
		arena_reset(mem);
		if (admin_each(database->db, mem, filter, ids.after, PAGE, keep_id, &ids) !=
		    RC_OK) {
			status = database_failed(database, "look for what was given up");
			break;
		}
		for (size_t i = 0; i < ids.count && status != EX_UNAVAILABLE; i++) {
			int one = redrive_one(database, mem, ids.ids[i]);

			if (one > status)
				status = one;
		}
	}
	arena_free(mem);
	return status;
}

int command_outbox_redrive(const struct startup *startup, int argc, char **argv)
{
	struct wanted wanted = {.filter.states = SPAN("given_up")};
	struct database database;
	int status;
	uint64_t id = 0;
	char **rest;
	bool valid = read_options(argc, argv, "kg", &wanted, &rest);
	long words = argv + argc - rest;

	if (!valid ||
	    (wanted.given_up ? words != 0
			     : wanted.by_kind || words != 1 || !num_u64(span_of(rest[0]), &id)))
		return usage("redrive ID | --given-up [--kind=event|command]");
	if (!database_open(&database, startup))
		return EX_UNAVAILABLE;
	status = wanted.given_up ? redrive_given_up(&database, &wanted.filter)
				 : redrive_one(&database, startup->mem, id);
	/* Nobody waits for the end of a pause that a failure began. */
	if (lanes_end_all_pauses(database.db) != RC_OK)
		status = database_failed(&database, "end the pauses after failures");
	database_close(&database);
	return status;
}

static bool holds_open(struct span states)
{
	struct span word;

	while (span_cut(&states, ',', &word))
		if (span_is(word, delivery_state_name(DELIVERY_WAITING)) ||
		    span_is(word, delivery_state_name(DELIVERY_SENDING)))
			return true;
	return false;
}

int command_outbox_purge(const struct startup *startup, int argc, char **argv)
{
	struct wanted wanted = {.filter.states = span_of(settled)};
	struct database database;
	uint64_t total = 0, count = 0;
	char **rest;
	enum rc rc;

	if (!read_options(argc, argv, "s", &wanted, &rest) || rest != argv + argc ||
	    holds_open(wanted.filter.states))
		return usage(
		    "purge [--state=settled|delivered|given_up|replaced|cancelled|expired]");
	if (!database_open(&database, startup))
		return EX_UNAVAILABLE;
	do {
		rc = admin_purge(database.db, wanted.filter.states, &count);
		total += count;
	} while (rc == RC_OK && count > 0);
	printf("%llu settled rows deleted\n", (unsigned long long)total);
	if (rc != RC_OK)
		database_failed(&database, "delete the others");
	database_close(&database);
	return rc == RC_OK ? EX_OK : EX_UNAVAILABLE;
}
