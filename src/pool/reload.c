#include "reload.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/num.h"

/* "listening descriptor,lock descriptor,path" and "pid,pid,..." */
static const char sockets_variable[] = "POOL_TAKE_OVER_SOCKETS";
static const char children_variable[] = "POOL_TAKE_OVER_CHILDREN";

enum { ARGS_MAX = 32 };

pid_t reload_begin_trial(const struct pool *pool)
{
	char *args[ARGS_MAX + 2];
	sigset_t none;
	int n = 0;
	pid_t pid;

	while (pool->argv[n] != NULL && n < ARGS_MAX) {
		args[n] = pool->argv[n];
		n++;
	}
	args[n++] = (char[]){"--check"};
	args[n] = NULL;
	pid = fork();
	if (pid != 0)
		return pid;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execv(args[0], args);
	log_error("could not run %s --check: %s", args[0], strerror(errno));
	_exit(127);
}

static void set_cloexec(int fd, bool on)
{
	if (fd >= 0)
		fcntl(fd, F_SETFD, on ? FD_CLOEXEC : 0);
}

void reload_execute(
    const struct pool *pool, const struct places *places, const struct reload_heirs *heirs)
{
	const struct listening *l = pool->listening;
	char sockets[256], children[8 * (RELOAD_HEIRS + BOUND_WORKERS)];
	struct buf pids = buf_over(children, sizeof(children) - 1);

	places_put_pids(places, &pids);
	for (size_t i = 0; i < heirs->count; i++) {
		if (pids.len > 0)
			buf_putc(&pids, ',');
		buf_put_i64(&pids, heirs->pid[i]);
	}
	children[pids.len] = '\0';
	snprintf(sockets, sizeof(sockets), "%d,%d,%s", l->fd, l->lock_fd, l->path);
	setenv(sockets_variable, sockets, 1);
	setenv(children_variable, children, 1);
	set_cloexec(l->fd, false);
	set_cloexec(l->lock_fd, false);
	execv(pool->argv[0], pool->argv);
	log_error("could not execute %s: %s; the old settings stay in force", pool->argv[0],
	    strerror(errno));
	set_cloexec(l->fd, true);
	set_cloexec(l->lock_fd, true);
	unsetenv(sockets_variable);
	unsetenv(children_variable);
}

bool pool_take_over(struct listening *ret)
{
	const char *text = getenv(sockets_variable);
	struct listening listening = {.fd = -1, .lock_fd = -1};
	int at = 0;

	if (text == NULL || sscanf(text, "%d,%d,%n", &listening.fd, &listening.lock_fd, &at) != 2)
		return false;
	snprintf(listening.path, sizeof(listening.path), "%s", text + at);
	set_cloexec(listening.fd, true);
	set_cloexec(listening.lock_fd, true);
	unsetenv(sockets_variable);
	*ret = listening;
	return true;
}

void reload_heirs(struct reload_heirs *ret)
{
	struct span list = span_of(getenv(children_variable)), one;
	uint64_t pid;

	ret->count = 0;
	while (ret->count < sizeof(ret->pid) / sizeof(ret->pid[0]) && span_cut(&list, ',', &one))
		if (num_u64(one, &pid))
			ret->pid[ret->count++] = (pid_t)pid;
	unsetenv(children_variable);
}

bool reload_reap(struct reload_heirs *heirs, pid_t pid)
{
	for (size_t i = 0; i < heirs->count; i++) {
		if (heirs->pid[i] != pid)
			continue;
		heirs->pid[i] = heirs->pid[--heirs->count];
		return true;
	}
	return false;
}

void reload_signal(const struct reload_heirs *heirs, int signo)
{
	for (size_t i = 0; i < heirs->count; i++)
		kill(heirs->pid[i], signo);
}
