#include "crypto/envelope.h"

#include "base/bounds.h"
#include "crypto_tests.h"
#include "text/base64.h"
#include "text/json.h"
#include "unit.h"

#define KEY "base64:bkgUElLXiIUkpecaYf5V5/xP02j/QpK7q2NunE1EheA="
#define SESSION "1677ffd2fa152d3c7dfcf4ce842937db14e755ff|k3Jd9sLq2WmX0vBn7RtY5uZc1AeFhGiOpQ4S6T8U"

/* Written by a real Laravel (Illuminate\Encryption\Encrypter), and what it makes of them. */
static const struct {
	const char *about;
	enum envelope_cipher cipher;
	enum rc rc;
	struct span plain;
	const char *text;
} laravel[] = {
    {"fixed IV 00..0f: the ciphertext must come out byte for byte", ENVELOPE_CBC, RC_OK,
	SPAN(SESSION),
	"eyJpdiI6IkFBRUNBd1FGQmdjSUNRb0xEQTBPRHc9PSIsInZhbHVlIjoiWjNaK0M4YjVTVGFiNC92"
	"V1RlNVBoVkJWdG1WdlczVEUzdHFCSk5pZVlzTVMyTkNuNlluTVVCV3o3UCs2L2NEZHhGSkdNNVF3"
	"QTc5cmJZT1M3WDk0QVdCektEZ2RMRlhIeGp5Z1ZNeHM2WnlVdnNyQWtGekxKT3Y4dW1zalJuWnoi"
	"LCJtYWMiOiIyNGFhZjEyNGVjMzM1Mzc0ZmMxYTRiMTdlOTRmMzFiZjVkYjlkMDk0N2JjY2ZhMDNm"
	"NmFkYzg0MGRjNmU2YWM4IiwidGFnIjoiIn0="},
    {"made by Encrypter", ENVELOPE_CBC, RC_OK, SPAN(SESSION),
	"eyJpdiI6Ijh2SkFscSs4OENGNDFlTTRTSzAvNkE9PSIsInZhbHVlIjoiN1d5UVZ1WjYxSENFSTRy"
	"NUZYVWIyeHdOS2RaUnBlUllmcG5wazEyc3RHWlBXbkptWklUSmhsZzMyUnJIMW54OHZHNEhhNStJ"
	"VGpJWmNMVVFZL2xrd0RsOEhmZkx2cDJVMFNSbmIrRGN3WkdmNmxuRmxFbXpqc1RzQVhTZlpJRkQi"
	"LCJtYWMiOiI0NWZmZGFmODlkODM1YjUzMWM4NmYxOGE0Y2M0NDJiNjE0NzhhZmI1ZmMzNzFkZDgw"
	"NzZlMDNmNWZiZTk4NTZhIiwidGFnIjoiIn0="},
    {"made by Encrypter", ENVELOPE_CBC, RC_OK, SPAN(SESSION),
	"eyJpdiI6ImVCangzdnF4OFMyQ3JMRE9lWHhpbGc9PSIsInZhbHVlIjoiNHFoSmN6bC9GL3VaRlFI"
	"RFlLL09vQVRmenJ0dXNLWmc1cWpyZWhFdkRLd0gxZFcrYSs4d3lGbXJ5VFAvdkdUSnhxcnArUisw"
	"VEo0YVJweWJKa1RDWDhBMUptckVwRFF2b1o5Mm5LUlZVSG9GMUdPMkNOaDhYM0xrUVRzWTFyci8i"
	"LCJtYWMiOiJjMzVhZWIwY2MwNDJhZjBlZGY2ZWQ0YWQyYjZiM2Q1YjhmMGM4NzVlMDg3MjJjYWQy"
	"ZGEyNzRiNWI4MWIzM2EyIiwidGFnIjoiIn0="},
    {"empty value", ENVELOPE_CBC, RC_OK, SPAN("1677ffd2fa152d3c7dfcf4ce842937db14e755ff|"),
	"eyJpdiI6ImErbUFzL0RmV3RYRnVNemFnNU9ZYVE9PSIsInZhbHVlIjoiMW14K2QyWG1BemFvOHpq"
	"VUZzODVXMzJWblkwRUl0SmxhMzRWZnF1eEwwZXh5L0pOck5reDBocHNYSDFGa3RqciIsIm1hYyI6"
	"IjA3YTRiOTFlMmU5MWIwYzk4M2E3Njk4MGI3ZWZiMGM5OWNiYzg2MWFiNWFkMDg1OTZkM2RjZDQ3"
	"Njk4YTcwYWYiLCJ0YWciOiIifQ=="},
    {"another cookie's prefix", ENVELOPE_CBC, RC_OK,
	SPAN("3b587368fea2607082cef7bf8e8234ea94834c4d|k3Jd9sLq2WmX0vBn7RtY5uZc1AeFhGiOpQ4S6T8U"),
	"eyJpdiI6IkZnMDZtaFhFQ3VHZzkySGRQNVZRNlE9PSIsInZhbHVlIjoidGw0WWVTT3dINGZITmZ4"
	"akZtUU11ZUhmREpTV1d0TWtDWnY3NUZjaW1UWGZwVmM1VDdyWEYweWV5MVdPRTZXbjdRNHNJbWY2"
	"bzZ3MW9mTGg4aFpacXM4ODlZNnJCalc5bG5sa21vQVB5Nks4ckluYkEzdklaWHBEeTBkNTVSVWYi"
	"LCJtYWMiOiI2OTY4ZWYwYTFmY2FjZWNhYWMxOWIwZWMzYTI1ZGRhOTNlNDRkYzI0YTQ5NDBjY2M3"
	"NzcyZjdhM2JiZmUxOWVjIiwidGFnIjoiIn0="},
    {"PHP-serialized plaintext (Laravel before 5.5.42): not unserialized", ENVELOPE_CBC, RC_OK,
	SPAN("s:40:\"k3Jd9sLq2WmX0vBn7RtY5uZc1AeFhGiOpQ4S6T8U\";"),
	"eyJpdiI6InZsSXVZYzY4cmpkdklCQjQrWkRlc0E9PSIsInZhbHVlIjoiWWo1VVdOUlNhOW5zeklX"
	"WldxLzdtemhaeCtJa3N2YlR0anAvV0dPYXRMd1MzTnVNM1Fzdm16UFBBN3lCQzNRc0dzamVIRStv"
	"T3ZuVWZtcTErVXVDcXc9PSIsIm1hYyI6ImZhM2M3ZDRlOGRlZDEzNzJmMGNhYzU4MDAyZWYyOGUx"
	"Y2I2MGRmNzczZjNjMDJmZmZiODcyYzhlYTZmODExMGQiLCJ0YWciOiIifQ=="},
    {"mac: wrong", ENVELOPE_CBC, RC_DENIED, {NULL, 0},
	"eyJpdiI6IkFBRUNBd1FGQmdjSUNRb0xEQTBPRHc9PSIsInZhbHVlIjoiWjNaK0M4YjVTVGFiNC92"
	"V1RlNVBoVkJWdG1WdlczVEUzdHFCSk5pZVlzTVMyTkNuNlluTVVCV3o3UCs2L2NEZHhGSkdNNVF3"
	"QTc5cmJZT1M3WDk0QVdCektEZ2RMRlhIeGp5Z1ZNeHM2WnlVdnNyQWtGekxKT3Y4dW1zalJuWnoi"
	"LCJtYWMiOiIwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAw"
	"MDAwMDAwMDAwMDAwMDAwIiwidGFnIjoiIn0="},
    {"mac: a number", ENVELOPE_CBC, RC_INVALID, {NULL, 0},
	"eyJpdiI6IkFBRUNBd1FGQmdjSUNRb0xEQTBPRHc9PSIsInZhbHVlIjoiWjNaK0M4YjVTVGFiNC92"
	"V1RlNVBoVkJWdG1WdlczVEUzdHFCSk5pZVlzTVMyTkNuNlluTVVCV3o3UCs2L2NEZHhGSkdNNVF3"
	"QTc5cmJZT1M3WDk0QVdCektEZ2RMRlhIeGp5Z1ZNeHM2WnlVdnNyQWtGekxKT3Y4dW1zalJuWnoi"
	"LCJtYWMiOjEsInRhZyI6IiJ9"},
    {"iv: 15 bytes", ENVELOPE_CBC, RC_INVALID, {NULL, 0},
	"eyJpdiI6ImVIaDRlSGg0ZUhoNGVIaDRlSGg0IiwidmFsdWUiOiJaM1orQzhiNVNUYWI0L3ZXVGU1"
	"UGhWQlZ0bVZ2VzNURTN0cUJKTmllWXNNUzJOQ242WW5NVUJXejdQKzYvY0RkeEZKR001UXdBNzly"
	"YllPUzdYOTRBV0J6S0RnZExGWEh4anlnVk14czZaeVV2c3JBa0Z6TEpPdjh1bXNqUm5aeiIsIm1h"
	"YyI6IjI0YWFmMTI0ZWMzMzUzNzRmYzFhNGIxN2U5NGYzMWJmNWRiOWQwOTQ3YmNjZmEwM2Y2YWRj"
	"ODQwZGM2ZTZhYzgiLCJ0YWciOiIifQ=="},
    {"iv: an array", ENVELOPE_CBC, RC_INVALID, {NULL, 0},
	"eyJpdiI6WyJ4Il0sInZhbHVlIjoiWjNaK0M4YjVTVGFiNC92V1RlNVBoVkJWdG1WdlczVEUzdHFC"
	"Sk5pZVlzTVMyTkNuNlluTVVCV3o3UCs2L2NEZHhGSkdNNVF3QTc5cmJZT1M3WDk0QVdCektEZ2RM"
	"RlhIeGp5Z1ZNeHM2WnlVdnNyQWtGekxKT3Y4dW1zalJuWnoiLCJtYWMiOiIyNGFhZjEyNGVjMzM1"
	"Mzc0ZmMxYTRiMTdlOTRmMzFiZjVkYjlkMDk0N2JjY2ZhMDNmNmFkYzg0MGRjNmU2YWM4IiwidGFn"
	"IjoiIn0="},
    {"tag: not empty", ENVELOPE_CBC, RC_INVALID, {NULL, 0},
	"eyJpdiI6IkFBRUNBd1FGQmdjSUNRb0xEQTBPRHc9PSIsInZhbHVlIjoiWjNaK0M4YjVTVGFiNC92"
	"V1RlNVBoVkJWdG1WdlczVEUzdHFCSk5pZVlzTVMyTkNuNlluTVVCV3o3UCs2L2NEZHhGSkdNNVF3"
	"QTc5cmJZT1M3WDk0QVdCektEZ2RMRlhIeGp5Z1ZNeHM2WnlVdnNyQWtGekxKT3Y4dW1zalJuWnoi"
	"LCJtYWMiOiIyNGFhZjEyNGVjMzM1Mzc0ZmMxYTRiMTdlOTRmMzFiZjVkYjlkMDk0N2JjY2ZhMDNm"
	"NmFkYzg0MGRjNmU2YWM4IiwidGFnIjoiUVVKRCJ9"},
    {"tag: absent (older Laravel)", ENVELOPE_CBC, RC_OK, SPAN(SESSION),
	"eyJpdiI6IkFBRUNBd1FGQmdjSUNRb0xEQTBPRHc9PSIsInZhbHVlIjoiWjNaK0M4YjVTVGFiNFwv"
	"dldUZTVQaFZCVnRtVnZXM1RFM3RxQkpOaWVZc01TMk5DbjZZbk1VQld6N1ArNlwvY0RkeEZKR001"
	"UXdBNzlyYllPUzdYOTRBV0J6S0RnZExGWEh4anlnVk14czZaeVV2c3JBa0Z6TEpPdjh1bXNqUm5a"
	"eiIsIm1hYyI6IjI0YWFmMTI0ZWMzMzUzNzRmYzFhNGIxN2U5NGYzMWJmNWRiOWQwOTQ3YmNjZmEw"
	"M2Y2YWRjODQwZGM2ZTZhYzgifQ=="},
    {"extra key and white space in the JSON: fine", ENVELOPE_CBC, RC_OK, SPAN(SESSION),
	"ewogICAgIml2IjogIkFBRUNBd1FGQmdjSUNRb0xEQTBPRHc9PSIsCiAgICAidmFsdWUiOiAiWjNa"
	"K0M4YjVTVGFiNFwvdldUZTVQaFZCVnRtVnZXM1RFM3RxQkpOaWVZc01TMk5DbjZZbk1VQld6N1Ar"
	"NlwvY0RkeEZKR001UXdBNzlyYllPUzdYOTRBV0J6S0RnZExGWEh4anlnVk14czZaeVV2c3JBa0Z6"
	"TEpPdjh1bXNqUm5aeiIsCiAgICAibWFjIjogIjI0YWFmMTI0ZWMzMzUzNzRmYzFhNGIxN2U5NGYz"
	"MWJmNWRiOWQwOTQ3YmNjZmEwM2Y2YWRjODQwZGM2ZTZhYzgiLAogICAgIngiOiBbCiAgICAgICAg"
	"MQogICAgXQp9"},
    {"not JSON", ENVELOPE_CBC, RC_INVALID, {NULL, 0}, "aGVsbG8="},
    {"empty", ENVELOPE_CBC, RC_INVALID, {NULL, 0}, ""},
    {"good mac over a ciphertext that is no whole block", ENVELOPE_CBC, RC_DENIED, {NULL, 0},
	"eyJpdiI6IkFBRUNBd1FGQmdjSUNRb0xEQTBPRHc9PSIsInZhbHVlIjoiYzJodmNuUT0iLCJtYWMi"
	"OiIwOWFkZjk1YmUxNjNmOGVjNWEzZmYyNWJkZDU2MTBhNTkwYWM1N2FiMTJhZDliMmNjMDRmNTRl"
	"YzU5NjU5YzgyIiwidGFnIjoiIn0="},
    {"line breaks in the outer Base64: skipped", ENVELOPE_CBC, RC_OK, SPAN(SESSION),
	"eyJpdiI6IkFBRUNBd1FGQmdjSUNRb0xEQTBPRHc9PSIsInZhbHVlIjoiWjNaK0M4YjVTVGFiNC92"
	"\nV1RlNVBoVkJWdG1WdlczVEUzdHFCSk5pZVlzTVMyTkNuNlluTVVCV3o3UCs2L2NEZHhGSkdNNVF"
	"3\nQTc5cmJZT1M3WDk0QVdCektEZ2RMRlhIeGp5Z1ZNeHM2WnlVdnNyQWtGekxKT3Y4dW1zalJuWn"
	"oi\nLCJtYWMiOiIyNGFhZjEyNGVjMzM1Mzc0ZmMxYTRiMTdlOTRmMzFiZjVkYjlkMDk0N2JjY2ZhM"
	"DNm\nNmFkYzg0MGRjNmU2YWM4IiwidGFnIjoiIn0=\n"},
    {"written by Eloquent", ENVELOPE_CBC, RC_OK, SPAN("{\"a\":\"\\u00fc\\/\"}"),
	"eyJpdiI6Iit0c0dkOWN2TmlJK2RYS2t6ZExDcXc9PSIsInZhbHVlIjoiU2V3YTBvR251aU0yYXVm"
	"OEJMSHRwYzFMdjJub1FqUnZGN1dmUG8yVkNRND0iLCJtYWMiOiIyZDU1ODEyYjVkYmY1MDlmYTg0"
	"ZmEwZjg3ZjFmZGI3YmI1MzVkNWMzNGE0ZjUyYmRjOWNkN2FkMTVlMzc3Y2FmIiwidGFnIjoiIn0="},
    {"fixed IV 00..0f", ENVELOPE_CBC, RC_OK, SPAN("{\"a\":\"\\u00fc\\/\"}"),
	"eyJpdiI6IkFBRUNBd1FGQmdjSUNRb0xEQTBPRHc9PSIsInZhbHVlIjoiM2w4UFhqd0RuQXppM2tI"
	"UEtuenk5UjhxR1ZJVmUybGZkZEhla3V5dW8rZz0iLCJtYWMiOiJjZWYyMjQ4NGYyYWZjZjQ4NTQ5"
	"NWIyNTE2ZjhjNjQ1YjdjNWFlM2NjYmMxODM0MmIwOTJmYmVhZDYxZmZhNjhlIiwidGFnIjoiIn0="},
    {"GCM, made by Encrypter", ENVELOPE_GCM, RC_OK, SPAN(SESSION),
	"eyJpdiI6Im1kREVieDl4emF3a2ZqRFgiLCJ2YWx1ZSI6Ikp5N0d5ZFdWTGl5RmZ1RzV6Zk81RXZF"
	"d0N3c2ZuVlZncHBzZXB4MEE4cG1SUWhmV21SWUw5T2tKdkhCekxWYzhhUWZUUEtKMFl6dHFldE50"
	"R1RFTVRkQWpMYm9mOGRhRCtSMEc5K3A1ajZhUiIsIm1hYyI6IiIsInRhZyI6Im5vQ09rZUV6K2Fh"
	"QmlCa041dE15REE9PSJ9"},
    {"GCM, empty", ENVELOPE_GCM, RC_OK, SPAN(""),
	"eyJpdiI6IjVlcjNXb3NUcC9SZk9ZZUUiLCJ2YWx1ZSI6IiIsIm1hYyI6IiIsInRhZyI6ImZ3UlU2"
	"RitZYmMvQlZ1clhaZFpQRnc9PSJ9"},
    {"GCM, encrypt()", ENVELOPE_GCM, RC_OK, SPAN("s:6:\"a:0:{}\";"),
	"eyJpdiI6ImtFc2kvU3daVkMwNkN1blEiLCJ2YWx1ZSI6IkpwdEpPbUlmenRDVURac1h6UT09Iiwi"
	"bWFjIjoiIiwidGFnIjoiTUJweHExMTVSMytlMFdQWDdHbFZOZz09In0="},
};

