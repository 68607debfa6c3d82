/*
 * crypto_tests: the tests of src/crypto, one function for each module; each
 * returns the number of its tests that failed.
 */
#ifndef WA_TESTS_CRYPTO_TESTS_H
#define WA_TESTS_CRYPTO_TESTS_H

int test_crypto_digest(void);
int test_crypto_envelope(void);
int test_crypto_envelope_forged(void);
int test_crypto_hmac(void);

#endif
