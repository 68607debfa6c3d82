#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* Read on until the end, or a byte too many. */
static ssize_t read_all(int fd, char *bytes, size_t size)
{
	size_t len = 0;
	ssize_t got = 0;

	while (len < size && (got = read(fd, bytes + len, size - len)) > 0)
		len += (size_t)got;
	return got < 0 ? -1 : (ssize_t)len;
}

enum rc file_read(const char *path, size_t max, struct arena *mem, struct span *ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), error;
	char *bytes;
	ssize_t len;

	if (fd < 0)
		return RC_NOT_FOUND;
	bytes = arena_bytes(mem, max + 1);
	len = read_all(fd, bytes, max + 1);
	error = len < 0 ? errno : EFBIG;
	close(fd);
	if (len < 0 || (size_t)len > max) {
		errno = error;
		return RC_NOT_FOUND;
	}
	*ret = span_from(bytes, (size_t)len);
	return RC_OK;
}