/* APP_KEY of 32 equal bytes. */
static struct span key_of(struct arena *mem, int byte)
{
	char bytes[32];
	struct buf text = buf_in(mem, 64);

	memset(bytes, byte, sizeof(bytes));
	buf_puts(&text, "base64:");
	base64_put(&text, span_from(bytes, sizeof(bytes)));
	return buf_span(&text);
}

/* The keys of these bytes, the current one first. */
static struct envelope *with_keys(struct arena *mem, const char *bytes)
{
	struct buf previous = buf_in(mem, KIB);
	struct envelope *envelope;

	for (const char *c = bytes + 1; *c != '\0'; c++) {
		buf_put(&previous, key_of(mem, *c));
		buf_putc(&previous, ',');
	}
	envelope = envelope_create(key_of(mem, bytes[0]), buf_span(&previous));
	assert_non_null(envelope);
	return envelope;
}

static struct span seal(
    const struct envelope *e, enum envelope_cipher cipher, struct span plain, struct arena *mem)
{
	struct buf b = buf_in(mem, 4 * plain.len + KIB);

	assert_int_equal(envelope_seal(e, cipher, plain, mem, &b), RC_OK);
	return buf_span(&b);
}

static void assert_opens(
    const struct envelope *e, struct span text, struct arena *mem, struct envelope_opened want)
{
	struct envelope_opened got;

	assert_int_equal(envelope_open(e, text, mem, &got), RC_OK);
	assert_same(got.plain, want.plain);
	assert_int_equal(got.plain.ptr[got.plain.len], '\0');
	assert_int_equal(got.key, want.key);
	assert_int_equal(got.cipher, want.cipher);
}

