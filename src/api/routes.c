#include "api/api.h"
#include "base/bounds.h"
#include "handlers.h"

#define PERSON (WAY_LOGIN | WAY_TOKEN)
#define SERVICE (WAY_SIGNATURE | WAY_API_KEY)
#define EITHER (WAY_SIGNATURE | WAY_LOGIN)
#define ACCOUNTS "/settings/whatsapp-accounts"

// clang-format off
static const struct route rows[] = {
	/* method        path                                                ways           audience     body_max   name                      run                     ask                  flags */
	{HTTP_GET,    ACCOUNTS,                                              PERSON,        FOR_BROWSER, BOUND_BODY, "browser.index",         browser_index,          browser_ask_list, 0},
	{HTTP_POST,   ACCOUNTS,                                              PERSON,        FOR_BROWSER, BOUND_BODY, "browser.store",         browser_store,          NULL, 0},
	{HTTP_GET,    ACCOUNTS "/:account",                                  PERSON,        FOR_BROWSER, BOUND_BODY, "browser.show",          browser_show,           browser_ask_whole, ROUTE_POLLED},
	{HTTP_DELETE, ACCOUNTS "/:account",                                  PERSON,        FOR_BROWSER, BOUND_BODY, "browser.destroy",       browser_destroy,        browser_ask_account, 0},
	{HTTP_POST,   ACCOUNTS "/:account/set-primary",                      PERSON,        FOR_BROWSER, BOUND_BODY, "browser.set_primary",   browser_set_primary,    browser_ask_account, 0},
	{HTTP_POST,   ACCOUNTS "/:account/disconnect",                       PERSON,        FOR_BROWSER, BOUND_BODY, "browser.disconnect",    browser_disconnect,     browser_ask_account, 0},
	{HTTP_POST,   ACCOUNTS "/:account/reconnect",                        PERSON,        FOR_BROWSER, BOUND_BODY, "browser.reconnect",     browser_reconnect,      browser_ask_account, 0},
	{HTTP_POST,   ACCOUNTS "/:account/regenerate-qr",                    PERSON,        FOR_BROWSER, BOUND_BODY, "browser.regenerate_qr", browser_regenerate_qr,  browser_ask_account, 0},
	{HTTP_GET,    ACCOUNTS "/:account/statistics",                       PERSON,        FOR_BROWSER, BOUND_BODY, "browser.statistics",    browser_statistics,     browser_ask_account, ROUTE_POLLED},
	{HTTP_GET,    "/api/whatsapp/accounts/active",                       SERVICE,       FOR_NODE,    16 * KIB,   "node.active",           node_active,            NULL, 0},
	{HTTP_GET,    "/api/whatsapp/accounts/:account/status",              EITHER,        FOR_NODE,    16 * KIB,   "node.status",           node_status,            NULL, ROUTE_POLLED},
	{HTTP_POST,   "/api/whatsapp/accounts/:account/mark-disconnected",   SERVICE,       FOR_NODE,    16 * KIB,   "node.mark_disconnected", node_mark_disconnected, NULL, 0},
	{HTTP_POST,   "/api/whatsapp/accounts/broadcast",                    WAY_SIGNATURE, FOR_NODE,    256 * KIB,  "node.broadcast",        node_broadcast,         NULL, 0},
	{HTTP_POST,   "/api/whatsapp/webhooks/webjs",                        WAY_SIGNATURE, FOR_NODE,    BOUND_WEBHOOK, "node.webhook",       node_webhook,           NULL, 0},
	{HTTP_POST,   "/broadcasting/auth",                                  WAY_LOGIN,     FOR_BROWSER, 16 * KIB,   "browser.broadcasting_auth", broadcasting_auth,  NULL,                ROUTE_POLLED | ROUTE_READS},
	{HTTP_GET,    "/healthz",                                            WAY_LOCAL,     FOR_OPS,     0,          "ops.healthz",           ops_healthz,            NULL, 0},
	{HTTP_GET,    "/readyz",                                             WAY_LOCAL,     FOR_OPS,     0,          "ops.readyz",            ops_readyz,             NULL, 0},
	{HTTP_GET,    "/metrics",                                            WAY_LOCAL,     FOR_OPS,     0,          "ops.metrics",           ops_metrics,            NULL, 0},
};
// clang-format on

const struct routes api_routes = {rows, sizeof(rows) / sizeof(rows[0])};

size_t api_route_index(const struct call *call)
{
	return call->route != NULL ? (size_t)(call->route - rows) : BOARD_NO_ROUTE;
}
