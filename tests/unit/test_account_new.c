/* account_rules_new: the fields of a new account, and Laravel's words about them. */
#include "account/account_rules.h"

#include "account_tests.h"
#include "base/bounds.h"
#include "text/json.h"
#include "unit.h"

#define PHONE "\"phone_number\":\"+62 812-3456 7890\""
#define WEBJS "\"provider_type\":\"webjs\""
#define REQUIRED_PHONE "\"phone_number\":[\"The phone number field is required.\"]"
#define STRING_PHONE "\"The phone number field must be a string.\""
#define FORMAT_PHONE "\"The phone number field format is invalid.\""
#define STRING_NAME "\"The account name field must be a string.\""
#define LONG_NAME "\"The account name field must not be greater than 255 characters.\""
#define REQUIRED_PROVIDER "\"provider_type\":[\"The provider type field is required.\"]"
#define STRING_PROVIDER "\"The provider type field must be a string.\""
#define SELECTED_PROVIDER "\"The selected provider type is invalid.\""
#define PRIMARY "\"is_primary\":[\"The is primary field must be true or false.\"]"

struct checked {
	struct span faults; /* as JSON; "{}": none */
	struct account_new new;
};

static struct checked check_with(struct arena *mem, const char *body, bool phone_optional)
{
	const struct account_limits limits = {.max_connected = 1, .phone_optional = phone_optional};
	struct buf text = buf_in(mem, 8 * KIB);
	json_t *tree = json_loads(body, JSON_ALLOW_NUL, NULL);
	struct account_input in;
	struct checked checked;
	struct faults faults;

	assert_non_null(tree);
	in = (struct account_input){
	    .phone_number = field_of_json(json_object_get(tree, "phone_number"), mem),
	    .account_name = field_of_json(json_object_get(tree, "account_name"), mem),
	    .provider_type = field_of_json(json_object_get(tree, "provider_type"), mem),
	    .is_primary = field_of_json(json_object_get(tree, "is_primary"), mem),
	};
	faults_init(&faults, mem);
	account_rules_new(&in, &limits, &faults, &checked.new);
	faults_put_json(&faults, &text);
	checked.faults = buf_span(&text);
	/* The values are borrowed from the tree. */
	if (checked.new.phone_number.ptr != NULL)
		checked.new.phone_number = arena_copy(mem, checked.new.phone_number);
	if (checked.new.account_name.ptr != NULL)
		checked.new.account_name = arena_copy(mem, checked.new.account_name);
	checked.new.provider_type = arena_copy(mem, checked.new.provider_type);
	json_decref(tree);
	return checked;
}

static struct checked check(struct arena *mem, const char *body)
{
	return check_with(mem, body, false);
}

#define assert_faults(body, want) assert_span(check(*state, (body)).faults, want)

static void test_a_whole_input_has_no_faults_and_all_values(void **state)
{
	struct checked c =
	    check(*state, "{" PHONE ",\"account_name\":\"Sales\"," WEBJS ",\"is_primary\":true}");

	assert_span(c.faults, "{}");
	assert_span(c.new.phone_number, "+62 812-3456 7890");
	assert_span(c.new.account_name, "Sales");
	assert_span(c.new.provider_type, "webjs");
	assert_true(c.new.is_primary);
	assert_int_equal(c.new.workspace_id, 0);
	assert_int_equal(c.new.created_by, 0);
}

static void test_the_name_is_the_number_unless_there_is_one(void **state)
{
	struct checked c = check(*state, "{" PHONE ",\"provider_type\":\"meta\"}");

	assert_span(c.faults, "{}");
	assert_span(c.new.account_name, "+62 812-3456 7890");
	assert_span(c.new.provider_type, "meta");
	assert_false(c.new.is_primary);
	c = check(*state, "{" PHONE "," WEBJS ",\"account_name\":null}");
	assert_span(c.new.account_name, "+62 812-3456 7890");
	c = check(*state, "{" PHONE "," WEBJS ",\"account_name\":\"  \"}");
	assert_span(c.new.account_name, "+62 812-3456 7890");
}

