/* The ALTER that makes one definition of another. */
#include "base/bounds.h"
#include "migrate_tests.h"
#include "unit.h"

#define HEAD "CREATE TABLE `t` (\n"
#define TAIL "\n) ENGINE=InnoDB"

/* Ours begin with "our". */
static bool is_ours(const struct part *part)
{
	return span_starts(part->name, "our");
}

static struct span difference(const char *from, const char *to, struct arena *mem)
{
	struct definition a = migrate_tests_parse(from, mem), b = migrate_tests_parse(to, mem);
	struct buf text = buf_in(mem, 64 * KIB);

	definition_put_difference(&text, &a, &b, is_ours, mem);
	assert_false(text.failed);
	return buf_span(&text);
}

static const char old_table[] = HEAD
    "  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,\n"
    "  `name` varchar(10) NOT NULL DEFAULT 'a,b',\n"
    "  PRIMARY KEY (`id`),\n"
    "  UNIQUE KEY `u` (`name`),\n"
    "  KEY `k` (`name`(3) DESC,`id`),\n"
    "  CONSTRAINT `f` FOREIGN KEY (`id`) REFERENCES `o` (`id`)" TAIL;

static void test_the_same_differs_in_nothing(void **state)
{
	assert_span(difference(old_table, old_table, *state), "");
}

static void test_options_and_counters_are_no_difference(void **state)
{
	assert_span(
	    difference(HEAD "  `a` int(11) NOT NULL" TAIL,
		HEAD "  `a` int(11) NOT NULL" TAIL " AUTO_INCREMENT=7 DEFAULT CHARSET=latin1",
		*state),
	    "");
}

static void test_a_changed_column_is_made_as_it_was(void **state)
{
	assert_span(
	    difference(HEAD
		"  `a` int(11) DEFAULT NULL,\n  `b` text DEFAULT NULL,\n  `c` int(11) NOT NULL" TAIL,
		HEAD "  `a` int(11) NOT NULL COMMENT 'it''s, (so',\n  `b` text DEFAULT NULL,\n"
		     "  `c` enum('a,b') NOT NULL" TAIL,
		*state),
	    "MODIFY COLUMN `a` int(11) NOT NULL COMMENT 'it''s, (so',\nMODIFY COLUMN `c` enum('a,b') NOT NULL");
}

static void test_our_columns_go_and_those_of_others_stay(void **state)
{
	assert_span(
	    difference(HEAD "  `a` int(11) DEFAULT NULL,\n  `our``s` int(11) DEFAULT NULL,\n"
			    "  `theirs` int(11) DEFAULT NULL" TAIL,
		HEAD "  `a` int(11) DEFAULT NULL" TAIL, *state),
	    "DROP COLUMN `our``s`");
}

static void test_an_old_column_stays_even_if_its_name_is_ours(void **state)
{
	assert_span(difference(HEAD "  `our_a` int(11) DEFAULT NULL" TAIL,
			HEAD "  `our_a` int(11) DEFAULT NULL" TAIL, *state),
	    "");
	assert_span(difference(HEAD "  `our_a` bigint(20) DEFAULT NULL" TAIL,
			HEAD "  `OUR_A` int(11) DEFAULT NULL" TAIL, *state),
	    "MODIFY COLUMN `OUR_A` int(11) DEFAULT NULL");
}

static void test_a_column_that_somebody_has_dropped_is_not_made_again(void **state)
{
	assert_span(
	    difference(HEAD "  `a` int(11) DEFAULT NULL" TAIL,
		HEAD "  `a` int(11) DEFAULT NULL,\n  `b` int(11) DEFAULT NULL" TAIL, *state),
	    "");
}

static void test_keys_are_all_made_anew_in_their_old_order(void **state)
{
	assert_span(
	    difference(HEAD
		"  `a` int(11) NOT NULL,\n  PRIMARY KEY (`a`),\n  UNIQUE KEY `our_u` (`a`),\n"
		"  KEY `k``2` (`a`) COMMENT 'x, (y',\n  FULLTEXT KEY `words` (`a`)" TAIL,
		HEAD
		"  `a` int(11) NOT NULL,\n  PRIMARY KEY (`a`),\n  UNIQUE KEY `u` (`a`),\n"
		"  KEY `k1` (`a`(3) DESC),\n  KEY `k``2` (`a`) COMMENT 'x, (y',\n  FULLTEXT KEY `words` (`a`)" TAIL,
		*state),
	    "DROP KEY `our_u`,\nDROP KEY `k``2`,\nDROP KEY `words`,\nADD UNIQUE KEY `u` (`a`),\n"
	    "ADD KEY `k1` (`a`(3) DESC),\nADD KEY `k``2` (`a`) COMMENT 'x, (y',\nADD FULLTEXT KEY `words` (`a`)");
}

