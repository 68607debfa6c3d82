#include "text/members.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/bounds.h"
#include "base/now.h"
#include "text_tests.h"
#include "text/json.h"
#include "unit.h"

static struct members *read_members(struct arena *mem, struct span text)
{
	struct members *members = NULL;

	assert_int_equal(members_read(text, mem, &members), RC_OK);
	assert_non_null(members);
	return members;
}

static void test_values_are_kept_byte_for_byte(void **state)
{
	struct members *m = read_members(*state,
	    SPAN_OF(
		"{\"a\":1.10,\"b\":1234567890123456789012345678901234567890,\"c\":1E+05,\"d\":\"\\u00e4"
		"\\/\",\"e\":[ 1 , 2 ],\"f\":{\"x\" : {}},\"g\":-0.0}"));

	assert_span(members_get(m, SPAN_OF("a")), "1.10");
	assert_span(members_get(m, SPAN_OF("b")), "1234567890123456789012345678901234567890");
	assert_span(members_get(m, SPAN_OF("c")), "1E+05");
	assert_span(members_get(m, SPAN_OF("d")), "\"\\u00e4\\/\"");
	assert_span(members_get(m, SPAN_OF("e")), "[ 1 , 2 ]");
	assert_span(members_get(m, SPAN_OF("f")), "{\"x\" : {}}");
	assert_span(members_get(m, SPAN_OF("g")), "-0.0");
	assert_null(members_get(m, SPAN_OF("h")).ptr);
}

static void test_writing_changes_nothing_but_the_blanks_between_members(void **state)
{
	struct members *m = read_members(*state,
	    SPAN_OF(
		" \r\n{ \"a\" : 1.10 ,\t\"\\u0062\":[ 1, \"]\" ] , \"\" : {\"}\":\"{\\\"\"}\n}  "));

	assert_span(
	    members_write(m), "{\"a\":1.10,\"\\u0062\":[ 1, \"]\" ],\"\":{\"}\":\"{\\\"\"}}");
}

static void test_changing_one_member_leaves_the_others_as_they_are(void **state)
{
	struct members *m = read_members(*state, SPAN_OF("{\"a\":1.10,\"b\":2,\"c\":3.0e1}"));

	members_set(m, SPAN_OF("b"), SPAN_OF("[]"));
	assert_span(members_write(m), "{\"a\":1.10,\"b\":[],\"c\":3.0e1}");
}

static void test_a_new_member_stands_behind_the_others(void **state)
{
	struct members *m = read_members(*state, SPAN_OF("{\"b\":1}"));

	members_set(m, SPAN_OF("a"), SPAN_OF("2"));
	members_set_string(m, "c", SPAN_OF("x\"y\n"));
	members_set_string(m, "d", (struct span){0});
	assert_span(members_write(m), "{\"b\":1,\"a\":2,\"c\":\"x\\\"y\\u000a\",\"d\":null}");
}

static void test_what_is_no_object_yet_becomes_one(void **state)
{
	static const struct span texts[] = {{NULL, 0}, SPAN(""), SPAN(" \n"), SPAN("null"),
	    SPAN(" null "), SPAN("[]"), SPAN(" [ ] "), SPAN("{}"), SPAN("{ \n }")};

	for (size_t i = 0; i < COUNT(texts); i++) {
		struct members *m = read_members(*state, texts[i]);

		assert_span(members_write(m), "{}");
		members_set(m, SPAN_OF("a"), SPAN_OF("1"));
		assert_span(members_write(m), "{\"a\":1}");
	}
}

static void test_a_php_list_becomes_numbered_members(void **state)
{
	struct members *m =
	    read_members(*state, SPAN_OF("[1, \"a,b\" ,[2,3], {\"x\":[4]},5,6,7,8,9,10,11]"));

	assert_span(members_get(m, SPAN_OF("1")), "\"a,b\"");
	assert_span(members_write(m),
	    "{\"0\":1,\"1\":\"a,b\",\"2\":[2,3],\"3\":{\"x\":[4]},\"4\":5,\"5\":6,\"6\":7,\"7\":8,\"8\":9,"
	    "\"9\":10,\"10\":11}");
}

static void test_a_name_is_found_however_it_is_escaped(void **state)
{
	struct members *m = read_members(*state,
	    SPAN_OF("{\"\\u0061\\u00e4\":1,\"\\\"q\\\\\":2,\"\\ud83d\\ude00\":3,\"a\\u0000b\":4}"));

	assert_span(members_get(m, SPAN_OF("a\xc3\xa4")), "1");
	assert_span(members_get(m, SPAN_OF("\"q\\")), "2");
	assert_span(members_get(m, SPAN_OF("\xf0\x9f\x98\x80")), "3");
	assert_span(members_get(m, SPAN_OF("a\0b")), "4");
	assert_null(members_get(m, SPAN_OF("a")).ptr);
	members_set(m, SPAN_OF("a\xc3\xa4"), SPAN_OF("7"));
	assert_span(members_write(m),
	    "{\"\\u0061\\u00e4\":7,\"\\\"q\\\\\":2,\"\\ud83d\\ude00\":3,\"a\\u0000b\":4}");
}

