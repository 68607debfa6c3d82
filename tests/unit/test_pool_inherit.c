/* What somebody else has opened for us: systemd, spawn-fcgi, the master before us. */
#include "pool/listen.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "pool_tests.h"
#include "pool/pool.h"
#include "pool/reload.h"

static int takes_descriptor_three(void *ctx)
{
	struct pool_tests_scene *scene = ctx;
	struct listening l;
	char text[64], pid[24];
	int fd = pool_tests_listener(text);

	pool_tests_plain_input();
	HOLDS(fd >= 0 && dup2(fd, 3) == 3);
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", "1", 1);
	scene->settings.listen = SPAN_OF("inherit");
	HOLDS(listen_open(&scene->settings, &l) == RC_OK);
	HOLDS(l.fd == 3 && l.lock_fd == -1 && l.path[0] == '\0');
	HOLDS(pool_tests_is_cloexec(3));
	listen_close(&l);
	return 0;
}

static void test_systemds_socket_is_taken(void **state)
{
	pool_tests_assert(takes_descriptor_three, *state, NULL);
}

static int wins_over_the_path(void *ctx)
{
	struct pool_tests_scene *scene = ctx;
	struct listening l;
	char text[64], pid[24];

	pool_tests_plain_input();
	HOLDS(dup2(pool_tests_listener(text), 3) == 3);
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", "1", 1);
	HOLDS(listen_open(&scene->settings, &l) == RC_OK);
	HOLDS(l.fd == 3 && pool_tests_mode(pool_tests_path(scene)) == 0);
	return 0;
}

static void test_an_inherited_socket_wins_over_the_path(void **state)
{
	pool_tests_assert(wins_over_the_path, *state, NULL);
}

/* `ctx`: what LISTEN_PID, LISTEN_FDS and descriptor 3 are. */
struct not_for_us {
	struct pool_tests_scene *scene;
	bool our_pid;
	const char *fds;
	bool listens;
};

static int opens_its_own(void *ctx)
{
	const struct not_for_us *n = ctx;
	struct listening l;
	char text[64], pid[24];
	int fd = pool_tests_listener(text), plain = socket(AF_INET, SOCK_STREAM, 0);

	pool_tests_plain_input();
	HOLDS(fd >= 0 && plain >= 0 && dup2(n->listens ? fd : plain, 3) == 3);
	snprintf(pid, sizeof(pid), "%d", (int)getpid() + (n->our_pid ? 0 : 1));
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", n->fds, 1);
	HOLDS(listen_open(&n->scene->settings, &l) == RC_OK);
	HOLDS(l.fd != 3);
	HOLDS(S_ISSOCK(pool_tests_mode(pool_tests_path(n->scene))));
	listen_close(&l);
	return 0;
}

