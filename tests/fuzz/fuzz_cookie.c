/* Cookie headers: the name that is looked for up to a byte 0xff, then the header. */
#include "auth/cookie.h"

#include <string.h>

#include "base/bounds.h"
#include "base/now.h"
#include "fuzz.h"
#include "text/base64.h"

/* Every byte as an escape. */
static void put_escaped(struct buf *b, struct span value)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < value.len; i++) {
		buf_putc(b, '%');
		buf_putc(b, digits[(unsigned char)value.ptr[i] >> 4]);
		buf_putc(b, digits[(unsigned char)value.ptr[i] & 15]);
	}
}

/* A value is found again behind its name, whatever it is. */
static void check_found(struct span name, struct span value, struct arena *mem)
{
	struct buf header = buf_in(mem, 4 * value.len + name.len + KIB);
	struct span again;

	FUZZ_CHECK(value.ptr[value.len] == '\0');
	buf_puts(&header, "a; ");
	buf_put(&header, name);
	buf_putc(&header, '=');
	put_escaped(&header, value);
	buf_puts(&header, "; b=1");
	FUZZ_CHECK(cookie_find(buf_span(&header), name, mem, &again));
	FUZZ_CHECK(span_eq(again, value));
}

/* What we write is found, and is one line. */
static void check_put(struct span bytes, struct arena *mem)
{
	static const struct cookie_attributes attributes = {
	    .path = SPAN("/"), .same_site = SPAN("lax"), .lifetime_s = 7200, .http_only = true};
	struct buf line = buf_in(mem, 8 * bytes.len + KIB), value = buf_in(mem, 2 * bytes.len + 8);
	struct span header, again;

	base64_put(&value, bytes);
	cookie_put(&line, COOKIE_SESSION, SPAN_OF("name"), buf_span(&value), &attributes, false,
	    INT64_C(1763200000) * US_PER_S);
	FUZZ_CHECK(!line.failed && line.len > 12 && line.ptr[line.len - 1] == '\n');
	FUZZ_CHECK(memchr(line.ptr, '\r', line.len) == line.ptr + line.len - 2);
	header = span_from(line.ptr + strlen("Set-Cookie: "), line.len - strlen("Set-Cookie: "));
	FUZZ_CHECK(cookie_find(header, SPAN_OF("name"), mem, &again));
	FUZZ_CHECK(span_eq(again, buf_span(&value)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *mem = arena_create(4 * KIB);
	struct fuzz_input in = {data, size}, part = fuzz_part(&in);
	struct span name = span_from((const char *)part.at, part.left);
	struct span header = span_from((const char *)in.at, in.left), value = {0};

	if (cookie_find(header, name, mem, &value)) {
		FUZZ_CHECK(name.len + value.len < header.len);
		FUZZ_CHECK(span_eq(span_trim(name), name));
		FUZZ_CHECK(name.len == 0 || memchr(name.ptr, ';', name.len) == NULL);
		check_found(name, value, mem);
	} else {
		FUZZ_CHECK(value.ptr == NULL);
	}
	check_put(header, mem);
	arena_free(mem);
	return 0;
}
