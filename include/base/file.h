/*
 * file: a whole file, within a bound.
 */
#ifndef WA_BASE_FILE_H
#define WA_BASE_FILE_H

#include "base/arena.h"
#include "base/rc.h"
#include "base/span.h"

/*
 * The bytes of `path`, in `mem`, of which it takes `max` + 1.
 *
 * RC_NOT_FOUND  it cannot be opened or read, or has more than `max` bytes (EFBIG): errno says
 */
enum rc file_read(const char *path, size_t max, struct arena *mem, struct span *ret) MUST_CHECK;

#endif
