/* What accounts need: the same as sql/ says, and the ALTERs for tables that have some of it. */
#include <stdio.h>

#include "base/bounds.h"
#include "migrate/accounts.h"
#include "migrate/alias.h"
#include "migrate_tests.h"
#include "schema/steps.h"
#include "unit.h"

#define ID "  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT"
#define TABLE(parts) "CREATE TABLE `whatsapp_sessions` (\n" ID ",\n" parts "\n) ENGINE=InnoDB"

/* --- the same as sql/ says */

/* Texts of a list that commas separate on their own level. */
struct list {
	struct span items[64];
	size_t count;
};

static struct list split(struct span text)
{
	struct list list = {.count = 0};
	size_t depth = 0, from = 0;
	bool quoted = false;

	for (size_t i = 0; i <= text.len; i++) {
		char c = i < text.len ? text.ptr[i] : ',';

		if (c == '\'')
			quoted = !quoted;
		else if (!quoted && c == '(')
			depth++;
		else if (!quoted && c == ')')
			depth--;
		if (quoted || depth > 0 || c != ',')
			continue;
		assert_true(list.count < COUNT(list.items));
		list.items[list.count++] = span_trim(span_from(text.ptr + from, i - from));
		from = i + 1;
	}
	return list;
}

static void cut_word(struct buf *b, const char *word)
{
	const size_t len = strlen(word);
	char *found;

	while ((found = memmem(b->ptr, b->len, word, len)) != NULL) {
		memmove(found, found + len, (size_t)(b->ptr + b->len - found) - len);
		b->len -= len;
	}
}

/* Without blanks, and without the words that make no difference in an empty table of ours. */
static struct span plain(struct span clause, struct arena *mem)
{
	static const char *const words[] = {"IFNOTEXISTS", "DEFAULTNULL", "ADDCOLUMN",
	    "ADDCONSTRAINT", "CONSTRAINT", "CHARACTERSETutf8mb4COLLATEutf8mb4_unicode_ci"};
	struct buf b = buf_in(mem, 4 * KIB);

	for (size_t i = 0; i < clause.len; i++)
		if (strchr(" \t\n`", clause.ptr[i]) == NULL)
			buf_putc(&b, clause.ptr[i]);
	for (size_t i = 0; i < COUNT(words); i++)
		cut_word(&b, words[i]);
	if (span_starts(buf_span(&b), "ADDUNIQUEKEY") || span_starts(buf_span(&b), "ADDKEY"))
		return span_from(b.ptr + 3, b.len - 3);
	return buf_span(&b);
}

/* What stands in sql/001_accounts.sql between `begin` and `end`. */
static struct list of_schema(const char *begin, const char *end)
{
	const char *from = strstr(schema_sql_001_accounts, begin), *to;

	assert_non_null(from);
	from += strlen(begin);
	to = strstr(from, end);
	assert_non_null(to);
	return split(span_from(from, (size_t)(to - from)));
}

static void add_plain(struct list *to, const struct list *from, struct arena *mem)
{
	for (size_t i = 0; i < from->count; i++) {
		assert_true(to->count < COUNT(to->items));
		to->items[to->count++] = plain(from->items[i], mem);
	}
}

static bool has(const struct list *list, struct span item)
{
	for (size_t i = 0; i < list->count; i++)
		if (span_eq(list->items[i], item))
			return true;
	return false;
}

static void assert_all_in(const struct list *these, const struct list *those, const char *but)
{
	for (size_t i = 0; i < these->count; i++) {
		struct span item = these->items[i];

		if (has(those, item) || memmem(but, strlen(but), item.ptr, item.len) != NULL)
			continue;
		print_error("only one of both has: %.*s\n", SPAN_ARG(item));
		fail();
	}
}

