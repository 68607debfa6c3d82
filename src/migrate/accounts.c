#include "accounts.h"

#include <stdio.h>

#include "words.h"

#define STATES "'connecting','connected','disconnected','error'"

// clang-format off
const struct need accounts_needs[] = {
	{"account_name", "session_name", "varchar(255)", "NULL DEFAULT NULL", 255, NEED_NULL | NEED_UNICODE | NEED_KEPT, NULL},
	{"phone_number", NULL, "varchar(50)", "NULL DEFAULT NULL", 50, NEED_NULL | NEED_KEPT, NULL},
	{"provider_type", NULL, "enum('meta','webjs')", "NOT NULL DEFAULT 'webjs'", 0, NEED_KEPT, "'webjs'"},
	{"connection_status", NULL, "enum(" STATES ")", "NOT NULL DEFAULT 'disconnected'", 0, 0, NULL},
	{"qr_code", NULL, "text", "NULL DEFAULT NULL", 65535, NEED_NULL, NULL},
	{"session_data", NULL, "longtext", "NULL DEFAULT NULL", 65535, NEED_NULL | NEED_KEPT, NULL},
	{"is_primary", NULL, "tinyint(1)", "NOT NULL DEFAULT 0", 0, NEED_KEPT, "0"},
	{"is_active", NULL, "tinyint(1)", "NOT NULL DEFAULT 1", 0, NEED_KEPT, "1"},
	{"last_activity_at", NULL, "timestamp", "NULL DEFAULT NULL", 0, NEED_NULL | NEED_KEPT, NULL},
	{"last_connected_at", NULL, "timestamp", "NULL DEFAULT NULL", 0, NEED_NULL | NEED_KEPT, NULL},
	{"metadata", NULL, "json", "NULL DEFAULT NULL", 65535, NEED_NULL | NEED_UNICODE | NEED_KEPT, NULL},
	{"created_at", NULL, "timestamp", "NULL DEFAULT NULL", 0, NEED_KEPT, NULL},
	{"updated_at", NULL, "timestamp", "NULL DEFAULT NULL", 0, NEED_KEPT, NULL},
	{"deleted_at", NULL, "timestamp", "NULL DEFAULT NULL", 0, NEED_NULL | NEED_KEPT, NULL},
	{"session_id", NULL, "varchar(191)", "NULL DEFAULT NULL", 191, NEED_NULL | NEED_KEPT, NULL},
	{"assigned_instance_url", NULL, "varchar(255)", "NULL DEFAULT NULL", 255, NEED_NULL | NEED_KEPT, NULL},
	{"qr_expires_at", NULL, "timestamp", "NULL DEFAULT NULL", 0, NEED_NULL, NULL},
	{"connect_deadline_at", NULL, "datetime(6)", "NULL DEFAULT NULL", 0, NEED_NULL, NULL},
	{"state_version", NULL, "bigint unsigned", "NOT NULL DEFAULT 0", 0, NEED_KEPT, "0"},
	{"qr_first_at", NULL, "datetime(6)", "NULL INVISIBLE DEFAULT NULL", 0, NEED_NULL, NULL},
	{"live_primary", NULL, "tinyint", "AS (IF(is_primary AND deleted_at IS NULL, 1, NULL)) STORED INVISIBLE", 0, 0, NULL},
	{"live_phone", NULL, "varchar(50) CHARACTER SET ascii COLLATE ascii_bin",
	    "AS (IF(deleted_at IS NULL, NULLIF(REGEXP_REPLACE(phone_number, '[^0-9]', ''), ''), NULL)) STORED INVISIBLE", 0, 0, NULL},
};

static const struct {
	const char *name;
	bool is_unique;
	const char *columns;
} keys[] = {
	{"whatsapp_accounts_uuid_unique", true, "`uuid`"},
	{"whatsapp_accounts_session_id_unique", true, "`session_id`"},
	{"whatsapp_accounts_live_primary_unique", true, "`workspace_id`,`live_primary`"},
	{"whatsapp_accounts_live_phone_unique", true, "`workspace_id`,`live_phone`"},
	{"whatsapp_accounts_workspace_id_connection_status_index", false, "`workspace_id`,`connection_status`"},
	{"whatsapp_accounts_provider_type_is_active_index", false, "`provider_type`,`is_active`"},
	{"whatsapp_accounts_workspace_id_is_primary_index", false, "`workspace_id`,`is_primary`"},
	{"whatsapp_accounts_created_by_foreign", false, "`created_by`"},
	{"whatsapp_accounts_active_index", false, "`connection_status`,`is_active`,`deleted_at`,`id`"},
};

