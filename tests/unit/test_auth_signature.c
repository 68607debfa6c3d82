#include "auth/signature.h"

#include "auth_tests.h"
#include "base/bounds.h"

static enum signature_verdict check(
    const struct signature *signature, const struct proof *proof, struct span body, int64_t now_us)
{
	return signature_check(
	    signature, span_of(proof->timestamp), span_of(proof->code), body, now_us);
}

static void test_a_signed_request_is_let_in(void **state)
{
	struct proof proof = auth_tests_prove_at("current", NOW_S, BODY);

	assert_int_equal(check(*state, &proof, BODY, AT(NOW_S)), SIGNATURE_OK_CURRENT);
	proof = auth_tests_prove_at("current", NOW_S, SPAN_OF(""));
	assert_int_equal(check(*state, &proof, SPAN_OF(""), AT(NOW_S)), SIGNATURE_OK_CURRENT);
	assert_int_equal(check(*state, &proof, (struct span){0}, AT(NOW_S)), SIGNATURE_OK_CURRENT);
}

static void test_every_retired_secret_is_accepted_and_told_apart(void **state)
{
	struct proof proof = auth_tests_prove_at("old", NOW_S, BODY);

	assert_int_equal(check(*state, &proof, BODY, AT(NOW_S)), SIGNATURE_OK_PREVIOUS);
	proof = auth_tests_prove_at("older", NOW_S, BODY);
	assert_int_equal(check(*state, &proof, BODY, AT(NOW_S)), SIGNATURE_OK_PREVIOUS);
}

static void test_empty_items_of_the_list_are_no_secrets(void **state)
{
	struct proof proof = auth_tests_prove_at("", NOW_S, BODY);

	assert_int_equal(check(*state, &proof, BODY, AT(NOW_S)), SIGNATURE_MISMATCH);
	proof = auth_tests_prove_at(" ", NOW_S, BODY);
	assert_int_equal(check(*state, &proof, BODY, AT(NOW_S)), SIGNATURE_MISMATCH);
	proof = auth_tests_prove_at("old, ,,  older ,", NOW_S, BODY);
	assert_int_equal(check(*state, &proof, BODY, AT(NOW_S)), SIGNATURE_MISMATCH);
}

static void test_an_empty_secret_is_none(void **state)
{
	struct signature *signature;

	(void)state;
	signature = signature_create(SPAN_OF(""), (struct span){0}, TTL_S);
	assert_null(signature);
}

static void test_another_secret_is_a_mismatch(void **state)
{
	struct proof proof = auth_tests_prove_at("Current", NOW_S, BODY);

	assert_int_equal(check(*state, &proof, BODY, AT(NOW_S)), SIGNATURE_MISMATCH);
}

static void test_a_single_changed_bit_is_a_mismatch(void **state)
{
	struct proof proof = auth_tests_prove_at("current", NOW_S, BODY);
	char body[] = "{\"a\":1}";

	for (size_t i = 0; i < strlen(body) * 8; i++) {
		body[i / 8] = (char)(body[i / 8] ^ 1 << i % 8);
		assert_int_equal(
		    check(*state, &proof, span_from(body, 7), AT(NOW_S)), SIGNATURE_MISMATCH);
		body[i / 8] = (char)(body[i / 8] ^ 1 << i % 8);
	}
	for (size_t i = 0; i < HEX_SIZE; i++) {
		char digit = proof.code[i];

		proof.code[i] = digit == '0' ? '1' : '0';
		assert_int_equal(check(*state, &proof, BODY, AT(NOW_S)), SIGNATURE_MISMATCH);
		proof.code[i] = digit;
	}
	assert_int_equal(check(*state, &proof, BODY, AT(NOW_S)), SIGNATURE_OK_CURRENT);
}

static void test_the_time_is_signed_too(void **state)
{
	struct proof proof = auth_tests_prove_at("current", NOW_S, BODY),
		     later = auth_tests_prove_at("current", NOW_S + 1, BODY);

	assert_int_equal(
	    signature_check(*state, span_of(later.timestamp), span_of(proof.code), BODY, AT(NOW_S)),
	    SIGNATURE_MISMATCH);
}

static void test_the_border_between_time_and_body_is_fixed(void **state)
{
	/* The same bytes are signed, but the time takes one of the body's. */
	struct proof proof = auth_tests_prove("current", "176320000", SPAN_OF("0{}"));

	assert_int_equal(check(*state, &proof, SPAN_OF("0{}"), AT(NOW_S)), SIGNATURE_EXPIRED);
	proof = auth_tests_prove("current", "1763200000", SPAN_OF("{}"));
	assert_int_equal(signature_check(*state, SPAN_OF("17632000000"), span_of(proof.code),
			     SPAN_OF("{}"), AT(NOW_S)),
	    SIGNATURE_EXPIRED);
}