static void test_what_laravel_wrote_is_opened_and_what_it_refuses_is_refused(void **state)
{
	struct envelope *e = envelope_create(SPAN_OF(KEY), (struct span){0});

	for (size_t i = 0; i < COUNT(laravel); i++) {
		struct envelope_opened got = {.plain = {NULL, 0}, .key = 99};
		struct span text = unit_exact(span_of(laravel[i].text));

		if (envelope_open(e, text, *state, &got) != laravel[i].rc)
			fail_msg("%s", laravel[i].about);
		assert_same(got.plain, laravel[i].plain);
		assert_int_equal(got.key, laravel[i].rc == RC_OK ? 0 : 99);
		if (laravel[i].rc == RC_OK)
			assert_int_equal(got.cipher, laravel[i].cipher);
		unit_exact_free(text);
	}
	envelope_free(e);
}

static void test_another_key_opens_nothing_of_it(void **state)
{
	struct envelope *e = with_keys(*state, "abc");

	for (size_t i = 0; i < COUNT(laravel); i++) {
		struct envelope_opened got;
		enum rc rc = envelope_open(e, span_of(laravel[i].text), *state, &got);

		assert_int_equal(rc, laravel[i].rc == RC_OK ? RC_DENIED : laravel[i].rc);
	}
	envelope_free(e);
}

