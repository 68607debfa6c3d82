#include "relay/relay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "account/account.h"
#include "app/doors.h"
#include "app/peers.h"
#include "base/bell.h"
#include "base/log.h"
#include "base/now.h"
#include "base/stop.h"
#include "hand.h"
#include "schema/schema.h"

enum { TEND_MS = 1000, TEND_SOON_MS = 50, RENEW_MS = 10000, WORK_MEMORY = 64 * KIB };

/* What is under way when it is told to stop is given so long; a half of WA_STOP_TIMEOUT at most. */
enum { STOP_MS = 5000 };

static void reopen_log(const struct settings *settings)
{
	if (settings->log_file.len > 0 && log_reopen(settings->log_file.ptr) != RC_OK)
		log_error("could not open the log %s: %s", settings->log_file.ptr, strerror(errno));
}

static void set_peers(struct relay *relay)
{
	size_t count = relay->provider.instance_count;

	relay->broadcaster = (struct peer){.name = "broadcast", .place = 0, .most = SIZE_MAX};
	for (size_t i = 0; i < count; i++) {
		struct peer *peer = &relay->instances[i];
		struct buf name = buf_over(peer->name, sizeof(peer->name));

		buf_puts(&name, "instance-");
		buf_put_u64(&name, i + 1);
		buf_putc(&name, '\0');
		peer->place = i + 1;
		peer->most = relay->settings->node_concurrency;
		peer_show(relay, peer);
	}
	/* A predecessor that was killed has left what it had under way. */
	peer_show(relay, &relay->broadcaster);
}

static enum rc open_relay(
    struct relay *relay, const struct relay_context *context, struct slot *slot)
{
	const struct settings *s = &context->startup->settings;

	*relay = (struct relay){
	    .settings = s,
	    .board = context->board,
	    .slot = slot,
	    .db = db_create(&context->startup->db, context->board, slot),
	    .fetcher = fetcher_create(s->ca_file.len > 0 ? s->ca_file.ptr : NULL),
	    .mem = arena_create(WORK_MEMORY),
	    .holder = context->holder,
	    .bell = context->bell,
	    .provider = peers_provider(s),
	    .instances = calloc(s->instance_count, sizeof(*relay->instances)),
	    .looks = true,
	    .due_at_ms = INT64_MAX,
	    .claims = (uint64_t)now_us(), /* not a predecessor's, whose holder is the same */
	};
	relay->limits = doors_limits(s);
	if (relay->db == NULL || relay->fetcher == NULL || relay->mem == NULL ||
	    relay->instances == NULL || hand_create(relay) != RC_OK)
		return RC_INTERNAL;
	if (peers_broadcast(s, &relay->broadcast_options)) {
		relay->broadcast = broadcast_create(&relay->broadcast_options);
		if (relay->broadcast == NULL)
			return RC_INTERNAL;
	}
	set_peers(relay);
	db_on_connect(relay->db, schema_on_connect, NULL);
	return RC_OK;
}

static void close_relay(struct relay *relay)
{
	fetcher_free(relay->fetcher);
	hand_free(relay);
	broadcast_free(relay->broadcast);
	db_free(relay->db);
	arena_free(relay->mem);
	free(relay->instances);
}

static void log_started(void)
{
	struct log_line line;

	log_begin(&line, "info", "relay_started");
	log_number(&line, "child", getpid());
	log_end(&line);
}

/* Nobody waits any longer for one that takes something again. */
static void end_pauses_for(struct relay *relay, enum outbox_kind kind, struct peer *peer)
{
	if (!peer->is_free)
		return;
	hand_begin_work(relay);
	if (lanes_end_pauses(relay->db, kind, peer_number(peer)) != RC_OK)
		return;
	hand_end_pauses(relay, peer);
	peer->is_free = false;
	relay->looks = true;
}

static void end_pauses(struct relay *relay)
{
	end_pauses_for(relay, OUTBOX_EVENT, &relay->broadcaster);
	for (size_t i = 0; i < relay->provider.instance_count; i++)
		end_pauses_for(relay, OUTBOX_COMMAND, &relay->instances[i]);
}

static void end_overdue(struct relay *relay)
{
	uint64_t count;

	if (account_end_overdue(relay->db, relay->mem, &count) != RC_OK)
		return;
	while (count-- > 0)
		slot_count(relay->slot, METRIC_PAIRING_OVERDUE);
}

