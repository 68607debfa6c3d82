/*
 * handlers: one function for each row of the routing table.
 */
#ifndef WA_API_HANDLERS_H
#define WA_API_HANDLERS_H

struct call;

void node_status(struct call *call);
void node_active(struct call *call);
void node_mark_disconnected(struct call *call);
void node_broadcast(struct call *call);

void ops_healthz(struct call *call);
void ops_readyz(struct call *call);
void ops_metrics(struct call *call);

#endif
