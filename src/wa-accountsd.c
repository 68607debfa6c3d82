/*
 * wa-accountsd: the FastCGI pool.
 *
 * This file sees everything, so that nothing else has to: it reads the
 * settings, looks at the database once, opens the socket, and hands the pool
 * its table of child kinds.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "api/api.h"
#include "app/startup.h"
#include "base/bell.h"
#include "base/log.h"
#include "base/now.h"
#include "pool/pool.h"
#include "relay/relay.h"
#include "schema/schema.h"
#include "worker/worker.h"

struct arguments {
	const char *env;
	bool check;
};

static const char usage[] =
    "usage: wa-accountsd [--env FILE] [--check]\n"
    "\n"
    "Serves the account routes over FastCGI; runs in the foreground.\n"
    "\n"
    "  --env FILE  the application's .env; the environment wins over it\n"
    "  --check     check the settings and the database, then end\n"
    "  --version   print the version\n"
    "  --help      print this\n"
    "\n"
    "Signals: TERM stops, HUP reloads, USR1 opens the log anew.\n"
    "The settings: wa-accountsctl --env FILE config\n";

/* False when the program has done what was asked; *ret is its exit status. */
static bool read_arguments(int argc, char **argv, struct arguments *args, int *ret)
{
	static const struct option options[] = {
	    {"env", required_argument, NULL, 'e'},
	    {"check", no_argument, NULL, 'c'},
	    {"version", no_argument, NULL, 'v'},
	    {"help", no_argument, NULL, 'h'},
	    {0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'e':
			args->env = optarg;
			break;
		case 'c':
			args->check = true;
			break;
		case 'v':
			puts(PACKAGE_STRING);
			*ret = EX_OK;
			return false;
		case 'h':
			fputs(usage, stdout);
			*ret = EX_OK;
			return false;
		default:
			fputs(usage, stderr);
			*ret = EX_USAGE;
			return false;
		}
	}
	if (optind == argc)
		return true;
	fputs(usage, stderr);
	*ret = EX_USAGE;
	return false;
}

/* What stands against serving from this schema.  One that is too new does not become older. */
static int judge_schema(const struct schema_state *state, bool waits)
{
	const char *fault = schema_fault(state);

	if (fault == NULL)
		return EX_OK;
	if (waits && schema_fit(state) != SCHEMA_TOO_NEW) {
		log_warn("%s; requests are answered with \"later\" until then", fault);
		return EX_OK;
	}
	log_error("%s", fault);
	return EX_CONFIG;
}

/* What stands against serving from this database; EX_OK if it only is away. */
static int judge_database(
    const struct db *db, enum rc rc, const struct schema_state *state, bool waits)
{
	if (rc == RC_RETRY && !db_was_refused(db)) {
		log_warn(
		    "the database cannot be reached yet: %s; requests are answered with \"later\" until "
		    "it can",
		    db_last_error(db));
		return EX_OK;
	}
	if (rc == RC_OK)
		return judge_schema(state, waits);
	log_error(
	    "the database refuses us: %s; check DB_HOST or DB_SOCKET, DB_DATABASE, DB_USERNAME "
	    "and DB_PASSWORD",
	    db_last_error(db));
	return EX_CONFIG;
}

/* In a child: the master never holds a connection, nor what the library keeps. */
static int look_at_database(const struct startup *startup)
{
	struct arena *mem = arena_create(16 * KIB);
	struct db *db = db_create(&startup->db, NULL, NULL);
	struct schema_state state;
	int status = EX_OSERR;

	if (db != NULL)
		status = judge_database(
		    db, schema_read(db, mem, &state), &state, startup->settings.wait_for_schema);
	db_free(db);
	arena_free(mem);
	return status;
}

static int look_at_database_aside(const struct startup *startup)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit(look_at_database(startup));
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status)) {
		log_error("could not look at the database: %s", strerror(errno));
		return EX_OSERR;
	}
	return WEXITSTATUS(status);
}

/* What a child is busy with. */
static const char *work_name(size_t series)
{
	if (series == BOARD_EVENTS)
		return "its deliveries";
	return series < api_routes.count ? api_routes.rows[series].name
					 : "a request that it is reading";
}

static bool write_pid_file(struct span path)
{
	FILE *file;

	if (path.len == 0)
		return true;
	file = fopen(path.ptr, "we");
	if (file == NULL || fprintf(file, "%d\n", (int)getpid()) < 0 || fclose(file) != 0) {
		log_error("could not write WA_PID_FILE %s: %s", path.ptr, strerror(errno));
		return false;
	}
	return true;
}

/* Unless it is a successor's, who was let in when we began to stop. */
static void remove_pid_file(struct span path)
{
	FILE *file = path.len > 0 ? fopen(path.ptr, "re") : NULL;
	int pid = 0;

	if (file == NULL)
		return;
	if (fscanf(file, "%d", &pid) == 1 && pid == (int)getpid())
		unlink(path.ptr);
	fclose(file);
}