static void test_a_migrated_table_has_what_a_new_one_has(void **state)
{
	/* What every old table has. */
	static const char always[] =
	    "|idbigintunsignedNOTNULLAUTO_INCREMENT|uuidchar(36)NOTNULL"
	    "|workspace_idbigintunsignedNOTNULL|created_bybigintunsignedNOTNULL|PRIMARYKEY(id)|";
	struct definition empty =
	    migrate_tests_parse("CREATE TABLE `t` (\n" ID "\n) ENGINE=InnoDB", *state);
	struct columns none = {0};
	struct buf clauses = buf_in(*state, 64 * KIB);
	struct list made =
			of_schema("CREATE TABLE IF NOT EXISTS whatsapp_accounts (", "\n) ENGINE"),
		    added;
	struct list schema = {.count = 0}, ours = {.count = 0};

	add_plain(&schema, &made, *state);
	added = of_schema("ALTER TABLE whatsapp_accounts", ";");
	add_plain(&schema, &added, *state);
	accounts_put_rebuild(&clauses, &empty, &none);
	accounts_put_references(&clauses, true, true);
	made = split(buf_span(&clauses));
	add_plain(&ours, &made, *state);
	assert_true(schema.count > 30);
	assert_all_in(&ours, &schema, "");
	assert_all_in(&schema, &ours, always);
}

static void test_every_need_is_a_column_of_the_schema_with_its_type(void **state)
{
	struct list columns = {.count = 0}, made;

	made = of_schema("CREATE TABLE IF NOT EXISTS whatsapp_accounts (", "\n) ENGINE");
	add_plain(&columns, &made, *state);
	made = of_schema("ALTER TABLE whatsapp_accounts", ";");
	add_plain(&columns, &made, *state);
	for (size_t i = 0; i < accounts_need_count; i++) {
		const struct need *need = &accounts_needs[i];
		struct buf b = buf_in(*state, KIB);

		buf_putf(&b, "%s %s %s", need->name, need->type, need->rest);
		if (!has(&columns, plain(buf_span(&b), *state))) {
			print_error("sql/ does not have: %.*s\n", SPAN_ARG(buf_span(&b)));
			fail();
		}
	}
}

static void test_the_old_word_is_the_same_column_in_both(void **state)
{
	static const char add[] = "ADD COLUMN IF NOT EXISTS ";
	const char *made = strstr(schema_sql_003_status, add);
	struct buf b = buf_in(*state, KIB);

	assert_non_null(made);
	made += sizeof(add) - 1;
	alias_put(&b);
	assert_same(
	    plain(buf_span(&b), *state), plain(span_from(made, strcspn(made, ";")), *state));
}

static void test_a_text_has_room_for_what_its_type_holds(void **state)
{
	(void)state;
	for (size_t i = 0; i < accounts_need_count; i++) {
		const struct need *need = &accounts_needs[i];
		unsigned chars = 0;

		if (sscanf(need->type, "varchar(%u)", &chars) == 1 &&
		    strstr(need->type, "ascii") == NULL)
			assert_int_equal(need->chars, chars);
		if (strstr(need->type, "text") != NULL || strcmp(need->type, "json") == 0)
			assert_int_equal(need->chars, 65535);
	}
}

/* --- the one ALTER */

static struct column column_of(const char *name, const char *data_type, const char *type)
{
	bool is_text = strstr(type, "char") != NULL || strstr(type, "text") != NULL ||
		       strstr(type, "enum") != NULL;
	struct column column = {
	    .name = span_of(name), .data_type = span_of(data_type), .type = span_of(type)};
	unsigned chars = 0;

	if (!is_text)
		return column;
	column.charset = SPAN_OF("utf8mb4");
	column.collation = SPAN_OF("utf8mb4_bin");
	column.chars = sscanf(type, "%*[a-z](%u)", &chars) == 1 ? chars : UINT32_MAX;
	return column;
}

static struct span rebuild(const char *create, struct column *rows, size_t count, struct arena *mem)
{
	struct definition now = migrate_tests_parse(create, mem);
	struct columns columns = {rows, count};
	struct buf clauses = buf_in(mem, 64 * KIB);

	accounts_put_rebuild(&clauses, &now, &columns);
	assert_false(clauses.failed);
	buf_putc(&clauses, '\0');
	clauses.len--;
	return buf_span(&clauses);
}

