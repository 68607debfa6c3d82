#include "auth/guard.h"

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
	*reterr = (struct guard_refusal){401, signature_message(verdict)};
	return RC_DENIED;
}

static enum rc admit_local(struct call *call, struct guard_refusal *reterr)
{
	if (span_is(call->request.params[PARAM_LOCAL], "1"))
		return RC_OK;
	call->why = "not_local";
	*reterr = (struct guard_refusal){404, "Not found"};
	return RC_DENIED;
}

enum rc guard_admit(
    struct call *call, const struct signature *signature, struct guard_refusal *reterr)
{
	unsigned ways = call->route->ways;

	if ((ways & WAY_SIGNATURE) != 0)
		return admit_signature(call, signature, reterr);
	if ((ways & WAY_LOCAL) != 0)
		return admit_local(call, reterr);
	call->why = "no_way";
	*reterr = (struct guard_refusal){401, "Unauthenticated."};
	return RC_DENIED;
}
