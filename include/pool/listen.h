/*
 * listen: the socket on which nginx finds the pool.
 *
 * A unix socket is made under another name, given its mode and group, and
 * renamed over the path: nobody can connect before it is right, and one that
 * an earlier pool left behind is no obstacle.  A lock file keeps two masters
 * off one path.
 */
#ifndef WA_POOL_LISTEN_H
#define WA_POOL_LISTEN_H

#include <stdbool.h>

#include "base/rc.h"
#include "conf/settings.h"

struct listening {
	int fd;
	int lock_fd;       /* -1 without a lock */
	char path[108];    /* of the unix socket that we made; "" otherwise */
	bool checks_peers; /* WA_LISTEN_ALLOW decides who may connect */
};

/*
 * Make the socket, or take the inherited one: systemd's LISTEN_FDS, or
 * descriptor 0 if it is a listening socket (spawn-fcgi).  Both are
 * close-on-exec.  Logs what stands in the way.
 */
enum rc listen_open(const struct settings *settings, struct listening *ret) MUST_CHECK;
/*
 * Go on with a socket that an earlier master opened: who may connect is
 * decided anew by the settings, where it listens is not.  When the settings
 * name nobody for a socket that others can reach, nobody may.
 */
void listen_adopt(const struct settings *settings, struct listening *listening);
/* Whether the address of WA_LISTEN could be opened by these settings; opens nothing. */
enum rc listen_check(const struct settings *settings) MUST_CHECK;
/* Close, and remove the path. */
void listen_close(struct listening *listening);

/* Whether WA_LISTEN_ALLOW names the peer of `fd`. */
bool listen_allows(const struct settings *settings, int fd);

#endif