/* Nobody else's: a number that was not drawn before. */
static uint64_t new_holder(void)
{
	uint64_t holder = 0;

	if (getrandom(&holder, sizeof(holder), 0) != (ssize_t)sizeof(holder))
		holder = (uint64_t)now_us() ^ (uint64_t)getpid() << 48;
	return (holder >> 1) | 1;
}

static int run_pool(const struct startup *startup, struct listening *listening, char **argv)
{
	const struct settings *settings = &startup->settings;
	struct worker_context workers = {.startup = startup, .listening = listening, .bell = -1};
	struct relay_context relay = {.startup = startup, .bell = -1, .holder = new_holder()};
	const struct pool_kind kinds[] = {
	    {"worker", settings->workers, worker_run, &workers},
	    {"relay", settings->relay ? 1 : 0, relay_run, &relay},
	};
	struct pool pool = {
	    .settings = settings,
	    .listening = listening,
	    .kinds = kinds,
	    .kind_count = sizeof(kinds) / sizeof(kinds[0]),
	    .argv = argv,
	    .work_name = work_name,
	};
	int status;

	pool.board = board_create(pool_slots(kinds, pool.kind_count));
	workers.board = relay.board = pool.board;
	if (pool.board == NULL) {
		log_error("out of memory: the pool could not be started");
		return EX_OSERR;
	}
	if (settings->relay)
		workers.bell = relay.bell = bell_open();
	status = pool_run(&pool);
	if (workers.bell >= 0)
		close(workers.bell);
	board_free(pool.board);
	return status;
}

/* False if the log cannot be opened; a trial run only tries. */
static bool open_log(struct span path, bool check)
{
	int fd;

	if (path.len == 0)
		return true;
	if (!check)
		return log_reopen(path.ptr) == RC_OK;
	fd = open(path.ptr, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* What must be right before anything is begun; the exit status, EX_OK if it is. */
static int look_first(const struct startup *startup, bool check)
{
	const char *fault = router_check(&api_routes);

	if (fault != NULL) {
		log_error("%s", fault);
		return EX_SOFTWARE;
	}
	if (!open_log(startup->settings.log_file, check)) {
		log_error("could not open WA_LOG_FILE %s: %s", startup->settings.log_file.ptr,
		    strerror(errno));
		return EX_CANTCREAT;
	}
	if (listen_check(&startup->settings) != RC_OK)
		return EX_CONFIG;
	return look_at_database_aside(startup);
}

static int serve_pool(const struct startup *startup, struct listening *listening, char **argv)
{
	int status = run_pool(startup, listening, argv);

	remove_pid_file(startup->settings.pid_file);
	listen_close(listening);
	return status;
}

/*
 * The new master of a reload: its trial run has looked at everything.  What
 * fails now all the same must not end a pool that serves.
 */
static int take_over(const struct startup *startup, struct listening *listening, char **argv)
{
	const struct settings *settings = &startup->settings;

	if (!open_log(settings->log_file, false))
		log_error("could not open WA_LOG_FILE %s: %s; the old one stays open",
		    settings->log_file.ptr, strerror(errno));
	listen_adopt(settings, listening);
	if (!write_pid_file(settings->pid_file))
		log_warn("going on without a pid file");
	return serve_pool(startup, listening, argv);
}

static int start(const struct startup *startup, bool check, char **argv)
{
	struct listening listening = {.fd = -1, .lock_fd = -1};
	int status;

	if (pool_take_over(&listening))
		return take_over(startup, &listening, argv);
	status = look_first(startup, check);
	if (status != EX_OK || check)
		return status;
	if (listen_open(&startup->settings, &listening) != RC_OK)
		return EX_UNAVAILABLE;
	if (!write_pid_file(startup->settings.pid_file)) {
		listen_close(&listening);
		return EX_CANTCREAT;
	}
	return serve_pool(startup, &listening, argv);
}

int main(int argc, char **argv)
{
	struct arguments args = {0};
	struct startup startup;
	char self[PATH_MAX];
	ssize_t len;
	int status;

	if (!read_arguments(argc, argv, &args, &status))
		return status;
	/* Ignored by some supervisors, and inherited: nobody could wait for a child. */
	signal(SIGCHLD, SIG_DFL);
	/* A reload executes the file that lies there then, wherever we were started from. */
	len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (len > 0) {
		self[len] = '\0';
		argv[0] = self;
	}
	if (startup_read(args.env, startup_log, &startup) != RC_OK) {
		log_error("not started: mend the settings above and start again");
		return EX_CONFIG;
	}
	status = start(&startup, args.check, argv);
	startup_free(&startup);
	return status;
}
