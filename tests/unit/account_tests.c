#include "account_tests.h"

struct account_tests_case account_tests_case(enum account_state state, enum account_state reported)
{
	return (struct account_tests_case){
	    .before =
		{
		    .id = 7,
		    .workspace_id = 3,
		    .uuid = SPAN("0f8fad5b-d9cb-469f-a165-70867728950e"),
		    .session_id = SPAN("webjs_3_1763100000_abcdefgh"),
		    .provider_type = SPAN("webjs"),
		    .state = state,
		    .is_active = true,
		    .last_activity_at = ACCOUNT_TESTS_NOW - 7200 * US_PER_S,
		    .last_connected_at = TIME_NONE,
		    .state_version = 41,
		    .qr_expires_at = TIME_NONE,
		    .qr_first_at = TIME_NONE,
		    .connect_deadline_at = TIME_NONE,
		},
	    .report = {.account = SPAN("7"), .workspace_id = 3, .state = reported},
	    .around = {.has_live_primary = true},
	    .limits = {.max_connected = 10},
	};
}

enum rc account_tests_run(struct account_tests_case *c, struct arena *mem)
{
	return account_report_change(
	    &c->before, &c->report, &c->around, &c->limits, ACCOUNT_TESTS_NOW, mem, &c->change);
}
