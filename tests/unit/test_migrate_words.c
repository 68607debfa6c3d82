/* The words of the old table, there and back: the same as the pool understands and says. */
#include "account/account_rules.h"
#include "base/bounds.h"
#include "migrate/words.h"
#include "migrate_tests.h"
#include "unit.h"

/* All that the Node.js service and the application have ever written. */
static const char *const old_words[] = {"qr_scanning", "qr_generated", "initializing", "connecting",
    "authenticated", "ready", "connected", "disconnected", "failed", "error"};

/* What an SQL text "CASE x WHEN 'a' THEN 'b' ... END" makes of `word`; absent: NULL. */
static struct span made_of(struct span sql, const char *word, struct arena *mem)
{
	struct buf when = buf_in(mem, KIB);
	const char *found, *end;

	buf_putf(&when, " WHEN '%s' THEN '", word);
	found = memmem(sql.ptr, sql.len, when.ptr, when.len);
	if (found == NULL)
		return (struct span){0};
	found += when.len;
	end = memchr(found, '\'', (size_t)(sql.ptr + sql.len - found));
	assert_non_null(end);
	return span_from(found, (size_t)(end - found));
}

static struct span new_words(struct arena *mem)
{
	struct buf sql = buf_in(mem, 4 * KIB);

	words_put_new(&sql, "t.status");
	assert_false(sql.failed);
	return buf_span(&sql);
}

static struct span old_words_of(const char *type, struct arena *mem)
{
	struct buf sql = buf_in(mem, 4 * KIB);

	words_put_old(&sql, "t.connection_status", span_of(type));
	assert_false(sql.failed);
	return buf_span(&sql);
}

static size_t count_of(struct span text, const char *what)
{
	size_t count = 0;

	for (const char *p = text.ptr;
	     (p = memmem(p, (size_t)(text.ptr + text.len - p), what, strlen(what))) != NULL; p++)
		count++;
	return count;
}

static void test_every_old_word_means_what_the_pool_takes_it_for(void **state)
{
	struct span sql = new_words(*state);

	for (size_t i = 0; i < COUNT(old_words); i++) {
		enum account_state means = ACCOUNT_STATES;

		assert_true(account_rules_state_of(span_of(old_words[i]), &means));
		assert_same(
		    made_of(sql, old_words[i], *state), span_of(account_rules_state_name(means)));
	}
}

static void test_there_are_no_other_words(void **state)
{
	struct span sql = new_words(*state);

	assert_true(span_starts(sql, "CASE t.status WHEN "));
	assert_int_equal(count_of(sql, " WHEN "), COUNT(old_words));
	assert_int_equal(count_of(sql, " ELSE "), 0);
	assert_memory_equal(sql.ptr + sql.len - 5, "' END", 5);
}

static void test_the_way_back_has_the_words_that_the_old_pages_know(void **state)
{
	struct span sql = old_words_of("varchar(20)", *state);

	assert_true(span_starts(sql, "CASE t.connection_status WHEN "));
	assert_int_equal(count_of(sql, " WHEN "), ACCOUNT_STATES);
	for (int i = 0; i < ACCOUNT_STATES; i++)
		assert_same(made_of(sql, account_rules_state_name((enum account_state)i), *state),
		    span_of(account_rules_state_legacy((enum account_state)i)));
}

static void test_an_enumeration_with_all_words_is_like_a_text(void **state)
{
	assert_same(
	    old_words_of(
		"enum('qr_scanning','authenticated','connected','disconnected','failed')", *state),
	    old_words_of("varchar(20)", *state));
	assert_same(old_words_of("text", *state), old_words_of("varchar(20)", *state));
}

