#include "broadcast/broadcast.h"

#include <stdlib.h>

#include "base/bounds.h"
#include "base/now.h"
#include "base/num.h"
#include "crypto/digest.h"
#include "crypto/hmac.h"
#include "text/hex.h"
#include "text/json.h"
#include "text/members.h"
#include "text/percent.h"

enum { TIMEOUT_MS = 5000, REPLY_MAX = 4 * KIB, BODY_MAX = 1 * MIB, URL_MAX = 4 * KIB };

struct broadcast {
	const struct broadcast_options *options;
	struct hmac_key *key;
};

struct broadcast *broadcast_create(const struct broadcast_options *options)
{
	struct broadcast *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return NULL;
	b->options = options;
	b->key = hmac_key_create(options->secret);
	if (b->key != NULL)
		return b;
	broadcast_free(b);
	return NULL;
}

void broadcast_free(struct broadcast *b)
{
	if (b == NULL)
		return;
	hmac_key_free(b->key);
	free(b);
}

/* Of a status event's metadata: what every page may rely on. */
static struct span own_metadata(struct span raw, struct arena *mem)
{
	static const char *const names[] = {"id", "uuid", "phone_number", "formatted_phone_number",
	    "is_primary", "timestamp", "action"};
	struct members *all, *own;

	if (members_read(raw, mem, &all) != RC_OK ||
	    members_read((struct span){0}, mem, &own) != RC_OK)
		return SPAN_OF("{}");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct span value = members_get(all, span_of(names[i]));

		if (value.ptr != NULL)
			members_set(own, span_of(names[i]), value);
	}
	return members_write(own);
}

/* Whole seconds, begun ones too: a code that was reported for 300 s begins at 300. */
static struct span seconds_left(int64_t us, struct arena *mem)
{
	struct buf text = buf_in(mem, 24);

	buf_put_i64(&text, us > 0 ? (us + US_PER_S - 1) / US_PER_S : 0);
	return buf_span(&text);
}

enum rc broadcast_data(const struct broadcast_event *event, struct arena *mem, struct span *ret)
{
	struct members *members;
	struct span metadata;

	/* Most of them go as they are. */
	if (event->qr_code.ptr == NULL && !event->reduced) {
		*ret = event->payload;
		return RC_OK;
	}
	if (members_read(event->payload, mem, &members) != RC_OK)
		return RC_INVALID;
	metadata = members_get(members, SPAN_OF("metadata"));
	if (event->qr_code.ptr != NULL) {
		members_set(
		    members, SPAN_OF("expires_in_seconds"), seconds_left(event->qr_left_us, mem));
		if (event->reduced)
			members_set(members, SPAN_OF("qr_code_omitted"), SPAN_OF("true"));
		else
			members_set_string(members, "qr_code_base64", event->qr_code);
	} else {
		if (metadata.ptr != NULL)
			members_set(members, SPAN_OF("metadata"), own_metadata(metadata, mem));
		members_set(members, SPAN_OF("metadata_omitted"), SPAN_OF("true"));
	}
	*ret = members_write(members);
	return RC_OK;
}

static void put_body(struct buf *body, const struct broadcast_event *event, struct span data)
{
	buf_putc(body, '{');
	json_put_key(body, "name");
	json_put_string(body, event->name);
	json_put_key(body, "channels");
	buf_puts(body, "[\"private-workspace.");
	buf_put_u64(body, event->workspace_id);
	buf_puts(body, "\"]");
	json_put_key(body, "data");
	json_put_string(body, data);
	buf_putc(body, '}');
}

/* As it is signed: the fields in the order of their names, nothing escaped. */
static void put_signed_fields(
    struct buf *query, struct span key, int64_t now_s, struct span body_md5)
{
	buf_puts(query, "auth_key=");
	buf_put(query, key);
	buf_puts(query, "&auth_timestamp=");
	buf_put_i64(query, now_s);
	buf_puts(query, "&auth_version=1.0&body_md5=");
	buf_put(query, body_md5);
}

static enum rc hmac_hex(struct hmac_key *key, struct span text, char ret[static 2 * HMAC_SIZE])
{
	unsigned char code[HMAC_SIZE];

	if (hmac_sign(key, text, SPAN_OF(""), code) != RC_OK)
		return RC_INTERNAL;
	hex_encode(code, sizeof(code), ret);
	return RC_OK;
}

enum rc broadcast_sign(struct broadcast *b, struct span path, int64_t now_s, struct span body,
    struct arena *mem, struct buf *query)
{
	struct buf text = buf_in(mem, URL_MAX), key = buf_in(mem, URL_MAX);
	char md5[DIGEST_MD5_HEX], signature[2 * HMAC_SIZE];
	struct span body_md5 = span_from(md5, sizeof(md5));

