#include "base/id.h"

#include <uuid/uuid.h>

void id_uuid(char ret[static ID_UUID_SIZE])
{
	uuid_t id;

	uuid_generate_random(id);
	uuid_unparse_lower(id, ret);
}

bool id_is_uuid(struct span text)
{
	uuid_t id;

	return text.len == ID_UUID_SIZE - 1 &&
	       uuid_parse_range(text.ptr, text.ptr + text.len, id) == 0;
}

void id_alphanumeric(char *ret, size_t size)
{
	static const char digits[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	uuid_t id;

	/* Bytes 6 and 8 of a uuid are not all random; a residue of 256 by 36 is random enough. */
	uuid_generate_random(id);
	for (size_t i = 0; i < size && i < sizeof(id); i++)
		ret[i] = digits[id[i] % (sizeof(digits) - 1)];
}
