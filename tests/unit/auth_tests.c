#include "auth_tests.h"

#include "base/buf.h"
#include "text/hex.h"

struct proof auth_tests_prove(const char *secret, const char *timestamp, struct span body)
{
	struct hmac_key *key = hmac_key_create(span_of(secret));
	unsigned char code[HMAC_SIZE];
	struct proof proof = {.code = ""};
	struct buf text = buf_over(proof.timestamp, sizeof(proof.timestamp) - 1);

	buf_puts(&text, timestamp);
	assert_int_equal(hmac_sign(key, span_of(timestamp), body, code), RC_OK);
	hmac_key_free(key);
	hex_encode(code, HMAC_SIZE, proof.code);
	return proof;
}

struct proof auth_tests_prove_at(const char *secret, int64_t seconds, struct span body)
{
	char text[24] = "";
	struct buf b = buf_over(text, sizeof(text) - 1);

	buf_put_i64(&b, seconds);
	return auth_tests_prove(secret, text, body);
}

int auth_tests_open(void **state)
{
	*state = signature_create(SPAN_OF("current"), SPAN_OF("old, ,,  older ,"), TTL_S);
	return *state == NULL;
}

int auth_tests_close(void **state)
{
	signature_free(*state);
	return 0;
}
