#include "crypto/envelope.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "base/bounds.h"
#include "crypto/digest.h"
#include "crypto/hmac.h"
#include "text/base64.h"
#include "text/hex.h"
#include "text/json.h"

enum { KEY_SIZE = 32, TAG_SIZE = 16, BLOCK_SIZE = 16, IV_MAX = 16 };

struct key {
	unsigned char bytes[KEY_SIZE];
	struct hmac_key *hmac;
};

struct envelope {
	size_t count;
	struct key keys[BOUND_SECRETS]; /* the current one first */
	EVP_CIPHER *ciphers[2];         /* looked up once: each look costs more than decrypting */
	EVP_CIPHER_CTX *ctx;
};

static const size_t iv_sizes[] = {[ENVELOPE_CBC] = 16, [ENVELOPE_GCM] = 12};

static bool add_key(struct envelope *e, struct span text)
{
	static const char prefix[] = "base64:";
	struct key *key = &e->keys[e->count];
	struct arena *mem;
	struct span bytes;
	bool valid;

	if (e->count == BOUND_SECRETS || !span_starts(text, prefix))
		return false;
	mem = arena_create(KIB);
	text = span_from(text.ptr + strlen(prefix), text.len - strlen(prefix));
	valid = base64_decode(text, mem, &bytes) && bytes.len == KEY_SIZE;
	if (valid) {
		memcpy(key->bytes, bytes.ptr, KEY_SIZE);
		key->hmac = hmac_key_create(bytes);
		OPENSSL_cleanse((void *)(uintptr_t)bytes.ptr, KEY_SIZE);
		e->count++;
	}
	arena_free(mem);
	return valid && key->hmac != NULL;
}

struct envelope *envelope_create(struct span app_key, struct span previous)
{
	struct envelope *e = calloc(1, sizeof(*e));
	struct span item;
	bool complete;

	if (e == NULL)
		return NULL;
	e->ciphers[ENVELOPE_CBC] = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
	e->ciphers[ENVELOPE_GCM] = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	e->ctx = EVP_CIPHER_CTX_new();
	complete = e->ciphers[ENVELOPE_CBC] != NULL && e->ciphers[ENVELOPE_GCM] != NULL &&
		   e->ctx != NULL && add_key(e, app_key);
	while (complete && span_cut(&previous, ',', &item)) {
		item = span_trim(item);
		if (item.len > 0)
			complete = add_key(e, item);
	}
	if (complete)
		return e;
	envelope_free(e);
	return NULL;
}

void envelope_free(struct envelope *e)
{
	if (e == NULL)
		return;
	for (size_t i = 0; i < e->count; i++)
		hmac_key_free(e->keys[i].hmac);
	EVP_CIPHER_free(e->ciphers[ENVELOPE_CBC]);
	EVP_CIPHER_free(e->ciphers[ENVELOPE_GCM]);
	EVP_CIPHER_CTX_free(e->ctx);
	OPENSSL_cleanse(e, sizeof(*e));
	free(e);
}

size_t envelope_keys(const struct envelope *e)
{
	return e->count;
}

struct span envelope_key(const struct envelope *e, size_t key)
{
	return span_from((const char *)e->keys[key].bytes, KEY_SIZE);
}

/* What an envelope holds, before anything of it is believed. */
struct sealed {
	enum envelope_cipher cipher;
	struct span iv_text, value_text, mac; /* as they came */
	struct span iv, value, tag;
};

/*
 * Older releases wrote no tag.  One whose name was damaged must not pass for
 * one that is absent: then no other text may stand there.
 */
static bool has_other_text(json_t *tree)
{
	const char *name;
	json_t *value;

	json_object_foreach(tree, name,
	    value) if (json_is_string(value) && strcmp(name, "iv") != 0 &&
		       strcmp(name, "value") != 0 && strcmp(name, "mac") != 0) return true;
	return false;
}

static bool take_text(struct arena *mem, json_t *tree, const char *name, struct span *ret)
{
	const json_t *value = json_object_get(tree, name);

	if (!json_is_string(value))
		return false;
	*ret = arena_copy(mem, json_text(value));
	return true;
}

static bool take_sealed(json_t *tree, struct arena *mem, struct sealed *s)
{
	struct span tag = {0};

	if (!json_is_object(tree) || !take_text(mem, tree, "iv", &s->iv_text) ||
	    !take_text(mem, tree, "value", &s->value_text) || !take_text(mem, tree, "mac", &s->mac))
		return false;
	if (json_object_get(tree, "tag") == NULL ? has_other_text(tree)
						 : !take_text(mem, tree, "tag", &tag))
		return false;
	s->cipher = tag.len > 0 ? ENVELOPE_GCM : ENVELOPE_CBC;
	return base64_decode(s->iv_text, mem, &s->iv) && s->iv.len == iv_sizes[s->cipher] &&
	       base64_decode(s->value_text, mem, &s->value) && base64_decode(tag, mem, &s->tag) &&
	       (s->cipher == ENVELOPE_CBC || s->tag.len == TAG_SIZE);
}

static enum rc read_sealed(struct span text, struct arena *mem, struct sealed *ret)
{
	const char *error;
	struct span json;
	json_t *tree;
	bool valid;

	if (!base64_decode(text, mem, &json) || json_read(json, &tree, &error) != RC_OK)
		return RC_INVALID;
	valid = take_sealed(tree, mem, ret);
	json_decref(tree);
	return valid ? RC_OK : RC_INVALID;
}

