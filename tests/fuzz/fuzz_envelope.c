/*
 * Laravel's envelopes.  The input is opened as it is; as the JSON in an
 * envelope; and as a list of changes, of three bytes each, to one that Laravel
 * has sealed.  Whatever opens, opens to what was sealed.
 */
#include "crypto/envelope.h"

#include <string.h>

#include "base/bounds.h"
#include "fuzz.h"
#include "text/base64.h"

#define KEY "base64:bkgUElLXiIUkpecaYf5V5/xP02j/QpK7q2NunE1EheA="
#define PLAIN "1677ffd2fa152d3c7dfcf4ce842937db14e755ff|k3Jd9sLq2WmX0vBn7RtY5uZc1AeFhGiOpQ4S6T8U"

static const struct {
	enum envelope_cipher cipher;
	const char *json;
} sealed[] = {
    {ENVELOPE_CBC,
	"{\"iv\":\"AAECAwQFBgcICQoLDA0ODw==\",\"value\":\"Z3Z+C8b5STab4/vWTe5PhVBVtmV"
	"vW3TE3tqBJNieYsMS2NCn6YnMUBWz7P+6/cDdxFJGM5QwA79rbYOS7X94AWBzKDgdLFXHxjygVMx"
	"s6ZyUvsrAkFzLJOv8umsjRnZz\",\"mac\":\"24aaf124ec335374fc1a4b17e94f31bf5db9d0"
	"947bccfa03f6adc840dc6e6ac8\",\"tag\":\"\"}"},
    {ENVELOPE_CBC,
	"{\"iv\":\"AAECAwQFBgcICQoLDA0ODw==\",\"value\":\"Z3Z+C8b5STab4\\/vWTe5PhVBVt"
	"mVvW3TE3tqBJNieYsMS2NCn6YnMUBWz7P+6\\/cDdxFJGM5QwA79rbYOS7X94AWBzKDgdLFXHxjy"
	"gVMxs6ZyUvsrAkFzLJOv8umsjRnZz\",\"mac\":\"24aaf124ec335374fc1a4b17e94f31bf5d"
	"b9d0947bccfa03f6adc840dc6e6ac8\"}"},
    {ENVELOPE_GCM,
	"{\"iv\":\"mdDEbx9xzawkfjDX\",\"value\":\"Jy7GydWVLiyFfuG5zfO5EvEwCwsfnVVgpps"
	"epx0A8pmRQhfWmRYL9OkJvHBzLVc8aQfTPKJ0YztqetNtGTEMTdAjLbof8daD+R0G9+p5j6aR\","
	"\"mac\":\"\",\"tag\":\"noCOkeEz+aaBiBkN5tMyDA==\"}"},
};

static void check_opened(const struct envelope_opened *opened)
{
	FUZZ_CHECK(span_is(opened->plain, PLAIN));
	FUZZ_CHECK(opened->plain.ptr[opened->plain.len] == '\0');
	FUZZ_CHECK(opened->key == 0);
}

static enum rc open_text(const struct envelope *e, struct span text, struct arena *mem)
{
	struct envelope_opened opened = {.key = 99};
	enum rc rc = envelope_open(e, text, mem, &opened);

	FUZZ_CHECK(rc == RC_OK || rc == RC_INVALID || rc == RC_DENIED);
	if (rc == RC_OK)
		check_opened(&opened);
	else
		FUZZ_CHECK(opened.key == 99);
	return rc;
}

static enum rc open_json(const struct envelope *e, struct span json, struct arena *mem)
{
	struct buf text = buf_in(mem, 2 * json.len + 8);

	base64_put(&text, json);
	return open_text(e, buf_span(&text), mem);
}

/* Each change: where (two bytes), and the byte that is put over it. */
static struct span change(struct span text, struct fuzz_input in, struct arena *mem)
{
	char *bytes = arena_bytes(mem, text.len);

	memcpy(bytes, text.ptr, text.len);
	while (in.left >= 3) {
		size_t at = (size_t)fuzz_byte(&in) << 8;

		at = (at | fuzz_byte(&in)) % text.len;
		bytes[at] = (char)fuzz_byte(&in);
	}
	return span_from(bytes, text.len);
}

static void check_changes(const struct envelope *e, struct fuzz_input in, struct arena *mem)
{
	for (size_t i = 0; i < sizeof(sealed) / sizeof(sealed[0]); i++) {
		struct span json = span_of(sealed[i].json);
		struct buf text = buf_in(mem, 2 * json.len + 8);

		base64_put(&text, json);
		FUZZ_CHECK(open_text(e, buf_span(&text), mem) == RC_OK);
		(void)open_json(e, change(json, in, mem), mem);
		(void)open_text(e, change(buf_span(&text), in, mem), mem);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *mem = arena_create(4 * KIB);
	struct span text = span_from((const char *)data, size);
	struct envelope *e = envelope_create(SPAN_OF(KEY), (struct span){0});
	struct envelope *none = envelope_create(text, (struct span){0});

	FUZZ_CHECK(e != NULL);
	FUZZ_CHECK(none == NULL || (span_starts(text, "base64:") && envelope_keys(none) == 1));
	envelope_free(none);
	(void)open_text(e, text, mem);
	(void)open_json(e, text, mem);
	check_changes(e, (struct fuzz_input){data, size}, mem);
	envelope_free(e);
	arena_free(mem);
	return 0;
}
