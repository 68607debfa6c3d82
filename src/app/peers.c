#include "app/peers.h"

const struct settings_broadcaster *peers_broadcaster(const struct settings *s)
{
	if (s->broadcast_connection == CONF_BROADCAST_REVERB)
		return &s->reverb;
	return s->broadcast_connection == CONF_BROADCAST_PUSHER ? &s->pusher : NULL;
}

bool peers_broadcast(const struct settings *s, struct broadcast_options *ret)
{
	const struct settings_broadcaster *b = peers_broadcaster(s);

	if (b == NULL)
		return false;
	*ret = (struct broadcast_options){
	    .app_id = b->app_id,
	    .key = b->key,
	    .secret = b->secret,
	    .scheme = b->scheme == CONF_HTTP ? SPAN_OF("http") : SPAN_OF("https"),
	    .host = b->host,
	    .port = b->port,
	    .max_bytes = s->broadcast_max_bytes,
	};
	return true;
}

struct provider_options peers_provider(const struct settings *s)
{
	return (struct provider_options){
	    .instances = s->instances,
	    .instance_count = s->instance_count,
	    .api_key = s->node_api_key,
	    .timeout_s = s->node_timeout_s,
	};
}
