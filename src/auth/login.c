#include "auth/login.h"

#include <stdlib.h>

#include "base/now.h"
#include "base/num.h"
#include "crypto/digest.h"

enum { TOUCH_AFTER_S = 60 };

/*
 * Laravel's CookieValuePrefix: the text of a cookie begins with a code of its
 * name, so that one cookie cannot be used as another.
 */
struct cookie_name {
	struct span name;
	char codes[BOUND_SECRETS][DIGEST_SHA1_HEX]; /* one for each key */
};

struct login {
	struct login_options options;
	struct arena *mem;
	struct envelope *envelope; /* NULL: no key */
	struct session_store *store;
	struct session_guards guards;
	struct cookie_name names[BOUND_COOKIE_TRIES];
	size_t name_count;
	struct cookie_name xsrf;
};

/* Str::slug() of plain text: lower case, the rest one separator. */
static struct span slug(struct span text, char separator, const char *end, struct arena *mem)
{
	struct buf b = buf_in(mem, 4 * text.len + strlen(end) + 1);
	bool due = false;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

		if (is_letter || num_is_digit(c) || c == '@') {
			if ((due || c == '@') && b.len > 0)
				buf_putc(&b, separator);
			due = c == '@';
			if (c == '@')
				buf_puts(&b, "at");
			else
				buf_putc(&b, is_letter ? (char)(c | 0x20) : c);
		} else if (c == ' ' || c == '-' || c == '_' || (c >= '\t' && c <= '\r')) {
			due = true;
		}
	}
	buf_puts(&b, end);
	return buf_span(&b);
}

static bool set_name(struct login *login, struct span name, struct cookie_name *ret)
{
	struct buf text = buf_in(login->mem, name.len + 2);

	ret->name = name;
	buf_put(&text, name);
	buf_puts(&text, "v2");
	for (size_t i = 0; login->envelope != NULL && i < envelope_keys(login->envelope); i++)
		if (digest_hmac_sha1_hex(
			envelope_key(login->envelope, i), buf_span(&text), ret->codes[i]) != RC_OK)
			return false;
	return true;
}

static bool set_names(struct login *login)
{
	const struct login_options *o = &login->options;

	if (!set_name(login, SPAN_OF("XSRF-TOKEN"), &login->xsrf))
		return false;
	if (o->cookie.len > 0)
		return set_name(login, o->cookie, &login->names[login->name_count++]);
	return set_name(login, slug(o->app_name, '_', "_session", login->mem),
		   &login->names[login->name_count++]) &&
	       set_name(login, slug(o->app_name, '-', "-session", login->mem),
		   &login->names[login->name_count++]);
}

struct login *login_create(const struct login_options *options)
{
	struct login *login = calloc(1, sizeof(*login));
	bool complete;

	if (login == NULL)
		return NULL;
	login->options = *options;
	login->mem = arena_create(4 * KIB);
	login->store = session_store_create(&options->store);
	session_guards_read(options->guards, login->mem, &login->guards);
	complete = login->store != NULL;
	if (complete && options->app_key.len > 0) {
		login->envelope = envelope_create(options->app_key, options->app_previous_keys);
		complete = login->envelope != NULL;
	}
	if (complete && set_names(login))
		return login;
	login_free(login);
	return NULL;
}

void login_free(struct login *login)
{
	if (login == NULL)
		return;
	session_store_free(login->store);
	envelope_free(login->envelope);
	arena_free(login->mem);
	free(login);
}

struct span login_cookie_name(const struct login *login, size_t index)
{
	return index < login->name_count ? login->names[index].name : (struct span){0};
}

/* The cookie's own text: what stands behind the code of its name. */
static enum refusal open_cookie(const struct login *login, const struct cookie_name *name,
    struct span value, struct arena *mem, struct envelope_opened *opened, struct span *ret)
{
	struct span code;

	if (login->envelope == NULL)
		return REFUSED_NO_KEY;
	switch (envelope_open(login->envelope, value, mem, opened)) {
	case RC_OK:
		break;
	case RC_DENIED:
		return REFUSED_MAC;
	default:
		return REFUSED_MALFORMED;
	}
	code = span_from(opened->plain.ptr, DIGEST_SHA1_HEX);
	if (opened->plain.len <= DIGEST_SHA1_HEX || code.ptr[DIGEST_SHA1_HEX] != '|' ||
	    !digest_equal(code, span_from(name->codes[opened->key], DIGEST_SHA1_HEX)))
		return REFUSED_PREFIX;
	*ret = span_from(code.ptr + DIGEST_SHA1_HEX + 1, opened->plain.len - DIGEST_SHA1_HEX - 1);
	return REFUSED_NOT;
}

static bool is_session_id(struct span id)
{
	for (size_t i = 0; i < id.len; i++) {
		char c = id.ptr[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !num_is_digit(c))
			return false;
	}
	return id.len == SESSION_ID_SIZE;
}

