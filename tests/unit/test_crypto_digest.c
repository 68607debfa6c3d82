#include "crypto/digest.h"

#include "crypto_tests.h"
#include "unit.h"

static struct span repeat(struct arena *mem, char c, size_t count)
{
	char *bytes = arena_bytes(mem, count);

	memset(bytes, c, count);
	return span_from(bytes, count);
}

/* FIPS 180-4's examples, and the hash of nothing. */
static void test_the_hashes_are_those_of_the_standard(void **state)
{
	const struct {
		struct span text;
		const char *hash;
	} cases[] = {
	    {SPAN(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
	    {SPAN("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
	    {SPAN("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
		"248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
	    {repeat(*state, 'a', 1000000),
		"cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		char hash[DIGEST_SHA256_HEX];

		assert_int_equal(digest_sha256_hex(cases[i].text, hash), RC_OK);
		assert_same(span_from(hash, sizeof(hash)), span_of(cases[i].hash));
	}
}

/* RFC 1321, A.5. */
static void test_the_md5_hashes_are_those_of_rfc_1321(void **state)
{
	static const struct {
		struct span text;
		const char *hash;
	} cases[] = {
	    {SPAN(""), "d41d8cd98f00b204e9800998ecf8427e"},
	    {SPAN("a"), "0cc175b9c0f1b6a831c399e269772661"},
	    {SPAN("abc"), "900150983cd24fb0d6963f7d28e17f72"},
	    {SPAN("message digest"), "f96b697d7cb7938d525a2f31aaf161d0"},
	    {SPAN("abcdefghijklmnopqrstuvwxyz"), "c3fcd3d76192e4007dfb496cca67e13b"},
	    {SPAN("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"),
		"d174ab98d277d9f5a5611c2c9f419d9f"},
	    {SPAN("1234567890123456789012345678901234567890123456789012345678901234567890"
		  "1234567890"),
		"57edf4a22be3c955ac49da2e2107b67a"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char hash[DIGEST_MD5_HEX + 1] = {[DIGEST_MD5_HEX] = 'x'};

		assert_int_equal(digest_md5_hex(cases[i].text, hash), RC_OK);
		assert_same(span_from(hash, DIGEST_MD5_HEX), span_of(cases[i].hash));
		assert_int_equal(hash[DIGEST_MD5_HEX], 'x');
	}
}

static void test_the_hash_of_a_token_is_sanctums(void **state)
{
	char hash[DIGEST_SHA256_HEX];

	(void)state;
	assert_int_equal(
	    digest_sha256_hex(SPAN_OF("AbCdEfGhIjKlMnOpQrStUvWxYz0123456789AbCd"), hash), RC_OK);
	assert_span(span_from(hash, sizeof(hash)),
	    "3f129632528ec3a32504302b877acb7cc72c022970d9e3955a58263bc32d24d8");
}

/* RFC 2202, section 3. */
static void test_the_codes_are_those_of_rfc_2202(void **state)
{
	const struct {
		struct span key, text;
		const char *code;
	} cases[] = {
	    {repeat(*state, '\x0b', 20), SPAN("Hi There"),
		"b617318655057264e28bc0b6fb378c8ef146be00"},
	    {SPAN("Jefe"), SPAN("what do ya want for nothing?"),
		"effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"},
	    {repeat(*state, '\xaa', 20), repeat(*state, '\xdd', 50),
		"125d7342b9ac11cd91a39af48aa17b4f63f175d3"},
	    {repeat(*state, '\xaa', 80),
		SPAN("Test Using Larger Than Block-Size Key - Hash Key First"),
		"aa4ae5e15272d00e95705637ce8a3b55ed402112"},
	    {repeat(*state, '\xaa', 80),
		SPAN("Test Using Larger Than Block-Size Key and Larger Than One Block-Size Data"),
		"e8e99d0f45237d786d6bbaa7965c7808bbff1a91"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		char code[DIGEST_SHA1_HEX];

		assert_int_equal(digest_hmac_sha1_hex(cases[i].key, cases[i].text, code), RC_OK);
		assert_same(span_from(code, sizeof(code)), span_of(cases[i].code));
	}
}

/* Made by Laravel's CookieValuePrefix. */
static void test_the_codes_of_cookie_names_are_laravels(void **state)
{
	static const struct span key = SPAN(
	    "\x6e\x48\x14\x12\x52\xd7\x88\x85\x24\xa5\xe7\x1a\x61\xfe\x55\xe7\xfc\x4f\xd3\x68"
	    "\xff\x42\x92\xbb\xab\x63\x6e\x9c\x4d\x44\x85\xe0");
	char code[DIGEST_SHA1_HEX];

	(void)state;
	assert_int_equal(digest_hmac_sha1_hex(key, SPAN_OF("laravel_sessionv2"), code), RC_OK);
	assert_span(span_from(code, sizeof(code)), "1677ffd2fa152d3c7dfcf4ce842937db14e755ff");
	assert_int_equal(digest_hmac_sha1_hex(key, SPAN_OF("XSRF-TOKENv2"), code), RC_OK);
	assert_span(span_from(code, sizeof(code)), "3b587368fea2607082cef7bf8e8234ea94834c4d");
}

static void test_texts_are_equal_only_in_every_bit(void **state)
{
	char a[40], b[40];

	(void)state;
	memset(a, 'x', sizeof(a));
	memset(b, 'x', sizeof(b));
	assert_true(digest_equal(span_from(a, 40), span_from(b, 40)));
	for (size_t i = 0; i < sizeof(a) * 8; i++) {
		b[i / 8] = (char)(b[i / 8] ^ 1 << i % 8);
		assert_false(digest_equal(span_from(a, 40), span_from(b, 40)));
		b[i / 8] = (char)(b[i / 8] ^ 1 << i % 8);
	}
	for (size_t len = 0; len < 40; len++) {
		assert_false(digest_equal(span_from(a, 40), span_from(b, len)));
		assert_false(digest_equal(span_from(a, len), span_from(b, 40)));
	}
}

static void test_what_is_empty_or_absent_equals_nothing(void **state)
{
	static const struct span none = {0}, empty = SPAN(""), text = SPAN("a");

	(void)state;
	assert_false(digest_equal(none, none));
	assert_false(digest_equal(empty, empty));
	assert_false(digest_equal(none, empty));
	assert_false(digest_equal(none, text));
	assert_false(digest_equal(text, empty));
	assert_true(digest_equal(text, text));
}

static void test_random_bytes_fill_what_they_are_asked_for_and_no_more(void **state)
{
	unsigned char a[33], b[33];
	unsigned seen = 0;

	(void)state;
	memset(a, 0, sizeof(a));
	memset(b, 0, sizeof(b));
	assert_int_equal(digest_random(a, 32), RC_OK);
	assert_int_equal(digest_random(b, 32), RC_OK);
	assert_memory_not_equal(a, b, 32);
	assert_int_equal(a[32] | b[32], 0);
	for (int round = 0; round < 100; round++) {
		assert_int_equal(digest_random(a, 32), RC_OK);
		seen |= a[31];
	}
	assert_int_equal(seen, 0xff);
}

int test_crypto_digest(void)
{
	const struct CMUnitTest tests[] = {
	    arena_test(test_the_hashes_are_those_of_the_standard),
	    cmocka_unit_test(test_the_md5_hashes_are_those_of_rfc_1321),
	    cmocka_unit_test(test_the_hash_of_a_token_is_sanctums),
	    arena_test(test_the_codes_are_those_of_rfc_2202),
	    cmocka_unit_test(test_the_codes_of_cookie_names_are_laravels),
	    cmocka_unit_test(test_texts_are_equal_only_in_every_bit),
	    cmocka_unit_test(test_what_is_empty_or_absent_equals_nothing),
	    cmocka_unit_test(test_random_bytes_fill_what_they_are_asked_for_and_no_more),
	};

	return unit_run("crypto/digest", tests);
}
