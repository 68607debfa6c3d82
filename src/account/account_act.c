/*
 * account_act: what people do with accounts: transactions around the rules.
 */
#include "account_event.h"
#include "account_store.h"
#include "base/id.h"
#include "base/now.h"
#include "outbox/outbox.h"

struct acting {
	struct arena *mem;
	struct span uuid;
	uint64_t workspace_id;
	enum account_action action;
	const struct account_limits *limits;
	struct account_change change;
};

/* What an action needs to know or to touch beside its own account. */
static const struct {
	bool others;   /* the workspace's other accounts are touched */
	bool counts;   /* ... or counted */
	bool commands; /* whether one is open that would begin a session */
} needs[ACCOUNT_ACTIONS] = {
    [ACCOUNT_SET_PRIMARY] = {.others = true, .counts = true},
    [ACCOUNT_DISCONNECT] = {.commands = true},
    [ACCOUNT_DELETE] = {.others = true},
    [ACCOUNT_CLEAN_UP] = {.others = true},
    [ACCOUNT_RECONNECT] = {.counts = true},
    [ACCOUNT_RESTORE] = {.others = true, .counts = true},
};

static enum rc lock_acted(struct db *db, const struct acting *a, struct account *ret)
{
	enum rc rc = RC_OK;

	if (needs[a->action].others)
		rc = account_store_lock_workspace(db, a->mem, a->workspace_id);
	if (rc == RC_OK)
		rc = account_store_lock(db, a->mem, REF_UUID, a->uuid, (struct span){0}, ret);
	if (rc == RC_OK && (ret->workspace_id != a->workspace_id ||
			       (ret->deleted_at != TIME_NONE) != (a->action == ACCOUNT_RESTORE)))
		rc = RC_NOT_FOUND;
	return rc;
}

static enum rc look_around_acted(struct db *db, const struct acting *a,
    const struct account *before, struct account_surroundings *ret)
{
	enum rc rc = RC_OK;

	if (needs[a->action].counts)
		rc = account_store_surroundings(db, a->mem, before->workspace_id, before->id,
		    account_rules_phone_digits(before->phone_number, a->mem), ret);
	if (rc == RC_OK && needs[a->action].commands)
		rc = outbox_has_other_command(
		    db, a->mem, before->id, "disconnect", &ret->has_open_command);
	return rc;
}

/* The change's row, the others that it touches, its event and its command. */
static enum rc store(
    struct db *db, struct arena *mem, const struct account_change *change, int64_t now)
{
	const struct account *after = &change->after;
	enum rc rc = RC_OK;

	if (change->demotes)
		rc = account_store_demote(db, after->workspace_id, after->id, now);
	if (rc == RC_OK)
		rc = account_store_change(db, change, now);
	if (rc == RC_OK)
		rc = account_event_put(db, mem, change, NULL, now);
	return rc;
}

/*
 * The connected account that connected last, locked.  It may have been
 * disconnected while we waited for it: then look again.
 */
static enum rc lock_successor(
    struct db *db, struct arena *mem, uint64_t workspace_id, struct account *ret)
{
	for (;;) {
		struct buf ref = buf_in(mem, 24);
		uint64_t id;
		enum rc rc = account_store_successor(db, mem, workspace_id, &id);

		if (rc != RC_OK)
			return rc;
		buf_put_u64(&ref, id);
		rc = account_store_lock(db, mem, REF_ID, buf_span(&ref), (struct span){0}, ret);
		if (rc != RC_OK && rc != RC_NOT_FOUND)
			return rc;
		if (rc == RC_OK && ret->state == ACCOUNT_CONNECTED && ret->deleted_at == TIME_NONE)
			return RC_OK;
	}
}

/* After the primary account is gone. */
static enum rc promote(struct db *db, struct arena *mem, uint64_t workspace_id, int64_t now)
{
	static const struct account_surroundings alone;
	static const struct account_limits none;
	struct account_change change;
	struct account successor;
	enum rc rc = lock_successor(db, mem, workspace_id, &successor);

	if (rc != RC_OK)
		return rc == RC_NOT_FOUND ? RC_OK : rc;
	rc = account_rules_act(&successor, ACCOUNT_SET_PRIMARY, &alone, &none, now, &change);
	return rc == RC_OK && change.stores ? store(db, mem, &change, now) : rc;
}

/* The name under which the Node service knows a session; it splits it at '_'. */
static struct span new_session_id(
    struct arena *mem, struct span provider_type, uint64_t workspace_id, int64_t now)
{
	struct buf id = buf_in(mem, BOUND_SESSION_ID + 1);
	char end[8];

	id_alphanumeric(end, sizeof(end));
	buf_put(&id, provider_type);
	buf_putf(&id, "_%llu_%lld_", (unsigned long long)workspace_id, (long long)(now / US_PER_S));
	buf_put(&id, span_from(end, sizeof(end)));
	return buf_span(&id);
}

