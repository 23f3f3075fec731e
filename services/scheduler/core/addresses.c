/* The conversation with ipam: what each instance needs of it, gathered into few requests.
 *
 * A need is a fact of memory that is derived again at take-over from the instance's row, so nothing
 * here is stored. Requests are idempotent (owner, nic, generation); one that was not answered is
 * sent anew after a while. An instance is named in one open request at most.
 *
 * What ipam gives to an owner that nobody will ever tell of, or that has given its address back, is
 * lost (docs/adr/0019). So each request says which ones before it are closed: a copy of those that
 * comes late gets nothing. And a leader tells ipam of its epoch before it asks for instances that
 * no row tells of: what earlier leaders asked for and did not commit goes back then, and nothing
 * that they asked can be carried out any more.
 */
#include "parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REFS_MAX 2048  /* instances of one request; each may hold two addresses */
#define EARLY_PART 512 /* instances whose addresses are asked for while others are still placed */

static asked *asked_new(address_need need, const app *a)
{
	asked *q = sot_alloc(sizeof(*q));

	sot_list_init(&q->all);
	q->need = need;
	q->app_id = a->row.id;
	return q;
}

static void put_asked(asked *q, instance *i)
{
	*VECTOR_PUSH(q->instances, q->instance_count, q->instance_cap) = i->row.id;
	i->asked = true;
}

void asked_free(asked *q)
{
	sot_list_remove(&q->all);
	free(q->instances);
	free(q);
}

void address_need_set(controller *c, instance *i, address_need need)
{
	i->need = need;
	if (need != ADDRESS_NOTHING && sot_list_empty(&i->app->asking))
		sot_list_push(&c->asking, &i->app->asking);
}

uint64_t addresses_last_closed(const controller *c)
{
	uint64_t first_open = c->next_request_id;

	if (!sot_list_empty(&c->open_acquires))
		first_open = SOT_CONTAINER(c->open_acquires.next, asked, all)->request_id;
	return first_open - 1;
}

/* ---- frames ---- */

/* Who runs with IPv4 alone stays so when its VLAN gets an IPv6 subnet: another address would mean a
 * restart that nobody asked for. */
static enum sot_ip_families families_of(const instance *i)
{
	if (sot_ip_is_none(i->row.v4.address))
		return SOT_IP_FAMILIES_AVAILABLE;
	return sot_ip_is_none(instance_v6(i)->address) ? SOT_IP_FAMILIES_V4 : SOT_IP_FAMILIES_BOTH;
}

/* following: as many requests go out behind this one at once. */
static void frame_wants(controller *c, const asked *q, const char *actor, sot_uuid operation_id,
    size_t following, sot_buf *frame)
{
	struct sot_address_want *wants = sot_alloc_array(q->instance_count, sizeof(*wants));
	struct sot_addresses_acquire m = {.request_id = q->request_id,
	    .actor = sot_str_c(actor),
	    .operation_id = operation_id,
	    .wants = wants,
	    .wants_count = q->instance_count,
	    .epoch = c->config.epoch,
	    .closed = addresses_last_closed(c),
	    .following = following};
	sot_err err = {0};

	for (size_t k = 0; k < q->instance_count; k++) {
		const instance *i = model_find_instance(c, q->instances[k]);
		wants[k] = (struct sot_address_want){
		    .owner = i->row.id, .vlan = sot_str_c(i->row.make->vlan), .families = families_of(i)};
	}
	if (sot_addresses_acquire_encode(&m, frame, &err) != SOT_OK)
		sot_buf_reset(frame);
	free(wants);
}

static size_t add_ref(struct sot_address_ref *refs, size_t n, const instance *i,
    const held_address *held, bool with_host)
{
	if (sot_ip_is_none(held->address))
		return n;
	refs[n] = (struct sot_address_ref){
	    .owner = i->row.id, .address = held->address, .generation = held->generation};
	if (with_host)
		refs[n].host = model_host_id(i->host);
	return n + 1;
}

static void frame_refs(
    controller *c, const asked *q, const char *actor, sot_uuid operation_id, sot_buf *frame)
{
	struct sot_address_ref *refs = sot_alloc_array(2 * q->instance_count, sizeof(*refs));
	bool binds = q->need == ADDRESS_BIND;
	size_t n = 0;
	sot_err err = {0};
	sot_code code;

	for (size_t k = 0; k < q->instance_count; k++) {
		const instance *i = model_find_instance(c, q->instances[k]);
		n = add_ref(refs, n, i, &i->row.v4, binds);
		n = add_ref(refs, n, i, instance_v6(i), binds);
	}
	if (binds) {
		struct sot_addresses_bind m = {q->request_id, sot_str_c(actor), operation_id, refs, n};
		code = sot_addresses_bind_encode(&m, frame, &err);
	} else {
		struct sot_addresses_release m = {q->request_id, sot_str_c(actor), operation_id, refs, n,
		    c->config.epoch, addresses_last_closed(c)};
		code = sot_addresses_release_encode(&m, frame, &err);
	}
	if (code != SOT_OK)
		sot_buf_reset(frame);
	free(refs);
}

