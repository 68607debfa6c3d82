/*
 * peers: those to whom the relay speaks, as the settings have them.  All
 * texts are borrowed from the settings.
 */
#ifndef WA_APP_PEERS_H
#define WA_APP_PEERS_H

#include "broadcast/broadcast.h"
#include "conf/settings.h"
#include "provider/provider.h"

/* The application at the Pusher server; NULL: events go to no server (drivers log and null). */
const struct settings_broadcaster *peers_broadcaster(const struct settings *settings);
/* The same as what the relay speaks to; false: there is none. */
bool peers_broadcast(const struct settings *settings, struct broadcast_options *ret);
struct provider_options peers_provider(const struct settings *settings);

#endif
