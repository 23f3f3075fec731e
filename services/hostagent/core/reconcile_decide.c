/* The decisions of reconcile: facts in, next step out; and what to say about it. */
#include "reconcile_internal.h"

#include <string.h>

const char *action_name(action_kind kind)
{
	static const char *const names[ACTION_COUNT] = {"none", "image", "fetch", "unpack", "create",
	    "record", "start", "stop", "restart", "update", "remove", "clear"};
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

static action_kind decide_retired(const instance *i)
{
	if (i->has_container)
		return is_alive(i) ? ACTION_STOP : ACTION_REMOVE;
	return i->folder ? ACTION_CLEAR : ACTION_NONE;
}

static action_kind decide_package(const instance *i)
{
	if (i->package_sha256[0] == '\0' || i->package)
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
	return is_alive(i) ? ACTION_STOP : ACTION_REMOVE;
}

static action_kind decide_new(const instance *i)
{
	if (!i->image)
		return ACTION_IMAGE;
	action_kind package = decide_package(i);
	return package != ACTION_NONE ? package : ACTION_CREATE;
}

static bool has_other_limits(const instance *i)
{
	const sot_instance_spec *spec = &i->want->spec;
	return i->container.memory_bytes != spec->memory_bytes ||
	       i->container.cpu_milli != spec->cpu_milli;
}

static action_kind decide_running(const instance *i)
{
	if (i->is_gone) /* a start would do nothing: the Engine must be told to stop it first */
		return i->is_ghost ? ACTION_RESTART : ACTION_NONE;
	if (!is_alive(i))
		return ACTION_START;
	/* Without a note of what it runs with, a process is left alone. One that waits for the Engine's
	 * next try would take the new record by itself, but only after a pause of up to a minute. */
	bool is_older = i->used_record && i->record_wanted &&
	                plan_record_needs_restart(i->used_record, i->record_wanted);
	return is_older ? ACTION_RESTART : ACTION_NONE;
}

/* While its VLAN was never seen, a process that runs is left as it is. */
static bool has_other_files(const instance *i)
{
	if (!i->record_wanted)
		return !is_alive(i);
	return !same_text(i->record, i->record_wanted) ||
	       (i->resolv_wanted && !same_text(i->resolv, i->resolv_wanted));
}

action_kind instance_decide(const instance *i)
{
	sot_desired_state shall = i->want->spec.desired;
	if (shall == SOT_DESIRED_STATE_RETIRED)
		return decide_retired(i);
	if (!i->has_container)
		return decide_new(i);
	if (strcmp(i->container.fingerprint, i->fingerprint) != 0)
		return decide_replacement(i);
	if (shall == SOT_DESIRED_STATE_STOPPED && is_alive(i))
		return ACTION_STOP;
	if (has_other_limits(i))
		return ACTION_UPDATE;
	action_kind package = decide_package(i);
	if (package != ACTION_NONE)
		return package;
	if (has_other_files(i))
		return ACTION_RECORD;
	return shall == SOT_DESIRED_STATE_RUNNING ? decide_running(i) : ACTION_NONE;
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

static sot_observed_state observed_state(const instance *i)
{
	if (!i->has_container)
		return observed_without_container(i);
	if (i->crashes.is_loop && i->want->spec.desired == SOT_DESIRED_STATE_RUNNING)
		return SOT_OBSERVED_STATE_FAILED; /* running now and then is not running */
	if (i->container.running)
		return SOT_OBSERVED_STATE_RUNNING;
	if (i->in_flight == ACTION_START || i->in_flight == ACTION_RESTART)
		return SOT_OBSERVED_STATE_STARTING;
	if (i->want->spec.desired != SOT_DESIRED_STATE_RUNNING)
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
	if (i->crashes.is_loop)
		return i->crashes.text;
	if (i->has_container && !i->container.running &&
	    i->want->spec.desired == SOT_DESIRED_STATE_RUNNING)
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
	const char *carried = runs && i->used_record ? i->used_record : i->record;
	bool up_to_date =
	    carried && i->record_wanted && !plan_record_needs_restart(carried, i->record_wanted);
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
	};
}