static void test_what_is_sealed_is_opened_again(void **state)
{
	struct envelope *e = with_keys(*state, "a");
	char bytes[100];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i * 37);
	for (int cipher = ENVELOPE_CBC; cipher <= ENVELOPE_GCM; cipher++) {
		for (size_t len = 0; len <= sizeof(bytes); len++) {
			struct span plain = span_from(bytes, len);
			struct span text = seal(e, (enum envelope_cipher)cipher, plain, *state);

			assert_opens(e, text, *state,
			    (struct envelope_opened){plain, 0, (enum envelope_cipher)cipher});
		}
	}
	envelope_free(e);
}

static void test_a_large_text_is_sealed_and_opened(void **state)
{
	struct envelope *e = with_keys(*state, "a");
	char *bytes = arena_bytes(*state, BOUND_SESSION / 2);
	struct span plain = span_from(bytes, BOUND_SESSION / 2);

	memset(bytes, 'x', plain.len);
	assert_opens(e, seal(e, ENVELOPE_CBC, plain, *state), *state,
	    (struct envelope_opened){plain, 0, ENVELOPE_CBC});
	assert_opens(e, seal(e, ENVELOPE_GCM, plain, *state), *state,
	    (struct envelope_opened){plain, 0, ENVELOPE_GCM});
	envelope_free(e);
}

