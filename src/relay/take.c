/*
 * take: which free lanes the relay takes in its hand, and their rows.
 */
#include "base/now.h"
#include "hand.h"

enum { UNREAD_PAUSE_MS = 1000 };

static struct lane *free_lane(struct relay *relay, enum outbox_kind kind)
{
	for (size_t i = 0; i < relay->lane_count; i++)
		if (relay->lanes[i].kind == kind && relay->lanes[i].state == LANE_FREE)
			return &relay->lanes[i];
	return NULL;
}

static size_t count_free(const struct relay *relay, enum outbox_kind kind)
{
	size_t count = 0;

	for (size_t i = 0; i < relay->lane_count; i++)
		count += relay->lanes[i].kind == kind && relay->lanes[i].state == LANE_FREE;
	return count;
}

static bool any_instance_takes(struct relay *relay)
{
	for (size_t i = 0; i < relay->provider.instance_count; i++)
		if (peer_may_begin(&relay->instances[i]))
			return true;
	return false;
}

/* Nothing is taken that nobody takes from us; one event, when it is to be tried. */
static size_t room(struct relay *relay, enum outbox_kind kind)
{
	size_t free = count_free(relay, kind);
	struct peer *peer = &relay->broadcaster;

	if (kind == OUTBOX_COMMAND)
		return any_instance_takes(relay) ? free : 0;
	if (relay->broadcast == NULL)
		return free;
	if (!peer_may_begin(peer))
		return 0;
	return peer->breaker.state == BREAKER_CLOSED || free == 0 ? free : 1;
}

static struct lane *find_lane(struct relay *relay, enum outbox_kind kind, uint64_t account_id)
{
	for (size_t i = 0; i < relay->lane_count; i++) {
		struct lane *lane = &relay->lanes[i];

		if (lane->kind == kind && lane->state != LANE_FREE &&
		    lane->account_id == account_id)
			return lane;
	}
	return NULL;
}

static void begin_lane(struct relay *relay, enum outbox_kind kind, uint64_t account_id)
{
	struct lane *lane = free_lane(relay, kind);

	lane->state = LANE_UNDER_WAY;
	lane->account_id = account_id;
	lane->leased_until_ms = now_monotonic_ms() + HAND_LEASE_MS;
	lane->read_at_us = now_monotonic_us();
}

static void copy_row(struct lane *lane, const struct delivery *row)
{
	struct delivery *copy = &lane->rows[lane->count++];
	struct span *texts[] = {
	    &copy->name, &copy->payload, &copy->last_error, &copy->qr_code, &copy->instance_url};

	*copy = *row;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (texts[i]->ptr != NULL)
			*texts[i] = arena_copy(lane->mem, *texts[i]);
}

struct reading {
	struct relay *relay;
	enum outbox_kind kind;
};

/* A QR code is read when it is next to be sent, not behind others. */
static enum rc keep_row(void *ctx, const struct delivery *row)
{
	const struct reading *r = ctx;
	struct lane *lane = find_lane(r->relay, r->kind, row->account_id);

	if (lane == NULL)
		return RC_INTERNAL;
	lane->is_full =
	    lane->is_full || lane->count == LANE_ROWS || (lane->count > 0 && event_shows_qr(row));
	if (!lane->is_full)
		copy_row(lane, row);
	return RC_OK;
}

/* Without rows: they were settled meanwhile, or could not be read. */
static void go(struct lane *lane, enum rc rc)
{
	if (lane->count == 0)
		lane_ends(lane, rc == RC_OK ? LANE_RELEASED : UNREAD_PAUSE_MS);
	else if (lane->kind == OUTBOX_EVENT)
		event_go(lane);
	else
		command_go(lane);
}

/* What is in hand already has its lane, whatever the database says of its lease. */
static void leave_out_held(struct relay *relay, enum outbox_kind kind, struct lanes_found *found)
{
	size_t fresh = 0, due = 0;

	for (size_t i = 0; i < found->fresh_count; i++)
		if (find_lane(relay, kind, found->fresh[i]) == NULL)
			found->fresh[fresh++] = found->fresh[i];
	for (size_t i = 0; i < found->due_count; i++)
		if (find_lane(relay, kind, found->due[i]) == NULL)
			found->due[due++] = found->due[i];
	found->fresh_count = fresh;
	found->due_count = due;
}

static enum rc take(struct relay *relay, enum outbox_kind kind, struct lanes_found *found)
{
	struct lanes_claim claim = {kind, relay->holder, ++relay->claims};
	struct reading reading = {relay, kind};
	uint64_t accounts[LANES_BATCH];
	size_t count = 0;
	enum rc rc;

	leave_out_held(relay, kind, found);
	if (found->fresh_count + found->due_count == 0)
		return RC_OK;
	rc = lanes_take(relay->db, relay->mem, &claim, found, accounts, &count);
	if (rc != RC_OK || count == 0) {
		/* What could not be given back comes free when its lease ends. */
		enum rc released = lanes_release_claim(relay->db, &claim);

		return rc == RC_OK ? released : rc;
	}
	for (size_t i = 0; i < count; i++)
		begin_lane(relay, kind, accounts[i]);
	rc = delivery_each(relay->db, relay->mem, kind, accounts, count, keep_row, &reading);
	for (size_t i = 0; i < count; i++)
		go(find_lane(relay, kind, accounts[i]), rc);
	return rc;
}

/*
 * A look goes on behind the last one, until a round is over.  What came
 * meanwhile may stand before: then there is another round.
 */
static void next_round(struct relay *relay, enum outbox_kind kind, const struct lanes_found *found)
{
	bool goes_on = found->is_full || found->has_more;

	if (relay->after[kind] == 0)
		relay->again[kind] = false;
	relay->after[kind] = goes_on ? found->last : 0;
	/* Full hands look again when they are free. */
	if (goes_on ? !found->is_full : relay->again[kind])
		relay->looks = true;
}

void hand_look(struct relay *relay)
{
	struct lanes_found found[OUTBOX_KINDS];
	struct db_ask asks[OUTBOX_KINDS];
	enum outbox_kind kinds[OUTBOX_KINDS];
	size_t n = 0;
	int64_t now = now_monotonic_ms();
	enum rc rc = RC_OK;

	relay->looks = false;
	relay->look_at_ms = now + (int64_t)relay->settings->relay_poll_ms;
	if (relay->due_at_ms <= now)
		relay->due_at_ms = INT64_MAX;
	for (int k = 0; k < OUTBOX_KINDS; k++) {
		size_t most = room(relay, (enum outbox_kind)k);

		if (most == 0)
			continue;
		kinds[n] = (enum outbox_kind)k;
		lanes_ask(kinds[n], relay->after[k], most, &found[n], &asks[n]);
		n++;
	}
	if (n == 0)
		return;
	hand_begin_work(relay);
	rc = db_ask_all(relay->db, asks, n, relay->mem);
	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		next_round(relay, kinds[i], &found[i]);
		rc = take(relay, kinds[i], &found[i]);
	}
	if (rc != RC_OK)
		relay->look_at_ms = now_monotonic_ms() + HAND_AWAY_MS;
}
