#include "text/hex.h"

#include "text_tests.h"
#include "unit.h"

static void test_every_byte_goes_out_and_comes_back(void **state)
{
	unsigned char bytes[256], back[256];
	char text[512];

	(void)state;
	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)i;
	hex_encode(bytes, sizeof(bytes), text);
	assert_memory_equal(text, "000102", 6);
	assert_memory_equal(text + 506, "fdfeff", 6);
	assert_true(hex_decode(span_from(text, sizeof(text)), back, sizeof(back)));
	assert_memory_equal(bytes, back, sizeof(bytes));
}

static void test_encoding_writes_no_nul(void **state)
{
	char text[] = "######";

	(void)state;
	hex_encode((const unsigned char *)"\xab\xcd", 2, text);
	assert_string_equal(text, "abcd##");
}

static void test_what_is_no_lower_case_hex_of_that_size_is_refused(void **state)
{
	static const struct span texts[] = {SPAN(""), SPAN("ab"), SPAN("abc"), SPAN("abcde"),
	    SPAN("abcdef"), SPAN("ABCD"), SPAN("abcD"), SPAN("abcg"), SPAN("abc "), SPAN(" abc"),
	    SPAN("ab\0d"), SPAN("ab`c"), SPAN("ab/:"), SPAN("0xab"), {NULL, 0}};
	unsigned char bytes[2] = {7, 7};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++)
		assert_false(hex_decode(texts[i], bytes, sizeof(bytes)));
	assert_int_equal(bytes[0], 7);
	assert_int_equal(bytes[1], 7);
}

static void test_nothing_is_the_hex_of_no_bytes(void **state)
{
	unsigned char byte = 7;

	(void)state;
	assert_true(hex_decode(SPAN_OF(""), &byte, 0));
	assert_int_equal(byte, 7);
}

int test_text_hex(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_byte_goes_out_and_comes_back),
	    cmocka_unit_test(test_encoding_writes_no_nul),
	    cmocka_unit_test(test_what_is_no_lower_case_hex_of_that_size_is_refused),
	    cmocka_unit_test(test_nothing_is_the_hex_of_no_bytes),
	};

	return unit_run("text/hex", tests);
}
