/* Base64: no two texts without line breaks mean the same bytes. */
#include "text/base64.h"

#include "base/bounds.h"
#include "fuzz.h"

static struct span put(struct span bytes, struct arena *mem)
{
	struct buf b = buf_in(mem, 2 * bytes.len + 8);

	base64_put(&b, bytes);
	FUZZ_CHECK(!b.failed && b.len == (bytes.len + 2) / 3 * 4);
	return buf_span(&b);
}

static struct span without_breaks(struct span text, struct arena *mem)
{
	char *out = arena_bytes(mem, text.len + 1);
	size_t len = 0;

	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] != '\n' && text.ptr[i] != '\r')
			out[len++] = text.ptr[i];
	return span_from(out, len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *mem = arena_create(4 * KIB);
	struct span text = span_from((const char *)data, size), bytes;

	if (base64_decode(text, mem, &bytes))
		FUZZ_CHECK(span_eq(put(bytes, mem), without_breaks(text, mem)));
	FUZZ_CHECK(base64_decode(put(text, mem), mem, &bytes) && span_eq(bytes, text));
	arena_free(mem);
	return 0;
}
