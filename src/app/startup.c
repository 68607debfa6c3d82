#include "app/startup.h"

#include <unistd.h>

#include "app/front.h"
#include "base/log.h"

void startup_log(const char *level, struct span where, struct span what)
{
	struct log_line line;

	log_begin(&line, level, "settings");
	log_text(&line, "where", where);
	log_text(&line, "msg", what);
	log_end(&line);
}

static void tell_all(startup_tell_fn *tell, const char *level, const struct conf_mistakes *mistakes)
{
	for (const struct conf_mistake *m = mistakes->first; m != NULL; m = m->next)
		tell(level, m->where, m->what);
}

static const char *text_or_null(struct span text)
{
	return text.len > 0 ? text.ptr : NULL;
}

static void set_db_options(const struct settings *s, struct db_options *ret)
{
	*ret = (struct db_options){
	    .host = s->db_host.ptr,
	    .port = (unsigned)s->db_port,
	    .socket = text_or_null(s->db_socket),
	    .user = s->db_username.ptr,
	    .password = text_or_null(s->db_password),
	    .database = s->db_database.ptr,
	    .ssl_ca = text_or_null(s->db_ssl_ca),
	    .connect_timeout_s = (unsigned)s->db_connect_timeout_s,
	    .timeout_s = (unsigned)s->db_timeout_s,
	};
}

enum rc startup_read(const char *env_path, startup_tell_fn *tell, struct startup *ret)
{
	struct conf_mistakes mistakes, warnings;
	struct startup startup = {.mem = arena_create(BOUND_ENV_FILE + 64 * KIB)};
	struct env *env = NULL;
	enum rc rc;

	conf_mistakes_init(&mistakes);
	conf_mistakes_init(&warnings);
	rc = env_read(env_path, environ, startup.mem, &mistakes, &env);
	if (rc == RC_OK)
		rc = settings_read(env, startup.mem, &startup.settings, &mistakes, &warnings);
	if (rc == RC_OK)
		front_open(&startup.settings, env, startup.mem, &mistakes, &startup.page);
	tell_all(tell, "warn", &warnings);
	tell_all(tell, "error", &mistakes);
	if (rc != RC_OK || mistakes.first != NULL) {
		arena_free(startup.mem);
		return RC_INVALID;
	}
	startup.env = env;
	set_db_options(&startup.settings, &startup.db);
	*ret = startup;
	return RC_OK;
}

void startup_free(struct startup *startup)
{
	arena_free(startup->mem);
	startup->mem = NULL;
}
