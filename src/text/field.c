#include "text/field.h"

#include "base/buf.h"
#include "text/json.h"
#include "text/utf8.h"

struct field field_of_text(struct span text)
{
	text = utf8_trim(text);
	return text.len > 0 ? (struct field){.type = FIELD_STRING, .text = text}
			    : (struct field){.type = FIELD_NULL};
}

struct field field_of_list(size_t members)
{
	return (struct field){.type = members > 0 ? FIELD_LIST : FIELD_EMPTY, .members = members};
}

static struct field of_number(const json_t *value, struct arena *mem)
{
	struct buf text = buf_in(mem, 64);
	bool is_integer = json_is_integer(value);

	/* PHP's `precision`, as it comes. */
	if (is_integer)
		buf_put_i64(&text, json_integer_value(value));
	else
		buf_putf(&text, "%.14G", json_real_value(value));
	return (struct field){
	    .type = is_integer ? FIELD_INTEGER : FIELD_FLOAT, .text = buf_span(&text)};
}

struct field field_of_json(const json_t *value, struct arena *mem)
{
	if (value == NULL)
		return (struct field){.type = FIELD_MISSING};
	switch (json_typeof(value)) {
	case JSON_STRING:
		return field_of_text(json_text(value));
	case JSON_INTEGER:
	case JSON_REAL:
		return of_number(value, mem);
	case JSON_TRUE:
		return (struct field){.type = FIELD_TRUE};
	case JSON_FALSE:
		return (struct field){.type = FIELD_FALSE};
	case JSON_ARRAY:
		return field_of_list(json_array_size(value));
	case JSON_OBJECT:
		return field_of_list(json_object_size(value));
	case JSON_NULL:
		break;
	}
	return (struct field){.type = FIELD_NULL};
}
