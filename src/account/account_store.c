#include "account_store.h"

#include <stdlib.h>

#include "base/id.h"
#include "base/now.h"
#include "base/num.h"

/*
 * Of metadata, a reader needs one number: the server cuts it out, so that a
 * large document never travels.
 */
#define READ_COLUMNS \
	"id, workspace_id, uuid, session_id, phone_number, provider_type, connection_status," \
	" is_primary, is_active, last_activity_at, last_connected_at, state_version"
#define READ_TYPES "uusssssuuttu"
#define FAILURES ", JSON_EXTRACT(metadata, '$.recent_failures')"
#define CHANGE_COLUMNS \
	", metadata, qr_code IS NOT NULL, BINARY qr_code <=> BINARY ?, qr_expires_at, qr_first_at," \
	" connect_deadline_at"
#define CHANGE_TYPES "suuttt"

#define FIND(column) \
	"SELECT " READ_COLUMNS FAILURES " FROM whatsapp_accounts WHERE " column \
	" = ? AND deleted_at IS NULL"
#define LOCK(column) \
	"SELECT " READ_COLUMNS FAILURES CHANGE_COLUMNS " FROM whatsapp_accounts WHERE " column \
	" = ? AND deleted_at IS NULL FOR UPDATE"
/*
 * Left alone, MariaDB begins at the index's start for every page of the list.
 * Of one workspace there are few, and its own index finds them.
 */
#define BY_STATE " FORCE INDEX (whatsapp_accounts_active_index)"
#define ACTIVE(index, conditions) \
	"SELECT " READ_COLUMNS " FROM whatsapp_accounts" index \
	" WHERE id > ?" \
	" AND connection_status = 'connected' AND is_active = 1 AND deleted_at IS NULL" conditions \
	" ORDER BY id LIMIT ?"

enum { IN_FAILURES = sizeof(READ_TYPES) - 1, IN_CHANGE };
enum { ROW_MAX = sizeof(READ_TYPES "s" CHANGE_TYPES) };

enum {
	FIND_FIRST,
	LOCK_FIRST = FIND_FIRST + REF_KINDS,
	ACTIVE_ALL = LOCK_FIRST + REF_KINDS,
	ACTIVE_PROVIDER,
	ACTIVE_WORKSPACE,
	ACTIVE_BOTH,
	LOCK_WORKSPACE,
	ADD_WORKSPACE,
	SURROUNDINGS,
	CHANGE,
};

#define READ READ_TYPES "s"

// clang-format off
static const struct db_statement statements[] = {
	[FIND_FIRST + REF_UUID] = {"account.find_uuid", FIND("uuid"), READ, DB_READ},
	[FIND_FIRST + REF_ID] = {"account.find_id", FIND("id"), READ, DB_READ},
	[FIND_FIRST + REF_SESSION] = {"account.find_session", FIND("session_id"), READ, DB_READ},
	[LOCK_FIRST + REF_UUID] = {"account.lock_uuid", LOCK("uuid"), READ CHANGE_TYPES, 0},
	[LOCK_FIRST + REF_ID] = {"account.lock_id", LOCK("id"), READ CHANGE_TYPES, 0},
	[LOCK_FIRST + REF_SESSION] = {"account.lock_session", LOCK("session_id"), READ CHANGE_TYPES, 0},
	[ACTIVE_ALL] = {"account.active", ACTIVE(BY_STATE, ""), READ_TYPES, DB_READ},
	[ACTIVE_PROVIDER] = {"account.active_provider", ACTIVE(BY_STATE, " AND provider_type = ?"), READ_TYPES, DB_READ},
	[ACTIVE_WORKSPACE] = {"account.active_workspace", ACTIVE("", " AND workspace_id = ?"), READ_TYPES, DB_READ},
	[ACTIVE_BOTH] = {"account.active_both", ACTIVE("", " AND provider_type = ? AND workspace_id = ?"), READ_TYPES, DB_READ},
	[LOCK_WORKSPACE] = {"workspace.lock",
		"SELECT workspace_id FROM wa_workspaces WHERE workspace_id = ? FOR UPDATE", "u", 0},
	[ADD_WORKSPACE] = {"workspace.add", "INSERT IGNORE INTO wa_workspaces (workspace_id) VALUES (?)", "", 0},
	[SURROUNDINGS] = {"account.surroundings",
		"SELECT"
		" EXISTS (SELECT 1 FROM whatsapp_accounts WHERE workspace_id = ? AND live_primary = 1 AND id <> ?),"
		" EXISTS (SELECT 1 FROM whatsapp_accounts WHERE workspace_id = ? AND live_phone = ? AND id <> ?),"
		" (SELECT COUNT(*) FROM whatsapp_accounts WHERE workspace_id = ? AND connection_status = 'connected'"
		" AND deleted_at IS NULL AND id <> ?)",
		"uuu", 0},
	[CHANGE] = {"account.change",
		"UPDATE whatsapp_accounts SET connection_status = ?, phone_number = ?, is_primary = ?, is_active = ?,"
		" last_activity_at = ?, last_connected_at = ?, metadata = ?, qr_code = IF(?, qr_code, ?),"
		" qr_expires_at = ?, qr_first_at = ?, connect_deadline_at = ?, state_version = ?, updated_at = ?"
		" WHERE id = ?",
		"", 0},
};
// clang-format on

