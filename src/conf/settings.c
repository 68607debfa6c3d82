#include "conf/settings.h"

#include <arpa/inet.h>
#include <errno.h>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/now.h"
#include "base/num.h"
#include "secret_strength.h"
#include "settings_values.h"

static bool find_value(const struct env *env, const struct setting *row, struct env_value *ret)
{
	if (env_get(env, row->name, ret))
		return true;
	/* A word that says null has been said: the older name is not asked. */
	if (row->alias == NULL || (row->type == WORD && env_is_cleared(env, row->name)))
		return false;
	return env_get(env, row->alias, ret);
}

static const struct setting *row_of(const char *name)
{
	size_t i = 0;

	while (i < settings_count && strcmp(settings_table[i].name, name) != 0)
		i++;
	return i < settings_count ? &settings_table[i] : NULL;
}

/* Where it stands, also under its older name. */
static struct span where_of(const struct env *env, const char *name)
{
	const struct setting *row = row_of(name);
	struct env_value value;

	return row != NULL && find_value(env, row, &value) ? value.where : env_path(env);
}

static void read_row(const struct env *env, struct reading *r)
{
	if (!find_value(env, r->row, &r->value)) {
		r->value = (struct env_value){
		    span_of(r->row->name), span_of(r->row->standard), env_path(env)};
		if (r->row->required)
			WRONG(r, "%s is not set%s", r->row->name,
			    r->row->type == SECRET
				? " or empty; make one with: openssl rand -hex 32"
				: "; it has no standard value");
		if (r->row->standard == NULL ||
		    (r->row->type == NULLABLE && env_is_cleared(env, r->row->name)))
			return;
	}
	settings_values_set(r);
}

struct unknown {
	struct arena *mem;
	struct conf_mistakes *warnings;
};

static void warn_unknown(void *ctx, const struct env_value *value)
{
	struct unknown *unknown = ctx;

	for (size_t i = 0; i < settings_count; i++)
		if (span_is(value->name, settings_table[i].name))
			return;
	conf_mistakes_add(unknown->warnings, unknown->mem, value->where,
	    "%.*s is not a setting of this version; it is ignored", SPAN_ARG(value->name));
}

static bool is_address(struct span text)
{
	unsigned char address[sizeof(struct in6_addr)];
	char copy[INET6_ADDRSTRLEN];
	struct buf b = buf_over(copy, sizeof(copy));

	buf_put(&b, text);
	buf_putc(&b, '\0');
	return !b.failed &&
	       (inet_pton(AF_INET, copy, address) == 1 || inet_pton(AF_INET6, copy, address) == 1);
}

static bool is_listen(struct span text)
{
	const char *colon = text.len > 0 ? memrchr(text.ptr, ':', text.len) : NULL;
	uint64_t port;

	if (span_starts(text, "unix:"))
		return text.len > strlen("unix:");
	if (span_is(text, "inherit"))
		return true;
	return colon != NULL && colon > text.ptr &&
	       num_u64(span_from(colon + 1, text.len - (size_t)(colon - text.ptr) - 1), &port) &&
	       port >= 1 && port <= 65535;
}

/* Of the .env file that was read: the application's folder. */
static struct span beside(struct span path, const char *name, struct arena *mem)
{
	const char *slash = path.len > 0 ? memrchr(path.ptr, '/', path.len) : NULL;
	struct buf text = buf_in(mem, path.len + strlen(name) + 2);

	if (slash != NULL)
		buf_put(&text, span_from(path.ptr, (size_t)(slash - path.ptr) + 1));
	buf_puts(&text, name);
	return arena_copy(mem, buf_span(&text));
}

static void check_login(const struct env *env, struct reading *r)
{
	struct settings *s = r->settings;
	struct span guards = s->guard, one;

	r->value.where = where_of(env, "WA_GUARD");
	while (span_cut(&guards, ',', &one))
		if (span_is(one, "admin"))
			WRONG(r,
			    "WA_GUARD names admin: an administrator's login is none of a "
			    "workspace's; take it out");
	if (s->session_files.len == 0)
		s->session_files = beside(env_path(env), "storage/framework/sessions", r->mem);
}

