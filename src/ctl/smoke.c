/*
 * smoke: after a deploy, what clients ask for is asked for as they do: over
 * HTTP, through nginx.  Nothing is changed: what is sent is refused, or reads.
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/bounds.h"
#include "base/now.h"
#include "commands.h"
#include "crypto/hmac.h"
#include "net/fetch.h"
#include "text/hex.h"
#include "text/json.h"

enum { TIMEOUT_MS = 10000, TURN_MS = 1000, REPLY_MAX = 4 * MIB, CAME_MAX = 160, HEADERS = 3 };

/* Nobody's: what is asked about it is not found. */
#define NOBODYS "/00000000-0000-4000-8000-000000000000"

/* What a request shows of who sends it. */
enum proof { NO_PROOF, SIGNED, SIGNED_WRONGLY, TOKEN };

static bool has_member(struct span body, const char *name, bool of_array)
{
	json_t *json;
	const char *error;
	bool has;

	if (json_read(body, &json, &error) != RC_OK)
		return false;
	has = of_array ? json_is_array(json_object_get(json, name))
		       : json_is_string(json_object_get(json, name));
	json_decref(json);
	return has;
}

static bool has_accounts(struct span body)
{
	return has_member(body, "accounts", true);
}

static bool has_code(struct span body)
{
	return has_member(body, "code", false);
}

static const struct check {
	const char *what;
	const char *method;
	const char *path;
	const char *body; /* NULL: none */
	enum proof proof;
	int status;
	bool (*holds)(struct span body);
	const char *expected; /* in words */
	bool is_local;        /* nginx answers 403 to other hosts */
	bool is_old;          /* deprecated, or 410 */
} checks[] = {
    {"the pool is ready", "GET", "/readyz", NULL, NO_PROOF, 200, json_is_valid, "200 and JSON",
	true, false},
    {"a signed request", "GET", "/api/whatsapp/accounts/active?limit=1", NULL, SIGNED, 200,
	has_accounts, "200 and accounts", false, false},
    {"without a signature", "GET", "/api/whatsapp/accounts/active?limit=1", NULL, NO_PROOF, 401,
	has_code, "401 and a code", false, false},
    {"with a wrong signature", "GET", "/api/whatsapp/accounts/active?limit=1", NULL, SIGNED_WRONGLY,
	401, has_code, "401 and a code", false, false},
    {"a signed report of no known event", "POST", "/api/whatsapp/accounts/broadcast",
	"{\"event\":\"smoke-test\",\"data\":{}}", SIGNED, 400, has_code, "400 and a code", false,
	false},
    {"an unknown account, signed", "GET", "/api/whatsapp/accounts" NOBODYS "/status?workspace_id=1",
	NULL, SIGNED, 404, has_code, "404 and a code", false, false},
    {"the list, not logged in", "GET", "/settings/whatsapp-accounts", NULL, NO_PROOF, 401, has_code,
	"401 and a code", false, false},
    {"a new account, not logged in", "POST", "/settings/whatsapp-accounts", "{}", NO_PROOF, 401,
	has_code, "401 and a code", false, false},
    {"an old path of the page", "GET", "/settings/whatsapp-sessions" NOBODYS, NULL, NO_PROOF, 401,
	has_code, "401 and Deprecation, or 410", false, true},
    {"an old path of the Node.js service", "GET", "/api/whatsapp/sessions/active?limit=1", NULL,
	NO_PROOF, 401, has_code, "401 and Deprecation, or 410", false, true},
    {"the list, with the token", "GET", "/settings/whatsapp-accounts", NULL, TOKEN, 200,
	has_accounts, "200 and accounts", false, false},
};

enum { CHECKS = sizeof(checks) / sizeof(checks[0]) };

enum outcome { UNDER_WAY, HOLDS, SKIPPED, FAILED };

/* One check while it is under way, and what became of it. */
struct attempt {
	const struct check *check;
	enum outcome outcome;
	const char *headers[HEADERS + 1];
	struct span url;
	struct buf came;
};

struct smoke {
	const struct startup *startup;
	struct span url;
	struct span token; /* absent without one */
	struct hmac_key *right, *wrong;
	struct attempt attempts[CHECKS];
};

