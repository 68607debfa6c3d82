#include "account_rows.h"

#include <stdlib.h>

#include "account/account_rules.h"
#include "base/now.h"
#include "base/num.h"

enum rc account_rows_read(const struct db_value *row, struct account *ret)
{
	*ret = (struct account){
	    .id = row[0].u,
	    .workspace_id = row[1].u,
	    .uuid = row[2].s,
	    .session_id = row[3].s,
	    .phone_number = row[4].s,
	    .provider_type = row[5].s,
	    .is_primary = row[7].u != 0,
	    .is_active = row[8].u != 0,
	    .last_activity_at = row[9].i,
	    .last_connected_at = row[10].i,
	    .state_version = row[11].u,
	    .created_at = TIME_NONE,
	    .qr_expires_at = TIME_NONE,
	    .qr_first_at = TIME_NONE,
	    .connect_deadline_at = TIME_NONE,
	    .deleted_at = TIME_NONE,
	};
	return account_rules_state_of(row[6].s, &ret->state) ? RC_OK : RC_INTERNAL;
}

/* A JSON number counts, anything else is 0. */
static double number_of(struct span raw)
{
	char *end = NULL;
	double number;

	if (raw.len == 0 || (raw.ptr[0] != '-' && !num_is_digit(raw.ptr[0])))
		return 0;
	number = strtod(raw.ptr, &end);
	return end == raw.ptr + raw.len ? number : 0;
}

void account_rows_read_health(const struct db_value *row, struct account *ret)
{
	ret->recent_failures = number_of(row[ROWS_AT_HEALTH].s);
}

void account_rows_read_names(const struct db_value *row, struct account *ret)
{
	ret->account_name = row[ROWS_AT_NAMES].s;
	ret->created_at = row[ROWS_AT_NAMES + 1].i;
}