	if (digest_md5_hex(body, md5) != RC_OK)
		return RC_INTERNAL;
	buf_puts(&text, "POST\n");
	buf_put(&text, path);
	buf_putc(&text, '\n');
	put_signed_fields(&text, b->options->key, now_s, body_md5);
	if (text.failed || hmac_hex(b->key, buf_span(&text), signature) != RC_OK)
		return RC_INTERNAL;
	percent_put(&key, b->options->key);
	put_signed_fields(query, buf_span(&key), now_s, body_md5);
	buf_puts(query, "&auth_signature=");
	buf_put(query, span_from(signature, sizeof(signature)));
	return query->failed || key.failed ? RC_INTERNAL : RC_OK;
}

static enum rc put_url(
    struct broadcast *b, int64_t now_s, struct span body, struct arena *mem, struct buf *url)
{
	const struct broadcast_options *o = b->options;
	struct buf path = buf_in(mem, URL_MAX);
	enum rc rc;

	buf_puts(&path, "/apps/");
	percent_put(&path, o->app_id);
	buf_puts(&path, "/events");
	buf_put(url, o->scheme);
	buf_puts(url, "://");
	buf_put(url, o->host);
	buf_putc(url, ':');
	buf_put_u64(url, o->port);
	buf_put(url, buf_span(&path));
	buf_putc(url, '?');
	rc = broadcast_sign(b, buf_span(&path), now_s, body, mem, url);
	buf_putc(url, '\0');
	return rc == RC_OK && (url->failed || path.failed) ? RC_INTERNAL : rc;
}

static enum rc make_request(struct broadcast *b, const struct broadcast_event *event, int64_t now_s,
    struct arena *mem, struct fetch_request *ret)
{
	struct buf body = buf_in(mem, BODY_MAX), url = buf_in(mem, URL_MAX);
	struct span data;
	enum rc rc = broadcast_data(event, mem, &data);

	if (rc != RC_OK)
		return rc;
	buf_reserve(&body, data.len + data.len / 8 + 128);
	put_body(&body, event, data);
	if (body.failed)
		return RC_INVALID;
	rc = put_url(b, now_s, buf_span(&body), mem, &url);
	if (rc == RC_OK)
		*ret = (struct fetch_request){
		    .method = "POST",
		    .url = span_from(url.ptr, url.len - 1),
		    .body = buf_span(&body),
		    .timeout_ms = TIMEOUT_MS,
		    .reply_max = REPLY_MAX,
		};
	return rc;
}

enum rc broadcast_request(struct broadcast *b, const struct broadcast_event *event, int64_t now_s,
    struct arena *mem, struct fetch_request *ret, bool *ret_reduced)
{
	struct broadcast_event smaller = *event;
	enum rc rc = make_request(b, event, now_s, mem, ret);

	*ret_reduced = event->reduced;
	if (event->reduced || rc != RC_OK ||
	    FETCH_HEAD_MAX + ret->url.len + ret->body.len <= b->options->max_bytes)
		return rc;
	smaller.reduced = true;
	*ret_reduced = true;
	return make_request(b, &smaller, now_s, mem, ret);
}

/* Two numbers with a dot between them, as Pusher's servers make them. */
static bool is_socket_id(struct span id)
{
	struct span rest = id, first;
	bool digits = id.len <= BOUND_SOCKET_ID;

	if (!span_cut(&rest, '.', &first) || first.len == 0 || rest.len == 0)
		return false;
	for (size_t i = 0; i < id.len; i++)
		digits = digits && (num_is_digit(id.ptr[i]) || i == first.len);
	return digits;
}

enum rc broadcast_channel_auth(struct broadcast *b, struct span socket_id, struct span channel,
    uint64_t workspace_id, struct arena *mem, struct span *ret)
{
	struct buf own = buf_in(mem, 64), text = buf_in(mem, 512), auth = buf_in(mem, 1024);
	char signature[2 * HMAC_SIZE];

	buf_puts(&own, "private-workspace.");
	buf_put_u64(&own, workspace_id);
	if (!is_socket_id(socket_id) || !span_eq(channel, buf_span(&own)))
		return RC_DENIED;
	buf_put(&text, socket_id);
	buf_putc(&text, ':');
	buf_put(&text, channel);
	if (text.failed || hmac_hex(b->key, buf_span(&text), signature) != RC_OK)
		return RC_INTERNAL;
	buf_put(&auth, b->options->key);
	buf_putc(&auth, ':');
	buf_put(&auth, span_from(signature, sizeof(signature)));
	if (auth.failed)
		return RC_INTERNAL;
	*ret = buf_span(&auth);
	return RC_OK;
}
