/*
 * browser_api: what people who are logged in, and their scripts, ask for.
 *
 * The guard has let them in, and asked together with its last question what
 * the route needs: call->asked has the answer.
 */
#include "account/account_rules.h"
#include "account_json.h"
#include "api/api.h"
#include "handlers.h"
#include "inertia.h"
#include "input.h"
#include "legacy.h"
#include "reply.h"
#include "statistics/statistics.h"
#include "text/json.h"

#define PAGE_MEMBERS \
	MEMBER_ID, MEMBER_UUID, MEMBER_PHONE_NUMBER, MEMBER_ACCOUNT_NAME, MEMBER_PROVIDER_TYPE, \
	    MEMBER_CONNECTION_STATUS, MEMBER_IS_PRIMARY, MEMBER_IS_ACTIVE, \
	    MEMBER_FORMATTED_PHONE_NUMBER, MEMBER_HEALTH_SCORE, MEMBER_CREATED_AT, \
	    MEMBER_SESSION_ID, MEMBER_LAST_ACTIVITY_AT, MEMBER_LAST_CONNECTED_AT, \
	    MEMBER_STATE_VERSION
#define WHOLE_MEMBERS \
	MEMBER_QR_CODE, MEMBER_QR_EXPIRES_AT, MEMBER_EXPIRES_IN_SECONDS, MEMBER_METADATA

/* What one takes in a list, about: one allocation for all of them. */
enum { ACCOUNT_SIZE = 640 };

/* How much of an account an answer has; each without and with the old names. */
enum shape { OF_LIST, AFTER_PAIRING, WHOLE, SHAPES };

static const enum account_member shapes[SHAPES][2][MEMBER_COUNT] = {
    [OF_LIST] = {{PAGE_MEMBERS, MEMBER_END}, {PAGE_MEMBERS, MEMBER_STATUS, MEMBER_END}},
    [AFTER_PAIRING] = {{PAGE_MEMBERS, MEMBER_QR_CODE, MEMBER_END},
	{PAGE_MEMBERS, MEMBER_STATUS, MEMBER_QR_CODE, MEMBER_END}},
    [WHOLE] = {{PAGE_MEMBERS, WHOLE_MEMBERS, MEMBER_END},
	{PAGE_MEMBERS, MEMBER_STATUS, WHOLE_MEMBERS, MEMBER_END}},
};

static void put_account(
    struct call *call, struct buf *b, const struct account *account, enum shape shape)
{
	account_json_put(b, account, shapes[shape][call->api->legacy_aliases], call);
}

bool browser_ask_list(struct call *call, struct db_ask *ret)
{
	struct account_list *list = arena_alloc(call->mem, sizeof(*list));

	call->asked = list;
	account_ask_list(call->mem, call->caller.workspace_id, list, ret);
	return true;
}

static bool ask_one(struct call *call, bool whole, struct db_ask *ret)
{
	struct account_found *found = arena_alloc(call->mem, sizeof(*found));

	call->asked = found;
	return account_ask_one(call->account, call->caller.workspace_id, whole, found, ret);
}

bool browser_ask_account(struct call *call, struct db_ask *ret)
{
	return ask_one(call, false, ret);
}

bool browser_ask_whole(struct call *call, struct db_ask *ret)
{
	return ask_one(call, true, ret);
}

/* NULL: there is none, and that was answered. */
static const struct account *found_account(struct call *call)
{
	const struct account_found *found = call->asked;

	if (found->found)
		return &found->account;
	reply_rc(call, RC_NOT_FOUND);
	return NULL;
}

static void put_accounts(struct call *call, struct buf *b, struct account_list *list)
{
	account_list_sort(list);
	buf_reserve(b, (list->count + 1) * ACCOUNT_SIZE);
	json_put_key(b, "accounts");
	buf_putc(b, '[');
	for (size_t i = 0; i < list->count; i++) {
		if (i > 0)
			buf_putc(b, ',');
		put_account(call, b, &list->rows[i], OF_LIST);
	}
	buf_putc(b, ']');
}

