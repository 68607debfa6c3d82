/* What SHOW CREATE TABLE says, part by part. */
#include "base/bounds.h"
#include "migrate_tests.h"
#include "unit.h"

struct definition migrate_tests_parse(const char *create, struct arena *mem)
{
	struct definition definition = {0};

	assert_int_equal(definition_parse(span_of(create), mem, &definition), RC_OK);
	return definition;
}

/* As the server writes them, 10.6 to 10.11; what is between the quotes is meant to mislead. */
static const char odd[] =
    "CREATE TABLE `a``b (c),d` (\n"
    "  `x``y` int(11) NOT NULL AUTO_INCREMENT COMMENT 'it''s (a) \"b\", `c` \\\\ d\\n e',\n"
    "  `k,l` enum('a,b','c)','d''e','f\\\\','(','\"','') NOT NULL DEFAULT 'd''e',\n"
    "  `d` decimal(10,2) DEFAULT 1.50,\n"
    "  `u` char(36) DEFAULT concat('a',',',uuid()),\n"
    "  `v` varchar(10) GENERATED ALWAYS AS (concat('(',left(`u`,3),')\\'',',')) VIRTUAL COMMENT 'v',\n"
    "  `w` int(11) GENERATED ALWAYS AS (`d` * 2) STORED INVISIBLE,\n"
    "  `j` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT '{}' CHECK (json_extract(`j`,'$.a') <> ',)'),\n"
    "  `z` text DEFAULT NULL,\n"
    "  `zz` text /*M!100301 COMPRESSED*/ DEFAULT NULL,\n"
    "  `t` timestamp(3) NOT NULL DEFAULT current_timestamp(3) ON UPDATE current_timestamp(3),\n"
    "  PRIMARY KEY (`x``y`),\n"
    "  UNIQUE KEY `u``k` (`k,l`,`d` DESC),\n"
    "  UNIQUE KEY `longu` (`z`) USING HASH COMMENT 'a (b) ''c''',\n"
    "  KEY `p` (`u`(3) DESC,`z`(5)),\n"
    "  KEY `ign` (`d`) IGNORED,\n"
    "  FULLTEXT KEY `ft` (`z`) /*!50100 WITH PARSER `ngram` */ ,\n"
    "  SPATIAL KEY `sp` (`g`),\n"
    "  CONSTRAINT `c,1` CHECK (`k,l` in ('a','b,)','c\\'')),\n"
    "  CONSTRAINT `f``k` FOREIGN KEY (`d`, `u`) REFERENCES `o (` (`a`, `b`) ON DELETE SET NULL ON UPDATE CASCADE,\n"
    "  CHECK (`d` > 0)\n"
    ") ENGINE=InnoDB AUTO_INCREMENT=5 DEFAULT CHARSET=utf8mb4 COMMENT='a ''b'' (x,\\n y)'";

static void test_each_part_is_found_whole(void **state)
{
	struct definition definition = migrate_tests_parse(odd, *state);
	size_t at = 0;

	assert_int_equal(definition.count, 20);
	/* All of the text between the parentheses is some part's. */
	for (size_t i = 0; i < definition.count; i++) {
		const char *found = memmem(odd + at, sizeof(odd) - 1 - at,
		    definition.parts[i].text.ptr, definition.parts[i].text.len);

		assert_ptr_equal(found, definition.parts[i].text.ptr);
		at = (size_t)(found - odd) + definition.parts[i].text.len;
	}
	assert_span(definition.parts[1].text,
	    "`k,l` enum('a,b','c)','d''e','f\\\\','(','\"','') NOT NULL DEFAULT 'd''e'");
	assert_span(definition.parts[19].text, "CHECK (`d` > 0)");
}

