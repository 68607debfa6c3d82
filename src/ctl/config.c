#include <stdio.h>
#include <sysexits.h>

#include "commands.h"

static void print_setting(
    void *ctx, const char *name, struct span value, struct span source, const char *help)
{
	(void)ctx;
	printf("# %s\n# from: %.*s\n%s=%.*s\n\n", help, SPAN_ARG(source), name, SPAN_ARG(value));
}

int command_config(const struct startup *startup, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	settings_each(&startup->settings, startup->env, startup->mem, print_setting, NULL);
	return EX_OK;
}
