/*
 * floor: the least that a libfcgi program can do for the same answer.
 *
 * Eight processes loop as libfcgi's manual says, ask the database with
 * prepared statements, and print what they find.  No signature, no cookie, no
 * login, no log, no errors, no signals: what the pool is measured against,
 * not an example.
 *
 *   floor SOCKET DB_SOCKET DB_USERNAME DB_PASSWORD DB_DATABASE status
 *       /.../ID: one account
 *   floor SOCKET DB_SOCKET DB_USERNAME DB_PASSWORD DB_DATABASE list
 *       /.../SESSION/USER/WORKSPACE: the session's row, how the user stands to
 *       the workspace, the workspace's accounts
 *       /.../SESSION/-/WORKSPACE: without the second
 */
#include <fcgiapp.h>
#include <mysql.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORKERS = 8, BACKLOG = 511, COLUMNS = 15, PARAMETERS = 4, TEXT = 2048, ID = 64 };

#define ACCOUNT \
	"id, workspace_id, uuid, session_id, phone_number, provider_type, connection_status," \
	" is_primary, is_active, last_activity_at, last_connected_at, state_version," \
	" JSON_EXTRACT(metadata, '$.recent_failures')"

static const char status_sql[] =
    "SELECT " ACCOUNT " FROM whatsapp_accounts WHERE id = ? AND deleted_at IS NULL";
static const char session_sql[] = "SELECT id, payload, last_activity FROM sessions WHERE id = ?";
static const char list_sql[] = "SELECT " ACCOUNT
			       ", account_name, created_at FROM whatsapp_accounts"
			       " WHERE workspace_id = ? AND deleted_at IS NULL"
			       " ORDER BY is_primary DESC, created_at DESC, id DESC";

static const char standing_sql[] =
    "SELECT EXISTS (SELECT 1 FROM users WHERE id = ? AND deleted_at IS NULL),"
    " (SELECT created_by FROM workspaces WHERE id = ? AND deleted_at IS NULL),"
    " (SELECT MAX(IF(role = 'owner', IF(status <=> 'suspended', 2, 3), 1)) FROM teams"
    " WHERE user_id = ? AND workspace_id = ? AND deleted_at IS NULL)";

/* A prepared statement with text parameters, and room for its row. */
struct query {
	MYSQL_STMT *stmt;
	char in[PARAMETERS][ID];
	unsigned long in_length[PARAMETERS];
	char text[COLUMNS][TEXT];
	unsigned long length[COLUMNS];
	my_bool null[COLUMNS];
};

static MYSQL *connect_as(char **argv)
{
	MYSQL *mysql = mysql_init(NULL);

	if (mysql_real_connect(mysql, "localhost", argv[3], argv[4], argv[5], 0, argv[2], 0) ==
	    NULL)
		exit(1);
	return mysql;
}

static void prepare(struct query *q, MYSQL *mysql, const char *sql)
{
	MYSQL_BIND in[PARAMETERS], out[COLUMNS] = {0};

	q->stmt = mysql_stmt_init(mysql);
	for (int i = 0; i < PARAMETERS; i++)
		in[i] = (MYSQL_BIND){
		    .buffer_type = MYSQL_TYPE_STRING,
		    .buffer = q->in[i],
		    .length = &q->in_length[i],
		};
	for (int i = 0; i < COLUMNS; i++)
		out[i] = (MYSQL_BIND){
		    .buffer_type = MYSQL_TYPE_STRING,
		    .buffer = q->text[i],
		    .buffer_length = TEXT,
		    .length = &q->length[i],
		    .is_null = &q->null[i],
		};
	if (mysql_stmt_prepare(q->stmt, sql, strlen(sql)) != 0 ||
	    mysql_stmt_bind_param(q->stmt, in) || mysql_stmt_bind_result(q->stmt, out))
		exit(1);
}

static void set(struct query *q, int at, const char *text, size_t length)
{
	q->in_length[at] = length < ID ? length : ID;
	memcpy(q->in[at], text, q->in_length[at]);
}

static int execute(struct query *q)
{
	return mysql_stmt_execute(q->stmt) == 0;
}

static int fetch(struct query *q)
{
	return mysql_stmt_fetch(q->stmt) == 0;
}

static const char *path_of(FCGX_Request *request)
{
	const char *path = FCGX_GetParam("DOCUMENT_URI", request->envp);

	return path != NULL ? path : "/";
}

static void not_found(FCGX_Request *request)
{
	FCGX_FPrintF(request->out, "Status: 404 Not Found\r\n\r\n");
}

