/*
 * node_webhook: where the Node.js service of before reports everything, in words of
 * its own.  What is about an account becomes the same report as on the broadcast
 * route; all else is Laravel's, and nginx hands it on untouched.
 */
#include "api/api.h"
#include "handlers.h"
#include "legacy.h"
#include "reply.h"
#include "report.h"
#include "text/members.h"
#include "text/utf8.h"

/* Of a message, characters: what a service throws may bring its whole stack. */
enum { MESSAGE_MAX = 1000 };

/* A report of the webhook's on its way. */
struct webhook {
	struct call *call;
	const json_t *data;
	struct account_report report;
	struct faults faults;
};

/* A member's text, cut; a number as its digits.  Absent if it is neither. */
static struct span text_of(const struct webhook *w, const char *name, size_t max)
{
	const json_t *value = json_object_get(w->data, name);
	struct buf number = buf_in(w->call->mem, 24);

	if (json_is_string(value))
		return utf8_cut(span_trim(json_text(value)), max);
	if (!json_is_integer(value))
		return (struct span){0};
	buf_put_i64(&number, json_integer_value(value));
	return buf_span(&number);
}

/* These members become metadata, as far as they are there. */
static void keep(struct webhook *w, const char *const *names)
{
	struct members *metadata;
	bool any = false;

	if (members_read((struct span){0}, w->call->mem, &metadata) != RC_OK)
		return;
	for (; *names != NULL; names++) {
		struct span text = text_of(w, *names, MESSAGE_MAX);

		if (text.len == 0)
			continue;
		members_set_string(metadata, *names, text);
		any = true;
	}
	if (any)
		w->report.metadata = members_write(metadata);
}

static void take_qr(struct webhook *w)
{
	report_take_qr(w->data, &w->report, &w->faults);
}

static void take_authenticated(struct webhook *w)
{
	w->report.state = ACCOUNT_CONNECTED;
}

static void take_ready(struct webhook *w)
{
	static const char *const kept[] = {"platform", "extraction_method", NULL};

	w->report.state = ACCOUNT_CONNECTED;
	w->report.phone_number = text_of(w, "phone_number", BOUND_PHONE);
	keep(w, kept);
}

static void take_disconnected(struct webhook *w)
{
	w->report.state = ACCOUNT_DISCONNECTED;
	w->report.reason = text_of(w, "reason", BOUND_REASON);
	if (w->report.reason.len == 0)
		w->report.reason = SPAN_OF("Unknown");
}

static void take_error(struct webhook *w)
{
	static const char *const kept[] = {"error", "message", NULL};

	w->report.state = ACCOUNT_ERROR;
	keep(w, kept);
}

static const struct event {
	const char *name; /* as JSON */
	void (*take)(struct webhook *w);
} events[] = {
    {"\"qr_code_generated\"", take_qr},
    {"\"session_authenticated\"", take_authenticated},
    {"\"session_ready\"", take_ready},
    {"\"session_disconnected\"", take_disconnected},
    {"\"session_error\"", take_error},
};

/* NULL: none of ours.  Only the body's members are told apart: most of them are Laravel's, and
 * long. */
static const struct event *find_event(struct call *call, bool *ret_valid)
{
	struct members *body;
	struct span name;

	*ret_valid = members_read(call->request.body, call->mem, &body) == RC_OK;
	if (!*ret_valid)
		return NULL;
	name = members_get(body, SPAN_OF("event"));
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		if (span_is(name, events[i].name))
			return &events[i];
	return NULL;
}

static void process(struct webhook *w, const struct event *event)
{
	faults_init(&w->faults, w->call->mem);
	if (!report_is_missing(w->data) && !json_is_object(w->data)) {
		faults_add(&w->faults, "data", "field must be an object.");
		reply_faults(w->call, &w->faults);
		return;
	}
	w->report.account = report_take_account(w->data, w->call->mem, &w->faults);
	w->report.workspace_id = report_take_workspace_id(
	    json_object_get(w->data, "workspace_id"), "data.workspace_id", &w->faults);
	event->take(w);
	if (faults_any(&w->faults))
		reply_faults(w->call, &w->faults);
	else
		report_apply(w->call, &w->report, "{\"status\":\"processed\"}");
}

/* The signature was looked at; nginx sends the request, body and all, to its location @laravel. */
static void hand_over(struct call *call)
{
	(void)reply_begin(call, 200);
	http_response_header(&call->response, "X-Accel-Redirect", SPAN_OF("@laravel"));
}

void node_webhook(struct call *call)
{
	struct webhook w = {.call = call};
	bool is_valid;
	const struct event *event = find_event(call, &is_valid);
	json_t *body;

	if (is_valid && event == NULL) {
		hand_over(call);
		return;
	}
	if (!report_read_body(call, &body))
		return;
	if (event != NULL) {
		legacy_note(call, LEGACY_WEBHOOK);
		w.data = json_object_get(body, "data");
		process(&w, event);
	} else {
		reply_error(call, 400, "bad_request", "The request body cannot be read.");
	}
	json_decref(body);
}
