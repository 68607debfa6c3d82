#include "auth/guard.h"

#include "base/num.h"
#include "crypto/digest.h"

static enum rc deny(struct call *call, enum refusal refusal, struct guard_refusal *reterr)
{
	const struct refusal_info *info = &refusal_infos[refusal];

	slot_count(call->slot, info->metric);
	call->why = info->why;
	*reterr = (struct guard_refusal){info->status, info->code, info->message};
	return RC_DENIED;
}

static enum rc admit_signature(
    struct call *call, const struct signature *signature, struct guard_refusal *reterr)
{
	const struct http_request *request = &call->request;
	enum signature_verdict verdict =
	    signature_check(signature, request->params[PARAM_X_TIMESTAMP],
		request->params[PARAM_X_HMAC_SIGNATURE], request->body, call->now_us);

	slot_count(call->slot, signature_metric(verdict));
	if (verdict == SIGNATURE_OK_CURRENT || verdict == SIGNATURE_OK_PREVIOUS)
		return RC_OK;
	call->why = signature_why(verdict);
	*reterr = (struct guard_refusal){401, "unauthenticated", signature_message(verdict)};
	return RC_DENIED;
}

/* Beside a signature it must be right too. */
static enum rc admit_api_key(
    struct call *call, const struct guard *guard, struct guard_refusal *reterr)
{
	if (digest_equal(guard->api_key, call->request.params[PARAM_X_API_KEY]))
		return RC_OK;
	return deny(call, REFUSED_WRONG_KEY, reterr);
}

static enum rc admit_local(struct call *call, struct guard_refusal *reterr)
{
	if (span_is(call->request.params[PARAM_LOCAL], "1"))
		return RC_OK;
	call->why = "not_local";
	*reterr = (struct guard_refusal){404, "not_found", "Not found"};
	return RC_DENIED;
}

static bool is_write(const struct call *call)
{
	enum http_method method = call->request.method;

	return method != HTTP_GET && method != HTTP_HEAD && method != HTTP_OPTIONS &&
	       (call->route->flags & ROUTE_READS) == 0;
}

/* Somebody whose proof is good, and who may still not be allowed. */
struct candidate {
	struct caller caller;
	enum refusal without_workspace; /* why, when workspace_id is 0 */
	bool named_workspace;           /* it was the request that named it */
};

static bool shows_token(struct call *call, const struct guard *guard, guard_token_fn *body_token)
{
	const struct http_request *request = &call->request;

	return login_shows_token(guard->login, call->mem, call->caller.session, body_token(call),
	    request->params[PARAM_X_CSRF_TOKEN], request->params[PARAM_X_XSRF_TOKEN]);
}

enum refusal guard_judge(
    const struct standing *standing, uint64_t workspace_id, enum refusal without_workspace)
{
	static const enum refusal by_membership[] = {
	    [MEMBERSHIP_NONE] = REFUSED_NOT_MEMBER,
	    [MEMBERSHIP_OTHER_ROLE] = REFUSED_ROLE,
	    [MEMBERSHIP_SUSPENDED] = REFUSED_SUSPENDED,
	    [MEMBERSHIP_FULL] = REFUSED_NOT,
	};

	if (!standing->has_user)
		return REFUSED_USER_GONE;
	if (workspace_id == 0)
		return without_workspace;
	return standing->has_workspace ? by_membership[standing->membership]
				       : REFUSED_WORKSPACE_GONE;
}

/* What the route wants to know of the workspace; false if that is nothing. */
static bool asks_more(struct call *call, struct db_ask *ret)
{
	return call->route->ask != NULL && call->caller.workspace_id != 0 &&
	       call->route->ask(call, ret);
}

/* `n` questions in one round trip; where there is no table of teams, the first one again. */
static void ask(struct db *db, struct arena *mem, struct standing_question *question,
    struct db_ask *asks, size_t n)
{
	standing_ask(question, &asks[0]);
	if (db_ask_all(db, asks, n, mem) == RC_OK || asks[0].rc != RC_NOT_FOUND)
		return;
	standing_ask_alone(question, &asks[0]);
	asks[0].rc = db_ask_all(db, asks, 1, mem);
}

/*
 * How they stand to the workspace, and in the same round trip what the route
 * wants to know; the latter later, and only for members, where the request
 * itself has named the workspace.
 */
static enum rc admit_candidate(struct call *call, const struct guard *guard, struct db *db,
    const struct candidate *candidate, guard_token_fn *body_token, struct guard_refusal *reterr)
{
	struct standing_question question = {
	    .roles = guard->roles,
	    .trusted = guard->trusts_sessions && candidate->caller.session != NULL,
	    .user_id = candidate->caller.user_id,
	    .workspace_id = candidate->caller.workspace_id,
	};
	struct db_ask asks[2];
	enum refusal refusal;
	bool together;

	call->caller = candidate->caller;
	together = !candidate->named_workspace && asks_more(call, &asks[1]);
	ask(db, call->mem, &question, asks, together ? 2 : 1);
	if (asks[0].rc != RC_OK)
		return asks[0].rc;
	refusal =
	    guard_judge(&question.answer, call->caller.workspace_id, candidate->without_workspace);
	/* Who somebody is comes first, then their token, then what they may do. */
	if (refusal != REFUSED_USER_GONE && call->caller.session != NULL && is_write(call) &&
	    !shows_token(call, guard, body_token))
		refusal = REFUSED_CSRF;
	if (refusal != REFUSED_NOT)
		return deny(call, refusal, reterr);
	if (together)
		return asks[1].rc;
	return asks_more(call, &asks[1]) ? db_ask_all(db, &asks[1], 1, call->mem) : RC_OK;
}

