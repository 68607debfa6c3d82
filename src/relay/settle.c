/*
 * settle: what has become of rows, and the leases of their lanes, written
 * down together.
 */
#include "base/log.h"
#include "base/now.h"
#include "hand.h"

/* What is wrong with a row's lane must not come back at once. */
enum { FAULT_PAUSE_MS = 60000 };

static void count_end(const struct lane *lane, const struct lane_end *end)
{
	static const enum metric metrics[OUTBOX_KINDS][DELIVERY_STATES] = {
	    [OUTBOX_EVENT] =
		{
		    [DELIVERY_DELIVERED] = METRIC_EVENT_DELIVERED,
		    [DELIVERY_GIVEN_UP] = METRIC_EVENT_GIVEN_UP,
		    [DELIVERY_CANCELLED] = METRIC_EVENT_CANCELLED,
		    [DELIVERY_EXPIRED] = METRIC_EVENT_EXPIRED,
		},
	    [OUTBOX_COMMAND] =
		{
		    [DELIVERY_DELIVERED] = METRIC_COMMAND_DELIVERED,
		    [DELIVERY_GIVEN_UP] = METRIC_COMMAND_GIVEN_UP,
		    [DELIVERY_REPLACED] = METRIC_COMMAND_REPLACED,
		    [DELIVERY_CANCELLED] = METRIC_COMMAND_CANCELLED,
		},
	};

	slot_count(lane->relay->slot, metrics[lane->kind][end->state]);
	if (end->state == DELIVERY_DELIVERED)
		slot_count_request(lane->relay->slot,
		    lane->kind == OUTBOX_EVENT ? BOARD_EVENTS : BOARD_COMMANDS, 200, end->us);
}

static void log_given_up(const struct lane *lane, size_t at)
{
	const struct delivery *row = &lane->rows[at];
	struct log_line line;

	log_begin(&line, "error", "given_up");
	log_number(&line, "row", (int64_t)row->id);
	log_number(&line, "account", (int64_t)row->account_id);
	log_text(&line, "what", row->name);
	log_text(&line, "why", lane->ends[at].error);
	log_end(&line);
}

/* Not in hand any more, and so in nobody's count. */
static void forget_rows(struct lane *lane)
{
	lane->relay->events_ended -= lane->kind == OUTBOX_EVENT ? lane->at - lane->settled : 0;
	lane->settled = lane->at;
}

/* What is written down is not written again. */
static void count_rows(struct lane *lane)
{
	for (size_t i = lane->settled; i < lane->at; i++) {
		if (lane->ends[i].state == DELIVERY_WAITING)
			continue; /* left to whoever has it now */
		count_end(lane, &lane->ends[i]);
		if (lane->ends[i].state == DELIVERY_GIVEN_UP)
			log_given_up(lane, i);
	}
	forget_rows(lane);
}

/* Its place is free again. */
static void put_down(struct lane *lane)
{
	struct relay *relay = lane->relay;
	int64_t due_at_ms = now_monotonic_ms() + lane->pause_ms;

	if (lane_has_failed_row(lane))
		slot_count(relay->slot,
		    lane->kind == OUTBOX_EVENT ? METRIC_EVENT_RETRIED : METRIC_COMMAND_RETRIED);
	/* Rows may have come while it was ours; or there was no place for a lane behind it. */
	if (lane->pause_ms == LANE_RELEASED || relay->after[lane->kind] != 0)
		relay->looks = true;
	if (lane->pause_ms != LANE_RELEASED && due_at_ms < relay->due_at_ms)
		relay->due_at_ms = due_at_ms;
	relay->ended_count--;
	arena_reset(lane->mem);
	*lane = (struct lane){.relay = relay, .kind = lane->kind, .mem = lane->mem};
}

/* A mistake of ours, or a schema that is not ours: it must not stand in the way of all others. */
static void give_in(struct lane *lane)
{
	log_error(
	    "what became of account %llu's rows could not be written down; its lane rests "
	    "until its lease ends",
	    (unsigned long long)lane->account_id);
	forget_rows(lane);
	if (lane->state != LANE_ENDED)
		return;
	lane->count = lane->at;
	lane->pause_ms = FAULT_PAUSE_MS;
	put_down(lane);
}

static bool is_away(enum rc rc)
{
	return rc == RC_RETRY || rc == RC_UNKNOWN;
}

/* Rows that were delivered, together with others'. */
struct delivered {
	uint64_t ids[LANES_BATCH];
	size_t count;
	bool is_broken; /* some could not be written down, for a reason that stays */
};

static enum rc settle_delivered(struct db *db, struct delivered *d)
{
	enum rc rc = delivery_delivered(db, d->ids, d->count);

	d->count = 0;
	d->is_broken = d->is_broken || (rc != RC_OK && !is_away(rc));
	return is_away(rc) ? rc : RC_OK;
}

/* Of a lane that another relay may have by now, only what has arrived is certain. */
static enum rc settle_rows(struct lane *lane, struct delivered *delivered)
{
	struct db *db = lane->relay->db;
	const struct lane_end *failed = &lane->ends[lane->at];
	bool is_ours = lane_is_ours(lane);
	enum rc rc = RC_OK;

