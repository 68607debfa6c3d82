#include "page/vite.h"

#include "base/bounds.h"
#include "page_tests.h"
#include "unit.h"

#define ENTRY(members) \
	"{\"src/main.js\":{\"file\":\"assets/main-1.js\",\"isEntry\":true" members "}"

static struct span tags_of(struct arena *mem, const char *manifest)
{
	struct buf b = buf_in(mem, 1 * MIB);
	struct span fault = {0};

	if (vite_put_tags(span_of(manifest), SPAN_OF("/wa-accounts/"), mem, &b, &fault) != RC_OK)
		fail_msg("%s: %.*s", manifest, SPAN_ARG(fault));
	assert_false(b.failed);
	return buf_span(&b);
}

static struct span fault_of(struct arena *mem, struct span manifest)
{
	struct buf b = buf_in(mem, 1 * MIB);
	struct span fault = {0};

	if (vite_put_tags(manifest, SPAN_OF("/a/"), mem, &b, &fault) != RC_INVALID)
		fail_msg("%.*s has no mistake", SPAN_ARG(manifest));
	assert_int_equal(b.len, 0);
	return fault;
}

static void assert_fault(struct arena *mem, const char *manifest, const char *what)
{
	assert_same(fault_of(mem, span_of(manifest)), span_of(what));
}

static void test_an_entry_alone_is_its_script(void **state)
{
	assert_span(tags_of(*state, ENTRY("") "}"),
	    "<script type=\"module\" src=\"/wa-accounts/assets/main-1.js\"></script>");
}

static void test_what_is_imported_is_preloaded_each_once_and_styled_first(void **state)
{
	assert_span(
	    tags_of(*state,
		ENTRY(
		    ",\"css\":[\"assets/main.css\"],\"imports\":[\"_a.js\",\"_b.js\"]") ","
											"\"_a.js\":{\"file\":\"assets/a.js\",\"css\":[\"assets/a.css\"],\"imports\":[\"_b.js\"]},"
											"\"_b.js\":{\"file\":\"assets/b.js\",\"css\":[\"assets/b.css\",\"assets/a.css\"]}}"),
	    "<link rel=\"stylesheet\" href=\"/wa-accounts/assets/b.css\">\n"
	    "<link rel=\"stylesheet\" href=\"/wa-accounts/assets/a.css\">\n"
	    "<link rel=\"stylesheet\" href=\"/wa-accounts/assets/main.css\">\n"
	    "<link rel=\"modulepreload\" href=\"/wa-accounts/assets/b.js\">\n"
	    "<link rel=\"modulepreload\" href=\"/wa-accounts/assets/a.js\">\n"
	    "<script type=\"module\" src=\"/wa-accounts/assets/main-1.js\"></script>");
}

static void test_what_is_imported_dynamically_is_left_to_the_script(void **state)
{
	assert_span(
	    tags_of(*state,
		ENTRY(
		    ",\"dynamicImports\":[\"late.js\"]") ","
							 "\"late.js\":{\"file\":\"late.js\",\"isDynamicEntry\":true,\"imports\":[\"src/main.js\"]},"
							 "\"logo.svg\":{\"file\":\"assets/logo.svg\"},\"x\":7}"),
	    "<script type=\"module\" src=\"/wa-accounts/assets/main-1.js\"></script>");
}

static void test_the_url_of_the_assets_is_escaped(void **state)
{
	struct buf b = buf_in(*state, 4 * KIB);
	struct span fault;

	assert_int_equal(vite_put_tags(span_of(ENTRY("") "}"), SPAN_OF("https://cdn/\"><&/"),
			     *state, &b, &fault),
	    RC_OK);
	assert_span(buf_span(&b),
	    "<script type=\"module\" "
	    "src=\"https://cdn/&quot;&gt;&lt;&amp;/assets/main-1.js\"></script>");
}

