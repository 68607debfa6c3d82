#include "conf/env.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/bounds.h"
#include "base/buf.h"
#include "conf_tests.h"
#include "unit.h"

static struct env *parse(struct arena *mem, struct span text, char **environment)
{
	struct conf_mistakes mistakes;
	struct env *env;

	conf_mistakes_init(&mistakes);
	env = env_parse(text, "FILE", environment, mem, &mistakes);
	if (mistakes.first != NULL)
		fail_msg(
		    "%.*s: %.*s", SPAN_ARG(mistakes.first->where), SPAN_ARG(mistakes.first->what));
	return env;
}

static struct span get(const struct env *env, const char *name)
{
	struct env_value value = {.value = {0}};

	return env_get(env, name, &value) ? value.value : (struct span){0};
}

/* The value of A in a file that has no mistake. */
static struct span value_of(struct arena *mem, struct span text)
{
	return get(parse(mem, text, NULL), "A");
}

/* The first mistake of a file; absent if it has none. */
static struct conf_mistake first_mistake(struct arena *mem, struct span text)
{
	struct conf_mistakes mistakes;

	conf_mistakes_init(&mistakes);
	env_parse(text, "FILE", NULL, mem, &mistakes);
	return mistakes.first != NULL ? *mistakes.first : (struct conf_mistake){0};
}

#define assert_value(text, want) assert_span(value_of(*state, SPAN_OF(text)), want)
#define assert_mistake(text, sentence) \
	assert_span(first_mistake(*state, SPAN_OF(text)).what, sentence)

static void test_a_bare_value_ends_with_its_line(void **state)
{
	assert_value("A=1", "1");
	assert_value("A=1\n", "1");
	assert_value("A=1\r\nB=2\r\n", "1");
	assert_value("\n\n  A  =  x-y_z:/?&=+@  \nB=2", "x-y_z:/?&=+@");
	assert_value("A=two words \t", "two words");
	assert_value("A=it's", "it's");
	assert_value("A=x\\ny", "x\\ny");
	assert_value("A=b\"c\"", "b\"c\"");
}

static void test_a_comment_stands_on_its_line_or_behind_a_blank(void **state)
{
	assert_value("# A=2\n  #A=3\nA=1 # the first\n#", "1");
	assert_value("A=1\t#x", "1");
	assert_null(value_of(*state, SPAN_OF("A=#x")).ptr);
	assert_null(value_of(*state, SPAN_OF("A= # x")).ptr);
	assert_value("A='1' # x", "1");
	assert_value("A=\"1\"#x", "1");
	assert_value("A='#1'", "#1");
	assert_value("A=\"1 # 2\"", "1 # 2");
}

/* As phpdotenv 5 does: EntryParser knows no state in which '#' stands for itself without quotes. */
static void test_a_comment_begins_in_the_middle_of_a_bare_value(void **state)
{
	assert_value("A=abc#def", "abc");
}

static void test_single_quotes_expand_nothing(void **state)
{
	assert_value("B=x\nA='a ${B} $B \\n \" # \\'", "a ${B} $B \\n \" # \\");
	assert_null(value_of(*state, SPAN_OF("A=''")).ptr);
}

static void test_double_quotes_know_escapes(void **state)
{
	assert_value("A=\"a\\nb\\rc\\td\\\"e\\\\f\\$g\"", "a\nb\rc\td\"e\\f$g");
	assert_value("B=x\nA=\"\\${B}\"", "${B}");
	assert_value("A=\"it's\"", "it's");
	assert_value("A=\"ends with \\\\\"", "ends with \\");
}

static void test_double_quotes_know_form_feed_and_vertical_tab(void **state)
{
	assert_value("A=\"\\f\\v\"", "\f\v");
}

static void test_a_name_in_braces_is_expanded(void **state)
{
	assert_value("B=x\nA=${B}", "x");
	assert_value("B=x\nA=1${B}2${B}3", "1x2x3");
	assert_value("B=x\nA=\"1${B}2\"", "1x2");
	assert_value("B=x y\nA=${B}", "x y");
	assert_value("B='${C}'\nC=no\nA=${B}", "${C}");
	assert_value("B=x\nA=$B", "$B");
	assert_value("B=x\nA=1$", "1$");
	assert_value("B=x\nA=${B", "${B");
	assert_value("B=x\nB=y\nA=${B}", "y");
}

static void test_an_expanded_value_keeps_its_hash(void **state)
{
	assert_value("B='x #y'\nA=${B}", "x #y");
	assert_value("B='x\"y'\nA=\"${B}\"", "x\"y");
}

