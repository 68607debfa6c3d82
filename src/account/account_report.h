/*
 * account_report: what a report of the Node service does to an account.
 * Pure, like account_rules.
 */
#ifndef WA_ACCOUNT_ACCOUNT_REPORT_H
#define WA_ACCOUNT_ACCOUNT_REPORT_H

#include "account/account_rules.h"

/*
 * RC_OK        `ret` is to be stored; its refusal may still be PHONE_TAKEN
 * RC_CONFLICT, RC_INVALID  nothing is to be stored; ret->refusal says why
 */
enum rc account_report_change(const struct account *before, const struct account_report *report,
    const struct account_surroundings *around, const struct account_limits *limits, int64_t now_us,
    struct arena *mem, struct account_change *ret) MUST_CHECK;

struct members;

/*
 * The row's metadata by its members.  What it holds that is no object (the database allows
 * any JSON) is kept as "previous".
 */
enum rc account_report_metadata(
    const struct account *account, struct arena *mem, struct members **ret) MUST_CHECK;

/*
 * A pairing that nobody finished in time: error, or disconnected if it was
 * ever connected, and its session is to be ended.
 */
enum rc account_report_overdue(const struct account *before, int64_t now_us, struct arena *mem,
    struct account_change *ret) MUST_CHECK;

#endif
