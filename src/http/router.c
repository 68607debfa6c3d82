#include "http/router.h"

#include "base/bounds.h"

static bool match(const char *pattern, struct span path, struct span *account)
{
	struct span want = span_of(pattern), want_part, part;

	*account = (struct span){0};
	while (span_cut(&want, '/', &want_part)) {
		if (!span_cut(&path, '/', &part))
			return false;
		if (span_is(want_part, ":account")) {
			if (part.len == 0)
				return false;
			*account = part;
		} else if (!span_eq(want_part, part)) {
			return false;
		}
	}
	return path.ptr == NULL;
}

static bool serves(const struct route *route, enum http_method method)
{
	return route->method == method || (route->method == HTTP_GET && method == HTTP_HEAD);
}

static void put_allow(struct buf *allow, const struct route *route)
{
	if (allow->len > 0)
		buf_puts(allow, ", ");
	buf_puts(allow, http_method_name(route->method));
	if (route->method == HTTP_GET)
		buf_puts(allow, ", HEAD");
}

enum rc router_find(const struct routes *routes, enum http_method method, struct span path,
    struct router_match *ret, struct buf *allow)
{
	enum rc rc = RC_NOT_FOUND;

	for (size_t i = 0; i < routes->count; i++) {
		const struct route *route = &routes->rows[i];
		struct span account;

		if (!match(route->path, path, &account))
			continue;
		if (serves(route, method)) {
			*ret = (struct router_match){route, account};
			return RC_OK;
		}
		put_allow(allow, route);
		rc = RC_DENIED;
	}
	return rc;
}

const char *router_check(const struct routes *routes)
{
	if (routes->count >= BOUND_ROUTES)
		return "the routing table has more rows than BOUND_ROUTES allows";
	for (size_t i = 0; i < routes->count; i++) {
		const struct route *route = &routes->rows[i];

		if (route->ways == 0)
			return "a row of the routing table names no way in";
		if (route->run == NULL || route->name == NULL || route->path == NULL ||
		    route->path[0] != '/')
			return "a row of the routing table is not complete";
		if (route->body_max > BOUND_WEBHOOK)
			return "a row of the routing table allows a larger body than nginx";
	}
	return NULL;
}

void router_put_ways(struct buf *b, unsigned ways)
{
	static const struct {
		enum way way;
		const char *name;
	} names[] = {{WAY_SIGNATURE, "signature"}, {WAY_LOGIN, "login"}, {WAY_TOKEN, "token"},
	    {WAY_LOCAL, "local"}, {WAY_API_KEY, "api-key"}};
	bool first = true;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if ((ways & (unsigned)names[i].way) == 0)
			continue;
		if (!first)
			buf_putc(b, ',');
		first = false;
		buf_puts(b, names[i].name);
	}
}
