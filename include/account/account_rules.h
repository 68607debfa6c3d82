/*
 * account_rules: what people may ask of an account, and how one looks to
 * them.  Pure: no database, no clock, the same answer for the same input.
 */
#ifndef WA_ACCOUNT_ACCOUNT_RULES_H
#define WA_ACCOUNT_ACCOUNT_RULES_H

#include "account/account.h"
#include "text/faults.h"
#include "text/field.h"

/* The word for a state, and the word that the old pages know. */
const char *account_rules_state_name(enum account_state state);
const char *account_rules_state_legacy(enum account_state state);
/* As the old page can show it: one that was ever connected is connected or disconnected to it. */
const char *account_rules_shown_legacy(const struct account *account);
/* Understands the old words too.  False: no such word; nothing is written. */
bool account_rules_state_of(struct span word, enum account_state *ret) MUST_CHECK;

/* 5 to 20 digits, at most 50 characters, nothing but digits, blanks and "+-().". */
bool account_rules_is_phone(struct span phone);
/* The digits of any text, in `mem`: what numbers are compared by. */
struct span account_rules_phone_digits(struct span phone, struct arena *mem);
/*
 * As the page shows it: digits and '+' kept; ten characters or more begin
 * with one '+'.  Absent without a number.
 */
struct span account_rules_formatted_phone(struct span phone_number, struct arena *mem);

/* 100 less what is wrong, and not below 0. */
struct account_health {
	int score;
	int not_connected; /* what each costs */
	int inactive;
	int recent_failures;
	bool is_healthy;
};

struct account_health account_rules_health(const struct account *account, int64_t now_us);
/* A QR code is worth nothing after its time. */
bool account_rules_shows_qr(const struct account *account, int64_t now_us);

/* Whether one more account may be made or connected. */
bool account_rules_may_add(uint64_t connected, const struct account_limits *limits);

/* The fields of a request for a new account. */
struct account_input {
	struct field phone_number;
	struct field account_name;
	struct field provider_type;
	struct field is_primary;
};

/*
 * Check them by the rules, and with the messages, of Laravel's validator:
 * every rule that fails is added to `faults`.  ret has the checked values, if
 * there are no faults; its ids are the caller's to set.
 */
void account_rules_new(const struct account_input *in, const struct account_limits *limits,
    struct faults *faults, struct account_new *ret);

/* What surrounds an account, while its workspace is locked. */
struct account_surroundings {
	bool has_live_primary; /* another one */
	bool phone_is_taken;   /* by another live account */
	uint64_t phone_holder; /* its id */
	uint64_t connected;    /* other accounts */
	uint64_t live;         /* other accounts that are not deleted */
	bool has_open_command; /* of this account: one that would begin a session */
};

/* The row after a change, and what follows from it. */
struct account_change {
	struct account after;
	bool stores;         /* false: everything is as it was asked for already */
	struct span qr_code; /* what qr_code becomes; absent: NULL, unless it is kept */
	bool keeps_qr;
	bool demotes;        /* the workspace's other primary account */
	bool tells;          /* an event is due: state_version has gone up by one */
	const char *word;    /* its status, where that is not the state's; or NULL */
	const char *action;  /* what a person did; or NULL */
	const char *command; /* is due; or NULL */
	bool over_limit;     /* it connected although the workspace has its number */
	enum account_refusal refusal;
};

/*
 * RC_CONFLICT, RC_INVALID, RC_DENIED  nothing is to be stored; ret->refusal
 *                                     says why
 */
enum rc account_rules_act(const struct account *before, enum account_action action,
    const struct account_surroundings *around, const struct account_limits *limits, int64_t now_us,
    struct account_change *ret) MUST_CHECK;

/* It is pairing, and should have paired by now. */
bool account_rules_is_overdue(const struct account *account, int64_t now_us);
/* A pairing is over, or begins anew: no QR code, no deadline. */
void account_rules_end_pairing(struct account_change *change);
/* Every change of what others see goes by one number, and writes one event. */
void account_rules_count(
    const struct account *before, struct account_change *change, int64_t now_us);

#endif
