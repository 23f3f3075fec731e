#include "operation_book.h"

#include "sot_map.h"

#include <stdlib.h>
#include <string.h>

typedef struct record {
	sot_link by_age;
	sot_uuid id;
	int64_t first_unix_ms;
	operation_steps steps;
} record;

struct operation_book {
	sot_map *records;
	sot_link by_age; /* oldest first */
	size_t operations_max;
};

int64_t operation_begin_unix_ms(sot_uuid operation_id, int64_t fallback_unix_ms)
{
	const uint8_t *b = operation_id.b;
	int64_t unix_ms = 0;
	for (size_t i = 0; i < 6; i++)
		unix_ms = unix_ms << 8 | b[i];
	bool is_v7 = b[6] >> 4 == 7;
	return is_v7 && unix_ms < fallback_unix_ms ? unix_ms : fallback_unix_ms;
}

operation_book *operation_book_new(size_t operations_max)
{
	operation_book *b = sot_alloc(sizeof(*b));
	b->records = sot_map_new();
	b->operations_max = operations_max;
	sot_list_init(&b->by_age);
	return b;
}

static operation_steps forget(operation_book *b, record *r)
{
	operation_steps steps = r->steps;
	(void)sot_map_remove_uuid(b->records, r->id);
	sot_list_remove(&r->by_age);
	free(r);
	return steps;
}

static record *oldest(operation_book *b)
{
	return SOT_CONTAINER(b->by_age.next, record, by_age);
}

operation_book *operation_book_free(operation_book *b)
{
	if (!b)
		return NULL;
	while (!sot_list_empty(&b->by_age))
		free(forget(b, oldest(b)).items);
	sot_map_free(b->records);
	free(b);
	return NULL;
}

size_t operation_book_count(const operation_book *b)
{
	return sot_map_count(b->records);
}

static record *find_or_make(operation_book *b, sot_uuid id, int64_t at_unix_ms)
{
	record *r = sot_map_get_uuid(b->records, id);
	if (r)
		return r;
	if (sot_map_count(b->records) >= b->operations_max)
		free(forget(b, oldest(b)).items);
	r = sot_alloc(sizeof(*r));
	r->id = id;
	r->first_unix_ms = operation_begin_unix_ms(id, at_unix_ms);
	sot_list_push(&b->by_age, &r->by_age);
	(void)sot_map_set_uuid(b->records, id, r);
	return r;
}

static void copy_text(char *dst, size_t size, sot_str s)
{
	size_t n = s.n < size ? s.n : size - 1;
	memcpy(dst, s.p ? s.p : "", n);
	dst[n] = '\0';
}

/* When the instance's last step ended: the begin of the next. */
static int64_t last_change_of(const record *r, sot_str instance)
{
	for (size_t i = r->steps.count; i > 0; i--) {
		if (sot_str_eq_c(instance, r->steps.items[i - 1].instance))
			return r->steps.items[i - 1].until_unix_ms;
	}
	return r->first_unix_ms;
}

void operation_book_note(operation_book *b, sot_uuid operation_id, sot_str instance,
    sot_str old_state, sot_str new_state, int64_t at_unix_ms)
{
	record *r = find_or_make(b, operation_id, at_unix_ms);
	operation_steps *steps = &r->steps;
	if (steps->count == OPERATION_STEPS_MAX) {
		steps->left_out++;
		return;
	}
	int64_t from_unix_ms = last_change_of(r, instance);
	steps->items =
	    sot_grow_array(steps->items, steps->count, steps->count + 1, sizeof(*steps->items));
	operation_step *step = &steps->items[steps->count++];
	copy_text(step->instance, sizeof(step->instance), instance);
	copy_text(step->state, sizeof(step->state), old_state);
	step->from_unix_ms = from_unix_ms;
	step->until_unix_ms = at_unix_ms > from_unix_ms ? at_unix_ms : from_unix_ms;
	step->failed = sot_str_eq_c(new_state, "failed");
}

operation_steps operation_book_take(operation_book *b, sot_uuid operation_id)
{
	record *r = sot_map_get_uuid(b->records, operation_id);
	return r ? forget(b, r) : (operation_steps){NULL, 0, 0};
}
