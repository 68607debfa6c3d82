#include "state.h"

#include <stdio.h>
#include <unistd.h>

#include "accounts.h"
#include "base/num.h"
#include "definition.h"
#include "steps.h"
#include "tables.h"

enum {
	READ,
	ADD,
	TAKE,
	TURN,
	RENEW,
	RELEASE,
	FINISH,
	STEP_ENDED,
	STEP_BEGIN,
	STEP_END,
	DEFINITION,
	COLUMNS,
};

#define LEASE "UTC_TIMESTAMP(6) + INTERVAL 30 SECOND"

// clang-format off
static const struct db_statement statements[] = {
	[READ] = {"migrate.state",
		"SELECT direction + 0, finished_at IS NOT NULL, CAST(begun_at AS CHAR), CAST(finished_at AS CHAR),"
		" IF(lease_until > UTC_TIMESTAMP(6), holder, NULL) FROM wa_migration WHERE id = 1",
		"uusss", DB_READ | DB_OPTIONAL},
	[ADD] = {"migrate.add",
		"INSERT IGNORE INTO wa_migration (id, direction, begun_at) VALUES (1, ?, UTC_TIMESTAMP(6))", "", 0},
	[TAKE] = {"migrate.take",
		"UPDATE wa_migration SET lease_until = " LEASE ", holder = ? WHERE id = 1"
		" AND (holder IS NULL OR holder = ? OR lease_until <= UTC_TIMESTAMP(6))",
		"", 0},
	[TURN] = {"migrate.turn",
		"UPDATE wa_migration SET finished_at = IF(direction = ?, finished_at, NULL), direction = ? WHERE id = 1",
		"", 0},
	[RENEW] = {"migrate.renew", "UPDATE wa_migration SET lease_until = " LEASE " WHERE id = 1 AND holder = ?", "", 0},
	[RELEASE] = {"migrate.release",
		"UPDATE wa_migration SET holder = NULL, lease_until = NULL WHERE id = 1 AND holder = ?", "", DB_OPTIONAL},
	[FINISH] = {"migrate.finish", "UPDATE wa_migration SET finished_at = UTC_TIMESTAMP(6), holder = NULL, lease_until = NULL WHERE id = 1", "", 0},
	[STEP_ENDED] = {"migrate.step_ended",
		"SELECT COUNT(*) FROM wa_migration_steps WHERE direction = ? AND step = ? AND ended_at IS NOT NULL",
		"u", DB_READ | DB_OPTIONAL},
	[STEP_BEGIN] = {"migrate.step_begin",
		"INSERT INTO wa_migration_steps (direction, step, began_at) VALUES (?, ?, UTC_TIMESTAMP(6))"
		" ON DUPLICATE KEY UPDATE began_at = VALUES(began_at)", "", 0},
	[STEP_END] = {"migrate.step_end",
		"UPDATE wa_migration_steps SET ended_at = UTC_TIMESTAMP(6) WHERE direction = ? AND step = ?", "", 0},
	[DEFINITION] = {"migrate.old_definition", "SELECT definition FROM wa_migration_tables WHERE name = ?", "s",
		DB_READ | DB_OPTIONAL},
	[COLUMNS] = {"migrate.old_columns",
		"SELECT name, data_type, column_type, charset_name, collation_name, chars, is_nullable, has_default,"
		" is_generated, updates_itself, counts FROM wa_migration_columns ORDER BY position",
		"sssssuuuuuu", DB_READ | DB_OPTIONAL},
};
// clang-format on

const char *state_direction_name(enum direction direction)
{
	static const char *const names[] = {"up", "down", "finalize"};

	return names[direction];
}

/* Host, process, and when that began, by which a number that is used again is told apart. */
static bool process_began(uint64_t pid, uint64_t *ret)
{
	char path[64], text[1024];
	struct span rest, field;
	size_t len;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%llu/stat", (unsigned long long)pid);
	file = fopen(path, "re");
	if (file == NULL)
		return false;
	len = fread(text, 1, sizeof(text), file);
	fclose(file);
	/* The name, field 2, may hold anything: what follows its last parenthesis are numbers. */
	while (len > 0 && text[len - 1] != ')')
		len--;
	rest = span_trim(span_from(text + len, strcspn(text + len, "\n")));
	for (int i = 3; i <= 22; i++)
		if (!span_cut(&rest, ' ', &field))
			return false;
	return num_u64(field, ret);
}

