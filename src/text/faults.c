#include "text/faults.h"

#include "base/bounds.h"
#include "text/json.h"

void faults_init(struct faults *faults, struct arena *mem)
{
	*faults = (struct faults){.mem = mem};
	faults->end = &faults->first;
}

static void add(struct faults *faults, const char *field, const char *before, const char *after)
{
	struct fault *fault = arena_alloc(faults->mem, sizeof(*fault));
	struct buf text = buf_in(faults->mem, KIB);

	buf_puts(&text, before);
	for (const char *c = field; *c != '\0'; c++)
		buf_putc(&text, *c == '_' ? ' ' : *c);
	buf_putc(&text, ' ');
	buf_puts(&text, after);
	fault->field = field;
	fault->message = buf_span(&text);
	*faults->end = fault;
	faults->end = &fault->next;
}

void faults_add(struct faults *faults, const char *field, const char *rest)
{
	add(faults, field, "The ", rest);
}

void faults_add_selected(struct faults *faults, const char *field)
{
	add(faults, field, "The selected ", "is invalid.");
}

void faults_put_json(const struct faults *faults, struct buf *b)
{
	const char *field = NULL;

	buf_putc(b, '{');
	for (const struct fault *f = faults->first; f != NULL; f = f->next) {
		if (field == NULL || strcmp(field, f->field) != 0) {
			if (field != NULL)
				buf_puts(b, "]");
			json_put_key(b, f->field);
			buf_putc(b, '[');
		} else {
			buf_putc(b, ',');
		}
		field = f->field;
		json_put_string(b, f->message);
	}
	buf_puts(b, field != NULL ? "]}" : "}");
}
