#include "auth/bearer.h"

#include "base/bounds.h"
#include "base/now.h"
#include "base/num.h"
#include "crypto/digest.h"
#include "text/json.h"

/* The ability that a token must have, unless it has all of them. */
static const char ability[] = "whatsapp-accounts";

/* A column that the application may not have is found in `absent`, as NULL (standing.c). */
#define EXPIRES_AT \
	"(SELECT (SELECT expires_at FROM personal_access_tokens AS inner_t WHERE inner_t.id = t.id)" \
	" FROM (SELECT NULL AS expires_at) AS absent)"
#define DELETED_AT \
	"(SELECT (SELECT deleted_at FROM workspace_api_keys AS inner_k WHERE inner_k.id = k.id)" \
	" FROM (SELECT NULL AS deleted_at) AS absent)"
#define TOKEN(condition) \
	"SELECT t.token, t.tokenable_type, t.tokenable_id, t.abilities, " EXPIRES_AT \
	", t.id FROM personal_access_tokens AS t WHERE " condition

enum { BY_ID, BY_HASH, BY_KEY };

static const struct db_statement statements[] = {
    [BY_ID] = {"token.by_id", TOKEN("t.id = ?"), "ssustu", DB_READ | DB_OPTIONAL},
    [BY_HASH] = {"token.by_hash", TOKEN("t.token = ?"), "ssustu", DB_READ | DB_OPTIONAL},
    [BY_KEY] = {"workspace_key.find",
	"SELECT k.token, k.workspace_id, COALESCE((SELECT created_by FROM workspaces"
	" WHERE id = k.workspace_id), 0) FROM workspace_api_keys AS k WHERE k.token = ?"
	" AND " DELETED_AT " IS NULL",
	"suu", DB_READ | DB_OPTIONAL},
};

struct span bearer_token(struct span authorization)
{
	static const char scheme[] = "Bearer";
	size_t len = strlen(scheme);

	authorization = span_trim(authorization);
	if (authorization.len < len ||
	    !span_eq_nocase(span_from(authorization.ptr, len), span_of(scheme)) ||
	    (authorization.len > len && authorization.ptr[len] != ' '))
		return (struct span){0};
	return span_trim(span_from(authorization.ptr + len, authorization.len - len));
}

/* Visible ASCII; anything else would be the database's to judge. */
static bool is_plain(struct span token)
{
	for (size_t i = 0; i < token.len; i++)
		if (token.ptr[i] <= ' ' || token.ptr[i] > '~')
			return false;
	return token.len > 0 && token.len <= BOUND_TOKEN;
}

static enum rc deny(enum refusal refusal, enum refusal *reterr)
{
	*reterr = refusal;
	return RC_DENIED;
}

static bool is_able(struct span abilities)
{
	const char *error;
	json_t *list, *one;
	bool able = false;
	size_t i;

	if (json_read(abilities, &list, &error) != RC_OK)
		return false;
	if (json_is_array(list))
		json_array_foreach(list, i, one) able =
		    able || span_is(json_text(one), "*") || span_is(json_text(one), ability);
	json_decref(list);
	return able;
}

/* Sanctum: "ID|SECRET", or the secret alone; the table has its SHA-256. */
static enum rc open_token(const struct bearer_options *b, struct db *db, struct arena *mem,
    struct span token, int64_t now_us, struct bearer_holder *ret, enum refusal *reterr)
{
	struct span secret = token, id_text;
	char hash[DIGEST_SHA256_HEX];
	struct db_value row[6];
	uint64_t id = 0;
	bool has_id = memchr(token.ptr, '|', token.len) != NULL && span_cut(&secret, '|', &id_text);
	enum rc rc;

	if (secret.len == 0 || (has_id && (!num_u64(id_text, &id) || id == 0)))
		return deny(REFUSED_BAD_TOKEN, reterr);
	if (digest_sha256_hex(secret, hash) != RC_OK)
		return RC_INTERNAL;
	rc = has_id ? db_one(db, &statements[BY_ID], DB_IN(db_u(id)), mem, row)
		    : db_one(db, &statements[BY_HASH], DB_IN(db_s(span_from(hash, sizeof(hash)))),
			  mem, row);
	if (rc != RC_OK)
		return rc == RC_NOT_FOUND ? deny(REFUSED_BAD_TOKEN, reterr) : rc;
	if (!digest_equal(row[0].s, span_from(hash, sizeof(hash))) ||
	    !span_eq(row[1].s, b->user_model) || row[2].u == 0)
		return deny(REFUSED_BAD_TOKEN, reterr);
	if (row[4].i != TIME_NONE && row[4].i <= now_us)
		return deny(REFUSED_TOKEN_EXPIRED, reterr);
	if (!is_able(row[3].s))
		return deny(REFUSED_ABILITY, reterr);
	*ret = (struct bearer_holder){.user_id = row[2].u, .token_id = row[5].u};
	return RC_OK;
}

struct key_search {
	struct span token;
	struct bearer_holder found;
};

/* The column's collation may find others: only the same bytes are the same key. */
static enum rc compare_key(void *ctx, const struct db_value *row)
{
	struct key_search *search = ctx;

	if (digest_equal(row[0].s, search->token))
		search->found =
		    (struct bearer_holder){.user_id = row[2].u, .workspace_id = row[1].u};
	return RC_OK;
}

enum rc bearer_open(const struct bearer_options *b, struct db *db, struct arena *mem,
    struct span token, int64_t now_us, struct bearer_holder *ret, enum refusal *reterr)
{
	struct key_search search = {.token = token};
	enum rc rc = RC_OK;

	if (!is_plain(token))
		return deny(REFUSED_BAD_TOKEN, reterr);
	if (b->workspace_keys)
		rc =
		    db_each(db, &statements[BY_KEY], DB_IN(db_s(token)), mem, compare_key, &search);
	if (rc != RC_OK && rc != RC_NOT_FOUND)
		return rc;
	if (search.found.workspace_id == 0)
		return open_token(b, db, mem, token, now_us, ret, reterr);
	*ret = search.found;
	return RC_OK;
}
