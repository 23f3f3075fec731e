/* Hosts for the instances of an operation, and which instance leaves: what the placer decides
 * becomes what the model holds. */
#include "explain.h"
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

static void put(controller *c, operation *o, instance *i, host *h, vlan *v)
{
	INSTANCE_SET(c, i, vlan, sot_str_c(v->name));
	v->free_v4--;
	model_book(c, i, h);
	fleet_note_placed(c, i);
	instance_move(c, i, INSTANCE_PLACED);
	address_need_set(c, i, ADDRESS_ACQUIRE);
	c->stats.placements++;
	say_log(c, o, LOG_INFO, "%s: placed on %s (zone %s, rack %s), VLAN %s", i->name, h->row.name,
	    h->row.az, h->row.rack, v->name);
}

/* ---- what does not fit ---- */

bool placement_is_blocked(const controller *c, const app *a, sot_buf *text, const char **ret_word)
{
	*ret_word = c->vlans.known && !c->vlans.blocked[0] ? "vlan" : "ipam";
	return vlans_block(c, a->row.vlan, text);
}

void placement_refusal(
    controller *c, const app *a, uint32_t handle, size_t count, placer_refusal *why, sot_buf *text)
{
	placer_refuse(c->fleet.placer, handle, why);
	sot_buf_printf(text, "a host for %zu instance%s: ", count, count == 1 ? "" : "s");
	placer_refusal_text(why, text);
	if (why->count[PLACER_REASON_ADDRESSES] > 0)
		vlans_describe_shortage(c, a->row.vlan, text);
}

static uint32_t reasons_of(const placer_refusal *why)
{
	uint32_t bits = 0;

	for (uint32_t r = 0; r < PLACER_REASONS; r++)
		bits |= why->count[r] > 0 ? 1u << r : 0;
	return bits;
}

static void write_refusal(controller *c, operation *o, const refused *r)
{
	decision_row *row = &o->refusal;
	sot_buf data;

	model_text_init(&data);
	refusal_json(c, r, &data);
	free(row->data);
	row->data = sot_strndup(sot_buf_str(&data));
	sot_buf_clear(&data);
	row->id = row->operation_id = o->row.id;
	row->refused = row->open = true;
	row->at_unix_ms = c->now.wall.unix_ms;
	row->next_unix_ms = c->now.wall.unix_ms + c->config.sweep_ms;
	touch_refusal(c, o);
}

/* It is woken when one of these is freed; who waits longest first. */
static void set_lacks(controller *c, operation *o, uint32_t reasons)
{
	o->lacks = reasons;
	if (!reasons)
		sot_list_remove(&o->waits);
	else if (sot_list_empty(&o->waits))
		sot_list_push(&c->waiting, &o->waits);
}

static void say_waits(controller *c, operation *o, sot_str text)
{
	sot_str said = model_cut_text(text, OPERATION_TEXT_MAX - 1);
	bool is_new = !sot_str_eq(said, sot_str_c(o->place_text));

	shared_set_alone(&o->place_text, said);
	if (is_new)
		say_log(c, o, LOG_WARN, "waits for %s", o->place_text);
}

void place_wait_for(controller *c, operation *o, const sot_buf *text)
{
	say_waits(c, o, sot_buf_str(text));
	set_lacks(c, o, UINT32_MAX);
	o->place_after = sot_mono_add_ms(c->now.mono, c->config.retry_ms);
}

static void say_refused(controller *c, const operation *o, const refused *r)
{
	sot_buf data;

	model_text_init(&data);
	sot_buf_printf(&data,
	    "{\"kind\":\"%s\",\"instances\":%zu,\"waitsFor\":", operation_kind_name(o->row.kind),
	    r->count);
	sot_buf_add_json(&data, r->text);
	sot_buf_add_char(&data, '}');
	say_event(c, "placement.refused", o->row.target, o->app, NULL, o, &data);
}

