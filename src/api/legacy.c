#include "legacy.h"

#include "api/api.h"
#include "base/now.h"
#include "reply.h"
#include "text/percent.h"

/* 2025-11-14, when sessions became accounts. */
#define DEPRECATED_SINCE "@1763078400"

/* A link stands in a header: what is longer is no path of ours, and its prefix has to do. */
enum { LINK_MAX = 1 * KIB };

static const struct succession {
	struct span old_prefix, new_prefix;
} successions[] = {
    {SPAN("/settings/whatsapp-sessions"), SPAN("/settings/whatsapp-accounts")},
    {SPAN("/api/whatsapp/sessions"), SPAN("/api/whatsapp/accounts")},
    {SPAN("/api/whatsapp/broadcast"), SPAN("/api/whatsapp/accounts/broadcast")},
};

static const char *const use_names[LEGACY_USES] = {
    [LEGACY_WEBHOOK] = "webhook",
    [LEGACY_API_KEY] = "api_key",
    [LEGACY_STATE_WORD] = "state_word",
    [LEGACY_SESSION_FIELD] = "session_field",
    [LEGACY_LOGIN_STATUS] = "login_status",
    [LEGACY_CLEANUP_DELETE] = "cleanup_delete",
};

_Static_assert(
    CALLERS_USES + LEGACY_USES <= CALLERS_PLACES, "base/callers.h has a place for each use");

void legacy_note(struct call *call, enum legacy_use use)
{
	call->legacy_uses |= 1U << use;
}

const char *legacy_use_name(enum legacy_use use)
{
	return use_names[use];
}

/* The prefix and nothing, or a slash, behind it. */
static bool is_below(struct span path, struct span prefix)
{
	return path.len >= prefix.len && memcmp(path.ptr, prefix.ptr, prefix.len) == 0 &&
	       (path.len == prefix.len || path.ptr[prefix.len] == '/');
}

void legacy_take(struct call *call)
{
	struct span path = call->request.path;

	for (size_t i = 0; i < sizeof(successions) / sizeof(successions[0]); i++) {
		const struct succession *s = &successions[i];
		struct buf successor;

		if (!is_below(path, s->old_prefix))
			continue;
		successor = buf_in(call->mem, s->new_prefix.len + path.len);
		buf_put(&successor, s->new_prefix);
		buf_put(&successor,
		    span_from(path.ptr + s->old_prefix.len, path.len - s->old_prefix.len));
		call->old_path = path;
		call->request.path = buf_span(&successor);
		return;
	}
}

bool legacy_is_gone(const struct call *call)
{
	return call->old_path.ptr != NULL && call->now_us >= call->api->legacy_until_us;
}

/* nginx has decoded it: it may hold anything. */
static void put_path(struct buf *b, struct span path)
{
	struct span segment;

	/* Before the first slash is nothing. */
	(void)span_cut(&path, '/', &segment);
	while (span_cut(&path, '/', &segment)) {
		buf_putc(b, '/');
		percent_put(b, segment);
	}
}

static struct span successor_of(const struct call *call)
{
	struct buf path = buf_in(call->mem, LINK_MAX);

	put_path(&path, call->request.path);
	if (!path.failed)
		return buf_span(&path);
	for (size_t i = 0; i < sizeof(successions) / sizeof(successions[0]); i++)
		if (is_below(call->request.path, successions[i].new_prefix))
			return successions[i].new_prefix;
	return SPAN_OF("/");
}

void legacy_reply_gone(struct call *call)
{
	struct buf message = buf_in(call->mem, LINK_MAX + 64);

	buf_puts(&message, "This address is no longer served; use ");
	buf_put(&message, successor_of(call));
	buf_putc(&message, '\0');
	reply_error(call, 410, "gone", message.ptr);
}

void legacy_put_headers(struct call *call)
{
	struct buf link, sunset;

	if (call->old_path.ptr == NULL)
		return;
	link = buf_in(call->mem, LINK_MAX + 64);
	buf_putc(&link, '<');
	buf_put(&link, successor_of(call));
	buf_puts(&link, ">; rel=\"successor-version\"");
	http_response_header(&call->response, "Link", buf_span(&link));
	if (legacy_is_gone(call))
		return;
	sunset = buf_in(call->mem, 64);
	now_put_http(&sunset, call->api->legacy_until_us);
	http_response_header(&call->response, "Deprecation", SPAN_OF(DEPRECATED_SINCE));
	http_response_header(&call->response, "Sunset", buf_span(&sunset));
}

void api_count_callers(const struct call *call, struct span caller)
{
	if (call->old_path.ptr != NULL)
		slot_count_caller(call->slot, caller, api_route_index(call), !call->is_let_in);
	for (size_t use = 0; use < LEGACY_USES; use++)
		if ((call->legacy_uses & 1U << use) != 0)
			slot_count_caller(call->slot, caller, CALLERS_USES + use, !call->is_let_in);
}

void api_put_caller(struct buf *b, const struct call *call)
{
	const struct caller *caller = &call->caller;

	struct span address = call->request.params[PARAM_REMOTE_ADDR];

	if (!call->is_let_in || call->caller.workspace_id == 0)
		buf_put(b, address.len > 0 ? address : SPAN_OF("unknown"));
	else if (caller->session != NULL)
		buf_putf(b, "user:%llu", (unsigned long long)caller->user_id);
	else if (caller->token_id != 0)
		buf_putf(b, "token:%llu", (unsigned long long)caller->token_id);
	else
		buf_putf(b, "workspace:%llu", (unsigned long long)caller->workspace_id);
}
