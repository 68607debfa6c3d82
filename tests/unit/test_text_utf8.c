#include "text/utf8.h"

#include "text_tests.h"
#include "unit.h"

/* Unicode 15, table 3-7: first, second, and how many more bytes of 80..BF. */
static const struct {
	unsigned first_low, first_high, second_low, second_high;
	size_t more;
} well_formed[] = {
    {0xc2, 0xdf, 0x80, 0xbf, 0},
    {0xe0, 0xe0, 0xa0, 0xbf, 1},
    {0xe1, 0xec, 0x80, 0xbf, 1},
    {0xed, 0xed, 0x80, 0x9f, 1},
    {0xee, 0xef, 0x80, 0xbf, 1},
    {0xf0, 0xf0, 0x90, 0xbf, 2},
    {0xf1, 0xf3, 0x80, 0xbf, 2},
    {0xf4, 0xf4, 0x80, 0x8f, 2},
};

/* How many more bytes make the two a character; -1: none do. */
static int more_after(unsigned first, unsigned second)
{
	for (size_t i = 0; i < COUNT(well_formed); i++)
		if (first >= well_formed[i].first_low && first <= well_formed[i].first_high &&
		    second >= well_formed[i].second_low && second <= well_formed[i].second_high)
			return (int)well_formed[i].more;
	return -1;
}

static void test_every_first_and_second_byte_is_as_in_the_standards_table(void **state)
{
	(void)state;
	for (unsigned first = 0x80; first < 0x100; first++) {
		for (unsigned second = 0; second < 0x100; second++) {
			char text[4] = {(char)first, (char)second, '\x80', '\x80'};
			int more = more_after(first, second);

			for (size_t len = 1; len <= 4; len++)
				assert_int_equal(utf8_valid(span_from(text, len)),
				    more >= 0 && len == (size_t)more + 2);
		}
	}
}

static void test_every_ascii_byte_is_text_also_nul(void **state)
{
	char text[128];

	(void)state;
	for (unsigned i = 0; i < sizeof(text); i++)
		text[i] = (char)i;
	assert_true(utf8_valid(span_from(text, sizeof(text))));
	assert_int_equal(utf8_length(span_from(text, sizeof(text))), sizeof(text));
	assert_true(utf8_valid(SPAN_OF("")));
	assert_true(utf8_valid((struct span){0}));
}

static void test_overlong_forms_are_no_text(void **state)
{
	(void)state;
	assert_false(utf8_valid(SPAN_OF("\xc0\x80")));
	assert_false(utf8_valid(SPAN_OF("\xc0\xaf")));
	assert_false(utf8_valid(SPAN_OF("\xc1\xbf")));
	assert_false(utf8_valid(SPAN_OF("\xe0\x80\xaf")));
	assert_false(utf8_valid(SPAN_OF("\xe0\x9f\xbf")));
	assert_false(utf8_valid(SPAN_OF("\xf0\x80\x80\xaf")));
	assert_false(utf8_valid(SPAN_OF("\xf0\x8f\xbf\xbf")));
}

static void test_surrogates_are_no_text(void **state)
{
	(void)state;
	assert_true(utf8_valid(SPAN_OF("\xed\x9f\xbf")));
	assert_false(utf8_valid(SPAN_OF("\xed\xa0\x80")));
	assert_false(utf8_valid(SPAN_OF("\xed\xbf\xbf")));
	assert_false(utf8_valid(SPAN_OF("\xed\xa0\xbd\xed\xb8\x80")));
	assert_true(utf8_valid(SPAN_OF("\xee\x80\x80")));
}

static void test_nothing_is_above_10ffff(void **state)
{
	(void)state;
	assert_true(utf8_valid(SPAN_OF("\xf4\x8f\xbf\xbf")));
	assert_false(utf8_valid(SPAN_OF("\xf4\x90\x80\x80")));
	assert_false(utf8_valid(SPAN_OF("\xf5\x80\x80\x80")));
	assert_false(utf8_valid(SPAN_OF("\xff")));
	assert_false(utf8_valid(SPAN_OF("\xfe")));
}

static void test_a_character_that_is_cut_short_is_no_text(void **state)
{
	(void)state;
	assert_false(utf8_valid(SPAN_OF("a\xc3")));
	assert_false(utf8_valid(SPAN_OF("\xe2\x82")));
	assert_false(utf8_valid(SPAN_OF("\xf0\x9f\x98")));
	assert_false(utf8_valid(SPAN_OF("\xf0\x9f\x98q")));
	assert_false(utf8_valid(SPAN_OF("\x80")));
}

static void test_length_counts_characters_and_not_bytes(void **state)
{
	(void)state;
	assert_int_equal(utf8_length(SPAN_OF("a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80")), 4);
	assert_int_equal(utf8_length((struct span){0}), 0);
}

