/*
 * account: one WhatsApp account of a workspace, and what can happen to it.
 *
 * Knows nothing of HTTP.  Read in this order: this file (the row, and what
 * callers may do), account_rules.h (what people may ask for, and how an
 * account looks: pure), account_report.h (what a report does to a row: pure),
 * account_store.h (its SQL), account_event.h (what is told to others).
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

	struct span
	    assigned_url; /* only of the Node service's list: its instance's, if it is known */

	/* not of the Node service's lists */
	struct span account_name;
	int64_t created_at;

	/* only of a row that was read to be shown as a whole or to be changed */
	struct span metadata;
	struct span qr_code; /* only to be shown */
	int64_t qr_expires_at;

	/* only of a row that was read to be changed */
	bool has_qr;
	bool same_qr; /* as the one that is reported */
	int64_t qr_first_at;
	int64_t connect_deadline_at;
	int64_t deleted_at;
};

/* The limits of what may be asked for; from the settings. */
struct account_limits {
	uint64_t max_connected; /* of one workspace */
	int64_t connect_deadline_us;
	bool phone_optional; /* of a new webjs account */
};

/*
 * The live account that `ref` names: a uuid of either case, an id or a
 * session_id.  With a workspace_id other than 0 it must be that one's.
 * Its spans live in `mem`.
 */
enum rc account_find(struct db *db, struct arena *mem, struct span ref, uint64_t workspace_id,
    struct account *ret) MUST_CHECK;
/* Also among the deleted ones. */
enum rc account_find_any(
    struct db *db, struct arena *mem, struct span ref, struct account *ret) MUST_CHECK;

/* Called for one account; another answer than RC_OK ends the walk and is returned. */
typedef enum rc account_each_fn(void *ctx, const struct account *account);

struct account_filter {
	struct span provider_type; /* absent: all */
	uint64_t workspace_id;     /* 0: all */
	/* for account_each_page only */
	bool only_active;
	bool only_connected;
	bool only_primary;
	bool deleted; /* those, instead of the live ones */
};

/*
 * Up to `limit` connected and active accounts with ids above `after`, in the
 * order of their ids.  Each account's spans live in `mem`.
 */
enum rc account_each_active(struct db *db, struct arena *mem, const struct account_filter *filter,
    uint64_t after, uint64_t limit, account_each_fn *fn, void *ctx) MUST_CHECK;
/* Likewise any accounts, with their names, for an operator. */
enum rc account_each_page(struct db *db, struct arena *mem, const struct account_filter *filter,
    uint64_t after, uint64_t limit, account_each_fn *fn, void *ctx) MUST_CHECK;

/* The live accounts of a workspace. */
struct account_list {
	struct account *rows;
	size_t count;
	size_t room;
	uint64_t connected; /* of them */
	struct arena *mem;
};

/* Make the question; *ret is filled when it is answered, in no order. */
void account_ask_list(
    struct arena *mem, uint64_t workspace_id, struct account_list *ret, struct db_ask *ask);
/* As a page lists them: primary first, then the newest, then by id, the highest first. */
void account_list_sort(struct account_list *list);

/* A live account of the workspace, by uuid. */
struct account_found {
	bool found;
	bool whole;
	struct account account;
};

/* False: `uuid` is none, and there is nothing to ask.  `whole`: with QR code and metadata. */
bool account_ask_one(struct span uuid, uint64_t workspace_id, bool whole, struct account_found *ret,
    struct db_ask *ask);

