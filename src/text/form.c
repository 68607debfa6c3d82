#include "text/form.h"

#include "base/bounds.h"
#include "text/percent.h"

bool form_next(struct span *form, struct arena *mem, struct span *name, struct span *value)
{
	struct span pair, key;

	while (span_cut(form, '&', &pair)) {
		if (!span_cut(&pair, '=', &key) || key.len == 0)
			continue;
		*name = percent_decode(key, PERCENT_FORM, mem);
		*value = pair.ptr != NULL ? percent_decode(pair, PERCENT_FORM, mem) : SPAN_OF("");
		return true;
	}
	return false;
}

bool form_field(struct span form, const char *name, struct arena *mem, struct span *ret)
{
	struct span key, value, found = {0};

	for (int n = 0; n < BOUND_QUERY_FIELDS && form_next(&form, mem, &key, &value); n++)
		if (span_is(key, name))
			found = value;
	if (found.ptr == NULL)
		return false;
	*ret = found;
	return true;
}
