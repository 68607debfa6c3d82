#include "input.h"

#include "base/num.h"
#include "reply.h"
#include "text/form.h"
#include "text/json.h"
#include "text/utf8.h"

/* One name=value of a query or a form. */
struct pair {
	struct pair *next;
	struct span name;
	struct span value;
};

struct pairs {
	struct pair *first; /* the last one that was sent: it wins */
	size_t count;
};

struct input {
	bool other_type;    /* a body that is neither JSON nor a form */
	const char *broken; /* a sentence, or NULL */
	json_t *json;       /* of a JSON body: an object; or NULL */
	struct pairs form;
	struct pairs query;
	struct arena *mem;
};

void input_query_number(
    struct call *call, const char *field, uint64_t min, struct faults *faults, uint64_t *ret)
{
	struct span text;
	uint64_t number;

	if (!form_field(call->request.query, field, call->mem, &text) || text.len == 0)
		return;
	if (!num_u64(text, &number) || number > INT64_MAX)
		faults_add(faults, field, "field must be an integer.");
	else if (number < min)
		faults_add(faults, field, "field must be at least 1.");
	else
		*ret = number;
}

static void check_text(struct input *in, struct span text)
{
	if (!utf8_valid(text))
		in->broken = "The request is not valid UTF-8.";
	else if (text.len > 0 && memchr(text.ptr, '\0', text.len) != NULL)
		in->broken = "The request contains a NUL character.";
}

static void read_pairs(struct input *in, struct span text, struct pairs *ret)
{
	struct span name, value;

	while (ret->count < BOUND_FORM_FIELDS && form_next(&text, in->mem, &name, &value)) {
		struct pair *pair = arena_alloc(in->mem, sizeof(*pair));

		check_text(in, name);
		check_text(in, value);
		*pair = (struct pair){ret->first, name, value};
		ret->first = pair;
		ret->count++;
	}
}

static void read_json(struct input *in, struct span body)
{
	const char *error;

	if (json_read(body, &in->json, &error) != RC_OK) {
		in->broken = error;
		return;
	}
	/* PHP writes an empty object as a list. */
	if (json_is_object(in->json) || (json_is_array(in->json) && json_array_size(in->json) == 0))
		return;
	json_decref(in->json);
	in->json = NULL;
	in->broken = "The request body is not a JSON object.";
}

static bool ends_with(struct span text, const char *end)
{
	size_t len = strlen(end);

	return text.len >= len &&
	       span_eq_nocase(span_from(text.ptr + text.len - len, len), span_of(end));
}

static void read_body(struct input *in, struct span type, struct span body)
{
	struct span media_type;

	if (body.len == 0)
		return;
	if (!span_cut(&type, ';', &media_type)) {
		in->other_type = true;
		return;
	}
	media_type = span_trim(media_type);
	if (span_eq_nocase(media_type, SPAN_OF("application/x-www-form-urlencoded")))
		read_pairs(in, body, &in->form);
	else if (ends_with(media_type, "/json") || ends_with(media_type, "+json"))
		read_json(in, body);
	else
		in->other_type = true;
}

static struct input *input_of(struct call *call)
{
	struct input *in = call->input;

	if (in != NULL)
		return in;
	in = arena_alloc(call->mem, sizeof(*in));
	*in = (struct input){.mem = call->mem};
	read_pairs(in, call->request.query, &in->query);
	read_body(in, call->request.params[PARAM_CONTENT_TYPE], call->request.body);
	call->input = in;
	return in;
}

void input_free(struct input *input)
{
	if (input != NULL)
		json_decref(input->json);
}

bool input_accept(struct call *call)
{
	const struct input *in = input_of(call);

	if (in->other_type)
		reply_error(call, 415, "unsupported_media_type",
		    "The body must be JSON or application/x-www-form-urlencoded.");
	else if (in->broken != NULL)
		reply_error(call, 400, "bad_request", in->broken);
	return !in->other_type && in->broken == NULL;
}

/* "name[]" and "name[key]" are members of a list, as PHP reads them. */
static bool is_member(struct span pair_name, const char *name)
{
	size_t len = strlen(name);

	return pair_name.len > len && pair_name.ptr[len] == '[' &&
	       memcmp(pair_name.ptr, name, len) == 0;
}

static struct field field_of_pairs(const struct pairs *pairs, const char *name)
{
	size_t members = 0;

	for (const struct pair *pair = pairs->first; pair != NULL; pair = pair->next) {
		if (span_is(pair->name, name))
			return members > 0 ? field_of_list(members) : field_of_text(pair->value);
		members += is_member(pair->name, name);
	}
	return members > 0 ? field_of_list(members) : (struct field){.type = FIELD_MISSING};
}

static struct field body_field(const struct input *in, const char *name)
{
	if (in->json != NULL)
		return field_of_json(json_object_get(in->json, name), in->mem);
	return field_of_pairs(&in->form, name);
}

struct field input_field(struct call *call, const char *name)
{
	const struct input *in = input_of(call);
	struct field field = body_field(in, name);

	return field.type != FIELD_MISSING ? field : field_of_pairs(&in->query, name);
}

/* What Laravel takes for a token, if not for a good one: anything that PHP does not call empty. */
struct span input_token(struct call *call)
{
	struct field token = body_field(input_of(call), "_token");

	switch (token.type) {
	case FIELD_STRING:
	case FIELD_INTEGER:
	case FIELD_FLOAT:
		return token.text;
	case FIELD_TRUE:
	case FIELD_LIST:
		return SPAN_OF("no text");
	default:
		return (struct span){0};
	}
}