static void test_the_old_word_stays_and_may_be_none(void **state)
{
	struct column status = column_of("status", "enum", "enum('connected','disconnected')");
	struct span sql = rebuild(
	    TABLE("  `status` enum('connected','disconnected') NOT NULL"), &status, 1, *state);

	assert_true(span_starts(sql,
	    "MODIFY COLUMN `status` enum('connected','disconnected')"
	    " CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,\nADD COLUMN account_name "));
}

static void test_a_column_that_is_good_enough_is_not_touched(void **state)
{
	struct column rows[] = {column_of("phone_number", "varchar", "varchar(191)"),
	    column_of("Session_Name", "varchar", "varchar(255)"),
	    column_of("session_data", "longtext", "longtext"),
	    column_of("is_primary", "tinyint", "tinyint(1)")};
	struct span sql;

	for (size_t i = 0; i < COUNT(rows); i++)
		rows[i].is_nullable = true;
	sql =
	    rebuild(TABLE("  `phone_number` varchar(191) DEFAULT NULL"), rows, COUNT(rows), *state);
	assert_false(unit_has(sql, "phone_number varchar"));
	assert_false(unit_has(sql, "COLUMN account_name"));
	assert_false(unit_has(sql, "COLUMN session_data"));
	assert_false(unit_has(sql, "COLUMN is_primary"));
	assert_false(unit_has(sql, "MODIFY COLUMN"));
	assert_true(unit_has(sql, "ADD COLUMN session_id varchar(191) "));
}

static void test_a_narrow_column_gets_room_and_keeps_its_letters(void **state)
{
	struct column rows[] = {column_of("phone_number", "varchar", "varchar(20)"),
	    column_of("session_id", "varchar", "varchar(191)"),
	    column_of("session_name", "varchar", "varchar(191)"),
	    column_of("metadata", "text", "text")};
	struct span sql;

	rows[0].charset = SPAN_OF("latin1");
	rows[0].collation = SPAN_OF("latin1_bin");
	rows[2].charset = SPAN_OF("latin1");
	rows[2].collation = SPAN_OF("latin1_swedish_ci");
	rows[3].charset = SPAN_OF("latin1");
	rows[3].chars = 65535;
	sql = rebuild(TABLE("  `session_id` varchar(191) NOT NULL"), rows, COUNT(rows), *state);
	/* Digits need no other letters; what people call things does. */
	assert_true(unit_has(sql,
	    "MODIFY COLUMN `phone_number` varchar(50) CHARACTER SET latin1 COLLATE latin1_bin NULL DEFAULT NULL"));
	assert_true(unit_has(sql,
	    "MODIFY COLUMN `session_name` varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci NULL DEFAULT NULL"));
	assert_true(unit_has(sql,
	    "MODIFY COLUMN `metadata` text CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci NULL DEFAULT NULL"));
	/* It was wide enough, but allowed no NULL. */
	assert_true(unit_has(sql,
	    "MODIFY COLUMN `session_id` varchar(191) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL DEFAULT NULL"));
}

