/*
 * stop: the signal flags of a child process.
 *
 * A child keeps TERM, QUIT and USR1 blocked and opens them only while it
 * waits for its next work (stop_open ... stop_shut), so that no request is
 * ever interrupted: libfcgi takes EINTR for the end of a stream, and a
 * database read that ends early is an answer that is lost.
 *
 * The flags are this program's only writable file-scope variables.
 */
#ifndef WA_BASE_STOP_H
#define WA_BASE_STOP_H

#include <stdbool.h>

/* Install the handlers (without SA_RESTART) and block the signals. */
void stop_install(void);
void stop_open(void);
void stop_shut(void);

/* TERM or QUIT has arrived: finish what is in hand and leave. */
bool stop_requested(void);
/* USR1 has arrived since the last call: reopen the log. */
bool stop_take_reopen(void);

#endif
