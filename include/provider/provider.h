/*
 * provider: the commands to the instances of the Node.js WhatsApp service.
 *
 * Which instance, which request, and what its answer means.  Sends nothing
 * itself, and knows no database.
 */
#ifndef WA_PROVIDER_PROVIDER_H
#define WA_PROVIDER_PROVIDER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/span.h"
#include "net/fetch.h"

enum provider_command {
	PROVIDER_CONNECT,
	PROVIDER_DISCONNECT,
	PROVIDER_RECONNECT,
	PROVIDER_REGENERATE_QR,
	PROVIDER_STATUS,
	PROVIDER_COMMANDS,
};

/* Borrowed. */
struct provider_options {
	const struct span *instances; /* base URLs without a slash at the end */
	size_t instance_count;        /* at least 1 */
	struct span api_key;          /* may be empty: then none is sent */
	uint64_t timeout_s;           /* that an instance is given at most */
};

/* False: no command has this name in the outbox. */
bool provider_command_of(struct span name, enum provider_command *ret);
/* It is to leave a session running. */
bool provider_begins_session(enum provider_command command);

/*
 * The place of the account's instance: the assigned one if it is configured
 * (`*ret_ignored` when it is another one), else the one of its workspace.
 */
size_t provider_route(const struct provider_options *options, struct span assigned_url,
    uint64_t workspace_id, bool *ret_ignored);

/* Whose session. */
struct provider_session {
	uint64_t workspace_id;
	uint64_t account_id;
	struct span session_id;
};

/* In `mem`. */
struct fetch_request provider_request(const struct provider_options *options, size_t instance,
    enum provider_command command, const struct provider_session *session, struct arena *mem);

/* What an answer means for the command that was sent. */
enum provider_verdict {
	PROVIDER_DONE,
	PROVIDER_CONNECT_INSTEAD, /* there is no such session to reconnect */
	PROVIDER_SEND,            /* of a status: it did not happen, the command is to be sent */
	PROVIDER_AGAIN,           /* it has failed, and may work the next time */
	PROVIDER_IN_DOUBT,        /* nobody has said what became of it */
	PROVIDER_AWAY,            /* the instance does not take requests now; it did not happen */
	PROVIDER_SETTINGS,        /* not this command but all of them are refused */
	PROVIDER_REFUSED,         /* asking again does not help */
};
enum provider_verdict provider_judge(
    enum provider_command command, const struct fetch_reply *reply);

/* A QR code that an answer brought. */
struct provider_qr {
	struct span code;
	uint64_t expires_s;
};
bool provider_read_qr(const struct fetch_reply *reply, struct arena *mem, struct provider_qr *ret);

/* Why it failed, for an operator, at most `max` bytes and without the API key; in `mem`. */
struct span provider_reason(const struct provider_options *options, const struct fetch_reply *reply,
    size_t max, struct arena *mem);

#endif