static void test_values_are_trimmed(void **state)
{
	struct checked c = check(*state,
	    "{\"phone_number\":\" 12345 \",\"account_name\":\"\\tA B\\n\","
	    "\"provider_type\":\" meta \",\"is_primary\":\" 1 \"}");

	assert_span(c.faults, "{}");
	assert_span(c.new.phone_number, "12345");
	assert_span(c.new.account_name, "A B");
	assert_span(c.new.provider_type, "meta");
	assert_true(c.new.is_primary);
}

static void test_an_empty_input_lacks_what_is_required(void **state)
{
	assert_faults("{}", "{" REQUIRED_PHONE "," REQUIRED_PROVIDER "}");
	assert_faults("{\"phone_number\":null,\"account_name\":null,\"provider_type\":null}",
	    "{" REQUIRED_PHONE "," REQUIRED_PROVIDER "}");
	assert_faults("{\"phone_number\":\"\",\"provider_type\":\" \\u200b\"}",
	    "{" REQUIRED_PHONE "," REQUIRED_PROVIDER "}");
	/* To PHP both are an empty array. */
	assert_faults("{\"phone_number\":[],\"provider_type\":{}}",
	    "{" REQUIRED_PHONE "," REQUIRED_PROVIDER "}");
	assert_faults("{\"phone_number\":{},\"provider_type\":[]}",
	    "{" REQUIRED_PHONE "," REQUIRED_PROVIDER "}");
}

static void test_the_faults_stand_in_the_order_of_the_fields(void **state)
{
	assert_faults(
	    "{\"is_primary\":\"yes\",\"provider_type\":5,\"account_name\":5,"
	    "\"phone_number\":[1]}",
	    "{\"phone_number\":[" STRING_PHONE "," FORMAT_PHONE "],\"account_name\":[" STRING_NAME
	    "],\"provider_type\":[" STRING_PROVIDER "," SELECTED_PROVIDER "]," PRIMARY "}");
}

/* A value as JSON for one field, and what is said of that field; the others are right. */
struct one {
	const char *value, *want;
};

static void assert_each(struct arena *mem, const char *name, const struct one *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct buf body = buf_in(mem, 8 * KIB);

		buf_puts(&body, "{");
		if (strcmp(name, "phone_number") != 0)
			buf_puts(&body, PHONE ",");
		if (strcmp(name, "provider_type") != 0)
			buf_puts(&body, WEBJS ",");
		buf_putf(&body, "\"%s\":%s}", name, cases[i].value);
		assert_false(body.failed);
		assert_same(check(mem, arena_copy(mem, buf_span(&body)).ptr).faults,
		    span_of(cases[i].want));
	}
}

#define PHONE_FORMAT "{\"phone_number\":[" FORMAT_PHONE "]}"
#define PHONE_TYPE "{\"phone_number\":[" STRING_PHONE "]}"
#define PHONE_BOTH "{\"phone_number\":[" STRING_PHONE "," FORMAT_PHONE "]}"

static void test_every_phone_number_that_is_none(void **state)
{
	static const struct one cases[] = {
	    {"\"12345\"", "{}"},
	    {"\"(021) 555.1234\"", "{}"},
	    {"\"12345678901234567890\"", "{}"},
	    {"\"1234\"", PHONE_FORMAT},
	    {"\"123456789012345678901\"", PHONE_FORMAT},
	    {"\"null\"", PHONE_FORMAT},
	    {"\"12345x\"", PHONE_FORMAT},
	    {"\"123\\u000045\"", PHONE_FORMAT},
	    {"\"12345\\n6\"", PHONE_FORMAT},
	    {"\"0\"", PHONE_FORMAT},
	    {"\"12345                                             6\"", PHONE_FORMAT},
	    /* The regex sees a number as text. */
	    {"12345", PHONE_TYPE},
	    {"-12345", PHONE_TYPE},
	    {"12345.5", PHONE_TYPE},
	    {"1234", PHONE_BOTH},
	    {"0", PHONE_BOTH},
	    {"1e30", PHONE_BOTH},
	    {"true", PHONE_BOTH},
	    {"false", PHONE_BOTH},
	    {"[\"12345\"]", PHONE_BOTH},
	    {"{\"a\":\"12345\"}", PHONE_BOTH},
	};

	assert_each(*state, "phone_number", cases, COUNT(cases));
}

