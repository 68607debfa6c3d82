/*
 * account_rows: the columns of a row as the statements select them, and a
 * row of the database as a struct account.
 */
#ifndef WA_ACCOUNT_ACCOUNT_ROWS_H
#define WA_ACCOUNT_ACCOUNT_ROWS_H

#include "account/account.h"

/* What everybody needs. */
#define ROWS_COLUMNS \
	"id, workspace_id, uuid, session_id, phone_number, provider_type, connection_status," \
	" is_primary, is_active, last_activity_at, last_connected_at, state_version"
#define ROWS_TYPES "uusssssuuttu"
/*
 * Of metadata, a reader needs one number: the server cuts it out, so that a
 * large document never travels.
 */
#define ROWS_HEALTH ", JSON_EXTRACT(metadata, '$.recent_failures')"
#define ROWS_HEALTH_TYPES "s"
/* What a person is shown besides. */
#define ROWS_NAMES ", account_name, created_at"
#define ROWS_NAMES_TYPES "st"

enum {
	ROWS_AT_HEALTH = sizeof(ROWS_TYPES) - 1,
	ROWS_AT_NAMES = ROWS_AT_HEALTH + sizeof(ROWS_HEALTH_TYPES) - 1,
	ROWS_AT_MORE = ROWS_AT_NAMES + sizeof(ROWS_NAMES_TYPES) - 1,
};

/* The first group of columns; then those that follow it. */
enum rc account_rows_read(const struct db_value *row, struct account *ret) MUST_CHECK;
void account_rows_read_health(const struct db_value *row, struct account *ret);
void account_rows_read_names(const struct db_value *row, struct account *ret);

#endif
