/* A method's name, 0xff, a path. */
#include "http/router.h"

#include <string.h>

#include "base/bounds.h"
#include "fuzz.h"

static void run_nothing(struct call *call)
{
	(void)call;
}

#define ROW(method, path) \
	{ \
		method, path, WAY_SIGNATURE, FOR_NODE, 0, path, run_nothing, NULL, false \
	}

static const struct route rows[] = {
    ROW(HTTP_GET, "/"),
    ROW(HTTP_GET, "/settings"),
    ROW(HTTP_POST, "/settings"),
    ROW(HTTP_GET, "/settings/:account"),
    ROW(HTTP_DELETE, "/settings/:account"),
    ROW(HTTP_POST, "/settings/:account/reconnect"),
    ROW(HTTP_GET, "/api/accounts/active"),
    ROW(HTTP_GET, "/api/accounts/:account/status"),
    ROW(HTTP_POST, "/api/accounts/broadcast"),
    ROW(HTTP_GET, "/healthz"),
};
static const struct routes routes = {rows, sizeof(rows) / sizeof(rows[0])};

/* The path that the row has for this account. */
static struct span path_with(const struct route *route, struct span account, struct arena *mem)
{
	static const char place[] = ":account";
	const char *at = strstr(route->path, place);
	struct buf path = buf_in(mem, account.len + 256);

	if (at == NULL) {
		FUZZ_CHECK(account.ptr == NULL);
		return span_of(route->path);
	}
	buf_put(&path, span_from(route->path, (size_t)(at - route->path)));
	buf_put(&path, account);
	buf_puts(&path, at + strlen(place));
	return buf_span(&path);
}

static bool lists(struct span list, const char *name)
{
	struct span word;

	while (span_cut(&list, ',', &word))
		if (span_is(span_trim(word), name))
			return true;
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *mem = arena_create(4 * KIB);
	struct fuzz_input in = {data, size}, name = fuzz_part(&in);
	enum http_method method = http_method_of(span_from((const char *)name.at, name.left));
	struct span path = span_from((const char *)in.at, in.left);
	struct router_match match = {0};
	struct buf allow = buf_in(mem, 256);

	FUZZ_CHECK(router_check(&routes) == NULL);
	FUZZ_CHECK(method <= HTTP_OTHER);
	switch (router_find(&routes, method, path, &match, &allow)) {
	case RC_OK:
		FUZZ_CHECK(match.route->method == method ||
			   (method == HTTP_HEAD && match.route->method == HTTP_GET));
		FUZZ_CHECK(memchr(match.account.ptr != NULL ? match.account.ptr : "", '/',
			       match.account.len) == NULL);
		FUZZ_CHECK(span_eq(path_with(match.route, match.account, mem), path));
		break;
	case RC_DENIED:
		FUZZ_CHECK(match.route == NULL && allow.len > 0 && !allow.failed);
		FUZZ_CHECK(!lists(buf_span(&allow), http_method_name(method)));
		break;
	case RC_NOT_FOUND:
		FUZZ_CHECK(match.route == NULL && allow.len == 0);
		break;
	default:
		abort();
	}
	arena_free(mem);
	return 0;
}
