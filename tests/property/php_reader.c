/*
 * php_reader: what this program's readers make of PHP's texts, for
 * tests/property/run, which knows what PHP makes of them.
 *
 *   php_reader array                 every member as "KEY TYPE VALUE"
 *   php_reader open KEY [PREVIOUS]   "ok PLACE CIPHER PLAIN"
 *   php_reader seal KEY cbc|gcm      the envelope
 *
 * Standard input: records, each a length of four bytes, big-endian, and so
 * many bytes.  Standard output: lines; after each record one with its rc
 * ("ok", "invalid", "denied") and whatever belongs to it.  Keys and texts are
 * in hex, so that a line is a line.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bounds.h"
#include "crypto/envelope.h"
#include "text/php.h"

enum { RECORD_MAX = 2 * BOUND_SESSION + KIB, USAGE = 64 };

static void put_hex(struct span text)
{
	for (size_t i = 0; i < text.len; i++)
		printf("%02x", (unsigned char)text.ptr[i]);
}

static void put_rc(enum rc rc)
{
	puts(rc == RC_OK ? "ok" : rc == RC_INVALID ? "invalid" : rc == RC_DENIED ? "denied" : "?");
}

static void put_member(void *ctx, struct span key, const struct php_value *value)
{
	(void)ctx;
	printf("m ");
	put_hex(key);
	switch (value->type) {
	case PHP_NULL:
		printf(" null");
		break;
	case PHP_BOOL:
		printf(" bool %" PRId64, value->i);
		break;
	case PHP_INTEGER:
		printf(" integer %" PRId64, value->i);
		break;
	case PHP_FLOAT:
		printf(" float");
		break;
	case PHP_STRING:
		printf(" string ");
		put_hex(value->s);
		break;
	case PHP_OTHER:
		printf(" other");
		break;
	}
	putchar('\n');
}

struct reader {
	const char *mode;
	const char *cipher; /* to seal with */
	struct envelope *envelope;
	struct arena *mem;
};

static void open_one(const struct reader *r, struct span text)
{
	struct envelope_opened opened;
	enum rc rc = envelope_open(r->envelope, text, r->mem, &opened);

	if (rc != RC_OK) {
		put_rc(rc);
		return;
	}
	printf("ok %zu %s ", opened.key, opened.cipher == ENVELOPE_GCM ? "gcm" : "cbc");
	put_hex(opened.plain);
	putchar('\n');
}

static void seal_one(const struct reader *r, struct span plain)
{
	struct buf text = buf_in(r->mem, 4 * plain.len + KIB);
	enum envelope_cipher cipher = strcmp(r->cipher, "gcm") == 0 ? ENVELOPE_GCM : ENVELOPE_CBC;

	if (envelope_seal(r->envelope, cipher, plain, r->mem, &text) != RC_OK) {
		puts("?");
		return;
	}
	printf("ok %.*s\n", (int)text.len, text.ptr);
}

static void read_one(const struct reader *r, struct span text)
{
	if (strcmp(r->mode, "open") == 0)
		open_one(r, text);
	else if (strcmp(r->mode, "seal") == 0)
		seal_one(r, text);
	else
		put_rc(php_read_array(text, put_member, NULL));
}

/* The next record, in memory that has not a byte more; NULL behind the last one. */
static char *next_record(size_t *ret)
{
	unsigned char head[4];
	size_t size;
	char *bytes;

	if (fread(head, 1, sizeof(head), stdin) != sizeof(head))
		return NULL;
	size = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
	bytes = size <= RECORD_MAX ? malloc(size > 0 ? size : 1) : NULL;
	if (bytes == NULL || fread(bytes, 1, size, stdin) != size) {
		fprintf(stderr, "php_reader: a record is cut or too large\n");
		exit(1);
	}
	*ret = size;
	return bytes;
}

static int read_all(const struct reader *r)
{
	size_t size;
	char *bytes;

	while ((bytes = next_record(&size)) != NULL) {
		read_one(r, span_from(bytes, size));
		free(bytes);
		arena_reset(r->mem);
	}
	return fflush(stdout) == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	struct reader r = {.mode = argc > 1 ? argv[1] : ""};
	bool is_array = strcmp(r.mode, "array") == 0, is_seal = strcmp(r.mode, "seal") == 0;
	int status = 1;

	if (!(is_array    ? argc == 2
		: is_seal ? argc == 4
			  : strcmp(r.mode, "open") == 0 && argc > 2)) {
		fprintf(stderr, "usage: php_reader array|open KEY [PREVIOUS]|seal KEY cbc|gcm\n");
		return USAGE;
	}
	r.mem = arena_create(64 * KIB);
	if (is_seal)
		r.cipher = argv[3];
	if (!is_array)
		r.envelope = envelope_create(
		    span_of(argv[2]), is_seal || argc < 4 ? (struct span){0} : span_of(argv[3]));
	if (is_array || r.envelope != NULL)
		status = read_all(&r);
	else
		fprintf(stderr, "php_reader: that is no key\n");
	envelope_free(r.envelope);
	arena_free(r.mem);
	return status;
}
