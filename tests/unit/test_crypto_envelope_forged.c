/* Envelopes that somebody has changed, or made without the key: none opens. */
#include "base/bounds.h"
#include "crypto/envelope.h"
#include "crypto/hmac.h"
#include "crypto_tests.h"
#include "text/base64.h"
#include "text/hex.h"
#include "text/json.h"
#include "unit.h"

#define KEY "base64:bkgUElLXiIUkpecaYf5V5/xP02j/QpK7q2NunE1EheA="
#define PLAIN "1677ffd2fa152d3c7dfcf4ce842937db14e755ff|k3Jd9sLq2WmX0vBn7RtY5uZc1AeFhGiOpQ4S6T8U"

/* The members of a sealed one: a real Laravel's, with the iv 00..0f. */
#define IV "AAECAwQFBgcICQoLDA0ODw=="
#define VALUE \
	"Z3Z+C8b5STab4/vWTe5PhVBVtmVvW3TE3tqBJNieYsMS2NCn6YnMUBWz7P+6/cDd" \
	"xFJGM5QwA79rbYOS7X94AWBzKDgdLFXHxjygVMxs6ZyUvsrAkFzLJOv8umsjRnZz"
#define MAC "24aaf124ec335374fc1a4b17e94f31bf5db9d0947bccfa03f6adc840dc6e6ac8"
#define IV_VALUE_MAC "\"iv\":\"" IV "\",\"value\":\"" VALUE "\",\"mac\":\"" MAC "\""

struct tests {
	struct arena *mem;
	struct envelope *envelope;
};

static int open_tests(void **state)
{
	struct tests *t = test_calloc(1, sizeof(*t));

	*state = t;
	t->mem = arena_create(4 * KIB);
	t->envelope = envelope_create(SPAN_OF(KEY), (struct span){0});
	return t->envelope == NULL;
}

static int close_tests(void **state)
{
	struct tests *t = *state;

	envelope_free(t->envelope);
	arena_free(t->mem);
	test_free(t);
	return 0;
}

#define envelope_test(f) cmocka_unit_test_setup_teardown(f, open_tests, close_tests)

static struct span pack(struct arena *mem, struct span json)
{
	struct buf b = buf_in(mem, 2 * json.len + 8);

	base64_put(&b, json);
	return buf_span(&b);
}

static enum rc opens(const struct tests *t, struct span text)
{
	struct envelope_opened opened;
	enum rc rc = envelope_open(t->envelope, text, t->mem, &opened);

	if (rc == RC_OK)
		assert_span(opened.plain, PLAIN);
	return rc;
}

static enum rc opens_json(const struct tests *t, const char *json)
{
	return opens(t, pack(t->mem, span_of(json)));
}

static struct span seal(const struct tests *t, enum envelope_cipher cipher)
{
	struct buf b = buf_in(t->mem, 4 * KIB);

	assert_int_equal(envelope_seal(t->envelope, cipher, SPAN_OF(PLAIN), t->mem, &b), RC_OK);
	return buf_span(&b);
}

static void assert_no_flip_opens(const struct tests *t, struct span text)
{
	char *bytes = arena_bytes(t->mem, text.len);

	memcpy(bytes, text.ptr, text.len);
	assert_int_equal(opens(t, span_from(bytes, text.len)), RC_OK);
	for (size_t i = 0; i < text.len * 8; i++) {
		enum rc rc;

		bytes[i / 8] = (char)(bytes[i / 8] ^ 1 << i % 8);
		rc = opens(t, span_from(bytes, text.len));
		if (rc != RC_INVALID && rc != RC_DENIED)
			fail_msg("bit %zu of byte %zu may be flipped: rc %d", i % 8, i / 8, rc);
		bytes[i / 8] = (char)(bytes[i / 8] ^ 1 << i % 8);
	}
}

static void test_no_bit_of_a_cbc_text_may_be_flipped(void **state)
{
	assert_no_flip_opens(*state, seal(*state, ENVELOPE_CBC));
}

static void test_no_bit_of_a_gcm_text_may_be_flipped(void **state)
{
	assert_no_flip_opens(*state, seal(*state, ENVELOPE_GCM));
}