static enum rc admit_login(struct call *call, const struct guard *guard, struct db *db,
    guard_token_fn *body_token, struct guard_refusal *reterr)
{
	struct session *session = arena_alloc(call->mem, sizeof(*session));
	struct candidate candidate = {.without_workspace = REFUSED_NO_WORKSPACE};
	enum refusal refusal;
	enum rc rc = login_open(guard->login, db, call->mem, call->request.params[PARAM_COOKIE],
	    call->now_us, session, &refusal);

	if (rc == RC_DENIED)
		return deny(call, refusal, reterr);
	/* A file that somebody has locked, or no descriptor for it: the database has no part in it.
	 */
	if (rc == RC_RETRY && db_last_error(db)[0] == '\0')
		call->why = "session_busy";
	if (rc != RC_OK)
		return rc;
	candidate.caller = (struct caller){
	    .user_id = session->user_id, .workspace_id = session->workspace_id, .session = session};
	rc = admit_candidate(call, guard, db, &candidate, body_token, reterr);
	if (rc == RC_OK && login_touch(guard->login, db, call->mem, session, call->now_us) != RC_OK)
		slot_count(call->slot, METRIC_SESSION_TOUCH_FAILED);
	return rc;
}

/* The workspace that the request names, else the token's, else the only one there is. */
static enum rc choose_workspace(struct call *call, const struct guard *guard, struct db *db,
    const struct bearer_holder *holder, struct candidate *candidate)
{
	struct span named = call->request.params[PARAM_X_WORKSPACE_ID];
	uint64_t *id = &candidate->caller.workspace_id;
	enum rc rc = RC_OK;

	if (named.ptr != NULL) {
		bool valid = num_u64(span_trim(named), id) && *id <= INT64_MAX;

		candidate->named_workspace = true;
		candidate->without_workspace = REFUSED_NOT_MEMBER;
		if (!valid || (holder->workspace_id != 0 && *id != holder->workspace_id))
			*id = 0;
	} else if (holder->workspace_id != 0) {
		*id = holder->workspace_id;
	} else {
		rc = standing_only_workspace(guard->roles, db, call->mem, holder->user_id, id);
		candidate->without_workspace =
		    rc == RC_CONFLICT ? REFUSED_WORKSPACE_REQUIRED : REFUSED_NO_WORKSPACE;
	}
	return rc == RC_CONFLICT || rc == RC_NOT_FOUND ? RC_OK : rc;
}

static enum rc admit_token(struct call *call, const struct guard *guard, struct db *db,
    struct span token, struct guard_refusal *reterr)
{
	struct bearer_holder holder;
	struct candidate candidate = {0};
	enum refusal refusal;
	enum rc rc =
	    bearer_open(&guard->bearer, db, call->mem, token, call->now_us, &holder, &refusal);

	if (rc == RC_DENIED)
		return deny(call, refusal, reterr);
	if (rc == RC_OK)
		rc = choose_workspace(call, guard, db, &holder, &candidate);
	if (rc != RC_OK)
		return rc;
	candidate.caller.user_id = holder.user_id;
	candidate.caller.token_id = holder.token_id;
	return admit_candidate(call, guard, db, &candidate, NULL, reterr);
}

/* Something by which one of the route's other ways could let it in. */
static bool shows_other(const struct call *call, struct span token)
{
	unsigned ways = call->route->ways;

	return ((ways & WAY_LOGIN) != 0 && call->request.params[PARAM_COOKIE].ptr != NULL) ||
	       ((ways & (WAY_LOGIN | WAY_TOKEN)) != 0 && token.ptr != NULL);
}

enum rc guard_admit(struct call *call, const struct guard *guard, struct db *db,
    guard_token_fn *body_token, struct guard_refusal *reterr)
{
	const struct span *params = call->request.params;
	unsigned ways = call->route->ways;
	bool is_signed =
	    params[PARAM_X_TIMESTAMP].ptr != NULL || params[PARAM_X_HMAC_SIGNATURE].ptr != NULL;
	struct span token = bearer_token(params[PARAM_AUTHORIZATION]);

	if ((ways & WAY_LOCAL) != 0)
		return admit_local(call, reterr);
	if ((ways & WAY_API_KEY) != 0 && guard->api_key.len > 0 &&
	    params[PARAM_X_API_KEY].ptr != NULL) {
		enum rc rc = admit_api_key(call, guard, reterr);

		call->is_by_api_key = rc == RC_OK && !is_signed;
		if (rc != RC_OK || !is_signed)
			return rc;
	}
	if ((ways & WAY_SIGNATURE) != 0 && (is_signed || !shows_other(call, token)))
		return admit_signature(call, guard->signature, reterr);
	if (is_signed)
		return deny(call, REFUSED_WRONG_WAY, reterr);
	if (token.ptr != NULL && (ways & WAY_TOKEN) != 0)
		return admit_token(call, guard, db, token, reterr);
	if (token.ptr == NULL && (ways & WAY_LOGIN) != 0)
		return admit_login(call, guard, db, body_token, reterr);
	return deny(call, token.ptr != NULL ? REFUSED_WRONG_WAY : REFUSED_NO_PROOF, reterr);
}
