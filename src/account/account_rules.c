#include "account/account_rules.h"

#include "base/now.h"
#include "base/num.h"

static const int64_t inactive_after_us = 3600 * US_PER_S;

static const struct {
	const char *word;
	enum account_state state;
} words[] = {
    {"connecting", ACCOUNT_CONNECTING},
    {"connected", ACCOUNT_CONNECTED},
    {"disconnected", ACCOUNT_DISCONNECTED},
    {"error", ACCOUNT_ERROR},
    {"qr_scanning", ACCOUNT_CONNECTING},
    {"qr_generated", ACCOUNT_CONNECTING},
    {"initializing", ACCOUNT_CONNECTING},
    {"authenticated", ACCOUNT_CONNECTED},
    {"ready", ACCOUNT_CONNECTED},
    {"failed", ACCOUNT_ERROR},
};

const char *account_rules_state_name(enum account_state state)
{
	return words[state].word;
}

const char *account_rules_shown_legacy(const struct account *account)
{
	if (account->last_connected_at != TIME_NONE && account->state != ACCOUNT_CONNECTED)
		return account_rules_state_name(ACCOUNT_DISCONNECTED);
	return account_rules_state_legacy(account->state);
}

const char *account_rules_state_legacy(enum account_state state)
{
	switch (state) {
	case ACCOUNT_CONNECTING:
		return "qr_scanning";
	case ACCOUNT_ERROR:
		return "failed";
	default:
		return account_rules_state_name(state);
	}
}

bool account_rules_state_of(struct span word, enum account_state *ret)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!span_is(word, words[i].word))
			continue;
		*ret = words[i].state;
		return true;
	}
	return false;
}

bool account_rules_is_phone(struct span phone)
{
	size_t digits = 0;

	for (size_t i = 0; i < phone.len; i++) {
		char c = phone.ptr[i];

		if (num_is_digit(c))
			digits++;
		else if (c == '\0' || strchr(" +-().", c) == NULL)
			return false;
	}
	return digits >= BOUND_PHONE_DIGITS_MIN && digits <= BOUND_PHONE_DIGITS_MAX &&
	       phone.len <= BOUND_PHONE;
}

struct span account_rules_phone_digits(struct span phone, struct arena *mem)
{
	char *digits = arena_bytes(mem, phone.len + 1);
	size_t len = 0;

	for (size_t i = 0; i < phone.len; i++)
		if (num_is_digit(phone.ptr[i]))
			digits[len++] = phone.ptr[i];
	digits[len] = '\0';
	return span_from(digits, len);
}

/*
 * As the application's model does: preg_replace('/[^\d+]/'), then '+' and
 * ltrim.  "0" is nothing to PHP.
 */
struct span account_rules_formatted_phone(struct span phone_number, struct arena *mem)
{
	char *text;
	size_t len = 1, plus = 1;

	if (phone_number.len == 0 || span_is(phone_number, "0"))
		return (struct span){0};
	text = arena_bytes(mem, phone_number.len + 2);
	text[0] = '+';
	for (size_t i = 0; i < phone_number.len; i++)
		if (num_is_digit(phone_number.ptr[i]) || phone_number.ptr[i] == '+')
			text[len++] = phone_number.ptr[i];
	text[len] = '\0';
	if (len - 1 < 10)
		return span_from(text + 1, len - 1);
	while (plus < len && text[plus] == '+')
		plus++;
	text[plus - 1] = '+';
	return span_from(text + plus - 1, len - plus + 1);
}

struct account_health account_rules_health(const struct account *account, int64_t now_us)
{
	struct account_health health = {0};
	double failures = account->recent_failures * 10;
	double score;

	if (account->state != ACCOUNT_CONNECTED)
		health.not_connected = 50;
	if (account->last_activity_at != TIME_NONE &&
	    account->last_activity_at < now_us - inactive_after_us)
		health.inactive = 20;
	if (failures < 0)
		failures = 0;
	failures = failures < 30 ? failures : 30;
	score = 100 - health.not_connected - health.inactive - failures;
	health.score = score > 0 ? (int)score : 0;
	health.recent_failures = 100 - health.not_connected - health.inactive - health.score;
	health.is_healthy = health.score >= 70 && account->state == ACCOUNT_CONNECTED;
	return health;
}

bool account_rules_shows_qr(const struct account *account, int64_t now_us)
{
	return account->has_qr &&
	       (account->qr_expires_at == TIME_NONE || account->qr_expires_at > now_us);
}

bool account_rules_may_add(uint64_t connected, const struct account_limits *limits)
{
	return connected < limits->max_connected;
}

bool account_rules_is_overdue(const struct account *account, int64_t now_us)
{
	return account->state == ACCOUNT_CONNECTING && account->connect_deadline_at != TIME_NONE &&
	       account->connect_deadline_at <= now_us;
}

void account_rules_end_pairing(struct account_change *change)
{
	change->keeps_qr = false;
	change->after.qr_expires_at = TIME_NONE;
	change->after.qr_first_at = TIME_NONE;
	change->after.connect_deadline_at = TIME_NONE;
}

static bool qr_changes(
    const struct account *before, const struct account_change *change, int64_t now_us)
{
	bool shown = account_rules_shows_qr(before, now_us);

	if (change->keeps_qr)
		return false;
	return change->qr_code.ptr == NULL ? shown : !shown || !before->same_qr;
}

void account_rules_count(
    const struct account *before, struct account_change *change, int64_t now_us)
{
	struct account *after = &change->after;

	change->tells = after->state != before->state || after->is_primary != before->is_primary ||
			!span_eq(after->phone_number, before->phone_number) ||
			after->deleted_at != before->deleted_at ||
			qr_changes(before, change, now_us);
	if (change->tells)
		after->state_version++;
}

