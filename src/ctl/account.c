/*
 * account: list accounts, and do with one what the page does, over the same
 * domain code.
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "account/account_rules.h"
#include "app/doors.h"
#include "base/num.h"
#include "commands.h"
#include "database.h"

static int usage(const char *line)
{
	fprintf(stderr, "usage: wa-accountsctl [--env FILE] account %s\n", line);
	return EX_USAGE;
}

static const char list_usage[] =
    "list [--active] [--connected] [--primary] [--deleted]"
    " [--provider=webjs|meta] [--workspace=ID]";

static bool read_filter(int argc, char **argv, struct account_filter *ret)
{
	static const struct option options[] = {
	    {"active", no_argument, NULL, 'a'},
	    {"connected", no_argument, NULL, 'c'},
	    {"primary", no_argument, NULL, 'p'},
	    {"deleted", no_argument, NULL, 'd'},
	    {"provider", required_argument, NULL, 'P'},
	    {"workspace", required_argument, NULL, 'w'},
	    {0},
	};
	int option;

	/* The words before have been read by another getopt: begin anew, at our own name. */
	optind = 0;
	while ((option = getopt_long(argc + 1, argv - 1, "", options, NULL)) != -1) {
		switch (option) {
		case 'a':
			ret->only_active = true;
			break;
		case 'c':
			ret->only_connected = true;
			break;
		case 'p':
			ret->only_primary = true;
			break;
		case 'd':
			ret->deleted = true;
			break;
		case 'P':
			ret->provider_type = span_of(optarg);
			if (strcmp(optarg, "webjs") != 0 && strcmp(optarg, "meta") != 0)
				return false;
			break;
		case 'w':
			if (!num_u64(span_of(optarg), &ret->workspace_id) || ret->workspace_id == 0)
				return false;
			break;
		default:
			return false;
		}
	}
	return optind == argc + 1;
}

struct listing {
	uint64_t after;
	uint64_t rows; /* of the page */
	struct arena *mem;
};

static enum rc print_row(void *ctx, const struct account *a)
{
	struct listing *listing = ctx;
	struct span phone = account_rules_formatted_phone(a->phone_number, listing->mem);

	printf("%-8llu %-36.*s %-9llu %-8.*s %-12s %-7s %-6s ", (unsigned long long)a->id,
	    SPAN_ARG(a->uuid), (unsigned long long)a->workspace_id, SPAN_ARG(a->provider_type),
	    account_rules_state_name(a->state), a->is_primary ? "primary" : "-",
	    a->is_active ? "active" : "-");
	print_text(phone, 17);
	print_text(a->account_name, 0);
	putchar('\n');
	listing->after = a->id;
	listing->rows++;
	return RC_OK;
}

static enum rc print_pages(struct db *db, const struct account_filter *filter)
{
	struct listing listing = {.mem = arena_create(64 * KIB), .rows = BOUND_STREAM_PAGE};
	enum rc rc = RC_OK;

	while (rc == RC_OK && listing.rows == BOUND_STREAM_PAGE) {
		listing.rows = 0;
		arena_reset(listing.mem);
		rc = account_each_page(
		    db, listing.mem, filter, listing.after, BOUND_STREAM_PAGE, print_row, &listing);
	}
	arena_free(listing.mem);
	return rc;
}

int command_account_list(const struct startup *startup, int argc, char **argv)
{
	struct account_filter filter = {0};
	struct database database;
	enum rc rc;

	if (!read_filter(argc, argv, &filter))
		return usage(list_usage);
	if (!database_open(&database, startup))
		return EX_UNAVAILABLE;
	printf("%-8s %-36s %-9s %-8s %-12s %-7s %-6s %-16s %s\n", "id", "uuid", "workspace",
	    "provider", "state", "primary", "active", "phone", "name");
	rc = print_pages(database.db, &filter);
	if (rc != RC_OK)
		database_failed(&database, "list the accounts");
	database_close(&database);
	return rc == RC_OK ? EX_OK : EX_UNAVAILABLE;
}

static enum rc act(struct db *db, const struct startup *startup, const char *ref,
    enum account_action action, struct account *ret, bool *exists, enum account_refusal *reterr)
{
	struct account_limits limits = doors_limits(&startup->settings);
	struct account account;
	enum rc rc = account_find_any(db, startup->mem, span_of(ref), &account);

	*reterr = ACCOUNT_ACCEPTED;
	*exists = rc == RC_OK;
	if (rc != RC_OK)
		return rc;
	return account_act(
	    db, startup->mem, account.uuid, account.workspace_id, action, &limits, ret, reterr);
}

/* NULL: it was not refused. */
static const char *why_not(
    enum rc rc, bool exists, enum account_action action, enum account_refusal refusal)
{
	if (refusal == ACCOUNT_PHONE_TAKEN)
		return "another live account of the workspace has its phone number";
	if (rc != RC_NOT_FOUND)
		return NULL;
	if (!exists)
		return "there is no such account";
	return action == ACCOUNT_RESTORE ? "it is not deleted" : "it is deleted";
}

static int refused(const char *what, const char *ref, const char *why)
{
	fprintf(
	    stderr, "wa-accountsctl: could not %s %s: %s; nothing was changed\n", what, ref, why);
	return EXIT_REFUSED;
}

static int run_action(const struct startup *startup, int argc, char **argv,
    enum account_action action, const char *line, const char *what)
{
	enum account_refusal refusal;
	struct database database;
	struct account after;
	int status = EX_OK;
	const char *why;
	bool exists;
	enum rc rc;

	if (argc != 1)
		return usage(line);
	if (!database_open(&database, startup))
		return EX_UNAVAILABLE;
	rc = act(database.db, startup, argv[0], action, &after, &exists, &refusal);
	why = why_not(rc, exists, action, refusal);
	if (rc == RC_OK)
		printf("account %llu (%.*s) is %s, %s and %s\n", (unsigned long long)after.id,
		    SPAN_ARG(after.uuid), account_rules_state_name(after.state),
		    after.is_active ? "active" : "not active",
		    after.is_primary ? "primary" : "not primary");
	else if (rc == RC_UNKNOWN)
		status =
		    database_failed(&database, "learn whether it was done; look with account show");
	else if (why == NULL)
		status = database_failed(&database, what);
	else
		status = refused(what, argv[0], why);
	database_close(&database);
	return status;
}

int command_account_set_primary(const struct startup *startup, int argc, char **argv)
{
	return run_action(
	    startup, argc, argv, ACCOUNT_SET_PRIMARY, "set-primary ACCOUNT", "make primary");
}

int command_account_disconnect(const struct startup *startup, int argc, char **argv)
{
	return run_action(
	    startup, argc, argv, ACCOUNT_DISCONNECT, "disconnect ACCOUNT", "disconnect");
}

int command_account_restore(const struct startup *startup, int argc, char **argv)
{
	return run_action(startup, argc, argv, ACCOUNT_RESTORE, "restore ACCOUNT", "restore");
}
