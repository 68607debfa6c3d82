/*
 * account_takeover: a number that is paired once more, by way of a new account.
 *
 * Somebody adds a number that the workspace has already, disconnected, and scans
 * the new QR code with that phone.  The account that is known goes on, with the new
 * one's session; the new one, which was nothing but that session, is deleted.
 */
#ifndef WA_ACCOUNT_ACCOUNT_TAKEOVER_H
#define WA_ACCOUNT_ACCOUNT_TAKEOVER_H

#include "account/account_rules.h"

/* What a pending account leaves behind, in its metadata: the uuid of the one that goes on. */
#define TAKEOVER_MEMBER "superseded_by"

/* `holder` has the number that `pending` has been paired with: may it go on in its place? */
bool account_takeover_applies(const struct account *pending, const struct account *holder);

/*
 * Inside a transaction, both rows locked, and their workspace: store both.  *ret is what
 * becomes of the holder by the report, whose event is the caller's to write.
 *
 * RC_CONFLICT  somebody who does not take our locks was faster
 */
enum rc account_takeover(struct db *db, struct arena *mem, const struct account *pending,
    const struct account *holder, const struct account_report *report,
    const struct account_surroundings *around, const struct account_limits *limits, int64_t now_us,
    struct account_change *ret) MUST_CHECK;

#endif