void browser_index(struct call *call)
{
	struct account_list *list = call->asked;
	struct buf *b;

	if (inertia_sends_away(call))
		return;
	b = inertia_begin(call);
	if (inertia_wants(call, "accounts"))
		put_accounts(call, b, list);
	if (inertia_wants(call, "canAddAccount")) {
		json_put_key(b, "canAddAccount");
		json_put_bool(b, account_rules_may_add(list->connected, &call->api->limits));
	}
	if (inertia_wants(call, "modules")) {
		json_put_key(b, "modules");
		buf_puts(b, "[]");
	}
	if (inertia_wants(call, "workspaceId")) {
		json_put_key(b, "workspaceId");
		buf_put_u64(b, call->caller.workspace_id);
	}
	inertia_end(call, b);
}

void browser_show(struct call *call)
{
	const struct account *account = found_account(call);
	struct buf *b;

	if (account == NULL)
		return;
	b = reply_begin(call, 200);
	buf_puts(b, "{\"success\":true,\"data\":");
	put_account(call, b, account, WHOLE);
	buf_putc(b, '}');
}

static void reply_refusal(struct call *call, enum rc rc, enum account_refusal refusal)
{
	switch (refusal) {
	case ACCOUNT_PHONE_TAKEN:
		reply_error(
		    call, 409, "phone_taken", "Account with this phone number already exists");
		break;
	case ACCOUNT_NOT_WEBJS:
		reply_error(call, 422, "not_supported", "Not supported for this provider type");
		break;
	case ACCOUNT_IS_CONNECTED:
		reply_error(call, 409, "already_connected", "Account is already connected");
		break;
	case ACCOUNT_WORTH_KEEPING:
		slot_count(call->slot, METRIC_CLEANUP_REFUSED);
		reply_error(call, 409, "kept",
		    "This number has been connected before, or can be paired now: it is kept");
		break;
	case ACCOUNT_LIMIT_REACHED:
		reply_error(call, 403, "limit_reached",
		    "The workspace has reached its number of connected accounts");
		break;
	case ACCOUNT_LATE:
	case ACCOUNT_METADATA_FULL:
	case ACCOUNT_ACCEPTED:
		reply_rc(call, rc);
		break;
	}
}

static void reply_account(struct call *call, int status, const char *message,
    const struct account *account, enum shape shape)
{
	struct buf *b = reply_begin(call, status);

	buf_puts(b, "{\"success\":true,\"message\":");
	json_put_string(b, span_of(message));
	json_put_key(b, "data");
	put_account(call, b, account, shape);
	if (status == 201 && call->api->legacy_aliases) {
		json_put_key(b, "account");
		put_account(call, b, account, shape);
	}
	if (shape == AFTER_PAIRING) {
		json_put_key(b, "qr_code");
		buf_puts(b, "null");
		json_put_key(b, "session_id");
		json_put_string(b, account->session_id);
	}
	buf_putc(b, '}');
}

static void put_location(struct call *call, const struct account *account)
{
	struct buf location = buf_in(call->mem, 128);

	buf_puts(&location, "/settings/whatsapp-accounts/");
	buf_put(&location, account->uuid);
	http_response_header(&call->response, "Location", buf_span(&location));
}

void browser_store(struct call *call)
{
	const struct api *api = call->api;
	enum account_refusal refusal;
	struct account_new new;
	struct account account;
	struct faults faults;
	enum rc rc;

	if (!input_accept(call))
		return;
	faults_init(&faults, call->mem);
	account_rules_new(
	    &(struct account_input){
		.phone_number = input_field(call, "phone_number"),
		.account_name = input_field(call, "account_name"),
		.provider_type = input_field(call, "provider_type"),
		.is_primary = input_field(call, "is_primary"),
	    },
	    &api->limits, &faults, &new);
	if (faults_any(&faults)) {
		reply_faults(call, &faults);
		return;
	}
	new.workspace_id = call->caller.workspace_id;
	new.created_by = call->caller.user_id;
	rc = account_create(api->db, call->mem, &new, &api->limits, &account, &refusal);
	if (rc != RC_OK) {
		reply_refusal(call, rc, refusal);
		return;
	}
	reply_account(call, 201, "Account created successfully", &account, OF_LIST);
	put_location(call, &account);
}

