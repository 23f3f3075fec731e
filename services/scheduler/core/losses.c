/* A lost host: what it ran is replaced where the app allows it, and when it returns exactly one
 * copy of each survives.
 *
 * A departure is the order to a host to give up its copy of an instance that stands elsewhere now.
 * It is a row until that host's agent has proved it, so no return, however late, starts a copy that
 * nobody counts on:
 *
 *   lost: replaced      departure(stopped | retired) there; the instance stands on another host
 *   back: hello         the departure is in the set that the agent gets before it starts anything
 *   keep_replacement    retired: the copy is removed, then the departure
 *   keep_original       stopped: the copy waits; the replacement moves back to it (moves.c), and
 * the departure ends with its arrival longest_running     the original when its host was not booted
 * since, else the replacement
 *
 * What is being retired waits for the lost host: its address stays taken until that is proved.
 */
#include "parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RETURNS_AT_ONCE 2

/* ---- departures ---- */

departure *departure_find(const host *h, sot_uuid instance_id)
{
	for (sot_link *l = h->departures.next; l != &h->departures; l = l->next) {
		departure *d = SOT_CONTAINER(l, departure, of_host);
		if (sot_uuid_eq(d->row.instance_id, instance_id))
			return d;
	}
	return NULL;
}

static void write_departure(controller *c, const departure_row *row)
{
	controller_batch *b = c->next;

	for (size_t k = 0; k < b->departure_count; k++) {
		if (sot_uuid_eq(b->departures[k].host_id, row->host_id) &&
		    sot_uuid_eq(b->departures[k].instance_id, row->instance_id)) {
			b->departures[k] = *row;
			return;
		}
	}
	*VECTOR_PUSH(b->departures, b->departure_count, b->departure_cap) = *row;
}

static void tell_departures(controller *c, host *h)
{
	h->departures_changed = true;
	if (sot_list_empty(&h->changed))
		sot_list_push(&c->changed_hosts, &h->changed);
	touch_host(c, h);
}

departure *departure_load(controller *c, host *h, const departure_row *row)
{
	departure *d = sot_alloc(sizeof(*d));

	c->departure_count++;
	d->row = *row;
	d->host = h;
	sot_list_push(&h->departures, &d->of_host);
	return d;
}

static void departure_add(controller *c, host *h, instance *i, enum sot_desired_state desired)
{
	departure_row row = {.host_id = h->row.id,
	    .instance_id = i->row.id,
	    .generation = ++i->row.generation,
	    .desired = desired,
	    .created_unix_ms = c->now.wall.unix_ms};

	model_copy_text(row.name, sizeof(row.name), sot_str_c(i->name));
	memcpy(row.app, i->app->row.name, sizeof(row.app));
	departure_load(c, h, &row);
	write_departure(c, &row);
	tell_departures(c, h);
}

static void departure_retire(controller *c, departure *d)
{
	if (d->row.desired == SOT_DESIRED_STATE_RETIRED)
		return;
	d->row.desired = SOT_DESIRED_STATE_RETIRED;
	d->row.generation++;
	write_departure(c, &d->row);
	tell_departures(c, d->host);
}

void departure_end(controller *c, departure *d)
{
	d->row.is_gone = true;
	write_departure(c, &d->row);
	tell_departures(c, d->host);
	departure_free(c, d);
}

void departure_free(controller *c, departure *d)
{
	c->departure_count--;
	sot_list_remove(&d->of_host);
	free(d);
}

void departures_of_gone(controller *c, sot_uuid instance_id)
{
	for (sot_link *l = c->all_hosts.next; c->departure_count > 0 && l != &c->all_hosts;
	     l = l->next) {
		departure *d = departure_find(SOT_CONTAINER(l, host, all), instance_id);
		if (d)
			departure_retire(c, d);
	}
}

void departure_status(controller *c, host *h, const struct sot_instance_status *s)
{
	departure *d = departure_find(h, s->instance_id);
	sot_buf data;

	if (!d || d->row.desired != SOT_DESIRED_STATE_RETIRED ||
	    s->observed != SOT_OBSERVED_STATE_RETIRED || s->generation != d->row.generation)
		return;
	model_text_init(&data);
	sot_buf_add_c(&data, "{\"instance\":");
	sot_buf_add_json(&data, sot_str_c(d->row.name));
	sot_buf_add_c(&data, "}");
	say_event(c, "host.copy_removed", h->row.name, NULL, h, NULL, &data);
	departure_end(c, d);
}

/* ---- loss ---- */