/* As phpdotenv does: Resolver puts back what it does not find. */
static void test_a_name_in_braces_that_is_not_set_stays_as_it_is(void **state)
{
	assert_value("A=x${NONE}y", "x${NONE}y");
	assert_value("A=\"x${NONE}y\"", "x${NONE}y");
}

static void test_what_is_no_name_in_braces_stays_as_it_is(void **state)
{
	assert_value("A='x'\nB=1\nA=${}", "${}");
	assert_value("A=\"${B-1}\"", "${B-1}");
	assert_value("A=\"a${\" # }", "a${");
}

static void test_export_may_stand_before_a_name(void **state)
{
	assert_value("export A=1", "1");
	assert_value(" export\t  A=1", "1");
	assert_span(get(parse(*state, SPAN_OF("export=1"), NULL), "export"), "1");
	assert_span(get(parse(*state, SPAN_OF("exportA=1"), NULL), "exportA"), "1");
}

static void test_a_byte_order_mark_is_ignored(void **state)
{
	assert_value(
	    "\xef\xbb\xbf"
	    "A=1",
	    "1");
	assert_non_null(first_mistake(*state, SPAN_OF("B=1\n\xef\xbb\xbf"
						      "A=1"))
			    .what.ptr);
}

static void test_the_last_of_two_equal_names_wins(void **state)
{
	assert_value("A=1\nB=2\nA=3", "3");
	assert_null(value_of(*state, SPAN_OF("A=1\nA=")).ptr);
}

static void test_the_environment_wins_over_the_file(void **state)
{
	char a[] = "A=env", b[] = "AB=no", c[] = "NOVALUE";
	char *environment[] = {b, c, a, NULL};
	struct env *env = parse(*state, SPAN_OF("A=file\nB=${A}\nC=c"), environment);
	struct env_value value;

	assert_true(env_get(env, "A", &value));
	assert_span(value.value, "env");
	assert_span(value.where, "environment");
	assert_span(get(env, "B"), "env");
	assert_span(get(env, "C"), "c");
	assert_null(get(env, "NOVALUE").ptr);
}

static void test_an_empty_value_of_the_environment_wins_too(void **state)
{
	char a[] = "A=";
	char *environment[] = {a, NULL};

	assert_null(get(parse(*state, SPAN_OF("A=file"), environment), "A").ptr);
}

static void test_a_value_says_where_it_stands(void **state)
{
	struct env_value value;

	assert_true(env_get(parse(*state, SPAN_OF("\n# x\nA=1"), NULL), "A", &value));
	assert_span(value.where, "FILE:3");
	assert_span(value.name, "A");
}

static void test_values_end_with_a_nul_behind_them(void **state)
{
	char c[] = "C=3";
	char *environment[] = {c, NULL};
	struct env *env = parse(*state, SPAN_OF("A=12 # x\nB='45' # y"), environment);

	assert_string_equal(get(env, "A").ptr, "12");
	assert_string_equal(get(env, "B").ptr, "45");
	assert_string_equal(get(env, "C").ptr, "3");
}

static void test_words_for_nothing_are_not_set(void **state)
{
	static const char *const words[] = {
	    "", "null", "NULL", "(null)", "empty", "(Empty)", "\"\"", "'null'"};

	for (size_t i = 0; i < COUNT(words); i++) {
		struct buf text = buf_in(*state, 64);

		buf_putf(&text, "A=%s", words[i]);
		assert_null(value_of(*state, buf_span(&text)).ptr);
	}
	assert_value("A=nulls", "nulls");
	assert_value("A=(empty", "(empty");
	assert_value("A=0", "0");
	assert_value("A=false", "false");
}

static void test_a_line_that_is_no_setting_is_a_mistake(void **state)
{
	static const struct span lines[] = {SPAN("=1"), SPAN("A B=1"), SPAN("A-B=1"),
	    SPAN("export =1"), SPAN("[section]"), SPAN("A:1"), SPAN("\xc3\xa4=1")};

	for (size_t i = 0; i < COUNT(lines); i++)
		assert_span(
		    first_mistake(*state, lines[i]).what, "this is no line of the form NAME=value");
}

static void test_a_name_alone_is_not_set(void **state)
{
	assert_null(value_of(*state, SPAN_OF("A")).ptr);
	assert_null(value_of(*state, SPAN_OF("export A # a comment\nB=1")).ptr);
}

