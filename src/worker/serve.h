/*
 * serve: one connection from begin to end: read, answer, count, log.
 */
#ifndef WA_WORKER_SERVE_H
#define WA_WORKER_SERVE_H

#include "api/api.h"
#include "base/arena.h"
#include "broadcast/broadcast.h"
#include "conf/settings.h"
#include "http/fcgi.h"
#include "provider/provider.h"

struct server {
	struct broadcast_options broadcaster; /* what api.broadcast borrows */
	struct provider_options provider;     /* likewise api.provider */
	struct api api;
	struct fcgi *fcgi;
	struct arena *mem; /* of the request in hand */
	struct slot *slot;
	enum conf_log_requests log_requests;
};

/* Closes `fd`. */
void serve(struct server *server, int fd);

#endif