static void test_each_part_has_its_kind_and_name(void **state)
{
	static const struct {
		enum part_kind kind;
		struct span name;
		bool is_unique;
	} want[] = {
	    {PART_COLUMN, SPAN("x`y"), false},
	    {PART_COLUMN, SPAN("k,l"), false},
	    {PART_COLUMN, SPAN("d"), false},
	    {PART_COLUMN, SPAN("u"), false},
	    {PART_COLUMN, SPAN("v"), false},
	    {PART_COLUMN, SPAN("w"), false},
	    {PART_COLUMN, SPAN("j"), false},
	    {PART_COLUMN, SPAN("z"), false},
	    {PART_COLUMN, SPAN("zz"), false},
	    {PART_COLUMN, SPAN("t"), false},
	    {PART_PRIMARY, {NULL, 0}, true},
	    {PART_KEY, SPAN("u`k"), true},
	    {PART_KEY, SPAN("longu"), true},
	    {PART_KEY, SPAN("p"), false},
	    {PART_KEY, SPAN("ign"), false},
	    {PART_KEY, SPAN("ft"), false},
	    {PART_KEY, SPAN("sp"), false},
	    {PART_CONSTRAINT, SPAN("c,1"), false},
	    {PART_CONSTRAINT, SPAN("f`k"), false},
	    {PART_CHECK, {NULL, 0}, false},
	};
	struct definition definition = migrate_tests_parse(odd, *state);

	assert_int_equal(definition.count, COUNT(want));
	for (size_t i = 0; i < COUNT(want); i++) {
		assert_int_equal(definition.parts[i].kind, want[i].kind);
		assert_same(definition.parts[i].name, want[i].name);
		assert_int_equal(definition.parts[i].is_unique, want[i].is_unique);
	}
}

static void test_a_key_has_its_columns_as_they_are_written(void **state)
{
	struct definition definition = migrate_tests_parse(odd, *state);

	assert_span(definition.parts[10].columns, "`x``y`");
	assert_span(definition.parts[11].columns, "`k,l`,`d` DESC");
	assert_span(definition.parts[12].columns, "`z`");
	assert_span(definition.parts[13].columns, "`u`(3) DESC,`z`(5)");
	assert_span(definition.parts[15].columns, "`z`");
	assert_null(definition.parts[18].columns.ptr);
	assert_null(definition.parts[0].columns.ptr);
}

static void test_a_keys_columns_are_found_one_by_one(void **state)
{
	struct definition definition = migrate_tests_parse(odd, *state);
	struct span rest = definition.parts[13].columns, name = {0};
	uint64_t chars = 0;

	assert_true(definition_next_column(&rest, &name, &chars));
	assert_span(name, "u");
	assert_int_equal(chars, 3);
	assert_true(definition_next_column(&rest, &name, &chars));
	assert_span(name, "z");
	assert_int_equal(chars, 5);
	assert_false(definition_next_column(&rest, &name, &chars));
	rest = definition.parts[11].columns;
	assert_true(definition_next_column(&rest, &name, &chars));
	assert_span(name, "k,l");
	assert_int_equal(chars, UINT32_MAX);
	rest = SPAN_OF("");
	assert_false(definition_next_column(&rest, &name, &chars));
	rest = (struct span){0};
	assert_false(definition_next_column(&rest, &name, &chars));
}

static void test_a_backtick_in_a_keys_column_is_no_end(void **state)
{
	struct definition definition = migrate_tests_parse(odd, *state);
	const struct part *key = &definition.parts[10];
	struct span rest = key->columns, name = {0};
	uint64_t chars = 0;

	assert_true(definition_next_column(&rest, &name, &chars));
	assert_false(definition_next_column(&rest, &name, &chars));
	assert_true(definition_key_has(key, SPAN_OF("x`y")));
	assert_false(definition_key_has(key, SPAN_OF("x")));
	assert_false(definition_key_has(key, SPAN_OF("y")));
}

