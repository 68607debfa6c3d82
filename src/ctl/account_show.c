#include <stdio.h>
#include <sysexits.h>

#include "account/account_rules.h"
#include "base/now.h"
#include "commands.h"
#include "database.h"
#include "statistics/statistics.h"

static const struct db_statement people = {"ctl.people",
    "SELECT w.name, a.created_by, u.email, a.assigned_instance_url, a.qr_code IS NOT NULL,"
    " LENGTH(a.session_data) FROM whatsapp_accounts AS a"
    " LEFT JOIN workspaces AS w ON w.id = a.workspace_id"
    " LEFT JOIN users AS u ON u.id = a.created_by WHERE a.id = ?",
    "sussuu", DB_READ};

static void count_line(const char *name, const struct statistics_count *count)
{
	if (count->known)
		print_number_line(name, count->n);
	else
		print_line(name, SPAN_OF("(took too long)"));
}

static void print_account(const struct account *a, struct arena *mem)
{
	struct account_health health = account_rules_health(a, now_us());

	print_number_line("id", a->id);
	print_line("uuid", a->uuid);
	print_line("session_id", a->session_id);
	print_line("account_name", a->account_name);
	print_line("phone_number", account_rules_formatted_phone(a->phone_number, mem));
	print_line("provider_type", a->provider_type);
	print_line("connection_status", span_of(account_rules_state_name(a->state)));
	print_line("is_primary", a->is_primary ? SPAN_OF("yes") : SPAN_OF("no"));
	print_line("is_active", a->is_active ? SPAN_OF("yes") : SPAN_OF("no"));
	printf("%-17s %d (not connected -%d, inactive -%d, recent failures -%d)\n", "health_score",
	    health.score, health.not_connected, health.inactive, health.recent_failures);
	print_time_line("last_activity_at", a->last_activity_at);
	print_time_line("last_connected_at", a->last_connected_at);
	print_time_line("created_at", a->created_at);
	print_time_line("deleted_at", a->deleted_at);
	print_number_line("state_version", a->state_version);
}

static void print_people(const struct account *a, const struct db_value *row)
{
	print_number_line("workspace", a->workspace_id);
	print_line("its name", row[0].s);
	print_number_line("created_by", row[1].u);
	print_line("their e-mail", row[2].s);
	print_line("instance", row[3].s);
	print_line("qr_code", row[4].u != 0 ? SPAN_OF("yes") : SPAN_OF("no"));
	printf("%-17s %llu bytes\n", "session_data", (unsigned long long)row[5].u);
}

static void print_counts(const struct statistics *s)
{
	count_line("messages_sent", &s->messages_sent);
	count_line("messages_received", &s->messages_received);
	count_line("chats_count", &s->chats);
	count_line("campaigns_sent", &s->campaigns);
	count_line("contacts_count", &s->contacts);
}

static enum rc show(struct db *db, struct arena *mem, const char *ref)
{
	struct statistics statistics;
	struct account account;
	struct db_value row[6];
	enum rc rc = account_find_any(db, mem, span_of(ref), &account);

	if (rc == RC_OK)
		rc = db_one(db, &people, DB_IN(db_u(account.id)), mem, row);
	if (rc == RC_OK)
		rc = statistics_read(db, mem, account.id, &statistics);
	if (rc != RC_OK)
		return rc;
	print_account(&account, mem);
	print_people(&account, row);
	print_counts(&statistics);
	return RC_OK;
}

int command_account_show(const struct startup *startup, int argc, char **argv)
{
	struct database database;
	int status = EX_OK;
	enum rc rc;

	if (argc != 1) {
		fputs("usage: wa-accountsctl [--env FILE] account show ACCOUNT\n", stderr);
		return EX_USAGE;
	}
	if (!database_open(&database, startup))
		return EX_UNAVAILABLE;
	rc = show(database.db, startup->mem, argv[0]);
	if (rc == RC_NOT_FOUND) {
		fprintf(stderr, "wa-accountsctl: there is no account %s\n", argv[0]);
		status = EXIT_REFUSED;
	} else if (rc != RC_OK) {
		status = database_failed(&database, "show the account");
	}
	database_close(&database);
	return status;
}