static void test_no_bit_of_laravels_text_may_be_flipped(void **state)
{
	struct tests *t = *state;

	assert_no_flip_opens(t, pack(t->mem, SPAN_OF("{" IV_VALUE_MAC ",\"tag\":\"\"}")));
}

/* Here the JSON's bits are flipped, and what comes out is packed properly again. */
static void test_no_bit_of_the_json_may_be_flipped(void **state)
{
	struct tests *t = *state;
	char json[] = "{" IV_VALUE_MAC ",\"tag\":\"\"}";

	assert_int_equal(opens_json(t, json), RC_OK);
	for (size_t i = 0; i < strlen("{" IV_VALUE_MAC ",\"tag\":\"\"}") * 8; i++) {
		json[i / 8] = (char)(json[i / 8] ^ 1 << i % 8);
		assert_int_not_equal(
		    opens(t, pack(t->mem, span_from(json, sizeof(json) - 1))), RC_OK);
		json[i / 8] = (char)(json[i / 8] ^ 1 << i % 8);
	}
}

static void test_no_text_that_was_cut_opens(void **state)
{
	static const enum envelope_cipher ciphers[] = {ENVELOPE_CBC, ENVELOPE_GCM};
	struct tests *t = *state;

	for (size_t c = 0; c < COUNT(ciphers); c++) {
		struct span text = seal(t, ciphers[c]);

		for (size_t len = 0; len < text.len; len++) {
			struct span cut = unit_exact(span_from(text.ptr, len));

			assert_int_equal(opens(t, cut), RC_INVALID);
			unit_exact_free(cut);
		}
	}
}

static void test_older_releases_wrote_no_tag(void **state)
{
	assert_int_equal(opens_json(*state, "{" IV_VALUE_MAC "}"), RC_OK);
}

/* A damaged name of the tag must not pass for an absent one. */
static void test_without_a_tag_no_other_text_may_stand_there(void **state)
{
	assert_int_equal(opens_json(*state, "{" IV_VALUE_MAC ",\"uag\":\"\"}"), RC_INVALID);
	assert_int_equal(opens_json(*state, "{" IV_VALUE_MAC ",\"x\":\"y\"}"), RC_INVALID);
	assert_int_equal(opens_json(*state, "{\"\":\"\"," IV_VALUE_MAC "}"), RC_INVALID);
}

static void test_other_members_are_let_be(void **state)
{
	assert_int_equal(opens_json(*state, "{" IV_VALUE_MAC ",\"x\":[1]}"), RC_OK);
	assert_int_equal(opens_json(*state, "{" IV_VALUE_MAC ",\"tag\":\"\",\"x\":\"y\"}"), RC_OK);
	assert_int_equal(
	    opens_json(*state, " {\"tag\":\"\" , \"x\":{\"iv\":1}, " IV_VALUE_MAC "}\n"), RC_OK);
}

static void test_every_member_must_be_a_text(void **state)
{
	static const char *const texts[] = {
	    "{\"value\":\"" VALUE "\",\"mac\":\"" MAC "\",\"tag\":\"\"}",
	    "{\"iv\":\"" IV "\",\"mac\":\"" MAC "\",\"tag\":\"\"}",
	    "{\"iv\":\"" IV "\",\"value\":\"" VALUE "\",\"tag\":\"\"}",
	    "{\"iv\":null,\"value\":\"" VALUE "\",\"mac\":\"" MAC "\",\"tag\":\"\"}",
	    "{\"iv\":\"" IV "\",\"value\":[],\"mac\":\"" MAC "\",\"tag\":\"\"}",
	    "{\"iv\":\"" IV "\",\"value\":\"" VALUE "\",\"mac\":1,\"tag\":\"\"}",
	    "{\"iv\":\"" IV "\",\"value\":\"" VALUE "\",\"mac\":true,\"tag\":\"\"}",
	    "{" IV_VALUE_MAC ",\"tag\":null}",
	    "{" IV_VALUE_MAC ",\"tag\":false}",
	    "{" IV_VALUE_MAC ",\"tag\":0}",
	    "{" IV_VALUE_MAC ",\"tag\":[]}",
	};

	for (size_t i = 0; i < COUNT(texts); i++)
		assert_int_equal(opens_json(*state, texts[i]), RC_INVALID);
}

