/*
 * Events on their way to a Pusher-compatible server: a byte that says what
 * they are like, two for the server's limit, four for the QR code's time; then,
 * each up to a byte 0xff: the payload, the QR code, a socket's id, a channel.
 */
#include "broadcast/broadcast.h"

#include <string.h>

#include "base/bounds.h"
#include "base/now.h"
#include "base/num.h"
#include "fuzz.h"
#include "text/json.h"
#include "text/utf8.h"

enum { FUZZ_NOW_S = 1763200000, WORKSPACE = 5 };

static struct span some_text(struct fuzz_input *in)
{
	struct fuzz_input part = fuzz_part(in);

	return span_from((const char *)part.at, part.left);
}

static json_t *load(struct span text)
{
	return json_loadb(text.ptr, text.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
}

static void check_url(const struct broadcast_options *options, struct span url)
{
	struct span rest = url, part;

	FUZZ_CHECK(url.ptr[url.len] == '\0');
	for (size_t i = 0; i < url.len; i++)
		FUZZ_CHECK(url.ptr[i] > ' ' && url.ptr[i] < 0x7f);
	FUZZ_CHECK(span_starts(url, "https://host.local:8443/apps/an%2Fid/events?auth_key="));
	for (int i = 0; i < 5; i++)
		FUZZ_CHECK(span_cut(&rest, '&', &part));
	FUZZ_CHECK(rest.len == 0 && part.len == strlen("auth_signature=") + 64);
	FUZZ_CHECK(options->max_bytes > 0);
}

/* What the payload's own members have become. */
static void check_data(const struct broadcast_event *event, struct span data, bool reduced)
{
	int64_t seconds = (event->qr_left_us + US_PER_S - 1) / US_PER_S;
	json_t *tree;

	FUZZ_CHECK(json_is_valid(data));
	if (event->qr_code.ptr == NULL && !reduced) {
		FUZZ_CHECK(span_eq(data, event->payload));
		return;
	}
	tree = load(data); /* jansson does not take every number */
	if (tree == NULL)
		return;
	FUZZ_CHECK(json_is_object(tree));
	if (event->qr_code.ptr == NULL) {
		FUZZ_CHECK(json_is_true(json_object_get(tree, "metadata_omitted")));
		FUZZ_CHECK(json_object_size(json_object_get(tree, "metadata")) <= 7);
	} else {
		FUZZ_CHECK(json_integer_value(json_object_get(tree, "expires_in_seconds")) ==
			   (seconds > 0 ? seconds : 0));
		if (reduced)
			FUZZ_CHECK(json_is_true(json_object_get(tree, "qr_code_omitted")));
		else
			FUZZ_CHECK(span_eq(
			    json_text(json_object_get(tree, "qr_code_base64")), event->qr_code));
	}
	json_decref(tree);
}

static void check_body(const struct broadcast_event *event, struct span body, bool reduced)
{
	json_t *tree = load(body), *channels = json_object_get(tree, "channels");

	FUZZ_CHECK(json_is_valid(body));
	FUZZ_CHECK(json_is_object(tree) && json_object_size(tree) == 3);
	FUZZ_CHECK(span_eq(json_text(json_object_get(tree, "name")), event->name));
	FUZZ_CHECK(json_array_size(channels) == 1);
	FUZZ_CHECK(span_is(json_text(json_array_get(channels, 0)), "private-workspace.5"));
	check_data(event, json_text(json_object_get(tree, "data")), reduced);
	json_decref(tree);
}

static void check_request(
    const struct broadcast_options *options, const struct broadcast_event *event, struct arena *mem)
{
	struct broadcast *broadcast = broadcast_create(options);
	struct fetch_request request;
	bool reduced;
	enum rc rc;

	FUZZ_CHECK(broadcast != NULL);
	rc = broadcast_request(broadcast, event, FUZZ_NOW_S, mem, &request, &reduced);
	broadcast_free(broadcast);
	FUZZ_CHECK(rc == RC_OK || rc == RC_INVALID);
	if (rc != RC_OK) {
		/* Something was to be done to it, and it has no members. */
		FUZZ_CHECK(!span_starts(event->payload, "{"));
		return;
	}
	FUZZ_CHECK(reduced || !event->reduced);
	FUZZ_CHECK(
	    reduced || FETCH_HEAD_MAX + request.url.len + request.body.len <= options->max_bytes);
	check_url(options, request.url);
	check_body(event, request.body, reduced);
}

/* Digits, a dot, digits. */
static bool is_socket_id(struct span id)
{
	struct span rest = id, part;
	size_t parts = 0;

	while (span_cut(&rest, '.', &part)) {
		parts++;
		for (size_t i = 0; i < part.len; i++)
			if (!num_is_digit(part.ptr[i]))
				return false;
		if (part.len == 0)
			return false;
	}
	return parts == 2 && id.ptr[id.len - 1] != '.' && id.len <= BOUND_SOCKET_ID;
}

static void check_channel(const struct broadcast_options *options, struct span socket_id,
    struct span channel, struct arena *mem)
{
	bool own = span_is(channel, "private-workspace.5") && is_socket_id(socket_id);
	struct broadcast *broadcast = broadcast_create(options);
	struct span auth = SPAN("untouched");
	enum rc rc;

	FUZZ_CHECK(broadcast != NULL);
	rc = broadcast_channel_auth(broadcast, socket_id, channel, WORKSPACE, mem, &auth);
	broadcast_free(broadcast);
	FUZZ_CHECK(rc == (own ? RC_OK : RC_DENIED));
	FUZZ_CHECK(own ? auth.len == strlen("a key:") + 64 : span_is(auth, "untouched"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *mem = arena_create(4 * KIB);
	struct fuzz_input in = {data, size};
	struct broadcast_options options = {
	    .app_id = SPAN("an/id"),
	    .key = SPAN("a key"),
	    .secret = SPAN("a secret"),
	    .scheme = SPAN("https"),
	    .host = SPAN("host.local"),
	    .port = 8443,
	};
	uint8_t flags = fuzz_byte(&in);
	struct broadcast_event event = {
	    .name = flags & 1 ? SPAN_OF("qr-code-generated") : SPAN_OF("account-status-changed"),
	    .workspace_id = WORKSPACE,
	    .reduced = (flags & 2) != 0,
	};
	struct span qr_code, socket_id;

	options.max_bytes = 1 + (uint64_t)fuzz_byte(&in) * 256;
	options.max_bytes += fuzz_byte(&in);
	for (int i = 0; i < 4; i++)
		event.qr_left_us = event.qr_left_us * 256 + fuzz_byte(&in);
	event.qr_left_us -= flags & 4 ? INT64_C(1) << 31 : 0;
	event.payload = some_text(&in);
	qr_code = some_text(&in);
	socket_id = some_text(&in);
	/* What the database has is UTF-8, and a payload is JSON. */
	if ((flags & 1) != 0 && utf8_valid(qr_code))
		event.qr_code = qr_code;
	if (json_is_valid(event.payload))
		check_request(&options, &event, mem);
	check_channel(&options, socket_id, some_text(&in), mem);
	arena_free(mem);
	return 0;
}