/* False: it was answered otherwise. */
static bool act(struct call *call, enum account_action action, struct account *ret)
{
	const struct account *account = found_account(call);
	enum account_refusal refusal;
	enum rc rc;

	if (account == NULL || !input_accept(call))
		return false;
	rc = account_act(call->api->db, call->mem, account->uuid, call->caller.workspace_id, action,
	    &call->api->limits, ret, &refusal);
	if (rc != RC_OK)
		reply_refusal(call, rc, refusal);
	return rc == RC_OK;
}

void browser_set_primary(struct call *call)
{
	struct account after;

	if (act(call, ACCOUNT_SET_PRIMARY, &after))
		reply_account(call, 200, "Account set as primary successfully", &after, OF_LIST);
}

void browser_disconnect(struct call *call)
{
	struct account after;

	if (act(call, ACCOUNT_DISCONNECT, &after))
		reply_account(call, 200, "Account disconnected successfully", &after, OF_LIST);
}

/*
 * Today's page deletes what its dialog was about whenever that is closed, with
 * what axios accepts by itself; its Delete button asks for JSON.
 */
static bool is_clean_up(const struct call *call)
{
	return call->caller.session != NULL &&
	       span_is(call->request.params[PARAM_ACCEPT], "application/json, text/plain, */*");
}

void browser_destroy(struct call *call)
{
	bool cleans_up = is_clean_up(call);
	struct account after;

	if (cleans_up)
		legacy_note(call, LEGACY_CLEANUP_DELETE);
	if (act(call, cleans_up && call->api->guards_cleanup ? ACCOUNT_CLEAN_UP : ACCOUNT_DELETE,
		&after))
		buf_puts(reply_begin(call, 200),
		    "{\"success\":true,\"message\":\"Account deleted successfully\"}");
}

void browser_reconnect(struct call *call)
{
	struct account after;

	if (act(call, ACCOUNT_RECONNECT, &after))
		reply_account(call, 200, "Account reconnection initiated", &after, AFTER_PAIRING);
}

void browser_regenerate_qr(struct call *call)
{
	struct account after;

	if (act(call, ACCOUNT_REGENERATE_QR, &after))
		reply_account(call, 200, "QR code regeneration initiated", &after, AFTER_PAIRING);
}

static void put_health(struct buf *b, const struct account_health *health)
{
	json_put_key(b, "health_score");
	buf_put_i64(b, health->score);
	json_put_key(b, "health");
	buf_putf(b, "{\"not_connected\":%d,\"inactive\":%d,\"recent_failures\":%d}",
	    health->not_connected, health->inactive, health->recent_failures);
	json_put_key(b, "is_healthy");
	json_put_bool(b, health->is_healthy);
}

/* True if it is not known. */
static bool put_count(struct buf *b, const char *name, const struct statistics_count *count)
{
	json_put_key(b, name);
	if (count->known)
		buf_put_u64(b, count->n);
	else
		buf_puts(b, "null");
	return !count->known;
}

void browser_statistics(struct call *call)
{
	const struct account *account = found_account(call);
	struct account_health health;
	struct statistics counts;
	bool partial = false;
	struct buf *b;
	enum rc rc;

	if (account == NULL)
		return;
	rc = statistics_read(call->api->db, call->mem, account->id, &counts);
	if (rc != RC_OK) {
		reply_rc(call, rc);
		return;
	}
	health = account_rules_health(account, call->now_us);
	b = reply_begin(call, 200);
	buf_puts(b, "{\"success\":true,\"data\":{");
	put_health(b, &health);
	partial |= put_count(b, "messages_sent", &counts.messages_sent);
	partial |= put_count(b, "messages_received", &counts.messages_received);
	partial |= put_count(b, "chats_count", &counts.chats);
	partial |= put_count(b, "campaigns_sent", &counts.campaigns);
	partial |= put_count(b, "contacts_count", &counts.contacts);
	json_put_key(b, "last_activity_at");
	json_put_time(b, account->last_activity_at);
	json_put_key(b, "last_connected_at");
	json_put_time(b, account->last_connected_at);
	if (partial)
		buf_puts(b, ",\"partial\":true");
	buf_puts(b, "}}");
}