static void expire_events(struct relay *relay)
{
	uint64_t count;

	if (delivery_expire_events(relay->db, &count) != RC_OK)
		return;
	while (count-- > 0)
		slot_count(relay->slot, METRIC_EVENT_EXPIRED);
}

/* What time does: each of these at most a page at a time, and harmless beside another host's. */
static void tend(struct relay *relay)
{
	uint64_t pruned = 0;

	relay->tend_at_ms = now_monotonic_ms() + TEND_MS;
	hand_begin_work(relay);
	end_overdue(relay);
	expire_events(relay);
	if (delivery_prune(relay->db, relay->settings->outbox_keep_s, &pruned) != RC_OK ||
	    lanes_sweep(relay->db) != RC_OK)
		return; /* the database is away, and has said so */
	if (pruned >= DELIVERY_PRUNED)
		relay->tend_at_ms = now_monotonic_ms() + TEND_SOON_MS;
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Milliseconds until there is something to do, if nothing happens before. */
static int64_t time_left(const struct relay *relay)
{
	int64_t now = now_monotonic_ms();
	int64_t next = earlier(earlier(relay->look_at_ms, relay->due_at_ms), relay->tend_at_ms);

	next = earlier(next, hand_settles_at_ms(relay));
	return relay->looks || next <= now ? 0 : next - now;
}

static void wait(struct relay *relay)
{
	int64_t ms = time_left(relay);

	slot_idle(relay->slot);
	stop_open();
	if (!stop_requested())
		fetcher_wait(relay->fetcher, relay->bell, (int)ms);
	stop_shut();
	slot_busy(relay->slot, BOARD_EVENTS);
	if (stop_take_reopen())
		reopen_log(relay->settings);
}

/* There are new rows, ours or a worker's. */
static void has_news(void *ctx)
{
	struct relay *relay = ctx;

	relay->looks = true;
	for (int k = 0; k < OUTBOX_KINDS; k++)
		relay->again[k] = true;
}

static void work(struct relay *relay)
{
	int64_t now;

	arena_reset(relay->mem);
	if (bell_hush(relay->bell))
		has_news(relay);
	fetcher_turn(relay->fetcher);
	now = now_monotonic_ms();
	if (now >= hand_settles_at_ms(relay))
		hand_settle(relay);
	end_pauses(relay);
	if (now >= relay->renew_at_ms) {
		relay->renew_at_ms = now + RENEW_MS;
		hand_renew(relay);
	}
	if (now >= relay->tend_at_ms)
		tend(relay);
}

/* A predecessor that was killed has left its leases: they are this relay's own. */
static void release_all(struct relay *relay)
{
	hand_begin_work(relay);
	if (lanes_release_all(relay->db, relay->holder) == RC_OK)
		return;
	log_warn(
	    "the leases of this pool could not be given back; they end by themselves within "
	    "%d s",
	    LANES_LEASE_S);
}

/* Nothing new is begun; what is cut off in the end is in doubt, and asked for by the next relay. */
static void finish(struct relay *relay)
{
	int64_t limit = (int64_t)relay->settings->stop_timeout_s * 500;
	int64_t deadline = now_monotonic_ms() + (limit < STOP_MS ? limit : STOP_MS);

	relay->stops = true;
	while (fetcher_under_way(relay->fetcher) > 0 && now_monotonic_ms() < deadline) {
		fetcher_wait(relay->fetcher, -1, 50);
		fetcher_turn(relay->fetcher);
		slot_busy(relay->slot, BOARD_EVENTS);
	}
	/* Before what its requests borrow is given up. */
	fetcher_free(relay->fetcher);
	relay->fetcher = NULL;
	hand_drop(relay);
	hand_settle(relay);
	release_all(relay);
}

int relay_run(void *ctx, size_t index, struct slot *slot)
{
	const struct relay_context *context = ctx;
	struct relay relay;

	(void)index;
	if (open_relay(&relay, context, slot) != RC_OK) {
		log_error(
		    "the relay could not be set up: out of memory, or OpenSSL or curl refuses");
		close_relay(&relay);
		return EX_OSERR;
	}
	db_on_notify(relay.db, has_news, &relay);
	log_started();
	slot_busy(slot, BOARD_EVENTS);
	release_all(&relay);
	while (!stop_requested()) {
		wait(&relay);
		work(&relay);
		if (relay.looks || now_monotonic_ms() >= earlier(relay.look_at_ms, relay.due_at_ms))
			hand_look(&relay);
	}
	finish(&relay);
	close_relay(&relay);
	return EX_OK;
}
