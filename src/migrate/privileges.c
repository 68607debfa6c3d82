#include "privileges.h"

#include "definition.h"

static const char *const needed[] = {
    "SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "ALTER", "INDEX", "REFERENCES"};

enum { NEEDED = sizeof(needed) / sizeof(needed[0]), GRANTS = 64 };

/* What SHOW GRANTS says for a database or for all: what, and for which. */
struct grants {
	struct migration *m;
	struct span words[GRANTS];
	struct span patterns[GRANTS];
	size_t count;
};

/* "GRANT SELECT, INSERT ON `app`.* TO ..."; information_schema has not those of a role. */
static enum rc add_grant(void *ctx, const struct db_value *row)
{
	struct grants *grants = ctx;
	struct span text = arena_copy(grants->m->mem, row[0].s), pattern;
	const char *on = memmem(text.ptr, text.len, " ON ", 4), *end;

	if (grants->count == GRANTS || on == NULL || !span_starts(text, "GRANT "))
		return RC_OK;
	pattern = span_from(on + 4, text.len - (size_t)(on + 4 - text.ptr));
	if (span_starts(pattern, "*.* ")) {
		pattern = SPAN_OF("%");
	} else {
		end = memmem(pattern.ptr, pattern.len, "`.* TO ", 7);
		if (end == NULL || pattern.ptr[0] != '`')
			return RC_OK;
		pattern = span_from(pattern.ptr + 1, (size_t)(end - pattern.ptr - 1));
	}
	grants->words[grants->count] = span_from(text.ptr + 6, (size_t)(on - text.ptr - 6));
	grants->patterns[grants->count++] = pattern;
	return RC_OK;
}

static bool grants_word(struct span words, const char *wanted)
{
	struct span word;

	while (span_cut(&words, ',', &word)) {
		word = span_trim(word);
		if (span_is(word, wanted) || span_is(word, "ALL PRIVILEGES"))
			return true;
	}
	return false;
}

static enum rc read_granted(struct migration *m, bool granted[static NEEDED])
{
	struct grants grants = {.m = m};
	struct buf sql = statement_new(m);
	enum rc rc;

	buf_puts(&sql, "SHOW GRANTS");
	rc = read_each(m, &sql, "s", add_grant, &grants);
	for (size_t i = 0; i < grants.count && rc == RC_OK; i++) {
		uint64_t is_ours = 0;

		sql = statement_new(m);
		/* A pattern's backslashes are LIKE's. */
		buf_puts(&sql, "SELECT DATABASE() LIKE ");
		definition_put_text(&sql, grants.patterns[i]);
		rc = read_number(m, &sql, &is_ours);
		for (size_t k = 0; k < NEEDED && is_ours != 0; k++)
			granted[k] = granted[k] || grants_word(grants.words[i], needed[k]);
	}
	return rc;
}

enum rc privileges_tell(struct migration *m, uint64_t *count)
{
	struct buf sql = statement_new(m), lacks = statement_new(m), line = statement_new(m);
	bool granted[NEEDED] = {false};
	struct span who = {0};
	enum rc rc = read_granted(m, granted);

	if (rc != RC_OK)
		return rc;
	for (size_t i = 0; i < NEEDED; i++)
		if (!granted[i])
			buf_putf(&lacks, "%s%s", lacks.len > 0 ? ", " : "", needed[i]);
	if (lacks.len == 0)
		return RC_OK;
	buf_puts(&sql,
	    "SELECT CONCAT('`', DATABASE(), '`.* TO ''', REPLACE(CURRENT_USER(), '@', '''@'''), '''')");
	rc = read_text(m, &sql, &who);
	*count += 1;
	tell(m, "obstacle privileges: DB_USERNAME may not do here: %.*s",
	    SPAN_ARG(buf_span(&lacks)));
	buf_putf(&line, "  cure: GRANT %.*s ON %.*s;", SPAN_ARG(buf_span(&lacks)), SPAN_ARG(who));
	tell_text(m, &line);
	return rc;
}