static void test_a_socket_that_is_not_meant_for_us_is_left_alone(void **state)
{
	const struct not_for_us cases[] = {
	    {*state, false, "1", true},
	    {*state, true, "0", true},
	    {*state, true, "2", true},
	    {*state, true, "", true},
	    {*state, true, "1", false},
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		pool_tests_assert(opens_its_own, (void *)(uintptr_t)&cases[i], NULL);
}

static int takes_standard_input(void *ctx)
{
	struct pool_tests_scene *scene = ctx;
	struct listening l;
	char text[64], byte;
	int fd = pool_tests_listener(text);

	pool_tests_plain_input();
	HOLDS(dup2(fd, STDIN_FILENO) == STDIN_FILENO);
	scene->settings.listen = SPAN_OF("inherit");
	HOLDS(listen_open(&scene->settings, &l) == RC_OK);
	HOLDS(l.fd > STDERR_FILENO && pool_tests_is_cloexec(l.fd));
	HOLDS(pool_tests_port(l.fd) == pool_tests_port(fd));
	/* And descriptor 0 is no socket any more. */
	HOLDS(read(STDIN_FILENO, &byte, 1) == 0);
	return 0;
}

static void test_a_listening_socket_as_standard_input_is_taken(void **state)
{
	pool_tests_assert(takes_standard_input, *state, NULL);
}

static int finds_nothing_to_inherit(void *ctx)
{
	struct pool_tests_scene *scene = ctx;
	struct listening l;

	pool_tests_plain_input();
	scene->settings.listen = SPAN_OF("inherit");
	HOLDS(listen_open(&scene->settings, &l) == RC_INVALID);
	return 0;
}

static void test_nothing_to_inherit_is_refused(void **state)
{
	pool_tests_assert(
	    finds_nothing_to_inherit, *state, "there is no listening socket to inherit");
}

/* A list of peers is for TCP; a unix socket's peers have no address. */
static int serves_an_inherited_unix_socket(void *ctx)
{
	struct pool_tests_scene *scene = ctx;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct listening l;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	pool_tests_plain_input();
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", pool_tests_path(scene));
	HOLDS(bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 && listen(fd, 4) == 0);
	HOLDS(dup2(fd, STDIN_FILENO) == STDIN_FILENO);
	scene->settings.listen_allow = SPAN_OF("10.0.0.1");
	HOLDS(listen_open(&scene->settings, &l) == RC_OK);
	HOLDS(!l.checks_peers);
	return 0;
}

static void test_an_inherited_unix_socket_checks_no_addresses(void **state)
{
	pool_tests_assert(serves_an_inherited_unix_socket, *state, NULL);
}

static int refuses_the_world_as_an_heir(void *ctx)
{
	struct pool_tests_scene *scene = ctx;
	struct sockaddr_in address = {.sin_family = AF_INET};
	struct listening l;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	pool_tests_plain_input();
	HOLDS(bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 && listen(fd, 4) == 0);
	HOLDS(dup2(fd, STDIN_FILENO) == STDIN_FILENO);
	scene->settings.listen = SPAN_OF("inherit");
	HOLDS(listen_open(&scene->settings, &l) != RC_OK);
	return 0;
}

static void test_an_inherited_socket_beyond_loopback_needs_a_list_of_peers_too(void **state)
{
	pool_tests_assert(refuses_the_world_as_an_heir, *state, NULL);
}

/* --- what a master leaves to the next one */

static int takes_over(void *ctx)
{
	struct listening l = {.fd = 77};

	(void)ctx;
	HOLDS(!pool_take_over(&l) && l.fd == 77);
	HOLDS(dup2(STDERR_FILENO, 5) == 5 && dup2(STDERR_FILENO, 6) == 6);
	setenv("POOL_TAKE_OVER_SOCKETS", "5,6,/run/a b,c.sock", 1);
	HOLDS(pool_take_over(&l));
	HOLDS(l.fd == 5 && l.lock_fd == 6);
	HOLDS(strcmp(l.path, "/run/a b,c.sock") == 0);
	HOLDS(pool_tests_is_cloexec(5) && pool_tests_is_cloexec(6));
	HOLDS(getenv("POOL_TAKE_OVER_SOCKETS") == NULL);
	setenv("POOL_TAKE_OVER_SOCKETS", "5,-1,", 1);
	HOLDS(pool_take_over(&l));
	HOLDS(l.lock_fd == -1 && l.path[0] == '\0');
	setenv("POOL_TAKE_OVER_SOCKETS", "nonsense", 1);
	HOLDS(!pool_take_over(&l));
	return 0;
}

static void test_a_new_master_takes_the_sockets_over(void **state)
{
	(void)state;
	pool_tests_assert(takes_over, NULL, NULL);
}

static int inherits_children(void *ctx)
{
	struct reload_heirs heirs;

	(void)ctx;
	reload_heirs(&heirs);
	HOLDS(heirs.count == 0);
	setenv("POOL_TAKE_OVER_CHILDREN", "11,x,22,,33", 1);
	reload_heirs(&heirs);
	HOLDS(heirs.count == 3 && heirs.pid[0] == 11 && heirs.pid[2] == 33);
	HOLDS(getenv("POOL_TAKE_OVER_CHILDREN") == NULL);
	HOLDS(reload_reap(&heirs, 11) && heirs.count == 2);
	HOLDS(!reload_reap(&heirs, 11));
	HOLDS(reload_reap(&heirs, 22) && reload_reap(&heirs, 33) && heirs.count == 0);
	return 0;
}

static void test_a_new_master_knows_the_old_ones_children(void **state)
{
	(void)state;
	pool_tests_assert(inherits_children, NULL, NULL);
}

static void test_a_board_has_a_slot_for_the_master_and_each_child(void **state)
{
	const struct pool_kind kinds[] = {
	    {"a", 3, NULL, NULL}, {"b", 0, NULL, NULL}, {"c", 2, NULL, NULL}};

	(void)state;
	assert_int_equal(pool_slots(kinds, COUNT(kinds)), 6);
	assert_int_equal(pool_slots(kinds, 0), 1);
}

int test_pool_inherit(void)
{
	const struct CMUnitTest tests[] = {
	    scene_test(test_systemds_socket_is_taken),
	    scene_test(test_an_inherited_socket_wins_over_the_path),
	    scene_test(test_a_socket_that_is_not_meant_for_us_is_left_alone),
	    scene_test(test_a_listening_socket_as_standard_input_is_taken),
	    scene_test(test_nothing_to_inherit_is_refused),
	    scene_test(test_an_inherited_unix_socket_checks_no_addresses),
	    scene_test(test_an_inherited_socket_beyond_loopback_needs_a_list_of_peers_too),
	    cmocka_unit_test(test_a_new_master_takes_the_sockets_over),
	    cmocka_unit_test(test_a_new_master_knows_the_old_ones_children),
	    cmocka_unit_test(test_a_board_has_a_slot_for_the_master_and_each_child),
	};

	return unit_run("pool, inherit", tests);
}
