#include "net_tests.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/num.h"

static void take_proxies_away(void)
{
	static const char *const names[] = {
	    "http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};

	for (size_t i = 0; i < COUNT(names); i++)
		unsetenv(names[i]);
}

void net_server_open(struct net_server *server, net_answer_fn *answer, struct arena *mem)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	take_proxies_away();
	*server = (struct net_server){.listener = fd, .answer = answer, .mem = mem};
	for (size_t i = 0; i < NET_PEERS; i++)
		server->peers[i].fd = -1;
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, NET_PEERS), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	server->port = ntohs(address.sin_port);
}

void net_close_peer(struct net_peer *peer)
{
	if (peer->fd >= 0)
		close(peer->fd);
	free(peer->text);
	*peer = (struct net_peer){.fd = -1};
}

void net_server_stop_listening(struct net_server *server)
{
	if (server->listener >= 0)
		close(server->listener);
	server->listener = -1;
}

void net_server_close(struct net_server *server)
{
	net_server_stop_listening(server);
	for (size_t i = 0; i < NET_PEERS; i++)
		net_close_peer(&server->peers[i]);
}

static void accept_all(struct net_server *server)
{
	int fd;

	while (server->listener >= 0 &&
	       (fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		struct net_peer *peer = server->peers;

		while (peer < server->peers + NET_PEERS && peer->fd >= 0)
			peer++;
		assert_true(peer < server->peers + NET_PEERS);
		*peer = (struct net_peer){.fd = fd, .text = malloc(NET_REQUEST_MAX)};
		assert_non_null(peer->text);
		server->connections++;
	}
}

/* Bytes of the first request in the text; 0: it is not whole yet. */
static size_t request_length(struct span text)
{
	static const char length_name[] = "\r\nContent-Length: ";
	const char *end = memmem(text.ptr, text.len, "\r\n\r\n", 4), *at;
	size_t head;
	uint64_t body = 0;

	if (end == NULL)
		return 0;
	head = (size_t)(end - text.ptr) + 4;
	at = memmem(text.ptr, head, length_name, strlen(length_name));
	if (at != NULL) {
		at += strlen(length_name);
		assert_true(num_u64(span_from(at, strspn(at, "0123456789")), &body));
	}
	return head + body <= text.len ? head + (size_t)body : 0;
}

static void read_peer(struct net_server *server, struct net_peer *peer)
{
	ssize_t got;
	size_t len;

	while (peer->fd >= 0 && (got = recv(peer->fd, peer->text + peer->len,
				     NET_REQUEST_MAX - peer->len, MSG_DONTWAIT)) >= 0) {
		peer->len += (size_t)got;
		len = request_length(span_from(peer->text, peer->len));
		if (len > 0) {
			/* What comes behind a request would have to wait for its answer. */
			assert_int_equal(len, peer->len);
			server->requests++;
			server->last = arena_copy(server->mem, span_from(peer->text, len));
			peer->len = 0;
			server->answer(server, peer, server->last);
		}
		if (got == 0)
			net_close_peer(peer);
	}
}

void net_server_turn(struct net_server *server)
{
	accept_all(server);
	for (size_t i = 0; i < NET_PEERS; i++)
		read_peer(server, &server->peers[i]);
}

void net_send(struct net_peer *peer, struct span text)
{
	while (text.len > 0) {
		ssize_t sent = send(peer->fd, text.ptr, text.len, MSG_NOSIGNAL);

		assert_true(sent > 0);
		text = span_from(text.ptr + sent, text.len - (size_t)sent);
	}
}

void net_says(struct net_server *server, struct net_peer *peer, struct span request)
{
	(void)request;
	net_send(peer, span_of(server->says));
}

void net_says_and_closes(struct net_server *server, struct net_peer *peer, struct span request)
{
	net_says(server, peer, request);
	net_close_peer(peer);
}

void net_closes(struct net_server *server, struct net_peer *peer, struct span request)
{
	(void)server;
	(void)request;
	net_close_peer(peer);
}

void net_resets(struct net_server *server, struct net_peer *peer, struct span request)
{
	const struct linger at_once = {.l_onoff = 1};

	setsockopt(peer->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	net_closes(server, peer, request);
}

void net_hangs(struct net_server *server, struct net_peer *peer, struct span request)
{
	(void)server;
	(void)peer;
	(void)request;
}

void net_echoes(struct net_server *server, struct net_peer *peer, struct span request)
{
	struct buf answer = buf_in(server->mem, 4096);
	struct span path;

	assert_true(span_cut(&request, ' ', &path));
	assert_true(span_cut(&request, ' ', &path));
	buf_putf(&answer, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", path.len);
	buf_put(&answer, path);
	net_send(peer, buf_span(&answer));
}

void net_keep(void *ctx, const struct fetch_reply *reply)
{
	struct net_outcome *outcome = ctx;

	outcome->calls++;
	outcome->reply = *reply;
	outcome->reply.body = arena_copy(outcome->mem, reply->body);
	if (reply->header.ptr != NULL)
		outcome->reply.header = arena_copy(outcome->mem, reply->header);
}

struct span net_url(const struct net_server *server, const char *path)
{
	struct buf url = buf_in(server->mem, 4096);

	buf_putf(&url, "http://127.0.0.1:%d%s", server->port, path);
	return arena_copy(server->mem, buf_span(&url));
}

void net_finish(struct fetcher *fetcher, struct net_server *server)
{
	fetcher_turn(fetcher);
	while (fetcher_under_way(fetcher) > 0) {
		net_server_turn(server);
		fetcher_wait(fetcher, server->listener, 1);
		fetcher_turn(fetcher);
	}
}

struct fetch_reply net_fetch(
    struct fetcher *fetcher, struct net_server *server, const struct fetch_request *request)
{
	struct net_outcome outcome = {.mem = server->mem};

	assert_int_equal(fetch_begin(fetcher, request, net_keep, &outcome), RC_OK);
	net_finish(fetcher, server);
	assert_int_equal(outcome.calls, 1);
	return outcome.reply;
}

struct fetch_reply net_get(struct fetcher *fetcher, struct net_server *server, const char *path)
{
	const struct fetch_request request = {
	    .method = "GET", .url = net_url(server, path), .timeout_ms = 60000, .reply_max = 4096};

	return net_fetch(fetcher, server, &request);
}
