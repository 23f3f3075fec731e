#include "reconcile_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	BACKOFF_FIRST_MS = 1000,
	BACKOFF_MAX_MS = 300000,
	STABLE_MS = 30000, /* running that long ends a series of attempts */
	GHOST_MS = 3000,   /* so long the Engine may take to notice the end of a process */
	CLASS_COUNT = 4
};

struct reconcile {
	char *state_dir;
	const vlans *vlans;
	unsigned limits[CLASS_COUNT], in_flight[CLASS_COUNT];
	sot_map *instances;
	sot_rand rand;
	bool engine_ok;
	uint64_t binding_changes;
	cpus online;
	char *host_resolv;
};

static unsigned class_of(action_kind kind)
{
	switch (kind) {
	case ACTION_IMAGE:
		return 0;
	case ACTION_FETCH:
	case ACTION_UNPACK:
		return 1;
	case ACTION_CREATE:
	case ACTION_START:
	case ACTION_RESTART:
		return 2;
	default:
		return 3;
	}
}

static instance *instance_free(instance *i)
{
	if (i) {
		desired_instance_unref(i->want);
		free(i->record_wanted);
		free(i->resolv_wanted);
		free(i->record);
		free(i->used_record);
		free(i->resolv);
		free(i);
	}
	return NULL;
}

reconcile *reconcile_new(
    const char *state_dir, const vlans *networks, reconcile_limits limits, uint64_t seed)
{
	reconcile *r = sot_alloc(sizeof(*r));
	r->state_dir = sot_strdup(state_dir);
	r->vlans = networks;
	r->limits[0] = limits.pulls;
	r->limits[1] = limits.fetches;
	r->limits[2] = limits.starts;
	r->limits[3] = limits.others;
	r->instances = sot_map_new();
	sot_rand_seed(&r->rand, seed);
	return r;
}

reconcile *reconcile_free(reconcile *r)
{
	sot_map_iter it = {0};
	if (!r)
		return NULL;
	for (instance *i; (i = sot_map_next(r->instances, &it, NULL)) != NULL;)
		instance_free(i);
	r->instances = sot_map_free(r->instances);
	free(r->state_dir);
	free(r->host_resolv);
	free(r);
	return NULL;
}

