/*
 * fcgi: one FastCGI connection, one request, one answer.
 *
 * libfcgi speaks the protocol; accepting and closing are ours.  Why: its own
 * accept and close take eight system calls where four do, and wait in fixed
 * two-second polls that one silent peer can fill a pool with.  And it trusts
 * its peer with more than we do: see the notes in fcgi.c.
 *
 * Only this folder knows fcgiapp.h.
 */
#ifndef WA_HTTP_FCGI_H
#define WA_HTTP_FCGI_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/rc.h"
#include "http/request.h"
#include "http/response.h"

struct fcgi;

/* NULL if libfcgi cannot be initialised. */
struct fcgi *fcgi_create(void);
void fcgi_free(struct fcgi *fcgi);

/*
 * Take the connection `fd` (closed by fcgi_finish, also after a failure) and
 * read its parameters into `mem`.  The body is not read yet.
 *
 * RC_INVALID   what arrived is no whole request: there is nobody to answer
 * RC_NOT_FOUND the client has gone already: its request need not run
 */
enum rc fcgi_begin(
    struct fcgi *fcgi, int fd, struct arena *mem, struct http_request *ret) MUST_CHECK;

/*
 * Read the body of content_length bytes (at most BOUND_WEBHOOK; the route's own limit comes first)
 * into request->body.
 *
 * RC_INVALID  its length is not CONTENT_LENGTH
 */
enum rc fcgi_read_body(
    struct fcgi *fcgi, struct arena *mem, struct http_request *request) MUST_CHECK;

/* The whole answer at once, with Content-Length; without its body for HEAD. */
void fcgi_send(struct fcgi *fcgi, const struct http_response *response, bool head);

/*
 * An answer in parts: its head, then its body bit by bit.
 * RC_UNKNOWN: the client has gone; nothing more needs to be written.
 */
void fcgi_stream_begin(struct fcgi *fcgi, const struct http_response *response);
enum rc fcgi_stream(struct fcgi *fcgi, struct span part) MUST_CHECK;
/* The answer cannot be finished: fcgi_finish cuts the connection, so that the client sees it. */
void fcgi_abort(struct fcgi *fcgi);

/* Ends the request and closes the connection; every fcgi_begin needs one. */
void fcgi_finish(struct fcgi *fcgi);

#endif