static void answer_status(FCGX_Request *request, struct query *q)
{
	const char *id = strrchr(path_of(request), '/') + 1;

	set(q, 0, id, strlen(id));
	if (!execute(q) || !fetch(q)) {
		not_found(request);
		return;
	}
	FCGX_FPrintF(request->out,
	    "Content-Type: application/json\r\n\r\n"
	    "{\"id\":%s,\"workspace_id\":%s,\"uuid\":\"%s\",\"session_id\":\"%s\",\"phone_number\":"
	    "\"%s\","
	    "\"provider_type\":\"%s\",\"connection_status\":\"%s\",\"is_primary\":%s,\"is_active\":"
	    "%s,"
	    "\"last_activity_at\":\"%s\",\"last_connected_at\":\"%s\",\"state_version\":%s}",
	    q->text[0], q->text[1], q->text[2], q->text[3], q->text[4], q->text[5], q->text[6],
	    q->text[7], q->text[8], q->text[9], q->text[10], q->text[11]);
	mysql_stmt_free_result(q->stmt);
}

/* The part of a path before `end`, behind its slash. */
static const char *part_before(const char *path, const char *end)
{
	while (end > path && end[-1] != '/')
		end--;
	return end;
}

static int may_see(struct query *q, const char *user, size_t user_length, const char *workspace)
{
	int found;

	if (*user == '-')
		return 1;
	for (int i = 0; i < PARAMETERS; i += 2) {
		set(q, i, user, user_length);
		set(q, i + 1, workspace, strlen(workspace));
	}
	found = execute(q) && fetch(q);
	mysql_stmt_free_result(q->stmt);
	return found;
}

static void answer_list(
    FCGX_Request *request, struct query *session, struct query *standing, struct query *list)
{
	const char *path = path_of(request);
	const char *workspace = strrchr(path, '/') + 1;
	const char *user = part_before(path, workspace - 1);
	const char *id = part_before(path, user - 1);

	set(session, 0, id, (size_t)(user - 1 - id));
	if (!execute(session) || !fetch(session)) {
		not_found(request);
		return;
	}
	mysql_stmt_free_result(session->stmt);
	set(list, 0, workspace, strlen(workspace));
	if (!may_see(standing, user, (size_t)(workspace - 1 - user), workspace) || !execute(list))
		exit(1);
	FCGX_FPrintF(request->out, "Content-Type: application/json\r\n\r\n{\"accounts\":[");
	for (int rows = 0; fetch(list); rows++)
		FCGX_FPrintF(request->out,
		    "%s{\"id\":%s,\"uuid\":\"%s\",\"phone_number\":\"%s\",\"account_name\":\"%s\","
		    "\"provider_type\":\"%s\",\"connection_status\":\"%s\",\"is_primary\":%s,"
		    "\"is_active\":%s,\"formatted_phone_number\":\"%s\",\"created_at\":\"%s\","
		    "\"session_id\":\"%s\",\"last_activity_at\":\"%s\",\"last_connected_at\":\"%s\","
		    "\"state_version\":%s}",
		    rows > 0 ? "," : "", list->text[0], list->text[2], list->text[4],
		    list->text[13], list->text[5], list->text[6], list->text[7], list->text[8],
		    list->text[4], list->text[14], list->text[3], list->text[9], list->text[10],
		    list->text[11]);
	FCGX_FPrintF(request->out, "],\"workspaceId\":%s}", workspace);
	mysql_stmt_free_result(list->stmt);
}

static void serve(int fd, char **argv)
{
	static struct query first, second, third;
	int is_list = strcmp(argv[6], "list") == 0;
	MYSQL *mysql = connect_as(argv);
	FCGX_Request request;

	prepare(&first, mysql, is_list ? session_sql : status_sql);
	if (is_list) {
		prepare(&second, mysql, standing_sql);
		prepare(&third, mysql, list_sql);
	}
	FCGX_Init();
	FCGX_InitRequest(&request, fd, 0);
	while (FCGX_Accept_r(&request) == 0) {
		if (is_list)
			answer_list(&request, &first, &second, &third);
		else
			answer_status(&request, &first);
	}
}

int main(int argc, char **argv)
{
	int fd;

	if (argc != 7)
		return 64;
	fd = FCGX_OpenSocket(argv[1], BACKLOG);
	for (int i = 0; i < WORKERS; i++)
		if (fork() == 0) {
			serve(fd, argv);
			_exit(0);
		}
	while (wait(NULL) > 0)
		;
	return 0;
}
