/*
 * run: begin, go on, and end; what the tool calls.
 */
#include <stdio.h>
#include <time.h>

#include "base/bounds.h"
#include "base/now.h"
#include "keeper.h"
#include "obstacles.h"
#include "plan.h"
#include "steps.h"

/*
 * A statement takes as long as it takes, and waits a short time only for its
 * lock.  Dates that the old application has stored are no mistakes of ours,
 * zeros among them.  Checksums that a subquery makes are made once for a row,
 * not again wherever they are named.
 */
enum rc prepare_connection(struct db *db, void *ctx)
{
	(void)ctx;
	return db_execute(db,
	    "SET SESSION max_statement_time = 0, lock_wait_timeout = 2, sql_mode ="
	    " 'STRICT_ALL_TABLES,ALLOW_INVALID_DATES,NO_ENGINE_SUBSTITUTION', alter_algorithm = 'DEFAULT',"
	    " autocommit = 1, foreign_key_checks = 1, unique_checks = 1, sql_quote_show_create = 1,"
	    " sql_safe_updates = 0, sql_select_limit = 18446744073709551615, wait_timeout = 28800,"
	    " system_versioning_alter_history = 'KEEP', optimizer_switch = 'derived_merge=off', group_concat_max_len = 1048576");
}

static bool open_migration(struct migration *m, const struct migrate_options *options)
{
	*m = (struct migration){
	    .options = options,
	    .db = db_create(options->db, NULL, NULL),
	    .mem = arena_create(64 * KIB),
	    .scratch = arena_create(64 * KIB),
	    .row = arena_create(64 * KIB),
	};
	if (m->db == NULL)
		return false;
	state_name_holder(m);
	db_on_connect(m->db, prepare_connection, NULL);
	return db_connect(m->db) == RC_OK && survey_again(m) == RC_OK;
}

static enum migrate_end failed(const struct migration *m, const char *what)
{
	const char *why = m->db != NULL ? db_last_error(m->db) : "out of memory";

	tell(m, "could not %s: %s", what,
	    why[0] != '\0' ? why : "see the line above for the reason");
	return MIGRATE_FAILED;
}

static void close_migration(struct migration *m)
{
	db_free(m->db);
	arena_free(m->row);
	arena_free(m->scratch);
	arena_free(m->mem);
}

/* --- steps */

/* False: stopped there. */
static bool ask(struct migration *m, const char *when)
{
	char line[128];
	int len;

	if (m->options->told.go_on == NULL)
		return true;
	len = snprintf(line, sizeof(line), "step %2u %-18s %s: press Enter to go on", m->number,
	    m->step, when);
	return m->options->told.go_on(
	    m->options->told.ctx, span_from(line, len > 0 ? (size_t)len : 0));
}

static enum migrate_end step_failed(struct migration *m, enum rc rc)
{
	if (rc == RC_INVALID) {
		tell(m, "step %2u/%u %-18s found what is not as it should be; see above", m->number,
		    m->steps, m->step);
		return MIGRATE_REFUSED;
	}
	tell(m, "step %2u/%u %-18s failed: %s", m->number, m->steps, m->step,
	    db_last_error(m->db)[0] != '\0' ? db_last_error(m->db)
					    : "see the line above for the reason");
	tell(m, "the same command resumes here");
	return MIGRATE_FAILED;
}

static enum migrate_end run_step(
    struct migration *m, const struct steps *steps, const struct step *step)
{
	/* It has dropped the table that would say so. */
	bool forgets = steps->direction != DIRECTION_UP && step == &steps->rows[steps->count - 1];
	int64_t began;
	bool ended = false;
	enum rc rc = state_step_ended(m, steps->direction, step->name, &ended);