static void test_a_name_that_only_mariadb_reads_is_carried_along(void **state)
{
	struct members *m = read_members(*state, SPAN_OF("{\"\\x41\":1,\"\\ud800\":2}"));

	members_set(m, SPAN_OF("b"), SPAN_OF("3"));
	assert_span(members_write(m), "{\"\\x41\":1,\"\\ud800\":2,\"b\":3}");
}

static void test_of_equal_names_the_last_value_counts(void **state)
{
	struct members *m = read_members(*state, SPAN_OF("{\"a\":1,\"b\":2,\"\\u0061\":3}"));

	assert_span(members_get(m, SPAN_OF("a")), "3");
	assert_span(members_write(m), "{\"a\":3,\"b\":2}");
}

static void test_what_is_neither_object_nor_list_is_refused(void **state)
{
	static const struct span texts[] = {SPAN("1"), SPAN("\"text\""), SPAN("true"), SPAN("nul"),
	    SPAN("nulll"), SPAN("{"), SPAN("["), SPAN("}"), SPAN("{\"a\""), SPAN("{\"a\":"),
	    SPAN("{\"a\":1"), SPAN("{\"a\":1]"), SPAN("[1}"), SPAN("[1"), SPAN("{\"a\":1}x"),
	    SPAN("{\"a\":1}{}"), SPAN("{} {}"), SPAN("{\"a\" 1}"), SPAN("{\"a:1}"),
	    SPAN("{\"a\\\":1}"), SPAN("{\"a\":}"), SPAN("{\"a\":,}"), SPAN("{,}"), SPAN("{a:1}"),
	    SPAN("{\"a\":\"x}"), SPAN("{\"a\":[1,2}"), SPAN("{\"a\":{}"), SPAN("[\"\\\"]"),
	    SPAN("{\"a\":1,"), SPAN("\"\\"), SPAN("{\"")};
	struct members *members = NULL;

	for (size_t i = 0; i < COUNT(texts); i++) {
		if (members_read(texts[i], *state, &members) != RC_INVALID)
			fail_msg("%.*s was taken", SPAN_ARG(texts[i]));
		assert_null(members);
	}
}

static void test_a_merge_wins_but_for_the_names_that_are_excepted(void **state)
{
	static const char *const except[] = {"own", "other", NULL};
	struct members *to = read_members(*state, SPAN_OF("{\"own\":1,\"a\":1.0,\"b\":2}"));
	struct members *from =
	    read_members(*state, SPAN_OF("{\"\\u006fwn\":9,\"b\":3.0,\"other\":9,\"c\\n\":4}"));

	members_merge(to, from, except);
	assert_span(members_write(to), "{\"own\":1,\"a\":1.0,\"b\":3.0,\"c\\n\":4}");
}

/* --- objects made at random, against jansson */

static json_t *random_string(struct unit_random *random)
{
	static const char *const parts[] = {"a", "b", "\"", "\\", "{", "}", "[", "]", ",", ":", " ",
	    "\n", "\x01", "\x7f", "/", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "null",
	    "\\u0041"};
	char text[128] = "";
	size_t len = 0, count = unit_random_below(random, 8);

	for (size_t i = 0; i < count; i++) {
		const char *part = parts[unit_random_below(random, COUNT(parts))];

		memcpy(text + len, part, strlen(part));
		len += strlen(part);
	}
	return json_stringn(text, len);
}

static json_t *random_value(struct unit_random *random, int depth)
{
	size_t kind = unit_random_below(random, depth > 0 ? 8 : 6), count;
	json_t *value;

	switch (kind) {
	case 0:
		return json_integer((json_int_t)unit_random(random));
	case 1:
		return json_real((double)(int64_t)unit_random(random) / 1e7);
	case 2:
		return json_boolean(unit_random_below(random, 2));
	case 3:
		return json_null();
	case 4:
	case 5:
		return random_string(random);
	case 6:
		value = json_array();
		count = unit_random_below(random, 4);
		while (count-- > 0)
			json_array_append_new(value, random_value(random, depth - 1));
		return value;
	default:
		value = json_object();
		count = unit_random_below(random, 6);
		while (count-- > 0) {
			json_t *key = random_string(random);

			json_object_set_new(
			    value, json_string_value(key), random_value(random, depth - 1));
			json_decref(key);
		}
		return value;
	}
}

