#include "tables.h"

const struct state_table state_tables[] = {
    {"wa_migration",
	"id tinyint unsigned NOT NULL PRIMARY KEY, direction enum('up', 'down', 'finalize') NOT NULL,"
	" begun_at datetime(6) NOT NULL, finished_at datetime(6) NULL, holder varchar(255) NULL,"
	" lease_until datetime(6) NULL"},
    {"wa_migration_steps",
	"direction enum('up', 'down', 'finalize') NOT NULL, step varchar(32) NOT NULL, began_at datetime(6) NOT "
	"NULL,"
	" ended_at datetime(6) NULL, PRIMARY KEY (direction, step)"},
    {"wa_migration_tables",
	"name varchar(64) NOT NULL PRIMARY KEY, definition longtext NOT NULL,"
	" next_id bigint unsigned NULL, ref_column varchar(64) NULL, row_count bigint unsigned NULL,"
	" ref_count bigint unsigned NULL, ref_sum bigint unsigned NULL"},
    {"wa_migration_columns",
	"position int unsigned NOT NULL PRIMARY KEY, name varchar(64) NOT NULL,"
	" data_type varchar(64) NOT NULL, column_type longtext NOT NULL, charset_name varchar(64) "
	"NULL,"
	" collation_name varchar(64) NULL, chars bigint unsigned NOT NULL, is_nullable tinyint NOT "
	"NULL,"
	" has_default tinyint NOT NULL, is_generated tinyint NOT NULL, updates_itself tinyint NOT "
	"NULL,"
	" counts tinyint NOT NULL"},
    {"wa_migration_foreign",
	"table_schema varchar(64) NOT NULL, table_name varchar(64) NOT NULL, name varchar(64) NOT "
	"NULL,"
	" column_name varchar(64) NOT NULL, on_delete varchar(32) NOT NULL, on_update varchar(32) "
	"NOT NULL,"
	" PRIMARY KEY (table_schema, table_name, name, column_name)"},
    {"wa_migration_rows",
	"id bigint unsigned NOT NULL PRIMARY KEY, workspace_id bigint unsigned NULL,"
	" created_by bigint unsigned NULL, state_version bigint unsigned NOT NULL DEFAULT 0,"
	" is_ours tinyint NOT NULL DEFAULT 0, marks varbinary(4096) NOT NULL"},
    {"wa_migration_resolved",
	"account_id bigint unsigned NOT NULL, kind enum('number', 'primary') NOT NULL,"
	" winner_id bigint unsigned NOT NULL, deleted_at datetime(6) NULL,"
	" restores tinyint NOT NULL DEFAULT 1, PRIMARY KEY (account_id, kind)"},
    {"wa_migration_kept", NULL},
};

const size_t state_table_count = sizeof(state_tables) / sizeof(state_tables[0]);