	if (rc == RC_OK && ended) {
		tell(m, "step %2u/%u %-18s done before", m->number, m->steps, m->step);
		return MIGRATE_DONE;
	}
	if (!ask(m, "before"))
		return MIGRATE_STOPPED;
	tell(m, "step %2u/%u %-18s begins", m->number, m->steps, m->step);
	began = now_monotonic_us();
	if (rc == RC_OK && !m->options->dry_run) {
		rc = state_renew(m);
		if (rc == RC_CONFLICT) {
			tell(m, "another run has taken the lease: this one ends");
			return MIGRATE_HELD;
		}
		if (rc == RC_OK)
			rc = state_step_begin(m, steps->direction, step->name);
	}
	if (rc == RC_OK)
		rc = survey_again(m);
	if (rc == RC_OK)
		rc = step->run(m);
	if (rc == RC_OK && !ask(m, "after"))
		return MIGRATE_STOPPED;
	if (rc == RC_OK && !m->options->dry_run && !forgets)
		rc = state_step_end(m, steps->direction, step->name);
	if (rc != RC_OK)
		return step_failed(m, rc);
	tell(m, "step %2u/%u %-18s done in %lld ms", m->number, m->steps, m->step,
	    (long long)((now_monotonic_us() - began) / 1000));
	return MIGRATE_DONE;
}

static enum migrate_end run_steps(struct migration *m, const struct steps *steps)
{
	enum migrate_end end = MIGRATE_DONE;

	m->steps = (unsigned)steps->count;
	for (size_t i = 0; i < steps->count && end == MIGRATE_DONE; i++) {
		arena_reset(m->scratch);
		m->step = steps->rows[i].name;
		m->number = (unsigned)i + 1;
		end = run_step(m, steps, &steps->rows[i]);
	}
	if (end == MIGRATE_DONE && m->renamed_us != 0)
		tell(m, "accounts not served: %lld.%03lld s (from the rename on)",
		    (long long)((now_monotonic_us() - m->renamed_us) / 1000000),
		    (long long)((now_monotonic_us() - m->renamed_us) / 1000 % 1000));
	if (end == MIGRATE_DONE && m->pause_step != NULL)
		tell(m, "longest pause: %lld.%03lld s (step %s)",
		    (long long)(m->pause_us / 1000000), (long long)(m->pause_us / 1000 % 1000),
		    m->pause_step);
	m->step = NULL;
	return end;
}

/* --- one at a time */

/* An ALTER goes on when the run that has sent it is killed. */
static enum rc wait_for_statements(struct migration *m)
{
	const struct timespec pause = {.tv_nsec = 200000000};
	uint64_t running = 1;
	bool told = false;
	enum rc rc = RC_OK;

	while (rc == RC_OK && running > 0) {
		struct buf sql = statement_new(m);

		buf_puts(&sql,
		    "SELECT COUNT(*) FROM information_schema.processlist WHERE id <> CONNECTION_ID()"
		    " AND db = DATABASE() AND info LIKE '%/* wa-accountsctl migrate *_'");
		rc = read_number(m, &sql, &running);
		if (rc != RC_OK || running == 0)
			break;
		if (!told)
			tell(m, "a statement of the run before is still under way; waiting for it");
		told = true;
		nanosleep(&pause, NULL);
	}
	return rc;
}

/* Unless the statement that was waited for was the rebuild. */
static enum rc begin_anew(struct migration *m)
{
	enum rc rc = survey_again(m);

	return rc == RC_OK && has_table(m, SESSIONS) && !has_column(m, "live_phone")
		   ? state_begin_anew(m)
		   : rc;
}

static enum migrate_end take_and_run(
    struct migration *m, const struct steps *steps, bool begins_anew)
{
	struct keeper keeper = {0};
	struct state state = {0};
	enum migrate_end end;
	enum rc rc;

	if (m->options->dry_run)
		return run_steps(m, steps);
	rc = state_take(m, steps->direction, &state);
	if (rc == RC_CONFLICT) {
		tell(m, "another migration is under way: %.*s (host, process) holds the lease",
		    SPAN_ARG(state.holder));
		return MIGRATE_HELD;
	}
	if (rc == RC_OK)
		rc = wait_for_statements(m);
	if (rc == RC_OK && begins_anew)
		rc = begin_anew(m);
	if (rc == RC_OK)
		rc = keeper_start(m, &keeper);
	if (rc != RC_OK)
		return failed(m, "begin");
	end = run_steps(m, steps);
	if (end == MIGRATE_DONE && steps->direction == DIRECTION_UP && state_finish(m) != RC_OK)
		end = failed(m, "note the end");
	keeper_end(&keeper);
	if (end != MIGRATE_DONE || steps->direction == DIRECTION_UP)
		state_release(m);
	return end;
}

