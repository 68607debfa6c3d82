#include "crypto_tests.h"

int main(void)
{
	return test_crypto_hmac() + test_crypto_digest() + test_crypto_envelope() +
	       test_crypto_envelope_forged();
}
