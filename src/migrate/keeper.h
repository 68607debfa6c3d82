/*
 * keeper: a child process that keeps the lease while its parent waits for a
 * statement, and tells how far that is.
 *
 * It ends with its parent, also when that is killed: the lease then ends by
 * itself, or is taken by a run on the same host, which sees that its holder
 * is dead.
 */
#ifndef WA_MIGRATE_KEEPER_H
#define WA_MIGRATE_KEEPER_H

#include <sys/types.h>

#include "migration.h"

struct keeper {
	pid_t pid; /* 0: none */
	int pipe;  /* closing it ends the child */
};

/* Before or after the connection is open: the child opens its own.  RC_INTERNAL with errno. */
enum rc keeper_start(struct migration *m, struct keeper *ret) MUST_CHECK;
void keeper_end(struct keeper *keeper);

#endif
