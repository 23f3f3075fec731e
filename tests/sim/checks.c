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
			uint32_t slot;
			slot = c->bound - 0x0a420002u;
			if (!c->running || slot >= ADDRESSES)
				continue;
			if (owner[slot])
				world_fail(w, "address %u has two live containers", slot);
			owner[slot] = c;
		}
	}
}

/* New instances that their agent was told to start and has not made: at most as many as may be in
 * flight. Those with a later generation were moved or given another address; what is older than
 * half the deadline may have given its slot back. */
static bool is_first_start(const world *w, const container *c)
{
	return c->spec.desired == SOT_DESIRED_STATE_RUNNING && !c->exists && !c->has_waited &&
	       c->spec.generation == 1 && (!w->backup.is_back || c->told_ms > w->backup.back_ms) &&
	       sim_now(w->s).ms - c->told_ms < START_DEADLINE_MS / 2;
}

/* A machine that died has given its slots back when it is called lost; what it was told before, it
 * starts only after it has heard that it still shall. */
static bool starts_something(const agent *a)
{
	return !a->dead && a->may_start;
}

static void check_starts(world *w)
{
	size_t all = 0;

	for (int a = 0; a < HOSTS; a++) {
		size_t n = 0;
		for (size_t k = 0; k < w->agents[a].count && starts_something(&w->agents[a]); k++)
			n += is_first_start(w, &w->agents[a].containers[k]);
		if (n > STARTS_PER_HOST)
			world_fail(w, "%zu instances start on host %d, %d may", n, a, STARTS_PER_HOST);
		all += n;
	}
	if (all > STARTS_IN_ALL)
		world_fail(w, "%zu instances start, %d may", all, STARTS_IN_ALL);
}

typedef struct sums {
	world *w;
	const host_row *hosts[HOSTS];
	uint64_t memory[HOSTS];
	uint32_t cpu[HOSTS];
	size_t host_count;
	const instance_row *owner[ADDRESSES];
	size_t held;
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

	if (sot_uuid_eq(i->moving_to, i->host_id) && !sot_uuid_is_zero(i->host_id))
		world_fail(s->w, "%s moves to the host that it is on", i->name);
	if (i->state == INSTANCE_RETIRED) {
		if (!sot_uuid_is_zero(i->host_id) || !sot_ip_is_none(i->v4.address))
			world_fail(s->w, "%s is retired and still holds a host or an address", i->name);
		return;
	}
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
		if (sot_uuid_eq(s->hosts[k]->id, i->host_id) ||
		    sot_uuid_eq(s->hosts[k]->id, i->moving_to)) {
			if (s->hosts[k]->duty == DUTY_MAINTENANCE)
				world_fail(
				    s->w, "%s stands on %s, which is in maintenance", i->name, s->hosts[k]->name);
			s->memory[k] += i->make->memory_bytes;
			s->cpu[k] += i->make->cpu_milli;
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
			world_fail(w, "host %s has booked %u/%llu, its instances sum to %u/%llu", h->name,
			    h->booked_cpu_milli, (unsigned long long)h->booked_memory_bytes, s->cpu[k],
			    (unsigned long long)s->memory[k]);
		if (h->memory_bytes && h->booked_memory_bytes > h->memory_bytes)
			world_fail(w, "host %s is over its capacity", h->name);
	}
}

/* Nothing is taken from a host whose agent alone died. One that is cut off, and runs nothing that
 * answers, cannot be told from a dead one. */
static void check_departure(void *self, const departure_row *d)
{
	world *w = self;

	for (int a = 0; a < HOSTS; a++) {
		if (sot_uuid_eq(w->agents[a].host_id, d->host_id) && w->agents[a].deaths == 0 &&
		    w->agents[a].cut_off_until_ms == 0)
			world_fail(w, "%s was taken from a host that was there all the time", d->name);
	}
}