static json_t *parse(struct span text)
{
	json_t *value =
	    json_loadb(text.ptr, text.len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);

	if (value == NULL)
		fail_msg("no JSON: %.*s", SPAN_ARG(text));
	return value;
}

/* Every member is the one that jansson knows, and the whole is the object. */
static void check_equal(const struct members *members, json_t *object)
{
	struct span text = members_write(members);
	const char *key;
	json_t *value, *whole = parse(text);

	if (!json_equal(whole, object))
		fail_msg("another object: %.*s", SPAN_ARG(text));
	json_decref(whole);
	json_object_foreach(object, key, value)
	{
		json_t *got = parse(members_get(members, span_of(key)));

		assert_true(json_equal(got, value));
		json_decref(got);
	}
}

static void check_one(struct arena *mem, struct unit_random *random)
{
	static const size_t flags[] = {JSON_COMPACT, JSON_INDENT(2), JSON_ENSURE_ASCII,
	    JSON_ESCAPE_SLASH, JSON_SORT_KEYS | JSON_INDENT(1) | JSON_ENSURE_ASCII};
	json_t *object = json_object(), *key;
	size_t count = unit_random_below(random, 12);
	struct members *members;
	char *text;

	while (count-- > 0) {
		key = random_string(random);
		json_object_set_new(object, json_string_value(key), random_value(random, 3));
		json_decref(key);
	}
	text = json_dumps(object, flags[unit_random_below(random, COUNT(flags))]);
	members = read_members(mem, span_of(text));
	check_equal(members, object);

	key = random_string(random);
	members_set(members, json_text(key), SPAN_OF("[1.50]"));
	json_object_set_new(object, json_string_value(key), json_loads("[1.50]", 0, NULL));
	members_set_string(members, "b", json_text(key));
	json_object_set(object, "b", key);
	check_equal(members, object);
	json_decref(key);
	json_decref(object);
	free(text);
}

static void test_any_object_is_jansson_s(void **state)
{
	struct unit_random random = {5};

	for (int n = 0; n < 3000; n++) {
		check_one(*state, &random);
		arena_reset(*state);
	}
}

/* Microseconds that this process has worked: of others, who work too, the clock tells nothing. */
static int64_t worked_us(void)
{
	struct timespec worked;

	assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &worked), 0);
	return (int64_t)worked.tv_sec * US_PER_S + worked.tv_nsec / 1000;
}

/* Microseconds of work for an object of about `size` bytes with as many members as that allows. */
static int64_t work_to_read(struct arena *mem, size_t size)
{
	struct buf text = buf_in(mem, size);
	int64_t least = INT64_MAX;

	buf_putc(&text, '{');
	for (unsigned i = 0; text.len < text.max - 32; i++)
		buf_putf(&text, "%s\"%x\":1", i > 0 ? "," : "", i);
	buf_putc(&text, '}');
	assert_false(text.failed);
	/* The best of some: others disturb, nobody helps. */
	for (int i = 0; i < 5; i++) {
		int64_t began = worked_us(), took;

		read_members(mem, buf_span(&text));
		took = worked_us() - began;
		least = took < least ? took : least;
	}
	return least;
}

static void test_the_largest_body_of_many_members_does_not_take_long(void **state)
{
	int64_t quarter, whole;

	quarter = work_to_read(*state, 64 * KIB);
	whole = work_to_read(*state, 256 * KIB);
	print_message("64 KiB: %d us, 256 KiB: %d us\n", (int)quarter, (int)whole);
	/* Four times as many: sixteen times the work, if each new one is compared with all. */
	assert_true(whole < 50000 || whole < 10 * quarter);
}

int test_text_members(void)
{
	const struct CMUnitTest tests[] = {
	    arena_test(test_values_are_kept_byte_for_byte),
	    arena_test(test_writing_changes_nothing_but_the_blanks_between_members),
	    arena_test(test_changing_one_member_leaves_the_others_as_they_are),
	    arena_test(test_a_new_member_stands_behind_the_others),
	    arena_test(test_what_is_no_object_yet_becomes_one),
	    arena_test(test_a_php_list_becomes_numbered_members),
	    arena_test(test_a_name_is_found_however_it_is_escaped),
	    arena_test(test_a_name_that_only_mariadb_reads_is_carried_along),
	    arena_test(test_of_equal_names_the_last_value_counts),
	    arena_test(test_what_is_neither_object_nor_list_is_refused),
	    arena_test(test_a_merge_wins_but_for_the_names_that_are_excepted),
	    arena_test(test_any_object_is_jansson_s),
	    arena_test(test_the_largest_body_of_many_members_does_not_take_long),
	};

	return unit_run("text/members", tests);
}
