/*
 * PHP's serialised texts.  The input is read as it is; and it is a recipe for
 * a text as PHP writes it, which is read as it was written.
 */
#include "text/php.h"

#include "base/bounds.h"
#include "base/buf.h"
#include "fuzz.h"

enum { DEPTH_MAX = 20 };

struct told {
	struct span text;
	size_t members, others;
	uint64_t sum; /* of what was told */
};

static void add(struct told *told, const void *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		told->sum = told->sum * 31 + ((const unsigned char *)bytes)[i];
}

static void check_inside(const struct told *told, struct span part)
{
	FUZZ_CHECK(part.ptr >= told->text.ptr);
	FUZZ_CHECK(part.ptr + part.len <= told->text.ptr + told->text.len);
}

static void tell(void *ctx, struct span key, const struct php_value *value)
{
	struct told *told = ctx;

	told->members++;
	told->others += value->type == PHP_OTHER;
	check_inside(told, key);
	add(told, key.ptr, key.len);
	add(told, &value->type, sizeof(value->type));
	if (value->type == PHP_STRING) {
		check_inside(told, value->s);
		add(told, value->s.ptr, value->s.len);
	} else {
		FUZZ_CHECK(value->s.ptr == NULL);
	}
	if (value->type == PHP_BOOL)
		FUZZ_CHECK(value->i == 0 || value->i == 1);
	if (value->type == PHP_BOOL || value->type == PHP_INTEGER)
		add(told, &value->i, sizeof(value->i));
}

static enum rc read_text(struct span text, struct told *ret)
{
	enum rc rc;

	*ret = (struct told){.text = text};
	rc = php_read_array(text, tell, ret);
	FUZZ_CHECK(rc == RC_OK || rc == RC_INVALID);
	return rc;
}

/* What follows the end is not looked at; what is nested is one member. */
static void check_around(struct span text, const struct told *told, struct arena *mem)
{
	struct buf longer = buf_in(mem, text.len + KIB), outer = buf_in(mem, 2 * text.len + KIB);
	struct told again;

	buf_put(&longer, text);
	buf_puts(&longer, "};i:0;rest");
	FUZZ_CHECK(read_text(buf_span(&longer), &again) == RC_OK);
	FUZZ_CHECK(again.members == told->members && again.sum == told->sum);
	/* As the string that encrypt() makes of it. */
	buf_putf(&outer, "s:%zu:\"", text.len);
	buf_put(&outer, text);
	buf_puts(&outer, "\";");
	FUZZ_CHECK(php_read_string(buf_span(&outer), &again.text) == RC_OK);
	FUZZ_CHECK(span_eq(again.text, text));
}

/* --- a text from a recipe */

static void write_string(struct buf *b, struct fuzz_input *in)
{
	size_t len = fuzz_byte(in) % 16;

	len = len < in->left ? len : in->left;
	buf_putf(b, "%zu:\"", len);
	buf_put(b, span_from((const char *)in->at, len));
	buf_putc(b, '"');
	in->at += len;
	in->left -= len;
}

static void write_value(struct buf *b, struct fuzz_input *in, int depth);

static void write_members(struct buf *b, struct fuzz_input *in, int depth)
{
	unsigned count = in->left > 0 ? fuzz_byte(in) % 5u : 0;

	buf_putf(b, "%u:{", count);
	for (unsigned i = 0; i < count; i++) {
		if (fuzz_byte(in) % 2 == 0) {
			buf_putf(b, "i:%d;", fuzz_byte(in) - 128);
		} else {
			buf_puts(b, "s:");
			write_string(b, in);
			buf_putc(b, ';');
		}
		write_value(b, in, depth);
	}
	buf_putc(b, '}');
}

static void write_value(struct buf *b, struct fuzz_input *in, int depth)
{
	static const char *const floats[] = {"0.5", "-0", "1.0E+25", "-INF", "NAN", "4.9E-324"};
	unsigned type = fuzz_byte(in) % (depth < DEPTH_MAX ? 10u : 8u);

	switch (type) {
	case 0:
		buf_puts(b, "N;");
		break;
	case 1:
		buf_putf(b, "b:%d;", fuzz_byte(in) % 2);
		break;
	case 2:
		buf_putf(
		    b, "i:%lld;", (long long)(fuzz_byte(in) - 128) * INT64_C(70000000000000000));
		break;
	case 3:
		buf_putf(b, "d:%s;", floats[fuzz_byte(in) % 6]);
		break;
	case 4:
		buf_puts(b, "s:");
		write_string(b, in);
		buf_putc(b, ';');
		break;
	case 5:
		buf_putf(b, "%c:%d;", fuzz_byte(in) % 2 ? 'r' : 'R', fuzz_byte(in));
		break;
	case 6:
		buf_puts(b, "E:");
		write_string(b, in);
		buf_putc(b, ';');
		break;
	case 7:
		buf_puts(b, "C:");
		write_string(b, in);
		buf_puts(b, ":5:{}};\"{}");
		break;
	case 8:
		buf_puts(b, "O:");
		write_string(b, in);
		buf_putc(b, ':');
		write_members(b, in, depth + 1);
		break;
	default:
		buf_puts(b, "a:");
		write_members(b, in, depth + 1);
	}
}

static void check_written(struct fuzz_input in, struct arena *mem)
{
	struct buf b = buf_in(mem, 64 * KIB);
	struct told told;

	buf_puts(&b, "a:");
	write_members(&b, &in, 1);
	if (b.failed)
		return;
	FUZZ_CHECK(read_text(buf_span(&b), &told) == RC_OK);
	check_around(buf_span(&b), &told, mem);
	/* No beginning of it is a whole. */
	for (size_t cut = 1; cut < b.len && cut < 8; cut++)
		FUZZ_CHECK(read_text(span_from(b.ptr, b.len - cut), &told) == RC_INVALID);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *mem = arena_create(4 * KIB);
	struct span text = span_from((const char *)data, size), string;
	struct told told;

	if (read_text(text, &told) == RC_OK)
		check_around(text, &told, mem);
	if (php_read_string(text, &string) == RC_OK) {
		FUZZ_CHECK(string.ptr > text.ptr && string.len < text.len);
		(void)read_text(string, &told);
	}
	check_written((struct fuzz_input){data, size}, mem);
	arena_free(mem);
	return 0;
}
