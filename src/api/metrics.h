/*
 * metrics: the board as Prometheus reads it (text format 0.0.4).
 */
#ifndef WA_API_METRICS_H
#define WA_API_METRICS_H

#include "base/board.h"
#include "base/buf.h"
#include "http/router.h"
#include "outbox/outbox.h"

/* Workers by state, and every counter of base/metric.h. */
void metrics_put_pool(struct buf *b, const struct board *board, size_t workers);
/* The relay, how long deliveries took, and its peers: so many instances. */
void metrics_put_relay(struct buf *b, const struct board *board, size_t workers, size_t instances);
/* Requests by route and status, and how long they took. */
void metrics_put_routes(struct buf *b, const struct board *board, const struct routes *routes);
/* Who still asks for old paths, by caller and route. */
void metrics_put_callers(
    struct buf *b, const struct callers_sum *callers, const struct routes *routes);
void metrics_put_outbox(struct buf *b, const struct outbox_depth *depth);

#endif