static void test_every_name_that_is_none(void **state)
{
	static const struct one cases[] = {
	    {"\"A\"", "{}"},
	    {"null", "{}"},
	    {"\"\"", "{}"},
	    {"\"0\"", "{}"},
	    {"5", "{\"account_name\":[" STRING_NAME "]}"},
	    {"1.5", "{\"account_name\":[" STRING_NAME "]}"},
	    {"true", "{\"account_name\":[" STRING_NAME "]}"},
	    {"false", "{\"account_name\":[" STRING_NAME "]}"},
	    /* Not null, and required is not asked of it. */
	    {"[]", "{\"account_name\":[" STRING_NAME "]}"},
	    {"{}", "{\"account_name\":[" STRING_NAME "]}"},
	    {"[\"A\"]", "{\"account_name\":[" STRING_NAME "]}"},
	};

	assert_each(*state, "account_name", cases, COUNT(cases));
}

/* `count` times `unit`, between `open` and `close`. */
static const char *repeated(
    struct arena *mem, const char *open, const char *unit, int count, const char *close)
{
	struct buf b = buf_in(mem, 4 * KIB);

	buf_puts(&b, open);
	for (int i = 0; i < count; i++)
		buf_puts(&b, unit);
	buf_puts(&b, close);
	assert_false(b.failed);
	return arena_copy(mem, buf_span(&b)).ptr;
}

static void test_a_name_has_255_characters_and_not_bytes(void **state)
{
	const struct one cases[] = {
	    {repeated(*state, "\"", "x", BOUND_NAME, "\""), "{}"},
	    {repeated(*state, "\"", "\xc3\xa4", BOUND_NAME, "\""), "{}"},
	    {repeated(*state, "\"", "\xf0\x9f\x98\x80", BOUND_NAME, "\""), "{}"},
	    {repeated(*state, "\"  ", "x", BOUND_NAME, "  \""), "{}"},
	    {repeated(*state, "\"", "x", BOUND_NAME + 1, "\""),
		"{\"account_name\":[" LONG_NAME "]}"},
	    {repeated(*state, "\"", "\xc3\xa4", BOUND_NAME + 1, "\""),
		"{\"account_name\":[" LONG_NAME "]}"},
	    /* Laravel counts the members of a list, and speaks of characters. */
	    {repeated(*state, "[", "1,", BOUND_NAME - 1, "1]"),
		"{\"account_name\":[" STRING_NAME "]}"},
	    {repeated(*state, "[", "1,", BOUND_NAME, "1]"),
		"{\"account_name\":[" STRING_NAME "," LONG_NAME "]}"},
	};

	assert_each(*state, "account_name", cases, COUNT(cases));
}

#define PROVIDER_SELECTED "{\"provider_type\":[" SELECTED_PROVIDER "]}"
#define PROVIDER_BOTH "{\"provider_type\":[" STRING_PROVIDER "," SELECTED_PROVIDER "]}"

static void test_every_provider_that_is_none(void **state)
{
	static const struct one cases[] = {
	    {"\"webjs\"", "{}"},
	    {"\"meta\"", "{}"},
	    {"\"Webjs\"", PROVIDER_SELECTED},
	    {"\"META\"", PROVIDER_SELECTED},
	    {"\"webjs,meta\"", PROVIDER_SELECTED},
	    {"\"web js\"", PROVIDER_SELECTED},
	    {"\"meta\\u0000x\"", PROVIDER_SELECTED},
	    {"\"0\"", PROVIDER_SELECTED},
	    {"0", PROVIDER_BOTH},
	    {"1.5", PROVIDER_BOTH},
	    {"true", PROVIDER_BOTH},
	    {"false", PROVIDER_BOTH},
	    {"[\"webjs\"]", PROVIDER_BOTH},
	    {"{\"a\":\"meta\"}", PROVIDER_BOTH},
	};

	assert_each(*state, "provider_type", cases, COUNT(cases));
}

