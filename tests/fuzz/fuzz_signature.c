/* Signed requests: X-Timestamp, X-HMAC-Signature and the body, each up to a byte 0xff. */
#include "auth/signature.h"

#include <string.h>

#include "base/bounds.h"
#include "base/buf.h"
#include "base/now.h"
#include "crypto/hmac.h"
#include "fuzz.h"
#include "text/hex.h"

enum { FUZZ_NOW_S = 1763200000, TTL_S = 300 };

static struct span as_span(struct fuzz_input part)
{
	return span_from((const char *)part.at, part.left);
}

static bool is_ok(enum signature_verdict verdict)
{
	return verdict == SIGNATURE_OK_CURRENT || verdict == SIGNATURE_OK_PREVIOUS;
}

/* The code that the timestamp and the body should have. */
static void sign(struct span timestamp, struct span body, char ret[static 2 * HMAC_SIZE])
{
	struct hmac_key *key = hmac_key_create(SPAN_OF("current"));
	unsigned char code[HMAC_SIZE];

	FUZZ_CHECK(key != NULL && hmac_sign(key, timestamp, body, code) == RC_OK);
	hmac_key_free(key);
	hex_encode(code, HMAC_SIZE, ret);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = {data, size};
	struct span timestamp = as_span(fuzz_part(&in)), code = as_span(fuzz_part(&in)),
		    body = as_span(in);
	struct signature *signature =
	    signature_create(SPAN_OF("current"), SPAN_OF("old,,older"), TTL_S);
	const int64_t now = (int64_t)FUZZ_NOW_S * US_PER_S;
	enum signature_verdict verdict, signed_verdict;
	char right[2 * HMAC_SIZE];

	FUZZ_CHECK(signature != NULL);
	verdict = signature_check(signature, timestamp, code, body, now);
	FUZZ_CHECK(verdict < SIGNATURE_VERDICTS);
	FUZZ_CHECK(signature_why(verdict) != NULL && signature_message(verdict) != NULL);
	FUZZ_CHECK(signature_metric(verdict) < METRIC_COUNT);
	FUZZ_CHECK((verdict == SIGNATURE_MISSING) == (timestamp.len == 0 || code.len == 0));
	sign(timestamp, body, right);
	if (verdict == SIGNATURE_OK_CURRENT)
		FUZZ_CHECK(span_eq(code, span_from(right, sizeof(right))));
	signed_verdict =
	    signature_check(signature, timestamp, span_from(right, sizeof(right)), body, now);
	/* With the right code, only the time can be wrong: ten digits, near enough. */
	FUZZ_CHECK(signed_verdict != SIGNATURE_MISMATCH);
	if (is_ok(signed_verdict)) {
		FUZZ_CHECK(timestamp.len == 10 && memcmp(timestamp.ptr, "17631997", 8) >= 0 &&
			   memcmp(timestamp.ptr, "17632003", 8) <= 0);
		right[0] = right[0] == '0' ? '1' : '0';
		FUZZ_CHECK(!is_ok(signature_check(
		    signature, timestamp, span_from(right, sizeof(right)), body, now)));
	}
	signature_free(signature);
	return 0;
}