static void test_what_is_no_manifest_is_refused(void **state)
{
	static const struct span texts[] = {SPAN(""), SPAN("{"), SPAN("nul"), SPAN("{}{}"),
	    SPAN("{\"a\":1,\"a\":2}"), SPAN("{\"a\":\"\xff\"}"), SPAN("{\"a\\u0000\":1}"),
	    SPAN("{}\0")};

	for (size_t i = 0; i < COUNT(texts); i++)
		assert_span(fault_of(*state, texts[i]), "it is no JSON that can be read");
	assert_fault(*state, "[]", "it is no manifest of Vite's: no JSON object");
}

static void test_json_that_is_too_deep_is_refused(void **state)
{
	struct buf text = buf_in(*state, 4 * KIB);

	for (int i = 0; i < BOUND_JSON_DEPTH + 1; i++)
		buf_puts(&text, "{\"a\":");
	assert_span(fault_of(*state, buf_span(&text)), "it is no JSON that can be read");
}

static void test_there_is_one_entry(void **state)
{
	assert_fault(*state, "{}", "it has no entry: build the page with a script as its input");
	assert_fault(*state, "{\"a\":{\"file\":\"a.js\",\"isEntry\":\"true\"},\"b\":true}",
	    "it has no entry: build the page with a script as its input");
	assert_fault(*state, ENTRY("") ",\"b\":{\"file\":\"b.js\",\"isEntry\":true}}",
	    "it has a second entry, \"b\"; the page has one");
}

static void test_every_import_is_there(void **state)
{
	assert_fault(*state, ENTRY(",\"imports\":[\"_gone.js\"]") "}",
	    "it imports \"_gone.js\", which it does not have");
	assert_fault(*state, ENTRY(",\"imports\":[\"_a.js\"]") ",\"_a.js\":[]}",
	    "it imports \"_a.js\", which it does not have");
	assert_fault(
	    *state, ENTRY(",\"imports\":[7]") "}", "it imports what is no name of a chunk");
	assert_fault(
	    *state, ENTRY(",\"imports\":\"_a.js\"") "}", "its member \"imports\" is no list");
	assert_fault(*state, ENTRY(",\"css\":{}") "}", "its member \"css\" is no list");
}

static void test_nothing_imports_itself(void **state)
{
	assert_fault(*state, ENTRY(",\"imports\":[\"src/main.js\"]") "}",
	    "its chunk \"src/main.js\" imports itself, by way of others");
	assert_fault(*state,
	    ENTRY(",\"imports\":[\"a\"]") ",\"a\":{\"file\":\"a.js\",\"imports\":[\"b\"]},"
					  "\"b\":{\"file\":\"b.js\",\"imports\":[\"a\"]}}",
	    "its chunk \"a\" imports itself, by way of others");
}

static struct span manifest_with(struct arena *mem, const char *kind, const char *name)
{
	struct buf b = buf_in(mem, 4 * KIB);

	if (strcmp(kind, "css") == 0)
		buf_putf(&b, ENTRY(",\"css\":[\"%s\"]") "}", name);
	else
		buf_putf(&b, "{\"a\":{\"isEntry\":true,\"file\":\"%s\"}}", name);
	return buf_span(&b);
}

static void test_a_file_lies_below_the_assets(void **state)
{
	static const char *const names[] = {"", ".js", "/a.js", "//evil/a.js", "../a.js",
	    "a/../b.js", "./a.js", "a//b.js", "a/.js/", "a.css", "a.js ", "a b.js", "a\\\\b.js",
	    "a?b.js", "a#b.js", "a%2e.js", "https://evil/a.js", "a\\\".js", "a<b>.js",
	    "a\\u0001.js", "\xc3\xa9.js", "data:text/javascript,1.js"};

	for (size_t i = 0; i < COUNT(names); i++)
		assert_true(unit_has(fault_of(*state, manifest_with(*state, "file", names[i])),
		    "is no name of a built .js file"));
	assert_true(unit_has(fault_of(*state, manifest_with(*state, "css", "../a.css")),
	    "is no name of a built .css file"));
	assert_true(unit_has(fault_of(*state, manifest_with(*state, "css", "a.js")),
	    "is no name of a built .css file"));
}