	for (size_t i = lane->settled; i < lane->at && rc == RC_OK; i++) {
		struct lane_end *end = &lane->ends[i];

		if (end->state == DELIVERY_DELIVERED) {
			delivered->ids[delivered->count++] = lane->rows[i].id;
			if (delivered->count == LANES_BATCH)
				rc = settle_delivered(db, delivered);
		} else if (is_ours) {
			rc = delivery_settle(db, lane->rows[i].id, end->state, end->error);
		} else {
			end->state = DELIVERY_WAITING;
		}
	}
	if (rc == RC_OK && is_ours && lane_has_failed_row(lane))
		rc = delivery_again(db, &lane->rows[lane->at], failed->state, failed->attempts,
		    lane->pause_ms, failed->error);
	return rc;
}

/* Also of lanes that are still under way. */
static enum rc settle_events(struct relay *relay)
{
	struct delivered delivered = {.count = 0};
	enum rc rc = RC_OK;

	for (size_t l = 0; l < relay->lane_count && !is_away(rc); l++) {
		struct lane *lane = &relay->lanes[l];

		if (lane->kind != OUTBOX_EVENT || lane->state == LANE_FREE)
			continue;
		rc = settle_rows(lane, &delivered);
		if (rc != RC_OK && !is_away(rc))
			give_in(lane);
	}
	if (!is_away(rc))
		rc = settle_delivered(relay->db, &delivered);
	for (size_t l = 0; l < relay->lane_count && !is_away(rc); l++) {
		struct lane *lane = &relay->lanes[l];

		if (lane->kind == OUTBOX_EVENT && !delivered.is_broken)
			count_rows(lane);
		else if (lane->kind == OUTBOX_EVENT && lane->settled < lane->at)
			give_in(lane);
	}
	return is_away(rc) ? rc : RC_OK;
}

/* Each by itself: one whose account is locked does not keep the others. */
static enum rc settle_commands(struct relay *relay)
{
	enum rc worst = RC_OK;

	for (size_t l = 0; l < relay->lane_count; l++) {
		struct lane *lane = &relay->lanes[l];
		enum rc rc;

		if (lane->kind != OUTBOX_COMMAND || lane->state != LANE_ENDED)
			continue;
		rc = command_settle(lane);
		if (rc == RC_OK) {
			lane->is_unsettled = false;
			count_rows(lane);
		} else if (is_away(rc)) {
			worst = rc;
		} else {
			give_in(lane);
		}
	}
	return worst;
}

static bool is_settled(const struct lane *lane, enum outbox_kind kind)
{
	return lane->kind == kind && lane->state == LANE_ENDED && lane->settled == lane->at &&
	       !lane->is_unsettled;
}

/* Whether both leases end in the same way, and can be given back together. */
static bool end_alike(const struct lane *a, const struct lane *b)
{
	if (a->pause_ms == LANE_RELEASED || b->pause_ms == LANE_RELEASED)
		return a->pause_ms == b->pause_ms;
	return a->waits_for_peer && b->waits_for_peer && a->peer == b->peer &&
	       !lane_has_failed_row(a) && !lane_has_failed_row(b);
}

/* Of this lane, and of those behind it that end alike; they are put down. */
static enum rc settle_lease(struct relay *relay, size_t at)
{
	struct lane *first = &relay->lanes[at], *lanes[LANES_BATCH] = {first};
	uint64_t accounts[LANES_BATCH] = {first->account_id};
	size_t n = 1;
	enum rc rc;

	for (size_t l = at + 1; l < relay->lane_count && n < LANES_BATCH; l++) {
		struct lane *lane = &relay->lanes[l];

		if (!is_settled(lane, first->kind) || !end_alike(first, lane))
			continue;
		accounts[n] = lane->account_id;
		lanes[n++] = lane;
	}
	if (first->pause_ms == LANE_RELEASED)
		rc = lanes_release(relay->db, first->kind, relay->holder, accounts, n);
	else
		rc = lanes_park(relay->db, first->kind, relay->holder, accounts, n, first->pause_ms,
		    first->waits_for_peer ? peer_number(first->peer) : LANES_OWN);
	while (rc == RC_OK && n > 0)
		put_down(lanes[--n]);
	return rc;
}

static enum rc settle_leases(struct relay *relay, enum outbox_kind kind)
{
	enum rc rc = RC_OK;

	for (size_t l = 0; l < relay->lane_count && rc == RC_OK; l++)
		if (is_settled(&relay->lanes[l], kind))
			rc = settle_lease(relay, l);
	return rc;
}

void hand_settle(struct relay *relay)
{
	enum rc rc, leases;

	hand_begin_work(relay);
	rc = settle_events(relay);
	if (rc == RC_OK)
		rc = settle_leases(relay, OUTBOX_EVENT);
	if (rc == RC_OK)
		rc = settle_commands(relay);
	/* Of those that could be settled, also when some could not. */
	if (rc == RC_OK || db_is_connected(relay->db)) {
		leases = settle_leases(relay, OUTBOX_COMMAND);
		if (rc == RC_OK)
			rc = leases;
	}
	if (rc != RC_OK)
		relay->settle_not_before_ms = now_monotonic_ms() + HAND_AWAY_MS;
}
