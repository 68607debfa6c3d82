#include "base/bell.h"

#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

int bell_open(void)
{
	return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

/* What fails here is a count that is full: it has been rung. */
void bell_ring(int bell)
{
	uint64_t once = 1;
	ssize_t written;

	if (bell < 0)
		return;
	written = write(bell, &once, sizeof(once));
	(void)written;
}

bool bell_hush(int bell)
{
	uint64_t rings;

	return bell >= 0 && read(bell, &rings, sizeof(rings)) == (ssize_t)sizeof(rings);
}
