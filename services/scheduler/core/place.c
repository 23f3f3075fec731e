/* Hosts for the instances of an operation, and which instance leaves: what the placer decides
 * becomes what the model holds. */
#include "parts.h"

#include <stdlib.h>
#include <string.h>

/* Instances whose place step runs. The caller frees the array. */
static instance **waiting(controller *c, const operation *o, size_t *ret_count)
{
	instance **list = sot_alloc_array(o->step_count + 1, sizeof(instance *));
	size_t n = 0;

	for (size_t k = 0; k < o->step_count; k++) {
		const step *s = o->steps[k];
		if (s->row.kind != STEP_PLACE || operation_state_is_final(s->row.state))
			continue;
		instance *i = step_instance(c, s);
		if (i && !i->host && i->row.desired != SOT_DESIRED_STATE_RETIRED)
			list[n++] = i;
	}
	*ret_count = n;
	return list;
}

static void put(controller *c, operation *o, instance *i, host *h)
{
	vlan *v = vlans_of_host(c, o->app->row.vlan, h);

	memcpy(i->row.vlan, v->name, sizeof(i->row.vlan)); /* never NULL: its host was open */
	v->free_v4--;
	model_book(c, i, h);
	instance_move(c, i, INSTANCE_PLACED);
	address_need_set(c, i, ADDRESS_ACQUIRE);
	c->stats.placements++;
	say_log(c, o, LOG_INFO, "%s: placed on %s (zone %s, rack %s), VLAN %s", i->row.name,
	    h->row.name, h->row.az, h->row.rack, v->name);
}

/* `text`: what the operation waits for. */
static void wait_for(controller *c, operation *o, const sot_buf *text)
{
	char before[OPERATION_TEXT_MAX];

	memcpy(before, o->place_text, sizeof(before));
	model_copy_text(o->place_text, sizeof(o->place_text), sot_buf_str(text));
	if (strcmp(before, o->place_text) != 0)
		say_log(c, o, LOG_WARN, "waits for %s", o->place_text);
	o->place_after = sot_mono_add_ms(c->now.mono, c->config.retry_ms);
}

/* False, with the reason in `why`, when no host fits. */
static bool place_one(controller *c, operation *o, instance *i, placer_refusal *why)
{
	placer *p = c->fleet.placer;
	uint32_t app_handle = fleet_app(c, o->app, i);

	if (placer_place(p, app_handle, 1, &i->handle, why) == 0)
		return false;
	/* ipam's count, told again by fleet_app, says what is left; starts are not limited yet. */
	placer_addressed(p, i->handle);
	placer_started(p, i->handle);
	put(c, o, i, fleet_host(c, placer_instance_host(p, i->handle)));
	return true;
}

void operation_place(controller *c, operation *o)
{
	size_t count = 0, placed = 0;
	instance **list = waiting(c, o, &count);
	placer_refusal why = {0};
	sot_buf text;

	model_text_init(&text);
	if (count > 0 && sot_mono_reached(c->now.mono, o->place_after)) {
		bool blocked = vlans_block(c, o->app->row.vlan, &text);
		while (!blocked && placed < count && place_one(c, o, list[placed], &why))
			placed++;
		if (placed < count && !blocked) {
			size_t left = count - placed;
			sot_buf_printf(&text, "a host for %zu instance%s: ", left, left == 1 ? "" : "s");
			placer_refusal_text(&why, &text);
			if (why.count[PLACER_REASON_ADDRESSES] > 0)
				vlans_describe_shortage(c, o->app->row.vlan, &text);
		}
		if (placed < count)
			wait_for(c, o, &text);
	}
	sot_buf_clear(&text);
	free(list);
}

/* Whether the first stands where more of its app stand: in the zone, then rack, then host. */
static bool is_more_crowded(const controller *c, const instance *a, const instance *b)
{
	uint32_t of_a[PLACER_LEVELS], of_b[PLACER_LEVELS];

	placer_crowding(c->fleet.placer, a->app->handle, a->host->handle, of_a);
	placer_crowding(c->fleet.placer, b->app->handle, b->host->handle, of_b);
	for (int level = 0; level < PLACER_LEVELS; level++) {
		if (of_a[level] != of_b[level])
			return of_a[level] > of_b[level];
	}
	return false;
}

instance *place_leaver(controller *c, app *a)
{
	instance *leaver = NULL;

	fleet_sync(c);
	/* From the newest to the oldest: of equals the newest leaves, and before all who stands
	 * nowhere. */
	for (sot_link *l = a->instances.prev; l != &a->instances; l = l->prev) {
		instance *i = SOT_CONTAINER(l, instance, of_app);
		if (i->row.desired == SOT_DESIRED_STATE_RETIRED)
			continue;
		if (!i->host)
			return i;
		if (!leaver || is_more_crowded(c, i, leaver))
			leaver = i;
	}
	return leaver;
}
