/* One instance's life: what it shall be, what its agent sees, and the way out. */
#include "parts.h"

#include <stdlib.h>
#include <string.h>

bool instance_is_starting(const instance *i)
{
	return i->row.state == INSTANCE_PLACED || i->row.state == INSTANCE_CREATING ||
	       i->row.state == INSTANCE_STARTING;
}

void instance_set_desired(controller *c, instance *i, enum sot_desired_state desired)
{
	if (i->row.desired == desired)
		return;
	i->row.desired = desired;
	i->row.generation++;
	i->has_failed = false;
	model_spec_changed(c, i);
}

bool instance_is_told(const instance *i)
{
	bool is_settled = i->row.state != INSTANCE_PLACED &&
	                  (i->row.state != INSTANCE_MOVING || instance_target(i)); /* see moves.c */

	return i->host && !i->held &&
	       ((!sot_ip_is_none(i->row.v4.address) && is_settled) ||
	           (i->row.desired == SOT_DESIRED_STATE_RETIRED && i->row.observed_generation > 0));
}

enum sot_desired_state instance_told_desired(const instance *i)
{
	return instance_target(i) ? SOT_DESIRED_STATE_RETIRED : i->row.desired;
}

/*
 *   what is true                                        next
 *   its agent has it                                    the agent reports `retired`
 *   its start was not given a slot, addresses are held  release; it leaves its host, unless
 *                                                       a copy from an earlier stay is there:
 *                                                       then that host's agent has it
 *   addresses were asked for, the answer is open        ipam's answer
 *   placed, nobody knows whether ipam granted           acquire (again), then release
 *   addresses are held                                  release
 *   nothing is left of it                               retired
 */
void instance_reclaim(controller *c, instance *i)
{
	if (i->held && i->has_copy) {
		start_over(c, i);
		i->held = i->arrived = false;
	}
	if (instance_is_told(i)) {
		model_spec_changed(c, i);
	} else if (i->held && i->host && model_holds_address(i)) {
		model_unbook(c, i); /* no agent has heard of it */
		address_need_set(c, i, ADDRESS_RELEASE);
	} else if (i->need == ADDRESS_ACQUIRE) {
		/* answered soon, or asked again */
	} else if (i->host && !model_holds_address(i)) {
		address_need_set(c, i, ADDRESS_ACQUIRE);
	} else if (model_holds_address(i)) {
		address_need_set(c, i, ADDRESS_RELEASE);
	} else {
		instance_move(c, i, INSTANCE_RETIRED);
		model_bury_instance(c, i);
	}
	wake_app(c, i->app);
}

void instance_retire(controller *c, instance *i)
{
	if (i->row.desired == SOT_DESIRED_STATE_RETIRED)
		return;
	model_unreserve(c, i); /* it was moving: it leaves for good */
	instance_set_desired(c, i, SOT_DESIRED_STATE_RETIRED);
	instance_move(c, i, INSTANCE_RETIRING);
	i->row.health = SOT_HEALTH_UNKNOWN;
	instance_reclaim(c, i);
}

static instance_state state_when_running(const struct sot_instance_status *s, instance_state now)
{
	switch (s->observed) {
	case SOT_OBSERVED_STATE_PENDING:
	case SOT_OBSERVED_STATE_PREPARING:
		return INSTANCE_CREATING;
	case SOT_OBSERVED_STATE_STARTING:
	case SOT_OBSERVED_STATE_STOPPED:
	case SOT_OBSERVED_STATE_EXITED:
		return INSTANCE_STARTING;
	case SOT_OBSERVED_STATE_RUNNING:
		return INSTANCE_RUNNING;
	case SOT_OBSERVED_STATE_FAILED:
		return INSTANCE_FAILED;
	case SOT_OBSERVED_STATE_FROZEN:
		return INSTANCE_FROZEN; /* it goes on soon */
	case SOT_OBSERVED_STATE_RETIRED:
		break; /* nobody asked for that; the next status will tell more */
	}
	return now;
}

static instance_state state_when_stopped(const struct sot_instance_status *s)
{
	switch (s->observed) {
	case SOT_OBSERVED_STATE_STOPPED:
		return INSTANCE_STOPPED;
	case SOT_OBSERVED_STATE_FAILED:
		return INSTANCE_FAILED;
	default:
		return INSTANCE_STOPPING;
	}
}

/* Held still, or on the way to it. */
static instance_state state_when_frozen(const struct sot_instance_status *s, instance_state now)
{
	return s->observed == SOT_OBSERVED_STATE_FROZEN ? INSTANCE_FROZEN : state_when_running(s, now);
}

static instance_state state_of(const instance *i, const struct sot_instance_status *s)
{
	if (i->row.desired == SOT_DESIRED_STATE_RETIRED)
		return INSTANCE_RETIRING;
	if (instance_target(i))
		return INSTANCE_MOVING;
	if (i->row.desired == SOT_DESIRED_STATE_STOPPED)
		return state_when_stopped(s);
	if (i->row.desired == SOT_DESIRED_STATE_FROZEN)
		return state_when_frozen(s, i->row.state);
	return state_when_running(s, i->row.state);
}

