#include "reconcile_model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

const plan_wire model_wire = {"sotbr0", 1500};

sot_uuid model_id(unsigned n)
{
	sot_uuid id = {{0}};
	id.b[15] = (uint8_t)n;
	return id;
}

sot_instance_spec model_spec(unsigned n)
{
	return (sot_instance_spec){.instance_id = model_id(n),
	    .generation = 1,
	    .name = SOT_STR("web-default-01"),
	    .app = SOT_STR("web"),
	    .image = SOT_STR("img:1"),
	    .cpu_milli = 500,
	    .memory_bytes = 64 << 20,
	    .address = sot_ip_from_v4(0x0a420000 + n),
	    .prefix = 24,
	    .mac = {{2, 0, 0, 0, 0, (uint8_t)n}},
	    .health = {
	        .interval_ms = 1000, .timeout_ms = 500, .healthy_after = 1, .unhealthy_after = 1}};
}

/* As layout_stamp: other files, another stamp. */
static uint64_t stamp_of(const model *m)
{
	uint64_t stamp = 0xcbf29ce484222325ull;
	const char *texts[] = {m->record ? m->record : "-", m->used ? m->used : "-"};
	for (size_t i = 0; i < 2; i++)
		for (const char *c = texts[i]; *c; c++)
			stamp = (stamp ^ (unsigned char)*c) * 0x100000001b3ull;
	unsigned flags = (m->blob ? 1u : 0) | (m->folder ? 4u : 0) | (unsigned)m->packages << 3;
	return ((stamp ^ flags) * 0x100000001b3ull) | 1;
}

void model_observe(world *w, unsigned n)
{
	model *m = &w->models[n];
	container_facts c = {.running = m->running && !m->restarting,
	    .frozen = m->frozen,
	    .engine_restarts_it = m->restarting,
	    .engine_restarts = m->engine_restarts,
	    .process_gone = m->gone,
	    .process_start = m->process_start,
	    .ever_started = m->started > 0,
	    .pid = 1,
	    .started_unix_ms = m->started,
	    .memory_bytes = m->memory,
	    .cpu_milli = m->cpu,
	    .pids_max = m->pids,
	    .processors = m->processors};
	file_facts f = {.record = m->record,
	    .used_record = m->used,
	    .resolv = PLAN_RESOLV_NONE,
	    .blob = m->blob,
	    .packages = m->packages,
	    .folder = m->folder,
	    .stamp = stamp_of(m)};
	const instance *i = reconcile_find(w->r, model_id(n));
	bool is_same = i && instance_files_stamp(i) == f.stamp;
	(void)snprintf(c.id, sizeof(c.id), "c%u", n);
	if (m->restarting)
		(void)snprintf(c.exit_text, sizeof(c.exit_text), "exited with status 1");
	memcpy(c.fingerprint, m->fingerprint, sizeof(c.fingerprint));
	reconcile_observe(w->r, model_id(n), m->container ? &c : NULL, is_same ? NULL : &f, w->now);
}

void model_assign(world *w, const sot_instance_spec *specs, size_t count)
{
	sot_err err = {0};
	bool complete = false;
	sot_assign m = {.epoch = 1,
	    .generation = ++w->generation,
	    .parts = 1,
	    .instances = (sot_instance_spec *)(uintptr_t)specs,
	    .instances_count = count};
	assert_int_equal(desired_offer(w->d, &m, &complete, &err), SOT_OK);
	assert_true(complete);
	desired_take_staged(w->d);
	(void)vlans_need(w->vlans, w->d);
	reconcile_set_desired(w->r, w->d, w->now);
	for (size_t i = 0; i < count; i++)
		model_observe(w, specs[i].instance_id.b[15]);
	reconcile_claim(w->r, w->probes, w->now);
}

/* Nobody answers any question. */
static void listen(world *w)
{
	reconcile_claim(w->r, w->probes, w->now);
	while (probes_next_due_ms(w->probes, w->now) != INT64_MAX) {
		while (probes_next_due(w->probes, w->now)) {
		}
		w->now.ms += PROBE_INTERVAL_MS;
		(void)probes_advance(w->probes, w->now);
	}
	reconcile_claim(w->r, w->probes, w->now);
}

