#include "app/front.h"

#include <errno.h>
#include <string.h>

#include "app/peers.h"
#include "base/file.h"
#include "base/num.h"
#include "page/vite.h"
#include "text/json.h"

/* What stands against serving the page is told here. */
struct opening {
	const struct settings *settings;
	const struct env *env;
	struct arena *mem;
	struct conf_mistakes *mistakes;
	bool has_mistakes;
};

#define WRONG(o, where, ...) \
	do { \
		(o)->has_mistakes = true; \
		conf_mistakes_add((o)->mistakes, (o)->mem, (where), __VA_ARGS__); \
	} while (0)

static struct span where_of(const struct env *env, const char *name)
{
	struct env_value value;

	return env_get(env, name, &value) ? value.where : env_path(env);
}

/* False: it was told why not. */
static bool read_file(
    struct opening *o, const char *name, struct span path, size_t max, struct span *ret)
{
	if (file_read(path.ptr, max, o->mem, ret) == RC_OK)
		return true;
	WRONG(
	    o, where_of(o->env, name), "%s %s cannot be read: %s", name, path.ptr, strerror(errno));
	return false;
}

static void read_template(struct opening *o, struct template *ret)
{
	struct span path = o->settings->page_template, text;
	struct buf where = buf_in(o->mem, path.len + 64);
	struct template_fault fault;

	if (!read_file(o, "WA_PAGE_TEMPLATE", path, BOUND_TEMPLATE, &text) ||
	    template_parse(text, o->mem, ret, &fault) == RC_OK)
		return;
	buf_put(&where, path);
	if (fault.line > 0)
		buf_putf(&where, ":%zu", fault.line);
	WRONG(o, buf_span(&where), "%.*s", SPAN_ARG(fault.what));
}

static void read_manifest(struct opening *o, struct page_constants *ret)
{
	struct span path = o->settings->page_manifest, fault;
	struct buf tags = buf_in(o->mem, 2 * BOUND_ASSET_TAGS + 4 * KIB);

	if (path.len == 0) {
		WRONG(o, where_of(o->env, "WA_PAGE_TEMPLATE"),
		    "WA_PAGE_TEMPLATE is set, and WA_PAGE_MANIFEST is not: it is the "
		    "manifest.json that Vite has written");
		return;
	}
	if (!read_file(o, "WA_PAGE_MANIFEST", path, BOUND_MANIFEST, &ret->manifest))
		return;
	if (vite_put_tags(ret->manifest, o->settings->page_assets, o->mem, &tags, &fault) != RC_OK)
		WRONG(o, path, "%.*s", SPAN_ARG(fault));
	ret->tags = buf_span(&tags);
}

/* What a file's name may be put behind: a path, or a URL, that ends in a slash. */
static bool is_assets_url(struct span url)
{
	for (size_t i = 0; i < url.len; i++)
		if ((unsigned char)url.ptr[i] <= ' ' || (unsigned char)url.ptr[i] >= 0x7f ||
		    strchr("?#\\", url.ptr[i]) != NULL)
			return false;
	return url.len > 0 && url.len <= BOUND_ASSET_NAME && url.ptr[url.len - 1] == '/' &&
	       (span_starts(url, "https://") || span_starts(url, "http://") ||
		   (url.ptr[0] == '/' && !span_starts(url, "//")));
}

static bool is_host(struct span host)
{
	for (size_t i = 0; i < host.len; i++) {
		char c = host.ptr[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !num_is_digit(c) &&
		    memchr(".-_:[]", c, 6) == NULL)
			return false;
	}
	/* An IPv6 address stands in brackets; a port is another setting. */
	return memchr(host.ptr, ':', host.len) == NULL ||
	       (host.ptr[0] == '[' && host.ptr[host.len - 1] == ']');
}

static bool is_port(struct span text)
{
	uint64_t port;

	return num_u64(text, &port) && port >= 1 && port <= 65535;
}

static bool is_scheme(struct span text)
{
	return span_is(text, "http") || span_is(text, "https");
}

/* PREFIX of REVERB_HOST or PUSHER_HOST, and of VITE_REVERB_HOST ... */
static const char *prefix_of(const struct settings *settings)
{
	return settings->broadcast_connection == CONF_BROADCAST_REVERB ? "REVERB" : "PUSHER";
}

