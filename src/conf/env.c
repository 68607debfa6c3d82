#include "conf/env.h"

#include <errno.h>
#include <string.h>

#include "base/bounds.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/num.h"

struct entry {
	struct entry *next;
	struct env_value value;
};

struct env {
	struct arena *mem;
	char **environment;
	struct entry *first; /* the newest first, so that the last line wins */
	struct span path;
};

/* One line under the reader's eyes. */
struct line {
	struct env *env;
	struct conf_mistakes *mistakes;
	struct span text; /* the lines behind this one */
	unsigned number;
	struct span where;
	struct span rest;
	struct buf value;
};

static bool name_char(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || num_is_digit(c) || c == '_' ||
	       c == '.';
}

static bool from_environment(const struct env *env, struct span name, struct span *ret)
{
	for (char **at = env->environment; at != NULL && *at != NULL; at++) {
		struct span pair = span_of(*at), key;

		if (span_cut(&pair, '=', &key) && pair.ptr != NULL && span_eq(key, name)) {
			*ret = pair;
			return true;
		}
	}
	return false;
}

static bool lookup(const struct env *env, struct span name, struct env_value *ret)
{
	struct span value;

	if (from_environment(env, name, &value)) {
		*ret = (struct env_value){name, value, SPAN_OF("environment")};
		return true;
	}
	for (const struct entry *e = env->first; e != NULL; e = e->next) {
		if (!span_eq(e->value.name, name))
			continue;
		*ret = e->value;
		return true;
	}
	return false;
}

static char take(struct line *line)
{
	char c = line->rest.ptr[0];

	line->rest = span_from(line->rest.ptr + 1, line->rest.len - 1);
	return c;
}

/* The length of "${NAME}" at the start of the rest; 0 if that is something else. */
static size_t expansion_length(const struct line *line)
{
	size_t at = 2;

	if (!span_starts(line->rest, "${"))
		return 0;
	while (at < line->rest.len && name_char(line->rest.ptr[at]))
		at++;
	return at > 2 && at < line->rest.len && line->rest.ptr[at] == '}' ? at + 1 : 0;
}

/* The value of the name in braces; what is not set stays as it is written. */
static void expand(struct line *line, size_t length)
{
	struct span text = span_from(line->rest.ptr, length);
	struct env_value other;

	if (lookup(line->env, span_from(text.ptr + 2, length - 3), &other))
		text = other.value;
	buf_put(&line->value, text);
	line->rest = span_from(line->rest.ptr + length, line->rest.len - length);
}

static void mistake(struct line *line, const char *what)
{
	conf_mistakes_add(line->mistakes, line->env->mem, line->where, "%s", what);
}

static void read_single_quoted(struct line *line)
{
	take(line);
	while (line->rest.len > 0 && line->rest.ptr[0] != '\'')
		buf_putc(&line->value, take(line));
	if (line->rest.len == 0)
		mistake(line, "a value in single quotes does not end on its line; close the quote");
	else
		take(line);
}

static char unescape(char c)
{
	switch (c) {
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	case 'f':
		return '\f';
	case 'v':
		return '\v';
	default:
		return c;
	}
}

static bool next_line(struct line *line)
{
	line->number++;
	return span_cut(&line->text, '\n', &line->rest);
}

