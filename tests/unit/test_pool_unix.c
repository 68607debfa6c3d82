/* The unix socket: its path, its mode, its lock. */
#include "pool/listen.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "pool_tests.h"

static int opens_and_closes(void *ctx)
{
	struct pool_tests_scene *scene = ctx;
	struct listening l;
	const char *path = pool_tests_path(scene);
	char lock[128];

	pool_tests_plain_input();
	HOLDS(listen_open(&scene->settings, &l) == RC_OK);
	HOLDS(S_ISSOCK(pool_tests_mode(path)) && (pool_tests_mode(path) & 07777) == 0660);
	HOLDS(strcmp(l.path, path) == 0);
	HOLDS(pool_tests_is_cloexec(l.fd) && pool_tests_is_cloexec(l.lock_fd));
	HOLDS(!l.checks_peers);
	HOLDS(pool_tests_connect(path) >= 0);
	snprintf(lock, sizeof(lock), "%s.lock", path);
	HOLDS((pool_tests_mode(lock) & 07777) == 0600);
	snprintf(lock, sizeof(lock), "%s.new", path);
	HOLDS(pool_tests_mode(lock) == 0);
	listen_close(&l);
	HOLDS(l.fd == -1 && l.lock_fd == -1 && l.path[0] == '\0');
	HOLDS(pool_tests_mode(path) == 0);
	listen_close(&l);
	return 0;
}

static void test_a_unix_socket_is_there_with_its_mode_and_gone_after_it(void **state)
{
	pool_tests_assert(opens_and_closes, *state, NULL);
}

static int obeys_every_mode(void *ctx)
{
	static const mode_t modes[] = {0600, 0660, 0666, 0777, 0000};
	struct pool_tests_scene *scene = ctx;

	pool_tests_plain_input();
	for (size_t i = 0; i < COUNT(modes); i++) {
		struct listening l;

		umask(i % 2 == 0 ? 0 : 0777);
		scene->settings.listen_mode = modes[i];
		HOLDS(listen_open(&scene->settings, &l) == RC_OK);
		HOLDS((pool_tests_mode(pool_tests_path(scene)) & 07777) == modes[i]);
		umask(022);
		listen_close(&l);
	}
	return 0;
}

static void test_the_mode_is_the_one_that_is_set_whatever_the_umask_is(void **state)
{
	pool_tests_assert(obeys_every_mode, *state, NULL);
}

static int replaces_a_stale_socket(void *ctx)
{
	struct pool_tests_scene *scene = ctx;
	struct listening old, l;
	int fd;

	pool_tests_plain_input();
	HOLDS(listen_open(&scene->settings, &old) == RC_OK);
	/* As after a kill: the path stays, nobody listens. */
	close(old.fd);
	close(old.lock_fd);
	HOLDS(S_ISSOCK(pool_tests_mode(pool_tests_path(scene))));
	HOLDS(pool_tests_connect(pool_tests_path(scene)) < 0);
	HOLDS(listen_open(&scene->settings, &l) == RC_OK);
	fd = pool_tests_connect(pool_tests_path(scene));
	HOLDS(fd >= 0);
	HOLDS(accept(l.fd, NULL, NULL) >= 0);
	listen_close(&l);
	return 0;
}

static void test_a_socket_that_was_left_behind_is_replaced(void **state)
{
	pool_tests_assert(replaces_a_stale_socket, *state, NULL);
}

static int refuses_a_second_master(void *ctx)
{
	struct pool_tests_scene *scene = ctx;
	struct listening first, second = {.fd = 77};

	pool_tests_plain_input();
	HOLDS(listen_open(&scene->settings, &first) == RC_OK);
	HOLDS(listen_open(&scene->settings, &second) == RC_CONFLICT);
	HOLDS(second.fd == 77);
	/* The first one is as well as before. */
	HOLDS(S_ISSOCK(pool_tests_mode(pool_tests_path(scene))));
	HOLDS(pool_tests_connect(pool_tests_path(scene)) >= 0);
	listen_close(&first);
	HOLDS(listen_open(&scene->settings, &second) == RC_OK);
	listen_close(&second);
	return 0;
}

static void test_a_second_master_on_one_path_is_refused(void **state)
{
	pool_tests_assert(refuses_a_second_master, *state, "another wa-accountsd listens on");
}