static const struct {
	const char *name;
	const char *clause;
} constraints[] = {
	{"whatsapp_accounts_workspace_id_foreign", "FOREIGN KEY (workspace_id) REFERENCES workspaces (id) ON DELETE CASCADE"},
	{"whatsapp_accounts_created_by_foreign", "FOREIGN KEY (created_by) REFERENCES users (id) ON DELETE CASCADE"},
};
// clang-format on

const size_t accounts_need_count = sizeof(accounts_needs) / sizeof(accounts_needs[0]);

enum { KEYS = sizeof(keys) / sizeof(keys[0]), CONSTRAINTS = 2 };

const struct column *accounts_old_column(const struct columns *old, const struct need *need)
{
	const struct column *column = survey_column(old, need->name);

	if (column == NULL && need->was != NULL)
		column = survey_column(old, need->was);
	return column;
}

static bool is_narrow(const struct column *old, const struct need *need)
{
	return need->chars > 0 && old->charset.ptr != NULL && old->chars < need->chars;
}

static bool is_of_few_letters(const struct column *old, const struct need *need)
{
	return (need->flags & NEED_UNICODE) != 0 && old->charset.ptr != NULL &&
	       !span_is(old->charset, "utf8mb4");
}

bool accounts_is_narrower(const struct column *old, const struct need *need)
{
	return is_narrow(old, need) || is_of_few_letters(old, need);
}

bool accounts_must_change(const struct column *old, const struct need *need)
{
	return accounts_is_narrower(old, need) ||
	       ((need->flags & NEED_NULL) != 0 && !old->is_nullable && !old->is_generated);
}

void accounts_put_fitting(
    struct buf *b, const struct column *old, const struct need *need, const char *value)
{
	buf_putf(b, "LEFT(CONVERT(%s USING %.*s), %llu)", value, SPAN_ARG(old->charset),
	    is_narrow(old, need) ? (unsigned long long)old->chars : 4294967295ULL);
}

static void put_clause(struct buf *b, const char *words)
{
	if (b->len > 0)
		buf_puts(b, ",\n");
	buf_puts(b, words);
}

/* A text in a table of few letters is to hold all of them nevertheless. */
static void put_new_column(struct buf *b, const struct need *need, bool has_status)
{
	buf_putf(b, "%s %s ", need->name, need->type);
	if ((need->chars > 0 && strcmp(need->type, "json") != 0) ||
	    strncmp(need->type, "enum", 4) == 0)
		buf_puts(b, "CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci ");
	if (strcmp(need->name, "connection_status") == 0 && has_status) {
		/* Each row's own, while it is copied; the ordinary one comes with the rename. */
		buf_puts(b, "NOT NULL DEFAULT (");
		words_put_new(b, "status");
		buf_putc(b, ')');
	} else {
		buf_puts(b, need->rest);
	}
}

static void put_charset(struct buf *b, const struct column *old, bool unicode)
{
	if (old->charset.ptr == NULL)
		return;
	if (unicode && !span_is(old->charset, "utf8mb4"))
		buf_puts(b, " CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci");
	else
		buf_putf(b, " CHARACTER SET %.*s COLLATE %.*s", SPAN_ARG(old->charset),
		    SPAN_ARG(old->collation));
}

/* Wide enough, all letters, NULL allowed; what it is beyond that, it stays. */
static void put_changed_column(struct buf *b, const struct column *old, const struct need *need)
{
	definition_put_name(b, old->name);
	buf_putc(b, ' ');
	if (is_narrow(old, need))
		buf_puts(b, strcmp(need->type, "json") == 0 ? "longtext" : need->type);
	else
		buf_put(b, old->type);
	put_charset(b, old, (need->flags & NEED_UNICODE) != 0);
	buf_puts(b, " NULL DEFAULT NULL");
}

/* Column, type and letters; NULL is a row that was made since. */
static void put_state_column(struct buf *b, struct span name, const struct column *old)
{
	definition_put_name(b, name);
	buf_putf(b, " %.*s", SPAN_ARG(old->type));
	put_charset(b, old, false);
	buf_puts(b, " NULL");
}

static void put_needs(struct buf *b, const struct columns *columns)
{
	for (size_t i = 0; i < accounts_need_count; i++) {
		const struct need *need = &accounts_needs[i];
		const struct column *old = accounts_old_column(columns, need);

		if (old == NULL) {
			put_clause(b, "ADD COLUMN ");
			put_new_column(b, need, survey_column(columns, "status") != NULL);
		} else if (accounts_must_change(old, need)) {
			put_clause(b, "MODIFY COLUMN ");
			put_changed_column(b, old, need);
		}
	}
}

