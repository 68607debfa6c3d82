/*
 * pool: a master and its children.
 *
 * The master starts them, replaces those that end, kills those that hang,
 * and passes signals on.  It opens no database and reads no request: whatever
 * happens to a child, the master is not touched by it.
 *
 *   TERM, QUIT, INT  children finish what is in hand and leave; after
 *                    WA_STOP_TIMEOUT they are killed
 *   HUP              reload: check the settings with a trial run of this
 *                    program, then begin anew with the new ones, same pid,
 *                    same listening socket; nobody's request is lost
 *   USR1             the log is opened anew, here and in the children
 *   CHLD             a child ended
 *
 * Read in this order: pool.h, master.c (the loop), places.c (the children),
 * reload.c, listen.c.
 */
#ifndef WA_POOL_POOL_H
#define WA_POOL_POOL_H

#include "base/board.h"
#include "conf/settings.h"
#include "pool/listen.h"

/* One kind of child: a row of the table that the main file hands in. */
struct pool_kind {
	const char *name;
	size_t count;
	/* Runs in the child; what it returns is its exit status. */
	int (*run)(void *ctx, size_t index, struct slot *slot);
	void *ctx;
};

struct pool {
	const struct settings *settings;
	struct listening *listening;
	struct board *board; /* slot 0 is the master's, the children's follow */
	const struct pool_kind *kinds;
	size_t kind_count;
	char **argv; /* for a reload */
	/* What a child is busy with, for the log. */
	const char *(*work_name)(size_t series);
};

/* The slots that a board for these kinds needs. */
size_t pool_slots(const struct pool_kind *kinds, size_t count);

/* Until told to stop; the program's exit status. */
int pool_run(const struct pool *pool);

/*
 * A new master that takes over from an old one, in the same process: the
 * listening socket that it left open.  False when this is an ordinary start.
 */
bool pool_take_over(struct listening *ret);

#endif