static json_t *members_of(struct span text, struct arena *mem)
{
	struct span json;
	json_t *tree;

	assert_true(base64_decode(text, mem, &json));
	tree = json_loadb(json.ptr, json.len, JSON_REJECT_DUPLICATES, NULL);
	assert_true(json_is_object(tree));
	return tree;
}

static size_t bytes_of(const json_t *tree, const char *name, struct arena *mem)
{
	struct span bytes;

	assert_true(base64_decode(json_text(json_object_get(tree, name)), mem, &bytes));
	return bytes.len;
}

static void test_what_is_sealed_looks_as_laravel_writes_it(void **state)
{
	struct envelope *e = with_keys(*state, "a");
	json_t *cbc = members_of(seal(e, ENVELOPE_CBC, SPAN_OF(SESSION), *state), *state);
	json_t *gcm = members_of(seal(e, ENVELOPE_GCM, SPAN_OF(SESSION), *state), *state);

	assert_int_equal(json_object_size(cbc), 4);
	assert_int_equal(bytes_of(cbc, "iv", *state), 16);
	assert_int_equal(bytes_of(cbc, "value", *state), 96);
	assert_int_equal(json_string_length(json_object_get(cbc, "mac")), 64);
	assert_int_equal(json_string_length(json_object_get(cbc, "tag")), 0);
	assert_int_equal(json_object_size(gcm), 4);
	assert_int_equal(bytes_of(gcm, "iv", *state), 12);
	assert_int_equal(bytes_of(gcm, "value", *state), strlen(SESSION));
	assert_int_equal(json_string_length(json_object_get(gcm, "mac")), 0);
	assert_int_equal(bytes_of(gcm, "tag", *state), 16);
	json_decref(cbc);
	json_decref(gcm);
	envelope_free(e);
}