static enum refusal refusal_of(enum rc rc)
{
	switch (rc) {
	case RC_NOT_FOUND:
		return REFUSED_NO_SESSION;
	case RC_DENIED:
		return REFUSED_NO_ACCESS;
	default:
		return REFUSED_PAYLOAD;
	}
}

static enum rc deny(enum refusal refusal, enum refusal *reterr)
{
	*reterr = refusal;
	return RC_DENIED;
}

/* By the one cookie of this name. */
static enum rc open_named(const struct login *login, struct db *db, struct arena *mem, size_t which,
    struct span value, int64_t now_us, struct session *ret, enum refusal *reterr)
{
	struct session_stored stored;
	struct envelope_opened opened;
	enum refusal refusal =
	    open_cookie(login, &login->names[which], value, mem, &opened, &ret->id);
	enum rc rc;

	if (refusal != REFUSED_NOT)
		return deny(refusal, reterr);
	ret->cookie = which;
	ret->cipher = opened.cipher;
	ret->key = opened.key;
	if (!is_session_id(ret->id))
		return deny(REFUSED_SESSION_ID, reterr);
	rc = session_store_read(login->store, db, mem, ret->id, &stored);
	if (rc == RC_RETRY || rc == RC_INTERNAL)
		return rc;
	if (rc != RC_OK)
		return deny(refusal_of(rc), reterr);
	ret->last_activity_s = stored.last_activity_s;
	/* As Laravel's handlers compare it. */
	if (stored.last_activity_s <
	    now_us / US_PER_S - (int64_t)login->options.attributes.lifetime_s)
		return deny(REFUSED_EXPIRED, reterr);
	if (session_read(stored.text, login->options.encrypted ? login->envelope : NULL,
		&login->guards, mem, ret) != RC_OK)
		return deny(REFUSED_PAYLOAD, reterr);
	return ret->user_id != 0 ? RC_OK : deny(REFUSED_GUEST, reterr);
}

enum rc login_open(const struct login *login, struct db *db, struct arena *mem, struct span header,
    int64_t now_us, struct session *ret, enum refusal *reterr)
{
	enum rc rc = deny(REFUSED_NO_PROOF, reterr);
	struct span value;

	*ret = (struct session){0};
	/* An upgraded Laravel has another standard name; the old cookie may still be sent. */
	for (size_t i = 0; i < login->name_count && rc == RC_DENIED; i++)
		if (cookie_find(header, login->names[i].name, mem, &value))
			rc = open_named(login, db, mem, i, value, now_us, ret, reterr);
	return rc;
}

enum rc login_touch(const struct login *login, struct db *db, struct arena *mem,
    const struct session *session, int64_t now_us)
{
	int64_t now_s = now_us / US_PER_S;

	if (now_s - session->last_activity_s < TOUCH_AFTER_S)
		return RC_OK;
	return session_store_touch(login->store, db, mem, session->id, now_s);
}

bool login_shows_token(const struct login *login, struct arena *mem, const struct session *session,
    struct span body_token, struct span csrf_header, struct span xsrf_header)
{
	struct envelope_opened opened;
	struct span shown = {0};

	if (body_token.len > 0)
		shown = body_token;
	else if (csrf_header.len > 0)
		shown = csrf_header;
	else if (open_cookie(login, &login->xsrf, xsrf_header, mem, &opened, &shown) != REFUSED_NOT)
		return false;
	return digest_equal(shown, session->token);
}

static enum rc put_cookie(const struct login *login, struct arena *mem,
    const struct cookie_name *name, struct span text, const struct session *session, bool is_https,
    int64_t now_us, struct buf *headers)
{
	struct buf plain = buf_in(mem, text.len + DIGEST_SHA1_HEX + 2),
		   sealed = buf_in(mem, BOUND_COOKIE);
	enum rc rc;

	buf_put(&plain, span_from(name->codes[0], DIGEST_SHA1_HEX));
	buf_putc(&plain, '|');
	buf_put(&plain, text);
	rc = envelope_seal(login->envelope, session->cipher, buf_span(&plain), mem, &sealed);
	if (rc == RC_OK)
		cookie_put(headers, name == &login->xsrf ? COOKIE_XSRF : COOKIE_SESSION, name->name,
		    buf_span(&sealed), &login->options.attributes, is_https, now_us);
	return rc;
}

enum rc login_put_cookies(const struct login *login, struct arena *mem,
    const struct session *session, bool is_https, int64_t now_us, struct buf *headers)
{
	enum rc rc = put_cookie(login, mem, &login->names[session->cookie], session->id, session,
	    is_https, now_us, headers);

	if (rc == RC_OK && session->token.len > 0)
		rc = put_cookie(
		    login, mem, &login->xsrf, session->token, session, is_https, now_us, headers);
	return rc;
}
