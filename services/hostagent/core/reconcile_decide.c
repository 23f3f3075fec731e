/* The decisions of reconcile: facts in, next step out; and what to say about it. */
#include "reconcile_internal.h"

#include <string.h>

const char *action_name(action_kind kind)
{
	static const char *const names[ACTION_COUNT] = {"none", "image", "fetch", "unpack", "create",
	    "record", "start", "stop", "restart", "update", "remove", "clear", "freeze", "thaw"};
	return (unsigned)kind < ACTION_COUNT ? names[kind] : "?";
}

static bool same_text(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

static bool is_alive(const instance *i)
{
	return i->container.running || i->container.engine_restarts_it || i->is_gone;
}

/* What is held still hears no signal: it goes on first. */
static action_kind decide_stop(const instance *i)
{
	return i->container.frozen ? ACTION_THAW : ACTION_STOP;
}

static action_kind decide_retired(const instance *i)
{
	if (i->has_container)
		return is_alive(i) ? decide_stop(i) : ACTION_REMOVE;
	return i->folder ? ACTION_CLEAR : ACTION_NONE;
}

static action_kind decide_package(const instance *i)
{
	if (i->package_sha256[0] == '\0')
		return ACTION_NONE;
	return i->blob ? ACTION_UNPACK : ACTION_FETCH;
}

/* A container of another image, command or environment is replaced; all that takes long is made
 * ready before the old one stops. */
static action_kind decide_replacement(const instance *i)
{
	if (!i->image)
		return ACTION_IMAGE;
	action_kind package = decide_package(i);
	if (package != ACTION_NONE)
		return package;
	return is_alive(i) ? decide_stop(i) : ACTION_REMOVE;
}

static action_kind decide_new(const instance *i)
{
	if (!i->image)
		return ACTION_IMAGE;
	action_kind package = decide_package(i);
	return package != ACTION_NONE ? package : ACTION_CREATE;
}

/* Bound to as many processors as it needs, of those that are there; or, not bound, to all. */
static bool has_other_processors(const instance *i)
{
	const cpus *has = &i->container.processors;
	if (cpus_count(i->online) == 0)
		return false;
	if (!i->want->spec.cpu_pinned)
		return cpus_count(has) > 0 && !cpus_equal(has, i->online);
	return cpus_count(has) != cpus_needed(i->want->spec.cpu_milli, i->online) ||
	       !cpus_within(has, i->online);
}

/* A limit that the kernel lacks reads as 0, and asking again would not help. */
static bool has_other_limits(const instance *i)
{
	const sot_instance_spec *spec = &i->want->spec;
	const container_facts *has = &i->container;
	return has->memory_bytes != spec->memory_bytes || has->cpu_milli != spec->cpu_milli ||
	       (has->pids_max != 0 && has->pids_max != plan_pids_max(spec)) ||
	       (has->io_weight != 0 && spec->io_weight != 0 && has->io_weight != spec->io_weight) ||
	       has_other_processors(i);
}

static action_kind decide_running(const instance *i)
{
	if (i->is_gone) /* a start would do nothing: the Engine must be told to stop it first */
		return i->is_ghost ? ACTION_RESTART : ACTION_NONE;
	if (!is_alive(i))
		return ACTION_START;
	/* One that waits for the Engine's next try would take the new record by itself, but only after
	 * a pause of up to a minute. */
	return i->is_older ? ACTION_RESTART : ACTION_NONE;
}

/* What it would be restarted for waits until it is let go. */
static action_kind decide_frozen(const instance *i)
{
	if (i->container.frozen)
		return ACTION_NONE;
	action_kind first = decide_running(i);
	return first == ACTION_NONE && i->container.running ? ACTION_FREEZE : first;
}

/* While its VLAN was never seen, a process that runs is left as it is. */
static bool has_other_files(const instance *i)
{
	if (!i->record_wanted)
		return !is_alive(i);
	return !same_text(i->record, i->record_wanted) || !same_text(i->resolv, i->resolv_wanted);
}

/* What is wanted of it, unless this host holds it: then it runs no further. */
static sot_desired_state shall_be(const instance *i)
{
	if (i->want->spec.desired != SOT_DESIRED_STATE_RUNNING || i->hold == HOLD_NONE)
		return i->want->spec.desired;
	return i->hold == HOLD_FREEZE ? SOT_DESIRED_STATE_FROZEN : SOT_DESIRED_STATE_STOPPED;
}

action_kind instance_decide(const instance *i)
{
	sot_desired_state shall = shall_be(i);
	if (shall == SOT_DESIRED_STATE_RETIRED)
		return decide_retired(i);
	if (!i->has_container)
		return decide_new(i);
	if (strcmp(i->container.fingerprint, i->fingerprint) != 0)
		return decide_replacement(i);
	if (shall == SOT_DESIRED_STATE_STOPPED && is_alive(i))
		return decide_stop(i);
	if (has_other_limits(i))
		return ACTION_UPDATE;
	action_kind package = decide_package(i);
	if (package != ACTION_NONE)
		return package;
	if (has_other_files(i))
		return ACTION_RECORD;
	if (shall == SOT_DESIRED_STATE_FROZEN)
		return decide_frozen(i);
	if (shall != SOT_DESIRED_STATE_RUNNING)
		return ACTION_NONE;
	if (i->container.frozen)
		return ACTION_THAW;
	action_kind step = decide_running(i);
	bool is_sick = step == ACTION_NONE && i->container.running &&
	               health_asks_restart(&i->health, &i->want->spec.health);
	return is_sick ? ACTION_RESTART : step;
}

static bool has_failed(const instance *i)
{
	return i->error[0] || *instance_held_error(i);
}

static sot_observed_state observed_without_container(const instance *i)
{
	if (i->want->spec.desired == SOT_DESIRED_STATE_RETIRED && !i->folder && i->observed)
		return SOT_OBSERVED_STATE_RETIRED;
	if (i->in_flight != ACTION_NONE)
		return SOT_OBSERVED_STATE_PREPARING;
	return has_failed(i) ? SOT_OBSERVED_STATE_FAILED : SOT_OBSERVED_STATE_PENDING;
}

static bool shall_run(const instance *i)
{
	return shall_be(i) == SOT_DESIRED_STATE_RUNNING || shall_be(i) == SOT_DESIRED_STATE_FROZEN;
}

static sot_observed_state observed_state(const instance *i)
{
	if (!i->has_container)
		return observed_without_container(i);
	if (i->crashes.is_loop && shall_run(i))
		return SOT_OBSERVED_STATE_FAILED; /* running now and then is not running */
	if (i->container.running)
		return i->container.frozen ? SOT_OBSERVED_STATE_FROZEN : SOT_OBSERVED_STATE_RUNNING;
	if (i->in_flight == ACTION_START || i->in_flight == ACTION_RESTART)
		return SOT_OBSERVED_STATE_STARTING;
	if (!shall_run(i))
		return SOT_OBSERVED_STATE_STOPPED;
	if (has_failed(i))
		return SOT_OBSERVED_STATE_FAILED;
	if (!i->container.ever_started)
		return SOT_OBSERVED_STATE_STARTING;
	return SOT_OBSERVED_STATE_EXITED;
}

static const char *status_error(const instance *i)
{
	if (i->error[0])
		return i->error;
	if (*instance_held_error(i))
		return instance_held_error(i);
	if (i->hold != HOLD_NONE)
		return i->hold_why;
	if (i->crashes.is_loop)
		return i->crashes.text;
	if (i->has_container && !i->container.running && shall_run(i))
		return i->container.exit_text;
	return i->health.state == SOT_HEALTH_HEALTHY ? "" : i->health_error;
}

/* A running process counts as the new spec's only once nothing is left to do for it. */
static uint64_t status_generation(const instance *i)
{
	bool runs = i->has_container && i->container.running;
	if (!runs || (i->observed && instance_decide(i) == ACTION_NONE))
		return i->want->spec.generation;
	return i->carried_generation;
}

sot_instance_status instance_status(const instance *i)
{
	const sot_instance_spec *spec = &i->want->spec;
	bool runs = i->has_container && i->container.running;
	bool is_used = runs && i->used_record;
	const char *carried = is_used ? i->used_record : i->record;
	bool up_to_date =
	    carried && i->record_wanted &&
	    !(is_used ? i->is_older : plan_record_needs_restart(carried, i->record_wanted));
	bool is_taken = i->claim == CLAIM_TAKEN;
	return (sot_instance_status){
	    .instance_id = spec->instance_id,
	    .generation = status_generation(i),
	    .restart_seq = plan_record_restart_seq(carried),
	    .observed = observed_state(i),
	    .health = instance_health_state(i),
	    .version = up_to_date ? spec->version : plan_record_version(carried),
	    .container_id = sot_str_c(i->has_container ? i->container.id : ""),
	    .restarts = i->crashes.restarts,
	    .error = sot_str_c(status_error(i)),
	    .started_unix_ms = runs ? i->container.started_unix_ms : 0,
	    .conflict_address = is_taken ? i->conflict_address : (sot_ip){0},
	    .conflict_mac = is_taken ? i->conflict_mac : (sot_mac){{0}},
	    .elsewhere_address = i->claim == CLAIM_ELSEWHERE ? i->conflict_address : (sot_ip){0},
	};
}
