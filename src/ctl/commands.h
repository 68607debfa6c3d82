/*
 * commands: what wa-accountsctl can do, one function each.
 */
#ifndef WA_CTL_COMMANDS_H
#define WA_CTL_COMMANDS_H

#include "app/startup.h"

/* Their arguments, without the words that named them; the program's exit status. */
int command_config(const struct startup *startup, int argc, char **argv);
int command_routes(const struct startup *startup, int argc, char **argv);
int command_schema_apply(const struct startup *startup, int argc, char **argv);
int command_schema_check(const struct startup *startup, int argc, char **argv);

#endif
