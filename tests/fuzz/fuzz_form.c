/* Query strings. */
#include "text/form.h"

#include "base/bounds.h"
#include "base/buf.h"
#include "fuzz.h"

/* Every byte as %-escape, and back. */
static void check_round_trip(struct span value, struct arena *mem)
{
	static const char hex[] = "0123456789ABCDEF";
	struct buf form = buf_in(mem, 3 * value.len + 16);
	struct span back;

	buf_puts(&form, "x&%61=");
	for (size_t i = 0; i < value.len; i++) {
		unsigned char c = (unsigned char)value.ptr[i];

		buf_putc(&form, '%');
		buf_putc(&form, hex[c >> 4]);
		buf_putc(&form, hex[c & 15]);
	}
	FUZZ_CHECK(!form.failed);
	FUZZ_CHECK(form_field(buf_span(&form), "a", mem, &back) && span_eq(back, value));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = {"a", "workspace_id", "limit"};
	struct arena *mem = arena_create(4 * KIB);
	struct span form = span_from((const char *)data, size), value;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		value = SPAN_OF("untouched");
		if (!form_field(form, names[i], mem, &value)) {
			FUZZ_CHECK(span_is(value, "untouched"));
			continue;
		}
		FUZZ_CHECK(value.ptr != NULL && value.len <= size);
		FUZZ_CHECK(value.ptr[value.len] == '\0');
		check_round_trip(value, mem);
	}
	check_round_trip(form, mem);
	arena_free(mem);
	return 0;
}