static operation *begin_operation(controller *c, operation_kind kind, const host *h)
{
	char id[SOT_UUID_TEXT];
	operation_row row = {.id = model_new_id(c),
	    .kind = kind,
	    .resource_id = h->row.id,
	    .spec = sot_strdup("{}"),
	    .state = OPERATION_QUEUED,
	    .position = c->next_position++,
	    .created_unix_ms = c->now.wall.unix_ms};

	operation_row_init(&row);
	model_share_text(c, &row.target, TARGET_MAX_BYTES, sot_str_c(h->row.name));
	model_share_text(c, &row.actor, ACTOR_MAX_BYTES, SOT_STR("svc:scheduler"));
	model_put_text(&row.key, KEY_MAX_BYTES, sot_str_c(sot_uuid_format(row.id, id)));
	operation *o = model_add_operation(c, &row);
	operation_audit(c, o, &(sot_request_context){0});
	operation_enqueue(c, o);
	return o;
}

static bool is_replaceable(const instance *i)
{
	return i->app->row.recovery == SOT_RECOVERY_REPLACEABLE;
}

void loss_declare(controller *c, host *h, loss_proof proof, const char *reason)
{
	h->row.lost_by = proof;
	h->has_session = false; /* whatever comes back says hello first */
	host_move(c, h, HOST_HOST_LOST, reason);
	witnesses_forget(h);
	begin_operation(c, OPERATION_HOST_REPLACE, h);
}

host *operation_host(const controller *c, const operation *o)
{
	return model_host(c, o->row.resource_id);
}

void plan_replace(controller *c, operation *o)
{
	host *h = operation_host(c, o);
	size_t pinned = 0;

	for (sot_link *l = h ? h->instances.next : NULL; l && l != &h->instances; l = l->next) {
		const instance *i = SOT_CONTAINER(l, instance, of_host);
		if (i->row.desired == SOT_DESIRED_STATE_RETIRED)
			continue;
		if (!is_replaceable(i) && !o->row.include_pinned) {
			pinned++;
			continue;
		}
		operation_add_step(c, o, i, STEP_REPLACE);
		operation_add_step(c, o, i, STEP_ADDRESS);
		operation_add_step(c, o, i, STEP_HEALTHY);
	}
	if (pinned > 0)
		say_log(c, o, LOG_WARN,
		    "%zu pinned instance%s stay%s on %s and wait%s for it; `sotalia host evacuate %s "
		    "--include-pinned` makes them anew elsewhere, without their files",
		    pinned, pinned == 1 ? "" : "s", pinned == 1 ? "s" : "", h->row.name,
		    pinned == 1 ? "s" : "", h->row.name);
}

/* What its host shall do with its copy when it is back. */
static enum sot_desired_state order_for(const instance *i)
{
	return i->app->row.on_return == SOT_ON_RETURN_KEEP_REPLACEMENT ? SOT_DESIRED_STATE_RETIRED
	                                                               : SOT_DESIRED_STATE_STOPPED;
}

static void replace(controller *c, operation *o, instance *i, host *to)
{
	host *from = i->host;
	const host *reserved =
	    instance_target(i); /* it was on its way there: decided then, and counted then */

	departure_add(c, from, i, order_for(i));
	if (instance_state_may(i->row.state, INSTANCE_MOVING))
		instance_move(c, i, INSTANCE_MOVING);
	i->row.health = SOT_HEALTH_UNKNOWN;
	move_arrive(c, i, to);
	if (to != reserved)
		fleet_note_placed(c, i);
	c->stats.replacements++;
	move_say(c, o, i, from, "its host is lost");
	say_log(c, o, LOG_INFO, "%s: on %s instead of %s, which is lost", i->name, to->row.name,
	    from->row.name);
}

/* NULL when nothing stands in the way of replacing what the host runs. */
static const char *replace_hindrance(const controller *c)
{
	if (c->brake.row.engaged)
		return c->brake.row.reason;
	if (sot_mono_diff_ms(c->now.mono, c->loaded_at) < c->config.grace_ms)
		return "every host to be heard once: this leader is new";
	return NULL;
}

void replace_attempt(controller *c, operation *o, instance *i)
{
	host *lost = operation_host(c, o);
	const char *hindrance = replace_hindrance(c);
	sot_buf why;

	if (lost && i->host == lost && i->arrived)
		start_over(c, i); /* it will not start there */
	if (!lost || i->host != lost || lost->row.state != HOST_HOST_LOST || !instance_may_move(i))
		return;
	if (hindrance) {
		model_put_text(&o->place_text, OPERATION_TEXT_MAX - 1, sot_str_c(hindrance));
		return;
	}
	if (instance_target(i) && host_takes_instances(instance_target(i))) {
		replace(c, o, i, instance_target(i));
		return;
	}
	if (!sot_mono_reached(c->now.mono, o->place_after))
		return;
	model_text_init(&why);
	host *to = fleet_choose_move(c, i, NULL, &why);
	if (to)
		replace(c, o, i, to);
	else
		place_wait_for(c, o, &why);
	sot_buf_clear(&why);
}

bool instance_may_run_on_lost(const controller *c, const instance *i)
{
	for (const sot_link *l = c->all_hosts.next; c->departure_count > 0 && l != &c->all_hosts;
	     l = l->next) {
		const host *h = SOT_CONTAINER(l, host, all);
		if (h->row.state == HOST_HOST_LOST && departure_find(h, i->row.id))
			return true;
	}
	return false;
}

