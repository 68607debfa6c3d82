#include "schema/schema.h"

#include "base/bounds.h"
#include "base/buf.h"
#include "steps.h"

static const struct {
	uint64_t version;
	uint64_t oldest_build; /* that a database of this version still serves */
	const char *name;
	const char *sql;
} steps[] = {
    {1, 1, "accounts and outbox", schema_sql_001_accounts},
    {2, 1, "the relay's leases", schema_sql_002_relay},
    /* The builds before it read nothing that it changes. */
    {3, 1, "the old word of the state", schema_sql_003_status},
};

enum { TABLES, VERSION, MIGRATING, RECORD, ROWS };

/*
 * As the first statement counts them: a dump or a migration may have made a table anew.  Not
 * `status`, which is there for others and may be dropped.
 */
enum { OUR_TABLES = 4, OUR_COLUMNS = 8 };

// clang-format off
static const struct db_statement statements[] = {
    [TABLES] = {"schema.tables",
	"SELECT"
	" COALESCE(SUM(table_name = 'wa_schema'), 0),"
	" COALESCE(SUM(table_name = 'whatsapp_sessions'), 0),"
	" COALESCE(SUM(table_name IN ('whatsapp_accounts', 'wa_workspaces', 'wa_outbox', 'wa_lanes')), 0),"
	" COALESCE(SUM(table_name IN ('workspaces', 'users')), 0),"
	" COALESCE(SUM(table_name = 'wa_migration'), 0),"
	" (SELECT COUNT(*) FROM information_schema.columns WHERE table_schema = DATABASE()"
	" AND table_name = 'whatsapp_accounts' AND column_name IN ('session_id',"
	" 'assigned_instance_url', 'qr_expires_at', 'connect_deadline_at', 'state_version',"
	" 'qr_first_at', 'live_primary', 'live_phone'))"
	" FROM information_schema.tables WHERE table_schema = DATABASE()",
	"uuuuuu", DB_READ},
    /* It may go between two statements. */
    [VERSION] = {"schema.version", "SELECT version, oldest_build FROM wa_schema WHERE id = 1", "uu",
	DB_READ | DB_OPTIONAL},
    [MIGRATING] = {"schema.migrating",
	"SELECT COUNT(*) FROM wa_migration WHERE direction IN ('up', 'down') AND finished_at IS NULL", "u",
	DB_READ | DB_OPTIONAL},
    [RECORD] = {"schema.record",
	"INSERT INTO wa_schema (id, version, oldest_build, applied_at)"
	" VALUES (1, ?, ?, UTC_TIMESTAMP(6)) ON DUPLICATE KEY UPDATE version = VALUES(version),"
	" oldest_build = VALUES(oldest_build), applied_at = VALUES(applied_at)",
	"", 0},
    [ROWS] = {"schema.rows",
	"SELECT EXISTS (SELECT 1 FROM users) + EXISTS (SELECT 1 FROM workspaces)"
	" + EXISTS (SELECT 1 FROM whatsapp_accounts)",
	"u", DB_READ},
};
// clang-format on

static const char version_table[] =
    "CREATE TABLE IF NOT EXISTS wa_schema (id tinyint unsigned NOT NULL PRIMARY KEY,"
    " version int unsigned NOT NULL, oldest_build int unsigned NOT NULL,"
    " applied_at datetime(6) NOT NULL) ENGINE = InnoDB";

enum rc schema_read(struct db *db, struct arena *mem, struct schema_state *ret)
{
	struct schema_state state = {0};
	struct db_value row[6], migrating[1] = {db_u(0)};
	enum rc rc = db_one(db, &statements[TABLES], DB_NONE, mem, row);

	if (rc != RC_OK)
		return rc;
	state.has_sessions = row[1].u != 0;
	state.has_tables = row[2].u == OUR_TABLES && row[5].u == OUR_COLUMNS;
	state.has_parents = row[3].u == 2;
	if (row[4].u != 0) {
		rc = db_one(db, &statements[MIGRATING], DB_NONE, mem, migrating);
		if (rc != RC_OK && rc != RC_NOT_FOUND)
			return rc;
		state.is_migrating = migrating[0].u != 0;
	}
	if (row[0].u != 0) {
		rc = db_one(db, &statements[VERSION], DB_NONE, mem, row);
		if (rc == RC_OK) {
			state.version = row[0].u;
			state.oldest_build = row[1].u;
		}
		if (rc != RC_OK && rc != RC_NOT_FOUND)
			return rc;
	}
	*ret = state;
	return RC_OK;
}

static const char *const words[] = {
    [SCHEMA_TOO_NEW] =
	"the database's schema is too new for this build; install the release that the other hosts "
	"run, then run: wa-accountsctl schema check",
    [SCHEMA_HAS_SESSIONS] =
	"the database still has the table whatsapp_sessions: its sessions have not become accounts "
	"yet; run: wa-accountsctl migrate plan",
    [SCHEMA_IS_MIGRATING] =
	"a migration is not finished; run: wa-accountsctl migrate up, or migrate down",
    [SCHEMA_TOO_OLD] =
	"the database's schema is older than this build needs; run: wa-accountsctl "
	"schema apply",
    [SCHEMA_IS_MISSING] =
	"the database does not have our tables yet; run: wa-accountsctl schema "
	"apply",
};

const char *schema_words(int fit)
{
	return fit >= 0 && (size_t)fit < sizeof(words) / sizeof(words[0]) ? words[fit] : NULL;
}

