/*
 * floor: the least that a libfcgi program can do for the same answer.
 *
 * Eight processes loop as libfcgi's manual says, ask the database for the
 * account named in the path with a prepared statement, and print it.  No
 * signature, no log, no errors, no signals: what the pool is measured
 * against, not an example.
 *
 *   floor SOCKET DB_SOCKET DB_USERNAME DB_PASSWORD DB_DATABASE
 */
#include <fcgiapp.h>
#include <mysql.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORKERS = 8, BACKLOG = 511, COLUMNS = 13, TEXT = 256 };

static const char sql[] =
    "SELECT id, workspace_id, uuid, session_id, phone_number, provider_type, connection_status,"
    " is_primary, is_active, last_activity_at, last_connected_at, state_version,"
    " JSON_EXTRACT(metadata, '$.recent_failures') FROM whatsapp_accounts WHERE id = ?"
    " AND deleted_at IS NULL";

struct row {
	char text[COLUMNS][TEXT];
	unsigned long length[COLUMNS];
	my_bool null[COLUMNS];
};

static MYSQL_STMT *prepare(char **argv, struct row *row, unsigned long long *id)
{
	MYSQL_BIND in = {.buffer_type = MYSQL_TYPE_LONGLONG, .buffer = id, .is_unsigned = 1};
	MYSQL_BIND out[COLUMNS] = {0};
	MYSQL *mysql = mysql_init(NULL);
	MYSQL_STMT *stmt;

	if (mysql_real_connect(mysql, "localhost", argv[3], argv[4], argv[5], 0, argv[2], 0) ==
	    NULL)
		exit(1);
	stmt = mysql_stmt_init(mysql);
	for (int i = 0; i < COLUMNS; i++)
		out[i] = (MYSQL_BIND){
		    .buffer_type = MYSQL_TYPE_STRING,
		    .buffer = row->text[i],
		    .buffer_length = TEXT,
		    .length = &row->length[i],
		    .is_null = &row->null[i],
		};
	if (mysql_stmt_prepare(stmt, sql, sizeof(sql) - 1) != 0 ||
	    mysql_stmt_bind_param(stmt, &in) || mysql_stmt_bind_result(stmt, out))
		exit(1);
	return stmt;
}

static void answer(
    FCGX_Request *request, MYSQL_STMT *stmt, const struct row *row, unsigned long long *id)
{
	const char *path = FCGX_GetParam("DOCUMENT_URI", request->envp);

	*id = path != NULL ? strtoull(strrchr(path, '/') + 1, NULL, 10) : 0;
	if (mysql_stmt_execute(stmt) != 0 || mysql_stmt_fetch(stmt) != 0) {
		FCGX_FPrintF(request->out, "Status: 404 Not Found\r\n\r\n");
		return;
	}
	FCGX_FPrintF(request->out,
	    "Content-Type: application/json\r\n\r\n"
	    "{\"id\":%s,\"workspace_id\":%s,\"uuid\":\"%s\",\"session_id\":\"%s\",\"phone_number\":"
	    "\"%s\","
	    "\"provider_type\":\"%s\",\"connection_status\":\"%s\",\"is_primary\":%s,\"is_active\":"
	    "%s,"
	    "\"last_activity_at\":\"%s\",\"last_connected_at\":\"%s\",\"state_version\":%s}",
	    row->text[0], row->text[1], row->text[2], row->text[3], row->text[4], row->text[5],
	    row->text[6], row->text[7], row->text[8], row->text[9], row->text[10], row->text[11]);
	mysql_stmt_free_result(stmt);
}

static void serve(int fd, char **argv)
{
	static struct row row;
	unsigned long long id = 0;
	MYSQL_STMT *stmt = prepare(argv, &row, &id);
	FCGX_Request request;

	FCGX_Init();
	FCGX_InitRequest(&request, fd, 0);
	while (FCGX_Accept_r(&request) == 0)
		answer(&request, stmt, &row, &id);
}

int main(int argc, char **argv)
{
	int fd;

	if (argc != 6)
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
