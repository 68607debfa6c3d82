#include "net/fetch.h"

#include <curl/curl.h>
#include <stdlib.h>

#include "base/bounds.h"
#include "config.h"
#include "text/utf8.h"

enum {
	CONNECT_TIMEOUT_MS = 3000,
	RETRY_AFTER_MOST_S = 300,
	KEPT_CONNECTIONS = 64,
	KEPT_MEMORY = 16 * KIB
};

/* One request, and the handle that it has in turn. */
struct fetch {
	struct fetch *next; /* of those that are free */
	struct fetch *next_of_all;
	CURL *easy;
	struct curl_slist *headers;
	char *reply;
	size_t reply_len, reply_cap, reply_max;
	const char *wants_header;
	fetch_done_fn *done;
	void *ctx;
};

struct fetcher {
	CURLM *multi;
	const char *ca_file;
	struct fetch *all;
	struct fetch *free;
	size_t under_way;
};

struct fetcher *fetcher_create(const char *ca_file)
{
	struct fetcher *fetcher = calloc(1, sizeof(*fetcher));

	if (fetcher == NULL)
		return NULL;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		free(fetcher);
		return NULL;
	}
	fetcher->ca_file = ca_file;
	fetcher->multi = curl_multi_init();
	if (fetcher->multi == NULL) {
		fetcher_free(fetcher);
		return NULL;
	}
	curl_multi_setopt(fetcher->multi, CURLMOPT_MAXCONNECTS, (long)KEPT_CONNECTIONS);
	return fetcher;
}

static void fetch_free(struct fetcher *fetcher, struct fetch *f)
{
	if (f->easy != NULL) {
		curl_multi_remove_handle(fetcher->multi, f->easy);
		curl_easy_cleanup(f->easy);
	}
	curl_slist_free_all(f->headers);
	free(f->reply);
	free(f);
}

void fetcher_free(struct fetcher *fetcher)
{
	if (fetcher == NULL)
		return;
	while (fetcher->all != NULL) {
		struct fetch *f = fetcher->all;

		fetcher->all = f->next_of_all;
		fetch_free(fetcher, f);
	}
	curl_multi_cleanup(fetcher->multi);
	free(fetcher);
	curl_global_cleanup();
}

static struct fetch *take_free(struct fetcher *fetcher)
{
	struct fetch *f = fetcher->free;

	if (f != NULL) {
		fetcher->free = f->next;
		return f;
	}
	f = calloc(1, sizeof(*f));
	if (f == NULL)
		return NULL;
	f->easy = curl_easy_init();
	if (f->easy == NULL) {
		free(f);
		return NULL;
	}
	f->next_of_all = fetcher->all;
	fetcher->all = f;
	return f;
}

/* An unusual answer does not keep its memory. */
static void give_back(struct fetcher *fetcher, struct fetch *f)
{
	curl_slist_free_all(f->headers);
	f->headers = NULL;
	f->reply_len = 0;
	if (f->reply_cap > KEPT_MEMORY) {
		free(f->reply);
		f->reply = NULL;
		f->reply_cap = 0;
	}
	f->next = fetcher->free;
	fetcher->free = f;
}

/* What is beyond the maximum is read and not kept. */
static size_t keep_reply(char *bytes, size_t size, size_t n, void *ctx)
{
	struct fetch *f = ctx;
	size_t len = size * n, room = f->reply_max - f->reply_len;

	if (len > room)
		len = room;
	if (f->reply_len + len > f->reply_cap) {
		size_t cap =
		    f->reply_cap * 2 > f->reply_len + len ? f->reply_cap * 2 : f->reply_len + len;
		char *more = realloc(f->reply, cap);

		if (more == NULL)
			return size * n; /* an answer without its end says less, not nothing */
		f->reply = more;
		f->reply_cap = cap;
	}
	if (len > 0)
		memcpy(f->reply + f->reply_len, bytes, len);
	f->reply_len += len;
	return size * n;
}

static bool add_header(struct fetch *f, const char *line)
{
	struct curl_slist *longer = curl_slist_append(f->headers, line);

	if (longer != NULL)
		f->headers = longer;
	return longer != NULL;
}

static bool set_headers(struct fetch *f, const struct fetch_request *request)
{
	char line[1024];
	struct buf key = buf_over(line, sizeof(line));
	bool set = add_header(f, "Accept: application/json") && add_header(f, "Expect:");

	if (request->body.ptr != NULL)
		set = set && add_header(f, "Content-Type: application/json");
	if (request->api_key.len > 0) {
		buf_puts(&key, "X-API-Key: ");
		buf_put(&key, request->api_key);
		buf_putc(&key, '\0');
		set = set && !key.failed && add_header(f, line);
	}
	for (size_t i = 0; request->headers != NULL && request->headers[i] != NULL; i++)
		set = set && add_header(f, request->headers[i]);
	return set;
}

static void set_options(struct fetch *f, const struct fetch_request *request, const char *ca_file)
{
	CURL *easy = f->easy;

	curl_easy_reset(easy);
	curl_easy_setopt(easy, CURLOPT_PRIVATE, f);
	curl_easy_setopt(easy, CURLOPT_URL, request->url.ptr);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	/* A name of a session may be two dots; what we escape is what is asked for. */
	curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
	if (request->body.ptr != NULL) {
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body.ptr);
	}
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, f->headers);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, PACKAGE_NAME "/" PACKAGE_VERSION);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, keep_reply);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, f);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	/* A name that does not resolve in time: its thread is left alone, not waited for. */
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
	/* On a connection of its own nothing is repeated. */
	curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, request->once ? 1L : 0L);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
	if (ca_file != NULL)
		curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file);
}

