#include "gw_ring.h"

#include <stdlib.h>

struct gw_ring {
	size_t capacity, max_bytes, bytes;
	uint64_t first, last; /* both 0 when empty */
	gw_event *slots;      /* slot of number n: n % capacity */
};

gw_ring *gw_ring_new(size_t capacity, size_t max_bytes)
{
	gw_ring *r = sot_alloc(sizeof(*r));
	r->capacity = capacity;
	r->max_bytes = max_bytes;
	r->slots = sot_alloc_array(capacity, sizeof(*r->slots));
	return r;
}

static gw_event *slot_of(const gw_ring *r, uint64_t number)
{
	return &r->slots[number % r->capacity];
}

static void drop_first(gw_ring *r)
{
	gw_event *e = slot_of(r, r->first);
	r->bytes -= e->sse.n;
	free((char *)(uintptr_t)e->sse.p);
	*e = (gw_event){0};
	if (r->first == r->last)
		r->first = r->last = 0;
	else
		r->first++;
}

void gw_ring_reset(gw_ring *r)
{
	while (r->last != 0)
		drop_first(r);
}

gw_ring *gw_ring_free(gw_ring *r)
{
	if (r == NULL)
		return NULL;
	gw_ring_reset(r);
	free(r->slots);
	free(r);
	return NULL;
}

void gw_ring_push(gw_ring *r, uint64_t number, sot_uuid operation_id, sot_str sse)
{
	if (r->last != 0 && number != r->last + 1)
		gw_ring_reset(r);
	if (r->last != 0 && r->last - r->first + 1 == r->capacity)
		drop_first(r);
	*slot_of(r, number) = (gw_event){number, operation_id, (sot_str){sot_strndup(sse), sse.n}};
	r->bytes += sse.n;
	r->last = number;
	if (r->first == 0)
		r->first = number;
	while (r->bytes > r->max_bytes && r->first != r->last)
		drop_first(r);
}

uint64_t gw_ring_last(const gw_ring *r)
{
	return r->last;
}

uint64_t gw_ring_first(const gw_ring *r)
{
	return r->first;
}

const gw_event *gw_ring_get(const gw_ring *r, uint64_t number)
{
	if (number == 0 || number < r->first || number > r->last)
		return NULL;
	return slot_of(r, number);
}
