#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/now.h"
#include "places.h"
#include "pool/pool.h"
#include "reload.h"

/*
 * A stop signal is repeated this often: it can slip through between a
 * child's last look at its flag and its next wait.
 */
enum { REPEAT_MS = 100, LOOK_MS = 1000 };

struct master {
	const struct pool *pool;
	struct places *places;
	struct reload_heirs heirs;
	int64_t heirs_deadline_ms;
	pid_t trial; /* of a reload; 0 without one */
	bool stopping;
	int64_t stop_deadline_ms;
};

static sigset_t signals_of_master(void)
{
	static const int numbers[] = {SIGTERM, SIGQUIT, SIGINT, SIGHUP, SIGUSR1, SIGCHLD};
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		sigaddset(&set, numbers[i]);
	return set;
}

static void begin_stop(struct master *m, int signo)
{
	if (m->stopping)
		return;
	log_info("signal %d: stopping; requests in hand have %llu s", signo,
	    (unsigned long long)m->pool->settings->stop_timeout_s);
	m->stopping = true;
	m->stop_deadline_ms =
	    now_monotonic_ms() + (int64_t)m->pool->settings->stop_timeout_s * 1000;
	/* From here on nginx is refused at once, instead of waiting in the queue. */
	listen_close(m->pool->listening);
}

static void begin_reload(struct master *m)
{
	if (m->stopping || m->trial != 0) {
		log_warn("HUP: a %s is under way already", m->stopping ? "stop" : "reload");
		return;
	}
	log_info("HUP: checking the settings before reloading");
	m->trial = reload_begin_trial(m->pool);
	if (m->trial < 0) {
		log_error("could not start the trial run: %s; the old settings stay in force",
		    strerror(errno));
		m->trial = 0;
	}
}

static void end_trial(struct master *m, int status)
{
	m->trial = 0;
	if (m->stopping)
		return;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		reload_execute(m->pool, m->places, &m->heirs);
	else
		log_error("the trial run failed (see above); the old settings stay in force");
}

static void reopen_log(struct master *m)
{
	struct span path = m->pool->settings->log_file;

	if (path.len > 0 && log_reopen(path.ptr) != RC_OK)
		log_error("could not open the log %s: %s; the old one stays open", path.ptr,
		    strerror(errno));
	places_signal(m->places, SIGUSR1);
}

static void on_signal(struct master *m, int signo)
{
	switch (signo) {
	case SIGTERM:
	case SIGQUIT:
	case SIGINT:
		begin_stop(m, signo);
		break;
	case SIGHUP:
		begin_reload(m);
		break;
	case SIGUSR1:
		reopen_log(m);
		break;
	default:
		break;
	}
}

static void reap(struct master *m)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == m->trial)
			end_trial(m, status);
		else if (!places_reap(m->places, pid, status))
			reload_reap(&m->heirs, pid);
	}
}

/* Told to leave again and again; after the deadline they are not asked any more. */
static void send_off(struct master *m)
{
	int64_t deadline_ms = m->stopping ? m->stop_deadline_ms : m->heirs_deadline_ms;
	int signo = now_monotonic_ms() < deadline_ms ? SIGTERM : SIGKILL;

	reload_signal(&m->heirs, signo);
	if (m->stopping)
		places_signal(m->places, signo);
}

static bool wait_signal(const sigset_t *set, int ms, int *ret)
{
	struct timespec timeout = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

	*ret = sigtimedwait(set, NULL, &timeout);
	return *ret > 0;
}

static void look_after(struct master *m)
{
	reap(m);
	if (!m->stopping) {
		places_start_due(m->places);
		places_kill_hung(m->places);
	}
	send_off(m);
}

int pool_run(const struct pool *pool)
{
	struct master m = {.pool = pool, .places = places_create(pool)};
	sigset_t set = signals_of_master();
	int signo;

	if (m.places == NULL) {
		log_error("out of memory: the pool could not be started");
		return EX_OSERR;
	}
	sigprocmask(SIG_BLOCK, &set, NULL);
	reload_heirs(&m.heirs);
	m.heirs_deadline_ms = now_monotonic_ms() + (int64_t)pool->settings->stop_timeout_s * 1000;
	look_after(&m);
	log_info("ready: %zu children%s", places_alive(m.places),
	    m.heirs.count > 0 ? ", taking over from the ones before" : "");
	while (!m.stopping || places_alive(m.places) > 0 || m.heirs.count > 0) {
		bool hurried = m.stopping || m.heirs.count > 0;

		if (wait_signal(
			&set, places_wait_ms(m.places, hurried ? REPEAT_MS : LOOK_MS), &signo))
			on_signal(&m, signo);
		look_after(&m);
	}
	places_free(m.places);
	log_info("stopped");
	return EX_OK;
}