enum rc fetch_begin(
    struct fetcher *fetcher, const struct fetch_request *request, fetch_done_fn *done, void *ctx)
{
	struct fetch *f = take_free(fetcher);

	if (f == NULL)
		return RC_INTERNAL;
	f->done = done;
	f->ctx = ctx;
	f->reply_max = request->reply_max;
	f->wants_header = request->wants_header;
	if (set_headers(f, request)) {
		set_options(f, request, fetcher->ca_file);
		if (curl_multi_add_handle(fetcher->multi, f->easy) == CURLM_OK) {
			fetcher->under_way++;
			return RC_OK;
		}
	}
	give_back(fetcher, f);
	return RC_INTERNAL;
}

/* Without a connection nothing was sent; with one, something may have been. */
static bool was_sent(CURL *easy, CURLcode code)
{
	curl_off_t connected_us = 0;

	switch (code) {
	case CURLE_UNSUPPORTED_PROTOCOL: /* an answer that is no HTTP */
		return true;
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_CONNECT:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_URL_MALFORMAT:
		return false;
	default:
		curl_easy_getinfo(easy, CURLINFO_PRETRANSFER_TIME_T, &connected_us);
		return connected_us > 0;
	}
}

static void read_answer(CURL *easy, const char *wants_header, struct fetch_reply *ret)
{
	struct curl_header *header;
	curl_off_t retry_after_s = 0;
	const char *type = NULL;
	long status = 0;

	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(easy, CURLINFO_CONTENT_TYPE, &type);
	curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &retry_after_s);
	ret->status = (int)status;
	if (wants_header != NULL &&
	    curl_easy_header(easy, wants_header, 0, CURLH_HEADER, -1, &header) == CURLHE_OK)
		ret->header = span_of(header->value);
	ret->is_html = type != NULL && strncasecmp(type, "text/html", strlen("text/html")) == 0;
	if (retry_after_s > RETRY_AFTER_MOST_S)
		retry_after_s = RETRY_AFTER_MOST_S;
	ret->retry_after_ms = retry_after_s > 0 ? (int64_t)retry_after_s * 1000 : 0;
}

static void end(struct fetcher *fetcher, struct fetch *f, CURLcode code)
{
	struct fetch_reply reply = {
	    .end = code == CURLE_OK          ? FETCH_ANSWERED
		   : was_sent(f->easy, code) ? FETCH_LOST
					     : FETCH_NOT_SENT,
	    .body = span_from(f->reply != NULL ? f->reply : "", f->reply_len),
	    .why = curl_easy_strerror(code),
	};

	if (code == CURLE_OK)
		read_answer(f->easy, f->wants_header, &reply);
	curl_multi_remove_handle(fetcher->multi, f->easy);
	fetcher->under_way--;
	f->done(f->ctx, &reply);
	give_back(fetcher, f);
}

void fetcher_wait(struct fetcher *fetcher, int fd, int timeout_ms)
{
	struct curl_waitfd wait = {.fd = fd, .events = CURL_WAIT_POLLIN};

	curl_multi_poll(fetcher->multi, &wait, fd >= 0 ? 1 : 0, timeout_ms, NULL);
}

void fetcher_turn(struct fetcher *fetcher)
{
	const CURLMsg *message;
	int left;

	curl_multi_perform(fetcher->multi, &left);
	while ((message = curl_multi_info_read(fetcher->multi, &left)) != NULL) {
		struct fetch *f = NULL;
		CURLcode code = message->data.result;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&f);
		end(fetcher, f, code);
	}
}

size_t fetcher_under_way(const struct fetcher *fetcher)
{
	return fetcher->under_way;
}

enum fetch_class fetch_classify(const struct fetch_reply *reply)
{
	if (reply->end != FETCH_ANSWERED)
		return reply->end == FETCH_NOT_SENT ? FETCH_AWAY : FETCH_AGAIN;
	switch (reply->status) {
	case 429:
	case 502:
	case 503:
	case 504:
		return FETCH_AWAY;
	case 401:
	case 403:
		return FETCH_SETTINGS;
	case 408:
		return FETCH_AGAIN;
	default:
		break;
	}
	if (reply->status >= 500 || reply->status < 200)
		return FETCH_AGAIN;
	if (reply->status >= 400)
		return FETCH_REFUSED;
	return reply->status >= 300 ? FETCH_SETTINGS : FETCH_FINE;
}

void fetch_put_reason(struct buf *b, const struct fetch_reply *reply, size_t max)
{
	size_t begin = b->len;
	struct span text = reply->body;

	if (reply->end == FETCH_ANSWERED) {
		buf_putf(b, "HTTP %d", reply->status);
	} else {
		buf_puts(b, reply->end == FETCH_NOT_SENT ? "not sent" : "no answer");
		text = span_of(reply->why);
	}
	if (text.len == 0 || b->len - begin + strlen(": ") >= max)
		return;
	buf_puts(b, ": ");
	utf8_put_line(b, text, max - (b->len - begin));
}