/* By which the pids of two containers of one name are told apart. */
static void read_namespace(char ret[static 64])
{
	ssize_t len = readlink("/proc/self/ns/pid", ret, 63);

	ret[len > 0 ? len : 0] = '\0';
}

void state_name_holder(struct migration *m)
{
	char host[128] = "", space[64];
	uint64_t began = 0;

	gethostname(host, sizeof(host) - 1);
	read_namespace(space);
	if (!process_began((uint64_t)getpid(), &began))
		began = 0;
	snprintf(m->holder, sizeof(m->holder), "%s %d %llu %s", host, (int)getpid(),
	    (unsigned long long)began, space);
}

/* Of this host, and not alive any more. */
static bool is_dead(struct span holder)
{
	char host[128] = "", space[64];
	struct span name, pid_text, began_text;
	uint64_t pid, noted, began;

	gethostname(host, sizeof(host) - 1);
	read_namespace(space);
	if (!span_cut(&holder, ' ', &name) || !span_is(name, host) ||
	    !span_cut(&holder, ' ', &pid_text) || !num_u64(pid_text, &pid) ||
	    !span_cut(&holder, ' ', &began_text) || !num_u64(began_text, &noted) ||
	    !span_is(holder, space))
		return false;
	return !process_began(pid, &began) || began != noted;
}

enum rc state_read(struct migration *m, struct state *ret)
{
	struct db_value row[5];
	struct state state = {0};
	enum rc rc = db_one(m->db, &statements[READ], DB_NONE, m->mem, row);

	if (rc == RC_OK)
		state = (struct state){
		    .exists = true,
		    .direction = (enum direction)(row[0].u - 1),
		    .is_finished = row[1].u != 0,
		    .begun_at = row[2].s,
		    .finished_at = row[3].s,
		    .holder = row[4].s,
		};
	if (rc == RC_OK || rc == RC_NOT_FOUND)
		*ret = state;
	return rc == RC_NOT_FOUND ? RC_OK : rc;
}

static enum rc make_tables(struct migration *m)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < state_table_count && rc == RC_OK; i++) {
		struct buf sql = statement_new(m);

		if (state_tables[i].columns == NULL)
			continue;
		buf_putf(&sql,
		    "CREATE TABLE IF NOT EXISTS %s (%s) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4"
		    " COLLATE = utf8mb4_bin",
		    state_tables[i].name, state_tables[i].columns);
		rc = run_ddl(m, &sql);
	}
	return rc;
}

static enum rc take_lease(struct migration *m, struct state *state)
{
	struct db_value before = db_null();
	enum rc rc;

	if (state->holder.ptr != NULL && is_dead(state->holder)) {
		tell(m, "the run that held the lease (%.*s) is no more", SPAN_ARG(state->holder));
		before = db_s(state->holder);
	}
	rc = db_run(m->db, &statements[TAKE], DB_IN(db_text(m->holder), before));
	if (rc == RC_OK && db_affected(m->db) == 0)
		rc = RC_CONFLICT;
	return rc;
}

enum rc state_take(struct migration *m, enum direction direction, struct state *ret)
{
	struct db_value way = db_text(state_direction_name(direction));
	/* Also those that a run before has begun to drop: its steps are noted there. */
	enum rc rc = make_tables(m);

	if (rc == RC_OK)
		rc = db_run(m->db, &statements[ADD], &way, 1);
	if (rc == RC_OK)
		rc = state_read(m, ret);
	if (rc == RC_OK)
		rc = take_lease(m, ret);
	if (rc == RC_OK)
		rc = db_run(m->db, &statements[TURN], DB_IN(way, way));
	return rc;
}

enum rc state_renew(struct migration *m)
{
	enum rc rc = db_run(m->db, &statements[RENEW], DB_IN(db_text(m->holder)));

	if (rc == RC_OK && db_affected(m->db) == 0)
		rc = RC_CONFLICT;
	return rc;
}

