#include "text/php.h"

#include "base/bounds.h"
#include "base/buf.h"
#include "text_tests.h"
#include "unit.h"

/* What was told, member by member: "key=i1 key=s'text' key=N"; behind it "!" if it is broken. */
static void tell(void *ctx, struct span key, const struct php_value *value)
{
	struct buf *b = ctx;

	if (b->len > 0)
		buf_putc(b, ' ');
	buf_put(b, key);
	buf_putc(b, '=');
	switch (value->type) {
	case PHP_NULL:
		buf_putc(b, 'N');
		break;
	case PHP_BOOL:
		buf_putf(b, "b%lld", (long long)value->i);
		break;
	case PHP_INTEGER:
		buf_putf(b, "i%lld", (long long)value->i);
		break;
	case PHP_FLOAT:
		buf_putc(b, 'd');
		break;
	case PHP_STRING:
		buf_putc(b, '\'');
		buf_put(b, value->s);
		buf_putc(b, '\'');
		break;
	case PHP_OTHER:
		buf_putc(b, 'o');
		break;
	}
}

static struct span told(struct arena *mem, struct span text)
{
	struct buf b = buf_in(mem, 64 * KIB);
	enum rc rc = php_read_array(text, tell, &b);

	assert_true(rc == RC_OK || rc == RC_INVALID);
	if (rc != RC_OK)
		buf_putc(&b, '!');
	assert_false(b.failed);
	return buf_span(&b);
}

static bool is_read(struct arena *mem, struct span text)
{
	struct span said = told(mem, text);

	return said.len == 0 || said.ptr[said.len - 1] != '!';
}

static void test_an_array_without_members_tells_nothing(void **state)
{
	assert_span(told(*state, SPAN_OF("a:0:{}")), "");
}

static void test_every_scalar_is_told_with_its_value(void **state)
{
	assert_span(
	    told(*state, SPAN_OF("a:7:{s:1:\"n\";N;s:1:\"t\";b:1;s:1:\"f\";b:0;s:1:\"i\";i:42;"
				 "s:1:\"m\";i:-7;s:1:\"d\";d:0.5;s:1:\"s\";s:3:\"abc\";}")),
	    "n=N t=b1 f=b0 i=i42 m=i-7 d=d s='abc'");
	assert_span(told(*state, SPAN_OF("a:2:{i:0;i:9223372036854775807;"
					 "i:1;i:-9223372036854775808;}")),
	    "0=i9223372036854775807 1=i-9223372036854775808");
	assert_span(told(*state, SPAN_OF("a:2:{s:0:\"\";s:0:\"\";i:0;b:0;}")), "='' 0=b0");
}

static void test_every_float_that_php_writes_is_one(void **state)
{
	static const char *const floats[] = {"0", "-0", "1", "0.5", "-2.5", "1.0E+25", "1.0E-7",
	    "-1.7976931348623157E+308", "4.9406564584124654E-324", "0.10000000000000001", "INF",
	    "-INF", "NAN"};

	for (size_t i = 0; i < COUNT(floats); i++) {
		struct buf text = buf_in(*state, 128);

		buf_putf(&text, "a:2:{i:0;d:%s;i:1;N;}", floats[i]);
		assert_span(told(*state, buf_span(&text)), "0=d 1=N");
	}
	assert_span(told(*state, SPAN_OF("a:1:{i:0;d:;}")), "!");
	assert_span(told(*state, SPAN_OF("a:1:{i:0;d:1,5;}")), "!");
	assert_span(told(*state, SPAN_OF("a:1:{i:0;d:0x1p3;}")), "!");
}

static void test_a_strings_length_is_counted_in_bytes_and_not_read_from_its_quotes(void **state)
{
	assert_span(told(*state, SPAN_OF("a:1:{s:2:\"\xc3\xa4\";s:4:\"\xf0\x9f\x98\x80\";}")),
	    "\xc3\xa4='\xf0\x9f\x98\x80'");
	assert_span(
	    told(*state, SPAN_OF("a:2:{i:0;s:8:\"\";i:1;i:\";i:1;N;}")), "0='\";i:1;i:' 1=N");
	assert_span(told(*state, SPAN_OF("a:1:{i:0;s:3:\"\0\xff\n\";}")), "0='\0\xff\n'");
	assert_span(told(*state, SPAN_OF("a:1:{s:3:\"a\0b\";i:1;}")), "a\0b=i1");
}

