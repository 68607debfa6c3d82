/* dotenv files, and the settings that they make. */
#include "conf/env.h"

#include "base/bounds.h"
#include "base/num.h"
#include "conf/settings.h"
#include "fuzz.h"

static void check_value(void *ctx, const struct env_value *value)
{
	(void)ctx;
	FUZZ_CHECK(value->name.len > 0);
	for (size_t i = 0; i < value->name.len; i++) {
		char c = value->name.ptr[i];

		FUZZ_CHECK(num_is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			   c == '_' || c == '.');
	}
	FUZZ_CHECK(value->value.len <= BOUND_ENV_LINE);
	FUZZ_CHECK(value->value.ptr[value->value.len] == '\0');
	FUZZ_CHECK(memchr(value->value.ptr, '\0', value->value.len) == NULL);
	FUZZ_CHECK(value->where.len > 0);
}

static void check_row(
    void *ctx, const char *name, struct span value, struct span source, const char *help)
{
	(void)ctx;
	(void)help;
	FUZZ_CHECK(name != NULL && source.len > 0);
	FUZZ_CHECK(value.len <= BOUND_ENV_LINE);
}

static void check_mistakes(const struct conf_mistakes *mistakes)
{
	for (const struct conf_mistake *m = mistakes->first; m != NULL; m = m->next)
		FUZZ_CHECK(m->what.len > 0 && m->where.len > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char from_environment[] = "ENV=from the environment", empty[] = "EMPTY=";
	char *environment[] = {from_environment, empty, NULL};
	struct arena *mem = arena_create(16 * KIB);
	struct conf_mistakes mistakes, warnings;
	struct settings settings;
	struct env_value value;
	struct env *env;

	conf_mistakes_init(&mistakes);
	conf_mistakes_init(&warnings);
	env = env_parse(span_from((const char *)data, size), "FILE", environment, mem, &mistakes);
	env_each(env, "", check_value, NULL);
	check_mistakes(&mistakes);
	FUZZ_CHECK(env_get(env, "ENV", &value) && span_is(value.value, "from the environment"));
	FUZZ_CHECK(!env_get(env, "EMPTY", &value));
	conf_mistakes_init(&mistakes);
	if (settings_read(env, mem, &settings, &mistakes, &warnings) == RC_OK) {
		FUZZ_CHECK(mistakes.first == NULL);
		FUZZ_CHECK(settings.hmac_secret.len > 0 && settings.workers > 0);
		settings_each(&settings, env, mem, check_row, NULL);
	} else {
		FUZZ_CHECK(mistakes.first != NULL);
	}
	check_mistakes(&mistakes);
	check_mistakes(&warnings);
	arena_free(mem);
	return 0;
}