static void say_found(controller *c, const operation *o)
{
	sot_buf data;

	model_text_init(&data);
	sot_buf_printf(&data, "{\"kind\":\"%s\"}", operation_kind_name(o->row.kind));
	say_event(c, "placement.found", o->row.target, o->app, NULL, o, &data);
}

/* Says what it waits for, and looks again when that is freed, or after a while. */
static void wait_for(controller *c, operation *o, const refused *r)
{
	if (!o->refusal.open)
		say_refused(c, o, r);
	say_waits(c, o, r->text);
	write_refusal(c, o, r);
	o->explained = c->now.mono;
	o->place_after = sot_mono_add_ms(c->now.mono, c->config.sweep_ms);
}

/* Nothing fitted for `count` of its instances. The reasons cost a look at all hosts, so they are
 * found out once in a while; a failed try alone is cheap. */
static void refuse(controller *c, operation *o, const instance *i, size_t count)
{
	refused r = {.app = o->app, .handle = PLACER_NONE, .count = count};
	placer_refusal why;
	sot_buf text;

	sot_mono next = sot_mono_add_ms(o->explained, c->config.retry_ms);
	if (o->explained.ms != 0 && o->refusal.open && !sot_mono_reached(c->now.mono, next)) {
		set_lacks(c, o, UINT32_MAX); /* others than before, perhaps */
		o->place_after = next;
		return;
	}
	model_text_init(&text);
	fleet_sync(c);
	if (o->row.kind == OPERATION_INSTANCE_ADOPT) {
		const host *h = model_find_host(c, sot_str_c(o->row.to_host));
		r.handle = fleet_app(c, o->app, i->row.make);
		if (h)
			fleet_describe_obstacles(
			    i, h, placer_obstacles(c->fleet.placer, r.handle, h->handle), &text);
		r.blocked = "host";
		set_lacks(c, o, UINT32_MAX);
	} else if (placement_is_blocked(c, o->app, &text, &r.blocked)) {
		set_lacks(c, o, LACKS_VLAN);
	} else {
		r.handle = fleet_app(c, o->app, i->row.make);
		placement_refusal(c, o->app, r.handle, count, &why, &text);
		preempt_for(c, o, i, &text);
		r.why = &why;
		set_lacks(c, o, reasons_of(&why));
	}
	r.text = sot_buf_str(&text);
	wait_for(c, o, &r);
	sot_buf_clear(&text);
}

void operation_unrefuse(controller *c, operation *o)
{
	set_lacks(c, o, 0);
	if (!o->refusal.open)
		return;
	o->refusal.open = false;
	touch_refusal(c, o);
	say_found(c, o);
}

static uint8_t priority_of(const operation *o)
{
	return o->app ? o->app->row.placement.priority : 0;
}

/* Those of one priority. */
static void wake_placers(controller *c, uint8_t priority)
{
	for (sot_link *l = c->waiting.next; l != &c->waiting; l = l->next) {
		operation *o = SOT_CONTAINER(l, operation, waits);
		if (priority_of(o) != priority || (!c->capacity_changed && (o->lacks & c->freed) == 0))
			continue;
		if (c->capacity_changed)
			o->explained = (sot_mono){0}; /* in new words */
		o->place_after = c->now.mono;
		sot_list_remove(&o->awake); /* woken before, but its turn is now */
		wake_operation(c, o);
	}
}

void placers_wake(controller *c)
{
	bool waits[UINT8_MAX + 1] = {false};

	if (!c->capacity_changed && c->freed == 0)
		return;
	for (sot_link *l = c->waiting.next; l != &c->waiting; l = l->next)
		waits[priority_of(SOT_CONTAINER(l, operation, waits))] = true;
	/* Who is more important is woken first, so that nobody else takes the room. */
	for (int priority = UINT8_MAX; priority >= 0; priority--) {
		if (waits[priority])
			wake_placers(c, (uint8_t)priority);
	}
	c->capacity_changed = false;
	c->freed = 0;
}

/* ---- placing ---- */

