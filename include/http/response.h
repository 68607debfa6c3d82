/*
 * response: an answer that is being built.
 */
#ifndef WA_HTTP_RESPONSE_H
#define WA_HTTP_RESPONSE_H

#include <stdbool.h>

#include "base/buf.h"

struct http_response {
	int status;
	const char *content_type;
	struct buf headers; /* more of them: whole lines, "Name: value\r\n" */
	struct buf body;
	bool streamed; /* the head is out already: nothing of this counts any more */
};

void http_response_init(struct http_response *response, struct arena *mem);
/* Forget what was built so far, to answer something else. */
void http_response_clear(struct http_response *response);
/* `value` is ours: it must hold no line break. */
void http_response_header(struct http_response *response, const char *name, struct span value);
/* The standard's words for a status that we use. */
const char *http_reason(int status);

#endif