/* May go on over several lines. */
static void read_double_quoted(struct line *line)
{
	struct line first = *line;

	take(line);
	while (line->rest.len == 0 || line->rest.ptr[0] != '"') {
		size_t length = expansion_length(line);

		if (line->rest.len == 0) {
			if (!next_line(line))
				break;
			buf_putc(&line->value, '\n');
		} else if (length > 0) {
			expand(line, length);
		} else if (line->rest.ptr[0] == '\\' && line->rest.len > 1) {
			take(line);
			buf_putc(&line->value, unescape(take(line)));
		} else {
			buf_putc(&line->value, take(line));
		}
	}
	if (line->rest.len > 0) {
		take(line);
		return;
	}
	/* Not the whole rest of the file for one quote that is missing. */
	*line = first;
	line->rest.len = 0;
	mistake(line, "a value in double quotes does not end; close the quote");
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static void read_bare(struct line *line)
{
	while (line->rest.len > 0 && line->rest.ptr[0] != '#') {
		size_t length = expansion_length(line);

		if (length > 0)
			expand(line, length);
		else
			buf_putc(&line->value, take(line));
	}
	line->rest.len = 0;
	while (line->value.len > 0 && is_blank(line->value.ptr[line->value.len - 1]))
		line->value.len--;
}

static void read_value(struct line *line)
{
	char first = line->rest.len > 0 ? line->rest.ptr[0] : '\0';

	line->value = buf_in(line->env->mem, BOUND_ENV_LINE);
	if (first == '\'')
		read_single_quoted(line);
	else if (first == '"')
		read_double_quoted(line);
	else
		read_bare(line);
	line->rest = span_trim(line->rest);
	if (line->rest.len > 0 && line->rest.ptr[0] != '#')
		mistake(line,
		    "there is text behind the closing quote; put the quotes around all of it");
	if (line->value.len > 0 && memchr(line->value.ptr, '\0', line->value.len) != NULL) {
		mistake(line, "the value contains a NUL byte");
		line->value.len = 0;
	}
	if (line->value.failed)
		mistake(line, "the value is longer than 16384 bytes");
}

static void read_line(struct line *line)
{
	struct env *env = line->env;
	struct entry *entry;
	struct span name = {0};
	size_t len = 0;

	line->rest = span_trim(line->rest);
	if (line->rest.len == 0 || line->rest.ptr[0] == '#')
		return;
	if (span_starts(line->rest, "export ") || span_starts(line->rest, "export\t"))
		line->rest = span_trim(span_from(line->rest.ptr + 7, line->rest.len - 7));
	while (len < line->rest.len && name_char(line->rest.ptr[len]))
		len++;
	name = span_from(line->rest.ptr, len);
	line->rest = span_trim(span_from(line->rest.ptr + len, line->rest.len - len));
	/* A name alone is null to Laravel: not set. */
	if (len > 0 && (line->rest.len == 0 || line->rest.ptr[0] == '#'))
		return;
	if (len == 0 || line->rest.ptr[0] != '=') {
		mistake(line, "this is no line of the form NAME=value");
		return;
	}
	take(line);
	line->rest = span_trim(line->rest);
	read_value(line);
	entry = arena_alloc(env->mem, sizeof(*entry));
	entry->value = (struct env_value){
	    arena_copy(env->mem, name), arena_copy(env->mem, buf_span(&line->value)), line->where};
	entry->next = env->first;
	env->first = entry;
}

struct env *env_parse(struct span text, const char *path, char **environment, struct arena *mem,
    struct conf_mistakes *mistakes)
{
	struct env *env = arena_alloc(mem, sizeof(*env));
	struct line line = {.env = env, .mistakes = mistakes, .text = text};

	*env = (struct env){.mem = mem, .environment = environment, .path = span_of(path)};
	if (span_starts(text, "\xef\xbb\xbf"))
		line.text = span_from(text.ptr + 3, text.len - 3);
	while (next_line(&line)) {
		struct buf where = buf_in(mem, 4 * KIB);

		buf_putf(&where, "%s:%u", path, line.number);
		line.where = buf_span(&where);
		if (memchr(line.rest.ptr, '\0', line.rest.len) != NULL)
			mistake(&line, "the line contains a NUL byte");
		else
			read_line(&line);
	}
	return env;
}

enum rc env_read(const char *path, char **environment, struct arena *mem,
    struct conf_mistakes *mistakes, struct env **ret)
{
	struct span text = SPAN("");

	if (path != NULL && file_read(path, BOUND_ENV_FILE, mem, &text) != RC_OK) {
		conf_mistakes_add(mistakes, mem, span_of(path),
		    "could not read the settings file: %s; name an existing file with --env",
		    strerror(errno));
		return RC_NOT_FOUND;
	}
	*ret = env_parse(text, path != NULL ? path : "environment", environment, mem, mistakes);
	return RC_OK;
}

static bool is_nothing(struct span value)
{
	return value.len == 0 || span_eq_nocase(value, SPAN_OF("null")) ||
	       span_eq_nocase(value, SPAN_OF("(null)")) ||
	       span_eq_nocase(value, SPAN_OF("empty")) || span_eq_nocase(value, SPAN_OF("(empty)"));
}

bool env_get(const struct env *env, const char *name, struct env_value *ret)
{
	struct env_value value;

	if (!lookup(env, span_of(name), &value) || is_nothing(value.value))
		return false;
	*ret = value;
	return true;
}

struct span env_path(const struct env *env)
{
	return env->path;
}

void env_each(const struct env *env, const char *prefix,
    void (*fn)(void *ctx, const struct env_value *value), void *ctx)
{
	for (char **at = env->environment; at != NULL && *at != NULL; at++) {
		struct env_value value = {.value = span_of(*at), .where = SPAN("environment")};

		if (span_starts(value.value, prefix) && span_cut(&value.value, '=', &value.name))
			fn(ctx, &value);
	}
	for (const struct entry *e = env->first; e != NULL; e = e->next)
		if (span_starts(e->value.name, prefix))
			fn(ctx, &e->value);
}

bool env_is_cleared(const struct env *env, const char *name)
{
	struct env_value value;

	return lookup(env, span_of(name), &value) && is_nothing(value.value);
}
