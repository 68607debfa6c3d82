/*
 * report: what the Node.js service reports, in any of its words, read and applied.
 *
 * What is wrong with a report is collected, to be told at once; what is right is
 * one struct account_report, whichever route it came by.
 */
#ifndef WA_API_REPORT_H
#define WA_API_REPORT_H

#include "account/account.h"
#include "http/call.h"
#include "text/faults.h"
#include "text/json.h"

/* The body as an object, to be released; an empty body has no members.  False: it was answered. */
bool report_read_body(struct call *call, json_t **ret);

/* Not there, null, or a text of blanks. */
bool report_is_missing(const json_t *value);
uint64_t report_take_workspace_id(const json_t *value, const char *field, struct faults *faults);
/* A string, or an id as a number; session_id stands in for account_id. */
struct span report_take_account(const json_t *data, struct arena *mem, struct faults *faults);
/* Absent without one. */
struct span report_take_text(const json_t *value, const char *field, struct faults *faults);
void report_take_state(
    struct call *call, const json_t *data, struct account_report *report, struct faults *faults);
void report_take_qr(const json_t *data, struct account_report *report, struct faults *faults);
/* data.metadata as it was sent, byte for byte. */
struct span report_take_metadata(struct call *call, const json_t *value, struct faults *faults);
/* The members of the body's `data`, each as it was sent; NULL if they cannot be told apart. */
struct members *report_raw_data(struct call *call);

/* Store the report and answer with `success`, a JSON text, or with why not. */
void report_apply(struct call *call, const struct account_report *report, const char *success);

#endif
