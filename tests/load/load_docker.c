#include "load_docker.h"

#include "reconcile.h"

#include <stdlib.h>
#include <string.h>

enum { IDLE_MS = 5000 };

static const plan_wire wire = {"br", 1500};

typedef struct container {
	sot_uuid id;
	bool exists, running, blob, package, folder;
	uint64_t process_start, memory;
	uint32_t cpu, pids_max, io_weight;
	int64_t started_ms;
	char fingerprint[PLAN_SHA256_TEXT];
	char *record, *used;
	sot_ip address; /* it runs with */
} container;

/* A step under way. */
typedef struct step {
	sot_link link;
	action_kind kind;
	desired_instance *want; /* a reference */
	sot_mono due;
} step;

struct load_docker {
	reconcile *reconcile;
	vlans *vlans;
	probes *probes;
	sot_map *containers; /* instance id -> container, owned */
	sot_link steps;
	sot_rand rand;
	int step_min_ms, step_max_ms;
	size_t running;
};

load_docker *load_docker_new(uint64_t seed, int step_min_ms, int step_max_ms)
{
	static const reconcile_limits limits = {.pulls = 2, .fetches = 2, .starts = 4, .others = 8};
	load_docker *d = sot_alloc(sizeof(*d));
	d->vlans = vlans_new();
	d->probes = probes_new();
	d->reconcile = reconcile_new("/s", d->vlans, limits, seed);
	d->containers = sot_map_new();
	sot_list_init(&d->steps);
	sot_rand_seed(&d->rand, seed);
	d->step_min_ms = step_min_ms;
	d->step_max_ms = step_max_ms;
	reconcile_set_engine(d->reconcile, true);
	return d;
}

static void free_step(step *s)
{
	sot_list_remove(&s->link);
	desired_instance_unref(s->want);
	free(s);
}

static void free_container(container *c)
{
	free(c->record);
	free(c->used);
	free(c);
}

load_docker *load_docker_free(load_docker *d)
{
	sot_map_iter it = {0};
	container *c;
	while (!sot_list_empty(&d->steps))
		free_step(SOT_CONTAINER(d->steps.next, step, link));
	while ((c = sot_map_next(d->containers, &it, NULL)))
		free_container(c);
	sot_map_free(d->containers);
	reconcile_free(d->reconcile);
	probes_free(d->probes);
	vlans_free(d->vlans);
	free(d);
	return NULL;
}

static container *container_of(load_docker *d, sot_uuid id)
{
	container *c = sot_map_get_uuid(d->containers, id);
	if (c)
		return c;
	c = sot_alloc(sizeof(*c));
	c->id = id;
	sot_map_set_uuid(d->containers, id, c);
	return c;
}

static void observe(load_docker *d, container *c, sot_mono now)
{
	container_facts facts = {.running = c->running,
	    .process_start = c->process_start,
	    .ever_started = c->started_ms > 0,
	    .pid = 1,
	    .started_unix_ms = c->started_ms,
	    .memory_bytes = c->memory,
	    .cpu_milli = c->cpu,
	    .pids_max = c->pids_max,
	    .io_weight = c->io_weight,
	    .id = "c"};
	file_facts files = {.record = c->record,
	    .used_record = c->used,
	    .resolv = PLAN_RESOLV_NONE,
	    .blob = c->blob,
	    .packages = c->package ? 1 : 0,
	    .folder = c->folder};
	memcpy(facts.fingerprint, c->fingerprint, sizeof(facts.fingerprint));
	reconcile_observe(d->reconcile, c->id, c->exists ? &facts : NULL, &files, now);
}

void load_docker_take(load_docker *d, const desired *set, sot_mono now)
{
	sot_map_iter it = {0};
	size_t at = 0;
	if (vlans_need(d->vlans, set)) {
		for (const vlan *v; (v = vlans_next(d->vlans, &at));)
			(void)vlans_ready(d->vlans, v->id, wire.bridge, wire.mtu);
		reconcile_vlans_changed(d->reconcile);
	}
	reconcile_set_desired(d->reconcile, set, now);
	for (desired_instance *i; (i = desired_next(set, &it));)
		observe(d, container_of(d, i->spec.instance_id), now);
}

/* ---- steps ---- */

static void replace(char **text, char *with)
{
	free(*text);
	*text = with;
}

static void set_limits(container *c, const sot_instance_spec *spec)
{
	c->memory = spec->memory_bytes;
	c->cpu = spec->cpu_milli;
	c->pids_max = spec->pids_max;
	c->io_weight = spec->io_weight;
}

static void set_running(load_docker *d, container *c, bool running)
{
	d->running += running && !c->running;
	d->running -= !running && c->running;
	c->running = running;
}

static void start(load_docker *d, container *c, const sot_instance_spec *spec, sot_mono now)
{
	set_running(d, c, true);
	c->process_start++;
	c->started_ms = now.ms + 1700000000000;
	c->address = spec->address;
	replace(&c->used, c->record ? sot_strdup(c->record) : NULL);
}