static enum rc mac_of(const struct key *key, const struct sealed *s, char ret[static 2 * HMAC_SIZE])
{
	unsigned char code[HMAC_SIZE];

	if (hmac_sign(key->hmac, s->iv_text, s->value_text, code) != RC_OK)
		return RC_INTERNAL;
	hex_encode(code, sizeof(code), ret);
	return RC_OK;
}

/* GCM has its proof in the tag, which decrypting checks. */
static bool is_sealed_by(const struct key *key, const struct sealed *s)
{
	char mac[2 * HMAC_SIZE];

	return s->cipher == ENVELOPE_GCM ||
	       (mac_of(key, s, mac) == RC_OK && digest_equal(span_from(mac, sizeof(mac)), s->mac));
}

static bool decrypt(
    const struct envelope *e, const struct key *key, const struct sealed *s, char *out, size_t *ret)
{
	const unsigned char *iv = (const unsigned char *)s->iv.ptr,
			    *in = (const unsigned char *)s->value.ptr;
	unsigned char *to = (unsigned char *)out;
	int len = 0, rest = 0;

	if (!EVP_DecryptInit_ex2(e->ctx, e->ciphers[s->cipher], key->bytes, iv, NULL))
		return false;
	if (s->cipher == ENVELOPE_GCM && !EVP_CIPHER_CTX_ctrl(e->ctx, EVP_CTRL_AEAD_SET_TAG,
					     TAG_SIZE, (void *)(uintptr_t)s->tag.ptr))
		return false;
	if (!EVP_DecryptUpdate(e->ctx, to, &len, in, (int)s->value.len) ||
	    !EVP_DecryptFinal_ex(e->ctx, to + len, &rest))
		return false;
	*ret = (size_t)len + (size_t)rest;
	return true;
}

enum rc envelope_open(
    const struct envelope *e, struct span text, struct arena *mem, struct envelope_opened *ret)
{
	struct sealed s;
	char *plain;
	size_t len;

	if (text.len > 2 * BOUND_SESSION || read_sealed(text, mem, &s) != RC_OK)
		return RC_INVALID;
	plain = arena_bytes(mem, s.value.len + BLOCK_SIZE + 1);
	for (size_t i = 0; i < e->count; i++) {
		if (!is_sealed_by(&e->keys[i], &s) || !decrypt(e, &e->keys[i], &s, plain, &len))
			continue;
		plain[len] = '\0';
		*ret = (struct envelope_opened){span_from(plain, len), i, s.cipher};
		return RC_OK;
	}
	return RC_DENIED;
}

static bool encrypt(const struct envelope *e, enum envelope_cipher cipher, const unsigned char *iv,
    struct span plain, unsigned char *out, size_t *ret, unsigned char tag[static TAG_SIZE])
{
	int len = 0, rest = 0;

	if (!EVP_EncryptInit_ex2(e->ctx, e->ciphers[cipher], e->keys[0].bytes, iv, NULL) ||
	    !EVP_EncryptUpdate(
		e->ctx, out, &len, (const unsigned char *)plain.ptr, (int)plain.len) ||
	    !EVP_EncryptFinal_ex(e->ctx, out + len, &rest))
		return false;
	*ret = (size_t)len + (size_t)rest;
	return cipher == ENVELOPE_CBC ||
	       EVP_CIPHER_CTX_ctrl(e->ctx, EVP_CTRL_AEAD_GET_TAG, TAG_SIZE, tag);
}

static struct span encoded(const void *bytes, size_t size, struct arena *mem)
{
	struct buf text = buf_in(mem, size / 3 * 4 + 8);

	base64_put(&text, span_from(bytes, size));
	return buf_span(&text);
}

enum rc envelope_seal(const struct envelope *e, enum envelope_cipher cipher, struct span plain,
    struct arena *mem, struct buf *b)
{
	struct buf json = buf_in(mem, 2 * plain.len + KIB);
	struct sealed s = {.cipher = cipher};
	unsigned char iv[IV_MAX], tag[TAG_SIZE];
	unsigned char *value = (unsigned char *)arena_bytes(mem, plain.len + BLOCK_SIZE);
	char mac[2 * HMAC_SIZE];
	size_t len;

	if (digest_random(iv, iv_sizes[cipher]) != RC_OK ||
	    !encrypt(e, cipher, iv, plain, value, &len, tag))
		return RC_INTERNAL;
	s.iv_text = encoded(iv, iv_sizes[cipher], mem);
	s.value_text = encoded(value, len, mem);
	if (mac_of(&e->keys[0], &s, mac) != RC_OK)
		return RC_INTERNAL;
	buf_puts(&json, "{\"iv\":\"");
	buf_put(&json, s.iv_text);
	buf_puts(&json, "\",\"value\":\"");
	buf_put(&json, s.value_text);
	buf_puts(&json, "\",\"mac\":\"");
	if (cipher == ENVELOPE_CBC)
		buf_put(&json, span_from(mac, sizeof(mac)));
	buf_puts(&json, "\",\"tag\":\"");
	if (cipher == ENVELOPE_GCM)
		base64_put(&json, span_from((const char *)tag, sizeof(tag)));
	buf_puts(&json, "\"}");
	base64_put(b, buf_span(&json));
	return json.failed || b->failed ? RC_INTERNAL : RC_OK;
}
