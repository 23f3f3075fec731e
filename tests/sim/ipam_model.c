/* ipam as its contract says: idempotent by owner, all or none, releases by generation, cooling. */
#include "world.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define COOLING_MS 3000

static void answer(node *n, const sot_buf *frame)
{
	sim_link_send(n->from_ipam, sot_buf_str(frame));
}

static holding *of_owner(world *w, sot_uuid owner)
{
	for (size_t k = 0; k < ADDRESSES; k++) {
		if (w->addresses[k].held && sot_uuid_eq(w->addresses[k].owner, owner))
			return &w->addresses[k];
	}
	return NULL;
}

static holding *free_one(world *w)
{
	for (size_t k = 0; k < ADDRESSES; k++) {
		holding *h = &w->addresses[k];
		if (!h->held && h->free_after_ms <= sim_now(w->s).ms)
			return h;
	}
	return NULL;
}

static size_t count_free(world *w)
{
	size_t n = 0;

	for (size_t k = 0; k < ADDRESSES; k++)
		n += !w->addresses[k].held && w->addresses[k].free_after_ms <= sim_now(w->s).ms;
	return n;
}

static holding *hold(world *w, sot_uuid owner)
{
	holding *h = of_owner(w, owner);

	if (h)
		return h;
	h = free_one(w);
	assert(h); /* the caller counted the free ones */
	h->owner = owner;
	h->held = true;
	h->generation = ++w->next_holding;
	return h;
}

static void on_acquire(node *n, const sot_addresses_acquire *m, sot_buf *out)
{
	world *w = n->w;
	sot_err err = {0};
	size_t missing = 0;
	sot_address_grant *grants = sot_alloc_array(m->wants_count + 1, sizeof(*grants));
	sot_subnet_facts facts = {.vlan = SOT_STR("net"), .prefix = 24};
	sot_addresses_granted reply = {m->request_id, &facts, 1, grants, m->wants_count};
	sot_code code;

	for (size_t k = 0; k < m->wants_count; k++)
		missing += of_owner(w, m->wants[k].owner) == NULL;
	if (missing > count_free(w)) {
		sot_refused no = {
		    m->request_id, SOT_REFUSAL_BLOCKED, SOT_STR(""), SOT_STR("the VLAN is full")};
		code = sot_refused_encode(&no, out, &err);
	} else {
		for (size_t k = 0; k < m->wants_count; k++) {
			const holding *h = hold(w, m->wants[k].owner);
			grants[k] = (sot_address_grant){.owner = h->owner,
			    .address = sot_ip_from_v4(h->address),
			    .generation = h->generation};
		}
		code = sot_addresses_granted_encode(&reply, out, &err);
	}
	free(grants);
	if (code == SOT_OK)
		answer(n, out);
}

static void on_release(node *n, const sot_addresses_release *m, sot_buf *out)
{
	world *w = n->w;
	sot_err err = {0};
	sot_addresses_done done = {.request_id = m->request_id};

	for (size_t k = 0; k < m->refs_count; k++) {
		holding *h = of_owner(w, m->refs[k].owner);
		if (!h || h->generation != m->refs[k].generation) {
			done.skipped++;
			continue;
		}
		h->held = false;
		h->free_after_ms = sim_now(w->s).ms + COOLING_MS;
		done.changed++;
		if (w->plant_double_release) { /* the planted fault: the neighbour goes too */
			holding *next = h + 1 < w->addresses + ADDRESSES ? h + 1 : w->addresses;
			next->held = false;
			next->free_after_ms = 0;
		}
	}
	if (sot_addresses_done_encode(&done, out, &err) == SOT_OK)
		answer(n, out);
}

/* One VLAN that reaches every host. */
static void on_vlans_read(node *n, const sot_vlans_read *m, sot_buf *out)
{
	sot_err err = {0};
	sot_vlan_state lan = {.name = SOT_STR("net"), .free_v4 = count_free(n->w)};
	sot_vlans reply = {
	    .request_id = m->request_id, .version = 1, .full = true, .vlans = &lan, .vlans_count = 1};

	if (sot_vlans_encode(&reply, out, &err) == SOT_OK)
		answer(n, out);
}

static void on_conflict(node *n, const sot_addresses_conflict *m, sot_buf *out)
{
	world *w = n->w;
	sot_err err = {0};
	sot_addresses_done done = {.request_id = m->request_id};

	for (size_t k = 0; k < m->conflicts_count; k++) {
		holding *h = of_owner(w, m->conflicts[k].owner);
		if (!h || h->generation != m->conflicts[k].generation) {
			done.skipped++;
			continue;
		}
		h->held = false; /* the stranger goes away after a while */
		h->free_after_ms = sim_now(w->s).ms + COOLING_MS;
		done.changed++;
	}
	if (sot_addresses_done_encode(&done, out, &err) == SOT_OK)
		answer(n, out);
}

void ipam_on_frame(node *n, sot_str frame)
{
	SOT_AUTO(sot_arena) arena = sot_arena_new(4u << 20);
	SOT_AUTO_BUF out = {0};
	sot_wire_head head = {0};
	sot_err err = {0};
	sot_addresses_acquire acquire;
	sot_addresses_release release;
	sot_addresses_bind bind;
	sot_addresses_conflict conflict;
	sot_vlans_read vlans;

	sot_buf_init(&out, SOT_WIRE_FRAME_MAX);
	if (sot_wire_peek(frame, &head, &err) != SOT_OK) {
		world_fail(n->w, "ipam cannot read a request: %s", err.text);
	} else if (head.id == SOT_MSG_ADDRESSES_ACQUIRE &&
	           sot_addresses_acquire_decode(frame, arena, &acquire, &err) == SOT_OK) {
		on_acquire(n, &acquire, &out);
	} else if (head.id == SOT_MSG_ADDRESSES_RELEASE &&
	           sot_addresses_release_decode(frame, arena, &release, &err) == SOT_OK) {
		on_release(n, &release, &out);
	} else if (head.id == SOT_MSG_VLANS_READ &&
	           sot_vlans_read_decode(frame, arena, &vlans, &err) == SOT_OK) {
		on_vlans_read(n, &vlans, &out);
	} else if (head.id == SOT_MSG_ADDRESSES_CONFLICT &&
	           sot_addresses_conflict_decode(frame, arena, &conflict, &err) == SOT_OK) {
		on_conflict(n, &conflict, &out);
	} else if (head.id == SOT_MSG_ADDRESSES_BIND &&
	           sot_addresses_bind_decode(frame, arena, &bind, &err) == SOT_OK) {
		sot_addresses_done done = {bind.request_id, (uint32_t)bind.refs_count, 0};
		if (sot_addresses_done_encode(&done, &out, &err) == SOT_OK)
			answer(n, &out);
	} else {
		world_fail(n->w, "ipam cannot read message %u: %s", head.id, err.text);
	}
}