static int usage(void)
{
	fputs(
	    "usage: wa-accountsctl [--env FILE] smoke [--url=URL] [--token-from=-]\n\n"
	    "  --url=URL       where clients find the application; otherwise APP_URL\n"
	    "  --token-from=-  read a bearer token from standard input, and list its accounts\n",
	    stderr);
	return EX_USAGE;
}

/* One line of visible ASCII: it stands in a header. */
static bool read_token(struct arena *mem, struct span *ret)
{
	char text[BOUND_TOKEN + 2];
	struct span token = span_trim(span_from(text, fread(text, 1, sizeof(text), stdin)));
	bool valid = token.len > 0 && token.len <= BOUND_TOKEN;

	for (size_t i = 0; i < token.len; i++)
		valid = valid && token.ptr[i] > ' ' && token.ptr[i] <= '~';
	*ret = arena_copy(mem, token);
	return valid;
}

/* EX_OK, or the exit status. */
static int read_options(struct smoke *smoke, int argc, char **argv)
{
	static const struct option options[] = {
	    {"url", required_argument, NULL, 'u'},
	    {"token-from", required_argument, NULL, 't'},
	    {0},
	};
	const char *url = NULL, *token_from = NULL;
	int option;

	/* The words before have been read by another getopt: begin anew, at our own name. */
	optind = 0;
	while ((option = getopt_long(argc + 1, argv - 1, "", options, NULL)) != -1) {
		if (option == 'u')
			url = optarg;
		else if (option == 't')
			token_from = optarg;
		else
			return usage();
	}
	if (optind != argc + 1 || (token_from != NULL && strcmp(token_from, "-") != 0))
		return usage();
	if (!read_base_url(url, smoke->startup, &smoke->url))
		return EX_USAGE;
	if (token_from != NULL && !read_token(smoke->startup->mem, &smoke->token)) {
		fputs("wa-accountsctl: standard input holds no bearer token\n", stderr);
		return EX_DATAERR;
	}
	return EX_OK;
}

static const char *header(struct arena *mem, const char *name, struct span value)
{
	struct buf line = buf_in(mem, BOUND_TOKEN + 64);

	buf_puts(&line, name);
	buf_put(&line, value);
	buf_putc(&line, '\0');
	return line.ptr;
}

static enum rc sign(struct arena *mem, struct hmac_key *key, struct attempt *a)
{
	struct buf seconds = buf_in(mem, 32);
	unsigned char code[HMAC_SIZE];
	char hex[2 * HMAC_SIZE];
	enum rc rc;

	buf_put_i64(&seconds, now_us() / US_PER_S);
	rc = hmac_sign(key, buf_span(&seconds), span_of(a->check->body), code);
	hex_encode(code, sizeof(code), hex);
	a->headers[0] = header(mem, "X-Timestamp: ", buf_span(&seconds));
	a->headers[1] = header(mem, "X-HMAC-Signature: ", span_from(hex, sizeof(hex)));
	return rc;
}

static enum rc prove(struct smoke *smoke, struct attempt *a)
{
	struct arena *mem = smoke->startup->mem;

	switch (a->check->proof) {
	case SIGNED:
		return sign(mem, smoke->right, a);
	case SIGNED_WRONGLY:
		return sign(mem, smoke->wrong, a);
	case TOKEN:
		a->headers[0] = header(mem, "Authorization: Bearer ", smoke->token);
		return RC_OK;
	case NO_PROOF:
		break;
	}
	return RC_OK;
}

static enum outcome judge(const struct check *check, const struct fetch_reply *reply)
{
	if (reply->end != FETCH_ANSWERED)
		return FAILED;
	if (check->is_local && reply->status == 403)
		return SKIPPED;
	if (check->is_old && reply->status == 410)
		return HOLDS;
	if (check->is_old && reply->header.ptr == NULL)
		return FAILED;
	return reply->status == check->status && check->holds(reply->body) ? HOLDS : FAILED;
}

static void keep(void *ctx, const struct fetch_reply *reply)
{
	struct attempt *a = ctx;

	a->outcome = judge(a->check, reply);
	if (a->outcome == HOLDS)
		buf_putf(&a->came, "HTTP %d", reply->status);
	else
		fetch_put_reason(&a->came, reply, CAME_MAX);
	if (a->outcome == HOLDS && reply->header.ptr != NULL)
		buf_putf(&a->came, ", Deprecation: %.*s", SPAN_ARG(reply->header));
}

