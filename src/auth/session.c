#include "auth/session.h"

#include "base/num.h"
#include "text/json.h"
#include "text/members.h"
#include "text/php.h"

/* SHA-1 of Illuminate\Auth\SessionGuard: SessionGuard::getName(). */
static const char guard_suffix[] = "_59ba36addc2b2f9401580f014c7f58ea4e30989d";

void session_guards_read(struct span names, struct arena *mem, struct session_guards *ret)
{
	struct span name;

	ret->count = 0;
	while (ret->count < BOUND_GUARDS && span_cut(&names, ',', &name)) {
		struct buf key = buf_in(mem, name.len + 64);

		buf_puts(&key, "login_");
		buf_put(&key, name);
		buf_puts(&key, guard_suffix);
		ret->keys[ret->count++] = buf_span(&key);
	}
}

struct reading {
	const struct session_guards *guards;
	uint64_t user_ids[BOUND_GUARDS];
	uint64_t workspace_id;
	struct span token;
};

/* Ids are integers or, from a form, strings; what is neither is none. */
static uint64_t id_of(const struct php_value *value)
{
	uint64_t id = 0;

	if (value->type == PHP_INTEGER && value->i > 0)
		return (uint64_t)value->i;
	if (value->type == PHP_STRING && num_u64(value->s, &id) && id <= INT64_MAX)
		return id;
	return 0;
}

static void take(void *ctx, struct span key, const struct php_value *value)
{
	struct reading *r = ctx;

	for (size_t i = 0; i < r->guards->count; i++)
		if (span_eq(key, r->guards->keys[i]))
			r->user_ids[i] = id_of(value);
	if (span_is(key, "current_workspace"))
		r->workspace_id = id_of(value);
	else if (span_is(key, "_token"))
		r->token = value->type == PHP_STRING ? value->s : (struct span){0};
}

static void take_json(
    struct reading *r, const struct members *members, struct span key, struct arena *mem)
{
	struct span raw = members_get(members, key);
	struct php_value value = {.type = PHP_OTHER};

	if (raw.len > 0 && raw.ptr[0] == '"' && json_read_string(raw, mem, &value.s))
		value.type = PHP_STRING;
	else if (num_i64(raw, &value.i))
		value.type = PHP_INTEGER;
	take(r, key, &value);
}

/* Other members may hold what a strict reader refuses: only ours are read. */
static enum rc read_json(struct span text, struct arena *mem, struct reading *r)
{
	struct members *members;

	if (members_read(text, mem, &members) != RC_OK)
		return RC_INVALID;
	for (size_t i = 0; i < r->guards->count; i++)
		take_json(r, members, r->guards->keys[i], mem);
	take_json(r, members, SPAN_OF("current_workspace"), mem);
	take_json(r, members, SPAN_OF("_token"), mem);
	return RC_OK;
}

/* encrypt() serialises what it is given: a string around the session's own text. */
static enum rc open_text(const struct envelope *envelope, struct arena *mem, struct span *text)
{
	struct envelope_opened opened;

	if (envelope_open(envelope, *text, mem, &opened) != RC_OK)
		return RC_INVALID;
	return php_read_string(opened.plain, text);
}

enum rc session_read(struct span text, const struct envelope *envelope,
    const struct session_guards *guards, struct arena *mem, struct session *ret)
{
	struct reading r = {.guards = guards};
	enum rc rc = RC_OK;

	if (envelope != NULL)
		rc = open_text(envelope, mem, &text);
	if (rc == RC_OK)
		rc = span_starts(text, "{") || span_starts(text, "[")
			 ? read_json(text, mem, &r)
			 : php_read_array(text, take, &r);
	if (rc != RC_OK)
		return rc;
	ret->user_id = 0;
	for (size_t i = guards->count; i > 0; i--)
		if (r.user_ids[i - 1] != 0)
			ret->user_id = r.user_ids[i - 1];
	ret->workspace_id = r.workspace_id;
	ret->token = r.token;
	return RC_OK;
}
