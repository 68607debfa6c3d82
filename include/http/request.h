/*
 * request: what a client asks, as spans in the request's arena.
 */
#ifndef WA_HTTP_REQUEST_H
#define WA_HTTP_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

enum http_method {
	HTTP_GET,
	HTTP_HEAD,
	HTTP_POST,
	HTTP_PUT,
	HTTP_PATCH,
	HTTP_DELETE,
	HTTP_OPTIONS,
	HTTP_OTHER,
};

/* The FastCGI parameters that we read; nginx/wa-accounts*.params send these. */
enum http_param {
	PARAM_REQUEST_METHOD,
	PARAM_DOCUMENT_URI,
	PARAM_QUERY_STRING,
	PARAM_CONTENT_LENGTH,
	PARAM_REMOTE_ADDR,
	PARAM_REQUEST_ID,
	PARAM_CONTENT_TYPE,
	PARAM_HTTPS,
	PARAM_ACCEPT,
	PARAM_AUTHORIZATION,
	PARAM_COOKIE,
	PARAM_X_CSRF_TOKEN,
	PARAM_X_XSRF_TOKEN,
	PARAM_X_WORKSPACE_ID,
	PARAM_X_API_KEY,
	PARAM_X_INSTANCE_URL,
	PARAM_X_INERTIA,
	PARAM_X_INERTIA_VERSION,
	PARAM_X_INERTIA_PARTIAL_COMPONENT,
	PARAM_X_INERTIA_PARTIAL_DATA,
	PARAM_X_INERTIA_PARTIAL_EXCEPT,
	PARAM_X_TIMESTAMP,
	PARAM_X_HMAC_SIGNATURE,
	PARAM_LOCAL,
	PARAM_STANDALONE,
	PARAM_COUNT,
};

/* CONTENT_LENGTH was there and no number. */
#define HTTP_LENGTH_INVALID UINT64_MAX

struct http_request {
	enum http_method method;
	struct span path;  /* decoded by nginx, without the query */
	struct span query; /* raw */
	struct span id;    /* X-Request-Id: nginx's, or made here */
	struct span body;  /* as received; NULL ptr until it was read */
	uint64_t content_length;
	struct span params[PARAM_COUNT];
};

enum http_method http_method_of(struct span name);
const char *http_method_name(enum http_method method);

#endif
