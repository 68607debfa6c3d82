/*
 * What is done here against what libfcgi does (2.4.2, read and measured):
 *
 * - FCGX_Accept_r with ipcFd set and keepConnection 1 takes our descriptor
 *   instead of accepting; `detached` makes it close without its two-second
 *   wait.  With the listening descriptor -1 it returns instead of looping
 *   when the connection is broken.
 * - It sets keepConnection from the peer's flag.  We close after every
 *   request: with a connection kept and input unread, the next request would
 *   begin in the middle of a body that the client chose.
 * - Parameters that are cut short are reported as success: FCGX_GetError
 *   tells, and a stream that ends before END of the parameters is refused.
 * - It bounds nothing: the parameters are counted here after the fact, nginx
 *   bounds them before it, RLIMIT_AS stands behind both.
 * - Closing while input is unread makes the kernel reset the connection, and
 *   nginx answers 502 instead of our 401 or 413: what is left is read away
 *   first, within bounds.
 */
#include "http/fcgi.h"

#include <fcgiapp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/bounds.h"
#include "base/id.h"
#include "base/num.h"

enum { SOCKET_TIMEOUT_S = 10, DISCARD_STEP = 16 * KIB };

static const struct span param_names[PARAM_COUNT] = {
    [PARAM_REQUEST_METHOD] = SPAN("REQUEST_METHOD"),
    [PARAM_DOCUMENT_URI] = SPAN("DOCUMENT_URI"),
    [PARAM_QUERY_STRING] = SPAN("QUERY_STRING"),
    [PARAM_CONTENT_LENGTH] = SPAN("CONTENT_LENGTH"),
    [PARAM_REMOTE_ADDR] = SPAN("REMOTE_ADDR"),
    [PARAM_REQUEST_ID] = SPAN("REQUEST_ID"),
    [PARAM_CONTENT_TYPE] = SPAN("CONTENT_TYPE"),
    [PARAM_HTTPS] = SPAN("HTTPS"),
    [PARAM_ACCEPT] = SPAN("HTTP_ACCEPT"),
    [PARAM_AUTHORIZATION] = SPAN("HTTP_AUTHORIZATION"),
    [PARAM_COOKIE] = SPAN("HTTP_COOKIE"),
    [PARAM_X_CSRF_TOKEN] = SPAN("HTTP_X_CSRF_TOKEN"),
    [PARAM_X_XSRF_TOKEN] = SPAN("HTTP_X_XSRF_TOKEN"),
    [PARAM_X_WORKSPACE_ID] = SPAN("HTTP_X_WORKSPACE_ID"),
    [PARAM_X_API_KEY] = SPAN("HTTP_X_API_KEY"),
    [PARAM_X_INSTANCE_URL] = SPAN("HTTP_X_INSTANCE_URL"),
    [PARAM_X_INERTIA] = SPAN("HTTP_X_INERTIA"),
    [PARAM_X_INERTIA_VERSION] = SPAN("HTTP_X_INERTIA_VERSION"),
    [PARAM_X_INERTIA_PARTIAL_COMPONENT] = SPAN("HTTP_X_INERTIA_PARTIAL_COMPONENT"),
    [PARAM_X_INERTIA_PARTIAL_DATA] = SPAN("HTTP_X_INERTIA_PARTIAL_DATA"),
    [PARAM_X_INERTIA_PARTIAL_EXCEPT] = SPAN("HTTP_X_INERTIA_PARTIAL_EXCEPT"),
    [PARAM_X_TIMESTAMP] = SPAN("HTTP_X_TIMESTAMP"),
    [PARAM_X_HMAC_SIGNATURE] = SPAN("HTTP_X_HMAC_SIGNATURE"),
    [PARAM_LOCAL] = SPAN("WA_LOCAL"),
    [PARAM_STANDALONE] = SPAN("WA_STANDALONE"),
};

struct fcgi {
	FCGX_Request request;
	struct span request_id; /* of the request in hand */
	bool begun;
	bool aborted;
};

struct fcgi *fcgi_create(void)
{
	struct fcgi *fcgi = calloc(1, sizeof(*fcgi));