/* --- the commands */

/* MIGRATE_FAILED: go on; otherwise it was told why not. */
static enum migrate_end judge_up(struct migration *m, struct state *state)
{
	if (state_read(m, state) != RC_OK)
		return failed(m, "read what was begun");
	if (state->exists && state->direction != DIRECTION_UP) {
		const char *direction = state_direction_name(state->direction);

		tell(m, "a migrate %s is not finished; run: wa-accountsctl migrate %s", direction,
		    direction);
		return MIGRATE_REFUSED;
	}
	if (state->exists && state->is_finished) {
		tell(m,
		    "migrated already, at %.*s UTC; next: migrate verify, migrate finalize, or migrate down",
		    SPAN_ARG(state->finished_at));
		return MIGRATE_DONE;
	}
	if (!state->exists && !has_table(m, SESSIONS)) {
		tell(m, has_table(m, ACCOUNTS)
			    ? "there is nothing to migrate: there are accounts, and no " SESSIONS
			    : "there is neither " SESSIONS " nor " ACCOUNTS
			      " here; is DB_DATABASE the application's?");
		return has_table(m, ACCOUNTS) ? MIGRATE_DONE : MIGRATE_REFUSED;
	}
	return MIGRATE_FAILED;
}

static enum migrate_end plan(struct migration *m)
{
	struct state state;
	uint64_t obstacles = 0;
	enum migrate_end end = judge_up(m, &state);

	if (end != MIGRATE_FAILED)
		return end;
	if (state.exists)
		tell(m,
		    "a migrate up was begun at %.*s UTC and is not finished: it can be resumed, or taken back",
		    SPAN_ARG(state.begun_at));
	if (!has_table(m, SESSIONS))
		return MIGRATE_REFUSED;
	if (plan_tell(m, &obstacles) != RC_OK)
		return failed(m, "look at everything");
	return obstacles > 0 ? MIGRATE_REFUSED : MIGRATE_DONE;
}

static enum migrate_end up(struct migration *m)
{
	struct state state;
	uint64_t obstacles = 0;
	bool is_rebuilt = false, begins_anew = false;
	enum migrate_end end = judge_up(m, &state);

	if (end != MIGRATE_FAILED)
		return end;
	/* What a run before has sent may still change the tables. */
	if (state.exists && (wait_for_statements(m) != RC_OK || survey_again(m) != RC_OK))
		return failed(m, "wait for the run before");
	if (state_step_ended(m, DIRECTION_UP, "rebuild", &is_rebuilt) != RC_OK)
		return failed(m, "read what was done");
	/* What the ALTER has accepted is no obstacle any more. */
	if (!is_rebuilt && survey_column(&m->survey.columns, "live_phone") == NULL &&
	    obstacles_tell(m, &obstacles) != RC_OK)
		return failed(m, "look for obstacles");
	if (obstacles > 0) {
		tell(m,
		    "nothing was changed: %llu obstacle%s; wa-accountsctl migrate plan shows all there is",
		    (unsigned long long)obstacles, obstacles > 1 ? "s" : "");
		return MIGRATE_REFUSED;
	}
	/* Before the rebuild somebody may have written meanwhile: what was noted is noted anew. */
	if (state.exists && !m->options->dry_run && has_table(m, SESSIONS) &&
	    !has_column(m, "live_phone"))
		begins_anew = true;
	return take_and_run(m, &up_steps, begins_anew);
}

static enum migrate_end verify(struct migration *m)
{
	struct state state = {0};
	bool is_under_way;
	enum rc rc;