static void test_a_quote_that_does_not_end_is_a_mistake(void **state)
{
	assert_mistake(
	    "A='x", "a value in single quotes does not end on its line; close the quote");
	assert_mistake("A='", "a value in single quotes does not end on its line; close the quote");
	assert_mistake("A=\"x\nB=1", "a value in double quotes does not end; close the quote");
	assert_mistake("A=\"x\\\"", "a value in double quotes does not end; close the quote");
	assert_mistake("A=\"x\\", "a value in double quotes does not end; close the quote");
}

static void test_text_behind_a_closing_quote_is_a_mistake(void **state)
{
	assert_mistake(
	    "A='x'y", "there is text behind the closing quote; put the quotes around all of it");
	assert_mistake(
	    "A=\"x\" y", "there is text behind the closing quote; put the quotes around all of it");
}

static void test_a_nul_byte_is_a_mistake(void **state)
{
	assert_mistake("A=x\0y", "the line contains a NUL byte");
	assert_mistake("A=1\n# \0", "the line contains a NUL byte");
	assert_mistake("\0", "the line contains a NUL byte");
}

static void test_a_value_that_is_too_long_is_a_mistake(void **state)
{
	struct buf text = buf_in(*state, 2 * BOUND_ENV_LINE);

	buf_puts(&text, "A=");
	for (int i = 0; i < BOUND_ENV_LINE; i++)
		buf_putc(&text, 'x');
	assert_int_equal(value_of(*state, buf_span(&text)).len, BOUND_ENV_LINE);
	buf_putc(&text, 'x');
	assert_span(
	    first_mistake(*state, buf_span(&text)).what, "the value is longer than 16384 bytes");
}

static void test_values_that_double_themselves_end_at_the_bound(void **state)
{
	struct buf text = buf_in(*state, 8 * KIB);

	buf_puts(&text, "A=0123456789abcdef\n");
	for (int i = 0; i < 100; i++)
		buf_puts(&text, "A=${A}${A}\n");
	assert_span(
	    first_mistake(*state, buf_span(&text)).what, "the value is longer than 16384 bytes");
	assert_true(arena_used(*state) < 64 * MIB);
}

static void test_every_mistake_is_told_with_its_line(void **state)
{
	struct conf_mistakes mistakes;
	struct env *env;

	conf_mistakes_init(&mistakes);
	env = env_parse(SPAN_OF("=bad\nA=1\n\nB='x\nC=2"), "/srv/.env", NULL, *state, &mistakes);
	assert_span(mistakes.first->where, "/srv/.env:1");
	assert_span(mistakes.first->next->where, "/srv/.env:4");
	assert_null(mistakes.first->next->next);
	assert_span(get(env, "A"), "1");
	assert_span(get(env, "C"), "2");
}

/* Laravel's .env may hold a key over several lines, which is none of our settings. */
static void test_a_quoted_value_may_go_over_several_lines(void **state)
{
	assert_value("KEY=\"-----BEGIN-----\nabc\n-----END-----\"\nA=1", "1");
	assert_value("A=\"x\ny\"", "x\ny");
	/* As in phpdotenv: only in double quotes. */
	assert_mistake(
	    "A='x\ny'", "a value in single quotes does not end on its line; close the quote");
}

static void count_names(void *ctx, const struct env_value *value)
{
	struct buf *names = ctx;

	buf_put(names, value->name);
	buf_putc(names, ' ');
}

static void test_each_name_of_a_prefix_is_visited(void **state)
{
	char a[] = "WA_A=1", b[] = "WB=1", c[] = "WA_C", d[] = "XWA_D=1";
	char *environment[] = {a, b, c, d, NULL};
	struct env *env = parse(*state, SPAN_OF("WA_X=1\nX=2\nWA_Y="), environment);
	struct buf names = buf_in(*state, 100);

	env_each(env, "WA_", count_names, &names);
	assert_true(unit_has(buf_span(&names), "WA_A "));
	assert_true(unit_has(buf_span(&names), "WA_X "));
	assert_true(unit_has(buf_span(&names), "WA_Y "));
	assert_false(unit_has(buf_span(&names), "XWA_D "));
	assert_false(unit_has(buf_span(&names), "WB "));
}

static enum rc read_path(
    const char *path, struct arena *mem, struct env **ret, struct conf_mistakes *mistakes)
{
	conf_mistakes_init(mistakes);
	return env_read(path, NULL, mem, mistakes, ret);
}