static void begin(struct smoke *smoke, struct fetcher *fetcher, struct attempt *a)
{
	struct arena *mem = smoke->startup->mem;
	struct buf url = buf_in(mem, smoke->url.len + 256);

	buf_put(&url, smoke->url);
	buf_puts(&url, a->check->path);
	a->came = buf_in(mem, 4 * CAME_MAX);
	a->url = arena_copy(mem, buf_span(&url));
	if (a->check->proof == TOKEN && smoke->token.ptr == NULL) {
		a->outcome = SKIPPED;
		buf_puts(&a->came, "no token was given; --token-from=- reads one");
		return;
	}
	if (prove(smoke, a) == RC_OK &&
	    fetch_begin(fetcher,
		&(struct fetch_request){
		    .method = a->check->method,
		    .url = a->url,
		    .body = span_of(a->check->body),
		    .headers = a->headers,
		    .wants_header = a->check->is_old ? "Deprecation" : NULL,
		    .once = true,
		    .timeout_ms = TIMEOUT_MS,
		    .reply_max = REPLY_MAX,
		},
		keep, a) == RC_OK)
		return;
	a->outcome = FAILED;
	buf_puts(&a->came, "it could not be sent: no memory");
}

/* Why it may be refused although everything serves. */
static const char *hint(const struct attempt *a)
{
	if (a->outcome == SKIPPED && a->check->is_local)
		return " (nginx tells this host only; ask there)";
	if (a->outcome == FAILED && span_starts(buf_span(&a->came), "HTTP 403") &&
	    span_starts(span_of(a->check->path), "/api/"))
		return " (is this host in wa-accounts-node-allow.conf?)";
	return "";
}

static void print_attempt(const struct attempt *a)
{
	static const char *const words[] = {"FAIL", "ok", "skip", "FAIL"};

	printf("%-4s  %s: %s %s: ", words[a->outcome], a->check->what, a->check->method,
	    a->check->path);
	if (a->outcome == FAILED)
		printf("expected %s; came ", a->check->expected);
	print_text(buf_span(&a->came), 0);
	printf("%s\n", hint(a));
}

/* All at once: a server that is silent costs one timeout, not one for each. */
static int ask_all(struct smoke *smoke, struct fetcher *fetcher)
{
	size_t failed = 0, skipped = 0;

	for (size_t i = 0; i < CHECKS; i++) {
		smoke->attempts[i].check = &checks[i];
		begin(smoke, fetcher, &smoke->attempts[i]);
	}
	while (fetcher_under_way(fetcher) > 0) {
		fetcher_turn(fetcher);
		if (fetcher_under_way(fetcher) > 0)
			fetcher_wait(fetcher, -1, TURN_MS);
	}
	printf("asking ");
	print_text(smoke->url, 0);
	putchar('\n');
	for (size_t i = 0; i < CHECKS; i++) {
		print_attempt(&smoke->attempts[i]);
		failed += smoke->attempts[i].outcome == FAILED;
		skipped += smoke->attempts[i].outcome == SKIPPED;
	}
	printf("%zu ok, %zu skipped, %zu failed\n", CHECKS - failed - skipped, skipped, failed);
	return failed == 0 ? EX_OK : EXIT_REFUSED;
}

int command_smoke(const struct startup *startup, int argc, char **argv)
{
	const struct settings *s = &startup->settings;
	struct smoke smoke = {.startup = startup};
	struct fetcher *fetcher;
	int status = read_options(&smoke, argc, argv);

	if (status != EX_OK)
		return status;
	fetcher = fetcher_create(s->ca_file.len > 0 ? s->ca_file.ptr : NULL);
	smoke.right = hmac_key_create(s->hmac_secret);
	smoke.wrong = hmac_key_create(SPAN_OF("not the secret"));
	if (fetcher != NULL && smoke.right != NULL && smoke.wrong != NULL) {
		status = ask_all(&smoke, fetcher);
	} else {
		fputs("wa-accountsctl: out of memory\n", stderr);
		status = EX_OSERR;
	}
	hmac_key_free(smoke.right);
	hmac_key_free(smoke.wrong);
	fetcher_free(fetcher);
	return status;
}
