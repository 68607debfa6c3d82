#include "settings_values.h"

#include "base/buf.h"
#include "base/now.h"
#include "base/num.h"
#include "secret_strength.h"
#include "text/base64.h"

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

static void set_day(struct reading *r)
{
	if (!now_from_day(r->value.value, (int64_t *)target(r)))
		WRONG(r, "%s is \"%.*s\"; it must be a day: YYYY-MM-DD", r->row->name,
		    SPAN_ARG(r->value.value));
}

static bool read_flag(struct span text, bool *ret)
{
	static const char *const yes[] = {"true", "(true)", "on", "yes", "1"};
	static const char *const no[] = {"false", "(false)", "off", "no", "0"};

	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		*ret = span_eq_nocase(text, span_of(yes[i]));
		if (*ret || span_eq_nocase(text, span_of(no[i])))
			return true;
	}
	return false;
}

/* env() knows the word false and not the word off, which is a text like any other: true. */
bool settings_values_is_laravels(const struct setting *row)
{
	return span_starts(span_of(row->name), "SESSION_");
}

static bool is_on_to_laravel(const struct reading *r)
{
	return settings_values_is_laravels(r->row) &&
	       (span_eq_nocase(r->value.value, SPAN_OF("off")) ||
		   span_eq_nocase(r->value.value, SPAN_OF("no")));
}

static void set_flag(struct reading *r)
{
	bool on;

	if (is_on_to_laravel(r))
		WRONG(r, "%s is \"%.*s\", which Laravel takes for true; write false", r->row->name,
		    SPAN_ARG(r->value.value));
	else if (read_flag(r->value.value, &on))
		*(bool *)target(r) = on;
	else
		WRONG(r, "%s is \"%.*s\"; it must be on or off", r->row->name,
		    SPAN_ARG(r->value.value));
}

/* The places of its words: auto, false, true. */
static void set_switch(struct reading *r)
{
	bool on;

	if (is_on_to_laravel(r))
		WRONG(r, "%s is \"%.*s\", which Laravel takes for true; write false", r->row->name,
		    SPAN_ARG(r->value.value));
	else if (span_is(r->value.value, "auto"))
		*(uint64_t *)target(r) = 0;
	else if (read_flag(r->value.value, &on))
		*(uint64_t *)target(r) = on ? 2 : 1;
	else
		WRONG(r, "%s is \"%.*s\"; it must be on, off or auto", r->row->name,
		    SPAN_ARG(r->value.value));
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

/* A word of the list in any case, as text. */
static void set_nullable(struct reading *r)
{
	struct span words = span_of(r->row->words), word;

	while (span_cut(&words, '|', &word))
		if (span_eq_nocase(word, r->value.value)) {
			set_text(r);
			return;
		}
	WRONG(r, "%s is \"%.*s\"; it must be one of %s, or null", r->row->name,
	    SPAN_ARG(r->value.value), r->row->words);
}

/* What would end the value in the header, as Symfony's Cookie refuses it too. */
static void set_cookie(struct reading *r)
{
	struct span text = r->value.value;

	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.ptr[i] <= ' ' || text.ptr[i] == 0x7f ||
		    strchr(";,=", text.ptr[i]) != NULL) {
			WRONG(r,
			    "%s has a character that a cookie may not have: blanks, controls, "
			    "';', ',' and '='",
			    r->row->name);
			return;
		}
	set_text(r);
}

static bool is_name(struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !num_is_digit(c) &&
		    c != '_')
			return false;
	}
	return text.len > 0 && text.len <= 64;
}

static void set_name(struct reading *r)
{
	if (!is_name(r->value.value))
		WRONG(r, "%s is \"%.*s\"; it may have letters, digits and '_' only", r->row->name,
		    SPAN_ARG(r->value.value));
	set_text(r);
}

/* Kept without blanks, so that others cut it at its commas. */
static void set_names(struct reading *r)
{
	struct span list = r->value.value, one;
	struct buf kept = buf_in(r->mem, list.len + 1);
	uint64_t count = 0;

	while (span_cut(&list, ',', &one)) {
		one = span_trim(one);
		if (one.len == 0)
			continue;
		if (!is_name(one))
			WRONG(r, "%s has \"%.*s\"; a name may have letters, digits and '_' only",
			    r->row->name, SPAN_ARG(one));
		if (count++ > 0)
			buf_putc(&kept, ',');
		buf_put(&kept, one);
	}
	if (count == 0 || count > r->row->max)
		WRONG(r, "%s has %llu names; it must have 1 to %llu", r->row->name,
		    (unsigned long long)count, (unsigned long long)r->row->max);
	*(struct span *)target(r) = arena_copy(r->mem, buf_span(&kept));
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

/* The items of a comma-separated list; empty ones count as absent. */
static void check_list(
    struct reading *r, const char *items, void (*check)(struct reading *r, struct span item))
{
	struct span list = r->value.value, one;
	int count = 0;

	while (span_cut(&list, ',', &one)) {
		one = span_trim(one);
		if (one.len == 0)
			continue;
		count++;
		check(r, one);
	}
	if (count > BOUND_SECRETS - 1)
		WRONG(r, "%s has %d %s; at most %d are accepted", r->row->name, count, items,
		    BOUND_SECRETS - 1);
}

static void set_secrets(struct reading *r)
{
	check_list(r, "secrets", check_strength);
	set_text(r);
}

static const char app_key_prefix[] = "base64:";

enum { APP_KEY_SIZE = 32 };

static bool is_app_key(struct span text, struct arena *mem)
{
	struct span bytes;

	return span_starts(text, app_key_prefix) &&
	       base64_decode(
		   span_from(text.ptr + strlen(app_key_prefix), text.len - strlen(app_key_prefix)),
		   mem, &bytes) &&
	       bytes.len == APP_KEY_SIZE;
}

static void set_app_key(struct reading *r)
{
	struct span key = r->value.value;

	if (is_app_key(key, r->mem))
		check_strength(r, span_from(key.ptr + strlen(app_key_prefix),
				      key.len - strlen(app_key_prefix) - 1));
	else
		WRONG(r, "%s must be \"base64:\" and 32 bytes; copy it from the application's .env",
		    r->row->name);
	set_text(r);
}

static void check_retired_key(struct reading *r, struct span key)
{
	if (!is_app_key(key, r->mem))
		WRONG(r, "%s has a key that is not \"base64:\" and 32 bytes", r->row->name);
}

static void set_app_keys(struct reading *r)
{
	check_list(r, "keys", check_retired_key);
	set_text(r);
}

static void (*const setters[])(struct reading *r) = {
    [TEXT] = set_text,
    [NULLABLE] = set_nullable,
    [COOKIE] = set_cookie,
    [PASSWORD] = set_text,
    [NUMBER] = set_number,
    [OCTAL] = set_octal,
    [DAY] = set_day,
    [FLAG] = set_flag,
    [SWITCH] = set_switch,
    [WORD] = set_word,
    [NAME] = set_name,
    [NAMES] = set_names,
    [SECRET] = set_secret,
    [SECRETS] = set_secrets,
    [APP_KEY] = set_app_key,
    [APP_KEYS] = set_app_keys,
};

void settings_values_set(struct reading *r)
{
	setters[r->row->type](r);
}
