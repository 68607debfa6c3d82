#include "account/account.h"
#include "base/log.h"
#include "base/now.h"
#include "hand.h"
#include "net/backoff.h"
#include "text/json.h"

enum { PAUSE_FIRST_MS = 1000 };

/* Whose session, as the row has it: its account may be gone. */
static struct provider_session session_of(struct lane *lane)
{
	const struct delivery *row = lane_row(lane);
	struct provider_session session = {
	    .workspace_id = row->workspace_id,
	    .account_id = row->account_id,
	};
	const char *fault;
	json_t *payload = NULL;

	if (json_read(row->payload, &payload, &fault) == RC_OK)
		session.session_id =
		    arena_copy(lane->mem, json_text(json_object_get(payload, "session_id")));
	json_decref(payload);
	return session;
}

static void give_up(struct lane *lane, struct span why)
{
	lane_row_ends(lane, DELIVERY_GIVEN_UP, why);
	lane_ends(lane, LANE_RELEASED);
}

static void is_done(struct lane *lane)
{
	lane_row_ends(lane, DELIVERY_DELIVERED, (struct span){0});
	lane_ends(lane, LANE_RELEASED);
}

/* It has begun: its attempts count this one already. */
static void fails(struct lane *lane, struct span why, int64_t at_least_ms)
{
	uint64_t attempts = lane_row(lane)->attempts;
	int64_t pause_ms = backoff_ms(attempts, PAUSE_FIRST_MS, HAND_PAUSE_MOST_MS);

	if (attempts >= lane->relay->settings->outbox_attempts)
		give_up(lane, why);
	else
		lane_row_stays(lane, lane->in_doubt ? DELIVERY_SENDING : DELIVERY_WAITING, attempts,
		    why, pause_ms > at_least_ms ? pause_ms : at_least_ms, false);
}

/* No fault of its own: it waits for the instance, and that does not count against it. */
static void waits(struct lane *lane, struct span why, int64_t at_least_ms)
{
	int64_t pause_ms = peer_wait_ms(lane->peer);

	lane_row_stays(lane, lane->in_doubt ? DELIVERY_SENDING : DELIVERY_WAITING,
	    lane_row(lane)->attempts - 1, why, pause_ms > at_least_ms ? pause_ms : at_least_ms,
	    true);
}

static void ended(void *ctx, const struct fetch_reply *reply);

static void send(struct lane *lane, enum provider_command command)
{
	struct relay *relay = lane->relay;
	struct provider_session session = session_of(lane);
	size_t instance = lane->peer->place - 1;
	struct fetch_request request;

	if (session.session_id.len == 0) {
		give_up(lane, SPAN_OF("the account has no session_id"));
		return;
	}
	if (!lane_may_begin(lane)) {
		/* It stays as it is: whoever takes it asks first. */
		lane_ends(lane, LANE_RELEASED);
		return;
	}
	request = provider_request(&relay->provider, instance, command, &session, lane->mem);
	lane->asked = command;
	lane->over_at_ms = now_monotonic_ms() + request.timeout_ms;
	if (fetch_begin(relay->fetcher, &request, ended, lane) == RC_OK)
		peer_began(relay, lane->peer);
	else
		fails(lane, SPAN_OF("out of memory"), HAND_NO_MEMORY_MS);
}

/* It has worked; what its answer says besides is stored with it. */
static void keep_answer(struct lane *lane, const struct fetch_reply *reply)
{
	if (!provider_begins_session(lane->command))
		return;
	if (!provider_read_qr(reply, lane->mem, &lane->qr))
		lane->qr = (struct provider_qr){0};
	if (lane->command == PROVIDER_CONNECT || lane->asked == PROVIDER_CONNECT)
		lane->instance_url = lane->relay->provider.instances[lane->peer->place - 1];
}

