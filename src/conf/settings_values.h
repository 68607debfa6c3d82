/*
 * settings_values: a setting's text as its type has it, checked.
 */
#ifndef WA_CONF_SETTINGS_VALUES_H
#define WA_CONF_SETTINGS_VALUES_H

#include "conf/settings.h"
#include "settings_table.h"

/* One value on its way into the struct. */
struct reading {
	const struct setting *row;
	struct env_value value;
	struct arena *mem;
	struct settings *settings;
	struct conf_mistakes *mistakes;
};

#define WRONG(r, ...) conf_mistakes_add((r)->mistakes, (r)->mem, (r)->value.where, __VA_ARGS__)

/* Write the value into the struct, or add what is wrong with it to the mistakes. */
void settings_values_set(struct reading *r);
/* Laravel's own key: its words for yes and no are PHP's. */
bool settings_values_is_laravels(const struct setting *row);

#endif
