/* The conversation with ipam: what each instance needs of it, gathered into few requests.
 *
 * A need is a fact of memory that is derived again at take-over from the instance's row, so nothing
 * here is stored. Requests are idempotent (owner, nic, generation); one that was not answered is
 * sent anew after a while. An instance is named in one open request at most.
 */
#include "parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REFS_MAX 4096

static asked *asked_new(uint64_t id, address_need need, const app *a)
{
	asked *q = sot_alloc(sizeof(*q));

	q->request_id = id;
	q->need = need;
	q->app_id = a->row.id;
	q->instances = sot_alloc_array(REFS_MAX, sizeof(*q->instances));
	return q;
}

void asked_free(asked *q)
{
	free(q->instances);
	free(q);
}

void address_need_set(controller *c, instance *i, address_need need)
{
	i->need = need;
	if (need != ADDRESS_NOTHING && sot_list_empty(&i->app->asking))
		sot_list_push(&c->asking, &i->app->asking);
}

static void frame_wants(controller *c, const app *a, const asked *q, const char *actor,
    sot_uuid operation_id, sot_buf *frame)
{
	struct sot_address_want *wants = sot_alloc_array(q->instance_count, sizeof(*wants));
	struct sot_addresses_acquire m = {.request_id = q->request_id,
	    .actor = sot_str_c(actor),
	    .operation_id = operation_id,
	    .wants = wants,
	    .wants_count = q->instance_count};

	(void)c;
	for (size_t k = 0; k < q->instance_count; k++) {
		wants[k].owner = q->instances[k];
		wants[k].vlan = sot_str_c(a->row.vlan);
	}
	sot_err err = {0};
	if (sot_addresses_acquire_encode(&m, frame, &err) != SOT_OK)
		sot_buf_reset(frame);
	free(wants);
}

static void frame_refs(
    controller *c, const asked *q, const char *actor, sot_uuid operation_id, sot_buf *frame)
{
	struct sot_address_ref *refs = sot_alloc_array(q->instance_count, sizeof(*refs));
	sot_err err = {0};
	sot_code code;

	for (size_t k = 0; k < q->instance_count; k++) {
		const instance *i = model_find_instance(c, q->instances[k]);
		refs[k].owner = q->instances[k];
		refs[k].address = sot_ip_from_v4(i->row.address);
		refs[k].generation = i->row.address_generation;
		if (q->need == ADDRESS_BIND)
			refs[k].host = i->row.host_id;
	}
	if (q->need == ADDRESS_BIND) {
		struct sot_addresses_bind m = {
		    q->request_id, sot_str_c(actor), operation_id, refs, q->instance_count};
		code = sot_addresses_bind_encode(&m, frame, &err);
	} else {
		struct sot_addresses_release m = {
		    q->request_id, sot_str_c(actor), operation_id, refs, q->instance_count};
		code = sot_addresses_release_encode(&m, frame, &err);
	}
	if (code != SOT_OK)
		sot_buf_reset(frame);
	free(refs);
}

static void send_asked(controller *c, app *a, asked *q)
{
	const operation *o = app_operation(a);
	const char *actor = o ? o->row.actor : "svc:scheduler";
	sot_uuid operation_id = o ? o->row.id : (sot_uuid){{0}};
	controller_effect *e = say_effect(c, EFFECT_IPAM);

	e->request_id = q->request_id;
	if (q->need == ADDRESS_ACQUIRE)
		frame_wants(c, a, q, actor, operation_id, &e->frame);
	else
		frame_refs(c, q, actor, operation_id, &e->frame);
	sot_map_set(c->asked, &q->request_id, sizeof(q->request_id), q);
	c->stats.ipam_requests++;
}

/* One request for all instances of the app that have this need; false when some must wait. */
static bool ask_app(controller *c, app *a, address_need need)
{
	asked *q = NULL;
	bool all = true;

	for (sot_link *l = a->instances.next; l != &a->instances; l = l->next) {
		instance *i = SOT_CONTAINER(l, instance, of_app);
		if (i->need != need)
			continue;
		if (i->asked || !sot_mono_reached(c->now.mono, a->ask_after[need]) ||
		    (q && q->instance_count == REFS_MAX)) {
			all = false;
			continue;
		}
		if (!q)
			q = asked_new(c->next_request_id++, need, a);
		q->instances[q->instance_count++] = i->row.id;
		i->asked = true;
	}
	if (q)
		send_asked(c, a, q);
	return all;
}

void addresses_ask(controller *c)
{
	for (sot_link *l = c->asking.next, *next; l != &c->asking; l = next) {
		app *a = SOT_CONTAINER(l, app, asking);
		bool all = true;

		next = l->next;
		for (address_need need = ADDRESS_ACQUIRE; need < ADDRESS_NEEDS; need++)
			all &= ask_app(c, a, need);
		if (all)
			sot_list_remove(&a->asking);
	}
}

/* ---- replies ---- */

