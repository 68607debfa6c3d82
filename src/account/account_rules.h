/*
 * account_rules: what a report does to an account.  Pure: no database, no
 * clock, the same answer for the same input.
 */
#ifndef WA_ACCOUNT_ACCOUNT_RULES_H
#define WA_ACCOUNT_ACCOUNT_RULES_H

#include "account/account.h"

/* What the account's workspace looks like, while it is locked. */
struct account_surroundings {
	bool has_live_primary; /* another one */
	bool phone_is_taken;   /* by another live account */
	uint64_t connected;    /* other accounts */
};

/* The row after the change. */
struct account_change {
	struct account after;
	struct span qr_code; /* what qr_code becomes; absent: NULL, unless it is kept */
	bool keeps_qr;
	bool tells;            /* an event is due: state_version has gone up by one */
	bool sends_disconnect; /* a command is due */
	bool over_limit;       /* it connected although the workspace has its number */
	enum account_refusal refusal;
};

/* The digits of any text, in `mem`: what numbers are compared by. */
struct span account_rules_phone_digits(struct span phone, struct arena *mem);
/* 5 to 20 digits, at most 50 characters, nothing but digits, blanks and "+-().". */
bool account_rules_is_phone(struct span phone);

/*
 * RC_OK        `ret` is to be stored; its refusal may still be PHONE_TAKEN
 * RC_CONFLICT, RC_INVALID  nothing is to be stored; ret->refusal says why
 */
enum rc account_rules_report(const struct account *before, const struct account_report *report,
    const struct account_surroundings *around, const struct account_limits *limits, int64_t now_us,
    struct arena *mem, struct account_change *ret) MUST_CHECK;

#endif
