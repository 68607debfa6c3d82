/* Any bytes as one line of text, and escaped: a byte that says how long the line may be, and the
 * text. */
#include "text/utf8.h"

#include "base/bounds.h"
#include "fuzz.h"
#include "text/percent.h"

static struct span line_of(struct span text, size_t max, struct arena *mem)
{
	struct buf b = buf_in(mem, max);

	utf8_put_line(&b, text, max);
	FUZZ_CHECK(!b.failed && b.len <= max);
	return buf_span(&b);
}

static void check_line(struct span line)
{
	bool blank = true;

	FUZZ_CHECK(utf8_valid(line));
	while (line.len > 0) {
		struct span c = utf8_cut(line, 1);
		unsigned char first = (unsigned char)c.ptr[0];
		bool is_blank = span_is(c, " ");

		FUZZ_CHECK(first >= 0x20 && first != 0x7f);
		FUZZ_CHECK(first != 0xc2 || (unsigned char)c.ptr[1] >= 0xa0);
		FUZZ_CHECK(is_blank == (utf8_trim(c).len == 0));
		FUZZ_CHECK(!is_blank || !blank);
		blank = is_blank;
		line = span_from(line.ptr + c.len, line.len - c.len);
	}
}

static void check_percent(struct span text, struct arena *mem)
{
	struct buf b = buf_in(mem, 3 * text.len + 8);
	struct span put;

	percent_put(&b, text);
	FUZZ_CHECK(!b.failed && b.len >= text.len);
	put = buf_span(&b);
	for (size_t i = 0; i < put.len; i++)
		FUZZ_CHECK(put.ptr[i] > ' ' && put.ptr[i] < 0x7f && put.ptr[i] != '/');
	FUZZ_CHECK(span_eq(percent_decode(put, PERCENT_FORM, mem), text));
	FUZZ_CHECK(span_eq(percent_decode(put, PERCENT_COOKIE, mem), text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *mem = arena_create(4 * KIB);
	struct fuzz_input in = {data, size};
	size_t max = fuzz_byte(&in);
	struct span text = span_from((const char *)in.at, in.left), line, whole;

	line = line_of(text, max, mem);
	check_line(line);
	FUZZ_CHECK(span_eq(line_of(line, max, mem), line));
	/* A line that is not cut begins with one that is. */
	whole = line_of(text, text.len, mem);
	check_line(whole);
	FUZZ_CHECK(line.len <= whole.len && span_eq(line, span_from(whole.ptr, line.len)));
	FUZZ_CHECK(line.len == whole.len || line.len + 4 > max);
	check_percent(text, mem);
	arena_free(mem);
	return 0;
}
