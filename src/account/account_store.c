#include "account_store.h"

#include "account_rows.h"
#include "base/id.h"
#include "base/now.h"
#include "base/num.h"

#define FIND(column) \
	"SELECT " ROWS_COLUMNS ROWS_HEALTH " FROM whatsapp_accounts WHERE " column \
	" = ? AND deleted_at IS NULL"
#define FIND_TYPES ROWS_TYPES ROWS_HEALTH_TYPES
#define FIND_ANY(column) \
	"SELECT " ROWS_COLUMNS ROWS_HEALTH ROWS_NAMES \
	", deleted_at FROM whatsapp_accounts WHERE " column " = ?"
#define FIND_ANY_TYPES ROWS_TYPES ROWS_HEALTH_TYPES ROWS_NAMES_TYPES "t"
#define LOCK(column) \
	"SELECT " ROWS_COLUMNS ROWS_HEALTH ROWS_NAMES \
	", metadata, qr_code IS NOT NULL, BINARY qr_code <=> BINARY ?, qr_expires_at," \
	" qr_first_at, connect_deadline_at, deleted_at FROM whatsapp_accounts WHERE " column \
	" = ? FOR UPDATE"
#define LOCK_TYPES ROWS_TYPES ROWS_HEALTH_TYPES ROWS_NAMES_TYPES "suutttt"

enum { ROW_MAX = sizeof(LOCK_TYPES) };

enum {
	FIND_FIRST,
	FIND_ANY_FIRST = FIND_FIRST + REF_KINDS,
	LOCK_FIRST = FIND_ANY_FIRST + REF_KINDS,
	LOCK_WORKSPACE = LOCK_FIRST + REF_KINDS,
	ADD_WORKSPACE,
	SURROUNDINGS,
	SUCCESSOR,
	CHANGE,
	DEMOTE,
	INSERT,
	LAST_ID,
	OVERDUE,
	ASSIGN,
	SWAP_INSTANCES,
};