static void test_every_word_for_primary(void **state)
{
	static const struct {
		const char *value;
		bool valid, primary;
	} cases[] = {{"true", true, true}, {"false", true, false}, {"1", true, true},
	    {"0", true, false}, {"-0", true, false}, {"\"1\"", true, true}, {"\"0\"", true, false},
	    {"null", false, false}, {"\"\"", false, false}, {"\"true\"", false, false},
	    {"\"false\"", false, false}, {"\"yes\"", false, false}, {"\"on\"", false, false},
	    {"\"01\"", false, false}, {"2", false, false}, {"-1", false, false},
	    {"1.0", false, false}, {"0.0", false, false}, {"[]", false, false},
	    {"{}", false, false}, {"[true]", false, false}};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct buf body = buf_in(*state, KIB);
		struct checked c;

		buf_putf(&body, "{" PHONE "," WEBJS ",\"is_primary\":%s}", cases[i].value);
		c = check(*state, arena_copy(*state, buf_span(&body)).ptr);
		assert_same(c.faults, span_of(cases[i].valid ? "{}" : "{" PRIMARY "}"));
		assert_int_equal(c.new.is_primary, cases[i].primary);
	}
}

/* --- WA_REQUIRE_PHONE=off */

static void test_a_webjs_account_may_do_without_a_number_if_it_may(void **state)
{
	static const char *const left_out[] = {"{" WEBJS "}", "{" WEBJS ",\"phone_number\":null}",
	    "{" WEBJS ",\"phone_number\":\"\"}", "{" WEBJS ",\"phone_number\":\"  \"}"};

	for (size_t i = 0; i < COUNT(left_out); i++) {
		struct checked c = check_with(*state, left_out[i], true);

		assert_span(c.faults, "{}");
		assert_null(c.new.phone_number.ptr);
		assert_null(c.new.account_name.ptr);
		assert_span(check(*state, left_out[i]).faults, "{" REQUIRED_PHONE "}");
	}
}

static void test_a_number_that_is_given_is_checked_all_the_same(void **state)
{
	assert_span(
	    check_with(*state, "{" WEBJS ",\"phone_number\":\"x\"}", true).faults, PHONE_FORMAT);
	assert_span(
	    check_with(*state, "{" WEBJS ",\"phone_number\":false}", true).faults, PHONE_BOTH);
	assert_span(check_with(*state, "{" WEBJS ",\"phone_number\":[]}", true).faults,
	    "{" REQUIRED_PHONE "}");
	assert_span(check_with(*state, "{" WEBJS "," PHONE "}", true).faults, "{}");
}

static void test_other_providers_need_a_number_always(void **state)
{
	assert_span(check_with(*state, "{\"provider_type\":\"meta\"}", true).faults,
	    "{" REQUIRED_PHONE "}");
	assert_span(
	    check_with(*state, "{}", true).faults, "{" REQUIRED_PHONE "," REQUIRED_PROVIDER "}");
	assert_span(check_with(*state, "{\"provider_type\":[\"webjs\"]}", true).faults,
	    "{" REQUIRED_PHONE ",\"provider_type\":[" STRING_PROVIDER "," SELECTED_PROVIDER "]}");
}

int test_account_new(void)
{
	const struct CMUnitTest tests[] = {
	    arena_test(test_a_whole_input_has_no_faults_and_all_values),
	    arena_test(test_the_name_is_the_number_unless_there_is_one),
	    arena_test(test_values_are_trimmed),
	    arena_test(test_an_empty_input_lacks_what_is_required),
	    arena_test(test_the_faults_stand_in_the_order_of_the_fields),
	    arena_test(test_every_phone_number_that_is_none),
	    arena_test(test_every_name_that_is_none),
	    arena_test(test_a_name_has_255_characters_and_not_bytes),
	    arena_test(test_every_provider_that_is_none),
	    arena_test(test_every_word_for_primary),
	    arena_test(test_a_webjs_account_may_do_without_a_number_if_it_may),
	    arena_test(test_a_number_that_is_given_is_checked_all_the_same),
	    arena_test(test_other_providers_need_a_number_always),
	};

	return unit_run("account/account_rules, a new account", tests);
}
