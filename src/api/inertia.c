#include "inertia.h"

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

void inertia_begin(struct call *call, struct buf *b)
{
	buf_putc(b, '{');
	if (!inertia_is_visit(call))
		return;
	http_response_header(&call->response, "X-Inertia", SPAN_OF("true"));
	json_put_key(b, "component");
	json_put_string(b, span_of(component));
	json_put_key(b, "props");
	buf_putc(b, '{');
}

/* Beside Laravel the assets are its own: the version is whatever the page has. */
void inertia_end(struct call *call, struct buf *b)
{
	struct buf url = buf_in(call->mem, BOUND_PARAMS);

	if (inertia_is_visit(call)) {
		json_put_key(b, "errors");
		buf_puts(b, "{}}");
		buf_put(&url, call->request.path);
		if (call->request.query.len > 0) {
			buf_putc(&url, '?');
			buf_put(&url, call->request.query);
		}
		json_put_key(b, "url");
		json_put_string(b, buf_span(&url));
		json_put_key(b, "version");
		json_put_string(b, call->request.params[PARAM_X_INERTIA_VERSION]);
	}
	buf_putc(b, '}');
}