void state_release(struct migration *m)
{
	enum rc rc = db_is_connected(m->db)
			 ? db_run(m->db, &statements[RELEASE], DB_IN(db_text(m->holder)))
			 : RC_OK;

	/* If it fails, the lease ends by itself. */
	(void)rc;
}

enum rc state_finish(struct migration *m)
{
	return db_run(m->db, &statements[FINISH], DB_NONE);
}

enum rc state_step_ended(struct migration *m, enum direction direction, const char *step, bool *ret)
{
	struct db_value row[1] = {db_u(0)};
	enum rc rc = db_one(m->db, &statements[STEP_ENDED],
	    DB_IN(db_text(state_direction_name(direction)), db_text(step)), m->scratch, row);

	if (rc == RC_OK || rc == RC_NOT_FOUND)
		*ret = rc == RC_OK && row[0].u != 0;
	return rc == RC_NOT_FOUND ? RC_OK : rc;
}

enum rc state_step_begin(struct migration *m, enum direction direction, const char *step)
{
	return db_run(m->db, &statements[STEP_BEGIN],
	    DB_IN(db_text(state_direction_name(direction)), db_text(step)));
}

enum rc state_step_end(struct migration *m, enum direction direction, const char *step)
{
	return db_run(m->db, &statements[STEP_END],
	    DB_IN(db_text(state_direction_name(direction)), db_text(step)));
}

enum rc state_definition(struct migration *m, const char *table, struct span *ret)
{
	struct db_value row[1] = {db_null()};
	enum rc rc = db_one(m->db, &statements[DEFINITION], DB_IN(db_text(table)), m->mem, row);

	if (rc == RC_OK || rc == RC_NOT_FOUND)
		*ret = rc == RC_OK ? row[0].s : (struct span){0};
	return rc == RC_NOT_FOUND ? RC_OK : rc;
}

enum rc state_columns(struct migration *m, struct columns *ret)
{
	return survey_columns_of(m, &statements[COLUMNS], DB_NONE, ret);
}

/* --- before anything is changed */

static enum rc record_table(struct migration *m, const char *name)
{
	struct buf sql = statement_new(m);
	struct span definition = {0};
	enum rc rc = read_definition(m, span_of(name), &definition);

	if (rc != RC_OK || definition.ptr == NULL)
		return rc;
	buf_puts(&sql,
	    "INSERT IGNORE INTO wa_migration_tables (name, definition, next_id) SELECT "
	    "table_name, ");
	definition_put_text(&sql, definition);
	buf_puts(&sql,
	    ", auto_increment FROM information_schema.tables WHERE table_schema = DATABASE() "
	    "AND table_name = ");
	definition_put_text(&sql, span_of(name));
	return run_write(m, &sql, NULL);
}

static void put_optional_text(struct buf *sql, struct span text)
{
	if (text.ptr == NULL)
		buf_puts(sql, "NULL");
	else
		definition_put_text(sql, text);
	buf_puts(sql, ", ");
}

static enum rc record_columns(struct migration *m)
{
	const struct columns *columns = &m->survey.columns;
	struct buf sql = statement_new(m);

	buf_puts(&sql, "INSERT IGNORE INTO wa_migration_columns VALUES");
	for (size_t i = 0; i < columns->count; i++) {
		const struct column *c = &columns->rows[i];

		buf_putf(&sql, "%s (%zu, ", i > 0 ? "," : "", i + 1);
		put_optional_text(&sql, c->name);
		put_optional_text(&sql, c->data_type);
		put_optional_text(&sql, c->type);
		put_optional_text(&sql, c->charset);
		put_optional_text(&sql, c->collation);
		buf_putf(&sql, "%llu, %d, %d, %d, %d, %d)", (unsigned long long)c->chars,
		    c->is_nullable, c->has_default, c->is_generated, c->updates_itself, c->counts);
	}
	return run_write(m, &sql, NULL);
}

static enum rc record_foreign(struct migration *m)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < m->survey.child_count && rc == RC_OK; i++) {
		const struct foreign *f = &m->survey.children[i];
		struct buf sql = statement_new(m);