void check_always(world *w)
{
	sums s;

	check_containers(w);
	check_starts(w);
	/* The rows change with commits only; every eighth step keeps it quick. */
	if (sim_steps(w->s) % 8 == 0) {
		check_rows(w, &s);
		store_model_each_departure(w->store, check_departure, w);
	}
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

/* The children of a bulk operation, counted anew. */
typedef struct family {
	const operation_row *parent;
	children_row n;
} family;

static void count_child(void *self, const operation_row *o)
{
	family *f = self;

	if (!sot_uuid_eq(o->parent_id, f->parent->id))
		return;
	f->n.total++;
	f->n.done += o->state == OPERATION_DONE;
	f->n.failed += o->state == OPERATION_FAILED;
	f->n.cancelled += o->state == OPERATION_CANCELLED;
}

static void check_parent(void *self, const operation_row *o)
{
	world *w = self;
	family f = {.parent = o};
	const children_row *n = &o->children;

	if (!operation_kind_is_bulk(o->kind))
		return;
	store_model_each_operation(w->store, count_child, &f);
	if (f.n.total != n->total || f.n.done != n->done || f.n.failed != n->failed ||
	    f.n.cancelled != n->cancelled)
		world_fail(w, "%s of %s counts other children than it has", operation_kind_name(o->kind),
		    o->target);
	if (operation_state_is_final(o->state) && n->done + n->failed + n->cancelled != n->total)
		world_fail(
		    w, "%s of %s ended before its children", operation_kind_name(o->kind), o->target);
	if (o->state == OPERATION_DONE && n->done != n->total)
		world_fail(
		    w, "%s of %s is done and not all of it is", operation_kind_name(o->kind), o->target);
}

/* Containers of an instance. An unknown one, which a restored database has elsewhere, stands for it
 * while it runs with its address: nobody starts another. Else it is told of and left alone. */
static size_t count_containers(const world *w, const instance_row *i)
{
	size_t known = 0, unknown = 0;

	for (int a = 0; a < HOSTS; a++) {
		for (size_t k = 0; k < w->agents[a].count; k++) {
			const container *c = &w->agents[a].containers[k];
			if (!c->exists || !sot_uuid_eq(c->instance_id, i->id))
				continue;
			known += !c->is_unknown;
			unknown += c->is_unknown && c->running && c->bound == sot_ip_v4(i->v4.address);
		}
	}
	return known > 0 ? known : unknown;
}

static void check_live_instance(void *self, const instance_row *i)
{
	world *w = self;
	size_t found = count_containers(w, i);

	if (i->state == INSTANCE_RETIRED)
		return;
	if (i->desired == SOT_DESIRED_STATE_RETIRED)
		world_fail(w, "%s never got retired: generation %llu, seen %llu, address %u, %s", i->name,
		    (unsigned long long)i->generation, (unsigned long long)i->observed_generation,
		    sot_ip_v4(i->v4.address), sot_uuid_is_zero(i->host_id) ? "on no host" : "on a host");
	if (found != 1)
		world_fail(w, "%s (%s) has %zu containers", i->name, instance_state_name(i->state), found);
}

typedef struct of_row {
	sot_uuid id;
	bool is_live;
} of_row;

static void look_for_row(void *self, const instance_row *i)
{
	of_row *o = self;

	o->is_live |= i->state != INSTANCE_RETIRED && sot_uuid_eq(o->id, i->id);
}

static void check_known_containers(world *w, const agent *a)
{
	for (size_t k = 0; k < a->count; k++) {
		of_row o = {.id = a->containers[k].instance_id};
		if (!a->containers[k].exists || a->containers[k].is_unknown)
			continue;
		store_model_each_instance(w->store, look_for_row, &o);
		if (!o.is_live)
			world_fail(w, "host %d has a container of an instance that is not live", a->number);
	}
}

void check_end(world *w)
{
	sums s;
	size_t held = 0;

	check_operations(w);
	store_model_each_operation(w->store, check_parent, w);
	check_rows(w, &s);
	store_model_each_instance(w->store, check_live_instance, w);
	for (size_t k = 0; k < ADDRESSES; k++)
		held += w->addresses[k].held;
	if (held != s.held)
		world_fail(w, "ipam holds %zu addresses, instances have %zu", held, s.held);
	for (int a = 0; a < HOSTS; a++)
		check_known_containers(w, &w->agents[a]);
}