static void test_a_cut_never_divides_a_character(void **state)
{
	const struct span text = SPAN("a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
	static const size_t bytes[] = {0, 1, 3, 6, 10, 10, 10};

	(void)state;
	for (size_t chars = 0; chars < COUNT(bytes); chars++) {
		struct span cut = utf8_cut(text, chars);

		assert_int_equal(cut.len, bytes[chars]);
		assert_true(utf8_valid(cut));
		assert_int_equal(utf8_length(cut), chars < 4 ? chars : 4);
	}
}

/* The character, as UTF-8. */
static size_t encode(uint32_t c, char ret[static 4])
{
	if (c < 0x80) {
		ret[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		ret[0] = (char)(0xc0 | c >> 6);
		ret[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		ret[0] = (char)(0xe0 | c >> 12);
		ret[1] = (char)(0x80 | (c >> 6 & 0x3f));
		ret[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	ret[0] = (char)(0xf0 | c >> 18);
	ret[1] = (char)(0x80 | (c >> 12 & 0x3f));
	ret[2] = (char)(0x80 | (c >> 6 & 0x3f));
	ret[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

/* What PCRE's \s matches in Unicode text, and what Laravel trims besides. */
static bool is_blank(uint32_t c)
{
	static const uint32_t blanks[] = {0, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x20, 0x85, 0xa0, 0x1680,
	    0x180e, 0x2000, 0x2001, 0x2002, 0x2003, 0x2004, 0x2005, 0x2006, 0x2007, 0x2008, 0x2009,
	    0x200a, 0x200b, 0x200e, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000, 0xfeff};

	for (size_t i = 0; i < COUNT(blanks); i++)
		if (blanks[i] == c)
			return true;
	return false;
}

static void test_every_blank_of_unicode_is_trimmed_and_nothing_else(void **state)
{
	(void)state;
	for (uint32_t c = 0; c < 0x110000; c++) {
		char text[16];
		size_t len, trimmed;

		if (c >= 0xd800 && c < 0xe000)
			continue;
		len = encode(c, text);
		assert_true(utf8_valid(span_from(text, len)));
		trimmed = utf8_trim(span_from(text, len)).len;
		assert_int_equal(trimmed, is_blank(c) ? 0 : len);
		/* At both ends of something else. */
		text[len] = 'x';
		encode(c, text + len + 1);
		trimmed = utf8_trim(span_from(text, 2 * len + 1)).len;
		assert_int_equal(trimmed, is_blank(c) ? 1 : 2 * len + 1);
	}
}

static void test_blanks_of_several_kinds_are_trimmed_together(void **state)
{
	(void)state;
	assert_span(utf8_trim(SPAN_OF(" \t\xc2\xa0\xe2\x80\x8b"
				      "a b\xe3\x80\x80\n\0\xef\xbb\xbf ")),
	    "a b");
	assert_int_equal(utf8_trim(SPAN_OF(" \xe2\x80\x8e \0")).len, 0);
	assert_int_equal(utf8_trim((struct span){0}).len, 0);
}

static void test_what_is_between_is_not_trimmed(void **state)
{
	(void)state;
	assert_span(utf8_trim(SPAN_OF("a \xc2\xa0\0 b")), "a \xc2\xa0\0 b");
	assert_span(utf8_trim(SPAN_OF(" \xf0\x9f\x98\x80 ")), "\xf0\x9f\x98\x80");
	/* These end with the bytes of a blank, and are none. */
	assert_span(utf8_trim(SPAN_OF("\xc4\x85")), "\xc4\x85");
	assert_span(utf8_trim(SPAN_OF("\xf0\xa0\x80\x80")), "\xf0\xa0\x80\x80");
}

/* --- lines */

static struct span line_of(struct arena *mem, struct span text, size_t max)
{
	struct span exact = unit_exact(text);
	struct buf b = buf_in(mem, max);

	utf8_put_line(&b, exact, max);
	unit_exact_free(exact);
	assert_false(b.failed);
	return buf_span(&b);
}

static void test_any_bytes_become_one_line(void **state)
{
	static const struct {
		struct span text, line;
	} cases[] = {
	    {SPAN(""), SPAN("")},
	    {{NULL, 0}, SPAN("")},
	    {SPAN("a line"), SPAN("a line")},
	    {SPAN("two\nlines"), SPAN("two lines")},
	    {SPAN("two\r\n\r\nlines"), SPAN("two lines")},
	    {SPAN("\n\t at the\tbeginning"), SPAN("at the beginning")},
	    {SPAN("at the end \n\n"), SPAN("at the end ")},
	    {SPAN("a\0b\x1b[1mc\x7f"), SPAN("a b [1mc ")},
	    {SPAN("a\xc2\x85"
		  "b\xc2\x9b"
		  "c"),
		SPAN("a b c")},
	    {SPAN("a\xe2\x80\xa8"
		  "b\xe2\x80\xa9"
		  "c\xc2\xa0\xe3\x80\x80"
		  "d"),
		SPAN("a b c d")},
	    {SPAN("caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"),
		SPAN("caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80")},
	    {SPAN("caf\xe9"), SPAN("caf?")},
	    {SPAN("\xff\xfe \xc3"), SPAN("?? ?")},
	    {SPAN("\xed\xa0\x80"), SPAN("???")},
	    {SPAN("cut \xf0\x9f\x98"), SPAN("cut ???")},
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		assert_same(line_of(*state, cases[i].text, 100), cases[i].line);
}

static void test_a_line_is_cut_at_a_character(void **state)
{
	const struct span text = SPAN("a\xc3\xa4 \n\xe2\x82\xac\xf0\x9f\x98\x80\xff");
	static const char *const lines[] = {"", "a", "a", "a\xc3\xa4", "a\xc3\xa4 ", "a\xc3\xa4 ",
	    "a\xc3\xa4 ", "a\xc3\xa4 \xe2\x82\xac", "a\xc3\xa4 \xe2\x82\xac",
	    "a\xc3\xa4 \xe2\x82\xac", "a\xc3\xa4 \xe2\x82\xac",
	    "a\xc3\xa4 \xe2\x82\xac\xf0\x9f\x98\x80", "a\xc3\xa4 \xe2\x82\xac\xf0\x9f\x98\x80?",
	    "a\xc3\xa4 \xe2\x82\xac\xf0\x9f\x98\x80?"};

	for (size_t max = 0; max < COUNT(lines); max++)
		assert_same(line_of(*state, text, max), span_of(lines[max]));
}

static void test_a_line_is_put_behind_what_is_there(void **state)
{
	struct buf b = buf_in(*state, 100);

	buf_puts(&b, "HTTP 400:");
	utf8_put_line(&b, SPAN_OF(" a\nb"), 2);
	assert_span(buf_span(&b), "HTTP 400:a ");
}

/* A random text of what may go wrong. */
static struct span some_bytes(struct unit_random *random, char *storage, size_t size)
{
	static const struct span parts[] = {SPAN("a"), SPAN(" "), SPAN("\n"), SPAN("\0"),
	    SPAN("\x7f"), SPAN("\xc3\xa9"), SPAN("\xc2\x85"), SPAN("\xc2\xa0"),
	    SPAN("\xe2\x82\xac"), SPAN("\xe2\x80\xa8"), SPAN("\xef\xbb\xbf"),
	    SPAN("\xf0\x9f\x98\x80"), SPAN("\xff"), SPAN("\xe2\x82"), SPAN("\xc3"), SPAN("\x80")};
	struct buf b = buf_over(storage, size);

	for (size_t n = unit_random_below(random, size / 4); n > 0; n--)
		buf_put(&b, parts[unit_random_below(random, COUNT(parts))]);
	return buf_span(&b);
}

static void test_a_line_is_text_without_controls_and_no_longer_than_it_may_be(void **state)
{
	struct unit_random random = {0};

	for (int round = 0; round < 5000; round++) {
		char storage[200];
		struct span text = some_bytes(&random, storage, sizeof(storage));
		size_t max = unit_random_below(&random, 80);
		struct span line = line_of(*state, text, max), rest = line;

		assert_true(line.len <= max);
		assert_true(utf8_valid(line));
		while (rest.len > 0) {
			struct span c = utf8_cut(rest, 1);
			unsigned char first = (unsigned char)c.ptr[0];

			assert_true(first >= 0x20 && first != 0x7f);
			/* Of all blanks, only " " is left, and never two of them. */
			assert_int_equal(utf8_trim(c).len == 0, span_is(c, " "));
			assert_false(first == 0xc2 && (unsigned char)c.ptr[1] < 0xa0);
			rest = span_from(rest.ptr + c.len, rest.len - c.len);
			assert_false(span_is(c, " ") && span_starts(rest, " "));
		}
		/* A line is its own, and a shorter one is its beginning. */
		assert_same(line_of(*state, line, max), line);
		if (max > 0)
			assert_true(span_starts(
			    line, arena_copy(*state, line_of(*state, text, max - 1)).ptr));
		arena_reset(*state);
	}
}

int test_text_utf8(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_first_and_second_byte_is_as_in_the_standards_table),
	    cmocka_unit_test(test_every_ascii_byte_is_text_also_nul),
	    cmocka_unit_test(test_overlong_forms_are_no_text),
	    cmocka_unit_test(test_surrogates_are_no_text),
	    cmocka_unit_test(test_nothing_is_above_10ffff),
	    cmocka_unit_test(test_a_character_that_is_cut_short_is_no_text),
	    cmocka_unit_test(test_length_counts_characters_and_not_bytes),
	    cmocka_unit_test(test_a_cut_never_divides_a_character),
	    cmocka_unit_test(test_every_blank_of_unicode_is_trimmed_and_nothing_else),
	    cmocka_unit_test(test_blanks_of_several_kinds_are_trimmed_together),
	    cmocka_unit_test(test_what_is_between_is_not_trimmed),
	    arena_test(test_any_bytes_become_one_line),
	    arena_test(test_a_line_is_cut_at_a_character),
	    arena_test(test_a_line_is_put_behind_what_is_there),
	    arena_test(test_a_line_is_text_without_controls_and_no_longer_than_it_may_be),
	};

	return unit_run("text/utf8", tests);
}