static bool is_number(struct span data_type)
{
	static const char *const numbers[] = {"tinyint", "smallint", "mediumint", "int", "bigint",
	    "decimal", "float", "double", "bit", "year"};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (span_is(data_type, numbers[i]))
			return true;
	return false;
}

static bool is_place(struct span data_type)
{
	return span_is(data_type, "geometry") || span_is(data_type, "point");
}

static bool is_time(struct span data_type)
{
	return span_is(data_type, "timestamp") || span_is(data_type, "datetime") ||
	       span_is(data_type, "date");
}

void accounts_put_nothing(struct buf *b, const struct column *column, bool is_json)
{
	if (is_number(column->data_type)) {
		buf_putc(b, '0');
	} else if (span_is(column->data_type, "date")) {
		buf_puts(b, "'1970-01-02'");
	} else if (is_time(column->data_type)) {
		buf_puts(b, "'1970-01-02 00:00:00'");
	} else if (span_is(column->data_type, "time")) {
		buf_puts(b, "'00:00:00'");
	} else if (span_is(column->data_type, "uuid")) {
		buf_puts(b, "'00000000-0000-0000-0000-000000000000'");
	} else if (span_is(column->data_type, "inet6")) {
		buf_puts(b, "'::'");
	} else if (span_is(column->data_type, "inet4")) {
		buf_puts(b, "'0.0.0.0'");
	} else if (is_place(column->data_type)) {
		buf_puts(b, "ST_GeomFromText('POINT(0 0)')");
	} else if (span_is(column->data_type, "enum")) {
		buf_put(b, words_first(column->type));
	} else {
		buf_puts(b, is_json ? "'{}'" : "''");
	}
}

static bool is_known(const struct column *column)
{
	static const char *const always[] = {"id", "uuid", "workspace_id", "created_by", "status"};

	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		if (span_eq_nocase(column->name, span_of(always[i])))
			return true;
	for (size_t i = 0; i < accounts_need_count; i++)
		if (span_eq_nocase(column->name, span_of(accounts_needs[i].name)) ||
		    (accounts_needs[i].was != NULL &&
			span_eq_nocase(column->name, span_of(accounts_needs[i].was))))
			return true;
	return false;
}

/* Columns that we do not know stay as they are; but a new row does not name them. */
static void put_unknown(struct buf *b, const struct definition *now, const struct columns *columns)
{
	for (size_t i = 0; i < columns->count; i++) {
		const struct column *column = &columns->rows[i];
		const struct part *part = definition_find(now, PART_COLUMN, column->name);

		if (column->is_nullable || column->has_default || column->is_generated ||
		    column->counts || is_known(column))
			continue;
		put_clause(b, "ALTER COLUMN ");
		definition_put_name(b, column->name);
		buf_puts(b, " SET DEFAULT (");
		accounts_put_nothing(b, column,
		    part != NULL &&
			memmem(part->text.ptr, part->text.len, "json_valid", 10) != NULL);
		buf_putc(b, ')');
	}
}

/* The same columns, and as unique. */
static bool is_ours(const struct part *key)
{
	for (size_t i = 0; i < KEYS; i++)
		if (key->is_unique == keys[i].is_unique && span_is(key->columns, keys[i].columns) &&
		    !span_starts(key->text, "FULLTEXT"))
			return true;
	return false;
}

/*
 * Old keys that say what ours say have ours' names from now on.  A unique
 * number would refuse what is allowed now (a deleted account's, another
 * workspace's), and the old word of a state is worth no key.
 */
static bool key_goes(const struct part *key)
{
	return is_ours(key) || definition_key_has(key, SPAN_OF("status")) ||
	       (key->is_unique && definition_key_has(key, SPAN_OF("phone_number")));
}

bool accounts_replaces(const struct part *key)
{
	return key->kind == PART_KEY && key_goes(key) && !is_ours(key);
}

/* A foreign key stands on the key that begins with its column. */
static bool carries_reference(const struct definition *now, const struct part *key)
{
	struct span rest = key->columns, first;
	uint64_t chars;
	char wanted[256];
	int len;

	if (!definition_next_column(&rest, &first, &chars))
		return false;
	len = snprintf(wanted, sizeof(wanted), "FOREIGN KEY (`%.*s`", SPAN_ARG(first));
	for (size_t i = 0; i < now->count; i++)
		if (now->parts[i].kind == PART_CONSTRAINT && len < (int)sizeof(wanted) &&
		    memmem(now->parts[i].text.ptr, now->parts[i].text.len, wanted, (size_t)len) !=
			NULL)
			return true;
	return false;
}

