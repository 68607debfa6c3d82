/*
 * session: what a browser's cookie says, step by step, and whether it would
 * be let in.  Never prints what would let somebody else in.
 */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "app/doors.h"
#include "base/now.h"
#include "commands.h"
#include "database.h"

static const char *const hints[REFUSALS] = {
    [REFUSED_NO_PROOF] =
	"there is no cookie of the name above; is SESSION_COOKIE (or APP_NAME) the application's?",
    [REFUSED_NO_KEY] = "APP_KEY is not set",
    [REFUSED_MALFORMED] = "it is not one of Laravel's encrypted cookies; was it copied whole?",
    [REFUSED_MAC] =
	"it was sealed with another key, or changed since; is APP_KEY the application's? after a rotation, is the old one in APP_PREVIOUS_KEYS?",
    [REFUSED_PREFIX] = "it is the text of another cookie; copy the session's",
    [REFUSED_SESSION_ID] = "it does not hold a session's id",
    [REFUSED_NO_SESSION] =
	"Laravel has no such session: logged out, pruned, or kept elsewhere; are SESSION_DRIVER and the table or folder the application's?",
    [REFUSED_NO_ACCESS] = "the session's file may not be read by this user",
    [REFUSED_EXPIRED] = "it was last used too long ago; is SESSION_LIFETIME the application's?",
    [REFUSED_PAYLOAD] =
	"what Laravel has stored cannot be read; is SESSION_ENCRYPT the application's?",
    [REFUSED_GUEST] = "nobody is logged in with it; is the application's guard in WA_GUARD?",
    [REFUSED_USER_GONE] = "the user does not exist, or is deleted",
    [REFUSED_NO_WORKSPACE] = "no workspace is chosen in it (current_workspace)",
    [REFUSED_WORKSPACE_GONE] = "its workspace does not exist, or is deleted",
    [REFUSED_NOT_MEMBER] = "the user does not belong to the workspace",
    [REFUSED_ROLE] = "the user's role there is not in WA_ROLES",
    [REFUSED_SUSPENDED] = "the user is suspended there",
};

static void line(const char *name, const char *text)
{
	printf("%-14s %s\n", name, text);
}

/* As a header: a cookie of which only the value was given gets its name. */
static struct span header_of(const struct login *login, struct arena *mem, struct span text)
{
	struct buf header = buf_in(mem, text.len + KIB);
	struct span name;

	if (span_starts(text, "Cookie:"))
		text = span_trim(span_from(text.ptr + 7, text.len - 7));
	for (size_t i = 0; (name = login_cookie_name(login, i)).ptr != NULL; i++)
		if (text.len > name.len && text.ptr[name.len] == '=' &&
		    memcmp(text.ptr, name.ptr, name.len) == 0)
			return text;
	if (memchr(text.ptr, ';', text.len) != NULL)
		return text;
	buf_put(&header, login_cookie_name(login, 0));
	buf_putc(&header, '=');
	buf_put(&header, text);
	return buf_span(&header);
}

static void print_names(const struct login *login)
{
	struct span name;

	printf("%-14s", "cookie");
	for (size_t i = 0; (name = login_cookie_name(login, i)).ptr != NULL; i++)
		printf("%s%.*s", i == 0 ? " " : " or ", SPAN_ARG(name));
	putchar('\n');
}

static void print_session(const struct session *s, const struct settings *settings, int64_t now)
{
	int64_t age = now / US_PER_S - s->last_activity_s;

	if (s->id.len != SESSION_ID_SIZE)
		return;
	if (s->key == 0)
		line("sealed with", "APP_KEY");
	else
		printf("%-14s key %zu of APP_PREVIOUS_KEYS\n", "sealed with", s->key);
	/* A beginning, to find it by; the whole id is as good as a password. */
	printf("%-14s %.6s..., in the %s\n", "session", s->id.ptr,
	    settings->session_driver == CONF_SESSION_FILE ? "folder of WA_SESSION_FILES"
							  : "table of WA_SESSION_TABLE");
	if (s->last_activity_s == 0)
		return;
	printf("%-14s %lld s ago; it ends %llu min after that\n", "last used", (long long)age,
	    (unsigned long long)settings->session_lifetime_min);
	if (s->user_id != 0)
		printf("%-14s %llu\n", "user", (unsigned long long)s->user_id);
	if (s->workspace_id != 0)
		printf("%-14s %llu\n", "workspace", (unsigned long long)s->workspace_id);
	line("CSRF token", s->token.len > 0 ? "there is one" : "there is none: no write is let in");
}

static int refused(enum refusal refusal)
{
	printf("%-14s %d, why=%s: %s\n", "refused", refusal_infos[refusal].status,
	    refusal_infos[refusal].why, hints[refusal] != NULL ? hints[refusal] : "");
	return EXIT_REFUSED;
}

static int show(struct database *database, const struct startup *startup, const struct login *login,
    struct span text)
{
	const struct settings *settings = &startup->settings;
	struct standing_question question = {
	    .roles = settings->roles,
	    .trusted = settings->membership == CONF_MEMBERSHIP_SESSION,
	};
	struct session session;
	enum refusal refusal = REFUSED_NOT;
	int64_t now = now_us();
	enum rc rc = login_open(login, database->db, startup->mem,
	    header_of(login, startup->mem, text), now, &session, &refusal);

	print_names(login);
	print_session(&session, settings, now);
	if (rc == RC_OK) {
		question.user_id = session.user_id;
		question.workspace_id = session.workspace_id;
		rc = standing_read(database->db, startup->mem, &question);
	}
	if (rc == RC_OK)
		refusal = guard_judge(&question.answer, session.workspace_id, REFUSED_NO_WORKSPACE);
	if (rc != RC_OK && rc != RC_DENIED)
		return database_failed(database, "read the session");
	if (refusal != REFUSED_NOT)
		return refused(refusal);
	line("accepted", "it would be let in");
	return EX_OK;
}

int command_session_show(const struct startup *startup, int argc, char **argv)
{
	char text[BOUND_COOKIE + 1];
	struct login *login;
	struct database database;
	size_t len;
	int status;

	if (argc != 1 || strcmp(argv[0], "-") != 0) {
		fputs("usage: wa-accountsctl [--env FILE] session show - <cookie\n", stderr);
		return EX_USAGE;
	}
	len = fread(text, 1, sizeof(text), stdin);
	if (len == sizeof(text)) {
		fputs("wa-accountsctl: standard input has more than 8 KiB: that is no cookie\n",
		    stderr);
		return EX_DATAERR;
	}
	login = doors_login(&startup->settings);
	if (login == NULL || !database_open(&database, startup)) {
		login_free(login);
		return EX_UNAVAILABLE;
	}
	status = show(&database, startup, login, span_trim(span_from(text, len)));
	database_close(&database);
	login_free(login);
	return status;
}
