#include "inertia.h"

#include "api/api.h"
#include "page/page.h"
#include "reply.h"
#include "shell.h"
#include "text/json.h"

static const char component[] = "User/Settings/WhatsAppAccounts";

bool inertia_is_visit(const struct call *call)
{
	return span_is(call->request.params[PARAM_X_INERTIA], "true");
}

static bool lists(struct span list, const char *prop)
{
	struct span one;

	while (span_cut(&list, ',', &one))
		if (span_is(span_trim(one), prop))
			return true;
	return false;
}

bool inertia_wants(const struct call *call, const char *prop)
{
	const struct span *params = call->request.params;

	if (!inertia_is_visit(call) ||
	    !span_is(params[PARAM_X_INERTIA_PARTIAL_COMPONENT], component))
		return true;
	if (lists(params[PARAM_X_INERTIA_PARTIAL_EXCEPT], prop))
		return false;
	return params[PARAM_X_INERTIA_PARTIAL_DATA].len == 0 ||
	       lists(params[PARAM_X_INERTIA_PARTIAL_DATA], prop);
}

/* What nginx has passed on unescaped is escaped: it stands in a header, and in JSON. */
static struct span url_of(const struct call *call)
{
	struct span query = call->request.query;
	struct buf url = buf_in(call->mem, 4 * BOUND_PARAMS);

	buf_put(&url, call->request.path);
	if (query.len > 0)
		buf_putc(&url, '?');
	for (size_t i = 0; i < query.len; i++) {
		unsigned char c = (unsigned char)query.ptr[i];

		if (c > ' ' && c < 0x7f)
			buf_putc(&url, (char)c);
		else
			buf_putf(&url, "%%%02X", c);
	}
	return buf_span(&url);
}

/* Beside Laravel the assets are its own: the version is whatever the page has. */
static struct span version_of(const struct call *call)
{
	return shell_serves(call) ? call->api->page->version
				  : call->request.params[PARAM_X_INERTIA_VERSION];
}

bool inertia_sends_away(struct call *call)
{
	if (!inertia_is_visit(call) ||
	    span_eq(call->request.params[PARAM_X_INERTIA_VERSION], version_of(call)))
		return false;
	reply_begin(call, 409);
	http_response_header(&call->response, "X-Inertia-Location", url_of(call));
	call->why = "page_outdated";
	return true;
}

/* Otherwise the props stand alone. */
static bool has_page_object(const struct call *call)
{
	return inertia_is_visit(call) || shell_is_wanted(call);
}

struct buf *inertia_begin(struct call *call)
{
	struct buf *b = reply_begin(call, 200);

	if (inertia_is_visit(call))
		http_response_header(&call->response, "X-Inertia", SPAN_OF("true"));
	if (shell_is_wanted(call)) {
		b = arena_alloc(call->mem, sizeof(*b));
		*b = buf_in(call->mem, BOUND_RESPONSE);
	}
	buf_putc(b, '{');
	if (has_page_object(call)) {
		json_put_key(b, "component");
		json_put_string(b, span_of(component));
		json_put_key(b, "props");
		buf_putc(b, '{');
	}
	return b;
}

void inertia_end(struct call *call, struct buf *b)
{
	if (has_page_object(call)) {
		json_put_key(b, "errors");
		buf_puts(b, "{}}");
		json_put_key(b, "url");
		json_put_string(b, url_of(call));
		json_put_key(b, "version");
		json_put_string(b, version_of(call));
	}
	buf_putc(b, '}');
	if (shell_is_wanted(call))
		shell_put(call, b);
}