static void test_a_strings_length_that_lies_is_refused(void **state)
{
	static const char *const texts[] = {"a:1:{i:0;s:2:\"abc\";}", "a:1:{i:0;s:4:\"abc\";}",
	    "a:1:{i:0;s:99:\"abc\";}", "a:1:{i:0;s:-1:\"\";}", "a:1:{i:0;s::\"\";}",
	    "a:1:{i:0;s:+3:\"abc\";}", "a:1:{i:0;s:18446744073709551615:\"abc\";}",
	    "a:1:{i:0;s:18446744073709551616:\"abc\";}",
	    "a:1:{i:0;s:000000000000000000000000000000003:\"abc\";}", "a:1:{i:0;s:3:'abc';}",
	    "a:1:{i:0;s:3:\"abc\"}", "a:1:{i:0;s:3\"abc\";}", "a:1:{i:0;S:3:\"abc\";}"};

	for (size_t i = 0; i < COUNT(texts); i++)
		assert_false(is_read(*state, span_of(texts[i])));
}

static void test_keys_are_strings_or_integers(void **state)
{
	assert_span(told(*state, SPAN_OF("a:4:{i:0;N;i:-5;N;s:2:\"05\";N;"
					 "i:9223372036854775807;N;}")),
	    "0=N -5=N 05=N 9223372036854775807=N");
	assert_false(is_read(*state, SPAN_OF("a:1:{b:1;N;}")));
	assert_false(is_read(*state, SPAN_OF("a:1:{d:1;N;}")));
	assert_false(is_read(*state, SPAN_OF("a:1:{N;N;}")));
	assert_false(is_read(*state, SPAN_OF("a:1:{a:0:{}N;}")));
	assert_false(is_read(*state, SPAN_OF("a:1:{r:1;N;}")));
	assert_false(is_read(*state, SPAN_OF("a:1:{i:;N;}")));
	assert_false(is_read(*state, SPAN_OF("a:1:{i:1x;N;}")));
	assert_false(is_read(*state, SPAN_OF("a:1:{i:9223372036854775808;N;}")));
}

static void test_of_equal_keys_all_are_told_in_their_order(void **state)
{
	assert_span(
	    told(*state, SPAN_OF("a:3:{s:1:\"k\";i:1;s:1:\"k\";i:2;i:3;N;}")), "k=i1 k=i2 3=N");
}

static void test_what_is_nested_is_stepped_over(void **state)
{
	assert_span(
	    told(*state,
		SPAN_OF("a:4:{s:1:\"a\";a:2:{s:1:\"x\";a:1:{i:0;a:0:{}}s:1:\"y\";i:5;}s:1:\"b\";"
			"i:1;s:1:\"c\";a:0:{}s:1:\"d\";s:1:\"z\";}")),
	    "a=o b=i1 c=o d='z'");
}

static void test_objects_of_any_class_are_stepped_over(void **state)
{
	/* A private, a protected and a public property; one without any; one that is nested. */
	assert_span(
	    told(*state,
		SPAN_OF("a:4:{i:0;O:5:\"App\\X\":3:{s:8:\"\0App\\X\0p\";i:1;s:4:\"\0*\0q\";N;"
			"s:1:\"r\";s:1:\"}\";}i:1;O:8:\"stdClass\":0:{}i:2;O:1:\"A\":1:{s:1:\"b\";"
			"O:1:\"B\":1:{i:0;a:1:{i:0;i:1;}}}s:1:\"e\";i:9;}")),
	    "0=o 1=o 2=o e=i9");
	assert_span(told(*state, SPAN_OF("a:2:{i:0;O:8:\"DateTime\":3:{s:4:\"date\";s:26:"
					 "\"2025-11-14 03:04:05.000000\";s:13:\"timezone_type\";"
					 "i:3;s:8:\"timezone\";s:3:\"UTC\";}i:1;N;}")),
	    "0=o 1=N");
	assert_false(is_read(*state, SPAN_OF("a:1:{i:0;O:1:\"A\":1:{}}")));
	assert_false(is_read(*state, SPAN_OF("a:1:{i:0;O:2:\"A\":0:{}}")));
	assert_false(is_read(*state, SPAN_OF("a:1:{i:0;O:1:\"A\":0:{}")));
	assert_false(is_read(*state, SPAN_OF("a:1:{i:0;O:1:\"A\";}")));
	assert_false(is_read(*state, SPAN_OF("a:1:{i:0;o:0:{}}")));
}

