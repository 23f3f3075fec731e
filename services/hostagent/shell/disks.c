#include "disks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "notes.h"
#include "sot_log.h"
#include "sot_metrics.h"
#include "tree.h"

enum { LOOK_MS = 2000, ENTRIES_MAX = 400000, DEPTH_MAX = 64, BLOCK = 512, ROOTS = 2 };

typedef struct usage {
	uint64_t bytes;
	bool is_over, is_held, was_seen; /* was_seen: in this round */
} usage;

struct disks {
	agent *a;
	reactor_watch *timer;
	sot_map *usages; /* instance id -> usage */
	bool is_busy;
	sot_metric *over;
	/* The look under way, the worker's alone. */
	sot_uuid id;
	char roots[ROOTS][PLAN_PATH_MAX];
	uint64_t bytes;
	bool is_cut;
};

static bool add(void *self, const tree_entry *e)
{
	disks *d = self;
	/* A file of several names is counted with the part that each of them stands for. */
	uint64_t links = !S_ISDIR(e->st.st_mode) && e->st.st_nlink > 1 ? e->st.st_nlink : 1;
	d->bytes += (uint64_t)e->st.st_blocks * BLOCK / links;
	return true;
}

static void work(void *arg)
{
	static const tree_limits limits = {.entries_max = ENTRIES_MAX, .depth_max = DEPTH_MAX};
	disks *d = arg;
	d->bytes = 0;
	d->is_cut = false;
	for (size_t i = 0; i < ROOTS; i++) {
		sot_err err = {0};
		if (d->roots[i][0] && tree_walk(d->roots[i], limits, add, d, &err) == SOT_LIMIT)
			d->is_cut = true; /* at least so much */
	}
}

static usage *usage_of(disks *d, sot_uuid id)
{
	usage *u = sot_map_get_uuid(d->usages, id);
	if (!u) {
		u = sot_alloc(sizeof(*u));
		(void)sot_map_set_uuid(d->usages, id, u);
	}
	return u;
}

/* Told at the first look, held from the second on: what was written for a moment holds nobody. */
static void hold_or_let_go(disks *d, const sot_instance_spec *spec, usage *u, bool is_to_hold)
{
	const char *policy = d->a->config->disk_over;
	char why[SOT_ERR_TEXT_MAX];
	hold_kind hold = !is_to_hold                     ? HOLD_NONE
	                 : strcmp(policy, "freeze") == 0 ? HOLD_FREEZE
	                 : strcmp(policy, "stop") == 0   ? HOLD_STOP
	                                                 : HOLD_NONE;
	if ((hold != HOLD_NONE) == u->is_held)
		return;
	u->is_held = hold != HOLD_NONE;
	(void)snprintf(why, sizeof(why),
	    "it uses %llu MiB of disk, its plan has %llu: its host holds it until it is within that; "
	    "remove files, or give it a larger plan (sotalia instance resize)",
	    (unsigned long long)(u->bytes >> 20), (unsigned long long)(spec->disk_bytes >> 20));
	reconcile_hold(d->a->reconcile, spec->instance_id, hold, u->is_held ? why : "");
	sot_log(SOT_WARN, u->is_held ? "disk.held" : "disk.let_go", "name=%.*s action=%s",
	    SOT_ARG(spec->name), policy);
	agent_pump(d->a);
}

static void judge(disks *d, const instance *i, usage *u)
{
	const sot_instance_spec *spec = &instance_want(i)->spec;
	bool is_over = spec->disk_bytes > 0 && u->bytes > spec->disk_bytes;
	bool was_over = u->is_over;
	u->is_over = is_over;
	hold_or_let_go(d, spec, u, is_over && was_over);
	if (is_over == was_over)
		return;
	sot_metric_set(d->over, sot_metric_value(d->over) + (is_over ? 1 : -1));
	sot_log(is_over ? SOT_WARN : SOT_INFO, is_over ? "disk.over" : "disk.within",
	    "name=%.*s used=%llu plan=%llu at_least=%d", SOT_ARG(spec->name),
	    (unsigned long long)u->bytes, (unsigned long long)spec->disk_bytes, d->is_cut);
	notes_add_disk(d->a->notes, spec->instance_id, is_over, u->bytes, spec->disk_bytes);
}

static void done(void *arg)
{
	disks *d = arg;
	d->is_busy = false;
	d->a->steps_in_flight--;
	const instance *i = reconcile_find(d->a->reconcile, d->id);
	if (i) {
		usage *u = usage_of(d, d->id);
		u->bytes = d->bytes;
		judge(d, i, u);
	}
	if (d->a->draining)
		agent_pump(d->a);
}

static void begin(disks *d, const instance *i)
{
	char id[SOT_UUID_TEXT];
	const container_facts *c = instance_container(i);
	d->id = instance_want(i)->spec.instance_id;
	(void)snprintf(d->roots[0], sizeof(d->roots[0]), "%s/instances/%s", d->a->config->state_dir,
	    sot_uuid_format(d->id, id));
	(void)snprintf(d->roots[1], sizeof(d->roots[1]), "%s", c ? c->upper_dir : "");
	usage_of(d, d->id)->was_seen = true;
	d->is_busy = true;
	d->a->steps_in_flight++; /* the agent ends after it */
	reactor_queue_work(d->a->loop, work, done, d);
}

/* A round is over: who left is forgotten, all others are due again. */
static void begin_round(disks *d)
{
	sot_map_iter it = {0};
	sot_str key;
	for (usage *u; (u = sot_map_next(d->usages, &it, &key)) != NULL;) {
		sot_uuid id;
		memcpy(id.b, key.p, sizeof(id.b));
		u->was_seen = false;
		if (reconcile_find(d->a->reconcile, id))
			continue;
		if (u->is_over)
			sot_metric_set(d->over, sot_metric_value(d->over) - 1);
		(void)sot_map_remove_uuid(d->usages, id);
		free(u);
	}
}

static void look(void *self, uint64_t missed)
{
	disks *d = self;
	sot_map_iter it = {0};
	(void)missed;
	if (d->is_busy || d->a->draining)
		return;
	for (const instance *i; (i = reconcile_iterate(d->a->reconcile, &it)) != NULL;) {
		const usage *u = sot_map_get_uuid(d->usages, instance_want(i)->spec.instance_id);
		if (u && u->was_seen)
			continue;
		begin(d, i);
		return;
	}
	begin_round(d);
}

uint64_t disks_used(const disks *d, sot_uuid id)
{
	const usage *u = sot_map_get_uuid(d->usages, id);
	return u ? u->bytes : 0;
}

disks *disks_new(agent *a)
{
	disks *d = sot_alloc(sizeof(*d));
	d->a = a;
	d->usages = sot_map_new();
	d->over = sot_gauge(
	    "sot_hostagent_disk_over", NULL, "Instances that use more disk than their plan has");
	d->timer = reactor_every_ms(a->loop, LOOK_MS, look, d);
	return d;
}

disks *disks_free(disks *d)
{
	sot_map_iter it = {0};
	if (!d)
		return NULL;
	reactor_remove(d->timer);
	for (usage *u; (u = sot_map_next(d->usages, &it, NULL)) != NULL;)
		free(u);
	d->usages = sot_map_free(d->usages);
	free(d);
	return NULL;
}
