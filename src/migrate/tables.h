/*
 * tables: the state tables' SQL (state.h says what each is).
 */
#ifndef WA_MIGRATE_TABLES_H
#define WA_MIGRATE_TABLES_H

#include <stddef.h>

struct state_table {
	const char *name;
	const char *columns; /* of its CREATE TABLE; NULL: made elsewhere */
};

/* wa_migration is the first one, and the last to go. */
extern const struct state_table state_tables[];
extern const size_t state_table_count;

#endif
