/* ipam as its contract says: idempotent by owner, all or none, releases by generation, cooling; a
 * new epoch's fence takes back what no row tells of, and late copies get nothing. The real one ends
 * leases too; here nothing may need that. */
#include "world.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define COOLING_MS 3000
enum { COPIES = 3, COPY_DELAY_MAX_MS = 40000 }; /* of each request for addresses */

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
		if (!h->held && !h->is_suspect && h->free_after_ms <= sim_now(w->s).ms)
			return h;
	}
	return NULL;
}

static size_t count_free(world *w)
{
	size_t n = 0;

	for (size_t k = 0; k < ADDRESSES; k++)
		n += !w->addresses[k].held && !w->addresses[k].is_suspect &&
		     w->addresses[k].free_after_ms <= sim_now(w->s).ms;
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
	h->bound = false;
	h->generation = ++w->next_holding;
	return h;
}

/* ---- who may ask ---- */

static bool is_late(const world *w, uint64_t request_id, uint64_t epoch)
{
	if (epoch < w->asker.epoch)
		return w->plant != PLANT_NO_FENCE;
	return epoch == w->asker.epoch && request_id <= w->asker.closed && w->plant != PLANT_NO_CLOSED;
}

static void note_closed(world *w, uint64_t epoch, uint64_t closed)
{
	if (epoch < w->asker.epoch || (epoch == w->asker.epoch && closed <= w->asker.closed))
		return;
	w->asker.epoch = epoch;
	w->asker.closed = closed;
}

static void refuse(node *n, uint64_t request_id, sot_refusal code, const char *text)
{
	SOT_AUTO_BUF out = {0};
	sot_err err = {0};
	sot_refused no = {.request_id = request_id, .code = code, .text = sot_str_c(text)};

	sot_buf_init(&out, SOT_WIRE_FRAME_MAX);
	if (sot_refused_encode(&no, &out, &err) == SOT_OK)
		answer(n, &out);
}

typedef struct search {
	sot_uuid id;
	bool found;
} search;

static void look_for(void *self, const instance_row *i)
{
	search *s = self;

	s->found |= i->state != INSTANCE_RETIRED && sot_uuid_eq(s->id, i->id);
}

static void on_fence(node *n, const sot_addresses_fence *m, sot_buf *out)
{
	world *w = n->w;
	sot_err err = {0};
	sot_addresses_done done = {.request_id = m->request_id};

	for (size_t k = 0; m->epoch > w->fence_epoch && k < ADDRESSES; k++) {
		holding *h = &w->addresses[k];
		search s = {.id = h->owner};
		if (!h->held || h->bound)
			continue;
		store_model_each_instance(w->store, look_for, &s);
		if (s.found)
			continue;
		h->held = false;
		h->free_after_ms = sim_now(w->s).ms + COOLING_MS;
		done.changed++;
	}
	if (m->epoch > w->fence_epoch)
		w->fence_epoch = m->epoch;
	note_closed(w, w->fence_epoch, 0);
	if (sot_addresses_done_encode(&done, out, &err) == SOT_OK)
		answer(n, out);
}

/* ---- requests ---- */

static void on_acquire(node *n, const sot_addresses_acquire *m, sot_buf *out)
{
	world *w = n->w;
	sot_err err = {0};
	size_t missing = 0;
	sot_address_grant *grants = sot_alloc_array(m->wants_count + 1, sizeof(*grants));
	sot_subnet_facts facts = {.vlan = SOT_STR("net"), .prefix = 24};
	sot_addresses_granted reply = {m->request_id, &facts, 1, grants, m->wants_count};

	if (is_late(w, m->request_id, m->epoch)) {
		free(grants);
		refuse(n, m->request_id, SOT_REFUSAL_UNAVAILABLE, "late");
		return;
	}
	note_closed(w, m->epoch, m->closed);
	for (size_t k = 0; k < m->wants_count; k++)
		missing += of_owner(w, m->wants[k].owner) == NULL;
	if (missing > count_free(w)) {
		refuse(n, m->request_id, SOT_REFUSAL_BLOCKED, "the VLAN is full");
	} else {
		for (size_t k = 0; k < m->wants_count; k++) {
			const holding *h = hold(w, m->wants[k].owner);
			grants[k] = (sot_address_grant){.owner = h->owner,
			    .address = sot_ip_from_v4(h->address),
			    .generation = h->generation};
		}
		if (sot_addresses_granted_encode(&reply, out, &err) == SOT_OK)
			answer(n, out);
	}
	free(grants);
}

