#include "hand.h"

#include <stdlib.h>

#include "base/now.h"

/*
 * Events are answered within milliseconds: so many keep a server busy.  Of
 * commands there are at most as many under way as the instances take, and
 * some places more, so that one for a free instance is always seen.
 */
enum { EVENT_LANES = 32, SPARE_COMMAND_LANES = 8 };

/* What has ended waits so long for others to be settled with. */
enum { SETTLE_TOGETHER_MS = 3, SETTLE_LANES = EVENT_LANES / 2, SETTLE_ROWS = 4 * LANES_BATCH };

enum { LANE_MEMORY = 16 * KIB };

enum rc hand_create(struct relay *relay)
{
	const struct settings *s = relay->settings;
	size_t count = EVENT_LANES + s->instance_count * s->node_concurrency + SPARE_COMMAND_LANES;

	relay->lanes = calloc(count, sizeof(*relay->lanes));
	if (relay->lanes == NULL)
		return RC_INTERNAL;
	relay->lane_count = count;
	for (size_t i = 0; i < count; i++) {
		struct lane *lane = &relay->lanes[i];

		lane->relay = relay;
		lane->kind = i < EVENT_LANES ? OUTBOX_EVENT : OUTBOX_COMMAND;
		lane->mem = arena_create(LANE_MEMORY);
		if (lane->mem == NULL)
			return RC_INTERNAL;
	}
	return RC_OK;
}

void hand_free(struct relay *relay)
{
	for (size_t i = 0; i < relay->lane_count; i++)
		arena_free(relay->lanes[i].mem);
	free(relay->lanes);
}

void hand_begin_work(struct relay *relay)
{
	db_begin_work(relay->db, now_monotonic_ms() + HAND_WORK_MS);
}

bool lane_is_ours(const struct lane *lane)
{
	return now_monotonic_ms() < lane->leased_until_ms;
}

bool lane_may_begin(const struct lane *lane)
{
	return lane_is_ours(lane) && !lane->relay->stops;
}

int64_t lane_left_us(const struct lane *lane, const struct delivery *row)
{
	return row->left_us - (now_monotonic_us() - lane->read_at_us);
}

static void has_to_settle(struct relay *relay)
{
	if (relay->ended_count == 0 && relay->events_ended == 0)
		relay->settle_at_ms = now_monotonic_ms() + SETTLE_TOGETHER_MS;
}

void lane_row_ends(struct lane *lane, enum delivery_state state, struct span error)
{
	const struct delivery *row = &lane->rows[lane->at];

	if (state == DELIVERY_DELIVERED && lane->reduced)
		slot_count(lane->relay->slot, METRIC_EVENT_REDUCED);
	lane->reduced = false;
	has_to_settle(lane->relay);
	lane->relay->events_ended += lane->kind == OUTBOX_EVENT;
	lane->ends[lane->at++] = (struct lane_end){
	    .state = state,
	    .error = error,
	    .us = row->age_us + (now_monotonic_us() - lane->read_at_us),
	};
}

void lane_row_stays(struct lane *lane, enum delivery_state state, uint64_t attempts,
    struct span error, int64_t pause_ms, bool waits_for_peer)
{
	lane->ends[lane->at] =
	    (struct lane_end){.state = state, .attempts = attempts, .error = error};
	lane_ends(lane, pause_ms);
	lane->waits_for_peer = waits_for_peer;
}

void lane_ends(struct lane *lane, int64_t pause_ms)
{
	struct relay *relay = lane->relay;

	has_to_settle(relay);
	relay->ended_count++;
	lane->state = LANE_ENDED;
	lane->pause_ms = pause_ms;
	lane->is_unsettled = lane->kind == OUTBOX_COMMAND;
}

void lane_waits(struct lane *lane, const struct peer *peer)
{
	lane_ends(lane, peer_wait_ms(peer));
	lane->waits_for_peer = true;
}

bool lane_has_failed_row(const struct lane *lane)
{
	return lane->state == LANE_ENDED && lane->at < lane->count &&
	       lane->ends[lane->at].error.ptr != NULL;
}

int64_t hand_settles_at_ms(const struct relay *relay)
{
	bool at_once = fetcher_under_way(relay->fetcher) == 0 ||
		       relay->ended_count >= SETTLE_LANES || relay->events_ended >= SETTLE_ROWS;
	int64_t at_ms = at_once ? 0 : relay->settle_at_ms;

	if (relay->ended_count == 0 && relay->events_ended == 0)
		return INT64_MAX;
	return at_ms > relay->settle_not_before_ms ? at_ms : relay->settle_not_before_ms;
}

void hand_end_pauses(struct relay *relay, const struct peer *peer)
{
	for (size_t i = 0; i < relay->lane_count; i++) {
		struct lane *lane = &relay->lanes[i];

		if (lane->state == LANE_ENDED && lane->waits_for_peer && lane->peer == peer)
			lane->pause_ms = lane_has_failed_row(lane) ? 0 : LANE_RELEASED;
	}
}

/* Some of them may be lost: then each by itself tells. */
static enum rc renew(struct relay *relay, enum outbox_kind kind, struct lane **lanes, size_t n)
{
	int64_t until_ms = now_monotonic_ms() + HAND_LEASE_MS;
	uint64_t accounts[LANES_BATCH];
	enum rc rc;

	for (size_t i = 0; i < n; i++)
		accounts[i] = lanes[i]->account_id;
	rc = lanes_renew(relay->db, kind, relay->holder, accounts, n);
	if (rc != RC_OK)
		return rc;
	if (db_affected(relay->db) < n && n > 1) {
		for (size_t i = 0; i < n && rc == RC_OK; i++)
			rc = renew(relay, kind, &lanes[i], 1);
		return rc;
	}
	for (size_t i = 0; i < n; i++)
		lanes[i]->leased_until_ms = db_affected(relay->db) > 0 ? until_ms : 0;
	return RC_OK;
}

static enum rc renew_kind(struct relay *relay, enum outbox_kind kind)
{
	struct lane *lanes[LANES_BATCH];
	size_t n = 0;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < relay->lane_count && rc == RC_OK; i++) {
		struct lane *lane = &relay->lanes[i];

		if (lane->kind == kind && lane->state != LANE_FREE)
			lanes[n++] = lane;
		if (n < LANES_BATCH)
			continue;
		rc = renew(relay, kind, lanes, n);
		n = 0;
	}
	return rc == RC_OK && n > 0 ? renew(relay, kind, lanes, n) : rc;
}

void hand_renew(struct relay *relay)
{
	hand_begin_work(relay);
	for (int k = 0; k < OUTBOX_KINDS; k++)
		if (renew_kind(relay, (enum outbox_kind)k) != RC_OK)
			return; /* the database is away: the leases run on */
}

/* Asked before, an instance may not know yet of the session that it is making. */
static int64_t pause_of_dropped(const struct lane *lane)
{
	int64_t left_ms = lane->over_at_ms - now_monotonic_ms();

	return lane->kind == OUTBOX_COMMAND && left_ms > 0 ? left_ms : LANE_RELEASED;
}

void hand_drop(struct relay *relay)
{
	for (size_t i = 0; i < relay->lane_count; i++)
		if (relay->lanes[i].state == LANE_UNDER_WAY)
			lane_ends(&relay->lanes[i], pause_of_dropped(&relay->lanes[i]));
}
