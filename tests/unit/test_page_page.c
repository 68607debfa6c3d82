#include "page/page.h"

#include "base/bounds.h"
#include "page_tests.h"
#include "unit.h"

#define OBJECT "<div id=\"app\" data-page=\""

static struct page made(struct arena *mem, const char *text, struct page_constants constants)
{
	struct template template;
	struct template_fault fault;
	struct page page;

	assert_int_equal(template_parse(span_of(text), mem, &template, &fault), RC_OK);
	assert_int_equal(page_make(&template, &constants, mem, &page), RC_OK);
	return page;
}

static struct span put(
    struct arena *mem, const struct page *page, struct span token, struct span object)
{
	struct buf b = buf_in(mem, 1 * MIB);

	page_put(&b, page, token, object);
	assert_false(b.failed);
	return buf_span(&b);
}

static void test_everything_stands_in_its_place(void **state)
{
	struct page page = made(*state,
	    "{{ app_name }}|{{ csrf_token }}|{{ broadcaster }}|{{ vite }}|{{ inertia }}|{{ csrf_token }}",
	    (struct page_constants){SPAN("App"), SPAN("{}"), SPAN("<script></script>"), SPAN("m")});

	assert_same(put(*state, &page, SPAN_OF("token"), SPAN_OF("[1]")),
	    SPAN_OF("App|token|{}|<script></script>|" OBJECT "[1]\"></div>|token"));
}

static void test_texts_are_escaped_and_tags_are_not(void **state)
{
	struct page page = made(*state,
	    "{{ app_name }}|{{ broadcaster }}|{{ csrf_token }}|{{ vite }}{{ inertia }}",
	    (struct page_constants){
		SPAN("<a & 'b'>"), SPAN("{\"k\":\"<\"}"), SPAN("<link>"), SPAN("m")});

	assert_same(put(*state, &page, SPAN_OF("\"t\""), SPAN_OF("{\"n\":\"</div>&quot;\"}")),
	    SPAN_OF(
		"&lt;a &amp; &#39;b&#39;&gt;|{&quot;k&quot;:&quot;&lt;&quot;}|&quot;t&quot;|<link>" OBJECT
		"{&quot;n&quot;:&quot;&lt;/div&gt;&amp;quot;&quot;}\"></div>"));
}

static void test_what_is_put_in_is_no_template(void **state)
{
	struct page page = made(*state, "{{ app_name }}{{ vite }}{{ inertia }}",
	    (struct page_constants){SPAN("{{ inertia }}"), SPAN(""), SPAN("{{ x }}"), SPAN("m")});

	assert_same(put(*state, &page, (struct span){0}, SPAN_OF("{{ y }}")),
	    SPAN_OF("{{ inertia }}{{ x }}" OBJECT "{{ y }}\"></div>"));
}

static void test_what_is_absent_leaves_its_place_empty(void **state)
{
	struct page page =
	    made(*state, "({{ app_name }}{{ broadcaster }}{{ csrf_token }}){{ vite }}{{ inertia }}",
		(struct page_constants){.manifest = SPAN("m")});

	assert_same(put(*state, &page, (struct span){0}, SPAN_OF("{}")),
	    SPAN_OF("()" OBJECT "{}\"></div>"));
}

static void test_the_version_is_the_manifests(void **state)
{
	struct page_constants constants = {SPAN("A"), SPAN(""), SPAN(""), SPAN("abc")};
	struct page first = made(*state, "{{ vite }}{{ inertia }}", constants);
	struct page same, other;

	assert_span(
	    first.version, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	constants.app_name = SPAN_OF("B");
	same = made(*state, "{{ vite }} {{ inertia }}", constants);
	assert_same(same.version, first.version);
	constants.manifest = SPAN_OF("abd");
	other = made(*state, "{{ vite }}{{ inertia }}", constants);
	assert_false(span_eq(other.version, first.version));
}

static void test_a_page_that_is_too_large_has_failed(void **state)
{
	struct page page =
	    made(*state, "{{ vite }}{{ inertia }}", (struct page_constants){.manifest = SPAN("m")});
	struct buf b = buf_in(*state, 64);

	page_put(&b, &page, (struct span){0},
	    SPAN_OF("0123456789012345678901234567890123456789012345678901234567890123"));
	assert_true(b.failed);
}

static void test_an_error_says_its_status_and_a_sentence_escaped(void **state)
{
	struct buf b = buf_in(*state, 4 * KIB);

	page_put_error(&b, 503, SPAN_OF("<b> & later"));
	assert_true(span_starts(buf_span(&b), "<!DOCTYPE html>\n"));
	assert_true(unit_has(buf_span(&b), "<title>&lt;b&gt; &amp; later</title>"));
	assert_true(unit_has(buf_span(&b), "<h1>503</h1>\n<p>&lt;b&gt; &amp; later</p>"));
	assert_false(unit_has(buf_span(&b), "style"));
	assert_false(unit_has(buf_span(&b), "<b>"));
}

int test_page_page(void)
{
	const struct CMUnitTest tests[] = {
	    arena_test(test_everything_stands_in_its_place),
	    arena_test(test_texts_are_escaped_and_tags_are_not),
	    arena_test(test_what_is_put_in_is_no_template),
	    arena_test(test_what_is_absent_leaves_its_place_empty),
	    arena_test(test_the_version_is_the_manifests),
	    arena_test(test_a_page_that_is_too_large_has_failed),
	    arena_test(test_an_error_says_its_status_and_a_sentence_escaped),
	};

	return unit_run("page/page", tests);
}