static void test_what_is_no_object_is_no_envelope(void **state)
{
	static const char *const texts[] = {"", "null", "1", "\"\"", "[]", "{}", "hello",
	    "[\"" IV "\",\"" VALUE "\",\"" MAC "\",\"\"]", "[{" IV_VALUE_MAC "}]",
	    "{" IV_VALUE_MAC "}}", "{" IV_VALUE_MAC "} x", "{" IV_VALUE_MAC ",}",
	    "{" IV_VALUE_MAC "," IV_VALUE_MAC "}", "{" IV_VALUE_MAC ",\"mac\":\"" MAC "\"}"};

	for (size_t i = 0; i < COUNT(texts); i++)
		assert_int_equal(opens_json(*state, texts[i]), RC_INVALID);
}

static void test_what_is_no_base64_is_no_envelope(void **state)
{
	static const char *const texts[] = {
	    "", "{" IV_VALUE_MAC "}", "e30", "e30=\t", "%", "====", "e30=e30="};

	for (size_t i = 0; i < COUNT(texts); i++)
		assert_int_equal(opens(*state, span_of(texts[i])), RC_INVALID);
	assert_int_equal(opens(*state, (struct span){0}), RC_INVALID);
}

static void test_a_text_beyond_the_bound_is_not_looked_at(void **state)
{
	struct tests *t = *state;
	struct span text = seal(t, ENVELOPE_CBC);
	char *padded = arena_bytes(t->mem, 2 * BOUND_SESSION + 1);

	/* Line breaks mean nothing. */
	memset(padded, '\n', 2 * BOUND_SESSION + 1);
	memcpy(padded, text.ptr, text.len);
	assert_int_equal(opens(t, span_from(padded, 2 * BOUND_SESSION)), RC_OK);
	assert_int_equal(opens(t, span_from(padded, 2 * BOUND_SESSION + 1)), RC_INVALID);
}

/* An envelope with a right mac around these two members, whatever they are. */
static enum rc opens_signed(const struct tests *t, const char *iv, const char *value)
{
	struct hmac_key *key = hmac_key_create(envelope_key(t->envelope, 0));
	struct buf json = buf_in(t->mem, 4 * KIB);
	unsigned char code[HMAC_SIZE];
	char mac[2 * HMAC_SIZE + 1] = "";

	assert_int_equal(hmac_sign(key, span_of(iv), span_of(value), code), RC_OK);
	hmac_key_free(key);
	hex_encode(code, HMAC_SIZE, mac);
	buf_putf(&json, "{\"iv\":\"%s\",\"value\":\"%s\",\"mac\":\"%.64s\",\"tag\":\"\"}", iv,
	    value, mac);
	return opens(t, pack(t->mem, buf_span(&json)));
}

static void test_a_right_mac_does_not_make_a_wrong_text_right(void **state)
{
	assert_int_equal(opens_signed(*state, IV, VALUE), RC_OK);
	/* No whole block; nothing at all; a last block that is no padding. */
	assert_int_equal(opens_signed(*state, IV, "c2hvcnQ="), RC_DENIED);
	assert_int_equal(opens_signed(*state, IV, ""), RC_DENIED);
	assert_int_equal(opens_signed(*state, IV, "Z3Z+C8b5STab4/vWTe5PhQ=="), RC_DENIED);
	/* An iv of 15, 12 and 17 bytes, and none; Base64 with its unused bits set. */
	assert_int_equal(opens_signed(*state, "eHh4eHh4eHh4eHh4eHh4", VALUE), RC_INVALID);
	assert_int_equal(opens_signed(*state, "eHh4eHh4eHh4eHh4", VALUE), RC_INVALID);
	assert_int_equal(opens_signed(*state, "eHh4eHh4eHh4eHh4eHh4eHg=", VALUE), RC_INVALID);
	assert_int_equal(opens_signed(*state, "", VALUE), RC_INVALID);
	assert_int_equal(opens_signed(*state, "AAECAwQFBgcICQoLDA0ODx==", VALUE), RC_INVALID);
	assert_int_equal(opens_signed(*state, IV, "c2hvcnR="), RC_INVALID);
	assert_int_equal(opens_signed(*state, IV, "!"), RC_INVALID);
}