static void write_record(container *c, const sot_instance_spec *spec)
{
	SOT_AUTO_BUF record = {0};
	sot_buf_init(&record, PLAN_RECORD_MAX);
	plan_record(spec, "/s", &wire, &record);
	replace(&c->record, sot_strndup(sot_buf_str(&record)));
}

static void carry_out(load_docker *d, const step *s, sot_mono now)
{
	const sot_instance_spec *spec = &s->want->spec;
	container *c = container_of(d, spec->instance_id);
	switch (s->kind) {
	case ACTION_FETCH:
		c->blob = true;
		break;
	case ACTION_UNPACK:
		c->blob = false;
		c->package = true;
		break;
	case ACTION_CREATE:
		c->exists = c->folder = true;
		c->started_ms = 0;
		set_limits(c, spec);
		plan_fingerprint(spec, c->fingerprint);
		break;
	case ACTION_RECORD:
		write_record(c, spec);
		break;
	case ACTION_START:
	case ACTION_RESTART:
		start(d, c, spec, now);
		break;
	case ACTION_STOP:
		set_running(d, c, false);
		break;
	case ACTION_UPDATE:
		set_limits(c, spec);
		break;
	case ACTION_REMOVE:
		set_running(d, c, false);
		c->exists = false;
		replace(&c->record, NULL);
		replace(&c->used, NULL);
		break;
	case ACTION_CLEAR:
		c->folder = false;
		break;
	default: /* the image is always there */
		break;
	}
}

static void end_steps(load_docker *d, sot_mono now)
{
	for (sot_link *l = d->steps.next, *next; l != &d->steps; l = next) {
		step *s = SOT_CONTAINER(l, step, link);
		next = l->next;
		if (!sot_mono_reached(now, s->due))
			continue;
		sot_uuid id = s->want->spec.instance_id;
		carry_out(d, s, now);
		observe(d, container_of(d, id), now);
		reconcile_finished(d->reconcile, id, SOT_OK, NULL, true, now);
		free_step(s);
	}
}

static void begin_steps(load_docker *d, sot_mono now)
{
	for (;;) {
		action a = reconcile_next(d->reconcile, now);
		if (a.kind == ACTION_NONE)
			return;
		step *s = sot_alloc(sizeof(*s));
		uint64_t spread = (uint64_t)(d->step_max_ms - d->step_min_ms) + 1;
		*s = (step){.kind = a.kind,
		    .want = desired_instance_ref(a.want),
		    .due =
		        sot_mono_add_ms(now, d->step_min_ms + (int64_t)sot_rand_below(&d->rand, spread))};
		sot_list_push(&d->steps, &s->link);
	}
}

/* Nobody on the VLAN answers any question. */
static void ask_addresses(load_docker *d, sot_mono now)
{
	reconcile_claim(d->reconcile, d->probes, now);
	while (probes_next_due(d->probes, now)) {
	}
	if (probes_advance(d->probes, now))
		reconcile_claim(d->reconcile, d->probes, now);
}

static int64_t next_due_ms(const load_docker *d, sot_mono now)
{
	int64_t due_ms = reconcile_next_due_ms(d->reconcile, now);
	int64_t probe_ms = probes_next_due_ms(d->probes, now);
	due_ms = probe_ms < due_ms ? probe_ms : due_ms;
	for (const sot_link *l = d->steps.next; l != &d->steps; l = l->next) {
		int64_t left_ms = sot_mono_diff_ms(SOT_CONTAINER(l, step, link)->due, now);
		due_ms = left_ms < due_ms ? left_ms : due_ms;
	}
	return due_ms < 0 ? 0 : due_ms < IDLE_MS ? due_ms : IDLE_MS;
}

int64_t load_docker_work(load_docker *d, status_feed *feed, sot_mono now)
{
	sot_map_iter it = {0};
	end_steps(d, now);
	ask_addresses(d, now);
	begin_steps(d, now);
	for (instance *i; (i = reconcile_iterate(d->reconcile, &it));) {
		sot_instance_status status = instance_status(i);
		status_feed_put(feed, &status);
	}
	return next_due_ms(d, now);
}

/* ---- looking ---- */

size_t load_docker_running(const load_docker *d)
{
	return d->running;
}

bool load_docker_has(const load_docker *d, sot_uuid id)
{
	const container *c = sot_map_get_uuid(d->containers, id);
	return c && c->exists;
}

void load_docker_each(load_docker *d,
    void (*visit)(void *self, sot_uuid id, bool is_running, sot_ip address), void *self)
{
	sot_map_iter it = {0};
	const container *c;
	while ((c = sot_map_next(d->containers, &it, NULL))) {
		if (c->exists)
			visit(self, c->id, c->running, c->address);
	}
}
