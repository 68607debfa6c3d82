#include "text/form.h"

#include "base/bounds.h"
#include "base/buf.h"
#include "text_tests.h"
#include "unit.h"

/* The value of field "a"; absent when there is none. */
static struct span field(struct arena *mem, struct span form)
{
	struct span value = {0};

	return form_field(form, "a", mem, &value) ? value : (struct span){0};
}

static void test_a_field_is_found_wherever_it_stands(void **state)
{
	assert_span(field(*state, SPAN_OF("a=1")), "1");
	assert_span(field(*state, SPAN_OF("b=2&a=1")), "1");
	assert_span(field(*state, SPAN_OF("a=1&b=2")), "1");
	assert_span(field(*state, SPAN_OF("&&a=1&&")), "1");
	assert_null(field(*state, SPAN_OF("aa=1&b=a&ab=2")).ptr);
	assert_null(field(*state, SPAN_OF("")).ptr);
	assert_null(field(*state, (struct span){0}).ptr);
}

static void test_a_field_that_is_not_there_writes_nothing(void **state)
{
	struct span value = SPAN("untouched");

	assert_false(form_field(SPAN_OF("b=1"), "a", *state, &value));
	assert_span(value, "untouched");
}

static void test_plus_is_a_blank_and_an_escape_a_byte(void **state)
{
	assert_span(field(*state, SPAN_OF("a=x+y")), "x y");
	assert_span(field(*state, SPAN_OF("a=%2B%2b%20%c3%A4")), "++ \xc3\xa4");
	assert_span(field(*state, SPAN_OF("a=x%26b%3D1")), "x&b=1");
	assert_span(field(*state, SPAN_OF("a=%00x")), "\0x");
	assert_span(field(*state, SPAN_OF("%61=1")), "1");
}

static void test_a_broken_escape_stands_for_itself(void **state)
{
	assert_span(field(*state, SPAN_OF("a=%")), "%");
	assert_span(field(*state, SPAN_OF("a=%4")), "%4");
	assert_span(field(*state, SPAN_OF("a=%4&b=1")), "%4");
	assert_span(field(*state, SPAN_OF("a=%g1%1g")), "%g1%1g");
	assert_span(field(*state, SPAN_OF("a=%%41")), "%A");
	assert_span(field(*state, SPAN_OF("a=%-1")), "%-1");
}

static void test_escapes_are_decoded_once(void **state)
{
	assert_span(field(*state, SPAN_OF("a=%2541")), "%41");
}

static void test_only_the_first_equals_sign_divides(void **state)
{
	assert_span(field(*state, SPAN_OF("a=1=2=")), "1=2=");
}

static void test_a_field_without_equals_sign_is_empty(void **state)
{
	struct span value = field(*state, SPAN_OF("b=1&a"));

	assert_non_null(value.ptr);
	assert_int_equal(value.len, 0);
	assert_non_null(field(*state, SPAN_OF("a=")).ptr);
}

static void test_of_equal_names_the_last_one_counts(void **state)
{
	assert_span(field(*state, SPAN_OF("a=1&a=2&%61=3")), "3");
	assert_span(field(*state, SPAN_OF("a=1&a")), "");
}

static void test_a_name_with_a_nul_behind_it_is_another(void **state)
{
	assert_null(field(*state, SPAN_OF("a%00=1")).ptr);
}

static void test_fields_beyond_the_bound_are_not_seen(void **state)
{
	struct buf form = buf_in(*state, 4 * KIB);

	for (int i = 1; i < BOUND_QUERY_FIELDS; i++)
		buf_puts(&form, "b=1&");
	buf_puts(&form, "a=last");
	assert_span(field(*state, buf_span(&form)), "last");
	buf_clear(&form);
	for (int i = 0; i < BOUND_QUERY_FIELDS; i++)
		buf_puts(&form, "b=1&");
	buf_puts(&form, "a=unseen");
	assert_null(field(*state, buf_span(&form)).ptr);
}

/* All fields as "name=value|name=value|". */
static struct span all(struct arena *mem, struct span form)
{
	struct buf b = buf_in(mem, 4 * KIB);
	struct span name, value;

	while (form_next(&form, mem, &name, &value)) {
		buf_put(&b, name);
		buf_putc(&b, '=');
		buf_put(&b, value);
		buf_putc(&b, '|');
	}
	return buf_span(&b);
}

static void test_fields_come_one_by_one_in_their_order(void **state)
{
	assert_span(all(*state, SPAN_OF("a=1&b=2&a=3")), "a=1|b=2|a=3|");
	assert_span(all(*state, SPAN_OF("a=1")), "a=1|");
	assert_span(all(*state, SPAN_OF("")), "");
	assert_span(all(*state, (struct span){0}), "");
}

static void test_empty_fields_are_skipped(void **state)
{
	assert_span(all(*state, SPAN_OF("&&a=1&&b=2&&")), "a=1|b=2|");
	assert_span(all(*state, SPAN_OF("&")), "");
	assert_span(all(*state, SPAN_OF("=1&a=2")), "a=2|");
}

static void test_names_and_values_are_decoded(void **state)
{
	assert_span(all(*state, SPAN_OF("a+b%5B%5d=%26+%3D&c%=%")), "a b[]=& =|c%=%|");
	assert_span(all(*state, SPAN_OF("a=1=2&b==")), "a=1=2|b==|");
}

static void test_a_field_without_equals_sign_has_an_empty_value(void **state)
{
	struct span form = SPAN("a&b="), name, value;

	assert_true(form_next(&form, *state, &name, &value));
	assert_span(name, "a");
	assert_non_null(value.ptr);
	assert_int_equal(value.len, 0);
	assert_true(form_next(&form, *state, &name, &value));
	assert_span(name, "b");
	assert_non_null(value.ptr);
	assert_false(form_next(&form, *state, &name, &value));
}

static void test_the_last_field_leaves_nothing_behind(void **state)
{
	struct span form = SPAN("a=1&"), name = SPAN("untouched"), value = SPAN("untouched");

	assert_true(form_next(&form, *state, &name, &value));
	name = value = SPAN_OF("untouched");
	assert_false(form_next(&form, *state, &name, &value));
	assert_false(form_next(&form, *state, &name, &value));
	assert_span(name, "untouched");
	assert_span(value, "untouched");
}

int test_text_form(void)
{
	const struct CMUnitTest tests[] = {
	    arena_test(test_a_field_is_found_wherever_it_stands),
	    arena_test(test_a_field_that_is_not_there_writes_nothing),
	    arena_test(test_plus_is_a_blank_and_an_escape_a_byte),
	    arena_test(test_a_broken_escape_stands_for_itself),
	    arena_test(test_escapes_are_decoded_once),
	    arena_test(test_only_the_first_equals_sign_divides),
	    arena_test(test_a_field_without_equals_sign_is_empty),
	    arena_test(test_of_equal_names_the_last_one_counts),
	    arena_test(test_a_name_with_a_nul_behind_it_is_another),
	    arena_test(test_fields_beyond_the_bound_are_not_seen),
	    arena_test(test_fields_come_one_by_one_in_their_order),
	    arena_test(test_empty_fields_are_skipped),
	    arena_test(test_names_and_values_are_decoded),
	    arena_test(test_a_field_without_equals_sign_has_an_empty_value),
	    arena_test(test_the_last_field_leaves_nothing_behind),
	};

	return unit_run("text/form", tests);
}
