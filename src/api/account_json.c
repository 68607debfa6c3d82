#include "account_json.h"

#include "base/now.h"
#include "text/json.h"

/* As they stand in the text. */
#define KEY(name) SPAN("\"" name "\":")

static const struct span keys[MEMBER_COUNT] = {
    [MEMBER_ID] = KEY("id"),
    [MEMBER_UUID] = KEY("uuid"),
    [MEMBER_SESSION_ID] = KEY("session_id"),
    [MEMBER_WORKSPACE_ID] = KEY("workspace_id"),
    [MEMBER_PHONE_NUMBER] = KEY("phone_number"),
    [MEMBER_FORMATTED_PHONE_NUMBER] = KEY("formatted_phone_number"),
    [MEMBER_PROVIDER_TYPE] = KEY("provider_type"),
    [MEMBER_CONNECTION_STATUS] = KEY("connection_status"),
    [MEMBER_IS_PRIMARY] = KEY("is_primary"),
    [MEMBER_IS_ACTIVE] = KEY("is_active"),
    [MEMBER_LAST_ACTIVITY_AT] = KEY("last_activity_at"),
    [MEMBER_HEALTH_SCORE] = KEY("health_score"),
    [MEMBER_STATE_VERSION] = KEY("state_version"),
    [MEMBER_STATUS] = KEY("status"),
    [MEMBER_ACCOUNT_NAME] = KEY("account_name"),
    [MEMBER_LAST_CONNECTED_AT] = KEY("last_connected_at"),
    [MEMBER_CREATED_AT] = KEY("created_at"),
    [MEMBER_QR_CODE] = KEY("qr_code"),
    [MEMBER_QR_EXPIRES_AT] = KEY("qr_expires_at"),
    [MEMBER_EXPIRES_IN_SECONDS] = KEY("expires_in_seconds"),
    [MEMBER_METADATA] = KEY("metadata"),
};

static void put_seconds_left(struct buf *b, const struct account *a, int64_t now_us)
{
	if (account_rules_shows_qr(a, now_us) && a->qr_expires_at != TIME_NONE)
		buf_put_i64(b, (a->qr_expires_at - now_us) / US_PER_S);
	else
		buf_puts(b, "null");
}

/* As it is stored; but what a reader of JSON would choke on is not put into an answer. */
static void put_metadata(struct buf *b, struct span metadata)
{
	if (metadata.ptr != NULL && json_is_valid(metadata))
		buf_put(b, metadata);
	else
		buf_puts(b, "null");
}

static void put_value(
    struct buf *b, const struct account *a, enum account_member member, const struct call *call)
{
	switch (member) {
	case MEMBER_ID:
		buf_put_u64(b, a->id);
		break;
	case MEMBER_UUID:
		json_put_string(b, a->uuid);
		break;
	case MEMBER_SESSION_ID:
		json_put_string(b, a->session_id);
		break;
	case MEMBER_WORKSPACE_ID:
		buf_put_u64(b, a->workspace_id);
		break;
	case MEMBER_PHONE_NUMBER:
		json_put_string(b, a->phone_number);
		break;
	case MEMBER_FORMATTED_PHONE_NUMBER:
		json_put_string(b, account_rules_formatted_phone(a->phone_number, call->mem));
		break;
	case MEMBER_PROVIDER_TYPE:
		json_put_string(b, a->provider_type);
		break;
	case MEMBER_CONNECTION_STATUS:
		json_put_string(b, span_of(account_rules_state_name(a->state)));
		break;
	case MEMBER_IS_PRIMARY:
		json_put_bool(b, a->is_primary);
		break;
	case MEMBER_IS_ACTIVE:
		json_put_bool(b, a->is_active);
		break;
	case MEMBER_LAST_ACTIVITY_AT:
		json_put_time(b, a->last_activity_at);
		break;
	case MEMBER_HEALTH_SCORE:
		buf_put_i64(b, account_rules_health(a, call->now_us).score);
		break;
	case MEMBER_STATE_VERSION:
		buf_put_u64(b, a->state_version);
		break;
	case MEMBER_STATUS:
		json_put_string(b,
		    span_of(call->caller.workspace_id != 0 ? account_rules_shown_legacy(a)
							   : account_rules_state_legacy(a->state)));
		break;
	case MEMBER_ACCOUNT_NAME:
		json_put_string(b, a->account_name);
		break;
	case MEMBER_LAST_CONNECTED_AT:
		json_put_time(b, a->last_connected_at);
		break;
	case MEMBER_CREATED_AT:
		json_put_time(b, a->created_at);
		break;
	case MEMBER_QR_CODE:
		json_put_string(
		    b, account_rules_shows_qr(a, call->now_us) ? a->qr_code : (struct span){0});
		break;
	case MEMBER_QR_EXPIRES_AT:
		json_put_time(b, a->qr_expires_at);
		break;
	case MEMBER_EXPIRES_IN_SECONDS:
		put_seconds_left(b, a, call->now_us);
		break;
	case MEMBER_METADATA:
		put_metadata(b, a->metadata);
		break;
	case MEMBER_END:
	case MEMBER_COUNT:
		break;
	}
}

void account_json_put(struct buf *b, const struct account *account,
    const enum account_member *members, const struct call *call)
{
	buf_putc(b, '{');
	for (size_t i = 0; members[i] != MEMBER_END; i++) {
		if (i > 0)
			buf_putc(b, ',');
		buf_put(b, keys[members[i]]);
		put_value(b, account, members[i], call);
	}
	buf_putc(b, '}');
}
