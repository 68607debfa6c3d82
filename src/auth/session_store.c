#include "auth/session_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/bounds.h"
#include "base/buf.h"
#include "text/base64.h"

enum { SQL_MAX = 256, LOCK_TRIES = 100 };

static const long pause_ns = 2000000;

struct session_store {
	struct session_store_options options;
	struct db_statement read;
	struct db_statement touch;
	char read_sql[SQL_MAX];
	char touch_sql[SQL_MAX];
};

struct session_store *session_store_create(const struct session_store_options *options)
{
	struct session_store *store = calloc(1, sizeof(*store));
	struct buf read, touch;

	if (store == NULL)
		return NULL;
	store->options = *options;
	read = buf_over(store->read_sql, SQL_MAX);
	touch = buf_over(store->touch_sql, SQL_MAX);
	/* A column compares without case: the id is read back and compared. */
	buf_putf(&read,
	    "SELECT id, IF(LENGTH(payload) <= %d, payload, NULL), last_activity FROM `%.*s`"
	    " WHERE id = ?",
	    BOUND_SESSION, SPAN_ARG(options->table));
	buf_putf(&touch, "UPDATE `%.*s` SET last_activity = ? WHERE id = ? AND last_activity < ?",
	    SPAN_ARG(options->table));
	store->read =
	    (struct db_statement){"session.read", store->read_sql, "ssi", DB_READ | DB_OPTIONAL};
	store->touch = (struct db_statement){"session.touch", store->touch_sql, "", 0};
	return store;
}

void session_store_free(struct session_store *store)
{
	free(store);
}

static enum rc read_row(const struct session_store *store, struct db *db, struct arena *mem,
    struct span id, struct session_stored *ret)
{
	struct db_value row[3];
	struct span text;
	enum rc rc = db_one(db, &store->read, DB_IN(db_s(id)), mem, row);

	if (rc == RC_OK && !span_eq(row[0].s, id))
		rc = RC_NOT_FOUND;
	if (rc != RC_OK)
		return rc;
	if (row[1].s.ptr == NULL || !base64_decode(row[1].s, mem, &text))
		return RC_INVALID;
	*ret = (struct session_stored){text, row[2].i};
	return RC_OK;
}

static void pause_shortly(void)
{
	nanosleep(&(struct timespec){.tv_nsec = pause_ns}, NULL);
}

static const char *path_of(const struct session_store *store, struct arena *mem, struct span id)
{
	struct buf path = buf_in(mem, store->options.folder.len + id.len + 2);

	buf_put(&path, store->options.folder);
	buf_putc(&path, '/');
	buf_put(&path, id);
	return arena_copy(mem, buf_span(&path)).ptr;
}

/* PHP writes under LOCK_EX: without a lock of ours most reads beside a busy writer are torn. */
static bool lock_shared(int fd)
{
	for (int i = 0; i < LOCK_TRIES; i++) {
		if (flock(fd, LOCK_SH | LOCK_NB) == 0)
			return true;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return false;
		pause_shortly();
	}
	return false;
}

/* What the file holds now; less than `size` if it was cut meanwhile. */
static struct span read_all(int fd, size_t size, struct arena *mem)
{
	char *bytes = arena_bytes(mem, size + 1);
	size_t got = 0;
	ssize_t n;

	while (got < size && (n = pread(fd, bytes + got, size - got, (off_t)got)) > 0)
		got += (size_t)n;
	bytes[got] = '\0';
	return span_from(bytes, got);
}

/* A writer that does not lock may have been in the middle: empty or short is read once more. */
static enum rc read_open_file(int fd, struct arena *mem, struct session_stored *ret)
{
	struct stat status;

	for (int tries = 0; tries < 2; tries++) {
		struct span text;

		if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
			return RC_NOT_FOUND;
		if (status.st_size > BOUND_SESSION)
			return RC_INVALID;
		text = read_all(fd, (size_t)status.st_size, mem);
		*ret = (struct session_stored){text, status.st_mtime};
		if (text.len > 0 && text.len == (size_t)status.st_size)
			return RC_OK;
		pause_shortly();
	}
	return RC_INVALID;
}

/* A link in the place of a session (ELOOP) is none of PHP's. */
static enum rc why_not_open(void)
{
	switch (errno) {
	case EACCES:
	case EPERM:
		return RC_DENIED;
	case ENOENT:
	case ENOTDIR:
	case ELOOP:
		return RC_NOT_FOUND;
	default:
		return RC_RETRY;
	}
}

static enum rc read_file(const struct session_store *store, struct arena *mem, struct span id,
    struct session_stored *ret)
{
	int fd = open(
	    path_of(store, mem, id), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	enum rc rc;

	if (fd < 0)
		return why_not_open();
	rc = lock_shared(fd) ? read_open_file(fd, mem, ret) : RC_RETRY;
	close(fd);
	return rc;
}

enum rc session_store_read(const struct session_store *store, struct db *db, struct arena *mem,
    struct span id, struct session_stored *ret)
{
	return store->options.driver == SESSION_FILE ? read_file(store, mem, id, ret)
						     : read_row(store, db, mem, id, ret);
}

enum rc session_store_touch(const struct session_store *store, struct db *db, struct arena *mem,
    struct span id, int64_t now_s)
{
	if (store->options.driver == SESSION_FILE)
		return utimensat(AT_FDCWD, path_of(store, mem, id), NULL, AT_SYMLINK_NOFOLLOW) == 0
			   ? RC_OK
			   : RC_DENIED;
	return db_run(db, &store->touch, DB_IN(db_i(now_s), db_s(id), db_i(now_s)));
}
