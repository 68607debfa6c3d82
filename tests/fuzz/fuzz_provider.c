/*
 * What instances answer: a byte for how the request ended, two for the status,
 * one for how long a reason may be; then, each up to a byte 0xff: our key, the
 * session's name; and the answer.
 */
#include "provider/provider.h"

#include <string.h>

#include "base/bounds.h"
#include "fuzz.h"
#include "text/json.h"
#include "text/percent.h"
#include "text/utf8.h"

static const struct span instances[] = {SPAN("http://one:3001"), SPAN("https://two/base")};

static struct span some_text(struct fuzz_input *in)
{
	struct fuzz_input part = fuzz_part(in);

	return span_from((const char *)part.at, part.left);
}

/* As the settings let them through; and without what only a line makes of an answer. */
static bool is_key(struct span key)
{
	for (size_t i = 0; i < key.len; i++)
		if (key.ptr[i] <= ' ' || key.ptr[i] >= 0x7f || strchr("*?", key.ptr[i]) != NULL)
			return false;
	return key.len <= 512;
}

static void check_judgement(const struct fetch_reply *reply)
{
	for (int i = 0; i < PROVIDER_COMMANDS; i++) {
		enum provider_command command = (enum provider_command)i;
		enum provider_verdict verdict = provider_judge(command, reply);
		bool is_2xx = reply->end == FETCH_ANSWERED && reply->status / 100 == 2;

		if (reply->end == FETCH_NOT_SENT)
			FUZZ_CHECK(verdict == PROVIDER_AWAY);
		if (reply->end == FETCH_LOST)
			FUZZ_CHECK(verdict == PROVIDER_IN_DOUBT);
		/* Only a disconnect is done when there is no session. */
		if (verdict == PROVIDER_DONE)
			FUZZ_CHECK(is_2xx || (reply->status == 404 && !reply->is_html &&
						 command == PROVIDER_DISCONNECT));
		if (is_2xx)
			FUZZ_CHECK(verdict == PROVIDER_DONE ||
				   (verdict == PROVIDER_SEND && command == PROVIDER_STATUS));
		if (verdict == PROVIDER_SEND)
			FUZZ_CHECK(command == PROVIDER_STATUS);
		if (verdict == PROVIDER_CONNECT_INSTEAD)
			FUZZ_CHECK(reply->status == 404 && (command == PROVIDER_RECONNECT ||
							       command == PROVIDER_REGENERATE_QR));
	}
}

static void check_qr(const struct fetch_reply *reply, struct arena *mem)
{
	struct provider_qr qr = {.code = SPAN("untouched")};

	if (!provider_read_qr(reply, mem, &qr)) {
		FUZZ_CHECK(span_is(qr.code, "untouched") && qr.expires_s == 0);
		return;
	}
	FUZZ_CHECK(qr.code.len > 0 && qr.code.len <= BOUND_QR_CODE);
	FUZZ_CHECK(utf8_valid(qr.code) && memchr(qr.code.ptr, '\0', qr.code.len) == NULL);
	FUZZ_CHECK(qr.expires_s > 0 && qr.expires_s <= BOUND_QR_EXPIRES_S);
}

static void check_reason(const struct provider_options *options, const struct fetch_reply *reply,
    size_t max, struct arena *mem)
{
	struct span reason = provider_reason(options, reply, max, mem), key = options->api_key,
		    status;

	FUZZ_CHECK(reason.len > 0 && reason.len <= max && utf8_valid(reason));
	for (size_t i = 0; i < reason.len; i++)
		FUZZ_CHECK((unsigned char)reason.ptr[i] >= ' ' && reason.ptr[i] != 0x7f);
	if (reply->end != FETCH_ANSWERED || !span_cut(&reason, ':', &status))
		return;
	FUZZ_CHECK(key.len == 0 || reason.len == 0 ||
		   memmem(reason.ptr, reason.len, key.ptr, key.len) == NULL);
}

/* The session's name out of the URL again. */
static struct span name_of(struct span url, struct span instance, struct arena *mem)
{
	struct span rest = span_from(url.ptr + instance.len, url.len - instance.len), part;

	for (int i = 0; i < 4; i++)
		FUZZ_CHECK(span_cut(&rest, '/', &part));
	return percent_decode(part, PERCENT_COOKIE, mem);
}

static void check_requests(
    const struct provider_options *options, struct span session_id, struct arena *mem)
{
	const struct provider_session session = {3, 7, session_id};

	for (int i = 0; i < PROVIDER_COMMANDS; i++) {
		size_t instance = (size_t)i % options->instance_count;
		struct fetch_request request =
		    provider_request(options, instance, (enum provider_command)i, &session, mem);

		FUZZ_CHECK(request.url.ptr[request.url.len] == '\0');
		FUZZ_CHECK(span_starts(request.url, instances[instance].ptr));
		for (size_t k = 0; k < request.url.len; k++)
			FUZZ_CHECK(request.url.ptr[k] > ' ' && request.url.ptr[k] < 0x7f);
		if (i != PROVIDER_CONNECT)
			FUZZ_CHECK(
			    span_eq(name_of(request.url, instances[instance], mem), session_id));
		if (i == PROVIDER_STATUS)
			FUZZ_CHECK(request.body.ptr == NULL);
		else
			FUZZ_CHECK(!utf8_valid(session_id) || json_is_valid(request.body));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *mem = arena_create(4 * KIB);
	struct fuzz_input in = {data, size};
	struct provider_options options = {
	    .instances = instances,
	    .instance_count = sizeof(instances) / sizeof(instances[0]),
	    .timeout_s = 60,
	};
	uint8_t flags = fuzz_byte(&in);
	struct fetch_reply reply = {.end = (enum fetch_end)(flags % 3),
	    .is_html = (flags & 128) != 0,
	    .why = "curl's words"};
	struct span key, session_id;
	size_t max;

	reply.status = fuzz_byte(&in) * 4;
	reply.status += fuzz_byte(&in) % 4;
	if (reply.end != FETCH_ANSWERED)
		reply.status = 0;
	max = 32 + fuzz_byte(&in);
	key = some_text(&in);
	session_id = some_text(&in);
	reply.body = span_from((const char *)in.at, in.left);
	if (is_key(key))
		options.api_key = key;
	check_judgement(&reply);
	check_qr(&reply, mem);
	check_reason(&options, &reply, max, mem);
	if (session_id.len > 0 && session_id.len <= BOUND_SESSION_ID)
		check_requests(&options, session_id, mem);
	arena_free(mem);
	return 0;
}