static void test_a_reference_is_found_whatever_its_name(void **state)
{
	static const char same[] =
	    "CREATE TABLE `t` (\n  `d` int(11),\n  CONSTRAINT `t_ibfk_1` FOREIGN KEY (`d`)"
	    " REFERENCES `o` (`id`) ON DELETE CASCADE,\n  CONSTRAINT `c` CHECK (`d` > 0)\n) ENGINE=InnoDB";
	static const char other[] =
	    "CREATE TABLE `t` (\n  `d` int(11),\n  CONSTRAINT `x` FOREIGN KEY (`d`)"
	    " REFERENCES `o` (`id`) ON DELETE CASCADE\n) ENGINE=InnoDB";
	static const char none[] =
	    "CREATE TABLE `t` (\n  `d` int(11),\n  CONSTRAINT `t_ibfk_1` FOREIGN KEY (`d`)"
	    " REFERENCES `o` (`id`)\n) ENGINE=InnoDB";
	struct definition a = migrate_tests_parse(same, *state);
	struct definition b = migrate_tests_parse(other, *state);
	struct definition c = migrate_tests_parse(none, *state);

	assert_true(definition_has_reference(&b, &a.parts[1]));
	assert_false(definition_has_reference(&c, &a.parts[1]));
	/* A CHECK is none. */
	assert_true(definition_has_reference(&c, &a.parts[2]));
}

static void test_a_key_has_a_column_whatever_its_case_and_place(void **state)
{
	struct definition definition = migrate_tests_parse(odd, *state);
	const struct part *key = &definition.parts[13];

	assert_true(definition_key_has(key, SPAN_OF("u")));
	assert_true(definition_key_has(key, SPAN_OF("Z")));
	assert_false(definition_key_has(key, SPAN_OF("d")));
	assert_false(definition_key_has(key, SPAN_OF("")));
	assert_false(definition_key_has(&definition.parts[0], SPAN_OF("x`y")));
}

static void test_a_column_of_a_unique_key_is_known_by_it(void **state)
{
	struct definition definition = migrate_tests_parse(odd, *state);

	assert_true(definition_is_unique(&definition, SPAN_OF("k,l")));
	assert_true(definition_is_unique(&definition, SPAN_OF("D")));
	assert_true(definition_is_unique(&definition, SPAN_OF("z")));
	assert_false(definition_is_unique(&definition, SPAN_OF("u")));
	assert_false(definition_is_unique(&definition, SPAN_OF("x`y")));
}

static void test_a_part_is_found_by_kind_and_name_without_case(void **state)
{
	struct definition definition = migrate_tests_parse(odd, *state);

	assert_ptr_equal(
	    definition_find(&definition, PART_COLUMN, SPAN_OF("K,L")), &definition.parts[1]);
	assert_ptr_equal(
	    definition_find(&definition, PART_KEY, SPAN_OF("FT")), &definition.parts[15]);
	assert_ptr_equal(
	    definition_find(&definition, PART_PRIMARY, (struct span){0}), &definition.parts[10]);
	assert_null(definition_find(&definition, PART_KEY, SPAN_OF("k,l")));
	assert_null(definition_find(&definition, PART_COLUMN, SPAN_OF("k")));
	assert_null(definition_find(&definition, PART_COLUMN, SPAN_OF("")));
}

static void test_what_stands_behind_the_parts_is_none_of_them(void **state)
{
	struct definition definition = migrate_tests_parse(
	    "CREATE TABLE `part` (\n"
	    "  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,\n"
	    "  `at` date NOT NULL,\n"
	    "  PRIMARY KEY (`id`,`at`)\n"
	    ") ENGINE=InnoDB AUTO_INCREMENT=77 DEFAULT CHARSET=utf8mb4\n"
	    " PARTITION BY RANGE (year(`at`))\n"
	    "(PARTITION `p0` VALUES LESS THAN (2024) COMMENT = 'a, (b' ENGINE = InnoDB,\n"
	    " PARTITION `p1` VALUES LESS THAN MAXVALUE ENGINE = InnoDB)",
	    *state);

	assert_int_equal(definition.count, 3);
	assert_span(definition.parts[2].text, "PRIMARY KEY (`id`,`at`)");
}

static void test_a_table_of_one_column_has_one_part(void **state)
{
	struct definition definition = migrate_tests_parse(
	    "CREATE TABLE `t` (\n  `a` int(11) DEFAULT NULL\n) ENGINE=InnoDB", *state);

	assert_int_equal(definition.count, 1);
	assert_span(definition.parts[0].text, "`a` int(11) DEFAULT NULL");
}