static bool is_host(struct span host)
{
	for (size_t i = 0; i < host.len; i++)
		if ((unsigned char)host.ptr[i] <= ' ' || (unsigned char)host.ptr[i] >= 0x7f ||
		    strchr("/?#@\\", host.ptr[i]) != NULL)
			return false;
	/* An IPv6 address stands in brackets; a port is another setting. */
	if (memchr(host.ptr, ':', host.len) != NULL)
		return host.ptr[0] == '[' && host.ptr[host.len - 1] == ']';
	return host.len > 0 && host.len <= 255;
}

static bool is_header_text(struct span text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.ptr[i] < ' ' || (unsigned char)text.ptr[i] >= 0x7f)
			return false;
	return text.len <= 512;
}

static void check_broadcaster(const struct env *env, struct reading *r, const char *prefix,
    const struct settings_broadcaster *b)
{
	r->value.where = where_of(env, "BROADCAST_CONNECTION");
	if (b->app_id.len == 0 || b->key.len == 0 || b->secret.len == 0 || b->host.len == 0)
		WRONG(r,
		    "events are to go to %s, and one of %s_APP_ID, %s_APP_KEY, %s_APP_SECRET and "
		    "%s_HOST is not set; copy them from the application's .env",
		    prefix, prefix, prefix, prefix, prefix);
	else if (!is_host(b->host))
		WRONG(r, "%s_HOST is \"%.*s\"; it must be the name or address of a host alone",
		    prefix, SPAN_ARG(b->host));
}

static bool is_readable_file(const char *path)
{
	struct stat file;

	if (access(path, R_OK) != 0 || stat(path, &file) != 0)
		return false;
	errno = EISDIR;
	return S_ISREG(file.st_mode);
}

static void check_broadcast(const struct env *env, struct reading *r)
{
	struct settings *s = r->settings;
	struct buf host = buf_in(r->mem, s->pusher_cluster.len + 32);

	if (s->pusher.host.len == 0) {
		buf_puts(&host, "api-");
		buf_put(&host, s->pusher_cluster);
		buf_puts(&host, ".pusher.com");
		s->pusher.host = arena_copy(r->mem, buf_span(&host));
	}
	if (s->broadcast_connection == CONF_BROADCAST_REVERB)
		check_broadcaster(env, r, "REVERB", &s->reverb);
	else if (s->broadcast_connection == CONF_BROADCAST_PUSHER)
		check_broadcaster(env, r, "PUSHER", &s->pusher);
	r->value.where = where_of(env, "WHATSAPP_NODE_API_KEY");
	if (!is_header_text(s->node_api_key))
		WRONG(r, "WHATSAPP_NODE_API_KEY must be at most 512 characters of plain ASCII");
	r->value.where = where_of(env, "WA_CA_FILE");
	if (s->ca_file.len > 0 && !is_readable_file(s->ca_file.ptr))
		WRONG(r, "WA_CA_FILE %s cannot be read: %s", s->ca_file.ptr, strerror(errno));
}

static bool is_base_url(struct span url)
{
	size_t scheme = span_starts(url, "https://")  ? strlen("https://")
			: span_starts(url, "http://") ? strlen("http://")
						      : 0;

	for (size_t i = 0; i < url.len; i++)
		if ((unsigned char)url.ptr[i] <= ' ' || (unsigned char)url.ptr[i] >= 0x7f ||
		    strchr("?#", url.ptr[i]) != NULL)
			return false;
	return scheme > 0 && url.len > scheme && url.len <= 255 && url.ptr[scheme] != '/';
}

static void put_instance_name(struct buf *b, uint64_t number)
{
	buf_putf(b, "WHATSAPP_INSTANCE_%llu", (unsigned long long)number);
	buf_putc(b, '\0');
}

