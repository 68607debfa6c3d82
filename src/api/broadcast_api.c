/*
 * broadcast_api: lets a logged-in browser listen to its workspace's channel,
 * where no Laravel stands beside us to do so.
 */
#include "api/api.h"
#include "broadcast/broadcast.h"
#include "handlers.h"
#include "input.h"
#include "reply.h"
#include "text/json.h"

/* Not told apart: whose channel it is, and whether there is one, is nobody's business. */
static void forbid(struct call *call, const char *why)
{
	call->why = why;
	reply_error(call, 403, "forbidden", "This channel is not yours to listen to");
}

static struct span text_of(const struct field *field)
{
	return field->type == FIELD_STRING ? field->text : (struct span){0};
}

void broadcasting_auth(struct call *call)
{
	struct field socket_id, channel;
	struct span auth;
	enum rc rc;

	if (!input_accept(call))
		return;
	if (call->api->broadcast == NULL) {
		forbid(call, "no_broadcaster");
		return;
	}
	socket_id = input_field(call, "socket_id");
	channel = input_field(call, "channel_name");
	rc = broadcast_channel_auth(call->api->broadcast, text_of(&socket_id), text_of(&channel),
	    call->caller.workspace_id, call->mem, &auth);
	if (rc == RC_DENIED) {
		forbid(call, "other_channel");
	} else if (rc != RC_OK) {
		reply_rc(call, rc);
	} else {
		struct buf *b = reply_begin(call, 200);

		buf_puts(b, "{\"auth\":");
		json_put_string(b, auth);
		buf_putc(b, '}');
	}
}
