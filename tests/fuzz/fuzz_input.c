/*
 * Fields of a new account: a byte that says whether a number may be left out,
 * then the JSON of a request.  What has no faults keeps every rule.
 */
#include "account/account_rules.h"

#include "base/bounds.h"
#include "fuzz.h"
#include "text/json.h"
#include "text/utf8.h"

static void check_faults(const struct faults *faults, struct arena *mem)
{
	struct buf text = buf_in(mem, 16 * KIB);
	const char *error;
	json_t *tree = NULL;

	faults_put_json(faults, &text);
	FUZZ_CHECK(!text.failed && json_read(buf_span(&text), &tree, &error) == RC_OK);
	FUZZ_CHECK(json_is_object(tree));
	FUZZ_CHECK((json_object_size(tree) > 0) == faults_any(faults));
	json_decref(tree);
}

static void check_accepted(const struct account_new *new, const struct account_limits *limits,
    const struct account_input *in)
{
	bool is_webjs = span_is(new->provider_type, "webjs");

	FUZZ_CHECK(is_webjs || span_is(new->provider_type, "meta"));
	if (new->phone_number.ptr == NULL)
		FUZZ_CHECK(limits->phone_optional && is_webjs);
	else
		FUZZ_CHECK(account_rules_is_phone(new->phone_number));
	FUZZ_CHECK(utf8_valid(new->account_name) && utf8_length(new->account_name) <= BOUND_NAME);
	if (new->account_name.ptr == NULL)
		FUZZ_CHECK(new->phone_number.ptr == NULL);
	else
		FUZZ_CHECK(new->account_name.len > 0);
	FUZZ_CHECK(in->phone_number.type == FIELD_STRING || new->phone_number.ptr == NULL);
	FUZZ_CHECK(!new->is_primary || in->is_primary.type != FIELD_FALSE);
	FUZZ_CHECK(new->workspace_id == 0 && new->created_by == 0);
}

static void check_field(const struct field *field)
{
	bool has_text = field->type == FIELD_STRING || field->type == FIELD_INTEGER ||
			field->type == FIELD_FLOAT;

	FUZZ_CHECK(has_text == (field->text.ptr != NULL));
	FUZZ_CHECK(!has_text || field->text.len > 0);
	FUZZ_CHECK((field->type == FIELD_LIST) == (field->members > 0));
	if (field->type == FIELD_STRING)
		FUZZ_CHECK(utf8_trim(field->text).len == field->text.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *mem = arena_create(4 * KIB);
	struct fuzz_input bytes = {data, size};
	const struct account_limits limits = {
	    .max_connected = 10, .phone_optional = fuzz_byte(&bytes) % 2 != 0};
	const char *error;
	json_t *tree;

	if (json_read(span_from((const char *)bytes.at, bytes.left), &tree, &error) == RC_OK) {
		const struct account_input in = {
		    .phone_number = field_of_json(json_object_get(tree, "phone_number"), mem),
		    .account_name = field_of_json(json_object_get(tree, "account_name"), mem),
		    .provider_type = field_of_json(json_object_get(tree, "provider_type"), mem),
		    .is_primary = field_of_json(json_object_get(tree, "is_primary"), mem),
		};
		struct account_new new;
		struct faults faults;

		check_field(&in.phone_number);
		check_field(&in.account_name);
		check_field(&in.provider_type);
		check_field(&in.is_primary);
		faults_init(&faults, mem);
		account_rules_new(&in, &limits, &faults, &new);
		check_faults(&faults, mem);
		if (!faults_any(&faults))
			check_accepted(&new, &limits, &in);
		json_decref(tree);
	}
	arena_free(mem);
	return 0;
}
