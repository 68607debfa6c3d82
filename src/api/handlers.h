/*
 * handlers: one function for each row of the routing table, and one for what
 * a row asks the database beforehand.
 */
#ifndef WA_API_HANDLERS_H
#define WA_API_HANDLERS_H

#include <stdbool.h>

struct call;
struct db_ask;

bool browser_ask_list(struct call *call, struct db_ask *ret);
bool browser_ask_account(struct call *call, struct db_ask *ret);
bool browser_ask_whole(struct call *call, struct db_ask *ret);
void browser_index(struct call *call);
void browser_store(struct call *call);
void browser_show(struct call *call);
void browser_destroy(struct call *call);
void browser_set_primary(struct call *call);
void browser_disconnect(struct call *call);
void browser_reconnect(struct call *call);
void browser_regenerate_qr(struct call *call);
void browser_statistics(struct call *call);

void broadcasting_auth(struct call *call);

void node_status(struct call *call);
void node_active(struct call *call);
void node_mark_disconnected(struct call *call);
void node_broadcast(struct call *call);
void node_webhook(struct call *call);

void ops_healthz(struct call *call);
void ops_readyz(struct call *call);
void ops_metrics(struct call *call);

#endif
