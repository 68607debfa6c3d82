#include "definition.h"

#include "base/num.h"

/* The end of a quoted run that begins at `at`; len if it has none. */
static size_t skip_quoted(struct span text, size_t at)
{
	char quote = text.ptr[at];

	for (at++; at < text.len; at++) {
		if (text.ptr[at] == '\\' && quote != '`')
			at++;
		else if (text.ptr[at] == quote)
			return at + 1; /* a doubled one begins the next run */
	}
	return text.len;
}

/*
 * The end of what stands at `at`, up to a ',' or ')' on its own level.
 * False: quotes or parentheses are left open.
 */
static bool find_end(struct span text, size_t at, size_t *ret)
{
	size_t depth = 0;

	while (at < text.len) {
		char c = text.ptr[at];

		if (c == '`' || c == '\'' || c == '"') {
			at = skip_quoted(text, at);
			continue;
		}
		if (depth == 0 && (c == ',' || c == ')')) {
			*ret = at;
			return true;
		}
		if (c == '(')
			depth++;
		if (c == ')')
			depth--;
		at++;
	}
	return false;
}

/* The first name in backticks, undoubled; absent without one. */
static struct span name_in(struct span text, struct arena *mem)
{
	const char *begin = memchr(text.ptr, '`', text.len);
	char *name;
	size_t len = 0;

	if (begin == NULL)
		return (struct span){0};
	name = arena_bytes(mem, text.len + 1);
	for (const char *p = begin + 1; p < text.ptr + text.len; p++) {
		if (*p == '`' && (p + 1 == text.ptr + text.len || p[1] != '`'))
			break;
		if (*p == '`')
			p++;
		name[len++] = *p;
	}
	name[len] = '\0';
	return span_from(name, len);
}

/* What stands between the first parenthesis behind the key's name and its partner. */
static struct span key_columns(struct span text)
{
	for (size_t at = 0; at < text.len; at++) {
		size_t end;

		if (text.ptr[at] == '`') {
			at = skip_quoted(text, at) - 1;
			continue;
		}
		if (text.ptr[at] != '(')
			continue;
		for (end = at + 1; end < text.len && text.ptr[end] != ')'; end++) {
			if (text.ptr[end] == '`')
				end = skip_quoted(text, end) - 1;
			else if (text.ptr[end] == '(')
				while (end + 1 < text.len && text.ptr[end] != ')')
					end++;
		}
		return span_from(text.ptr + at + 1, end < text.len ? end - at - 1 : 0);
	}
	return (struct span){0};
}

static struct part read_part(struct span text, struct arena *mem)
{
	static const struct {
		const char *begins;
		enum part_kind kind;
		bool is_unique;
	} kinds[] = {
	    {"`", PART_COLUMN, false},
	    {"PRIMARY KEY", PART_PRIMARY, true},
	    {"UNIQUE KEY ", PART_KEY, true},
	    {"KEY ", PART_KEY, false},
	    {"FULLTEXT KEY ", PART_KEY, false},
	    {"SPATIAL KEY ", PART_KEY, false},
	    {"CONSTRAINT ", PART_CONSTRAINT, false},
	};
	struct part part = {.kind = PART_CHECK, .text = text};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!span_starts(text, kinds[i].begins))
			continue;
		part.kind = kinds[i].kind;
		part.is_unique = kinds[i].is_unique;
		break;
	}
	if (part.kind == PART_PRIMARY || part.kind == PART_KEY)
		part.columns = key_columns(text);
	if (part.kind != PART_PRIMARY && part.kind != PART_CHECK)
		part.name = name_in(text, mem);
	return part;
}

enum rc definition_parse(struct span create, struct arena *mem, struct definition *ret)
{
	const char *open = create.len > 0 ? memmem(create.ptr, create.len, " (\n", 3) : NULL;
	struct definition definition = {0};
	struct span rest;
	size_t room = 1, end;

	if (open == NULL || !span_starts(create, "CREATE TABLE `"))
		return RC_INVALID;
	rest = span_from(open + 2, create.len - (size_t)(open + 2 - create.ptr));
	/* No part is shorter than its comma. */
	for (size_t i = 0; i < rest.len; i++)
		room += rest.ptr[i] == ',';
	definition.parts = arena_alloc(mem, room * sizeof(*definition.parts));
	do {
		struct span text;

		if (!find_end(rest, 0, &end))
			return RC_INVALID;
		text = span_trim(span_from(rest.ptr, end));
		if (text.len == 0)
			return RC_INVALID;
		definition.parts[definition.count++] = read_part(text, mem);
		rest = span_from(rest.ptr + end, rest.len - end);
		if (rest.ptr[0] == ')')
			break;
		rest = span_from(rest.ptr + 1, rest.len - 1);
	} while (true);
	*ret = definition;
	return RC_OK;
}