		if (!span_is(f->parent, SESSIONS))
			continue;
		buf_puts(&sql, "INSERT IGNORE INTO wa_migration_foreign VALUES (");
		put_optional_text(&sql, f->schema);
		put_optional_text(&sql, f->table);
		put_optional_text(&sql, f->name);
		put_optional_text(&sql, f->column);
		put_optional_text(&sql, f->on_delete);
		definition_put_text(&sql, f->on_update);
		buf_putc(&sql, ')');
		rc = run_write(m, &sql, NULL);
	}
	return rc;
}

static enum rc record(struct db *db, void *ctx)
{
	static const char *const names[] = {SESSIONS, "chats", "campaign_logs", "contact_sessions",
	    "contact_accounts", "whatsapp_groups", "contacts", "migrations"};
	struct migration *m = ctx;
	enum rc rc = record_columns(m);

	(void)db;
	if (rc == RC_OK)
		rc = record_foreign(m);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && rc == RC_OK; i++)
		if (has_table(m, names[i]))
			rc = record_table(m, names[i]);
	/* Whether Laravel knows of it already. */
	if (rc == RC_OK && has_table(m, "migrations"))
		rc = run_write_text(m,
		    "UPDATE wa_migration_tables SET row_count = (SELECT COUNT(*) FROM migrations WHERE migration = '" LARAVELS_NAME
		    "') WHERE name = 'migrations'",
		    NULL);
	return rc;
}

enum rc state_begin_anew(struct migration *m)
{
	static const char *const notes[] = {"wa_migration_steps", "wa_migration_tables",
	    "wa_migration_columns", "wa_migration_foreign", "wa_migration_rows"};
	enum rc rc = RC_OK;

	for (size_t i = 0; i < sizeof(notes) / sizeof(notes[0]) && rc == RC_OK; i++) {
		struct buf sql = statement_new(m);

		buf_putf(&sql, "DELETE FROM %s", notes[i]);
		rc = run_write(m, &sql, NULL);
	}
	return rc;
}

enum rc state_record(struct migration *m)
{
	return m->options->dry_run ? RC_OK : run_transaction(m, record);
}

enum rc state_make_kept(struct migration *m)
{
	struct buf sql = statement_new(m);

	buf_puts(&sql,
	    "CREATE TABLE IF NOT EXISTS wa_migration_kept (account_id bigint unsigned NOT NULL"
	    " PRIMARY KEY, uuid varchar(1024) NULL, nulls varchar(1024) NULL DEFAULT NULL");
	for (size_t i = 0; i < accounts_need_count; i++)
		if ((accounts_needs[i].flags & NEED_KEPT) != 0)
			buf_putf(&sql, ", %s %s NULL DEFAULT NULL", accounts_needs[i].name,
			    accounts_needs[i].chars > 0 ? "longtext" : accounts_needs[i].type);
	buf_puts(&sql, ") ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_unicode_ci");
	return run_ddl(m, &sql);
}

/* --- after all */

static enum rc drop(struct migration *m, const char *table)
{
	struct buf sql = statement_new(m);

	buf_putf(&sql, "DROP TABLE IF EXISTS %s", table);
	return run_ddl(m, &sql);
}

static enum rc drop_if_empty(struct migration *m, const char *table)
{
	struct buf sql = statement_new(m);
	uint64_t rows = 0;
	enum rc rc = RC_OK;

	if (!has_table(m, table))
		return RC_OK;
	buf_putf(&sql, "SELECT COUNT(*) FROM %s", table);
	if (!m->options->dry_run)
		rc = read_number(m, &sql, &rows);
	if (rc != RC_OK || rows == 0)
		return rc == RC_OK ? drop(m, table) : rc;
	tell(m, "  %s keeps %llu rows for the next migrate up", table, (unsigned long long)rows);
	return RC_OK;
}

enum rc state_forget(struct migration *m)
{
	enum rc rc = survey_again(m);

	for (size_t i = state_table_count; i-- > 0 && rc == RC_OK;)
		rc = state_tables[i].columns == NULL ? drop_if_empty(m, state_tables[i].name)
						     : drop(m, state_tables[i].name);
	return rc;
}
