#include "metrics.h"

#include "legacy.h"

#include <stdio.h>

static void put_head(struct buf *b, const char *name, const char *type, const char *help)
{
	buf_putf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void put_counters(struct buf *b, const struct board *board)
{
	for (size_t i = 0; i < METRIC_COUNT; i++) {
		const struct metric_info *info = &metric_infos[i];
		struct span name = span_of(info->series), rest = name;

		if (info->help[0] != '\0') {
			if (!span_cut(&rest, '{', &name))
				name = span_of(info->series);
			buf_putf(b, "# HELP %.*s %s\n# TYPE %.*s counter\n", SPAN_ARG(name),
			    info->help, SPAN_ARG(name));
		}
		buf_puts(b, info->series);
		buf_putc(b, ' ');
		buf_put_u64(b, board_sum(board, (enum metric)i));
		buf_putc(b, '\n');
	}
}

void metrics_put_pool(struct buf *b, const struct board *board, size_t workers)
{
	uint64_t by_state[BOARD_STATES] = {0};

	/* The first slot is the master's, which serves nobody; behind the workers is the relay's.
	 */
	for (size_t i = 1; i <= workers; i++)
		by_state[slot_state(board_slot_const(board, i))]++;
	put_head(b, "wa_workers", "gauge", "Places of the pool, by what their worker is doing.");
	buf_putf(b, "wa_workers{state=\"idle\"} %llu\n", (unsigned long long)by_state[BOARD_IDLE]);
	buf_putf(b, "wa_workers{state=\"busy\"} %llu\n", (unsigned long long)by_state[BOARD_BUSY]);
	buf_putf(
	    b, "wa_workers{state=\"absent\"} %llu\n", (unsigned long long)by_state[BOARD_EMPTY]);
	put_counters(b, board);
}

static void put_statuses(struct buf *b, const char *route, const struct board_route *sum)
{
	for (size_t i = 0; i < BOARD_STATUSES; i++) {
		if (sum->by_status[i] == 0)
			continue;
		buf_putf(b, "wa_requests_total{route=\"%s\",status=\"", route);
		if (board_status_at(i) != 0)
			buf_put_i64(b, board_status_at(i));
		else
			buf_puts(b, "other");
		buf_putf(b, "\"} %llu\n", (unsigned long long)sum->by_status[i]);
	}
}

/* `label` is name="value". */
static void put_histogram(
    struct buf *b, const char *name, const char *label, const struct board_route *sum)
{
	uint64_t total = 0;

	for (size_t i = 0; i < BOARD_BUCKETS; i++) {
		total += sum->by_bucket[i];
		buf_putf(b, "%s_bucket{%s,le=\"", name, label);
		if (board_bucket_us(i) != 0)
			buf_putf(b, "%g", (double)board_bucket_us(i) / 1e6);
		else
			buf_puts(b, "+Inf");
		buf_putf(b, "\"} %llu\n", (unsigned long long)total);
	}
	buf_putf(b, "%s_sum{%s} %.6f\n", name, label, (double)sum->total_us / 1e6);
	buf_putf(b, "%s_count{%s} %llu\n", name, label, (unsigned long long)total);
}

static const char *route_name(const struct routes *routes, size_t i)
{
	return i < routes->count ? routes->rows[i].name : "none";
}

static size_t route_place(const struct routes *routes, size_t i)
{
	return i < routes->count ? i : BOARD_NO_ROUTE;
}

void metrics_put_routes(struct buf *b, const struct board *board, const struct routes *routes)
{
	struct board_route sum;

	put_head(b, "wa_requests_total", "counter", "Requests answered, by route and status.");
	for (size_t i = 0; i <= routes->count; i++) {
		board_sum_route(board, route_place(routes, i), &sum);
		put_statuses(b, route_name(routes, i), &sum);
	}
	put_head(b, "wa_request_duration_seconds", "histogram",
	    "Time from taking a request to having answered it.");
	for (size_t i = 0; i <= routes->count; i++) {
		char label[96];

		board_sum_route(board, route_place(routes, i), &sum);
		snprintf(label, sizeof(label), "route=\"%s\"", route_name(routes, i));
		put_histogram(b, "wa_request_duration_seconds", label, &sum);
	}
}

/* Escaped as the format asks, and plain ASCII: one byte that is no UTF-8 spoils the whole scrape.
 */
static void put_label(struct buf *b, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '\n')
			buf_puts(b, "\\n");
		else if (*text < ' ' || *text > '~')
			buf_putc(b, '?');
		else if (*text == '"' || *text == '\\')
			buf_putf(b, "\\%c", *text);
		else
			buf_putc(b, *text);
	}
}