static int refuses_long_paths(void *ctx)
{
	struct pool_tests_scene *scene = ctx;
	const size_t most = sizeof(((struct sockaddr_un *)0)->sun_path) - 5,
		     start = strlen(scene->listen);
	struct listening l;

	pool_tests_plain_input();
	memset(scene->listen + start, 'x', sizeof(scene->listen) - start - 1);
	scene->listen[strlen("unix:") + most] = '\0';
	scene->settings.listen = span_of(scene->listen);
	HOLDS(listen_open(&scene->settings, &l) == RC_OK);
	HOLDS(pool_tests_connect(pool_tests_path(scene)) >= 0);
	listen_close(&l);
	scene->listen[strlen("unix:") + most] = 'x';
	scene->listen[strlen("unix:") + most + 1] = '\0';
	scene->settings.listen = span_of(scene->listen);
	HOLDS(listen_open(&scene->settings, &l) == RC_INVALID);
	scene->listen[strlen("unix:")] = '\0';
	scene->settings.listen = span_of(scene->listen);
	HOLDS(listen_open(&scene->settings, &l) == RC_INVALID);
	return 0;
}

static void test_a_path_that_is_too_long_or_empty_is_refused(void **state)
{
	pool_tests_assert(refuses_long_paths, *state, "a unix socket's has 1 to 103");
}

static int refuses_a_folder_that_is_not_there(void *ctx)
{
	struct settings settings = pool_tests_settings("unix:/nonexistent/folder/pool.sock");
	struct listening l;

	(void)ctx;
	pool_tests_plain_input();
	HOLDS(listen_open(&settings, &l) == RC_INTERNAL);
	return 0;
}

static void test_a_folder_that_is_not_there_is_named_in_the_log(void **state)
{
	(void)state;
	pool_tests_assert(
	    refuses_a_folder_that_is_not_there, NULL, "/nonexistent/folder/pool.sock.lock");
}

static int leaves_nothing_after_a_failure(void *ctx)
{
	struct pool_tests_scene *scene = ctx;
	struct listening l = {.fd = 77};
	char path[128];

	pool_tests_plain_input();
	scene->settings.listen_group = SPAN_OF("no-such-group-here");
	HOLDS(listen_open(&scene->settings, &l) == RC_INTERNAL);
	HOLDS(l.fd == 77);
	HOLDS(pool_tests_mode(pool_tests_path(scene)) == 0);
	snprintf(path, sizeof(path), "%s.new", pool_tests_path(scene));
	HOLDS(pool_tests_mode(path) == 0);
	scene->settings.listen_group = (struct span){0};
	HOLDS(listen_open(&scene->settings, &l) == RC_OK);
	listen_close(&l);
	return 0;
}

static void test_a_group_that_is_not_there_leaves_no_socket_behind(void **state)
{
	pool_tests_assert(leaves_nothing_after_a_failure, *state, "no such group");
}

static int keeps_a_file(void *ctx)
{
	struct pool_tests_scene *scene = ctx;
	struct listening l;
	int fd = open(pool_tests_path(scene), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	pool_tests_plain_input();
	HOLDS(fd >= 0);
	HOLDS(listen_open(&scene->settings, &l) != RC_OK);
	HOLDS(S_ISREG(pool_tests_mode(pool_tests_path(scene))));
	return 0;
}

static void test_a_file_that_is_no_socket_is_not_replaced(void **state)
{
	pool_tests_assert(keeps_a_file, *state, NULL);
}

int test_pool_unix(void)
{
	const struct CMUnitTest tests[] = {
	    scene_test(test_a_unix_socket_is_there_with_its_mode_and_gone_after_it),
	    scene_test(test_the_mode_is_the_one_that_is_set_whatever_the_umask_is),
	    scene_test(test_a_socket_that_was_left_behind_is_replaced),
	    scene_test(test_a_second_master_on_one_path_is_refused),
	    scene_test(test_a_path_that_is_too_long_or_empty_is_refused),
	    cmocka_unit_test(test_a_folder_that_is_not_there_is_named_in_the_log),
	    scene_test(test_a_group_that_is_not_there_leaves_no_socket_behind),
	    scene_test(test_a_file_that_is_no_socket_is_not_replaced),
	};

	return unit_run("pool, unix", tests);
}
