/*
 * signature: requests of the Node.js service prove that they are its own.
 *
 * X-Timestamp: unix seconds, ten digits.  X-HMAC-Signature: 64 lower-case
 * hex digits of HMAC-SHA-256(secret, timestamp ‖ body), over the bytes as
 * they were received.
 */
#ifndef WA_AUTH_SIGNATURE_H
#define WA_AUTH_SIGNATURE_H

#include <stdint.h>

#include "base/metric.h"
#include "base/rc.h"
#include "base/span.h"

struct signature;

enum signature_verdict {
	SIGNATURE_OK_CURRENT,
	SIGNATURE_OK_PREVIOUS, /* signed with a retired secret */
	SIGNATURE_MISSING,
	SIGNATURE_EXPIRED, /* too old, too far ahead, or no time at all */
	SIGNATURE_MILLISECONDS,
	SIGNATURE_MISMATCH,
	SIGNATURE_VERDICTS,
};

/*
 * `previous` is a comma-separated list; empty items count as absent.  NULL
 * if the secret is empty, there is no memory, or OpenSSL refuses.
 */
struct signature *signature_create(struct span secret, struct span previous, uint64_t ttl_s);
void signature_free(struct signature *signature);

/* Compares in constant time; tries every secret. */
enum signature_verdict signature_check(const struct signature *signature, struct span timestamp,
    struct span code, struct span body, int64_t now_us);

/* A word for the log, the sentence for the caller, the counter. */
const char *signature_why(enum signature_verdict verdict);
const char *signature_message(enum signature_verdict verdict);
enum metric signature_metric(enum signature_verdict verdict);

#endif