static void write_file(const char *path, const char *text, off_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	if (size > 0)
		assert_int_equal(ftruncate(fd, size), 0);
	close(fd);
}

static void test_a_file_is_read_up_to_its_bound(void **state)
{
	struct unit_folder folder = unit_folder_create();
	struct conf_mistakes mistakes;
	struct env *env = NULL;
	char path[64];

	snprintf(path, sizeof(path), "%s/.env", folder.path);
	write_file(path, "A=1\n", 0);
	assert_int_equal(read_path(path, *state, &env, &mistakes), RC_OK);
	assert_span(get(env, "A"), "1");
	write_file(path, "", 0);
	assert_int_equal(read_path(path, *state, &env, &mistakes), RC_OK);
	write_file(path, "#", BOUND_ENV_FILE);
	assert_int_equal(read_path(path, *state, &env, &mistakes), RC_OK);
	write_file(path, "#", BOUND_ENV_FILE + 1);
	assert_int_equal(read_path(path, *state, &env, &mistakes), RC_NOT_FOUND);
	assert_true(unit_has(mistakes.first->what, "File too large"));
	unit_folder_remove(&folder);
}

static void test_a_file_that_is_not_there_is_one_mistake(void **state)
{
	struct conf_mistakes mistakes;
	struct env *env = NULL;

	assert_int_equal(read_path("/nonexistent/.env", *state, &env, &mistakes), RC_NOT_FOUND);
	assert_span(mistakes.first->where, "/nonexistent/.env");
	assert_true(unit_has(mistakes.first->what, "No such file or directory"));
	assert_null(mistakes.first->next);
	assert_int_equal(read_path("/tmp", *state, &env, &mistakes), RC_NOT_FOUND);
	assert_null(env);
}

static void test_without_a_file_the_environment_alone_is_read(void **state)
{
	struct conf_mistakes mistakes;
	char a[] = "A=1";
	char *environment[] = {a, NULL};
	struct env *env = NULL;

	conf_mistakes_init(&mistakes);
	assert_int_equal(env_read(NULL, environment, *state, &mistakes, &env), RC_OK);
	assert_null(mistakes.first);
	assert_span(get(env, "A"), "1");
}

int test_conf_env(void)
{
	const struct CMUnitTest tests[] = {
	    arena_test(test_a_bare_value_ends_with_its_line),
	    arena_test(test_a_comment_stands_on_its_line_or_behind_a_blank),
	    arena_test(test_a_comment_begins_in_the_middle_of_a_bare_value),
	    arena_test(test_single_quotes_expand_nothing),
	    arena_test(test_double_quotes_know_escapes),
	    arena_test(test_double_quotes_know_form_feed_and_vertical_tab),
	    arena_test(test_a_name_in_braces_is_expanded),
	    arena_test(test_an_expanded_value_keeps_its_hash),
	    arena_test(test_a_name_in_braces_that_is_not_set_stays_as_it_is),
	    arena_test(test_what_is_no_name_in_braces_stays_as_it_is),
	    arena_test(test_export_may_stand_before_a_name),
	    arena_test(test_a_byte_order_mark_is_ignored),
	    arena_test(test_the_last_of_two_equal_names_wins),
	    arena_test(test_the_environment_wins_over_the_file),
	    arena_test(test_an_empty_value_of_the_environment_wins_too),
	    arena_test(test_a_value_says_where_it_stands),
	    arena_test(test_values_end_with_a_nul_behind_them),
	    arena_test(test_words_for_nothing_are_not_set),
	    arena_test(test_a_line_that_is_no_setting_is_a_mistake),
	    arena_test(test_a_name_alone_is_not_set),
	    arena_test(test_a_quote_that_does_not_end_is_a_mistake),
	    arena_test(test_text_behind_a_closing_quote_is_a_mistake),
	    arena_test(test_a_nul_byte_is_a_mistake),
	    arena_test(test_a_value_that_is_too_long_is_a_mistake),
	    arena_test(test_values_that_double_themselves_end_at_the_bound),
	    arena_test(test_every_mistake_is_told_with_its_line),
	    arena_test(test_a_quoted_value_may_go_over_several_lines),
	    arena_test(test_each_name_of_a_prefix_is_visited),
	    arena_test(test_a_file_is_read_up_to_its_bound),
	    arena_test(test_a_file_that_is_not_there_is_one_mistake),
	    arena_test(test_without_a_file_the_environment_alone_is_read),
	};

	return unit_run("conf/env", tests);
}
