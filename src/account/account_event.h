/*
 * account_event: what browsers and the Node service are told of a change.
 */
#ifndef WA_ACCOUNT_ACCOUNT_EVENT_H
#define WA_ACCOUNT_ACCOUNT_EVENT_H

#include "account/account.h"
#include "account/account_rules.h"

/*
 * The event and the command that are due, into the outbox, in the change's
 * transaction.  `report` is NULL for what a person did.
 */
enum rc account_event_put(struct db *db, struct arena *mem, const struct account_change *change,
    const struct account_report *report, int64_t now_us) MUST_CHECK;

#endif