const struct part *definition_find(
    const struct definition *definition, enum part_kind kind, struct span name)
{
	for (size_t i = 0; i < definition->count; i++) {
		const struct part *part = &definition->parts[i];

		if (part->kind == kind && span_eq_nocase(part->name, name))
			return part;
	}
	return NULL;
}

/* "(8)" behind a column's name. */
static uint64_t prefix_length(struct span rest)
{
	const char *end =
	    rest.len > 1 && rest.ptr[0] == '(' ? memchr(rest.ptr, ')', rest.len) : NULL;
	uint64_t chars;

	return end != NULL && num_u64(span_from(rest.ptr + 1, (size_t)(end - rest.ptr - 1)), &chars)
		   ? chars
		   : UINT32_MAX;
}

bool definition_next_column(struct span *rest, struct span *ret, uint64_t *ret_chars)
{
	const char *begin = rest->len > 0 ? memchr(rest->ptr, '`', rest->len) : NULL;
	size_t at, end;

	if (begin == NULL)
		return false;
	at = (size_t)(begin - rest->ptr);
	end = skip_quoted(*rest, at);
	/* A doubled backtick is one of the name's. */
	while (end < rest->len && rest->ptr[end] == '`')
		end = skip_quoted(*rest, end);
	*ret = span_from(begin + 1, end - at >= 2 ? end - at - 2 : 0);
	*rest = span_from(rest->ptr + end, rest->len - end);
	*ret_chars = prefix_length(*rest);
	return true;
}

/* Whether `written`, in which backticks are doubled, is this name. */
static bool is_name(struct span written, struct span name)
{
	size_t at = 0;

	for (size_t i = 0; i < name.len; i++) {
		if (at >= written.len ||
		    !span_eq_nocase(span_from(written.ptr + at, 1), span_from(name.ptr + i, 1)))
			return false;
		at += name.ptr[i] == '`' ? 2 : 1;
	}
	return at == written.len;
}

bool definition_key_has(const struct part *key, struct span column)
{
	struct span rest = key->columns, name;
	uint64_t chars;

	while (definition_next_column(&rest, &name, &chars))
		if (is_name(name, column))
			return true;
	return false;
}

static struct span reference_of(const struct part *part)
{
	const char *begin = memmem(part->text.ptr, part->text.len, "FOREIGN KEY ", 12);

	return begin != NULL ? span_from(begin, part->text.len - (size_t)(begin - part->text.ptr))
			     : (struct span){0};
}

bool definition_has_reference(const struct definition *definition, const struct part *constraint)
{
	struct span wanted = reference_of(constraint);

	if (wanted.ptr == NULL)
		return true; /* a CHECK: its columns may have new names */
	for (size_t i = 0; i < definition->count; i++)
		if (definition->parts[i].kind == PART_CONSTRAINT &&
		    span_eq(reference_of(&definition->parts[i]), wanted))
			return true;
	return false;
}

bool definition_is_unique(const struct definition *definition, struct span column)
{
	for (size_t i = 0; i < definition->count; i++)
		if (definition->parts[i].kind == PART_KEY && definition->parts[i].is_unique &&
		    definition_key_has(&definition->parts[i], column))
			return true;
	return false;
}

static void put_comma(struct buf *b, size_t begin)
{
	if (b->len > begin)
		buf_puts(b, ",\n");
}

static void put_columns(struct buf *b, const struct definition *from, const struct definition *to,
    definition_goes_fn *goes)
{
	size_t begin = b->len;

	for (size_t i = 0; i < from->count; i++) {
		const struct part *part = &from->parts[i];
		const struct part *want;

		if (part->kind != PART_COLUMN)
			continue;
		want = definition_find(to, PART_COLUMN, part->name);
		if (want == NULL && goes(part)) {
			put_comma(b, begin);
			buf_puts(b, "DROP COLUMN ");
			definition_put_name(b, part->name);
		} else if (want != NULL && !span_eq(want->text, part->text)) {
			put_comma(b, begin);
			buf_puts(b, "MODIFY COLUMN ");
			buf_put(b, want->text);
		}
	}
}

/* The next key of a definition from *at on; NULL behind the last. */
static const struct part *next_key(const struct definition *definition, size_t *at)
{
	while (*at < definition->count)
		if (definition->parts[(*at)++].kind == PART_KEY)
			return &definition->parts[*at - 1];
	return NULL;
}

static bool has_same_keys(const struct definition *from, const struct definition *to)
{
	size_t at = 0, to_at = 0;
	const struct part *key, *want;

	do {
		key = next_key(from, &at);
		want = next_key(to, &to_at);
		if (key != NULL && want != NULL && !span_eq(key->text, want->text))
			return false;
	} while (key != NULL && want != NULL);
	return key == want;
}

