/* TCP: who may listen where, and who may connect. */
#include "pool/listen.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pool_tests.h"

static int listens_on_loopback(void *ctx)
{
	struct settings settings;
	struct listening l, second;
	char text[64];
	int fd = pool_tests_listener(text);

	(void)ctx;
	pool_tests_plain_input();
	HOLDS(fd >= 0);
	close(fd);
	settings = pool_tests_settings(text);
	HOLDS(listen_open(&settings, &l) == RC_OK);
	HOLDS(pool_tests_port(l.fd) == atoi(strchr(text, ':') + 1));
	HOLDS(!l.checks_peers && l.lock_fd == -1 && l.path[0] == '\0');
	HOLDS(pool_tests_is_cloexec(l.fd));
	HOLDS(listen_open(&settings, &second) == RC_INTERNAL);
	listen_close(&l);
	return 0;
}

static void test_loopback_needs_no_list_of_peers(void **state)
{
	(void)state;
	pool_tests_assert(listens_on_loopback, NULL, "Address already in use");
}

static int refuses_the_world(void *ctx)
{
	static const char *const addresses[] = {"0.0.0.0:19471", "[::]:19471", "203.0.113.1:19471"};
	struct listening l = {.fd = 77};

	(void)ctx;
	pool_tests_plain_input();
	for (size_t i = 0; i < COUNT(addresses); i++) {
		struct settings settings = pool_tests_settings(addresses[i]);

		HOLDS(listen_open(&settings, &l) == RC_INVALID);
		HOLDS(l.fd == 77);
	}
	return 0;
}

static void test_beyond_loopback_a_list_of_peers_is_needed(void **state)
{
	(void)state;
	pool_tests_assert(
	    refuses_the_world, NULL, "name the hosts that may connect in WA_LISTEN_ALLOW");
}

static int checks_its_peers(void *ctx)
{
	struct settings settings;
	struct listening l;
	char text[64], world[64];
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	int fd = pool_tests_listener(text), peer, accepted;

	(void)ctx;
	pool_tests_plain_input();
	address.sin_port = htons((uint16_t)pool_tests_port(fd));
	close(fd);
	snprintf(world, sizeof(world), "0.0.0.0:%d", ntohs(address.sin_port));
	settings = pool_tests_settings(world);
	settings.listen_allow = SPAN_OF("10.0.0.1, 127.0.0.1 ,");
	HOLDS(listen_open(&settings, &l) == RC_OK);
	HOLDS(l.checks_peers);
	peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	HOLDS(connect(peer, (struct sockaddr *)&address, sizeof(address)) == 0);
	accepted = accept(l.fd, NULL, NULL);
	HOLDS(listen_allows(&settings, accepted));
	settings.listen_allow = SPAN_OF("10.0.0.1,127.0.0.10,127.0.0");
	HOLDS(!listen_allows(&settings, accepted));
	settings.listen_allow = (struct span){0};
	HOLDS(!listen_allows(&settings, accepted));
	settings.listen_allow = SPAN_OF(",");
	HOLDS(!listen_allows(&settings, accepted));
	HOLDS(!listen_allows(&settings, -1));
	listen_close(&l);
	return 0;
}

static void test_only_peers_of_the_list_are_allowed(void **state)
{
	(void)state;
	pool_tests_assert(checks_its_peers, NULL, NULL);
}

/* Whether the list names a peer 127.0.0.1 on a socket for IPv6, or ::1; false without IPv6. */
struct peer {
	const char *list;
	bool is_mapped;
	bool allowed;
};

static int allows_on_ipv6(void *ctx)
{
	const struct peer *p = ctx;
	struct settings settings = {.listen_allow = span_of(p->list)};
	struct sockaddr_in6 any = {.sin6_family = AF_INET6}, six = {.sin6_family = AF_INET6};
	struct sockaddr_in four = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	int fd = socket(AF_INET6, SOCK_STREAM, 0), off = 0, peer;

	six.sin6_addr = in6addr_loopback;
	if (fd < 0 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) != 0 ||
	    bind(fd, (struct sockaddr *)&any, sizeof(any)) != 0)
		return 0; /* a host without IPv6 */
	HOLDS(listen(fd, 4) == 0);
	four.sin_port = six.sin6_port = htons((uint16_t)pool_tests_port(fd));
	peer = socket(p->is_mapped ? AF_INET : AF_INET6, SOCK_STREAM, 0);
	if ((p->is_mapped ? connect(peer, (struct sockaddr *)&four, sizeof(four))
			  : connect(peer, (struct sockaddr *)&six, sizeof(six))) != 0)
		return 0;
	HOLDS(listen_allows(&settings, accept(fd, NULL, NULL)) == p->allowed);
	return 0;
}

static void assert_peers(const struct peer *peers, size_t count)
{
	for (size_t i = 0; i < count; i++)
		pool_tests_assert(allows_on_ipv6, (void *)(uintptr_t)&peers[i], NULL);
}

static void test_an_ipv4_peer_is_one_on_an_ipv6_socket_too(void **state)
{
	static const struct peer peers[] = {{"127.0.0.1", true, true}, {"::1", true, false}};

	(void)state;
	assert_peers(peers, COUNT(peers));
}

static void test_an_address_is_one_however_it_is_written(void **state)
{
	static const struct peer peers[] = {{"::1", false, true}, {"0:0:0:0:0:0:0:1", false, true},
	    {"0000::0001", false, true}, {"::2,127.0.0.1,x,::1x", false, false}};

	(void)state;
	assert_peers(peers, COUNT(peers));
}

static void test_an_ipv4_address_in_ipv6_form_is_the_same_peer(void **state)
{
	static const struct peer peers[] = {
	    {"::ffff:127.0.0.1", true, true}, {"::FFFF:7f00:1", true, true}};

	(void)state;
	assert_peers(peers, COUNT(peers));
}

static int opens_none(void *ctx)
{
	struct settings settings = pool_tests_settings(ctx);
	struct listening l;

	pool_tests_plain_input();
	HOLDS(listen_open(&settings, &l) != RC_OK);
	return 0;
}

static void test_an_address_that_is_none_is_refused(void **state)
{
	static const char *const addresses[] = {"127.0.0.1:no-such-service", ":9000", "[]:9000"};
	char longer[400];

	(void)state;
	for (size_t i = 0; i < COUNT(addresses); i++)
		pool_tests_assert(opens_none, (void *)(uintptr_t)addresses[i], NULL);
	memset(longer, 'x', sizeof(longer) - 1);
	longer[300] = ':';
	longer[sizeof(longer) - 1] = '\0';
	pool_tests_assert(opens_none, longer, NULL);
}

int test_pool_tcp(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_loopback_needs_no_list_of_peers),
	    cmocka_unit_test(test_beyond_loopback_a_list_of_peers_is_needed),
	    cmocka_unit_test(test_only_peers_of_the_list_are_allowed),
	    cmocka_unit_test(test_an_ipv4_peer_is_one_on_an_ipv6_socket_too),
	    cmocka_unit_test(test_an_address_is_one_however_it_is_written),
	    cmocka_unit_test(test_an_ipv4_address_in_ipv6_form_is_the_same_peer),
	    cmocka_unit_test(test_an_address_that_is_none_is_refused),
	};

	return unit_run("pool, tcp", tests);
}
