#include <stdio.h>
#include <sysexits.h>

#include "api/api.h"
#include "commands.h"

int command_routes(const struct startup *startup, int argc, char **argv)
{
	(void)startup;
	(void)argc;
	(void)argv;
	for (size_t i = 0; i < api_routes.count; i++) {
		const struct route *route = &api_routes.rows[i];
		char storage[64];
		struct buf ways = buf_over(storage, sizeof(storage));

		router_put_ways(&ways, route->ways);
		printf("%-6s %-50s %-10.*s %s\n", http_method_name(route->method), route->path,
		    SPAN_ARG(buf_span(&ways)), route->name);
	}
	return EX_OK;
}
