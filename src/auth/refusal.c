#include "auth/refusal.h"

#define UNKNOWN(why, metric) \
	{ \
		why, 401, "unauthenticated", "Unauthenticated.", METRIC_REFUSED_##metric \
	}
#define FORBIDDEN(why, metric) \
	{ \
		why, 403, "forbidden", "This action is unauthorized.", METRIC_REFUSED_##metric \
	}

// clang-format off
const struct refusal_info refusal_infos[REFUSALS] = {
	[REFUSED_NO_PROOF] = UNKNOWN("no_proof", NO_PROOF),
	[REFUSED_WRONG_WAY] = UNKNOWN("wrong_way", WRONG_WAY),
	[REFUSED_NO_KEY] = UNKNOWN("no_key", NO_KEY),
	[REFUSED_MALFORMED] = UNKNOWN("malformed", MALFORMED),
	[REFUSED_MAC] = UNKNOWN("mac", MAC),
	[REFUSED_PREFIX] = UNKNOWN("prefix", PREFIX),
	[REFUSED_SESSION_ID] = UNKNOWN("session_id", SESSION_ID),
	[REFUSED_NO_SESSION] = UNKNOWN("no_session", NO_SESSION),
	[REFUSED_NO_ACCESS] = UNKNOWN("no_access", NO_ACCESS),
	[REFUSED_EXPIRED] = UNKNOWN("expired", EXPIRED),
	[REFUSED_PAYLOAD] = UNKNOWN("payload", PAYLOAD),
	[REFUSED_GUEST] = UNKNOWN("guest", GUEST),
	[REFUSED_USER_GONE] = UNKNOWN("user_gone", USER_GONE),
	[REFUSED_BAD_TOKEN] = UNKNOWN("bad_token", BAD_TOKEN),
	[REFUSED_TOKEN_EXPIRED] = UNKNOWN("token_expired", TOKEN_EXPIRED),
	[REFUSED_WRONG_KEY] = {"wrong_key", 401, "unauthenticated", "Invalid API key", METRIC_REFUSED_WRONG_KEY},
	[REFUSED_NO_WORKSPACE] = FORBIDDEN("no_workspace", NO_WORKSPACE),
	[REFUSED_WORKSPACE_REQUIRED] = {"workspace_required", 403, "workspace_required",
		"Name one of your workspaces in the X-Workspace-Id header.", METRIC_REFUSED_WORKSPACE_REQUIRED},
	[REFUSED_WORKSPACE_GONE] = FORBIDDEN("workspace_gone", WORKSPACE_GONE),
	[REFUSED_NOT_MEMBER] = FORBIDDEN("not_member", NOT_MEMBER),
	[REFUSED_ROLE] = FORBIDDEN("role", ROLE),
	[REFUSED_SUSPENDED] = FORBIDDEN("suspended", SUSPENDED),
	[REFUSED_ABILITY] = FORBIDDEN("ability", ABILITY),
	[REFUSED_CSRF] = {"csrf_mismatch", 419, "csrf_mismatch", "CSRF token mismatch.", METRIC_REFUSED_CSRF},
};
// clang-format on
