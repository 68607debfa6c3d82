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