static void put_uses(struct buf *b, const struct callers_sum *callers)
{
	put_head(b, "wa_legacy_uses_total", "counter",
	    "Requests in another old way than by their path, by who made them and what was old.");
	for (size_t i = 0; i < callers->count; i++)
		for (enum legacy_use use = 0; use < LEGACY_USES; use++) {
			uint64_t n = callers->rows[i].counts[CALLERS_USES + use];

			if (n == 0)
				continue;
			buf_puts(b, "wa_legacy_uses_total{caller=\"");
			put_label(b, i == 0 ? "other" : callers->rows[i].name);
			buf_putf(b, "\",use=\"%s\"} %llu\n", legacy_use_name(use),
			    (unsigned long long)n);
		}
}

void metrics_put_callers(
    struct buf *b, const struct callers_sum *callers, const struct routes *routes)
{
	put_head(b, "wa_legacy_requests_total", "counter",
	    "Requests for old paths, by who asked and for which route.");
	for (size_t i = 0; i < callers->count; i++) {
		const struct callers_sum_row *row = &callers->rows[i];

		for (size_t k = 0; k <= routes->count; k++) {
			uint64_t n = row->counts[route_place(routes, k)];

			if (n == 0)
				continue;
			buf_puts(b, "wa_legacy_requests_total{caller=\"");
			put_label(b, i == 0 ? "other" : row->name);
			buf_putf(b, "\",route=\"%s\"} %llu\n", route_name(routes, k),
			    (unsigned long long)n);
		}
	}
	put_uses(b, callers);
}

static void put_peer(struct buf *b, const char *metric, size_t peer, unsigned long long value)
{
	buf_putf(b, "%s{peer=\"", metric);
	if (peer == 0)
		buf_puts(b, "broadcast");
	else
		buf_putf(b, "instance-%zu", peer);
	buf_putf(b, "\"} %llu\n", value);
}

void metrics_put_relay(struct buf *b, const struct board *board, size_t workers, size_t instances)
{
	bool is_up = slot_state(board_slot_const(board, workers + 1)) != BOARD_EMPTY;
	struct board_route sum;

	put_head(b, "wa_relay_up", "gauge", "Whether this host's relay runs.");
	buf_putf(b, "wa_relay_up %d\n", is_up ? 1 : 0);
	put_head(b, "wa_outbox_delivery_seconds", "histogram",
	    "Time from the row in the outbox to its delivery by this host's relay.");
	board_sum_route(board, BOARD_EVENTS, &sum);
	put_histogram(b, "wa_outbox_delivery_seconds", "kind=\"event\"", &sum);
	board_sum_route(board, BOARD_COMMANDS, &sum);
	put_histogram(b, "wa_outbox_delivery_seconds", "kind=\"command\"", &sum);
	put_head(b, "wa_relay_breaker", "gauge",
	    "A peer's circuit breaker: 0 closed, 1 one request tries, 2 open.");
	for (size_t i = 0; i <= instances; i++)
		put_peer(
		    b, "wa_relay_breaker", i, (unsigned long long)board_peer(board, i).breaker);
	put_head(b, "wa_relay_under_way", "gauge", "Requests of the relay that are under way.");
	for (size_t i = 0; i <= instances; i++)
		put_peer(b, "wa_relay_under_way", i, board_peer(board, i).under_way);
}

void metrics_put_outbox(struct buf *b, const struct outbox_depth *depth)
{
	put_head(b, "wa_outbox_depth", "gauge", "Rows of the outbox that are not settled.");
	buf_putf(b, "wa_outbox_depth{kind=\"event\"} %llu\n", (unsigned long long)depth->events);
	buf_putf(
	    b, "wa_outbox_depth{kind=\"command\"} %llu\n", (unsigned long long)depth->commands);
	put_head(
	    b, "wa_outbox_oldest_seconds", "gauge", "Age of the oldest row that is not settled.");
	buf_putf(b, "wa_outbox_oldest_seconds %llu\n", (unsigned long long)depth->oldest_s);
}
