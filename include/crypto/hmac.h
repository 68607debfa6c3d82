/*
 * hmac: HMAC-SHA-256 with a key that is prepared once.
 */
#ifndef WA_CRYPTO_HMAC_H
#define WA_CRYPTO_HMAC_H

#include <stdbool.h>

#include "base/rc.h"
#include "base/span.h"

enum { HMAC_SIZE = 32 };

struct hmac_key;

/* NULL if OpenSSL has no HMAC or no memory.  The secret is copied. */
struct hmac_key *hmac_key_create(struct span secret);
/* Wipes the key. */
void hmac_key_free(struct hmac_key *key);

/* The code over `first` and then `second`, nothing between them. */
enum rc hmac_sign(struct hmac_key *key, struct span first, struct span second,
    unsigned char ret[static HMAC_SIZE]) MUST_CHECK;

/* Compares in constant time. */
bool hmac_equal(const unsigned char a[static HMAC_SIZE], const unsigned char b[static HMAC_SIZE]);

#endif
