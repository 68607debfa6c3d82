/*
 * node_active: the list of active accounts, of any length.
 *
 * Read in pages by id, on one view of the data, and written as it is read:
 * memory stays that of a page.  A list that fits into one piece is answered
 * whole; a longer one is streamed, and its last brace says that it is
 * complete.
 */
#include "account_json.h"
#include "api/api.h"
#include "base/bounds.h"
#include "base/now.h"
#include "handlers.h"
#include "input.h"
#include "provider/provider.h"
#include "reply.h"
#include "text/faults.h"
#include "text/form.h"
#include "text/json.h"

enum { WHOLE_MAX = 256 * KIB }; /* of an answer that is not streamed */

enum { ALL_INSTANCES = BOUND_INSTANCES };

struct listing {
	struct call *call;
	struct arena *page; /* one page's rows; reset after each */
	struct account_filter filter;
	uint64_t after;
	uint64_t limit;  /* 0: all */
	size_t instance; /* only what is this one's; ALL_INSTANCES */

	/* one walk through the list */
	bool old_names; /* webjs only, each with `status` */
	bool first;
	uint64_t read; /* rows of this walk */
	uint64_t seen; /* of these, those that are listed, written or not */
	uint64_t last_id;
	bool more; /* there is a row behind the limit */

	bool client_gone;
};

#define ACTIVE_MEMBERS \
	MEMBER_ID, MEMBER_UUID, MEMBER_SESSION_ID, MEMBER_WORKSPACE_ID, MEMBER_PHONE_NUMBER, \
	    MEMBER_CONNECTION_STATUS, MEMBER_PROVIDER_TYPE

static const enum account_member members[] = {ACTIVE_MEMBERS, MEMBER_END};
static const enum account_member old_members[] = {ACTIVE_MEMBERS, MEMBER_STATUS, MEMBER_END};

/* Where its commands go is where its session is. */
static bool is_listed(const struct listing *l, const struct account *account)
{
	bool ignored;

	return l->instance == ALL_INSTANCES ||
	       l->instance == provider_route(l->call->api->provider, account->assigned_url,
				  account->workspace_id, &ignored);
}

static enum rc put_row(void *ctx, const struct account *account)
{
	struct listing *l = ctx;
	struct buf *b = &l->call->response.body;

	l->read++;
	l->more = l->more || (l->limit != 0 && l->seen == l->limit && is_listed(l, account));
	if (l->more)
		return RC_OK;
	l->last_id = account->id;
	if (!is_listed(l, account))
		return RC_OK;
	l->seen++;
	if (l->old_names && !span_is(account->provider_type, "webjs"))
		return RC_OK;
	if (!l->first)
		buf_putc(b, ',');
	l->first = false;
	account_json_put(b, account, l->old_names ? old_members : members, l->call);
	return RC_OK;
}

/* Send what has been built, once it is too much to be kept. */
static enum rc flush(struct listing *l, size_t keep)
{
	struct http_response *response = &l->call->response;
	enum rc rc;

	if (response->body.len <= keep)
		return RC_OK;
	if (!response->streamed)
		fcgi_stream_begin(l->call->fcgi, response);
	response->streamed = true;
	rc = fcgi_stream(l->call->fcgi, buf_span(&response->body));
	buf_clear(&response->body);
	l->client_gone = rc != RC_OK;
	return rc;
}

/* One walk: every row up to the limit, and one more to see whether there is one. */
static enum rc walk(struct db *db, struct listing *l, bool old_names)
{
	const struct api *api = l->call->api;
	uint64_t before, ask;
	enum rc rc = RC_OK;

	l->old_names = old_names;
	l->first = true;
	l->read = 0;
	l->seen = 0;
	l->last_id = l->after;
	l->more = false;
	do {
		before = l->read;
		ask = BOUND_STREAM_PAGE;
		if (l->instance == ALL_INSTANCES && l->limit != 0 && l->limit + 1 - l->seen < ask)
			ask = l->limit + 1 - l->seen;
		/* Each page has its own time, and the watchdog sees that we are alive. */
		db_begin_work(db, now_monotonic_ms() + api->node_timeout_ms);
		slot_busy(l->call->slot, api_route_index(l->call));
		rc = account_each_active(db, l->page, &l->filter, l->last_id, ask, put_row, l);
		arena_reset(l->page);
		if (rc == RC_OK)
			rc = flush(l, WHOLE_MAX);
	} while (rc == RC_OK && !l->more && l->read - before == ask);
	return rc;
}

static enum rc list_body(struct db *db, void *ctx)
{
	struct listing *l = ctx;
	struct buf *b = reply_begin(l->call, 200);
	enum rc rc;

	buf_puts(b, "{\"success\":true,\"accounts\":[");
	rc = walk(db, l, false);
	if (rc != RC_OK)
		return rc;
	buf_puts(b, "],\"count\":");
	buf_put_u64(b, l->seen);
	buf_puts(b, ",\"next\":");
	if (l->more)
		buf_put_u64(b, l->last_id);
	else
		buf_puts(b, "null");
	if (l->call->api->legacy_aliases) {
		buf_puts(b, ",\"sessions\":[");
		rc = walk(db, l, true);
		buf_putc(b, ']');
	}
	buf_putc(b, '}');
	/* The last page may have waited for a slow reader; the COMMIT has its own time. */
	db_begin_work(db, now_monotonic_ms() + l->call->api->node_timeout_ms);
	return rc;
}

static void take_filter(struct call *call, struct listing *l, struct faults *faults)
{
	struct span provider;

	if (form_field(call->request.query, "provider_type", call->mem, &provider) &&
	    provider.len > 0) {
		if (!span_is(provider, "webjs") && !span_is(provider, "meta"))
			faults_add_selected(faults, "provider_type");
		l->filter.provider_type = provider;
	}
	input_query_number(call, "workspace_id", 1, faults, &l->filter.workspace_id);
	input_query_number(call, "after", 0, faults, &l->after);
	input_query_number(call, "limit", 1, faults, &l->limit);
}

/*
 * A service that names itself is told of its own sessions only.  The header is not
 * signed: it narrows what is listed, and nothing else.
 */
static size_t asking_instance(const struct call *call)
{
	const struct provider_options *provider = call->api->provider;
	struct span url = call->request.params[PARAM_X_INSTANCE_URL];

	while (url.len > 0 && url.ptr[url.len - 1] == '/')
		url.len--;
	for (size_t i = 0; i < provider->instance_count; i++)
		if (span_eq(url, provider->instances[i]))
			return i;
	return ALL_INSTANCES;
}

void node_active(struct call *call)
{
	struct listing listing = {.call = call, .instance = asking_instance(call)};
	struct faults faults;
	enum rc rc;

	faults_init(&faults, call->mem);
	take_filter(call, &listing, &faults);
	if (faults_any(&faults)) {
		reply_faults(call, &faults);
		return;
	}
	listing.page = arena_create(256 * KIB);
	rc = db_snapshot(call->api->db, list_body, &listing);
	if (call->response.streamed) {
		if (rc == RC_OK)
			rc = flush(&listing, 0);
		if (rc != RC_OK) {
			call->why = listing.client_gone ? "client_gone" : "stream_cut";
			fcgi_abort(call->fcgi);
		}
	} else if (rc != RC_OK) {
		reply_rc(call, rc);
	}
	arena_free(listing.page);
}