static void test_enums_are_stepped_over(void **state)
{
	assert_span(
	    told(*state, SPAN_OF("a:2:{s:1:\"e\";E:11:\"Suit:Hearts\";i:1;i:1;}")), "e=o 1=i1");
	assert_false(is_read(*state, SPAN_OF("a:1:{i:0;E:11:\"Suit:Hearts\"}")));
	assert_false(is_read(*state, SPAN_OF("a:1:{i:0;E:12:\"Suit:Hearts\";}")));
}

static void test_objects_that_write_themselves_are_stepped_over(void **state)
{
	assert_span(
	    told(*state, SPAN_OF("a:2:{i:0;C:1:\"A\":9:{}};i:\"a:1}i:1;i:1;}")), "0=o 1=i1");
	assert_span(told(*state, SPAN_OF("a:2:{i:0;C:1:\"A\":0:{}i:1;i:1;}")), "0=o 1=i1");
	assert_false(is_read(*state, SPAN_OF("a:1:{i:0;C:1:\"A\":3:{ab}}")));
	assert_false(is_read(*state, SPAN_OF("a:1:{i:0;C:1:\"A\":99:{ab}}")));
	assert_false(is_read(*state, SPAN_OF("a:1:{i:0;C:1:\"A\":2:{ab};}")));
	assert_false(is_read(*state, SPAN_OF("a:1:{i:0;C:1:\"A\":18446744073709551615:{ab}}")));
}

static void test_references_are_stepped_over(void **state)
{
	assert_span(
	    told(*state, SPAN_OF("a:4:{i:0;i:5;i:1;R:2;i:2;r:1;i:3;i:6;}")), "0=i5 1=o 2=o 3=i6");
	assert_false(is_read(*state, SPAN_OF("a:1:{i:0;R:;}")));
	assert_false(is_read(*state, SPAN_OF("a:1:{i:0;R:x;}")));
	assert_false(is_read(*state, SPAN_OF("a:1:{i:0;r:2}")));
}

static void test_what_follows_the_end_is_not_looked_at(void **state)
{
	assert_span(told(*state, SPAN_OF("a:1:{i:0;i:1;}rest")), "0=i1");
	assert_span(told(*state, SPAN_OF("a:0:{}}")), "");
	assert_span(told(*state, SPAN_OF("a:0:{}\0")), "");
}

static void test_what_is_no_array_is_refused(void **state)
{
	static const struct span texts[] = {{NULL, 0}, SPAN(""), SPAN("hello"), SPAN("N;"),
	    SPAN("b:0;"), SPAN("i:1;"), SPAN("s:1:\"a\";"), SPAN("O:8:\"stdClass\":0:{}"),
	    SPAN("{}"), SPAN("A:0:{}"), SPAN(" a:0:{}"),
	    SPAN("\xef\xbb\xbf"
		 "a:0:{}"),
	    SPAN("a"), SPAN("a:"), SPAN("a:0"), SPAN("a:0:"), SPAN("a:0:{"), SPAN("a:0{}"),
	    SPAN("a::{}"), SPAN("a:0:[]"), SPAN("a:0:{;}"), SPAN("a:x:{}")};

	for (size_t i = 0; i < COUNT(texts); i++)
		assert_span(told(*state, texts[i]), "!");
}