static void test_a_file_name_has_a_maximum(void **state)
{
	char name[BOUND_ASSET_NAME + 2];
	struct buf b = buf_in(*state, 4 * KIB);
	struct span fault;

	memset(name, 'a', sizeof(name));
	memcpy(name + BOUND_ASSET_NAME - 3, ".js", sizeof(".js"));
	assert_int_equal(
	    vite_put_tags(manifest_with(*state, "file", name), SPAN_OF("/"), *state, &b, &fault),
	    RC_OK);
	name[BOUND_ASSET_NAME - 3] = 'a';
	memcpy(name + BOUND_ASSET_NAME - 2, ".js", sizeof(".js"));
	fault_of(*state, manifest_with(*state, "file", name));
}

static void test_a_name_is_shown_as_one_short_line(void **state)
{
	struct buf name = buf_in(*state, 4 * KIB);
	struct span fault;

	buf_puts(&name, "a\\nb\\u001b%s%n");
	for (int i = 0; i < 1000; i++)
		buf_putc(&name, 'x');
	buf_putc(&name, '\0');
	fault = fault_of(*state, manifest_with(*state, "file", name.ptr));
	assert_true(unit_has(fault, "%s%n"));
	assert_true(fault.len < 256);
	assert_null(memchr(fault.ptr, '\n', fault.len));
	assert_null(memchr(fault.ptr, '\x1b', fault.len));
}

/* A chain of so many chunks behind the entry. */
static struct span chain(struct arena *mem, int chunks)
{
	struct buf b = buf_in(mem, 1 * MIB);

	buf_puts(&b, ENTRY(",\"imports\":[\"c1\"]"));
	for (int i = 1; i <= chunks; i++) {
		buf_putf(&b, ",\"c%d\":{\"file\":\"c%d.js\",\"css\":[\"c%d.css\"],\"imports\":[", i,
		    i, i);
		if (i < chunks)
			buf_putf(&b, "\"c%d\"", i + 1);
		buf_puts(&b, "]}");
	}
	buf_puts(&b, "}");
	return buf_span(&b);
}

static void test_chunks_have_a_maximum(void **state)
{
	struct span most = chain(*state, BOUND_CHUNKS - 1);
	struct buf b = buf_in(*state, 1 * MIB);
	struct span fault;

	assert_int_equal(vite_put_tags(most, SPAN_OF("/"), *state, &b, &fault), RC_OK);
	assert_true(unit_has(buf_span(&b), "<link rel=\"modulepreload\" href=\"/c255.js\">\n"));
	assert_span(
	    fault_of(*state, chain(*state, BOUND_CHUNKS)), "its chunk \"c256\" is one too many");
}

int test_page_vite(void)
{
	const struct CMUnitTest tests[] = {
	    arena_test(test_an_entry_alone_is_its_script),
	    arena_test(test_what_is_imported_is_preloaded_each_once_and_styled_first),
	    arena_test(test_what_is_imported_dynamically_is_left_to_the_script),
	    arena_test(test_the_url_of_the_assets_is_escaped),
	    arena_test(test_what_is_no_manifest_is_refused),
	    arena_test(test_json_that_is_too_deep_is_refused),
	    arena_test(test_there_is_one_entry),
	    arena_test(test_every_import_is_there),
	    arena_test(test_nothing_imports_itself),
	    arena_test(test_a_file_lies_below_the_assets),
	    arena_test(test_a_file_name_has_a_maximum),
	    arena_test(test_a_name_is_shown_as_one_short_line),
	    arena_test(test_chunks_have_a_maximum),
	};

	return unit_run("page/vite", tests);
}