static void ended(void *ctx, const struct fetch_reply *reply)
{
	struct lane *lane = ctx;
	struct relay *relay = lane->relay;
	enum provider_verdict verdict = provider_judge(lane->asked, reply);
	struct span why = provider_reason(&relay->provider, reply, DELIVERY_ERROR, lane->mem);
	enum peer_outcome outcome = PEER_ANSWERED;

	if (verdict == PROVIDER_AGAIN || verdict == PROVIDER_IN_DOUBT || verdict == PROVIDER_AWAY)
		outcome = PEER_FAILED;
	else if (verdict == PROVIDER_SETTINGS)
		outcome = PEER_REFUSES;
	peer_ended(relay, lane->peer, outcome, why, reply->retry_after_ms);
	switch (verdict) {
	case PROVIDER_DONE:
		keep_answer(lane, reply);
		is_done(lane);
		break;
	case PROVIDER_CONNECT_INSTEAD:
		send(lane, PROVIDER_CONNECT);
		break;
	case PROVIDER_SEND:
		lane->in_doubt = false;
		send(lane, lane->command);
		break;
	case PROVIDER_IN_DOUBT:
		/* A disconnect is simply sent again. */
		lane->in_doubt = provider_begins_session(lane->command);
		if (reply->end == FETCH_LOST)
			fails(lane, why, reply->retry_after_ms);
		else
			waits(lane, why, reply->retry_after_ms);
		break;
	case PROVIDER_AGAIN:
		fails(lane, why, reply->retry_after_ms);
		break;
	case PROVIDER_AWAY:
	case PROVIDER_SETTINGS:
		waits(lane, why, reply->retry_after_ms);
		break;
	case PROVIDER_REFUSED:
		give_up(lane, why);
		break;
	}
}

/* Why the command in hand is not to be sent any more; absent if it is. */
static struct span moot(struct lane *lane)
{
	const struct delivery *row = lane_row(lane);

	if (!provider_begins_session(lane->command))
		return (struct span){0};
	if (!row->has_account)
		return SPAN_OF("the account was deleted");
	return row->is_connected ? SPAN_OF("the account is connected") : (struct span){0};
}

static struct span too_old(struct lane *lane)
{
	const struct delivery *row = lane_row(lane);
	struct buf text = buf_in(lane->mem, DELIVERY_ERROR);

	buf_puts(&text, "it could not be sent within 15 minutes");
	if (row->last_error.len > 0 && row->last_error.len < DELIVERY_ERROR / 2) {
		buf_puts(&text, ": ");
		buf_put(&text, row->last_error);
	}
	return buf_span(&text);
}

static void log_ignored(const struct delivery *row)
{
	struct log_line line;

	log_begin(&line, "warn", "instance_ignored");
	log_number(&line, "account", (int64_t)row->account_id);
	log_text(&line, "assigned_instance_url", row->instance_url);
	log_text(&line, "why", SPAN_OF("no WHATSAPP_INSTANCE_n is this URL"));
	log_end(&line);
}

/* From here on the row says that it is under way. */
static void begin(struct lane *lane, bool ignores_instance)
{
	struct relay *relay = lane->relay;
	bool asks = lane->in_doubt && provider_begins_session(lane->command);

	hand_begin_work(relay);
	switch (delivery_begin(relay->db, lane_row(lane))) {
	case RC_OK:
		if (ignores_instance)
			log_ignored(lane_row(lane));
		send(lane, asks ? PROVIDER_STATUS : lane->command);
		break;
	case RC_CONFLICT:
		lane_ends(lane, LANE_RELEASED);
		break;
	default:
		lane_ends(lane, HAND_AWAY_MS);
		break;
	}
}

/* It went out, would begin a session, and nobody knows what became of it. */
static bool is_in_doubt(const struct delivery *row)
{
	enum provider_command command;

	return row->state == DELIVERY_SENDING && provider_command_of(row->name, &command) &&
	       provider_begins_session(command);
}

/*
 * A command that failed before, or may have, makes way for a newer one, which
 * inherits its doubt; but another code is wanted whatever became of the session.
 */
static void skip_replaced(struct lane *lane)
{
	for (; lane->at + 1 < lane->count;
	     lane_row_ends(lane, DELIVERY_REPLACED, (struct span){0})) {
		const struct delivery *row = lane_row(lane), *next = row + 1;

		if (row->state != DELIVERY_SENDING && row->last_error.ptr == NULL)
			break;
		lane->in_doubt =
		    (lane->in_doubt || is_in_doubt(row)) &&
		    (span_eq(row->name, next->name) || !span_is(next->name, "regenerate-qr"));
	}
	lane->in_doubt = lane->in_doubt || is_in_doubt(lane_row(lane));
}