static void frame_conflicts(
    controller *c, const asked *q, const char *actor, sot_uuid operation_id, sot_buf *frame)
{
	struct sot_address_conflict *list = sot_alloc_array(q->instance_count, sizeof(*list));
	struct sot_addresses_conflict m = {
	    q->request_id, sot_str_c(actor), operation_id, list, q->instance_count};
	sot_err err = {0};

	for (size_t k = 0; k < q->instance_count; k++) {
		const instance *i = model_find_instance(c, q->instances[k]);
		const errand *e = errand_read(i);
		const held_address *held =
		    sot_ip_eq(e->conflict_address, instance_v6(i)->address) ? instance_v6(i) : &i->row.v4;
		list[k] = (struct sot_address_conflict){.owner = i->row.id,
		    .address = e->conflict_address,
		    .generation = held->generation,
		    .host = model_host_id(i->host),
		    .mac = e->conflict_mac};
	}
	if (sot_addresses_conflict_encode(&m, frame, &err) != SOT_OK)
		sot_buf_reset(frame);
	free(list);
}

/* ---- asking ---- */

/* What goes out before the commit: asks about instances that no row tells of. */
static controller_effect *say_early(controller *c)
{
	if (!c->early)
		c->early = sot_alloc(sizeof(*c->early));
	controller_effect *e =
	    VECTOR_PUSH(c->early->effects, c->early->effect_count, c->early->effect_cap);
	e->kind = EFFECT_IPAM;
	model_text_init(&e->frame);
	return e;
}

static void note_acquire(controller *c, asked *q)
{
	sot_list_push(&c->open_acquires, &q->all);
	for (size_t k = 0; k < q->instance_count; k++) {
		instance *i = model_find_instance(c, q->instances[k]);
		if (i)
			errand_of(i)->acquire = q->request_id;
	}
}

/* A copy of what gave it an address may still be read: while a request before that is open, the
 * mark of a release would not reach it. */
static bool waits_for_mark(const controller *c, const instance *i, address_need need)
{
	return need == ADDRESS_RELEASE && errand_read(i)->acquire > addresses_last_closed(c);
}

static void frame_asked(controller *c, app *a, const asked *q, size_t following, sot_buf *frame)
{
	const operation *o = app_operation(a);
	const char *actor = o ? o->row.actor : "svc:scheduler";
	sot_uuid operation_id = o ? o->row.id : (sot_uuid){{0}};

	if (q->need == ADDRESS_ACQUIRE)
		frame_wants(c, q, actor, operation_id, following, frame);
	else if (q->need == ADDRESS_CONFLICT)
		frame_conflicts(c, q, actor, operation_id, frame);
	else
		frame_refs(c, q, actor, operation_id, frame);
}

/* What is early is put into a frame when it is known how much of it there is. */
static void send_asked(controller *c, app *a, asked *q, bool early)
{
	controller_effect *e = early ? say_early(c) : say_effect(c, EFFECT_IPAM);

	q->request_id = e->request_id = c->next_request_id++;
	if (q->need == ADDRESS_ACQUIRE)
		note_acquire(c, q);
	if (!early)
		frame_asked(c, a, q, 0, &e->frame);
	sot_map_set(c->asked, &q->request_id, sizeof(q->request_id), q);
	c->stats.ipam_requests++;
}

static void frame_early(controller *c)
{
	for (size_t k = 0; c->early && k < c->early->effect_count; k++) {
		controller_effect *e = &c->early->effects[k];
		const asked *q = sot_map_get(c->asked, &e->request_id, sizeof(e->request_id));
		frame_asked(
		    c, sot_map_get_uuid(c->apps, q->app_id), q, c->early->effect_count - k - 1, &e->frame);
	}
}

/* What an instance holds that is being retired is asked by itself: refused together with others, it
 * may hold an address all the same. */
static void ask_alone(controller *c, app *a, instance *i, bool early)
{
	asked *q = asked_new(ADDRESS_ACQUIRE, a);

	put_asked(q, i);
	send_asked(c, a, q, early);
}

/* One request for all instances of the app that have this need; false when some must wait. early:
 * only for instances that no row tells of yet. */
