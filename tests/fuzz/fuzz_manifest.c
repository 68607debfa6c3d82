/* Vite's manifests. */
#include "base/bounds.h"
#include "fuzz.h"
#include "page/vite.h"

static bool has_form(struct span tag, const char *before, const char *behind)
{
	size_t len = strlen(behind);

	return tag.len > strlen(before) + len && span_starts(tag, before) &&
	       memcmp(tag.ptr + tag.len - len, behind, len) == 0;
}

/* Styles, then what is preloaded, then the one script; nothing twice, and nothing but that. */
static void check_tags(struct span tags)
{
	static const char *const forms[][2] = {
	    {"<link rel=\"stylesheet\" href=\"/a/", ".css\">"},
	    {"<link rel=\"modulepreload\" href=\"/a/", ".js\">"},
	    {"<script type=\"module\" src=\"/a/", ".js\"></script>"},
	};
	struct span rest = tags, tag;
	size_t form = 0, quotes = 0;

	while (span_cut(&rest, '\n', &tag)) {
		while (form < 3 && !has_form(tag, forms[form][0], forms[form][1]))
			form++;
		FUZZ_CHECK(form < 3);
		FUZZ_CHECK(memmem(tag.ptr, tag.len, "/../", 4) == NULL);
		/* Two chunks may name one file: that is the manifest's fault, and does no harm. */
		FUZZ_CHECK(form != 0 || memmem(rest.ptr, rest.len, tag.ptr, tag.len) == NULL);
		quotes = 0;
		for (size_t i = 0; i < tag.len; i++)
			quotes += tag.ptr[i] == '"';
		FUZZ_CHECK(quotes == 4);
	}
	FUZZ_CHECK(form == 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *mem = arena_create(64 * KIB);
	struct buf b = buf_in(mem, 1 * MIB);
	struct span fault = {0};
	enum rc rc =
	    vite_put_tags(span_from((const char *)data, size), SPAN_OF("/a/"), mem, &b, &fault);

	FUZZ_CHECK(rc == RC_OK || rc == RC_INVALID);
	FUZZ_CHECK(!b.failed);
	if (rc == RC_OK) {
		check_tags(buf_span(&b));
	} else {
		FUZZ_CHECK(b.len == 0);
		FUZZ_CHECK(fault.len > 0 && fault.len < 512);
		FUZZ_CHECK(memchr(fault.ptr, '\n', fault.len) == NULL);
	}
	arena_free(mem);
	return 0;
}