/* ---- return ---- */

static bool keeps_original(const instance *i, bool same_boot)
{
	return i->app->row.on_return == SOT_ON_RETURN_KEEP_ORIGINAL ||
	       (i->app->row.on_return == SOT_ON_RETURN_LONGEST_RUNNING && same_boot);
}

void loss_returned(controller *c, host *h, bool same_boot)
{
	bool any = false;

	for (sot_link *l = h->departures.next; l != &h->departures; l = l->next) {
		departure *d = SOT_CONTAINER(l, departure, of_host);
		const instance *i = model_find_instance(c, d->row.instance_id);
		if (!i || i->row.desired == SOT_DESIRED_STATE_RETIRED || !keeps_original(i, same_boot))
			departure_retire(c, d);
		else if (d->row.desired == SOT_DESIRED_STATE_STOPPED)
			any = true;
	}
	if (any)
		begin_operation(c, OPERATION_HOST_RETURN, h);
}

void plan_return(controller *c, operation *o)
{
	host *h = operation_host(c, o);

	for (sot_link *l = h ? h->departures.next : NULL; l && l != &h->departures; l = l->next) {
		const departure *d = SOT_CONTAINER(l, departure, of_host);
		const instance *i = model_find_instance(c, d->row.instance_id);
		if (!i || d->row.desired != SOT_DESIRED_STATE_STOPPED)
			continue;
		operation_add_step(c, o, i, STEP_RETURN);
		operation_add_step(c, o, i, STEP_LEAVE);
		operation_add_step(c, o, i, STEP_ADDRESS);
		operation_add_step(c, o, i, STEP_HEALTHY);
	}
}

static size_t count_returning(const operation *o)
{
	size_t n = 0;

	for (size_t k = 0; k < o->step_count; k++) {
		operation_state state = o->steps[k]->row.state;
		if (o->steps[k]->row.kind == STEP_RETURN)
			n += state == OPERATION_DONE;
		else if (o->steps[k]->row.kind == STEP_HEALTHY)
			n -= operation_state_is_final(state) && o->steps[k - 3]->row.state == OPERATION_DONE;
	}
	return n;
}

static void go_back(controller *c, operation *o, instance *i, host *h, departure *d)
{
	sot_buf why;

	model_text_init(&why);
	if (!fleet_choose_move(c, i, h, &why)) {
		say_log(c, o, LOG_WARN, "%s: stays on %s: %.*s", i->name, i->host->row.name,
		    SOT_ARG(sot_buf_str(&why)));
		departure_retire(c, d);
	} else {
		say_log(c, o, LOG_INFO, "%s: back from %s to %s, where its files are", i->name,
		    i->host->row.name, h->row.name);
		move_begin(c, i, h);
	}
	sot_buf_clear(&why);
}

void return_attempt(controller *c, operation *o, instance *i)
{
	host *h = operation_host(c, o);
	departure *d = h ? departure_find(h, i->row.id) : NULL;

	if (!d || d->row.desired != SOT_DESIRED_STATE_STOPPED || instance_target(i) || !i->host ||
	    !host_is_up(h) || !instance_may_move(i))
		return;
	if (count_returning(o) >= RETURNS_AT_ONCE || !app_may_lose(i->app, i)) {
		model_put_text(
		    &o->place_text, OPERATION_TEXT_MAX - 1, SOT_STR("others to be healthy first"));
		return;
	}
	if (i->host->row.state != HOST_HOST_LOST) {
		go_back(c, o, i, h, d);
		return;
	}
	const char *hindrance = replace_hindrance(c);
	if (hindrance)
		model_put_text(&o->place_text, OPERATION_TEXT_MAX - 1, sot_str_c(hindrance));
	else
		replace(c, o, i, h);
}

/* Who was not on the way by then stays where it is. */
void return_ended(controller *c, operation *o)
{
	host *h = operation_host(c, o);

	for (size_t k = 0; h && k < o->step_count; k++) {
		const step *s = o->steps[k];
		departure *d = s->row.kind == STEP_RETURN ? departure_find(h, s->row.instance_id) : NULL;
		const instance *i = d ? model_find_instance(c, d->row.instance_id) : NULL;
		if (d && (!i || instance_target(i) != h))
			departure_retire(c, d);
	}
}

/* ---- watching ---- */

void loss_tick(controller *c, host *h)
{
	if (h->row.state != HOST_AGENT_LOST || !witnesses_prove_loss(c, h))
		return;
	char why[HOST_REASON_MAX + 1];
	(void)snprintf(why, sizeof(why), "no heartbeat for %lld s, and silent to %s",
	    (long long)(sot_mono_diff_ms(c->now.mono, h->last_seen) / 1000), h->inquiry->who);
	loss_declare(c, h, LOSS_WITNESSES, why);
}
