#include "places.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/now.h"
#include "base/stop.h"

/* A child that dies younger than this died at once; the pause doubles each time. */
enum { YOUNG_MS = 5000, PAUSE_FIRST_MS = 100, PAUSE_MAX_MS = 30000 };

struct place {
	const struct pool_kind *kind;
	size_t index; /* among those of its kind */
	struct slot *slot;
	pid_t pid; /* 0: empty */
	int64_t started_ms;
	int64_t due_ms;
	int64_t pause_ms;
	enum metric reason; /* of the next start */
	bool killed;        /* by us, because it hung */
};

struct places {
	const struct pool *pool;
	size_t count;
	struct place place[];
};

size_t pool_slots(const struct pool_kind *kinds, size_t count)
{
	size_t slots = 1;

	for (size_t i = 0; i < count; i++)
		slots += kinds[i].count;
	return slots;
}

struct places *places_create(const struct pool *pool)
{
	size_t count = pool_slots(pool->kinds, pool->kind_count) - 1, at = 0;
	struct places *places = calloc(1, sizeof(*places) + count * sizeof(places->place[0]));

	if (places == NULL)
		return NULL;
	places->pool = pool;
	places->count = count;
	for (size_t k = 0; k < pool->kind_count; k++)
		for (size_t i = 0; i < pool->kinds[k].count; i++, at++)
			places->place[at] = (struct place){
			    .kind = &pool->kinds[k],
			    .index = i,
			    .slot = board_slot(pool->board, at + 1),
			    .reason = METRIC_CHILD_STARTED,
			};
	return places;
}

void places_free(struct places *places)
{
	free(places);
}

static void run_child(const struct places *places, const struct place *place, pid_t master)
{
	/* A master that was killed takes its children with it. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	stop_install();
	/* The lock is the master's: a worker that outlives it must not keep the next one out. */
	if (places->pool->listening->lock_fd >= 0)
		close(places->pool->listening->lock_fd);
	if (getppid() != master)
		_exit(0);
	/* Not _exit: a sanitizer looks for leaks on the way out. */
	exit(place->kind->run(place->kind->ctx, place->index, place->slot));
}

static void start(const struct places *places, struct place *place)
{
	pid_t master = getpid(), pid = fork();

	if (pid == 0)
		run_child(places, place, master);
	place->started_ms = now_monotonic_ms();
	if (pid < 0) {
		log_error("could not start a %s: %s; trying again in a second", place->kind->name,
		    strerror(errno));
		place->due_ms = place->started_ms + 1000;
		return;
	}
	place->pid = pid;
	place->killed = false;
	slot_count(board_slot(places->pool->board, 0), place->reason);
}

void places_start_due(struct places *places)
{
	int64_t now = now_monotonic_ms();

	for (size_t i = 0; i < places->count; i++)
		if (places->place[i].pid == 0 && places->place[i].due_ms <= now)
			start(places, &places->place[i]);
}

int places_wait_ms(const struct places *places, int most)
{
	int64_t now = now_monotonic_ms();
	int wait = most;

	for (size_t i = 0; i < places->count; i++) {
		const struct place *place = &places->place[i];

		if (place->pid == 0 && place->due_ms - now < wait)
			wait = place->due_ms > now ? (int)(place->due_ms - now) : 0;
	}
	return wait;
}

static void log_end_of(const struct place *place, pid_t pid, int status, int64_t age_ms)
{
	bool well = WIFEXITED(status) && WEXITSTATUS(status) == 0;
	struct log_line line;

	log_begin(&line, well ? "info" : "error", "child_ended");
	log_text(&line, "kind", span_of(place->kind->name));
	log_number(&line, "place", (int64_t)place->index);
	log_number(&line, "child", pid);
	log_number(&line, "age_ms", age_ms);
	if (WIFSIGNALED(status))
		log_number(&line, "signal", WTERMSIG(status));
	else
		log_number(&line, "exit", WEXITSTATUS(status));
	if (place->pause_ms > 0)
		log_number(&line, "next_in_ms", place->pause_ms);
	log_end(&line);
}

static void next_pause(struct place *place, bool well, int64_t age_ms)
{
	if (well || age_ms >= YOUNG_MS)
		place->pause_ms = 0;
	else if (place->pause_ms == 0)
		place->pause_ms = PAUSE_FIRST_MS;
	else
		place->pause_ms =
		    place->pause_ms * 2 < PAUSE_MAX_MS ? place->pause_ms * 2 : PAUSE_MAX_MS;
}

bool places_reap(struct places *places, pid_t pid, int status)
{
	for (size_t i = 0; i < places->count; i++) {
		struct place *place = &places->place[i];
		bool well = WIFEXITED(status) && WEXITSTATUS(status) == 0;
		int64_t age_ms;

		if (place->pid != pid)
			continue;
		age_ms = now_monotonic_ms() - place->started_ms;
		next_pause(place, well || place->killed, age_ms);
		place->pid = 0;
		place->due_ms = now_monotonic_ms() + place->pause_ms;
		place->reason = well ? METRIC_CHILD_RECYCLED : METRIC_CHILD_REPLACED;
		slot_empty(place->slot);
		log_end_of(place, pid, status, age_ms);
		return true;
	}
	return false;
}

void places_kill_hung(struct places *places)
{
	const struct pool *pool = places->pool;
	int64_t limit_ms = (int64_t)pool->settings->request_timeout_s * 1000;

	for (size_t i = 0; i < places->count; i++) {
		struct place *place = &places->place[i];
		int64_t busy_ms;

		if (place->pid == 0 || place->killed || slot_state(place->slot) != BOARD_BUSY)
			continue;
		/* Read after the state: of an older one, it would be the time it was idle. */
		busy_ms = slot_since_ms(place->slot);
		if (busy_ms <= limit_ms)
			continue;
		log_error(
		    "%s %d has been busy with %s for %lld ms, longer than WA_REQUEST_TIMEOUT; it "
		    "is killed and replaced",
		    place->kind->name, (int)place->pid, pool->work_name(slot_route(place->slot)),
		    (long long)busy_ms);
		kill(place->pid, SIGKILL);
		place->killed = true;
		slot_count(board_slot(pool->board, 0), METRIC_CHILD_HUNG);
	}
}

void places_signal(const struct places *places, int signo)
{
	for (size_t i = 0; i < places->count; i++)
		if (places->place[i].pid != 0)
			kill(places->place[i].pid, signo);
}

size_t places_alive(const struct places *places)
{
	size_t alive = 0;

	for (size_t i = 0; i < places->count; i++)
		alive += places->place[i].pid != 0;
	return alive;
}

void places_put_pids(const struct places *places, struct buf *b)
{
	for (size_t i = 0; i < places->count; i++) {
		if (places->place[i].pid == 0)
			continue;
		if (b->len > 0)
			buf_putc(b, ',');
		buf_put_i64(b, places->place[i].pid);
	}
}