static enum rc act_body(struct db *db, void *ctx)
{
	struct acting *a = ctx;
	struct account before;
	struct account_surroundings around = {0};
	int64_t now = now_us();
	enum rc rc = lock_acted(db, a, &before);

	a->change.refusal = ACCOUNT_ACCEPTED;
	if (rc == RC_OK)
		rc = look_around_acted(db, a, &before, &around);
	if (rc == RC_OK)
		rc = account_rules_act(&before, a->action, &around, a->limits, now, &a->change);
	if (rc != RC_OK || !a->change.stores)
		return rc;
	/* An account that Laravel made has none yet. */
	if (a->change.command != NULL && before.session_id.ptr == NULL)
		a->change.after.session_id =
		    new_session_id(a->mem, before.provider_type, before.workspace_id, now);
	rc = store(db, a->mem, &a->change, now);
	if (rc == RC_OK && a->change.after.deleted_at != TIME_NONE && before.is_primary)
		rc = promote(db, a->mem, before.workspace_id, now);
	/* Somebody who does not take our lock was faster: look again. */
	return rc == RC_CONFLICT ? RC_RETRY : rc;
}

enum rc account_act(struct db *db, struct arena *mem, struct span uuid, uint64_t workspace_id,
    enum account_action action, const struct account_limits *limits, struct account *ret,
    enum account_refusal *reterr)
{
	struct acting a = {mem, uuid, workspace_id, action, limits, {.stores = false}};
	enum rc rc = db_transaction(db, act_body, &a);

	*reterr = a.change.refusal;
	if (rc == RC_OK)
		*ret = a.change.after;
	return rc;
}

struct creating {
	struct arena *mem;
	const struct account_new *new;
	const struct account_limits *limits;
	struct account_change change;
};

static struct account make_account(struct arena *mem, const struct account_new *new, int64_t now)
{
	char uuid[ID_UUID_SIZE];

	id_uuid(uuid);
	return (struct account){
	    .workspace_id = new->workspace_id,
	    .uuid = arena_copy(mem, span_of(uuid)),
	    .session_id = new_session_id(mem, new->provider_type, new->workspace_id, now),
	    .phone_number = new->phone_number,
	    .account_name = new->account_name,
	    .provider_type = new->provider_type,
	    .state = ACCOUNT_DISCONNECTED,
	    .is_primary = new->is_primary,
	    .last_activity_at = TIME_NONE,
	    .last_connected_at = TIME_NONE,
	    .created_at = now / US_PER_S *US_PER_S,
	    .state_version = new->is_primary ? 1 : 0,
	};
}

static enum rc refuse_new(struct creating *c, const struct account_surroundings *around)
{
	if (!account_rules_may_add(around->connected, c->limits) ||
	    around->live >= BOUND_WORKSPACE_ACCOUNTS) {
		c->change.refusal = ACCOUNT_LIMIT_REACHED;
		return RC_DENIED;
	}
	if (around->phone_is_taken) {
		c->change.refusal = ACCOUNT_PHONE_TAKEN;
		return RC_CONFLICT;
	}
	return RC_OK;
}

static enum rc insert(struct db *db, struct creating *c, int64_t now)
{
	struct account_change *change = &c->change;
	struct account *after = &change->after;
	enum rc rc = RC_OK;

	/* A primary account is told like one that is made primary; another one is no change yet. */
	change->tells = after->is_primary;
	change->word = "primary_changed";
	change->action = "set_primary";
	if (span_is(after->provider_type, "webjs"))
		change->command = "connect";
	if (after->is_primary)
		rc = account_store_demote(db, after->workspace_id, 0, now);
	if (rc == RC_OK)
		rc = account_store_insert(db, c->mem, after, c->new->created_by, now);
	if (rc == RC_OK)
		rc = account_event_put(db, c->mem, change, NULL, now);
	return rc == RC_CONFLICT ? RC_RETRY : rc;
}

static enum rc create_body(struct db *db, void *ctx)
{
	struct creating *c = ctx;
	struct account_surroundings around;
	int64_t now = now_us();
	enum rc rc;

	c->change = (struct account_change){.after = make_account(c->mem, c->new, now)};
	rc = account_store_lock_workspace(db, c->mem, c->new->workspace_id);
	if (rc == RC_OK)
		rc = account_store_surroundings(db, c->mem, c->new->workspace_id, 0,
		    account_rules_phone_digits(c->new->phone_number, c->mem), &around);
	if (rc == RC_OK)
		rc = refuse_new(c, &around);
	return rc == RC_OK ? insert(db, c, now) : rc;
}

enum rc account_create(struct db *db, struct arena *mem, const struct account_new *new,
    const struct account_limits *limits, struct account *ret, enum account_refusal *reterr)
{
	struct creating c = {.mem = mem, .new = new, .limits = limits};
	enum rc rc = db_transaction(db, create_body, &c);

	*reterr = c.change.refusal;
	if (rc == RC_OK)
		*ret = c.change.after;
	return rc;
}
