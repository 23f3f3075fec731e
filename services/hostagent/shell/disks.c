#include "disks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "disk_watch.h"
#include "notes.h"
#include "sot_log.h"
#include "sot_metrics.h"
#include "tree.h"

enum { LOOK_MS = 2000, ENTRIES_MAX = 400000, DEPTH_MAX = 64, BLOCK = 512, ROOTS = 2 };

struct disks {
	agent *a;
	reactor_watch *timer;
	disk_watch *watch;
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

static hold_kind hold_of(const char *policy)
{
	return strcmp(policy, "freeze") == 0 ? HOLD_FREEZE
	       : strcmp(policy, "stop") == 0 ? HOLD_STOP
	                                     : HOLD_NONE;
}

/* Told at the first look, held from the second on. */
static void hold_or_let_go(disks *d, const instance *i, bool is_to_hold)
{
	const char *policy = d->a->config->disk_over;
	const sot_instance_spec *spec = &instance_want(i)->spec;
	hold_kind hold = is_to_hold ? hold_of(policy) : HOLD_NONE;
	char why[SOT_ERR_TEXT_MAX] = "";
	if (hold == instance_hold(i))
		return;
	if (hold != HOLD_NONE)
		(void)snprintf(why, sizeof(why),
		    "it uses %llu MiB of disk, its plan has %llu: its host holds it until it is within "
		    "that; remove files, or give it a larger plan (sotalia instance resize)",
		    (unsigned long long)(d->bytes >> 20), (unsigned long long)(spec->disk_bytes >> 20));
	reconcile_hold(d->a->reconcile, spec->instance_id, hold, why);
	sot_log(SOT_WARN, hold != HOLD_NONE ? "disk.held" : "disk.let_go", "name=%.*s action=%s",
	    SOT_ARG(spec->name), policy);
	agent_pump(d->a);
}

static void judge(disks *d, const instance *i)
{
	const sot_instance_spec *spec = &instance_want(i)->spec;
	disk_verdict v = disk_watch_judge(
	    d->watch, spec->instance_id, d->bytes, spec->disk_bytes, reactor_now(d->a->loop));
	hold_or_let_go(d, i, v.is_to_hold);
	if (!v.is_changed)
		return;
	sot_log(v.is_over ? SOT_WARN : SOT_INFO, v.is_over ? "disk.over" : "disk.within",
	    "name=%.*s used=%llu plan=%llu at_least=%d", SOT_ARG(spec->name),
	    (unsigned long long)d->bytes, (unsigned long long)spec->disk_bytes, d->is_cut);
	notes_add_disk(d->a->notes, spec->instance_id, v.is_over, d->bytes, spec->disk_bytes);
}

static void done(void *arg)
{
	disks *d = arg;
	d->is_busy = false;
	d->a->steps_in_flight--;
	const instance *i = reconcile_find(d->a->reconcile, d->id);
	if (i)
		judge(d, i);
	if (d->a->draining)
		agent_pump(d->a);
}

static void begin(disks *d, const instance *i)
{
	char id[SOT_UUID_TEXT];
	const container_facts *c = instance_container(i);
	(void)snprintf(d->roots[0], sizeof(d->roots[0]), "%s/instances/%s", d->a->config->state_dir,
	    sot_uuid_format(d->id, id));
	(void)snprintf(d->roots[1], sizeof(d->roots[1]), "%s", c ? c->upper_dir : "");
	d->is_busy = true;
	d->a->steps_in_flight++; /* the agent ends after it */
	reactor_queue_work(d->a->loop, work, done, d);
}

static void look(void *self, uint64_t missed)
{
	disks *d = self;
	(void)missed;
	if (d->is_busy || d->a->draining)
		return;
	if (disk_watch_next(d->watch, d->a->reconcile, reactor_now(d->a->loop), &d->id))
		begin(d, reconcile_find(d->a->reconcile, d->id));
	sot_metric_set(d->over, disk_watch_over(d->watch));
}

uint64_t disks_used(const disks *d, sot_uuid id)
{
	return disk_watch_used(d->watch, id);
}

disks *disks_new(agent *a)
{
	disks *d = sot_alloc(sizeof(*d));
	d->a = a;
	d->watch = disk_watch_new();
	d->over = sot_gauge(
	    "sot_hostagent_disk_over", NULL, "Instances that use more disk than their plan has");
	d->timer = reactor_together_ms(a->loop, LOOK_MS, look, d);
	return d;
}

disks *disks_free(disks *d)
{
	if (!d)
		return NULL;
	reactor_remove(d->timer);
	d->watch = disk_watch_free(d->watch);
	free(d);
	return NULL;
}