static void test_a_missing_header_is_told_apart(void **state)
{
	struct proof proof = auth_tests_prove_at("current", NOW_S, BODY);
	struct span timestamp = span_of(proof.timestamp), code = span_of(proof.code), none = {0};

	assert_int_equal(signature_check(*state, none, none, BODY, AT(NOW_S)), SIGNATURE_MISSING);
	assert_int_equal(
	    signature_check(*state, timestamp, none, BODY, AT(NOW_S)), SIGNATURE_MISSING);
	assert_int_equal(signature_check(*state, none, code, BODY, AT(NOW_S)), SIGNATURE_MISSING);
	assert_int_equal(
	    signature_check(*state, SPAN_OF(""), code, BODY, AT(NOW_S)), SIGNATURE_MISSING);
	assert_int_equal(
	    signature_check(*state, timestamp, SPAN_OF(""), BODY, AT(NOW_S)), SIGNATURE_MISSING);
}

static void test_the_time_may_differ_by_the_ttl_and_not_a_second_more(void **state)
{
	static const struct {
		int64_t offset;
		enum signature_verdict verdict;
	} cases[] = {
	    {0, SIGNATURE_OK_CURRENT},
	    {TTL_S, SIGNATURE_OK_CURRENT},
	    {-TTL_S, SIGNATURE_OK_CURRENT},
	    {TTL_S + 1, SIGNATURE_EXPIRED},
	    {-TTL_S - 1, SIGNATURE_EXPIRED},
	    {NOW_S, SIGNATURE_EXPIRED},
	    {-700000000, SIGNATURE_EXPIRED},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct proof proof = auth_tests_prove_at("current", NOW_S + cases[i].offset, BODY);

		assert_int_equal(check(*state, &proof, BODY, AT(NOW_S)), cases[i].verdict);
	}
}

static void test_a_started_second_counts_as_its_beginning(void **state)
{
	struct proof proof = auth_tests_prove_at("current", NOW_S - TTL_S, BODY);

	assert_int_equal(check(*state, &proof, BODY, AT(NOW_S) + 999999), SIGNATURE_OK_CURRENT);
	assert_int_equal(check(*state, &proof, BODY, AT(NOW_S + 1)), SIGNATURE_EXPIRED);
}

static void test_milliseconds_are_told_apart(void **state)
{
	struct proof proof = auth_tests_prove("current", "1763200000000", BODY);

	assert_int_equal(check(*state, &proof, BODY, AT(NOW_S)), SIGNATURE_MILLISECONDS);
}

static void test_a_time_that_is_none_has_expired(void **state)
{
	static const char *const times[] = {"0", "1", "176320000", "17632000000", "001763200000",
	    "01763200000", "+763200000", "-763200000", "176320000x", "1763200000 ", " 1763200000",
	    "1.76320e+9", "0x69183080", "-176320000000", "99999999999999999999", "176320000000000",
	    "now", "\xef\xbc\x91"};

	for (size_t i = 0; i < COUNT(times); i++) {
		struct proof proof = auth_tests_prove("current", times[i], BODY);

		if (check(*state, &proof, BODY, AT(NOW_S)) != SIGNATURE_EXPIRED)
			fail_msg("\"%s\" has not expired", times[i]);
	}
}

static void test_a_code_that_is_none_is_a_mismatch(void **state)
{
	struct proof proof = auth_tests_prove_at("current", NOW_S, BODY);
	char upper[HEX_SIZE + 1], longer[HEX_SIZE + 2];

	for (size_t i = 0; i <= HEX_SIZE; i++)
		upper[i] = proof.code[i] >= 'a' ? (char)(proof.code[i] - 'a' + 'A') : proof.code[i];
	memcpy(longer, proof.code, HEX_SIZE);
	longer[HEX_SIZE] = '0';
	longer[HEX_SIZE + 1] = '\0';
	assert_string_not_equal(upper, proof.code);
	for (size_t i = 0; i < 4; i++) {
		struct span codes[] = {span_of(upper), span_of(longer),
		    span_from(proof.code, HEX_SIZE - 1), SPAN("sha256=")};

		assert_int_equal(
		    signature_check(*state, span_of(proof.timestamp), codes[i], BODY, AT(NOW_S)),
		    SIGNATURE_MISMATCH);
	}
}

static void test_a_body_of_any_bytes_is_signed_as_it_is(void **state)
{
	const struct span body = SPAN("\0\xff\r\n{\"\xc3\xbc\"");
	struct proof proof = auth_tests_prove_at("current", NOW_S, body);

	assert_int_equal(check(*state, &proof, body, AT(NOW_S)), SIGNATURE_OK_CURRENT);
}