/* metadata.recent_failures: a JSON number counts, anything else is 0. */
static double number_of(struct span raw)
{
	char *end = NULL;
	double number;

	if (raw.len == 0 || (raw.ptr[0] != '-' && !num_is_digit(raw.ptr[0])))
		return 0;
	number = strtod(raw.ptr, &end);
	return end == raw.ptr + raw.len ? number : 0;
}

static enum rc read_account(const struct db_value *row, struct account *ret)
{
	*ret = (struct account){
	    .id = row[0].u,
	    .workspace_id = row[1].u,
	    .uuid = row[2].s,
	    .session_id = row[3].s,
	    .phone_number = row[4].s,
	    .provider_type = row[5].s,
	    .is_primary = row[7].u != 0,
	    .is_active = row[8].u != 0,
	    .last_activity_at = row[9].i,
	    .last_connected_at = row[10].i,
	    .state_version = row[11].u,
	};
	return account_state_of(row[6].s, &ret->state) ? RC_OK : RC_INTERNAL;
}

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

enum rc account_store_find(struct db *db, struct arena *mem, enum account_ref_kind kind,
    struct span ref, struct account *ret)
{
	struct db_value row[ROW_MAX], in;
	enum rc rc;

	if (!parameter_of(kind, ref, &in))
		return RC_NOT_FOUND;
	rc = db_one(db, &statements[FIND_FIRST + (int)kind], &in, 1, mem, row);
	if (rc == RC_OK)
		rc = read_account(row, ret);
	if (rc == RC_OK)
		ret->recent_failures = number_of(row[IN_FAILURES].s);
	return rc == RC_OK && !is_meant(ret, kind, ref) ? RC_NOT_FOUND : rc;
}

enum rc account_store_lock(struct db *db, struct arena *mem, enum account_ref_kind kind,
    struct span ref, struct span qr_code, struct account *ret)
{
	struct db_value row[ROW_MAX], in;
	enum rc rc;

	if (!parameter_of(kind, ref, &in))
		return RC_NOT_FOUND;
	rc = db_one(db, &statements[LOCK_FIRST + (int)kind], DB_IN(db_s(qr_code), in), mem, row);
	if (rc == RC_OK)
		rc = read_account(row, ret);
	if (rc != RC_OK)
		return rc;
	ret->recent_failures = number_of(row[IN_FAILURES].s);
	ret->metadata = row[IN_CHANGE].s;
	ret->has_qr = row[IN_CHANGE + 1].u != 0;
	ret->same_qr = row[IN_CHANGE + 2].u != 0;
	ret->qr_expires_at = row[IN_CHANGE + 3].i;
	ret->qr_first_at = row[IN_CHANGE + 4].i;
	ret->connect_deadline_at = row[IN_CHANGE + 5].i;
	return is_meant(ret, kind, ref) ? RC_OK : RC_NOT_FOUND;
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

enum rc account_store_surroundings(struct db *db, struct arena *mem, const struct account *account,
    struct span phone_digits, struct account_surroundings *ret)
{
	struct db_value row[3], workspace = db_u(account->workspace_id), id = db_u(account->id);
	enum rc rc = db_one(db, &statements[SURROUNDINGS],
	    DB_IN(workspace, id, workspace, db_s(phone_digits), id, workspace, id), mem, row);

	if (rc == RC_OK)
		*ret = (struct account_surroundings){
		    .has_live_primary = row[0].u != 0,
		    .phone_is_taken = row[1].u != 0,
		    .connected = row[2].u,
		};
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
	char times[6][NOW_TEXT_SIZE];

	return db_run(db, &statements[CHANGE],
	    DB_IN(db_text(account_state_name(a->state)), db_s(a->phone_number), db_u(a->is_primary),
		db_u(a->is_active), seconds(a->last_activity_at, times[0]),
		seconds(a->last_connected_at, times[1]), db_s(a->metadata), db_u(change->keeps_qr),
		db_s(change->qr_code), seconds(a->qr_expires_at, times[2]),
		microseconds(a->qr_first_at, times[3]),
		microseconds(a->connect_deadline_at, times[4]), db_u(a->state_version),
		seconds(now_us, times[5]), db_u(a->id)));
}

struct each {
	account_each_fn *fn;
	void *ctx;
};

static enum rc each_row(void *ctx, const struct db_value *row)
{
	struct each *each = ctx;
	struct account account;
	enum rc rc = read_account(row, &account);

	return rc == RC_OK ? each->fn(each->ctx, &account) : rc;
}

enum rc account_each_active(struct db *db, struct arena *mem, const struct account_filter *filter,
    uint64_t after, uint64_t limit, account_each_fn *fn, void *ctx)
{
	bool by_provider = filter->provider_type.ptr != NULL,
	     by_workspace = filter->workspace_id != 0;
	int which = ACTIVE_ALL + (by_provider ? 1 : 0) + (by_workspace ? 2 : 0);
	struct each each = {fn, ctx};
	struct db_value in[4];
	size_t n = 0;

	in[n++] = db_u(after);
	if (by_provider)
		in[n++] = db_s(filter->provider_type);
	if (by_workspace)
		in[n++] = db_u(filter->workspace_id);
	in[n++] = db_u(limit);
	return db_each(db, &statements[which], in, n, mem, each_row, &each);
}
