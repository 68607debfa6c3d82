#include "text/members.h"

#include <jansson.h>
#include <stdint.h>

#include "base/bounds.h"
#include "base/buf.h"
#include "text/json.h"

struct member {
	struct member *next;
	struct span key;  /* raw, between its quotes */
	struct span name; /* decoded */
	struct span raw;
	uint32_t hash; /* of the name */
};

/* In their order as a list, and by name in a hash table of open addressing. */
struct members {
	struct arena *mem;
	struct member *first;
	struct member **end;
	size_t count;
	size_t places; /* a power of two, more than twice the count */
	struct member **table;
};

enum { PLACES_FIRST = 16 };

static struct span skip_blanks(struct span at)
{
	while (
	    at.len > 0 && (*at.ptr == ' ' || *at.ptr == '\t' || *at.ptr == '\n' || *at.ptr == '\r'))
		at = span_from(at.ptr + 1, at.len - 1);
	return at;
}

static struct span skip(struct span at, size_t bytes)
{
	return span_from(at.ptr + bytes, at.len - bytes);
}

/* Length of the string at `at`, quotes included; 0 if it does not end. */
static size_t string_length(struct span at)
{
	for (size_t i = 1; i < at.len; i++) {
		if (at.ptr[i] == '\\')
			i++;
		else if (at.ptr[i] == '"')
			return i + 1;
	}
	return 0;
}

/* Length of the value at `at`, up to the `,`, `}` or `]` that follows it; 0: broken. */
static size_t value_length(struct span at)
{
	size_t i = 0;
	int depth = 0;

	while (i < at.len) {
		char c = at.ptr[i];

		if (c == '"') {
			size_t len = string_length(skip(at, i));

			if (len == 0)
				return 0;
			i += len;
			continue;
		}
		if (depth == 0 && (c == ',' || c == '}' || c == ']'))
			return span_trim(span_from(at.ptr, i)).len;
		if (c == '{' || c == '[')
			depth++;
		else if (c == '}' || c == ']')
			depth--;
		i++;
	}
	return 0;
}

/* A key that jansson refuses (MariaDB allows "\x41") stands for itself. */
static struct span decode_key(struct span key, struct arena *mem)
{
	struct span name = key;
	struct buf quoted;

	if (key.len == 0 || memchr(key.ptr, '\\', key.len) == NULL)
		return key;
	quoted = buf_in(mem, key.len + 2);
	buf_putc(&quoted, '"');
	buf_put(&quoted, key);
	buf_putc(&quoted, '"');
	return json_read_string(buf_span(&quoted), mem, &name) ? name : key;
}

/* FNV-1a */
static uint32_t hash_of(struct span name)
{
	uint32_t hash = 2166136261U;

	for (size_t i = 0; i < name.len; i++)
		hash = (hash ^ (unsigned char)name.ptr[i]) * 16777619U;
	return hash;
}

/* Where a member of this name is, or would be. */
static struct member **place_of(const struct members *members, struct span name, uint32_t hash)
{
	size_t at = hash & (members->places - 1);

	while (members->table[at] != NULL &&
	       (members->table[at]->hash != hash || !span_eq(members->table[at]->name, name)))
		at = (at + 1) & (members->places - 1);
	return &members->table[at];
}

static void make_room(struct members *members)
{
	if (2 * (members->count + 1) < members->places)
		return;
	members->places = members->places == 0 ? PLACES_FIRST : 2 * members->places;
	members->table = arena_alloc(members->mem, members->places * sizeof(struct member *));
	for (struct member *m = members->first; m != NULL; m = m->next)
		*place_of(members, m->name, m->hash) = m;
}

static void put(struct members *members, struct span key, struct span name, struct span raw)
{
	uint32_t hash = hash_of(name);
	struct member **place, *m;

	make_room(members);
	place = place_of(members, name, hash);
	m = *place;
	if (m == NULL) {
		m = arena_alloc(members->mem, sizeof(*m));
		*m = (struct member){.key = key, .name = name, .hash = hash};
		*members->end = m;
		members->end = &m->next;
		members->count++;
		*place = m;
	}
	m->raw = raw;
}

static enum rc read_all(struct span at, bool is_list, struct members *members)
{
	char close = is_list ? ']' : '}';

	at = skip_blanks(skip(at, 1));
	for (size_t index = 0; at.len > 0 && *at.ptr != close; index++) {
		struct span key;
		size_t len;

		if (is_list) {
			struct buf number = buf_in(members->mem, 20);

			buf_put_u64(&number, index);
			key = buf_span(&number);
		} else {
			len = *at.ptr == '"' ? string_length(at) : 0;
			if (len == 0)
				return RC_INVALID;
			key = span_from(at.ptr + 1, len - 2);
			at = skip_blanks(skip(at, len));
			if (at.len == 0 || *at.ptr != ':')
				return RC_INVALID;
			at = skip_blanks(skip(at, 1));
		}
		len = value_length(at);
		if (len == 0)
			return RC_INVALID;
		put(members, key, decode_key(key, members->mem), span_from(at.ptr, len));
		at = skip_blanks(skip(at, len));
		if (at.len > 0 && *at.ptr == ',')
			at = skip_blanks(skip(at, 1));
		else if (at.len == 0 || *at.ptr != close)
			return RC_INVALID;
	}
	return at.len == 1 ? RC_OK : RC_INVALID;
}

enum rc members_read(struct span text, struct arena *mem, struct members **ret)
{
	struct members *members = arena_alloc(mem, sizeof(*members));
	struct span at = span_trim(text);
	enum rc rc = RC_OK;

	members->mem = mem;
	members->end = &members->first;
	if (at.len > 0 && !span_is(at, "null"))
		rc = *at.ptr == '{' || *at.ptr == '[' ? read_all(at, *at.ptr == '[', members)
						      : RC_INVALID;
	if (rc == RC_OK)
		*ret = members;
	return rc;
}

struct span members_get(const struct members *members, struct span name)
{
	const struct member *m =
	    members->count > 0 ? *place_of(members, name, hash_of(name)) : NULL;

	return m != NULL ? m->raw : (struct span){0};
}

void members_set(struct members *members, struct span name, struct span raw)
{
	struct buf quoted = buf_in(members->mem, 6 * name.len + 2);

	json_put_string(&quoted, name);
	put(members, span_from(quoted.ptr + 1, quoted.len - 2), name, raw);
}

void members_set_string(struct members *members, const char *name, struct span text)
{
	struct buf quoted = buf_in(members->mem, 6 * text.len + 4);

	json_put_string(&quoted, text);
	members_set(members, span_of(name), buf_span(&quoted));
}

static bool is_listed(struct span name, const char *const *list)
{
	while (*list != NULL && !span_is(name, *list))
		list++;
	return *list != NULL;
}

void members_merge(struct members *members, const struct members *from, const char *const *except)
{
	for (const struct member *m = from->first; m != NULL; m = m->next)
		if (!is_listed(m->name, except))
			put(members, m->key, m->name, m->raw);
}

struct span members_write(const struct members *members)
{
	size_t size = 2;
	struct buf out;

	for (const struct member *m = members->first; m != NULL; m = m->next)
		size += m->key.len + m->raw.len + 4;
	out = buf_in(members->mem, size);
	buf_putc(&out, '{');
	for (const struct member *m = members->first; m != NULL; m = m->next) {
		if (m != members->first)
			buf_putc(&out, ',');
		buf_putc(&out, '"');
		buf_put(&out, m->key);
		buf_puts(&out, "\":");
		buf_put(&out, m->raw);
	}
	buf_putc(&out, '}');
	return buf_span(&out);
}
