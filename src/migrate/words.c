#include "words.h"

#include "base/num.h"
#include "definition.h"

/* In the order in which the way back prefers them. */
static const struct {
	const char *old;
	const char *new;
} words[] = {
    {"qr_scanning", "connecting"},
    {"connecting", "connecting"},
    {"initializing", "connecting"},
    {"qr_generated", "connecting"},
    {"connected", "connected"},
    {"authenticated", "connected"},
    {"ready", "connected"},
    {"disconnected", "disconnected"},
    {"failed", "error"},
    {"error", "error"},
};

enum { WORDS = sizeof(words) / sizeof(words[0]) };

static const char *const states[] = {"connecting", "connected", "disconnected", "error"};

void words_put_new(struct buf *b, const char *column)
{
	buf_putf(b, "CASE %s", column);
	for (size_t i = 0; i < WORDS; i++)
		buf_putf(b, " WHEN '%s' THEN '%s'", words[i].old, words[i].new);
	buf_puts(b, " END");
}

/* The next word of "enum('a','it''s')", as it is written there. */
static bool next_word(struct span *rest, struct span *ret)
{
	const char *begin = rest->len > 0 ? memchr(rest->ptr, '\'', rest->len) : NULL;
	size_t at, end;

	if (begin == NULL)
		return false;
	at = (size_t)(begin - rest->ptr);
	for (end = at + 1; end < rest->len; end++) {
		if (rest->ptr[end] != '\'')
			continue;
		if (end + 1 == rest->len || rest->ptr[end + 1] != '\'')
			break;
		end++;
	}
	if (end >= rest->len)
		return false;
	*ret = span_from(rest->ptr + at, end + 1 - at);
	*rest = span_from(rest->ptr + end + 1, rest->len - end - 1);
	return true;
}

struct span words_first(struct span type)
{
	struct span word;

	return next_word(&type, &word) ? word : SPAN_OF("''");
}

/* Of "varchar(20)". */
static bool is_too_long(struct span type, const char *word)
{
	const char *open = type.len > 0 ? memchr(type.ptr, '(', type.len) : NULL;
	const char *close =
	    open != NULL ? memchr(open, ')', (size_t)(type.ptr + type.len - open)) : NULL;
	uint64_t chars;

	return close != NULL && num_u64(span_from(open + 1, (size_t)(close - open - 1)), &chars) &&
	       strlen(word) > chars;
}

/* A column that is no enumeration allows every word that is short enough. */
static bool allows(struct span type, const char *wanted)
{
	char quoted[32];
	struct buf text = buf_over(quoted, sizeof(quoted));
	struct span word;

	if (!span_starts(type, "enum("))
		return !is_too_long(type, wanted);
	definition_put_text(&text, span_of(wanted));
	while (next_word(&type, &word))
		if (span_eq_nocase(word, buf_span(&text)))
			return true;
	return false;
}

static void put_old_word(struct buf *b, const char *state, struct span type)
{
	for (size_t i = 0; i < WORDS; i++) {
		if (strcmp(words[i].new, state) != 0 || !allows(type, words[i].old))
			continue;
		definition_put_text(b, span_of(words[i].old));
		return;
	}
	/* An enumeration without any word for it. */
	if (allows(type, "disconnected"))
		buf_puts(b, "'disconnected'");
	else
		buf_put(b, words_first(type));
}

void words_put_old(struct buf *b, const char *column, struct span type)
{
	buf_putf(b, "CASE %s", column);
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		buf_putf(b, " WHEN '%s' THEN ", states[i]);
		put_old_word(b, states[i], type);
	}
	buf_puts(b, " END");
}

void words_put_connected(struct buf *b)
{
	const char *before = "(";

	for (size_t i = 0; i < WORDS; i++) {
		if (strcmp(words[i].new, "connected") != 0)
			continue;
		buf_putf(b, "%s'%s'", before, words[i].old);
		before = ", ";
	}
	buf_putc(b, ')');
}
