/* The invariants. Each names what it found, so that a failing seed reads as a sentence. */
#include "world.h"

#include <string.h>

/* No address on two live containers, seen in the simulated Docker of all hosts. */
static void check_containers(world *w)
{
	const container *owner[ADDRESSES] = {0};

	for (int a = 0; a < HOSTS; a++) {
		for (size_t k = 0; k < w->agents[a].count; k++) {
			const container *c = &w->agents[a].containers[k];
			uint32_t slot = c->spec.address - 0x0a420002u;
			if (!c->exists || slot >= ADDRESSES)
				continue;
			if (owner[slot])
				world_fail(w, "address %u has two live containers", slot);
			owner[slot] = c;
		}
	}
}

typedef struct sums {
	world *w;
	const host_row *hosts[HOSTS];
	uint64_t memory[HOSTS];
	uint32_t cpu[HOSTS];
	size_t host_count;
	const instance_row *owner[ADDRESSES];
	size_t live, held;
} sums;

static void add_host(void *self, const host_row *h)
{
	sums *s = self;

	if (s->host_count < HOSTS)
		s->hosts[s->host_count++] = h;
}

static void add_instance(void *self, const instance_row *i)
{
	sums *s = self;
	uint32_t slot = sot_ip_v4(i->v4.address) - 0x0a420002u;

	if (i->state == INSTANCE_RETIRED) {
		if (!sot_uuid_is_zero(i->host_id) || !sot_ip_is_none(i->v4.address))
			world_fail(s->w, "%s is retired and still holds a host or an address", i->name);
		return;
	}
	s->live++;
	if ((i->desired == SOT_DESIRED_STATE_RETIRED) != (i->state == INSTANCE_RETIRING))
		world_fail(s->w, "%s is %s and shall be %s", i->name, instance_state_name(i->state),
		    desired_name(i->desired));
	if (i->state == INSTANCE_RUNNING &&
	    (sot_ip_is_none(i->v4.address) || sot_uuid_is_zero(i->host_id)))
		world_fail(s->w, "%s runs without a host or an address", i->name);
	if (slot < ADDRESSES) {
		if (s->owner[slot])
			world_fail(s->w, "%s and %s have one address", i->name, s->owner[slot]->name);
		s->owner[slot] = i;
		s->held++;
	}
	for (size_t k = 0; k < s->host_count; k++) {
		if (sot_uuid_eq(s->hosts[k]->id, i->host_id)) {
			s->memory[k] += i->memory_bytes;
			s->cpu[k] += i->cpu_milli;
		}
	}
}

static void check_rows(world *w, sums *s)
{
	*s = (sums){.w = w};
	store_model_each_host(w->store, add_host, s);
	store_model_each_instance(w->store, add_instance, s);
	for (size_t k = 0; k < s->host_count; k++) {
		const host_row *h = s->hosts[k];
		if (h->booked_memory_bytes != s->memory[k] || h->booked_cpu_milli != s->cpu[k])
			world_fail(w, "host %s has booked what its instances do not sum to", h->name);
		if (h->memory_bytes && h->booked_memory_bytes > h->memory_bytes)
			world_fail(w, "host %s is over its capacity", h->name);
	}
}

void check_always(world *w)
{
	sums s;

	check_containers(w);
	/* The rows change with commits only; every eighth step keeps 500 seeds quick. */
	if (sim_steps(w->s) % 8 == 0)
		check_rows(w, &s);
}

static void check_operations(world *w)
{
	for (size_t k = 0; k < w->request_count; k++) {
		const sent_request *r = &w->requests[k];
		if (!r->answered)
			world_fail(w, "request %zu was never answered", k + 1);
		if (!r->accepted)
			continue;
		const operation_row *o = store_model_operation(w->store, r->operation_id);
		if (!o)
			world_fail(w, "the operation of request %zu is lost", k + 1);
		else if (!operation_state_is_final(o->state))
			world_fail(w, "%s of %s never ended; it waits for: %s", operation_kind_name(o->kind),
			    o->target, o->waits_for);
	}
}

static void check_live_instance(void *self, const instance_row *i)
{
	world *w = self;
	size_t found = 0;

	if (i->state == INSTANCE_RETIRED)
		return;
	if (i->desired == SOT_DESIRED_STATE_RETIRED)
		world_fail(w, "%s never got retired: generation %llu, seen %llu, address %u, %s", i->name,
		    (unsigned long long)i->generation, (unsigned long long)i->observed_generation,
		    sot_ip_v4(i->v4.address), sot_uuid_is_zero(i->host_id) ? "on no host" : "on a host");
	for (int a = 0; a < HOSTS; a++) {
		for (size_t k = 0; k < w->agents[a].count; k++) {
			const container *c = &w->agents[a].containers[k];
			if (c->exists && sot_uuid_eq(c->instance_id, i->id))
				found++;
		}
	}
	if (found != 1)
		world_fail(w, "%s (%s) has %zu containers", i->name, instance_state_name(i->state), found);
}

void check_end(world *w)
{
	sums s;
	size_t held = 0, containers = 0;

	check_operations(w);
	check_rows(w, &s);
	store_model_each_instance(w->store, check_live_instance, w);
	for (size_t k = 0; k < ADDRESSES; k++)
		held += w->addresses[k].held;
	if (held != s.held)
		world_fail(w, "ipam holds %zu addresses, instances have %zu", held, s.held);
	for (int a = 0; a < HOSTS; a++) {
		for (size_t k = 0; k < w->agents[a].count; k++)
			containers += w->agents[a].containers[k].exists;
	}
	if (containers != s.live)
		world_fail(w, "%zu containers for %zu live instances", containers, s.live);
}
