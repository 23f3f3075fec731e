#include "sim.h"

#include <stdlib.h>
#include <string.h>

#define WALL_START_UNIX_MS 1767225600000

typedef struct event {
	int64_t at_ms;
	uint64_t order;
	sim_fn fn;
	void *self;
	char *data;
	size_t n;
} event;

struct sim {
	sot_rand rand;
	int64_t now_ms;
	uint64_t next_order, steps;
	event *heap;
	size_t count, cap;
};

struct sim_link {
	sim *s;
	const sim_faults *faults;
	sim_fn deliver;
	void *self;
	int64_t last_ms; /* arrival of the last message that keeps the order */
	uint64_t life;   /* messages of an earlier life are lost */
	bool cut;
};

sim *sim_new(uint64_t seed)
{
	sim *s = sot_alloc(sizeof(*s));

	sot_rand_seed(&s->rand, seed);
	s->now_ms = 1000;
	return s;
}

sim *sim_free(sim *s)
{
	if (!s)
		return NULL;
	for (size_t i = 0; i < s->count; i++)
		free(s->heap[i].data);
	free(s->heap);
	free(s);
	return NULL;
}

sot_mono sim_now(const sim *s)
{
	return (sot_mono){s->now_ms};
}

sot_wall sim_wall(const sim *s)
{
	return (sot_wall){WALL_START_UNIX_MS + s->now_ms};
}

uint64_t sim_below(sim *s, uint64_t n)
{
	return sot_rand_below(&s->rand, n);
}

bool sim_chance(sim *s, unsigned permille)
{
	return permille > 0 && sot_rand_below(&s->rand, 1000) < permille;
}

static bool earlier(const event *a, const event *b)
{
	return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
}

static void swap(event *a, event *b)
{
	event t = *a;

	*a = *b;
	*b = t;
}

void sim_after(sim *s, int64_t delay_ms, sim_fn fn, void *self, sot_str data)
{
	if (s->count == s->cap) {
		size_t cap = s->cap ? s->cap * 2 : 64;
		s->heap = sot_grow_array(s->heap, s->cap, cap, sizeof(event));
		s->cap = cap;
	}
	s->heap[s->count] = (event){
	    s->now_ms + delay_ms, s->next_order++, fn, self, data.n ? sot_alloc(data.n) : NULL, data.n};
	if (data.n)
		memcpy(s->heap[s->count].data, data.p, data.n);
	for (size_t i = s->count++; i > 0 && earlier(&s->heap[i], &s->heap[(i - 1) / 2]);
	     i = (i - 1) / 2)
		swap(&s->heap[i], &s->heap[(i - 1) / 2]);
}

static event pop(sim *s)
{
	event top = s->heap[0];
	size_t i = 0;

	s->heap[0] = s->heap[--s->count];
	for (;;) {
		size_t least = i, left = 2 * i + 1, right = left + 1;
		if (left < s->count && earlier(&s->heap[left], &s->heap[least]))
			least = left;
		if (right < s->count && earlier(&s->heap[right], &s->heap[least]))
			least = right;
		if (least == i)
			return top;
		swap(&s->heap[i], &s->heap[least]);
		i = least;
	}
}

bool sim_step(sim *s)
{
	if (s->count == 0)
		return false;
	event e = pop(s);
	s->now_ms = e.at_ms;
	s->steps++;
	e.fn(e.self, (sot_str){e.data, e.n});
	free(e.data);
	return true;
}

uint64_t sim_steps(const sim *s)
{
	return s->steps;
}

/* ---- links ---- */

sim_link *sim_link_new(sim *s, const sim_faults *faults, sim_fn deliver, void *self)
{
	sim_link *l = sot_alloc(sizeof(*l));

	*l = (sim_link){.s = s, .faults = faults, .deliver = deliver, .self = self};
	return l;
}

sim_link *sim_link_free(sim_link *l)
{
	free(l);
	return NULL;
}

/* The message's first 8 bytes are the life of the link that sent it. */
static void arrive(void *self, sot_str data)
{
	sim_link *l = self;
	uint64_t life;

	memcpy(&life, data.p, sizeof(life));
	if (life == l->life)
		l->deliver(l->self, (sot_str){data.p + sizeof(life), data.n - sizeof(life)});
}

static void send_once(sim_link *l, sot_str framed)
{
	const sim_faults *f = l->faults;
	uint64_t range = (uint64_t)(f->delay_max_ms - f->delay_min_ms) + 1;
	int64_t at = l->s->now_ms + f->delay_min_ms + (int64_t)sim_below(l->s, range);

	if (!sim_chance(l->s, f->reorder_permille)) {
		at = at > l->last_ms ? at : l->last_ms;
		l->last_ms = at;
	}
	sim_after(l->s, at - l->s->now_ms, arrive, l, framed);
}

void sim_link_send(sim_link *l, sot_str frame)
{
	if (l->cut || sim_chance(l->s, l->faults->drop_permille))
		return;
	char *framed = sot_alloc(sizeof(l->life) + frame.n);
	memcpy(framed, &l->life, sizeof(l->life));
	if (frame.n > 0)
		memcpy(framed + sizeof(l->life), frame.p, frame.n);
	sot_str s = {framed, sizeof(l->life) + frame.n};
	send_once(l, s);
	if (sim_chance(l->s, l->faults->duplicate_permille))
		send_once(l, s);
	free(framed);
}

void sim_link_cut(sim_link *l, bool cut)
{
	l->cut = cut;
}

void sim_link_reset(sim_link *l)
{
	l->life++;
	l->last_ms = l->s->now_ms;
}
