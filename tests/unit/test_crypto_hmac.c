#include "crypto/hmac.h"

#include "base/bounds.h"
#include "crypto_tests.h"
#include "text/hex.h"
#include "unit.h"

/* The code of `text`, as hex, divided into two parts at `at`. */
static void sign(
    struct span secret, struct span text, size_t at, char ret[static 2 * HMAC_SIZE + 1])
{
	struct hmac_key *key = hmac_key_create(secret);
	unsigned char code[HMAC_SIZE];

	assert_non_null(key);
	assert_int_equal(
	    hmac_sign(key, span_from(text.ptr, at), span_from(text.ptr + at, text.len - at), code),
	    RC_OK);
	hmac_key_free(key);
	hex_encode(code, HMAC_SIZE, ret);
	ret[2 * HMAC_SIZE] = '\0';
}

static struct span repeat(struct arena *mem, char c, size_t count)
{
	char *bytes = arena_bytes(mem, count);

	memset(bytes, c, count);
	return span_from(bytes, count);
}

static void test_the_codes_are_those_of_rfc_4231(void **state)
{
	struct arena *mem = *state;
	const struct {
		struct span secret, text;
		const char *code; /* of test case 5, the RFC has the first half */
	} cases[] = {
	    {repeat(mem, '\x0b', 20), SPAN("Hi There"),
		"b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
	    {SPAN("Jefe"), SPAN("what do ya want for nothing?"),
		"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
	    {repeat(mem, '\xaa', 20), repeat(mem, '\xdd', 50),
		"773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
	    {SPAN(
		 "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15"
		 "\x16\x17\x18\x19"),
		repeat(mem, '\xcd', 50),
		"82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
	    {repeat(mem, '\x0c', 20), SPAN("Test With Truncation"),
		"a3b6167473100ee06e0c796c2955552b"},
	    {repeat(mem, '\xaa', 131),
		SPAN("Test Using Larger Than Block-Size Key - Hash Key First"),
		"60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
	    {repeat(mem, '\xaa', 131),
		SPAN(
		    "This is a test using a larger than block-size key and a larger than block-size data. "
		    "The key needs to be hashed before being used by the HMAC algorithm."),
		"9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		char code[2 * HMAC_SIZE + 1];

		sign(cases[i].secret, cases[i].text, 0, code);
		assert_memory_equal(code, cases[i].code, strlen(cases[i].code));
	}
}

static void test_the_codes_are_those_that_the_node_service_makes(void **state)
{
	char code[2 * HMAC_SIZE + 1];

	(void)state;
	sign(SPAN_OF("test-secret"), SPAN_OF("1760321709{\"event\":\"x\",\"data\":{}}"), 10, code);
	assert_string_equal(
	    code, "e85e72bf61cb97b32e5f84d22ac95fd0afced0e0d337a976d58603b53440a41c");
	sign(SPAN_OF("test-secret"), SPAN_OF("1760321709"), 10, code);
	assert_string_equal(
	    code, "36f16b7b3f531cfda3704ee536c2e1db09768cbe385988a5d26bd8410952cdbd");
}

static void test_nothing_stands_between_the_two_parts(void **state)
{
	const struct span text = SPAN("what do ya want for nothing?");
	char whole[2 * HMAC_SIZE + 1], parts[2 * HMAC_SIZE + 1];

	(void)state;
	sign(SPAN_OF("Jefe"), text, 0, whole);
	for (size_t at = 0; at <= text.len; at++) {
		sign(SPAN_OF("Jefe"), text, at, parts);
		assert_string_equal(parts, whole);
	}
}

static void test_a_key_signs_again_and_again_as_if_it_were_new(void **state)
{
	struct hmac_key *key = hmac_key_create(SPAN_OF("Jefe"));
	unsigned char first[HMAC_SIZE], other[HMAC_SIZE], again[HMAC_SIZE];

	(void)state;
	for (int i = 0; i < 100; i++) {
		assert_int_equal(hmac_sign(key, SPAN_OF("a"), SPAN_OF("b"), first), RC_OK);
		assert_int_equal(hmac_sign(key, SPAN_OF("other"), SPAN_OF(""), other), RC_OK);
		assert_int_equal(hmac_sign(key, SPAN_OF("ab"), (struct span){0}, again), RC_OK);
		assert_true(hmac_equal(first, again));
		assert_false(hmac_equal(first, other));
	}
	hmac_key_free(key);
}

static void test_the_secret_is_copied(void **state)
{
	char secret[] = "Jefe";
	struct hmac_key *key = hmac_key_create(span_of(secret));
	unsigned char before[HMAC_SIZE], after[HMAC_SIZE];

	(void)state;
	assert_int_equal(hmac_sign(key, SPAN_OF("x"), SPAN_OF(""), before), RC_OK);
	memset(secret, 'y', 4);
	assert_int_equal(hmac_sign(key, SPAN_OF("x"), SPAN_OF(""), after), RC_OK);
	assert_true(hmac_equal(before, after));
	hmac_key_free(key);
}

static void test_codes_are_equal_only_in_every_bit(void **state)
{
	unsigned char a[HMAC_SIZE] = {0}, b[HMAC_SIZE] = {0};

	(void)state;
	assert_true(hmac_equal(a, b));
	for (size_t i = 0; i < HMAC_SIZE * 8; i++) {
		b[i / 8] = (unsigned char)(1u << i % 8);
		assert_false(hmac_equal(a, b));
		b[i / 8] = 0;
	}
}

static void test_no_key_is_freed_without_harm(void **state)
{
	(void)state;
	hmac_key_free(NULL);
}

int test_crypto_hmac(void)
{
	const struct CMUnitTest tests[] = {
	    arena_test(test_the_codes_are_those_of_rfc_4231),
	    cmocka_unit_test(test_the_codes_are_those_that_the_node_service_makes),
	    cmocka_unit_test(test_nothing_stands_between_the_two_parts),
	    cmocka_unit_test(test_a_key_signs_again_and_again_as_if_it_were_new),
	    cmocka_unit_test(test_the_secret_is_copied),
	    cmocka_unit_test(test_codes_are_equal_only_in_every_bit),
	    cmocka_unit_test(test_no_key_is_freed_without_harm),
	};

	return unit_run("crypto/hmac", tests);
}
