/* Root templates of the page, and what is put into them. */
#include "page/page.h"

#include "base/bounds.h"
#include "fuzz.h"

static size_t lines_of(struct span text)
{
	size_t lines = 1;

	for (size_t i = 0; i < text.len; i++)
		lines += text.ptr[i] == '\n';
	return lines;
}

/* In their order, within the text, and what must be there once is. */
static void check_parts(const struct template *t, struct span text)
{
	size_t count[TEMPLATE_SLOTS] = {0};
	const char *at = text.ptr;

	FUZZ_CHECK(t->count <= 2 * BOUND_PLACEHOLDERS + 1);
	for (size_t i = 0; i < t->count; i++) {
		const struct template_part *part = &t->parts[i];

		FUZZ_CHECK(part->slot < TEMPLATE_SLOTS);
		count[part->slot]++;
		if (part->slot != TEMPLATE_TEXT)
			continue;
		FUZZ_CHECK(part->text.len > 0 && part->text.ptr >= at);
		FUZZ_CHECK(memmem(part->text.ptr, part->text.len, "{{", 2) == NULL);
		at = part->text.ptr + part->text.len;
		FUZZ_CHECK(at <= text.ptr + text.len);
	}
	FUZZ_CHECK(count[TEMPLATE_VITE] == 1 && count[TEMPLATE_INERTIA] == 1);
}

/* The value of an attribute, as a browser reads it. */
static struct span unescaped(struct arena *mem, struct span html)
{
	static const struct {
		const char *escape;
		char c;
	} escapes[] = {
	    {"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&#39;", '\''}};
	struct buf b = buf_in(mem, 16 * MIB);

	while (html.len > 0) {
		size_t len = 1;
		char c = html.ptr[0];

		FUZZ_CHECK(c != '<' && c != '>' && c != '"' && c != '\'');
		for (size_t i = 0; c == '&' && len == 1 && i < 5; i++)
			if (span_starts(html, escapes[i].escape)) {
				buf_putc(&b, escapes[i].c);
				len = strlen(escapes[i].escape);
			}
		FUZZ_CHECK(c != '&' || len > 1);
		if (c != '&')
			buf_putc(&b, c);
		html = span_from(html.ptr + len, html.len - len);
	}
	return buf_span(&b);
}

/* The object comes back from between what stands around it. */
static void check_object(struct arena *mem, const struct template *t, struct span object)
{
	static const char before[] = "<div id=\"app\" data-page=\"", behind[] = "\"></div>";
	struct buf b = buf_in(mem, 16 * MIB), around = buf_in(mem, 16 * MIB);
	struct span all, value;
	struct page page;
	size_t shared = 0;

	FUZZ_CHECK(
	    page_make(t, &(struct page_constants){.manifest = SPAN("m")}, mem, &page) == RC_OK);
	page_put(&around, &page, (struct span){0}, SPAN_OF(""));
	page_put(&b, &page, (struct span){0}, object);
	FUZZ_CHECK(!b.failed && !around.failed);
	all = buf_span(&b);
	for (size_t i = 0; i < page.template.count; i++) {
		if (page.template.parts[i].slot == TEMPLATE_INERTIA)
			break;
		shared += page.template.parts[i].text.len;
	}
	value = span_from(all.ptr + shared, all.len - shared);
	FUZZ_CHECK(span_starts(value, before));
	value = span_from(value.ptr + strlen(before), all.len - around.len);
	FUZZ_CHECK(span_starts(span_from(value.ptr + value.len, strlen(behind)), behind));
	FUZZ_CHECK(span_eq(unescaped(mem, value), object));
}

/* A template, and behind a 0xff a page object. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = {data, size};
	struct fuzz_input first = fuzz_part(&in);
	struct span text = span_from((const char *)first.at, first.left),
		    object = span_from((const char *)in.at, in.left);
	struct arena *mem = arena_create(16 * KIB);
	struct template template = {0};
	struct template_fault fault = {0};

	if (template_parse(text, mem, &template, &fault) == RC_OK) {
		check_parts(&template, text);
		check_object(mem, &template, object);
	} else {
		FUZZ_CHECK(fault.what.len > 0 && fault.what.len < 256);
		FUZZ_CHECK(memchr(fault.what.ptr, '\n', fault.what.len) == NULL);
		FUZZ_CHECK(fault.line <= lines_of(text));
	}
	arena_free(mem);
	return 0;
}
