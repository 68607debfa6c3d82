/*
 * account_json: an account as JSON; each answer lists the members it has.
 */
#ifndef WA_API_ACCOUNT_JSON_H
#define WA_API_ACCOUNT_JSON_H

#include "account/account_rules.h"
#include "base/buf.h"
#include "http/call.h"

enum account_member {
	MEMBER_END, /* ends a list */
	MEMBER_ID,
	MEMBER_UUID,
	MEMBER_SESSION_ID,
	MEMBER_WORKSPACE_ID,
	MEMBER_PHONE_NUMBER,
	MEMBER_FORMATTED_PHONE_NUMBER,
	MEMBER_PROVIDER_TYPE,
	MEMBER_CONNECTION_STATUS,
	MEMBER_IS_PRIMARY,
	MEMBER_IS_ACTIVE,
	MEMBER_LAST_ACTIVITY_AT,
	MEMBER_HEALTH_SCORE,
	MEMBER_STATE_VERSION,
	MEMBER_STATUS, /* the old word for connection_status */
	MEMBER_ACCOUNT_NAME,
	MEMBER_LAST_CONNECTED_AT,
	MEMBER_CREATED_AT,
	MEMBER_QR_CODE, /* null once its time is over */
	MEMBER_QR_EXPIRES_AT,
	MEMBER_EXPIRES_IN_SECONDS,
	MEMBER_METADATA,
	MEMBER_COUNT,
};

/* The object with these members, in their order; `call` for its clock and memory. */
void account_json_put(struct buf *b, const struct account *account,
    const enum account_member *members, const struct call *call);

#endif
