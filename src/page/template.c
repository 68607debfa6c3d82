#include "page/template.h"

#include "base/bounds.h"
#include "base/buf.h"
#include "text/utf8.h"

static const char *const names[TEMPLATE_SLOTS] = {
    [TEMPLATE_APP_NAME] = "app_name",
    [TEMPLATE_CSRF_TOKEN] = "csrf_token",
    [TEMPLATE_BROADCASTER] = "broadcaster",
    [TEMPLATE_VITE] = "vite",
    [TEMPLATE_INERTIA] = "inertia",
};

enum { PARTS_MAX = 2 * BOUND_PLACEHOLDERS + 1, NAME_SHOWN = 64 };

struct parsing {
	struct span text;
	struct span rest; /* of it */
	struct arena *mem;
	struct template template;
	size_t placeholders;
	bool has[TEMPLATE_SLOTS];
	struct template_fault *reterr;
};

static size_t line_of(const struct parsing *p, const char *at)
{
	size_t line = 1;

	for (const char *c = p->text.ptr; c < at; c++)
		line += *c == '\n';
	return line;
}

/* In the line of `at`; NULL: in none.  `name` is a placeholder's; absent: none's. */
static enum rc refuse(struct parsing *p, const char *at, struct span name, const char *what)
{
	struct buf b = buf_in(p->mem, KIB);

	if (name.ptr != NULL) {
		buf_puts(&b, "{{ ");
		utf8_put_line(&b, name, NAME_SHOWN);
		buf_puts(&b, " }} ");
	}
	buf_puts(&b, what);
	*p->reterr = (struct template_fault){at != NULL ? line_of(p, at) : 0, buf_span(&b)};
	return RC_INVALID;
}

static void add(struct parsing *p, enum template_slot slot, struct span text)
{
	p->template.parts[p->template.count++] = (struct template_part){slot, text};
}

static enum template_slot slot_of(struct span name)
{
	for (enum template_slot slot = TEMPLATE_TEXT + 1; slot < TEMPLATE_SLOTS; slot++)
		if (span_is(name, names[slot]))
			return slot;
	return TEMPLATE_TEXT;
}

static enum rc add_placeholder(struct parsing *p, const char *at, struct span name)
{
	enum template_slot slot = slot_of(name);

	if (slot == TEMPLATE_TEXT)
		return refuse(p, at, name,
		    "is unknown; there are app_name, csrf_token, broadcaster, vite and inertia");
	if (++p->placeholders > BOUND_PLACEHOLDERS)
		return refuse(p, at, name, "is one placeholder too many");
	if (p->has[slot] && (slot == TEMPLATE_VITE || slot == TEMPLATE_INERTIA))
		return refuse(p, at, name, "stands here once more; it must be there once");
	p->has[slot] = true;
	add(p, slot, (struct span){0});
	return RC_OK;
}

/* The text before the next placeholder, and that; false behind the end. */
static bool parse_next(struct parsing *p, enum rc *rc)
{
	const char *end = p->rest.ptr + p->rest.len, *open, *close;

	if (p->rest.len == 0)
		return false;
	open = memmem(p->rest.ptr, p->rest.len, "{{", 2);
	if (open == NULL) {
		add(p, TEMPLATE_TEXT, p->rest);
		return false;
	}
	if (open > p->rest.ptr)
		add(p, TEMPLATE_TEXT, span_from(p->rest.ptr, (size_t)(open - p->rest.ptr)));
	close = memmem(open + 2, (size_t)(end - open - 2), "}}", 2);
	if (close == NULL) {
		*rc = refuse(p, open, (struct span){0}, "a \"{{\" has no \"}}\" behind it");
		return false;
	}
	*rc = add_placeholder(p, open, span_trim(span_from(open + 2, (size_t)(close - open - 2))));
	p->rest = span_from(close + 2, (size_t)(end - close - 2));
	return *rc == RC_OK;
}

enum rc template_parse(
    struct span text, struct arena *mem, struct template *ret, struct template_fault *reterr)
{
	struct parsing p = {.text = text, .rest = text, .mem = mem, .reterr = reterr};
	enum rc rc = RC_OK;

	if (!utf8_valid(text))
		return refuse(&p, NULL, (struct span){0}, "this is not UTF-8");
	p.template.parts = arena_alloc(mem, PARTS_MAX * sizeof(*p.template.parts));
	while (parse_next(&p, &rc))
		;
	if (rc == RC_OK && !p.has[TEMPLATE_VITE])
		rc = refuse(&p, NULL, SPAN_OF("vite"), "is nowhere: the page needs its assets");
	if (rc == RC_OK && !p.has[TEMPLATE_INERTIA])
		rc = refuse(&p, NULL, SPAN_OF("inertia"), "is nowhere: the page needs its data");
	if (rc == RC_OK)
		*ret = p.template;
	return rc;
}