static void test_a_column_that_we_do_not_know_gets_a_default(void **state)
{
	struct column rows[] = {column_of("or`der", "int", "int(11)"),
	    column_of("path", "varchar", "varchar(500)"),
	    column_of("kind", "enum", "enum('a,b','c')"), column_of("day", "date", "date"),
	    column_of("seen_at", "timestamp", "timestamp"),
	    column_of("settings", "longtext", "longtext"), column_of("length", "time", "time"),
	    column_of("key", "uuid", "uuid"), column_of("from", "inet6", "inet6"),
	    column_of("v4", "inet4", "inet4"), column_of("place", "point", "point")};
	struct span sql =
	    rebuild(TABLE("  `settings` longtext NOT NULL CHECK (json_valid(`settings`))"), rows,
		COUNT(rows), *state);

	assert_true(unit_has(sql, "ALTER COLUMN `or``der` SET DEFAULT (0)"));
	assert_true(unit_has(sql, "ALTER COLUMN `path` SET DEFAULT ('')"));
	assert_true(unit_has(sql, "ALTER COLUMN `kind` SET DEFAULT ('a,b')"));
	assert_true(unit_has(sql, "ALTER COLUMN `day` SET DEFAULT ('1970-01-02')"));
	assert_true(unit_has(sql, "ALTER COLUMN `seen_at` SET DEFAULT ('1970-01-02 00:00:00')"));
	assert_true(unit_has(sql, "ALTER COLUMN `settings` SET DEFAULT ('{}')"));
	assert_true(unit_has(sql, "ALTER COLUMN `length` SET DEFAULT ('00:00:00')"));
	assert_true(unit_has(
	    sql, "ALTER COLUMN `key` SET DEFAULT ('00000000-0000-0000-0000-000000000000')"));
	assert_true(unit_has(sql, "ALTER COLUMN `from` SET DEFAULT ('::')"));
	assert_true(unit_has(sql, "ALTER COLUMN `v4` SET DEFAULT ('0.0.0.0')"));
	assert_true(
	    unit_has(sql, "ALTER COLUMN `place` SET DEFAULT (ST_GeomFromText('POINT(0 0)'))"));
}

static void test_the_first_word_of_an_enumeration_may_have_quotes(void **state)
{
	struct column kind = column_of("kind", "enum", "enum('it''s, ''so''','b')");
	struct span sql = rebuild(TABLE("  `kind` int(11) NOT NULL"), &kind, 1, *state);

	assert_true(unit_has(sql, "ALTER COLUMN `kind` SET DEFAULT ('it''s, ''so''')"));
}

static void test_a_column_that_fills_itself_gets_none(void **state)
{
	struct column rows[] = {column_of("a", "int", "int(11)"), column_of("b", "int", "int(11)"),
	    column_of("c", "int", "int(11)"), column_of("id", "bigint", "bigint(20) unsigned"),
	    column_of("uuid", "char", "char(36)")};
	struct span sql;

	rows[0].is_nullable = true;
	rows[1].has_default = true;
	rows[2].is_generated = true;
	rows[3].counts = true;
	sql = rebuild(TABLE("  `a` int(11) DEFAULT NULL"), rows, COUNT(rows), *state);
	assert_false(unit_has(sql, "ALTER COLUMN"));
}

static void test_keys_that_say_the_same_have_our_names_and_others_stay(void **state)
{
	struct column status = column_of("status", "varchar", "varchar(20)");
	struct span sql = rebuild(TABLE("  PRIMARY KEY (`id`),\n"
					"  UNIQUE KEY `same``one` (`uuid`),\n"
					"  UNIQUE KEY `number` (`phone_number`,`workspace_id`),\n"
					"  KEY `by_word` (`workspace_id`,`status`),\n"
					"  KEY `by_number` (`phone_number`),\n"
					"  KEY `not_unique` (`uuid`),\n"
					"  KEY `creator` (`created_by`),\n"
					"  FULLTEXT KEY `words` (`created_by`),\n"
					"  KEY `newest` (`created_at` DESC)"),
	    &status, 1, *state);

	assert_true(unit_has(sql,
	    "DROP KEY `same``one`,\nDROP KEY `number`,\nDROP KEY `by_word`,\nDROP KEY `creator`,\n"
	    "ADD UNIQUE KEY whatsapp_accounts_uuid_unique (`uuid`),\n"));
	assert_false(unit_has(sql, "DROP KEY `by_number`"));
	assert_false(unit_has(sql, "DROP KEY `not_unique`"));
	assert_false(unit_has(sql, "DROP KEY `words`"));
	assert_false(unit_has(sql, "DROP KEY `newest`"));
}

