#include "text/html.h"

#include "base/bounds.h"
#include "text_tests.h"
#include "unit.h"

static struct span escaped(struct arena *mem, struct span text)
{
	struct buf b = buf_in(mem, 1 * MIB);

	html_put(&b, text);
	assert_false(b.failed);
	return buf_span(&b);
}

static void test_what_has_a_meaning_in_html_is_escaped(void **state)
{
	assert_span(escaped(*state, SPAN_OF("<a b=\"c\" d='e'>&amp;</a>")),
	    "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;amp;&lt;/a&gt;");
}

static void test_everything_else_stays_as_it_is(void **state)
{
	assert_span(escaped(*state, SPAN_OF("")), "");
	assert_span(escaped(*state, (struct span){0}), "");
	assert_span(escaped(*state, SPAN_OF("a\0b\xff\n\xe2\x80\xae \xf0\x9f\x98\x80 {{ `=/")),
	    "a\0b\xff\n\xe2\x80\xae \xf0\x9f\x98\x80 {{ `=/");
}

static void test_escapes_stand_where_their_characters_stood(void **state)
{
	assert_span(escaped(*state, SPAN_OF("<")), "&lt;");
	assert_span(escaped(*state, SPAN_OF("<<x")), "&lt;&lt;x");
	assert_span(escaped(*state, SPAN_OF("x>>")), "x&gt;&gt;");
}

static void test_a_full_buffer_has_failed(void **state)
{
	struct buf b = buf_in(*state, 3);

	html_put(&b, SPAN_OF("<"));
	assert_true(b.failed);
}

int test_text_html(void)
{
	const struct CMUnitTest tests[] = {
	    arena_test(test_what_has_a_meaning_in_html_is_escaped),
	    arena_test(test_everything_else_stays_as_it_is),
	    arena_test(test_escapes_stand_where_their_characters_stood),
	    arena_test(test_a_full_buffer_has_failed),
	};

	return unit_run("text/html", tests);
}
