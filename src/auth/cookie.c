#include "auth/cookie.h"

#include <time.h>

#include "base/bounds.h"
#include "base/now.h"
#include "text/percent.h"

bool cookie_find(struct span header, struct span name, struct arena *mem, struct span *ret)
{
	struct span pair, key;

	while (span_cut(&header, ';', &pair)) {
		if (!span_cut(&pair, '=', &key) || pair.ptr == NULL ||
		    !span_eq(span_trim(key), name))
			continue;
		*ret = percent_decode(span_trim(pair), PERCENT_COOKIE, mem);
		return true;
	}
	return false;
}

/* As rawurlencode writes Base64: three of its characters are escaped. */
static void put_value(struct buf *b, struct span value)
{
	for (size_t i = 0; i < value.len; i++) {
		char c = value.ptr[i];

		if (c == '+')
			buf_puts(b, "%2B");
		else if (c == '/')
			buf_puts(b, "%2F");
		else if (c == '=')
			buf_puts(b, "%3D");
		else
			buf_putc(b, c);
	}
}

/* RFC 9110, 5.6.7: "Fri, 14 Nov 2025 05:04:05 GMT" */
static void put_http_date(struct buf *b, int64_t us)
{
	time_t seconds = (time_t)(us / US_PER_S);
	char text[40];
	struct tm tm;

	gmtime_r(&seconds, &tm);
	/* The program never leaves the C locale: the names are English. */
	buf_put(b, span_from(text, strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm)));
}

static void put_attribute(struct buf *b, const char *name, struct span value)
{
	if (value.len == 0)
		return;
	buf_puts(b, name);
	buf_put(b, value);
}

static void put_lower(struct buf *b, const char *name, struct span value)
{
	size_t start = b->len;

	put_attribute(b, name, value);
	for (size_t i = start; i < b->len; i++)
		if (b->ptr[i] >= 'A' && b->ptr[i] <= 'Z')
			b->ptr[i] = (char)(b->ptr[i] | 0x20);
}

void cookie_put(struct buf *headers, enum cookie_kind kind, struct span name, struct span value,
    const struct cookie_attributes *a, bool is_https, int64_t now_us)
{
	bool is_session = kind == COOKIE_SESSION;

	buf_puts(headers, "Set-Cookie: ");
	buf_put(headers, name);
	buf_putc(headers, '=');
	put_value(headers, value);
	if (!is_session || !a->expire_on_close) {
		buf_puts(headers, "; expires=");
		put_http_date(headers, now_us + (int64_t)a->lifetime_s * US_PER_S);
		buf_puts(headers, "; Max-Age=");
		buf_put_u64(headers, a->lifetime_s);
	}
	put_attribute(headers, "; path=", a->path);
	put_attribute(headers, "; domain=", a->domain);
	if (a->secure == COOKIE_SECURE_ON || (a->secure == COOKIE_SECURE_AUTO && is_https))
		buf_puts(headers, "; secure");
	if (is_session && a->http_only)
		buf_puts(headers, "; httponly");
	put_lower(headers, "; samesite=", a->same_site);
	buf_puts(headers, "\r\n");
}
