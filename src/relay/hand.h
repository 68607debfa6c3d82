/*
 * hand: the lanes that the relay holds, and what it knows of its peers.
 *
 * A lane in hand is either under way, with one request, or ended.  What has
 * become of its rows is settled in the database together with those of other
 * lanes, every few milliseconds; when it has ended, its lease too.  While the
 * database is away it stays ended, and nothing new is taken in its place.
 */
#ifndef WA_RELAY_HAND_H
#define WA_RELAY_HAND_H

#include "account/account.h"
#include "base/board.h"
#include "broadcast/broadcast.h"
#include "conf/settings.h"
#include "net/breaker.h"
#include "net/fetch.h"
#include "outbox/delivery.h"
#include "provider/provider.h"

struct relay;

/* Somebody to whom it speaks. */
struct peer {
	char name[24]; /* "broadcast", "instance-1" */
	size_t place;  /* on the board */
	struct breaker breaker;
	size_t under_way;
	size_t most;  /* requests at a time */
	bool is_free; /* again: who waits for it need not wait any longer */
};

enum lane_state { LANE_FREE, LANE_UNDER_WAY, LANE_ENDED };

/* What becomes of a row; the state waiting or sending: it stays open. */
struct lane_end {
	enum delivery_state state;
	uint64_t attempts;
	struct span error; /* absent: none */
	int64_t us;        /* from the row to its arrival */
};

enum { LANE_ROWS = DELIVERY_ROWS, LANE_RELEASED = -1 };

struct lane {
	struct relay *relay;
	enum outbox_kind kind;
	enum lane_state state;
	uint64_t account_id;
	struct arena *mem; /* its rows, its request, its answer */
	struct delivery rows[LANE_ROWS];
	/* of the first `at` rows, and of the next one if it stays open */
	struct lane_end ends[LANE_ROWS];
	size_t count, at;
	size_t settled;          /* of those before `at`: written down already */
	int64_t read_at_us;      /* of the monotonic clock */
	int64_t leased_until_ms; /* by our clock, with a margin */
	bool is_full;            /* what follows is read in another turn */
	int64_t pause_ms;    /* of an ended lane: how long nobody is to take it, or LANE_RELEASED */
	bool waits_for_peer; /* in that pause */
	struct peer *peer;   /* of what is under way */

	/* an event */
	bool reduced;

	/* a command */
	enum provider_command command; /* of the row */
	enum provider_command asked;   /* what is under way for it */
	bool in_doubt;                 /* it went out before, and nobody knows what became of it */
	int64_t over_at_ms;       /* when its instance has had its time for what is under way */
	struct span instance_url; /* of the instance that has the session now; absent: as before */
	struct provider_qr qr;    /* to be stored; absent: none */
	bool is_unsettled;        /* what it came to is not written down yet */
};

struct relay {
	const struct settings *settings;
	struct board *board;
	struct slot *slot;
	struct db *db;
	struct fetcher *fetcher;
	struct arena *mem; /* of one piece of work with the database */
	uint64_t holder;
	int bell;

	struct broadcast_options broadcast_options;
	struct broadcast *broadcast; /* NULL: events are logged, or nothing */
	struct provider_options provider;
	struct account_limits limits;
	struct peer broadcaster;
	struct peer *instances;

	struct lane *lanes;
	size_t lane_count;
	size_t ended_count;
	size_t events_ended; /* and are not settled yet; a command is settled with its lane */
	uint64_t claims;     /* so far */
	uint64_t after[OUTBOX_KINDS]; /* where the next look begins: all lanes have their turn */
	bool again[OUTBOX_KINDS];     /* something came while a round of looks was under way */

	bool stops; /* nothing new is begun */
	bool looks; /* at once */
	int64_t look_at_ms;
	int64_t due_at_ms; /* the end of the first pause that we know of */
	int64_t settle_at_ms;
	int64_t settle_not_before_ms; /* the database is away */
	int64_t tend_at_ms;
	int64_t renew_at_ms;
};

/*
 * A lease is relied upon for so long, by our clock; and when the database is
 * away, it is asked again after so long.
 */
enum { HAND_LEASE_MS = LANES_LEASE_S * 1000 - 8000, HAND_AWAY_MS = 300 };

/*
 * What the database is given for a piece of work: less than a request to the
 * Pusher server, which would else be over before its answer is looked at.
 */
enum { HAND_WORK_MS = 3000 };

/* Pauses of a row: they double from the first to this one. */
enum { HAND_PAUSE_MOST_MS = 60000, HAND_NO_MEMORY_MS = 1000 };

/* hand.c */

enum rc hand_create(struct relay *relay) MUST_CHECK;
void hand_free(struct relay *relay);
/* A piece of work with the database begins. */
void hand_begin_work(struct relay *relay);
/* When what has ended is to be settled; INT64_MAX when nothing has. */
int64_t hand_settles_at_ms(const struct relay *relay);
/* What has ended and is to wait for this peer need not: as lanes_end_pauses for those in hand. */
void hand_end_pauses(struct relay *relay, const struct peer *peer);
/* The leases of what is in hand begin anew. */
void hand_renew(struct relay *relay);
/* Nobody waits for what is under way any more; instances are left the time that they have. */
void hand_drop(struct relay *relay);

/* take.c: take what is free, and begin with it. */
void hand_look(struct relay *relay);
/* settle.c: write down what has ended. */
void hand_settle(struct relay *relay);

/* hand.c: one lane */

/* The row in hand. */
static inline struct delivery *lane_row(struct lane *lane)
{
	return &lane->rows[lane->at];
}

/* The lease is sure to last for a while: what is written down now is nobody else's. */
bool lane_is_ours(const struct lane *lane);
/* And something may be begun. */
bool lane_may_begin(const struct lane *lane);
/* Microseconds until the row is not worth delivering any more. */
int64_t lane_left_us(const struct lane *lane, const struct delivery *row);
/* What becomes of the row in hand; the next one follows. */
void lane_row_ends(struct lane *lane, enum delivery_state state, struct span error);
/* It stays open, with this; the lane is paused, because of it or because of its peer. */
void lane_row_stays(struct lane *lane, enum delivery_state state, uint64_t attempts,
    struct span error, int64_t pause_ms, bool waits_for_peer);
/* Nothing more is done with it: `pause_ms`, or LANE_RELEASED. */
void lane_ends(struct lane *lane, int64_t pause_ms);
/* Nobody is to take it until its peer takes something. */
void lane_waits(struct lane *lane, const struct peer *peer);
/* Is the row after the last one that ended to be tried again? */
bool lane_has_failed_row(const struct lane *lane);

bool event_shows_qr(const struct delivery *row);
/* event.c, command.c: go on with the row in hand. */
void event_go(struct lane *lane);
void command_go(struct lane *lane);
/* Again and again until RC_OK; what was written down already is not written again. */
enum rc command_settle(struct lane *lane) MUST_CHECK;

/* peer.c */
enum peer_outcome { PEER_ANSWERED, PEER_FAILED, PEER_REFUSES };

/* On the board, for the metrics. */
void peer_show(const struct relay *relay, const struct peer *peer);
bool peer_may_begin(struct peer *peer);
/* Milliseconds until it is worth asking again, if nobody tells that it is free. */
int64_t peer_wait_ms(const struct peer *peer);
/* As lanes have it: not LANES_OWN. */
static inline uint64_t peer_number(const struct peer *peer)
{
	return peer->place + 1;
}
void peer_began(struct relay *relay, struct peer *peer);
void peer_ended(struct relay *relay, struct peer *peer, enum peer_outcome outcome, struct span why,
    int64_t at_least_ms);

#endif