/* WHATSAPP_INSTANCE_1 and so on: as many as there are to be. */
static void read_instances(const struct env *env, struct reading *r)
{
	struct settings *s = r->settings;
	struct span *instances;

	if (s->instance_count == 0)
		return; /* it was no number */
	instances = arena_alloc(r->mem, s->instance_count * sizeof(*instances));
	for (uint64_t i = 0; i < s->instance_count; i++) {
		struct buf name = buf_in(r->mem, 64), url = buf_in(r->mem, 64);
		struct env_value value;

		put_instance_name(&name, i + 1);
		buf_putf(&url, "http://localhost:%llu", (unsigned long long)(3001 + i));
		instances[i] = buf_span(&url);
		if (env_get(env, name.ptr, &value)) {
			r->value = value;
			instances[i] = value.value;
			if (!is_base_url(value.value))
				WRONG(r,
				    "%s is \"%.*s\"; it must be the URL of an instance, "
				    "http://HOST:PORT",
				    name.ptr, SPAN_ARG(value.value));
		}
		while (instances[i].len > 0 && instances[i].ptr[instances[i].len - 1] == '/')
			instances[i].len--;
		instances[i] = arena_copy(r->mem, instances[i]);
	}
	s->instances = instances;
}

/* Sent to us it opens doors: what may be guessed must not. */
static void check_node_api_key(const struct env *env, struct reading *r)
{
	const struct settings *s = r->settings;
	const char *fault = s->node_api_key.len == 0 ? "is not set"
			    : secret_is_placeholder(s->node_api_key)
				? "is what examples have in its place"
				: secret_strength_fault(s->node_api_key);

	r->value.where = where_of(env, "WA_NODE_API_KEY_IN");
	if (s->node_api_key_in && fault != NULL &&
	    (s->node_api_key.len == 0 || !s->allow_weak_secrets))
		WRONG(r,
		    "WA_NODE_API_KEY_IN is on, and WHATSAPP_NODE_API_KEY %s; make one with: openssl "
		    "rand -hex 32, and give it to the Node.js service",
		    fault);
}

static void check_together(const struct env *env, struct reading *r)
{
	const struct settings *s = r->settings;
	struct span peers = s->listen_allow, peer;

	r->value.where = where_of(env, "WA_LISTEN");
	if (!is_listen(s->listen))
		WRONG(r, "WA_LISTEN is \"%.*s\"; it must be unix:PATH, HOST:PORT or inherit",
		    SPAN_ARG(s->listen));
	r->value.where = where_of(env, "WA_LISTEN_ALLOW");
	while (span_cut(&peers, ',', &peer))
		if (!is_address(span_trim(peer)))
			WRONG(r, "WA_LISTEN_ALLOW has \"%.*s\", which is no IPv4 or IPv6 address",
			    SPAN_ARG(span_trim(peer)));
	check_login(env, r);
	check_broadcast(env, r);
	check_node_api_key(env, r);
	read_instances(env, r);
	r->value.where = where_of(env, "WA_LISTEN_GROUP");
	if (s->listen_group.len > 0 && getgrnam(s->listen_group.ptr) == NULL)
		WRONG(r, "WA_LISTEN_GROUP is \"%.*s\", and there is no such group on this host",
		    SPAN_ARG(s->listen_group));
}

/* What is allowed, and probably not meant. */
static void warn_of_relay(const struct env *env, const struct settings *s, struct arena *mem,
    struct conf_mistakes *warnings)
{
	struct env_value value;

	if (!s->relay)
		return;
	if (!env_get(env, "BROADCAST_CONNECTION", &value) &&
	    !env_is_cleared(env, "BROADCAST_CONNECTION") &&
	    !env_get(env, "BROADCAST_DRIVER", &value) && !env_is_cleared(env, "BROADCAST_DRIVER"))
		conf_mistakes_add(warnings, mem, env_path(env),
		    "BROADCAST_CONNECTION is not set: browsers are told of nothing, as with null; "
		    "copy it and REVERB_* or PUSHER_* from the application's .env");
	if (s->node_api_key.len == 0)
		conf_mistakes_add(warnings, mem, env_path(env),
		    "WHATSAPP_NODE_API_KEY is not set: the Node.js service will refuse our "
		    "commands; it is the key that the service expects in X-API-Key");
}

/* What is allowed, and probably not meant. */
static void warn_of_login(const struct env *env, const struct settings *s, struct arena *mem,
    struct conf_mistakes *warnings)
{
	struct env_value value;

