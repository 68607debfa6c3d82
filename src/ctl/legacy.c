/*
 * legacy: who still uses what is to go, from the metrics of the pool that serves
 * here.  Counted since that pool was started.
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/bounds.h"
#include "commands.h"
#include "net/fetch.h"

enum { TIMEOUT_MS = 10000, TURN_MS = 1000, REPLY_MAX = 4 * MIB, REASON_MAX = 160 };

static int usage(void)
{
	fputs(
	    "usage: wa-accountsctl [--env FILE] legacy [--url=URL]\n\n"
	    "  --url=URL  where the pool is asked for its metrics; otherwise APP_URL\n",
	    stderr);
	return EX_USAGE;
}

/* A series of the kind that is looked for, and the label that says what was used. */
static const struct {
	const char *prefix;
	const char *label;
	const char *what;
} kinds[] = {
    {"wa_legacy_requests_total{", "route", "old path of "},
    {"wa_legacy_uses_total{", "use", ""},
};

/* The value of NAME="..." as it stands there, escapes and all; absent without it. */
static struct span label_of(struct span line, const char *name)
{
	struct span rest = line;

	for (; rest.len > 0; rest = span_from(rest.ptr + 1, rest.len - 1)) {
		struct span value = rest;

		if (!span_starts(rest, name) || rest.len < strlen(name) + 2 ||
		    memcmp(rest.ptr + strlen(name), "=\"", 2) != 0)
			continue;
		value = span_from(rest.ptr + strlen(name) + 2, rest.len - strlen(name) - 2);
		for (size_t i = 0; i < value.len; i++)
			if (value.ptr[i] == '"' && (i == 0 || value.ptr[i - 1] != '\\'))
				return span_from(value.ptr, i);
		break;
	}
	return (struct span){0};
}

/* False: the line is of no such series. */
static bool print_series(struct span line)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const char *blank = line.len > 0 ? memrchr(line.ptr, ' ', line.len) : NULL;
		struct span use;
		struct buf text;
		char storage[128];

		if (!span_starts(line, kinds[i].prefix) || blank == NULL)
			continue;
		text = buf_over(storage, sizeof(storage));
		use = label_of(line, kinds[i].label);
		buf_puts(&text, kinds[i].what);
		buf_put(&text, use.len <= 64 ? use : span_from(use.ptr, 64));
		print_text(label_of(line, "caller"), 24);
		printf("  ");
		print_text(buf_span(&text), 36);
		printf("  ");
		print_text(span_from(blank + 1, line.len - (size_t)(blank + 1 - line.ptr)), 0);
		putchar('\n');
		return true;
	}
	return false;
}

static void print_table(struct span metrics)
{
	struct span line;
	size_t count = 0;

	printf("%-24s  %-36s  %s\n", "CALLER", "WHAT IS OLD", "TIMES");
	while (span_cut(&metrics, '\n', &line))
		count += print_series(line);
	if (count == 0)
		puts("nobody has used anything old since this pool was started");
}

struct asking {
	struct span url;
	int status;
};

static void keep(void *ctx, const struct fetch_reply *reply)
{
	struct asking *asking = ctx;
	char storage[4 * REASON_MAX];
	struct buf reason = buf_over(storage, sizeof(storage));

	if (reply->end == FETCH_ANSWERED && reply->status == 200 &&
	    span_starts(reply->body, "# HELP wa_")) {
		print_table(reply->body);
		asking->status = EX_OK;
		return;
	}
	fetch_put_reason(&reason, reply, REASON_MAX);
	fprintf(stderr, "wa-accountsctl: %.*s tells no metrics: %.*s%s\n", SPAN_ARG(asking->url),
	    SPAN_ARG(buf_span(&reason)),
	    reply->status == 403 ? "; nginx tells this host only, ask there" : "");
}

static int ask(const struct startup *startup, struct span base)
{
	struct buf url = buf_in(startup->mem, base.len + 16);
	struct fetcher *fetcher = fetcher_create(startup->settings.ca_file.ptr);
	struct asking asking = {.status = EXIT_REFUSED};

	buf_put(&url, base);
	buf_puts(&url, "/metrics");
	asking.url = arena_copy(startup->mem, buf_span(&url));
	if (fetcher == NULL || fetch_begin(fetcher,
				   &(struct fetch_request){.method = "GET",
				       .url = asking.url,
				       .timeout_ms = TIMEOUT_MS,
				       .reply_max = REPLY_MAX},
				   keep, &asking) != RC_OK) {
		fetcher_free(fetcher);
		return EX_UNAVAILABLE;
	}
	while (fetcher_under_way(fetcher) > 0) {
		fetcher_turn(fetcher);
		if (fetcher_under_way(fetcher) > 0)
			fetcher_wait(fetcher, -1, TURN_MS);
	}
	fetcher_free(fetcher);
	return asking.status;
}

int command_legacy(const struct startup *startup, int argc, char **argv)
{
	static const struct option options[] = {{"url", required_argument, NULL, 'u'}, {0}};
	const char *given = NULL;
	struct span url;
	int option;

	/* The words before have been read by another getopt: begin anew, at our own name. */
	optind = 0;
	while ((option = getopt_long(argc + 1, argv - 1, "", options, NULL)) != -1) {
		if (option != 'u')
			return usage();
		given = optarg;
	}
	if (optind != argc + 1)
		return usage();
	return read_base_url(given, startup, &url) ? ask(startup, url) : EX_USAGE;
}