static void replace_text(char **text, const char *with)
{
	char *copy = with ? sot_strdup(with) : NULL;
	free(*text);
	*text = copy;
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/* Kept, because every turn of the crank asks for it and the comparison reads both from end to end.
 * Without a note of what it runs with, a process is left alone. */
static void compare_records(instance *i)
{
	i->is_older = i->used_record && i->record_wanted &&
	              plan_record_needs_restart(i->used_record, i->record_wanted);
}

/* A VLAN that is gone for a while takes no record back. */
static void derive_record(const reconcile *r, instance *i)
{
	SOT_AUTO_BUF record;
	sot_buf_init(&record, PLAN_RECORD_MAX);
	i->network = vlans_get(r->vlans, i->want->spec.vlan_id);
	if (!i->network || i->network->wire.bridge[0] == '\0')
		return;
	plan_record(&i->want->spec, r->state_dir, &i->network->wire, &record);
	replace_text(&i->record_wanted, record.p);
	compare_records(i);
}

static void find_next_package(instance *i)
{
	plan_package next;
	bool is_missing = plan_package_at(&i->want->spec, i->packages, &next);
	(void)snprintf(
	    i->package_sha256, sizeof(i->package_sha256), "%s", is_missing ? next.sha256 : "");
}

static void derive_texts(const reconcile *r, instance *i)
{
	SOT_AUTO_BUF resolv;
	sot_buf_init(&resolv, PLAN_RECORD_MAX);
	plan_resolv(&i->want->spec, r->host_resolv ? sot_str_c(r->host_resolv) : (sot_str){0}, &resolv);
	replace_text(&i->resolv_wanted, resolv.p);
	replace_text(&i->record_wanted, NULL);
	compare_records(i);
	derive_record(r, i);
	plan_fingerprint(&i->want->spec, i->fingerprint);
	find_next_package(i);
}

/* Facts about files belong to the digest they were read for. */
static void change_want(reconcile *r, instance *i, desired_instance *want, sot_mono now)
{
	bool other_image = !i->want || i->want->spec.image.n != want->spec.image.n ||
	                   !sot_str_eq(i->want->spec.image, want->spec.image);
	bool other_packages = !i->want || !plan_packages_equal(&i->want->spec, &want->spec);

	/* A spec that is under way is still to be carried out, unless nothing was left to do. */
	if (i->want && i->observed && i->in_flight == ACTION_NONE && instance_decide(i) == ACTION_NONE)
		i->carried_generation = i->want->spec.generation;
	desired_instance *before = i->want;
	i->want = desired_instance_ref(want);
	claim_change(i, before ? &before->spec : NULL);
	desired_instance_unref(before);
	i->files_stamp = 0;
	if (other_image)
		i->image = false;
	if (other_packages) {
		i->packages = 0;
		i->blob = i->observed = false;
	}
	derive_texts(r, i);
	i->attempts = 0;
	i->not_before = now;
	i->error[0] = '\0';
	crashes_forgive(&i->crashes);
}

void reconcile_set_desired(reconcile *r, const desired *d, sot_mono now)
{
	sot_map_iter it = {0};
	for (desired_instance *want; (want = desired_next(d, &it)) != NULL;) {
		instance *i = reconcile_find(r, want->spec.instance_id);
		if (!i) {
			i = sot_alloc(sizeof(*i));
			i->online = &r->online;
			(void)sot_map_set_uuid(r->instances, want->spec.instance_id, i);
		}
		if (i->want != want && (!i->want || i->want->spec.generation != want->spec.generation ||
		                           i->want->spec.restart_seq != want->spec.restart_seq ||
		                           i->want->spec.desired != want->spec.desired))
			change_want(r, i, want, now);
	}
	it = (sot_map_iter){0};
	for (instance *i; (i = reconcile_iterate(r, &it)) != NULL;) {
		sot_uuid id = i->want->spec.instance_id;
		if (desired_get(d, id) || i->in_flight != ACTION_NONE)
			continue; /* a step under way ends first; the next set lets it go */
		(void)sot_map_remove_uuid(r->instances, id);
		instance_free(i);
	}
}

void reconcile_set_processors(reconcile *r, const cpus *online)
{
	r->online = *online;
}

void reconcile_set_resolv(reconcile *r, sot_str text)
{
	free(r->host_resolv);
	r->host_resolv = sot_strndup(text);
}

void reconcile_vlans_changed(reconcile *r)
{
	sot_map_iter it = {0};
	for (instance *i; (i = reconcile_iterate(r, &it)) != NULL;)
		derive_record(r, i);
}

void reconcile_set_engine(reconcile *r, bool ok)
{
	r->engine_ok = ok;
}

/* The Engine may say "running" of a process that is gone (its shim died), and the kernel may have
 * given its pid to another since. A process that ended just now looks alike, so it takes a second
 * look before anything is done about it. */
static void look_for_ghost(instance *i, const container_facts *engine, sot_mono now)
{
	container_facts *c = &i->container;
	bool was_gone = i->is_gone;
	if (engine->running && i->process_started_unix_ms != engine->started_unix_ms) {
		i->process_started_unix_ms = engine->started_unix_ms;
		i->process_start = engine->process_start;
		was_gone = false;
	}
	bool is_other = engine->process_start != 0 && i->process_start != 0 &&
	                engine->process_start != i->process_start;
	i->is_gone = engine->running && (engine->process_gone || is_other);
	if (i->is_gone && !was_gone)
		i->ghost_at = sot_mono_add_ms(now, GHOST_MS);
	i->is_ghost = i->is_gone && sot_mono_reached(now, i->ghost_at);
	if (!i->is_gone)
		return;
	c->running = false;
	(void)snprintf(c->exit_text, sizeof(c->exit_text),
	    "the Docker Engine says it runs, but its process %d is gone", c->pid);
}

static void observe_container(instance *i, const container_facts *container, sot_mono now)
{
	static const container_facts none = {0};
	const container_facts before = i->container;
	bool had_container = i->has_container;
	i->has_container = container != NULL;
	i->container = container ? *container : none;
	look_for_ghost(i, container ? container : &none, now);

	if (container && i->want->spec.cpu_pinned)
		i->processors = container->processors;

	bool runs = i->container.running;
	if (runs && (!had_container || !before.running ||
	                before.started_unix_ms != i->container.started_unix_ms))
		i->stable_at = sot_mono_add_ms(now, STABLE_MS);
	if (container)
		crashes_observe(&i->crashes, &i->container, now);
	if (runs && sot_mono_reached(now, i->stable_at)) {
		i->attempts = 0;
		crashes_forgive(&i->crashes);
	}
	bool is_awake = runs && !i->container.frozen; /* what is held still answers no check */
	health_observe(&i->health, &i->want->spec.health, is_awake, i->container.started_unix_ms, now);
	if (!is_awake)
		i->health_error[0] = '\0';
}

/* Whether the records are others than before. */
static bool take_files(instance *i, const file_facts *files)
{
	bool is_other =
	    !same_text(i->record, files->record) || !same_text(i->used_record, files->used_record);
	replace_text(&i->record, files->record);
	replace_text(&i->used_record, files->used_record);
	replace_text(&i->resolv, files->resolv);
	compare_records(i);
	i->blob = files->blob;
	i->packages = files->packages;
	find_next_package(i);
	i->folder = files->folder;
	i->files_stamp = files->stamp;
	return is_other;
}

void reconcile_observe(reconcile *r, sot_uuid id, const container_facts *container,
    const file_facts *files, sot_mono now)
{
	instance *i = reconcile_find(r, id);
	if (!i)
		return;
	const container_facts before = i->container;
	observe_container(i, container, now);
	bool is_bound_otherwise = files && take_files(i, files);
	if (before.running != i->container.running || before.pid != i->container.pid ||
	    is_bound_otherwise)
		r->binding_changes++;
	i->observed = true;
	if (i->in_flight == ACTION_NONE && instance_decide(i) == ACTION_NONE) {
		i->carried_generation = i->want->spec.generation;
		if (i->container.running || i->want->spec.desired == SOT_DESIRED_STATE_STOPPED)
			i->error[0] = '\0';
	}
}

/* Two instances of one app need the same package: one of them fetches it. */
static bool package_is_busy(const reconcile *r, const instance *wanting)
{
	sot_map_iter it = {0};
	for (const instance *i; (i = reconcile_iterate(r, &it)) != NULL;)
		if ((i->in_flight == ACTION_FETCH || i->in_flight == ACTION_UNPACK) &&
		    strcmp(i->package_sha256, wanting->package_sha256) == 0)
			return true;
	return false;
}

static action_kind ready_step(const reconcile *r, const instance *i, sot_mono now)
{
	if (!i->observed || i->in_flight != ACTION_NONE || !sot_mono_reached(now, i->not_before))
		return ACTION_NONE;
	action_kind kind = instance_decide(i);
	unsigned class = class_of(kind);
	if (kind == ACTION_NONE || r->in_flight[class] >= r->limits[class] || instance_is_held(i, kind))
		return ACTION_NONE;
	return class == 1 && package_is_busy(r, i) ? ACTION_NONE : kind;
}

/* The least booked processors, or those that it has when they still do. Of one that is bound no
 * more all of them: the Engine takes "none" for "as it is". */
static cpus choose_processors(const reconcile *r, instance *chosen)
{
	const sot_instance_spec *spec = &chosen->want->spec;
	cpus_load load = {{0}};
	sot_map_iter it = {0};
	cpus set = {{0}};
	if (!spec->cpu_pinned || cpus_count(&r->online) == 0)
		return chosen->has_container && cpus_count(&chosen->container.processors) > 0 ? r->online
		                                                                              : set;
	size_t needed = cpus_needed(spec->cpu_milli, &r->online);
	if (cpus_count(&chosen->processors) == needed && cpus_within(&chosen->processors, &r->online))
		return chosen->processors;
	for (const instance *i; (i = reconcile_iterate(r, &it)) != NULL;)
		if (i != chosen && i->want->spec.cpu_pinned &&
		    i->want->spec.desired != SOT_DESIRED_STATE_RETIRED)
			cpus_load_add(&load, &i->processors, i->want->spec.cpu_milli);
	cpus_choose(&load, &r->online, needed, &set);
	chosen->processors = set;
	return set;
}

action reconcile_next(reconcile *r, sot_mono now)
{
	sot_map_iter it = {0};
	instance *chosen = NULL;
	action_kind kind = ACTION_NONE;
	action result = {0};
	if (!r->engine_ok)
		return result;
	/* Who has waited longest is first, so that nobody starves behind the limits. */
	for (instance *i; (i = reconcile_iterate(r, &it)) != NULL;) {
		action_kind step = ready_step(r, i, now);
		if (step != ACTION_NONE && (!chosen || i->not_before.ms < chosen->not_before.ms)) {
			chosen = i;
			kind = step;
		}
	}
	if (!chosen)
		return result;
	chosen->in_flight = kind;
	r->in_flight[class_of(kind)]++;
	result.kind = kind;
	result.want = chosen->want;
	if (kind == ACTION_CREATE || kind == ACTION_UPDATE)
		result.processors = choose_processors(r, chosen);
	if (chosen->has_container)
		memcpy(result.container_id, chosen->container.id, sizeof(result.container_id));
	return result;
}

/* 1 s, 2 s, 4 s ... 5 min, each between 75 and 125 %. */
static int64_t backoff_ms(reconcile *r, unsigned attempts)
{
	int64_t delay = BACKOFF_FIRST_MS;
	for (unsigned n = 1; n < attempts && delay < BACKOFF_MAX_MS; n++)
		delay *= 2;
	if (delay > BACKOFF_MAX_MS)
		delay = BACKOFF_MAX_MS;
	return delay * 3 / 4 + (int64_t)sot_rand_below(&r->rand, (uint64_t)delay / 2 + 1);
}

/* Who waits for the same image need not ask for it. Should somebody remove it, its creation tells.
 */
static void note_image(const reconcile *r, const instance *found)
{
	sot_map_iter it = {0};
	for (instance *i; (i = reconcile_iterate(r, &it)) != NULL;)
		i->image = i->image || sot_str_eq(i->want->spec.image, found->want->spec.image);
}

/* What a step that succeeded is known to have left, beyond what can be observed. */
static void note_success(const reconcile *r, instance *i, action_kind kind)
{
	i->error[0] = '\0';
	if (kind == ACTION_IMAGE)
		note_image(r, i);
	if (kind == ACTION_RESTART) /* ends of the program before it are not its own */
		crashes_forgive(&i->crashes);
}

void reconcile_finished(
    reconcile *r, sot_uuid id, sot_code code, const sot_err *why, bool observed, sot_mono now)
{
	instance *i = reconcile_find(r, id);
	if (!i || i->in_flight == ACTION_NONE)
		return;
	action_kind kind = i->in_flight;
	bool counts = code != SOT_OK || kind == ACTION_START || kind == ACTION_RESTART;
	i->in_flight = ACTION_NONE;
	r->in_flight[class_of(kind)]--;
	i->observed = observed;
	i->not_before = now;
	if (code == SOT_OK)
		note_success(r, i, kind);
	else
		(void)snprintf(i->error, sizeof(i->error), "%s: %s", action_name(kind),
		    why ? why->text : sot_code_name(code));
	if (code == SOT_NOT_FOUND && kind == ACTION_CREATE)
		i->image = false; /* somebody removed it: get it again */
	if (counts) {
		i->attempts++;
		i->not_before = sot_mono_add_ms(now, backoff_ms(r, i->attempts));
	}
}

int64_t reconcile_next_due_ms(const reconcile *r, sot_mono now)
{
	sot_map_iter it = {0};
	int64_t least = INT64_MAX;
	for (const instance *i; (i = reconcile_iterate(r, &it)) != NULL;) {
		if (!i->observed || i->in_flight != ACTION_NONE || instance_decide(i) == ACTION_NONE)
			continue;
		if (i->claim == CLAIM_ELSEWHERE || i->claim == CLAIM_FAILED) {
			int64_t again = sot_mono_diff_ms(i->claim_again, now);
			least = again > 0 && again < least ? again : least;
		}
		int64_t wait = sot_mono_diff_ms(i->not_before, now);
		if (wait > 0 && wait < least)
			least = wait;
	}
	return least;
}

void reconcile_hold(reconcile *r, sot_uuid id, hold_kind hold, const char *why)
{
	instance *i = reconcile_find(r, id);
	if (!i)
		return;
	i->hold = hold;
	(void)snprintf(i->hold_why, sizeof(i->hold_why), "%s", why);
}

instance *reconcile_find(const reconcile *r, sot_uuid id)
{
	return sot_map_get_uuid(r->instances, id);
}

instance *reconcile_iterate(const reconcile *r, sot_map_iter *it)
{
	return sot_map_next(r->instances, it, NULL);
}

uint64_t reconcile_binding_changes(const reconcile *r)
{
	return r->binding_changes;
}

size_t reconcile_count(const reconcile *r)
{
	return sot_map_count(r->instances);
}

desired_instance *instance_want(const instance *i)
{
	return i->want;
}

health *instance_health(instance *i)
{
	return &i->health;
}

sot_health instance_health_state(const instance *i)
{
	return i->crashes.is_loop ? SOT_HEALTH_UNHEALTHY : i->health.state;
}

hold_kind instance_hold(const instance *i)
{
	return i->hold;
}

const container_facts *instance_container(const instance *i)
{
	return i->has_container ? &i->container : NULL;
}

bool instance_is_settled(const instance *i)
{
	return i->observed && i->in_flight == ACTION_NONE;
}

uint64_t instance_files_stamp(const instance *i)
{
	return i->files_stamp;
}

bool instance_has_step_in_flight(const instance *i)
{
	return i->in_flight != ACTION_NONE;
}

void instance_set_health_error(instance *i, const char *text)
{
	(void)snprintf(i->health_error, sizeof(i->health_error), "%s", text);
}