/* Made by the application's own code. */
static void test_the_applications_codes_are_ours(void **state)
{
	static char thousand[1000];
	static const char secret[] = "oracle-hmac-secret-for-tests-only";
	const struct {
		const char *timestamp;
		struct span body;
		const char *code;
		enum signature_verdict verdict;
	} cases[] = {
	    {"1763200000", SPAN(""),
		"98c3e50abafbbd612706e20fa03d6fe245bc8a3f8e9d82b8fb1e5b0a767e1025",
		SIGNATURE_OK_CURRENT},
	    {"1763200000", SPAN("{}"),
		"384a92dff481fd39caacc51fa49ca0e66f0b314f302c67501faab3cb9cc130eb",
		SIGNATURE_OK_CURRENT},
	    {"1763200000",
		SPAN("{\"event\":\"account-status-changed\",\"data\":{\"account_id\":1,\"status\":"
		     "\"connected\",\"workspace_id\":1}}"),
		"f3c0ef42798826c259dffa9ec07455ec0a15a56976d4e13a4ac66c62c5cfa74f",
		SIGNATURE_OK_CURRENT},
	    {"1763200000", SPAN("{\"reason\":\"\xc3\xbc \xf0\x9f\x98\x80\"}\n"),
		"aa02a198d633045fdb23eb83630fe023c09be3dfc6aa27ede7300264fe410454",
		SIGNATURE_OK_CURRENT},
	    /* Right codes for times that we do not take. */
	    {"001763200000", SPAN("a=b"),
		"7544ef2cab80582af4cdcaf0976124c74436bc37ebb1da1d98d75a8bb8d78994",
		SIGNATURE_EXPIRED},
	    {"1", {thousand, sizeof(thousand)},
		"693953f07e69d4b90ff7fd0cec00adacee701b45f5d13c0f3308ab52f41e39c4",
		SIGNATURE_EXPIRED},
	};
	struct signature *signature = signature_create(SPAN_OF("x"), span_of(secret), TTL_S);

	(void)state;
	memset(thousand, 'x', sizeof(thousand));
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct proof ours = auth_tests_prove(secret, cases[i].timestamp, cases[i].body);

		assert_string_equal(ours.code, cases[i].code);
		assert_int_equal(check(signature, &ours, cases[i].body, AT(NOW_S)),
		    cases[i].verdict == SIGNATURE_OK_CURRENT ? SIGNATURE_OK_PREVIOUS
							     : cases[i].verdict);
	}
	signature_free(signature);
}

static void test_more_secrets_than_the_bound_are_refused(void **state)
{
	struct signature *signature =
	    signature_create(SPAN_OF("0"), SPAN_OF("1,2,3,4,5,6,7"), TTL_S);
	struct proof proof = auth_tests_prove_at("7", NOW_S, BODY);

	(void)state;
	assert_int_equal(BOUND_SECRETS, 8);
	assert_int_equal(check(signature, &proof, BODY, AT(NOW_S)), SIGNATURE_OK_PREVIOUS);
	signature_free(signature);
	assert_null(signature_create(SPAN_OF("0"), SPAN_OF("1,2,3,4,5,6,7,8"), TTL_S));
	signature_free(NULL);
}

static void test_every_verdict_has_its_words_and_its_counter(void **state)
{
	(void)state;
	assert_string_equal(
	    signature_message(SIGNATURE_MISSING), "Missing required security headers");
	assert_string_equal(signature_message(SIGNATURE_EXPIRED), "Request timestamp expired");
	assert_string_equal(
	    signature_message(SIGNATURE_MILLISECONDS), "Request timestamp must be in seconds");
	assert_string_equal(signature_message(SIGNATURE_MISMATCH), "Invalid signature");
	for (int a = 0; a < SIGNATURE_VERDICTS; a++) {
		assert_non_null(signature_why((enum signature_verdict)a));
		for (int b = 0; b < a; b++)
			assert_int_not_equal(signature_metric((enum signature_verdict)a),
			    signature_metric((enum signature_verdict)b));
	}
}

int test_auth_signature(void)
{
	const struct CMUnitTest tests[] = {
	    signature_test(test_a_signed_request_is_let_in),
	    signature_test(test_every_retired_secret_is_accepted_and_told_apart),
	    signature_test(test_empty_items_of_the_list_are_no_secrets),
	    cmocka_unit_test(test_an_empty_secret_is_none),
	    signature_test(test_another_secret_is_a_mismatch),
	    signature_test(test_a_single_changed_bit_is_a_mismatch),
	    signature_test(test_the_time_is_signed_too),
	    signature_test(test_the_border_between_time_and_body_is_fixed),
	    signature_test(test_a_missing_header_is_told_apart),
	    signature_test(test_the_time_may_differ_by_the_ttl_and_not_a_second_more),
	    signature_test(test_a_started_second_counts_as_its_beginning),
	    signature_test(test_milliseconds_are_told_apart),
	    signature_test(test_a_time_that_is_none_has_expired),
	    signature_test(test_a_code_that_is_none_is_a_mismatch),
	    signature_test(test_a_body_of_any_bytes_is_signed_as_it_is),
	    cmocka_unit_test(test_the_applications_codes_are_ours),
	    cmocka_unit_test(test_more_secrets_than_the_bound_are_refused),
	    cmocka_unit_test(test_every_verdict_has_its_words_and_its_counter),
	};

	return unit_run("auth/signature", tests);
}