/* Its container stands on a host already: there, or nowhere. */
static uint32_t place_where_it_is(
    controller *c, const operation *o, decision *d, const instance *i, uint32_t handle)
{
	const host *h = model_find_host(c, sot_str_c(o->row.to_host));

	if (!h || placer_obstacles(c->fleet.placer, handle, h->handle) != 0)
		return PLACER_NONE;
	return decision_stands(c, d, o->app, handle, i->name, h->handle);
}

/* The decision of the commit that writes the operation first has its id, and no row of its own. */
static sot_uuid decision_id(controller *c, operation *o)
{
	if (o->is_written || o->is_decided)
		return model_new_id(c);
	o->is_decided = true;
	return o->row.id;
}

/* False when no host fits. */
static bool place_one(controller *c, operation *o, decision *d, instance *i)
{
	placer *p = c->fleet.placer;
	uint32_t pool, handle = fleet_app(c, o->app, i->row.make);

	if (o->row.kind == OPERATION_INSTANCE_ADOPT)
		i->handle = place_where_it_is(c, o, d, i, handle);
	else
		i->handle = decision_place(c, d, o->app, handle, i->name);
	if (i->handle == PLACER_NONE)
		return false;
	if (d->count == 1)
		d->id = decision_id(c, o);
	errand_of(i)->decision_id = d->id;
	(void)placer_instance_holds(p, i->handle, &pool);
	vlan *v = sot_map_get_c(c->vlans.by_name, fleet_vlan(c, o->app, pool));
	/* ipam's count, told again by fleet_app, says what is left. */
	placer_addressed(p, i->handle);
	put(c, o, i, fleet_host(c, placer_instance_host(p, i->handle)), v);
	if (decision_is_full(d))
		decision_write(c, d, o);
	return true;
}

void operation_place(controller *c, operation *o)
{
	size_t count = 0, placed = 0;
	instance **list = waiting(c, o, &count);
	const char *word;
	decision d;
	sot_buf text;

	if (count > 0 && sot_mono_reached(c->now.mono, o->place_after)) {
		model_text_init(&text);
		decision_init(&d);
		bool blocked = placement_is_blocked(c, o->app, &text, &word);
		while (!blocked && placed < count && place_one(c, o, &d, list[placed]))
			placed++;
		decision_write(c, &d, o);
		decision_clear(&d);
		sot_buf_clear(&text);
		if (placed < count)
			refuse(c, o, list[placed], count - placed);
		else
			operation_unrefuse(c, o);
	}
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

static unsigned ill(const instance *i)
{
	return (i->row.state != INSTANCE_RUNNING ? 4u : 0) +
	       (i->row.health != SOT_HEALTH_HEALTHY ? 2u : 0) + (i->row.restarts > 0 ? 1u : 0);
}

/* Whether the first leaves before the second, which is newer. */
static bool leaves_before(
    const controller *c, const instance *a, const instance *b, enum sot_scale_pick pick)
{
	if (pick == SOT_SCALE_PICK_NEWEST)
		return false;
	if (pick == SOT_SCALE_PICK_LEAST_HEALTHY && ill(a) != ill(b))
		return ill(a) > ill(b);
	if (pick == SOT_SCALE_PICK_LEAST_HEALTHY && a->row.restarts != b->row.restarts)
		return a->row.restarts > b->row.restarts;
	return is_more_crowded(c, a, b);
}

instance *place_leaver(controller *c, app *a, const group *g, enum sot_scale_pick pick)
{
	instance *leaver = NULL;

	fleet_sync(c);
	/* From the newest to the oldest: of equals the newest leaves, and before all who stands
	 * nowhere. */
	for (sot_link *l = a->instances.prev; l != &a->instances; l = l->prev) {
		instance *i = SOT_CONTAINER(l, instance, of_app);
		if (i->row.desired == SOT_DESIRED_STATE_RETIRED ||
		    (g && !sot_uuid_eq(i->row.make->group_id, g->row.id)))
			continue;
		if (!i->host)
			return i;
		if (!leaver || leaves_before(c, i, leaver, pick))
			leaver = i;
	}
	return leaver;
}
