#include "page/vite.h"

#include "base/bounds.h"
#include "base/num.h"
#include "text/html.h"
#include "text/json.h"
#include "text/utf8.h"

/* A chunk that was come to; `open`: what it imports is being looked at. */
struct chunk {
	const char *key;
	bool open;
};

struct walk {
	json_t *manifest;
	struct span assets;
	struct arena *mem;
	struct chunk chunks[BOUND_CHUNKS];
	size_t chunk_count;
	struct span sheets[BOUND_CHUNKS];
	size_t sheet_count;
	struct buf sheet_tags, preload_tags;
	struct span *reterr;
};

/* `name` is the manifest's, and may be anything, or absent; it stands for the '%' of `what`. */
static enum rc refuse(struct walk *w, const char *what, struct span name)
{
	struct span rest = span_of(what), part;
	struct buf b = buf_in(w->mem, KIB);

	(void)span_cut(&rest, '%', &part);
	buf_put(&b, part);
	if (rest.ptr != NULL) {
		buf_putc(&b, '"');
		utf8_put_line(&b, name.ptr != NULL ? name : SPAN_OF(""), 128);
		buf_putc(&b, '"');
		buf_put(&b, rest);
	}
	*w->reterr = buf_span(&b);
	return RC_INVALID;
}

static bool is_segment(struct span segment)
{
	for (size_t i = 0; i < segment.len; i++) {
		char c = segment.ptr[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !num_is_digit(c) &&
		    memchr("._-~@+", c, 6) == NULL)
			return false;
	}
	return segment.len > 0 && !span_is(segment, ".") && !span_is(segment, "..");
}

/* Below the assets' URL, whatever it is resolved against, and of the kind that is expected. */
static bool is_file_name(struct span name, const char *suffix)
{
	size_t len = strlen(suffix);
	struct span rest = name, segment;

	if (name.len <= len || name.len > BOUND_ASSET_NAME ||
	    memcmp(name.ptr + name.len - len, suffix, len) != 0)
		return false;
	while (span_cut(&rest, '/', &segment))
		if (!is_segment(segment))
			return false;
	return true;
}

static void put_tag(
    const struct walk *w, struct buf *b, const char *before, struct span file, const char *behind)
{
	buf_puts(b, before);
	html_put(b, w->assets);
	html_put(b, file);
	buf_puts(b, behind);
}

static enum rc add_sheet(struct walk *w, const json_t *value)
{
	struct span file = json_text(value);

	if (!is_file_name(file, ".css"))
		return refuse(w, "its stylesheet % is no name of a built .css file", file);
	for (size_t i = 0; i < w->sheet_count; i++)
		if (span_eq(w->sheets[i], file))
			return RC_OK;
	if (w->sheet_count == BOUND_CHUNKS)
		return refuse(w, "its stylesheet % is one too many", file);
	w->sheets[w->sheet_count++] = file;
	put_tag(w, &w->sheet_tags, "<link rel=\"stylesheet\" href=\"", file, "\">\n");
	return RC_OK;
}

static enum rc visit(struct walk *w, const char *key, bool is_entry);

static enum rc add_import(struct walk *w, const json_t *value)
{
	struct span key = json_text(value);

	return key.ptr != NULL ? visit(w, key.ptr, false)
			       : refuse(w, "it imports what is no name of a chunk", key);
}

/* Each item of a chunk's list; a list that is not there is empty. */
static enum rc each(struct walk *w, const json_t *chunk, const char *list,
    enum rc (*fn)(struct walk *w, const json_t *value))
{
	const json_t *items = json_object_get(chunk, list);
	enum rc rc = RC_OK;

	if (items != NULL && !json_is_array(items))
		return refuse(w, "its member % is no list", span_of(list));
	for (size_t i = 0; i < json_array_size(items) && rc == RC_OK; i++)
		rc = fn(w, json_array_get(items, i));
	return rc;
}

