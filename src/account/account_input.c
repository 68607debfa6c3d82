/*
 * account_input: what a request for a new account must look like, rule by rule
 * as Laravel's validator looks at it.  Pure, like account_rules.
 */
#include "account/account_rules.h"
#include "text/utf8.h"

static const char required[] = "field is required.";
static const char must_be_string[] = "field must be a string.";

static bool is_empty(const struct field *field)
{
	return field->type == FIELD_MISSING || field->type == FIELD_NULL ||
	       field->type == FIELD_EMPTY;
}

/* What Laravel's regex rule looks at: strings, and numbers as text. */
static bool has_text(const struct field *field)
{
	return field->type == FIELD_STRING || field->type == FIELD_INTEGER ||
	       field->type == FIELD_FLOAT;
}

static void check_phone(const struct field *phone, bool optional, struct faults *faults)
{
	if (is_empty(phone)) {
		/* Left out is not a list of nothing. */
		if (!optional || phone->type == FIELD_EMPTY)
			faults_add(faults, "phone_number", required);
		return;
	}
	if (phone->type != FIELD_STRING)
		faults_add(faults, "phone_number", must_be_string);
	if (!has_text(phone) || !account_rules_is_phone(phone->text))
		faults_add(faults, "phone_number", "field format is invalid.");
}

static void check_name(const struct field *name, struct faults *faults)
{
	if (name->type == FIELD_MISSING || name->type == FIELD_NULL)
		return;
	if (name->type != FIELD_STRING)
		faults_add(faults, "account_name", must_be_string);
	/* Laravel's max counts a list's members, and speaks of characters. */
	if (utf8_length(name->text) > BOUND_NAME || name->members > BOUND_NAME)
		faults_add(
		    faults, "account_name", "field must not be greater than 255 characters.");
}

static void check_provider(const struct field *provider, struct faults *faults)
{
	if (is_empty(provider)) {
		faults_add(faults, "provider_type", required);
		return;
	}
	if (provider->type != FIELD_STRING)
		faults_add(faults, "provider_type", must_be_string);
	if (!span_is(provider->text, "webjs") && !span_is(provider->text, "meta"))
		faults_add_selected(faults, "provider_type");
}

/* Laravel's booleans: true, false, 1, 0, "1", "0". */
static void check_primary(const struct field *primary, struct faults *faults, bool *ret)
{
	bool has_digit = primary->type == FIELD_STRING || primary->type == FIELD_INTEGER;

	*ret = primary->type == FIELD_TRUE || (has_digit && span_is(primary->text, "1"));
	if (!*ret && primary->type != FIELD_MISSING && primary->type != FIELD_FALSE &&
	    !(has_digit && span_is(primary->text, "0")))
		faults_add(faults, "is_primary", "field must be true or false.");
}

void account_rules_new(const struct account_input *in, const struct account_limits *limits,
    struct faults *faults, struct account_new *ret)
{
	bool is_webjs =
	    in->provider_type.type == FIELD_STRING && span_is(in->provider_type.text, "webjs");
	struct span phone = in->phone_number.text, name = in->account_name.text;
	bool is_primary;

	check_phone(&in->phone_number, limits->phone_optional && is_webjs, faults);
	check_name(&in->account_name, faults);
	check_provider(&in->provider_type, faults);
	check_primary(&in->is_primary, faults, &is_primary);
	*ret = (struct account_new){
	    .phone_number = phone,
	    .account_name = name.ptr != NULL ? name : phone,
	    .provider_type = in->provider_type.text,
	    .is_primary = is_primary,
	};
}
