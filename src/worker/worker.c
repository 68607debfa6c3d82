#include "worker/worker.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "app/doors.h"
#include "app/peers.h"
#include "base/bell.h"
#include "base/log.h"
#include "base/stop.h"
#include "schema/schema.h"
#include "serve.h"

#if defined(__SANITIZE_ADDRESS__)
#define HAS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_SANITIZER 1
#endif
#endif
#ifndef HAS_SANITIZER
#define HAS_SANITIZER 0
#endif

/* Stands behind nginx's bounds: libfcgi has none.  A sanitizer maps terabytes. */
static void limit_memory(uint64_t mib)
{
	struct rlimit limit = {.rlim_cur = mib * MIB, .rlim_max = mib * MIB};

	if (mib > 0 && !HAS_SANITIZER && setrlimit(RLIMIT_AS, &limit) != 0)
		log_warn("could not limit a worker's memory to %llu MiB: %s",
		    (unsigned long long)mib, strerror(errno));
}

/* Give or take a tenth, so that the workers of a pool do not leave together. */
static uint64_t requests_until_leaving(uint64_t max)
{
	uint64_t random = 0, spread = max / 5 + 1;

	if (max == 0)
		return UINT64_MAX;
	if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
		random = (uint64_t)getpid();
	return max - max / 10 + random % spread;
}

static void reopen_log(const struct settings *settings)
{
	if (settings->log_file.len > 0 && log_reopen(settings->log_file.ptr) != RC_OK)
		log_error("could not open the log %s: %s", settings->log_file.ptr, strerror(errno));
}

/*
 * All workers wait in accept4 on one socket: the kernel wakes one at a time,
 * the one that waited longest.  Signals come in only here.
 */
static int next_connection(const struct listening *listening)
{
	const struct timespec breath = {.tv_nsec = 50 * 1000 * 1000};
	int fd, error;

	stop_open();
	fd = stop_requested() ? -1 : accept4(listening->fd, NULL, NULL, SOCK_CLOEXEC);
	error = errno;
	stop_shut();
	if (fd < 0 && !stop_requested() && error != EINTR && error != ECONNABORTED) {
		log_error("could not accept a connection: %s", strerror(error));
		nanosleep(&breath, NULL);
	}
	return fd;
}

static void wake_relay(void *ctx)
{
	const int *bell = ctx;

	bell_ring(*bell);
}

static enum rc open_server(
    struct server *server, const struct worker_context *context, struct slot *slot)
{
	const struct settings *s = &context->startup->settings;

	*server = (struct server){
	    .api =
		{
		    .db = db_create(&context->startup->db, context->board, slot),
		    .board = context->board,
		    .page = context->startup->page,
		    .has_relay = s->relay,
		    .workers = s->workers,
		    .instances = s->instance_count,
		    .limits = doors_limits(s),
		    .timeout_ms = (int64_t)s->db_timeout_s * 1000,
		    .node_timeout_ms = (int64_t)s->db_node_timeout_ms,
		    .legacy_aliases = s->legacy_aliases,
		    .guards_cleanup = s->guard_cleanup_delete,
		    .legacy_until_us = s->legacy_aliases ? s->legacy_sunset_us : INT64_MIN,
		},
	    .fcgi = fcgi_create(),
	    .mem = arena_create(BOUND_ARENA_CHUNK),
	    .slot = slot,
	    .log_requests = (enum conf_log_requests)s->log_requests,
	};
	if (doors_open(s, &server->api.guard) != RC_OK || server->api.db == NULL ||
	    server->fcgi == NULL)
		return RC_INTERNAL;
	server->provider = peers_provider(s);
	server->api.provider = &server->provider;
	if (peers_broadcast(s, &server->broadcaster)) {
		server->api.broadcast = broadcast_create(&server->broadcaster);
		if (server->api.broadcast == NULL)
			return RC_INTERNAL;
	}
	db_on_connect(server->api.db, schema_on_connect, NULL);
	db_on_notify(server->api.db, wake_relay, (void *)(uintptr_t)&context->bell);
	return RC_OK;
}

static void close_server(struct server *server)
{
	db_free(server->api.db);
	broadcast_free(server->api.broadcast);
	doors_close(&server->api.guard);
	fcgi_free(server->fcgi);
	arena_free(server->mem);
}

int worker_run(void *ctx, size_t index, struct slot *slot)
{
	const struct worker_context *context = ctx;
	const struct settings *settings = &context->startup->settings;
	struct server server;
	uint64_t left = requests_until_leaving(settings->max_requests);

	(void)index;
	limit_memory(settings->memory_limit_mib);
	if (open_server(&server, context, slot) != RC_OK) {
		log_error(
		    "a worker could not be set up: out of memory, or OpenSSL refuses what the keys need");
		close_server(&server);
		return EX_OSERR;
	}
	slot_idle(slot);
	while (left > 0 && !stop_requested()) {
		int fd = next_connection(context->listening);

		if (stop_take_reopen())
			reopen_log(settings);
		if (fd < 0)
			continue;
		if (context->listening->checks_peers && !listen_allows(settings, fd)) {
			slot_count(slot, METRIC_REFUSED_PEER);
			close(fd);
			continue;
		}
		serve(&server, fd);
		left--;
	}
	close_server(&server);
	return EX_OK;
}