enum schema_fit schema_fit(const struct schema_state *state)
{
	if (state->oldest_build > SCHEMA_VERSION)
		return SCHEMA_TOO_NEW;
	if (state->is_migrating)
		return SCHEMA_IS_MIGRATING;
	if (state->has_sessions)
		return SCHEMA_HAS_SESSIONS;
	if (state->version != 0 && state->version < SCHEMA_VERSION)
		return SCHEMA_TOO_OLD;
	return state->has_tables && state->version != 0 ? SCHEMA_FITS : SCHEMA_IS_MISSING;
}

const char *schema_fault(const struct schema_state *state)
{
	return schema_words((int)schema_fit(state));
}

enum rc schema_on_connect(struct db *db, void *ctx)
{
	struct arena *mem = arena_create(4 * KIB);
	struct schema_state state;
	enum rc rc = schema_read(db, mem, &state);
	enum schema_fit fit = rc == RC_OK ? schema_fit(&state) : SCHEMA_FITS;

	(void)ctx;
	arena_free(mem);
	if (fit == SCHEMA_FITS)
		return rc;
	db_refuse(db, (int)fit, schema_words((int)fit));
	return RC_RETRY;
}

/* What no `schema apply` can mend, unless it is a part of the migration. */
static const char *unfit(const struct schema_state *state, unsigned flags)
{
	enum schema_fit fit = schema_fit(state);

	if (fit == SCHEMA_IS_MIGRATING && (flags & SCHEMA_MIGRATES) != 0 && !state->has_sessions)
		return NULL;
	return fit == SCHEMA_TOO_NEW || fit == SCHEMA_HAS_SESSIONS || fit == SCHEMA_IS_MIGRATING
		   ? schema_words((int)fit)
		   : NULL;
}

/* Comments of the files stand on lines of their own. */
static void put_without_comments(struct buf *out, struct span sql)
{
	struct span line;

	while (span_cut(&sql, '\n', &line)) {
		if (span_starts(line, "--"))
			continue;
		buf_put(out, line);
		buf_putc(out, '\n');
	}
}

/* Each statement of a file: it ends with ';' at the end of a line. */
static enum rc run_file(struct db *db, struct arena *mem, const char *file)
{
	struct buf text = buf_in(mem, MIB);
	struct span rest;
	enum rc rc = RC_OK;

	put_without_comments(&text, span_of(file));
	rest = span_trim(buf_span(&text));
	while (rc == RC_OK && rest.len > 0) {
		const char *end = memmem(rest.ptr, rest.len, ";\n", 2);
		size_t len = end != NULL ? (size_t)(end - rest.ptr)
					 : rest.len - (rest.ptr[rest.len - 1] == ';');

		rc = db_execute(db, arena_copy(mem, span_from(rest.ptr, len)).ptr);
		rest = end != NULL ? span_trim(span_from(end + 1, rest.len - len - 1))
				   : (struct span){0};
	}
	return rc;
}

static void tell(schema_say_fn *say, const char *line)
{
	if (say != NULL)
		say(line);
}

static enum rc apply_demo_rows(struct db *db, struct arena *mem, schema_say_fn *say)
{
	struct db_value row[1];
	enum rc rc = db_one(db, &statements[ROWS], DB_NONE, mem, row);

	if (rc != RC_OK)
		return rc;
	if (row[0].u != 0) {
		tell(say, "demo rows: the tables hold rows already; nothing is added");
		return RC_OK;
	}
	tell(say, "demo rows: two workspaces, three users, forty accounts");
	return run_file(db, mem, schema_sql_demo_rows);
}

static enum rc apply_steps(
    struct db *db, struct arena *mem, const struct schema_state *state, schema_say_fn *say)
{
	enum rc rc = db_execute(db, version_table);

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && rc == RC_OK; i++) {
		char line[128];
		struct buf text = buf_over(line, sizeof(line) - 1);

		if (steps[i].version <= state->version && state->has_tables)
			continue;
		buf_putf(
		    &text, "version %llu: %s", (unsigned long long)steps[i].version, steps[i].name);
		line[text.len] = '\0';
		tell(say, line);
		rc = run_file(db, mem, steps[i].sql);
		if (rc == RC_OK)
			rc = db_run(db, &statements[RECORD],
			    DB_IN(db_u(steps[i].version), db_u(steps[i].oldest_build)));
	}
	return rc;
}

enum rc schema_apply(
    struct db *db, struct arena *mem, unsigned flags, schema_say_fn *say, const char **reterr)
{
	bool demo = (flags & SCHEMA_DEMO) != 0;
	struct schema_state state;
	enum rc rc = schema_read(db, mem, &state);

	if (rc != RC_OK)
		return rc;
	*reterr = unfit(&state, flags);
	if (*reterr != NULL)
		return RC_INVALID;
	/* DDL takes as long as it takes, but never waits in front of Laravel's queries. */
	rc = db_execute(db, "SET SESSION max_statement_time = 0, lock_wait_timeout = 10");
	if (rc == RC_OK && demo) {
		tell(say, "demo tables: the part of Laravel's that the accounts hang on");
		rc = run_file(db, mem, schema_sql_demo_tables);
	} else if (rc == RC_OK && !state.has_parents) {
		tell(say,
		    "note: there are no tables workspaces and users yet; the foreign keys wait for "
		    "Laravel to make them");
		rc = db_execute(db, "SET SESSION foreign_key_checks = 0");
	}
	if (rc == RC_OK)
		rc = apply_steps(db, mem, &state, say);
	if (rc == RC_OK && demo)
		rc = apply_demo_rows(db, mem, say);
	return rc;
}
