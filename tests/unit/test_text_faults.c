#include "text/faults.h"

#include "text_tests.h"
#include "unit.h"

static struct span json_of(const struct faults *faults, struct arena *mem)
{
	struct buf b = buf_in(mem, 4096);

	faults_put_json(faults, &b);
	assert_false(b.failed);
	return buf_span(&b);
}

static void test_the_words_are_laravels(void **state)
{
	struct faults faults;

	faults_init(&faults, *state);
	assert_false(faults_any(&faults));
	faults_add(&faults, "phone_number", "field is required.");
	faults_add(&faults, "data.account_id", "field must be a string.");
	faults_add_selected(&faults, "data.provider_type");
	assert_true(faults_any(&faults));
	assert_span(faults.first->message, "The phone number field is required.");
	assert_span(faults.first->next->message, "The data.account id field must be a string.");
	assert_span(
	    faults.first->next->next->message, "The selected data.provider type is invalid.");
}

static void test_no_fault_is_an_empty_object(void **state)
{
	struct faults faults;

	faults_init(&faults, *state);
	assert_span(json_of(&faults, *state), "{}");
}

static void test_the_faults_of_one_field_stand_in_one_list(void **state)
{
	struct faults faults;

	faults_init(&faults, *state);
	faults_add(&faults, "a_b", "x");
	faults_add(&faults, "a_b", "\"y\"");
	faults_add(&faults, "c", "z");
	assert_span(json_of(&faults, *state),
	    "{\"a_b\":[\"The a b x\",\"The a b \\\"y\\\"\"],\"c\":[\"The c z\"]}");
}

int test_text_faults(void)
{
	const struct CMUnitTest tests[] = {
	    arena_test(test_the_words_are_laravels),
	    arena_test(test_no_fault_is_an_empty_object),
	    arena_test(test_the_faults_of_one_field_stand_in_one_list),
	};

	return unit_run("text/faults", tests);
}