static bool ask_app(controller *c, app *a, address_need need, bool early)
{
	asked *q = NULL;
	bool all = true;

	for (sot_link *l = a->instances.next; l != &a->instances; l = l->next) {
		instance *i = SOT_CONTAINER(l, instance, of_app);
		if (i->need != need || (early && i->is_written))
			continue;
		if (i->asked || !sot_mono_reached(c->now.mono, a->ask_after[need]) ||
		    waits_for_mark(c, i, need) || (q && q->instance_count == REFS_MAX)) {
			all = false;
			continue;
		}
		if (need == ADDRESS_ACQUIRE && i->row.desired == SOT_DESIRED_STATE_RETIRED) {
			ask_alone(c, a, i, early);
			continue;
		}
		if (!q)
			q = asked_new(need, a);
		put_asked(q, i);
	}
	if (q)
		send_asked(c, a, q, early);
	return all;
}

void addresses_ask(controller *c)
{
	for (sot_link *l = c->asking.next, *next; l != &c->asking; l = next) {
		app *a = SOT_CONTAINER(l, app, asking);
		bool all = true;

		next = l->next;
		for (address_need need = ADDRESS_ACQUIRE; need < ADDRESS_NEEDS; need++)
			all &= ask_app(c, a, need, false);
		if (all)
			sot_list_remove(&a->asking);
	}
}

controller_batch *controller_ask_early(controller *c, controller_now now)
{
	bool more = true;

	c->now = now;
	while (more && !c->early) {
		more = operations_advance_some(c, EARLY_PART);
		for (sot_link *l = c->asking.next; c->fence.stands && l != &c->asking; l = l->next)
			(void)ask_app(c, SOT_CONTAINER(l, app, asking), ADDRESS_ACQUIRE, true);
	}
	frame_early(c);
	return SOT_TAKE(c->early);
}

/* ---- the fence ---- */

void fence_ask(controller *c)
{
	struct sot_addresses_fence m = {.epoch = c->config.epoch};
	sot_err err = {0};

	if (c->fence.stands || c->fence.request_id != 0 ||
	    !sot_mono_reached(c->now.mono, c->fence.ask_after))
		return;
	controller_effect *e = say_effect(c, EFFECT_IPAM);
	m.request_id = e->request_id = c->fence.request_id = c->next_request_id++;
	if (sot_addresses_fence_encode(&m, &e->frame, &err) != SOT_OK)
		sot_buf_reset(&e->frame);
}

/* True when the reply was to fence_ask. An ipam that refuses (it is not sure what the database
 * knows) is asked again. */
static bool fence_answered(controller *c, uint64_t request_id, sot_code code, sot_str frame)
{
	sot_wire_head head = {0};
	sot_err err = {0};

	if (request_id != c->fence.request_id)
		return false;
	c->fence.request_id = 0;
	c->fence.stands = code == SOT_OK && sot_wire_peek(frame, &head, &err) == SOT_OK &&
	                  head.id == SOT_MSG_ADDRESSES_DONE;
	c->fence.ask_after = sot_mono_add_ms(c->now.mono, c->config.ipam_retry_ms);
	return true;
}

/* ---- answers ---- */

/* Exponential with full jitter: after an outage the apps do not all ask at once. */
void address_back_off(controller *c, app *a, address_need need)
{
	uint8_t failures = a->ask_failures[need];
	int64_t most = c->config.ipam_retry_ms << failures;

	if (most < c->config.ipam_retry_max_ms)
		a->ask_failures[need]++;
	else
		most = c->config.ipam_retry_max_ms;
	a->ask_after[need] =
	    sot_mono_add_ms(c->now.mono, 1 + (int64_t)sot_rand_below(&c->rand, (uint64_t)most));
}

void controller_ipam_reply(controller *c, controller_now now, uint64_t request_id, sot_code code,
    sot_str frame, const char *why)
{
	asked *q = sot_map_remove(c->asked, &request_id, sizeof(request_id));

	c->now = now;
	if (vlans_answered(c, request_id, code, frame) || fence_answered(c, request_id, code, frame) ||
	    !q)
		return;
	for (size_t k = 0; k < q->instance_count; k++) {
		instance *i = model_find_instance(c, q->instances[k]);
		if (i)
			i->asked = false;
	}
	app *a = sot_map_get_uuid(c->apps, q->app_id);
	if (a) {
		if (code == SOT_OK) {
			a->ask_failures[q->need] = 0;
			addresses_apply(c, a, q, frame);
		} else {
			address_back_off(c, a, q->need);
			model_put_text(&a->address_text, OPERATION_TEXT_MAX - 1,
			    why ? sot_str_c(why) : SOT_STR("ipam does not answer"));
		}
		if (sot_list_empty(&a->asking))
			sot_list_push(&c->asking, &a->asking);
		wake_app(c, a);
	}
	asked_free(q);
}