static void test_an_enumeration_without_a_word_has_one_that_means_the_same(void **state)
{
	static const struct {
		const char *type;
		const char *connecting, *connected, *error;
	} cases[] = {
	    {"enum('connecting','ready','disconnected','error')", "connecting", "ready", "error"},
	    {"enum('initializing','authenticated','disconnected')", "initializing", "authenticated",
		"disconnected"},
	    {"enum('qr_generated','authenticated','ready','disconnected','failed')", "qr_generated",
		"authenticated", "failed"},
	    /* The server takes them without case. */
	    {"enum('Connecting','CONNECTED','Disconnected','Failed')", "connecting", "connected",
		"failed"},
	    /* A part of a word is not the word. */
	    {"enum('disconnected','not_ready','errors')", "disconnected", "disconnected",
		"disconnected"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct span sql = old_words_of(cases[i].type, *state);

		assert_same(made_of(sql, "connecting", *state), span_of(cases[i].connecting));
		assert_same(made_of(sql, "connected", *state), span_of(cases[i].connected));
		assert_same(made_of(sql, "error", *state), span_of(cases[i].error));
		assert_span(made_of(sql, "disconnected", *state), "disconnected");
	}
}

static void test_an_enumeration_without_any_word_for_a_state_has_its_first(void **state)
{
	struct span sql = old_words_of("enum('qr_scanning','connected','failed')", *state);

	assert_span(made_of(sql, "disconnected", *state), "qr_scanning");
	assert_span(made_of(sql, "error", *state), "failed");
}

static void test_the_first_word_of_an_enumeration_is_as_its_type_writes_it(void **state)
{
	(void)state;
	assert_same(words_first(SPAN_OF("enum('a','b')")), SPAN_OF("'a'"));
	assert_same(words_first(SPAN_OF("enum('it''s, ''so''','b')")), SPAN_OF("'it''s, ''so'''"));
	assert_same(words_first(SPAN_OF("enum('')")), SPAN_OF("''"));
	assert_same(words_first(SPAN_OF("enum('''','b')")), SPAN_OF("''''"));
	assert_same(words_first(SPAN_OF("int(11)")), SPAN_OF("''"));
	assert_same(words_first(SPAN_OF("enum('open")), SPAN_OF("''"));
	assert_same(words_first(SPAN_OF("")), SPAN_OF("''"));
	assert_same(words_first((struct span){0}), SPAN_OF("''"));
}

static void test_there_and_back_is_the_same_state(void **state)
{
	struct span there = new_words(*state);
	struct span back =
	    old_words_of("enum('initializing','ready','disconnected','error')", *state);

	for (int i = 0; i < ACCOUNT_STATES; i++) {
		const char *name = account_rules_state_name((enum account_state)i);
		struct span old = made_of(back, name, *state);

		assert_same(made_of(there, arena_copy(*state, old).ptr, *state), span_of(name));
	}
}

static void test_the_list_for_connected_has_each_word_for_it(void **state)
{
	struct buf b = buf_in(*state, KIB);

	words_put_connected(&b);
	for (size_t i = 0; i < COUNT(old_words); i++) {
		enum account_state means = ACCOUNT_STATES;
		struct buf quoted = buf_in(*state, KIB);

		assert_true(account_rules_state_of(span_of(old_words[i]), &means));
		definition_put_text(&quoted, span_of(old_words[i]));
		buf_putc(&quoted, '\0');
		assert_int_equal(unit_has(buf_span(&b), quoted.ptr), means == ACCOUNT_CONNECTED);
	}
	assert_int_equal(b.ptr[0], '(');
	assert_int_equal(b.ptr[b.len - 1], ')');
}

int test_migrate_words(void)
{
	const struct CMUnitTest tests[] = {
	    arena_test(test_every_old_word_means_what_the_pool_takes_it_for),
	    arena_test(test_there_are_no_other_words),
	    arena_test(test_the_way_back_has_the_words_that_the_old_pages_know),
	    arena_test(test_an_enumeration_with_all_words_is_like_a_text),
	    arena_test(test_an_enumeration_without_a_word_has_one_that_means_the_same),
	    arena_test(test_an_enumeration_without_any_word_for_a_state_has_its_first),
	    cmocka_unit_test(test_the_first_word_of_an_enumeration_is_as_its_type_writes_it),
	    arena_test(test_there_and_back_is_the_same_state),
	    arena_test(test_the_list_for_connected_has_each_word_for_it),
	};

	return unit_run("migrate/words", tests);
}
