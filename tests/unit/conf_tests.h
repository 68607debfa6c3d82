/*
 * conf_tests: the tests of src/conf, one function for each module; each returns
 * the number of its tests that failed.  And settings read from a text.
 */
#ifndef WA_TESTS_CONF_TESTS_H
#define WA_TESTS_CONF_TESTS_H

#include "conf/settings.h"

int test_conf_env(void);
int test_conf_relay(void);
int test_conf_secret_strength(void);
int test_conf_settings(void);

#define STRONG "4f1c0b9a7d3e8526aa01bb02cc03dd04"
#define REQUIRED "DB_DATABASE=d\nDB_USERNAME=u\nWHATSAPP_HMAC_SECRET=" STRONG "\n"
#define KEY "base64:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

struct conf_tests_outcome {
	enum rc rc;
	struct settings settings;
	struct conf_mistakes mistakes, warnings;
	struct env *env;
};

void conf_tests_read(
    struct arena *mem, const char *text, char **environment, struct conf_tests_outcome *ret);
/* What is required, and `more`, which must be right. */
struct settings conf_tests_settings(struct arena *mem, const char *more);
/* What is required, and `more`: the one mistake that it has. */
struct span conf_tests_mistake(struct arena *mem, const char *more);

#endif
