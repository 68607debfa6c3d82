#include "provider/provider.h"

#include "base/bounds.h"
#include "text/json.h"
#include "text/percent.h"

enum { URL_MAX = 8 * KIB, BODY_MAX = 8 * KIB, QR_EXPIRES_S = 300, ANSWER_SHOWN = 2 * KIB };

/* What an answer is kept of: a QR code as a data URL, and what is around it. */
enum { REPLY_MAX = BOUND_QR_CODE + 64 * KIB };

static const struct {
	const char *name; /* in the outbox; NULL: never there */
	const char *method;
	const char *path; /* behind the session's id; NULL: without it */
	uint64_t timeout_s;
	bool has_account_id, has_session_id; /* in the body */
	bool begins_session;
} commands[PROVIDER_COMMANDS] = {
    [PROVIDER_CONNECT] = {"connect", "POST", NULL, 60, true, true, true},
    [PROVIDER_DISCONNECT] = {"disconnect", "DELETE", "", 30, false, false, false},
    [PROVIDER_RECONNECT] = {"reconnect", "POST", "/reconnect", 60, true, false, true},
    [PROVIDER_REGENERATE_QR] = {"regenerate-qr", "POST", "/regenerate-qr", 60, true, false, true},
    [PROVIDER_STATUS] = {NULL, "GET", "/status", 10, false, false, false},
};

bool provider_command_of(struct span name, enum provider_command *ret)
{
	for (int i = 0; i < PROVIDER_COMMANDS; i++)
		if (commands[i].name != NULL && span_is(name, commands[i].name)) {
			*ret = (enum provider_command)i;
			return true;
		}
	return false;
}

bool provider_begins_session(enum provider_command command)
{
	return commands[command].begins_session;
}

static struct span without_slash(struct span url)
{
	while (url.len > 0 && url.ptr[url.len - 1] == '/')
		url.len--;
	return url;
}

size_t provider_route(const struct provider_options *options, struct span assigned_url,
    uint64_t workspace_id, bool *ret_ignored)
{
	struct span assigned = without_slash(assigned_url);

	for (size_t i = 0; i < options->instance_count; i++)
		if (assigned.len > 0 && span_eq(assigned, options->instances[i])) {
			*ret_ignored = false;
			return i;
		}
	*ret_ignored = assigned.len > 0;
	return (size_t)(workspace_id % options->instance_count);
}

static void put_number(struct buf *b, const char *name, uint64_t number)
{
	json_put_key(b, name);
	buf_put_u64(b, number);
}

static struct span make_body(const struct provider_options *options, enum provider_command command,
    const struct provider_session *session, struct arena *mem)
{
	struct buf body = buf_in(mem, BODY_MAX);

	if (command == PROVIDER_STATUS)
		return (struct span){0};
	buf_putc(&body, '{');
	put_number(&body, "workspace_id", session->workspace_id);
	if (commands[command].has_account_id)
		put_number(&body, "account_id", session->account_id);
	if (commands[command].has_session_id) {
		json_put_key(&body, "session_id");
		json_put_string(&body, session->session_id);
	}
	if (options->api_key.len > 0) {
		json_put_key(&body, "api_key");
		json_put_string(&body, options->api_key);
	}
	buf_putc(&body, '}');
	return buf_span(&body);
}

static struct span make_url(const struct provider_options *options, size_t instance,
    enum provider_command command, const struct provider_session *session, struct arena *mem)
{
	struct buf url = buf_in(mem, URL_MAX);

	buf_put(&url, options->instances[instance]);
	buf_puts(&url, "/api/sessions");
	if (commands[command].path != NULL) {
		buf_putc(&url, '/');
		percent_put(&url, session->session_id);
		buf_puts(&url, commands[command].path);
	}
	if (command == PROVIDER_STATUS) {
		buf_puts(&url, "?workspace_id=");
		buf_put_u64(&url, session->workspace_id);
		if (options->api_key.len > 0) {
			buf_puts(&url, "&api_key=");
			percent_put(&url, options->api_key);
		}
	}
	return arena_copy(mem, buf_span(&url));
}

struct fetch_request provider_request(const struct provider_options *options, size_t instance,
    enum provider_command command, const struct provider_session *session, struct arena *mem)
{
	uint64_t timeout_s = commands[command].timeout_s;

	if (timeout_s > options->timeout_s)
		timeout_s = options->timeout_s;
	return (struct fetch_request){
	    .method = commands[command].method,
	    .url = make_url(options, instance, command, session, mem),
	    .body = make_body(options, command, session, mem),
	    .api_key = options->api_key,
	    .once = commands[command].begins_session,
	    .timeout_ms = (int64_t)timeout_s * 1000,
	    .reply_max = REPLY_MAX,
	};
}

/* The member, at the top or in one of the objects in which the service has put it. */
static json_t *find_member(const json_t *answer, const char *name)
{
	json_t *member = json_object_get(answer, name);

	if (member == NULL)
		member = json_object_get(json_object_get(answer, "data"), name);
	return member != NULL ? member : json_object_get(json_object_get(answer, "session"), name);
}