static void test_what_no_server_writes_is_refused(void **state)
{
	static const char *const texts[] = {
	    "",
	    "CREATE TABLE",
	    "CREATE TABLE `t`",
	    "CREATE TABLE `t` (",
	    "CREATE TABLE `t` (\n",
	    "CREATE TABLE `t` (\n)",
	    "CREATE TABLE `t` (\n  `a` int,\n) ENGINE=InnoDB",
	    "CREATE TABLE `t` (\n  ,`a` int\n) ENGINE=InnoDB",
	    "CREATE TABLE `t` (\n  `a` int",
	    "CREATE TABLE `t` (\n  `a` int,",
	    "CREATE TABLE `t` (\n  `a int\n) ENGINE=InnoDB",
	    "CREATE TABLE `t` (\n  `a` int COMMENT 'x\n) ENGINE=InnoDB",
	    "CREATE TABLE `t` (\n  `a` int COMMENT 'x\\'\n) ENGINE=InnoDB",
	    "CREATE TABLE `t` (\n  `a` enum('x'\n) ENGINE=InnoDB",
	    "CREATE TABLE t (\n  `a` int\n) ENGINE=InnoDB",
	    "CREATE ALGORITHM=UNDEFINED DEFINER=`r`@`%` SQL SECURITY DEFINER VIEW `v` AS select 1 AS `a`",
	    "CREATE SEQUENCE `s` start with 1",
	    "DROP TABLE `t` (\n  `a` int\n)",
	};

	for (size_t i = 0; i < COUNT(texts); i++) {
		struct definition definition = {.count = 4711};
		struct span copy = unit_exact(span_of(texts[i]));

		assert_int_equal(definition_parse(copy, *state, &definition), RC_INVALID);
		assert_int_equal(definition.count, 4711);
		unit_exact_free(copy);
	}
	assert_int_equal(
	    definition_parse((struct span){0}, *state, &(struct definition){0}), RC_INVALID);
}

static void test_a_text_that_was_cut_off_anywhere_does_no_harm(void **state)
{
	for (size_t len = 0; len < sizeof(odd) - 1; len++) {
		struct span copy = unit_exact(span_from(odd, len));
		struct definition definition = {0};
		/* What is cut off behind the last parenthesis is not looked at. */
		bool has_all = memmem(odd, len, "\n)", 2) != NULL;

		assert_int_equal(
		    definition_parse(copy, *state, &definition), has_all ? RC_OK : RC_INVALID);
		unit_exact_free(copy);
	}
}

/* --- the same but for the counter */

#define TABLE(options) \
	"CREATE TABLE `t` (\n  `a` int(11) NOT NULL AUTO_INCREMENT\n) ENGINE=InnoDB" options

static void test_a_counter_makes_no_difference(void **state)
{
	struct span without = SPAN(TABLE(" DEFAULT CHARSET=utf8mb4"));
	struct span with = SPAN(TABLE(" AUTO_INCREMENT=7 DEFAULT CHARSET=utf8mb4"));
	struct span more =
	    SPAN(TABLE(" AUTO_INCREMENT=18446744073709551615 DEFAULT CHARSET=utf8mb4"));

	(void)state;
	assert_true(definition_is_same(without, without));
	assert_true(definition_is_same(without, with));
	assert_true(definition_is_same(with, more));
}

static void test_a_counter_of_a_partitioned_table_makes_none_either(void **state)
{
#define PARTITIONED " DEFAULT CHARSET=utf8mb4\n PARTITION BY HASH (`a`)\nPARTITIONS 4"

	(void)state;
	assert_true(definition_is_same(SPAN_OF(TABLE(" AUTO_INCREMENT=7" PARTITIONED)),
	    SPAN_OF(TABLE(" AUTO_INCREMENT=8" PARTITIONED))));
	assert_false(definition_is_same(SPAN_OF(TABLE(" AUTO_INCREMENT=7" PARTITIONED)),
	    SPAN_OF(TABLE(" AUTO_INCREMENT=7" PARTITIONED "0"))));
}