static void test_the_order_of_keys_alone_is_a_difference(void **state)
{
	assert_span(difference(HEAD "  `a` int(11),\n  KEY `x` (`a`),\n  KEY `y` (`a`)" TAIL,
			HEAD "  `a` int(11),\n  KEY `y` (`a`),\n  KEY `x` (`a`)" TAIL, *state),
	    "DROP KEY `x`,\nDROP KEY `y`,\nADD KEY `y` (`a`),\nADD KEY `x` (`a`)");
}

static void test_a_key_of_others_stays_behind_the_old_ones(void **state)
{
	assert_span(
	    difference(HEAD "  `a` int(11),\n  KEY `theirs` (`a`),\n  KEY `our_k` (`a`)" TAIL,
		HEAD "  `a` int(11),\n  KEY `k` (`a`)" TAIL, *state),
	    "DROP KEY `theirs`,\nDROP KEY `our_k`,\nADD KEY `k` (`a`),\nADD KEY `theirs` (`a`)");
}

static void test_keys_go_where_there_were_none(void **state)
{
	assert_span(difference(HEAD "  `a` int(11),\n  KEY `our_k` (`a`)" TAIL,
			HEAD "  `a` int(11)" TAIL, *state),
	    "DROP KEY `our_k`");
	assert_span(difference(HEAD "  `a` int(11)" TAIL,
			HEAD "  `a` int(11),\n  KEY `k` (`a`)" TAIL, *state),
	    "ADD KEY `k` (`a`)");
}

static void test_constraints_go_and_come_by_their_names(void **state)
{
	assert_span(
	    difference(HEAD
		"  `a` int(11),\n  CONSTRAINT `our_f` FOREIGN KEY (`a`) REFERENCES `o` (`id`),\n"
		"  CONSTRAINT `theirs` CHECK (`a` > 0),\n  CONSTRAINT `same` CHECK (`a` > 1)" TAIL,
		HEAD
		"  `a` int(11),\n  CONSTRAINT `same` CHECK (`a` > 1),\n"
		"  CONSTRAINT `f` FOREIGN KEY (`a`) REFERENCES `o` (`id`) ON DELETE CASCADE" TAIL,
		*state),
	    "DROP CONSTRAINT `our_f`,\nADD CONSTRAINT `f` FOREIGN KEY (`a`) REFERENCES `o` (`id`) ON DELETE CASCADE");
}

static void test_constraints_come_before_keys_and_keys_before_columns(void **state)
{
	assert_span(
	    difference(HEAD "  `our_a` int(11),\n  KEY `our_k` (`our_a`),\n"
			    "  CONSTRAINT `our_f` FOREIGN KEY (`our_a`) REFERENCES `o` (`id`)" TAIL,
		HEAD "  `b` int(11)" TAIL, *state),
	    "DROP CONSTRAINT `our_f`,\nDROP KEY `our_k`,\nDROP COLUMN `our_a`");
}

static void test_clauses_are_added_to_what_stands_there(void **state)
{
	struct definition a =
	    migrate_tests_parse(HEAD "  `our_a` int(11),\n  KEY `our_k` (`our_a`)" TAIL, *state);
	struct definition b = migrate_tests_parse(HEAD "  `b` int(11)" TAIL, *state);
	struct buf text = buf_in(*state, KIB);

	buf_puts(&text, "FORCE");
	definition_put_difference(&text, &a, &b, is_ours, *state);
	assert_same(buf_span(&text), SPAN_OF("FORCE,\nDROP KEY `our_k`,\nDROP COLUMN `our_a`"));
}

static void test_a_text_that_does_not_fit_is_a_failure(void **state)
{
	struct definition a = migrate_tests_parse(HEAD "  `our_a` int(11)" TAIL, *state);
	struct definition b = migrate_tests_parse(HEAD "  `b` int(11)" TAIL, *state);
	struct buf text = buf_in(*state, 8);

	definition_put_difference(&text, &a, &b, is_ours, *state);
	assert_true(text.failed);
}

int test_migrate_difference(void)
{
	const struct CMUnitTest tests[] = {
	    arena_test(test_the_same_differs_in_nothing),
	    arena_test(test_options_and_counters_are_no_difference),
	    arena_test(test_a_changed_column_is_made_as_it_was),
	    arena_test(test_our_columns_go_and_those_of_others_stay),
	    arena_test(test_an_old_column_stays_even_if_its_name_is_ours),
	    arena_test(test_a_column_that_somebody_has_dropped_is_not_made_again),
	    arena_test(test_keys_are_all_made_anew_in_their_old_order),
	    arena_test(test_the_order_of_keys_alone_is_a_difference),
	    arena_test(test_a_key_of_others_stays_behind_the_old_ones),
	    arena_test(test_keys_go_where_there_were_none),
	    arena_test(test_constraints_go_and_come_by_their_names),
	    arena_test(test_constraints_come_before_keys_and_keys_before_columns),
	    arena_test(test_clauses_are_added_to_what_stands_there),
	    arena_test(test_a_text_that_does_not_fit_is_a_failure),
	};

	return unit_run("migrate/definition, differences", tests);
}
