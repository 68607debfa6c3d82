#include "input.h"

#include "base/num.h"
#include "text/form.h"

void input_query_number(
    struct call *call, const char *field, uint64_t min, struct faults *faults, uint64_t *ret)
{
	struct span text;
	uint64_t number;

	if (!form_field(call->request.query, field, call->mem, &text) || text.len == 0)
		return;
	if (!num_u64(text, &number) || number > INT64_MAX)
		faults_add(faults, field, "field must be an integer.");
	else if (number < min)
		faults_add(faults, field, "field must be at least 1.");
	else
		*ret = number;
}