	if (!has_table(m, ACCOUNTS)) {
		tell(m, "there is no " ACCOUNTS " to verify; run: wa-accountsctl migrate plan");
		return MIGRATE_REFUSED;
	}
	rc = state_read(m, &state);
	is_under_way = state.exists && state.direction != DIRECTION_FINALIZE && !state.is_finished;
	if (rc == RC_OK)
		rc = verify_run(m, !is_under_way);
	if (rc == RC_INVALID)
		return MIGRATE_REFUSED;
	if (rc != RC_OK)
		return failed(m, "verify everything");
	if (is_under_way)
		tell(m, "a migrate %s is not finished; run: wa-accountsctl migrate %s",
		    state_direction_name(state.direction), state_direction_name(state.direction));
	return is_under_way ? MIGRATE_REFUSED : MIGRATE_DONE;
}

static enum migrate_end down(struct migration *m)
{
	struct state state;

	if (state_read(m, &state) != RC_OK)
		return failed(m, "read what was begun");
	if (state.exists && state.direction == DIRECTION_FINALIZE) {
		tell(m,
		    "a migrate finalize is not finished: this cannot be taken back any more; run: wa-accountsctl migrate"
		    " finalize");
		return MIGRATE_REFUSED;
	}
	if (!state.exists && has_table(m, SESSIONS)) {
		tell(m, "there is nothing to take back: " SESSIONS " is as it was");
		return MIGRATE_DONE;
	}
	if (!state.exists) {
		tell(m,
		    "this cannot be taken back: no migration was noted here, or migrate finalize has removed what"
		    " the way back needs");
		return MIGRATE_REFUSED;
	}
	return take_and_run(m, &down_steps, false);
}

static enum rc drop_old_words(struct migration *m)
{
	struct buf sql = statement_new(m);

	if (!has_column(m, "wa_old_status"))
		return RC_OK;
	buf_puts(&sql, "ALTER TABLE " ACCOUNTS " DROP COLUMN wa_old_status");
	return run_instant(m, &sql, "DEFAULT");
}

static const struct step finalize_rows[] = {
    {"words", "drop wa_old_status", drop_old_words},
    {"forget", "drop what only migrate down needs", state_forget},
};

static const struct steps finalize_steps = {
    DIRECTION_FINALIZE, finalize_rows, sizeof(finalize_rows) / sizeof(finalize_rows[0])};

static enum migrate_end finalize(struct migration *m)
{
	struct state state;
	enum migrate_end end;

	if (state_read(m, &state) != RC_OK)
		return failed(m, "read what was begun");
	if (!state.exists) {
		tell(m, "there is nothing to finalize");
		return has_table(m, ACCOUNTS) ? MIGRATE_DONE : MIGRATE_REFUSED;
	}
	if (state.direction != DIRECTION_FINALIZE &&
	    (state.direction != DIRECTION_UP || !state.is_finished)) {
		tell(m, "a migrate %s is not finished; finish it first",
		    state_direction_name(state.direction));
		return MIGRATE_REFUSED;
	}
	end = take_and_run(m, &finalize_steps, false);
	if (end == MIGRATE_DONE)
		tell(m,
		    "finalized: the old words and the notes are gone; there is no way back any more");
	return end;
}

static enum migrate_end with_database(
    const struct migrate_options *options, enum migrate_end (*run)(struct migration *m))
{
	struct migration m;
	enum migrate_end end =
	    open_migration(&m, options) ? run(&m) : failed(&m, "look at the database");

	close_migration(&m);
	return end;
}

enum migrate_end migrate_plan(const struct migrate_options *options)
{
	return with_database(options, plan);
}

enum migrate_end migrate_up(const struct migrate_options *options)
{
	return with_database(options, up);
}

enum migrate_end migrate_verify(const struct migrate_options *options)
{
	return with_database(options, verify);
}

enum migrate_end migrate_down(const struct migrate_options *options)
{
	return with_database(options, down);
}

enum migrate_end migrate_finalize(const struct migrate_options *options)
{
	return with_database(options, finalize);
}
