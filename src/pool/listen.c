#include "pool/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "base/num.h"

enum { LISTEN_FDS_START = 3 }; /* sd_listen_fds(3) */

static bool is_listening(int fd)
{
	int on = 0;
	socklen_t size = sizeof(on);

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &size) == 0 && on != 0;
}

static bool env_is(const char *name, uint64_t want)
{
	const char *text = getenv(name);
	uint64_t n;

	return text != NULL && num_u64(span_of(text), &n) && n == want;
}

/* The descriptor that somebody opened for us, or -1. */
static int inherited_fd(void)
{
	int fd, null;

	if (env_is("LISTEN_PID", (uint64_t)getpid()) && env_is("LISTEN_FDS", 1) &&
	    is_listening(LISTEN_FDS_START))
		return fcntl(LISTEN_FDS_START, F_SETFD, FD_CLOEXEC) == 0 ? LISTEN_FDS_START : -1;
	if (!is_listening(STDIN_FILENO))
		return -1;
	fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, LISTEN_FDS_START);
	null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (null >= 0) {
		dup2(null, STDIN_FILENO);
		close(null);
	}
	return fd;
}

static bool is_loopback(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET)
		return ntohl(
			   ((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr) >>
			   24 ==
		       127;
	return address->sa_family == AF_INET6 &&
	       IN6_IS_ADDR_LOOPBACK(
		   &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr);
}

/* Who may connect: everybody from this host; from others only whom the list names. */
static enum rc decide_peers(
    const struct settings *settings, const struct sockaddr *address, struct listening *ret)
{
	ret->checks_peers = address->sa_family != AF_UNIX && !is_loopback(address);
	if (!ret->checks_peers || settings->listen_allow.len > 0)
		return RC_OK;
	log_error(
	    "the pool would listen on an address that other hosts can reach; name the hosts that "
	    "may connect in WA_LISTEN_ALLOW, or listen on 127.0.0.1 or a unix socket");
	return RC_INVALID;
}

static enum rc take_inherited(const struct settings *settings, struct listening *ret)
{
	struct sockaddr_storage address;
	socklen_t size = sizeof(address);
	int flags = fcntl(ret->fd, F_GETFL);

	/* Some hand over a socket on which accept does not wait; the workers would spin. */
	if (flags < 0 || fcntl(ret->fd, F_SETFL, flags & ~O_NONBLOCK) != 0 ||
	    getsockname(ret->fd, (struct sockaddr *)&address, &size) != 0) {
		log_error("could not look at the inherited socket: %s", strerror(errno));
		return RC_INTERNAL;
	}
	return decide_peers(settings, (const struct sockaddr *)&address, ret);
}

static enum rc bind_tcp(
    const struct settings *settings, const struct addrinfo *address, struct listening *ret)
{
	int on = 1;

	if (decide_peers(settings, address->ai_addr, ret) != RC_OK)
		return RC_INVALID;
	ret->fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (ret->fd < 0 || setsockopt(ret->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
	    bind(ret->fd, address->ai_addr, address->ai_addrlen) != 0 ||
	    listen(ret->fd, (int)settings->listen_backlog) != 0) {
		log_error(
		    "could not listen on %.*s: %s", SPAN_ARG(settings->listen), strerror(errno));
		return RC_INTERNAL;
	}
	return RC_OK;
}

/* "HOST:PORT" or "[::1]:PORT"; the caller frees what was found. */
static enum rc resolve(const struct settings *settings, struct addrinfo **ret)
{
	const struct addrinfo hints = {
	    .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
	char text[256], *port, *host = text;
	int error;

	if (snprintf(text, sizeof(text), "%s", settings->listen.ptr) >= (int)sizeof(text)) {
		log_error("WA_LISTEN is longer than %zu bytes", sizeof(text) - 1);
		return RC_INVALID;
	}
	port = strrchr(text, ':');
	*port++ = '\0';
	if (host[0] == '[' && port - 2 > host && port[-2] == ']') {
		host++;
		port[-2] = '\0';
	}
	error = getaddrinfo(host, port, &hints, ret);
	if (error != 0) {
		log_error("WA_LISTEN is %s: %s", settings->listen.ptr, gai_strerror(error));
		return RC_INVALID;
	}
	return RC_OK;
}

static enum rc open_tcp(const struct settings *settings, struct listening *ret)
{
	struct addrinfo *found;
	enum rc rc = resolve(settings, &found);

	if (rc != RC_OK)
		return rc;
	rc = bind_tcp(settings, found, ret);
	freeaddrinfo(found);
	return rc;
}

enum rc listen_check(const struct settings *settings)
{
	struct listening unused;
	struct addrinfo *found;
	enum rc rc;

	if (span_is(settings->listen, "inherit") || span_starts(settings->listen, "unix:"))
		return RC_OK;
	rc = resolve(settings, &found);
	if (rc != RC_OK)
		return rc;
	rc = decide_peers(settings, found->ai_addr, &unused);
	freeaddrinfo(found);
	return rc;
}

static enum rc lock_path(const char *path, struct listening *ret)
{
	char lock[sizeof(ret->path) + 8];

	snprintf(lock, sizeof(lock), "%s.lock", path);
	ret->lock_fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (ret->lock_fd < 0) {
		log_error(
		    "could not open the lock file %s: %s; does its folder exist, and may we write "
		    "there?",
		    lock, strerror(errno));
		return RC_INTERNAL;
	}
	if (flock(ret->lock_fd, LOCK_EX | LOCK_NB) != 0) {
		log_error(
		    "another wa-accountsd listens on %s; stop it first, or set another WA_LISTEN",
		    path);
		return RC_CONFLICT;
	}
	return RC_OK;
}

static enum rc give_away(const char *path, const struct settings *settings)
{
	const struct group *group = NULL;

	if (settings->listen_group.len > 0) {
		group = getgrnam(settings->listen_group.ptr);
		if (group == NULL || chown(path, (uid_t)-1, group->gr_gid) != 0) {
			log_error("could not give %s to the group %.*s: %s", path,
			    SPAN_ARG(settings->listen_group),
			    group == NULL ? "no such group" : strerror(errno));
			return RC_INTERNAL;
		}
	}
	if (chmod(path, (mode_t)settings->listen_mode) != 0) {
		log_error("could not set the mode of %s: %s", path, strerror(errno));
		return RC_INTERNAL;
	}
	return RC_OK;
}

static enum rc open_unix(const struct settings *settings, const char *path, struct listening *ret)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct stat there;
	enum rc rc;

	/* Room for the temporary name, ".new". */
	if (strlen(path) == 0 || strlen(path) + 5 > sizeof(address.sun_path)) {
		log_error("WA_LISTEN names a path of %zu bytes; a unix socket's has 1 to %zu",
		    strlen(path), sizeof(address.sun_path) - 5);
		return RC_INVALID;
	}
	if (lstat(path, &there) == 0 && !S_ISSOCK(there.st_mode)) {
		log_error(
		    "WA_LISTEN names %s, which exists and is no socket; it is left alone", path);
		return RC_CONFLICT;
	}
	rc = lock_path(path, ret);
	if (rc != RC_OK)
		return rc;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s.new", path);
	unlink(address.sun_path);
	ret->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (ret->fd < 0 || bind(ret->fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
		log_error("could not make the socket %s: %s", path, strerror(errno));
		return RC_INTERNAL;
	}
	rc = give_away(address.sun_path, settings);
	if (rc == RC_OK && (listen(ret->fd, (int)settings->listen_backlog) != 0 ||
			       rename(address.sun_path, path) != 0)) {
		log_error("could not listen on %s: %s", path, strerror(errno));
		rc = RC_INTERNAL;
	}
	if (rc != RC_OK)
		unlink(address.sun_path);
	else
		snprintf(ret->path, sizeof(ret->path), "%s", path);
	return rc;
}

void listen_adopt(const struct settings *settings, struct listening *listening)
{
	if (listening->path[0] != '\0' && span_starts(settings->listen, "unix:") &&
	    strcmp(settings->listen.ptr + strlen("unix:"), listening->path) != 0)
		log_warn(
		    "WA_LISTEN is now %s; a reload goes on with %s, stop and start to change it",
		    settings->listen.ptr, listening->path);
	if (take_inherited(settings, listening) != RC_OK)
		listening->checks_peers = true;
}

enum rc listen_open(const struct settings *settings, struct listening *ret)
{
	struct listening listening = {.fd = -1, .lock_fd = -1};
	enum rc rc;

	listening.fd = inherited_fd();
	if (listening.fd >= 0) {
		rc = take_inherited(settings, &listening);
	} else if (span_is(settings->listen, "inherit")) {
		log_error(
		    "WA_LISTEN is inherit, but there is no listening socket to inherit: neither "
		    "LISTEN_FDS nor descriptor 0 is one");
		rc = RC_INVALID;
	} else if (span_starts(settings->listen, "unix:")) {
		rc = open_unix(settings, settings->listen.ptr + strlen("unix:"), &listening);
	} else {
		rc = open_tcp(settings, &listening);
	}
	if (rc == RC_OK)
		*ret = listening;
	else
		listen_close(&listening);
	return rc;
}

void listen_close(struct listening *listening)
{
	/* The lock is still held: what stands at the path is ours. */
	if (listening->path[0] != '\0')
		unlink(listening->path);
	listening->path[0] = '\0';
	if (listening->fd >= 0)
		close(listening->fd);
	if (listening->lock_fd >= 0)
		close(listening->lock_fd);
	listening->fd = listening->lock_fd = -1;
}

/* As text; an IPv4 address in IPv6 form counts as IPv4. */
static bool address_text(int family, const void *address, char ret[static INET6_ADDRSTRLEN])
{
	const struct in6_addr *v6 = address;

	if (family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(v6))
		return inet_ntop(AF_INET, &v6->s6_addr[12], ret, INET6_ADDRSTRLEN) != NULL;
	return inet_ntop(family, address, ret, INET6_ADDRSTRLEN) != NULL;
}

static bool peer_address(int fd, char ret[static INET6_ADDRSTRLEN])
{
	struct sockaddr_storage peer;
	socklen_t size = sizeof(peer);

	if (getpeername(fd, (struct sockaddr *)&peer, &size) != 0)
		return false;
	if (peer.ss_family == AF_INET6)
		return address_text(AF_INET6, &((struct sockaddr_in6 *)&peer)->sin6_addr, ret);
	return peer.ss_family == AF_INET &&
	       address_text(AF_INET, &((struct sockaddr_in *)&peer)->sin_addr, ret);
}

/* An address of the list in the form in which peer_address writes it. */
static bool canonical(struct span text, char ret[static INET6_ADDRSTRLEN])
{
	struct in6_addr address;
	char copy[INET6_ADDRSTRLEN];
	int family = memchr(text.ptr, ':', text.len) != NULL ? AF_INET6 : AF_INET;

	if (text.len >= sizeof(copy))
		return false;
	memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	return inet_pton(family, copy, &address) == 1 && address_text(family, &address, ret);
}

bool listen_allows(const struct settings *settings, int fd)
{
	struct span list = settings->listen_allow, one;
	char peer[INET6_ADDRSTRLEN], allowed[INET6_ADDRSTRLEN];

	if (!peer_address(fd, peer))
		return false;
	while (span_cut(&list, ',', &one))
		if (canonical(span_trim(one), allowed) && strcmp(peer, allowed) == 0)
			return true;
	return false;
}
