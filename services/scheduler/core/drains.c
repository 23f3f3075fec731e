/* Drain: emptying hosts for maintenance, and the plan of it.
 *
 *   active --drain--> draining --nothing stands there any more--> maintenance --uncordon--> active
 *
 * The operation `host.drain` is a bulk operation: its children are moves, so many at a time, within
 * the budget of each app. Cancelled, it leaves what was moved where it is and the host cordoned.
 * The plan is made on the placer's own state, in a what-if, by the same choice that the moves make.
 */
#include "parts.h"

#include <string.h>

/* ---- budget ---- */

static bool is_available(const instance *i)
{
	return i->row.state == INSTANCE_RUNNING && i->row.health == SOT_HEALTH_HEALTHY;
}

bool app_may_lose(const app *a, const instance *i)
{
	uint32_t away = 0, allowed = a->row.placement.max_unavailable;

	if (!is_available(i))
		return true; /* nothing is lost with it */
	for (const sot_link *l = a->instances.next; l != &a->instances; l = l->next) {
		const instance *other = SOT_CONTAINER(l, instance, of_app);
		away += other->row.desired == SOT_DESIRED_STATE_RUNNING && !is_available(other);
	}
	return away < (allowed > 0 ? allowed : 1);
}

/* ---- what is to move ---- */

bool drain_moves(const instance *i, bool include_pinned)
{
	return i->row.desired != SOT_DESIRED_STATE_RETIRED && !instance_target(i) &&
	       (include_pinned || i->app->row.recovery != SOT_RECOVERY_PINNED);
}

size_t drain_begin(controller *c, operation *o, host *h, bool include_pinned, size_t *ret_stay)
{
	size_t moves = 0;

	h->row.schedulable = false;
	host_set_duty(c, h, DUTY_DRAINING, "it is being drained");
	for (sot_link *l = h->instances.next; l != &h->instances; l = l->next) {
		const instance *i = SOT_CONTAINER(l, instance, of_host);
		if (drain_moves(i, include_pinned)) {
			bulk_add_child(c, o, OPERATION_INSTANCE_MOVE, i->app, i, SOT_STR(""));
			moves++;
		} else {
			*ret_stay += i->row.desired != SOT_DESIRED_STATE_RETIRED && !instance_target(i);
		}
	}
	return moves;
}

/* ---- time ---- */

static void look_deadline(controller *c, operation *o)
{
	int64_t late_ms = c->now.wall.unix_ms - o->row.created_unix_ms - o->row.deadline_s * 1000ll;

	if (o->row.deadline_s > 0 && late_ms >= 0 && !bulk_is_stopped(o))
		bulk_cancel(c, o, "its deadline");
}

operation *drain_of(const controller *c, const host *h)
{
	for (sot_link *l = c->drains.next; l != &c->drains; l = l->next) {
		operation *o = SOT_CONTAINER(l, operation, of_drains);
		if (sot_uuid_eq(o->row.resource_id, h->row.id))
			return o;
	}
	return NULL;
}

void drains_tick(controller *c)
{
	for (sot_link *l = c->drains.next, *next; l != &c->drains; l = next) {
		next = l->next;
		look_deadline(c, SOT_CONTAINER(l, operation, of_drains));
	}
	for (sot_link *l = c->all_hosts.next; l != &c->all_hosts; l = l->next) {
		host *h = SOT_CONTAINER(l, host, all);
		if (h->row.duty != DUTY_DRAINING)
			continue;
		if (host_is_empty(h))
			host_set_duty(c, h, DUTY_MAINTENANCE, "it is empty");
		else if (!drain_of(c, h))
			host_set_reason(c, h, "its drain has ended, and instances stand there still");
	}
}

/* ---- the end ---- */

/* An operator's word that the machine never comes back: what still waited for its proof goes on. */
void host_retire(controller *c, host *h)
{
	while (!sot_list_empty(&h->departures))
		departure_end(c, SOT_CONTAINER(h->departures.next, departure, of_host));
	for (sot_link *l = h->instances.next, *next; l != &h->instances; l = next) {
		instance *i = SOT_CONTAINER(l, instance, of_host);
		next = l->next;
		model_unbook(c, i);
		instance_reclaim(c, i);
	}
	h->row.revoked = true;
	h->has_session = false;
	host_move(c, h, HOST_RETIRED, "retired by an operator");
}