static void say_health(controller *c, const instance *i, enum sot_health from)
{
	char id[SOT_UUID_TEXT], address[SOT_IP_TEXT];
	sot_buf data;

	model_text_init(&data);
	sot_buf_printf(&data,
	    "{\"id\":\"%s\",\"address\":\"%s\",\"changed\":{\"health\":[\"%s\",\"%s\"]}",
	    sot_uuid_format(i->row.id, id), sot_ip_format(i->row.v4.address, address),
	    health_name(from), health_name(i->row.health));
	if (i->row.health == SOT_HEALTH_UNHEALTHY) {
		sot_buf_add_c(&data, ",\"error\":");
		sot_buf_add_json(&data, sot_str_c(i->row.make->error));
	}
	sot_buf_add_c(&data, "}");
	say_event(c, "instance.health", i->name, i->app, i->host, app_operation(i->app), &data);
}

static void set_health(controller *c, instance *i, enum sot_health health)
{
	enum sot_health from = i->row.health;

	if (from == health)
		return;
	i->row.health = health;
	say_health(c, i, from);
}

static void copy_facts(controller *c, instance *i, const struct sot_instance_status *s)
{
	i->row.observed_generation = s->generation;
	i->row.observed_restart_seq = s->restart_seq;
	INSTANCE_SET(c, i, observed_version, s->version);
	i->row.restarts = s->restarts;
	errand_see(c, i, container_ref_of(s->container_id), s->started_unix_ms);
	instance_set_error(c, i, s->error);
}

static void note_failure(controller *c, instance *i, bool failed)
{
	if (failed && !i->has_failed)
		errand_of(i)->failed_since = c->now.mono;
	i->has_failed = failed;
}

/* Somebody else uses an address that this instance was given: it needs another one. True then. A
 * status about an address that it does not hold (any more) is late. */
static bool note_conflict(controller *c, instance *i, const struct sot_instance_status *s)
{
	sot_ip address = s->conflict_address;
	bool is_copy = sot_ip_is_none(address) && !sot_ip_is_none(s->elsewhere_address);

	/* The copy on a lost host answers after all: that one keeps the address. */
	if (is_copy && instance_may_run_on_lost(c, i))
		address = s->elsewhere_address;
	if (sot_ip_is_none(address) || i->row.desired == SOT_DESIRED_STATE_RETIRED ||
	    (!sot_ip_eq(address, i->row.v4.address) && !sot_ip_eq(address, instance_v6(i)->address)))
		return false;
	if (i->need == ADDRESS_CONFLICT)
		return true;
	errand *e = errand_of(i);
	e->conflict_address = address;
	e->conflict_mac = is_copy ? i->row.mac : s->conflict_mac;
	address_need_set(c, i, ADDRESS_CONFLICT);
	return true;
}

/* Of the order that was given last; an older one's failure says nothing about it. */
static bool is_start_over(const instance *i, const struct sot_instance_status *s)
{
	return instance_carries_out(i) || (i->has_failed && s->generation >= i->row.generation);
}

void instance_apply_status(controller *c, instance *i, const struct sot_instance_status *s)
{
	/* A generation that was never given out is a lie or a restored database; an older one than
	 * was seen before is late. */
	if (s->generation > i->row.generation || s->generation < i->row.observed_generation ||
	    i->row.state < INSTANCE_CREATING) {
		c->stats.statuses_stale++;
		return;
	}
	instance_state to = state_of(i, s);
	/* Somebody had its address, it was or is being taken away, and then that one was gone: what
	 * runs with it is not to be used before it has another. */
	if (to == INSTANCE_RUNNING &&
	    (i->need == ADDRESS_CONFLICT ||
	        (sot_ip_is_none(i->row.v4.address) && sot_ip_is_none(instance_v6(i)->address))))
		to = i->row.state;
	copy_facts(c, i, s);
	note_failure(c, i, s->observed == SOT_OBSERVED_STATE_FAILED);
	set_health(c, i, to == INSTANCE_RUNNING ? s->health : SOT_HEALTH_UNKNOWN);
	if (instance_state_may(i->row.state, to))
		instance_move(c, i, to);
	if (i->start && i->start->flies && is_start_over(i, s))
		start_over(c, i);
	touch_instance(c, i);
	if (!note_conflict(c, i, s) && to == INSTANCE_RUNNING && !i->bound &&
	    i->need == ADDRESS_NOTHING)
		address_need_set(c, i, ADDRESS_BIND);
	if (s->observed == SOT_OBSERVED_STATE_RETIRED && s->generation == i->row.generation) {
		if (to == INSTANCE_RETIRING) {
			model_unbook(c, i);
			instance_reclaim(c, i);
		} else if (to == INSTANCE_MOVING) {
			move_left(c, i);
		}
	}
	wake_app(c, i->app);
}
