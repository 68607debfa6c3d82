/*
 * pool_tests: the tests of src/pool, one function for each part; each returns the
 * number of its tests that failed.  And what they share.
 *
 * What is tested happens in a child: descriptors 0 and 3 and the environment
 * are its own, and a descriptor that it leaves open ends with it.
 */
#ifndef WA_TESTS_POOL_TESTS_H
#define WA_TESTS_POOL_TESTS_H

#include <stdio.h>
#include <sys/types.h>

#include "pool/listen.h"
#include "unit.h"

int test_pool_inherit(void);
int test_pool_tcp(void);
int test_pool_unix(void);

/* In a child: what does not hold is told, and ends it. */
#define HOLDS(condition) \
	do { \
		if (!(condition)) { \
			dprintf(2, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition); \
			return 1; \
		} \
	} while (0)

/* The child must return 0, and its log must have `logged` in it, if that is not NULL. */
void pool_tests_assert(int (*child)(void *ctx), void *ctx, const char *logged);

/* A folder of its own, and settings that make a unix socket in it. */
struct pool_tests_scene {
	struct unit_folder folder;
	char listen[256]; /* WA_LISTEN */
	struct settings settings;
};
int pool_tests_open(void **state);
int pool_tests_close(void **state);
#define scene_test(f) cmocka_unit_test_setup_teardown(f, pool_tests_open, pool_tests_close)

struct settings pool_tests_settings(const char *listen);
/* The path of the scene's socket. */
const char *pool_tests_path(const struct pool_tests_scene *scene);
/* Standard input is no listening socket, whatever runs the tests. */
void pool_tests_plain_input(void);
/* A connection to the socket at `path`, or -1. */
int pool_tests_connect(const char *path);
bool pool_tests_is_cloexec(int fd);
/* 0 where there is nothing. */
mode_t pool_tests_mode(const char *path);
int pool_tests_port(int fd);
/* A socket that listens on loopback; `text` is its address. */
int pool_tests_listener(char text[static 64]);

#endif
