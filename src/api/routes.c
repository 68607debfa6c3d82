#include "api/api.h"
#include "base/bounds.h"
#include "handlers.h"

// clang-format off
static const struct route rows[] = {
	/* method     path                                               ways           audience  body_max   name                      run */
	{HTTP_GET,  "/api/whatsapp/accounts/active",                     WAY_SIGNATURE, FOR_NODE, 16 * KIB,  "node.active",            node_active},
	{HTTP_GET,  "/api/whatsapp/accounts/:account/status",            WAY_SIGNATURE, FOR_NODE, 16 * KIB,  "node.status",            node_status},
	{HTTP_POST, "/api/whatsapp/accounts/:account/mark-disconnected", WAY_SIGNATURE, FOR_NODE, 16 * KIB,  "node.mark_disconnected", node_mark_disconnected},
	{HTTP_POST, "/api/whatsapp/accounts/broadcast",                  WAY_SIGNATURE, FOR_NODE, 256 * KIB, "node.broadcast",         node_broadcast},
	{HTTP_GET,  "/healthz",                                          WAY_LOCAL,     FOR_OPS,  0,         "ops.healthz",            ops_healthz},
	{HTTP_GET,  "/readyz",                                           WAY_LOCAL,     FOR_OPS,  0,         "ops.readyz",             ops_readyz},
	{HTTP_GET,  "/metrics",                                          WAY_LOCAL,     FOR_OPS,  0,         "ops.metrics",            ops_metrics},
};
// clang-format on

const struct routes api_routes = {rows, sizeof(rows) / sizeof(rows[0])};

size_t api_route_index(const struct call *call)
{
	return call->route != NULL ? (size_t)(call->route - rows) : BOARD_NO_ROUTE;
}