/* What a chunk needs comes before it, as in the pages that Vite makes: the later style wins. */
static enum rc visit_inside(struct walk *w, const json_t *chunk, bool is_entry)
{
	struct span file = json_text(json_object_get(chunk, "file"));
	enum rc rc;

	if (!is_file_name(file, ".js"))
		return refuse(w, "its file % is no name of a built .js file", file);
	rc = each(w, chunk, "imports", add_import);
	if (rc == RC_OK)
		rc = each(w, chunk, "css", add_sheet);
	if (rc == RC_OK && !is_entry)
		put_tag(w, &w->preload_tags, "<link rel=\"modulepreload\" href=\"", file, "\">\n");
	return rc;
}

static enum rc visit(struct walk *w, const char *key, bool is_entry)
{
	const json_t *chunk = json_object_get(w->manifest, key);
	struct chunk *here;
	enum rc rc;

	for (size_t i = 0; i < w->chunk_count; i++)
		if (strcmp(w->chunks[i].key, key) == 0)
			return w->chunks[i].open
				   ? refuse(w, "its chunk % imports itself, by way of others",
					 span_of(key))
				   : RC_OK;
	if (!json_is_object(chunk))
		return refuse(w, "it imports %, which it does not have", span_of(key));
	if (w->chunk_count == BOUND_CHUNKS)
		return refuse(w, "its chunk % is one too many", span_of(key));
	here = &w->chunks[w->chunk_count++];
	*here = (struct chunk){key, true};
	rc = visit_inside(w, chunk, is_entry);
	here->open = false;
	return rc;
}

/* NULL: there is none, or more than one; *rc says so. */
static const char *find_entry(struct walk *w, enum rc *rc)
{
	const char *key, *entry = NULL;
	json_t *chunk;

	*rc = RC_OK;
	json_object_foreach(w->manifest, key, chunk)
	{
		if (!json_is_true(json_object_get(chunk, "isEntry")))
			continue;
		if (entry != NULL) {
			*rc = refuse(w, "it has a second entry, %; the page has one", span_of(key));
			return NULL;
		}
		entry = key;
	}
	if (entry == NULL)
		*rc = refuse(
		    w, "it has no entry: build the page with a script as its input", SPAN_OF(""));
	return entry;
}

static enum rc put_tags(struct walk *w, struct buf *b)
{
	struct span file;
	const char *entry;
	enum rc rc;

	if (!json_is_object(w->manifest))
		return refuse(w, "it is no manifest of Vite's: no JSON object", SPAN_OF(""));
	entry = find_entry(w, &rc);
	if (entry != NULL)
		rc = visit(w, entry, true);
	if (rc != RC_OK)
		return rc;
	file = json_text(json_object_get(json_object_get(w->manifest, entry), "file"));
	if (w->sheet_tags.failed || w->preload_tags.failed)
		return refuse(w, "its tags are too long", SPAN_OF(""));
	buf_put(b, buf_span(&w->sheet_tags));
	buf_put(b, buf_span(&w->preload_tags));
	put_tag(w, b, "<script type=\"module\" src=\"", file, "\"></script>");
	return RC_OK;
}

enum rc vite_put_tags(
    struct span manifest, struct span assets, struct arena *mem, struct buf *b, struct span *reterr)
{
	struct walk *w = arena_alloc(mem, sizeof(*w));
	const char *fault;
	enum rc rc;

	w->assets = assets;
	w->mem = mem;
	w->sheet_tags = buf_in(mem, BOUND_ASSET_TAGS);
	w->preload_tags = buf_in(mem, BOUND_ASSET_TAGS);
	w->reterr = reterr;
	if (json_read(manifest, &w->manifest, &fault) != RC_OK)
		return refuse(w, "it is no JSON that can be read", SPAN_OF(""));
	rc = put_tags(w, b);
	json_decref(w->manifest);
	return rc;
}