static void test_foreign_keys_are_added_where_they_are_asked_for(void **state)
{
	static const char workspace[] = "ADD CONSTRAINT whatsapp_accounts_workspace_id_foreign ";
	static const char creator[] = "ADD CONSTRAINT whatsapp_accounts_created_by_foreign ";
	struct definition now = migrate_tests_parse(TABLE("  PRIMARY KEY (`id`)"), *state);
	struct columns none = {0};

	for (unsigned i = 0; i < 4; i++) {
		struct buf b = buf_in(*state, 64 * KIB);

		accounts_put_rebuild(&b, &now, &none);
		accounts_put_references(&b, (i & 1) != 0, (i & 2) != 0);
		assert_int_equal(unit_has(buf_span(&b), workspace), (i & 1) != 0);
		assert_int_equal(unit_has(buf_span(&b), creator), (i & 2) != 0);
	}
}

/* --- the instant renames */

static void test_the_renames_come_and_go(void **state)
{
	struct column before[] = {column_of("Status", "varchar", "varchar(20)"),
	    column_of("session_Name", "varchar", "varchar(255)")};
	struct column after[] = {column_of("wa_old_status", "varchar", "varchar(20)"),
	    column_of("account_name", "varchar", "varchar(255)")};
	const struct columns old = {before, 2}, new = {after, 2}, none = {0};
	struct buf b = buf_in(*state, KIB);

	accounts_put_rename(&b, &old);
	assert_span(buf_span(&b),
	    "CHANGE COLUMN status `wa_old_status` varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL"
	    " INVISIBLE DEFAULT NULL,\nRENAME COLUMN session_name TO account_name");
	buf_clear(&b);
	accounts_put_rename(&b, &new);
	assert_int_equal(b.len, 0);
	/* In the letters that they had. */
	accounts_put_rename_back(&b, &new, &old);
	assert_span(buf_span(&b),
	    "CHANGE COLUMN wa_old_status `Status` varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL"
	    " DEFAULT NULL,\nRENAME COLUMN account_name TO `session_Name`");
	buf_clear(&b);
	/* Where accounts always had their name, they keep it. */
	accounts_put_rename_back(&b, &new, &(struct columns){before, 1});
	assert_false(unit_has(buf_span(&b), "account_name"));
	buf_clear(&b);
	accounts_put_rename_back(&b, &old, &old);
	accounts_put_rename_back(&b, &new, &none);
	assert_int_equal(b.len, 0);
}

static void test_the_old_word_is_known_from_the_old_column(void **state)
{
	struct column columns[] = {column_of("Status", "varchar", "varchar(20)"),
	    column_of("connection_status", "enum", "enum('connected')")};

	(void)state;
	assert_false(alias_is_there(&(struct columns){columns, 2}));
	columns[0].is_generated = true;
	assert_true(alias_is_there(&(struct columns){columns, 2}));
	assert_false(alias_is_there(&(struct columns){columns, 1}));
	assert_false(alias_is_there(&(struct columns){columns + 1, 1}));
}

/* --- and back */

static void test_what_was_added_goes_and_nothing_else(void **state)
{
	struct definition empty =
	    migrate_tests_parse("CREATE TABLE `t` (\n" ID "\n) ENGINE=InnoDB", *state);
	struct columns none = {0};
	struct buf clauses = buf_in(*state, 64 * KIB);
	struct part part = {.kind = PART_COLUMN};
	struct list added;
	size_t gone = 0;

	accounts_put_rebuild(&clauses, &empty, &none);
	accounts_put_references(&clauses, true, true);
	added = split(buf_span(&clauses));
	for (size_t i = 0; i < added.count; i++) {
		struct span rest = added.items[i], word = {0};

		part.kind = span_starts(rest, "ADD COLUMN ")       ? PART_COLUMN
			    : span_starts(rest, "ADD CONSTRAINT ") ? PART_CONSTRAINT
								   : PART_KEY;
		for (int words = span_starts(rest, "ADD UNIQUE") ? 4 : 3; words > 0; words--)
			assert_true(span_cut(&rest, ' ', &word));
		part.name = word;
		if (!accounts_goes(&part)) {
			print_error("stays: %.*s\n", SPAN_ARG(added.items[i]));
			fail();
		}
		gone++;
	}
	assert_int_equal(gone, accounts_need_count + 11);
	part.name = SPAN_OF("id");
	for (int kind = PART_COLUMN; kind <= PART_CHECK; kind++) {
		part.kind = (enum part_kind)kind;
		assert_false(accounts_goes(&part));
	}
	part.name = SPAN_OF("wa_old_status");
	part.kind = PART_COLUMN;
	assert_false(accounts_goes(&part));
}

