/*
 * env: names and values from a dotenv file and from the process environment.
 *
 * The syntax is that of Laravel's reader (vlucas/phpdotenv 5): comments,
 * `export`, single quotes (nothing is expanded), double quotes (\n \r \t \f
 * \v \" \\ \$ and ${OTHER}, over several lines), bare values (${OTHER}; a '#'
 * begins a comment).  A ${NAME} that is not set stays as it is.  The
 * environment wins over the file, as there; the last of two equal names in
 * the file wins.
 */
#ifndef WA_CONF_ENV_H
#define WA_CONF_ENV_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/rc.h"
#include "base/span.h"
#include "conf/mistakes.h"

struct env;

struct env_value {
	struct span name;
	struct span value;
	struct span where; /* "FILE:LINE" or "environment" */
};

/*
 * Read `path` (NULL: the process environment alone) in at most
 * BOUND_ENV_FILE bytes.  Lines that cannot be read are added to `mistakes`.
 *
 * RC_NOT_FOUND  the file cannot be opened or read; the mistake says why
 */
enum rc env_read(const char *path, char **environment, struct arena *mem,
    struct conf_mistakes *mistakes, struct env **ret) MUST_CHECK;

/* The same from memory, for tests; `path` is only named. */
struct env *env_parse(struct span text, const char *path, char **environment, struct arena *mem,
    struct conf_mistakes *mistakes);

/*
 * False if the name is not set: absent, empty, or a word that Laravel's env()
 * reads as nothing (null, empty, with or without parentheses).
 */
bool env_get(const struct env *env, const char *name, struct env_value *ret);
/* It stands there, and says nothing: where Laravel has a standard value, that takes it away. */
bool env_is_cleared(const struct env *env, const char *name);
/* The file that was read, or "environment". */
struct span env_path(const struct env *env);
/* Each name of the file or of the environment that begins with `prefix`. */
void env_each(const struct env *env, const char *prefix,
    void (*fn)(void *ctx, const struct env_value *value), void *ctx);

#endif