static void test_counts_that_lie_are_refused(void **state)
{
	assert_span(told(*state, SPAN_OF("a:2:{i:0;N;}")), "0=N!");
	assert_span(told(*state, SPAN_OF("a:0:{i:0;N;}")), "!");
	assert_span(told(*state, SPAN_OF("a:1:{i:0;N;i:1;N;}")), "0=N!");
	assert_span(told(*state, SPAN_OF("a:-1:{}")), "!");
	assert_span(told(*state, SPAN_OF("a:18446744073709551615:{i:0;N;}")), "0=N!");
	assert_span(told(*state, SPAN_OF("a:18446744073709551616:{}")), "!");
	assert_span(told(*state, SPAN_OF("a:2:{i:0;a:2:{i:0;N;}i:1;N;}")), "!");
	assert_span(told(*state, SPAN_OF("a:2:{i:0;a:99999999999999:{i:0;N;}i:1;N;}")), "!");
	assert_span(told(*state, SPAN_OF("a:2:{i:0;a:0:{i:0;N;}i:1;N;}")), "!");
}

static void test_a_value_that_is_none_is_refused(void **state)
{
	static const char *const values[] = {"", ";", "N", "N:", "n;", "b:2;", "b:;", "b:01;",
	    "b:true;", "i:;", "i:-;", "i:1", "i:1.5;", "i:+1;", "i: 1;", "i:0x1;",
	    "i:9223372036854775808;", "i:-9223372036854775809;", "x:1;", "s:1:a;", "a:0:{};", "}"};

	for (size_t i = 0; i < COUNT(values); i++) {
		struct buf text = buf_in(*state, 128), inner = buf_in(*state, 128);

		buf_putf(&text, "a:1:{i:0;%s}", values[i]);
		assert_false(is_read(*state, buf_span(&text)));
		buf_putf(&inner, "a:1:{i:0;a:1:{i:0;%s}}", values[i]);
		assert_false(is_read(*state, buf_span(&inner)));
	}
}

/* Arrays in arrays, so many altogether; the innermost has a member too. */
static struct span nested(struct arena *mem, size_t levels, const char *open)
{
	struct buf text = buf_in(mem, MIB);

	buf_puts(&text, "a:1:{i:0;");
	for (size_t i = 1; i < levels; i++)
		buf_puts(&text, open);
	buf_puts(&text, "N;}");
	for (size_t i = 1; i < levels; i++)
		buf_putc(&text, '}');
	assert_false(text.failed);
	return buf_span(&text);
}

static void test_it_is_read_as_deep_as_php_reads_and_no_deeper(void **state)
{
	static const char *const opens[] = {"a:1:{i:0;", "O:1:\"A\":1:{s:1:\"a\";"};

	for (size_t i = 0; i < COUNT(opens); i++) {
		assert_span(told(*state, nested(*state, BOUND_PHP_DEPTH, opens[i])), "0=o");
		assert_span(told(*state, nested(*state, BOUND_PHP_DEPTH + 1, opens[i])), "!");
		assert_span(told(*state, nested(*state, 2 * BOUND_PHP_DEPTH, opens[i])), "!");
	}
}

static void test_neighbours_are_not_depth(void **state)
{
	struct buf text = buf_in(*state, MIB);

	buf_putf(&text, "a:1:{i:0;a:%d:{", 2 * BOUND_PHP_DEPTH);
	for (int i = 0; i < 2 * BOUND_PHP_DEPTH; i++)
		buf_putf(&text, "i:%d;a:0:{}", i);
	buf_puts(&text, "}}");
	assert_span(told(*state, buf_span(&text)), "0=o");
}