static void test_no_two_seals_are_the_same(void **state)
{
	struct envelope *e = with_keys(*state, "a");

	for (int cipher = ENVELOPE_CBC; cipher <= ENVELOPE_GCM; cipher++) {
		json_t *a =
		    members_of(seal(e, (enum envelope_cipher)cipher, SPAN_OF("x"), *state), *state);
		json_t *b =
		    members_of(seal(e, (enum envelope_cipher)cipher, SPAN_OF("x"), *state), *state);

		assert_false(json_equal(json_object_get(a, "iv"), json_object_get(b, "iv")));
		assert_false(json_equal(json_object_get(a, "value"), json_object_get(b, "value")));
		json_decref(a);
		json_decref(b);
	}
	envelope_free(e);
}

static void test_a_retired_key_opens_and_is_told(void **state)
{
	static const char all[] = "abcdefgh";
	struct envelope *e = with_keys(*state, all);

	assert_int_equal(BOUND_SECRETS, strlen(all));
	assert_int_equal(envelope_keys(e), BOUND_SECRETS);
	for (size_t i = 0; i < strlen(all); i++) {
		const char one[] = {all[i], '\0'};
		struct envelope *alone = with_keys(*state, one);

		for (int cipher = ENVELOPE_CBC; cipher <= ENVELOPE_GCM; cipher++) {
			enum envelope_cipher c = (enum envelope_cipher)cipher;

			assert_opens(e, seal(alone, c, SPAN_OF("x"), *state), *state,
			    (struct envelope_opened){SPAN("x"), i, c});
		}
		envelope_free(alone);
	}
	envelope_free(e);
}

