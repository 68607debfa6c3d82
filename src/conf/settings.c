#include "conf/settings.h"

#include <arpa/inet.h>
#include <grp.h>

#include "base/buf.h"
#include "base/num.h"
#include "settings_values.h"

static bool find_value(const struct env *env, const struct setting *row, struct env_value *ret)
{
	return env_get(env, row->name, ret) ||
	       (row->alias != NULL && env_get(env, row->alias, ret));
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

static struct span where_of(const struct env *env, const char *name)
{
	struct env_value value;

	return env_get(env, name, &value) ? value.where : env_path(env);
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
	r->value.where = where_of(env, "WA_LISTEN_GROUP");
	if (s->listen_group.len > 0 && getgrnam(s->listen_group.ptr) == NULL)
		WRONG(r, "WA_LISTEN_GROUP is \"%.*s\", and there is no such group on this host",
		    SPAN_ARG(s->listen_group));
}

static const struct setting *row_of(const char *name)
{
	size_t i = 0;

	while (i < settings_count && strcmp(settings_table[i].name, name) != 0)
		i++;
	return i < settings_count ? &settings_table[i] : NULL;
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
}
