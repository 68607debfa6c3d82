/* What Laravel stored for a session, in PHP's form or as JSON. */
#include "auth/session.h"

#include "base/bounds.h"
#include "fuzz.h"

#define KEY "base64:bkgUElLXiIUkpecaYf5V5/xP02j/QpK7q2NunE1EheA="

static enum rc read_text(
    struct span text, const struct envelope *envelope, struct arena *mem, struct session *ret)
{
	struct session_guards guards;
	enum rc rc;

	session_guards_read(SPAN_OF("web,user"), mem, &guards);
	FUZZ_CHECK(guards.count == 2);
	*ret = (struct session){.user_id = 1, .workspace_id = 2, .token = SPAN("untouched")};
	rc = session_read(text, envelope, &guards, mem, ret);
	FUZZ_CHECK(rc == RC_OK || rc == RC_INVALID);
	if (rc == RC_OK)
		FUZZ_CHECK(ret->user_id <= INT64_MAX && ret->workspace_id <= INT64_MAX);
	else
		FUZZ_CHECK(ret->user_id == 1 && ret->workspace_id == 2 &&
			   span_is(ret->token, "untouched"));
	return rc;
}

/* Encrypted where it is kept, it says the same. */
static void check_encrypted(struct span text, const struct session *plain, enum rc rc,
    const struct envelope *e, struct arena *mem)
{
	struct buf quoted = buf_in(mem, text.len + KIB),
		   sealed = buf_in(mem, 4 * text.len + 2 * KIB);
	struct session session;

	buf_putf(&quoted, "s:%zu:\"", text.len);
	buf_put(&quoted, text);
	buf_puts(&quoted, "\";");
	FUZZ_CHECK(envelope_seal(e, ENVELOPE_GCM, buf_span(&quoted), mem, &sealed) == RC_OK);
	FUZZ_CHECK(read_text(buf_span(&sealed), e, mem, &session) == rc);
	FUZZ_CHECK(
	    session.user_id == plain->user_id && session.workspace_id == plain->workspace_id);
	FUZZ_CHECK(span_eq(session.token, plain->token));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *mem = arena_create(4 * KIB);
	struct envelope *e = envelope_create(SPAN_OF(KEY), (struct span){0});
	struct span text = span_from((const char *)data, size);
	struct session plain, other;
	enum rc rc = read_text(text, NULL, mem, &plain);

	FUZZ_CHECK(e != NULL);
	(void)read_text(text, e, mem, &other);
	check_encrypted(text, &plain, rc, e, mem);
	envelope_free(e);
	arena_free(mem);
	return 0;
}
