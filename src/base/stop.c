#include "base/stop.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t stop_flag;
static volatile sig_atomic_t reopen_flag;

static void on_stop(int signo)
{
	(void)signo;
	stop_flag = 1;
}

static void on_reopen(int signo)
{
	(void)signo;
	reopen_flag = 1;
}

static sigset_t signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGQUIT);
	sigaddset(&set, SIGUSR1);
	return set;
}

void stop_install(void)
{
	struct sigaction stop = {.sa_handler = on_stop};
	struct sigaction reopen = {.sa_handler = on_reopen};
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	sigset_t set = signals();

	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGQUIT, &stop, NULL);
	sigaction(SIGUSR1, &reopen, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
	/* From a terminal these reach the whole group; the master decides. */
	sigaction(SIGINT, &ignore, NULL);
	sigaction(SIGHUP, &ignore, NULL);
	sigprocmask(SIG_SETMASK, &set, NULL);
}

void stop_open(void)
{
	sigset_t set = signals();

	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

void stop_shut(void)
{
	sigset_t set = signals();

	sigprocmask(SIG_BLOCK, &set, NULL);
}

bool stop_requested(void)
{
	return stop_flag != 0;
}

bool stop_take_reopen(void)
{
	bool taken = reopen_flag != 0;

	reopen_flag = 0;
	return taken;
}
