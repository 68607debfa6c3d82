#include "http/response.h"

#include "base/bounds.h"

static const char http_json[] = "application/json";

void http_response_init(struct http_response *response, struct arena *mem)
{
	*response = (struct http_response){
	    .status = 500,
	    .content_type = http_json,
	    .headers = buf_in(mem, BOUND_HEADERS),
	    .body = buf_in(mem, BOUND_RESPONSE),
	};
}

void http_response_clear(struct http_response *response)
{
	response->status = 500;
	response->content_type = http_json;
	buf_clear(&response->headers);
	buf_clear(&response->body);
}

void http_response_header(struct http_response *response, const char *name, struct span value)
{
	buf_puts(&response->headers, name);
	buf_puts(&response->headers, ": ");
	buf_put(&response->headers, value);
	buf_puts(&response->headers, "\r\n");
}

const char *http_reason(int status)
{
	switch (status) {
	case 200:
		return "OK";
	case 201:
		return "Created";
	case 204:
		return "No Content";
	case 302:
		return "Found";
	case 303:
		return "See Other";
	case 400:
		return "Bad Request";
	case 401:
		return "Unauthorized";
	case 403:
		return "Forbidden";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 409:
		return "Conflict";
	case 410:
		return "Gone";
	case 413:
		return "Content Too Large";
	case 415:
		return "Unsupported Media Type";
	case 419:
		return "Page Expired";
	case 422:
		return "Unprocessable Content";
	case 429:
		return "Too Many Requests";
	case 500:
		return "Internal Server Error";
	case 502:
		return "Bad Gateway";
	case 503:
		return "Service Unavailable";
	default:
		return "";
	}
}
