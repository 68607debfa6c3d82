#include "page/template.h"

#include "base/bounds.h"
#include "base/buf.h"
#include "page_tests.h"
#include "unit.h"

static struct template parsed(struct arena *mem, const char *text)
{
	struct template template = {0};
	struct template_fault fault = {0};

	if (template_parse(span_of(text), mem, &template, &fault) != RC_OK)
		fail_msg("%s: line %zu: %.*s", text, fault.line, SPAN_ARG(fault.what));
	return template;
}

/* Its mistake, and in which line. */
static struct template_fault fault_of(struct arena *mem, struct span text)
{
	struct template template = {0};
	struct template_fault fault = {99, SPAN("")};

	if (template_parse(text, mem, &template, &fault) != RC_INVALID)
		fail_msg("%.*s has no mistake", SPAN_ARG(text));
	assert_null(template.parts);
	return fault;
}

static void assert_fault(struct arena *mem, const char *text, size_t line, const char *what)
{
	struct template_fault fault = fault_of(mem, span_of(text));

	assert_int_equal(fault.line, line);
	assert_same(fault.what, span_of(what));
}

static void assert_text(const struct template_part *part, const char *text)
{
	assert_int_equal(part->slot, TEMPLATE_TEXT);
	assert_same(part->text, span_of(text));
}

static void test_text_and_placeholders_come_in_their_order(void **state)
{
	struct template t = parsed(*state, "<a>{{ vite }}b{{ inertia }}{{csrf_token}}</a>\n");

	assert_int_equal(t.count, 6);
	assert_text(&t.parts[0], "<a>");
	assert_int_equal(t.parts[1].slot, TEMPLATE_VITE);
	assert_text(&t.parts[2], "b");
	assert_int_equal(t.parts[3].slot, TEMPLATE_INERTIA);
	assert_int_equal(t.parts[4].slot, TEMPLATE_CSRF_TOKEN);
	assert_text(&t.parts[5], "</a>\n");
}

static void test_blanks_around_a_name_mean_nothing(void **state)
{
	struct template t = parsed(*state, "{{vite}}{{\t\n inertia \r\n}}");

	assert_int_equal(t.count, 2);
	assert_int_equal(t.parts[0].slot, TEMPLATE_VITE);
	assert_int_equal(t.parts[1].slot, TEMPLATE_INERTIA);
}

static void test_what_is_escaped_may_stand_there_often_and_not_at_all(void **state)
{
	struct template t = parsed(*state,
	    "{{ vite }}{{ app_name }}{{ app_name }}{{ broadcaster }}{{ broadcaster }}{{ inertia }}");

	assert_int_equal(t.count, 6);
	assert_int_equal(t.parts[1].slot, TEMPLATE_APP_NAME);
	assert_int_equal(t.parts[4].slot, TEMPLATE_BROADCASTER);
}

static void test_single_braces_are_text(void **state)
{
	struct template t = parsed(*state, "{ } }} {{ vite }}}{{ inertia }}{");

	assert_int_equal(t.count, 5);
	assert_text(&t.parts[0], "{ } }} ");
	assert_text(&t.parts[2], "}");
	assert_text(&t.parts[4], "{");
}

static void test_a_mistake_is_told_with_its_line(void **state)
{
	assert_fault(*state, "{{ vite }}\n\n  {{ flash }} {{ inertia }}", 3,
	    "{{ flash }} is unknown; there are app_name, csrf_token, broadcaster, vite and inertia");
	assert_fault(*state, "{{ vite }}\n{{ inertia }}\n{{ vite }}", 3,
	    "{{ vite }} stands here once more; it must be there once");
	assert_fault(*state, "{{ inertia }}{{ inertia }}", 1,
	    "{{ inertia }} stands here once more; it must be there once");
	assert_fault(*state, "{{ vite }}\n{{ inertia }\n}", 2, "a \"{{\" has no \"}}\" behind it");
	assert_fault(*state, "{{ vite }}{{ inertia }}\n{{", 2, "a \"{{\" has no \"}}\" behind it");
}

static void test_what_is_missing_is_told_without_a_line(void **state)
{
	assert_fault(*state, "", 0, "{{ vite }} is nowhere: the page needs its assets");
	assert_fault(
	    *state, "{{ inertia }}", 0, "{{ vite }} is nowhere: the page needs its assets");
	assert_fault(*state, "{{ vite }}", 0, "{{ inertia }} is nowhere: the page needs its data");
}

static void test_a_name_is_shown_as_one_short_line(void **state)
{
	struct buf text = buf_in(*state, 64 * KIB);
	struct span what;

	buf_puts(&text, "{{ a\n\x1b[2J");
	for (int i = 0; i < 1000; i++)
		buf_putc(&text, 'x');
	buf_puts(&text, " }}");
	what = fault_of(*state, buf_span(&text)).what;
	assert_true(what.len < 200);
	assert_null(memchr(what.ptr, '\n', what.len));
	assert_null(memchr(what.ptr, '\x1b', what.len));
}

static void test_a_template_is_utf8(void **state)
{
	struct template_fault fault = fault_of(*state, SPAN_OF("{{ vite }}\xff{{ inertia }}"));

	assert_int_equal(fault.line, 0);
	assert_span(fault.what, "this is not UTF-8");
}

static void test_placeholders_have_a_maximum(void **state)
{
	struct buf text = buf_in(*state, 64 * KIB);

	buf_puts(&text, "{{ vite }} {{ inertia }}");
	for (int i = 2; i < BOUND_PLACEHOLDERS; i++)
		buf_puts(&text, " {{ app_name }}");
	buf_puts(&text, " ");
	buf_putc(&text, '\0');
	assert_int_equal(parsed(*state, text.ptr).count, 2 * BOUND_PLACEHOLDERS);
	text.len--;
	buf_puts(&text, "\n{{ app_name }}");
	buf_putc(&text, '\0');
	assert_fault(*state, text.ptr, 2, "{{ app_name }} is one placeholder too many");
}

int test_page_template(void)
{
	const struct CMUnitTest tests[] = {
	    arena_test(test_text_and_placeholders_come_in_their_order),
	    arena_test(test_blanks_around_a_name_mean_nothing),
	    arena_test(test_what_is_escaped_may_stand_there_often_and_not_at_all),
	    arena_test(test_single_braces_are_text),
	    arena_test(test_a_mistake_is_told_with_its_line),
	    arena_test(test_what_is_missing_is_told_without_a_line),
	    arena_test(test_a_name_is_shown_as_one_short_line),
	    arena_test(test_a_template_is_utf8),
	    arena_test(test_placeholders_have_a_maximum),
	};

	return unit_run("page/template", tests);
}
