/*
 * rc: what a caller may do next.
 *
 * Every function that can fail for a reason the caller must tell apart
 * returns one of these.  One function (reply_rc in api/reply.c) turns them
 * into HTTP statuses; nothing else knows about both.
 */
#ifndef WA_BASE_RC_H
#define WA_BASE_RC_H

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

enum rc {
	RC_OK = 0,
	RC_INVALID,   /* the input breaks a rule; asking again does not help */
	RC_NOT_FOUND, /* there is no such thing, or the caller may not know of it */
	RC_CONFLICT,  /* the state of something else stands in the way */
	RC_DENIED,    /* the caller has not shown that it may do this */
	RC_RETRY,     /* nothing happened; the same call may succeed later */
	RC_UNKNOWN,   /* a write was sent and its answer was lost: it may have happened */
	RC_INTERNAL,  /* a mistake of ours */
};

/* The constant's name without its prefix, in lower case; never NULL. */
const char *rc_name(enum rc rc);

#endif