/* Why something was not done as it was asked for. */
enum account_refusal {
	ACCOUNT_ACCEPTED,
	ACCOUNT_LATE,          /* RC_CONFLICT: it connected a moment ago; nothing was stored */
	ACCOUNT_PHONE_TAKEN,   /* RC_CONFLICT: another live account of the workspace has it */
	ACCOUNT_NOT_WEBJS,     /* RC_INVALID: not for an account of another provider */
	ACCOUNT_METADATA_FULL, /* RC_INVALID: with this the row's metadata would pass its bound */
	ACCOUNT_IS_CONNECTED,  /* RC_CONFLICT: there is nothing to pair */
	ACCOUNT_WORTH_KEEPING, /* RC_CONFLICT: not for a clean-up: it was connected, or can be
				  paired now */
	ACCOUNT_LIMIT_REACHED, /* RC_DENIED: the workspace has its number of connected accounts */
};

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

/*
 * Store what was reported, with its event, in one transaction.  The account
 * must belong to the report's workspace.  A report that changes nothing is
 * accepted and tells nobody.  `slot` counts; may be NULL.
 *
 * RC_NOT_FOUND  no such live account in that workspace
 * RC_CONFLICT, RC_INVALID  *reterr says why; with ACCOUNT_PHONE_TAKEN the
 *               state is now error, and a disconnect is on its way
 */
enum rc account_apply_report(struct db *db, struct arena *mem, const struct account_report *report,
    const struct account_limits *limits, struct slot *slot,
    enum account_refusal *reterr) MUST_CHECK;

/*
 * Inside a transaction: nobody else changes the account, or writes a command
 * of it, until it ends.  RC_OK also for an account that is gone.
 */
enum rc account_hold(struct db *db, struct arena *mem, uint64_t id) MUST_CHECK;
/*
 * Inside a transaction: a command that would have begun a session was given
 * up.  Unless it is connected all the same, the account goes to error, with
 * the reason, and this is told.  RC_OK also for an account that is gone.
 */
enum rc account_command_failed(
    struct db *db, struct arena *mem, uint64_t id, struct span reason) MUST_CHECK;
/* Likewise: this instance of the Node service has its session now. */
enum rc account_assign_instance(struct db *db, uint64_t id, struct span url) MUST_CHECK;

/*
 * End the pairings whose deadline has passed, each once, whoever looks, and
 * at most ACCOUNT_OVERDUE_PAGE of them; *ret is how many.
 */
enum { ACCOUNT_OVERDUE_PAGE = 50 };
enum rc account_end_overdue(struct db *db, struct arena *mem, uint64_t *ret) MUST_CHECK;

/* What a person wants of an account. */
enum account_action {
	ACCOUNT_SET_PRIMARY,
	ACCOUNT_DISCONNECT,
	ACCOUNT_DELETE,
	ACCOUNT_CLEAN_UP, /* delete it if it has never come to anything */
	ACCOUNT_RECONNECT,
	ACCOUNT_REGENERATE_QR,
	ACCOUNT_RESTORE, /* a deleted account; an operator's */
	ACCOUNT_ACTIONS,
};

/*
 * Do it, with its events and its command, in one transaction.  What is done
 * already is RC_OK and tells nobody.  ret is the row afterwards.
 *
 * RC_NOT_FOUND  no such account in that workspace: a live one, or for
 *               ACCOUNT_RESTORE a deleted one
 * RC_CONFLICT, RC_INVALID, RC_DENIED  *reterr says why; nothing was stored
 */
enum rc account_act(struct db *db, struct arena *mem, struct span uuid, uint64_t workspace_id,
    enum account_action action, const struct account_limits *limits, struct account *ret,
    enum account_refusal *reterr) MUST_CHECK;

/* A new account, checked by account_rules_new. */
struct account_new {
	uint64_t workspace_id;
	uint64_t created_by;
	struct span phone_number; /* absent: pairing will tell */
	struct span account_name; /* absent: as the phone number */
	struct span provider_type;
	bool is_primary;
};

/*
 * Make it, with its command, in one transaction.
 *
 * RC_CONFLICT, RC_DENIED  *reterr says why; nothing was stored
 */
enum rc account_create(struct db *db, struct arena *mem, const struct account_new *new,
    const struct account_limits *limits, struct account *ret,
    enum account_refusal *reterr) MUST_CHECK;

#endif
