/*
 * net_tests: the tests of src/net, one function for each part; each returns the
 * number of its tests that failed.  And a server to talk to.
 *
 * The server has no thread and no clock: it goes on when net_server_turn is
 * called, and does what its answer function says once a whole request is
 * there.  So who moves when is the test's to say.
 */
#ifndef WA_TESTS_NET_TESTS_H
#define WA_TESTS_NET_TESTS_H

#include "net/fetch.h"
#include "unit.h"

int test_net_backoff(void);
int test_net_breaker(void);
int test_net_classify(void);
int test_net_fetch(void);
int test_net_fetch_faults(void);

enum { NET_PEERS = 64, NET_REQUEST_MAX = 256 * 1024 };

/* A connection that came in. */
struct net_peer {
	int fd; /* -1: closed */
	char *text;
	size_t len;
};

struct net_server;

/* A whole request has come: head and body in `text`, which goes on in memory that may change. */
typedef void net_answer_fn(struct net_server *server, struct net_peer *peer, struct span request);

struct net_server {
	int listener; /* -1: it does not listen any more */
	int port;
	struct net_peer peers[NET_PEERS];
	size_t connections; /* since the beginning */
	size_t requests;
	net_answer_fn *answer;
	const char *says; /* for the answer function, as it likes */
	struct arena *mem;
	struct span last; /* request, in `mem` */
};

/* On loopback; curl's environment is taken away, so that no proxy comes between. */
void net_server_open(struct net_server *server, net_answer_fn *answer, struct arena *mem);
void net_server_close(struct net_server *server);
void net_server_turn(struct net_server *server);
/* Nobody can connect any more; connections stay. */
void net_server_stop_listening(struct net_server *server);

/* Answer functions. */
void net_says(struct net_server *server, struct net_peer *peer, struct span request);
void net_says_and_closes(struct net_server *server, struct net_peer *peer, struct span request);
void net_closes(struct net_server *server, struct net_peer *peer, struct span request);
void net_resets(struct net_server *server, struct net_peer *peer, struct span request);
void net_hangs(struct net_server *server, struct net_peer *peer, struct span request);
/* "200" with the request's path as its body. */
void net_echoes(struct net_server *server, struct net_peer *peer, struct span request);

void net_send(struct net_peer *peer, struct span text);
void net_close_peer(struct net_peer *peer);

/* What became of a request: a copy, in memory that outlives the answer. */
struct net_outcome {
	struct arena *mem;
	int calls;
	struct fetch_reply reply;
};
void net_keep(void *ctx, const struct fetch_reply *reply);

/* The URL of `path` at the server, in its memory. */
struct span net_url(const struct net_server *server, const char *path);
/* Go on until no request is under way. */
void net_finish(struct fetcher *fetcher, struct net_server *server);
/* One request, from its beginning to its end. */
struct fetch_reply net_fetch(
    struct fetcher *fetcher, struct net_server *server, const struct fetch_request *request);
/* A GET of `path` that may take a minute. */
struct fetch_reply net_get(struct fetcher *fetcher, struct net_server *server, const char *path);

#endif
