/*
 * commands: what wa-accountsctl can do, one function each.
 */
#ifndef WA_CTL_COMMANDS_H
#define WA_CTL_COMMANDS_H

#include "app/startup.h"

/* What was asked for is refused, or there is no such thing. */
enum { EXIT_REFUSED = 1 };

/*
 * What people have typed, for a terminal: control characters as \xNN.  At
 * least `width` characters; an absent text is "-".
 */
void print_text(struct span text, int width);
/* Lines of a name and a value; an absent value or TIME_NONE is "-". */
void print_line(const char *name, struct span value);
void print_number_line(const char *name, uint64_t value);
void print_time_line(const char *name, int64_t us);

/* Where clients find what serves: --url, or without it APP_URL.  False: it is none, and that was
 * told. */
bool read_base_url(const char *option, const struct startup *startup, struct span *ret);

/* Their arguments, without the words that named them; the program's exit status. */
int command_config(const struct startup *startup, int argc, char **argv);
int command_routes(const struct startup *startup, int argc, char **argv);
int command_schema_apply(const struct startup *startup, int argc, char **argv);
int command_schema_check(const struct startup *startup, int argc, char **argv);
int command_migrate_plan(const struct startup *startup, int argc, char **argv);
int command_migrate_up(const struct startup *startup, int argc, char **argv);
int command_migrate_verify(const struct startup *startup, int argc, char **argv);
int command_migrate_down(const struct startup *startup, int argc, char **argv);
int command_migrate_finalize(const struct startup *startup, int argc, char **argv);
int command_session_show(const struct startup *startup, int argc, char **argv);
int command_account_list(const struct startup *startup, int argc, char **argv);
int command_account_show(const struct startup *startup, int argc, char **argv);
int command_account_set_primary(const struct startup *startup, int argc, char **argv);
int command_account_disconnect(const struct startup *startup, int argc, char **argv);
int command_account_restore(const struct startup *startup, int argc, char **argv);
int command_outbox_list(const struct startup *startup, int argc, char **argv);
int command_outbox_show(const struct startup *startup, int argc, char **argv);
int command_outbox_redrive(const struct startup *startup, int argc, char **argv);
int command_outbox_purge(const struct startup *startup, int argc, char **argv);
int command_legacy(const struct startup *startup, int argc, char **argv);
int command_smoke(const struct startup *startup, int argc, char **argv);

#endif
