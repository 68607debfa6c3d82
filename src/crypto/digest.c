#include "crypto/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "text/hex.h"

static enum rc digest_hex(const EVP_MD *kind, struct span text, char *ret, size_t ret_size)
{
	unsigned char bytes[EVP_MAX_MD_SIZE];
	unsigned size = 0;

	if (!EVP_Digest(text.ptr, text.len, bytes, &size, kind, NULL) || 2 * size != ret_size)
		return RC_INTERNAL;
	hex_encode(bytes, size, ret);
	return RC_OK;
}

enum rc digest_md5_hex(struct span text, char ret[static DIGEST_MD5_HEX])
{
	return digest_hex(EVP_md5(), text, ret, DIGEST_MD5_HEX);
}

enum rc digest_sha256_hex(struct span text, char ret[static DIGEST_SHA256_HEX])
{
	return digest_hex(EVP_sha256(), text, ret, DIGEST_SHA256_HEX);
}

enum rc digest_hmac_sha1_hex(struct span key, struct span text, char ret[static DIGEST_SHA1_HEX])
{
	unsigned char bytes[EVP_MAX_MD_SIZE];
	unsigned size = 0;

	if (HMAC(EVP_sha1(), key.ptr, (int)key.len, (const unsigned char *)text.ptr, text.len,
		bytes, &size) == NULL ||
	    2 * size != DIGEST_SHA1_HEX)
		return RC_INTERNAL;
	hex_encode(bytes, size, ret);
	return RC_OK;
}

bool digest_equal(struct span a, struct span b)
{
	return a.len == b.len && a.len > 0 && CRYPTO_memcmp(a.ptr, b.ptr, a.len) == 0;
}

enum rc digest_random(unsigned char *ret, size_t size)
{
	return RAND_bytes(ret, (int)size) == 1 ? RC_OK : RC_INTERNAL;
}