static void grant(controller *c, instance *i, const struct sot_address_grant *g,
    const struct sot_subnet_facts *facts)
{
	uint32_t address = sot_ip_v4(g->address);
	const instance *holder = model_address_holder(c, address);

	if (holder && holder != i) {
		/* ipam took it back from `holder` and gave it away before its answer to us came: asked
		 * again, it says the same when the holder's row is clear. */
		i->app->ask_after[ADDRESS_ACQUIRE] = sot_mono_add_ms(c->now.mono, c->config.ipam_retry_ms);
		(void)snprintf(i->app->address_text, sizeof(i->app->address_text),
		    "ipam granted an address that %s still has", holder->row.name);
		return;
	}
	model_set_address(c, i, address);
	i->row.prefix = facts->prefix;
	i->row.gateway = sot_ip_v4(facts->gateway);
	i->row.vlan_id = facts->vlan_id;
	i->row.mac = g->mac;
	i->row.address_generation = g->generation;
	i->need = ADDRESS_NOTHING;
	touch_instance(c, i);
	if (i->row.desired == SOT_DESIRED_STATE_RETIRED) {
		/* Asked before it was retired; no agent ever heard of it. */
		model_unbook(c, i);
		instance_reclaim(c, i);
		return;
	}
	instance_move(c, i, INSTANCE_CREATING);
	model_spec_changed(c, i);
}

static void apply_granted(
    controller *c, app *a, const asked *q, const struct sot_addresses_granted *m)
{
	a->address_text[0] = '\0';
	for (size_t k = 0; k < m->grants_count; k++) {
		instance *i = model_find_instance(c, m->grants[k].owner);
		bool mine = false;
		for (size_t n = 0; n < q->instance_count && !mine; n++)
			mine = sot_uuid_eq(q->instances[n], m->grants[k].owner);
		const struct sot_address_grant *g = &m->grants[k];
		if (i && mine && i->row.address == 0 && i->host && g->address.family == 4 &&
		    g->subnet < m->subnets_count)
			grant(c, i, g, &m->subnets[g->subnet]);
	}
	if (m->grants_count != q->instance_count) /* all or none, by contract: do not spin on less */
		a->ask_after[q->need] = sot_mono_add_ms(c->now.mono, c->config.retry_ms);
}

/* A definite no. Who is being retired holds nothing then; others wait for a better time. */
static void apply_refused(controller *c, app *a, const asked *q, const struct sot_refused *m)
{
	model_copy_text(a->address_text, sizeof(a->address_text), m->text);
	a->ask_after[q->need] = sot_mono_add_ms(c->now.mono, c->config.retry_ms);
	if (m->code == SOT_REFUSAL_UNAVAILABLE || m->code == SOT_REFUSAL_INTERNAL ||
	    q->need != ADDRESS_ACQUIRE)
		return;
	for (size_t k = 0; k < q->instance_count; k++) {
		instance *i = model_find_instance(c, q->instances[k]);
		if (!i || i->row.desired != SOT_DESIRED_STATE_RETIRED || i->row.address != 0)
			continue;
		model_unbook(c, i);
		instance_reclaim(c, i);
	}
}

static void apply_done(controller *c, const asked *q)
{
	for (size_t k = 0; k < q->instance_count; k++) {
		instance *i = model_find_instance(c, q->instances[k]);
		if (!i || i->need != q->need)
			continue;
		i->need = ADDRESS_NOTHING;
		if (q->need == ADDRESS_BIND) {
			i->bound = true;
			continue;
		}
		model_set_address(c, i, 0);
		instance_reclaim(c, i);
	}
}

static void apply_reply(controller *c, app *a, const asked *q, sot_str frame)
{
	sot_wire_head head = {0};
	struct sot_addresses_granted granted = {0};
	struct sot_addresses_done done = {0};
	struct sot_refused refused = {0};
	sot_err err = {0};

	if (sot_wire_peek(frame, &head, &err) != SOT_OK)
		head.id = 0;
	if (head.id == SOT_MSG_ADDRESSES_GRANTED && q->need == ADDRESS_ACQUIRE &&
	    sot_addresses_granted_decode(frame, c->arena, &granted, &err) == SOT_OK) {
		apply_granted(c, a, q, &granted);
	} else if (head.id == SOT_MSG_ADDRESSES_DONE && q->need != ADDRESS_ACQUIRE &&
	           sot_addresses_done_decode(frame, c->arena, &done, &err) == SOT_OK) {
		apply_done(c, q);
	} else if (head.id == SOT_MSG_REFUSED &&
	           sot_refused_decode(frame, c->arena, &refused, &err) == SOT_OK) {
		apply_refused(c, a, q, &refused);
	} else {
		model_copy_text(a->address_text, sizeof(a->address_text),
		    SOT_STR("ipam gave an answer that cannot be read"));
		a->ask_after[q->need] = sot_mono_add_ms(c->now.mono, c->config.retry_ms);
	}
	sot_arena_reset(c->arena);
}

void controller_ipam_reply(controller *c, controller_now now, uint64_t request_id, sot_code code,
    sot_str frame, const char *why)
{
	asked *q = sot_map_remove(c->asked, &request_id, sizeof(request_id));

	c->now = now;
	if (!q)
		return;
	for (size_t k = 0; k < q->instance_count; k++) {
		instance *i = model_find_instance(c, q->instances[k]);
		if (i)
			i->asked = false;
	}
	app *a = sot_map_get_uuid(c->apps, q->app_id);
	if (a) {
		if (code == SOT_OK) {
			apply_reply(c, a, q, frame);
		} else {
			a->ask_after[q->need] = sot_mono_add_ms(now.mono, c->config.ipam_retry_ms);
			model_copy_text(a->address_text, sizeof(a->address_text),
			    why ? sot_str_c(why) : SOT_STR("ipam does not answer"));
		}
		if (sot_list_empty(&a->asking))
			sot_list_push(&c->asking, &a->asking);
		wake_app(c, a);
	}
	asked_free(q);
}
