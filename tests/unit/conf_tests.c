#include "conf_tests.h"

#include "base/buf.h"
#include "unit.h"

void conf_tests_read(
    struct arena *mem, const char *text, char **environment, struct conf_tests_outcome *ret)
{
	conf_mistakes_init(&ret->mistakes);
	conf_mistakes_init(&ret->warnings);
	ret->env = env_parse(span_of(text), "FILE", environment, mem, &ret->mistakes);
	assert_null(ret->mistakes.first);
	ret->rc = settings_read(ret->env, mem, &ret->settings, &ret->mistakes, &ret->warnings);
}

struct settings conf_tests_settings(struct arena *mem, const char *more)
{
	struct buf text = buf_in(mem, 64 * KIB);
	struct conf_tests_outcome outcome;

	buf_putf(&text, "%s%s", REQUIRED, more);
	buf_putc(&text, '\0');
	conf_tests_read(mem, text.ptr, NULL, &outcome);
	if (outcome.rc != RC_OK)
		fail_msg("%s: %.*s", more, SPAN_ARG(outcome.mistakes.first->what));
	assert_null(outcome.mistakes.first);
	return outcome.settings;
}

struct span conf_tests_mistake(struct arena *mem, const char *more)
{
	struct buf text = buf_in(mem, 64 * KIB);
	struct conf_tests_outcome outcome;

	buf_putf(&text, "%s%s", REQUIRED, more);
	buf_putc(&text, '\0');
	conf_tests_read(mem, text.ptr, NULL, &outcome);
	if (outcome.rc != RC_INVALID || outcome.mistakes.first == NULL)
		fail_msg("%s has no mistake", more);
	assert_null(outcome.mistakes.first->next);
	return outcome.mistakes.first->what;
}