/* The keys that the rebuild makes, as SHOW CREATE TABLE then writes them. */
static struct definition all_our_keys(struct arena *mem)
{
	struct definition empty =
	    migrate_tests_parse("CREATE TABLE `t` (\n" ID "\n) ENGINE=InnoDB", mem);
	struct buf clauses = buf_in(mem, 64 * KIB), table = buf_in(mem, 64 * KIB);
	struct list added;

	accounts_put_rebuild(&clauses, &empty, &(struct columns){0});
	added = split(buf_span(&clauses));
	buf_puts(&table, "CREATE TABLE `t` (\n" ID);
	for (size_t i = 0; i < added.count; i++) {
		bool is_unique = span_starts(added.items[i], "ADD UNIQUE KEY ");
		struct span rest = added.items[i], name = {0};

		if (!is_unique && !span_starts(rest, "ADD KEY "))
			continue;
		for (int words = is_unique ? 4 : 3; words > 0; words--)
			assert_true(span_cut(&rest, ' ', &name));
		buf_putf(&table, ",\n  %sKEY `%.*s` %.*s", is_unique ? "UNIQUE " : "",
		    SPAN_ARG(name), SPAN_ARG(rest));
	}
	buf_puts(&table, "\n) ENGINE=InnoDB");
	buf_putc(&table, '\0');
	return migrate_tests_parse(table.ptr, mem);
}

static void test_a_table_tells_which_of_our_keys_it_lacks(void **state)
{
	struct definition empty =
	    migrate_tests_parse("CREATE TABLE `t` (\n" ID "\n) ENGINE=InnoDB", *state);
	struct definition full = all_our_keys(*state);

	assert_string_equal(accounts_missing_key(&empty), "whatsapp_accounts_uuid_unique");
	assert_null(accounts_missing_key(&full));
	for (size_t i = 1; i < full.count; i++) {
		struct part *key = &full.parts[i], was = *key;

		key->is_unique = !key->is_unique;
		assert_same(span_of(accounts_missing_key(&full)), was.name);
		*key = was;
		key->columns = SPAN_OF("`id`");
		assert_same(span_of(accounts_missing_key(&full)), was.name);
		*key = was;
	}
	assert_null(accounts_missing_key(&full));
}

int test_migrate_accounts(void)
{
	const struct CMUnitTest tests[] = {
	    arena_test(test_a_migrated_table_has_what_a_new_one_has),
	    arena_test(test_every_need_is_a_column_of_the_schema_with_its_type),
	    arena_test(test_the_old_word_is_the_same_column_in_both),
	    cmocka_unit_test(test_a_text_has_room_for_what_its_type_holds),
	    arena_test(test_the_old_word_stays_and_may_be_none),
	    arena_test(test_a_column_that_is_good_enough_is_not_touched),
	    arena_test(test_a_narrow_column_gets_room_and_keeps_its_letters),
	    arena_test(test_a_column_that_we_do_not_know_gets_a_default),
	    arena_test(test_the_first_word_of_an_enumeration_may_have_quotes),
	    arena_test(test_a_column_that_fills_itself_gets_none),
	    arena_test(test_keys_that_say_the_same_have_our_names_and_others_stay),
	    arena_test(test_foreign_keys_are_added_where_they_are_asked_for),
	    arena_test(test_the_renames_come_and_go),
	    cmocka_unit_test(test_the_old_word_is_known_from_the_old_column),
	    arena_test(test_what_was_added_goes_and_nothing_else),
	    arena_test(test_a_table_tells_which_of_our_keys_it_lacks),
	};

	return unit_run("migrate/accounts", tests);
}