static void on_release(node *n, const sot_addresses_release *m, sot_buf *out)
{
	world *w = n->w;
	sot_err err = {0};
	sot_addresses_done done = {.request_id = m->request_id};

	note_closed(w, m->epoch, m->closed);
	for (size_t k = 0; k < m->refs_count; k++) {
		holding *h = of_owner(w, m->refs[k].owner);
		if (!h || h->generation != m->refs[k].generation) {
			done.skipped++;
			continue;
		}
		h->held = false;
		h->free_after_ms = sim_now(w->s).ms + COOLING_MS;
		done.changed++;
		if (w->plant == PLANT_DOUBLE_RELEASE) {
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

static void on_bind(node *n, const sot_addresses_bind *m, sot_buf *out)
{
	sot_err err = {0};
	sot_addresses_done done = {.request_id = m->request_id};

	for (size_t k = 0; k < m->refs_count; k++) {
		holding *h = of_owner(n->w, m->refs[k].owner);
		if (!h || h->generation != m->refs[k].generation) {
			done.skipped++;
			continue;
		}
		h->bound = true;
		done.changed++;
	}
	if (sot_addresses_done_encode(&done, out, &err) == SOT_OK)
		answer(n, out);
}

void ipam_restart(world *w)
{
	for (int k = 0; k < NODES; k++) {
		sim_link_reset(w->nodes[k].to_ipam);
		sim_link_reset(w->nodes[k].from_ipam);
	}
	w->asker.epoch = w->fence_epoch;
	w->asker.closed = 0;
	w->ipam_lives++;
}

static void read_frame(node *n, sot_str frame)
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
	sot_addresses_fence fence;

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
	} else if (head.id == SOT_MSG_ADDRESSES_FENCE &&
	           sot_addresses_fence_decode(frame, arena, &fence, &err) == SOT_OK) {
		on_fence(n, &fence, &out);
	} else if (head.id == SOT_MSG_ADDRESSES_CONFLICT &&
	           sot_addresses_conflict_decode(frame, arena, &conflict, &err) == SOT_OK) {
		on_conflict(n, &conflict, &out);
	} else if (head.id == SOT_MSG_ADDRESSES_BIND &&
	           sot_addresses_bind_decode(frame, arena, &bind, &err) == SOT_OK) {
		on_bind(n, &bind, &out);
	} else {
		world_fail(n->w, "ipam cannot read message %u: %s", head.id, err.text);
	}
}

/* ---- copies ---- */

/* A copy of a request for addresses that stands in a queue: of a connection that broke, behind a
 * proxy, in a switch. The life of ipam that it goes to stands in front of it. */
static void on_copy(void *self, sot_str data)
{
	node *n = self;
	uint64_t life;

	memcpy(&life, data.p, sizeof(life));
	if (life == n->w->ipam_lives)
		read_frame(n, (sot_str){data.p + sizeof(life), data.n - sizeof(life)});
}

static void keep_copies(node *n, sot_str frame)
{
	world *w = n->w;
	SOT_AUTO_BUF data = {0};
	sot_wire_head head = {0};

	if (!w->faults_on || sot_wire_peek(frame, &head, NULL) != SOT_OK ||
	    head.id != SOT_MSG_ADDRESSES_ACQUIRE)
		return;
	sot_buf_init(&data, SOT_WIRE_FRAME_MAX + sizeof(w->ipam_lives));
	sot_buf_add(&data, &w->ipam_lives, sizeof(w->ipam_lives));
	sot_buf_add_str(&data, frame);
	for (int k = 0; k < COPIES; k++)
		sim_after(
		    w->s, 1 + (int64_t)sim_below(w->s, COPY_DELAY_MAX_MS), on_copy, n, sot_buf_str(&data));
}

void ipam_on_frame(node *n, sot_str frame)
{
	keep_copies(n, frame);
	read_frame(n, frame);
}
