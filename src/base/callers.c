#include "base/callers.h"

#include <stdatomic.h>

static void add(callers_counter *c, uint64_t n)
{
	atomic_store_explicit(
	    c, atomic_load_explicit(c, memory_order_relaxed) + n, memory_order_relaxed);
}

void callers_count(struct callers *callers, struct span name, size_t place, bool is_stranger)
{
	size_t used = atomic_load_explicit(&callers->used, memory_order_relaxed), i = 0;
	struct callers_row *row;

	if (name.len >= CALLERS_NAME)
		name.len = CALLERS_NAME - 1;
	while (i < used && !span_is(name, callers->rows[i].name))
		i++;
	if (i == used && used >= (is_stranger ? CALLERS_STRANGERS : CALLERS)) {
		add(&callers->others[place], 1);
		return;
	}
	row = &callers->rows[i];
	if (i == used) {
		memcpy(row->name, name.ptr, name.len);
		row->name[name.len] = '\0';
		atomic_store_explicit(&callers->used, used + 1, memory_order_release);
	}
	add(&row->counts[place], 1);
}

void callers_sum_init(struct callers_sum *sum)
{
	memset(sum, 0, sizeof(*sum));
	sum->count = 1;
}

static void add_all(struct callers_sum_row *row, const callers_counter *counts)
{
	for (size_t i = 0; i < CALLERS_PLACES; i++)
		row->counts[i] += atomic_load_explicit(&counts[i], memory_order_relaxed);
}

/* Its row, a new one if there is room; else the others'. */
static struct callers_sum_row *row_of(struct callers_sum *sum, const char *name)
{
	for (size_t i = 1; i < sum->count; i++)
		if (strcmp(sum->rows[i].name, name) == 0)
			return &sum->rows[i];
	if (sum->count > CALLERS_SUMMED)
		return &sum->rows[0];
	memcpy(sum->rows[sum->count].name, name, CALLERS_NAME);
	return &sum->rows[sum->count++];
}

void callers_sum_add(struct callers_sum *sum, const struct callers *callers)
{
	size_t used = atomic_load_explicit(&callers->used, memory_order_acquire);

	add_all(&sum->rows[0], callers->others);
	for (size_t i = 0; i < used; i++)
		add_all(row_of(sum, callers->rows[i].name), callers->rows[i].counts);
}