static void test_the_current_key_alone_seals(void **state)
{
	struct envelope *e = with_keys(*state, "ab"), *current = with_keys(*state, "a"),
			*retired = with_keys(*state, "b");
	struct envelope_opened got;

	for (int cipher = ENVELOPE_CBC; cipher <= ENVELOPE_GCM; cipher++) {
		enum envelope_cipher c = (enum envelope_cipher)cipher;
		struct span text = seal(e, c, SPAN_OF("x"), *state);

		assert_opens(current, text, *state, (struct envelope_opened){SPAN("x"), 0, c});
		assert_int_equal(envelope_open(retired, text, *state, &got), RC_DENIED);
	}
	envelope_free(e);
	envelope_free(current);
	envelope_free(retired);
}

static void test_the_keys_bytes_are_told(void **state)
{
	struct envelope *e = with_keys(*state, "az");

	assert_int_equal(envelope_keys(e), 2);
	assert_span(envelope_key(e, 0), "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
	assert_span(envelope_key(e, 1), "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz");
	envelope_free(e);
}

static void test_empty_items_of_the_list_are_no_keys(void **state)
{
	struct envelope *e = envelope_create(SPAN_OF(KEY), SPAN_OF(", ,, \t" KEY " ,,\r\n"));

	(void)state;
	assert_non_null(e);
	assert_int_equal(envelope_keys(e), 2);
	envelope_free(e);
	e = envelope_create(SPAN_OF(KEY), SPAN_OF(""));
	assert_int_equal(envelope_keys(e), 1);
	envelope_free(e);
}

static void test_what_is_no_key_makes_no_envelope(void **state)
{
	static const struct span wrong[] = {{NULL, 0}, SPAN(""), SPAN("base64:"), SPAN("secret"),
	    /* 31, 33 and 16 bytes; without prefix; not canonical; cut; with a blank */
	    SPAN("base64:YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYQ=="),
	    SPAN("base64:YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFh"),
	    SPAN("base64:YWFhYWFhYWFhYWFhYWFhYQ=="),
	    SPAN("bkgUElLXiIUkpecaYf5V5/xP02j/QpK7q2NunE1EheA="),
	    SPAN("base64:bkgUElLXiIUkpecaYf5V5/xP02j/QpK7q2NunE1EheB="),
	    SPAN("base64:bkgUElLXiIUkpecaYf5V5/xP02j/QpK7q2NunE1EheA"), SPAN(KEY " "),
	    SPAN("BASE64:bkgUElLXiIUkpecaYf5V5/xP02j/QpK7q2NunE1EheA=")};

	(void)state;
	for (size_t i = 0; i < COUNT(wrong); i++) {
		assert_null(envelope_create(wrong[i], (struct span){0}));
		if (wrong[i].len > 0 && wrong[i].ptr[wrong[i].len - 1] != ' ')
			assert_null(envelope_create(SPAN_OF(KEY), wrong[i]));
	}
	envelope_free(NULL);
}

static void test_more_keys_than_the_bound_make_no_envelope(void **state)
{
	struct buf previous = buf_in(*state, KIB);
	struct envelope *e;

	for (int i = 1; i < BOUND_SECRETS; i++)
		buf_puts(&previous, KEY ",");
	e = envelope_create(SPAN_OF(KEY), buf_span(&previous));
	assert_non_null(e);
	envelope_free(e);
	buf_puts(&previous, KEY);
	assert_null(envelope_create(SPAN_OF(KEY), buf_span(&previous)));
}

static void test_a_seal_without_room_is_reported(void **state)
{
	struct envelope *e = with_keys(*state, "a");
	char storage[32];
	struct buf b = buf_over(storage, sizeof(storage));

	assert_int_not_equal(envelope_seal(e, ENVELOPE_CBC, SPAN_OF("x"), *state, &b), RC_OK);
	envelope_free(e);
}

int test_crypto_envelope(void)
{
	const struct CMUnitTest tests[] = {
	    arena_test(test_what_laravel_wrote_is_opened_and_what_it_refuses_is_refused),
	    arena_test(test_another_key_opens_nothing_of_it),
	    arena_test(test_what_is_sealed_is_opened_again),
	    arena_test(test_a_large_text_is_sealed_and_opened),
	    arena_test(test_what_is_sealed_looks_as_laravel_writes_it),
	    arena_test(test_no_two_seals_are_the_same),
	    arena_test(test_a_retired_key_opens_and_is_told),
	    arena_test(test_the_current_key_alone_seals),
	    arena_test(test_the_keys_bytes_are_told),
	    cmocka_unit_test(test_empty_items_of_the_list_are_no_keys),
	    cmocka_unit_test(test_what_is_no_key_makes_no_envelope),
	    arena_test(test_more_keys_than_the_bound_make_no_envelope),
	    arena_test(test_a_seal_without_room_is_reported),
	};

	return unit_run("crypto/envelope", tests);
}
