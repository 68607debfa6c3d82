#include "http/request.h"

#include <stddef.h>

static const char *const names[] = {
    [HTTP_GET] = "GET",
    [HTTP_HEAD] = "HEAD",
    [HTTP_POST] = "POST",
    [HTTP_PUT] = "PUT",
    [HTTP_PATCH] = "PATCH",
    [HTTP_DELETE] = "DELETE",
    [HTTP_OPTIONS] = "OPTIONS",
    [HTTP_OTHER] = "?",
};

enum http_method http_method_of(struct span name)
{
	for (size_t i = 0; i < HTTP_OTHER; i++)
		if (span_is(name, names[i]))
			return (enum http_method)i;
	return HTTP_OTHER;
}

const char *http_method_name(enum http_method method)
{
	return names[method];
}
