/* Moves: an instance leaves its host and starts on another, never on both.
 *
 *   its host's agent has it          the best host, or the named one, is booked as well
 *   moving: told `retired` there     the agent says retired, for this generation
 *   it stands nowhere                the target is its host; the address stays where its VLAN is
 *   creating | placed                as any new instance; placed: another VLAN, another address
 *
 * `moving_to` is in the row, so this goes on after any crash, with or without an operation.
 */
#include "explain.h"
#include "parts.h"
#include "rebalance.h"

#include <stdio.h>
#include <string.h>

bool instance_may_move(const instance *i)
{
	return instance_is_told(i) && i->row.desired != SOT_DESIRED_STATE_RETIRED;
}

void move_begin(controller *c, instance *i, host *target)
{
	model_reserve(c, i, target);
	i->row.generation++;
	i->has_failed = false;
	i->row.health = SOT_HEALTH_UNKNOWN;
	instance_move(c, i, INSTANCE_MOVING);
	model_spec_changed(c, i);
	c->stats.moves++;
}

/* The host that was booked cannot take it any more: another one may, also the one it has left. */
static host *present_target(controller *c, instance *i)
{
	host *booked = instance_target(i);

	if (host_takes_instances(booked))
		return booked;
	model_unreserve(c, i);
	host *other = fleet_choose(c, i);
	return other ? other : booked;
}

/* The addresses go with the instance where their VLAN reaches. Where it does not: they are given
 * back first, then others are asked for. Before ipam has said which VLANs there are: later. */
static void settle_address(controller *c, instance *i)
{
	if (!c->vlans.known)
		return;
	const vlan *held = sot_map_get_c(c->vlans.by_name, i->row.make->vlan);
	const vlan *next = vlans_of_host(c, i->app->row.vlan, i->host);

	if (!next || (held && vlan_reaches(held, i->host))) {
		instance_move(c, i, INSTANCE_CREATING);
		return;
	}
	INSTANCE_SET(c, i, vlan, sot_str_c(next->name));
	instance_move(c, i, INSTANCE_PLACED);
	address_need_set(c, i, model_holds_address(i) ? ADDRESS_RELEASE : ADDRESS_ACQUIRE);
}

void move_arrive(controller *c, instance *i, host *h)
{
	departure *d = departure_find(h, i->row.id);

	i->has_copy = d != NULL;
	model_unreserve(c, i);
	model_unbook(c, i);
	model_book(c, i, h);
	fleet_stands_anew(c, i); /* also where it stood before: see present_target */
	if (d) { /* its copy there is wanted again, by a newer order than the last one */
		if (i->row.generation < d->row.generation)
			i->row.generation = d->row.generation;
		departure_end(c, d);
	}
	i->row.generation++;
	i->row.restarts = 0;
	errand_see(c, i, (container_ref){0}, 0);
	i->bound = i->has_failed = false;
	instance_set_error(c, i, SOT_STR(""));
	settle_address(c, i);
	start_arrived(c, i);
	model_spec_changed(c, i);
	wake_app(c, i->app);
}

void moves_settle(controller *c)
{
	for (sot_link *l = c->all_apps.next; l != &c->all_apps; l = l->next) {
		app *a = SOT_CONTAINER(l, app, all);
		for (sot_link *k = a->instances.next; k != &a->instances; k = k->next) {
			instance *i = SOT_CONTAINER(k, instance, of_app);
			if (i->row.state != INSTANCE_MOVING || instance_target(i))
				continue;
			settle_address(c, i);
			model_spec_changed(c, i);
		}
	}
}

void move_say(
    controller *c, const operation *o, const instance *i, const host *from, const char *why)
{
	sot_buf data;

	model_text_init(&data);
	sot_buf_add_c(&data, "{\"changed\":{\"host\":[");
	sot_buf_add_json(&data, sot_str_c(from->row.name));
	sot_buf_add_c(&data, ",");
	sot_buf_add_json(&data, sot_str_c(i->host->row.name));
	sot_buf_add_c(&data, "]},\"reason\":");
	sot_buf_add_json(&data, sot_str_c(why));
	sot_buf_add_c(&data, "}");
	say_event(c, "instance.host", i->name, i->app, i->host, o, &data);
}

void move_left(controller *c, instance *i)
{
	const host *from = i->host, *reserved = instance_target(i);
	host *to = present_target(c, i);

	move_arrive(c, i, to);
	if (to != reserved)
		fleet_note_placed(c, i);
	move_say(c, app_operation(i->app), i, from, "moved");
}

bool move_is_searching(const operation *o)
{
	return o->row.kind == OPERATION_INSTANCE_MOVE && o->step_count > 0 &&
	       o->steps[0]->row.state == OPERATION_RUNNING;
}

/* Why it goes there, for `sotalia why`. */
static void write_decision(controller *c, const operation *o, instance *i, const host *to)
{
	placer *p = c->fleet.placer;
	uint32_t handle = fleet_app(c, i->app, i->row.make);
	decision d;

	decision_init(&d);
	placer_mark mark = placer_begin(p);
	placer_take(p, i->handle);
	(void)decision_stands(c, &d, i->app, handle, i->name, to->handle);
	placer_rollback(p, mark);
	d.id = errand_of(i)->decision_id = model_new_id(c);
	decision_write(c, &d, o);
	decision_clear(&d);
}

void move_attempt(controller *c, operation *o, instance *i)
{
	host *wanted = o->row.to_host[0] ? model_find_host(c, sot_str_c(o->row.to_host)) : NULL;
	sot_buf why;

	if (instance_target(i) || wanted == i->host || !instance_may_move(i) ||
	    !sot_mono_reached(c->now.mono, o->place_after))
		return;
	if (o->parent && !app_may_lose(i->app, i)) {
		char text[OPERATION_TEXT_MAX];
		(void)snprintf(text, sizeof(text), "others of %s to be healthy: at most %u may be away",
		    i->app->row.name, i->app->row.placement.max_unavailable);
		model_put_text(&o->place_text, OPERATION_TEXT_MAX - 1, sot_str_c(text));
		return;
	}
	model_text_init(&why);
	host *target =
	    rebalance_owns(o) ? rebalance_choose(c, o, i, &why) : fleet_choose_move(c, i, wanted, &why);
	if (target) {
		write_decision(c, o, i, target);
		say_log(c, o, LOG_INFO, "%s: from %s to %s (zone %s, rack %s)", i->name, i->host->row.name,
		    target->row.name, target->row.az, target->row.rack);
		say_log(c, o, LOG_WARN,
		    "%s: its root file system and /data/appdatas do not travel; they stay on %s, below "
		    "instances/.retired",
		    i->name, i->host->row.name);
		move_begin(c, i, target);
	} else if (!o->stays) {
		place_wait_for(c, o, &why);
	}
	sot_buf_clear(&why);
}