static json_t *read_answer(const struct fetch_reply *reply)
{
	const char *fault;
	json_t *answer = NULL;

	return json_read(reply->body, &answer, &fault) == RC_OK ? answer : NULL;
}

/* A session that exists in name only does not stand against another try. */
static enum provider_verdict judge_status(const struct fetch_reply *reply)
{
	static const char *const dead[] = {
	    "disconnected", "failed", "error", "not_found", "closed", "destroyed"};
	json_t *answer = read_answer(reply);
	struct span word = json_text(find_member(answer, "status"));
	enum provider_verdict verdict = PROVIDER_DONE;

	for (size_t i = 0; i < sizeof(dead) / sizeof(dead[0]); i++)
		if (span_eq_nocase(word, span_of(dead[i])))
			verdict = PROVIDER_SEND;
	json_decref(answer);
	return verdict;
}

static enum provider_verdict judge_not_found(
    enum provider_command command, const struct fetch_reply *reply)
{
	switch (command) {
	case PROVIDER_STATUS:
		return PROVIDER_SEND;
	case PROVIDER_RECONNECT:
	case PROVIDER_REGENERATE_QR:
		return PROVIDER_CONNECT_INSTEAD;
	case PROVIDER_DISCONNECT:
		/* A page of HTML says that there is no such address, not that there is no session.
		 */
		return reply->is_html ? PROVIDER_SETTINGS : PROVIDER_DONE;
	default:
		return PROVIDER_SETTINGS;
	}
}

enum provider_verdict provider_judge(enum provider_command command, const struct fetch_reply *reply)
{
	switch (fetch_classify(reply)) {
	case FETCH_FINE:
		return command == PROVIDER_STATUS ? judge_status(reply) : PROVIDER_DONE;
	case FETCH_AWAY:
		/* Behind a gateway that gave up, it may be going on. */
		return reply->status == 502 || reply->status == 504 ? PROVIDER_IN_DOUBT
								    : PROVIDER_AWAY;
	case FETCH_AGAIN:
		return reply->end == FETCH_LOST ? PROVIDER_IN_DOUBT : PROVIDER_AGAIN;
	case FETCH_SETTINGS:
		return PROVIDER_SETTINGS;
	case FETCH_REFUSED:
		break;
	}
	if (reply->status == 404)
		return judge_not_found(command, reply);
	return PROVIDER_REFUSED;
}

bool provider_read_qr(const struct fetch_reply *reply, struct arena *mem, struct provider_qr *ret)
{
	json_t *answer = read_answer(reply);
	struct span code = json_text(find_member(answer, "qr_code"));
	bool found = code.len > 0 && code.len <= BOUND_QR_CODE;

	if (found) {
		ret->code = arena_copy(mem, code);
		if (!json_unsigned(find_member(answer, "expires_in"), &ret->expires_s) ||
		    ret->expires_s == 0 || ret->expires_s > BOUND_QR_EXPIRES_S)
			ret->expires_s = QR_EXPIRES_S;
	}
	json_decref(answer);
	return found;
}

static void mask(struct buf *text, struct span secret)
{
	char *at = text->ptr, *end = text->ptr + text->len;

	while (secret.len > 0 &&
	       (at = memmem(at, (size_t)(end - at), secret.ptr, secret.len)) != NULL) {
		memset(at, '*', secret.len);
		at += secret.len;
	}
}

/* As a JSON text may have it; some writers escape slashes. */
static void put_json_escaped(struct buf *b, struct span text, bool slashes)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (c == '"' || c == '\\' || (c == '/' && slashes))
			buf_putc(b, '\\');
		buf_putc(b, c);
	}
}

/*
 * The beginning of an answer without the API key: some servers repeat what
 * they were sent, body or URL.  What may be the beginning of a key that was cut
 * off is left out.
 */
static struct span without_key(struct span answer, struct span key, struct arena *mem)
{
	size_t most = key.len * 3;
	struct buf text = buf_in(mem, ANSWER_SHOWN + most);
	struct buf forms[] = {
	    buf_in(mem, most), buf_in(mem, most), buf_in(mem, most), buf_in(mem, most)};

	buf_put(&text,
	    answer.len > ANSWER_SHOWN + most ? span_from(answer.ptr, ANSWER_SHOWN + most) : answer);
	buf_put(&forms[0], key);
	percent_put(&forms[1], key);
	put_json_escaped(&forms[2], key, false);
	put_json_escaped(&forms[3], key, true);
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		mask(&text, buf_span(&forms[i]));
	return span_from(text.ptr, text.len > ANSWER_SHOWN ? ANSWER_SHOWN : text.len);
}

struct span provider_reason(const struct provider_options *options, const struct fetch_reply *reply,
    size_t max, struct arena *mem)
{
	struct fetch_reply shown = *reply;
	struct buf text = buf_in(mem, max + 64);

	if (options->api_key.len > 0 && reply->body.len > 0)
		shown.body = without_key(reply->body, options->api_key, mem);
	fetch_put_reason(&text, &shown, max);
	return text.failed ? SPAN_OF("failed") : buf_span(&text);
}