static void test_a_mac_is_64_small_hex_digits(void **state)
{
	static const char head[] = "{\"iv\":\"" IV "\",\"value\":\"" VALUE "\",\"mac\":\"";
	static const char *const macs[] = {"", "0", (MAC "0"), (MAC "\\u0000"), (" " MAC),
	    "24AAF124EC335374FC1A4B17E94F31BF5DB9D0947BCCFA03F6ADC840DC6E6AC8",
	    "0000000000000000000000000000000000000000000000000000000000000000"};
	struct tests *t = *state;

	for (size_t i = 0; i < COUNT(macs); i++) {
		struct buf json = buf_in(t->mem, 4 * KIB);

		buf_putf(&json, "%s%s\",\"tag\":\"\"}", head, macs[i]);
		/* A NUL is no JSON that we read. */
		assert_int_equal(opens(t, pack(t->mem, buf_span(&json))),
		    strchr(macs[i], '\\') != NULL ? RC_INVALID : RC_DENIED);
	}
}

/* The members of a text that we sealed with GCM, one of them changed. */
static enum rc opens_gcm(const struct tests *t, const char *name, const char *value)
{
	struct span text = seal(t, ENVELOPE_GCM), json;
	json_t *tree;
	char *changed;
	enum rc rc;

	assert_true(base64_decode(text, t->mem, &json));
	tree = json_loadb(json.ptr, json.len, 0, NULL);
	if (name != NULL)
		json_object_set_new(tree, name, json_string(value));
	changed = json_dumps(tree, JSON_COMPACT);
	rc = opens_json(t, changed);
	free(changed);
	json_decref(tree);
	return rc;
}

static void test_gcm_members_have_their_sizes(void **state)
{
	assert_int_equal(opens_gcm(*state, NULL, NULL), RC_OK);
	/* Tags of 15, 17, 4 and 0 bytes: a short one could be guessed. */
	assert_int_equal(opens_gcm(*state, "tag", "eHh4eHh4eHh4eHh4eHh4"), RC_INVALID);
	assert_int_equal(opens_gcm(*state, "tag", "eHh4eHh4eHh4eHh4eHh4eHg="), RC_INVALID);
	assert_int_equal(opens_gcm(*state, "tag", "eHh4eA=="), RC_INVALID);
	assert_int_equal(opens_gcm(*state, "tag", ""), RC_INVALID);
	assert_int_equal(opens_gcm(*state, "tag", "eHh4eHh4eHh4eHh4eHh4eA=="), RC_DENIED);
	assert_int_equal(opens_gcm(*state, "iv", IV), RC_INVALID);
	assert_int_equal(opens_gcm(*state, "iv", "eHh4eHh4eHh4eHh4"), RC_DENIED);
	assert_int_equal(opens_gcm(*state, "value", ""), RC_DENIED);
	assert_int_equal(opens_gcm(*state, "value", VALUE), RC_DENIED);
}

int test_crypto_envelope_forged(void)
{
	const struct CMUnitTest tests[] = {
	    envelope_test(test_no_bit_of_a_cbc_text_may_be_flipped),
	    envelope_test(test_no_bit_of_a_gcm_text_may_be_flipped),
	    envelope_test(test_no_bit_of_laravels_text_may_be_flipped),
	    envelope_test(test_no_bit_of_the_json_may_be_flipped),
	    envelope_test(test_no_text_that_was_cut_opens),
	    envelope_test(test_older_releases_wrote_no_tag),
	    envelope_test(test_without_a_tag_no_other_text_may_stand_there),
	    envelope_test(test_other_members_are_let_be),
	    envelope_test(test_every_member_must_be_a_text),
	    envelope_test(test_what_is_no_object_is_no_envelope),
	    envelope_test(test_what_is_no_base64_is_no_envelope),
	    envelope_test(test_a_text_beyond_the_bound_is_not_looked_at),
	    envelope_test(test_a_right_mac_does_not_make_a_wrong_text_right),
	    envelope_test(test_a_mac_is_64_small_hex_digits),
	    envelope_test(test_gcm_members_have_their_sizes),
	};

	return unit_run("crypto/envelope, forged", tests);
}
