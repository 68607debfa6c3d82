/*
 * doors: the ways in, as the settings have them.
 */
#ifndef WA_APP_DOORS_H
#define WA_APP_DOORS_H

#include "account/account.h"
#include "auth/guard.h"
#include "conf/settings.h"

/*
 * The settings' texts are borrowed.  RC_INTERNAL: out of memory, or OpenSSL
 * refuses; what was made is for doors_close all the same.
 */
enum rc doors_open(const struct settings *settings, struct guard *ret) MUST_CHECK;
void doors_close(struct guard *guard);

struct login *doors_login(const struct settings *settings);
struct account_limits doors_limits(const struct settings *settings);

#endif
