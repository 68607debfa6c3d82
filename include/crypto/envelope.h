/*
 * envelope: Laravel's encrypted strings (Illuminate\Encryption\Encrypter).
 *
 * Base64 of JSON {"iv","value","mac","tag"}.  AES-256-CBC: `mac` is the hex
 * HMAC-SHA-256 of the Base64 texts of iv and value, `tag` is empty or, in
 * older releases, absent.  AES-256-GCM: `tag` has 16 bytes, `mac` is empty.
 * Which of both it is, the envelope says; the key is the same.
 */
#ifndef WA_CRYPTO_ENVELOPE_H
#define WA_CRYPTO_ENVELOPE_H

#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/rc.h"

enum envelope_cipher { ENVELOPE_CBC, ENVELOPE_GCM };

struct envelope;

/*
 * `app_key` and the comma-separated `previous` as APP_KEY and
 * APP_PREVIOUS_KEYS have them: "base64:" and 32 bytes.  At most
 * BOUND_SECRETS keys.  NULL if one is no such key, or OpenSSL refuses.
 */
struct envelope *envelope_create(struct span app_key, struct span previous);
/* Wipes the keys. */
void envelope_free(struct envelope *envelope);

struct envelope_opened {
	struct span plain; /* in the arena, with a NUL behind it */
	size_t key;        /* 0: the current one; else the place among the retired ones */
	enum envelope_cipher cipher;
};

/*
 * Verify, then decrypt.  Every key is tried.
 *
 * RC_INVALID  it is no envelope
 * RC_DENIED   none of the keys has sealed it, or it was changed since
 */
enum rc envelope_open(const struct envelope *envelope, struct span text, struct arena *mem,
    struct envelope_opened *ret) MUST_CHECK;

/* Seal `plain` with the current key and a fresh iv, into `b`. */
enum rc envelope_seal(const struct envelope *envelope, enum envelope_cipher cipher,
    struct span plain, struct arena *mem, struct buf *b) MUST_CHECK;

size_t envelope_keys(const struct envelope *envelope);
/* The 32 bytes of a key, for what Laravel derives from it. */
struct span envelope_key(const struct envelope *envelope, size_t key);

#endif
