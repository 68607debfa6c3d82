#include "text/percent.h"

#include <stdio.h>

#include "base/buf.h"
#include "text_tests.h"
#include "unit.h"

static struct span decode(struct arena *mem, enum percent_kind kind, struct span text)
{
	struct span exact = unit_exact(text), got = percent_decode(exact, kind, mem);

	unit_exact_free(exact);
	assert_int_equal(got.ptr[got.len], '\0');
	return got;
}

#define form(text) decode(*state, PERCENT_FORM, SPAN_OF(text))
#define cookie(text) decode(*state, PERCENT_COOKIE, SPAN_OF(text))

static void test_every_byte_has_its_escape(void **state)
{
	for (int i = 0; i < 256; i++) {
		const char byte = (char)i;
		char storage[8];
		struct buf upper = buf_over(storage, sizeof(storage));

		buf_putf(&upper, "%%%02X", (unsigned)i);
		assert_same(decode(*state, PERCENT_FORM, buf_span(&upper)), span_from(&byte, 1));
		assert_same(decode(*state, PERCENT_COOKIE, buf_span(&upper)), span_from(&byte, 1));
	}
}

static void test_escapes_in_lower_case_are_read_in_forms_alone(void **state)
{
	assert_span(form("%2b%2B%c3%A4%aF%Fa"), "++\xc3\xa4\xaf\xfa");
	assert_span(cookie("%2b%2B%c3%A4%aF%Fa"), "%2b+%c3\xa4%aF%Fa");
}

static void test_a_plus_sign_is_a_blank_in_forms_alone(void **state)
{
	assert_span(form("+a+%2B+"), " a + ");
	assert_span(cookie("+a+%2B+"), "+a+++");
}

static void test_a_broken_escape_stands_for_itself_in_both(void **state)
{
	static const struct {
		struct span text, decoded;
	} cases[] = {
	    {SPAN(""), SPAN("")},
	    {SPAN("%"), SPAN("%")},
	    {SPAN("%4"), SPAN("%4")},
	    {SPAN("a%"), SPAN("a%")},
	    {SPAN("%%"), SPAN("%%")},
	    {SPAN("%%41"), SPAN("%A")},
	    {SPAN("%4%41"), SPAN("%4A")},
	    {SPAN("%G1%1G"), SPAN("%G1%1G")},
	    {SPAN("% 1%-1%+1"), SPAN("% 1%-1%+1")},
	    {SPAN("%4\0"), SPAN("%4\0")},
	    {SPAN("%2541"), SPAN("%41")},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		/* But for its '+'. */
		if (memchr(cases[i].text.ptr, '+', cases[i].text.len) == NULL)
			assert_same(decode(*state, PERCENT_FORM, cases[i].text), cases[i].decoded);
		assert_same(decode(*state, PERCENT_COOKIE, cases[i].text), cases[i].decoded);
	}
}

static void test_no_text_is_an_empty_text(void **state)
{
	struct span got = percent_decode((struct span){0}, PERCENT_FORM, *state);

	assert_non_null(got.ptr);
	assert_int_equal(got.len, 0);
}

static bool is_unreserved(int c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       c == '-' || c == '.' || c == '_' || c == '~';
}

/* RFC 3986, 2.3 */
static void test_every_byte_is_put_escaped_but_the_unreserved_characters(void **state)
{
	(void)state;
	for (int i = 0; i < 256; i++) {
		const char byte = (char)i;
		char storage[8], escape[4] = {byte};
		struct buf b = buf_over(storage, sizeof(storage));

		if (!is_unreserved(i))
			snprintf(escape, sizeof(escape), "%%%02X", (unsigned)i);
		percent_put(&b, span_from(&byte, 1));
		assert_same(buf_span(&b), span_from(escape, is_unreserved(i) ? 1 : 3));
	}
}

static void test_a_segment_of_a_path_stays_one(void **state)
{
	struct buf b = buf_in(*state, 200);

	percent_put(&b, SPAN_OF("../a b?c=d&e#f%2F;\\\0\xc3\xa9"));
	assert_span(buf_span(&b), "..%2Fa%20b%3Fc%3Dd%26e%23f%252F%3B%5C%00%C3%A9");
	buf_clear(&b);
	percent_put(&b, (struct span){0});
	assert_int_equal(b.len, 0);
}

static void test_what_is_put_is_read_back_by_both_kinds(void **state)
{
	struct unit_random random = {0};

	for (int round = 0; round < 500; round++) {
		char bytes[100];
		struct span text = span_from(bytes, unit_random_below(&random, sizeof(bytes)));
		struct buf b = buf_in(*state, 4 * sizeof(bytes));

		for (size_t i = 0; i < text.len; i++)
			bytes[i] = (char)unit_random(&random);
		percent_put(&b, text);
		assert_same(decode(*state, PERCENT_FORM, buf_span(&b)), text);
		assert_same(decode(*state, PERCENT_COOKIE, buf_span(&b)), text);
	}
}

static void test_what_does_not_fit_fails_and_writes_nothing_behind_the_end(void **state)
{
	char storage[8];
	struct buf b = buf_over(storage, 4);

	(void)state;
	storage[4] = 'x';
	percent_put(&b, SPAN_OF("//"));
	assert_true(b.failed);
	assert_int_equal(storage[4], 'x');
}

int test_text_percent(void)
{
	const struct CMUnitTest tests[] = {
	    arena_test(test_every_byte_has_its_escape),
	    arena_test(test_escapes_in_lower_case_are_read_in_forms_alone),
	    arena_test(test_a_plus_sign_is_a_blank_in_forms_alone),
	    arena_test(test_a_broken_escape_stands_for_itself_in_both),
	    arena_test(test_no_text_is_an_empty_text),
	    cmocka_unit_test(test_every_byte_is_put_escaped_but_the_unreserved_characters),
	    arena_test(test_a_segment_of_a_path_stays_one),
	    arena_test(test_what_is_put_is_read_back_by_both_kinds),
	    cmocka_unit_test(test_what_does_not_fit_fails_and_writes_nothing_behind_the_end),
	};

	return unit_run("text/percent", tests);
}
