/*
 * settings_table: one row for each setting.
 *
 * A new setting is one row here and one field in struct settings; reading,
 * checking, printing and the README's test follow from it.
 */
#ifndef WA_CONF_SETTINGS_TABLE_H
#define WA_CONF_SETTINGS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum setting_type {
	TEXT,
	NULLABLE, /* a word that null or nothing takes away, its standard value too */
	COOKIE,   /* a part of a Set-Cookie header */
	PASSWORD,
	NUMBER,
	OCTAL,
	DAY, /* YYYY-MM-DD: its first moment in UTC, as microseconds since 1970 */
	FLAG,
	SWITCH, /* a flag that may also be "auto" */
	WORD,
	NAME,  /* an identifier: letters, digits, '_' */
	NAMES, /* a list of them, with at most `max` items */
	SECRET,
	SECRETS,
	APP_KEY,
	APP_KEYS,
};

struct setting {
	const char *name;
	const char *alias; /* looked up when `name` is not set */
	enum setting_type type;
	size_t offset;
	const char *standard; /* as it would stand in the file; NULL: not set */
	uint64_t min, max;    /* of a number */
	const char *words;    /* of a WORD, separated by '|', in the enum's order */
	bool required;
	const char *help;
};

extern const struct setting settings_table[];
extern const size_t settings_count;

#endif
