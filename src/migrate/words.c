#include "words.h"

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

static bool allows(struct span type, const char *word)
{
	char quoted[32];
	struct buf text = buf_over(quoted, sizeof(quoted));

	if (!span_starts(type, "enum("))
		return true;
	definition_put_text(&text, span_of(word));
	return memmem(type.ptr, type.len, text.ptr, text.len) != NULL;
}

/* An enumeration without any word for an error has at least "disconnected". */
static const char *old_word(const char *state, struct span type)
{
	for (size_t i = 0; i < WORDS; i++)
		if (strcmp(words[i].new, state) == 0 && allows(type, words[i].old))
			return words[i].old;
	return "disconnected";
}

void words_put_old(struct buf *b, const char *column, struct span type)
{
	buf_putf(b, "CASE %s", column);
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		buf_putf(b, " WHEN '%s' THEN '%s'", states[i], old_word(states[i], type));
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