/* The same key under the same name, without the state. */
static void put_key_without_status(struct buf *b, const struct part *key)
{
	struct span rest = key->columns, column;
	uint64_t chars;
	const char *before = " (";

	put_clause(b, "ADD KEY ");
	definition_put_name(b, key->name);
	while (definition_next_column(&rest, &column, &chars)) {
		if (span_eq_nocase(column, SPAN_OF("status")))
			continue;
		buf_putf(b, "%s`%.*s`", before, SPAN_ARG(column));
		before = ",";
	}
	buf_putc(b, ')');
}

static void put_keys(struct buf *b, const struct definition *now)
{
	for (size_t i = 0; i < now->count; i++) {
		if (now->parts[i].kind != PART_KEY || !key_goes(&now->parts[i]))
			continue;
		put_clause(b, "DROP KEY ");
		definition_put_name(b, now->parts[i].name);
		if (!is_ours(&now->parts[i]) && carries_reference(now, &now->parts[i]))
			put_key_without_status(b, &now->parts[i]);
	}
	for (size_t i = 0; i < KEYS; i++) {
		put_clause(b, keys[i].is_unique ? "ADD UNIQUE KEY " : "ADD KEY ");
		buf_putf(b, "%s (%s)", keys[i].name, keys[i].columns);
	}
}

void accounts_put_rebuild(
    struct buf *b, const struct definition *now, const struct columns *columns)
{
	const struct column *status = survey_column(columns, "status");

	if (status != NULL) {
		put_clause(b, "MODIFY COLUMN ");
		put_state_column(b, status->name, status);
	}
	put_needs(b, columns);
	put_unknown(b, now, columns);
	put_keys(b, now);
}

void accounts_put_references(struct buf *b, bool of_workspace, bool of_creator)
{
	const bool adds[CONSTRAINTS] = {of_workspace, of_creator};

	for (size_t i = 0; i < CONSTRAINTS; i++) {
		if (!adds[i])
			continue;
		put_clause(b, "ADD CONSTRAINT ");
		buf_putf(b, "%s %s", constraints[i].name, constraints[i].clause);
	}
}

void accounts_put_default(struct buf *b, const struct columns *columns)
{
	(void)columns;
	for (size_t i = 0; i < accounts_need_count; i++)
		if (strcmp(accounts_needs[i].name, "connection_status") == 0)
			buf_putf(b, "ALTER COLUMN connection_status SET %s",
			    strstr(accounts_needs[i].rest, "DEFAULT"));
}

void accounts_put_rename(struct buf *b, const struct columns *columns)
{
	const struct column *status = survey_column(columns, "status");

	if (status != NULL) {
		put_clause(b, "CHANGE COLUMN status ");
		put_state_column(b, SPAN_OF("wa_old_status"), status);
		buf_puts(b, " INVISIBLE DEFAULT NULL");
	}
	if (survey_column(columns, "session_name") != NULL)
		put_clause(b, "RENAME COLUMN session_name TO account_name");
}

void accounts_put_rename_back(
    struct buf *b, const struct columns *columns, const struct columns *old)
{
	const struct column *status = survey_column(columns, "wa_old_status");
	const struct column *old_status = survey_column(old, "status");
	const struct column *old_name = survey_column(old, "session_name");

	if (status != NULL && old_status != NULL) {
		put_clause(b, "CHANGE COLUMN wa_old_status ");
		put_state_column(b, old_status->name, status);
		buf_puts(b, " DEFAULT NULL");
	}
	if (old_name != NULL && survey_column(columns, "account_name") != NULL) {
		put_clause(b, "RENAME COLUMN account_name TO ");
		definition_put_name(b, old_name->name);
	}
}

const char *accounts_missing_key(const struct definition *now)
{
	for (size_t i = 0; i < KEYS; i++) {
		const struct part *key = definition_find(now, PART_KEY, span_of(keys[i].name));

		if (key == NULL || key->is_unique != keys[i].is_unique ||
		    !span_is(key->columns, keys[i].columns))
			return keys[i].name;
	}
	return NULL;
}

bool accounts_goes(const struct part *part)
{
	switch (part->kind) {
	case PART_COLUMN:
		for (size_t i = 0; i < accounts_need_count; i++)
			if (span_is(part->name, accounts_needs[i].name))
				return true;
		return false;
	case PART_KEY:
		for (size_t i = 0; i < KEYS; i++)
			if (span_is(part->name, keys[i].name))
				return true;
		return false;
	case PART_CONSTRAINT:
		for (size_t i = 0; i < CONSTRAINTS; i++)
			if (span_is(part->name, constraints[i].name))
				return true;
		return false;
	default:
		return false;
	}
}