	if (fcgi == NULL || FCGX_Init() != 0 || FCGX_InitRequest(&fcgi->request, -1, 0) != 0) {
		free(fcgi);
		return NULL;
	}
	return fcgi;
}

void fcgi_free(struct fcgi *fcgi)
{
	free(fcgi);
}

static void set_timeouts(int fd)
{
	struct timeval timeout = {.tv_sec = SOCKET_TIMEOUT_S};

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
}

/* The first of two equal names wins, as in FCGX_GetParam. */
static void index_param(
    struct http_request *request, struct span name, struct span value, struct arena *mem)
{
	for (size_t i = 0; i < PARAM_COUNT; i++) {
		if (request->params[i].ptr != NULL || !span_eq(name, param_names[i]))
			continue;
		request->params[i] = arena_copy(mem, value);
		return;
	}
}

static enum rc index_params(char **envp, struct http_request *request, struct arena *mem)
{
	size_t total = 0;

	for (; *envp != NULL; envp++) {
		struct span value = span_of(*envp), name;

		total += value.len;
		if (total > BOUND_PARAMS)
			return RC_INVALID;
		if (span_cut(&value, '=', &name) && value.ptr != NULL)
			index_param(request, name, value, mem);
	}
	return RC_OK;
}

static bool is_request_id(struct span id)
{
	if (id.len == 0 || id.len > BOUND_REQUEST_ID)
		return false;
	for (size_t i = 0; i < id.len; i++) {
		char c = id.ptr[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !num_is_digit(c) &&
		    c != '-' && c != '_')
			return false;
	}
	return true;
}

static void set_request_id(struct http_request *request, struct arena *mem)
{
	char id[ID_UUID_SIZE];

	request->id = request->params[PARAM_REQUEST_ID];
	if (is_request_id(request->id))
		return;
	id_uuid(id);
	request->id = arena_copy(mem, span_of(id));
}

/* A trailing slash is ignored; "/" stays. */
static struct span path_of(struct span uri)
{
	while (uri.len > 1 && uri.ptr[uri.len - 1] == '/')
		uri.len--;
	return uri;
}

static bool has_gone(int fd)
{
	struct pollfd peer = {.fd = fd, .events = POLLRDHUP};

	return poll(&peer, 1, 0) > 0;
}

enum rc fcgi_begin(struct fcgi *fcgi, int fd, struct arena *mem, struct http_request *ret)
{
	FCGX_Request *r = &fcgi->request;
	struct http_request request = {0};

	set_timeouts(fd);
	r->ipcFd = fd;
	r->keepConnection = 1;
	r->detached = 1;
	fcgi->aborted = false;
	fcgi->begun = FCGX_Accept_r(r) == 0;
	if (!fcgi->begun)
		return RC_INVALID;
	if (FCGX_GetError(r->in) != 0 || index_params(r->envp, &request, mem) != RC_OK)
		return RC_INVALID;
	if (has_gone(fd))
		return RC_NOT_FOUND;
	request.method = http_method_of(request.params[PARAM_REQUEST_METHOD]);
	request.path = path_of(request.params[PARAM_DOCUMENT_URI]);
	request.query = request.params[PARAM_QUERY_STRING];
	set_request_id(&request, mem);
	if (request.params[PARAM_CONTENT_LENGTH].len > 0 &&
	    !num_u64(request.params[PARAM_CONTENT_LENGTH], &request.content_length))
		request.content_length = HTTP_LENGTH_INVALID;
	fcgi->request_id = request.id;
	*ret = request;
	return RC_OK;
}

enum rc fcgi_read_body(struct fcgi *fcgi, struct arena *mem, struct http_request *request)
{
	FCGX_Stream *in = fcgi->request.in;
	size_t size = (size_t)request->content_length, got = 0;
	char *bytes;

