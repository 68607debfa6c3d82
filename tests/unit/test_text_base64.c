#include "text/base64.h"

#include "base/bounds.h"
#include "text_tests.h"
#include "unit.h"

/* RFC 4648, section 10. */
static const struct {
	const char *plain, *text;
} rfc[] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
};

static struct span put(struct arena *mem, struct span bytes)
{
	struct buf b = buf_in(mem, 2 * bytes.len + 8);

	base64_put(&b, bytes);
	assert_false(b.failed);
	return buf_span(&b);
}

/* The bytes; absent when it is refused. */
static struct span decode(struct arena *mem, struct span text)
{
	struct span bytes = SPAN("untouched");

	if (base64_decode(text, mem, &bytes)) {
		assert_int_equal(bytes.ptr[bytes.len], '\0');
		return bytes;
	}
	assert_span(bytes, "untouched");
	return (struct span){0};
}

static void test_the_rfcs_texts_are_written_and_read(void **state)
{
	for (size_t i = 0; i < COUNT(rfc); i++) {
		assert_same(put(*state, span_of(rfc[i].plain)), span_of(rfc[i].text));
		assert_non_null(decode(*state, span_of(rfc[i].text)).ptr);
		assert_same(decode(*state, span_of(rfc[i].text)), span_of(rfc[i].plain));
	}
}

static void test_every_digit_has_its_value(void **state)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (unsigned i = 0; i < 64; i++) {
		char text[4] = {'A', digits[i], 'A', 'A'};
		const char bytes[3] = {(char)(i >> 4), (char)(i << 4), 0};

		assert_same(decode(*state, span_from(text, 4)), span_from(bytes, 3));
		assert_same(put(*state, span_from(bytes, 3)), span_from(text, 4));
	}
}

static void test_any_other_byte_is_refused_wherever_it_stands(void **state)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (int c = 0; c < 256; c++) {
		bool is_digit = c != 0 && strchr(digits, c) != NULL;

		for (size_t at = 0; at < 8; at++) {
			char text[8] = "Zm9vYmFy";
			bool pads = c == '=' && at == 7;

			text[at] = (char)c;
			/* "Zm9vYmF=" has unused bits. */
			if (decode(*state, span_from(text, 8)).ptr != NULL)
				assert_true(is_digit);
			else
				assert_true(!is_digit || pads);
		}
	}
	assert_null(decode(*state, SPAN_OF("Zm-_")).ptr);
	assert_null(decode(*state, SPAN_OF("Zm 9v")).ptr);
}

static void test_only_whole_groups_are_read(void **state)
{
	static const char *const cut[] = {
	    "Z", "Zg", "Zg=", "Zm8", "Zm9vY", "Zm9vYg", "Zm9vYg=", "Zm9vYmE"};

	for (size_t i = 0; i < COUNT(cut); i++)
		assert_null(decode(*state, span_of(cut[i])).ptr);
}

static void test_padding_stands_only_at_the_end_of_the_last_group(void **state)
{
	static const char *const wrong[] = {"=", "==", "===", "====", "Z===", "=Zm9", "Z=m9",
	    "Zg=v", "Zg==Zg==", "Zg==Zm9v", "Zm8=Zm8=", "Zm9v=", "Zm9v==", "Zm9v===", "Zm9v====",
	    "Zg===", "Zg====", "Zm8==", "Z=g="};

	for (size_t i = 0; i < COUNT(wrong); i++)
		assert_null(decode(*state, span_of(wrong[i])).ptr);
}

static void test_unused_bits_must_be_zero(void **state)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (unsigned i = 0; i < 64; i++) {
		char one[] = "ZA==", two[] = "ZmA=";

		one[1] = two[2] = digits[i];
		assert_int_equal(decode(*state, span_of(one)).ptr != NULL, i % 16 == 0);
		assert_int_equal(decode(*state, span_of(two)).ptr != NULL, i % 4 == 0);
	}
}

static void test_line_breaks_are_skipped(void **state)
{
	assert_span(decode(*state, SPAN_OF("Zm9v\r\nYmFy\r\n")), "foobar");
	assert_span(decode(*state, SPAN_OF("\n\nZ\nm\n9\rvYg\n=\n=\n")), "foob");
	assert_span(decode(*state, SPAN_OF("\r\n")), "");
	assert_null(decode(*state, SPAN_OF("Zm9v\tYmFy")).ptr);
	assert_null(decode(*state, SPAN_OF("Zm9v YmFy")).ptr);
	assert_null(decode(*state, SPAN_OF("Zm9\n")).ptr);
}

static void test_bytes_of_every_length_come_back(void **state)
{
	struct unit_random random = {1};
	char bytes[200];

	for (size_t len = 0; len <= sizeof(bytes); len++) {
		struct span text;

		for (size_t i = 0; i < len; i++)
			bytes[i] = (char)unit_random_below(&random, 256);
		text = put(*state, span_from(bytes, len));
		assert_int_equal(text.len, (len + 2) / 3 * 4);
		assert_same(decode(*state, text), span_from(bytes, len));
	}
}

/* No two texts without line breaks mean the same bytes. */
static void test_a_flipped_bit_is_refused_or_means_other_bytes(void **state)
{
	static const struct span plains[] = {SPAN("f"), SPAN("fo"), SPAN("foo"),
	    SPAN("\0\xff\x10 a longer text of some bytes, so that every digit occurs. 0123")};

	for (size_t n = 0; n < COUNT(plains); n++) {
		struct span text = put(*state, plains[n]);
		char *bytes = arena_bytes(*state, text.len);

		memcpy(bytes, text.ptr, text.len);
		for (size_t i = 0; i < text.len * 8; i++) {
			struct span got;

			bytes[i / 8] = (char)(bytes[i / 8] ^ 1 << i % 8);
			got = decode(*state, span_from(bytes, text.len));
			assert_true(got.ptr == NULL || !span_eq(got, plains[n]));
			/* What is read is what would be written. */
			if (got.ptr != NULL)
				assert_same(put(*state, got), span_from(bytes, text.len));
			bytes[i / 8] = (char)(bytes[i / 8] ^ 1 << i % 8);
		}
	}
}

static void test_a_text_without_room_fails_the_buffer(void **state)
{
	char storage[7];
	struct buf b = buf_over(storage, sizeof(storage));

	(void)state;
	base64_put(&b, SPAN_OF("foob"));
	assert_true(b.failed);
}

int test_text_base64(void)
{
	const struct CMUnitTest tests[] = {
	    arena_test(test_the_rfcs_texts_are_written_and_read),
	    arena_test(test_every_digit_has_its_value),
	    arena_test(test_any_other_byte_is_refused_wherever_it_stands),
	    arena_test(test_only_whole_groups_are_read),
	    arena_test(test_padding_stands_only_at_the_end_of_the_last_group),
	    arena_test(test_unused_bits_must_be_zero),
	    arena_test(test_line_breaks_are_skipped),
	    arena_test(test_bytes_of_every_length_come_back),
	    arena_test(test_a_flipped_bit_is_refused_or_means_other_bytes),
	    cmocka_unit_test(test_a_text_without_room_fails_the_buffer),
	};

	return unit_run("text/base64", tests);
}
