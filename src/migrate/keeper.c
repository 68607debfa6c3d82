#include "keeper.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	LOOK_MS = 1000,  /* between two looks at what is under way */
	RENEW_LOOKS = 5, /* the lease, after so many of them */
};

enum { RENEW, PROGRESS };

// clang-format off
static const struct db_statement statements[] = {
	[RENEW] = {"migrate.keep",
		"UPDATE wa_migration SET lease_until = UTC_TIMESTAMP(6) + INTERVAL 30 SECOND WHERE id = 1 AND holder = ?",
		"", DB_OPTIONAL},
	/* The copying of a table tells its progress there; other statements only their time. */
	[PROGRESS] = {"migrate.progress",
		"SELECT CAST(time_ms / 1000 AS UNSIGNED), state, CAST(COALESCE(progress, 0) * 10 AS UNSIGNED)"
		" FROM information_schema.processlist WHERE id <> CONNECTION_ID() AND db = DATABASE()"
		" AND info LIKE '%/* wa-accountsctl migrate *_' LIMIT 1",
		"usu", DB_READ},
};
// clang-format on

static void look(struct migration *m, struct db *db)
{
	struct db_value row[3];
	char line[256];
	int len;

	arena_reset(m->row);
	if (db_one(db, &statements[PROGRESS], DB_NONE, m->row, row) != RC_OK)
		return;
	if (row[2].u > 0)
		len = snprintf(line, sizeof(line),
		    "a statement is under way for %llu s: %.*s, %llu.%llu %%",
		    (unsigned long long)row[0].u, SPAN_ARG(row[1].s),
		    (unsigned long long)row[2].u / 10, (unsigned long long)row[2].u % 10);
	else
		len = snprintf(line, sizeof(line), "a statement is under way for %llu s: %.*s",
		    (unsigned long long)row[0].u, SPAN_ARG(row[1].s));
	if (len > 0 && (size_t)len < sizeof(line))
		m->options->told.progress(m->options->told.ctx, span_from(line, (size_t)len));
}

/* Until the other end of the pipe is closed, by whatever end its process takes. */
static void keep(struct migration *m, int fd)
{
	struct pollfd parent = {.fd = fd, .events = POLLIN};
	struct db *db = db_create(m->options->db, NULL, NULL);

	if (db != NULL)
		db_on_connect(db, prepare_connection, NULL);
	for (unsigned looks = 1; db != NULL && poll(&parent, 1, LOOK_MS) == 0; looks++) {
		look(m, db);
		/* One that fails is followed by another; the parent sees what became of the lease.
		 */
		if (looks % RENEW_LOOKS == 0 &&
		    db_run(db, &statements[RENEW], DB_IN(db_text(m->holder))) != RC_OK)
			continue;
	}
	db_free(db);
}

enum rc keeper_start(struct migration *m, struct keeper *ret)
{
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return RC_INTERNAL;
	fflush(NULL);
	pid = fork();
	if (pid < 0) {
		close(ends[0]);
		close(ends[1]);
		return RC_INTERNAL;
	}
	if (pid == 0) {
		/* The terminal's ^C is for the parent. */
		signal(SIGINT, SIG_IGN);
		close(ends[1]);
		keep(m, ends[0]);
		fflush(NULL);
		_exit(0);
	}
	close(ends[0]);
	*ret = (struct keeper){.pid = pid, .pipe = ends[1]};
	return RC_OK;
}

void keeper_end(struct keeper *keeper)
{
	if (keeper->pid == 0)
		return;
	close(keeper->pipe);
	waitpid(keeper->pid, NULL, 0);
	keeper->pid = 0;
}