static void check_word(struct opening *o, const char *what, struct span value,
    bool (*is_right)(struct span text), const char *must)
{
	struct buf name = buf_in(o->mem, 64);

	if (value.len == 0 || is_right(value))
		return;
	buf_putf(&name, "VITE_%s_%s", prefix_of(o->settings), what);
	buf_putc(&name, '\0');
	WRONG(o, where_of(o->env, name.ptr), "%s is \"%.*s\"; it must be %s", name.ptr,
	    SPAN_ARG(value), must);
}

/* Laravel's own names: what stands there is only looked at where the page is ours. */
static void check_settings(struct opening *o)
{
	const struct settings_broadcaster *b = peers_broadcaster(o->settings);

	if (!is_assets_url(o->settings->page_assets))
		WRONG(o, where_of(o->env, "WA_PAGE_ASSETS"),
		    "WA_PAGE_ASSETS is \"%.*s\"; it must be a path or a URL that ends in a slash",
		    SPAN_ARG(o->settings->page_assets));
	if (b == NULL)
		return;
	check_word(o, "HOST", b->browser_host, is_host, "the name or address of a host alone");
	check_word(o, "PORT", b->browser_port, is_port, "a whole number from 1 to 65535");
	check_word(o, "SCHEME", b->browser_scheme, is_scheme, "one of http|https");
}

/* Pusher itself has other hosts for browsers than for those who send. */
static struct span pushers_own_host(const struct settings *s, struct arena *mem)
{
	struct buf api = buf_in(mem, s->pusher_cluster.len + 64),
		   ws = buf_in(mem, s->pusher_cluster.len + 64);

	if (s->broadcast_connection != CONF_BROADCAST_PUSHER)
		return (struct span){0};
	buf_putf(&api, "api-%.*s.pusher.com", SPAN_ARG(s->pusher_cluster));
	if (!span_eq(s->pusher.host, buf_span(&api)))
		return (struct span){0};
	buf_putf(&ws, "ws-%.*s.pusher.com", SPAN_ARG(s->pusher_cluster));
	return buf_span(&ws);
}

/* An absent text is null. */
static void put_text(struct buf *b, const char *name, struct span text)
{
	json_put_key(b, name);
	json_put_string(b, text.len > 0 ? text : (struct span){0});
}

/* Without a port it is the scheme's, as in an address; without a scheme it is https, as for
 * Laravel. */
static void put_address(
    struct buf *b, const struct settings_broadcaster *broadcaster, struct span pushers_own)
{
	struct span host = broadcaster->browser_host, port = broadcaster->browser_port,
		    scheme = broadcaster->browser_scheme;

	if (host.len == 0) {
		host = pushers_own;
		port = scheme = (struct span){0};
	}
	if (host.len > 0 && scheme.len == 0)
		scheme = SPAN_OF("https");
	if (host.len > 0 && port.len == 0)
		port = span_is(scheme, "http") ? SPAN_OF("80") : SPAN_OF("443");
	put_text(b, "host", host);
	json_put_key(b, "port");
	buf_put(b, port.len > 0 ? port : SPAN_OF("null"));
	put_text(b, "scheme", scheme);
}

struct span front_broadcaster(const struct settings *s, struct arena *mem)
{
	const struct settings_broadcaster *broadcaster = peers_broadcaster(s);
	bool is_reverb = broadcaster == &s->reverb;
	struct buf b = buf_in(mem, BOUND_RESPONSE);

	if (broadcaster == NULL)
		return SPAN_OF("");
	buf_putc(&b, '{');
	put_text(&b, "broadcaster", is_reverb ? SPAN_OF("reverb") : SPAN_OF("pusher"));
	put_text(&b, "key", broadcaster->key);
	put_text(&b, "cluster", is_reverb ? (struct span){0} : s->pusher_cluster);
	put_address(&b, broadcaster, pushers_own_host(s, mem));
	buf_putc(&b, '}');
	return buf_span(&b);
}

void front_open(const struct settings *settings, const struct env *env, struct arena *mem,
    struct conf_mistakes *mistakes, const struct page **ret)
{
	struct opening o = {settings, env, mem, mistakes, false};
	struct page_constants constants = {.app_name = settings->app_name};
	struct template template;
	struct page *page;

	*ret = NULL;
	if (settings->page_template.len == 0)
		return;
	check_settings(&o);
	read_template(&o, &template);
	read_manifest(&o, &constants);
	if (o.has_mistakes)
		return;
	constants.broadcaster = front_broadcaster(settings, mem);
	page = arena_alloc(mem, sizeof(*page));
	if (page_make(&template, &constants, mem, page) == RC_OK)
		*ret = page;
	else
		WRONG(&o, settings->page_manifest, "OpenSSL has no SHA-256 for the page's version");
}
