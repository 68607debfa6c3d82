#include "conf/settings.h"

#include <arpa/inet.h>
#include <grp.h>

#include "base/buf.h"
#include "base/num.h"
#include "secret_strength.h"
#include "settings_table.h"

/* One value on its way into the struct. */
struct reading {
	const struct setting *row;
	struct env_value value;
	struct arena *mem;
	struct settings *settings;
	struct conf_mistakes *mistakes;
};

#define WRONG(r, ...) conf_mistakes_add((r)->mistakes, (r)->mem, (r)->value.where, __VA_ARGS__)

static void *target(const struct reading *r)
{
	return (char *)r->settings + r->row->offset;
}

static void set_text(struct reading *r)
{
	*(struct span *)target(r) = r->value.value;
}

static void set_number(struct reading *r)
{
	uint64_t n;

	if (!num_u64(r->value.value, &n) || n < r->row->min || n > r->row->max)
		WRONG(r, "%s is \"%.*s\"; it must be a whole number from %llu to %llu",
		    r->row->name, SPAN_ARG(r->value.value), (unsigned long long)r->row->min,
		    (unsigned long long)r->row->max);
	else
		*(uint64_t *)target(r) = n;
}

static void set_octal(struct reading *r)
{
	struct span text = r->value.value;
	uint64_t n = 0;
	bool valid = text.len <= 4;

	for (size_t i = 0; i < text.len; i++) {
		valid = valid && text.ptr[i] >= '0' && text.ptr[i] <= '7';
		n = n * 8 + (uint64_t)(text.ptr[i] - '0');
	}
	if (!valid || n > r->row->max)
		WRONG(r, "%s is \"%.*s\"; it must be an octal mode up to 0777", r->row->name,
		    SPAN_ARG(text));
	else
		*(uint64_t *)target(r) = n;
}

static void set_flag(struct reading *r)
{
	static const char *const yes[] = {"true", "(true)", "on", "yes", "1"};
	static const char *const no[] = {"false", "(false)", "off", "no", "0"};

	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		bool is_yes = span_eq_nocase(r->value.value, span_of(yes[i]));

		if (!is_yes && !span_eq_nocase(r->value.value, span_of(no[i])))
			continue;
		*(bool *)target(r) = is_yes;
		return;
	}
	WRONG(r, "%s is \"%.*s\"; it must be on or off", r->row->name, SPAN_ARG(r->value.value));
}

static void set_word(struct reading *r)
{
	struct span words = span_of(r->row->words), word;

	for (uint64_t n = 0; span_cut(&words, '|', &word); n++) {
		if (!span_eq(word, r->value.value))
			continue;
		*(uint64_t *)target(r) = n;
		return;
	}
	WRONG(r, "%s is \"%.*s\"; it must be one of %s", r->row->name, SPAN_ARG(r->value.value),
	    r->row->words);
}

static void check_strength(struct reading *r, struct span secret)
{
	const char *fault = secret_strength_fault(secret);

	if (fault != NULL && !r->settings->allow_weak_secrets)
		WRONG(r, "%s is weak: it %s; make one with: %s", r->row->name, fault,
		    r->row->type == APP_KEY ? "php artisan key:generate" : "openssl rand -hex 32");
}

static void set_secret(struct reading *r)
{
	check_strength(r, r->value.value);
	set_text(r);
}

static void set_secrets(struct reading *r)
{
	struct span list = r->value.value, one;
	int count = 0;

	while (span_cut(&list, ',', &one)) {
		one = span_trim(one);
		if (one.len == 0)
			continue;
		count++;
		check_strength(r, one);
	}
	if (count > BOUND_SECRETS - 1)
		WRONG(r, "%s has %d secrets; at most %d are accepted", r->row->name, count,
		    BOUND_SECRETS - 1);
	set_text(r);
}

static const char app_key_prefix[] = "base64:";

/* Of 32 bytes: 43 digits and one '='. */
enum { APP_KEY_DIGITS = 43 };

static struct span app_key_digits(struct span key)
{
	return span_from(key.ptr + sizeof(app_key_prefix) - 1, APP_KEY_DIGITS);
}

static bool is_app_key(struct span text)
{
	struct span digits;

	if (!span_starts(text, app_key_prefix) ||
	    text.len != sizeof(app_key_prefix) - 1 + APP_KEY_DIGITS + 1 ||
	    text.ptr[text.len - 1] != '=')
		return false;
	digits = app_key_digits(text);
	for (size_t i = 0; i < digits.len; i++) {
		char c = digits.ptr[i];

		if (!(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z') && !num_is_digit(c) &&
		    c != '+' && c != '/')
			return false;
	}
	return true;
}

static void set_app_keys(struct reading *r)
{
	struct span list = r->value.value, one;

	if (r->row->type == APP_KEY && is_app_key(list))
		check_strength(r, app_key_digits(list));
	else if (r->row->type == APP_KEY)
		WRONG(r, "%s must be \"base64:\" and 32 bytes; copy it from the application's .env",
		    r->row->name);
	while (r->row->type == APP_KEYS && span_cut(&list, ',', &one)) {
		one = span_trim(one);
		if (one.len > 0 && !is_app_key(one))
			WRONG(r, "%s has a key that is not \"base64:\" and 32 bytes", r->row->name);
	}
	set_text(r);
}

static void (*const setters[])(struct reading *r) = {
    [TEXT] = set_text,
    [PASSWORD] = set_text,
    [NUMBER] = set_number,
    [OCTAL] = set_octal,
    [FLAG] = set_flag,
    [WORD] = set_word,
    [SECRET] = set_secret,
    [SECRETS] = set_secrets,
    [APP_KEY] = set_app_keys,
    [APP_KEYS] = set_app_keys,
};

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
		if (r->row->standard == NULL)
			return;
	}
	setters[r->row->type](r);
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
		return *(const bool *)at ? SPAN_OF("on") : SPAN_OF("off");
	case WORD:
		for (uint64_t n = 0; n <= *(const uint64_t *)at; n++)
			if (!span_cut(&words, '|', &word))
				break;
		return word;
	case TEXT:
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
