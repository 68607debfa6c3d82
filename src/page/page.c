#include "page/page.h"

#include "base/bounds.h"
#include "crypto/digest.h"
#include "text/html.h"

static struct span escaped(struct arena *mem, struct span text)
{
	struct buf b = buf_in(mem, BOUND_RESPONSE);

	html_put(&b, text);
	return buf_span(&b);
}

enum rc page_make(const struct template *template, const struct page_constants *constants,
    struct arena *mem, struct page *ret)
{
	const struct span values[TEMPLATE_SLOTS] = {
	    [TEMPLATE_APP_NAME] = escaped(mem, constants->app_name),
	    [TEMPLATE_BROADCASTER] = escaped(mem, constants->broadcaster),
	    [TEMPLATE_VITE] = arena_copy(mem, constants->tags),
	};
	struct template_part *parts = arena_alloc(mem, template->count * sizeof(*parts));
	char version[DIGEST_SHA256_HEX];

	if (digest_sha256_hex(constants->manifest, version) != RC_OK)
		return RC_INTERNAL;
	for (size_t i = 0; i < template->count; i++) {
		parts[i] = template->parts[i];
		if (values[parts[i].slot].ptr != NULL)
			parts[i] = (struct template_part){TEMPLATE_TEXT, values[parts[i].slot]};
	}
	*ret = (struct page){
	    .template = {parts, template->count},
	    .version = arena_copy(mem, span_from(version, sizeof(version))),
	};
	return RC_OK;
}

static void put_element(struct buf *b, struct span object)
{
	buf_puts(b, "<div id=\"app\" data-page=\"");
	html_put(b, object);
	buf_puts(b, "\"></div>");
}

void page_put(struct buf *b, const struct page *page, struct span csrf_token, struct span object)
{
	for (size_t i = 0; i < page->template.count; i++) {
		const struct template_part *part = &page->template.parts[i];

		if (part->slot == TEMPLATE_INERTIA)
			put_element(b, object);
		else if (part->slot == TEMPLATE_CSRF_TOKEN)
			html_put(b, csrf_token);
		else
			buf_put(b, part->text);
	}
}

void page_put_error(struct buf *b, int status, struct span message)
{
	buf_puts(b,
	    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	    "<meta name=\"color-scheme\" content=\"light dark\">\n<title>");
	html_put(b, message);
	buf_puts(b, "</title>\n</head>\n<body>\n<h1>");
	buf_put_i64(b, status);
	buf_puts(b, "</h1>\n<p>");
	html_put(b, message);
	buf_puts(b, "</p>\n</body>\n</html>\n");
}