void model_replace(char **text, char *with)
{
	free(*text);
	*text = with;
}

void model_start(model *m, sot_mono now)
{
	m->running = true;
	m->restarting = m->gone = false;
	m->engine_restarts = 0;
	m->process_start++;
	m->started = now.ms + 1000000;
	model_replace(&m->used, m->record ? sot_strdup(m->record) : NULL);
}

/* As the Engine: no word about processors leaves them. */
static void limit(model *m, const sot_instance_spec *spec, const cpus *processors)
{
	m->memory = spec->memory_bytes;
	m->cpu = spec->cpu_milli;
	m->pids = plan_pids_max(spec);
	if (cpus_count(processors) > 0)
		m->processors = *processors;
}

static void carry_out(world *w, const action *a)
{
	const sot_instance_spec *spec = &a->want->spec;
	model *m = &w->models[spec->instance_id.b[15]];
	SOT_AUTO_BUF record;
	sot_buf_init(&record, PLAN_RECORD_MAX);
	w->now.ms++;
	if (a->kind == ACTION_FETCH) {
		m->blob = true;
	} else if (a->kind == ACTION_UNPACK) {
		m->blob = false;
		m->packages++;
	} else if (a->kind == ACTION_CREATE) {
		m->container = m->folder = true;
		limit(m, spec, &a->processors);
		m->started = 0;
		plan_fingerprint(spec, m->fingerprint);
	} else if (a->kind == ACTION_RECORD) {
		plan_record(spec, "/s", &model_wire, &record);
		model_replace(&m->record, sot_strndup(sot_buf_str(&record)));
	} else if (a->kind == ACTION_START || a->kind == ACTION_RESTART) {
		model_start(m, w->now);
	} else if (a->kind == ACTION_FREEZE || a->kind == ACTION_THAW) {
		m->frozen = a->kind == ACTION_FREEZE;
	} else if (a->kind == ACTION_STOP) {
		assert_false(m->frozen); /* the Engine would refuse */
		m->running = m->restarting = m->gone = false;
	} else if (a->kind == ACTION_UPDATE) {
		limit(m, spec, &a->processors);
	} else if (a->kind == ACTION_REMOVE) {
		m->container = false;
		model_replace(&m->record, NULL);
		model_replace(&m->used, NULL);
	} else if (a->kind == ACTION_CLEAR) {
		m->folder = false;
	}
}

const char *model_settle(world *w)
{
	w->log[0] = '\0';
	for (int i = 0; i < 200; i++) {
		listen(w);
		action a = reconcile_next(w->r, w->now);
		if (a.kind == ACTION_NONE)
			return w->log;
		size_t n = strlen(w->log);
		(void)snprintf(w->log + n, sizeof(w->log) - n, "%s%s", n ? " " : "", action_name(a.kind));
		sot_uuid id = a.want->spec.instance_id;
		carry_out(w, &a);
		model_observe(w, id.b[15]);
		reconcile_finished(w->r, id, SOT_OK, NULL, true, w->now);
	}
	fail_msg("does not come to rest: %s", w->log);
	return NULL;
}

int model_setup(void **state)
{
	world *w = sot_alloc(sizeof(*w));
	w->vlans = vlans_new();
	w->probes = probes_new();
	(void)vlans_ready(w->vlans, 0, model_wire.bridge, model_wire.mtu);
	w->r = reconcile_new("/s", w->vlans, (reconcile_limits){2, 2, 4, 8}, 7);
	w->d = desired_new();
	w->now.ms = 1000;
	reconcile_set_engine(w->r, true);
	*state = w;
	return 0;
}

int model_teardown(void **state)
{
	world *w = *state;
	for (size_t i = 0; i < MODEL_MAX; i++) {
		free(w->models[i].record);
		free(w->models[i].used);
	}
	w->r = reconcile_free(w->r);
	w->d = desired_free(w->d);
	w->vlans = vlans_free(w->vlans);
	w->probes = probes_free(w->probes);
	free(w);
	return 0;
}
