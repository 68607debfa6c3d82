#include "account_event.h"

#include "base/now.h"
#include "outbox/outbox.h"
#include "text/json.h"
#include "text/members.h"

/* How long each is worth delivering. */
enum { STATUS_LIFETIME_S = 24 * 3600, COMMAND_LIFETIME_S = 15 * 60 };

enum { PAYLOAD_MAX = 64 * KIB };

static void put_member_text(struct buf *b, const char *name, struct span text)
{
	json_put_key(b, name);
	json_put_string(b, text);
}

static void put_member_number(struct buf *b, const char *name, uint64_t number)
{
	json_put_key(b, name);
	buf_put_u64(b, number);
}

/* The account as the page has always known it: by session_id, else by uuid. */
static struct span public_id(const struct account *account)
{
	return account->session_id.ptr != NULL ? account->session_id : account->uuid;
}

/* Behind everything else; both kinds of event end so. */
static void put_end(struct buf *b, const struct account *after, int64_t now_us)
{
	put_member_text(b, "uuid", after->uuid);
	put_member_number(b, "state_version", after->state_version);
	json_put_key(b, "timestamp");
	json_put_time(b, now_us);
	buf_putc(b, '}');
}

/* What a report brought; over it, what every page may rely on. */
static enum rc metadata_of(const struct account_change *change, struct span reported,
    int64_t now_us, struct arena *mem, struct span *ret)
{
	const struct account *after = &change->after;
	struct members *members;
	struct buf number = buf_in(mem, 24), when = buf_in(mem, NOW_TEXT_SIZE),
		   phone = buf_in(mem, 6 * BOUND_METADATA),
		   formatted = buf_in(mem, 6 * BOUND_METADATA);

	if (members_read(reported, mem, &members) != RC_OK)
		return RC_INTERNAL;
	buf_put_u64(&number, after->id);
	now_put_iso(&when, now_us);
	json_put_string(&phone, after->phone_number);
	json_put_string(&formatted, account_rules_formatted_phone(after->phone_number, mem));
	members_set(members, SPAN_OF("id"), buf_span(&number));
	members_set_string(members, "uuid", after->uuid);
	members_set(members, SPAN_OF("phone_number"), buf_span(&phone));
	members_set(members, SPAN_OF("formatted_phone_number"), buf_span(&formatted));
	members_set(
	    members, SPAN_OF("is_primary"), after->is_primary ? SPAN_OF("true") : SPAN_OF("false"));
	members_set_string(members, "timestamp", buf_span(&when));
	if (change->action != NULL)
		members_set_string(members, "action", span_of(change->action));
	*ret = members_write(members);
	return RC_OK;
}

static enum rc put_status(struct db *db, struct arena *mem, const struct account_change *change,
    struct span reported, int64_t now_us)
{
	const struct account *after = &change->after;
	const char *word =
	    change->word != NULL ? change->word : account_rules_state_legacy(after->state);
	struct buf payload = buf_in(mem, PAYLOAD_MAX);
	struct span metadata;
	enum rc rc = metadata_of(change, reported, now_us, mem, &metadata);

	if (rc != RC_OK)
		return rc;
	buf_putc(&payload, '{');
	put_member_text(&payload, "account_id", public_id(after));
	put_member_text(&payload, "status", span_of(word));
	put_member_text(
	    &payload, "connection_status", span_of(account_rules_state_name(after->state)));
	put_member_number(&payload, "workspace_id", after->workspace_id);
	put_member_text(&payload, "phone_number", after->phone_number);
	json_put_key(&payload, "metadata");
	buf_put(&payload, metadata);
	put_end(&payload, after, now_us);
	if (payload.failed)
		return RC_INTERNAL;
	return outbox_put_event(
	    db, &(struct outbox_row){after->id, after->workspace_id, after->state_version,
		    "account-status-changed", buf_span(&payload), STATUS_LIFETIME_S});
}

/* Without the code: whoever sends it reads it from the account. */
static enum rc put_qr(struct db *db, struct arena *mem, const struct account *after,
    const struct account_report *report, int64_t now_us)
{
	struct buf payload = buf_in(mem, PAYLOAD_MAX);

	buf_putc(&payload, '{');
	put_member_number(&payload, "expires_in_seconds", report->qr_expires_s);
	put_member_number(&payload, "workspace_id", after->workspace_id);
	put_member_text(&payload, "account_id", public_id(after));
	put_end(&payload, after, now_us);
	if (payload.failed)
		return RC_INTERNAL;
	return outbox_put_event(
	    db, &(struct outbox_row){after->id, after->workspace_id, after->state_version,
		    "qr-code-generated", buf_span(&payload), report->qr_expires_s});
}

static enum rc put_command(
    struct db *db, struct arena *mem, const struct account *after, const char *name)
{
	struct buf payload = buf_in(mem, PAYLOAD_MAX);

	buf_putc(&payload, '{');
	put_member_number(&payload, "workspace_id", after->workspace_id);
	put_member_number(&payload, "account_id", after->id);
	put_member_text(&payload, "session_id", after->session_id);
	buf_putc(&payload, '}');
	if (payload.failed)
		return RC_INTERNAL;
	return outbox_put_command(
	    db, &(struct outbox_row){after->id, after->workspace_id, after->state_version, name,
		    buf_span(&payload), COMMAND_LIFETIME_S});
}

static bool shows_new_qr(const struct account_change *change, const struct account_report *report)
{
	return report != NULL && report->qr_code.ptr != NULL && change->refusal == ACCOUNT_ACCEPTED;
}

enum rc account_event_put(struct db *db, struct arena *mem, const struct account_change *change,
    const struct account_report *report, int64_t now_us)
{
	struct span reported = report != NULL ? report->metadata : (struct span){0};
	enum rc rc = RC_OK;

	if (change->tells)
		rc = shows_new_qr(change, report) ? put_qr(db, mem, &change->after, report, now_us)
						  : put_status(db, mem, change, reported, now_us);
	if (rc == RC_OK && change->command != NULL)
		rc = put_command(db, mem, &change->after, change->command);
	return rc;
}