static bool is_webjs(const struct account *account)
{
	return span_is(account->provider_type, "webjs");
}

/* One that the Node service can be told to end. */
static bool has_session(const struct account *account)
{
	return is_webjs(account) && account->session_id.ptr != NULL;
}

static enum rc refuse(struct account_change *change, enum rc rc, enum account_refusal refusal)
{
	change->refusal = refusal;
	return rc;
}

static enum rc set_primary(const struct account *before, const struct account_surroundings *around,
    struct account_change *change)
{
	if (before->is_primary)
		return RC_OK;
	change->stores = true;
	change->after.is_primary = true;
	change->demotes = around->has_live_primary;
	change->word = "primary_changed";
	return RC_OK;
}

static enum rc disconnect(const struct account *before, const struct account_surroundings *around,
    struct account_change *change)
{
	if (before->state == ACCOUNT_DISCONNECTED && !before->is_active &&
	    !around->has_open_command)
		return RC_OK;
	change->stores = true;
	change->after.state = ACCOUNT_DISCONNECTED;
	change->after.is_active = false;
	account_rules_end_pairing(change);
	if (has_session(before))
		change->command = "disconnect";
	return RC_OK;
}

static enum rc delete_account(
    const struct account *before, int64_t now_us, struct account_change *change)
{
	change->stores = true;
	change->after.deleted_at = now_us;
	change->word = "deleted";
	account_rules_end_pairing(change);
	if (has_session(before))
		change->command = "disconnect";
	return RC_OK;
}

static enum rc clean_up(const struct account *before, int64_t now_us, struct account_change *change)
{
	if (before->last_connected_at != TIME_NONE || before->state == ACCOUNT_CONNECTED ||
	    account_rules_shows_qr(before, now_us))
		return refuse(change, RC_CONFLICT, ACCOUNT_WORTH_KEEPING);
	return delete_account(before, now_us, change);
}

static void begin_pairing(
    const struct account_limits *limits, int64_t now_us, struct account_change *change)
{
	change->stores = true;
	change->after.state = ACCOUNT_CONNECTING;
	account_rules_end_pairing(change);
	change->after.connect_deadline_at = now_us + limits->connect_deadline_us;
}

static enum rc reconnect(const struct account *before, const struct account_surroundings *around,
    const struct account_limits *limits, int64_t now_us, struct account_change *change)
{
	if (!is_webjs(before))
		return refuse(change, RC_INVALID, ACCOUNT_NOT_WEBJS);
	if (before->state == ACCOUNT_CONNECTED)
		return RC_OK;
	if (!account_rules_may_add(around->connected, limits))
		return refuse(change, RC_DENIED, ACCOUNT_LIMIT_REACHED);
	begin_pairing(limits, now_us, change);
	change->after.is_active = true;
	change->command = before->last_connected_at == TIME_NONE ? "connect" : "reconnect";
	return RC_OK;
}

static enum rc regenerate_qr(const struct account *before, const struct account_limits *limits,
    int64_t now_us, struct account_change *change)
{
	if (!is_webjs(before))
		return refuse(change, RC_INVALID, ACCOUNT_NOT_WEBJS);
	if (before->state == ACCOUNT_CONNECTED)
		return refuse(change, RC_CONFLICT, ACCOUNT_IS_CONNECTED);
	begin_pairing(limits, now_us, change);
	change->command = "regenerate-qr";
	return RC_OK;
}

/* Its session has been told to end: it comes back disconnected, behind whoever is primary now. */
static enum rc restore(const struct account *before, const struct account_surroundings *around,
    struct account_change *change)
{
	if (around->phone_is_taken)
		return refuse(change, RC_CONFLICT, ACCOUNT_PHONE_TAKEN);
	change->stores = true;
	change->after.deleted_at = TIME_NONE;
	change->after.state = ACCOUNT_DISCONNECTED;
	change->after.is_active = false;
	change->after.is_primary = before->is_primary && !around->has_live_primary;
	account_rules_end_pairing(change);
	return RC_OK;
}

enum rc account_rules_act(const struct account *before, enum account_action action,
    const struct account_surroundings *around, const struct account_limits *limits, int64_t now_us,
    struct account_change *ret)
{
	static const char *const names[ACCOUNT_ACTIONS] = {
	    [ACCOUNT_SET_PRIMARY] = "set_primary",
	    [ACCOUNT_DISCONNECT] = "disconnect",
	    [ACCOUNT_DELETE] = "delete",
	    [ACCOUNT_CLEAN_UP] = "delete",
	    [ACCOUNT_RECONNECT] = "reconnect",
	    [ACCOUNT_REGENERATE_QR] = "regenerate_qr",
	    [ACCOUNT_RESTORE] = "restore",
	};
	enum rc rc = RC_INTERNAL;

	*ret = (struct account_change){.after = *before, .keeps_qr = true, .action = names[action]};
	switch (action) {
	case ACCOUNT_SET_PRIMARY:
		rc = set_primary(before, around, ret);
		break;
	case ACCOUNT_DISCONNECT:
		rc = disconnect(before, around, ret);
		break;
	case ACCOUNT_DELETE:
		rc = delete_account(before, now_us, ret);
		break;
	case ACCOUNT_CLEAN_UP:
		rc = clean_up(before, now_us, ret);
		break;
	case ACCOUNT_RECONNECT:
		rc = reconnect(before, around, limits, now_us, ret);
		break;
	case ACCOUNT_REGENERATE_QR:
		rc = regenerate_qr(before, limits, now_us, ret);
		break;
	case ACCOUNT_RESTORE:
		rc = restore(before, around, ret);
		break;
	case ACCOUNT_ACTIONS:
		break;
	}
	if (rc == RC_OK && ret->stores)
		account_rules_count(before, ret, now_us);
	return rc;
}