static void put_keys(struct buf *b, const struct definition *from, const struct definition *to,
    definition_goes_fn *goes)
{
	size_t begin = b->len, at = 0;
	const struct part *key;

	if (has_same_keys(from, to))
		return;
	for (; (key = next_key(from, &at)) != NULL;) {
		put_comma(b, begin);
		buf_puts(b, "DROP KEY ");
		definition_put_name(b, key->name);
	}
	for (at = 0; (key = next_key(to, &at)) != NULL;) {
		put_comma(b, begin);
		buf_puts(b, "ADD ");
		buf_put(b, key->text);
	}
	/* Somebody else's, made since: behind the old ones. */
	for (at = 0; (key = next_key(from, &at)) != NULL;) {
		if (definition_find(to, PART_KEY, key->name) != NULL || goes(key))
			continue;
		put_comma(b, begin);
		buf_puts(b, "ADD ");
		buf_put(b, key->text);
	}
}

static void put_constraints(struct buf *b, const struct definition *from,
    const struct definition *to, definition_goes_fn *goes)
{
	size_t begin = b->len;

	for (size_t i = 0; i < from->count; i++) {
		const struct part *part = &from->parts[i];

		if (part->kind != PART_CONSTRAINT || !goes(part) ||
		    definition_find(to, PART_CONSTRAINT, part->name) != NULL)
			continue;
		put_comma(b, begin);
		buf_puts(b, "DROP CONSTRAINT ");
		definition_put_name(b, part->name);
	}
	for (size_t i = 0; i < to->count; i++) {
		const struct part *part = &to->parts[i];

		if (part->kind != PART_CONSTRAINT ||
		    definition_find(from, PART_CONSTRAINT, part->name) != NULL)
			continue;
		put_comma(b, begin);
		buf_puts(b, "ADD ");
		buf_put(b, part->text);
	}
}

void definition_put_difference(struct buf *b, const struct definition *from,
    const struct definition *to, definition_goes_fn *goes, struct arena *mem)
{
	static void (*const puts[])(struct buf * b, const struct definition *from,
	    const struct definition *to,
	    definition_goes_fn *goes) = {put_constraints, put_keys, put_columns};

	for (size_t i = 0; i < sizeof(puts) / sizeof(puts[0]); i++) {
		struct buf clauses = buf_in(mem, b->max);

		puts[i](&clauses, from, to, goes);
		if (clauses.len > 0 && b->len > 0)
			buf_puts(b, ",\n");
		buf_put(b, buf_span(&clauses));
		b->failed = b->failed || clauses.failed;
	}
}

/* A CREATE TABLE without its " AUTO_INCREMENT=7", in two parts. */
struct uncounted {
	struct span before, after;
};

/* It is an option of the table, and those stand in the line that begins with the parenthesis. */
static struct uncounted without_counter(struct span create)
{
	static const char counter[] = " AUTO_INCREMENT=";
	const size_t len = sizeof(counter) - 1;
	const char *options = create.len > 0 ? memmem(create.ptr, create.len, "\n) ", 3) : NULL;
	size_t at = options != NULL ? (size_t)(options - create.ptr) + 1 : create.len, end;

	while (at + len < create.len && create.ptr[at] != '\n') {
		if (create.ptr[at] == '\'') {
			at = skip_quoted(create, at);
			continue;
		}
		if (memcmp(create.ptr + at, counter, len) != 0) {
			at++;
			continue;
		}
		for (end = at + len; end < create.len && num_is_digit(create.ptr[end]);)
			end++;
		return (struct uncounted){
		    span_from(create.ptr, at), span_from(create.ptr + end, create.len - end)};
	}
	return (struct uncounted){create, span_from(create.ptr, 0)};
}

/* One may have a counter where the other, which was empty, has none. */
static char byte_at(const struct uncounted *text, size_t at)
{
	return at < text->before.len ? text->before.ptr[at]
				     : text->after.ptr[at - text->before.len];
}

bool definition_is_same(struct span a, struct span b)
{
	struct uncounted x = without_counter(a), y = without_counter(b);
	size_t len = x.before.len + x.after.len;

	if (len != y.before.len + y.after.len)
		return false;
	for (size_t i = 0; i < len; i++)
		if (byte_at(&x, i) != byte_at(&y, i))
			return false;
	return true;
}

void definition_put_name(struct buf *b, struct span name)
{
	buf_putc(b, '`');
	for (size_t i = 0; i < name.len; i++) {
		if (name.ptr[i] == '`')
			buf_putc(b, '`');
		buf_putc(b, name.ptr[i]);
	}
	buf_putc(b, '`');
}

void definition_put_text(struct buf *b, struct span text)
{
	buf_putc(b, '\'');
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '\'' || text.ptr[i] == '\\')
			buf_putc(b, '\\');
		buf_putc(b, text.ptr[i]);
	}
	buf_putc(b, '\'');
}