// clang-format off
static const struct db_statement statements[] = {
	[FIND_FIRST + REF_UUID] = {"account.find_uuid", FIND("uuid"), FIND_TYPES, DB_READ},
	[FIND_FIRST + REF_ID] = {"account.find_id", FIND("id"), FIND_TYPES, DB_READ},
	[FIND_FIRST + REF_SESSION] = {"account.find_session", FIND("session_id"), FIND_TYPES, DB_READ},
	[FIND_ANY_FIRST + REF_UUID] = {"account.find_any_uuid", FIND_ANY("uuid"), FIND_ANY_TYPES, DB_READ},
	[FIND_ANY_FIRST + REF_ID] = {"account.find_any_id", FIND_ANY("id"), FIND_ANY_TYPES, DB_READ},
	[FIND_ANY_FIRST + REF_SESSION] = {"account.find_any_session", FIND_ANY("session_id"), FIND_ANY_TYPES, DB_READ},
	[LOCK_FIRST + REF_UUID] = {"account.lock_uuid", LOCK("uuid"), LOCK_TYPES, 0},
	[LOCK_FIRST + REF_ID] = {"account.lock_id", LOCK("id"), LOCK_TYPES, 0},
	[LOCK_FIRST + REF_SESSION] = {"account.lock_session", LOCK("session_id"), LOCK_TYPES, 0},
	[LOCK_WORKSPACE] = {"workspace.lock",
		"SELECT workspace_id FROM wa_workspaces WHERE workspace_id = ? FOR UPDATE", "u", 0},
	[ADD_WORKSPACE] = {"workspace.add", "INSERT IGNORE INTO wa_workspaces (workspace_id) VALUES (?)", "", 0},
	[SURROUNDINGS] = {"account.surroundings",
		"SELECT"
		" EXISTS (SELECT 1 FROM whatsapp_accounts WHERE workspace_id = ? AND live_primary = 1 AND id <> ?),"
		" COALESCE((SELECT MIN(id) FROM whatsapp_accounts WHERE workspace_id = ? AND live_phone = ? AND id <> ?), 0),"
		" (SELECT COUNT(*) FROM whatsapp_accounts WHERE workspace_id = ? AND connection_status = 'connected'"
		" AND deleted_at IS NULL AND id <> ?),"
		" (SELECT COUNT(*) FROM whatsapp_accounts WHERE workspace_id = ? AND deleted_at IS NULL AND id <> ?)",
		"uuuu", 0},
	[SUCCESSOR] = {"account.successor",
		"SELECT id FROM whatsapp_accounts WHERE workspace_id = ? AND connection_status = 'connected'"
		" AND deleted_at IS NULL ORDER BY last_connected_at DESC, id DESC LIMIT 1",
		"u", 0},
	[CHANGE] = {"account.change",
		"UPDATE whatsapp_accounts SET connection_status = ?, phone_number = ?, is_primary = ?, is_active = ?,"
		" last_activity_at = ?, last_connected_at = ?, metadata = ?, qr_code = IF(?, qr_code, ?),"
		" qr_expires_at = ?, qr_first_at = ?, connect_deadline_at = ?, session_id = ?, deleted_at = ?,"
		" state_version = ?, updated_at = ? WHERE id = ?",
		"", 0},
	[DEMOTE] = {"account.demote",
		"UPDATE whatsapp_accounts SET is_primary = 0, state_version = state_version + 1, updated_at = ?"
		" WHERE workspace_id = ? AND live_primary = 1 AND id <> ?",
		"", 0},
	[INSERT] = {"account.insert",
		"INSERT INTO whatsapp_accounts (uuid, workspace_id, account_name, phone_number, provider_type,"
		" connection_status, is_primary, is_active, created_by, session_id, state_version, created_at, updated_at)"
		" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		"", 0},
	/* The driver cannot prepare INSERT ... RETURNING (its error 2052). */
	[LAST_ID] = {"account.last_id", "SELECT LAST_INSERT_ID()", "u", 0},
	[OVERDUE] = {"account.overdue",
		"SELECT id FROM whatsapp_accounts WHERE connection_status = 'connecting'"
		" AND connect_deadline_at <= ? AND deleted_at IS NULL LIMIT 50", /* ACCOUNT_OVERDUE_PAGE */
		"u", DB_READ},
	[ASSIGN] = {"account.assign",
		"UPDATE whatsapp_accounts SET assigned_instance_url = ?, updated_at = ? WHERE id = ?", "", 0},
	/* LIMIT: the server reads both before it writes one. */
	[SWAP_INSTANCES] = {"account.swap_instances",
		"UPDATE whatsapp_accounts AS a"
		" JOIN (SELECT id, assigned_instance_url FROM whatsapp_accounts WHERE id IN (?, ?) LIMIT 2) AS b"
		" ON b.id <> a.id SET a.assigned_instance_url = b.assigned_instance_url WHERE a.id IN (?, ?)",
		"", 0},
};
// clang-format on

/* Text columns compare without case and trailing blanks; names do not. */
static bool is_meant(const struct account *account, enum account_ref_kind kind, struct span ref)
{
	switch (kind) {
	case REF_UUID:
		return span_eq_nocase(account->uuid, ref);
	case REF_SESSION:
		return span_eq(account->session_id, ref);
	default:
		return true;
	}
}

static bool parameter_of(enum account_ref_kind kind, struct span ref, struct db_value *ret)
{
	uint64_t id = 0;

	if (kind == REF_ID && !num_u64(ref, &id))
		return false;
	if (kind == REF_UUID && !id_is_uuid(ref))
		return false;
	*ret = kind == REF_ID ? db_u(id) : db_s(ref);
	return true;
}

/*
 * A row by what a caller calls it, which becomes the last of `n_in`
 * parameters; at `first` stands a statement for each kind.
 */
static enum rc read_one(struct db *db, struct arena *mem, int first, enum account_ref_kind kind,
    struct span ref, struct db_value *in, size_t n_in, struct db_value *row, struct account *ret)
{
	enum rc rc;

	if (!parameter_of(kind, ref, &in[n_in - 1]))
		return RC_NOT_FOUND;
	rc = db_one(db, &statements[first + (int)kind], in, n_in, mem, row);
	if (rc == RC_OK)
		rc = account_rows_read(row, ret);
	if (rc != RC_OK)
		return rc;
	account_rows_read_health(row, ret);
	return is_meant(ret, kind, ref) ? RC_OK : RC_NOT_FOUND;
}

enum rc account_store_find(struct db *db, struct arena *mem, enum account_ref_kind kind,
    struct span ref, struct account *ret)
{
	struct db_value row[ROW_MAX], in[1];

	return read_one(db, mem, FIND_FIRST, kind, ref, in, 1, row, ret);
}

enum rc account_store_find_any(struct db *db, struct arena *mem, enum account_ref_kind kind,
    struct span ref, struct account *ret)
{
	struct db_value row[ROW_MAX], in[1];
	enum rc rc = read_one(db, mem, FIND_ANY_FIRST, kind, ref, in, 1, row, ret);

	if (rc != RC_OK)
		return rc;
	account_rows_read_names(row, ret);
	ret->deleted_at = row[ROWS_AT_MORE].i;
	return RC_OK;
}

enum rc account_store_lock(struct db *db, struct arena *mem, enum account_ref_kind kind,
    struct span ref, struct span qr_code, struct account *ret)
{
	struct db_value row[ROW_MAX], in[2] = {db_s(qr_code)};
	const struct db_value *more = row + ROWS_AT_MORE;
	enum rc rc = read_one(db, mem, LOCK_FIRST, kind, ref, in, 2, row, ret);

	if (rc != RC_OK)
		return rc;
	account_rows_read_names(row, ret);
	ret->metadata = more[0].s;
	ret->has_qr = more[1].u != 0;
	ret->same_qr = more[2].u != 0;
	ret->qr_expires_at = more[3].i;
	ret->qr_first_at = more[4].i;
	ret->connect_deadline_at = more[5].i;
	ret->deleted_at = more[6].i;
	return RC_OK;
}

enum rc account_store_lock_workspace(struct db *db, struct arena *mem, uint64_t workspace_id)
{
	struct db_value row[1];
	enum rc rc = db_one(db, &statements[LOCK_WORKSPACE], DB_IN(db_u(workspace_id)), mem, row);

	if (rc != RC_NOT_FOUND)
		return rc;
	rc = db_run(db, &statements[ADD_WORKSPACE], DB_IN(db_u(workspace_id)));
	if (rc == RC_OK)
		rc = db_one(db, &statements[LOCK_WORKSPACE], DB_IN(db_u(workspace_id)), mem, row);
	return rc;
}

enum rc account_store_surroundings(struct db *db, struct arena *mem, uint64_t workspace_id,
    uint64_t id, struct span phone_digits, struct account_surroundings *ret)
{
	struct db_value row[4], workspace = db_u(workspace_id), self = db_u(id);
	enum rc rc = db_one(db, &statements[SURROUNDINGS],
	    DB_IN(workspace, self, workspace, db_s(phone_digits), self, workspace, self, workspace,
		self),
	    mem, row);

	if (rc == RC_OK)
		*ret = (struct account_surroundings){
		    .has_live_primary = row[0].u != 0,
		    .phone_is_taken = row[1].u != 0,
		    .phone_holder = row[1].u,
		    .connected = row[2].u,
		    .live = row[3].u,
		};
	return rc;
}

enum rc account_store_successor(
    struct db *db, struct arena *mem, uint64_t workspace_id, uint64_t *ret)
{
	struct db_value row[1];
	enum rc rc = db_one(db, &statements[SUCCESSOR], DB_IN(db_u(workspace_id)), mem, row);

	if (rc == RC_OK)
		*ret = row[0].u;
	return rc;
}

static struct db_value seconds(int64_t us, char text[static NOW_TEXT_SIZE])
{
	return us == TIME_NONE ? db_null() : db_text(now_sql(us, text));
}

static struct db_value microseconds(int64_t us, char text[static NOW_TEXT_SIZE])
{
	return us == TIME_NONE ? db_null() : db_text(now_sql_us(us, text));
}

enum rc account_store_change(struct db *db, const struct account_change *change, int64_t now_us)
{
	const struct account *a = &change->after;
	char times[7][NOW_TEXT_SIZE];

	return db_run(db, &statements[CHANGE],
	    DB_IN(db_text(account_rules_state_name(a->state)), db_s(a->phone_number),
		db_u(a->is_primary), db_u(a->is_active), seconds(a->last_activity_at, times[0]),
		seconds(a->last_connected_at, times[1]), db_s(a->metadata), db_u(change->keeps_qr),
		db_s(change->qr_code), seconds(a->qr_expires_at, times[2]),
		microseconds(a->qr_first_at, times[3]),
		microseconds(a->connect_deadline_at, times[4]), db_s(a->session_id),
		seconds(a->deleted_at, times[5]), db_u(a->state_version), seconds(now_us, times[6]),
		db_u(a->id)));
}

enum rc account_store_demote(struct db *db, uint64_t workspace_id, uint64_t id, int64_t now_us)
{
	char when[NOW_TEXT_SIZE];

	return db_run(
	    db, &statements[DEMOTE], DB_IN(seconds(now_us, when), db_u(workspace_id), db_u(id)));
}

enum rc account_store_insert(
    struct db *db, struct arena *mem, struct account *a, uint64_t created_by, int64_t now_us)
{
	char when[NOW_TEXT_SIZE];
	struct db_value row[1], now = seconds(now_us, when);
	enum rc rc = db_run(db, &statements[INSERT],
	    DB_IN(db_s(a->uuid), db_u(a->workspace_id), db_s(a->account_name),
		db_s(a->phone_number), db_s(a->provider_type),
		db_text(account_rules_state_name(a->state)), db_u(a->is_primary),
		db_u(a->is_active), db_u(created_by), db_s(a->session_id), db_u(a->state_version),
		now, now));

	if (rc == RC_OK)
		rc = db_one(db, &statements[LAST_ID], DB_NONE, mem, row);
	if (rc == RC_OK)
		a->id = row[0].u;
	return rc;
}

struct overdue {
	uint64_t *ids;
	size_t count;
};

static enum rc keep_id(void *ctx, const struct db_value *row)
{
	struct overdue *overdue = ctx;

	overdue->ids[overdue->count++] = row[0].u;
	return RC_OK;
}

enum rc account_store_overdue(struct db *db, struct arena *mem, int64_t now_us,
    uint64_t ret[static ACCOUNT_OVERDUE_PAGE], size_t *ret_count)
{
	struct overdue overdue = {.ids = ret};
	char when[NOW_TEXT_SIZE];
	enum rc rc = db_each(
	    db, &statements[OVERDUE], DB_IN(microseconds(now_us, when)), mem, keep_id, &overdue);

	*ret_count = overdue.count;
	return rc;
}

enum rc account_store_assign(struct db *db, uint64_t id, struct span instance_url)
{
	char when[NOW_TEXT_SIZE];

	return db_run(
	    db, &statements[ASSIGN], DB_IN(db_s(instance_url), seconds(now_us(), when), db_u(id)));
}

enum rc account_store_swap_instances(struct db *db, uint64_t id, uint64_t other)
{
	return db_run(
	    db, &statements[SWAP_INSTANCES], DB_IN(db_u(id), db_u(other), db_u(id), db_u(other)));
}
