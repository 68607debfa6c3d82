#include "auth/signature.h"

#include <stdlib.h>

#include "base/bounds.h"
#include "base/now.h"
#include "base/num.h"
#include "crypto/hmac.h"
#include "text/hex.h"

struct signature {
	uint64_t ttl_s;
	size_t count;
	struct hmac_key *keys[BOUND_SECRETS]; /* the current one first */
};

static const struct {
	const char *why;
	const char *message;
	enum metric metric;
} verdicts[SIGNATURE_VERDICTS] = {
    [SIGNATURE_OK_CURRENT] = {"", "", METRIC_HMAC_CURRENT},
    [SIGNATURE_OK_PREVIOUS] = {"", "", METRIC_HMAC_PREVIOUS},
    [SIGNATURE_MISSING] = {"missing", "Missing required security headers", METRIC_HMAC_MISSING},
    [SIGNATURE_EXPIRED] = {"expired", "Request timestamp expired", METRIC_HMAC_EXPIRED},
    [SIGNATURE_MILLISECONDS] = {"milliseconds", "Request timestamp must be in seconds",
	METRIC_HMAC_MILLISECONDS},
    [SIGNATURE_MISMATCH] = {"mismatch", "Invalid signature", METRIC_HMAC_MISMATCH},
};

static bool add_secret(struct signature *signature, struct span secret)
{
	struct hmac_key *key;

	if (secret.len == 0 || signature->count == BOUND_SECRETS)
		return false;
	key = hmac_key_create(secret);
	if (key == NULL)
		return false;
	signature->keys[signature->count++] = key;
	return true;
}

struct signature *signature_create(struct span secret, struct span previous, uint64_t ttl_s)
{
	struct signature *signature = calloc(1, sizeof(*signature));
	bool complete = signature != NULL && add_secret(signature, secret);
	struct span item;

	while (complete && span_cut(&previous, ',', &item)) {
		item = span_trim(item);
		if (item.len > 0)
			complete = add_secret(signature, item);
	}
	if (!complete) {
		signature_free(signature);
		return NULL;
	}
	signature->ttl_s = ttl_s;
	return signature;
}

void signature_free(struct signature *signature)
{
	if (signature == NULL)
		return;
	for (size_t i = 0; i < signature->count; i++)
		hmac_key_free(signature->keys[i]);
	free(signature);
}

static enum signature_verdict check_time(struct span timestamp, uint64_t ttl_s, int64_t now_us)
{
	int64_t seconds, distance;

	if (!num_i64(timestamp, &seconds) || seconds < 0)
		return SIGNATURE_EXPIRED;
	if (timestamp.len == 13)
		return SIGNATURE_MILLISECONDS;
	if (timestamp.len != 10)
		return SIGNATURE_EXPIRED;
	distance = now_us / US_PER_S - seconds;
	if (distance > (int64_t)ttl_s || distance < -(int64_t)ttl_s)
		return SIGNATURE_EXPIRED;
	return SIGNATURE_OK_CURRENT;
}

enum signature_verdict signature_check(const struct signature *signature, struct span timestamp,
    struct span code, struct span body, int64_t now_us)
{
	unsigned char got[HMAC_SIZE], want[HMAC_SIZE];
	enum signature_verdict verdict;

	if (timestamp.len == 0 || code.len == 0)
		return SIGNATURE_MISSING;
	verdict = check_time(timestamp, signature->ttl_s, now_us);
	if (verdict != SIGNATURE_OK_CURRENT)
		return verdict;
	if (!hex_decode(code, got, sizeof(got)))
		return SIGNATURE_MISMATCH;
	for (size_t i = 0; i < signature->count; i++)
		if (hmac_sign(signature->keys[i], timestamp, body, want) == RC_OK &&
		    hmac_equal(got, want))
			return i == 0 ? SIGNATURE_OK_CURRENT : SIGNATURE_OK_PREVIOUS;
	return SIGNATURE_MISMATCH;
}

const char *signature_why(enum signature_verdict verdict)
{
	return verdicts[verdict].why;
}

const char *signature_message(enum signature_verdict verdict)
{
	return verdicts[verdict].message;
}

enum metric signature_metric(enum signature_verdict verdict)
{
	return verdicts[verdict].metric;
}