void command_go(struct lane *lane)
{
	struct relay *relay = lane->relay;
	const struct delivery *row;
	struct span why;
	bool ignored;

	skip_replaced(lane);
	row = lane_row(lane);
	if (!provider_command_of(row->name, &lane->command)) {
		give_up(lane, SPAN_OF("this version knows no such command"));
		return;
	}
	if (lane_left_us(lane, row) <= 0) {
		give_up(lane, too_old(lane));
		return;
	}
	why = moot(lane);
	if (why.ptr != NULL) {
		lane_row_ends(lane, DELIVERY_CANCELLED, why);
		lane_ends(lane, LANE_RELEASED);
		return;
	}
	lane->peer = &relay->instances[provider_route(
	    &relay->provider, row->instance_url, row->workspace_id, &ignored)];
	if (!lane_may_begin(lane))
		lane_ends(lane, LANE_RELEASED);
	else if (!peer_may_begin(lane->peer))
		lane_waits(lane, lane->peer);
	else
		begin(lane, ignored);
}

struct settling {
	struct lane *lane;
	bool has_newer; /* command: what this one says of the account does not count any more */
};

/* What is not open any more was settled by somebody else, with what it meant. */
static enum rc settle_row(
    struct db *db, const struct settling *s, const struct delivery *row, struct lane_end *end)
{
	struct arena *mem = s->lane->relay->mem;
	enum provider_command command = PROVIDER_STATUS;
	bool begins = provider_command_of(row->name, &command) && provider_begins_session(command);
	enum rc rc;

	/* Another relay may have it by now: then only what has worked is certain. */
	if (!lane_is_ours(s->lane) && end->state != DELIVERY_DELIVERED)
		end->state = DELIVERY_WAITING;
	if (end->state == DELIVERY_WAITING)
		return RC_OK;
	if (end->state == DELIVERY_GIVEN_UP && s->has_newer)
		end->state = DELIVERY_REPLACED;
	rc = delivery_settle(db, row->id, end->state, end->error);
	if (rc != RC_OK || db_affected(db) == 0)
		return rc;
	if (end->state == DELIVERY_GIVEN_UP && begins)
		rc = account_command_failed(db, mem, row->account_id, end->error);
	if (rc == RC_OK && end->state == DELIVERY_DELIVERED && s->lane->instance_url.ptr != NULL)
		rc = account_assign_instance(db, row->account_id, s->lane->instance_url);
	return rc;
}

/* The rows, and what they mean for the account, in one transaction. */
static enum rc settle_body(struct db *db, void *ctx)
{
	struct settling *s = ctx;
	struct lane *lane = s->lane;
	const struct delivery *last = &lane->rows[lane->at > 0 ? lane->at - 1 : 0];
	const struct lane_end *failed = &lane->ends[lane->at];
	enum rc rc = account_hold(db, lane->relay->mem, lane->account_id);

	if (rc == RC_OK)
		rc = delivery_has_newer(db, lane->relay->mem, last, &s->has_newer);
	for (size_t i = lane->settled; i < lane->at && rc == RC_OK; i++)
		rc = settle_row(db, s, &lane->rows[i], &lane->ends[i]);
	if (rc == RC_OK && lane_has_failed_row(lane))
		rc = delivery_again(db, &lane->rows[lane->at], failed->state, failed->attempts,
		    lane->pause_ms, failed->error);
	return rc;
}

/* What the account's state does not allow any more is not stored, as from a report. */
static enum rc store_qr(struct lane *lane)
{
	struct relay *relay = lane->relay;
	enum account_refusal refusal;
	struct buf ref = buf_in(relay->mem, 24);
	struct account_report report = {
	    .workspace_id = lane->rows[0].workspace_id,
	    .state = ACCOUNT_CONNECTING,
	    .qr_code = lane->qr.code,
	    .qr_expires_s = lane->qr.expires_s,
	};
	enum rc rc;

	buf_put_u64(&ref, lane->account_id);
	report.account = buf_span(&ref);
	rc = account_apply_report(
	    relay->db, relay->mem, &report, &relay->limits, relay->slot, &refusal);
	return rc == RC_RETRY || rc == RC_UNKNOWN ? rc : RC_OK;
}

enum rc command_settle(struct lane *lane)
{
	struct settling settling = {.lane = lane};
	enum rc rc = RC_OK;

	if (lane->settled < lane->at || (lane_has_failed_row(lane) && lane_is_ours(lane)))
		rc = db_transaction(lane->relay->db, settle_body, &settling);
	if (rc != RC_OK || lane->qr.code.ptr == NULL)
		return rc;
	/* A code that is lost with this process comes again through a report. */
	if (!settling.has_newer)
		rc = store_qr(lane);
	if (rc == RC_OK)
		lane->qr = (struct provider_qr){0};
	return rc;
}
