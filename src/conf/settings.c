#include "conf/settings.h"

#include <arpa/inet.h>
#include <grp.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/num.h"
#include "conf/secret_strength.h"

enum type { TEXT, NUMBER, OCTAL, FLAG, WORD, SECRET, SECRETS, APP_KEY, APP_KEYS };

struct row {
	const char *name;
	const char *alias; /* looked up when `name` is not set */
	enum type type;
	size_t offset;
	const char *standard; /* as it would stand in the file; NULL: not set */
	uint64_t min, max;    /* of a number */
	const char *words;    /* of a WORD, separated by '|', in the enum's order */
	bool required;
	const char *help;
};

#define AT(field) offsetof(struct settings, field)

// clang-format off
static const struct row rows[] = {
	{"APP_KEY", NULL, APP_KEY, AT(app_key), NULL, 0, 0, NULL, false,
	    "Laravel's key: base64: and 32 bytes."},
	{"APP_PREVIOUS_KEYS", NULL, APP_KEYS, AT(app_previous_keys), NULL, 0, 0, NULL, false,
	    "Retired keys, comma-separated; tried after APP_KEY."},
	{"APP_NAME", NULL, TEXT, AT(app_name), "Laravel", 0, 0, NULL, false,
	    "Names the session cookie when SESSION_COOKIE is not set."},
	{"APP_URL", NULL, TEXT, AT(app_url), "http://localhost", 0, 0, NULL, false,
	    "Where the application is found."},
	{"DB_HOST", NULL, TEXT, AT(db_host), "127.0.0.1", 0, 0, NULL, false,
	    "MariaDB's host; not used with DB_SOCKET."},
	{"DB_PORT", NULL, NUMBER, AT(db_port), "3306", 1, 65535, NULL, false,
	    "MariaDB's port."},
	{"DB_SOCKET", NULL, TEXT, AT(db_socket), NULL, 0, 0, NULL, false,
	    "MariaDB's unix socket; wins over DB_HOST."},
	{"DB_DATABASE", NULL, TEXT, AT(db_database), NULL, 0, 0, NULL, true,
	    "The application's database."},
	{"DB_USERNAME", NULL, TEXT, AT(db_username), NULL, 0, 0, NULL, true,
	    "The account at the database."},
	{"DB_PASSWORD", NULL, TEXT, AT(db_password), NULL, 0, 0, NULL, false,
	    "Its password."},
	{"MYSQL_ATTR_SSL_CA", NULL, TEXT, AT(db_ssl_ca), NULL, 0, 0, NULL, false,
	    "A CA file: the connection is then TLS, and the server's certificate is verified."},
	{"SESSION_DRIVER", NULL, WORD, AT(session_driver), "database", 0, 0, "database|file", false,
	    "Where Laravel keeps its sessions."},
	{"SESSION_LIFETIME", NULL, NUMBER, AT(session_lifetime_min), "120", 1, 5256000, NULL, false,
	    "Minutes after which an idle session ends."},
	{"SESSION_COOKIE", NULL, TEXT, AT(session_cookie), NULL, 0, 0, NULL, false,
	    "The session cookie's name; otherwise made from APP_NAME."},
	{"SESSION_ENCRYPT", NULL, FLAG, AT(session_encrypt), "false", 0, 0, NULL, false,
	    "Sessions are encrypted where they are kept."},
	{"SESSION_PATH", NULL, TEXT, AT(session_path), "/", 0, 0, NULL, false,
	    "Path attribute of the cookies."},
	{"SESSION_DOMAIN", NULL, TEXT, AT(session_domain), NULL, 0, 0, NULL, false,
	    "Domain attribute of the cookies."},
	{"SESSION_SECURE_COOKIE", NULL, FLAG, AT(session_secure_cookie), "false", 0, 0, NULL, false,
	    "Secure attribute of the cookies."},
	{"SESSION_HTTP_ONLY", NULL, FLAG, AT(session_http_only), "true", 0, 0, NULL, false,
	    "HttpOnly attribute of the session cookie."},
	{"SESSION_SAME_SITE", NULL, TEXT, AT(session_same_site), "lax", 0, 0, NULL, false,
	    "SameSite attribute of the cookies."},
	{"SESSION_EXPIRE_ON_CLOSE", NULL, FLAG, AT(session_expire_on_close), "false", 0, 0, NULL, false,
	    "Cookies end with the browser."},
	{"WHATSAPP_HMAC_SECRET", "HMAC_SECRET", SECRET, AT(hmac_secret), NULL, 0, 0, NULL, true,
	    "Shared with the Node.js service: signs its requests. HMAC_SECRET is read if it is not set."},
	{"WHATSAPP_HMAC_PREVIOUS_SECRETS", NULL, SECRETS, AT(hmac_previous_secrets), NULL, 0, 0, NULL,
	    false, "Retired secrets that are still accepted, comma-separated, at most 7."},
	{"WHATSAPP_SIGNATURE_TTL", NULL, NUMBER, AT(signature_ttl_s), "300", 1, 86400, NULL, false,
	    "Seconds by which a signature's time may differ from ours."},
	{"WA_LISTEN", NULL, TEXT, AT(listen), "unix:/run/wa-accounts/wa-accounts.sock", 0, 0, NULL, false,
	    "unix:PATH, HOST:PORT, or inherit (systemd's LISTEN_FDS, or descriptor 0)."},
	{"WA_LISTEN_MODE", NULL, OCTAL, AT(listen_mode), "0660", 0, 0777, NULL, false,
	    "Mode of the unix socket, octal."},
	{"WA_LISTEN_GROUP", NULL, TEXT, AT(listen_group), NULL, 0, 0, NULL, false,
	    "Group of the unix socket: nginx's."},
	{"WA_LISTEN_ALLOW", NULL, TEXT, AT(listen_allow), NULL, 0, 0, NULL, false,
	    "Addresses, comma-separated, that may connect over TCP; needed to listen beyond loopback."},
	{"WA_LISTEN_BACKLOG", NULL, NUMBER, AT(listen_backlog), "511", 1, 65535, NULL, false,
	    "Connections that may wait; one more is answered by nginx at once."},
	{"WA_WORKERS", NULL, NUMBER, AT(workers), "4", 1, BOUND_WORKERS, NULL, false,
	    "Worker processes: two for each core is a good start."},
	{"WA_MAX_REQUESTS", NULL, NUMBER, AT(max_requests), "100000", 0, 1000000000, NULL, false,
	    "Requests after which a worker is replaced, give or take a tenth; 0: never."},
	{"WA_REQUEST_TIMEOUT", NULL, NUMBER, AT(request_timeout_s), "30", 1, 3600, NULL, false,
	    "Seconds after which a worker that is stuck in a request is killed."},
	{"WA_STOP_TIMEOUT", NULL, NUMBER, AT(stop_timeout_s), "20", 1, 3600, NULL, false,
	    "Seconds that requests in hand are given when the pool stops."},
	{"WA_MEMORY_LIMIT", NULL, NUMBER, AT(memory_limit_mib), "512", 0, 1048576, NULL, false,
	    "MiB of address space of a worker; 0: no limit."},
	{"WA_PID_FILE", NULL, TEXT, AT(pid_file), NULL, 0, 0, NULL, false,
	    "Where the master writes its pid."},
	{"WA_LOG_FILE", NULL, TEXT, AT(log_file), NULL, 0, 0, NULL, false,
	    "Where the log goes; otherwise standard error. USR1 opens it anew."},
	{"WA_LOG_REQUESTS", NULL, WORD, AT(log_requests), "all", 0, 0, "all|errors|none", false,
	    "Which requests are logged; errors: those answered with 400 and above."},
	{"WA_DB_CONNECT_TIMEOUT", NULL, NUMBER, AT(db_connect_timeout_s), "2", 1, 60, NULL, false,
	    "Seconds to wait for a connection to the database."},
	{"WA_DB_TIMEOUT", NULL, NUMBER, AT(db_timeout_s), "8", 1, 60, NULL, false,
	    "Seconds that the database is given for a browser's request."},
	{"WA_DB_NODE_TIMEOUT", NULL, NUMBER, AT(db_node_timeout_ms), "2500", 100, 3500, NULL, false,
	    "Milliseconds that the database is given for a request of the Node.js service."},
	{"WA_MAX_ACCOUNTS", NULL, NUMBER, AT(max_accounts), "10", 0, 1000000, NULL, false,
	    "Connected accounts that a workspace may have."},
	{"WA_LEGACY_ALIASES", NULL, FLAG, AT(legacy_aliases), "on", 0, 0, NULL, false,
	    "Answers also carry the old names: status, sessions."},
	{"WA_ALLOW_WEAK_SECRETS", NULL, FLAG, AT(allow_weak_secrets), "off", 0, 0, NULL, false,
	    "For tests only: secrets that can be guessed are accepted."},
};
// clang-format on

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

