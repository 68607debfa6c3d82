/*
 * account: one WhatsApp account of a workspace, and what can happen to it.
 *
 * Knows nothing of HTTP.  Read in this order: this file (the row, and what
 * callers may do), account_rules.h (what a report does to a row: pure),
 * account_store.h (its SQL), account_event.h (what is told to browsers).
 */
#ifndef WA_ACCOUNT_ACCOUNT_H
#define WA_ACCOUNT_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/board.h"
#include "base/buf.h"
#include "base/rc.h"
#include "base/span.h"
#include "db/db.h"

enum account_state {
	ACCOUNT_CONNECTING,
	ACCOUNT_CONNECTED,
	ACCOUNT_DISCONNECTED,
	ACCOUNT_ERROR,
	ACCOUNT_STATES,
};

/*
 * A row, as far as the statement that read it has selected it (account_store.h).
 * Times are UTC microseconds or TIME_NONE.
 */
struct account {
	uint64_t id;
	uint64_t workspace_id;
	struct span uuid;
	struct span session_id; /* absent: the Node service does not know it yet */
	struct span phone_number;
	struct span provider_type; /* webjs or meta */
	enum account_state state;
	bool is_primary;
	bool is_active;
	int64_t last_activity_at;
	int64_t last_connected_at;
	uint64_t state_version;
	double recent_failures; /* of metadata; 0 when that is no number */

	/* only of a row that was read to be changed */
	struct span metadata;
	bool has_qr;
	bool same_qr; /* as the one that is reported */
	int64_t qr_expires_at;
	int64_t qr_first_at;
	int64_t connect_deadline_at;
};

/* The word for a state, and the word that the old pages know. */
const char *account_state_name(enum account_state state);
const char *account_state_legacy(enum account_state state);
/* Understands the old words too.  False: no such word; nothing is written. */
bool account_state_of(struct span word, enum account_state *ret) MUST_CHECK;

/*
 * As the page shows it: digits and '+' kept; ten characters or more begin
 * with one '+'.  Absent without a number.
 */
struct span account_formatted_phone(struct span phone_number, struct arena *mem);
/* 0 to 100: how well the account does at `now_us`. */
int account_health(const struct account *account, int64_t now_us);

/* The limits of what may be asked for; from the settings. */
struct account_limits {
	uint64_t max_connected; /* of one workspace */
};

/*
 * The live account that `ref` names: a uuid of either case, an id or a
 * session_id.  With a workspace_id other than 0 it must be that one's.
 * Its spans live in `mem`.
 */
enum rc account_find(struct db *db, struct arena *mem, struct span ref, uint64_t workspace_id,
    struct account *ret) MUST_CHECK;

struct account_filter {
	struct span provider_type; /* absent: all */
	uint64_t workspace_id;     /* 0: all */
};

/*
 * Up to `limit` connected and active accounts with ids above `after`, in the
 * order of their ids.  Each account's spans live in `mem`.
 */
typedef enum rc account_each_fn(void *ctx, const struct account *account);
enum rc account_each_active(struct db *db, struct arena *mem, const struct account_filter *filter,
    uint64_t after, uint64_t limit, account_each_fn *fn, void *ctx) MUST_CHECK;

/* What the Node service reports about an account. */
struct account_report {
	struct span account; /* uuid, id or session_id */
	uint64_t workspace_id;
	enum account_state state;
	struct span qr_code; /* present: this is a QR code, and state is connecting */
	uint64_t qr_expires_s;
	struct span phone_number; /* absent, or anything: what is no number is ignored */
	struct span metadata;     /* a JSON object, or absent */
	struct span reason;       /* present: why a session was found to have ended */
};

/* Why a report was not taken as it came. */
enum account_refusal {
	ACCOUNT_ACCEPTED,
	ACCOUNT_LATE,          /* RC_CONFLICT: it connected a moment ago; nothing was stored */
	ACCOUNT_PHONE_TAKEN,   /* RC_CONFLICT: the state is now error, a disconnect is on its way */
	ACCOUNT_NOT_WEBJS,     /* RC_INVALID: a QR code for an account of another provider */
	ACCOUNT_METADATA_FULL, /* RC_INVALID: with this the row's metadata would pass its bound */
};

/*
 * Store what was reported, with its event, in one transaction.  The account
 * must belong to the report's workspace.  A report that changes nothing is
 * accepted and tells nobody.  `slot` counts; may be NULL.
 *
 * RC_NOT_FOUND  no such live account in that workspace
 * RC_CONFLICT, RC_INVALID  *reterr says why
 */
enum rc account_apply_report(struct db *db, struct arena *mem, const struct account_report *report,
    const struct account_limits *limits, struct slot *slot,
    enum account_refusal *reterr) MUST_CHECK;

#endif
