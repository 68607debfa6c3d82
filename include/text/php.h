/*
 * php: what PHP's serialize() writes, as far as a session needs it.
 *
 * Nothing is built: the members of the outermost array are told one by one,
 * scalars with their value; nested arrays, objects and references are
 * stepped over, whatever their class.  Nothing in the text makes this
 * program do anything.
 */
#ifndef WA_TEXT_PHP_H
#define WA_TEXT_PHP_H

#include <stdint.h>

#include "base/rc.h"
#include "base/span.h"

struct php_value {
	enum {
		PHP_NULL,
		PHP_BOOL,
		PHP_INTEGER,
		PHP_FLOAT, /* its value is not read */
		PHP_STRING,
		PHP_OTHER, /* an array, an object, an enum, a reference */
	} type;
	int64_t i;     /* also of a boolean */
	struct span s; /* bytes of the text that was read */
};

/* `key` is a string's bytes or an integer's digits; of equal keys PHP keeps the last. */
typedef void php_member_fn(void *ctx, struct span key, const struct php_value *value);

/*
 * Tell the members of the array that `text` begins with; what follows it is
 * not looked at, as PHP does not.
 *
 * RC_INVALID  it is no array, it is cut or broken, or deeper than
 *             BOUND_PHP_DEPTH; what was told meanwhile must not be used
 */
enum rc php_read_array(struct span text, php_member_fn *fn, void *ctx) MUST_CHECK;

/* The string that `text` is: the outer layer of Laravel's encrypt(). */
enum rc php_read_string(struct span text, struct span *ret) MUST_CHECK;

#endif
