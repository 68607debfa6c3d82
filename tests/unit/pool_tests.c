#include "pool_tests.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

void pool_tests_assert(int (*child)(void *ctx), void *ctx, const char *logged)
{
	struct arena *mem = arena_create(4096);
	struct unit_capture capture = unit_capture_begin();
	int status = unit_in_child(child, ctx);
	struct span log = unit_capture_end(&capture, mem);

	if (status != 0)
		fail_msg("the child ended with %d: %.*s", status, SPAN_ARG(log));
	if (logged != NULL && !unit_has(log, logged))
		fail_msg("the log does not say \"%s\": %.*s", logged, SPAN_ARG(log));
	arena_free(mem);
}

struct settings pool_tests_settings(const char *listen)
{
	return (struct settings){
	    .listen = span_of(listen),
	    .listen_mode = 0660,
	    .listen_backlog = 16,
	};
}

int pool_tests_open(void **state)
{
	struct pool_tests_scene *scene = calloc(1, sizeof(*scene));

	if (scene == NULL)
		return 1;
	scene->folder = unit_folder_create();
	snprintf(scene->listen, sizeof(scene->listen), "unix:%s/pool.sock", scene->folder.path);
	scene->settings = pool_tests_settings(scene->listen);
	*state = scene;
	return 0;
}

int pool_tests_close(void **state)
{
	struct pool_tests_scene *scene = *state;

	unit_folder_remove(&scene->folder);
	free(scene);
	return 0;
}

const char *pool_tests_path(const struct pool_tests_scene *scene)
{
	return scene->listen + strlen("unix:");
}

void pool_tests_plain_input(void)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	dup2(null, STDIN_FILENO);
	close(null);
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
}

int pool_tests_connect(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	close(fd);
	return -1;
}

bool pool_tests_is_cloexec(int fd)
{
	return (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0;
}

mode_t pool_tests_mode(const char *path)
{
	struct stat status;

	return lstat(path, &status) == 0 ? status.st_mode : 0;
}

int pool_tests_port(int fd)
{
	struct sockaddr_storage address;
	socklen_t size = sizeof(address);

	if (getsockname(fd, (struct sockaddr *)&address, &size) != 0)
		return -1;
	return ntohs(address.ss_family == AF_INET ? ((struct sockaddr_in *)&address)->sin_port
						  : ((struct sockaddr_in6 *)&address)->sin6_port);
}

int pool_tests_listener(char text[static 64])
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(fd, 16) != 0)
		return -1;
	snprintf(text, 64, "127.0.0.1:%d", pool_tests_port(fd));
	return fd;
}