	if (request->content_length > BOUND_WEBHOOK)
		return RC_INVALID;
	bytes = arena_bytes(mem, size + 1);
	while (got < size) {
		int n = FCGX_GetStr(bytes + got, (int)(size - got), in);

		if (n <= 0)
			break;
		got += (size_t)n;
	}
	/* A byte more than was announced is as wrong as one less. */
	if (got != size || FCGX_GetChar(in) != -1 || FCGX_GetError(in) != 0)
		return RC_INVALID;
	bytes[size] = '\0';
	request->body = span_from(bytes, size);
	return RC_OK;
}

static void put_head(struct buf *out, const struct http_response *response, struct span request_id)
{
	buf_puts(out, "Status: ");
	buf_put_i64(out, response->status);
	buf_putc(out, ' ');
	buf_puts(out, http_reason(response->status));
	buf_puts(out, "\r\nContent-Type: ");
	buf_puts(out, response->content_type);
	buf_puts(out, "\r\nCache-Control: no-cache, private\r\nX-Request-Id: ");
	buf_put(out, request_id);
	buf_puts(out, "\r\n");
	buf_put(out, buf_span(&response->headers));
}

static void put(struct fcgi *fcgi, struct span text)
{
	FCGX_PutStr(text.ptr, (int)text.len, fcgi->request.out);
}

void fcgi_send(struct fcgi *fcgi, const struct http_response *response, bool head)
{
	char storage[BOUND_HEADERS + KIB];
	struct buf start = buf_over(storage, sizeof(storage));

	put_head(&start, response, fcgi->request_id);
	buf_puts(&start, "Content-Length: ");
	buf_put_u64(&start, response->body.len);
	buf_puts(&start, "\r\n\r\n");
	put(fcgi, buf_span(&start));
	if (!head)
		put(fcgi, buf_span(&response->body));
}

void fcgi_stream_begin(struct fcgi *fcgi, const struct http_response *response)
{
	char storage[BOUND_HEADERS + KIB];
	struct buf start = buf_over(storage, sizeof(storage));

	put_head(&start, response, fcgi->request_id);
	buf_puts(&start, "\r\n");
	put(fcgi, buf_span(&start));
}

enum rc fcgi_stream(struct fcgi *fcgi, struct span part)
{
	put(fcgi, part);
	return FCGX_GetError(fcgi->request.out) == 0 ? RC_OK : RC_UNKNOWN;
}

void fcgi_abort(struct fcgi *fcgi)
{
	fcgi->aborted = true;
}

/* Read stdin to its end, so that closing does not reset the connection. */
static bool discard_input(FCGX_Stream *in)
{
	char bytes[DISCARD_STEP];
	size_t total = 0;
	int n;

	while (total < BOUND_DISCARD && (n = FCGX_GetStr(bytes, sizeof(bytes), in)) > 0)
		total += (size_t)n;
	return total < BOUND_DISCARD;
}

/*
 * More input than we read away: say that the answer is complete, then read
 * on until the peer closes, for a bounded time (SO_RCVTIMEO) and size.
 */
static void linger(int fd)
{
	char bytes[DISCARD_STEP];
	size_t total = 0;
	ssize_t n;

	shutdown(fd, SHUT_WR);
	while (total < 16 * (size_t)BOUND_DISCARD && (n = read(fd, bytes, sizeof(bytes))) > 0)
		total += (size_t)n;
}

void fcgi_finish(struct fcgi *fcgi)
{
	FCGX_Request *r = &fcgi->request;
	int fd;

	if (!fcgi->begun) {
		FCGX_Free(r, 1);
		return;
	}
	fcgi->begun = false;
	if (fcgi->aborted) {
		/* Without the end record nginx knows that the answer is not whole. */
		shutdown(r->ipcFd, SHUT_RDWR);
		r->keepConnection = 0;
		FCGX_Finish_r(r);
		return;
	}
	if (discard_input(r->in)) {
		r->keepConnection = 0;
		FCGX_Finish_r(r);
		return;
	}
	/* Finish without closing, unless libfcgi found an error and closed. */
	fd = r->ipcFd;
	r->keepConnection = 1;
	FCGX_Finish_r(r);
	if (r->ipcFd == fd) {
		linger(fd);
		close(fd);
		r->ipcFd = -1;
	}
}