/* One value on its way into the struct. */
struct reading {
	const struct row *row;
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
    [NUMBER] = set_number,
    [OCTAL] = set_octal,
    [FLAG] = set_flag,
    [WORD] = set_word,
    [SECRET] = set_secret,
    [SECRETS] = set_secrets,
    [APP_KEY] = set_app_keys,
    [APP_KEYS] = set_app_keys,
};

static bool find_value(const struct env *env, const struct row *row, struct env_value *ret)
{
	return env_get(env, row->name, ret) ||
	       (row->alias != NULL && env_get(env, row->alias, ret));
}

static void read_row(const struct env *env, struct reading *r)
{
	if (!find_value(env, r->row, &r->value)) {
		r->value = (struct env_value){
		    span_of(r->row->name), span_of(r->row->standard), SPAN_OF("settings")};
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

	for (size_t i = 0; i < ROWS; i++)
		if (span_is(value->name, rows[i].name))
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

static void check_together(struct reading *r)
{
	const struct settings *s = r->settings;
	struct span peers = s->listen_allow, peer;

	r->value.where = SPAN_OF("settings");
	if (!span_starts(s->listen, "unix:") && !span_is(s->listen, "inherit") &&
	    memchr(s->listen.ptr, ':', s->listen.len) == NULL)
		WRONG(r, "WA_LISTEN is \"%.*s\"; it must be unix:PATH, HOST:PORT or inherit",
		    SPAN_ARG(s->listen));
	while (span_cut(&peers, ',', &peer))
		if (!is_address(span_trim(peer)))
			WRONG(r, "WA_LISTEN_ALLOW has \"%.*s\", which is no IPv4 or IPv6 address",
			    SPAN_ARG(span_trim(peer)));
	if (s->listen_group.len > 0 && getgrnam(s->listen_group.ptr) == NULL)
		WRONG(r, "WA_LISTEN_GROUP is \"%.*s\", and there is no such group on this host",
		    SPAN_ARG(s->listen_group));
}

enum rc settings_read(const struct env *env, struct arena *mem, struct settings *ret,
    struct conf_mistakes *mistakes, struct conf_mistakes *warnings)
{
	struct settings settings = {0};
	struct reading reading = {.mem = mem, .settings = &settings, .mistakes = mistakes};
	struct unknown unknown = {mem, warnings};
	const size_t last = ROWS - 1;

	/* WA_ALLOW_WEAK_SECRETS stands last and is read first: the checks ask for it. */
	reading.row = &rows[last];
	read_row(env, &reading);
	for (size_t i = 0; i < last; i++) {
		reading.row = &rows[i];
		read_row(env, &reading);
	}
	check_together(&reading);
	env_each(env, "WA_", warn_unknown, &unknown);
	if (mistakes->first != NULL)
		return RC_INVALID;
	*ret = settings;
	return RC_OK;
}

static bool is_secret(const struct row *row)
{
	return row->type == SECRET || row->type == SECRETS || row->type == APP_KEY ||
	       row->type == APP_KEYS || span_is(span_of(row->name), "DB_PASSWORD");
}

static struct span value_text(
    const struct settings *settings, const struct row *row, struct arena *mem)
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
	default:
		if (is_secret(row))
			return ((const struct span *)at)->len > 0 ? SPAN_OF("(set)")
								  : SPAN_OF("(empty)");
		return *(const struct span *)at;
	}
}

void settings_each(const struct settings *settings, const struct env *env, struct arena *mem,
    settings_each_fn *fn, void *ctx)
{
	for (size_t i = 0; i < ROWS; i++) {
		struct env_value value;
		struct span source = SPAN("standard");

		if (find_value(env, &rows[i], &value))
			source = value.where;
		fn(ctx, rows[i].name, value_text(settings, &rows[i], mem), source, rows[i].help);
	}
}
