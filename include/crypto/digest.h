/*
 * digest: what is compared with what somebody has shown.
 */
#ifndef WA_CRYPTO_DIGEST_H
#define WA_CRYPTO_DIGEST_H

#include <stdbool.h>

#include "base/rc.h"
#include "base/span.h"

enum { DIGEST_MD5_HEX = 32, DIGEST_SHA1_HEX = 40, DIGEST_SHA256_HEX = 64 };

/* Lower-case hex of MD5: for protocols that ask for it; it protects nothing. */
enum rc digest_md5_hex(struct span text, char ret[static DIGEST_MD5_HEX]) MUST_CHECK;
/* Lower-case hex of SHA-256. */
enum rc digest_sha256_hex(struct span text, char ret[static DIGEST_SHA256_HEX]) MUST_CHECK;
/* Lower-case hex of HMAC-SHA-1. */
enum rc digest_hmac_sha1_hex(
    struct span key, struct span text, char ret[static DIGEST_SHA1_HEX]) MUST_CHECK;

/* In constant time for texts of one length; absent or empty ones equal nothing. */
bool digest_equal(struct span a, struct span b);

/* `size` random bytes that nobody can guess. */
enum rc digest_random(unsigned char *ret, size_t size) MUST_CHECK;

#endif