/* Of what PHP writes, no beginning is a whole. */
static void test_a_text_that_is_cut_anywhere_is_refused(void **state)
{
	static const struct span texts[] = {
	    SPAN("a:3:{s:6:\"_token\";s:40:\"Zq8Xw2Ec4Rv6Tb1Yn3Um5Ik7Ol9PaSdFgHjKlMnB\";"
		 "s:9:\"_previous\";a:1:{s:3:\"url\";s:5:\"/home\";}s:6:\"_flash\";"
		 "a:2:{s:3:\"old\";a:0:{}s:3:\"new\";a:0:{}}}"),
	    SPAN("a:2:{s:6:\"errors\";O:31:\"Illuminate\\Support\\ViewErrorBag\":1:{s:7:"
		 "\"\0*\0bags\";a:1:{s:7:\"default\";O:29:\"Illuminate\\Support\\MessageBag\":2:"
		 "{s:11:\"\0*\0messages\";a:1:{s:5:\"phone\";a:1:{i:0;s:9:\"Required.\";}}s:9:"
		 "\"\0*\0format\";s:8:\":message\";}}}s:17:\"current_workspace\";i:1;}"),
	    SPAN("a:8:{i:0;b:1;i:1;d:-1.0E+25;i:2;N;i:3;E:3:\"A:B\";i:4;C:1:\"A\":2:{}}}i:5;R:2;"
		 "i:-6;s:0:\"\";s:1:\"k\";i:-9223372036854775808;}"),
	    SPAN("a:0:{}"),
	};

	for (size_t n = 0; n < COUNT(texts); n++) {
		assert_true(is_read(*state, texts[n]));
		for (size_t len = 0; len < texts[n].len; len++) {
			struct span cut = unit_exact(span_from(texts[n].ptr, len));

			assert_false(is_read(*state, cut));
			unit_exact_free(cut);
		}
	}
}

static void test_the_string_around_a_session_is_read(void **state)
{
	struct span got = SPAN("untouched");

	(void)state;
	assert_int_equal(php_read_string(SPAN_OF("s:3:\"a\"b\";"), &got), RC_OK);
	assert_span(got, "a\"b");
	assert_int_equal(php_read_string(SPAN_OF("s:0:\"\";rest"), &got), RC_OK);
	assert_span(got, "");
	assert_non_null(got.ptr);
}

static void test_what_is_no_string_is_refused(void **state)
{
	static const struct span texts[] = {{NULL, 0}, SPAN(""), SPAN("s"), SPAN("s:"),
	    SPAN("s:1:\"a\""), SPAN("s:2:\"a\";"), SPAN("s:0:\"a\";"), SPAN("i:1;"), SPAN("a:0:{}"),
	    SPAN(" s:0:\"\";"), SPAN("N;"), SPAN("s:99999999999999999999:\"\";")};
	struct span got = SPAN("untouched");

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++)
		assert_int_equal(php_read_string(texts[i], &got), RC_INVALID);
	assert_span(got, "untouched");
}

int test_text_php(void)
{
	const struct CMUnitTest tests[] = {
	    arena_test(test_an_array_without_members_tells_nothing),
	    arena_test(test_every_scalar_is_told_with_its_value),
	    arena_test(test_every_float_that_php_writes_is_one),
	    arena_test(test_a_strings_length_is_counted_in_bytes_and_not_read_from_its_quotes),
	    arena_test(test_a_strings_length_that_lies_is_refused),
	    arena_test(test_keys_are_strings_or_integers),
	    arena_test(test_of_equal_keys_all_are_told_in_their_order),
	    arena_test(test_what_is_nested_is_stepped_over),
	    arena_test(test_objects_of_any_class_are_stepped_over),
	    arena_test(test_enums_are_stepped_over),
	    arena_test(test_objects_that_write_themselves_are_stepped_over),
	    arena_test(test_references_are_stepped_over),
	    arena_test(test_what_follows_the_end_is_not_looked_at),
	    arena_test(test_what_is_no_array_is_refused),
	    arena_test(test_counts_that_lie_are_refused),
	    arena_test(test_a_value_that_is_none_is_refused),
	    arena_test(test_it_is_read_as_deep_as_php_reads_and_no_deeper),
	    arena_test(test_neighbours_are_not_depth),
	    arena_test(test_a_text_that_is_cut_anywhere_is_refused),
	    cmocka_unit_test(test_the_string_around_a_session_is_read),
	    cmocka_unit_test(test_what_is_no_string_is_refused),
	};

	return unit_run("text/php", tests);
}
