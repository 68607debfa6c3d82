#include "shell.h"

#include "api/api.h"
#include "auth/session.h"
#include "page/page.h"

static const char html[] = "text/html; charset=UTF-8";

bool shell_accepts_html(const struct call *call)
{
	static const struct span type = SPAN("text/html");
	struct span accept = call->request.params[PARAM_ACCEPT];

	if (call->audience != FOR_BROWSER)
		return false;
	for (; accept.len >= type.len; accept = span_from(accept.ptr + 1, accept.len - 1))
		if (span_eq_nocase(span_from(accept.ptr, type.len), type))
			return true;
	return false;
}

bool shell_serves(const struct call *call)
{
	return span_is(call->request.params[PARAM_STANDALONE], "1") && call->api->page != NULL;
}

/* Inertia's client takes HTML too, but wants its page object. */
bool shell_is_wanted(const struct call *call)
{
	enum http_method method = call->request.method;

	return (method == HTTP_GET || method == HTTP_HEAD) && shell_serves(call) &&
	       shell_accepts_html(call) && call->request.params[PARAM_X_INERTIA].len == 0;
}

void shell_put(struct call *call, const struct buf *object)
{
	const struct session *session = call->caller.session;
	struct buf *b = &call->response.body;

	call->response.content_type = html;
	buf_reserve(b, object->len + object->len / 2);
	page_put(b, call->api->page, session != NULL ? session->token : (struct span){0},
	    buf_span(object));
	b->failed |= object->failed;
}

void shell_put_error(struct call *call, const char *message)
{
	call->response.content_type = html;
	page_put_error(&call->response.body, call->response.status, span_of(message));
}