static void test_all_else_makes_one(void **state)
{
	struct span a = SPAN(TABLE(" AUTO_INCREMENT=7 DEFAULT CHARSET=utf8mb4"));

	(void)state;
	assert_false(
	    definition_is_same(a, SPAN_OF(TABLE(" AUTO_INCREMENT=7 DEFAULT CHARSET=latin1"))));
	assert_false(definition_is_same(a, SPAN_OF(TABLE(" AUTO_INCREMENT=7"))));
	assert_false(definition_is_same(
	    a, SPAN_OF("CREATE TABLE `t` (\n  `b` int(11) NOT NULL AUTO_INCREMENT\n)"
		       " ENGINE=InnoDB AUTO_INCREMENT=7 DEFAULT CHARSET=utf8mb4")));
	assert_false(definition_is_same(a, SPAN_OF("")));
	assert_true(definition_is_same((struct span){0}, SPAN_OF("")));
}

static void test_a_comment_is_no_counter(void **state)
{
	(void)state;
	assert_false(
	    definition_is_same(SPAN_OF(TABLE(" AUTO_INCREMENT=7 COMMENT=' AUTO_INCREMENT=1'")),
		SPAN_OF(TABLE(" AUTO_INCREMENT=7 COMMENT=' AUTO_INCREMENT=2'"))));
	assert_false(definition_is_same(
	    SPAN_OF(
		"CREATE TABLE `t` (\n  `a` int(11) COMMENT ' AUTO_INCREMENT=1'\n) ENGINE=InnoDB"),
	    SPAN_OF(
		"CREATE TABLE `t` (\n  `a` int(11) COMMENT ' AUTO_INCREMENT=2'\n) ENGINE=InnoDB")));
}

/* --- as SQL */

static void test_names_and_texts_are_written_as_sql(void **state)
{
	struct buf b = buf_in(*state, KIB);

	definition_put_name(&b, SPAN_OF("a`b c"));
	assert_same(buf_span(&b), SPAN_OF("`a``b c`"));
	buf_clear(&b);
	definition_put_name(&b, SPAN_OF(""));
	assert_same(buf_span(&b), SPAN_OF("``"));
	buf_clear(&b);
	definition_put_text(&b, SPAN_OF("it's \\ \"x\"\n"));
	assert_same(buf_span(&b), SPAN_OF("'it\\'s \\\\ \"x\"\n'"));
	buf_clear(&b);
	definition_put_text(&b, SPAN_OF(""));
	assert_same(buf_span(&b), SPAN_OF("''"));
}

int test_migrate_definition(void)
{
	const struct CMUnitTest tests[] = {
	    arena_test(test_each_part_is_found_whole),
	    arena_test(test_each_part_has_its_kind_and_name),
	    arena_test(test_a_key_has_its_columns_as_they_are_written),
	    arena_test(test_a_keys_columns_are_found_one_by_one),
	    arena_test(test_a_backtick_in_a_keys_column_is_no_end),
	    arena_test(test_a_reference_is_found_whatever_its_name),
	    arena_test(test_a_key_has_a_column_whatever_its_case_and_place),
	    arena_test(test_a_column_of_a_unique_key_is_known_by_it),
	    arena_test(test_a_part_is_found_by_kind_and_name_without_case),
	    arena_test(test_what_stands_behind_the_parts_is_none_of_them),
	    arena_test(test_a_table_of_one_column_has_one_part),
	    arena_test(test_what_no_server_writes_is_refused),
	    arena_test(test_a_text_that_was_cut_off_anywhere_does_no_harm),
	    cmocka_unit_test(test_a_counter_makes_no_difference),
	    cmocka_unit_test(test_a_counter_of_a_partitioned_table_makes_none_either),
	    cmocka_unit_test(test_all_else_makes_one),
	    cmocka_unit_test(test_a_comment_is_no_counter),
	    arena_test(test_names_and_texts_are_written_as_sql),
	};

	return unit_run("migrate/definition", tests);
}