	if (s->app_key.len == 0)
		conf_mistakes_add(warnings, mem, env_path(env),
		    "APP_KEY is not set: nobody can log in; copy it from the application's .env");
	if (env_get(env, "SESSION_CONNECTION", &value))
		conf_mistakes_add(warnings, mem, value.where,
		    "SESSION_CONNECTION is set; sessions are read through DB_DATABASE's connection, "
		    "and must be in that database");
	for (size_t i = 0; s->session_cookie.len == 0 && i < s->app_name.len; i++)
		if ((unsigned char)s->app_name.ptr[i] >= 0x80) {
			conf_mistakes_add(warnings, mem, where_of(env, "APP_NAME"),
			    "APP_NAME is not plain ASCII, and names the session cookie; set "
			    "SESSION_COOKIE to the name that Laravel sends");
			return;
		}
}

enum rc settings_read(const struct env *env, struct arena *mem, struct settings *ret,
    struct conf_mistakes *mistakes, struct conf_mistakes *warnings)
{
	struct settings settings = {0};
	struct reading reading = {.mem = mem, .settings = &settings, .mistakes = mistakes};
	struct unknown unknown = {mem, warnings};

	/* The others' checks ask for it. */
	reading.row = row_of("WA_ALLOW_WEAK_SECRETS");
	read_row(env, &reading);
	for (size_t i = 0; i < settings_count; i++) {
		if (&settings_table[i] == row_of("WA_ALLOW_WEAK_SECRETS"))
			continue;
		reading.row = &settings_table[i];
		read_row(env, &reading);
	}
	check_together(env, &reading);
	env_each(env, "WA_", warn_unknown, &unknown);
	if (mistakes->first != NULL)
		return RC_INVALID;
	warn_of_login(env, &settings, mem, warnings);
	warn_of_relay(env, &settings, mem, warnings);
	*ret = settings;
	return RC_OK;
}

static struct span value_text(
    const struct settings *settings, const struct setting *row, struct arena *mem)
{
	const void *at = (const char *)settings + row->offset;
	struct span words = span_of(row->words), word = {0};
	struct buf text = buf_in(mem, 64);

	switch (row->type) {
	case NUMBER:
		buf_put_u64(&text, *(const uint64_t *)at);
		return buf_span(&text);
	case OCTAL:
		buf_putf(&text, "%04llo", (unsigned long long)*(const uint64_t *)at);
		return buf_span(&text);
	case DAY:
		now_put_day(&text, *(const int64_t *)at);
		return buf_span(&text);
	case FLAG:
		if (settings_values_is_laravels(row))
			return *(const bool *)at ? SPAN_OF("true") : SPAN_OF("false");
		return *(const bool *)at ? SPAN_OF("on") : SPAN_OF("off");
	case SWITCH:
	case WORD:
		for (uint64_t n = 0; n <= *(const uint64_t *)at; n++)
			if (!span_cut(&words, '|', &word))
				break;
		return word;
	case TEXT:
	case NULLABLE:
	case COOKIE:
	case NAME:
	case NAMES:
		return *(const struct span *)at;
	case PASSWORD:
	case SECRET:
	case SECRETS:
	case APP_KEY:
	case APP_KEYS:
		break;
	}
	return ((const struct span *)at)->len > 0 ? SPAN_OF("(set)") : SPAN_OF("(empty)");
}

void settings_each(const struct settings *settings, const struct env *env, struct arena *mem,
    settings_each_fn *fn, void *ctx)
{
	for (size_t i = 0; i < settings_count; i++) {
		struct env_value value;
		struct span source = SPAN("standard");

		if (find_value(env, &settings_table[i], &value))
			source = value.where;
		fn(ctx, settings_table[i].name, value_text(settings, &settings_table[i], mem),
		    source, settings_table[i].help);
	}
	for (uint64_t i = 0; i < settings->instance_count; i++) {
		struct buf name = buf_in(mem, 64);
		struct env_value value;

		put_instance_name(&name, i + 1);
		fn(ctx, name.ptr, settings->instances[i],
		    env_get(env, name.ptr, &value) ? value.where : SPAN_OF("standard"),
		    "Base URL of an instance of the Node.js service.");
	}
}
