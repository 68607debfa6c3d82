#include "crypto/hmac.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>

/*
 * HMAC() of OpenSSL 3 looks the algorithm up at every call, which costs more
 * than hashing a small body.  A context that was keyed once starts anew with
 * a NULL key.
 */
struct hmac_key {
	EVP_MAC_CTX *ctx;
};

struct hmac_key *hmac_key_create(struct span secret)
{
	const OSSL_PARAM params[] = {
	    OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char[]){"SHA256"}, 0),
	    OSSL_PARAM_construct_end(),
	};
	struct hmac_key *key = calloc(1, sizeof(*key));
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);

	if (key != NULL && mac != NULL)
		key->ctx = EVP_MAC_CTX_new(mac);
	EVP_MAC_free(mac);
	if (key == NULL || key->ctx == NULL ||
	    !EVP_MAC_init(key->ctx, (const unsigned char *)secret.ptr, secret.len, params)) {
		hmac_key_free(key);
		return NULL;
	}
	return key;
}

void hmac_key_free(struct hmac_key *key)
{
	if (key == NULL)
		return;
	EVP_MAC_CTX_free(key->ctx);
	free(key);
}

enum rc hmac_sign(struct hmac_key *key, struct span first, struct span second,
    unsigned char ret[static HMAC_SIZE])
{
	size_t size = 0;

	if (!EVP_MAC_init(key->ctx, NULL, 0, NULL) ||
	    !EVP_MAC_update(key->ctx, (const unsigned char *)first.ptr, first.len) ||
	    !EVP_MAC_update(key->ctx, (const unsigned char *)second.ptr, second.len) ||
	    !EVP_MAC_final(key->ctx, ret, &size, HMAC_SIZE) || size != HMAC_SIZE)
		return RC_INTERNAL;
	return RC_OK;
}

bool hmac_equal(const unsigned char a[static HMAC_SIZE], const unsigned char b[static HMAC_SIZE])
{
	return CRYPTO_memcmp(a, b, HMAC_SIZE) == 0;
}
